//! Which format a scraper would like best.

use super::Format;

/// The best of what `Accept` offers; plain text when it offers nothing we speak, since a scraper can do more
/// with an answer than with a refusal.
#[must_use]
pub fn negotiate(accept: &str) -> Format {
    let mut best = (Format::Text, 0.0);
    for range in accept.split(',') {
        let Some(offer) = Offer::parse(range) else { continue };
        // Between equals the first one named wins.
        if let Some(format) = offer.format()
            && offer.quality > best.1
        {
            best = (format, offer.quality);
        }
    }
    best.0
}

/// Whether `Accept-Encoding` allows gzip.
#[must_use]
pub fn accepts_gzip(accept_encoding: &str) -> bool {
    let quality = |name: &str| {
        let mut offers = accept_encoding.split(',').filter_map(Offer::parse);
        offers.find(|offer| offer.name.eq_ignore_ascii_case(name)).map(|offer| offer.quality)
    };
    quality("gzip").or_else(|| quality("*")).is_some_and(|quality| quality > 0.0)
}

/// One element of an `Accept` or `Accept-Encoding` header.
struct Offer<'a> {
    name: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
    quality: f64,
}

impl<'a> Offer<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().filter(|name| !name.is_empty())?;
        let mut parameters: Vec<(&str, &str)> = parts
            .filter_map(|part| part.split_once('='))
            .map(|(key, value)| (key.trim(), value.trim().trim_matches('"')))
            .collect();
        let mut quality = 1.0;
        if let Some(at) = parameters.iter().position(|(key, _)| key.eq_ignore_ascii_case("q")) {
            // A quality that is no number is a refusal, not the highest wish.
            quality = parameters.remove(at).1.parse::<f64>().ok().filter(|q| (0.0..=1.0).contains(q)).unwrap_or(0.0);
        }
        Some(Self { name, parameters, quality })
    }

    fn parameter(&self, name: &str) -> Option<&'a str> {
        self.parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }

    fn format(&self) -> Option<Format> {
        let version = self.parameter("version");
        match self.name.to_ascii_lowercase().as_str() {
            "application/vnd.google.protobuf" => (self.parameter("proto") == Some("io.prometheus.client.MetricFamily")
                && self.parameter("encoding") == Some("delimited"))
            .then_some(Format::Protobuf),
            "application/openmetrics-text" => {
                version.is_none_or(|version| version == "1.0.0").then_some(Format::OpenMetrics)
            }
            "text/plain" => version.is_none_or(|version| version == "0.0.4").then_some(Format::Text),
            "text/*" | "*/*" => Some(Format::Text),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROTOBUF: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";

    #[test]
    fn formats() {
        let table = [
            ("", Format::Text),
            ("*/*", Format::Text),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Format::Text),
            ("application/json", Format::Text),
            ("application/openmetrics-text", Format::OpenMetrics),
            ("application/openmetrics-text; version=1.0.0; charset=utf-8", Format::OpenMetrics),
            ("application/openmetrics-text;version=0.0.1", Format::Text),
            ("Application/OpenMetrics-Text;Version=\"1.0.0\"", Format::OpenMetrics),
            ("application/openmetrics-text;q=0", Format::Text),
            ("application/openmetrics-text;q=high,text/plain;q=0.1", Format::Text),
            ("application/openmetrics-text;q=0.5,text/plain;version=0.0.4;q=0.7", Format::Text),
            (PROTOBUF, Format::Protobuf),
            ("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text", Format::Text),
            ("application/vnd.google.protobuf;proto=other.Family;encoding=delimited", Format::Text),
            (";;,,q=1;=,", Format::Text),
            // Prometheus 2.42.
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                 text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                Format::OpenMetrics,
            ),
            // Prometheus 3 without native histograms.
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                 application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
                 text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                Format::OpenMetrics,
            ),
        ];
        for (accept, format) in table {
            assert_eq!(negotiate(accept), format, "{accept}");
        }
        let prometheus_3_native = format!(
            "{PROTOBUF};q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
        );
        assert_eq!(negotiate(&prometheus_3_native), Format::Protobuf);
    }

    #[test]
    fn compression() {
        let table = [
            ("", false),
            ("gzip", true),
            ("deflate, gzip;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip;q=0, *", false),
            ("*;q=0.1", true),
            ("br, identity", false),
        ];
        for (accept, allowed) in table {
            assert_eq!(accepts_gzip(accept), allowed, "{accept}");
        }
    }
}

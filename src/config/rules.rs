//! The rules of single values. Each tells its problem and gives a stand-in, so that all other rules are judged, too;
//! a stand-in never leaves this room, since one problem refuses the whole configuration.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::problem::{Problem, last, looks_secret, shown};
use super::raw::{AddressText, DurationText, PathText, SizeText};
use super::schema::one_of;
use super::shape::Places;
use crate::listener::listen_address;

/// Collects what is wrong while values are checked.
pub(super) struct Checker<'a> {
    pub(super) problems: &'a mut Vec<Problem>,
    pub(super) places: &'a Places,
    /// Where relative paths start.
    pub(super) folder: Option<PathBuf>,
}

/// Seconds of one day.
pub(super) const DAY: u64 = 24 * 60 * 60;

impl Checker<'_> {
    pub(super) fn wrong(&mut self, key: &str, reason: impl Into<String>, remedy: impl Into<String>) {
        // A list without a place of its own is where its first element is.
        let place = self.places.get(key).or_else(|| self.places.get(&format!("{key}[0]")));
        self.problems.push(Problem {
            key: key.to_owned(),
            place: place.cloned().unwrap_or_default(),
            reason: reason.into(),
            remedy: remedy.into(),
        });
    }

    /// A value that the defaults should have given. Absent only where its type was wrong, which has been told.
    fn expected<T>(&mut self, key: &str, value: Option<T>) -> Option<T> {
        if value.is_none() && !self.problems.iter().any(|problem| key.starts_with(&problem.key)) {
            self.wrong(key, "is missing", "this is a fault of tierwatch's defaults: please report it");
        }
        value
    }

    pub(super) fn duration(
        &mut self,
        key: &str,
        raw: Option<&DurationText>,
        seconds: RangeInclusive<u64>,
        why: &str,
    ) -> Duration {
        let Some(DurationText(text)) = self.expected(key, raw) else { return Duration::ZERO };
        let (least, most) = (Duration::from_secs(*seconds.start()), Duration::from_secs(*seconds.end()));
        match humantime::parse_duration(text.trim()) {
            Ok(duration) if (least..=most).contains(&duration) => duration,
            Ok(duration) => {
                let (low, high) = (duration_text(least), duration_text(most));
                let (way, bound) = if duration < least { ("short", &low) } else { ("long", &high) };
                let because = if why.is_empty() || way == "short" { String::new() } else { format!(": {why}") };
                self.wrong(
                    key,
                    format!("{} is too {way}{because}", shown(text)),
                    format!("give {low} to {high}, e.g. `{}: {bound}`", last(key)),
                );
                Duration::ZERO
            }
            Err(_) if text.trim_start().starts_with('-') => {
                self.wrong(key, format!("{} is negative", shown(text)), "a duration has no sign, e.g. 90s");
                Duration::ZERO
            }
            Err(_) => {
                let remedy = "write number and unit, e.g. 90s, 15m, 1h 30m, 30d";
                self.wrong(key, format!("{} is not a duration", shown(text)), remedy);
                Duration::ZERO
            }
        }
    }

    pub(super) fn size(&mut self, key: &str, raw: Option<&SizeText>, bytes: RangeInclusive<u64>) -> u64 {
        let Some(SizeText(text)) = self.expected(key, raw) else { return 0 };
        match text.parse::<bytesize::ByteSize>() {
            Ok(size) if bytes.contains(&size.as_u64()) => size.as_u64(),
            Ok(_) => {
                let remedy = format!("give {} to {}", size_text(*bytes.start()), size_text(*bytes.end()));
                self.wrong(key, format!("{} is out of range", shown(text)), remedy);
                0
            }
            Err(_) => {
                self.wrong(key, format!("{} is not a size", shown(text)), "write number and unit, e.g. 8 MiB");
                0
            }
        }
    }

    pub(super) fn whole(&mut self, key: &str, raw: Option<i64>, range: RangeInclusive<u32>) -> u32 {
        let Some(number) = self.expected(key, raw) else { return 0 };
        match u32::try_from(number) {
            Ok(whole) if range.contains(&whole) => whole,
            _ => {
                let remedy = format!("give a whole number from {} to {}", range.start(), range.end());
                self.wrong(key, format!("{number} is out of range"), remedy);
                0
            }
        }
    }

    pub(super) fn word<T: Copy>(&mut self, key: &str, raw: Option<&String>, words: &[(&str, T)]) -> Option<T> {
        let text = self.expected(key, raw)?;
        let found = words.iter().find(|(word, _)| word == text).map(|(_, value)| *value);
        if found.is_none() {
            let known = one_of(words.iter().map(|(word, _)| *word));
            self.wrong(key, format!("{} is not known", shown(text)), format!("give {known}"));
        }
        found
    }

    /// An address that is fit to be printed: no credentials, no query.
    pub(super) fn address(&mut self, key: &str, raw: Option<&AddressText>) -> Option<Url> {
        let AddressText(text) = raw?;
        let text = text.trim();
        let scheme = text.split_once("://").map(|(scheme, _)| scheme);
        if scheme.is_none() {
            let host = text.split('/').next().is_some_and(|host| host.contains(['.', ':']) && !host.starts_with('.'));
            let harmless = !looks_secret(text) && !text.contains([' ', '@', '?', '#']);
            let scheme = if key.starts_with("telemetry.") { "http" } else { "https" };
            let remedy = match host && harmless {
                true => format!("write {scheme}://{text}"),
                false => format!("write the whole address, e.g. {scheme}://host.example.com"),
            };
            self.wrong(key, format!("{} has no scheme", address_shown(text)), remedy);
            return None;
        }
        match Url::parse(text) {
            Ok(url) if !matches!(url.scheme(), "http" | "https") => {
                let reason = format!("the scheme {} is not http or https", shown(url.scheme()));
                self.wrong(key, reason, "begin with https:// (or http://)");
                None
            }
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                let remedy = "remove the part before the `@`; a token belongs into a file (gitlab.token_file)";
                self.wrong(key, "the address carries credentials (not shown)", remedy);
                None
            }
            Ok(url) if url.query().is_some() || url.fragment().is_some() => {
                let remedy = "remove everything from the `?` or `#` on";
                self.wrong(key, "the address carries a query or a fragment (not shown)", remedy);
                None
            }
            Ok(url) => Some(url),
            Err(error) => {
                let reason = format!("{} is not an address: {error}", address_shown(text));
                self.wrong(key, reason, "write it like https://gitlab.example.com");
                None
            }
        }
    }

    /// Where to listen, as Prometheus takes it.
    pub(super) fn listen_address(&mut self, key: &str, raw: Option<&String>) -> Option<String> {
        let text = raw?;
        let address = listen_address(text).ok();
        if address.is_none() {
            // The finding itself repeats parts of the text, which may be a secret at the wrong place.
            let reason = format!("{} is not an address to listen on", shown(text));
            self.wrong(key, reason, "write :10472, localhost:10472 or [::1]:10472");
        }
        address
    }

    pub(super) fn path(&mut self, key: &str, raw: Option<&PathText>, holds: &str) -> Option<PathBuf> {
        let PathText(text) = raw?;
        if text.trim().is_empty() {
            self.wrong(key, "is empty", format!("name the file that holds {holds}"));
            return None;
        }
        if looks_secret(text) || text.contains('\n') {
            let reason = "holds what looks like the secret itself (not shown) instead of the name of a file";
            let remedy = format!("put the secret into a file and write `{}: /path/of/that/file`", last(key));
            self.wrong(key, reason, remedy);
            return None;
        }
        Some(match &self.folder {
            Some(folder) => folder.join(text),
            None => PathBuf::from(text),
        })
    }

    /// Texts of a list, each held to `rule` (which gives the remedy), none twice.
    pub(super) fn list(
        &mut self,
        key: &str,
        raw: Option<&Vec<String>>,
        rule: impl Fn(&str) -> Result<(), (String, String)>,
    ) -> Vec<std::sync::Arc<str>> {
        let mut seen: Vec<std::sync::Arc<str>> = Vec::new();
        for (index, text) in raw.into_iter().flatten().enumerate() {
            let key = format!("{key}[{index}]");
            if let Err((reason, remedy)) = rule(text) {
                self.wrong(&key, reason, remedy);
            } else if seen.iter().any(|known| **known == **text) {
                self.wrong(&key, format!("{} is written twice", shown(text)), "remove one of the two");
            } else {
                seen.push(text.as_str().into());
            }
        }
        seen
    }
}

/// Addresses are shown only where they cannot hold credentials.
fn address_shown(text: &str) -> String {
    if text.contains(['@', '?', '#']) { super::problem::HIDDEN.to_owned() } else { shown(text) }
}

/// A duration as the configuration takes it; whole days are clearer than humantime's months.
pub(super) fn duration_text(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if duration.subsec_nanos() == 0 && seconds >= DAY && seconds.is_multiple_of(DAY) {
        return format!("{}d", seconds / DAY);
    }
    humantime::format_duration(duration).to_string()
}

/// A size as the configuration takes it, exact.
pub(super) fn size_text(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let whole = units.iter().find(|(unit, _)| bytes >= *unit && bytes.is_multiple_of(*unit));
    whole.map_or_else(|| format!("{bytes} B"), |(unit, name)| format!("{} {name}", bytes / unit))
}

/// A DNS label: what Kubernetes takes as the name of a namespace and we as the name of a tier.
pub(super) fn is_dns_label(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(plain) && !text.starts_with('-') && !text.ends_with('-')
}

/// Rule of a namespace's name.
pub(super) fn namespace(text: &str) -> Result<(), (String, String)> {
    if is_dns_label(text) {
        return Ok(());
    }
    let remedy = "a namespace is made of a-z, 0-9 and -, begins and ends with a letter or digit, 63 at most";
    Err((format!("{} is not the name of a namespace", shown(text)), remedy.into()))
}

/// Rule of a Secret's name.
pub(super) fn object_name(text: &str) -> Result<(), (String, String)> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    if (1..=253).contains(&text.len()) && text.bytes().all(plain) {
        return Ok(());
    }
    let remedy = "write the name of the Kubernetes object: a-z, 0-9, - and ., 253 at most";
    // Somebody may have written the secret itself.
    Err(("is not the name of a Secret (what is written is not shown)".into(), remedy.into()))
}

/// Rule of a runner's tag.
pub(super) fn tag(text: &str) -> Result<(), (String, String)> {
    match text {
        "" => Err(("the tag is empty".into(), "write the tag as in GitLab, or remove it".into())),
        _ if text.trim() != text => {
            Err((format!("the tag {} begins or ends with a space", shown(text)), "remove the space".into()))
        }
        _ if text.contains(',') => {
            let remedy = "write the tags as a list: [first, second]".into();
            Err((format!("the tag {} has a comma in it", shown(text)), remedy))
        }
        _ if text.len() > 255 => {
            Err((format!("the tag {} is longer than 255", shown(text)), "GitLab has no such tag".into()))
        }
        _ => Ok(()),
    }
}

/// Rule of a GitLab group's full path.
pub(super) fn group(text: &str) -> Result<(), (String, String)> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let part = |part: &str| !part.is_empty() && part.chars().all(plain);
    if text.split('/').all(part) {
        return Ok(());
    }
    let reason = format!("{} is not the full path of a group", shown(text));
    Err((reason, "write the path as in the group's address, e.g. platform/apps".into()))
}

/// Rule of a user's name, as basic authentication can carry it.
pub(super) fn user(text: &str) -> Result<(), (String, String)> {
    if !text.is_empty() && !text.contains(':') {
        return Ok(());
    }
    Err((format!("{} is not the name of a user", shown(text)), "a user's name is not empty and has no `:`".into()))
}

/// Rule of a registry: host, or host:port.
pub(super) fn registry(text: &str) -> Result<(), (String, String)> {
    let (host, port) = text.rsplit_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
    let host = !host.is_empty() && host.len() <= 253 && host.bytes().all(plain);
    if text == "other" {
        return Err(("\"other\" stands for all registries that are not listed".into(), "remove it".into()));
    }
    if host && port.is_none_or(|port| port.parse::<u16>().is_ok()) {
        return Ok(());
    }
    let remedy = "write host or host:port in lower case, without scheme and path, e.g. registry.example.com:5000";
    Err((format!("{} is not a registry", shown(text)), remedy.into()))
}

/// Whether Kubernetes takes the text as the key of a label.
pub(super) fn is_label_key(text: &str) -> bool {
    let (prefix, name) = text.rsplit_once('/').map_or((None, text), |(prefix, name)| (Some(prefix), name));
    let edge = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let name_fits =
        name.len() <= 63 && name.bytes().all(plain) && edge(name.bytes().next()) && edge(name.bytes().last());
    name_fits && prefix.is_none_or(|prefix| prefix.len() <= 253 && prefix.split('.').all(is_dns_label))
}

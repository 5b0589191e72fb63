//! The two text formats.

use std::fmt::{self, Write as _};

use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model as model;

/// Which text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Prometheus text 0.0.4.
    Prometheus,
    /// OpenMetrics text 1.0.0.
    OpenMetrics,
}

/// Writes every family, and OpenMetrics' end mark.
pub(super) fn write(families: &[model::MetricFamily], dialect: Dialect) -> Result<String, fmt::Error> {
    let mut out = String::with_capacity(families.iter().map(|family| 256 + family.metric.len() * 128).sum());
    for family in families {
        head(&mut out, family, dialect)?;
        for metric in &family.metric {
            series(&mut out, &family.name, metric, dialect)?;
        }
    }
    if dialect == Dialect::OpenMetrics {
        out.push_str("# EOF\n");
    }
    Ok(out)
}

fn head(out: &mut String, family: &model::MetricFamily, dialect: Dialect) -> fmt::Result {
    let counter = family.r#type == model::MetricType::Counter as i32;
    // OpenMetrics names a counter's family without the suffix of its samples.
    let name = match dialect {
        Dialect::OpenMetrics if counter => family.name.strip_suffix("_total").unwrap_or(&family.name),
        Dialect::OpenMetrics | Dialect::Prometheus => &family.name,
    };
    let kind = match model::MetricType::try_from(family.r#type) {
        Ok(model::MetricType::Counter) => "counter",
        Ok(model::MetricType::Gauge) => "gauge",
        Ok(model::MetricType::Histogram) => "histogram",
        Ok(model::MetricType::Summary | model::MetricType::Untyped | model::MetricType::GaugeHistogram) | Err(_) => {
            match dialect {
                Dialect::Prometheus => "untyped",
                Dialect::OpenMetrics => "unknown",
            }
        }
    };
    write!(out, "# HELP {name} ")?;
    // A quote is escaped in OpenMetrics only.
    escape(out, &family.help, dialect == Dialect::OpenMetrics);
    writeln!(out, "\n# TYPE {name} {kind}")?;
    if dialect == Dialect::OpenMetrics && !family.unit.is_empty() {
        writeln!(out, "# UNIT {name} {}", family.unit)?;
    }
    Ok(())
}

fn series(out: &mut String, name: &str, metric: &model::Metric, dialect: Dialect) -> fmt::Result {
    if let Some(value) = metric.counter.as_ref().map(|counter| counter.value) {
        sample(out, name, "", &metric.label, None, Number::Any(value))?;
        out.push('\n');
    }
    if let Some(value) = metric.gauge.as_ref().map(|gauge| gauge.value) {
        sample(out, name, "", &metric.label, None, Number::Any(value))?;
        out.push('\n');
    }
    if let Some(histogram) = &metric.histogram {
        for bucket in &histogram.bucket {
            let count = Number::Count(bucket.cumulative_count);
            sample(out, name, "_bucket", &metric.label, Some(bucket.upper_bound), count)?;
            if let Some(exemplar) = bucket.exemplar.as_ref().filter(|_| dialect == Dialect::OpenMetrics) {
                remark(out, exemplar)?;
            }
            out.push('\n');
        }
        sample(out, name, "_sum", &metric.label, None, Number::Any(histogram.sample_sum))?;
        out.push('\n');
        sample(out, name, "_count", &metric.label, None, Number::Count(histogram.sample_count))?;
        out.push('\n');
    }
    Ok(())
}

/// An exemplar, behind its sample: text 0.0.4 has none.
fn remark(out: &mut String, exemplar: &model::Exemplar) -> fmt::Result {
    out.push_str(" # {");
    for (index, label) in exemplar.label.iter().enumerate() {
        let separator = if index > 0 { "," } else { "" };
        write!(out, "{separator}{}=\"", label.name)?;
        escape(out, &label.value, true);
        out.push('"');
    }
    write!(out, "}} {}", exemplar.value)?;
    if let Some(at) = &exemplar.timestamp {
        write!(out, " {}.{:03}", at.seconds, at.nanos / 1_000_000)?;
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Number {
    Any(f64),
    Count(u64),
}

fn sample(
    out: &mut String,
    name: &str,
    suffix: &str,
    labels: &[model::LabelPair],
    bound: Option<f64>,
    value: Number,
) -> fmt::Result {
    out.push_str(name);
    out.push_str(suffix);
    let mut separator = '{';
    for label in labels {
        write!(out, "{separator}{}=\"", label.name)?;
        escape(out, &label.value, true);
        out.push('"');
        separator = ',';
    }
    if let Some(bound) = bound {
        // "1.0" in both dialects, as Prometheus stores it: a change of format must not make new series.
        if bound.is_infinite() {
            write!(out, "{separator}le=\"+Inf\"")?;
        } else {
            write!(out, "{separator}le=\"{bound:?}\"")?;
        }
        separator = ',';
    }
    if separator == ',' {
        out.push('}');
    }
    match value {
        Number::Count(count) => write!(out, " {count}"),
        Number::Any(value) if value == f64::INFINITY => write!(out, " +Inf"),
        Number::Any(value) if value == f64::NEG_INFINITY => write!(out, " -Inf"),
        Number::Any(value) => write!(out, " {value}"),
    }
}

fn escape(out: &mut String, text: &str, quotes: bool) {
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if quotes => out.push_str("\\\""),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family(kind: model::MetricType, name: &str, help: &str, metric: model::Metric) -> model::MetricFamily {
        let (name, help) = (name.to_owned(), help.to_owned());
        model::MetricFamily { name, help, r#type: kind as i32, metric: vec![metric], unit: "seconds".to_owned() }
    }

    fn labelled(value: &str) -> Vec<model::LabelPair> {
        vec![model::LabelPair { name: "tier".to_owned(), value: value.to_owned() }]
    }

    #[test]
    fn a_counter_is_named_after_its_dialect() {
        let counter = model::Counter { value: 7.5, ..Default::default() };
        let metric = model::Metric { label: labelled("a"), counter: Some(counter), ..Default::default() };
        let families = [family(model::MetricType::Counter, "busy_seconds_total", "Time \"spent\"\nin C:\\.", metric)];
        assert_eq!(
            write(&families, Dialect::Prometheus).unwrap(),
            "# HELP busy_seconds_total Time \"spent\"\\nin C:\\\\.\n\
             # TYPE busy_seconds_total counter\n\
             busy_seconds_total{tier=\"a\"} 7.5\n"
        );
        assert_eq!(
            write(&families, Dialect::OpenMetrics).unwrap(),
            "# HELP busy_seconds Time \\\"spent\\\"\\nin C:\\\\.\n\
             # TYPE busy_seconds counter\n\
             # UNIT busy_seconds seconds\n\
             busy_seconds_total{tier=\"a\"} 7.5\n\
             # EOF\n"
        );
    }

    #[test]
    fn buckets_are_cumulative_and_bounds_keep_their_point() {
        let bucket =
            |upper_bound, cumulative_count| model::Bucket { upper_bound, cumulative_count, ..Default::default() };
        let histogram = model::Histogram {
            sample_count: 2,
            sample_sum: 3.25,
            bucket: vec![bucket(0.5, 0), bucket(3.0, 2), bucket(f64::INFINITY, 2)],
            ..Default::default()
        };
        let metric = model::Metric { histogram: Some(histogram), ..Default::default() };
        let families = [family(model::MetricType::Histogram, "wait_seconds", "Wait.", metric)];
        assert_eq!(
            write(&families, Dialect::Prometheus).unwrap(),
            "# HELP wait_seconds Wait.\n# TYPE wait_seconds histogram\n\
             wait_seconds_bucket{le=\"0.5\"} 0\nwait_seconds_bucket{le=\"3.0\"} 2\n\
             wait_seconds_bucket{le=\"+Inf\"} 2\nwait_seconds_sum 3.25\nwait_seconds_count 2\n"
        );
    }

    #[test]
    fn hostile_label_values_stay_inside_their_quotes() {
        let gauge = Some(model::Gauge { value: f64::INFINITY });
        let metric = model::Metric { label: labelled("a\"} 1\nup{x=\"\\"), gauge, ..Default::default() };
        let families = [family(model::MetricType::Gauge, "level", "Level.", metric)];
        let text = write(&families, Dialect::Prometheus).unwrap();
        assert!(text.ends_with("level{tier=\"a\\\"} 1\\nup{x=\\\"\\\\\"} +Inf\n"), "{text}");
    }
}

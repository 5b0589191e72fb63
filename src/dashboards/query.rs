//! PromQL over the catalogue: every selector knows its scrape job, its cluster and, where the family has one, its tier.
//!
//! Replicas that say the same are one: the highest of each label set is taken before anything is summed.

use crate::metrics::catalogue::Row;

/// The window of a graph: Grafana makes it at least four scrapes long.
pub(super) const RATE: &str = "$__rate_interval";

/// The whole time that is looked at.
pub(super) const RANGE: &str = "$__range";

/// Which daemon.
pub(super) const DAEMON: &str = r#"job=~"$job",cluster=~"$cluster""#;

/// A family, or a part of it such as `_bucket`.
fn select(row: &Row, part: &str, matchers: &str) -> String {
    let tier = if has(row, "tier") { r#",tier=~"$tier""# } else { "" };
    let comma = if matchers.is_empty() { "" } else { "," };
    format!("{}{part}{{{DAEMON}{tier}{comma}{matchers}}}", row.name)
}

fn has(row: &Row, label: &str) -> bool {
    row.labels.iter().any(|known| known.name == label)
}

/// What is selected of a family.
pub(super) fn of(row: &Row, matchers: &str) -> String {
    select(row, "", matchers)
}

/// A series that rules write, which have a tier and no scrape job.
pub(super) fn recorded(name: &str, matchers: &str) -> String {
    let comma = if matchers.is_empty() { "" } else { "," };
    format!(r#"{name}{{cluster=~"$cluster",tier=~"$tier"{comma}{matchers}}}"#)
}

/// The highest value for each of these labels.
pub(super) fn highest(row: &Row, by: &[&str], matchers: &str) -> String {
    aggregated("max", by, &of(row, matchers))
}

/// The lowest value for each of these labels.
pub(super) fn lowest(row: &Row, by: &[&str], matchers: &str) -> String {
    aggregated("min", by, &of(row, matchers))
}

/// Values summed to these labels.
pub(super) fn level(row: &Row, by: &[&str], matchers: &str) -> String {
    summed(row, by, &of(row, matchers))
}

/// How often a minute.
pub(super) fn a_minute(row: &Row, by: &[&str], matchers: &str) -> String {
    format!("60 * {}", a_second(row, by, matchers))
}

/// How often a second.
pub(super) fn a_second(row: &Row, by: &[&str], matchers: &str) -> String {
    summed(row, by, &format!("rate({}[{RATE}])", of(row, matchers)))
}

/// How often within the time that is looked at. A pod that follows another, or takes over from it, counts on from zero: over a long time
/// the parts of all are added up.
pub(super) fn during(row: &Row, by: &[&str], matchers: &str) -> String {
    aggregated("sum", by, &format!("increase({}[{RANGE}])", of(row, matchers)))
}

/// A quantile of a histogram, of native buckets where there are any and of classic ones otherwise.
pub(super) fn quantile(q: f64, row: &Row, by: &[&str], window: &str) -> String {
    let native = aggregated("sum", by, &format!("rate({}[{window}])", of(row, "")));
    let by_bucket: Vec<&str> = by.iter().copied().chain(["le"]).collect();
    let classic = aggregated("sum", &by_bucket, &format!("rate({}[{window}])", select(row, "_bucket", "")));
    format!("histogram_quantile({q}, {native})\nor\nhistogram_quantile({q}, {classic})")
}

/// The mean of a histogram.
pub(super) fn mean(row: &Row, by: &[&str]) -> String {
    let rate = |part| aggregated("sum", by, &format!("rate({}[{RATE}])", select(row, part, "")));
    let native = rate("");
    let (sum, count) = (rate("_sum"), rate("_count"));
    format!("histogram_sum({native}) / histogram_count({native})\nor\n{sum} / {count}")
}

/// The buckets of a histogram, for a heatmap.
pub(super) fn buckets(row: &Row) -> String {
    let increase = |part| format!("increase({}[{RATE}])", select(row, part, ""));
    let classic = aggregated("sum", &["le"], &increase("_bucket"));
    format!("{classic}\nor\n(sum({}) unless on () sum({}))", increase(""), increase("_bucket"))
}

fn summed(row: &Row, by: &[&str], expr: &str) -> String {
    let all: Vec<&str> = row.labels.iter().map(|label| label.name).collect();
    let once = aggregated("max", &all, expr);
    if all == by { once } else { aggregated("sum", by, &once) }
}

fn aggregated(how: &str, by: &[&str], expr: &str) -> String {
    if by.is_empty() { format!("{how}({expr})") } else { format!("{how} by ({}) ({expr})", by.join(", ")) }
}

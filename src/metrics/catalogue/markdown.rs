//! The catalogue for people: `print metrics` and `docs/metrics.md` are this text.

use std::fmt::Write as _;

use super::{ALL, Row};

const HEAD: &str = "\
# Metrics

Printed by `tierwatch print metrics` from the catalogue that the daemon itself encodes from; do not edit.

`/metrics` speaks Prometheus text 0.0.4 (the default), OpenMetrics text 1.0.0 and Prometheus protobuf, by `Accept`, gzipped
on request. Histograms carry classic buckets, and native buckets where the format has them (protobuf). Each bucket of a wait
names the last job that fell into it, as an exemplar `job_id`, where the format has them (OpenMetrics, protobuf).

- **Unknown is absent.** A level of which nothing is known has no series; a known zero is `0`.
- **Counters start at 0** for every label set known from the configuration, so that `increase()` sees the first event. They
  start anew with the process.
- **Labels are bounded**: configured names and closed sets. No job, pod, project, node, image or message is ever a label.
- A family that is *stable* changes its name or labels only after notice in the changelog.

";

/// The catalogue as Markdown: one table for a quick look, then a section per family.
#[must_use]
pub fn print() -> String {
    let mut text = HEAD.to_owned();
    text.push_str("| family | type | labels |\n|---|---|---|\n");
    for row in ALL {
        let labels = row.labels.iter().map(|label| label.name).collect::<Vec<_>>().join(", ");
        writeln!(text, "| [`{0}`](#{0}) | {1} | {labels} |", row.name, row.kind.as_str())
            .expect("a string takes any text");
    }
    for row in ALL {
        section(&mut text, row);
    }
    text
}

fn section(text: &mut String, row: &Row) {
    let unit = row.unit().map(|unit| format!(", in {unit}")).unwrap_or_default();
    let (kind, stability) = (row.kind.as_str(), row.stability.as_str());
    write!(text, "\n## `{}`\n\n{}\n\n{kind}{unit}, {stability}\n", row.name, row.help)
        .expect("a string takes any text");
    if !row.labels.is_empty() {
        text.push('\n');
    }
    for label in row.labels {
        writeln!(text, "- `{}`: {}", label.name, label.values.describe()).expect("a string takes any text");
    }
}

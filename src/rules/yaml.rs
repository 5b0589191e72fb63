//! Rules as YAML.

use std::time::Duration;

use yaml_rust2::yaml::Hash;
use yaml_rust2::{Yaml, YamlEmitter};

use super::{Form, Group, Rule};

const HEAD: &str = "\
# Made by `tierwatch print rules` from its configuration: change that and print them again. The limits stand in the
# configuration and are judged by the daemon; a rule adds how long and how urgent.
";

/// Rules as text.
///
/// # Panics
/// Never: a string takes text.
#[must_use]
pub fn text(groups: &[Group], form: Form) -> String {
    let spec = map([("groups", Yaml::Array(groups.iter().map(group).collect()))]);
    let document = match form {
        Form::File => spec,
        Form::Crd => map([
            ("apiVersion", string("monitoring.coreos.com/v1")),
            ("kind", string("PrometheusRule")),
            (
                "metadata",
                map([
                    ("name", string("tierwatch")),
                    ("labels", map([("app.kubernetes.io/name", string("tierwatch"))])),
                ]),
            ),
            ("spec", spec),
        ]),
    };
    let mut body = String::new();
    let mut emitter = YamlEmitter::new(&mut body);
    emitter.multiline_strings(true);
    emitter.dump(&document).expect("a string takes text");
    format!("{HEAD}{}\n", body.trim_start_matches("---\n"))
}

fn group(group: &Group) -> Yaml {
    map([("name", string(group.name)), ("rules", Yaml::Array(group.rules.iter().map(rule).collect()))])
}

fn rule(rule: &Rule) -> Yaml {
    match rule {
        Rule::Record { record, expr } => map([("record", string(record)), ("expr", string(expr))]),
        Rule::Alert { alert, expr, pending, keep_firing_for, labels, annotations } => {
            let mut fields = vec![("alert", string(alert)), ("expr", string(expr)), ("for", span(*pending))];
            if let Some(keep) = keep_firing_for {
                fields.push(("keep_firing_for", span(*keep)));
            }
            fields.push(("labels", strings(labels)));
            fields.push(("annotations", strings(annotations)));
            map(fields)
        }
    }
}

fn map(fields: impl IntoIterator<Item = (&'static str, Yaml)>) -> Yaml {
    Yaml::Hash(fields.into_iter().map(|(key, value)| (string(key), value)).collect::<Hash>())
}

fn strings(fields: &[(&'static str, String)]) -> Yaml {
    map(fields.iter().map(|(key, value)| (*key, string(value))))
}

fn string(text: &str) -> Yaml {
    Yaml::String(text.to_owned())
}

fn span(span: Duration) -> Yaml {
    string(&promql(span))
}

/// A duration as Prometheus writes it, in whole seconds.
pub(super) fn promql(span: Duration) -> String {
    let seconds = span.as_secs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let whole = units.iter().find(|(unit, _)| seconds >= *unit && seconds.is_multiple_of(*unit));
    match whole {
        Some((unit, name)) => format!("{}{name}", seconds / unit),
        None if seconds == 0 => "0m".to_owned(),
        None => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_prometheus_writes_them() {
        let said = [0, 45, 60, 90, 120, 3_600, 86_400, 604_800].map(|seconds| promql(Duration::from_secs(seconds)));
        assert_eq!(said, ["0m", "45s", "1m", "90s", "2m", "1h", "1d", "7d"]);
    }
}

//! C4 and C5: every object is valid, strictly, for each Kubernetes that the chart says it is for.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::helm::{Helm, ci_values};
use crate::support::{parts, say};

/// From the chart's `kubeVersion` to the newest that there is.
const VERSIONS: [&str; 9] = ["1.29", "1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37"];

fn of_kubernetes(object: &Value) -> bool {
    object["apiVersion"].as_str().is_some_and(|version| version != "monitoring.coreos.com/v1")
}

/// What kubernetes-validate says of the objects; nothing when they are all valid.
fn problems(objects: &[Value]) -> String {
    let (python, script) = parts::kubernetes_validate();
    let mut child = Command::new(python)
        .arg(script)
        .args(VERSIONS)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python runs");
    let lines: String = objects.iter().map(|object| format!("{object}\n")).collect();
    // It reads all of them before it says anything.
    child.stdin.take().expect("a pipe").write_all(lines.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.success(), said.is_empty(), "{said}");
    said
}

/// C4.
#[test]
fn objects_are_valid_in_every_version() {
    let mut objects: Vec<Value> = ci_values().iter().flat_map(|(_, values)| Helm::V4.objects(values)).collect();
    objects.retain(of_kubernetes);
    assert_eq!(problems(&objects), "");
    let kinds: std::collections::BTreeSet<_> = objects.iter().filter_map(|object| object["kind"].as_str()).collect();
    say(&format!("chart: {} objects of {} kinds are valid in {VERSIONS:?}", objects.len(), kinds.len()));

    // It would say so.
    let mut wrong = objects.iter().find(|object| object["kind"] == "Deployment").expect("a Deployment").clone();
    wrong["spec"]["template"]["spec"]["containers"][0]["imagePull"] = "Always".into();
    assert_eq!(problems(&[wrong]).lines().count(), VERSIONS.len());
}

//! Helm with the chart of this repository.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::folder::Folder;
use super::parts;

/// What is rendered without a cluster is rendered for this one: a Helm 3 that `go build` made takes 1.20 for granted.
pub(crate) const KUBE_VERSION: &str = "--kube-version=1.36.3";

/// Where releases are installed to, unless a test says otherwise.
pub(crate) const NAMESPACE: &str = "tierwatch";

/// Which Helm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Helm {
    V3,
    V4,
}

impl Helm {
    pub(crate) const BOTH: [Self; 2] = [Self::V3, Self::V4];

    fn program(self) -> PathBuf {
        match self {
            Self::V3 => parts::helm_3(),
            Self::V4 => parts::helm_4(),
        }
    }

    /// Runs it, without a trace in the user's home; what it said, on success and on failure.
    pub(crate) fn run<A: AsRef<std::ffi::OsStr>>(self, args: impl IntoIterator<Item = A>) -> Result<String, String> {
        let home = Folder::new("helm");
        let mut command = Command::new(self.program());
        for place in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
            command.env(place, home.path());
        }
        let output = command.args(args).output().map_err(|e| format!("running helm: {e}"))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(format!("{}{}", text(&output.stdout), text(&output.stderr)))
        }
    }

    /// The objects that the chart becomes with these values (YAML), as text.
    pub(crate) fn template(self, values: &str) -> Result<String, String> {
        let folder = Folder::new("values");
        let file = folder.join("values.yaml");
        std::fs::write(&file, values).map_err(|e| format!("writing {}: {e}", file.display()))?;
        let chart = chart();
        let args =
            ["template", "tierwatch", &text(&chart), KUBE_VERSION, "--namespace", NAMESPACE, "--values", &text(&file)];
        self.run(args)
    }

    /// The same, taken apart.
    pub(crate) fn objects(self, values: &str) -> Vec<Value> {
        let rendered = self.template(values).unwrap_or_else(|why| panic!("{self:?}: {why}\nwith:\n{values}"));
        objects(&rendered)
    }
}

/// The chart's folder.
pub(crate) fn chart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/chart/tierwatch")
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// YAML documents, without the empty ones.
pub(crate) fn objects(text: &str) -> Vec<Value> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).unwrap_or_else(|e| panic!("{e}\nin:\n{text}"));
    documents.into_iter().filter(|document| !document.is_null()).collect()
}

/// The one object of that kind.
pub(crate) fn one<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    let mut found = objects.iter().filter(|object| object["kind"] == kind);
    let first = found.next().unwrap_or_else(|| panic!("no {kind} was rendered"));
    assert!(found.next().is_none(), "more than one {kind} was rendered");
    first
}

/// The configuration that the chart gives the daemon.
pub(crate) fn config(objects: &[Value]) -> String {
    let of_daemon = |object: &&Value| object["kind"] == "ConfigMap" && object["data"]["tierwatch.yaml"].is_string();
    let map = objects.iter().find(of_daemon).expect("the chart renders a configuration");
    map["data"]["tierwatch.yaml"].as_str().unwrap_or_default().to_owned()
}

/// The values that CI renders, by their files' names.
pub(crate) fn ci_values() -> Vec<(String, String)> {
    let entries = std::fs::read_dir(chart().join("ci")).expect("the chart has values for CI");
    let mut values: Vec<_> = entries
        .map(|entry| {
            let path = entry.expect("a folder can be listed").path();
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).expect("a file can be read"))
        })
        .collect();
    values.sort();
    values
}

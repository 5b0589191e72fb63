//! Runs the Go program that reads a GitLab API with GitLab's own client.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use super::parts;

/// What is asked of the reader.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reader {
    /// Endpoints that may answer 401, 403 or 404, by the names of the report: `runners/all` for one who is no admin.
    pub(crate) may_refuse: Vec<&'static str>,
    /// Groups to read, ids or paths; none: the groups of the projects.
    pub(crate) groups: Vec<String>,
    /// Rows per page (default 20); few exercise paging.
    pub(crate) per_page: Option<u32>,
}

impl Reader {
    /// Reads every endpoint; per endpoint the objects as the client understood them, or everything that was wrong.
    pub(crate) async fn read(&self, url: &str, token: &str) -> Result<BTreeMap<String, Vec<Value>>, Vec<String>> {
        let program = parts::gitlab_client();
        let folder = tempfile::tempdir().expect("the temp folder takes a folder");
        let token_file = folder.path().join("token");
        fs::write(&token_file, token).expect("the temp folder takes a file");
        let mut command = std::process::Command::new(program);
        command.args(["-url", url, "-refused", &self.may_refuse.join(","), "-groups", &self.groups.join(",")]);
        command.arg("-token-file").arg(&token_file);
        if let Some(rows) = self.per_page {
            command.args(["-per-page", &rows.to_string()]);
        }
        // The server under test may live on this very thread.
        let output = tokio::task::spawn_blocking(move || command.output()).await.expect("waiting does not panic");
        let output = output.expect("the reader runs");
        let mut report: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|e| panic!("no report ({e}): {}", String::from_utf8_lossy(&output.stderr)));
        let problems: Option<Vec<String>> =
            serde_json::from_value(report["problems"].take()).expect("problems are texts");
        let problems = problems.unwrap_or_default();
        assert_eq!(output.status.success(), problems.is_empty(), "the exit code says what the report says");
        if !problems.is_empty() {
            return Err(problems);
        }
        let endpoints: BTreeMap<String, Value> =
            serde_json::from_value(report["endpoints"].take()).expect("endpoints by name");
        let items = |mut reading: Value| serde_json::from_value(reading["items"].take()).expect("items are a list");
        Ok(endpoints.into_iter().map(|(name, reading)| (name, items(reading))).collect())
    }
}

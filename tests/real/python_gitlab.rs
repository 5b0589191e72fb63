//! GitLab's Python client reads runners, their managers and tokens of the simulator, in each role.

use std::path::Path;

use serde_json::Value;
use tierwatch::clock::Clock;
use tierwatch::demo::gitlab_api::access;
use tierwatch::demo::{Demo, scenario};

/// Debian's `python3-gitlab` belongs to Debian's Python, not to whichever comes first in the path.
const PYTHON: &str = "/usr/bin/python3";

/// What the client read, by endpoint; a refusal is its status.
async fn read(url: &str, token: &str) -> Value {
    let folder = tempfile::tempdir().expect("the temp folder takes a folder");
    let token_file = folder.path().join("token");
    std::fs::write(&token_file, token).expect("the temp folder takes a file");
    let mut command = std::process::Command::new(PYTHON);
    command
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/python-gitlab/read.py"))
        .arg(url)
        .arg(&token_file);
    // The server under test may live on this very thread.
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("waiting does not panic");
    let output = output.expect("Debian's Python runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the reader needs Debian's python3-gitlab: {told}");
    serde_json::from_slice(&output.stdout).expect("the reader prints JSON")
}

fn ids(list: &Value) -> Vec<u64> {
    list.as_array().into_iter().flatten().filter_map(|row| row["id"].as_u64()).collect()
}

#[tokio::test]
async fn each_role_reads_its_runners_managers_and_its_own_token() {
    let demo = Demo::start(scenario::show(), 7, Clock::system()).await.expect("loopback has free ports");
    let as_role = async |token| read(&demo.gitlab_url, token).await;

    let all = as_role(access::ADMIN_TOKEN).await;
    assert_eq!(ids(&all["runners/all"]).len(), 5, "{all:#}");
    assert_eq!(all["self"]["scopes"], serde_json::json!(["read_api"]));
    for (id, one) in all["each"].as_object().expect("runners by id") {
        assert_eq!(one["details"]["id"].to_string(), *id);
        assert!(one["details"]["tag_list"].as_array().is_some_and(|tags| !tags.is_empty()), "{one:#}");
        let managers = one["managers"].as_array().expect("managers are a list");
        assert!(!managers.is_empty() && managers.iter().all(|row| row["system_id"].is_string()), "{one:#}");
    }

    let auditor = as_role(access::AUDITOR_TOKEN).await;
    assert_eq!(ids(&auditor["runners/all"]), ids(&all["runners/all"]));
    assert_eq!(ids(&auditor["runners"]), Vec::<u64>::new(), "an auditor manages none");

    let owner = as_role(access::OWNER_TOKEN).await;
    assert_eq!(owner["runners/all"], 403);
    assert!(!ids(&owner["runners"]).is_empty() && !ids(&owner["groups/10/runners"]).is_empty(), "{owner:#}");

    let narrow = as_role(access::MANAGE_RUNNER_TOKEN).await;
    assert_eq!((&narrow["runners"], &narrow["groups/10/runners"]), (&403.into(), &403.into()));
    assert!(narrow["each"]["32"]["details"]["tag_list"].is_array(), "single runners are what its scope is for");
    assert_eq!(narrow["self"]["scopes"], serde_json::json!(["manage_runner"]));
}

//! schemathesis asks the JSON everything that its own document allows, and much that it does not.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tierwatch::demo::{Rehearsal, scenario};

use super::support::folder::Folder;
use super::support::{python, say, until};

/// Some seconds of it are the start of Python.
const AT_MOST: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemathesis_finds_nothing_in_the_json() {
    let program = python::programs("schemathesis").join("schemathesis");
    let rehearsal = Rehearsal::start(scenario::show(), 7, 20.0, "127.0.0.1:0").await.expect("the demo starts");
    let base = format!("http://{}", rehearsal.daemon.address());
    until("the first complete answer of the daemon", async || {
        let ready = reqwest::get(format!("{base}/readyz")).await.map_err(|e| e.to_string())?;
        if ready.status().is_success() { Ok(()) } else { Err(ready.status().to_string()) }
    })
    .await;
    let folder = Folder::new("schemathesis");
    let place = folder.path().to_owned();
    let asked = tokio::task::spawn_blocking(move || asked(&program, &base, &place));
    let (found, said) = tokio::time::timeout(AT_MOST, asked).await.expect("it ends in time").expect("it was run");
    let last: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    for line in last.iter().rev().take(8).rev() {
        say(line);
    }
    assert!(!found, "schemathesis found:\n{said}");
    rehearsal.daemon.stop().await;
}

/// Whether it found something, and all that it said. The same questions each time.
fn asked(program: &Path, base: &str, folder: &Path) -> (bool, String) {
    let output = Command::new(program)
        .arg("run")
        .arg(format!("{base}/api/v1/openapi.json"))
        .args(["--url", base, "--checks", "all", "--max-examples", "40", "--workers", "1", "--no-color"])
        .args(["--generation-deterministic", "--request-timeout", "5"])
        .current_dir(folder)
        .env_remove("HTTP_PROXY")
        .env_remove("http_proxy")
        .output()
        .unwrap_or_else(|e| panic!("running {}: {e}", program.display()));
    let said = [output.stdout, output.stderr].concat();
    (!output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

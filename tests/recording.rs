//! A recorded demo, replayed: what the daemon said and what the replay says are the same bytes.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use prometheus_client::registry::Registry;
use serde_json::Value;
use tierwatch::app::{Daemon, Extras};
use tierwatch::clock::Clock;
use tierwatch::config::Config;
use tierwatch::demo::{Demo, scenario};
use tierwatch::metrics::exposition::{Format, encode};
use tierwatch::metrics::{Own, Process};
use tierwatch::observation::SourceKind;
use tierwatch::recording::Settings;

/// Half a minute of the story a second: jobs start, fail and are counted within the test.
const SPEED: f64 = 30.0;

/// Judgements that are compared one by one.
const LOOKS: usize = 12;

struct Recorded {
    folder: tempfile::TempDir,
    /// `/api/v1/tiers`, as it was served.
    said: BTreeSet<String>,
    /// `/metrics` after the last judgement.
    metrics: String,
}

impl Recorded {
    async fn demo(hash_names: bool) -> Self {
        let clock = Clock::simulated("2026-11-02T08:00:00Z".parse().unwrap(), SPEED);
        let demo = Demo::start(scenario::show(), 5, clock.clone()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("tierwatch.yaml"), demo.config_yaml()).unwrap();
        let file = folder.path().join("demo.gz");
        // Small files, so that there are several.
        let settings = Settings { file, max_bytes: 1 << 14, max_age: Duration::MAX, keep: 9999, hash_names };
        let config = Config::from_yaml(&demo.config_yaml()).unwrap();
        let daemon =
            Daemon::start_with(config, "127.0.0.1:0", clock, Extras { record: Some(settings), ..Extras::default() })
                .await
                .unwrap();
        let url = format!("http://{}/api/v1/tiers", daemon.address());
        let mut said = BTreeSet::new();
        while said.len() < LOOKS {
            said.insert(reqwest::get(&url).await.unwrap().text().await.unwrap());
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        let last = daemon.stop().await;
        let metrics = String::from_utf8(encode(&last.registry, Format::Text).unwrap().to_vec()).unwrap();
        Self { folder, said, metrics }
    }

    fn replay(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let file = self.folder.path().join("demo.gz");
        replay(&self.folder.path().join("tierwatch.yaml"), &file, args)
    }
}

fn replay(config: &Path, file: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_tierwatch"))
        .arg("replay")
        .arg(file)
        .arg("--config.file")
        .arg(config)
        .args(args)
        .env_remove("RUST_LOG")
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// What a daemon measures of itself: no observation tells it, so no replay can.
fn own_families() -> BTreeSet<String> {
    let mut registry = Registry::default();
    let own = Own::new(&SourceKind::ALL, &mut registry);
    own.gitlab_rate_limit_remaining(1);
    own.desk_queue_depth(0);
    own.pushes();
    own.webhook_secret_written(std::time::SystemTime::UNIX_EPOCH);
    registry.register_collector(Box::new(Process::new()));
    families(std::str::from_utf8(&encode(&registry, Format::Text).unwrap()).unwrap())
}

fn families(text: &str) -> BTreeSet<String> {
    text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).map(str::to_owned).collect()
}

/// An exposition without some of its families.
fn without(text: &str, families: &BTreeSet<String>) -> String {
    let mut out = String::new();
    let mut dropped = false;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("# HELP ").and_then(|rest| rest.split(' ').next()) {
            dropped = families.contains(name);
        }
        if !dropped {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_says_what_was_said_byte_for_byte() {
    let recorded = Recorded::demo(false).await;
    for said in &recorded.said {
        let at: Value = serde_json::from_str(said).unwrap();
        let at = at["at"].as_str().unwrap();
        let (code, told, log) = recorded.replay(&["--at", at]);
        assert_eq!((code, &told), (Some(0), said), "at {at}: {log}");
    }
    let (code, told, log) = recorded.replay(&["--metrics"]);
    let expected = without(&recorded.metrics, &own_families());
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(told, expected);
    let started = |line: &&str| line.starts_with("tierwatch_job_start_seconds_count") && !line.ends_with(" 0");
    assert!(expected.lines().any(|line| started(&line)), "no job was counted:\n{expected}");

    let (code, told, log) = recorded.replay(&[]);
    assert!(code == Some(0) && log.is_empty(), "{log}");
    assert!(told.contains("standard") && told.contains("At the end, 2026-11-02T08:"), "{told}");
    assert!(told.contains("judgements; recorded by tierwatch") && told.contains("names as they are"), "{told}");

    // The parts: without the first of them the beginning is missing, and that is told.
    std::fs::remove_file(recorded.folder.path().join("demo.gz.0001")).unwrap();
    let (code, _, log) = recorded.replay(&["--metrics"]);
    assert!(code == Some(1) && log.contains("the recording has a gap"), "{code:?} {log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hidden_names_are_in_no_file_and_the_figures_stay() {
    let recorded = Recorded::demo(true).await;
    let mut text = String::new();
    for entry in std::fs::read_dir(recorded.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.to_string_lossy().contains("demo.gz") {
            let file = std::fs::File::open(path).unwrap();
            std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(file), &mut text).unwrap();
        }
    }
    let named: Vec<Value> = recorded.said.iter().map(|said| serde_json::from_str(said).unwrap()).collect();
    let mut names = BTreeSet::new();
    for tier in named.iter().flat_map(|said| said["tiers"].as_array().unwrap()) {
        for job in tier["waiting"].as_array().unwrap() {
            names.extend(job["project"].as_str().map(str::to_owned));
        }
    }
    assert!(!names.is_empty(), "no job waited");
    for name in &names {
        assert!(!text.contains(name.as_str()), "{name} is in the recording");
    }
    let (code, told, log) = recorded.replay(&["--metrics"]);
    assert_eq!(code, Some(0), "{log}");
    // Hidden refs match no pattern with a `*`: where a tier depends on one, waiting jobs are uncertain in the replay.
    let of_the_queue = ["_queue_", "_job_start_outcomes_", "_tier_condition"];
    let depends_on_refs = |family: &String| of_the_queue.iter().any(|part| family.contains(part));
    let mut ignored = own_families();
    ignored.extend(families(&recorded.metrics).into_iter().filter(depends_on_refs));
    assert_eq!(without(&told, &ignored), without(&recorded.metrics, &ignored));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_replayed_is_told_with_its_exit_code() {
    let recorded = Recorded::demo(false).await;
    let folder = recorded.folder.path();
    let config = folder.join("tierwatch.yaml");
    let other = folder.join("other.yaml");
    let yaml = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&other, yaml.replace("  standard:\n", "  common:\n")).unwrap();
    let file = folder.join("demo.gz");

    let (code, _, log) = replay(&other, &file, &[]);
    assert!(code == Some(2) && log.contains("the configuration has the tiers common,"), "{code:?} {log}");
    let (code, _, log) = replay(&config, &config, &[]);
    assert!(code == Some(2) && log.contains("is no recording of tierwatch"), "{code:?} {log}");
    let (code, _, log) = replay(&config, &folder.join("nowhere"), &[]);
    assert!(code == Some(3) && log.contains("reading the recording"), "{code:?} {log}");
    let (code, _, log) = recorded.replay(&["--at", "2026-11-02T07:00:00Z"]);
    assert!(code == Some(2) && log.contains("is before the recording, which begins at 2026-11-02T08:00"), "{log}");
    let (code, _, log) = recorded.replay(&["--until", "2026-11-03T07:00:00Z"]);
    assert!(code == Some(2) && log.contains("is after the recording, which ends at"), "{code:?} {log}");

    std::fs::write(&other, yaml.replace("registries: [docker.io, ", "registries: [")).unwrap();
    let (code, _, log) = replay(&other, &file, &[]);
    assert!(code == Some(0) && log.contains("the configuration is not the recorded one"), "{code:?} {log}");

    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    let (code, told, log) = recorded.replay(&[]);
    assert!(code == Some(0) && log.contains("was cut off") && told.contains("At the end"), "{code:?} {log}");
}

//! The binary's own word: `print config`, `print schema`, exit codes.

use std::process::{Command, Output, Stdio};

use tierwatch::config::schema_text;

use crate::files::root;

fn tierwatch(args: &[&str], env: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tierwatch"));
    command.args(args).envs(env.iter().copied()).current_dir(root()).stdin(Stdio::null());
    command.output().expect("the binary runs")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

const EXAMPLE: [&str; 4] = ["print", "config", "--config.file", "deploy/tierwatch.example.yaml"];

#[test]
fn print_config_tells_values_and_their_places() {
    let done = tierwatch(&EXAMPLE, &[("TIERWATCH__HISTORY__MAX_JOBS", "77")]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    let printed = text(&done.stdout);
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines: Vec<String> = printed.lines().map(words).collect();
    for line in ["max_jobs: 77 # TIERWATCH__HISTORY__MAX_JOBS", "start_within: 1m # line 152", "timeout: 10s # default"]
    {
        assert!(lines.iter().any(|printed| printed == line), "{line}\n{printed}");
    }
}

#[test]
fn a_wrong_configuration_ends_with_2_and_tells_all() {
    let done =
        tierwatch(&EXAMPLE, &[("TIERWATCH__GITLAB__URL", "gitlab"), ("TIERWATCH__GITLAB__TOKEN", "CanaryCanary")]);
    assert_eq!((done.status.code(), text(&done.stdout)), (Some(2), ""));
    let told = text(&done.stderr);
    assert!(told.contains("2 problems") && told.contains("gitlab.url (TIERWATCH__GITLAB__URL)"), "{told}");
    assert!(!told.contains("CanaryCanary"), "{told}");
}

#[test]
fn usage_ends_with_2_and_help_with_0() {
    for (args, code) in [(&["--help"][..], 0), (&["--version"], 0), (&["prnt"], 2), (&[], 2), (&["run", "--x"], 2)] {
        assert_eq!(tierwatch(args, &[]).status.code(), Some(code), "{args:?}");
    }
}

#[test]
fn help_fits_a_terminal() {
    let done = tierwatch(&["--help"], &[("COLUMNS", "80")]);
    let wide: Vec<&str> = text(&done.stdout).lines().filter(|line| line.chars().count() > 100).collect();
    assert!(wide.is_empty(), "{wide:?}");
}

#[test]
fn print_schema_survives_a_closed_pipe() {
    assert_eq!(text(&tierwatch(&["print", "schema"], &[]).stdout), schema_text());
    let mut child = Command::new(env!("CARGO_BIN_EXE_tierwatch"))
        .args(["print", "schema"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    drop(child.stdout.take());
    let done = child.wait_with_output().expect("it ends");
    assert_eq!((done.status.code(), text(&done.stderr)), (Some(0), ""));
}

//! `tierwatch check` as a command: exit codes, both formats, no network with `--offline`; every probe is explained.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use tempfile::TempDir;
use tierwatch::check::Probe;

/// What a secret file of these tests holds: it must appear nowhere.
const CANARY: &str = "CANARY-9d2c";

#[test]
fn every_probe_is_explained() {
    let docs = include_str!("../docs/check.md");
    let explained: Vec<&str> = docs.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`')).collect();
    let probes: Vec<&str> = Probe::ALL.iter().map(|probe| probe.as_str()).collect();
    assert_eq!(explained, probes);
}

#[test]
fn the_command_has_exit_codes_and_needs_no_network_offline() {
    let folder = TempDir::new().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, CANARY).unwrap();
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
    let run = |yaml: &str, format: &str| {
        let file = folder.path().join("tierwatch.yaml");
        std::fs::write(&file, yaml).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tierwatch"));
        command.args([
            "check",
            "--offline",
            "--web.listen-address",
            "127.0.0.1:0",
            "--format",
            format,
            "--config.file",
        ]);
        let output = command.arg(file).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let good = format!(
        "gitlab: {{ url: 'https://gitlab.invalid', token_file: {} }}\ntiers:\n  standard: {{ tags: [a], namespaces: [b] }}\n",
        token.display()
    );
    let (code, out, err) = run(&good, "text");
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert!(out.contains("secret_file") && out.contains("--offline") && !out.contains(CANARY), "{out}");
    let (code, out, _) = run(&good.replace("token }", "nothing }"), "json");
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &report["verdict"], &report["problems"]), (Some(1), &"problem".into(), &1.into()));
    let (code, out, err) = run("gitlab: { url: 7 }", "json");
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(code == Some(2) && report["problems"].as_u64() > Some(1) && err.contains("problems in the configuration"));
}

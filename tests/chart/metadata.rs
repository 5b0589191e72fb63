//! What the chart says of itself.

use tierwatch::cli::Invocation;

use crate::files::{chart, files, generated, read, root, yaml};

#[test]
fn the_charts_versions_are_those_of_the_program() {
    let metadata = yaml(&read(&chart().join("Chart.yaml")));
    assert_eq!(metadata["appVersion"], env!("CARGO_PKG_VERSION"));
    assert_eq!(metadata["version"], env!("CARGO_PKG_VERSION"), "chart and program are released together");
}

/// The packaged chart follows no link out of its folder: it holds copies.
#[test]
fn the_charts_dashboards_are_those_of_the_repository() {
    let ours = files(&root().join("dashboards"), "json");
    for file in &ours {
        let text = read(file);
        assert!(text.len() < 256 * 1024, "{} is larger than a ConfigMap may grow", file.display());
        generated(&chart().join("files/dashboards").join(file.file_name().unwrap()), &text);
    }
    let names = |paths: &[std::path::PathBuf]| -> Vec<_> {
        paths.iter().map(|path| path.file_name().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&files(&chart().join("files/dashboards"), "json")), names(&ours));
}

/// The unit of those without a cluster runs what the program takes.
#[test]
fn the_units_command_is_one_of_the_program() {
    use clap::Parser as _;
    let unit = read(&root().join("deploy/systemd/tierwatch.service"));
    let command = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).expect("a unit starts something");
    Invocation::try_parse_from(command.split_whitespace()).unwrap();
}

/// What keeps the unit in its place; `systemd-analyze security --offline=true` gives it 1.2 of 10.
#[test]
fn the_unit_is_a_sandbox() {
    let unit = read(&root().join("deploy/systemd/tierwatch.service"));
    let settings: Vec<&str> = unit.lines().filter(|line| !line.starts_with('#')).collect();
    for line in &settings {
        let fine =
            line.is_empty() || line.starts_with('[') || line.split_once('=').is_some_and(|(key, _)| !key.contains(' '));
        assert!(fine, "{line:?} is neither a section nor a setting");
    }
    for setting in [
        "User=tierwatch",
        "CapabilityBoundingSet=",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "PrivateDevices=yes",
        "MemoryDenyWriteExecute=yes",
        "SystemCallFilter=@system-service",
        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
        "StateDirectory=tierwatch",
    ] {
        assert!(settings.contains(&setting), "{setting} is missing");
    }
}

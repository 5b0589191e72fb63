//! The command line: what may be said, and what each command is told. `app.rs` does what is not done here.

mod asking;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;

use crate::config::{Resolved, schema_text};
use crate::error::{Exit, Fault};
use crate::listener::listen_address;
use crate::output::openapi;
use crate::recording::Settings;
use crate::telemetry::{Format, Level, Logs};
use asking::{STATUS, WHY};

pub use asking::{AnswerFormat, Status, Why};

const ABOUT: &str = "Which runner tier hurts, since when, why, whose fault, and what to do next.";

const AFTER: &str = "\
Examples:
  tierwatch demo                         incidents on a simulated platform
  tierwatch run --config.file my.yaml    the daemon
  tierwatch status                       all tiers, the worst first
  tierwatch check --config.file my.yaml  what is wrong with an installation, and the fix
  tierwatch why 4711                     where a job's time goes, and why
  tierwatch replay day.gz                what a recorded daemon would say now
  tierwatch print config                 every value, and where it is from
  tierwatch print rbac                   the rights that the configuration needs
  kubectl get events -o json | jq -c '.items[] | {reason, message}' \\
    | tierwatch classify                 the causes in a cluster's events

Environment:
  TIERWATCH__GITLAB__URL=…    any key of the configuration, joined by `__`
  RUST_LOG=…                  log filter by module; goes over --log.level

Exit codes:
  0 fine   1 found problems   2 wrong configuration or usage   3 cannot run";

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Parser)]
#[command(name = "tierwatch", version, about = ABOUT, after_help = AFTER, max_term_width = 110)]
#[command(subcommand_required = true, arg_required_else_help = true, disable_help_subcommand = true)]
pub struct Invocation {
    /// Flags of all commands.
    #[command(flatten)]
    pub flags: Flags,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of all commands.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(next_help_heading = "Options of all commands")]
pub struct Flags {
    /// The configuration file (YAML); see `print schema`.
    #[arg(long = "config.file", global = true, value_name = "FILE", default_value = "/etc/tierwatch/tierwatch.yaml")]
    pub config_file: PathBuf,
    /// Where metrics, status page and JSON are served: `:port`, `host:port` or `[v6]:port`.
    #[arg(long = "web.listen-address", global = true, value_name = "ADDRESS", default_value = ":10471")]
    #[arg(value_parser = listen_address)]
    pub listen: String,
    /// TLS, users and limits of what is served: a file in the format of Prometheus' exporter-toolkit, read again when it changes.
    #[arg(long = "web.config.file", global = true, value_name = "FILE")]
    pub web_config: Option<PathBuf>,
    /// The least important messages that are logged.
    #[arg(long = "log.level", global = true, value_name = "LEVEL", default_value = "info")]
    pub log_level: Level,
    /// How log lines are written (to stderr).
    #[arg(long = "log.format", global = true, value_name = "FORMAT", default_value = "logfmt")]
    pub log_format: Format,
}

/// A command.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum Command {
    /// Watch GitLab and the cluster, and serve what is seen.
    #[command(after_help = RUN)]
    Run(Run),
    /// Play a recording through the same judgement: what would have been said, with this configuration.
    #[command(after_help = REPLAY)]
    Replay(Replay),
    /// Play a simulated platform with incidents, and watch it with the same daemon.
    Demo(Demo),
    /// Ask the running daemon how all tiers are: a table, the worst first, and why.
    #[command(after_help = STATUS)]
    Status(Status),
    /// Look at an installation: configuration, GitLab and its token, rights in the cluster, tiers against what is there.
    #[command(after_help = CHECK)]
    Check(Check),
    /// Ask the running daemon where a job is, where its time went and why.
    #[command(after_help = WHY)]
    Why(Why),
    /// Tell the cause of each message on stdin: plain lines or JSON, one verdict a line on stdout.
    #[command(after_help = CLASSIFY)]
    Classify,
    /// Print what tierwatch knows of itself.
    Print {
        /// What to print.
        #[command(subcommand)]
        what: Printed,
    },
}

const CHECK: &str = "\
Examples:
  tierwatch check --config.file my.yaml
  tierwatch check --offline              configuration and files only, for CI and init containers
  tierwatch check --format json | jq '.lines[] | select(.verdict == \"problem\")'

Each line is explained in docs/check.md, by its name.

Exit codes:
  0 no problem (warnings may be)   1 a problem   2 wrong configuration or usage   3 cannot run";

/// What is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(next_help_heading = "Options of check")]
pub struct Check {
    /// Look at nothing that needs a network.
    #[arg(long)]
    pub offline: bool,
    /// For everything that needs one: what has not answered by then is a problem.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = patience)]
    pub timeout: Duration,
    /// How the report is written.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: AnswerFormat,
}

const RUN: &str = "\
Examples:
  tierwatch run --config.file my.yaml
  tierwatch run --record \"/data/$(date +%FT%H%M).gz\" --record-hash-names";

const REPLAY: &str = "\
Examples:
  tierwatch replay day.gz                              each change of a tier's state, and how it ended
  tierwatch replay day.gz --until 2026-11-02T09:00:00Z
  tierwatch replay day.gz --at 2026-11-02T08:31:00Z    /api/v1/tiers as it was at that time
  tierwatch replay day.gz --metrics | promtool check metrics

What the daemon measured of itself (requests, its queue, its process) is not in a recording, nor in --metrics.
The exit code is 1 where the recording has a gap.";

const CLASSIFY: &str = "\
A JSON line has a `message` and may have `kind`, `reason` and `source`.

Example:
  echo '0/3 nodes are available: 3 Insufficient cpu.' | tierwatch classify";

/// What the daemon writes down.
#[derive(Debug, Clone, PartialEq, Args)]
#[command(next_help_heading = "Options of the recording")]
pub struct Run {
    /// Write everything that the sources say to FILE (gzip), for `replay`. An existing file is never touched.
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Record hashes instead of the names of projects, jobs, refs, pods, nodes, secrets and images.
    #[arg(long, requires = "record")]
    pub record_hash_names: bool,
    /// A file of this size is full: it becomes FILE.0001, FILE.0002, …, and FILE begins anew.
    #[arg(long, requires = "record", value_name = "SIZE", default_value = "64MiB", value_parser = file_size)]
    pub record_max_size: u64,
    /// So is a file this old.
    #[arg(long, requires = "record", value_name = "DURATION", default_value = "24h", value_parser = file_age)]
    pub record_max_age: Duration,
    /// How many files are kept; the oldest is removed for the next.
    #[arg(long, requires = "record", value_name = "N", default_value = "8")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=9999))]
    pub record_keep: u64,
}

impl Run {
    /// Where and how to record, if at all.
    #[must_use]
    pub fn recording(&self) -> Option<Settings> {
        let Self { record, record_hash_names, record_max_size, record_max_age, record_keep } = self;
        record.as_ref().map(|file| Settings {
            file: file.clone(),
            max_bytes: *record_max_size,
            max_age: *record_max_age,
            keep: *record_keep,
            hash_names: *record_hash_names,
        })
    }
}

/// What is replayed, and what is told of it.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(next_help_heading = "Options of the replay")]
pub struct Replay {
    /// The recording; its full parts FILE.0001, FILE.0002, … are read before it.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Print the judgement that stood at TIME (RFC 3339), as JSON.
    #[arg(long, value_name = "TIME", conflicts_with = "until", value_parser = instant)]
    pub at: Option<Timestamp>,
    /// Stop at TIME (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub until: Option<Timestamp>,
    /// Print the metrics at the end, or at TIME, as Prometheus text.
    #[arg(long)]
    pub metrics: bool,
}

/// What the demo plays.
#[derive(Debug, Clone, PartialEq, Args)]
#[command(next_help_heading = "Options of the demo")]
pub struct Demo {
    /// Play this scenario only; without it all incidents in a loop.
    #[arg(long, value_name = "NAME")]
    pub scenario: Option<String>,
    /// List the scenarios, and end.
    #[arg(long, conflicts_with_all = ["scenario", "once"])]
    pub list: bool,
    /// How many times faster than real time the platform lives, 0.1 to 1000; with --once 30 unless given.
    #[arg(long, value_name = "N", value_parser = speed)]
    pub speed: Option<f64>,
    /// The same seed gives the same platform; without it each scenario has its own.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Play the scenario to its end, print the truth against what tierwatch said; exit code 1 where they differ.
    #[arg(long, requires = "scenario")]
    pub once: bool,
}

/// What `print` prints.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Printed {
    /// The configuration with all defaults, each value with the place it came from. Holds no secret.
    Config,
    /// The JSON schema of the configuration file, for editors and CI.
    Schema,
    /// The Kubernetes rights that this configuration needs, as YAML.
    Rbac,
    /// Every metric: name, type, labels, meaning.
    Metrics,
    /// The OpenAPI document of the JSON under /api, as the daemon serves it at /api/v1/openapi.json.
    #[command(name = "openapi")]
    OpenApi,
    /// Recording and alerting rules for Prometheus, made for the tiers of this configuration.
    Rules {
        /// A rule file, or a PrometheusRule of the Prometheus operator.
        #[arg(long, value_name = "FORM", default_value = "file")]
        format: RulesForm,
    },
    /// Dashboards for Grafana, with the limits and addresses of this configuration.
    #[command(after_help = DASHBOARDS)]
    Dashboards {
        /// What is printed.
        #[arg(long, value_name = "FORM", default_value = "json")]
        format: DashboardsForm,
        /// Write one file for each into DIR instead, and print their names. Files that are there are replaced.
        #[arg(long, value_name = "DIR", conflicts_with = "format")]
        output_dir: Option<PathBuf>,
    },
}

const DASHBOARDS: &str = "\
Examples:
  tierwatch print dashboards --output-dir dashboards/         for provisioning, or to import one
  tierwatch print dashboards --format configmaps | kubectl apply -n monitoring -f -";

/// In which form dashboards are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DashboardsForm {
    /// One JSON array.
    Json,
    /// A List of ConfigMaps for Grafana's sidecar, ready for `kubectl apply`.
    Configmaps,
}

/// In which form rules are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RulesForm {
    /// For `rule_files` of Prometheus.
    File,
    /// For the Prometheus operator.
    Crd,
}

impl ValueEnum for Level {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.as_str()))
    }
}

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.as_str()))
    }
}

impl Flags {
    /// What is logged, and how; `RUST_LOG` goes over the flag.
    #[must_use]
    pub fn logs(&self, env: &[(String, String)]) -> Logs {
        let filter = env.iter().find(|(name, value)| name == "RUST_LOG" && !value.trim().is_empty());
        Logs { level: self.log_level, format: self.log_format, filter: filter.map(|(_, value)| value.clone()) }
    }
}

/// Reads the command line, does what needs no daemon, and hands the rest to `app`.
#[must_use]
pub fn main(
    args: impl Iterator<Item = OsString>,
    env: impl Iterator<Item = (OsString, OsString)>,
    app: impl FnOnce(Invocation, &[(String, String)]) -> Result<Exit, Fault>,
) -> ExitCode {
    let env: Vec<(String, String)> =
        env.map(|(name, value)| (name.to_string_lossy().into(), value.to_string_lossy().into())).collect();
    let invocation = match Invocation::try_parse_from(args) {
        Ok(invocation) => invocation,
        Err(usage) => {
            // Help and version are no errors; a closed pipe is none either.
            let _ = usage.print();
            return if usage.use_stderr() { Exit::Wrong.into() } else { Exit::Fine.into() };
        }
    };
    let done = match invocation.command {
        Command::Print { what: Printed::Config } => print_config(&invocation.flags, &env, io::stdout().lock()),
        Command::Print { what: Printed::Schema } => print(&schema_text(), io::stdout().lock()),
        Command::Print { what: Printed::OpenApi } => print(&openapi(), io::stdout().lock()),
        Command::Print {
            what: Printed::Rbac | Printed::Metrics | Printed::Rules { .. } | Printed::Dashboards { .. },
        }
        | Command::Run(_)
        | Command::Replay(_)
        | Command::Demo(_)
        | Command::Status(_)
        | Command::Check(_)
        | Command::Why(_)
        | Command::Classify => app(invocation, &env),
    };
    match done {
        Ok(exit) => exit.into(),
        Err(fault) => {
            let _ = writeln!(io::stderr(), "tierwatch: {}", fault.told());
            fault.exit().into()
        }
    }
}

fn print_config(flags: &Flags, env: &[(String, String)], out: impl Write) -> Result<Exit, Fault> {
    let resolved = Resolved::load(&flags.config_file, env.iter().cloned())?;
    print(&resolved.to_yaml(), out)
}

/// Writes `text`. Whoever closed the pipe (`| head`) has read enough.
///
/// # Errors
/// When it cannot be written for another reason.
pub fn print(text: &str, mut out: impl Write) -> Result<Exit, Fault> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(Exit::Fine),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Fine),
        Err(error) => Err(Fault::CannotRun(anyhow::Error::new(error).context("writing the output"))),
    }
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if (0.1..=1000.0).contains(&speed) => Ok(speed),
        _ => Err("give a number from 0.1 to 1000".into()),
    }
}

fn file_size(text: &str) -> Result<u64, String> {
    match text.parse::<bytesize::ByteSize>() {
        Ok(size) if size >= bytesize::ByteSize::mib(1) => Ok(size.as_u64()),
        Ok(_) | Err(_) => Err("give 1MiB or more, e.g. 64MiB".into()),
    }
}

fn file_age(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(age) if age >= Duration::from_secs(60) => Ok(age),
        Ok(_) | Err(_) => Err("give a minute or more, e.g. 30m, 24h".into()),
    }
}

fn patience(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if (Duration::from_secs(1)..=Duration::from_secs(600)).contains(&time) => Ok(time),
        Ok(_) | Err(_) => Err("give a second to ten minutes, e.g. 30s".into()),
    }
}

fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "write it as in 2026-11-02T08:31:00Z or 2026-11-02T09:31:00+01:00".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Invocation, String> {
        let args = std::iter::once("tierwatch").chain(line.split_whitespace());
        Invocation::try_parse_from(args).map_err(|error| error.to_string())
    }

    #[test]
    fn the_definition_is_consistent() {
        use clap::CommandFactory as _;
        Invocation::command().debug_assert();
    }

    #[test]
    fn flags_stand_before_or_after_the_command() {
        let before = parse("--config.file a.yaml --web.listen-address :0 run").unwrap();
        assert_eq!(before, parse("run --config.file a.yaml --web.listen-address :0").unwrap());
        assert!(matches!(before.command, Command::Run(run) if run.recording().is_none()));
        assert_eq!(before.flags.config_file, PathBuf::from("a.yaml"));
    }

    #[test]
    fn defaults_are_those_of_the_product() {
        let flags = parse("run").unwrap().flags;
        assert_eq!((flags.listen.as_str(), flags.log_level, flags.log_format), (":10471", Level::Info, Format::Logfmt));
        assert_eq!(flags.config_file, PathBuf::from("/etc/tierwatch/tierwatch.yaml"));
    }

    #[test]
    fn the_demo_is_told_what_to_play() {
        let Command::Demo(demo) = parse("demo --scenario quiet --once --seed 7 --speed 60").unwrap().command else {
            panic!("a demo")
        };
        assert_eq!(
            (demo.scenario.as_deref(), demo.once, demo.seed, demo.speed),
            (Some("quiet"), true, Some(7), Some(60.0))
        );
        for wrong in ["demo --once", "demo --list --scenario x", "demo --speed 0", "print", "", "check --timeout 0s"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_recording_has_bounds_unless_told_otherwise() {
        let Command::Run(run) = parse("run --record a.gz").unwrap().command else { panic!("a run") };
        let settings = run.recording().unwrap();
        assert_eq!((settings.max_bytes, settings.keep, settings.hash_names), (64 << 20, 8, false));
        assert_eq!(settings.max_age, Duration::from_secs(86_400));
        for wrong in ["--record-hash-names", "--record a --record-max-size 1kB", "--record a --record-keep 0"] {
            assert!(parse(&format!("run {wrong}")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_replay_is_told_until_when() {
        let Command::Replay(replay) = parse("replay a.gz --at 2026-11-02T09:31:00+01:00").unwrap().command else {
            panic!("a replay")
        };
        assert_eq!(replay.at, Some("2026-11-02T08:31:00Z".parse().unwrap()));
        for wrong in ["", "a --at yesterday", "a --at 2026-11-02T08:31:00Z --until 2026-11-02T08:31:00Z"] {
            assert!(parse(&format!("replay {wrong}")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn help_tells_examples_and_exit_codes() {
        let help = parse("--help").unwrap_err();
        for part in ["Examples:", "Exit codes:", "--config.file", "TIERWATCH__GITLAB__URL", "demo", "classify", "print"]
        {
            assert!(help.contains(part), "{part}\n{help}");
        }
    }

    #[test]
    fn rust_log_goes_over_the_flag() {
        let flags = parse("run --log.level warn").unwrap().flags;
        assert_eq!(flags.logs(&[]).filter, None);
        assert_eq!(flags.logs(&[("RUST_LOG".into(), "debug".into())]).filter.as_deref(), Some("debug"));
    }

    #[test]
    fn a_closed_pipe_is_no_error() {
        struct Closed(io::ErrorKind);
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(self.0.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        assert!(matches!(print("x", Closed(io::ErrorKind::BrokenPipe)), Ok(Exit::Fine)));
        assert!(matches!(print("x", Closed(io::ErrorKind::StorageFull)), Err(Fault::CannotRun(_))));
    }

    #[test]
    fn a_configuration_that_cannot_be_read_is_wrong_usage() {
        let flags = parse("print config --config.file /nowhere/tierwatch.yaml").unwrap().flags;
        let fault = print_config(&flags, &[], Vec::new()).unwrap_err();
        assert_eq!(fault.exit(), Exit::Wrong);
        assert!(fault.told().contains("name the file with --config.file"), "{}", fault.told());
    }
}

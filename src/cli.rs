//! The command line: what may be said, and what each command is told. `app.rs` does what is not done here.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::ask::job_id;
use crate::config::{Resolved, schema_text};
use crate::error::{Exit, Fault};
use crate::listener::listen_address;
use crate::telemetry::{Format, Level, Logs};

const ABOUT: &str = "Which runner tier hurts, since when, why, whose fault, and what to do next.";

const AFTER: &str = "\
Examples:
  tierwatch demo                         incidents on a simulated platform
  tierwatch run --config.file my.yaml    the daemon
  tierwatch why 4711                     where a job's time goes, and why
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
    Run,
    /// Play a simulated platform with incidents, and watch it with the same daemon.
    Demo(Demo),
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

const WHY: &str = "\
Examples:
  tierwatch why 4711
  tierwatch why https://gitlab.example.com/group/project/-/jobs/4711
  tierwatch why 4711 --server http://tierwatch.monitoring:10471 --format json

Exit codes:
  0 known   1 nothing is known of the job   2 wrong usage   3 no daemon answers";

/// The job that is asked for, and whom.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(next_help_heading = "Options of why")]
pub struct Why {
    /// The job's number, or the address of its page in GitLab.
    #[arg(value_name = "JOB", value_parser = job_id)]
    pub job: u64,
    /// Where the daemon serves.
    #[arg(long, value_name = "URL", default_value = "http://localhost:10471")]
    pub server: url::Url,
    /// How the answer is written.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: AnswerFormat,
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AnswerFormat {
    /// For people.
    Text,
    /// For programs: the daemon's own JSON.
    Json,
}

const CLASSIFY: &str = "\
A JSON line has a `message` and may have `kind`, `reason` and `source`.

Example:
  echo '0/3 nodes are available: 3 Insufficient cpu.' | tierwatch classify";

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum Printed {
    /// The configuration with all defaults, each value with the place it came from. Holds no secret.
    Config,
    /// The JSON schema of the configuration file, for editors and CI.
    Schema,
    /// The Kubernetes rights that this configuration needs, as YAML.
    Rbac,
    /// Every metric: name, type, labels, meaning.
    Metrics,
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
        Command::Print { what: Printed::Rbac | Printed::Metrics }
        | Command::Run
        | Command::Demo(_)
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
        assert_eq!(before.command, Command::Run);
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
        for wrong in ["demo --once", "demo --list --scenario x", "demo --speed 0", "print", "", "check"] {
            assert!(parse(wrong).is_err(), "{wrong}");
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

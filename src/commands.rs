//! What each command does once the command line is understood.

mod check;
mod replay;

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::app::{Daemon, Extras, StartError};
use crate::ask;
use crate::classify;
use crate::cli::{
    self, AnswerFormat, Command, DashboardsForm, Demo, Flags, Invocation, Printed, RulesForm, Status, Why,
};
use crate::clock::Clock;
use crate::config::Config;
use crate::dashboards;
use crate::demo::truth::render_table;
use crate::demo::{Rehearsal, scenario};
use crate::error::{Exit, Fault};
use crate::recording::{RecordError, Settings};
use crate::rules;
use crate::telemetry;

/// Traces that wait when the process ends get this long.
const LAST_TRACES: Duration = Duration::from_secs(3);

type Env<'a> = &'a [(String, String)];

/// Runs the command to its end.
///
/// # Errors
/// Why it cannot.
pub fn run(invocation: Invocation, env: Env<'_>) -> Result<Exit, Fault> {
    let flags = &invocation.flags;
    match invocation.command {
        Command::Run(run) => runtime()?.block_on(watch(flags, run.recording(), env)),
        Command::Replay(asked) => runtime()?.block_on(async { replay::run(flags, &asked, env) }),
        Command::Demo(demo) if demo.list => cli::print(&scenarios(), io::stdout().lock()),
        Command::Demo(demo) => runtime()?.block_on(rehearse(flags, &demo, env)),
        Command::Status(status) => runtime()?.block_on(tell_status(&status)),
        Command::Check(asked) => runtime()?.block_on(check::run(flags, &asked, env)),
        Command::Why(why) => runtime()?.block_on(tell_why(&why)),
        Command::Classify => classify_stdin(),
        Command::Print { what } => print(what, flags, env),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Fault> {
    // Two workers: one for the desk, one for the rest; more would only cost memory.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(Fault::cannot_run)
}

async fn watch(flags: &Flags, record: Option<Settings>, env: Env<'_>) -> Result<Exit, Fault> {
    let config = Config::load(&flags.config_file, env.iter().cloned())?;
    let clock = Clock::system();
    let telemetry = telemetry::start(&flags.logs(env), config.telemetry.otlp_endpoint.as_ref(), clock.clone())
        .map_err(|error| Fault::Usage(error.to_string()))?;
    let extras = Extras { record, web_config: flags.web_config.clone() };
    let daemon = match Daemon::start_with(config, &flags.listen, clock, extras).await {
        Ok(daemon) => daemon,
        Err(StartError::Record(exists @ RecordError::Exists(_))) => return Err(Fault::Usage(exists.to_string())),
        Err(StartError::Web(wrong)) => return Err(Fault::Usage(wrong.told())),
        Err(other) => return Err(Fault::cannot_run(other)),
    };
    tracing::info!(address = %daemon.address(), version = env!("CARGO_PKG_VERSION"), "tierwatch is running");
    let exit = until_told_to_stop(daemon).await?;
    telemetry.shutdown(LAST_TRACES).await;
    Ok(exit)
}

/// Runs until SIGTERM or SIGINT, then stops in order; a second signal ends the process at once.
async fn until_told_to_stop(mut daemon: Daemon) -> Result<Exit, Fault> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Fault::cannot_run)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Fault::cannot_run)?;
    let exit = tokio::select! {
        _ = terminate.recv() => Exit::Fine,
        _ = interrupt.recv() => Exit::Fine,
        () = daemon.broken() => Exit::CannotRun,
    };
    tracing::info!("stopping: counting what has arrived, answering the last requests");
    tokio::select! {
        _ = daemon.stop() => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(exit)
}

async fn rehearse(flags: &Flags, demo: &Demo, env: Env<'_>) -> Result<Exit, Fault> {
    let scenario = match &demo.scenario {
        Some(name) => scenario::find(name)
            .ok_or_else(|| Fault::Usage(format!("there is no scenario {name:?}; `demo --list` shows them")))?,
        None => scenario::show(),
    };
    let name = scenario.name;
    let seed = demo.seed.unwrap_or(scenario.seed);
    let speed = demo.speed.unwrap_or(if demo.once { 30.0 } else { 1.0 });
    let _telemetry =
        telemetry::start(&flags.logs(env), None, Clock::system()).map_err(|error| Fault::Usage(error.to_string()))?;
    if demo.once {
        let rehearsal = Rehearsal::start(scenario, seed, speed, "127.0.0.1:0").await.map_err(Fault::cannot_run)?;
        let rows = rehearsal.finish().await.map_err(Fault::cannot_run)?;
        let wrong = rows.iter().filter(|row| !row.equal).count();
        let verdict = format!("{name}, seed {seed}: {} figures compared, {wrong} differ\n", rows.len());
        cli::print(&format!("{}\n{verdict}", render_table(&rows)), io::stdout().lock())?;
        return Ok(if wrong == 0 { Exit::Fine } else { Exit::Found });
    }
    let rehearsal = Rehearsal::start(scenario, seed, speed, &flags.listen).await.map_err(Fault::cannot_run)?;
    let port = rehearsal.daemon.address().port();
    let welcome = format!(
        "A simulated GitLab ({}) and cluster ({}) are running, with incidents.\n\
         The status page of the daemon that watches them: http://localhost:{port}/\n\
         Its metrics: http://localhost:{port}/metrics   Stop with Ctrl-C.\n",
        rehearsal.demo.gitlab_url, rehearsal.demo.kube_url,
    );
    cli::print(&welcome, io::stdout().lock())?;
    let Rehearsal { demo: _platform, daemon } = rehearsal;
    until_told_to_stop(daemon).await
}

async fn tell_status(status: &Status) -> Result<Exit, Fault> {
    let overview = ask::overview(&status.server).await?;
    let text = match status.format {
        AnswerFormat::Json => overview.json().to_owned(),
        AnswerFormat::Text => overview.render(paint()),
    };
    cli::print(&text, io::stdout().lock())?;
    Ok(if overview.is_fine() { Exit::Fine } else { Exit::Found })
}

async fn tell_why(why: &Why) -> Result<Exit, Fault> {
    let (text, exit) = match ask::job(&why.server, why.job).await? {
        ask::Answer::Known { json, .. } if why.format == AnswerFormat::Json => (json, Exit::Fine),
        ask::Answer::Known { job, .. } => (ask::render(&job, paint()), Exit::Fine),
        ask::Answer::Unknown(json) if why.format == AnswerFormat::Json => (json, Exit::Found),
        ask::Answer::Unknown(_) => {
            let job = why.job;
            let text = format!(
                "Nothing is known of job {job}: it was never seen in the queue or in a pod, or is long over.\n"
            );
            (text, Exit::Found)
        }
    };
    cli::print(&text, io::stdout().lock())?;
    Ok(exit)
}

/// Colours only where a terminal shows them and nobody said `NO_COLOR`.
fn paint() -> ask::Paint {
    let colours = anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never;
    let width = terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0));
    ask::Paint { width, colours }
}

fn scenarios() -> String {
    let all = scenario::all();
    let width = all.iter().map(|scenario| scenario.name.len()).max().unwrap_or(0);
    all.iter().map(|scenario| format!("{:<width$}  {}\n", scenario.name, scenario.about)).collect()
}

fn classify_stdin() -> Result<Exit, Fault> {
    let output = io::BufWriter::new(io::stdout().lock());
    match classify::run(io::stdin().lock(), output) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Fault::CannotRun(anyhow::Error::new(error).context("classifying standard input")))
        }
        Ok(()) | Err(_) => Ok(Exit::Fine),
    }
}

fn print(what: Printed, flags: &Flags, env: Env<'_>) -> Result<Exit, Fault> {
    let text = match what {
        Printed::Rbac => {
            let config = Config::load(&flags.config_file, env.iter().cloned())?;
            let standby = config.high_availability.as_ref();
            crate::source::kube::rbac::print(&config.policy, &config.kubernetes, standby)
        }
        Printed::Rules { format } => {
            let config = Config::load(&flags.config_file, env.iter().cloned())?;
            if config.alertmanager.is_some() {
                let why = "alertmanager.urls is set, so tierwatch itself tells Alertmanager: with rules beside that everybody \
                           would be told twice; remove one of the two";
                return Err(Fault::Usage(why.to_owned()));
            }
            let form = match format {
                RulesForm::File => rules::Form::File,
                RulesForm::Crd => rules::Form::Crd,
            };
            rules::print(&config, form)
        }
        Printed::Dashboards { format, output_dir } => {
            let config = Config::load(&flags.config_file, env.iter().cloned())?;
            match (output_dir, format) {
                (Some(folder), _) => write_dashboards(&config, &folder)?,
                (None, DashboardsForm::Json) => dashboards::print(&config, dashboards::Form::Json),
                (None, DashboardsForm::Configmaps) => dashboards::print(&config, dashboards::Form::ConfigMaps),
            }
        }
        Printed::Metrics => crate::metrics::catalogue::print(),
        Printed::Config | Printed::Schema | Printed::OpenApi => {
            return Err(Fault::Usage("printed without the daemon".to_owned()));
        }
    };
    cli::print(&text, io::stdout().lock())
}

/// One file for each; their paths, a line each.
fn write_dashboards(config: &Config, folder: &Path) -> Result<String, Fault> {
    let failed = |path: &Path, error: io::Error| {
        Fault::CannotRun(anyhow::Error::new(error).context(format!("writing {}", path.display())))
    };
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    let mut written = String::new();
    for dashboard in dashboards::all(config) {
        let path = folder.join(dashboard.file_name());
        std::fs::write(&path, dashboard.text()).map_err(|error| failed(&path, error))?;
        written.push_str(&format!("{}\n", path.display()));
    }
    Ok(written)
}

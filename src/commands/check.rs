//! `tierwatch check`: what is wrong with an installation.

use std::io;

use super::{Env, paint};
use crate::check::{Asked, Report, proxy_for, render, run as look};
use crate::cli::{self, AnswerFormat, Check, Flags};
use crate::clock::Clock;
use crate::config::Config;
use crate::error::{Exit, Fault};
use crate::telemetry;

/// Looks at everything and prints the report. A configuration that cannot be used is told as `run` tells it; programs get it
/// as a report, too.
pub(super) async fn run(flags: &Flags, asked: &Check, env: Env<'_>) -> Result<Exit, Fault> {
    let config = match Config::load(&flags.config_file, env.iter().cloned()) {
        Ok(config) => config,
        Err(problems) => {
            if asked.format == AnswerFormat::Json {
                cli::print(&Report::of_config(&problems).json(), io::stdout().lock())?;
            }
            return Err(Fault::Config(problems));
        }
    };
    // What the sources would log is in the report; whoever wants to see more says so.
    if env.iter().any(|(name, value)| name == "RUST_LOG" && !value.trim().is_empty()) {
        let started = telemetry::start(&flags.logs(env), None, Clock::system());
        drop(started.map_err(|error| Fault::Usage(error.to_string()))?);
    }
    let asking = Asked {
        listen: flags.listen.clone(),
        web_config: flags.web_config.clone(),
        offline: asked.offline,
        timeout: asked.timeout,
        proxy: proxy_for(&config.gitlab.url, env),
    };
    let report = look(&config, &asking, &Clock::system()).await;
    let text = match asked.format {
        AnswerFormat::Text => render(&report, paint()),
        AnswerFormat::Json => report.json(),
    };
    cli::print(&text, io::stdout().lock())?;
    Ok(report.exit())
}

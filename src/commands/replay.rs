//! `replay`: what a recording says, for people, as JSON or as metrics.

use std::io;

use jiff::Timestamp;

use super::Env;
use crate::cli::{self, Flags};
use crate::clock::Clock;
use crate::config::Config;
use crate::error::{Exit, Fault};
use crate::metrics::exposition::{self, Format};
use crate::model::assess::human_duration;
use crate::model::assessment::Assessment;
use crate::output::{overview, words};
use crate::recording::{Header, NameStyle, Recording, Replay, ReplayError, Span};
use crate::telemetry;

/// Replays as asked, and prints. Call it inside the runtime, where the log needs to be.
///
/// # Errors
/// Why it cannot.
pub(super) fn run(flags: &Flags, asked: &cli::Replay, env: Env<'_>) -> Result<Exit, Fault> {
    let _telemetry =
        telemetry::start(&flags.logs(env), None, Clock::system()).map_err(|error| Fault::Usage(error.to_string()))?;
    let config = Config::load(&flags.config_file, env.iter().cloned())?;
    let recording = Recording::open(&asked.file).map_err(|error| fault(error.into()))?;
    let header = recording.header().clone();
    let mut replay = Replay::new(recording, config.policy).map_err(fault)?;
    let until = asked.at.or(asked.until);
    let out = io::BufWriter::new(io::stdout().lock());
    let span = if asked.metrics {
        let span = replay.play(until, |_, _| {}).map_err(fault)?;
        let text = exposition::encode(replay.registry(), Format::Text).map_err(Fault::cannot_run)?;
        cli::print(&String::from_utf8_lossy(&text), out)?;
        span
    } else if asked.at.is_some() {
        let span = replay.play(until, |_, _| {}).map_err(fault)?;
        cli::print(&overview(&replay.assessment()).map_err(Fault::cannot_run)?, out)?;
        span
    } else {
        story(&mut replay, until, &header, out)?
    };
    Ok(if span.lost == 0 { Exit::Fine } else { Exit::Found })
}

fn fault(error: ReplayError) -> Fault {
    if error.is_wrong_usage() { Fault::Usage(error.to_string()) } else { Fault::cannot_run(error) }
}

/// Each change of a tier's state, while it is played, then how all ended.
fn story(
    replay: &mut Replay,
    until: Option<Timestamp>,
    header: &Header,
    mut out: impl io::Write,
) -> Result<Span, Fault> {
    let mut written = Ok(());
    let span = replay
        .play(until, |before, after| {
            if written.is_ok() {
                written = out.write_all(changes(before, after).as_bytes());
            }
        })
        .map_err(fault)?;
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(Fault::cannot_run(error)),
        Ok(()) | Err(_) => {}
    }
    cli::print(&ending(&replay.assessment(), header, span), out)?;
    Ok(span)
}

fn changes(before: &Assessment, after: &Assessment) -> String {
    let changed = before.tiers.iter().zip(&after.tiers).filter(|(old, new)| old.state != new.state);
    changed.map(|(_, new)| format!("{}  {}\n", second(after.at.wall), line(new))).collect()
}

fn line(tier: &crate::model::assessment::TierAssessment) -> String {
    format!("{:<14} {:<10} {}", tier.name, tier.state.as_str(), words::plain(&tier.headline))
}

fn ending(last: &Assessment, header: &Header, span: Span) -> String {
    let lasted = last.at.since(&header.began);
    let mut text = format!("\nAt the end, {}:\n", second(last.at.wall));
    for tier in &last.tiers {
        text.push_str(&format!("  {}\n", line(tier)));
    }
    let names = match header.names {
        NameStyle::Plain => "names as they are",
        NameStyle::Hashed => "names hashed",
    };
    let lost = if span.lost == 0 { String::new() } else { format!(", {} lines lost", span.lost) };
    text + &format!(
        "\n{} from {} on: {} observations, {} judgements{lost}; recorded by tierwatch {}, {names}\n",
        human_duration(lasted),
        second(header.began.wall),
        span.observations,
        span.judgements,
        header.signature.program,
    )
}

fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

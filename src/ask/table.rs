//! All tiers in a terminal: a table of numbers, the worst first, and below it why.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use textwrap::{Options, fill};

use super::overview::{Overview, Source, Tier};
use super::timeline::Paint;
use crate::model::assess::human_duration;
use crate::model::assessment::TierState;
use crate::observation::between;
use crate::output::words::{count, plain, plain_of, sentence};

/// Longest headline and failure.
const LONGEST: usize = 600;

/// Between two columns.
const GAP: usize = 2;

/// Causes that are told of one tier; the page has them all.
const CAUSES: usize = 3;

/// Narrower terminals wrap by themselves.
const NARROWEST: usize = 40;

/// The columns, the least important last: they are left out where the terminal is too narrow.
const COLUMNS: [&str; 7] = ["TIER", "STATE", "WAITING", "OLDEST", "LATE", "SINCE", "RUNNING"];
const STATE: usize = 1;

pub(super) fn render(overview: &Overview, paint: Paint) -> String {
    let width = paint.width.max(NARROWEST);
    let mut tiers: Vec<&Tier> = overview.tiers.tiers.iter().collect();
    tiers.sort_by_cached_key(|tier| tier.rank());
    let mut out = basis(overview, width);
    out.push('\n');
    columns(&mut out, overview, &tiers, Paint { width, ..paint });
    for source in overview.blind() {
        out.push('\n');
        out.push_str(&paint.with(coloured(AnsiColor::Magenta), &fill(&blind(source), width)));
        out.push('\n');
    }
    for tier in tiers.iter().filter(|tier| tier.state() != Some(TierState::Fine)) {
        out.push('\n');
        why(&mut out, tier, Paint { width, ..paint });
    }
    out
}

/// How the daemon knows what it says.
fn basis(overview: &Overview, width: usize) -> String {
    let all = &overview.sources.sources;
    let up = all.iter().filter(|source| source.up == Some(true));
    let oldest = up.clone().filter_map(Source::age).max();
    let oldest = oldest.map(|oldest| format!(", the oldest data {} old", human_duration(oldest))).unwrap_or_default();
    let at = overview.tiers.at.strftime("%Y-%m-%d %H:%M:%SZ");
    let starting = if overview.tiers.complete { "" } else { " Starting: the first answers are not all there." };
    let sources = count(all.len() as u64, "source");
    fill(&format!("Judged at {at} from {} of {sources}{oldest}.{starting}", up.count()), width) + "\n"
}

fn columns(out: &mut String, overview: &Overview, tiers: &[&Tier], paint: Paint) {
    let head = COLUMNS.map(str::to_owned);
    let rows: Vec<_> = tiers.iter().map(|tier| cells(overview, tier)).collect();
    let widest = |column: usize| {
        let cells = std::iter::once(&head).chain(&rows).map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let mut used = 0;
    let shown: Vec<(usize, usize)> = (0..COLUMNS.len())
        .map(|column| (column, widest(column)))
        .take_while(|(_, wide)| {
            used += wide + GAP;
            used <= paint.width + GAP
        })
        .collect();
    let mut line = |row: &[String; COLUMNS.len()], style: &dyn Fn(usize) -> Style| {
        let mut text = String::new();
        for (column, wide) in &shown {
            let padded = format!("{:<wide$}{:GAP$}", row[*column], "");
            text.push_str(&paint.with(style(*column), &padded));
        }
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{}", text.trim_end());
    };
    line(&head, &|_| Style::new().bold());
    for (tier, row) in tiers.iter().zip(&rows) {
        line(row, &|column| if column == STATE { colour(tier) } else { Style::new() });
    }
}

fn cells(overview: &Overview, tier: &Tier) -> [String; COLUMNS.len()] {
    let unknown = || "?".to_owned();
    let queue = tier.queue.as_ref();
    let oldest = |pending, oldest| if pending == 0 { "-".to_owned() } else { human_duration(oldest) };
    [
        plain(&tier.name),
        tier.state_word(),
        queue.map_or_else(unknown, |queue| queue.pending.to_string()),
        queue.map_or_else(unknown, |queue| oldest(queue.pending, queue.oldest())),
        queue.map_or_else(unknown, |queue| queue.overdue.to_string()),
        human_duration(between(tier.since, overview.tiers.at)),
        tier.running.as_ref().map_or_else(unknown, |running| (running.starting + running.executing).to_string()),
    ]
}

fn why(out: &mut String, tier: &Tier, paint: Paint) {
    let hanging = |first: &str, text: &str| {
        let options = Options::new(paint.width).initial_indent(first).subsequent_indent("    ");
        fill(text, options)
    };
    let name = paint.with(colour(tier).bold(), &format!("{} is {}", plain(&tier.name), tier.state_word()));
    let _ = writeln!(out, "{name}");
    let _ = writeln!(out, "{}", hanging("  ", &sentence(&plain_of(&tier.headline, LONGEST))));
    for cause in tier.causes.iter().take(CAUSES) {
        let (what, blame) = (sentence(&plain(&cause.sentence)), plain(&cause.blame));
        let _ = writeln!(out, "{}", hanging("  ", &format!("{} × {what} (blame: {blame})", cause.count)));
        let _ =
            writeln!(out, "{}", hanging("    ", &format!("Next: {}", sentence(&plain_of(&cause.next_step, LONGEST)))));
    }
    if let Some(more) = tier.causes.len().checked_sub(CAUSES).filter(|more| *more > 0) {
        let _ = writeln!(out, "  and {}", count(more as u64, "more cause"));
    }
}

fn blind(source: &Source) -> String {
    let failure = source.failure.as_deref().map_or("its data is too old".to_owned(), |text| plain_of(text, LONGEST));
    let age = source
        .age()
        .map_or("it has never answered".to_owned(), |age| format!("last answer {} ago", human_duration(age)));
    let tiers: Vec<_> = source.tiers.iter().map(|tier| plain(tier)).collect();
    let needs = if tiers.is_empty() { String::new() } else { format!(" Depends on it: {}.", tiers.join(", ")) };
    format!("Cannot see {}: {failure}; {age}.{needs}", source.name())
}

fn colour(tier: &Tier) -> Style {
    match tier.state() {
        Some(TierState::Down) => coloured(AnsiColor::Red),
        Some(TierState::Hurting | TierState::Degraded) => coloured(AnsiColor::Yellow),
        Some(TierState::Blind) | None => coloured(AnsiColor::Magenta),
        Some(TierState::Fine) => coloured(AnsiColor::Green),
    }
}

const fn coloured(colour: AnsiColor) -> Style {
    Style::new().fg_color(Some(anstyle::Color::Ansi(colour)))
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;

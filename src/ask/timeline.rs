//! One job as a timeline in a terminal.

use std::fmt::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::Told;
use crate::model::assess::human_duration;
use crate::output::api::job::{Job, Pod};
use crate::output::words::{phase_time, plain, plain_of, sentence};

/// Longest headline and evidence.
const LONGEST: usize = 600;
/// Room for the name of a phase, and for its time.
const NAME: usize = 11;
const TIME: usize = 16;
/// A wider bar tells no more.
const WIDEST: usize = 60;

/// Whether colours are wanted, and how wide the terminal is.
#[derive(Debug, Clone, Copy)]
pub struct Paint {
    /// Columns.
    pub width: usize,
    /// Colours.
    pub colours: bool,
}

impl Paint {
    /// `text` in that style, where colours are wanted.
    pub(crate) fn with(self, style: Style, text: &str) -> String {
        if self.colours { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// The job on one screen: the verdict, the bar of phases, causes with evidence and next step, the facts.
#[must_use]
pub fn render(told: &Told, paint: Paint) -> String {
    let job = &told.0;
    let mut out = String::new();
    let bold = Style::new().bold();
    let title = [Some(&job.name), job.project.as_ref(), job.git_ref.as_ref()];
    let title: Vec<_> = title.into_iter().flatten().filter(|text| !text.is_empty()).map(|text| plain(text)).collect();
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{}  {}", paint.with(bold, &format!("Job {}", job.id)), title.join(" · "));
    let _ = writeln!(out, "{}\n", paint.with(colour(job), &sentence(&plain_of(&job.headline, LONGEST))));
    bar(&mut out, job, paint);
    for cause in &job.causes {
        let _ = writeln!(out, "{} {}", label("Why", paint), sentence(&cause.sentence));
        let _ = writeln!(out, "{} {} (blame: {})", label("", paint), plain(&cause.cause), plain(&cause.blame));
        let _ = writeln!(out, "{} {}", label("Next", paint), sentence(&cause.next_step));
        if let Some(evidence) = &cause.evidence {
            let _ = writeln!(out, "{} {}", label("Evidence", paint), plain_of(evidence, LONGEST));
        }
    }
    if !job.refused_by_nodes.is_empty() {
        let counts: Vec<_> =
            job.refused_by_nodes.iter().map(|refused| format!("{} {}", refused.nodes, plain(&refused.cause))).collect();
        let _ = writeln!(out, "{} {}", label("Nodes", paint), counts.join(", "));
    }
    facts(&mut out, job, paint);
    out
}

fn label(name: &str, paint: Paint) -> String {
    paint.with(Style::new().bold(), &format!("{name:<NAME$}"))
}

fn colour(job: &Job) -> Style {
    let colour = match (job.state.as_str(), job.outcome.as_deref()) {
        ("failed", _) => AnsiColor::Red,
        (_, Some("late" | "platform_failure")) => AnsiColor::Yellow,
        ("unknown", _) => AnsiColor::Magenta,
        _ => AnsiColor::Green,
    };
    Style::new().fg_color(Some(colour.into()))
}

/// A row for each phase, drawn from where the one before ended, so that the eye sees where the time went.
fn bar(out: &mut String, job: &Job, paint: Paint) {
    let total: Duration = job.phases.iter().map(|phase| phase.took()).sum();
    if total.is_zero() {
        return;
    }
    let room = paint.width.saturating_sub(NAME + TIME + 2).clamp(10, WIDEST);
    let columns = |time: Duration| {
        #[expect(clippy::cast_precision_loss, reason = "columns of a terminal")]
        let columns = time.as_secs_f64() / total.as_secs_f64() * room as f64;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of the room")]
        let columns = columns.round() as usize;
        columns
    };
    let mut passed = Duration::ZERO;
    for phase in &job.phases {
        let (begin, end) = (columns(passed), columns(passed + phase.took()));
        let drawn = if end > begin { "█".repeat(end - begin) } else { "▏".to_owned() };
        let drawn = format!("{}{drawn}", " ".repeat(begin.min(room - 1)));
        let drawn = format!("{drawn}{}", " ".repeat(room.saturating_sub(drawn.chars().count())));
        let open = if phase.open { " …" } else { "" };
        let name = format!("{:<NAME$}", plain(&phase.phase));
        let _ = writeln!(out, "{name} {drawn} {}{open}", phase_time(phase.took()));
        passed += phase.took();
    }
    let promise = job.start_within_seconds.and_then(|within| Duration::try_from_secs_f64(within).ok());
    let promise = promise.map(|within| format!(" (promised: {})", human_duration(within))).unwrap_or_default();
    let took = job.took().map_or_else(|| "not known".to_owned(), phase_time);
    let _ = writeln!(out, "{:<NAME$} {:room$} {took}{promise}\n", "in all", "");
}

fn facts(out: &mut String, job: &Job, paint: Paint) {
    let mut fact = |name: &str, text: String| {
        let _ = writeln!(out, "{} {text}", label(name, paint));
    };
    let place = job.tiers.iter().map(|tier| plain(tier)).collect::<Vec<_>>().join(", ");
    fact(
        "Tier",
        match job.place.as_str() {
            "tier" => place,
            "shared" => format!("{place} (any of them may take it)"),
            "uncertain" => format!("{place}? (the tags fit, the rest cannot be proven)"),
            "unserved" => format!("none; nearest is {place}"),
            _ => "none of the configured".to_owned(),
        },
    );
    if let Some(tags) = &job.tags {
        let tags: Vec<_> = tags.iter().map(|tag| plain(tag)).collect();
        fact("Tags", if tags.is_empty() { "none".to_owned() } else { tags.join(", ") });
    }
    if let Some(runner) = job.runner_id {
        fact("Runner", format!("#{runner} {}", job.runner_description.as_deref().map(plain).unwrap_or_default()));
    }
    for pod in &job.pods {
        fact("Pod", pod_line(pod));
    }
    let instants =
        [("queued", job.queued_at), ("taken", job.started_at), ("running", job.running_at), ("over", job.finished_at)];
    let instants: Vec<_> = instants
        .into_iter()
        .filter_map(|(name, at)| Some(format!("{name} {}", at?.strftime("%Y-%m-%d %H:%M:%SZ"))))
        .collect();
    if !instants.is_empty() {
        fact("Times", instants.join(", "));
    }
    if let Some(outcome) = &job.outcome {
        fact("Start", plain(outcome).replace('_', " "));
    }
    if let Some(reason) = &job.failure_reason {
        fact("Failure", plain(reason));
    }
}

fn pod_line(pod: &Pod) -> String {
    let name = match (&pod.namespace, &pod.name) {
        (Some(namespace), Some(name)) => format!("{}/{}", plain(namespace), plain(name)),
        _ => plain(&pod.uid),
    };
    let phase = pod.phase.as_deref().map(|phase| format!(", {}", plain(phase))).unwrap_or_default();
    let node = pod.node.as_deref().map(|node| format!(", on {}", plain(node))).unwrap_or_default();
    let gone = if pod.gone { ", deleted" } else { "" };
    let rejected = if pod.rejected { ", which GitLab contradicts: not this job's" } else { "" };
    format!("{name}{phase}{node}{gone}{rejected}")
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;

//! What came of the table of faults, for people: a line a scenario while they are played, and a table of all that is kept.

use std::fmt::Write as _;
use std::path::Path;

use super::fired::Spell;
use super::play::{Played, Row};
use crate::support::say;

/// One scenario in one line, and what is wrong with it.
pub(super) fn line(played: &Played) -> String {
    let Played { scenario, speed, surprises, rows, compared } = played;
    let verdict = if surprises.is_empty() { "as it should be".to_owned() } else { surprises.join("\n    ") };
    format!("{scenario} at speed {speed}: {} alerts, {compared} figures: {verdict}", rows.len())
}

/// Prints the table and writes it beside the build: fault, what was expected, what came.
pub(super) fn keep(played: &mut [Played]) {
    played.sort_by(|one, other| one.scenario.cmp(&other.scenario));
    let mut text = "# The table of faults\n\n\
        Minutes of each story. `due`: fired by, and over by where it is over before the story's end. `daemon`: by its own ledger, `rules`: \
        by Prometheus, `told`: at the receiver of the Alertmanager that Prometheus tells, then of the one that the daemon pushes to.\n\n\
        | scenario | alert | tier | about | severity | due | daemon | rules | told | muted by | |\n\
        |---|---|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for played in &*played {
        let verdict = if played.surprises.is_empty() { "=" } else { "✗ differs" };
        if played.rows.is_empty() {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "| {} | nothing | | | | | | | | | {verdict} |", played.scenario);
        }
        for row in &played.rows {
            let _ = writeln!(text, "| {} | {} | {verdict} |", played.scenario, cells(row));
        }
    }
    for played in played.iter().filter(|played| !played.surprises.is_empty()) {
        let _ = writeln!(text, "\n## {} differs\n\n- {}", played.scenario, played.surprises.join("\n- "));
    }
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("faults.md");
    std::fs::write(&file, &text).unwrap_or_else(|e| panic!("writing {}: {e}", file.display()));
    say(&format!("{text}\nkept in {}", file.display()));
}

fn cells(row: &Row) -> String {
    let Row { due, judged, ruled, told: [by_rules, by_push], muted_by } = row;
    let (alert, tier, severity, about) = &due.alert;
    let until = due.over.map(|over| format!(" – {over}")).unwrap_or_default();
    let muted_by: Vec<&str> = muted_by.iter().map(String::as_str).collect();
    [
        alert.clone(),
        tier.clone(),
        about.clone(),
        severity.clone(),
        format!("{}{until}", due.by),
        spell(judged.as_ref()),
        spell(ruled.as_ref()),
        format!("{}; {}", spell(by_rules.as_ref()), spell(by_push.as_ref())),
        muted_by.join(", "),
    ]
    .join(" | ")
}

fn spell(spell: Option<&Spell>) -> String {
    match spell {
        None => "no".to_owned(),
        Some(Spell { from, over: None, .. }) => format!("{from:.1}"),
        Some(Spell { from, over: Some(over), .. }) => format!("{from:.1} – {over:.1}"),
    }
}

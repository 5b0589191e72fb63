//! The report for people: problems catch the eye, each with its fix beneath, in the width that there is.

use anstyle::{AnsiColor, Style};
use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};

use super::line::{Area, Line, Report, Verdict};
use crate::ask::Paint;

/// Narrower terminals get this much all the same.
const NARROWEST: usize = 40;
/// Longer lines than this are hard to read.
const WIDEST: usize = 140;
/// Width of the mark with its margin, and the most that the name of a probe with its subject gets.
const MARK: u16 = 4;
const NAME: usize = 34;

/// The report as a table in the width of `paint`, with a summary at the end.
#[must_use]
pub fn render(report: &Report, paint: Paint) -> String {
    let width = paint.width.clamp(NARROWEST, WIDEST);
    let name = (width / 3).min(NAME);
    let mut out = String::new();
    for area in Area::ALL {
        let lines: Vec<&Line> = report.lines().iter().filter(|line| line.area == *area).collect();
        if lines.is_empty() {
            continue;
        }
        out.push_str(&paint.with(Style::new().bold(), title(*area)));
        out.push('\n');
        out.push_str(&rows(&lines, width, name, paint));
        out.push('\n');
    }
    out.push_str(&summary(report, paint));
    out
}

fn rows(lines: &[&Line], width: usize, name: usize, paint: Paint) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(columns(width));
    for (what, line) in joined(lines) {
        let found = match &line.fix {
            Some(fix) => format!("{}\n→ {fix}", line.evidence),
            None => line.evidence.clone(),
        };
        table.add_row([mark(line.verdict).to_owned(), what, found]);
    }
    let widths = [usize::from(MARK), name, width.saturating_sub(usize::from(MARK) + name)];
    for (column, wanted) in table.column_iter_mut().zip(widths) {
        column.set_padding((1, 1)).set_constraint(ColumnConstraint::Absolute(Width::Fixed(columns(wanted))));
    }
    // The mark is coloured here: the table would count the colour's characters as columns. Only a first line of a row has one.
    let coloured = |row: String| {
        let row = row.trim_end();
        let of = |verdict: &Verdict| Some((*verdict, row.strip_prefix(' ')?.strip_prefix(mark(*verdict))?));
        match Verdict::ALL.iter().find_map(of) {
            Some((verdict, rest)) => format!(" {}{rest}\n", paint.with(style(verdict), mark(verdict))),
            None => format!("{row}\n"),
        }
    };
    table.lines().map(coloured).collect()
}

/// Each line with its name; those that cannot be told for the same reason are one row.
fn joined<'a>(lines: &[&'a Line]) -> Vec<(String, &'a Line)> {
    let mut rows: Vec<(String, &Line)> = Vec::new();
    for line in lines {
        let what = match line.subject.as_str() {
            "" => line.probe.as_str().to_owned(),
            subject => format!("{} {subject}", line.probe),
        };
        let same = |other: &Line| {
            other.verdict == Verdict::NotChecked && (line.verdict, &line.evidence) == (other.verdict, &other.evidence)
        };
        match rows.last_mut() {
            Some((names, before)) if same(before) => {
                names.push_str(", ");
                names.push_str(&what);
            }
            Some(_) | None => rows.push((what, *line)),
        }
    }
    rows
}

fn columns(width: usize) -> u16 {
    u16::try_from(width).unwrap_or(u16::MAX)
}

const fn title(area: Area) -> &'static str {
    match area {
        Area::Config => "Configuration and this machine",
        Area::Gitlab => "GitLab",
        Area::Kubernetes => "Kubernetes",
        Area::Tiers => "Tiers",
        Area::Outputs => "Outputs",
    }
}

const fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "✓",
        Verdict::Warning => "!",
        Verdict::Problem => "✗",
        Verdict::NotChecked => "?",
    }
}

fn style(verdict: Verdict) -> Style {
    let colour = match verdict {
        Verdict::Ok => AnsiColor::Green,
        Verdict::Warning => AnsiColor::Yellow,
        Verdict::Problem => AnsiColor::Red,
        Verdict::NotChecked => AnsiColor::Magenta,
    };
    Style::new().bold().fg_color(Some(colour.into()))
}

fn summary(report: &Report, paint: Paint) -> String {
    let number = |verdict, one: &str, many: &str| match report.count(verdict) {
        1 => format!("1 {one}"),
        n => format!("{n} {many}"),
    };
    let counts = [
        number(Verdict::Problem, "problem", "problems"),
        number(Verdict::Warning, "warning", "warnings"),
        number(Verdict::NotChecked, "not checked", "not checked"),
        number(Verdict::Ok, "fine", "fine"),
    ];
    let worst = match (report.count(Verdict::Problem), report.count(Verdict::Warning)) {
        (0, 0) => Verdict::Ok,
        (0, _) => Verdict::Warning,
        _ => Verdict::Problem,
    };
    format!("{}\n", paint.with(style(worst), &format!("{} {}", mark(worst), counts.join(" · "))))
}

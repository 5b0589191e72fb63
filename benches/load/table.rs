//! One table: what was measured beside what is to be reached.

use std::fmt::Write as _;

/// What is to be reached.
#[derive(Debug, Clone, Copy)]
pub enum Reach {
    /// Less than this.
    Below(f64),
    /// More than this.
    Above(f64),
    /// Told without a figure to reach.
    Free,
}

struct Line {
    what: String,
    measured: String,
    reach: String,
    reached: Option<bool>,
}

/// The lines so far.
#[derive(Default)]
pub struct Table(Vec<Line>);

impl Table {
    /// Adds a figure; `unit` is written behind it, with its own space where it wants one.
    pub fn add(&mut self, what: &str, value: f64, unit: &str, reach: Reach) {
        let (words, reached) = match reach {
            Reach::Below(most) => (format!("< {}{unit}", number(most)), Some(value < most)),
            Reach::Above(least) => (format!("> {}{unit}", number(least)), Some(value > least)),
            Reach::Free => (String::new(), None),
        };
        let measured = format!("{}{unit}", number(value));
        self.0.push(Line { what: what.to_owned(), measured, reach: words, reached });
    }

    /// The table in Markdown.
    pub fn render(&self) -> String {
        let width = |cell: fn(&Line) -> &str, head: &str| {
            self.0.iter().map(|line| cell(line).chars().count()).chain([head.len()]).max().unwrap_or(0)
        };
        let what = width(|line| &line.what, "what");
        let measured = width(|line| &line.measured, "measured");
        let reach = width(|line| &line.reach, "reach");
        let mut text = format!("| {:<what$} | {:>measured$} | {:>reach$} |   |\n", "what", "measured", "reach");
        // Writing to a string cannot fail.
        let rule = |width: usize| "-".repeat(width);
        let _ = writeln!(text, "|{}|{}:|{}:|---|", rule(what + 2), rule(measured + 1), rule(reach + 1));
        for line in &self.0 {
            let mark = line.reached.map_or(" ", |reached| if reached { "✓" } else { "✗" });
            let _ = writeln!(
                text,
                "| {:<what$} | {:>measured$} | {:>reach$} | {mark} |",
                line.what, line.measured, line.reach
            );
        }
        text
    }
}

/// Three digits that say something, thousands apart.
fn number(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 || value.fract() == 0.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    let plain = format!("{value:.digits$}");
    let (whole, fraction) = plain.split_once('.').map_or((plain.as_str(), None), |(w, f)| (w, Some(f)));
    let mut grouped = String::new();
    for (position, digit) in whole.chars().enumerate() {
        if position > 0 && (whole.len() - position) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    fraction.map_or(grouped.clone(), |fraction| format!("{grouped}.{fraction}"))
}

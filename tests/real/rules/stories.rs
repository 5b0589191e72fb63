//! Stories for promtool: what is scraped minute by minute, and what must fire when.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::alerts::{EXPECTED, Expected, On};

/// One test of promtool.
#[derive(Debug, Clone, Default)]
pub struct Story {
    pub about: String,
    /// Series, and their values in promtool's notation.
    pub series: Vec<(String, String)>,
    /// At which minute which alerts fire, by their labels.
    pub asks: Vec<(u64, &'static str, Vec<Labels>)>,
}

pub type Labels = BTreeMap<&'static str, String>;

impl Story {
    pub fn fires(&self) -> bool {
        self.asks.iter().any(|(_, _, alerts)| !alerts.is_empty())
    }
}

/// A tier of each urgency, in the order of [`Expected::severity`].
const TIERS: [(&str, &str); 3] = [("deployment", "page"), ("standard", "ticket"), ("sandbox", "none")];

/// The trouble begins at this minute.
const BEGIN: u64 = 10;

/// An alert is told on for so many minutes.
const KEEP: u64 = 2;

/// The stories as a file of promtool.
pub fn text(stories: &[Story]) -> String {
    let mut text = "rule_files: [rules.yaml]\nevaluation_interval: 1m\ntests:\n".to_owned();
    for story in stories {
        writeln!(text, "  - interval: 1m\n    name: {:?}\n    input_series:", story.about).expect("a string");
        for (series, values) in &story.series {
            writeln!(text, "      - {{series: '{series}', values: '{values}'}}").expect("a string");
        }
        writeln!(text, "    alert_rule_test:").expect("a string");
        for (minute, alert, firing) in &story.asks {
            writeln!(text, "      - eval_time: {minute}m\n        alertname: {alert}\n        exp_alerts:")
                .expect("a string");
            if firing.is_empty() {
                text.truncate(text.len() - 1);
                text.push_str(" []\n");
            }
            for labels in firing {
                let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}: {value}")).collect();
                writeln!(text, "          - exp_labels: {{{}}}", labels.join(", ")).expect("a string");
            }
        }
    }
    text
}

/// What a row looks at: series without their braces' end, and the value while all is well and while it is not.
fn series_of(row: &Expected) -> Vec<(Option<usize>, String, &'static str, &'static str)> {
    let each = |metric: &str, label: &str, value: &str, fine, bad| {
        let of = |tier: &str| format!("{metric}{{tier=\"{tier}\",{label}=\"{value}\"");
        TIERS.iter().enumerate().map(|(index, (tier, _))| (Some(index), of(tier), fine, bad)).collect()
    };
    match row.on {
        On::Tier(condition) => each("tierwatch_tier_condition", "condition", condition, "0", "1"),
        On::GraveCheck => each("tierwatch_posture_violations", "check", "privileged", "0", "1"),
        On::Check => each("tierwatch_posture_violations", "check", "node_selector", "0", "1"),
        On::Source => each("tierwatch_source_up", "source", "kube_nodes", "1", "0"),
        On::Sight => each("tierwatch_source_up", "source", "gitlab_queue", "1", "0"),
        On::Own(condition) => vec![(None, format!("tierwatch_own_condition{{condition=\"{condition}\""), "0", "1")],
        On::Up => vec![(None, "up{job=\"tierwatch\"".to_owned(), "1", "0")],
    }
}

/// The label that tells a row's alerts apart.
fn subject(row: &Expected) -> Option<(&'static str, &'static str)> {
    match row.on {
        On::GraveCheck => Some(("check", "privileged")),
        On::Check => Some(("check", "node_selector")),
        On::Source => Some(("source", "kube_nodes")),
        On::Sight => Some(("source", "gitlab_queue")),
        On::Tier(_) | On::Own(_) | On::Up => None,
    }
}

/// What fires of these rows when the trouble has lasted for so many minutes.
fn firing(rows: &[&Expected], lasted: u64) -> Vec<Labels> {
    let mut firing = Vec::new();
    for row in rows.iter().filter(|row| lasted >= row.pending) {
        // A source without which no symptom is seen is a source as any other, too.
        let subjects: Vec<_> = match row.on {
            On::Source => vec![Some(("source", "kube_nodes")), Some(("source", "gitlab_queue"))],
            On::Tier(_) | On::GraveCheck | On::Check | On::Sight | On::Own(_) | On::Up => vec![subject(row)],
        };
        let whole = matches!(row.on, On::Own(_) | On::Up);
        for (index, (tier, _)) in TIERS.iter().enumerate().filter(|(index, _)| !whole || *index == 0) {
            for subject in subjects.iter().filter(|_| !row.severity[index].is_empty()) {
                let mut labels = Labels::from([
                    ("severity", row.severity[index].to_owned()),
                    ("alert_type", row.kind.to_owned()),
                    ("depends_on", row.depends_on.to_owned()),
                ]);
                // absent() of a comparison keeps no label.
                if !whole {
                    labels.insert("tier", (*tier).to_owned());
                }
                labels.extend(subject.map(|(name, value)| (name, value.to_owned())));
                firing.push(labels);
            }
        }
    }
    firing.sort();
    firing.dedup();
    firing
}

/// How the series of a story run: value by minute, or none.
type Course<'a> = &'a dyn Fn(u64) -> Option<bool>;

fn story(about: &str, rows: &[&Expected], minutes: u64, replicas: &[&str], bad: Course<'_>) -> Story {
    let mut series = Vec::new();
    for replica in replicas {
        for (tier, urgency) in TIERS {
            let info = format!("tierwatch_tier_info{{tier=\"{tier}\",urgency=\"{urgency}\",instance=\"{replica}\"}}");
            series.push((info, format!("1x{minutes}")));
        }
        for (_, begin, fine, trouble) in rows.iter().flat_map(|row| series_of(row)) {
            let value = |minute| match bad(minute) {
                None => "_",
                Some(false) => fine,
                Some(true) => trouble,
            };
            let values: Vec<&str> = (0..=minutes).map(value).collect();
            series.push((format!("{begin},instance=\"{replica}\"}}"), values.join(" ")));
        }
    }
    Story { about: format!("{}: {about}", rows[0].alert), series, asks: vec![] }
}

/// Every story of one alert.
pub fn of(name: &'static str) -> Vec<Story> {
    let rows: Vec<&Expected> = EXPECTED.iter().filter(|row| row.alert == name).collect();
    let mut pending: Vec<u64> = rows.iter().map(|row| row.pending).collect();
    pending.sort_unstable();
    pending.dedup();
    let longest = pending[pending.len() - 1];
    let end = BEGIN + longest + 10;
    let minutes = end + 20;
    let keep = if rows[0].on == On::Up { 0 } else { KEEP };
    let during = |minute| Some((BEGIN..end).contains(&minute));
    let quiet = |minute| (minute, name, vec![]);
    // Right before and at the end of each patience, while it is kept, and when it is over.
    let lasting: Vec<_> = pending
        .iter()
        .flat_map(|pending| [pending.saturating_sub(1), *pending])
        .map(|lasted| (BEGIN + lasted, name, firing(&rows, lasted)))
        .chain((keep > 0).then(|| (end + keep - 1, name, firing(&rows, longest))))
        .chain([quiet(BEGIN - 1), quiet(end + keep)])
        .collect();

    let mut lasts = story("it lasts, and ends", &rows, minutes, &["a"], &during);
    lasts.asks.clone_from(&lasting);
    let mut twice = story("two replicas see it", &rows, minutes, &["a", "b"], &during);
    twice.asks = lasting;
    let mut fine = story("all is well", &rows, minutes, &["a"], &|_| Some(false));
    fine.asks = vec![quiet(minutes)];
    let missed = |minute| (minute != BEGIN + 1 && minute != end - 2).then(|| (BEGIN..end).contains(&minute));
    let mut gaps = story("single scrapes are missed", &rows, minutes, &["a"], &missed);
    gaps.asks = vec![(end - 2, name, firing(&rows, longest)), quiet(end + keep)];
    let mut born = story("it starts in trouble", &rows, minutes, &["a"], &|minute| (minute >= BEGIN).then_some(true));
    born.asks = pending.iter().map(|pending| (BEGIN + pending, name, firing(&rows, *pending))).collect();
    let mut stories = vec![lasts, fine, twice, gaps, born];
    if rows[0].on != On::Up {
        let mut blind = story("what it rests on is not seen", &rows, minutes, &["a"], &|_| None);
        blind.asks = vec![quiet(minutes)];
        stories.push(blind);
    }
    if pending[0] >= 2 {
        let relapse = |minute| Some(minute != BEGIN + pending[0] - 1 && minute >= BEGIN);
        let mut again = story("it is over for a minute", &rows, minutes, &["a"], &relapse);
        again.asks = vec![quiet(BEGIN + pending[0])];
        stories.push(again);
    }
    stories
}

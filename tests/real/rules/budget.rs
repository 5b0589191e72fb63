//! Stories of the start budget: counters that rise, minute by minute.

use super::alerts::BURN;
use super::stories::{Labels, Story};

/// A tier, its severity for fast burns and for tickets, and when each pair of windows has enough starts at two a minute.
pub const TIERS: [(&str, [&str; 2]); 3] =
    [("deployment", ["critical", "warning"]), ("standard", ["warning", "warning"]), ("sandbox", ["info", "info"])];

/// Speed and long window.
const FAST: (&str, &str) = ("fast", "1h");
const SLOW: (&str, &str) = ("slow", "6h");
const TICKET: (&str, &str) = ("ticket", "1d");
const LONG: (&str, &str) = ("ticket", "3d");

fn burns(tier: usize, pairs: &[(&str, &str)]) -> Vec<Labels> {
    let (name, [urgent, ticket]) = TIERS[tier];
    let labels = |(speed, window): &(&str, &str)| {
        let severity = if *speed == "ticket" { ticket } else { urgent };
        Labels::from([
            ("tier", name.to_owned()),
            ("severity", severity.to_owned()),
            ("alert_type", "symptom".to_owned()),
            ("depends_on", "both".to_owned()),
            ("speed", (*speed).to_owned()),
            ("window", (*window).to_owned()),
        ])
    };
    pairs.iter().map(labels).collect()
}

/// The counters of one tier; `course` in promtool's notation.
fn counters(tier: usize, replicas: &[&str], in_time: &str, late: &str, broken: &str) -> Vec<(String, String)> {
    let name = TIERS[tier].0;
    let series = |replica: &&str, outcome: &str, course: &str| {
        let labels = format!("tier=\"{name}\",outcome=\"{outcome}\",instance=\"{replica}\"");
        (format!("tierwatch_job_start_outcomes_total{{{labels}}}"), course.to_owned())
    };
    let of = [("in_time", in_time), ("late", late), ("platform_failure", broken), ("user_failure", "0+9x600")];
    replicas.iter().flat_map(|replica| of.map(|(outcome, course)| series(replica, outcome, course))).collect()
}

fn story(about: &str, series: Vec<(String, String)>, asks: Vec<(u64, Vec<Labels>)>) -> Story {
    let asks = asks.into_iter().map(|(minute, firing)| (minute, BURN, firing)).collect();
    Story { about: format!("{BURN}: {about}"), series, asks }
}

/// Everything is late or broken, two jobs a minute: each pair of windows needs its number of starts, then its patience.
fn all_late(tier: usize, replicas: &[&str]) -> Story {
    let asks = match tier {
        // 20 starts at minute 10, + 2 min; 20, + 15 min; 21, + 1 h; 61 at minute 31, + 1 h.
        0 => vec![
            (7, vec![]),
            (10, vec![]),
            (16, burns(0, &[FAST])),
            (23, burns(0, &[FAST])),
            (30, burns(0, &[FAST, SLOW])),
            (66, burns(0, &[FAST, SLOW])),
            (80, burns(0, &[FAST, SLOW, TICKET])),
            (100, burns(0, &[FAST, SLOW, TICKET, LONG])),
        ],
        // They are numbered in steps of five minutes: 21 at minute 15, + 2 min; 51 at 30, + 15 min; 101 at 55, + 1 h; 301 at 155, + 1 h.
        1 => vec![
            (8, vec![]),
            (12, vec![]),
            (16, vec![]),
            (18, burns(1, &[FAST])),
            (37, burns(1, &[FAST])),
            (47, burns(1, &[FAST, SLOW])),
            (106, burns(1, &[FAST, SLOW])),
            (118, burns(1, &[FAST, SLOW, TICKET])),
            (205, burns(1, &[FAST, SLOW, TICKET])),
            (218, burns(1, &[FAST, SLOW, TICKET, LONG])),
        ],
        // 20 at minute 10, + 1 h, both; faster ones could never be met.
        _ => vec![(65, vec![]), (80, burns(2, &[TICKET, LONG]))],
    };
    let name = format!("{}, {} replicas: all starts are late or broken", TIERS[tier].0, replicas.len());
    story(&name, counters(tier, replicas, "0x600", "0+1x600", "0+1x600"), asks)
}

/// The stories of one tier.
pub fn stories_of(tier: usize) -> Vec<Story> {
    let mut stories = vec![all_late(tier, &["a"])];
    match tier {
        0 => stories.extend(of_deployment()),
        // One in twenty is late where one in a hundred may be: 5 times.
        1 => stories.push(story(
            "a twentieth is late",
            counters(1, &["a"], "0+1.9x600", "0+0.1x600", "0x600"),
            vec![(230, burns(1, &[TICKET, LONG]))],
        )),
        _ => {}
    }
    stories
}

fn of_deployment() -> Vec<Story> {
    vec![
        story("all starts are in time", counters(0, &["a"], "0+2x600", "0x600", "0x600"), vec![(110, vec![])]),
        story("nothing starts", counters(0, &["a"], "7x600", "7x600", "7x600"), vec![(110, vec![])]),
        // Five late ones of five within an hour, then none: too few to be a part of anything.
        story(
            "few jobs, all late",
            counters(0, &["a"], "0x600", "0+0.25x20 5x580", "0x600"),
            vec![(30, vec![]), (100, vec![])],
        ),
        // Twelve in an hour are twelve, however many count them.
        story(
            "two replicas see few jobs",
            counters(0, &["a", "b"], "0x600", "0+0.2x60 12x540", "0x600"),
            vec![(60, vec![])],
        ),
        // One in ten is late where one in twenty may be: the slowest pair alone.
        story(
            "a tenth is late",
            counters(0, &["a"], "0+1.8x600", "0+0.2x600", "0x600"),
            vec![(110, burns(0, &[LONG]))],
        ),
        // An hour of trouble after two good ones; the short windows end it.
        story(
            "an hour of trouble",
            counters(0, &["a"], "0+2x120 240x60 240+2x240", "0x120 0+2x60 120x240", "0x600"),
            vec![(159, vec![]), (172, burns(0, &[FAST])), (181, burns(0, &[FAST])), (195, burns(0, &[SLOW, LONG]))],
        ),
        story(
            "the daemon starts anew",
            counters(0, &["a"], "0x600", "0+2x20 0+2x580", "0x600"),
            vec![(18, burns(0, &[FAST])), (24, burns(0, &[FAST])), (40, burns(0, &[FAST, SLOW]))],
        ),
    ]
}

pub fn stories() -> Vec<Story> {
    let twice = (0..TIERS.len()).map(|tier| all_late(tier, &["a", "b"]));
    (0..TIERS.len()).flat_map(stories_of).chain(twice).collect()
}

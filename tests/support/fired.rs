//! The table of faults, and what fired while a scenario was played by the daemon's own judgement.
#![allow(dead_code, reason = "each test that reads the table asks for a part of it")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use tierwatch::demo::scenario;
use tierwatch::model::assessment::Assessment;
use tokio::sync::watch;

/// An alert, its tier, its severity and what it is about.
pub type Fired = (String, String, String, String);

/// Prometheus alone tells them: the start budget needs its history, and nobody tells of his own death.
const OF_PROMETHEUS: [&str; 2] = ["TierStartBudgetBurn", "TierwatchDown"];

/// What must fire in a scenario, and what becomes of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Due {
    pub alert: Fired,
    /// The minute of the story by which it has fired.
    pub by: f64,
    /// The minute by which it is over; without, it fires until the end of the story.
    pub over: Option<f64>,
    /// The alerts that mute it while they fire: one of these, and no other.
    pub muted_by: BTreeSet<String>,
    /// Whether anybody is told; unknown where it fires together with what mutes it.
    pub told: Option<bool>,
    /// How often it begins.
    pub times: u32,
    /// The minute in which the story ends: what is over later lasted until then.
    pub ends: f64,
}

impl Due {
    /// By Prometheus alone.
    pub fn of_prometheus(&self) -> bool {
        OF_PROMETHEUS.contains(&self.alert.0.as_str())
    }

    /// The same where tierwatch itself tells: without what is Prometheus' alone, neither it nor as what mutes.
    pub fn pushed(mut self) -> Option<Self> {
        if self.of_prometheus() {
            return None;
        }
        let ruled = self.muted_by.len();
        self.muted_by.retain(|name| !OF_PROMETHEUS.contains(&name.as_str()));
        if self.muted_by.is_empty() && ruled > 0 {
            self.told = Some(true);
        }
        Some(self)
    }
}

/// A line of the table: as many rows as it names tiers and subjects.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(default)]
    alert: Names,
    #[serde(default)]
    tier: Names,
    severity: String,
    #[serde(default)]
    about: Names,
    by: f64,
    over: Option<f64>,
    #[serde(default)]
    muted_by: Names,
    told: Option<bool>,
    #[serde(default = "once")]
    times: u32,
}

const fn once() -> u32 {
    1
}

#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Many(Vec<String>),
    #[default]
    None,
}

impl Names {
    fn all(&self) -> Vec<String> {
        match self {
            Self::One(name) => vec![name.clone()],
            Self::Many(names) => names.clone(),
            Self::None => vec![],
        }
    }

    fn or_nothing(&self) -> Vec<String> {
        let all = self.all();
        if all.is_empty() { vec![String::new()] } else { all }
    }
}

impl Line {
    fn rows(self, ends: f64) -> Vec<Due> {
        let muted_by: BTreeSet<String> = self.muted_by.all().into_iter().collect();
        let told = self.told.or(muted_by.is_empty().then_some(true));
        let mut rows = Vec::new();
        for name in self.alert.all() {
            for tier in self.tier.or_nothing() {
                for about in self.about.or_nothing() {
                    let alert = (name.clone(), tier.clone(), self.severity.clone(), about);
                    let Self { by, over, times, .. } = self;
                    rows.push(Due { alert, by, over, muted_by: muted_by.clone(), told, times, ends });
                }
            }
        }
        rows
    }
}

/// The table of faults, by scenario.
pub fn table() -> BTreeMap<String, Vec<Due>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults.yaml");
    let text = std::fs::read_to_string(file).expect("the table can be read");
    let source = config::File::from_str(&text, config::FileFormat::Yaml);
    let raw = config::Config::builder().add_source(source).build().expect("the table is YAML");
    let lines: BTreeMap<String, Vec<Line>> = raw.try_deserialize().expect("the table has its shape");
    let rows = |name: &str, lines: Vec<Line>| {
        let ends = ends(name);
        lines.into_iter().flat_map(|line| line.rows(ends)).collect()
    };
    lines.into_iter().map(|(name, lines)| (name.clone(), rows(&name, lines))).collect()
}

/// The minute in which a story ends that begins in its second.
fn ends(name: &str) -> f64 {
    let story = scenario::find(name).unwrap_or_else(|| panic!("there is no scenario {name}"));
    story.length.as_secs_f64() / 60.0 + 1.0
}

/// What must fire in a scenario.
pub fn due(scenario: &str) -> Vec<Due> {
    table().remove(scenario).unwrap_or_else(|| panic!("the table of faults does not know {scenario}"))
}

/// From which minute to which an alert fired.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spell {
    pub from: f64,
    pub over: Option<f64>,
    /// How often it began.
    pub times: u32,
}

/// Every alert that fired; until the daemon ends.
pub async fn fired(mut judgements: watch::Receiver<Arc<Assessment>>) -> BTreeMap<Fired, Spell> {
    let began = judgements.borrow().at.mono;
    let mut fired: BTreeMap<Fired, Spell> = BTreeMap::new();
    while judgements.changed().await.is_ok() {
        let assessment = Arc::clone(&judgements.borrow_and_update());
        let minute = (assessment.at.mono - began).as_secs_f64() / 60.0;
        for alert in &assessment.alerts {
            let text = |text: &Option<Arc<str>>| text.as_deref().unwrap_or_default().to_owned();
            let key =
                (alert.alert.to_owned(), text(&alert.tier), alert.severity.as_str().to_owned(), text(&alert.subject));
            let over = alert.ends_at.map(|_| minute);
            let spell = fired.entry(key).or_insert(Spell { from: minute, over: None, times: 1 });
            if spell.over.is_some() && over.is_none() {
                *spell = Spell { over: None, times: spell.times + 1, ..*spell };
            }
            spell.over = spell.over.or(over);
        }
    }
    fired
}

/// What fired and should not have, did not fire, fired late or more than once, or is over and should not be.
pub fn surprises(scenario: &str, fired: &BTreeMap<Fired, Spell>) -> Vec<String> {
    let due: BTreeMap<Fired, Due> =
        due(scenario).into_iter().filter(|due| !due.of_prometheus()).map(|due| (due.alert.clone(), due)).collect();
    let beside = fired.iter().filter(|(alert, _)| !due.contains_key(alert));
    let beside = beside.map(|(alert, spell)| format!("{alert:?} fired in minute {:.1} and should not", spell.from));
    let wrong = due.iter().filter_map(|(alert, due)| {
        let Some(spell) = fired.get(alert) else { return Some(format!("{alert:?} did not fire, due by {}", due.by)) };
        let why = timing(spell, due, 0.0)?;
        Some(format!("{alert:?} {why}"))
    });
    beside.chain(wrong).collect()
}

/// What is wrong with the times of an alert of which one hears `later` minutes later than it is so.
pub fn timing(spell: &Spell, due: &Due, later: f64) -> Option<String> {
    let Spell { from, over, times } = *spell;
    if from > due.by + later {
        return Some(format!("fired in minute {from:.1}, due by {}", due.by));
    }
    if times > due.times {
        return Some(format!("began {times} times"));
    }
    match (over.filter(|over| due.over.is_some() || *over < due.ends), due.over) {
        (Some(over), None) => Some(format!("was over in minute {over:.1} and should fire until the end")),
        (None, Some(due)) => Some(format!("is not over, due by minute {due}")),
        (Some(over), Some(due)) if over > due + later => Some(format!("was over in minute {over:.1}, due by {due}")),
        (Some(_), Some(_)) | (None, None) => None,
    }
}

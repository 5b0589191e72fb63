//! What fired while a scenario was played, by the daemon's own judgement, and what should have.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use tierwatch::model::assessment::Assessment;
use tokio::sync::watch;

/// An alert, its tier, its severity and what it is about.
pub type Fired = (String, String, String, String);

/// What must fire in a scenario.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Due {
    alert: String,
    #[serde(default)]
    tier: String,
    severity: String,
    #[serde(default)]
    about: String,
    /// The minute of the story by which it has fired.
    by: f64,
}

impl Due {
    fn alert(self) -> (Fired, f64) {
        ((self.alert, self.tier, self.severity, self.about), self.by)
    }
}

/// The table of faults, by scenario.
pub fn table() -> BTreeMap<String, Vec<Due>> {
    let source = config::File::from_str(include_str!("../faults.yaml"), config::FileFormat::Yaml);
    let raw = config::Config::builder().add_source(source).build().expect("the table is YAML");
    raw.try_deserialize().expect("the table has its shape")
}

/// What must fire in a scenario.
#[allow(dead_code, reason = "not every test that reads the table asks for this")]
pub fn due(scenario: &str) -> BTreeSet<Fired> {
    table().remove(scenario).into_iter().flatten().map(|due| due.alert().0).collect()
}

/// Every alert that fired, with the minute at which it first did; until the daemon ends.
pub async fn fired(mut judgements: watch::Receiver<Arc<Assessment>>) -> BTreeMap<Fired, f64> {
    let began = judgements.borrow().at.mono;
    let mut fired = BTreeMap::new();
    while judgements.changed().await.is_ok() {
        let assessment = Arc::clone(&judgements.borrow_and_update());
        for alert in assessment.alerts.iter().filter(|alert| alert.ends_at.is_none()) {
            let text = |text: &Option<Arc<str>>| text.as_deref().unwrap_or_default().to_owned();
            let key =
                (alert.alert.to_owned(), text(&alert.tier), alert.severity.as_str().to_owned(), text(&alert.subject));
            let minute = (assessment.at.mono - began).as_secs_f64() / 60.0;
            fired.entry(key).or_insert(minute);
        }
    }
    fired
}

/// What fired and should not have, did not fire, or fired late.
pub fn surprises(scenario: &str, fired: &BTreeMap<Fired, f64>) -> Vec<String> {
    let due = table().remove(scenario).unwrap_or_else(|| panic!("the table of faults does not know {scenario}"));
    let due: BTreeMap<Fired, f64> = due.into_iter().map(Due::alert).collect();
    let beside = fired.iter().filter(|(alert, _)| !due.contains_key(alert));
    let beside = beside.map(|(alert, minute)| format!("{alert:?} fired in minute {minute:.1} and should not"));
    let missing = due.iter().filter_map(|(alert, by)| match fired.get(alert) {
        None => Some(format!("{alert:?} did not fire, due by minute {by}")),
        Some(minute) if minute > by => Some(format!("{alert:?} fired in minute {minute:.1}, due by {by}")),
        Some(_) => None,
    });
    beside.chain(missing).collect()
}

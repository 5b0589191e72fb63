//! What fired while a scenario was played, by the daemon's own judgement.

use std::collections::BTreeMap;
use std::sync::Arc;

use tierwatch::model::assessment::Assessment;
use tokio::sync::watch;

/// An alert, its tier, its severity and what it is about.
pub type Fired = (String, String, String, String);

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

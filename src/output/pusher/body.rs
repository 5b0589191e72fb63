//! What Alertmanager is told, in the shape of its API v2: the same names and labels as the rules', and the whole reason.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::condition::FiringAlert;
use crate::model::assess::human_duration;
use crate::model::assessment::Assessment;
use crate::observation::between;
use crate::output::words;
use crate::rules::{SEE_THE_PAGE, Texts};

/// The alert that always fires: where it falls silent, nobody watches.
pub const HEARTBEAT: &str = "TierwatchHeartbeat";

/// What is not told again within so many intervals is over for Alertmanager, as with Prometheus.
const LIVES: u32 = 4;

/// One alert as Alertmanager's API takes it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PostableAlert {
    /// What makes it the same one.
    pub labels: BTreeMap<String, String>,
    /// What people read.
    pub annotations: BTreeMap<String, String>,
    /// When it began to fire.
    pub starts_at: Timestamp,
    /// When it is over, or would be if nothing further were heard.
    pub ends_at: Timestamp,
    /// Where it comes from.
    #[serde(rename = "generatorURL")]
    pub generator_url: String,
    /// It fires no more.
    #[serde(skip)]
    pub is_over: bool,
}

/// Everything that fires by this assessment, what was over lately, and the heartbeat.
#[must_use]
pub fn alerts(assessment: &Assessment, texts: &Texts, resend: Duration) -> Vec<PostableAlert> {
    let now = assessment.at.wall;
    let lives = now.saturating_add(resend.saturating_mul(LIVES)).unwrap_or(Timestamp::MAX);
    let told = assessment.alerts.iter().map(|alert| postable(alert, texts, now, lives));
    told.chain([heartbeat(texts, now, lives)]).collect()
}

fn postable(alert: &FiringAlert, texts: &Texts, now: Timestamp, lives: Timestamp) -> PostableAlert {
    let labels = labels(alert);
    let mut annotations = texts.of(alert, &labels);
    if let Some(description) = annotations.get_mut("description") {
        *description = described(description, alert, now);
    }
    PostableAlert {
        generator_url: annotations.get("page_url").cloned().unwrap_or_default(),
        labels,
        annotations,
        starts_at: alert.starts_at,
        ends_at: alert.ends_at.unwrap_or(lives),
        is_over: alert.ends_at.is_some(),
    }
}

/// The reason first: whoever was woken reads no further than that.
fn described(text: &str, alert: &FiringAlert, now: Timestamp) -> String {
    let long = human_duration(between(alert.since, now));
    let since = alert.since.strftime("%F %R UTC");
    let text = text.trim_end_matches(SEE_THE_PAGE).trim_end();
    // Messages of images and the cluster are other people's text.
    format!("{}. Since {since}, for {long}. {text}", words::plain(&alert.reason).trim_end_matches('.'))
}

fn labels(alert: &FiringAlert) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::from([
        ("alertname".to_owned(), alert.alert.to_owned()),
        ("severity".to_owned(), alert.severity.as_str().to_owned()),
        ("alert_type".to_owned(), alert.kind.as_str().to_owned()),
        ("depends_on".to_owned(), alert.depends_on.as_str().to_owned()),
    ]);
    labels.extend(alert.tier.as_ref().map(|tier| ("tier".to_owned(), tier.to_string())));
    let subject = alert.condition.subject_label().zip(alert.subject.as_ref());
    labels.extend(subject.map(|(name, value)| (name.to_owned(), value.to_string())));
    labels
}

fn heartbeat(texts: &Texts, now: Timestamp, lives: Timestamp) -> PostableAlert {
    let own = |text: &str| text.to_owned();
    let page = texts.page();
    PostableAlert {
        labels: BTreeMap::from([(own("alertname"), own(HEARTBEAT)), (own("severity"), own("none"))]),
        annotations: BTreeMap::from([
            (own("summary"), own("tierwatch runs and reaches Alertmanager")),
            (own("description"), own("It always fires. Where it falls silent, nobody watches the runner tiers.")),
            (own("page_url"), page.clone()),
        ]),
        starts_at: now,
        ends_at: lives,
        generator_url: page,
        is_over: false,
    }
}

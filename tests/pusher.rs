//! Alerts on their way to Alertmanager: what is said, and what happens when it does not answer.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;
#[path = "pusher/ways.rs"]
mod ways;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::routing::post;
use prometheus_client::registry::Registry;
use serde_json::Value;
use support::fake;
use tierwatch::clock::Clock;
use tierwatch::condition::{Condition, ConditionLine, DependsOn, FiringAlert, Kind, Ledger, Severity};
use tierwatch::config::{Alertmanager, Config, PushAuth, SecretFile};
use tierwatch::metrics::Own;
use tierwatch::metrics::exposition::{Format, encode};
use tierwatch::model::assessment::Assessment;
use tierwatch::model::policy::Urgency;
use tierwatch::observation::SourceKind;
use tierwatch::output::pusher::{HEARTBEAT, Pusher, alerts};
use tierwatch::rules::{Rule, Texts, groups};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const SECRET: &str = "CANARY-of-alertmanager";

fn texts() -> Texts {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rules/three.yaml")).unwrap();
    let config = Config::from_yaml(&text).unwrap();
    Texts::new(&config.links, &config.policy)
}

fn stalled() -> FiringAlert {
    FiringAlert {
        alert: "TierQueueStalled",
        tier: Some(Arc::from("standard")),
        condition: Condition::QueueStalled,
        subject: None,
        severity: Severity::Warning,
        kind: Kind::Symptom,
        depends_on: DependsOn::Gitlab,
        since: "2026-03-01T11:50:00Z".parse().unwrap(),
        starts_at: "2026-03-01T11:52:00Z".parse().unwrap(),
        ends_at: None,
        reason: "6 jobs wait, the oldest for 5 min, and no runner took any for 5 min. Cause: …".to_owned(),
    }
}

fn moved() -> FiringAlert {
    FiringAlert {
        alert: "TierBoundaryMoved",
        condition: Condition::BoundaryMoved,
        subject: Some(Arc::from("privileged")),
        kind: Kind::Boundary,
        depends_on: DependsOn::Kubernetes,
        tier: Some(Arc::from("deployment")),
        severity: Severity::Critical,
        ends_at: Some("2026-03-01T11:58:00Z".parse().unwrap()),
        reason: "found {{ $labels.tier }} \u{202e}<b>\u{1b}[31m".to_owned(),
        ..stalled()
    }
}

fn firing(alerts: Vec<FiringAlert>) -> Assessment {
    Assessment { alerts, ..fake::assessment(vec![fake::calm_tier("standard")]) }
}

#[test]
fn what_is_said_is_what_the_rules_say_and_why() {
    let body = alerts(&firing(vec![stalled(), moved()]), &texts(), Duration::from_secs(60));
    insta::assert_snapshot!(serde_json::to_string_pretty(&body).unwrap());
}

/// The proof that came along, and the body.
type Told = (Option<String>, Value);

/// What an Alertmanager by hand was told, and how it answers.
#[derive(Clone, Default)]
struct Catcher {
    told: Arc<Mutex<Vec<Told>>>,
    answer: Arc<Mutex<Answer>>,
}

#[derive(Clone, Copy, Default)]
enum Answer {
    #[default]
    Takes,
    Refuses,
    Hangs,
    Unknown,
    /// It answers with the proof that it was given.
    Repeats,
}

impl Catcher {
    async fn serve(&self) -> url::Url {
        self.serve_at("127.0.0.1:0").await
    }

    async fn serve_at(&self, address: &str) -> url::Url {
        let app = Router::new().route("/prefix/api/v2/alerts", post(take)).with_state(self.clone());
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let url = format!("http://{}/prefix/", listener.local_addr().unwrap()).parse().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        url
    }

    fn answers(&self, how: Answer) {
        *self.answer.lock().unwrap() = how;
    }

    fn told(&self) -> Vec<Told> {
        self.told.lock().unwrap().clone()
    }

    /// Names and whether each is over, of the last time it was told.
    fn last(&self) -> Vec<String> {
        let told = self.told();
        let Some((_, body)) = told.last() else { return vec![] };
        let now = |alert: &Value| alert["endsAt"].as_str().unwrap() < "2026-03-01T12:00:00Z";
        let line = |alert: &Value| {
            let name = alert["labels"]["alertname"].as_str().unwrap();
            format!("{name}{}", if now(alert) { " is over" } else { "" })
        };
        body.as_array().unwrap().iter().map(line).collect()
    }
}

async fn take(State(catcher): State<Catcher>, request: Request) -> (StatusCode, String) {
    let how = *catcher.answer.lock().unwrap();
    let header = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
    match how {
        Answer::Hangs => std::future::pending().await,
        Answer::Refuses => (StatusCode::INTERNAL_SERVER_ERROR, String::new()),
        Answer::Unknown => (StatusCode::UNAUTHORIZED, "who are you?".to_owned()),
        Answer::Repeats => (StatusCode::UNAUTHORIZED, header.unwrap_or_default()),
        Answer::Takes => {
            let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
            catcher.told.lock().unwrap().push((header, serde_json::from_slice(&body).unwrap()));
            (StatusCode::OK, String::new())
        }
    }
}

/// A pusher at work, whose minutes pass in a second.
struct Pushing {
    assessments: watch::Sender<Arc<Assessment>>,
    registry: Registry,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

fn to(urls: Vec<url::Url>, auth: Option<PushAuth>) -> Alertmanager {
    Alertmanager {
        urls,
        auth,
        ca_file: None,
        client_certificate: None,
        proxy: None,
        timeout: Duration::from_millis(500),
        resend: Duration::from_secs(60),
    }
}

impl Pushing {
    fn start(config: Alertmanager) -> Self {
        Self::start_at_speed(config, 60.0)
    }

    fn start_at_speed(config: Alertmanager, speed: f64) -> Self {
        let (assessments, assessed) = watch::channel(Arc::new(firing(vec![])));
        let mut registry = Registry::default();
        let own = Own::new(&SourceKind::ALL, &mut registry);
        own.pushes();
        let clock = Clock::simulated(fake::now().wall, speed);
        let pusher = Pusher { config, texts: Arc::new(texts()), assessments: assessed, terms: None, clock, own };
        let stop = CancellationToken::new();
        Self { assessments, registry, stop: stop.clone(), task: tokio::spawn(pusher.run(stop)) }
    }

    fn fires(&self, alerts: Vec<FiringAlert>) {
        self.assessments.send_replace(Arc::new(firing(alerts)));
    }

    fn pushes(&self, result: &str) -> f64 {
        let page = String::from_utf8(encode(&self.registry, Format::Text).unwrap().to_vec()).unwrap();
        let begin = format!("tierwatch_alertmanager_pushes_total{{result=\"{result}\"}} ");
        page.lines().find_map(|line| line.strip_prefix(&begin)).unwrap().parse().unwrap()
    }
}

/// Waits until it is so; a test that waits in vain says for what.
async fn until(what: &str, so: impl Fn() -> bool) {
    let asking = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(60), asking).await.is_ok(), "{what} never came");
}

#[tokio::test]
async fn news_is_told_at_once_and_everything_again_and_again() {
    let catcher = Catcher::default();
    let pushing = Pushing::start(to(vec![catcher.serve().await], None));
    until("the heartbeat", || catcher.last() == [HEARTBEAT]).await;
    pushing.fires(vec![stalled()]);
    until("the alert", || catcher.last() == ["TierQueueStalled", HEARTBEAT]).await;
    let before = catcher.told().len();
    pushing.fires(vec![FiringAlert { reason: "other numbers".to_owned(), ..stalled() }]);
    until("it again", || catcher.told().len() > before).await;
    assert_eq!(catcher.last(), ["TierQueueStalled", HEARTBEAT]);
    pushing.fires(vec![FiringAlert { ends_at: Some("2026-03-01T11:59:00Z".parse().unwrap()), ..stalled() }]);
    until("its end", || catcher.last() == ["TierQueueStalled is over", HEARTBEAT]).await;
    assert_eq!(pushing.pushes("failed"), 0.0);
    pushing.stop.cancel();
    pushing.task.await.unwrap();
}

#[tokio::test]
async fn one_that_hangs_or_refuses_keeps_nobody_waiting_and_misses_nothing() {
    let (well, ill) = (Catcher::default(), Catcher::default());
    ill.answers(Answer::Hangs);
    let pushing = Pushing::start(to(vec![ill.serve().await, well.serve().await], None));
    pushing.fires(vec![stalled()]);
    until("the one that is well", || well.last() == ["TierQueueStalled", HEARTBEAT]).await;
    assert!(ill.told().is_empty());
    ill.answers(Answer::Refuses);
    until("a refusal", || pushing.pushes("failed") >= 2.0).await;
    pushing.fires(vec![FiringAlert { ends_at: Some("2026-03-01T11:59:00Z".parse().unwrap()), ..stalled() }]);
    ill.answers(Answer::Takes);
    until("what it missed", || ill.last() == ["TierQueueStalled is over", HEARTBEAT]).await;
    pushing.stop.cancel();
    pushing.task.await.unwrap();
}

#[tokio::test]
async fn an_alertmanager_that_was_away_for_long_hears_what_it_missed_and_is_not_asked_all_the_time() {
    let away = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let url = format!("http://{away}/prefix/").parse().unwrap();
    // Ten minutes pass in a second.
    let pushing = Pushing::start_at_speed(to(vec![url], None), 600.0);
    pushing.fires(vec![stalled(), moved()]);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    // What ended while it was away and is still told by the ledger, and what began.
    let ended = FiringAlert { ends_at: Some("2026-03-01T11:59:00Z".parse().unwrap()), ..stalled() };
    let began = FiringAlert { alert: "TierDown", condition: Condition::Down, ..stalled() };
    pushing.fires(vec![ended, moved(), began]);
    let asked = pushing.pushes("failed");
    assert!((3.0..60.0).contains(&asked), "asked {asked} times: often at first, then every half minute");
    let catcher = Catcher::default();
    catcher.serve_at(&away.to_string()).await;
    until("what it missed", || !catcher.told().is_empty()).await;
    let all = ["TierQueueStalled is over", "TierBoundaryMoved is over", "TierDown", HEARTBEAT];
    assert_eq!(catcher.last(), all, "with the first word that gets through");
    pushing.stop.cancel();
    pushing.task.await.unwrap();
}

#[tokio::test]
async fn it_proves_who_it_is_with_what_the_file_holds_now() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    for (auth, header) in [
        (
            PushAuth::Basic { username: "tierwatch".to_owned(), password: SecretFile::new(&file) },
            "Basic dGllcndhdGNoOkNBTkFSWS1vZi1hbGVydG1hbmFnZXI=".to_owned(),
        ),
        (PushAuth::Bearer(SecretFile::new(&file)), format!("Bearer {SECRET}")),
    ] {
        let _absent = std::fs::remove_file(&file);
        let catcher = Catcher::default();
        let pushing = Pushing::start(to(vec![catcher.serve().await], Some(auth)));
        until("the failure without a file", || pushing.pushes("failed") >= 1.0).await;
        std::fs::write(&file, SECRET).unwrap();
        until("the proof", || catcher.told().last().is_some_and(|(told, _)| told.as_ref() == Some(&header))).await;
        let said: String = catcher.told().iter().map(|(_, body)| body.to_string()).collect();
        assert!(!said.contains(SECRET));
        pushing.stop.cancel();
        pushing.task.await.unwrap();
    }
}

#[tokio::test]
async fn what_fires_at_the_end_is_told_once_more() {
    let catcher = Catcher::default();
    let pushing = Pushing::start(to(vec![catcher.serve().await], None));
    until("the heartbeat", || !catcher.told().is_empty()).await;
    let before = catcher.told().len();
    pushing.stop.cancel();
    pushing.task.await.unwrap();
    assert!(catcher.told().len() > before, "an Alertmanager must not forget while the next run starts");
}

/// Everything that can be wrong with a tier and with tierwatch, for two hours.
fn everything(urgency: Urgency) -> Assessment {
    let mut assessment = firing(vec![]);
    assessment.tiers[0].urgency = urgency;
    let line = |condition: Condition, subject: Option<&str>| ConditionLine {
        condition,
        subject: subject.map(Arc::from),
        holds: Some(true),
        since: None,
        reason: "so it is".to_owned(),
        pausing: None,
        taken_over: false,
    };
    let lines = Condition::ALL.iter().flat_map(|condition| match condition.subject_label() {
        None => vec![line(*condition, None)],
        Some("check") => vec![line(*condition, Some("privileged")), line(*condition, Some("node_selector"))],
        Some(_) => vec![line(*condition, Some("gitlab_queue")), line(*condition, Some("kube_nodes"))],
    });
    let (own, of_tier) = lines.partition(|line| line.condition.is_own());
    (assessment.conditions, assessment.tiers[0].conditions) = (own, of_tier);
    let mut ledger = Ledger::new(Duration::from_secs(120));
    ledger.judge(&assessment);
    assessment.at.mono += Duration::from_secs(7200);
    assessment.at.wall += Duration::from_secs(7200);
    assessment.alerts = ledger.judge(&assessment);
    assessment
}

/// Both ways of telling: the same alerts with the same labels, but for what only Prometheus can know.
#[test]
fn what_is_pushed_has_the_names_and_labels_of_the_rules() {
    for (word, urgency) in [("page", Urgency::Page), ("ticket", Urgency::Ticket), ("none", Urgency::None)] {
        let yaml = format!(
            "gitlab: {{ url: https://gitlab.example.com, token_file: t }}\n\
             tiers: {{ standard: {{ tags: [a], namespaces: [a], urgency: {word} }} }}"
        );
        let rules = groups(&Config::from_yaml(&yaml).unwrap()).into_iter().flat_map(|group| group.rules);
        let by_rules: BTreeSet<BTreeMap<String, String>> = rules
            .filter_map(|rule| match rule {
                Rule::Alert { alert, labels, expr, .. } => Some((alert, labels, expr)),
                Rule::Record { .. } => None,
            })
            .filter(|(alert, _, _)| !["TierStartBudgetBurn", "TierwatchDown"].contains(alert))
            .map(|(alert, labels, expr)| {
                let mut all: BTreeMap<String, String> =
                    labels.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
                all.insert("alertname".to_owned(), alert.to_owned());
                if expr.contains("by (tier") {
                    all.insert("tier".to_owned(), "standard".to_owned());
                }
                all
            })
            .collect();
        let pushed = alerts(&everything(urgency), &texts(), Duration::from_secs(60));
        let by_push: BTreeSet<BTreeMap<String, String>> = pushed
            .into_iter()
            .map(|alert| alert.labels)
            .filter(|labels| labels["alertname"] != HEARTBEAT)
            .map(|labels| labels.into_iter().filter(|(name, _)| name != "check" && name != "source").collect())
            .collect();
        assert_eq!(by_push, by_rules, "{word}");
    }
}

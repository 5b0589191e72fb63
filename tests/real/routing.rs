//! The example of an Alertmanager: who is told, and what is mute beside what; by amtool and by the real Alertmanager.

use std::path::Path;

use tierwatch::config::Config;
use tierwatch::output::pusher::{Client, PostableAlert};
use tierwatch::rules::{Rule, groups};

use crate::support::alertmanager::{Alertmanager, Held, Labels, amtool};
use crate::support::{now, until};

fn example() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("alerts/alertmanager.yaml");
    std::fs::read_to_string(path).expect("the example can be read")
}

fn labels(of: &[(&str, &str)]) -> Labels {
    of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Every alert of the rules for a tier of each urgency, as it would fire for `tier`.
fn alerts(tier: &str, urgency: &str) -> Vec<Labels> {
    let yaml = format!(
        "gitlab: {{ url: https://gitlab.example.com, token_file: t }}\n\
         tiers: {{ {tier}: {{ tags: [a], namespaces: [a], urgency: {urgency} }} }}"
    );
    let config = Config::from_yaml(&yaml).expect("a valid configuration");
    let rules = groups(&config).into_iter().flat_map(|group| group.rules);
    let alert = |rule| {
        let Rule::Alert { alert, labels: fixed, .. } = rule else { return None };
        let mut all = labels(&[("alertname", alert), ("tier", tier)]);
        all.extend(fixed.into_iter().map(|(name, value)| (name.to_owned(), value)));
        match alert {
            "TierBoundaryMoved" => all.insert("check".to_owned(), "privileged".to_owned()),
            "TierwatchSourceDown" => all.insert("source".to_owned(), "gitlab_queue".to_owned()),
            name if name.starts_with("Tierwatch") => all.remove("tier"),
            _ => None,
        };
        Some(all)
    };
    rules.filter_map(alert).collect()
}

/// A22.
#[test]
fn each_severity_reaches_its_receiver() {
    let checked = amtool(&example(), &["check-config", "alertmanager.yml"]).expect("a sound configuration");
    assert!(checked.contains("SUCCESS") && checked.contains("4 receivers"), "{checked}");
    let receivers = [("critical", "on-call"), ("warning", "tickets"), ("info", "shown-only")];
    let mut routed = 0;
    for alert in alerts("deployment", "page").into_iter().chain(alerts("sandbox", "none")) {
        let (_, receiver) = receivers.iter().find(|(severity, _)| alert["severity"] == *severity).expect("a known one");
        let verify = format!("--verify.receivers={receiver}");
        let of: Vec<String> = alert.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut args = vec!["config", "routes", "test", "--config.file=alertmanager.yml", &verify];
        args.extend(of.iter().map(String::as_str));
        amtool(&example(), &args).unwrap_or_else(|said| panic!("{alert:?}: {said}"));
        routed += 1;
    }
    let args = ["config", "routes", "test", "--config.file=alertmanager.yml", "--verify.receivers=heartbeat"];
    amtool(&example(), &[&args[..], &["alertname=TierwatchHeartbeat"]].concat()).expect("the heartbeat has its own");
    assert!(routed > 40, "{routed}");
}

/// A tier of which nothing is told but a symptom and its cause.
const WITNESS: &str = "witness";

/// Tells the alerts; the names of those that are mute, sorted, when Alertmanager has gone through all of them.
async fn mute(told: &[Labels]) -> Vec<String> {
    let alertmanager = Alertmanager::start(&example()).await;
    alertmanager.tell(told).await;
    // It shows alerts before it has weighed them against each other, which it does in the order in which they came.
    let witnesses: Vec<Labels> = of(&alerts(WITNESS, "ticket"), &["TierQueueStalled", "TierUnschedulable"]).collect();
    alertmanager.tell(&witnesses).await;
    let is_witness = |alert: &Held| alert.labels.get("tier").is_some_and(|tier| tier == WITNESS);
    let held = until("that the last cause is mute", async || {
        let held = alertmanager.alerts().await;
        let is_weighed = held.iter().any(|alert| is_witness(alert) && !alert.muted_by.is_empty());
        if is_weighed { Ok(held) } else { Err(format!("{} alerts", held.len())) }
    })
    .await;
    assert_eq!(held.len(), told.len() + witnesses.len(), "{held:?}");
    let mut mute: Vec<String> = held
        .into_iter()
        .filter(|alert| !alert.muted_by.is_empty() && !is_witness(alert))
        .map(|Held { labels, .. }| {
            let subject = labels.get("check").or_else(|| labels.get("source")).map(|it| format!(" {it}"));
            let tier = labels.get("tier").map(String::as_str).unwrap_or_default();
            format!("{} {} {tier}{}", labels["alertname"], labels["severity"], subject.unwrap_or_default())
        })
        .collect();
    mute.sort();
    mute
}

fn of<'a>(alerts: &'a [Labels], names: &'a [&str]) -> impl Iterator<Item = Labels> + 'a {
    alerts.iter().filter(|alert| names.contains(&alert["alertname"].as_str())).cloned()
}

/// A21, the first half.
#[tokio::test]
async fn a_blind_source_mutes_what_rests_on_it_for_its_tier_only() {
    let (here, there) = (alerts("standard", "ticket"), alerts("deployment", "ticket"));
    let names = ["TierQueueStalled", "TierBoundaryMoved", "TierUnschedulable", "JobsUnserved", "TierwatchDown"];
    let source: Vec<Labels> = of(&here, &["TierwatchSourceDown"]).collect();
    let told: Vec<Labels> = source.iter().cloned().chain(of(&here, &names)).chain(of(&there, &names[1..4])).collect();
    // TierwatchDown is of no tier and told once only.
    assert_eq!(
        mute(&told).await,
        [
            "JobsUnserved warning standard",
            "TierQueueStalled warning standard",
            // Not by the queue but by its symptom, which is itself muted: its text names the cause once the queue is seen again.
            "TierUnschedulable warning standard",
        ]
    );
    let pods: Vec<Labels> = source
        .into_iter()
        .map(|mut alert| {
            alert.insert("source".to_owned(), "kube_pods".to_owned());
            alert
        })
        .collect();
    // Without pods a tier is down by GitLab's word.
    let without_pods = ["TierBoundaryMoved", "TierUnschedulable", "JobsUnserved", "TierDown"];
    let told: Vec<Labels> =
        pods.into_iter().chain(of(&here, &without_pods)).chain(of(&there, &without_pods[..3])).collect();
    assert_eq!(mute(&told).await, ["TierUnschedulable warning standard"]);
}

/// Some checks need no object of the cluster but pods and runners, and what cannot be checked is not told.
#[tokio::test]
async fn no_blind_source_mutes_a_moved_boundary() {
    let here = alerts("standard", "page");
    let source = of(&here, &["TierwatchSourceDown"]).next().expect("it is an alert of the rules");
    let blind = ["kube_posture", "kube_pods", "gitlab_runners", "gitlab_refs"].map(|name| {
        let mut alert = source.clone();
        alert.insert("source".to_owned(), name.to_owned());
        alert
    });
    let told: Vec<Labels> = blind.into_iter().chain(of(&here, &["TierBoundaryMoved"])).collect();
    let mute = mute(&told).await;
    // Both severities of one check are told at once here only: the urgent one says it all.
    assert!(mute.iter().all(|alert| alert == "TierBoundaryMoved warning standard privileged"), "{mute:?}");
}

/// A21, the second half.
#[tokio::test]
async fn a_symptom_mutes_its_causes_and_the_urgent_one_the_other() {
    let (here, there) = (alerts("deployment", "page"), alerts("standard", "ticket"));
    let told: Vec<Labels> = here.iter().cloned().chain(of(&there, &["TierAtCapacity", "TierFlooded"])).collect();
    let without_sources: Vec<Labels> =
        told.into_iter().filter(|alert| alert["alertname"] != "TierwatchSourceDown").collect();
    assert_eq!(
        mute(&without_sources).await,
        [
            "RunnerTokenExpiring warning deployment",
            "TierAtCapacity warning deployment",
            "TierBoundaryMoved warning deployment privileged",
            "TierImagePullFailing warning deployment",
            "TierJobsOverdue critical deployment",
            "TierQueueStalled critical deployment",
            "TierRunnersOffline warning deployment",
            "TierScaleUpBlocked warning deployment",
            "TierStartBudgetBurn critical deployment",
            "TierStartBudgetBurn critical deployment",
            "TierStartBudgetBurn warning deployment",
            "TierStartBudgetBurn warning deployment",
            "TierUnschedulable warning deployment",
            "TierwatchTokenExpiring warning ",
        ]
    );
}

/// What the daemon pushes is taken, held as it was said, and resolved.
#[tokio::test]
async fn what_is_pushed_is_taken_and_resolved() {
    let alertmanager = Alertmanager::start(&example()).await;
    let config = tierwatch::config::Alertmanager {
        urls: vec![alertmanager.url.parse().expect("an address")],
        auth: None,
        ca_file: None,
        client_certificate: None,
        proxy: None,
        timeout: std::time::Duration::from_secs(10),
        resend: std::time::Duration::from_secs(60),
    };
    let mut client = Client::new(config.urls[0].clone(), config);
    let now = now();
    let alert = |name: &str, lasts: i64| PostableAlert {
        labels: labels(&[("alertname", name), ("tier", "standard"), ("severity", "warning")]),
        annotations: labels(&[("summary", "a summary"), ("description", "why, \u{fffd}<b> {{ and so on }}")]),
        starts_at: now - jiff::SignedDuration::from_mins(5),
        ends_at: now + jiff::SignedDuration::from_mins(lasts),
        generator_url: "https://tierwatch.example.com/tiers/standard".to_owned(),
        is_over: lasts < 0,
    };
    client.post(&[alert("TierDown", 4), alert("TierFlooded", 4)]).await.expect("it is taken");
    let names = async || {
        let mut names: Vec<String> =
            alertmanager.alerts().await.into_iter().map(|alert| alert.labels["alertname"].clone()).collect();
        names.sort();
        names
    };
    until("both", async || if names().await == ["TierDown", "TierFlooded"] { Ok(()) } else { Err(String::new()) })
        .await;
    client.post(&[alert("TierDown", -1), alert("TierFlooded", 4)]).await.expect("it is taken");
    until("one", async || if names().await == ["TierFlooded"] { Ok(()) } else { Err(String::new()) }).await;
    let refused = client.post(&[PostableAlert { labels: labels(&[]), ..alert("", 4) }]).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("400")), "what it refuses is told");
}

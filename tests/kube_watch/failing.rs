//! When it does not go well: in each case the blind one says so, the others go on, and nothing is asked in a hot loop.

use std::time::Duration;

use tierwatch::observation::{Body, Change, FailureClass};
use tierwatch::source::watch::Pace;

use super::api::{Api, Mood};
use super::harness::{DEPLOY, Daemon, SPEED, STANDARD, kubeconfig, pace, pod, policy, tier};

/// 410 as the answer to a watch: the list shows what is left, and what was deleted in the gap is not in it.
#[tokio::test]
async fn an_expired_version_lists_again() {
    let api = Api::new();
    api.put(STANDARD, pod("kept"));
    api.put(STANDARD, pod("deleted-unseen"));
    let server = api.serve(0);
    let mut daemon = Daemon::of(&server, &["ci-standard"], pace()).await;
    assert_eq!(daemon.replace().await.len(), 2);
    daemon.alive("ci-standard").await;
    let port = server.address.port();
    drop(server);
    api.delete(STANDARD, "deleted-unseen");
    api.compact();
    let _server = api.serve(port);
    while daemon.failed("ci-standard").await.class != FailureClass::Expired {}
    assert_eq!(daemon.replace().await, ["kept"]);
}

#[tokio::test]
async fn an_expiry_inside_the_stream_lists_again_but_not_in_a_hot_loop() {
    let api = Api::new();
    api.put(STANDARD, pod("a"));
    api.mood(STANDARD, Mood::ExpiredInStream);
    let (mut daemon, _server) = Daemon::standard(&api).await;
    for _ in 0..4 {
        assert_eq!(daemon.replace().await, ["a"]);
        assert_eq!(daemon.failed("ci-standard").await.class, FailureClass::Expired);
    }
    // 0, then 2, 4, 8, 16 s of our clock.
    let before = api.requests(&[STANDARD, "limit=500"]).len();
    assert!(before <= 5, "{before} lists");
    api.mood(STANDARD, Mood::Well);
    daemon.replace().await;
    api.put(STANDARD, pod("b"));
    assert_eq!(daemon.upsert().await.name.as_ref(), "b");
}

#[tokio::test]
async fn a_refused_namespace_leaves_the_others_alone_and_recovers() {
    let api = Api::new();
    api.put(STANDARD, pod("a"));
    api.put(DEPLOY, pod("d"));
    api.mood(DEPLOY, Mood::Refuses(403));
    let server = api.serve(0);
    let mut daemon = Daemon::of(&server, &["ci-standard", "ci-deploy"], pace()).await;
    let failure = daemon.failed("ci-deploy").await;
    assert_eq!(failure.class, FailureClass::Forbidden);
    assert!(failure.detail.contains("403") && failure.detail.contains("the server says"), "{}", failure.detail);
    for name in ["b", "c"] {
        api.put(STANDARD, pod(name));
        daemon.alive("ci-standard").await;
    }
    let asked = api.requests(&[DEPLOY]).len();
    assert!((2..=5).contains(&asked), "{asked}: a refusal may pass; one that lasts is asked again only after a minute");
    api.mood(DEPLOY, Mood::Well);
    let mut said = daemon.next("ci-deploy").await.body;
    while matches!(said, Body::Failed(_)) {
        said = daemon.next("ci-deploy").await.body;
    }
    assert!(matches!(said, Body::Pod(Change::Replace(pods)) if pods.len() == 1));
    daemon.alive("ci-deploy").await;
}

/// Rights to list but not to watch, and taken away while a watch ran.
#[tokio::test]
async fn a_refused_watch_is_told_as_well() {
    let api = Api::new();
    api.put(STANDARD, pod("a"));
    let (mut daemon, _server) = Daemon::standard(&api).await;
    daemon.replace().await;
    daemon.alive("ci-standard").await;
    api.mood(STANDARD, Mood::RefusesWatch(403));
    assert_eq!(daemon.failed("ci-standard").await.class, FailureClass::Forbidden);
    api.mood(STANDARD, Mood::Well);
    assert_eq!(daemon.next("ci-standard").await.body, Body::Alive, "the version is still good: no list");
}

#[tokio::test]
async fn a_server_may_stop_and_start() {
    let api = Api::new();
    api.put(STANDARD, pod("a"));
    let (mut daemon, server) = Daemon::standard(&api).await;
    daemon.replace().await;
    daemon.alive("ci-standard").await;
    let port = server.address.port();
    drop(server);
    for _ in 0..3 {
        assert_eq!(daemon.failed("ci-standard").await.class, FailureClass::Connection);
    }
    api.put(STANDARD, pod("b"));
    let _server = api.serve(port);
    assert_eq!(daemon.upsert().await.name.as_ref(), "b", "taken up where it was");
    assert_eq!(api.requests(&[STANDARD, "limit=500"]).len(), 1);
}

/// A watch that was accepted and then neither speaks nor ends.
#[tokio::test]
async fn a_silent_hang_is_found_within_its_bound() {
    let api = Api::new();
    api.put(STANDARD, pod("a"));
    api.mood(STANDARD, Mood::Silent);
    let (mut daemon, _server) = Daemon::standard(&api).await;
    daemon.replace().await;
    let contact = daemon.alive("ci-standard").await.at.mono;
    let mut last_alive = contact;
    let failed = loop {
        let said = daemon.next("ci-standard").await;
        if let Body::Failed(failure) = said.body {
            assert_eq!(failure.class, FailureClass::Timeout);
            break said.at.mono;
        }
        assert_eq!(said.body, Body::Alive);
        last_alive = said.at.mono;
    };
    let bound = (pace().watch + pace().margin).mul_f64(SPEED);
    let slack = Duration::from_millis(700).mul_f64(SPEED);
    assert!(failed - contact >= bound && failed - contact < bound + slack, "{:?}", failed - contact);
    assert!(last_alive - contact < bound + slack / 10, "alive was claimed beyond the bound");
    // Nothing but a new answer brings it back, and that answer is a list: what was missed is in it.
    api.put(STANDARD, pod("b"));
    assert!(matches!(daemon.next("ci-standard").await.body, Body::Pod(Change::Replace(pods)) if pods.len() == 2));
}

/// Not even a first word on the watch, or on the list.
#[tokio::test]
async fn a_mute_server_is_never_alive() {
    for (mood, lists) in [(Mood::Mute, true), (Mood::MuteList, false)] {
        let api = Api::new();
        api.mood(STANDARD, mood);
        let (mut daemon, _server) = Daemon::standard(&api).await;
        if lists {
            daemon.replace().await;
        }
        for _ in 0..2 {
            let said = daemon.next("ci-standard").await.body;
            assert!(matches!(&said, Body::Failed(failure) if failure.class == FailureClass::Timeout), "{said:?}");
        }
    }
}

#[tokio::test]
async fn a_watch_that_ends_at_once_is_a_failure() {
    let api = Api::new();
    api.mood(STANDARD, Mood::EndsAtOnce);
    let server = api.serve(0);
    // A slow clock, so that the end certainly comes within its first second.
    let slow = Pace { first_wait: Duration::from_secs(5), ..pace() };
    let mut daemon = Daemon::of(&server, &["ci-standard"], slow).await;
    for _ in 0..3 {
        assert_eq!(daemon.failed("ci-standard").await.class, FailureClass::Connection);
    }
    assert!(api.requests(&[STANDARD, "watch=true"]).len() <= 4);
}

#[tokio::test]
async fn a_line_that_is_no_json_lists_again() {
    let api = Api::new();
    api.put(STANDARD, pod("a"));
    api.mood(STANDARD, Mood::Garbage);
    let (mut daemon, _server) = Daemon::standard(&api).await;
    daemon.replace().await;
    let failure = daemon.failed("ci-standard").await;
    assert_eq!(failure.class, FailureClass::Decode);
    assert!(!failure.detail.contains("html"), "{}", failure.detail);
    daemon.replace().await;
}

#[tokio::test]
async fn statuses_have_classes() {
    for (status, class) in [
        (401, FailureClass::Unauthorized),
        (403, FailureClass::Forbidden),
        (404, FailureClass::NotFound),
        (410, FailureClass::Expired),
        (429, FailureClass::RateLimited),
        (500, FailureClass::ServerError),
        (503, FailureClass::ServerError),
        (504, FailureClass::Timeout),
        (418, FailureClass::Other),
    ] {
        let api = Api::new();
        api.mood(STANDARD, Mood::Refuses(status));
        let (mut daemon, _server) = Daemon::standard(&api).await;
        let failure = daemon.failed("ci-standard").await;
        assert_eq!(failure.class, class, "{status}: {}", failure.detail);
        assert_eq!(failure.retry_after, (status == 429).then_some(Duration::from_secs(3)));
        assert!(!failure.detail.contains("canary"), "{}", failure.detail);
    }
}

#[tokio::test]
async fn addresses_that_lead_nowhere_have_classes() {
    let api = Api::new();
    let server = api.serve(0);
    for (url, class) in [
        ("http://127.0.0.1:1".to_owned(), FailureClass::Connection),
        ("http://no-such-host.invalid".to_owned(), FailureClass::Dns),
        (format!("https://{}", server.address), FailureClass::Tls),
    ] {
        let policy = policy(vec![tier("t", &["ci-standard"])]);
        let pace = Pace { request: Duration::from_secs(20), ..pace() };
        let mut daemon = Daemon::start(&url, &policy, false, pace).await;
        let failure = daemon.failed("ci-standard").await;
        assert_eq!(failure.class, class, "{url}: {}", failure.detail);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_kubeconfig_is_told_without_what_is_in_it() {
    use tierwatch::source::kube::connect;
    let good = kubeconfig("http://127.0.0.1:1");
    let broken = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        broken.path(),
        "users: [{name: u, user: {token: [canary-token-93ab]}}]\nclusters: canary-token-93ab",
    )
    .unwrap();
    for (path, context, expected) in [
        (good.path().to_owned(), Some("elsewhere"), "elsewhere"),
        (broken.path().to_owned(), None, "no valid kubeconfig"),
        ("/no/such/kubeconfig".into(), None, "/no/such/kubeconfig"),
    ] {
        let kubernetes = tierwatch::config::Kubernetes {
            enabled: true,
            kubeconfig: Some(path),
            context: context.map(str::to_owned),
            cluster_scoped: false,
        };
        let Err(error) = connect(&kubernetes).await else { panic!("{expected}: connected") };
        assert_eq!(error.class(), FailureClass::Secret);
        assert!(error.to_string().contains(expected), "{error}");
        let all = format!("{error:?}\n") + &tierwatch::error::Fault::cannot_run(error).told();
        assert!(all.contains(expected) && !all.contains("canary"), "{all}");
    }
}

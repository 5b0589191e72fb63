//! When all goes well.

use tierwatch::observation::{Body, SourceKey, SourceKind};
use tierwatch::source::kube::rbac;

use super::api::Api;
use super::harness::{DEPLOY, Daemon, EVENTS, NODES, STANDARD, pace, pod, policy, tier};

#[tokio::test]
async fn lists_then_follows() {
    let api = Api::new();
    api.put(STANDARD, pod("a"));
    api.put(STANDARD, pod("b"));
    let (mut daemon, _server) = Daemon::standard(&api).await;
    assert_eq!(daemon.replace().await, ["a", "b"]);
    api.put(STANDARD, pod("c"));
    assert_eq!(daemon.upsert().await.name.as_ref(), "c");
    let mut running = pod("a");
    running["status"]["phase"] = "Running".into();
    api.put(STANDARD, running);
    assert_eq!(daemon.upsert().await.phase.as_str(), "running");
    api.delete(STANDARD, "b");
    assert_eq!(daemon.gone().await, "uid-b");
    api.bookmark(STANDARD);
    daemon.alive("ci-standard").await;
    assert!(api.header("user-agent").unwrap().starts_with("tierwatch/"));
    assert_eq!(api.header("authorization").unwrap(), "Bearer canary-token-93ab");
    assert_eq!(api.requests(&[STANDARD, "limit=500"]).len(), 1, "one list is enough");
}

/// Bookmarks and regular ends move the version on, so nothing is listed or told twice.
#[tokio::test]
async fn a_watch_that_ends_in_time_is_taken_up_where_it_was() {
    let api = Api::new();
    api.put(STANDARD, pod("a"));
    let (mut daemon, _server) = Daemon::standard(&api).await;
    daemon.replace().await;
    api.bookmark(STANDARD);
    let version = loop {
        daemon.alive("ci-standard").await;
        if let Some(again) = api.requests(&[STANDARD, "watch=true", "resourceVersion=102"]).pop() {
            break again;
        }
    };
    assert!(version.contains("timeoutSeconds=1") && version.contains("allowWatchBookmarks=true"), "{version}");
    api.put(STANDARD, pod("b"));
    assert_eq!(daemon.upsert().await.name.as_ref(), "b");
    assert_eq!(api.requests(&[STANDARD, "limit=500"]).len(), 1, "no second list");
}

#[tokio::test]
async fn a_quiet_watch_gives_signs_of_life() {
    let api = Api::new();
    let server = api.serve(0);
    let long = tierwatch::source::watch::Pace { watch: std::time::Duration::from_secs(60), ..pace() };
    let mut daemon = Daemon::of(&server, &["ci-standard"], long).await;
    daemon.replace().await;
    let mut before = daemon.alive("ci-standard").await.at.mono;
    for _ in 0..3 {
        let now = daemon.alive("ci-standard").await.at.mono;
        assert!((15..40).contains(&(now - before).as_secs()), "{:?} after {before:?}", now);
        before = now;
    }
    assert_eq!(api.requests(&[STANDARD]).len(), 2, "one list, one watch");
}

#[tokio::test]
async fn thousands_of_pods_are_one_sentence() {
    let api = Api::new();
    for number in 0..2_345 {
        api.put(STANDARD, pod(&format!("pod-{number:05}")));
    }
    api.compact();
    let (mut daemon, _server) = Daemon::standard(&api).await;
    let names = daemon.replace().await;
    assert_eq!((names.len(), names[0].as_str(), names[2_344].as_str()), (2_345, "pod-00000", "pod-02344"));
    assert_eq!(api.requests(&[STANDARD, "limit=500"]).len(), 5);
}

#[tokio::test]
async fn one_malformed_object_does_not_blind_the_namespace() {
    let api = Api::new();
    api.put(STANDARD, pod("a"));
    let mut odd = pod("odd");
    odd["spec"] = serde_json::json!({"containers": {"not": "a list"}, "volumes": 7, "nodeName": ["x"]});
    odd["status"]["conditions"] = serde_json::json!([null, 3, {"type": 5, "lastTransitionTime": "soon"}]);
    api.put(STANDARD, odd);
    let mut nameless = pod("nameless");
    nameless["metadata"] = serde_json::json!({"name": "nameless", "labels": "none"});
    api.put(STANDARD, nameless.clone());
    let (mut daemon, _server) = Daemon::standard(&api).await;
    assert_eq!(daemon.replace().await, ["a", "odd"]);
    assert!(matches!(daemon.next("ci-standard").await.body, Body::Note(note) if note.starts_with("1 object")));
    api.put(STANDARD, nameless);
    api.delete(STANDARD, "nameless");
    api.put(STANDARD, pod("z"));
    assert_eq!(daemon.upsert().await.name.as_ref(), "z");
}

#[tokio::test]
async fn each_namespace_is_watched_once_whoever_shares_it() {
    let api = Api::new();
    let server = api.serve(0);
    let mut deploy = tier("deploy", &["ci-deploy", "ci-standard"]);
    deploy.manager_namespaces = vec!["runners".into(), "ci-deploy".into()];
    let policy = policy(vec![deploy, tier("standard", &["ci-standard"])]);
    let url = format!("http://{}", server.address);
    let mut daemon = Daemon::start(&url, &policy, true, pace()).await;
    let namespaced = |kind, namespace| SourceKey::namespaced(kind, namespace);
    let expected = [
        namespaced(SourceKind::KubePods, "ci-deploy"),
        namespaced(SourceKind::KubePods, "ci-standard"),
        namespaced(SourceKind::KubePods, "runners"),
        namespaced(SourceKind::KubeEvents, "ci-deploy"),
        namespaced(SourceKind::KubeEvents, "ci-standard"),
        namespaced(SourceKind::KubeNodeEvents, "default"),
        SourceKey::global(SourceKind::KubeNodes),
        namespaced(SourceKind::KubeQuotas, "ci-deploy"),
        namespaced(SourceKind::KubeQuotas, "ci-standard"),
        namespaced(SourceKind::KubeLimits, "ci-deploy"),
        namespaced(SourceKind::KubeLimits, "ci-standard"),
        namespaced(SourceKind::KubeNamespace, "ci-deploy"),
        namespaced(SourceKind::KubeNamespace, "ci-standard"),
        namespaced(SourceKind::KubeNetpols, "ci-deploy"),
        namespaced(SourceKind::KubeNetpols, "ci-standard"),
        namespaced(SourceKind::KubeAccounts, "ci-deploy"),
        namespaced(SourceKind::KubeAccounts, "ci-standard"),
        namespaced(SourceKind::KubeRoles, "ci-deploy"),
        namespaced(SourceKind::KubeRoles, "ci-standard"),
        namespaced(SourceKind::KubeRoles, "runners"),
        namespaced(SourceKind::KubeBindings, "ci-deploy"),
        namespaced(SourceKind::KubeBindings, "ci-standard"),
        namespaced(SourceKind::KubeBindings, "runners"),
    ];
    assert_eq!(daemon.watches.keys, expected);
    daemon.listed(expected.to_vec()).await;
    for path in [STANDARD, DEPLOY, EVENTS, NODES] {
        assert_eq!(api.requests(&[path, "limit=500"]).len(), 1, "{path}");
    }
    // What was asked for is what `print rbac` gives.
    let printed = rbac::print(&policy, &kubernetes(), None);
    for request in api.requests(&["GET "]) {
        let path = request["GET ".len()..].split('?').next().unwrap();
        // Below the version of the core group or of another one.
        let parts: Vec<&str> = path.split("/v1/").nth(1).unwrap().split('/').collect();
        let resource = if parts.len() == 2 { "namespaces" } else { *parts.last().unwrap() };
        assert!(printed.contains(&format!("resources: [{resource}]")), "{request}");
        if let ["namespaces", namespace, ..] = parts[..] {
            assert!(printed.contains(&format!("namespace: {namespace}\n")), "{request}");
        }
    }
    let selector = "fieldSelector=reason%21%3DCreated";
    assert!(!api.requests(&[EVENTS, "limit=500", selector]).is_empty());
}

#[tokio::test]
async fn ends_when_cancelled_and_when_nobody_listens() {
    let api = Api::new();
    let (mut daemon, _server) = Daemon::standard(&api).await;
    daemon.replace().await;
    daemon.cancel.cancel();
    while let Some(ended) = daemon.watches.tasks.join_next().await {
        ended.unwrap();
    }
    let (mut daemon, _server) = Daemon::standard(&api).await;
    daemon.replace().await;
    let mut tasks = daemon.deaf();
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
}

fn kubernetes() -> tierwatch::config::Kubernetes {
    tierwatch::config::Kubernetes { enabled: true, kubeconfig: None, context: None, cluster_scoped: true }
}

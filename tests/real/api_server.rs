//! The API server goes and comes back, forgets its history, hangs: on clusters of their own, since others could not work meanwhile.

use std::time::Duration;

use futures::{Stream, StreamExt as _};
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::{Api, ListParams, WatchEvent, WatchParams};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Client, ResourceExt as _};

use crate::support::cluster::{Cluster, Options, User};
use crate::support::job_pod::JobPod;
use crate::support::relay::Relay;
use crate::support::stage::{Hands, PODS};
use crate::support::{PATIENCE, until};

/// The first event that `wanted` picks; errors are what these tests are about, so they are passed over.
async fn next<T>(
    watch: &mut (impl Stream<Item = watcher::Result<watcher::Event<Pod>>> + Unpin),
    mut wanted: impl FnMut(watcher::Event<Pod>) -> Option<T>,
) -> T {
    let searching = async {
        loop {
            if let Ok(event) = watch.next().await.expect("a watch does not end")
                && let Some(found) = wanted(event)
            {
                return found;
            }
        }
    };
    tokio::time::timeout(PATIENCE, searching).await.expect("the watch shows it in time")
}

fn applied(event: watcher::Event<Pod>) -> Option<String> {
    match event {
        watcher::Event::Apply(pod) | watcher::Event::InitApply(pod) => Some(pod.name_any()),
        watcher::Event::Init | watcher::Event::InitDone | watcher::Event::Delete(_) => None,
    }
}

fn is_done(event: watcher::Event<Pod>) -> Option<()> {
    matches!(event, watcher::Event::InitDone).then_some(())
}

fn watch(client: Client, namespace: &str) -> impl Stream<Item = watcher::Result<watcher::Event<Pod>>> + Unpin {
    let pods = Api::<Pod>::namespaced(client, namespace);
    Box::pin(watcher(pods, watcher::Config::default().streaming_lists()).default_backoff())
}

#[tokio::test]
async fn a_stopped_api_server_comes_back_with_its_data_and_its_port() {
    let mut cluster = Cluster::start(Options::default()).await;
    let hands = Hands::of(&cluster).await;
    let namespace = hands.namespace("standard", None).await;
    let before = hands.job_pod(&namespace, &JobPod::new(801)).await;
    hands.grant(&namespace, &[PODS], &["list", "watch"]).await;
    let mut watch = watch(cluster.client(User::Tierwatch).await, &namespace);
    assert_eq!(next(&mut watch, applied).await, before);
    next(&mut watch, is_done).await;

    cluster.stop_api().await;
    assert!(
        Api::<Pod>::namespaced(hands.admin.clone(), &namespace).list(&ListParams::default()).await.is_err(),
        "nobody answers"
    );
    cluster.start_api().await;

    assert_eq!(hands.pod(&namespace, &before).await.name_any(), before);
    let after = hands.job_pod(&namespace, &JobPod::new(802)).await;
    next(&mut watch, |event| applied(event).filter(|name| *name == after)).await;
    assert!(cluster.folder().exists(), "{}", cluster.last_words());
}

#[tokio::test]
async fn a_watch_from_before_the_compaction_gets_410() {
    let cluster = Cluster::start(Options { compaction: Some(Duration::from_secs(1)), ..Options::default() }).await;
    let hands = Hands::of(&cluster).await;
    let namespace = hands.namespace("standard", None).await;
    // Events have no watch cache: their watch reads etcd, and etcd's history is short.
    let events = Api::<Event>::namespaced(hands.admin.clone(), &namespace);
    let long_ago = events.list(&ListParams::default()).await.expect("events can be listed").metadata.resource_version;
    let long_ago = long_ago.expect("a list has a version");

    let gone = until("the end of etcd's memory", async || {
        // Only a history that grows is cut.
        hands.namespace("history", None).await;
        let watch = events.watch(&WatchParams::default().timeout(1), &long_ago).await;
        let mut watch = match watch {
            Ok(watch) => watch.boxed(),
            Err(kube::Error::Api(status)) => return Ok(status),
            Err(other) => return Err(other.to_string()),
        };
        match watch.next().await {
            Some(Ok(WatchEvent::Error(status))) => Ok(status),
            Some(Err(kube::Error::Api(status))) => Ok(status),
            other => Err(format!("{other:?}")),
        }
    })
    .await;

    assert_eq!((gone.code, gone.reason.as_str()), (410, "Expired"), "{gone:?}");
}

#[tokio::test]
async fn a_wire_that_hangs_carries_on_when_mended_and_one_that_is_cut_is_redialled() {
    let cluster = Cluster::start(Options::default()).await;
    let hands = Hands::of(&cluster).await;
    let namespace = hands.namespace("standard", None).await;
    hands.grant(&namespace, &[PODS], &["list", "watch"]).await;
    let relay = Relay::to(cluster.api_port()).await;
    let kubeconfig = cluster.kubeconfig_file(User::Tierwatch, relay.port());
    let kubeconfig = kube::config::Kubeconfig::read_from(&kubeconfig).expect("the harness wrote it");
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &kube::config::KubeConfigOptions::default()).await;
    let client = Client::try_from(config.expect("it names a cluster")).expect("the certificate can be read");
    let mut watch = watch(client, &namespace);
    next(&mut watch, is_done).await;

    relay.hang();
    let unseen = hands.job_pod(&namespace, &JobPod::new(803)).await;
    let silence = tokio::time::timeout(Duration::from_secs(2), watch.next()).await;
    assert!(silence.is_err(), "a wire that hangs brings nothing: {silence:?}");
    relay.mend();
    assert_eq!(next(&mut watch, applied).await, unseen);

    relay.cut();
    let later = hands.job_pod(&namespace, &JobPod::new(804)).await;
    relay.mend();
    next(&mut watch, |event| applied(event).filter(|name| *name == later)).await;
}

//! The simulated API server, read by the real Kubernetes client.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod demo_support;

use std::time::Duration;

use demo_support::{AN_HOUR, troubled};
use futures::{StreamExt, TryStreamExt, pin_mut};
use jiff::SignedDuration;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use k8s_openapi::api::core::v1::{Event, Namespace, Node, Pod};
use kube::api::{ListParams, PostParams, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::watcher;
use kube::{Api, Client, Config};
use tierwatch::demo::Demo;
use tierwatch::demo::faults::KubeFault;
use tokio::time::timeout;

const NAMESPACE: &str = "gitlab-runners-standard";

async fn client(demo: &Demo) -> Client {
    let kubeconfig = Kubeconfig::read_from(demo.kubeconfig()).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

fn status(error: kube::Error) -> (u16, String) {
    let kube::Error::Api(status) = error else { panic!("{error:?}") };
    (status.code, status.reason)
}

#[tokio::test]
async fn lists_are_complete_in_pages_and_selectable() {
    let demo = troubled().await;
    let client = client(&demo).await;
    assert_eq!(client.apiserver_version().await.unwrap().minor, "35");
    let pods: Api<Pod> = Api::namespaced(client.clone(), NAMESPACE);
    let all = pods.list(&ListParams::default()).await.unwrap();
    let (mut paged, mut token) = (Vec::new(), None);
    loop {
        let mut page = ListParams::default().limit(7);
        page.continue_token = token;
        let answer = pods.list(&page).await.unwrap();
        token = answer.metadata.continue_.clone().filter(|token| !token.is_empty());
        paged.extend(answer.items);
        if token.is_none() {
            break;
        }
    }
    assert!(all.items.len() > 20 && paged.len().abs_diff(all.items.len()) < 6);
    let managers = pods.list(&ListParams::default().labels("app=runner-standard-gitlab-runner")).await.unwrap();
    assert_eq!(managers.items.len(), 2);
    let one = managers.items[0].metadata.name.clone().unwrap();
    assert_eq!(pods.list(&ListParams::default().fields(&format!("metadata.name={one}"))).await.unwrap().items.len(), 1);
    assert_eq!(pods.get(&one).await.unwrap().metadata.name, Some(one));
    assert_eq!(status(pods.get("nobody").await.unwrap_err()), (404, "NotFound".to_owned()));
    assert_eq!(Api::<Node>::all(client.clone()).list(&ListParams::default()).await.unwrap().items.len(), 17);
    assert_eq!(Api::<Namespace>::all(client.clone()).list(&ListParams::default()).await.unwrap().items.len(), 5);
    let events: Api<Event> = Api::namespaced(client, NAMESPACE);
    let warnings = events.list(&ListParams::default().fields("type=Warning,involvedObject.kind=Pod")).await.unwrap();
    assert!(warnings.items.iter().any(|event| event.reason.as_deref() == Some("Failed")));
}

#[tokio::test]
async fn a_watch_tells_what_happens_and_expires_on_demand() {
    let demo = troubled().await;
    let pods: Api<Pod> = Api::namespaced(client(&demo).await, NAMESPACE);
    let version = pods.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    let watch = pods.watch(&WatchParams::default(), &version).await.unwrap();
    pin_mut!(watch);
    let first = timeout(Duration::from_secs(15), watch.try_next()).await.unwrap().unwrap().unwrap();
    assert!(matches!(first, WatchEvent::Added(_) | WatchEvent::Modified(_) | WatchEvent::Deleted(_)), "{first:?}");

    demo.disturb_kube(KubeFault::Expire, SignedDuration::ZERO);
    let expired = async {
        loop {
            if let Some(WatchEvent::Error(status)) = watch.try_next().await.unwrap() {
                return status;
            }
        }
    };
    let told = timeout(Duration::from_secs(5), expired).await.unwrap();
    assert_eq!((told.code, told.reason.as_str()), (410, "Expired"));
}

#[tokio::test]
async fn the_real_watcher_lists_again_after_each_fault() {
    let demo = troubled().await;
    let pods: Api<Pod> = Api::namespaced(client(&demo).await, NAMESPACE);
    let watch = watcher(pods, watcher::Config::default());
    pin_mut!(watch);
    let mut lists = 0;
    let story = async {
        while let Some(event) = watch.next().await {
            match event {
                Ok(watcher::Event::InitDone) => {
                    lists += 1;
                    match lists {
                        1 => demo.disturb_kube(KubeFault::Expire, SignedDuration::ZERO),
                        2 => {
                            // While it is away its history is compacted, so that the old revision is gone.
                            demo.disturb_kube(KubeFault::Down, SignedDuration::from_secs(1));
                            demo.disturb_kube(KubeFault::Expire, SignedDuration::ZERO);
                        }
                        _ => return,
                    }
                }
                Ok(_) => {}
                Err(_) => tokio::time::sleep(Duration::from_millis(200)).await, // the watcher itself does not wait
            }
        }
    };
    timeout(Duration::from_secs(30), story).await.unwrap();
    assert_eq!(lists, 3);
}

#[tokio::test]
async fn a_closed_namespace_is_closed_alone() {
    let demo = troubled().await;
    let client = client(&demo).await;
    demo.disturb_kube(KubeFault::Forbidden(NAMESPACE.to_owned()), AN_HOUR);
    let closed: Api<Pod> = Api::namespaced(client.clone(), NAMESPACE);
    assert_eq!(status(closed.list(&ListParams::default()).await.unwrap_err()), (403, "Forbidden".to_owned()));
    let open: Api<Pod> = Api::namespaced(client.clone(), "gitlab-runners-sandbox");
    assert!(open.list(&ListParams::default()).await.is_ok());
    let reviews: Api<SelfSubjectAccessReview> = Api::all(client);
    for (namespace, allowed) in [(NAMESPACE, false), ("gitlab-runners-sandbox", true)] {
        let attributes = ResourceAttributes {
            namespace: Some(namespace.to_owned()),
            resource: Some("pods".to_owned()),
            verb: Some("watch".to_owned()),
            ..ResourceAttributes::default()
        };
        let spec = SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..Default::default() };
        let review = SelfSubjectAccessReview { spec, ..Default::default() };
        let answer = reviews.create(&PostParams::default(), &review).await.unwrap();
        assert_eq!(answer.status.unwrap().allowed, allowed);
    }
}

#[tokio::test]
async fn a_hanging_server_answers_nothing() {
    let demo = troubled().await;
    let pods: Api<Pod> = Api::namespaced(client(&demo).await, NAMESPACE);
    demo.disturb_kube(KubeFault::Hang, AN_HOUR);
    assert!(timeout(Duration::from_millis(500), pods.list(&ListParams::default())).await.is_err());
}

//! The daemon's user has the rights that a Role grants and no others.

use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::{Event, Node, Pod, Secret};
use kube::ResourceExt as _;
use kube::api::{Api, ListParams};
use kube::runtime::watcher;

use crate::support::PATIENCE;
use crate::support::cluster::User;
use crate::support::job_pod::JobPod;
use crate::support::stage::{EVENTS, PODS, Stage};

fn code<T: std::fmt::Debug>(result: kube::Result<T>) -> u16 {
    match result {
        Err(kube::Error::Api(status)) => status.code,
        other => panic!("expected the API to refuse, got {other:?}"),
    }
}

#[tokio::test]
async fn a_role_opens_one_namespace_and_no_other() {
    let stage = Stage::take().await;
    let granted = stage.namespace("standard", None).await;
    let closed = stage.namespace("deployment", None).await;
    stage.grant(&granted, &[PODS, EVENTS], &["get", "list", "watch"]).await;
    let client = stage.cluster.client(User::Tierwatch).await;

    let pods = Api::<Pod>::namespaced(client.clone(), &granted);
    let watch = watcher(pods, watcher::Config::default().streaming_lists());
    let names = watch.try_filter_map(async |event| match event {
        watcher::Event::Apply(pod) => Ok(Some(pod.name_any())),
        watcher::Event::Init | watcher::Event::InitApply(_) | watcher::Event::InitDone | watcher::Event::Delete(_) => {
            Ok(None)
        }
    });
    let mut names = std::pin::pin!(names);
    let first = async { names.next().await.expect("a watch does not end").expect("the watch is allowed") };
    let made = async {
        // The watch must be there before the pod is.
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        stage.job_pod(&granted, &JobPod::new(701)).await
    };
    let (seen, made) =
        tokio::time::timeout(PATIENCE, async { tokio::join!(first, made) }).await.expect("the pod is seen");
    assert_eq!(seen, made);

    let everything = ListParams::default();
    assert_eq!(code(Api::<Pod>::namespaced(client.clone(), &closed).list(&everything).await), 403);
    assert_eq!(code(Api::<Pod>::all(client.clone()).list(&everything).await), 403);
    assert_eq!(code(Api::<Node>::all(client.clone()).list(&everything).await), 403);
    assert_eq!(code(Api::<Secret>::namespaced(client.clone(), &granted).list(&everything).await), 403);
    Api::<Event>::namespaced(client.clone(), &granted).list(&everything).await.expect("events were granted");

    stage.revoke(&granted).await;
    crate::support::until("the end of the right", async || {
        match Api::<Pod>::namespaced(client.clone(), &granted).list(&everything).await {
            Err(kube::Error::Api(status)) if status.code == 403 => Ok(()),
            other => Err(format!("{:?}", other.map(|pods| pods.items.len()))),
        }
    })
    .await;
}

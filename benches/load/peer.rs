//! The peer: a plain client in a process of its own that downloads the same lists by the same pages and parses
//! them into the usual types. What a daemon needs beyond that is its own.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use futures::future::try_join_all;
use futures::try_join;
use k8s_openapi::api::core::v1::{Event, Node, Pod};
use kube::api::ListParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tierwatch::clock::Clock;
use tierwatch::demo::Demo;
use tierwatch::source::gitlab::queries::JOBS;

/// The first argument of a process that is to be the peer.
pub const NAME: &str = "peer";

const NAMESPACES: [&str; 5] = ["deployment", "privileged", "protected", "sandbox", "standard"];

/// Runs the peer as a process; from its start to its end.
pub fn measure(demo: &Demo) -> Result<Duration> {
    let clock = Clock::system();
    let began = clock.now();
    let mut peer = Command::new(std::env::current_exe()?);
    peer.args([NAME, &demo.gitlab_url]).arg(demo.token_file()).arg(demo.kubeconfig());
    let ended = peer.status().context("starting the peer")?;
    if !ended.success() {
        bail!("the peer failed: {ended}");
    }
    Ok(clock.now().since(&began))
}

/// What the process does. `args`: GitLab's address, its token file, a kubeconfig.
pub async fn main(args: &[String]) -> Result<()> {
    let [gitlab, token_file, kubeconfig] = args else { bail!("the peer wants three arguments") };
    let token = std::fs::read_to_string(token_file)?;
    let cluster = cluster(Path::new(kubeconfig)).await?;
    let http = reqwest::Client::builder().no_proxy().build()?;
    let pods = try_join_all(NAMESPACES.map(|tier| list::<Pod>(namespaced(&cluster, tier))));
    let events = try_join_all(NAMESPACES.map(|tier| list::<Event>(namespaced(&cluster, tier))));
    let (pending, running, pods, _, nodes) = try_join!(
        jobs(&http, gitlab, token.trim(), "PENDING"),
        jobs(&http, gitlab, token.trim(), "RUNNING"),
        pods,
        events,
        list::<Node>(Api::all(cluster.clone())),
    )?;
    let pods: usize = pods.iter().map(Vec::len).sum();
    if pods == 0 || pending.is_empty() || running.is_empty() || nodes.is_empty() {
        bail!("the peer saw nothing");
    }
    Ok(())
}

async fn cluster(kubeconfig: &Path) -> Result<Client> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}

fn namespaced<K>(cluster: &Client, tier: &str) -> Api<K>
where
    K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
    K::DynamicType: Default,
{
    Api::namespaced(cluster.clone(), &format!("gitlab-runners-{tier}"))
}

async fn list<K: Clone + DeserializeOwned + std::fmt::Debug>(api: Api<K>) -> Result<Vec<K>> {
    let (mut all, mut params) = (Vec::new(), ListParams::default().limit(500));
    loop {
        let page = api.list(&params).await?;
        params.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
        all.extend(page.items);
        if params.continue_token.is_none() {
            return Ok(all);
        }
    }
}

async fn jobs(http: &reqwest::Client, gitlab: &str, token: &str, status: &str) -> Result<Vec<Value>> {
    let (mut all, mut after) = (Vec::new(), Value::Null);
    loop {
        let body = json!({ "query": JOBS.text, "variables": { "statuses": [status], "after": after } });
        let request = http.post(format!("{gitlab}/api/graphql")).header("private-token", token).json(&body);
        let mut answer: Value = request.send().await?.error_for_status()?.json().await?;
        let jobs = answer.pointer_mut("/data/jobs").context("jobs in the answer")?;
        all.append(jobs["nodes"].as_array_mut().context("nodes in the answer")?);
        if jobs["pageInfo"]["hasNextPage"] != true {
            return Ok(all);
        }
        after = jobs["pageInfo"]["endCursor"].take();
    }
}

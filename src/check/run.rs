//! All probes, side by side, each within its time.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use super::line::{Line, Probe, Report};
use super::reach::{Reach, reach};
use super::round::{Heard, Round, listen};
use super::{budget, cluster, files, gitlab, hooks, listen as local, peers, rights, tiers};
use crate::clock::Clock;
use crate::config::Config;
use crate::metrics::Own;
use crate::observation::Now;
use crate::source::gitlab::{Client, Introduction, RateLimit};
use crate::source::kube;
use crate::source::webhook;

/// How it is asked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Where the daemon would serve.
    pub listen: String,
    /// How it would serve: the file of `--web.config.file`.
    pub web_config: Option<PathBuf>,
    /// Nothing that needs a network.
    pub offline: bool,
    /// For all that needs one, in real time.
    pub timeout: Duration,
    /// The variable that names a proxy for GitLab, where one does.
    pub proxy: Option<String>,
}

/// Looks at everything. Never fails: what cannot be told is a line.
pub async fn run(config: &Config, asked: &Asked, clock: &Clock) -> Report {
    let mut lines = vec![Line::ok(Probe::Config, "", &told(config))];
    lines.extend(files::check(config));
    lines.extend(files::web(asked.web_config.as_deref(), config));
    lines.extend(local::addresses(&asked.listen, config).await);
    lines.extend(local::links(config));
    if asked.offline {
        let probes = [Probe::GitlabAnswers, Probe::KubeApi, Probe::TierRunners];
        lines.extend(probes.map(|probe| Line::not_checked(probe, "", "--offline")));
        return Report::new(lines);
    }
    let (seen, alertmanagers, collector) = tokio::join!(
        seen(config, asked, clock),
        async {
            match &config.alertmanager {
                Some(config) => peers::alertmanagers(config, asked.timeout).await,
                None => Vec::new(),
            }
        },
        peers::collector(config.telemetry.otlp_endpoint.as_ref()),
    );
    lines.extend(seen);
    lines.extend(alertmanagers);
    lines.extend(collector);
    Report::new(lines)
}

fn told(config: &Config) -> String {
    let names: Vec<&str> = config.policy.tiers.iter().map(|tier| &*tier.name).collect();
    match names.as_slice() {
        [one] => format!("valid, with the tier {one}"),
        many => format!("valid, with {} tiers: {}", many.len(), many.join(", ")),
    }
}

/// GitLab, the cluster, and the tiers in both.
async fn seen(config: &Config, asked: &Asked, clock: &Clock) -> Vec<Line> {
    let policy = Arc::new(tiers::strict(&config.policy));
    let mut lines = Vec::new();
    let connected = match cluster::is_off(&config.kubernetes) {
        Some(off) => Err(off),
        None => connect(config, asked.timeout).await,
    };
    let cluster = connected.map_err(|line| lines.push(line)).ok();
    let client = Client::new(&config.gitlab, clock.clone(), Own::default());
    let round = Round {
        gitlab: config.gitlab.clone(),
        kubernetes: config.kubernetes.clone(),
        policy: Arc::clone(&policy),
        cluster: cluster.clone(),
        clock: clock.clone(),
        patience: asked.timeout,
    };
    let (met, (reach, heard, rights)) = tokio::join!(
        async {
            match &client {
                Ok(client) => Some(meet(client, asked.timeout).await),
                Err(_) => None,
            }
        },
        async {
            tokio::join!(reach(&config.gitlab.url), listen(round), granted(cluster.as_ref(), config, asked.timeout))
        },
    );
    let now = clock.now();
    let blocked = match (&met, &client) {
        (Some(met), _) => {
            lines.extend(of_gitlab(config, asked, &reach, met, now));
            gitlab::blocked(met, names_runners(config))
        }
        (None, client) => {
            let why = client.as_ref().err().map_or_else(String::new, ToString::to_string);
            let fix = "mend the file: see certificate_file";
            lines.push(Line::problem(Probe::GitlabAnswers, "", &why, fix));
            Some("GitLab cannot be asked: see gitlab_answers")
        }
    };
    match (&heard, &rights) {
        (Ok(heard), rights) => {
            let limit = met.as_ref().and_then(|met| met.rate_limit.as_ref());
            lines.extend(of_round(config, asked, heard, limit, blocked));
            if let Ok(client) = &client {
                lines.extend(sent(client, config, heard, blocked, asked.timeout).await);
            }
            lines.extend(rights.iter().flat_map(|rights| cluster::check(heard, rights, asked.timeout)));
        }
        (Err(_), _) => {
            let because = "the sources cannot be started: see gitlab_answers";
            lines.extend([Probe::TierRunners, Probe::KubeRead].map(|probe| Line::not_checked(probe, "", because)));
        }
    }
    lines.extend(rights.map(|rights| rights.lines).unwrap_or_default());
    lines
}

async fn connect(config: &Config, patience: Duration) -> Result<::kube::Client, Line> {
    match tokio::time::timeout(patience, kube::connect(&config.kubernetes)).await {
        Ok(connected) => connected.map_err(|error| cluster::unusable(&error)),
        Err(_) => {
            let evidence = format!("the credentials were not had within {} s", patience.as_secs());
            Err(Line::problem(Probe::KubeApi, "", &evidence, "look at the credentials plugin of the kubeconfig"))
        }
    }
}

async fn granted(cluster: Option<&::kube::Client>, config: &Config, patience: Duration) -> Option<rights::Found> {
    let asking = rights::check(cluster?, &config.policy, &config.kubernetes, config.high_availability.as_ref());
    Some(tokio::time::timeout(patience, asking).await.unwrap_or_else(|_| rights::Found::silent(patience)))
}

/// The first words with GitLab.
async fn meet(client: &Client, patience: Duration) -> Introduction {
    tokio::time::timeout(patience, client.introduce()).await.unwrap_or_else(|_| Introduction::silent(patience))
}

/// The hooks in GitLab, where hooks are taken.
async fn sent(client: &Client, config: &Config, heard: &Heard, blocked: Option<&str>, patience: Duration) -> Vec<Line> {
    if config.webhook.is_none() {
        return Vec::new();
    }
    if let Some(why) = blocked {
        return vec![Line::not_checked(Probe::GitlabHook, "", why)];
    }
    let projects = heard.projects.as_ref().unwrap_or(&heard.busy);
    let asking = hooks::check(client, &config.gitlab.queue.groups, projects, webhook::PATH);
    tokio::time::timeout(patience, asking).await.unwrap_or_else(|_| {
        let because = format!("GitLab did not show its hooks within {} s", patience.as_secs());
        vec![Line::not_checked(Probe::GitlabHook, "", &because)]
    })
}

fn of_gitlab(config: &Config, asked: &Asked, reach: &Reach, met: &Introduction, now: Now) -> Vec<Line> {
    let mut lines = gitlab::way(&config.gitlab.url, reach, met, asked.proxy.as_deref(), now.wall);
    lines.extend(gitlab::introduction(&config.gitlab, met, now.wall, names_runners(config)));
    lines
}

/// Some scopes read no list, and single runners that are named.
fn names_runners(config: &Config) -> bool {
    config.policy.tiers.iter().any(|tier| !tier.runners.is_empty())
}

fn of_round(
    config: &Config,
    asked: &Asked,
    heard: &Heard,
    limit: Option<&RateLimit>,
    blocked: Option<&str>,
) -> Vec<Line> {
    let mut lines = gitlab::sources(heard, &config.gitlab, blocked, asked.timeout);
    lines.push(budget::judge(heard, &config.gitlab, limit, blocked));
    lines.extend(tiers::check(&config.policy, &config.kubernetes, heard, blocked));
    lines
}

/// The variable that names a proxy for requests to `url`, as the HTTP client reads them; none for what is on this machine, or behind no
/// proxy by `NO_PROXY`.
#[must_use]
pub fn proxy_for(url: &Url, env: &[(String, String)]) -> Option<String> {
    if local::is_local(url) {
        return None;
    }
    let by_scheme = if url.scheme() == "https" { "HTTPS_PROXY" } else { "HTTP_PROXY" };
    let set =
        |wanted: &str| env.iter().find(|(name, value)| name.eq_ignore_ascii_case(wanted) && !value.trim().is_empty());
    let (name, proxy) = [by_scheme, "ALL_PROXY"].into_iter().find_map(set)?;
    let without = set("NO_PROXY").map_or("", |(_, hosts)| hosts);
    let matcher = Matcher::builder().all(proxy.as_str()).no(without).build();
    matcher.intercept(&url.as_str().parse().ok()?).map(|_| name.clone())
}

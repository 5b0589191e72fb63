//! Raw → valid: every rule is judged, every problem told.

use std::time::Duration;

use super::alertmanager;
use super::high_availability;
use super::problem::{Problem, shown};
use super::rules::{self, Checker, DAY};
use super::shape::Places;
use super::{Config, Gitlab, Kubernetes, Links, Queue, QueueChoice, SecretFile, Telemetry, Web, Webhook, raw, tiers};
use crate::model::policy::{History, Policy, Staleness};

/// A watch that says nothing for this long, bookmarks included, is taken for dead.
const OLDEST_WATCH: Duration = Duration::from_secs(2 * 60);
/// Twice this is [`Staleness::LONGEST`]: reading more slowly, one lost read would blind a tier.
const SLOWEST_READ: u64 = 150;
const SLOW: &str = "data older than 5 minutes is not judged, so one lost read would blind every tier";
/// A scrape that is missed ends no alert either.
const SHORTEST_KEEP: Duration = Duration::from_secs(2 * 60);
/// Each allowed registry multiplies the series of each tier.
const MOST_REGISTRIES: usize = 50;

/// The valid configuration; what is wrong goes to `problems`.
pub(super) fn check(
    raw: &raw::Root,
    places: &Places,
    folder: Option<std::path::PathBuf>,
    problems: &mut Vec<Problem>,
) -> Option<Config> {
    let mut checker = Checker { problems, places, folder };
    let gitlab = raw.gitlab.as_ref().map(|raw| gitlab(raw, &mut checker));
    let kubernetes = kubernetes(raw.kubernetes.as_ref(), &mut checker);
    let webhook = raw.webhook.as_ref().map(|raw| webhook(raw, &mut checker));
    let telemetry = telemetry(raw.telemetry.as_ref(), &mut checker);
    let links = links(raw.links.as_ref(), &mut checker);
    let alertmanager = raw.alertmanager.as_ref().and_then(|raw| alertmanager::check(raw, &mut checker));
    let web = web(raw.web.as_ref(), &mut checker);
    let high_availability = high_availability::check(raw.high_availability.as_ref(), kubernetes.enabled, &mut checker);
    let state_file = checker.path("state_file", raw.state_file.as_ref(), "what was counted");
    let registries = checker.list("registries", raw.registries.as_ref(), rules::registry);
    if registries.len() > MOST_REGISTRIES {
        let reason = format!("{} registries are too many: each is a label value of every tier", registries.len());
        checker.wrong("registries", reason, format!("keep the {MOST_REGISTRIES} that matter; the rest is `other`"));
    }
    let history = history(raw.history.as_ref(), &mut checker);
    let tiers = tiers::check(raw.tiers.as_ref(), kubernetes.enabled, &mut checker);
    let gitlab = gitlab.flatten()?;
    let webhook = webhook.flatten();
    let staleness = Staleness {
        queue: (gitlab.queue.interval * Staleness::READS).min(Staleness::LONGEST),
        runners: (gitlab.runners_interval * Staleness::READS).min(Staleness::LONGEST),
        watch: OLDEST_WATCH,
    };
    let polls = 2 * gitlab.queue.interval.max(gitlab.runners_interval);
    let keep_firing_for = polls.max(SHORTEST_KEEP);
    let policy = Policy { tiers, staleness, sweep: gitlab.queue.sweep, registries, history, keep_firing_for };
    Some(Config {
        gitlab,
        kubernetes,
        webhook,
        policy,
        state_file,
        telemetry,
        links: links?,
        alertmanager,
        high_availability,
        web,
    })
}

fn gitlab(raw: &raw::Gitlab, checker: &mut Checker<'_>) -> Option<Gitlab> {
    let raw::Gitlab {
        url,
        token_file,
        ca_file,
        timeout,
        requests_per_minute,
        max_answer_size,
        queue,
        runners,
        job_logs,
    } = raw;
    let address = checker.address("gitlab.url", url.as_ref()).and_then(|url| base(url, checker));
    let token = checker.path("gitlab.token_file", token_file.as_ref(), "the API token");
    let ca_file = checker.path("gitlab.ca_file", ca_file.as_ref(), "the certificate authorities (PEM)");
    let timeout = checker.duration("gitlab.timeout", timeout.as_ref(), 1..=300, "");
    let requests_per_minute = checker.whole("gitlab.requests_per_minute", *requests_per_minute, 10..=100_000);
    let max_answer_bytes = checker.size("gitlab.max_answer_size", max_answer_size.as_ref(), 64 << 10..=1 << 30);
    let queue = queue.as_ref().and_then(|raw| self::queue(raw, checker));
    let every = runners.as_ref().and_then(|raw| raw.interval.as_ref());
    let runners_interval = checker.duration("gitlab.runners.interval", every, 1..=SLOWEST_READ, SLOW);
    Some(Gitlab {
        url: address?,
        token: SecretFile::new(token?),
        ca_file,
        timeout,
        requests_per_minute,
        max_answer_bytes,
        queue: queue?,
        runners_interval,
        job_logs: job_logs.as_ref().and_then(|raw| raw.enabled).unwrap_or(false),
    })
}

/// The base address, ending in `/` so that paths can be joined to it.
fn base(mut url: url::Url, checker: &mut Checker<'_>) -> Option<url::Url> {
    let path = url.path().trim_end_matches('/').to_owned();
    if let Some((before, after)) = path.split_once("/api/") {
        let mut base = url.clone();
        base.set_path(before);
        let reason = format!("{} is the address of the API, not of GitLab", shown(url.as_str()));
        let remedy = format!("leave out /api/{after}: write {}", base.as_str().trim_end_matches('/'));
        checker.wrong("gitlab.url", reason, remedy);
        return None;
    }
    url.set_path(&format!("{path}/"));
    Some(url)
}

fn queue(raw: &raw::Queue, checker: &mut Checker<'_>) -> Option<Queue> {
    let raw::Queue { source, groups, interval, sweep } = raw;
    let key = "gitlab.queue.source";
    let choices = [
        ("auto", QueueChoice::Auto),
        ("instance", QueueChoice::Instance),
        ("runner", QueueChoice::Runner),
        ("projects", QueueChoice::Projects),
    ];
    let source = checker.word(key, source.as_ref(), &choices);
    let groups = checker.list("gitlab.queue.groups", groups.as_ref(), rules::group);
    let told = checker.problems.iter().any(|problem| problem.key.starts_with("gitlab.queue.groups"));
    if source == Some(QueueChoice::Projects) && groups.is_empty() && !told {
        let remedy = "name the groups whose projects use the tiers, e.g. `groups: [platform, apps/web]`";
        checker.wrong("gitlab.queue.groups", "is empty, but gitlab.queue.source is projects", remedy);
    }
    let interval = checker.duration("gitlab.queue.interval", interval.as_ref(), 1..=SLOWEST_READ, SLOW);
    let sweep = checker.duration("gitlab.queue.sweep", sweep.as_ref(), 1..=DAY, "");
    if !sweep.is_zero() && sweep < interval {
        let reason = format!("{} is shorter than gitlab.queue.interval", rules::duration_text(sweep));
        checker.wrong("gitlab.queue.sweep", reason, format!("give {} or more", rules::duration_text(interval)));
    }
    Some(Queue { source: source?, groups, interval, sweep })
}

fn kubernetes(raw: Option<&raw::Kubernetes>, checker: &mut Checker<'_>) -> Kubernetes {
    let Some(raw::Kubernetes { enabled, kubeconfig, context, cluster_scoped }) = raw else {
        return Kubernetes { enabled: true, kubeconfig: None, context: None, cluster_scoped: true };
    };
    let kubeconfig = checker.path("kubernetes.kubeconfig", kubeconfig.as_ref(), "the cluster's address and user");
    if context.as_ref().is_some_and(|context| context.trim().is_empty()) {
        checker.wrong("kubernetes.context", "is empty", "name a context of the kubeconfig, or remove the key");
    }
    Kubernetes {
        // A wrong type has been told; judging the tiers goes on as if it were switched on.
        enabled: enabled.unwrap_or(true),
        kubeconfig,
        context: context.clone(),
        cluster_scoped: cluster_scoped.unwrap_or(true),
    }
}

fn webhook(raw: &raw::Webhook, checker: &mut Checker<'_>) -> Option<Webhook> {
    let raw::Webhook { listen_address, secret_file, signing_token_file } = raw;
    let secret = checker.path("webhook.secret_file", secret_file.as_ref(), "the hook's secret token");
    let signing = checker.path("webhook.signing_token_file", signing_token_file.as_ref(), "the hook's signing token");
    if secret_file.is_none() && signing_token_file.is_none() {
        let reason = "neither secret_file nor signing_token_file is set: anybody could send hooks";
        checker.wrong(
            "webhook",
            reason,
            "name the file that holds the hook's secret, e.g. `secret_file: /etc/tierwatch/webhook-secret`",
        );
    }
    let listen_address = checker.listen_address("webhook.listen_address", listen_address.as_ref())?;
    Some(Webhook { listen_address, secret: secret.map(SecretFile::new), signing_token: signing.map(SecretFile::new) })
}

fn telemetry(raw: Option<&raw::Telemetry>, checker: &mut Checker<'_>) -> Telemetry {
    let endpoint = raw.and_then(|raw| raw.otlp.as_ref()).and_then(|otlp| otlp.endpoint.as_ref());
    let url = checker.address("telemetry.otlp.endpoint", endpoint);
    let otlp_endpoint = url.and_then(|mut url| match url.path().trim_end_matches('/').strip_suffix("/v1/traces") {
        None => Some(url),
        Some(base) => {
            let base = base.to_owned();
            let reason = format!("{} is the address of one signal", shown(url.as_str()));
            url.set_path(&base);
            let remedy = format!("leave out /v1/traces: write {}", url.as_str().trim_end_matches('/'));
            checker.wrong("telemetry.otlp.endpoint", reason, remedy);
            None
        }
    });
    Telemetry { otlp_endpoint }
}

fn web(raw: Option<&raw::Web>, checker: &mut Checker<'_>) -> Web {
    let users = raw.and_then(|raw| raw.metrics_only_users.as_ref());
    Web {
        open_metrics: raw.and_then(|raw| raw.open_metrics).unwrap_or_default(),
        metrics_only_users: checker.list("web.metrics_only_users", users, rules::user),
    }
}

fn links(raw: Option<&raw::Links>, checker: &mut Checker<'_>) -> Option<Links> {
    let raw::Links { tierwatch, runbooks, grafana } = raw?;
    Some(Links {
        runbooks: checker.address("links.runbooks", runbooks.as_ref()),
        grafana: checker.address("links.grafana", grafana.as_ref()),
        tierwatch: checker.address("links.tierwatch", tierwatch.as_ref())?,
    })
}

fn history(raw: Option<&raw::History>, checker: &mut Checker<'_>) -> History {
    let age = raw.and_then(|raw| raw.max_age.as_ref());
    let max_age = checker.duration("history.max_age", age, 60..=30 * DAY, "");
    let jobs = checker.whole("history.max_jobs", raw.and_then(|raw| raw.max_jobs), 1..=1_000_000);
    History { max_age, max_jobs: usize::try_from(jobs).unwrap_or(usize::MAX) }
}

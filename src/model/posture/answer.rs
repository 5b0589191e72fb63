//! The six questions in words: what is declared, what is there, and what that was read from.

use super::accounts::cloud_roles;
use super::check::{Check, Question};
use super::ground::Ground;
use super::{Name, Read, some};
use crate::model::assess::human_duration;
use crate::observation::{Opening, Peer, Ports, RunnerReport, RunnerStatus, SourceKind, between};

/// What the tier's declaration expects of a check.
pub(super) fn expected(check: Check, ground: &Ground<'_>) -> String {
    let expected = &ground.expected;
    let allowed =
        |is_allowed: bool, what: &str| format!("{what} {}", if is_allowed { "allowed" } else { "not allowed" });
    let level =
        |level: Option<super::SecurityLevel>| level.map_or_else(String::new, |level| format!("at least {level}"));
    match check {
        Check::Tags => format!("exactly the tags {}", some(&ground.policy.tags)),
        Check::RunUntagged => allowed(ground.policy.run_untagged, "jobs without tags are"),
        Check::Protected => allowed(expected.protected != Some(true), "jobs of refs that are not protected are"),
        Check::Locked => if expected.locked == Some(true) { "locked" } else { "not locked" }.into(),
        Check::OwnRunners => "no runner serves another tier".into(),
        Check::DeclaredRunners => {
            format!("only the runners {}", some(ground.policy.runners.iter().map(|id| format!("#{id}"))))
        }
        Check::Secrets => match expected.secrets.as_deref().unwrap_or_default() {
            [] => "none".into(),
            names => format!("at most {}", some(names)),
        },
        Check::ServiceAccountToken => {
            allowed(expected.service_account_token, "mounting the service account's token is")
        }
        Check::OwnServiceAccount => "a service account of its own".into(),
        Check::DefaultDeny => "every pod is isolated in both directions, and nothing opens everything again".into(),
        Check::InternetPorts => match expected.internet_ports.as_slice() {
            [] => "no port of the internet".into(),
            ports => format!("at most the ports {}", some(ports.iter().map(u16::to_string))),
        },
        Check::MetadataEndpoint => allowed(expected.metadata_endpoint, "the cloud's metadata service is"),
        Check::OwnCloudRole => "a cloud role of its own, or none".into(),
        Check::PodSecurity => level(Some(expected.pod_security)),
        Check::PodSecurityVersion => expected.pod_security_version.as_deref().unwrap_or_default().to_owned(),
        Check::PodSecurityAudit => level(expected.pod_security_audit),
        Check::PodSecurityWarn => level(expected.pod_security_warn),
        Check::Privileged => allowed(expected.privileged, "privileged containers are"),
        Check::HostNamespaces => allowed(expected.host_namespaces, "namespaces of the host are"),
        Check::HostPath => allowed(expected.host_path, "paths of the host are"),
        Check::DockerSocket => allowed(expected.docker_socket, "the container runtime's socket is"),
        Check::Capabilities => match expected.capabilities.as_slice() {
            [] => "no added capability".into(),
            names => format!("at most {}", some(names)),
        },
        Check::Root => allowed(expected.root, "running as root is"),
        Check::ManagerWildcards => allowed(expected.manager_wildcards, "wildcards in the manager's Role are"),
        Check::NodeSelector => format!("job pods ask for {}={}", ground.policy.node_label, ground.policy.name),
        Check::OwnNodes => "no job pod on another tier's node".into(),
        Check::ResourceQuota => "a ResourceQuota in each namespace".into(),
        Check::LimitRange => "a LimitRange in each namespace".into(),
        Check::OwnManagers => "no more managers than the tier has manager pods".into(),
        Check::TokenRotation => "a token that expires is replaced by whoever keeps it".into(),
    }
}

/// What is there, in sentences.
pub(super) fn says(question: Question, ground: &Ground<'_>) -> Vec<String> {
    match question {
        Question::Jobs => runners(ground),
        Question::Secrets => secrets(ground),
        Question::Networks => networks(ground),
        Question::Deploy => deploy(ground),
        Question::Privileged => privileged(ground),
        Question::Health => std::iter::once(ground.headline.to_owned()).chain(health(ground)).collect(),
    }
}

/// So many sentences of one sort, then a count.
const SENTENCES: usize = 8;

fn runners(ground: &Ground<'_>) -> Vec<String> {
    let runners = known_runners(ground);
    let mut says: Vec<String> = runners.iter().take(SENTENCES).map(runner).collect();
    says.extend(more(runners.len(), "runners"));
    if says.is_empty() && ground.blind(SourceKind::GitlabRunners, None).is_none() {
        says.push("GitLab shows no runner of the tier".into());
    }
    says
}

fn more(all: usize, what: &str) -> Option<String> {
    (all > SENTENCES).then(|| format!("and {} more {what}", all - SENTENCES))
}

fn known_runners<'a>(ground: &'a Ground<'_>) -> &'a [RunnerReport] {
    let known = ground.blind(SourceKind::GitlabRunners, None).is_none();
    let rosters = ground.fleet.rosters.as_ref().filter(|_| known);
    rosters.map_or(&[], |rosters| rosters.of(ground.tier))
}

fn runner(runner: &RunnerReport) -> String {
    let tags = if runner.tags.is_empty() { "no tags".into() } else { format!("the tags {}", some(&runner.tags)) };
    let untagged = if runner.run_untagged { ", and jobs without tags" } else { "" };
    let refs = if runner.protected { "of protected refs only" } else { "of any ref" };
    let locked = if runner.locked { ", locked" } else { "" };
    let paused = if runner.paused { ", paused" } else { "" };
    format!("runner #{} takes jobs with {tags}{untagged}, {refs}{locked}{paused}", runner.id)
}

/// What GitLab says of the runners' health, and how much that is worth.
fn health(ground: &Ground<'_>) -> Vec<String> {
    let runners = known_runners(ground);
    let mut says: Vec<String> = runners.iter().take(SENTENCES).map(|runner| contact(runner, ground)).collect();
    says.extend(more(runners.len(), "runners"));
    if !runners.is_empty() {
        if runners.iter().all(|runner| runner.status != RunnerStatus::Online) {
            says.push("no runner of the tier is online".into());
        }
        says.push(
            "GitLab writes a contact down every 40 to 55 minutes and calls a runner online for two hours after it, stale after \
             seven days: the manager pods tell first"
                .into(),
        );
        says.push("how many jobs a manager takes at once GitLab does not tell".into());
    }
    says
}

fn contact(runner: &RunnerReport, ground: &Ground<'_>) -> String {
    let ago = |at| human_duration(between(at, ground.now.wall));
    let status = runner.status.as_str().replace('_', " ");
    let paused = if runner.paused { ", paused" } else { "" };
    let last = runner.contacted_at.map_or_else(String::new, |at| format!(", last contact {} ago", ago(at)));
    let managers = runner.managers.as_ref().map_or_else(
        || ", its managers are not shown".to_owned(),
        |managers| {
            let online = managers.iter().filter(|manager| manager.status == RunnerStatus::Online).count();
            format!(", {online} of {} managers online", managers.len())
        },
    );
    format!("runner #{} is {status}{paused}{last}{managers}", runner.id)
}

fn secrets(ground: &Ground<'_>) -> Vec<String> {
    let jobs = &ground.own().jobs;
    if jobs.pods() == 0 {
        return vec!["no job pod was there in the last minutes to tell what it mounts".into()];
    }
    let names = |of: fn(&super::ground::Kind) -> Vec<Name>| {
        let mut names: Vec<Name> = jobs.iter().flat_map(of).collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    let secrets = names(|kind| kind.shape.secrets.clone());
    let accounts = names(|kind| kind.shape.service_account.iter().cloned().collect());
    let mounted = jobs.iter().any(|kind| kind.shape.exposure.automount_token);
    vec![
        match secrets.is_empty() {
            true => "job pods mount or reference no Secret".into(),
            false => format!("job pods mount or reference the Secrets {}", some(secrets)),
        },
        match accounts.is_empty() {
            true => "they name no service account".into(),
            false => format!(
                "they run under the service accounts {}, whose token is {}mounted",
                some(accounts),
                if mounted { "" } else { "not " }
            ),
        },
        "how many Secrets lie in the namespaces is not read: that right would show their values".into(),
    ]
}

fn networks(ground: &Ground<'_>) -> Vec<String> {
    let mut says = Vec::new();
    for namespace in &ground.policy.namespaces {
        if ground.blind(SourceKind::KubeNetpols, Some(namespace)).is_some() {
            continue;
        }
        let Some(network) = ground.fleet.boundaries.network(namespace) else { continue };
        says.push(format!("from {namespace} job pods reach {}", super::networks::internet(&network.reach)));
        let mut openings = Vec::new();
        for policy in ground.fleet.boundaries.policies(namespace) {
            for opening in policy.egress.iter().flatten() {
                openings.push(format!("policy {} opens egress {}", policy.name, opened(opening)));
            }
        }
        let all = openings.len();
        says.extend(openings.into_iter().take(SENTENCES));
        says.extend(more(all, "openings"));
    }
    says.push("whether the cluster's network plugin enforces policies cannot be seen in them".into());
    says
}

/// `to 0.0.0.0/0 without 10.0.0.0/8 on TCP 443`.
fn opened(opening: &Opening) -> String {
    let peer = |peer: &Peer| match peer {
        Peer::Block { cidr, except } if except.is_empty() => cidr.to_string(),
        Peer::Block { cidr, except } => format!("{cidr} without {}", some(except.iter().map(ToString::to_string))),
        Peer::Pods { namespaces: None, .. } => "pods of the namespace".into(),
        Peer::Pods { namespaces: Some(selector), .. } if selector.requirements.is_empty() => {
            "pods of any namespace".into()
        }
        Peer::Pods { namespaces: Some(_), .. } => "pods of some namespaces".into(),
        Peer::Unreadable => "something that cannot be read".into(),
    };
    let port = |range: &crate::observation::PortRange| match &range.ports {
        Ports::All => format!("every port of {}", range.protocol),
        Ports::Range(first, last) if first == last => format!("{} {first}", range.protocol),
        Ports::Range(first, last) => format!("{} {first} to {last}", range.protocol),
        Ports::Named(name) => format!("{} {name}", range.protocol),
        Ports::Unreadable => "ports that cannot be read".into(),
    };
    let to = if opening.peers.is_empty() { "everybody".into() } else { some(opening.peers.iter().map(peer)) };
    let on = if opening.ports.is_empty() { "every port".into() } else { some(opening.ports.iter().map(port)) };
    format!("to {to} on {on}")
}

fn deploy(ground: &Ground<'_>) -> Vec<String> {
    let runners = known_runners(ground);
    let open = runners.iter().filter(|runner| !runner.protected).count();
    let mut says = match (runners.len(), open) {
        (0, _) => vec!["which refs its runners take is not known".into()],
        (_, 0) => vec!["its runners take jobs of protected refs only".into()],
        (all, open) => vec![format!("{open} of its {all} runners take jobs of any ref")],
    };
    let blind =
        ground.policy.namespaces.iter().any(|name| ground.blind(SourceKind::KubeAccounts, Some(name)).is_some());
    if !blind {
        let roles = cloud_roles(ground, &ground.own().jobs);
        says.push(match roles.is_empty() {
            true => "the service accounts of its job pods take no cloud role".into(),
            false => format!("the service accounts of its job pods take the cloud roles {}", some(&roles)),
        });
    }
    says
}

fn privileged(ground: &Ground<'_>) -> Vec<String> {
    let mut says = Vec::new();
    for namespace in &ground.policy.namespaces {
        if ground.blind(SourceKind::KubeNamespace, Some(namespace)).is_some() {
            continue;
        }
        let Some(report) = ground.fleet.boundaries.namespace(namespace) else { continue };
        let modes = [("enforces", &report.enforce), ("audits", &report.audit), ("warns of", &report.warn)];
        let said: Vec<String> = modes
            .iter()
            .filter_map(|(verb, mode)| {
                let version = mode.version.as_deref().map(|version| format!(" ({version})")).unwrap_or_default();
                Some(format!("{verb} {}{version}", mode.level.as_deref()?))
            })
            .collect();
        let said = if said.is_empty() { "has no pod-security label".into() } else { said.join(", ") };
        says.push(format!("the namespace {namespace} {said}"));
    }
    let jobs = &ground.own().jobs;
    let privileged: u64 = jobs.iter().filter(|kind| kind.shape.exposure.privileged).map(|kind| kind.pods).sum();
    says.push(format!("{privileged} of {} job pods of the last minutes have a privileged container", jobs.pods()));
    says
}

/// What the answers to a question rest on.
pub(super) fn read(question: Question, ground: &Ground<'_>) -> Vec<Read> {
    let kinds: &[SourceKind] = match question {
        Question::Jobs => &[SourceKind::GitlabRunners],
        Question::Secrets => &[SourceKind::KubePods, SourceKind::GitlabRunners],
        Question::Networks => &[SourceKind::KubeNetpols, SourceKind::KubePods],
        Question::Deploy => &[SourceKind::GitlabRunners, SourceKind::KubePods, SourceKind::KubeAccounts],
        Question::Privileged => {
            &[SourceKind::KubeNamespace, SourceKind::KubePods, SourceKind::KubeBindings, SourceKind::KubeRoles]
        }
        Question::Health => &[
            SourceKind::GitlabQueue,
            SourceKind::GitlabRunners,
            SourceKind::KubePods,
            SourceKind::KubeNodes,
            SourceKind::KubeQuotas,
            SourceKind::KubeLimits,
        ],
    };
    let of = |kind: &SourceKind| -> Vec<Read> {
        let global = ground.read(*kind, None);
        let namespaced = ground.policy.namespaces.iter().filter_map(|name| ground.read(*kind, Some(name)));
        global.into_iter().chain(namespaced).collect()
    };
    kinds.iter().flat_map(of).collect()
}

//! What is judged by the job pods that are there, or were a few minutes ago.

use super::ground::{Ground, Kind};
use super::{Finding, Name, some};
use crate::observation::{Exposure, SourceKind};

/// Job pods that have something which the declaration does not allow.
fn exposed(ground: &Ground<'_>, is_allowed: bool, words: &str, has: impl Fn(&Exposure) -> bool) -> Finding {
    among_job_pods(ground, "none", |kind| (!is_allowed && has(&kind.shape.exposure)).then(|| words.to_owned()))
}

pub(super) fn privileged(ground: &Ground<'_>) -> Finding {
    exposed(ground, ground.expected.privileged, "have a privileged container", |exposure| exposure.privileged)
}

pub(super) fn host_namespaces(ground: &Ground<'_>) -> Finding {
    among_job_pods(ground, "none", |kind| {
        let exposure = &kind.shape.exposure;
        let words = match (exposure.host_network, exposure.host_namespaces) {
            (true, _) => "use the host's network",
            (false, true) => "share the host's process ids or IPC",
            (false, false) => return None,
        };
        (!ground.expected.host_namespaces).then(|| words.to_owned())
    })
}

pub(super) fn host_path(ground: &Ground<'_>) -> Finding {
    exposed(ground, ground.expected.host_path, "mount a path of the host", |exposure| exposure.host_path)
}

pub(super) fn docker_socket(ground: &Ground<'_>) -> Finding {
    let words = "mount the container runtime's socket";
    exposed(ground, ground.expected.docker_socket, words, |exposure| exposure.docker_socket)
}

pub(super) fn root(ground: &Ground<'_>) -> Finding {
    exposed(ground, ground.expected.root, "may run as root", |exposure| exposure.root)
}

pub(super) fn service_account_token(ground: &Ground<'_>) -> Finding {
    let words = "mount their service account's token";
    exposed(ground, ground.expected.service_account_token, words, |exposure| exposure.automount_token)
}

pub(super) fn capabilities(ground: &Ground<'_>) -> Finding {
    among_job_pods(ground, "none", |kind| {
        let added = kind.shape.exposure.capabilities.iter();
        let beyond: Vec<_> = added.filter(|added| !ground.expected.capabilities.contains(added)).collect();
        (!beyond.is_empty()).then(|| format!("add the capabilities {}", some(beyond)))
    })
}

pub(super) fn secrets(ground: &Ground<'_>) -> Finding {
    among_job_pods(ground, "no other than declared in any", |kind| {
        let declared = ground.expected.secrets.as_deref().unwrap_or_default();
        let beyond: Vec<_> = kind.shape.secrets.iter().filter(|name| !declared.contains(name)).collect();
        (!beyond.is_empty()).then(|| format!("mount or reference the Secrets {}", some(beyond)))
    })
}

pub(super) fn node_selector(ground: &Ground<'_>) -> Finding {
    let (label, tier) = (&ground.policy.node_label, &ground.policy.name);
    among_job_pods(ground, "all", |kind| {
        let asks = kind.shape.node_selector.iter().find(|(key, _)| key == label).map(|(_, value)| value);
        match asks {
            Some(value) if value == tier => None,
            Some(value) => Some(format!("ask for nodes with {label}={value}")),
            None => Some(format!("do not ask for nodes with {label}={tier}")),
        }
    })
}

/// Judges every kind of the tier's job pods; `judge` says what is wrong with one, `fine` of how many it holds if nothing is.
fn among_job_pods(ground: &Ground<'_>, fine: &str, judge: impl Fn(&Kind) -> Option<String>) -> Finding {
    let jobs = &ground.own().jobs;
    let mut wrong = jobs.iter().filter_map(|kind| Some((kind, judge(kind)?)));
    if let Some((first, what)) = wrong.next() {
        let others: u64 = wrong.map(|(kind, _)| kind.pods).sum();
        let found = format!("{} of {} job pods {what}", first.pods + others, jobs.pods());
        return Finding::moved(found, format!("pod {}", first.name()));
    }
    ground.in_each(SourceKind::KubePods, |_: &Name| match jobs.pods() {
        0 => Finding::fine("no job pod was there in the last minutes"),
        pods => Finding::Fine(format!("{fine} of {pods} job pods of the last minutes")),
    })
}

pub(super) fn own_nodes(ground: &Ground<'_>) -> Finding {
    if let Some((pods, pod, node, whose)) = &ground.own().strayed {
        let found = format!("{pods} job pods run on nodes of another tier, e.g. of {whose}");
        return Finding::moved(found, format!("pod {pod} on node {node}"));
    }
    if let Some(why) = ground.blind(SourceKind::KubeNodes, None) {
        return Finding::Unknown(why);
    }
    ground.in_each(SourceKind::KubePods, |_: &Name| Finding::fine("no job pod runs on another tier's node"))
}

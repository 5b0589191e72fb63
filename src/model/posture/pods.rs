//! What is judged by the job pods that are there, or were a few minutes ago.

use super::ground::{Ground, Kind};
use super::{Check, Finding, Name, some};
use crate::observation::{PodShape, SourceKind};

/// What a job pod is exposed to, of what the check is about and the declaration does not allow.
fn found(check: Check, shape: &PodShape, ground: &Ground<'_>) -> Option<String> {
    let (exposure, expected) = (&shape.exposure, &ground.expected);
    let told = |is_so: bool, is_allowed: bool, words: &str| (is_so && !is_allowed).then(|| words.to_owned());
    match check {
        Check::Privileged => told(exposure.privileged, expected.privileged, "have a privileged container"),
        Check::HostNamespaces => {
            let words = match exposure.host_network {
                true => "use the host's network",
                false => "share the host's process ids or IPC",
            };
            told(exposure.host_network || exposure.host_namespaces, expected.host_namespaces, words)
        }
        Check::HostPath => told(exposure.host_path, expected.host_path, "mount a path of the host"),
        Check::DockerSocket => {
            told(exposure.docker_socket, expected.docker_socket, "mount the container runtime's socket")
        }
        Check::Root => told(exposure.root, expected.root, "may run as root"),
        Check::ServiceAccountToken => {
            told(exposure.automount_token, expected.service_account_token, "mount their service account's token")
        }
        Check::Capabilities => {
            let beyond = exposure.capabilities.iter().filter(|added| !expected.capabilities.contains(added));
            let names: Vec<_> = beyond.collect();
            (!names.is_empty()).then(|| format!("add the capabilities {}", some(names)))
        }
        _ => None,
    }
}

pub(super) fn exposed(check: Check, ground: &Ground<'_>) -> Finding {
    among_job_pods(ground, "none", |kind| found(check, &kind.shape, ground))
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

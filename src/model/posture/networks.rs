//! What is judged by the network policies.

use super::ground::Ground;
use super::network::{Denial, Network, OpenPorts, Reach};
use super::selector::{LeftOut, in_words};
use super::{Finding, Name, some};
use crate::observation::SourceKind;

fn of_each(ground: &Ground<'_>, judge: impl Fn(&Network, &Name) -> Finding) -> Finding {
    ground.in_each(SourceKind::KubeNetpols, |namespace| match ground.fleet.boundaries.network(namespace) {
        Some(network) => judge(network, namespace),
        None => Finding::Unknown(format!("cannot tell yet: the network policies in {namespace} are not read yet")),
    })
}

pub(super) fn default_deny(ground: &Ground<'_>) -> Finding {
    of_each(ground, |network, namespace| {
        if network.policies == 0 {
            return Finding::moved(
                "no NetworkPolicy: everything is open in both directions",
                format!("namespace {namespace}"),
            );
        }
        let both = [denied("ingress", &network.ingress, namespace), denied("egress", &network.egress, namespace)];
        Finding::of_all(both.into_iter())
    })
}

fn denied(direction: &str, denial: &Denial, namespace: &Name) -> Finding {
    if let LeftOut::Pod(labels) = &denial.left_out {
        let who = in_words(labels);
        let found = format!("{who} is selected by no policy for {direction}, so all of its {direction} is open");
        return Finding::moved(found, format!("namespace {namespace}"));
    }
    if !denial.voided_by.is_empty() {
        let found = format!("{direction} is open to every address on every port of TCP");
        return Finding::moved(found, policies(namespace, &denial.voided_by));
    }
    if denial.left_out == LeftOut::Unknown {
        let found =
            format!("cannot tell: the selectors of the policies for {direction} in {namespace} cannot be judged");
        return Finding::Unknown(found);
    }
    unreadable(&denial.unreadable, namespace).unwrap_or_else(|| {
        Finding::Fine(format!("{direction} of every pod in {namespace} is denied unless a policy opens it"))
    })
}

fn unreadable(names: &[Name], namespace: &Name) -> Option<Finding> {
    (!names.is_empty()).then(|| {
        let which = some(names);
        Finding::Unknown(format!("cannot tell: this version cannot read all of the policies {which} in {namespace}"))
    })
}

fn policies(namespace: &Name, names: &[Name]) -> String {
    format!("NetworkPolicy {} in {namespace}", some(names))
}

pub(super) fn internet_ports(ground: &Ground<'_>) -> Finding {
    let allowed = &ground.expected.internet_ports;
    of_each(ground, |network, namespace| {
        let reach = &network.reach;
        if reach.unbounded {
            return open_to_all(namespace);
        }
        let is_allowed =
            |run: &&OpenPorts| run.last - run.first < 64 && (run.first..=run.last).all(|port| allowed.contains(&port));
        let mut beyond = reach.internet.iter().filter(|run| !is_allowed(run)).peekable();
        if let Some(first) = beyond.peek() {
            let evidence = policies(namespace, &first.policies);
            return Finding::moved(format!("open to the internet: {}", some(beyond.map(ports))), evidence);
        }
        unreadable(&reach.unreadable, namespace).unwrap_or_else(|| Finding::Fine(internet(reach)))
    })
}

fn open_to_all(namespace: &Name) -> Finding {
    Finding::moved("no policy isolates the job pods' egress: they reach everything", format!("namespace {namespace}"))
}

/// `TCP 443`, `UDP 1000 to 2000`.
fn ports(run: &OpenPorts) -> String {
    let OpenPorts { protocol, first, last, .. } = run;
    match (first, last) {
        (1, &u16::MAX) => format!("every port of {protocol}"),
        _ if first == last => format!("{protocol} {first}"),
        _ => format!("{protocol} {first} to {last}"),
    }
}

/// Runs that touch as one, whoever opens them.
fn joined(runs: &[OpenPorts]) -> Vec<OpenPorts> {
    let mut joined: Vec<OpenPorts> = Vec::new();
    for run in runs {
        match joined.last_mut() {
            Some(last) if last.protocol == run.protocol && last.last.checked_add(1) == Some(run.first) => {
                last.last = run.last
            }
            _ => joined.push(run.clone()),
        }
    }
    joined
}

/// What of the internet is open to job pods.
pub(super) fn internet(reach: &Reach) -> String {
    match reach {
        Reach { unbounded: true, .. } => "everything".into(),
        Reach { internet, .. } if internet.is_empty() => "nothing of the internet at large".into(),
        Reach { internet, .. } => format!("the internet on {}", some(joined(internet).iter().map(ports))),
    }
}

pub(super) fn metadata_endpoint(ground: &Ground<'_>) -> Finding {
    of_each(ground, |network, namespace| {
        let reach = &network.reach;
        let opened = reach.metadata.first().map(|(address, by)| (*address, policies(namespace, by)));
        match (reach.unbounded, opened, ground.expected.metadata_endpoint) {
            (_, _, true) => Finding::fine("reachable or not: it is declared to be allowed"),
            (true, _, false) => open_to_all(namespace),
            (false, Some((address, evidence)), false) => {
                Finding::moved(format!("{address} is open on port 80"), evidence)
            }
            (false, None, false) => unreadable(&reach.unreadable, namespace)
                .unwrap_or_else(|| Finding::fine("169.254.169.254 and fd00:ec2::254 are closed on port 80")),
        }
    })
}

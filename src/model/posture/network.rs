//! What the NetworkPolicies of a namespace let through, judged by what they mean and not by what they are called.
//!
//! A pod that no policy isolates in a direction is open in it; otherwise it may do what any policy that selects it
//! allows. Whether the cluster's network plugin enforces policies at all cannot be seen in them.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use super::addresses::Addresses;
use super::selector::{LeftOut, Means, left_out, means};
use crate::observation::{NetpolReport, Opening, Peer, PodShape, Ports, Selector};

/// Where clouds serve instance metadata, credentials included.
pub const METADATA: [&str; 2] = ["169.254.169.254", "fd00:ec2::254"];

/// The port of the metadata service.
const METADATA_PORT: u16 = 80;

/// Which way the traffic goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To the pods.
    Ingress,
    /// From the pods.
    Egress,
}

/// What a namespace's policies let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Policies in the namespace.
    pub policies: usize,
    /// Of all pods that may be made in the namespace.
    pub ingress: Denial,
    /// Likewise.
    pub egress: Denial,
    /// What job pods may reach.
    pub reach: Reach,
}

/// Whether a direction is closed unless something opens it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// The pods that no policy isolates.
    pub left_out: LeftOut,
    /// Policies that open everything again.
    pub voided_by: Vec<Arc<str>>,
    /// Policies with something in them that cannot be read.
    pub unreadable: Vec<Arc<str>>,
}

/// What job pods may reach.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// No policy isolates them: everything.
    pub unbounded: bool,
    /// Ports on which much of the internet is open, by protocol; each with the policies that open it.
    pub internet: Vec<OpenPorts>,
    /// Metadata addresses that are open, and the policies that open them.
    pub metadata: Vec<(&'static str, Vec<Arc<str>>)>,
    /// Policies with something in them that cannot be read.
    pub unreadable: Vec<Arc<str>>,
}

/// A run of ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenPorts {
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: &'static str,
    /// The first port.
    pub first: u16,
    /// The last port.
    pub last: u16,
    /// Who opens it.
    pub policies: Vec<Arc<str>>,
}

const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];

/// Judges the policies of one namespace. `jobs` are the shapes of its job pods; without any, of a pod that any
/// policy may select.
#[must_use]
pub fn judge(policies: &[&NetpolReport], jobs: Option<&[Arc<PodShape>]>) -> Network {
    Network {
        policies: policies.len(),
        ingress: denial(policies, Direction::Ingress),
        egress: denial(policies, Direction::Egress),
        reach: reach(policies, jobs),
    }
}

fn rules(policy: &NetpolReport, direction: Direction) -> Option<&[Opening]> {
    match direction {
        Direction::Ingress => policy.ingress.as_deref(),
        Direction::Egress => policy.egress.as_deref(),
    }
}

fn denial(policies: &[&NetpolReport], direction: Direction) -> Denial {
    let isolating: Vec<_> = policies.iter().filter_map(|policy| Some((*policy, rules(policy, direction)?))).collect();
    let left_out = left_out(isolating.iter().map(|(policy, _)| &policy.selects));
    let holes: Vec<Hole<'_>> = isolating.iter().flat_map(|(policy, rules)| holes(policy, rules)).collect();
    let voided = opens_everything(&holes);
    let voided_by = if voided { openers(&holes, |hole| hole.to.is_a_whole_family()) } else { Vec::new() };
    // A family may also be opened in parts; then all that open addresses do it together.
    let voided_by =
        if voided && voided_by.is_empty() { openers(&holes, |hole| !hole.to.is_empty()) } else { voided_by };
    Denial { left_out, voided_by, unreadable: unreadable(&isolating) }
}

/// Ports of one rule, and the addresses it opens there.
struct Hole<'a> {
    policy: &'a Arc<str>,
    opening: &'a Opening,
    to: Addresses,
}

impl Hole<'_> {
    /// Whether it is one on this port; names of ports are for pods only, which have no addresses of their own here.
    fn is_at(&self, protocol: &str, port: u16) -> bool {
        let covers = |ports: &Ports| match ports {
            Ports::All => true,
            Ports::Range(first, last) => (*first..=*last).contains(&port),
            Ports::Named(_) | Ports::Unreadable => false,
        };
        self.opening.ports.is_empty()
            || self.opening.ports.iter().any(|range| *range.protocol == *protocol && covers(&range.ports))
    }
}

fn holes<'a>(policy: &'a NetpolReport, rules: &'a [Opening]) -> Vec<Hole<'a>> {
    rules.iter().map(|opening| Hole { policy: &policy.name, opening, to: addresses(opening) }).collect()
}

fn addresses(opening: &Opening) -> Addresses {
    if opening.peers.is_empty() {
        return Addresses::all();
    }
    opening.peers.iter().fold(Addresses::default(), |all, peer| match peer {
        Peer::Block { cidr, except } => {
            let block = except.iter().fold(Addresses::of(cidr), |left, net| left.without(&Addresses::of(net)));
            all.with(&block)
        }
        Peer::Pods { .. } | Peer::Unreadable => all,
    })
}

/// What is open on a port.
fn open_at(holes: &[Hole<'_>], protocol: &str, port: u16) -> Addresses {
    let at = holes.iter().filter(|hole| hole.is_at(protocol, port));
    at.fold(Addresses::default(), |all, hole| all.with(&hole.to))
}

/// The first ports of all runs in which nothing changes, in order.
fn boundaries(holes: &[Hole<'_>], protocol: &str) -> Vec<u16> {
    let mut firsts = BTreeSet::from([1]);
    for range in holes.iter().flat_map(|hole| &hole.opening.ports).filter(|range| *range.protocol == *protocol) {
        if let Ports::Range(first, last) = range.ports {
            firsts.extend([first.max(1), last.saturating_add(1)]);
        }
    }
    firsts.into_iter().collect()
}

/// Whether every port of TCP is open to every address of a family.
fn opens_everything(holes: &[Hole<'_>]) -> bool {
    let mut all = boundaries(holes, "TCP").into_iter().map(|port| open_at(holes, "TCP", port));
    let Some(first) = all.next() else { return false };
    // What is open on every port.
    let everywhere = all.fold(first, |common, open| common.without(&common.without(&open)));
    everywhere.is_a_whole_family()
}

fn openers(holes: &[Hole<'_>], concerned: impl Fn(&Hole<'_>) -> bool) -> Vec<Arc<str>> {
    let names: BTreeSet<_> = holes.iter().filter(|hole| concerned(hole)).map(|hole| Arc::clone(hole.policy)).collect();
    names.into_iter().collect()
}

fn unreadable(policies: &[(&NetpolReport, &[Opening])]) -> Vec<Arc<str>> {
    let cannot = |opening: &Opening| {
        opening.peers.contains(&Peer::Unreadable) || opening.ports.iter().any(|range| range.ports == Ports::Unreadable)
    };
    let those = policies.iter().filter(|(_, rules)| rules.iter().any(cannot));
    those.map(|(policy, _)| Arc::clone(&policy.name)).collect()
}

fn reach(policies: &[&NetpolReport], jobs: Option<&[Arc<PodShape>]>) -> Reach {
    let isolating: Vec<_> = policies.iter().filter_map(|policy| Some((*policy, policy.egress.as_deref()?))).collect();
    let of_jobs = |selector: &Selector| match jobs {
        Some(jobs) => jobs.iter().any(|shape| means(selector, shape) != Means::None),
        None => true,
    };
    let is_isolated = match jobs {
        Some(jobs) => {
            jobs.iter().all(|shape| isolating.iter().any(|(policy, _)| means(&policy.selects, shape) == Means::All))
        }
        None => left_out(isolating.iter().map(|(policy, _)| &policy.selects)) == LeftOut::Nobody,
    };
    let concerned: Vec<_> = isolating.into_iter().filter(|(policy, _)| of_jobs(&policy.selects)).collect();
    let holes: Vec<Hole<'_>> = concerned.iter().flat_map(|(policy, rules)| holes(policy, rules)).collect();
    Reach {
        unbounded: !is_isolated,
        internet: PROTOCOLS.iter().flat_map(|protocol| internet(&holes, protocol)).collect(),
        metadata: METADATA.iter().filter_map(|address| metadata(&holes, address)).collect(),
        unreadable: unreadable(&concerned),
    }
}

fn internet(holes: &[Hole<'_>], protocol: &'static str) -> Vec<OpenPorts> {
    let firsts = boundaries(holes, protocol);
    let mut runs: Vec<OpenPorts> = Vec::new();
    for (at, first) in firsts.iter().enumerate() {
        if !open_at(holes, protocol, *first).holds_the_internet() {
            continue;
        }
        let last = firsts.get(at + 1).map_or(u16::MAX, |next| next - 1);
        let whole = openers(holes, |hole| hole.is_at(protocol, *first) && hole.to.holds_the_internet());
        let in_parts = || openers(holes, |hole| hole.is_at(protocol, *first) && !hole.to.is_empty());
        let policies = if whole.is_empty() { in_parts() } else { whole };
        match runs.last_mut() {
            Some(run) if run.last.checked_add(1) == Some(*first) && run.policies == policies => run.last = last,
            _ => runs.push(OpenPorts { protocol, first: *first, last, policies }),
        }
    }
    runs
}

fn metadata(holes: &[Hole<'_>], address: &'static str) -> Option<(&'static str, Vec<Arc<str>>)> {
    let at: IpAddr = address.parse().ok()?;
    let by = openers(holes, |hole| hole.is_at("TCP", METADATA_PORT) && hole.to.contains(at));
    (!by.is_empty()).then_some((address, by))
}

#[cfg(test)]
#[path = "network_tests.rs"]
mod tests;

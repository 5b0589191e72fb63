//! What is judged by service accounts, their cloud roles and their roles in the cluster.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::ground::{Ground, JobPods, Kinds};
use super::{Finding, Name, some};
use crate::observation::{BindingReport, SourceKind};

/// A service account: its namespace and its name.
type Account = (Name, Name);

fn accounts(kinds: &Kinds) -> BTreeSet<Account> {
    let account = |kind: &super::ground::Kind| {
        Some((Arc::clone(&kind.namespace), Arc::clone(kind.shape.service_account.as_ref()?)))
    };
    kinds.iter().filter_map(account).collect()
}

/// The other tiers with their pods.
fn others<'a>(ground: &'a Ground<'_>) -> impl Iterator<Item = (&'a Name, &'a JobPods)> {
    let tiers = ground.all().tiers.iter().map(|tier| &tier.name);
    tiers.zip(ground.pods).enumerate().filter(|(id, _)| *id != ground.tier).map(|(_, (name, pods))| (name, *pods))
}

pub(super) fn own(ground: &Ground<'_>) -> Finding {
    let own = accounts(&ground.own().jobs);
    for (tier, pods) in others(ground) {
        if let Some((namespace, name)) = accounts(&pods.jobs).intersection(&own).next() {
            let found = format!("job pods of the tier {tier} use the same service account");
            return Finding::moved(found, format!("ServiceAccount {namespace}/{name}"));
        }
    }
    ground.in_each(SourceKind::KubePods, |_| match own.is_empty() {
        true => Finding::fine("no job pod was there in the last minutes"),
        false => Finding::Fine(format!("service accounts {} are this tier's alone", some(named(&own)))),
    })
}

fn named(accounts: &BTreeSet<Account>) -> impl Iterator<Item = String> {
    accounts.iter().map(|(namespace, name)| format!("{namespace}/{name}"))
}

/// The cloud roles that job pods of these kinds can take.
pub(super) fn cloud_roles(ground: &Ground<'_>, kinds: &Kinds) -> BTreeSet<Name> {
    let of = |(namespace, name): &Account| {
        let account = ground.fleet.boundaries.accounts.of(namespace).find(|account| account.name == *name);
        account.map(|account| account.roles.clone()).unwrap_or_default()
    };
    accounts(kinds).iter().flat_map(of).collect()
}

pub(super) fn own_role(ground: &Ground<'_>) -> Finding {
    let own = cloud_roles(ground, &ground.own().jobs);
    for (tier, pods) in others(ground) {
        if let Some(role) = cloud_roles(ground, &pods.jobs).intersection(&own).next() {
            let found = format!("service accounts of the tier {tier} take the same cloud role");
            return Finding::moved(found, format!("role {role}"));
        }
    }
    // Which accounts are the tier's is told by its pods.
    if let Some(why) = ground.policy.namespaces.iter().find_map(|name| ground.blind(SourceKind::KubePods, Some(name))) {
        return Finding::Unknown(why);
    }
    ground.in_each(SourceKind::KubeAccounts, |_| match own.is_empty() {
        true => Finding::fine("job pods take no cloud role"),
        false => Finding::Fine(format!("cloud roles {} are this tier's alone", some(&own))),
    })
}

pub(super) fn manager_wildcards(ground: &Ground<'_>) -> Finding {
    let namespaces: BTreeSet<&Name> =
        ground.policy.namespaces.iter().chain(&ground.policy.manager_namespaces).collect();
    let managers = accounts(&ground.own().managers);
    let is_bound = |binding: &&BindingReport| binding.accounts.iter().any(|account| managers.contains(account));
    let mut roles = Vec::new();
    let mut of_cluster = None;
    for namespace in &namespaces {
        for binding in ground.fleet.boundaries.bindings.of(namespace).filter(is_bound) {
            if binding.of_cluster {
                of_cluster = Some(Arc::clone(&binding.role));
                continue;
            }
            let Some(role) = ground.fleet.boundaries.roles.of(namespace).find(|role| role.name == binding.role) else {
                continue;
            };
            if let Some(rule) = role.wildcards.first() {
                if ground.expected.manager_wildcards {
                    return Finding::Fine(format!("Role {} grants {rule}, which is declared to be allowed", role.name));
                }
                let found = format!("the manager's Role grants {rule}");
                return Finding::moved(found, format!("Role {namespace}/{}", role.name));
            }
            roles.push(format!("{namespace}/{}", role.name));
        }
    }
    let kinds = [SourceKind::KubePods, SourceKind::KubeBindings, SourceKind::KubeRoles];
    let blind = namespaces.iter().find_map(|name| kinds.iter().find_map(|kind| ground.blind(*kind, Some(name))));
    match (blind, of_cluster) {
        (Some(why), _) => Finding::Unknown(why),
        _ if managers.is_empty() => {
            Finding::Unknown("cannot tell: no manager pod is there to tell its service account".into())
        }
        (None, Some(role)) => Finding::Unknown(format!(
            "cannot tell: the manager is bound to the ClusterRole {role}, whose rules are not read"
        )),
        (None, None) if roles.is_empty() => Finding::Fine(format!(
            "no Role of these namespaces is bound to the manager's account {}",
            some(named(&managers))
        )),
        (None, None) => Finding::Fine(format!("no wildcard in the manager's Role {}", some(roles))),
    }
}

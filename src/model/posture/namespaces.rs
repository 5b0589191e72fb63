//! What is judged by the namespaces themselves: Pod Security labels, quotas and limits.

use super::expected::SecurityLevel;
use super::ground::Ground;
use super::{Finding, Name};
use crate::observation::{NamespaceReport, SecurityMode, SourceKind};

/// Judges what each namespace of the tier says of itself.
fn in_each(ground: &Ground<'_>, judge: impl Fn(&Name, &NamespaceReport) -> Finding) -> Finding {
    ground.in_each(SourceKind::KubeNamespace, |namespace| match ground.fleet.boundaries.namespace(namespace) {
        None => Finding::Unknown(format!("cannot tell: there is no namespace {namespace}")),
        Some(report) => judge(namespace, report),
    })
}

pub(super) fn enforced(ground: &Ground<'_>) -> Finding {
    let wanted = Some(ground.expected.pod_security);
    in_each(ground, |namespace, report| at_least(namespace, "enforce", &report.enforce, wanted))
}

pub(super) fn audited(ground: &Ground<'_>) -> Finding {
    let wanted = ground.expected.pod_security_audit;
    in_each(ground, |namespace, report| at_least(namespace, "audit", &report.audit, wanted))
}

pub(super) fn warned(ground: &Ground<'_>) -> Finding {
    let wanted = ground.expected.pod_security_warn;
    in_each(ground, |namespace, report| at_least(namespace, "warn", &report.warn, wanted))
}

fn at_least(namespace: &Name, name: &str, mode: &SecurityMode, wanted: Option<SecurityLevel>) -> Finding {
    let label = format!("pod-security.kubernetes.io/{name}");
    let Some(written) = &mode.level else {
        let found = format!("no label {label}: the cluster's default holds, which is privileged unless it was changed");
        return Finding::moved(found, format!("namespace {namespace}"));
    };
    let found = format!("{name}: {written}");
    match written.parse::<SecurityLevel>().ok().zip(wanted) {
        Some((level, wanted)) if level >= wanted => Finding::Fine(found),
        _ => Finding::moved(found, format!("namespace {namespace}, label {label}")),
    }
}

pub(super) fn enforced_version(ground: &Ground<'_>) -> Finding {
    let expected = ground.expected.pod_security_version.as_deref();
    in_each(ground, |namespace, report| {
        // Without the label the newest version holds.
        let version = report.enforce.version.as_deref().unwrap_or("latest");
        let found = format!("enforce-version: {version}");
        match expected == Some(version) {
            true => Finding::Fine(found),
            false => Finding::moved(found, format!("namespace {namespace}")),
        }
    })
}

pub(super) fn quota(ground: &Ground<'_>) -> Finding {
    ground.in_each(SourceKind::KubeQuotas, |namespace| {
        let mut names = ground.fleet.quotas.of(namespace).map(|quota| &*quota.name).peekable();
        match names.peek().is_some() {
            true => Finding::Fine(format!("ResourceQuota {} in {namespace}", super::some(names))),
            false => Finding::moved("no ResourceQuota", format!("namespace {namespace}")),
        }
    })
}

pub(super) fn limit(ground: &Ground<'_>) -> Finding {
    ground.in_each(SourceKind::KubeLimits, |namespace| {
        let mut names = ground.fleet.limits.of(namespace).map(|limit| &*limit.name).peekable();
        match names.peek().is_some() {
            true => Finding::Fine(format!("LimitRange {} in {namespace}", super::some(names))),
            false => Finding::moved("no LimitRange", format!("namespace {namespace}")),
        }
    })
}

//! What is judged by the namespaces themselves: Pod Security labels, quotas and limits.

use super::expected::SecurityLevel;
use super::ground::Ground;
use super::{Check, Finding, Name};
use crate::observation::{NamespaceReport, SecurityMode, SourceKind};

pub(super) fn pod_security(check: Check, ground: &Ground<'_>) -> Finding {
    ground.in_each(SourceKind::KubeNamespace, |namespace| match ground.fleet.boundaries.namespace(namespace) {
        None => Finding::Unknown(format!("cannot tell: there is no namespace {namespace}")),
        Some(report) => of_namespace(check, ground, namespace, report),
    })
}

fn of_namespace(check: Check, ground: &Ground<'_>, namespace: &Name, report: &NamespaceReport) -> Finding {
    let expected = &ground.expected;
    let at_least = |mode: &SecurityMode, name: &str, wanted: Option<SecurityLevel>| {
        let label = format!("pod-security.kubernetes.io/{name}");
        let Some(written) = &mode.level else {
            let found =
                format!("no label {label}: the cluster's default holds, which is privileged unless it was changed");
            return Finding::moved(found, format!("namespace {namespace}"));
        };
        let found = format!("{name}: {written}");
        match written.parse::<SecurityLevel>().ok().zip(wanted) {
            Some((level, wanted)) if level >= wanted => Finding::Fine(found),
            _ => Finding::moved(found, format!("namespace {namespace}, label {label}")),
        }
    };
    match check {
        Check::PodSecurityVersion => {
            // Without the label the newest version holds.
            let version = report.enforce.version.as_deref().unwrap_or("latest");
            let found = format!("enforce-version: {version}");
            match expected.pod_security_version.as_deref() == Some(version) {
                true => Finding::Fine(found),
                false => Finding::moved(found, format!("namespace {namespace}")),
            }
        }
        Check::PodSecurityAudit => at_least(&report.audit, "audit", expected.pod_security_audit),
        Check::PodSecurityWarn => at_least(&report.warn, "warn", expected.pod_security_warn),
        _ => at_least(&report.enforce, "enforce", Some(expected.pod_security)),
    }
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

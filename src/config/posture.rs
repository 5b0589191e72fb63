//! The declared boundary of a tier.

use std::sync::Arc;

use super::problem::shown;
use super::raw;
use super::rules::{self, Checker};
use crate::model::posture::{Expected, SecurityLevel};

const LEVELS: [(&str, SecurityLevel); 3] = [
    ("restricted", SecurityLevel::Restricted),
    ("baseline", SecurityLevel::Baseline),
    ("privileged", SecurityLevel::Privileged),
];

/// What is declared below `posture`; what is left out is expected of a closed tier.
pub(super) fn check(
    at: &str,
    raw: Option<&raw::Posture>,
    run_untagged: bool,
    checker: &mut Checker<'_>,
) -> Option<Expected> {
    let Some(written) = &raw?.expected else { return Some(Expected::default()) };
    let key = |last: &str| format!("{at}.expected.{last}");
    let closed = Expected::default();
    let mut level = |last: &str, text: &Option<String>| -> Option<SecurityLevel> {
        text.as_ref().and_then(|text| checker.word(&key(last), Some(text), &LEVELS))
    };
    let pod_security = level("pod_security", &written.pod_security).unwrap_or(closed.pod_security);
    let pod_security_audit = level("pod_security_audit", &written.pod_security_audit);
    let pod_security_warn = level("pod_security_warn", &written.pod_security_warn);
    if written.run_untagged.is_some_and(|wanted| wanted != run_untagged) {
        let reason = format!("contradicts the tier's own run_untagged, which is {run_untagged}");
        checker.wrong(&key("run_untagged"), reason, "leave it out: the tier's own key is what is expected");
    }
    Some(Expected {
        pod_security,
        pod_security_version: version(&key("pod_security_version"), written.pod_security_version.as_deref(), checker),
        pod_security_audit,
        pod_security_warn,
        default_deny: written.default_deny.unwrap_or(closed.default_deny),
        internet_ports: match &written.internet_ports {
            Some(ports) => self::ports(&key("internet_ports"), ports, checker),
            None => closed.internet_ports,
        },
        metadata_endpoint: written.metadata_endpoint.unwrap_or(closed.metadata_endpoint),
        privileged: written.privileged.unwrap_or(closed.privileged),
        host_namespaces: written.host_namespaces.unwrap_or(closed.host_namespaces),
        host_path: written.host_path.unwrap_or(closed.host_path),
        docker_socket: written.docker_socket.unwrap_or(closed.docker_socket),
        capabilities: checker.list(&key("capabilities"), written.capabilities.as_ref(), capability),
        root: written.root.unwrap_or(pod_security < SecurityLevel::Restricted),
        service_account_token: written.service_account_token.unwrap_or(closed.service_account_token),
        secrets: written.secrets.as_ref().map(|names| checker.list(&key("secrets"), Some(names), rules::object_name)),
        own_service_account: written.own_service_account.unwrap_or(closed.own_service_account),
        own_cloud_role: written.own_cloud_role.unwrap_or(closed.own_cloud_role),
        manager_wildcards: written.manager_wildcards.unwrap_or(closed.manager_wildcards),
        node_selector: written.node_selector.unwrap_or(closed.node_selector),
        own_nodes: written.own_nodes.unwrap_or(closed.own_nodes),
        resource_quota: written.resource_quota.unwrap_or(closed.resource_quota),
        limit_range: written.limit_range.unwrap_or(closed.limit_range),
        protected: written.protected,
        locked: written.locked,
        tags: written.tags.unwrap_or(closed.tags),
        own_runners: written.own_runners.unwrap_or(closed.own_runners),
        declared_runners: written.declared_runners.unwrap_or(closed.declared_runners),
        own_managers: written.own_managers.unwrap_or(closed.own_managers),
        token_rotation: written.token_rotation.unwrap_or(closed.token_rotation),
    })
}

/// `latest`, or a minor version of Kubernetes.
fn version(key: &str, text: Option<&str>, checker: &mut Checker<'_>) -> Option<Arc<str>> {
    let text = text?;
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let minor = text.strip_prefix("v1.").is_some_and(is_number);
    if text != "latest" && !minor {
        checker.wrong(key, format!("{} is no version of Pod Security", shown(text)), "write latest, or e.g. v1.34");
        return None;
    }
    Some(text.into())
}

fn ports(key: &str, numbers: &[i64], checker: &mut Checker<'_>) -> Vec<u16> {
    let mut ports = Vec::new();
    for (index, number) in numbers.iter().enumerate() {
        match u16::try_from(*number).ok().filter(|port| *port > 0) {
            Some(port) if ports.contains(&port) => {
                checker.wrong(
                    &format!("{key}[{index}]"),
                    format!("port {port} is written twice"),
                    "remove one of the two",
                );
            }
            Some(port) => ports.push(port),
            None => checker.wrong(&format!("{key}[{index}]"), format!("{number} is no port"), "give 1 to 65535"),
        }
    }
    ports
}

/// Rule of a capability's name, as a container's security context writes it.
fn capability(text: &str) -> Result<(), (String, String)> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    if plain && !text.starts_with("CAP_") {
        return Ok(());
    }
    let bare = text.to_ascii_uppercase();
    let bare = bare.strip_prefix("CAP_").unwrap_or(&bare);
    let remedy = match !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') {
        true => format!("write {bare}"),
        false => "write it as in a container's securityContext, e.g. NET_BIND_SERVICE".into(),
    };
    Err((format!("{} is not the name of a capability", shown(text)), remedy))
}

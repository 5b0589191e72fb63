//! What was found of the cluster, in lines.

use std::time::Duration;

use super::line::{Line, Probe};
use super::rights::Found;
use super::round::Heard;
use crate::config::Kubernetes;
use crate::observation::FailureClass;
use crate::source::kube::ConnectError;

/// No way to the cluster, from the configuration alone.
pub(super) fn unusable(error: &ConnectError) -> Line {
    let fix = match error {
        ConnectError::Kubeconfig { .. } | ConnectError::Context { .. } => {
            "look at kubernetes.kubeconfig and kubernetes.context (`kubectl config get-contexts`)"
        }
        ConnectError::Nowhere { .. } => {
            "in a pod: mount the service account's token; elsewhere name kubernetes.kubeconfig; without a cluster say \
             `kubernetes: { enabled: false }`"
        }
        ConnectError::Prepare { .. } => "look at the certificates and credentials of the kubeconfig",
    };
    Line::problem(Probe::KubeApi, "", &error.to_string(), fix)
}

/// What to do where the API server cannot be asked.
pub(super) const fn class_says(class: FailureClass) -> &'static str {
    match class {
        FailureClass::Dns | FailureClass::Connection | FailureClass::Timeout => {
            "look at the server's address in the kubeconfig, and at the pod's NetworkPolicy (egress to the API server)"
        }
        FailureClass::Tls => {
            "look at certificate-authority in the kubeconfig, and whether the address is the one it is for"
        }
        FailureClass::Unauthorized | FailureClass::Secret => {
            "the token or certificate is no longer taken: make a new one, or mount the service account's token"
        }
        FailureClass::Forbidden => "apply what `tierwatch print rbac` prints",
        FailureClass::NotFound
        | FailureClass::Decode
        | FailureClass::TooLarge
        | FailureClass::ForeignOrigin
        | FailureClass::Blind
        | FailureClass::Expired
        | FailureClass::Other => "is this the address of a Kubernetes API server?",
        FailureClass::RateLimited | FailureClass::ServerError => {
            "look at the API server: kubectl get --raw /readyz?verbose"
        }
    }
}

/// Namespaces, and lists that are not given although the right is there.
pub(super) fn check(heard: &Heard, rights: &Found, patience: Duration) -> Vec<Line> {
    if !rights.answers {
        return vec![Line::not_checked(Probe::KubeRead, "", "the API server does not answer: see kube_api")];
    }
    let mut lines: Vec<Line> = heard
        .namespaces
        .iter()
        .map(|(name, found)| match found {
            true => Line::ok(Probe::Namespace, name, "is there"),
            false => {
                let fix = format!("kubectl create namespace {name}, or mend its name in the configuration");
                Line::problem(Probe::Namespace, name, "there is no such namespace", &fix)
            }
        })
        .collect();
    let of_the_cluster = heard.told.iter().filter(|(key, _)| key.kind.is_of_the_cluster());
    let mut read = 0;
    for (key, told) in of_the_cluster {
        let subject = match &key.namespace {
            Some(namespace) => format!("{} {namespace}", key.kind.as_str()),
            None => key.kind.as_str().to_owned(),
        };
        match &told.failure {
            // Told by its own line.
            Some(failure) if failure.class == FailureClass::Forbidden && rights.lacks(key) => {}
            Some(failure) => {
                let fix = class_says(failure.class);
                lines.push(Line::problem(Probe::KubeRead, &subject, &failure.detail, fix));
            }
            None if told.answered => read += 1,
            None => {
                let evidence = format!("no answer within {} s", patience.as_secs());
                let fix = "look at the API server's load; give more time with --timeout";
                lines.push(Line::problem(Probe::KubeRead, &subject, &evidence, fix));
            }
        }
    }
    if read > 0 {
        lines.push(Line::ok(Probe::KubeRead, "", &format!("{read} lists read")));
    }
    lines
}

/// Nothing of the cluster is wanted.
pub(super) fn is_off(kubernetes: &Kubernetes) -> Option<Line> {
    (!kubernetes.enabled).then(|| Line::not_checked(Probe::KubeApi, "", "kubernetes.enabled is off"))
}

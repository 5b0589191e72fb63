//! What a pod asks for and what it can reach: requests, Secrets, exposure.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::lenient::{Shape, Text};
use super::pod_object::{Amounts, Container, Spec, TolerationObject, Volume};
use super::quantity;
use crate::observation::{Exposure, Limits, Requests, Toleration};
use crate::source::Texts;

/// Tolerations that are told for one pod.
const MOST_TOLERATIONS: usize = 64;
/// Names of Secrets that are told for one pod.
const MOST_SECRETS: usize = 64;

/// The scheduler's effective request.
pub(super) fn requests(spec: &Spec) -> Requests {
    let containers = together(spec, |container| amounts(&container.resources.requests));
    let declared = &spec.resources.requests;
    let pod = Requests {
        cpu_millis: declared.cpu.get().and_then(quantity::thousandths).unwrap_or(containers.cpu_millis),
        memory_bytes: declared.memory.get().and_then(quantity::units).unwrap_or(containers.memory_bytes),
    };
    sum(pod, amounts(&spec.overhead))
}

/// What the pod may use at most, as a LimitRange counts it.
pub(super) fn limits(spec: &Spec) -> Limits {
    // A request above its limit is none that the API server takes, so the larger of both is the limit where one is set.
    let most =
        |container: &Container| peak(amounts(&container.resources.limits), amounts(&container.resources.requests));
    Limits { container: containers(spec).map(most).fold(Requests::default(), peak), pod: together(spec, most) }
}

/// Of all containers: init containers run one after the other before the rest, but those that are restarted always
/// (sidecars) stay beside everything that starts after them.
fn together(spec: &Spec, of: impl Fn(&Container) -> Requests) -> Requests {
    let mut sidecars = Requests::default();
    let mut init_peak = Requests::default();
    for container in spec.init_containers.iter() {
        let own = of(container);
        init_peak = peak(init_peak, sum(sidecars, own));
        if container.restart_policy.is("Always") {
            sidecars = sum(sidecars, own);
        }
    }
    let main = spec.containers.iter().fold(sidecars, |total, container| sum(total, of(container)));
    peak(main, init_peak)
}

/// Quantities as numbers; what is absent or no quantity asks for nothing.
pub(super) fn amounts(amounts: &Amounts) -> Requests {
    Requests {
        cpu_millis: amounts.cpu.get().and_then(quantity::thousandths).unwrap_or(0),
        memory_bytes: amounts.memory.get().and_then(quantity::units).unwrap_or(0),
    }
}

fn sum(a: Requests, b: Requests) -> Requests {
    Requests {
        cpu_millis: a.cpu_millis.saturating_add(b.cpu_millis),
        memory_bytes: a.memory_bytes.saturating_add(b.memory_bytes),
    }
}

fn peak(a: Requests, b: Requests) -> Requests {
    Requests { cpu_millis: a.cpu_millis.max(b.cpu_millis), memory_bytes: a.memory_bytes.max(b.memory_bytes) }
}

/// Names of the Secrets that the pod mounts or references, sorted, each once. Names only: no value is read.
pub(super) fn secrets(spec: &Spec, texts: &mut Texts) -> Vec<Arc<str>> {
    let mut names = BTreeSet::new();
    for volume in spec.volumes.iter() {
        names.extend(volume.secret.secret_name.get());
        names.extend(volume.csi.node_publish_secret_ref.name.get());
        names.extend(volume.projected.sources.iter().filter_map(|source| source.secret.name.get()));
    }
    for container in containers(spec) {
        names.extend(container.env.iter().filter_map(|variable| variable.value_from.secret_key_ref.name.get()));
        names.extend(container.env_from.iter().filter_map(|source| source.secret_ref.name.get()));
    }
    names.extend(spec.image_pull_secrets.iter().filter_map(|secret| secret.name.get()));
    names.into_iter().take(MOST_SECRETS).map(|name| texts.name(name)).collect()
}

/// What the pod tolerates. `Equal` is the default operator; `Lt` and `Gt` compare numbers (alpha in 1.35) and are taken
/// to match, since who writes one means the pool that has the taint.
pub(super) fn tolerations(spec: &Spec, texts: &mut Texts) -> Vec<Toleration> {
    let mut told = |text: &Text| text.get().map(|text| texts.name(text));
    let toleration = |own: &Shape<TolerationObject>| {
        let is_equal = matches!(own.operator.or_empty(), "" | "Equal");
        Toleration {
            key: told(&own.key),
            value: is_equal.then(|| told(&own.value).unwrap_or_else(|| "".into())),
            effect: told(&own.effect),
        }
    };
    spec.tolerations.iter().take(MOST_TOLERATIONS).map(toleration).collect()
}

/// What the pod is exposed to.
pub(super) fn exposure(spec: &Spec) -> Exposure {
    Exposure {
        privileged: containers(spec).any(|container| container.security_context.privileged.is_true()),
        host_network: spec.host_network.is_true(),
        host_namespaces: spec.host_pid.is_true() || spec.host_ipc.is_true(),
        host_path: spec.volumes.iter().any(|volume| volume.host_path.0),
        // Admission writes the token's volume into the pod whenever it is mounted, also when the pod is silent
        // and the service account decides; so silence without the volume is no mount.
        automount_token: spec.automount_service_account_token.is_true()
            || spec.volumes.iter().any(|volume| mounts_token(volume)),
    }
}

fn mounts_token(volume: &Volume) -> bool {
    volume.projected.sources.iter().any(|source| source.service_account_token.0)
}

fn containers(spec: &Spec) -> impl Iterator<Item = &Container> {
    spec.init_containers.iter().chain(spec.containers.iter()).map(|container| &**container)
}

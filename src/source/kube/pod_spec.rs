//! What a pod asks for and what it tolerates.

use super::lenient::{Shape, Text};
use super::pod_object::{Amounts, Container, Spec, TolerationObject};
use super::quantity;
use crate::observation::{Limits, Requests, Toleration};
use crate::source::Texts;

/// Tolerations that are told for one pod.
const MOST_TOLERATIONS: usize = 64;

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

pub(super) fn containers(spec: &Spec) -> impl Iterator<Item = &Container> {
    spec.init_containers.iter().chain(spec.containers.iter()).map(|container| &**container)
}

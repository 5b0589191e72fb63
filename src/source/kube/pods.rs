//! Pods of one namespace: job pods, runner managers, and what else lives there.

use std::sync::Arc;

use serde::Deserialize;

use super::lenient::{Dictionary, Moment, Shape, Text};
use super::pod_object::{Condition, Container, ContainerStatus, Pod, Spec, Status};
use super::pod_shape::{self, Shapes};
use super::pod_spec;
use super::rbac::Need;
use crate::observation::{
    Body, Change, ContainerReport, ContainerRole, ContainerState, Disruption, JobId, PodPhase, PodReport, PodRole,
    ProjectId, Scheduled, SourceKind,
};
use crate::source::Texts;
use crate::source::watch::Watched;

/// Containers of a pod that are told; a job may ask for any number of services.
const MOST_CONTAINERS: usize = 64;

/// A Pod as the API writes it, trimmed while it is parsed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct PodObject(Shape<Pod>);

/// The watch of one namespace's pods.
#[derive(Debug)]
pub(super) struct Pods {
    namespace: Arc<str>,
    texts: Texts,
    shapes: Shapes,
}

impl Pods {
    /// `shapes` knows which labels of nodes and which annotations matter.
    pub(super) fn new(namespace: Arc<str>, shapes: Shapes) -> Self {
        Self { namespace, texts: Texts::default(), shapes }
    }
}

impl Watched for Pods {
    type Object = PodObject;
    type Report = PodReport;

    fn path(&self) -> String {
        Need::of(SourceKind::KubePods).path(Some(&self.namespace))
    }

    fn version(object: &PodObject) -> Option<&str> {
        object.0.metadata.resource_version.get()
    }

    fn key(object: &PodObject) -> Option<Arc<str>> {
        object.0.metadata.uid.get().map(Arc::from)
    }

    fn translate(&mut self, object: &PodObject) -> Option<PodReport> {
        translate(object, &self.namespace, &mut self.texts, &mut self.shapes)
    }

    fn body(change: Change<Box<PodReport>>) -> Body {
        Body::Pod(change)
    }
}

/// What the pod says, or nothing where it lacks an identity or a birthday.
#[must_use]
pub fn translate(
    object: &PodObject,
    namespace: &Arc<str>,
    texts: &mut Texts,
    shapes: &mut Shapes,
) -> Option<PodReport> {
    let Pod { metadata, spec, status } = &*object.0;
    Some(PodReport {
        uid: metadata.uid.get()?.into(),
        namespace: Arc::clone(namespace),
        name: texts.name(metadata.name.get()?),
        role: role(&metadata.labels),
        job: metadata.annotations.get(pod_shape::JOB).and_then(whole).map(JobId),
        project: metadata.labels.get(pod_shape::PROJECT).and_then(whole).map(ProjectId),
        runner_short: labelled(&metadata.labels, pod_shape::RUNNER_SHORT).map(|short| texts.name(short)),
        created: metadata.creation_timestamp.0?,
        deleting: metadata.deletion_timestamp.0.is_some(),
        phase: phase(&status.phase),
        ready: condition(status, "Ready").is_some_and(is_true),
        node: named(&spec.node_name, texts),
        scheduled: scheduled(status, spec, texts),
        sandbox_ready: ["PodReadyToStartContainers", "PodHasNetwork"]
            .iter()
            .find_map(|kind| condition(status, kind).filter(|found| is_true(found)))
            .and_then(|found| found.last_transition_time.0),
        disruption: condition(status, "DisruptionTarget")
            .filter(|found| is_true(found))
            .map(|found| disruption(&found.reason, &found.message, found.last_transition_time, texts)),
        failure: status.reason.get().map(|_| disruption(&status.reason, &status.message, Moment::default(), texts)),
        containers: containers(object, texts),
        requests: pod_spec::requests(spec),
        limits: pod_spec::limits(spec),
        shape: shapes.of(metadata, spec, texts),
    })
}

/// Labels of the runner cannot be overwritten by a job since v17.9, so they decide; before that there was only
/// the slot name. Pause pods of the runner's autoscaler carry none of them.
fn role(labels: &Dictionary) -> PodRole {
    let of = |key: &str| labelled(labels, key).unwrap_or_default();
    // `runner-<short>-project-<id>-concurrent-<n>`: on job pods of every runner version.
    let slot = of("pod");
    let is_job = labelled(labels, "job.runner.gitlab.com/pod").is_some()
        || labelled(labels, pod_shape::PROJECT).is_some() && labelled(labels, pod_shape::RUNNER_SHORT).is_some()
        || slot.starts_with("runner-") && slot.contains("-project-") && slot.contains("-concurrent-");
    if is_job {
        return PodRole::Job;
    }
    // GitLab's chart: `<release>-gitlab-runner` unless overridden, `gitlab-runner-<version>`; the operator and other charts.
    let is_manager = of("app").ends_with("gitlab-runner")
        || of("chart").starts_with("gitlab-runner-")
        || of("app.kubernetes.io/name") == "gitlab-runner";
    if is_manager { PodRole::Manager } else { PodRole::Other }
}

/// A GitLab id: digits and nothing else. Annotations can hold anything a user likes.
fn whole(text: &str) -> Option<u64> {
    Some(text).filter(|text| text.bytes().all(|b| b.is_ascii_digit()))?.parse().ok().filter(|number| *number > 0)
}

fn labelled<'a>(labels: &'a Dictionary, key: &str) -> Option<&'a str> {
    labels.get(key).filter(|value| !value.is_empty())
}

fn named(text: &Text, texts: &mut Texts) -> Option<Arc<str>> {
    text.get().map(|text| texts.name(text))
}

fn phase(text: &Text) -> PodPhase {
    match text.or_empty() {
        "" | "Pending" => PodPhase::Pending,
        "Running" => PodPhase::Running,
        "Succeeded" => PodPhase::Succeeded,
        "Failed" => PodPhase::Failed,
        _ => PodPhase::Unknown,
    }
}

fn condition<'a>(status: &'a Status, kind: &str) -> Option<&'a Condition> {
    status.conditions.iter().map(|found| &**found).find(|found| found.kind.is(kind))
}

fn is_true(condition: &Condition) -> bool {
    condition.status.is("True")
}

fn scheduled(status: &Status, spec: &Spec, texts: &mut Texts) -> Scheduled {
    match condition(status, "PodScheduled") {
        Some(found) if is_true(found) => Scheduled::At(found.last_transition_time.0),
        // Bound is bound, whatever an older condition still says.
        _ if spec.node_name.get().is_some() => Scheduled::At(None),
        Some(found) if found.reason.get().is_some() => Scheduled::Refused {
            reason: texts.name(found.reason.or_empty()),
            message: texts.message(found.message.or_empty()),
            since: found.last_transition_time.0,
            tolerations: pod_spec::tolerations(spec, texts),
            nominated: status.nominated_node_name.get().is_some(),
        },
        Some(_) | None => Scheduled::No,
    }
}

fn disruption(reason: &Text, message: &Text, at: Moment, texts: &mut Texts) -> Disruption {
    Disruption { reason: texts.name(reason.or_empty()), message: texts.message(message.or_empty()), at: at.0 }
}

fn containers(object: &PodObject, texts: &mut Texts) -> Vec<ContainerReport> {
    let Pod { spec, status, .. } = &*object.0;
    let init = spec.init_containers.iter().map(|container| (container, true));
    let main = spec.containers.iter().map(|container| (container, false));
    init.chain(main)
        .take(MOST_CONTAINERS)
        .map(|(container, is_init)| {
            let statuses = if is_init { &status.init_container_statuses } else { &status.container_statuses };
            let found = statuses.iter().find(|found| found.name.get() == container.name.get());
            ContainerReport {
                name: texts.name(container.name.or_empty()),
                role: container_role(container, is_init),
                image: texts.message(container.image.or_empty()),
                state: found.map_or(ContainerState::Absent, |found| state(found, texts)),
            }
        })
        .collect()
}

fn container_role(container: &Container, is_init: bool) -> ContainerRole {
    match container.name.or_empty() {
        _ if is_init => ContainerRole::Init,
        "build" => ContainerRole::Build,
        "helper" => ContainerRole::Helper,
        _ => ContainerRole::Service,
    }
}

fn state(status: &ContainerStatus, texts: &mut Texts) -> ContainerState {
    let state = &status.state;
    if let Some(ended) = &state.terminated {
        ContainerState::Terminated {
            started: ended.started_at.0,
            finished: ended.finished_at.0,
            reason: texts.name(ended.reason.or_empty()),
            exit_code: ended.exit_code.0.and_then(|code| i32::try_from(code).ok()).unwrap_or(-1),
        }
    } else if let Some(running) = &state.running {
        ContainerState::Running { since: running.started_at.0 }
    } else if let Some(waiting) = &state.waiting {
        ContainerState::Waiting {
            reason: texts.name(waiting.reason.or_empty()),
            message: texts.message(waiting.message.or_empty()),
        }
    } else {
        ContainerState::Absent
    }
}

//! What a pod can reach and what selects it. Pods of one runner are alike in that, so each shape is kept once.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::labels::Expression;
use super::lenient::{Flag, Shape};
use super::pod_object::{PodMetadata, SecurityContext, Spec, Variable, Volume};
use super::pod_spec::containers;
use super::token_secrets;
use crate::observation::{Exposure, PodShape};
use crate::source::Texts;

/// GitLab's id of the job: an annotation that a user can forge.
pub(super) const JOB: &str = "job.runner.gitlab.com/id";
/// GitLab's id of the job's project.
pub(super) const PROJECT: &str = "project.runner.gitlab.com/id";
/// First characters of the runner's token.
pub(super) const RUNNER_SHORT: &str = "manager.runner.gitlab.com/id-short";

/// Names of Secrets that are told for one pod.
const MOST_SECRETS: usize = 64;
/// Labels of a pod that are told.
const MOST_LABELS: usize = 64;
/// Added capabilities that are told for one pod.
const MOST_CAPABILITIES: usize = 64;
/// How many shapes are kept before the unused ones are looked for.
const FIRST_SWEEP: usize = 256;

/// Sockets of container runtimes. Who may write to one is root on the node.
const SOCKETS: [&str; 5] = [
    "/var/run/docker.sock",
    "/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/run/crio/crio.sock",
    "/run/podman/podman.sock",
];

/// The switch that keeps a runner manager from rotating its own token.
const KEEPS_ITS_TOKEN: &str = "FF_DISABLE_AUTOMATIC_TOKEN_ROTATION";

/// Shapes seen so far.
#[derive(Debug)]
pub struct Shapes {
    tier_labels: Vec<Arc<str>>,
    rotation_annotations: Vec<Arc<str>>,
    pool: HashSet<Arc<PodShape>>,
    sweep_at: usize,
}

impl Shapes {
    /// Of what pods ask of their node only labels with these keys are kept, of their annotations only the times in these.
    #[must_use]
    pub fn new(tier_labels: Vec<Arc<str>>, rotation_annotations: Vec<Arc<str>>) -> Self {
        Self { tier_labels, rotation_annotations, pool: HashSet::new(), sweep_at: FIRST_SWEEP }
    }

    pub(super) fn of(&mut self, metadata: &PodMetadata, spec: &Spec, texts: &mut Texts) -> Arc<PodShape> {
        let shape = PodShape {
            labels: labels(metadata, texts),
            node_selector: node_selector(spec, &self.tier_labels, texts),
            service_account: spec.service_account_name.get().map(|name| texts.name(name)),
            secrets: secrets(spec, texts),
            exposure: exposure(spec, texts),
            token_rotated: self
                .rotation_annotations
                .iter()
                .filter_map(|key| token_secrets::moment(metadata.annotations.get(key)?))
                .max(),
            keeps_its_token: containers(spec).flat_map(|container| container.env.iter()).any(keeps_its_token),
        };
        if let Some(known) = self.pool.get(&shape) {
            return Arc::clone(known);
        }
        if self.pool.len() >= self.sweep_at {
            self.pool.retain(|shape| Arc::strong_count(shape) > 1);
            self.sweep_at = (self.pool.len() * 2).max(FIRST_SWEEP);
        }
        let shape = Arc::new(shape);
        self.pool.insert(Arc::clone(&shape));
        shape
    }
}

fn labels(metadata: &PodMetadata, texts: &mut Texts) -> Vec<(Arc<str>, Option<Arc<str>>)> {
    let of_the_job = |key: &str| {
        matches!(key, "pod" | "pod-template-hash")
            || key.starts_with("job.runner.gitlab.com/")
            || key.starts_with("project.runner.gitlab.com/")
    };
    let mut labels: Vec<_> = metadata
        .labels
        .iter()
        .take(MOST_LABELS)
        .map(|(key, value)| (texts.name(key), (!of_the_job(key)).then(|| texts.name(value))))
        .collect();
    labels.sort_unstable();
    labels
}

/// By the node selector, or by a required affinity of which every term asks for one value.
fn node_selector(spec: &Spec, tier_labels: &[Arc<str>], texts: &mut Texts) -> Vec<(Arc<str>, Arc<str>)> {
    let mut wanted = Vec::new();
    for key in tier_labels {
        let terms = &spec.affinity.node_affinity.required.node_selector_terms;
        let asks = |expression: &&Shape<Expression>| expression.key.is(key) && expression.operator.is("In");
        let of_term = |expressions: &[Shape<Expression>]| {
            let one = expressions.iter().find(asks).filter(|expression| expression.values.len() == 1)?;
            one.values.first()?.get().map(str::to_owned)
        };
        let by_terms: Option<BTreeSet<String>> = terms.iter().map(|term| of_term(&term.match_expressions)).collect();
        let by_affinity = by_terms.filter(|values| values.len() == 1).and_then(|mut values| values.pop_first());
        if let Some(value) = spec.node_selector.get(key).or(by_affinity.as_deref()) {
            wanted.push((Arc::clone(key), texts.name(value)));
        }
    }
    wanted
}

/// Names of the Secrets that the pod mounts or references, sorted, each once. Names only: no value is read.
fn secrets(spec: &Spec, texts: &mut Texts) -> Vec<Arc<str>> {
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
    // The runner makes one for the registry credentials of each job, and deletes it with the pod.
    let lasts =
        |name: &&str| !(name.starts_with("runner-") && name.contains("-project-") && name.contains("-concurrent-"));
    names.into_iter().filter(lasts).take(MOST_SECRETS).map(|name| texts.name(name)).collect()
}

fn exposure(spec: &Spec, texts: &mut Texts) -> Exposure {
    let contexts = || containers(spec).map(|container| &*container.security_context);
    let added = contexts().flat_map(|context| context.capabilities.add.iter()).filter_map(|name| name.get());
    let capabilities: BTreeSet<&str> = added.collect();
    let host_paths = || spec.volumes.iter().filter_map(|volume| volume.host_path.as_deref());
    Exposure {
        privileged: contexts().any(|context| context.privileged.is_true()),
        host_network: spec.host_network.is_true(),
        host_namespaces: spec.host_pid.is_true() || spec.host_ipc.is_true(),
        host_path: host_paths().next().is_some(),
        docker_socket: host_paths().any(|volume| holds_a_socket(volume.path.or_empty())),
        root: contexts().any(|context| may_be_root(context, &spec.security_context)),
        // Admission writes the token's volume into the pod whenever it is mounted, also when the pod is silent
        // and the service account decides; so silence without the volume is no mount.
        automount_token: spec.automount_service_account_token.is_true()
            || spec.volumes.iter().any(|volume| mounts_token(volume)),
        capabilities: capabilities.into_iter().take(MOST_CAPABILITIES).map(|name| texts.name(name)).collect(),
    }
}

/// The image decides where nothing else does, and most images say root.
fn may_be_root(container: &SecurityContext, pod: &SecurityContext) -> bool {
    let is_true = |own: Flag, of_pod: Flag| own.0.or(of_pod.0) == Some(true);
    match container.run_as_user.0.or(pod.run_as_user.0) {
        Some(user) => user == 0,
        None => !is_true(container.run_as_non_root, pod.run_as_non_root),
    }
}

/// The path is a socket's, or of a folder above it.
fn holds_a_socket(path: &str) -> bool {
    let path = path.trim_end_matches('/').replace("/var/run/", "/run/").replace("//", "/");
    let path = if path == "/var/run" { "/run".to_owned() } else { path };
    SOCKETS
        .iter()
        .map(|socket| socket.replace("/var/run/", "/run/"))
        .any(|socket| socket.strip_prefix(path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

fn mounts_token(volume: &Volume) -> bool {
    volume.projected.sources.iter().any(|source| source.service_account_token.0)
}

fn keeps_its_token(variable: &Shape<Variable>) -> bool {
    variable.name.is(KEEPS_ITS_TOKEN) && variable.value.0
}

//! Hides whose jobs they are, and keeps what judgement joins by.
//!
//! A name becomes a hash under a key that is drawn for this recording and never leaves the process: the same name is
//! the same hash within one recording and nowhere else, and no list of guesses can be tried. Every field of every
//! report is named here, so that a new one does not compile before somebody has thought of it.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, LazyLock};

use crate::cause::registry_of;
use crate::observation::{
    AccountReport, BindingReport, Body, Change, ContainerReport, ContainerState, Disruption, EventReport, Failure,
    JobLog, JobReport, LimitReport, ManagerReport, NetpolReport, NodeReport, Observation, Opening, Peer, PodReport,
    PodShape, ProjectReport, ProtectedRefs, QuotaReport, RoleReport, RunnerReport, RunnerScope, Scheduled, Selector,
};

/// What schedulers, kubelets, registries, autoscalers and admission say in their own words. Everything else in a
/// message may be somebody's name.
static WORDS: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| include_str!("words.txt").lines().collect());

/// Reasons are CamelCase words of programs; anything longer is a text.
const LONGEST_REASON: usize = 64;

/// Hides names.
#[derive(Debug, Default)]
pub struct Names(RandomState);

impl Names {
    /// `observation` without names.
    #[must_use]
    pub fn hide(&self, observation: &Observation) -> Observation {
        let mut observation = observation.clone();
        match &mut observation.body {
            Body::Tick | Body::Earlier(_) | Body::JobNotFound(_) | Body::Alive | Body::Period(_) => {}
            Body::Queue { scope: _, jobs }
            | Body::RunnerQueues { runners: _, jobs }
            | Body::Running { scope: _, jobs } => {
                jobs.iter_mut().for_each(|job| self.job(job));
            }
            Body::Job(job) => self.job(job),
            Body::JobLog(JobLog { job: _, given_up }) => self.message_if_any(given_up),
            Body::Projects(projects) => {
                for ProjectReport { id: _, path } in projects {
                    self.path(path);
                }
            }
            Body::ProtectedRefs(ProtectedRefs { project: _, branches, tags }) => {
                self.patterns(branches);
                self.patterns(tags);
            }
            Body::Runners(runners) => runners.iter_mut().for_each(|runner| self.runner(runner)),
            Body::Pod(change) => each(change, |pod| self.pod(pod)),
            Body::Event(change) => each(change, |event| self.event(event)),
            Body::Node(change) => {
                self.key(change);
                each(change, |node| self.node(node));
            }
            Body::Quota(change) => {
                self.key(change);
                each(change, |QuotaReport { name, scoped: _, lines: _ }| self.name(name));
            }
            Body::Limit(change) => {
                self.key(change);
                each(change, |LimitReport { name, lines: _ }| self.name(name));
            }
            Body::Namespace(_) | Body::ApiToken(_) => {}
            Body::TokenSecrets(secrets) => secrets.iter_mut().for_each(|(name, _)| self.name(name)),
            Body::Netpol(change) => {
                self.key(change);
                each(change, |policy| self.policy(policy));
            }
            Body::Account(change) => {
                self.key(change);
                each(change, |AccountReport { name, roles, automount: _ }| {
                    self.name(name);
                    roles.iter_mut().for_each(|role| self.name(role));
                });
            }
            Body::Role(change) => {
                self.key(change);
                each(change, |RoleReport { name, wildcards: _ }| self.name(name));
            }
            Body::Binding(change) => {
                self.key(change);
                each(change, |binding| self.binding(binding));
            }
            Body::Note(text) => *text = self.words(text),
            Body::Failed(Failure { class: _, detail, retry_after: _ }) => *detail = self.words(detail),
        }
        observation
    }

    fn job(&self, job: &mut JobReport) {
        let JobReport {
            id: _,
            project: _,
            project_path,
            name,
            git_ref,
            is_tag: _,
            // Tags and namespaces are the configuration's own words: without them no job has a tier.
            tags: _,
            status: _,
            stuck: _,
            queued_for: _,
            queued_at: _,
            started_at: _,
            finished_at: _,
            runner: _,
            failure_reason,
            takers: _,
        } = job;
        project_path.iter_mut().for_each(|path| self.path(path));
        self.name(name);
        git_ref.iter_mut().for_each(|name| self.git_ref(name));
        failure_reason.iter_mut().for_each(|reason| self.reason(reason));
    }

    fn runner(&self, runner: &mut RunnerReport) {
        let RunnerReport {
            id: _,
            description,
            short_sha: _,
            tags: _,
            run_untagged: _,
            protected: _,
            locked: _,
            paused: _,
            status: _,
            scope,
            contacted_at: _,
            created_at: _,
            token_expires_at: _,
            expiry_hidden: _,
            managers,
        } = runner;
        self.name(description);
        match scope {
            RunnerScope::Instance | RunnerScope::Unknown => {}
            RunnerScope::Groups(paths) | RunnerScope::Projects(paths) => {
                paths.iter_mut().for_each(|path| self.path(path));
            }
        }
        for ManagerReport { system_id, status: _, contacted_at: _, version: _ } in managers.iter_mut().flatten() {
            self.name(system_id);
        }
    }

    fn pod(&self, pod: &mut PodReport) {
        let PodReport {
            uid: _,
            namespace: _,
            name,
            role: _,
            job: _,
            project: _,
            runner_short: _,
            created: _,
            deleting: _,
            phase: _,
            ready: _,
            node,
            scheduled,
            sandbox_ready: _,
            disruption,
            failure,
            containers,
            requests: _,
            limits: _,
            shape,
        } = pod;
        self.name(name);
        node.iter_mut().for_each(|name| self.name(name));
        self.shape(Arc::make_mut(shape));
        match scheduled {
            Scheduled::No | Scheduled::At(_) => {}
            Scheduled::Refused { reason, message, since: _, tolerations: _, nominated: _ } => {
                self.reason(reason);
                self.message(message);
            }
        }
        for Disruption { reason, message, at: _ } in disruption.iter_mut().chain(failure) {
            self.reason(reason);
            self.message(message);
        }
        containers.iter_mut().for_each(|container| self.container(container));
    }

    fn shape(&self, shape: &mut PodShape) {
        let PodShape {
            labels,
            node_selector: _,
            service_account,
            secrets,
            exposure: _,
            keeps_its_token: _,
            token_rotated: _,
        } = shape;
        labels.iter_mut().filter_map(|(_, value)| value.as_mut()).for_each(|value| self.name(value));
        service_account.iter_mut().chain(secrets).for_each(|name| self.name(name));
    }

    /// Whom a policy selects is what it is judged by: equal values stay equal. Keys and addresses are no names.
    fn policy(&self, policy: &mut NetpolReport) {
        let NetpolReport { name, selects, ingress, egress } = policy;
        self.name(name);
        self.selector(selects);
        for Opening { peers, ports: _ } in ingress.iter_mut().chain(egress).flatten() {
            for peer in peers {
                if let Peer::Pods { namespaces, pods } = peer {
                    namespaces.iter_mut().chain(pods).for_each(|selector| self.selector(selector));
                }
            }
        }
    }

    fn selector(&self, selector: &mut Selector) {
        selector.requirements.iter_mut().flat_map(|one| &mut one.values).for_each(|value| self.name(value));
    }

    fn binding(&self, binding: &mut BindingReport) {
        let BindingReport { name, of_cluster: _, role, accounts } = binding;
        self.name(name);
        self.name(role);
        accounts.iter_mut().for_each(|(_, account)| self.name(account));
    }

    fn container(&self, container: &mut ContainerReport) {
        let ContainerReport { name, role: _, image, state } = container;
        self.name(name);
        // The registry is half of the cause of a failed pull.
        *image = match registry_of(image) {
            Some(registry) => format!("{registry}/{}", self.hash(image)).into(),
            // No reference, and still none.
            None => format!("~{}", self.hash(image)).into(),
        };
        match state {
            ContainerState::Absent | ContainerState::Running { since: _ } => {}
            ContainerState::Waiting { reason, message } => {
                self.reason(reason);
                self.message(message);
            }
            ContainerState::Terminated { started: _, finished: _, reason, exit_code: _ } => self.reason(reason),
        }
    }

    fn event(&self, event: &mut EventReport) {
        let EventReport {
            uid: _,
            about_kind: _,
            about_namespace: _,
            about_name,
            about_uid: _,
            container,
            reason,
            author,
            warning: _,
            message,
            count: _,
            last: _,
        } = event;
        self.name(about_name);
        container.iter_mut().for_each(|name| self.name(name));
        self.reason(reason);
        self.reason(author);
        self.message(message);
    }

    fn node(&self, node: &mut NodeReport) {
        let NodeReport { name, tier_labels: _, ready: _, unschedulable: _, taints: _, allocatable: _ } = node;
        self.name(name);
    }

    /// What is gone is known by its name.
    fn key<T>(&self, change: &mut Change<T>) {
        if let Change::Gone(name) = change {
            self.name(name);
        }
    }

    fn hash(&self, text: &str) -> String {
        format!("h{:016x}", self.0.hash_one(text))
    }

    fn name(&self, name: &mut Arc<str>) {
        *name = self.hash(name).into();
    }

    /// Each part by itself: whether a project is below a group can still be told.
    fn path(&self, path: &mut Arc<str>) {
        *path = path.split('/').map(|part| self.hash(part)).collect::<Vec<_>>().join("/").into();
    }

    /// A merge request's own ref is still told from a branch.
    fn git_ref(&self, name: &mut Arc<str>) {
        let special = if name.starts_with("refs/") { "refs/" } else { "" };
        *name = format!("{special}{}", self.hash(name)).into();
    }

    /// What a hashed ref cannot be matched with is not known any more: its jobs are uncertain, not unprotected.
    fn patterns(&self, patterns: &mut Option<Vec<Arc<str>>>) {
        if patterns.iter().flatten().any(|pattern| pattern.contains('*')) {
            *patterns = None;
        }
        patterns.iter_mut().flatten().for_each(|pattern| self.git_ref(pattern));
    }

    fn reason(&self, reason: &mut Arc<str>) {
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if reason.len() > LONGEST_REASON || !reason.chars().all(is_word) {
            self.message(reason);
        }
    }

    fn message(&self, message: &mut Arc<str>) {
        *message = self.words(message).into();
    }

    fn message_if_any(&self, message: &mut Option<Arc<str>>) {
        message.iter_mut().for_each(|message| self.message(message));
    }

    /// Known words, durations, short numbers and punctuation stay; every other word is a hash.
    fn words(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let is_word = first.is_ascii_alphanumeric();
            let duration = if out.ends_with('.') { 0 } else { duration(rest) };
            if duration > 0 {
                out.push_str(&rest[..duration]);
                rest = &rest[duration..];
                continue;
            }
            let length = rest
                .find(|c: char| c.is_ascii_alphanumeric() != is_word || (!is_word && !c.is_ascii()))
                .unwrap_or(rest.len());
            if length == 0 {
                // Other scripts are names, too.
                out.push('?');
                rest = &rest[first.len_utf8()..];
                continue;
            }
            let (piece, after) = rest.split_at(length);
            if !is_word || is_known(piece) || is_number(&out, piece, after) {
                out.push_str(piece);
            } else {
                out.push_str(&self.hash(piece)[..9]);
            }
            rest = after;
        }
        out
    }
}

fn is_known(word: &str) -> bool {
    word.len() == 1 || WORDS.contains(word.to_ascii_lowercase().as_str())
}

/// How long a duration at the beginning of `text` is, as Go writes one: `850ms`, `1m2.5s`.
fn duration(text: &str) -> usize {
    let mut rest = text;
    loop {
        let number = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let fraction =
            number.strip_prefix('.').map_or(number, |part| part.trim_start_matches(|c: char| c.is_ascii_digit()));
        let unit = ["ms", "us", "ns", "s", "m", "h"].into_iter().find_map(|unit| fraction.strip_prefix(unit));
        match unit {
            Some(after) if number.len() < rest.len() => rest = after,
            Some(_) | None => break,
        }
    }
    if rest.starts_with(|c: char| c.is_ascii_alphanumeric()) { 0 } else { text.len() - rest.len() }
}

/// A count or a status code, and not a part of an address.
fn is_number(before: &str, word: &str, after: &str) -> bool {
    let dotted = after.starts_with('.') && after[1..].starts_with(|c: char| c.is_ascii_digit());
    word.len() <= 5 && word.bytes().all(|byte| byte.is_ascii_digit()) && !dotted && !before.ends_with('.')
}

fn each<T>(change: &mut Change<Box<T>>, mut hide: impl FnMut(&mut T)) {
    match change {
        Change::Upsert(one) => hide(one),
        Change::Gone(_) => {}
        Change::Replace(all) => all.iter_mut().for_each(|one| hide(one)),
    }
}

#[cfg(test)]
#[path = "names_tests.rs"]
mod tests;

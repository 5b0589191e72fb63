//! Whether a tier's boundary is where it was declared to be, judged from what is really there.
//!
//! Each check has what is expected and what was found, or says that it cannot tell and which right is missing. The
//! checks and further facts together answer the six questions of a tier.

mod accounts;
mod addresses;
mod answer;
pub mod check;
mod expected;
mod ground;
mod namespaces;
pub mod network;
mod networks;
mod pods;
mod runners;
pub mod selector;

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

pub use check::{Check, Question};
pub use expected::{Expected, SecurityLevel};
pub(in crate::model) use ground::{Ground, JobPods};

use crate::cause::labels;
use crate::observation::SourceKey;

/// A tier's boundary at one instant: one answer for each question, in their order.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Boundary {
    /// Whether a posture is declared for the tier.
    pub declared: bool,
    /// What can be said to each question.
    pub answers: Vec<Answer>,
}

/// What can be said to one question.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// The question.
    pub question: Question,
    /// In sentences, from the live objects.
    pub says: Vec<String>,
    /// The checks that belong to it.
    pub checks: Vec<CheckLine>,
    /// What it was read from.
    pub read: Vec<Read>,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckLine {
    /// Which.
    pub check: Check,
    /// How it ended.
    pub verdict: Verdict,
    /// Since when it ends so.
    pub since: Timestamp,
    /// What is declared.
    pub expected: String,
    /// What was found; for a check that cannot be made, why not.
    pub found: String,
    /// The object that shows it.
    pub evidence: Option<String>,
}

labels! {
    /// How a check ended, worst first.
    Verdict {
        /// Not as declared.
        Moved = "moved",
        /// It cannot be told.
        Unknown = "unknown",
        /// As declared.
        AsDeclared = "as_declared",
        /// Nothing is declared that it could be held against.
        NotDeclared = "not_declared",
    }
}

/// A source that an answer rests on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Read {
    /// Which.
    pub source: SourceKey,
    /// When it last answered; absent: never.
    pub at: Option<Timestamp>,
}

impl Boundary {
    /// Every check.
    pub fn checks(&self) -> impl Iterator<Item = &CheckLine> {
        self.answers.iter().flat_map(|answer| &answer.checks)
    }

    /// Those that are not as declared.
    pub fn moved(&self) -> impl Iterator<Item = &CheckLine> {
        self.checks().filter(|line| line.verdict == Verdict::Moved)
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Finding {
    /// As expected.
    Fine(String),
    /// Something else, shown by an object where there is one.
    Moved { found: String, evidence: Option<String> },
    /// It cannot be told, because.
    Unknown(String),
}

impl Finding {
    fn fine(found: impl Into<String>) -> Self {
        Self::Fine(found.into())
    }

    fn moved(found: impl Into<String>, evidence: impl Into<String>) -> Self {
        Self::Moved { found: found.into(), evidence: Some(evidence.into()) }
    }

    /// Of several places: what is wrong in one is wrong, what cannot be told of one cannot be told, else all is fine.
    fn of_all(findings: impl Iterator<Item = Self>) -> Self {
        let mut fine: Vec<String> = Vec::new();
        let (mut moved, mut unknown) = (None, None);
        for finding in findings {
            match finding {
                Self::Fine(found) if fine.contains(&found) => {}
                Self::Fine(found) => fine.push(found),
                Self::Moved { .. } => moved = moved.or(Some(finding)),
                Self::Unknown(_) => unknown = unknown.or(Some(finding)),
            }
        }
        moved.or(unknown).unwrap_or_else(|| Self::Fine(fine.join("; ")))
    }
}

/// Judges one tier. `before` tells since when a verdict holds.
#[must_use]
pub(in crate::model) fn judge(ground: &Ground<'_>, before: Option<&Boundary>) -> Boundary {
    let declared = ground.policy.posture.is_some();
    let line = |check: Check| {
        let (verdict, found, evidence) = match find(check, ground) {
            Finding::Unknown(why) => (Verdict::Unknown, why, None),
            Finding::Fine(found) => (Verdict::AsDeclared, found, None),
            Finding::Moved { found, evidence } => (Verdict::Moved, found, evidence),
        };
        let is_judged = declared && ground.expected.judges(check);
        let verdict = if is_judged { verdict } else { Verdict::NotDeclared };
        let known = before.and_then(|before| before.checks().find(|known| known.check == check));
        let since = known.filter(|known| known.verdict == verdict).map_or(ground.now.wall, |known| known.since);
        let expected = if is_judged { answer::expected(check, ground) } else { "nothing is declared".into() };
        CheckLine { check, verdict, since, expected, found, evidence }
    };
    let answer = |question: &Question| Answer {
        question: *question,
        says: answer::says(*question, ground),
        checks: Check::ALL.iter().copied().filter(|check| check.question() == *question).map(line).collect(),
        read: answer::read(*question, ground),
    };
    Boundary { declared, answers: Question::ALL.iter().map(answer).collect() }
}

fn find(check: Check, ground: &Ground<'_>) -> Finding {
    match check {
        Check::Tags => runners::tags(ground),
        Check::RunUntagged => runners::run_untagged(ground),
        Check::Protected => runners::protected(ground),
        Check::Locked => runners::locked(ground),
        Check::OwnRunners => runners::own(ground),
        Check::DeclaredRunners => runners::declared(ground),
        Check::OwnManagers => runners::own_managers(ground),
        Check::TokenRotation => runners::rotation(ground),
        Check::Secrets => pods::secrets(ground),
        Check::ServiceAccountToken => pods::service_account_token(ground),
        Check::Privileged => pods::privileged(ground),
        Check::HostNamespaces => pods::host_namespaces(ground),
        Check::HostPath => pods::host_path(ground),
        Check::DockerSocket => pods::docker_socket(ground),
        Check::Capabilities => pods::capabilities(ground),
        Check::Root => pods::root(ground),
        Check::NodeSelector => pods::node_selector(ground),
        Check::OwnNodes => pods::own_nodes(ground),
        Check::OwnServiceAccount => accounts::own(ground),
        Check::OwnCloudRole => accounts::own_role(ground),
        Check::ManagerWildcards => accounts::manager_wildcards(ground),
        Check::DefaultDeny => networks::default_deny(ground),
        Check::InternetPorts => networks::internet_ports(ground),
        Check::MetadataEndpoint => networks::metadata_endpoint(ground),
        Check::PodSecurity => namespaces::enforced(ground),
        Check::PodSecurityVersion => namespaces::enforced_version(ground),
        Check::PodSecurityAudit => namespaces::audited(ground),
        Check::PodSecurityWarn => namespaces::warned(ground),
        Check::ResourceQuota => namespaces::quota(ground),
        Check::LimitRange => namespaces::limit(ground),
    }
}

/// `a, b and 3 more`, of names that are other people's: cut where there are many.
fn some(names: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    const NAMED: usize = 5;
    let names: Vec<_> = names.into_iter().collect();
    let shown = names.iter().take(NAMED).map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// A name that many objects share.
type Name = Arc<str>;

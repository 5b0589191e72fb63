//! Misbehaviour of the two APIs, by time and operation.

use jiff::Timestamp;

/// Which requests a fault meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// `POST /api/graphql`.
    Graphql,
    /// Job lists and single jobs of projects, and jobs of runners.
    Jobs,
    /// Runners and their managers.
    Runners,
    /// Everything else.
    Other,
}

impl Operation {
    /// The operation of a path below the address of GitLab.
    pub(crate) fn of(path: &str) -> Self {
        if path.ends_with("/api/graphql") {
            Self::Graphql
        } else if path.contains("/jobs") {
            Self::Jobs
        } else if path.contains("/runners") {
            Self::Runners
        } else {
            Self::Other
        }
    }
}

/// What GitLab does instead of answering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misdeed {
    /// 429 of the request throttle: text, `RateLimit-*`, and `Retry-After` in seconds where given.
    Throttled(Option<u32>),
    /// 429 of one endpoint's own limiter: JSON, and `Retry-After` in newer releases.
    Limited(Option<u32>),
    /// A status with JSON from the application.
    Status(u16),
    /// A status with HTML from a proxy in front.
    Proxy(u16),
    /// The right answer after so many real milliseconds.
    Slow(u64),
    /// No answer at all.
    Hang,
    /// 200 with something that is not JSON.
    Garbage,
    /// 200 with the first half of the right answer.
    Half,
    /// 302 to another host.
    Redirect(String),
    /// The right answer, with what is left of GitLab's limit: so many requests a minute, and so many of them left.
    Headroom(u64, u64),
    /// Paging links and keyset cursors name another host.
    ForeignLink(String),
}

/// A misdeed and the operation it meets; all operations when none is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitlabFault {
    /// Which requests.
    pub on: Option<Operation>,
    /// What happens to them.
    pub misdeed: Misdeed,
}

impl GitlabFault {
    /// The request throttle is full.
    #[must_use]
    pub fn throttled(on: Option<Operation>, retry_after: Option<u32>) -> Self {
        Self { on, misdeed: Misdeed::Throttled(retry_after) }
    }

    /// An endpoint's own limiter is full.
    #[must_use]
    pub fn limited(on: Option<Operation>, retry_after: Option<u32>) -> Self {
        Self { on, misdeed: Misdeed::Limited(retry_after) }
    }

    /// The proxy in front reaches nobody.
    #[must_use]
    pub fn bad_gateway() -> Self {
        Self { on: None, misdeed: Misdeed::Proxy(502) }
    }
}

/// What the API server does wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KubeFault {
    /// All watches are told 410 once and must list again.
    Expire,
    /// 503 to every request, and open watches break off.
    Down,
    /// Nothing is answered; open watches stay silent.
    Hang,
    /// 403 in this namespace.
    Forbidden(String),
}

/// The misbehaviour under way.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    gitlab: Vec<(Timestamp, Timestamp, GitlabFault)>,
    kube: Vec<(Timestamp, Timestamp, KubeFault)>,
}

impl Faults {
    pub(crate) fn gitlab(&mut self, from: Timestamp, until: Timestamp, fault: GitlabFault) {
        self.gitlab.push((from, until, fault));
    }

    pub(crate) fn kube(&mut self, from: Timestamp, until: Timestamp, fault: KubeFault) {
        self.kube.push((from, until, fault));
    }

    /// What happens now to a request of this operation.
    pub(crate) fn of_gitlab(&self, now: Timestamp, operation: Operation) -> Option<&Misdeed> {
        self.gitlab
            .iter()
            .find(|(from, until, fault)| (*from..*until).contains(&now) && fault.on.is_none_or(|on| on == operation))
            .map(|(_, _, fault)| &fault.misdeed)
    }

    /// What is wrong with the API server now.
    pub(crate) fn of_kube(&self, now: Timestamp) -> impl Iterator<Item = &KubeFault> {
        self.kube.iter().filter(move |(from, until, _)| (*from..*until).contains(&now)).map(|(_, _, fault)| fault)
    }

    pub(crate) fn forget_past(&mut self, now: Timestamp) {
        self.gitlab.retain(|(_, until, _)| *until > now);
        self.kube.retain(|(_, until, _)| *until > now);
    }
}

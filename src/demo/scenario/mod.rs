//! Stories as data: how many jobs come, and what goes wrong when.

mod calm;
mod cluster;
mod gitlab;
mod images;
mod neglect;
mod show;

pub(crate) use self::show::WARM;

use jiff::SignedDuration;

use super::faults::{GitlabFault, KubeFault};
use super::hooks::Habit;
use super::world::images::Trouble;

/// A story.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Its name on the command line.
    pub name: &'static str,
    /// In one line.
    pub about: &'static str,
    /// What a reader of the page should see.
    pub shows: &'static str,
    /// New jobs come for this long; then the platform works off what is there.
    pub length: SignedDuration,
    /// The seed unless another is given.
    pub seed: u64,
    /// Jobs an hour per tier in quiet times.
    pub(crate) traffic: Vec<(&'static str, f64)>,
    /// What happens when, counted from the start.
    pub(crate) script: Vec<(SignedDuration, Act)>,
    /// What tierwatch's token reads.
    pub(crate) reads: Reads,
    /// How job hooks fare; without, GitLab sends none.
    pub(crate) hooks: Option<Habit>,
    /// Starts again from the beginning when it is over.
    pub(crate) endless: bool,
}

impl Scenario {
    /// The same platform with so many times the traffic, which has been going on for a while and does not end.
    #[must_use]
    pub fn busy_for_ever(mut self, times: f64) -> Self {
        self.traffic.iter_mut().for_each(|(_, jobs_an_hour)| *jobs_an_hour *= times);
        Self { endless: true, ..self }
    }
}

/// What the token reads that the demo gives its daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reads {
    /// Everything: it is an administrator's.
    Instance,
    /// The projects of one group, one after the other: it is a Maintainer's of that group.
    Group,
}

/// Something the script does to the platform.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// So many jobs, spread over a time.
    Burst { tier: &'static str, jobs: u32, over: SignedDuration, kind: Kind },
    /// The tier's runner managers crash in a loop, or come back: the one of this number, counted from 0, or all.
    Managers { tier: &'static str, only: Option<usize>, up: bool },
    /// So many jobs an hour come to the tier from now on.
    Traffic { tier: &'static str, per_hour: f64 },
    /// A job of the tier turns out to wait for so long already.
    Waiting { tier: &'static str, since: SignedDuration },
    /// The tier's runner token turns out to have been renewed so long ago.
    TokenRotated { tier: &'static str, ago: SignedDuration },
    /// The tier's runner token is given so long a life from now on.
    TokenEnds { tier: &'static str, within: SignedDuration },
    /// So is the token with which tierwatch reads GitLab.
    ApiTokenEnds { within: SignedDuration },
    /// These projects show their jobs to their members only; nobody pushes to them meanwhile.
    Hidden { projects: &'static [&'static str] },
    /// The file with the secret of the job hooks is lost, or put back.
    HookSecret { lost: bool },
    /// Somebody presses "pause" on the tier's runner.
    Paused { tier: &'static str, paused: bool },
    /// A registry refuses pulls, or is well again.
    Registry { host: &'static str, trouble: Option<Trouble> },
    /// The tier's nodes are replaced by a pool with a taint that no job pod tolerates, or by the right one.
    ReplacePool { tier: &'static str, taint: Option<&'static str> },
    /// The cloud takes back one node of the tier.
    SpotInterruption { tier: &'static str },
    /// The tier's namespace gets a quota with room for so many pods more, or loses it.
    Quota { tier: &'static str, room: Option<usize> },
    /// A container of the tier may have so many cores at most, or as many as it likes.
    LimitRange { tier: &'static str, max_cores: Option<u64> },
    /// Somebody moves a tier's boundary, or puts it back.
    Boundary { tier: &'static str, breach: Breach, moved: bool },
    /// GitLab's API misbehaves for a time.
    Gitlab { fault: GitlabFault, lasts: SignedDuration },
    /// The cluster's API misbehaves for a time.
    Kube { fault: KubeFault, lasts: SignedDuration },
}

/// How a boundary is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Breach {
    /// A further network policy opens everything.
    OpenEgress,
    /// The namespace enforces nothing any more.
    PodSecurity,
    /// The runner takes jobs of any ref.
    Unprotected,
    /// The runner makes privileged containers.
    PrivilegedPods,
}

impl Breach {
    /// The checks that notice it.
    pub(crate) const fn checks(self) -> &'static [&'static str] {
        match self {
            Self::OpenEgress => &["default_deny", "internet_ports", "metadata_endpoint"],
            Self::PodSecurity => &["pod_security"],
            Self::Unprotected => &["protected"],
            Self::PrivilegedPods => &["privileged"],
        }
    }
}

/// What is special about the jobs of a burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing.
    Ordinary,
    /// They ask for more processors than a busy node has left.
    Large,
    /// They all belong to one project.
    OneProject,
    /// Their image does not exist: the user's own mistake.
    MissingImage,
    /// The registry refuses their image in words that nobody has heard before.
    RiddleImage,
    /// They carry a tag beside the tier's that no runner has.
    UnknownTag,
    /// They run for a branch that is not protected.
    UnprotectedRef,
}

/// Every scenario, the endless show of the bare `demo` command last.
#[must_use]
pub fn all() -> Vec<Scenario> {
    let mut all = calm::scenarios();
    all.extend(cluster::scenarios());
    all.extend(images::scenarios());
    all.extend(gitlab::scenarios());
    all.extend(neglect::scenarios());
    all.push(show::scenario());
    all
}

/// The scenario of that name.
#[must_use]
pub fn find(name: &str) -> Option<Scenario> {
    all().into_iter().find(|scenario| scenario.name == name)
}

/// The scenario of the bare `demo` command: one incident after the other, for ever.
#[must_use]
pub fn show() -> Scenario {
    show::scenario()
}

/// A minute of the story.
pub(crate) const fn minute(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

/// The jobs that come on any working day.
fn usual_traffic() -> Vec<(&'static str, f64)> {
    vec![("standard", 420.0), ("protected", 60.0), ("privileged", 24.0), ("deployment", 30.0), ("sandbox", 50.0)]
}

/// What all stories have in common.
fn story(
    name: &'static str,
    about: &'static str,
    shows: &'static str,
    minutes: i64,
    script: Vec<(SignedDuration, Act)>,
) -> Scenario {
    // Any seed will do; a different one for each story keeps them from looking alike.
    let seed = name.bytes().fold(7, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let (length, traffic) = (minute(minutes), usual_traffic());
    let (reads, hooks, endless) = (Reads::Instance, None, false);
    Scenario { name, about, shows, length, seed, traffic, script, reads, hooks, endless }
}

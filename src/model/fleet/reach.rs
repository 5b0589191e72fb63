//! How far the reading of the queue reaches: the whole instance, single projects, or the queues of single runners.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::model::policy::TierId;
use crate::model::tier::Rosters;
use crate::observation::{Now, ProjectId, ProjectReport, RunnerId};

/// Of what the queue was read.
#[derive(Debug, Clone, Default)]
pub(in crate::model) struct Reach {
    /// Watched one by one; none while the queue is read otherwise.
    projects: BTreeMap<ProjectId, Project>,
    /// Whose queues were read; absent while the queue is not read runner by runner.
    runners: Option<BTreeSet<RunnerId>>,
}

#[derive(Debug, Clone)]
struct Project {
    path: Arc<str>,
    seen: Option<Now>,
    /// When a hook told of a job there that no answer has shown.
    hinted: Option<Now>,
}

impl Reach {
    /// The whole instance was seen at once.
    pub(super) fn instance(&mut self) {
        *self = Self::default();
    }

    /// The queues of these runners were seen.
    pub(super) fn queues_of(&mut self, runners: impl IntoIterator<Item = RunnerId>) {
        self.projects.clear();
        self.runners = Some(runners.into_iter().collect());
    }

    /// A project's queue was seen.
    pub(super) fn project(&mut self, id: ProjectId, at: Now) {
        if let Some(project) = self.projects.get_mut(&id) {
            project.seen = Some(at);
        }
    }

    /// From now on these projects are watched.
    pub(super) fn replace(&mut self, projects: Vec<ProjectReport>) {
        self.runners = None;
        let before = std::mem::take(&mut self.projects);
        self.projects = projects
            .into_iter()
            .map(|project| {
                let known = before.get(&project.id);
                let (seen, hinted) = (known.and_then(|known| known.seen), known.and_then(|known| known.hinted));
                (project.id, Project { path: project.path, seen, hinted })
            })
            .collect();
    }

    pub(super) fn watches(&self, project: ProjectId) -> bool {
        self.projects.contains_key(&project)
    }

    pub(super) fn path_of(&self, project: ProjectId) -> Option<Arc<str>> {
        self.projects.get(&project).map(|known| known.path.clone())
    }

    /// A hook told of a job of a project.
    pub(super) fn hint(&mut self, project: ProjectId, at: Now) {
        if let Some(project) = self.projects.get_mut(&project) {
            project.hinted = Some(at);
        }
    }

    /// Watched projects of which a hook told something new since their queue was read.
    pub(super) fn hinted(&self) -> Vec<ProjectId> {
        let newer = |project: &Project| {
            project.hinted.is_some_and(|hinted| project.seen.is_none_or(|seen| seen.mono < hinted.mono))
        };
        self.projects.iter().filter(|(_, project)| newer(project)).map(|(id, _)| *id).collect()
    }

    /// Part of the watched projects seen within the sweep, or of the tiers' queues that are shown; `None` where nothing is
    /// hidden by the way of reading.
    pub(super) fn coverage(&self, rosters: Option<&Rosters>, sweep: Duration, now: &Now) -> Option<f64> {
        if let Some(seen) = &self.runners {
            let queues = rosters.map(Rosters::queues).unwrap_or_default();
            return part(queues.iter().filter(|runner| seen.contains(runner)).count(), queues.len());
        }
        let recent = |project: &&Project| project.seen.is_some_and(|at| now.since(&at) <= sweep);
        part(self.projects.values().filter(recent).count(), self.projects.len())
    }

    /// Whether the queue of a tier can be seen at all.
    pub(in crate::model) fn shows(&self, tier: TierId, rosters: Option<&Rosters>) -> bool {
        let Some(seen) = &self.runners else { return true };
        rosters.is_some_and(|rosters| rosters.of(tier).iter().any(|runner| seen.contains(&runner.id)))
    }

    /// Whether jobs that no tier would take can be seen.
    pub(in crate::model) fn shows_strangers(&self) -> bool {
        self.runners.is_none()
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of projects and runners are far below 2^52")]
fn part(seen: usize, all: usize) -> Option<f64> {
    (all > 0).then(|| seen as f64 / all as f64)
}

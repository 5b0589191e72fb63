//! The objects of the graph and their fields, as far as `gitlab.graphql` describes them.

use std::rc::Rc;

use serde_json::{Value, json};

use super::list::List;
use super::{Arguments, Run};
use crate::demo::gitlab_api::paging::cursor_of;
use crate::demo::world::job::{Job, JobState, contact_status};

/// An object of the graph; positions and ids point into the world.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Query,
    Metadata,
    Complexity,
    CurrentUser,
    Job(u64),
    /// The pipeline of a job.
    Pipeline(u64),
    Project(usize),
    Group(usize),
    Runner(usize),
    Manager(usize, usize),
    List(Rc<List>),
    Edge(Rc<List>, usize),
    PageInfo(Rc<List>),
}

/// What a field is.
pub(super) enum Resolved {
    Value(Value),
    One(Option<Node>),
    Many(Vec<Node>),
    /// Null, and an entry in `errors`.
    Error(String),
    /// The schema has no such field.
    Unknown,
}

impl Node {
    pub(super) fn type_name(&self) -> String {
        match self {
            Self::Query => "Query",
            Self::Metadata => "Metadata",
            Self::Complexity => "QueryComplexity",
            Self::CurrentUser => "CurrentUser",
            Self::Job(_) => "CiJob",
            Self::Pipeline(_) => "Pipeline",
            Self::Project(_) => "Project",
            Self::Group(_) => "Group",
            Self::Runner(_) => "CiRunner",
            Self::Manager(..) => "CiRunnerManager",
            Self::List(list) => return format!("{}Connection", list.of),
            Self::Edge(list, _) => return format!("{}Edge", list.of),
            Self::PageInfo(_) => "PageInfo",
        }
        .to_owned()
    }

    /// Whether a fragment on this type applies.
    pub(super) fn is_a(&self, name: &str) -> bool {
        self.type_name() == name
            || match self {
                Self::Job(_) => name == "CiJobInterface",
                Self::Pipeline(_) => name == "PipelineInterface",
                Self::Project(_) => name == "ProjectInterface",
                Self::Group(_) => name == "GroupInterface",
                Self::CurrentUser => name == "User",
                Self::Query | Self::Metadata | Self::Complexity | Self::Runner(_) | Self::Manager(..) => false,
                Self::List(_) | Self::Edge(..) | Self::PageInfo(_) => false,
            }
    }
}

/// GitLab's words for what a caller may not have.
pub(super) const NOT_ALLOWED: &str =
    "The resource that you are attempting to access does not exist or you don't have permission to perform this action";

impl Run<'_> {
    pub(super) fn resolve(&mut self, node: &Node, name: &str, arguments: &Arguments) -> Resolved {
        match node {
            Node::Query => self.query(name, arguments),
            Node::Metadata => scalar(match name {
                "version" => json!("19.3.0-ee"),
                "revision" => json!("5a7bb5c5"),
                "enterprise" => json!(true),
                _ => return Resolved::Unknown,
            }),
            Node::Complexity => scalar(match name {
                "score" => json!(self.score),
                "limit" => json!(self.limit),
                _ => return Resolved::Unknown,
            }),
            Node::CurrentUser => self.user(name),
            Node::Job(id) => self.job(*id, name),
            Node::Pipeline(job) => self.pipeline(*job, name),
            Node::Project(position) => self.project(*position, name, arguments),
            Node::Group(position) => self.group(*position, name, arguments),
            Node::Runner(position) => self.runner(*position, name, arguments),
            Node::Manager(runner, position) => self.manager(*runner, *position, name),
            Node::List(list) => match name {
                "nodes" => Resolved::Many(list.rows.iter().map(|(_, node)| node.clone()).collect()),
                "edges" => Resolved::Many((0..list.rows.len()).map(|at| Node::Edge(Rc::clone(list), at)).collect()),
                "pageInfo" => Resolved::One(Some(Node::PageInfo(Rc::clone(list)))),
                "count" => match arguments.get("limit").and_then(Value::as_u64) {
                    Some(0 | 1001..) if list.of.starts_with("CiJob") => {
                        Resolved::Error("limit must be between 1 and 1000".to_owned())
                    }
                    limit => scalar(json!(list.total.min(usize::try_from(limit.unwrap_or(1000)).unwrap_or(1000) + 1))),
                },
                _ => Resolved::Unknown,
            },
            Node::Edge(list, at) => match (name, list.rows.get(*at)) {
                ("node", Some((_, node))) => Resolved::One(Some(node.clone())),
                ("cursor", Some((id, _))) => scalar(json!(cursor_of(*id))),
                _ => Resolved::Unknown,
            },
            Node::PageInfo(list) => scalar(match name {
                "endCursor" => json!(list.cursor(true)),
                "startCursor" => json!(list.cursor(false)),
                "hasNextPage" => json!(list.next),
                "hasPreviousPage" => json!(list.previous),
                _ => return Resolved::Unknown,
            }),
        }
    }

    fn query(&mut self, name: &str, arguments: &Arguments) -> Resolved {
        let world = self.world;
        let path = arguments.get("fullPath").and_then(Value::as_str).unwrap_or_default();
        match name {
            "currentUser" => Resolved::One(self.caller.map(|_| Node::CurrentUser)),
            "metadata" => Resolved::One(self.caller.map(|_| Node::Metadata)),
            "queryComplexity" => Resolved::One(Some(Node::Complexity)),
            "jobs" => self.all_jobs(arguments),
            "runners" if self.caller.is_some_and(|caller| caller.admin) => self.runners(arguments, |_| true),
            "runners" => Resolved::Error(NOT_ALLOWED.to_owned()),
            "runner" => Resolved::One(self.runner_by(arguments.get("id")).map(Node::Runner)),
            "group" => {
                let position = world.groups.iter().position(|group| group.path == path);
                Resolved::One(position.filter(|p| self.caller.is_some_and(|c| c.sees_group(*p))).map(Node::Group))
            }
            "project" => {
                let position = world.projects.iter().position(|project| project.full_path(&world.groups) == path);
                let seen = position.filter(|p| {
                    world.projects.get(*p).is_some_and(|row| self.caller.is_some_and(|caller| caller.sees_project(row)))
                });
                Resolved::One(seen.map(Node::Project))
            }
            _ => Resolved::Unknown,
        }
    }

    fn user(&self, name: &str) -> Resolved {
        let Some(caller) = self.caller else { return Resolved::Unknown };
        scalar(match name {
            "id" => json!(format!("gid://gitlab/User/{}", caller.user)),
            "username" => json!(caller.username),
            "name" => json!(caller.name),
            "admin" => json!(caller.admin),
            "active" => json!(true),
            "human" => json!(!caller.bot),
            "webPath" => json!(format!("/{}", caller.username)),
            "webUrl" => json!(format!("{}/{}", self.world.gitlab_url, caller.username)),
            _ => return Resolved::Unknown,
        })
    }

    /// Instance-wide jobs: empty, not an error, for who may not list them.
    fn all_jobs(&mut self, arguments: &Arguments) -> Resolved {
        let statuses = statuses(arguments);
        let runner = match arguments.get("compatibleRunnerId") {
            None | Some(Value::Null) => None,
            Some(_) if statuses.as_slice() != [JobState::Pending] => {
                let words = "compatibleRunnerId can only be used when `statuses` is set to [PENDING]";
                return Resolved::Error(words.to_owned());
            }
            Some(id) => match self.runner_by(Some(id)) {
                Some(position) => Some(position),
                None => return self.jobs("CiJobInterface", &[], arguments),
            },
        };
        let allowed = self.caller.is_some_and(|caller| match runner {
            Some(runner) => caller.reads_builds_of(self.world, runner),
            None => caller.admin,
        });
        let ids = if allowed {
            self.ids(&statuses, arguments, |job| runner.is_none_or(|runner| self.world.may_take(runner, job.id)))
        } else {
            Vec::new()
        };
        self.jobs("CiJobInterface", &ids, arguments)
    }

    /// Ids of jobs the caller may read, newest first.
    pub(super) fn ids(&self, statuses: &[JobState], arguments: &Arguments, wanted: impl Fn(&Job) -> bool) -> Vec<u64> {
        let world = self.world;
        let fits = |job: &&Job| {
            (statuses.is_empty() && arguments.get("statuses").is_none_or(Value::is_null)
                || statuses.contains(&job.state))
                && wanted(job)
                && world.projects.get(job.project).is_some_and(|row| self.caller.is_some_and(|c| c.reads_builds(row)))
        };
        if statuses == [JobState::Pending] {
            let pending = world.pending.iter().rev().filter_map(|id| world.jobs.get(id));
            return pending.filter(fits).map(|job| job.id).collect();
        }
        world.jobs.values().rev().filter(fits).map(|job| job.id).collect()
    }

    fn jobs(&self, of: &'static str, ids: &[u64], arguments: &Arguments) -> Resolved {
        Resolved::One(Some(Node::List(List::page(of, ids, arguments, Node::Job))))
    }

    /// Jobs of one project or runner; a second parent in the same operation is an error.
    pub(super) fn jobs_of(
        &mut self,
        parent: &'static str,
        of: &'static str,
        ids: &[u64],
        arguments: &Arguments,
    ) -> Resolved {
        let asked = self.jobs_of.entry(parent).or_default();
        *asked += 1;
        if *asked > 1 {
            return Resolved::Error(format!("\"jobs\" field can be requested only for 1 {parent}(s) at a time."));
        }
        self.jobs(of, ids, arguments)
    }

    fn runner_by(&self, id: Option<&Value>) -> Option<usize> {
        let id = id?.as_str()?.strip_prefix("gid://gitlab/Ci::Runner/")?;
        let position = self.world.runners.iter().position(|runner| runner.id.to_string() == id)?;
        self.caller?.reads_runner(self.world, position).then_some(position)
    }

    pub(super) fn runners(&self, arguments: &Arguments, wanted: impl Fn(usize) -> bool) -> Resolved {
        let world = self.world;
        let text = |name: &str| arguments.get(name).and_then(Value::as_str);
        let tags: Vec<&str> = match arguments.get("tagList").and_then(Value::as_array) {
            Some(tags) => tags.iter().filter_map(Value::as_str).collect(),
            None => Vec::new(),
        };
        let mut ids: Vec<u64> = (0..world.runners.len())
            .filter(|position| wanted(*position))
            .filter_map(|position| Some((position, world.runners.get(position)?, world.tiers.get(position)?)))
            .filter(|(_, runner, tier)| {
                text("type").is_none_or(|kind| (kind == "INSTANCE_TYPE") == tier.owner.is_none())
                    && arguments.get("paused").and_then(Value::as_bool).is_none_or(|paused| paused == runner.paused)
                    && tags.iter().all(|tag| *tag == tier.tag.as_ref())
                    && text("status")
                        .is_none_or(|status| contact_status(runner.contacted(), world.now).eq_ignore_ascii_case(status))
            })
            .map(|(_, runner, _)| runner.id)
            .collect();
        ids.sort_unstable_by(|a, b| b.cmp(a));
        let place = |id: u64| world.runners.iter().position(|runner| runner.id == id).unwrap_or(usize::MAX);
        Resolved::One(Some(Node::List(List::page("CiRunner", &ids, arguments, |id| Node::Runner(place(id))))))
    }
}

pub(super) fn scalar(value: Value) -> Resolved {
    Resolved::Value(value)
}

/// The statuses asked for that this world knows; the others match nothing.
pub(super) fn statuses(arguments: &Arguments) -> Vec<JobState> {
    const KNOWN: [JobState; 5] =
        [JobState::Pending, JobState::Running, JobState::Success, JobState::Failed, JobState::Canceled];
    let asked = match arguments.get("statuses") {
        Some(Value::Array(many)) => many.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    asked
        .iter()
        .filter_map(Value::as_str)
        .filter_map(|status| KNOWN.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(status)))
        .collect()
}

//! The fields of jobs, pipelines, projects, groups, runners and their managers.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::list::List;
use super::node::{NOT_ALLOWED, Node, Resolved, scalar, statuses};
use super::{Arguments, Run};
use crate::demo::cluster::objects::sha_of;
use crate::demo::gitlab_api::shapes::instant;
use crate::demo::world::job::{JobState, contact_status};

impl Run<'_> {
    pub(super) fn job(&mut self, id: u64, name: &str) -> Resolved {
        let world = self.world;
        let Some(job) = world.jobs.get(&id) else { return Resolved::One(None) };
        let path = world.projects.get(job.project).map(|row| row.full_path(&world.groups)).unwrap_or_default();
        let taken = job.taken;
        scalar(match name {
            "id" => json!(format!("gid://gitlab/Ci::Build/{id}")),
            "name" => json!(job.name),
            "status" => json!(job.state.as_str().to_uppercase()),
            "active" => json!(!job.state.is_over()),
            "allowFailure" | "scheduled" => json!(false),
            "createdAt" => json!(instant(job.created())),
            "createdByTag" => json!(job.is_tag),
            "duration" => json!(job.ran_for(world.now).map(|ran| ran.as_secs())),
            "erasedAt" | "scheduledAt" => Value::Null,
            "exitCode" => json!((job.failure == Some("script_failure")).then_some(1)),
            "failureMessage" => json!(job.failure.map(|reason| reason.replace('_', " "))),
            "finishedAt" => json!(job.finished.map(instant)),
            "kind" => json!("BUILD"),
            "manualJob" | "retried" | "triggered" => json!(false),
            "queuedAt" => json!(instant(job.queued)),
            "queuedDuration" => json!(fraction(job.queued_for(world.now))),
            "refName" => json!(job.git_ref),
            "refPath" => json!(format!("refs/{}/{}", if job.is_tag { "tags" } else { "heads" }, job.git_ref)),
            "schedulingType" => json!("stage"),
            "shortSha" => json!(sha_of(job.pipeline).get(..8)),
            "source" => json!("push"),
            "startedAt" => json!(taken.map(|taken| instant(taken.at))),
            "stuck" => json!(job.state == JobState::Pending && !job.served),
            "tags" => json!(job.tags),
            "webPath" => json!(format!("/{path}/-/jobs/{id}")),
            "pipeline" => return Resolved::One(Some(Node::Pipeline(id))),
            "project" => return Resolved::One(Some(Node::Project(job.project))),
            "runner" => return Resolved::One(taken.map(|taken| Node::Runner(taken.runner))),
            "runnerManager" => return Resolved::One(taken.map(|taken| Node::Manager(taken.runner, taken.manager))),
            _ => return Resolved::Unknown,
        })
    }

    pub(super) fn pipeline(&mut self, job: u64, name: &str) -> Resolved {
        let world = self.world;
        let Some(job) = world.jobs.get(&job) else { return Resolved::One(None) };
        let path = world.projects.get(job.project).map(|row| row.full_path(&world.groups)).unwrap_or_default();
        scalar(match name {
            "id" => json!(format!("gid://gitlab/Ci::Pipeline/{}", job.pipeline)),
            "iid" => json!((job.pipeline % 1000).to_string()),
            "path" => json!(format!("/{path}/-/pipelines/{}", job.pipeline)),
            "ref" => json!(job.git_ref),
            "refPath" => json!(format!("refs/{}/{}", if job.is_tag { "tags" } else { "heads" }, job.git_ref)),
            "status" => json!("RUNNING"),
            "source" => json!("push"),
            "active" => json!(true),
            "complete" | "stuck" => json!(false),
            "createdAt" | "updatedAt" | "startedAt" => json!(instant(job.created())),
            "failureReason" | "finishedAt" | "name" => Value::Null,
            "queuedDuration" => json!(0.35),
            "project" => return Resolved::One(Some(Node::Project(job.project))),
            "user" => return Resolved::One(None),
            _ => return Resolved::Unknown,
        })
    }

    pub(super) fn project(&mut self, position: usize, name: &str, arguments: &Arguments) -> Resolved {
        let world = self.world;
        let Some(project) = world.projects.get(position) else { return Resolved::One(None) };
        let path = project.full_path(&world.groups);
        let group = world.groups.get(project.group).map_or("", |group| group.name);
        let builds = self.caller.is_some_and(|caller| caller.reads_builds(project));
        scalar(match name {
            "id" => json!(format!("gid://gitlab/Project/{}", project.id)),
            "fullPath" => json!(path),
            "name" => json!(project.name),
            "nameWithNamespace" => json!(format!("{group} / {}", project.name)),
            "path" => json!(project.path),
            "webPath" => json!(format!("/{path}")),
            "webUrl" => json!(format!("{}/{path}", world.gitlab_url)),
            "jobsEnabled" => json!(true),
            "lastActivityAt" => json!(instant(world.now)),
            "group" => return Resolved::One(Some(Node::Group(project.group))),
            "jobs" if builds => {
                let ids = self.ids(&statuses(arguments), arguments, |job| job.project == position);
                return self.jobs_of("Project", "CiJob", &ids, arguments);
            }
            "jobs" => Value::Null,
            "runners" if self.caller.is_some_and(|caller| caller.reads_runners_of(project.group)) => {
                let group = project.group;
                return self.runners(arguments, |at| {
                    world.tiers.get(at).is_some_and(|tier| tier.owner.is_none_or(|owner| owner == group))
                });
            }
            "runners" => return Resolved::Error(NOT_ALLOWED.to_owned()),
            _ => return Resolved::Unknown,
        })
    }

    pub(super) fn group(&mut self, position: usize, name: &str, arguments: &Arguments) -> Resolved {
        let world = self.world;
        let Some(group) = world.groups.get(position) else { return Resolved::One(None) };
        scalar(match name {
            "id" => json!(format!("gid://gitlab/Group/{}", group.id)),
            "fullPath" | "path" => json!(group.path),
            "name" | "fullName" => json!(group.name),
            "webUrl" => json!(format!("{}/groups/{}", world.gitlab_url, group.path)),
            "projects" => {
                let mut rows: Vec<(u64, usize)> = world
                    .projects
                    .iter()
                    .enumerate()
                    .filter(|(_, project)| project.group == position)
                    .map(|(at, project)| (project.id, at))
                    .collect();
                rows.sort_unstable_by(|a, b| b.cmp(a));
                let ids: Vec<u64> = rows.iter().map(|(id, _)| *id).collect();
                let at = |id| rows.iter().find(|(row, _)| *row == id).map_or(usize::MAX, |(_, at)| *at);
                return Resolved::One(Some(Node::List(List::page("Project", &ids, arguments, |id| {
                    Node::Project(at(id))
                }))));
            }
            "runners" if self.caller.is_some_and(|caller| caller.reads_runners_of(position)) => {
                let all = arguments.get("membership").and_then(Value::as_str) == Some("ALL_AVAILABLE");
                return self.runners(arguments, |at| {
                    world.tiers.get(at).is_some_and(|tier| tier.owner.map_or(all, |owner| owner == position))
                });
            }
            "runners" => return Resolved::Error(NOT_ALLOWED.to_owned()),
            _ => return Resolved::Unknown,
        })
    }

    pub(super) fn runner(&mut self, position: usize, name: &str, arguments: &Arguments) -> Resolved {
        let world = self.world;
        let (Some(runner), Some(tier)) = (world.runners.get(position), world.tiers.get(position)) else {
            return Resolved::One(None);
        };
        let reads_expiry = self.caller.is_some_and(|caller| caller.reads_expiry_of(world, position));
        scalar(match name {
            "id" => json!(format!("gid://gitlab/Ci::Runner/{}", runner.id)),
            "description" => json!(format!("{}-runner", tier.name)),
            "shortSha" => json!(runner.short_sha()),
            "runnerType" => json!(if tier.owner.is_none() { "INSTANCE_TYPE" } else { "GROUP_TYPE" }),
            "status" => json!(contact_status(runner.contacted(), world.now).to_uppercase()),
            "paused" => json!(runner.paused),
            "active" => json!(!runner.paused),
            "locked" => json!(true),
            "accessLevel" => json!(if tier.protected { "REF_PROTECTED" } else { "NOT_PROTECTED" }),
            "runUntagged" => json!(tier.run_untagged),
            "tagList" => json!([tier.tag]),
            "contactedAt" => json!(runner.contacted().map(instant)),
            "createdAt" => json!(instant(runner.created)),
            "creationMethod" => json!("AUTHENTICATED_USER"),
            "creationState" => json!("FINISHED"),
            "jobCount" => {
                json!(world.jobs.values().filter(|j| j.taken.is_some_and(|t| t.runner == position)).count().min(1001))
            }
            "jobExecutionStatus" => {
                json!(if runner.managers.iter().any(|manager| manager.running > 0) { "ACTIVE" } else { "IDLE" })
            }
            "tokenExpiresAt" => json!(runner.token_expires.filter(|_| reads_expiry).map(instant)),
            "maintenanceNote" | "maximumTimeout" | "projectCount" | "tokenRotationDeadline" | "upgradeStatus" => {
                Value::Null
            }
            "createdBy" | "ownerProject" => return Resolved::One(None),
            "groups" => {
                let Some(owner) = tier.owner else { return Resolved::One(None) };
                let id = world.groups.get(owner).map_or(0, |group| group.id);
                return Resolved::One(Some(Node::List(List::page("GroupInterface", &[id], arguments, |_| {
                    Node::Group(owner)
                }))));
            }
            "managers" => {
                let status = arguments.get("status").and_then(Value::as_str);
                let mut ids: Vec<u64> = runner
                    .managers
                    .iter()
                    .filter(|row| {
                        status.is_none_or(|s| contact_status(Some(row.contacted), world.now).eq_ignore_ascii_case(s))
                    })
                    .map(|row| row.id)
                    .collect();
                ids.reverse();
                let at = |id| runner.managers.iter().position(|row| row.id == id).unwrap_or(usize::MAX);
                return Resolved::One(Some(Node::List(List::page("CiRunnerManager", &ids, arguments, |id| {
                    Node::Manager(position, at(id))
                }))));
            }
            "jobs" => {
                if !self.caller.is_some_and(|caller| caller.reads_builds_of(world, position)) {
                    return Resolved::One(None);
                }
                let ids = self.ids(&statuses(arguments), arguments, |j| j.taken.is_some_and(|t| t.runner == position));
                return self.jobs_of("CiRunner", "CiJobInterface", &ids, arguments);
            }
            _ => return Resolved::Unknown,
        })
    }

    pub(super) fn manager(&self, runner: usize, position: usize, name: &str) -> Resolved {
        let world = self.world;
        let Some(row) = world.runners.get(runner).and_then(|runner| runner.managers.get(position)) else {
            return Resolved::One(None);
        };
        scalar(match name {
            "id" => json!(format!("gid://gitlab/Ci::RunnerManager/{}", row.id)),
            "systemId" => json!(row.system_id),
            "status" => json!(contact_status(Some(row.contacted), world.now).to_uppercase()),
            "contactedAt" => json!(instant(row.contacted)),
            "createdAt" => json!(instant(world.began)),
            "version" => json!("19.2.0"),
            "revision" => json!("0badcafe"),
            "platformName" => json!("linux"),
            "architectureName" => json!("amd64"),
            "executorName" => json!("kubernetes"),
            "ipAddress" => json!("10.20.30.40"),
            "jobExecutionStatus" => json!(if row.running > 0 { "ACTIVE" } else { "IDLE" }),
            "upgradeStatus" => Value::Null,
            "runner" => return Resolved::One(Some(Node::Runner(runner))),
            _ => return Resolved::Unknown,
        })
    }
}

fn fraction(duration: SignedDuration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}

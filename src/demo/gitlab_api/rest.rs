//! The REST endpoints that tierwatch and GitLab's Go client read.

use axum::http::StatusCode;
use serde_json::Value;

use super::access::Caller;
use super::answer::Answer;
use super::paging::{Params, keyset, offset};
use super::shapes;
use crate::demo::world::World;
use crate::demo::world::job::Job;
use crate::demo::world::land::{PROTECTED_BRANCHES, PROTECTED_TAGS, Project};

const JOB_SCOPES: [&str; 13] = [
    "created",
    "waiting_for_resource",
    "preparing",
    "waiting_for_callback",
    "pending",
    "running",
    "success",
    "failed",
    "canceling",
    "canceled",
    "skipped",
    "manual",
    "scheduled",
];

/// Answers `GET /api/v4/…`; `path` holds the decoded segments after `v4`.
pub(super) fn answer(world: &World, caller: Option<&Caller>, path: &[&str], params: &Params) -> Result<Answer, Answer> {
    let Some(caller) = caller else {
        // Without a token GitLab shows the public projects, of which there are none.
        return if path == ["projects"] {
            offset(params, &[] as &[u64], true, |_| Value::Null)
        } else {
            Err(Answer::unauthorized())
        };
    };
    let asked = Asked { world, caller, params };
    match path {
        ["personal_access_tokens", "self"] => return Ok(Answer::ok(shapes::own_token(world, caller))),
        ["user"] => return Ok(Answer::ok(shapes::current_user(world, caller))),
        ["version" | "metadata"] => return Ok(Answer::ok(shapes::metadata(&world.gitlab_url))),
        _ if !caller.may_read(path) => return Err(Answer::insufficient_scope("api read_api")),
        _ => {}
    }
    match path {
        ["projects"] => asked.projects(None),
        ["projects", project, "jobs"] => asked.jobs(project),
        ["projects", project, "jobs", job] => asked.job(project, job),
        ["projects", project, "jobs", job, "trace"] => asked.trace(project, job),
        ["projects", project, "hooks"] => asked.project_hooks(project),
        ["projects", project, "protected_branches"] => asked.protected_branches(project),
        ["projects", project, "protected_tags"] => asked.protected_tags(project),
        ["projects", project] => asked.project(project).map(|row| Answer::ok(shapes::project(world, row, false))),
        ["groups", group, "projects"] => asked.group(group).and_then(|group| asked.projects(Some(group))),
        ["groups", group, "hooks"] => asked.group_hooks(group),
        ["groups", group, "runners"] => asked.group_runners(group),
        ["runners"] => asked.runners(|position| {
            world.tiers.get(position).and_then(|tier| tier.owner).is_some_and(|group| caller.owns(group))
        }),
        ["runners", "all"] if caller.reads_all() => asked.runners(|_| true),
        ["runners", "all"] => Err(Answer::forbidden()),
        ["runners", runner] => asked.runner(runner).map(|position| {
            let with_projects = params.get("include_projects") != Some("false");
            let row = world.runners.get(position);
            Answer::ok(row.map_or(Value::Null, |row| shapes::runner_details(world, position, row, with_projects)))
        }),
        ["runners", runner, "managers"] => asked.runner(runner).map(|position| {
            let rows = world.runners.get(position).map(|row| row.managers.as_slice()).unwrap_or_default();
            Answer::ok(rows.iter().rev().map(|manager| shapes::manager(world, manager)).collect())
        }),
        ["runners", runner, "jobs"] => asked.runner_jobs(runner),
        _ => Err(Answer::error(StatusCode::NOT_FOUND, "404 Not Found")),
    }
}

struct Asked<'a> {
    world: &'a World,
    caller: &'a Caller,
    params: &'a Params,
}

impl<'a> Asked<'a> {
    /// A project by id or full path; what the caller may not see does not exist for it.
    fn project(&self, id: &str) -> Result<&'a Project, Answer> {
        self.world
            .projects
            .iter()
            .find(|project| project.id.to_string() == id || project.full_path(&self.world.groups) == id)
            .filter(|project| self.caller.sees_project(project))
            .ok_or_else(|| Answer::not_found("Project "))
    }

    fn group(&self, id: &str) -> Result<usize, Answer> {
        let position = self.world.groups.iter().position(|group| group.id.to_string() == id || group.path == id);
        position.filter(|group| self.caller.sees_group(*group)).ok_or_else(|| Answer::not_found("Group "))
    }

    fn runner(&self, id: &str) -> Result<usize, Answer> {
        let position = self.world.runners.iter().position(|runner| runner.id.to_string() == id);
        let position = position.ok_or_else(|| Answer::not_found("Runner "))?;
        if self.caller.reads_runner(self.world, position) {
            Ok(position)
        } else {
            Err(Answer::message(StatusCode::FORBIDDEN, "403 Forbidden - No access granted"))
        }
    }

    fn projects(&self, group: Option<usize>) -> Result<Answer, Answer> {
        let simple = self.params.get("simple") == Some("true");
        let archived_only = self.params.get("archived") == Some("true");
        let mut rows: Vec<&Project> = self
            .world
            .projects
            .iter()
            .filter(|project| !archived_only && self.caller.sees_project(project))
            .filter(|project| group.is_none_or(|group| project.group == group))
            .filter(|project| self.params.get("search").is_none_or(|text| project.name.contains(text)))
            .collect();
        rows.sort_by_key(|project| std::cmp::Reverse(project.id));
        let shape = |project: &&Project| shapes::project(self.world, project, simple);
        if self.params.get("pagination") == Some("keyset") && group.is_none() {
            return keyset(self.params, &rows, |project| project.id, shape);
        }
        offset(self.params, &rows, true, shape)
    }

    /// Jobs newest first, of the scopes asked for.
    fn jobs(&self, project: &str) -> Result<Answer, Answer> {
        let project = self.project(project)?;
        if !self.caller.reads_builds(project) {
            return Err(Answer::forbidden());
        }
        let scopes = self.params.all("scope");
        if scopes.iter().any(|scope| !JOB_SCOPES.contains(scope)) {
            return Err(Answer::error(StatusCode::BAD_REQUEST, "scope does not have a valid value"));
        }
        let rows = self.rows(|job| {
            self.world.projects.get(job.project).is_some_and(|row| row.id == project.id)
                && (scopes.is_empty() || scopes.contains(&job.state.as_str()))
                && self.params.get("ref").is_none_or(|wanted| wanted == job.git_ref.as_ref())
        });
        self.page_of_jobs(&rows, shapes::job)
    }

    fn rows(&self, wanted: impl Fn(&Job) -> bool) -> Vec<&'a Job> {
        self.world.jobs.values().rev().filter(|job| wanted(job)).collect()
    }

    fn page_of_jobs(&self, rows: &[&Job], shape: impl Fn(&World, &Job) -> Value) -> Result<Answer, Answer> {
        if self.params.get("pagination") == Some("keyset") {
            keyset(self.params, rows, |job| job.id, |job| shape(self.world, job))
        } else {
            offset(self.params, rows, false, |job| shape(self.world, job))
        }
    }

    fn job(&self, project: &str, job: &str) -> Result<Answer, Answer> {
        self.found_job(project, job).map(|row| Answer::ok(shapes::job(self.world, row)))
    }

    /// The whole log: GitLab has no answer to a `Range`.
    fn trace(&self, project: &str, job: &str) -> Result<Answer, Answer> {
        let row = self.found_job(project, job)?;
        let log = shapes::log(self.world, row);
        Ok(Answer::text(StatusCode::OK, "text/plain", log)
            .with("content-disposition", format!("infile; filename=\"{}.log\"", row.id)))
    }

    fn found_job(&self, project: &str, job: &str) -> Result<&'a Job, Answer> {
        let project = self.project(project)?;
        if !self.caller.reads_builds(project) {
            return Err(Answer::forbidden());
        }
        let row = job.parse().ok().and_then(|id: u64| self.world.jobs.get(&id));
        row.filter(|row| self.world.projects.get(row.project).is_some_and(|own| own.id == project.id))
            .ok_or_else(|| Answer::message(StatusCode::NOT_FOUND, "404 Not found"))
    }

    fn project_hooks(&self, project: &str) -> Result<Answer, Answer> {
        let project = self.project(project)?;
        if !self.caller.maintains(project.group) {
            return Err(Answer::forbidden());
        }
        Ok(self.hooks(&project.full_path(&self.world.groups), "project_id", project.id))
    }

    fn group_hooks(&self, group: &str) -> Result<Answer, Answer> {
        let group = self.group(group)?;
        let row = self.world.groups.get(group).filter(|_| self.caller.owns(group)).ok_or_else(Answer::forbidden)?;
        Ok(self.hooks(row.path, "group_id", row.id))
    }

    fn hooks(&self, owner: &str, key: &str, id: u64) -> Answer {
        Answer::ok(self.world.hooks_at.get(owner).iter().map(|url| shapes::hook(self.world, url, key, id)).collect())
    }

    fn protected_branches(&self, project: &str) -> Result<Answer, Answer> {
        let project = self.project(project)?;
        if !self.caller.reads_builds(project) {
            return Err(Answer::forbidden());
        }
        let rows: Vec<_> = PROTECTED_BRANCHES.iter().enumerate().collect();
        offset(self.params, &rows, true, |(id, name)| shapes::protected_branch(*id, name))
    }

    fn protected_tags(&self, project: &str) -> Result<Answer, Answer> {
        let project = self.project(project)?;
        if !self.caller.maintains(project.group) {
            return Err(Answer::forbidden());
        }
        let rows: Vec<_> = PROTECTED_TAGS.iter().enumerate().collect();
        offset(self.params, &rows, true, |(id, name)| shapes::protected_tag(*id, name))
    }

    /// A group's runners, its ancestors' and the instance's.
    fn group_runners(&self, group: &str) -> Result<Answer, Answer> {
        let group = self.group(group)?;
        if !self.caller.reads_runners_of(group) {
            return Err(Answer::forbidden());
        }
        self.runners(|position| {
            self.world.tiers.get(position).is_some_and(|tier| tier.owner.is_none_or(|owner| owner == group))
        })
    }

    fn runners(&self, wanted: impl Fn(usize) -> bool) -> Result<Answer, Answer> {
        let tags = self.params.all("tag_list");
        let mut rows: Vec<(usize, Value)> = self
            .world
            .runners
            .iter()
            .enumerate()
            .filter(|(position, _)| wanted(*position))
            .filter(|(position, _)| {
                self.world.tiers.get(*position).is_some_and(|tier| tags.iter().all(|tag| *tag == tier.tag.as_ref()))
            })
            .map(|(position, runner)| (position, shapes::runner(self.world, position, runner)))
            .collect();
        for (parameter, key) in [("type", "runner_type"), ("status", "status")] {
            if let Some(value) = self.params.get(parameter) {
                rows.retain(|(_, row)| row[key] == value || (value == "offline" && row[key] == "stale"));
            }
        }
        if let Some(paused) = self.params.get("paused") {
            rows.retain(|(_, row)| row["paused"] == (paused == "true"));
        }
        rows.reverse();
        offset(self.params, &rows, true, |(_, row)| row.clone())
    }

    fn runner_jobs(&self, runner: &str) -> Result<Answer, Answer> {
        let position = self.runner(runner)?;
        if !self.caller.reads_builds_of(self.world, position) {
            return Err(Answer::forbidden());
        }
        let status = self.params.get("status");
        let system = self.params.get("system_id");
        let rows = self.rows(|job| {
            job.taken.is_some_and(|taken| {
                taken.runner == position
                    && system.is_none_or(|id| {
                        let manager = self.world.runners.get(position).and_then(|row| row.managers.get(taken.manager));
                        manager.is_some_and(|manager| manager.system_id == id)
                    })
            }) && status.is_none_or(|status| status == job.state.as_str())
                && self.world.projects.get(job.project).is_some_and(|project| self.caller.reads_builds(project))
        });
        self.page_of_jobs(&rows, shapes::runner_job)
    }
}

//! Rows as GitLab 19.3's REST API shows them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::access::Caller;
use crate::demo::cluster::objects::sha_of;
use crate::demo::world::World;
use crate::demo::world::job::{Job, JobState, Manager, Runner, contact_status};
use crate::demo::world::land::{Group, Project};

/// GitLab's instants: UTC with milliseconds.
pub(super) fn instant(at: Timestamp) -> String {
    jiff::fmt::strtime::format("%Y-%m-%dT%H:%M:%S.%3fZ", at).unwrap_or_else(|_| at.to_string())
}

pub(super) fn seconds(duration: jiff::SignedDuration) -> f64 {
    // Whole milliseconds, so that no noise of the division shows.
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}

pub(super) fn user_basic(url: &str) -> Value {
    json!({ "id": 77, "username": "noor", "public_email": null, "name": "Noor Example", "state": "active", "locked": false,
        "avatar_url": null, "web_url": format!("{url}/noor") })
}

fn job_user(url: &str, created: Timestamp) -> Value {
    let mut user = user_basic(url);
    for key in [
        "location",
        "linkedin",
        "twitter",
        "discord",
        "website_url",
        "github",
        "job_title",
        "pronouns",
        "organization",
        "work_information",
        "local_time",
    ] {
        user[key] = Value::Null;
    }
    user["bio"] = "".into();
    user["bot"] = false.into();
    user["created_at"] = instant(created).into();
    user
}

pub(super) fn current_user(world: &World, caller: &Caller) -> Value {
    let mut user = job_user(&world.gitlab_url, world.began);
    let email = format!("{}@noreply.harbour.example", caller.username);
    let own = json!({ "id": caller.user, "username": caller.username, "name": caller.name, "bot": caller.bot,
        "web_url": format!("{}/{}", world.gitlab_url, caller.username), "last_sign_in_at": null,
        "confirmed_at": instant(world.began), "last_activity_on": null, "email": email, "theme_id": null,
        "color_scheme_id": 1, "projects_limit": 0, "current_sign_in_at": null, "identities": [],
        "can_create_group": false, "can_create_project": false, "two_factor_enabled": false, "external": false,
        "private_profile": false, "commit_email": email });
    merge(&mut user, own);
    if caller.admin {
        merge(&mut user, json!({ "is_admin": true, "note": null, "namespace_id": 1 }));
    }
    user
}

/// Adds the keys of one object to another.
fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

/// What job rows of both kinds have in common.
fn job_basic(world: &World, job: &Job) -> Value {
    let url = &world.gitlab_url;
    let project = world.projects.get(job.project);
    let path = project.map(|project| project.full_path(&world.groups)).unwrap_or_default();
    let created = instant(job.created());
    let sha = sha_of(job.pipeline);
    let mut row = json!({
        "id": job.id, "status": job.state.as_str(), "stage": job.stage, "name": job.name, "ref": job.git_ref,
        "tag": job.is_tag, "coverage": null, "allow_failure": false, "created_at": created,
        "started_at": job.taken.map(|taken| instant(taken.at)),
        "finished_at": job.finished.map(instant),
        "erased_at": null,
        "duration": job.ran_for(world.now).map(seconds),
        "queued_duration": seconds(job.queued_for(world.now)),
        "user": job_user(url, world.began),
        "commit": { "id": sha, "short_id": sha.get(..8), "created_at": created, "parent_ids": [sha_of(job.pipeline - 1)],
            "title": "Tune cache", "message": "Tune cache\n", "author_name": "Noor Example",
            "author_email": "noor@harbour.example", "authored_date": created, "committer_name": "Noor Example",
            "committer_email": "noor@harbour.example", "committed_date": created, "trailers": {},
            "extended_trailers": {}, "web_url": format!("{url}/{path}/-/commit/{sha}") },
        "pipeline": { "id": job.pipeline, "iid": job.pipeline % 1000, "project_id": project.map_or(0, |project| project.id),
            "sha": sha, "ref": job.git_ref, "status": "running", "source": "push", "created_at": created,
            "updated_at": created, "web_url": format!("{url}/{path}/-/pipelines/{}", job.pipeline) },
        "web_url": format!("{url}/{path}/-/jobs/{}", job.id),
    });
    if job.state == JobState::Failed {
        row["failure_reason"] = job.failure.unwrap_or("unknown_failure").into();
    }
    row
}

/// A job of a project.
pub(super) fn job(world: &World, job: &Job) -> Value {
    let mut row = job_basic(world, job);
    let taken = job.taken;
    let runner = taken.and_then(|taken| world.runners.get(taken.runner).map(|runner| (taken, runner)));
    merge(
        &mut row,
        json!({
            "project": { "ci_job_token_scope_enabled": false },
            "artifacts": if job.state.is_over() && taken.is_some() {
                json!([{ "file_type": "trace", "size": 2048, "filename": "job.log", "file_format": null }])
            } else { json!([]) },
            "runner": runner.map(|(taken, row)| self::runner(world, taken.runner, row)),
            "runner_manager": runner.and_then(|(taken, row)| row.managers.get(taken.manager)).map(|row| manager(world, row)),
            "artifacts_expire_at": null, "archived": false, "tag_list": job.tags,
        }),
    );
    row
}

/// A job of a runner.
/// A job's log, as GitLab Runner 19.x writes it with its time stamps.
pub(super) fn log(world: &World, job: &Job) -> String {
    let Some(taken) = job.taken else { return String::new() };
    let began = instant(taken.at);
    let namespace = world.tiers.get(taken.runner).map_or("", |tier| tier.namespace.as_ref());
    let mut log = format!(
        "{began} 00O \u{1b}[0KRunning with gitlab-runner 19.2.0 (demo)\u{1b}[0;m\n\
         {began} 00O section_start:{second}:prepare_executor\r\u{1b}[0K\u{1b}[0K\u{1b}[36;1mPreparing the \"kubernetes\" executor\u{1b}[0;m\u{1b}[0;m\n\
         {began} 00O \u{1b}[0KUsing Kubernetes namespace: {namespace}\u{1b}[0;m\n",
        second = taken.at.as_second(),
    );
    if let (Some(finished), Some(given_up)) = (job.finished, &job.given_up) {
        let ended = instant(finished);
        log.push_str(&format!(
            "{ended} 00O \u{1b}[31;1mERROR: Job failed (system failure): {given_up}. Check https://docs.gitlab.com/runner/shells/\
             #shell-profile-loading for more information\u{1b}[0;m\n"
        ));
    }
    log
}

pub(super) fn runner_job(world: &World, job: &Job) -> Value {
    let mut row = job_basic(world, job);
    row["project"] = world.projects.get(job.project).map_or(Value::Null, |project| identity(world, project));
    row
}

/// A runner in a list or in a job. Its `status` hides online and offline behind `paused`.
pub(super) fn runner(world: &World, position: usize, runner: &Runner) -> Value {
    let Some(tier) = world.tiers.get(position) else { return Value::Null };
    let contact = contact_status(runner.contacted(), world.now);
    let busy = runner.managers.iter().any(|manager| manager.running > 0);
    json!({
        "id": runner.id, "description": format!("{}-runner", tier.name), "ip_address": null,
        "active": !runner.paused, "paused": runner.paused, "is_shared": tier.owner.is_none(),
        "runner_type": if tier.owner.is_none() { "instance_type" } else { "group_type" },
        "name": "gitlab-runner", "online": contact == "online", "created_at": instant(runner.created),
        "status": if runner.paused && contact != "stale" { "paused" } else { contact },
        "job_execution_status": if busy { "active" } else { "idle" },
        "created_by": user_basic(&world.gitlab_url),
    })
}

/// A single runner.
pub(super) fn runner_details(world: &World, position: usize, runner: &Runner, with_projects: bool) -> Value {
    let Some(tier) = world.tiers.get(position) else { return Value::Null };
    let mut row = self::runner(world, position, runner);
    let group = tier.owner.and_then(|owner| world.groups.get(owner));
    merge(
        &mut row,
        json!({
            "tag_list": [tier.tag], "run_untagged": tier.run_untagged, "locked": true, "maximum_timeout": null,
            "access_level": if tier.protected { "ref_protected" } else { "not_protected" },
            "version": "19.2.0", "revision": "0badcafe", "platform": "linux", "architecture": "amd64",
            "contacted_at": runner.contacted().map(instant), "maintenance_note": null,
            "groups": group.map(|group| json!({ "id": group.id, "web_url": format!("{}/groups/{}", world.gitlab_url, group.path),
                "name": group.name })).into_iter().collect::<Vec<_>>(),
        }),
    );
    if with_projects {
        row["projects"] = json!([]);
    }
    row
}

/// One process of a runner.
pub(super) fn manager(world: &World, manager: &Manager) -> Value {
    json!({
        "id": manager.id, "system_id": manager.system_id, "version": "19.2.0", "revision": "0badcafe",
        "platform": "linux", "architecture": "amd64", "created_at": instant(world.began),
        "contacted_at": instant(manager.contacted), "ip_address": "10.20.30.40",
        "status": contact_status(Some(manager.contacted), world.now),
        "job_execution_status": if manager.running > 0 { "active" } else { "idle" },
    })
}

fn identity(world: &World, project: &Project) -> Value {
    let group = world.groups.get(project.group).map_or("", |group| group.name);
    json!({ "id": project.id, "description": null, "name": project.name, "name_with_namespace": format!("{group} / {}", project.name),
        "path": project.path, "path_with_namespace": project.full_path(&world.groups),
        "created_at": instant(world.began - jiff::SignedDuration::from_hours(24 * 400)) })
}

/// A project row, short or full.
pub(super) fn project(world: &World, project: &Project, simple: bool) -> Value {
    let (url, path) = (&world.gitlab_url, project.full_path(&world.groups));
    let mut row = identity(world, project);
    merge(
        &mut row,
        json!({
            "default_branch": "main", "tag_list": [], "topics": [], "ssh_url_to_repo": format!("git@gitlab.harbour.example:{path}.git"),
            "http_url_to_repo": format!("{url}/{path}.git"), "web_url": format!("{url}/{path}"), "readme_url": null,
            "forks_count": 0, "avatar_url": null, "star_count": 2,
            "last_activity_at": instant(last_activity(world, project)), "visibility": "private",
            "namespace": world.groups.get(project.group).map(|group| namespace(url, group)),
        }),
    );
    if !simple {
        merge(
            &mut row,
            json!({ "archived": false, "empty_repo": false, "jobs_enabled": true, "builds_access_level": "enabled",
            "shared_runners_enabled": true, "group_runners_enabled": true,
            "_links": { "self": format!("{url}/api/v4/projects/{}", project.id) } }),
        );
    }
    row
}

/// GitLab moves it at most once an hour per project; pushes are often enough that the hour's begin will do.
fn last_activity(world: &World, project: &Project) -> Timestamp {
    let newest = world
        .jobs
        .values()
        .rev()
        .take(500)
        .find(|job| world.projects.get(job.project).is_some_and(|row| row.id == project.id));
    newest.map_or(world.began, Job::created)
}

fn namespace(url: &str, group: &Group) -> Value {
    json!({ "id": group.id, "name": group.name, "path": group.path, "kind": "group", "full_path": group.path,
        "parent_id": null, "avatar_url": null, "web_url": format!("{url}/groups/{}", group.path) })
}

pub(super) fn protected_branch(id: usize, name: &str) -> Value {
    let level = json!([{ "id": id + 500, "access_level": 40, "access_level_description": "Maintainers" }]);
    json!({ "id": id + 400, "name": name, "push_access_levels": level, "merge_access_levels": level, "allow_force_push": false })
}

pub(super) fn protected_tag(id: usize, name: &str) -> Value {
    json!({ "name": name, "create_access_levels": [{ "id": id + 600, "access_level": 40, "access_level_description": "Maintainers" }] })
}

pub(super) fn own_token(world: &World, caller: &Caller) -> Value {
    json!({ "id": 4410, "name": "tierwatch", "active": true, "revoked": false, "expired": false, "granular": false,
        "created_at": instant(world.began), "description": null, "scopes": [caller.scope], "user_id": caller.user,
        "last_used_at": instant(world.now), "expires_at": instant(world.api_token_ends).get(..10), "last_used_ips": ["127.0.0.1"] })
}

/// A webhook of a group or project, as `docs.gitlab.com/api/project_webhooks` shows it, with job events alone.
pub(super) fn hook(world: &World, url: &str, owner: &str, id: u64) -> Value {
    json!({ "id": id, "url": url, "name": "tierwatch", "description": null, owner: id,
        "push_events": false, "push_events_branch_filter": "", "branch_filter_strategy": "wildcard", "issues_events": false,
        "confidential_issues_events": false, "merge_requests_events": false, "tag_push_events": false, "note_events": false,
        "confidential_note_events": false, "job_events": true, "pipeline_events": false, "wiki_page_events": false,
        "deployment_events": false, "releases_events": false, "feature_flag_events": false, "milestone_events": false,
        "emoji_events": false, "repository_update_events": false, "resource_access_token_events": false,
        "enable_ssl_verification": true, "custom_webhook_template": null, "custom_headers": [], "url_variables": [],
        "alert_status": "executable", "disabled_until": null, "created_at": instant(world.began) })
}

pub(super) fn metadata(url: &str) -> Value {
    json!({ "version": "19.3.0-ee", "revision": "5a7bb5c5", "enterprise": true,
        "kas": { "enabled": true, "externalUrl": format!("{url}/-/kubernetes-agent/"), "version": "19.3.0",
            "externalK8sProxyUrl": format!("{url}/-/kubernetes-agent/k8s-proxy/") } })
}

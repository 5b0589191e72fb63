//! A job hook as GitLab 19.3 sends it: whole seconds, the runner's tags but never the job's.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::shapes::seconds;
use crate::demo::cluster::objects::sha_of;
use crate::demo::world::World;
use crate::demo::world::job::{Job, JobState};

/// The body of the hook that the job's last change sets off.
pub(in crate::demo) fn body(world: &World, job: &Job) -> Value {
    let url = &world.gitlab_url;
    let project = world.projects.get(job.project);
    let path = project.map(|project| project.full_path(&world.groups)).unwrap_or_default();
    let (id, name) = project.map_or((0, ""), |project| (project.id, project.name.as_str()));
    let group = project.and_then(|project| world.groups.get(project.group)).map_or("", |group| group.name);
    let (state, sha) = (job.state.as_str(), sha_of(job.pipeline));
    let started = job.taken.map(|taken| taken.at);
    let ssh = format!("git@gitlab.harbour.example:{path}.git");
    let web = format!("{url}/{path}");
    let reason = job.failure.filter(|_| job.state == JobState::Failed).unwrap_or("unknown_failure");
    json!({
        "object_kind": "build", "ref": job.git_ref, "tag": job.is_tag, "before_sha": sha_of(job.pipeline - 1), "sha": sha,
        "retries_count": 0, "build_id": job.id, "build_name": job.name, "build_stage": job.stage, "build_status": state,
        "build_created_at": utc(job.created()), "build_started_at": started.map(utc),
        "build_finished_at": job.finished.map(utc), "build_created_at_iso": iso(job.created()),
        "build_started_at_iso": started.map(iso), "build_finished_at_iso": job.finished.map(iso),
        "build_duration": job.ran_for(world.now).map(seconds),
        "build_queued_duration": seconds(job.queued_for(world.now)),
        "build_allow_failure": false, "build_failure_reason": reason, "pipeline_id": job.pipeline,
        "runner": job.taken.and_then(|taken| runner(world, taken.runner)),
        "project_id": id, "project_name": format!("{group} / {name}"),
        "user": { "id": 77, "name": "Noor Example", "username": "noor", "avatar_url": null, "email": "[REDACTED]" },
        "commit": { "id": job.pipeline, "name": null, "sha": sha, "message": "Tune cache\n", "author_name": "Noor Example",
            "author_email": "noor@harbour.example", "author_url": format!("{url}/noor"), "status": state,
            "duration": null, "started_at": null, "finished_at": null, "started_at_iso": null, "finished_at_iso": null },
        "repository": { "name": name, "url": ssh, "description": null, "homepage": web,
            "git_http_url": format!("{web}.git"), "git_ssh_url": ssh, "visibility_level": 0 },
        "project": { "id": id, "name": name, "description": null, "web_url": web, "avatar_url": null, "git_ssh_url": ssh,
            "git_http_url": format!("{web}.git"), "namespace": group, "visibility_level": 0, "path_with_namespace": path,
            "default_branch": "main", "ci_config_path": null },
        "environment": null,
    })
}

fn runner(world: &World, position: usize) -> Option<Value> {
    let (runner, tier) = (world.runners.get(position)?, world.tiers.get(position)?);
    let kind = if tier.owner.is_some() { "group_type" } else { "instance_type" };
    Some(json!({ "id": runner.id, "description": format!("{}-runner", tier.name), "runner_type": kind,
        "active": !runner.paused, "is_shared": tier.owner.is_none(), "tags": [tier.tag] }))
}

/// As in `2031-03-04 05:01:10 UTC`.
fn utc(at: Timestamp) -> String {
    jiff::fmt::strtime::format("%Y-%m-%d %H:%M:%S UTC", at).unwrap_or_else(|_| at.to_string())
}

fn iso(at: Timestamp) -> String {
    jiff::fmt::strtime::format("%Y-%m-%dT%H:%M:%SZ", at).unwrap_or_else(|_| at.to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::demo::scenario;

    fn keys(value: &Value, below: &str, all: &mut BTreeSet<String>) {
        for (key, value) in value.as_object().into_iter().flatten() {
            all.insert(format!("{below}{key}"));
            keys(value, &format!("{below}{key}."), all);
        }
    }

    #[test]
    fn a_hook_has_the_keys_that_gitlab_sends() {
        let began = "2031-03-04T05:00:00Z".parse().unwrap();
        let mut world = World::new(scenario::find("quiet-day").unwrap(), 1, began);
        world.listen();
        world.advance_to(began + jiff::SignedDuration::from_mins(5));
        let news = world.take_news();
        let mut seen: Vec<&str> = news.iter().map(|job| job.state.as_str()).collect();
        seen.sort_unstable();
        seen.dedup();
        assert!(seen.contains(&"pending") && seen.contains(&"running") && seen.contains(&"success"), "{seen:?}");

        let sample = serde_json::from_str(include_str!("../../../tests/fixtures/gitlab/JobHook.json")).unwrap();
        let (mut expected, mut found) = (BTreeSet::new(), BTreeSet::new());
        keys(&sample, "", &mut expected);
        let pending = news.iter().find(|job| job.state == JobState::Pending).unwrap();
        keys(&body(&world, pending), "", &mut found);
        assert_eq!(found, expected);
    }
}

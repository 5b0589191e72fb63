//! The tiers against the runners, pods, nodes and boundaries that are really there.

use std::sync::Arc;

use jiff::Timestamp;

use super::line::{Line, Probe};
use super::round::Heard;
use crate::config::Kubernetes;
use crate::model::assess::human_duration;
use crate::model::assessment::TierAssessment;
use crate::model::policy::{Policy, TierPolicy};
use crate::model::posture::check::Check;
use crate::model::posture::{CheckLine, Expected};
use crate::observation::{RunnerReport, RunnerStatus, SourceKey, SourceKind, between};

/// Boundary checks that runners alone decide: a job in the wrong tier begins here.
const OF_RUNNERS: [Check; 6] =
    [Check::Tags, Check::RunUntagged, Check::Protected, Check::Locked, Check::OwnRunners, Check::DeclaredRunners];

/// The policy under which `check` judges: tiers that declare no posture are held to that of a closed tier, as far as runners
/// go.
pub(super) fn strict(policy: &Policy) -> Policy {
    let mut strict = policy.clone();
    for tier in &mut strict.tiers {
        tier.posture.get_or_insert_with(Expected::default);
    }
    strict
}

/// Everything that is told of each tier. `blocked`: why GitLab tells nothing.
pub(super) fn check(policy: &Policy, kubernetes: &Kubernetes, heard: &Heard, blocked: Option<&str>) -> Vec<Line> {
    let now = heard.judged.at.wall;
    let tiers = policy.tiers.iter().zip(&heard.judged.tiers);
    tiers.flat_map(|(tier, found)| one(tier, found, kubernetes, heard, blocked, now)).collect()
}

fn one(
    tier: &TierPolicy,
    found: &TierAssessment,
    kubernetes: &Kubernetes,
    heard: &Heard,
    blocked: Option<&str>,
    now: Timestamp,
) -> Vec<Line> {
    let name = &tier.name;
    let mut lines = Vec::new();
    match (&heard.runners, blocked) {
        (Some(all), None) => {
            lines.push(runners(tier, found, all));
            lines.extend(boundary(tier, found));
            lines.push(tokens(tier, found, all, now));
        }
        (_, why) => {
            let because = why.unwrap_or("the runners are not shown: see gitlab_runners");
            lines.push(Line::not_checked(Probe::TierRunners, name, because));
        }
    }
    if kubernetes.enabled {
        lines.push(managers(tier, found));
        lines.push(nodes(tier, found, kubernetes));
        lines.extend(secrets(tier, heard));
    }
    lines.extend(posture(tier, found));
    lines
}

fn runners(tier: &TierPolicy, found: &TierAssessment, all: &[RunnerReport]) -> Line {
    let (probe, name) = (Probe::TierRunners, &tier.name);
    let lines = found.runners.as_ref().map_or(&[][..], |levels| levels.runners.as_slice());
    let seen = |id| all.iter().any(|runner| runner.id == id);
    let lost: Vec<String> = tier.runners.iter().filter(|id| !seen(**id)).map(|id| format!("#{id}")).collect();
    if !lost.is_empty() {
        let evidence = format!("GitLab shows no runner {}", lost.join(", "));
        let fix = format!("look at the ids under tiers.{name}.runners, or at what the token may see: gitlab_runners");
        return Line::problem(probe, name, &evidence, &fix);
    }
    if lines.is_empty() {
        let tags = tier.tags.join(", ");
        let near = nearest(tier, all).map_or_else(String::new, |near| format!("; {near}"));
        let evidence = match tier.tags.is_empty() {
            true => format!("no runner that the token sees takes jobs without tags{near}"),
            false => format!("none of the {} runners that the token sees carries {tags}{near}", all.len()),
        };
        let fix = format!(
            "register a runner with these tags, write its tags as they are under tiers.{name}.tags, or give the token sight of \
             it (gitlab_runners)"
        );
        return Line::problem(probe, name, &evidence, &fix);
    }
    let ids = lines.iter().take(5).map(|line| format!("#{}", line.id)).collect::<Vec<_>>().join(", ");
    let more = if lines.len() > 5 { format!(" and {} more", lines.len() - 5) } else { String::new() };
    let evidence = format!("{ids}{more}");
    let paused = lines.iter().filter(|line| line.paused).count();
    let online = lines.iter().filter(|line| line.status == RunnerStatus::Online).count();
    if paused == lines.len() {
        return Line::warning(probe, name, &format!("{evidence}: all paused"), "resume one in GitLab: no job starts");
    }
    if online == 0 {
        let fix = "look at the manager pods and at their log: does the runner reach GitLab with a valid token?";
        return Line::warning(probe, name, &format!("{evidence}: none is online"), fix);
    }
    Line::ok(probe, name, &format!("{evidence}: {online} of {} online", lines.len()))
}

/// A runner that carries some of the tags, for whoever mistyped one.
fn nearest(tier: &TierPolicy, all: &[RunnerReport]) -> Option<String> {
    let distance = |runner: &&RunnerReport| {
        let pairs = tier.tags.iter().flat_map(|wanted| runner.tags.iter().map(move |tag| strsim::jaro(wanted, tag)));
        (pairs.fold(0.0, f64::max) * 1000.0).round()
    };
    let near = all.iter().max_by(|a, b| distance(a).total_cmp(&distance(b)))?;
    let alike = distance(&near) > 700.0;
    alike.then(|| format!("runner #{} carries {}", near.id, near.tags.join(", ")))
}

/// Only what runners decide, each where it is not as declared.
fn boundary(tier: &TierPolicy, found: &TierAssessment) -> Vec<Line> {
    let probe = Probe::TierBoundary;
    let name = &tier.name;
    let moved: Vec<&CheckLine> = found.boundary.moved().filter(|line| OF_RUNNERS.contains(&line.check)).collect();
    if moved.is_empty() {
        let known = found.runners.as_ref().is_some_and(|levels| !levels.runners.is_empty());
        return match known {
            true => vec![Line::ok(probe, name, "its runners take what is declared, and no other tier's jobs")],
            false => vec![Line::not_checked(probe, name, "no runner of the tier is known: see tier_runners")],
        };
    }
    let line = |moved: &CheckLine| {
        let subject = format!("{name} {}", moved.check);
        let at = moved.evidence.as_ref().map_or_else(String::new, |evidence| format!(" [{evidence}]"));
        let evidence = format!("{}{at}; declared: {}", moved.found, moved.expected);
        // Jobs of somebody else run here, or ours elsewhere: that is what a tier is to prevent.
        let grave = tier.posture.is_some() || matches!(moved.check, Check::OwnRunners | Check::DeclaredRunners);
        match grave {
            true => Line::problem(probe, &subject, &evidence, moved.check.fix()),
            false => Line::warning(probe, &subject, &evidence, moved.check.fix()),
        }
    };
    moved.into_iter().map(line).collect()
}

fn tokens(tier: &TierPolicy, found: &TierAssessment, all: &[RunnerReport], now: Timestamp) -> Line {
    let (probe, name) = (Probe::TierTokens, &tier.name);
    let lines = found.runners.as_ref().map_or(&[][..], |levels| levels.runners.as_slice());
    let first = lines.iter().filter_map(|line| Some((line.token.expires_at?, line.id))).min();
    let fix = "reset the runner's token in GitLab, write the new one into its Secret, restart the manager";
    if let Some((ends, id)) = first {
        let day = ends.strftime("%Y-%m-%d");
        if ends <= now {
            return Line::problem(probe, name, &format!("the token of runner #{id} ended on {day}"), fix);
        }
        let left = between(now, ends);
        let evidence = format!("the token of runner #{id} ends on {day}, in {}", human_duration(left));
        return match left < tier.token.warn_before_expiry {
            true => Line::warning(probe, name, &evidence, fix),
            false => Line::ok(probe, name, &evidence),
        };
    }
    let hidden = all.iter().any(|runner| runner.expiry_hidden && lines.iter().any(|line| line.id == runner.id));
    match (lines.is_empty(), hidden) {
        (true, _) => Line::not_checked(probe, name, "no runner of the tier is known: see tier_runners"),
        (_, true) => {
            let because =
                "GitLab does not show this token when theirs end (of an instance's runner only administrators see it)";
            Line::not_checked(probe, name, because)
        }
        (false, false) => Line::ok(probe, name, "no token of its runners ends"),
    }
}

fn managers(tier: &TierPolicy, found: &TierAssessment) -> Line {
    let (probe, name) = (Probe::Managers, &tier.name);
    let namespaces = tier.manager_namespaces.join(", ");
    match found.managers {
        None => Line::not_checked(
            probe,
            name,
            &format!("the pods in {namespaces} are not read: see kube_rights, kube_read"),
        ),
        Some(levels) if levels.ready + levels.not_ready == 0 => {
            let fix = format!(
                "where do its runner managers run? name the namespace under tiers.{name}.manager_namespaces; nothing to do \
                 where they run outside of this cluster"
            );
            Line::warning(probe, name, &format!("no manager pod in {namespaces}"), &fix)
        }
        Some(levels) if levels.ready == 0 => {
            let fix = format!("kubectl get pods in {namespaces}, and the log of the manager's pod");
            Line::warning(probe, name, &format!("{} manager pods, none ready", levels.not_ready), &fix)
        }
        Some(levels) => Line::ok(probe, name, &format!("{} ready in {namespaces}", levels.ready)),
    }
}

fn nodes(tier: &TierPolicy, found: &TierAssessment, kubernetes: &Kubernetes) -> Line {
    let (probe, name) = (Probe::Nodes, &tier.name);
    if !kubernetes.cluster_scoped {
        return Line::not_checked(probe, name, "kubernetes.cluster_scoped is off");
    }
    let label = format!("{}={name}", tier.node_label);
    match found.nodes {
        None => Line::not_checked(probe, name, "the nodes are not read: see kube_rights, kube_read"),
        Some(levels) if levels.ready + levels.not_ready + levels.unschedulable == 0 => {
            let fix = format!(
                "label the tier's nodes {label}, or name the label that they have under tiers.{name}.runner_tier_label; nothing \
                 to do where they scale to zero"
            );
            Line::warning(probe, name, &format!("no node carries {label}"), &fix)
        }
        Some(levels) => {
            let all = levels.ready + levels.not_ready + levels.unschedulable;
            Line::ok(probe, name, &format!("{label} is on {all} of them"))
        }
    }
}

/// The Secret is in one of the managers' namespaces.
fn secrets(tier: &TierPolicy, heard: &Heard) -> Option<Line> {
    let (probe, name) = (Probe::TokenSecret, &tier.name);
    let secret = tier.token.secret.as_ref()?;
    let told = |namespace: &Arc<str>| {
        heard
            .told
            .get(&SourceKey::namespaced(SourceKind::KubeTokenSecrets, namespace))
            .is_some_and(|told| told.answered)
    };
    let found = |namespace: &&Arc<str>| heard.secrets.get(&((*namespace).clone(), secret.clone())) == Some(&true);
    let places = tier.manager_namespaces.join(", ");
    Some(match tier.manager_namespaces.iter().find(found) {
        Some(namespace) => Line::ok(probe, name, &format!("{namespace}/{secret} is there")),
        None if !tier.manager_namespaces.iter().all(told) => {
            Line::not_checked(probe, name, "the Secret may not be read: see kube_rights")
        }
        None => {
            let fix = format!("look at tiers.{name}.token.secret, or at the namespaces of the managers");
            Line::problem(probe, name, &format!("there is no Secret {secret} in {places}"), &fix)
        }
    })
}

/// The rest of a declared posture is what `/boundaries` shows: named here, explained there.
fn posture(tier: &TierPolicy, found: &TierAssessment) -> Option<Line> {
    tier.posture.as_ref()?;
    let moved: Vec<&str> = found
        .boundary
        .moved()
        .filter(|line| !OF_RUNNERS.contains(&line.check))
        .map(|line| line.check.as_str())
        .collect();
    Some(match moved.is_empty() {
        true => Line::ok(Probe::TierPosture, &tier.name, "nothing that can be told differs from what is declared"),
        false => {
            let fix = "the page /boundaries of the daemon says of each what was found and how to put it right";
            Line::warning(Probe::TierPosture, &tier.name, &format!("not as declared: {}", moved.join(", ")), fix)
        }
    })
}

//! A tier's runners, their managers and their tokens.

use std::sync::Arc;

use jiff::Timestamp;

use crate::model::assessment::{ManagerLine, RunnerLevels, RunnerLine, TokenLine, TokenSource};
use crate::model::fleet::Fleet;
use crate::model::policy::TierId;
use crate::observation::{Now, PodRole, RunnerReport, RunnerStatus, between};

/// Managers of one runner that are told one by one.
const NAMED_MANAGERS: usize = 100;

pub(super) fn levels(fleet: &Fleet, tier: TierId, now: &Now) -> RunnerLevels {
    let roster = fleet.rosters.as_ref().map_or(&[][..], |rosters| rosters.of(tier));
    let mut levels = RunnerLevels {
        by_status: RunnerStatus::ALL.into_iter().map(|status| (status, 0)).collect(),
        ..RunnerLevels::default()
    };
    // What the cluster tells of a token is of the tier's one runner; of several it cannot be told which.
    let by_cluster = if roster.len() == 1 { of_the_cluster(fleet, tier) } else { Vec::new() };
    for runner in roster {
        *levels.by_status.entry(runner.status).or_default() += 1;
        levels.paused += u64::from(runner.paused);
        levels.runners.push(line(fleet, runner, &by_cluster));
    }
    let obtained = levels.runners.iter().filter_map(|line| line.token.obtained.first());
    let oldest = obtained.map(|(_, at)| *at).min();
    levels.token_age = oldest.map(|at| between(at, now.wall));
    levels
}

fn line(fleet: &Fleet, runner: &RunnerReport, by_cluster: &[(TokenSource, Timestamp)]) -> RunnerLine {
    let seen = fleet.tokens.replaced(runner.id).map(|at| (TokenSource::Expiry, at));
    RunnerLine {
        id: runner.id,
        short_sha: runner.short_sha.clone(),
        description: runner.description.clone(),
        status: runner.status,
        paused: runner.paused,
        managers: runner.managers.as_ref().map(|managers| {
            let told = managers.iter().take(NAMED_MANAGERS).map(|manager| ManagerLine {
                system_id: Arc::clone(&manager.system_id),
                status: manager.status,
                contacted_at: manager.contacted_at,
                version: manager.version.clone(),
            });
            told.collect()
        }),
        contacted_at: runner.contacted_at,
        created_at: runner.created_at,
        token: TokenLine {
            expires_at: runner.token_expires_at,
            obtained: by_cluster.iter().copied().chain(seen).collect(),
        },
    }
}

/// When the tier's token was obtained, by the annotation of its managers or its Secret, and by the Secret's last write.
fn of_the_cluster(fleet: &Fleet, tier: TierId) -> Vec<(TokenSource, Timestamp)> {
    let policy = &fleet.policy().tiers[tier];
    let is_manager = |row: &&crate::model::fleet::PodRow| {
        row.tier == Some(tier) && row.report.role == PodRole::Manager && row.gone.is_none()
    };
    let secret =
        policy.token.secret.as_ref().and_then(|name| {
            policy.manager_namespaces.iter().find_map(|namespace| fleet.tokens.secret(namespace, name))
        });
    // Only a tier that names an annotation is asked for it: another tier's may be on its pods.
    let by_pods = policy
        .token
        .rotation_annotation
        .as_ref()
        .and_then(|_| fleet.pods.iter().filter(is_manager).filter_map(|row| row.report.shape.token_rotated).min());
    let annotation = secret.and_then(|secret| secret.rotated).or(by_pods);
    let written = secret.and_then(|secret| secret.written);
    let annotation = annotation.map(|at| (TokenSource::Annotation, at));
    annotation.into_iter().chain(written.map(|at| (TokenSource::Secret, at))).collect()
}

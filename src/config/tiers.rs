//! The tiers: each by itself, then against one another.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::problem::{shown, shown_key};
use super::raw;
use super::rules::{self, Checker, DAY, is_dns_label, is_label_key};
use crate::model::policy::{Objective, TierPolicy, TokenPolicy, Urgency};
use crate::observation::RunnerId;

const URGENCIES: [(&str, Urgency); 3] = [("page", Urgency::Page), ("ticket", Urgency::Ticket), ("none", Urgency::None)];

/// The tiers, sorted by name.
pub(super) fn check(
    raw: Option<&BTreeMap<String, raw::Tier>>,
    kubernetes: bool,
    checker: &mut Checker<'_>,
) -> Vec<TierPolicy> {
    // A missing or mistyped `tiers` has been told.
    let Some(raw) = raw else { return Vec::new() };
    let told = checker.problems.iter().any(|problem| problem.key.starts_with("tiers"));
    if raw.is_empty() && !told {
        let remedy = "declare one, e.g.\n  standard: { tags: [tier-standard], namespaces: [gitlab-runners-standard] }";
        checker.wrong("tiers", "there is no tier", remedy);
    }
    let tiers: Vec<TierPolicy> = raw.iter().map(|(name, raw)| tier(name, raw, kubernetes, checker)).collect();
    same_tags(&tiers, checker);
    same_runner(&tiers, checker);
    tiers
}

fn tier(name: &str, raw: &raw::Tier, kubernetes: bool, checker: &mut Checker<'_>) -> TierPolicy {
    let raw::Tier {
        tags,
        run_untagged,
        runners,
        namespaces,
        manager_namespaces,
        runner_tier_label,
        capacity,
        urgency,
        objective,
        runbook_url,
        token,
        posture,
        expects_traffic,
        conditions,
    } = raw;
    let at = format!("tiers.{}", shown_key(name));
    let key = |last: &str| format!("{at}.{last}");
    if !is_dns_label(name) {
        let slug: String = name.to_ascii_lowercase().replace(['_', '.', ' '], "-");
        let remedy = match is_dns_label(&slug) {
            true => format!("write {slug}"),
            false => "use a-z, 0-9 and -, begin and end with a letter or digit, 63 at most".into(),
        };
        checker.wrong(&at, "the name cannot be a label value and a node label", remedy);
    }
    let namespaces = self::namespaces(&key("namespaces"), namespaces.as_ref(), kubernetes, checker);
    let manager_namespaces = match manager_namespaces {
        None => namespaces.clone(),
        some => self::namespaces(&key("manager_namespaces"), some.as_ref(), kubernetes, checker),
    };
    let label = runner_tier_label.as_deref().unwrap_or_default();
    if runner_tier_label.is_some() && !is_label_key(label) {
        let reason = format!("{} is not the key of a Kubernetes label", shown(label));
        let remedy = "write it like platform.gitlab.com/runner-tier; its value on a node is the tier's name";
        checker.wrong(&key("runner_tier_label"), reason, remedy);
    }
    let policy = TierPolicy {
        name: name.into(),
        tags: checker.list(&key("tags"), tags.as_ref(), rules::tag),
        run_untagged: run_untagged.unwrap_or_default(),
        runners: runner_ids(&key("runners"), runners.as_deref().unwrap_or_default(), checker),
        namespaces,
        manager_namespaces,
        node_label: label.into(),
        capacity: capacity.map(|capacity| checker.whole(&key("capacity"), Some(capacity), 1..=1_000_000)),
        urgency: checker.word(&key("urgency"), urgency.as_ref(), &URGENCIES).unwrap_or(Urgency::None),
        objective: self::objective(&key("objective"), objective.as_ref(), checker),
        runbook_url: checker.address(&key("runbook_url"), runbook_url.as_ref()).map(|url| Arc::from(url.as_str())),
        token: self::token(&key("token"), token.as_ref(), checker),
        posture: super::posture::check(&key("posture"), posture.as_ref(), run_untagged.unwrap_or_default(), checker),
        expects_traffic: expects_traffic
            .as_ref()
            .map(|text| checker.duration(&key("expects_traffic"), Some(text), 60..=7 * DAY, "")),
        conditions: super::conditions::check(&key("conditions"), conditions.as_ref(), checker),
    };
    let critical = policy.conditions.critical_before_expiry;
    if critical >= policy.token.warn_before_expiry && !policy.token.warn_before_expiry.is_zero() {
        let warns = rules::duration_text(policy.token.warn_before_expiry);
        let reason =
            format!("{} is not shorter than token.warn_before_expiry ({warns})", rules::duration_text(critical));
        let remedy = "warn earlier, or call it critical later: a warning comes first";
        checker.wrong(&key("conditions.critical_before_expiry"), reason, remedy);
    }
    if tags.as_ref().is_some_and(Vec::is_empty) && (!policy.run_untagged || policy.runners.is_empty()) {
        let remedy = "name the tags of its runners; a tier for untagged jobs only says \
                      `run_untagged: true` and names its runners by id";
        checker.wrong(&key("tags"), "is empty, so no job could be told to belong to this tier", remedy);
    }
    policy
}

fn namespaces(key: &str, raw: Option<&Vec<String>>, kubernetes: bool, checker: &mut Checker<'_>) -> Vec<Arc<str>> {
    let told = checker.problems.iter().any(|problem| problem.key.starts_with(key));
    if kubernetes && !told && raw.is_none_or(Vec::is_empty) {
        let reason = if raw.is_none() { "is missing" } else { "is empty" };
        let remedy = "name the namespaces, e.g. `[gitlab-runners-standard]`; \
                      without a cluster say `kubernetes: { enabled: false }`";
        checker.wrong(key, reason, remedy);
    }
    checker.list(key, raw, rules::namespace)
}

fn runner_ids(key: &str, raw: &[i64], checker: &mut Checker<'_>) -> Vec<RunnerId> {
    let mut ids = Vec::new();
    for (index, number) in raw.iter().enumerate() {
        let key = format!("{key}[{index}]");
        match u64::try_from(*number).ok().filter(|id| *id > 0).map(RunnerId) {
            None => checker.wrong(&key, format!("{number} is not the id of a runner"), "ids begin at 1"),
            Some(id) if ids.contains(&id) => {
                checker.wrong(&key, format!("runner {id} is written twice"), "remove one of the two");
            }
            Some(id) => ids.push(id),
        }
    }
    ids
}

fn objective(at: &str, raw: Option<&raw::Objective>, checker: &mut Checker<'_>) -> Objective {
    let key = |last: &str| format!("{at}.{last}");
    let target = raw.and_then(|raw| raw.target).unwrap_or_default();
    if raw.is_some_and(|raw| raw.target.is_some()) && !(target > 0.0 && target < 1.0) {
        let remedy = match target {
            per_cent if per_cent > 1.0 && per_cent < 100.0 => {
                format!("it is a part, not per cent: write {}", (per_cent * 1e6).round() / 1e8)
            }
            _ => "give the part of the jobs that start in time: above 0, below 1, e.g. 0.95".into(),
        };
        checker.wrong(&key("target"), format!("{target} is not between 0 and 1"), remedy);
    }
    let mut duration = |last: &str, text: Option<&raw::DurationText>, least, most| -> Duration {
        checker.duration(&key(last), text, least..=most, "")
    };
    let window = duration("window", raw.and_then(|raw| raw.window.as_ref()), DAY, 366 * DAY);
    let start_within = duration("start_within", raw.and_then(|raw| raw.start_within.as_ref()), 1, DAY);
    let min_jobs = checker.whole(&key("min_jobs"), raw.and_then(|raw| raw.min_jobs), 0..=1_000_000);
    Objective { target, window, start_within, min_jobs }
}

fn token(at: &str, raw: Option<&raw::Token>, checker: &mut Checker<'_>) -> TokenPolicy {
    let key = |last: &str| format!("{at}.{last}");
    let max_age = checker.duration(&key("max_age"), raw.and_then(|raw| raw.max_age.as_ref()), DAY..=3660 * DAY, "");
    let warning = raw.and_then(|raw| raw.warn_before_expiry.as_ref());
    let warn_before_expiry = checker.duration(&key("warn_before_expiry"), warning, 3600..=366 * DAY, "");
    let secret = raw.and_then(|raw| raw.secret.as_deref());
    if let Some(Err((reason, remedy))) = secret.map(rules::object_name) {
        checker.wrong(&key("secret"), reason, remedy);
    }
    let annotation = raw.and_then(|raw| raw.rotation_annotation.as_deref());
    if annotation.is_some_and(|text| !is_label_key(text)) {
        let reason = format!("{} is not the key of an annotation", shown(annotation.unwrap_or_default()));
        checker.wrong(&key("rotation_annotation"), reason, "write it like platform.example.com/token-rotated-at");
    }
    let kept = |text: Option<&str>| text.map(Arc::from);
    TokenPolicy { max_age, warn_before_expiry, secret: kept(secret), rotation_annotation: kept(annotation) }
}

/// Two tiers with the same tags could not be told apart by any job.
fn same_tags(tiers: &[TierPolicy], checker: &mut Checker<'_>) {
    let mut seen: BTreeMap<Vec<&str>, &str> = BTreeMap::new();
    for tier in tiers {
        let mut tags: Vec<&str> = tier.tags.iter().map(AsRef::as_ref).collect();
        tags.sort_unstable();
        if tags.is_empty() {
            continue;
        }
        if let Some(first) = seen.get(&tags) {
            checker.wrong(
                &format!("tiers.{}.tags", shown_key(&tier.name)),
                format!("the tier {} has the same tags", shown_key(first)),
                "a job could not tell them apart: give each tier a tag of its own, or make them one tier",
            );
        } else {
            seen.insert(tags, &tier.name);
        }
    }
}

/// A runner belongs to one tier: its jobs are counted there.
fn same_runner(tiers: &[TierPolicy], checker: &mut Checker<'_>) {
    let mut seen: BTreeMap<RunnerId, &str> = BTreeMap::new();
    for tier in tiers {
        for (index, id) in tier.runners.iter().enumerate() {
            if let Some(first) = seen.get(id) {
                checker.wrong(
                    &format!("tiers.{}.runners[{index}]", shown_key(&tier.name)),
                    format!("runner {id} is also in the tier {}", shown_key(first)),
                    "a runner belongs to one tier: remove it from the other",
                );
            } else {
                seen.insert(*id, &tier.name);
            }
        }
    }
}

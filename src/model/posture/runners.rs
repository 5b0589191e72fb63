//! What is judged by GitLab's runners.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::ground::Ground;
use super::{Finding, some};
use crate::observation::{ManagerReport, RunnerReport, SourceKind};

/// The tier's runners, or why they are not known.
fn roster<'a>(ground: &'a Ground<'_>) -> Result<&'a [RunnerReport], Finding> {
    if let Some(why) = ground.blind(SourceKind::GitlabRunners, None) {
        return Err(Finding::Unknown(why));
    }
    let runners = ground.fleet.rosters.as_ref().map_or(&[][..], |rosters| rosters.of(ground.tier));
    match runners.is_empty() {
        true => Err(Finding::Unknown("cannot tell: GitLab shows no runner of the tier".into())),
        false => Ok(runners),
    }
}

/// Judges every runner of the tier; `judge` says what is wrong with one.
fn among(ground: &Ground<'_>, fine: &str, judge: impl Fn(&RunnerReport) -> Option<String>) -> Finding {
    let runners = match roster(ground) {
        Ok(runners) => runners,
        Err(unknown) => return unknown,
    };
    match runners.iter().find_map(|runner| Some((runner, judge(runner)?))) {
        Some((runner, found)) => Finding::moved(format!("runner #{} {found}", runner.id), name(runner)),
        None => Finding::fine(fine),
    }
}

fn name(runner: &RunnerReport) -> String {
    format!("runner #{} ({})", runner.id, runner.description)
}

pub(super) fn tags(ground: &Ground<'_>) -> Finding {
    let declared = &ground.policy.tags;
    among(ground, "every runner carries exactly the declared tags", |runner| {
        let more: Vec<_> = runner.tags.iter().filter(|tag| !declared.contains(tag)).collect();
        let fewer: Vec<_> = declared.iter().filter(|tag| !runner.tags.contains(tag)).collect();
        match (more.is_empty(), fewer.is_empty()) {
            (true, true) => None,
            (false, true) => Some(format!("also carries {}", some(more))),
            (true, false) => Some(format!("lacks {}", some(fewer))),
            (false, false) => Some(format!("carries {} and lacks {}", some(more), some(fewer))),
        }
    })
}

pub(super) fn run_untagged(ground: &Ground<'_>) -> Finding {
    let wanted = ground.policy.run_untagged;
    let words = |takes| if takes { "takes jobs without tags" } else { "takes no jobs without tags" };
    among(ground, &format!("every runner {}", words(wanted)), |runner| {
        (runner.run_untagged != wanted).then(|| words(runner.run_untagged).to_owned())
    })
}

pub(super) fn protected(ground: &Ground<'_>) -> Finding {
    let words = |is| if is { "takes jobs of protected refs only" } else { "takes jobs of any ref" };
    match ground.expected.protected {
        Some(wanted) => among(ground, &format!("every runner {}", words(wanted)), |runner| {
            (runner.protected != wanted).then(|| words(runner.protected).to_owned())
        }),
        None => as_found(ground, |runner| words(runner.protected)),
    }
}

pub(super) fn locked(ground: &Ground<'_>) -> Finding {
    let words = |is| if is { "is locked to its projects" } else { "is not locked: other projects can take it" };
    match ground.expected.locked {
        Some(wanted) => among(ground, &format!("every runner {}", words(wanted)), |runner| {
            (runner.locked != wanted).then(|| words(runner.locked).to_owned())
        }),
        None => as_found(ground, |runner| words(runner.locked)),
    }
}

/// Nothing is declared: only what is there.
fn as_found(ground: &Ground<'_>, words: impl Fn(&RunnerReport) -> &'static str) -> Finding {
    match roster(ground) {
        Ok(runners) => {
            Finding::Fine(some(runners.iter().map(|runner| format!("runner #{} {}", runner.id, words(runner)))))
        }
        Err(unknown) => unknown,
    }
}

pub(super) fn own(ground: &Ground<'_>) -> Finding {
    let others = || ground.all().tiers.iter().filter(|tier| tier.name != ground.policy.name);
    among(ground, "no runner carries another tier's tags", |runner| {
        let serves = |tags: &[_]| !tags.is_empty() && tags.iter().all(|tag| runner.tags.contains(tag));
        // A tier whose tags are part of ours has no jobs of its own that we could be kept from.
        let is_part = |tags: &[_]| tags.iter().all(|tag| ground.policy.tags.contains(tag));
        let other = others().find(|other| serves(&other.tags) && !is_part(&other.tags))?;
        Some(format!("also carries the tags of the tier {}", other.name))
    })
}

pub(super) fn declared(ground: &Ground<'_>) -> Finding {
    if let Some(why) = ground.blind(SourceKind::GitlabRunners, None) {
        return Finding::Unknown(why);
    }
    if ground.policy.runners.is_empty() {
        let why = "cannot tell: the tier names no `runners`, so every runner with its tags counts as its own";
        return Finding::Unknown(why.into());
    }
    let strangers = ground.fleet.rosters.as_ref().map_or(&[][..], |rosters| rosters.strangers(ground.tier));
    match strangers.first() {
        Some(runner) => {
            let found = format!("{} runners that nobody declared take the tier's tags", strangers.len());
            Finding::moved(found, name(runner))
        }
        None => Finding::fine("no other runner that the token sees takes the tier's tags"),
    }
}

pub(super) fn rotation(ground: &Ground<'_>) -> Finding {
    let runners = match roster(ground) {
        Ok(runners) => runners,
        Err(unknown) => return unknown,
    };
    let Some(runner) = runners.iter().find(|runner| runner.token_expires_at.is_some()) else {
        return match runners.iter().find(|runner| runner.expiry_hidden) {
            Some(runner) => Finding::Unknown(format!(
                "cannot tell: our token does not show whether that of runner #{} ends; of an instance's runner GitLab tells \
                 administrators alone",
                runner.id
            )),
            None => Finding::fine("GitLab shows no token of the tier that expires, so none is rotated by its manager"),
        };
    };
    let managers = &ground.own().managers;
    if let Some(why) = blind_to_managers(ground) {
        return Finding::Unknown(why);
    }
    let Some(first) = managers.iter().find(|kind| !kind.shape.keeps_its_token) else {
        return match managers.pods() {
            0 => Finding::Unknown("cannot tell: no manager pod is there".into()),
            _ => Finding::fine("the managers leave rotation to whoever keeps the token"),
        };
    };
    let what = match managers.pods() {
        1 => {
            "its manager replaces it by itself at three quarters of its life; the Secret keeps the old one, which fails \
              after the next restart of the pod"
        }
        _ => {
            "the first of its managers that replaces it by itself, at three quarters of its life, strands the others; the \
              Secret keeps the old one"
        }
    };
    Finding::moved(format!("the token of runner #{} expires, and {what}", runner.id), format!("pod {}", first.name()))
}

/// Why the tier's manager pods cannot be believed.
fn blind_to_managers(ground: &Ground<'_>) -> Option<String> {
    ground.policy.manager_namespaces.iter().find_map(|name| ground.blind(SourceKind::KubePods, Some(name)))
}

/// GitLab's clock and ours may differ by this.
const SKEW: SignedDuration = SignedDuration::from_secs(120);

/// Whoever else runs with the tokens shows as a manager more than there are manager pods. GitLab keeps a manager for days
/// after its pod went, so only those count that were in contact since the pods last changed.
pub(super) fn own_managers(ground: &Ground<'_>) -> Finding {
    let runners = match roster(ground) {
        Ok(runners) => runners,
        Err(unknown) => return unknown,
    };
    if let Some(why) = blind_to_managers(ground) {
        return Finding::Unknown(why);
    }
    let pods = ground.own().managers.pods();
    let changed = ground.policy.manager_namespaces.iter().filter_map(|name| ground.fleet.pods.managers_changed(name));
    let Some(changed) = changed.max().filter(|_| pods > 0) else {
        return Finding::Unknown("cannot tell: no manager pod is there".into());
    };
    let mut users: BTreeSet<&str> = BTreeSet::new();
    for runner in runners {
        let Some(managers) = &runner.managers else {
            return Finding::Unknown(format!(
                "cannot tell: our token does not show the managers of runner #{}",
                runner.id
            ));
        };
        let since = |manager: &&ManagerReport| manager.contacted_at.is_some_and(|at| at > changed + SKEW);
        users.extend(managers.iter().filter(since).map(|manager| &*manager.system_id));
    }
    let count = users.len();
    if u64::try_from(count).unwrap_or(u64::MAX) > pods {
        let found = format!("{count} managers used the tokens since the tier's {pods} manager pods last changed");
        return Finding::moved(found, format!("managers {}", some(users)));
    }
    Finding::fine("no more managers are in contact than there are manager pods")
}

//! What LimitRanges let a job pod have, and whether the pods of these minutes would still be let in.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::quotas::{amount, resource};
use crate::cause::limit::{Bound, Overstep};
use crate::model::assessment::{LimitLevel, QuotaResource};
use crate::model::fleet::{Fleet, JobRow};
use crate::model::policy::TierId;
use crate::observation::{LimitLine, LimitReport, LimitedPart, Limits};

/// The tightest upper bound of the tier's namespaces for CPU and memory, of a container and of a pod.
pub(super) fn levels(fleet: &Fleet, tier: TierId) -> Vec<LimitLevel> {
    let mut tightest: BTreeMap<(LimitedPart, QuotaResource), LimitLevel> = BTreeMap::new();
    for namespace in &fleet.policy().tiers[tier].namespaces {
        for limit in fleet.limits.of(namespace) {
            for line in &limit.lines {
                let (resource, Some(max_thousandths)) = (resource(&line.resource), line.max) else { continue };
                if !matches!(resource, QuotaResource::Cpu | QuotaResource::Memory) {
                    continue;
                }
                let level = LimitLevel {
                    limit: Arc::clone(&limit.name),
                    namespace: Arc::clone(namespace),
                    part: line.part,
                    resource,
                    max_thousandths,
                    asked_thousandths: None,
                };
                let known = tightest.entry((line.part, resource)).or_insert_with(|| level.clone());
                if max_thousandths < known.max_thousandths {
                    *known = level;
                }
            }
        }
    }
    tightest.into_values().collect()
}

/// A job pod of these minutes may use so much.
pub(super) fn ask(levels: &mut [LimitLevel], pod: &Limits) {
    for level in levels {
        let most = match level.part {
            LimitedPart::Container => pod.container,
            LimitedPart::Pod => pod.pod,
        };
        let asked =
            if level.resource == QuotaResource::Cpu { most.cpu_millis } else { most.memory_bytes.saturating_mul(1000) };
        level.asked_thousandths = level.asked_thousandths.max(Some(asked));
    }
}

/// The sentence on a tier whose next pods will be refused: a LimitRange is asked about new pods only, so those that
/// run were let in before it was made or changed.
pub(super) fn overstepped(levels: &[LimitLevel]) -> Option<String> {
    let level =
        levels.iter().find(|level| level.asked_thousandths.is_some_and(|asked| asked > level.max_thousandths))?;
    let (max, unit) = amount(level.resource, level.max_thousandths);
    let (asked, _) = amount(level.resource, level.asked_thousandths?);
    let (limit, part) = (&level.limit, word(level.part));
    Some(format!("LimitRange {limit} lets a {part} have at most {max}{unit}, and job pods ask for {asked}{unit}"))
}

/// Which LimitRange refused the job's pod, with its bound; nothing where it is not seen (any more).
pub(super) fn told(fleet: &Fleet, job: &JobRow) -> Option<Arc<str>> {
    let overstep = job.overstep.as_deref()?;
    let tier = job.taken_by(fleet.rosters.as_ref())?;
    let namespaces = fleet.policy().tiers[tier].namespaces.iter();
    let mut limits = namespaces.flat_map(|namespace| fleet.limits.of(namespace));
    limits.find_map(|limit| limit.lines.iter().find_map(|line| sentence(limit, line, overstep))).map(Into::into)
}

fn sentence(limit: &LimitReport, line: &LimitLine, overstep: &Overstep) -> Option<String> {
    let part = if overstep.of_pod { LimitedPart::Pod } else { LimitedPart::Container };
    if line.part != part || *line.resource != *overstep.resource {
        return None;
    }
    let (name, part) = (&limit.name, word(part));
    let said = |thousandths| {
        let (number, unit) = amount(resource(&line.resource), thousandths);
        // A unit tells of what; without one the resource's own name does.
        if unit.is_empty() { format!("{number} {}", line.resource) } else { number + unit }
    };
    let bound = match overstep.bound {
        Bound::Max => format!("lets a {part} have at most {}", said(line.max?)),
        Bound::Min => format!("wants a {part} to ask for at least {}", said(line.min?)),
        Bound::Ratio => {
            let (times, _) = amount(QuotaResource::Other, line.max_ratio?);
            format!("lets the {} limit of a {part} be at most {times} times its request", line.resource)
        }
    };
    let asked = overstep.asked.as_ref().map_or_else(String::new, |asked| format!("; the pod has {asked}"));
    Some(format!("LimitRange {name} {bound}{asked}"))
}

const fn word(part: LimitedPart) -> &'static str {
    match part {
        LimitedPart::Container => "container",
        LimitedPart::Pod => "pod",
    }
}

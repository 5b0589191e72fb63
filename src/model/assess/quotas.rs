//! How much of its quotas a tier has used, and whether that keeps the next job out.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::assessment::{QuotaLevel, QuotaResource};
use crate::model::fleet::Fleet;
use crate::model::policy::TierId;
use crate::observation::QuotaLine;

/// Pods ask for uneven amounts, so the last part of a quota of CPU or memory takes none any more.
const NEARLY_FULL: f64 = 0.95;

/// The fullest quota of the tier's namespaces for each resource that one limits.
pub(super) fn levels(fleet: &Fleet, tier: TierId) -> Vec<QuotaLevel> {
    let mut fullest: BTreeMap<QuotaResource, QuotaLevel> = BTreeMap::new();
    for namespace in &fleet.policy().tiers[tier].namespaces {
        for quota in fleet.quotas.of(namespace) {
            for line in &quota.lines {
                let level = QuotaLevel {
                    resource: resource(&line.resource),
                    ratio: ratio(line),
                    used_thousandths: line.used_thousandths,
                    hard_thousandths: line.hard_thousandths,
                    written: Arc::clone(&line.resource),
                    quota: Arc::clone(&quota.name),
                    namespace: Arc::clone(namespace),
                    scoped: quota.scoped,
                };
                match fullest.get(&level.resource) {
                    Some(known) if !fuller(&level, known) => {}
                    Some(_) | None => {
                        fullest.insert(level.resource, level);
                    }
                }
            }
        }
    }
    fullest.into_values().collect()
}

/// Of two equally full ones the one that surely concerns job pods is told.
fn fuller(new: &QuotaLevel, known: &QuotaLevel) -> bool {
    new.ratio > known.ratio || new.ratio >= known.ratio && known.scoped && !new.scoped
}

/// Requests and limits of one resource are one: whichever is used up first keeps pods out.
pub(super) fn resource(written: &str) -> QuotaResource {
    match written {
        "pods" | "count/pods" => QuotaResource::Pods,
        "cpu" | "requests.cpu" | "limits.cpu" => QuotaResource::Cpu,
        "memory" | "requests.memory" | "limits.memory" => QuotaResource::Memory,
        "ephemeral-storage" | "requests.ephemeral-storage" | "limits.ephemeral-storage" => {
            QuotaResource::EphemeralStorage
        }
        _ => QuotaResource::Other,
    }
}

/// Nothing granted is all used: a quota of no pods lets none in.
#[expect(clippy::cast_precision_loss, reason = "a ratio needs no more than a double's precision")]
fn ratio(line: &QuotaLine) -> f64 {
    if line.hard_thousandths == 0 { 1.0 } else { line.used_thousandths as f64 / line.hard_thousandths as f64 }
}

/// The sentence on a tier that can take no further job; the first of pods, CPU and memory. A quota with scopes may be
/// for other pods than those of jobs, so nothing is said of it.
pub(super) fn at_capacity(levels: &[QuotaLevel]) -> Option<String> {
    levels.iter().filter(|level| !level.scoped).find_map(|level| {
        let (what, least) = match level.resource {
            QuotaResource::Pods => ("pod", 1.0),
            QuotaResource::Cpu => ("CPU", NEARLY_FULL),
            QuotaResource::Memory => ("memory", NEARLY_FULL),
            QuotaResource::EphemeralStorage | QuotaResource::Other => return None,
        };
        let ((used, _), (hard, unit)) =
            (amount(level.resource, level.used_thousandths), amount(level.resource, level.hard_thousandths));
        (level.ratio >= least).then(|| format!("at its {what} quota: {used} of {hard}{unit}"))
    })
}

/// A number with one decimal where it has any, and its unit.
#[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
pub(super) fn amount(resource: QuotaResource, thousandths: u64) -> (String, &'static str) {
    let (size, unit) = match resource {
        QuotaResource::Cpu => (1.0, " cores"),
        QuotaResource::Memory | QuotaResource::EphemeralStorage => (f64::from(1 << 30), " GiB"),
        QuotaResource::Pods | QuotaResource::Other => (1.0, ""),
    };
    let text = format!("{:.1}", thousandths as f64 / 1000.0 / size);
    (text.strip_suffix(".0").map(str::to_owned).unwrap_or(text), unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(resource: QuotaResource, used: u64, hard: u64, scoped: bool) -> QuotaLevel {
        let line = QuotaLine { resource: "x".into(), used_thousandths: used, hard_thousandths: hard };
        QuotaLevel {
            resource,
            ratio: ratio(&line),
            used_thousandths: used,
            hard_thousandths: hard,
            written: line.resource,
            quota: "q".into(),
            namespace: "n".into(),
            scoped,
        }
    }

    #[test]
    fn a_full_quota_is_told_with_its_numbers() {
        const GIB: u64 = 1000 << 30;
        for (level, said) in [
            (level(QuotaResource::Pods, 20_000, 20_000, false), Some("at its pod quota: 20 of 20")),
            (level(QuotaResource::Pods, 19_000, 20_000, false), None),
            (level(QuotaResource::Pods, 0, 0, false), Some("at its pod quota: 0 of 0")),
            (level(QuotaResource::Pods, 20_000, 20_000, true), None),
            (level(QuotaResource::Cpu, 19_500, 20_000, false), Some("at its CPU quota: 19.5 of 20 cores")),
            (level(QuotaResource::Cpu, 18_000, 20_000, false), None),
            (level(QuotaResource::Memory, 40 * GIB, 40 * GIB, false), Some("at its memory quota: 40 of 40 GiB")),
            (level(QuotaResource::Other, 5_000, 5_000, false), None),
        ] {
            assert_eq!(at_capacity(std::slice::from_ref(&level)).as_deref(), said, "{level:?}");
        }
    }

    #[test]
    fn resources_fall_into_a_closed_set() {
        for (written, label) in [
            ("pods", QuotaResource::Pods),
            ("count/pods", QuotaResource::Pods),
            ("limits.cpu", QuotaResource::Cpu),
            ("requests.memory", QuotaResource::Memory),
            ("requests.ephemeral-storage", QuotaResource::EphemeralStorage),
            ("requests.nvidia.com/gpu", QuotaResource::Other),
            ("count/secrets", QuotaResource::Other),
        ] {
            assert_eq!(resource(written), label, "{written}");
        }
    }
}

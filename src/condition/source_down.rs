//! A source is blind for the tier; each source by itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::judge::Ground;
use super::line::Finding;
use crate::model::assess::human_duration;
use crate::model::assessment::SourceStatus;

pub(super) fn judge(on: &Ground<'_>) -> Vec<(Arc<str>, Finding)> {
    let mut by_label: BTreeMap<&str, Finding> = BTreeMap::new();
    for source in on.sources.iter().filter(|source| source.tiers.contains(&on.tier.name)) {
        let finding = match source.up {
            None => continue,
            Some(true) => Finding::Fine,
            Some(false) => Finding::So(told(source)),
        };
        let known = by_label.entry(source.source.kind.label()).or_insert_with(|| finding.clone());
        if *known == Finding::Fine {
            *known = finding;
        }
    }
    by_label.into_iter().map(|(label, finding)| (Arc::from(label), finding)).collect()
}

fn told(source: &SourceStatus) -> String {
    let whose = source.source.namespace.as_deref().map(|name| format!(" in {name}")).unwrap_or_default();
    let kind = source.source.kind.as_str();
    let age = source.age.map(|age| format!("its last answer is {} old", human_duration(age)));
    let age = age.as_deref().unwrap_or("it never answered");
    let why = source.failure.as_deref().map(|failure| format!(": {failure}")).unwrap_or_default();
    format!("{kind}{whose} cannot be read, {age}{why}")
}

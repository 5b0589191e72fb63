//! What a running daemon says of its tiers' boundaries.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::daemon::Daemon;
use super::until_within;

/// The verdict on each check of the tier, and what was found.
pub(crate) async fn verdicts(daemon: &Daemon, tier: &str) -> BTreeMap<String, (String, String)> {
    let page = daemon.api("boundaries").await;
    let tiers = page["tiers"].as_array().expect("there are tiers");
    let tier = tiers.iter().find(|shown| shown["name"] == tier).expect("the tier is there");
    let checks = tier["answers"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|answer| answer["checks"].as_array().expect("an answer has checks").clone());
    checks
        .map(|check| {
            let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
            (text("check"), (text("verdict"), text("found")))
        })
        .collect()
}

/// Waits until just these checks of the tier have this verdict.
pub(crate) async fn settles(daemon: &Daemon, tier: &str, what: &str, verdict: &str, wanted: &[&str]) {
    let wanted: BTreeSet<String> = wanted.iter().map(|check| (*check).to_owned()).collect();
    until_within(Duration::from_secs(75), &format!("{what} of {tier}"), async || {
        let all = verdicts(daemon, tier).await;
        let found: BTreeSet<String> =
            all.iter().filter(|(_, (found, _))| found == verdict).map(|(check, _)| check.clone()).collect();
        if found == wanted { Ok(()) } else { Err(format!("{verdict}: {found:?}, wanted {wanted:?}; {all:#?}")) }
    })
    .await;
}

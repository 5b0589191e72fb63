//! Whose state a file holds.

use serde::{Deserialize, Serialize};

use crate::config::{Gitlab, Kubernetes};
use crate::model::key::digest;
use crate::model::policy::Policy;

/// What must be the same for a file to be taken over. Promises and thresholds may change: a job that was counted stays
/// counted. Who belongs to a tier may not: yesterday's jobs of a new tier are no news.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// GitLab's address.
    gitlab: String,
    /// Digest of what leads to the cluster.
    cluster: u64,
    /// Digest of names and members of the tiers.
    tiers: u64,
}

impl Identity {
    /// That of a configuration, and the cluster's address where one is watched.
    #[must_use]
    pub fn new(gitlab: &Gitlab, kubernetes: &Kubernetes, policy: &Policy) -> Self {
        let Kubernetes { enabled, kubeconfig, context, cluster_scoped: _ } = kubernetes;
        let tiers = policy
            .tiers
            .iter()
            .map(|tier| format!("{:?}", (&tier.name, &tier.tags, tier.run_untagged, &tier.runners, &tier.namespaces)));
        Self {
            gitlab: gitlab.url.to_string(),
            cluster: digest(format!("{:?}", (enabled, kubeconfig, context)).as_bytes()),
            tiers: digest(tiers.collect::<Vec<_>>().join("\n").as_bytes()),
        }
    }

    /// In what a file of `theirs` is of another platform; `None` when it is ours.
    pub(super) fn differs(&self, theirs: &Self) -> Option<String> {
        if self.gitlab != theirs.gitlab {
            let (one, other): (String, String) = (shown(&theirs.gitlab), shown(&self.gitlab));
            return Some(format!("it is about {one}, not about {other}"));
        }
        if self.cluster != theirs.cluster {
            return Some("it is about another cluster".to_owned());
        }
        (self.tiers != theirs.tiers).then(|| "names or members of the tiers have changed since".to_owned())
    }
}

/// A foreign file may hold anything.
fn shown(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(100).collect()
}

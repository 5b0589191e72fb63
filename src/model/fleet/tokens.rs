//! What is known of tokens beside what GitLab's list of runners shows now.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::observation::{ApiTokenReport, RunnerId, RunnerReport, SecretReport, SourceKey};

/// A runner's token as it was last shown, and when it was seen to change.
#[derive(Debug, Clone)]
struct Shown {
    short_sha: Option<Arc<str>>,
    expires_at: Option<Timestamp>,
    replaced: Option<Timestamp>,
}

/// Tokens of runners, their Secrets, and our own.
#[derive(Debug, Clone, Default)]
pub(in crate::model) struct Tokens {
    shown: BTreeMap<RunnerId, Shown>,
    secrets: BTreeMap<(Arc<str>, Arc<str>), Option<SecretReport>>,
    pub(in crate::model) own: Option<ApiTokenReport>,
}

impl Tokens {
    /// Compares the runners' tokens with those shown before: GitLab does not tell when one was replaced.
    pub(super) fn compare(&mut self, runners: &[RunnerReport], now: Timestamp) {
        let of = |runner: &RunnerReport| {
            let before = self.shown.get(&runner.id);
            let differs = |before: &Shown| {
                let other_token =
                    before.short_sha.is_some() && runner.short_sha.is_some() && before.short_sha != runner.short_sha;
                other_token || before.expires_at.is_some() && runner.expires_later_than(before.expires_at)
            };
            let replaced = before.and_then(|before| if differs(before) { Some(now) } else { before.replaced });
            let (short_sha, expires_at) = (runner.short_sha.clone(), runner.token_expires_at);
            (runner.id, Shown { short_sha, expires_at, replaced })
        };
        self.shown = runners.iter().map(of).collect();
    }

    /// When a runner's token was seen to be replaced.
    pub(in crate::model) fn replaced(&self, runner: RunnerId) -> Option<Timestamp> {
        self.shown.get(&runner)?.replaced
    }

    pub(super) fn keep_secrets(&mut self, source: &SourceKey, secrets: Vec<(Arc<str>, Option<SecretReport>)>) {
        let Some(namespace) = &source.namespace else { return };
        for (name, report) in secrets {
            self.secrets.insert((Arc::clone(namespace), name), report);
        }
    }

    /// What is known of a Secret.
    pub(in crate::model) fn secret(&self, namespace: &Arc<str>, name: &Arc<str>) -> Option<&SecretReport> {
        self.secrets.get(&(Arc::clone(namespace), Arc::clone(name)))?.as_ref()
    }
}

impl RunnerReport {
    fn expires_later_than(&self, before: Option<Timestamp>) -> bool {
        self.token_expires_at.is_some_and(|now| before.is_some_and(|before| now > before))
    }
}

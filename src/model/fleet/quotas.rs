//! The table of quotas: what the cluster grants to the namespaces of the tiers.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::observation::{Change, QuotaReport};

/// Quotas of the watched namespaces, by namespace and name.
#[derive(Debug, Clone, Default)]
pub(in crate::model) struct Quotas {
    rows: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Box<QuotaReport>>>,
}

impl Quotas {
    /// Folds a change of one namespace's quotas.
    pub(super) fn change(&mut self, namespace: &Arc<str>, change: Change<Box<QuotaReport>>) {
        let rows = self.rows.entry(Arc::clone(namespace)).or_default();
        match change {
            Change::Upsert(quota) => {
                rows.insert(quota.name.clone(), quota);
            }
            Change::Gone(name) => {
                rows.remove(&name);
            }
            Change::Replace(quotas) => {
                *rows = quotas.into_iter().map(|quota| (quota.name.clone(), quota)).collect();
            }
        }
    }

    /// Quotas of one namespace, by name.
    pub(in crate::model) fn of(&self, namespace: &str) -> impl Iterator<Item = &QuotaReport> {
        self.rows.get(namespace).into_iter().flat_map(BTreeMap::values).map(Box::as_ref)
    }
}

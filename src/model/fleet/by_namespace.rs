//! Tables of what stands in the namespaces of the tiers by name: quotas, limits, policies, accounts, roles.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::observation::{AccountReport, BindingReport, Change, LimitReport, NetpolReport, QuotaReport, RoleReport};

/// What is known by its name within its namespace.
pub(in crate::model) trait Named {
    fn name(&self) -> &Arc<str>;
}

macro_rules! named {
    ($($report:ty),+) => {$(
        impl Named for $report {
            fn name(&self) -> &Arc<str> {
                &self.name
            }
        }
    )+};
}

named!(QuotaReport, LimitReport, NetpolReport, AccountReport, RoleReport, BindingReport);

/// Objects of the watched namespaces, by namespace and name.
#[derive(Debug, Clone)]
pub(in crate::model) struct ByNamespace<T> {
    rows: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Box<T>>>,
}

impl<T> Default for ByNamespace<T> {
    fn default() -> Self {
        Self { rows: BTreeMap::new() }
    }
}

impl<T: Named> ByNamespace<T> {
    /// Folds a change of one namespace's objects.
    pub(super) fn change(&mut self, namespace: Option<&Arc<str>>, change: Change<Box<T>>) {
        let Some(namespace) = namespace else { return };
        let rows = self.rows.entry(Arc::clone(namespace)).or_default();
        match change {
            Change::Upsert(row) => {
                rows.insert(Arc::clone(row.name()), row);
            }
            Change::Gone(name) => {
                rows.remove(&name);
            }
            Change::Replace(all) => *rows = all.into_iter().map(|row| (Arc::clone(row.name()), row)).collect(),
        }
    }

    /// Those of one namespace, by name.
    pub(in crate::model) fn of(&self, namespace: &str) -> impl Iterator<Item = &T> {
        self.rows.get(namespace).into_iter().flat_map(BTreeMap::values).map(Box::as_ref)
    }
}

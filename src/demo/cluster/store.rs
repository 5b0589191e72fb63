//! What an API server keeps: objects as served, their history for watches, and how far back that history goes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// The collections the simulated API server serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Resource {
    Pods,
    Events,
    Nodes,
    Namespaces,
    Quotas,
    Limits,
    Netpols,
    Accounts,
    Roles,
    Bindings,
}

/// What an object is found by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) resource: Resource,
    /// Empty for cluster-scoped objects.
    pub(crate) namespace: Arc<str>,
    pub(crate) name: Arc<str>,
}

/// An object at one revision.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) version: u64,
    /// The object as JSON, its `resourceVersion` included.
    pub(crate) json: Arc<str>,
    /// What label selectors look at.
    pub(crate) labels: Arc<[(String, String)]>,
    /// What field selectors look at, beside name and namespace.
    pub(crate) fields: Arc<[(&'static str, String)]>,
}

/// How an object changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Added,
    Modified,
    Deleted,
}

impl Verb {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
        }
    }
}

/// One change, as a watch tells it.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) verb: Verb,
    pub(crate) key: Key,
    pub(crate) object: Stored,
}

/// An object about to be stored. `body` lacks `resourceVersion`, which the store fills in.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) key: Key,
    pub(crate) body: serde_json::Value,
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) fields: Vec<(&'static str, String)>,
}

/// A revision is older than the history that is kept.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Expired;

/// Changes kept for watches; a watch that falls further behind must list again.
const HISTORY: usize = 50_000;

/// All objects and their recent history.
#[derive(Debug)]
pub(crate) struct Store {
    version: u64,
    /// Watches from before this revision are told 410.
    compacted: u64,
    objects: BTreeMap<Key, Stored>,
    changes: VecDeque<Change>,
}

impl Store {
    pub(crate) fn new() -> Self {
        // API servers never start at 0, which means "any version" to a list.
        Self { version: 1_000, compacted: 1_000, objects: BTreeMap::new(), changes: VecDeque::new() }
    }

    /// The newest revision.
    pub(crate) const fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn put(&mut self, draft: Draft) {
        let Draft { key, mut body, labels, fields } = draft;
        self.version += 1;
        body["metadata"]["resourceVersion"] = self.version.to_string().into();
        let object = Stored {
            version: self.version,
            json: body.to_string().into(),
            labels: labels.into(),
            fields: fields.into(),
        };
        let verb = match self.objects.insert(key.clone(), object.clone()) {
            Some(_) => Verb::Modified,
            None => Verb::Added,
        };
        self.remember(Change { verb, key, object });
    }

    pub(crate) fn delete(&mut self, key: &Key) {
        if let Some(mut object) = self.objects.remove(key) {
            self.version += 1;
            // The last state is told under the revision of the deletion.
            object.json = object.json.replacen(&revision(object.version), &revision(self.version), 1).into();
            object.version = self.version;
            self.remember(Change { verb: Verb::Deleted, key: key.clone(), object });
        }
    }

    fn remember(&mut self, change: Change) {
        self.changes.push_back(change);
        if self.changes.len() > HISTORY
            && let Some(dropped) = self.changes.pop_front()
        {
            self.compacted = dropped.object.version;
        }
    }

    /// Forgets all history, as etcd's compaction does.
    pub(crate) fn compact(&mut self) {
        self.version += 1;
        self.compacted = self.version;
        self.changes.clear();
    }

    /// Objects of one collection, in one namespace or in all, in the order of their keys.
    pub(crate) fn list<'a>(
        &'a self,
        resource: Resource,
        namespace: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a Key, &'a Stored)> {
        let start = Key { resource, namespace: namespace.unwrap_or("").into(), name: "".into() };
        self.objects.range(start..).take_while(move |(key, _)| {
            key.resource == resource && namespace.is_none_or(|wanted| wanted == key.namespace.as_ref())
        })
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&Stored> {
        self.objects.get(key)
    }

    /// What changed after a revision.
    pub(crate) fn since(&self, version: u64) -> Result<impl Iterator<Item = &Change>, Expired> {
        if version < self.compacted {
            return Err(Expired);
        }
        let from = self.changes.partition_point(|change| change.object.version <= version);
        Ok(self.changes.range(from..))
    }
}

fn revision(version: u64) -> String {
    format!(r#""resourceVersion":"{version}""#)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn draft(name: &str) -> Draft {
        Draft {
            key: Key { resource: Resource::Pods, namespace: "ns".into(), name: name.into() },
            body: json!({"metadata": {"name": name}}),
            labels: vec![],
            fields: vec![],
        }
    }

    #[test]
    fn a_deletion_is_told_under_its_own_revision() {
        let mut store = Store::new();
        store.put(draft("a"));
        let seen = store.version();
        store.delete(&draft("a").key);
        let told: Vec<_> = store.since(seen).map(|changes| changes.cloned().collect()).unwrap_or_default();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].verb, Verb::Deleted);
        assert!(told[0].object.json.contains(&revision(store.version())), "{}", told[0].object.json);
    }

    #[test]
    fn history_before_a_compaction_is_gone() {
        let mut store = Store::new();
        store.put(draft("a"));
        let seen = store.version();
        store.compact();
        assert!(store.since(seen).is_err());
        assert_eq!(store.since(store.version()).map(Iterator::count), Ok(0));
    }
}

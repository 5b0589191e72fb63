//! What components write down as events: repeats raise a count, as the recorders do.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::World;
use crate::demo::cluster::objects::{self, Said};
use crate::demo::cluster::store::{Key, Resource};

/// An event that was written, for its repeats.
#[derive(Debug)]
pub(crate) struct Written {
    key: Key,
    uid: String,
    first: Timestamp,
    last: Timestamp,
    count: u32,
}

/// API servers keep events for an hour.
const KEPT: SignedDuration = SignedDuration::from_hours(1);

impl World {
    pub(super) fn say_about_pod(
        &mut self,
        pod: u64,
        component: &'static str,
        reason: &'static str,
        message: &str,
        warning: bool,
    ) {
        let Some(row) = self.pods.get(&pod) else { return };
        let (name, uid) = (Arc::clone(&row.name), row.uid.clone());
        let namespace = self.namespace_of(pod);
        self.say(("Pod", &namespace, &name, &uid), (component, reason, message, warning));
    }

    /// Writes an event about an object: kind, namespace, name, uid.
    pub(super) fn say(
        &mut self,
        about: (&str, &str, &str, &str),
        (component, reason, message, warning): (&'static str, &'static str, &str, bool),
    ) {
        let now = self.now;
        let again = (about.3.to_owned(), reason, message.to_owned());
        if !self.events.contains_key(&again) {
            let uid = self.chance.uid();
            let name = format!("{}.{}", about.2, self.chance.word(16));
            let namespace = if about.1.is_empty() { "default" } else { about.1 };
            let key = Key { resource: Resource::Events, namespace: namespace.into(), name: name.into() };
            self.events.insert(again.clone(), Written { key, uid, first: now, last: now, count: 0 });
        }
        let Some(written) = self.events.get_mut(&again) else { return };
        written.count += 1;
        written.last = now;
        let said = Said { component, reason, message, warning, count: written.count, first: written.first, last: now };
        self.store.put(objects::event(written.key.clone(), &written.uid, about, &said));
    }

    pub(super) fn forget_old_events(&mut self) {
        let old = self.now - KEPT;
        let gone: Vec<Key> =
            self.events.values().filter(|written| written.last < old).map(|written| written.key.clone()).collect();
        self.events.retain(|_, written| written.last >= old);
        for key in gone {
            self.store.delete(&key);
        }
    }
}

//! What a source tells about itself in words: said when it changes, not at every poll.

use std::collections::BTreeMap;

use crate::observation::Body;
use crate::source::{Outbox, Stopped};

/// The last note of each topic.
#[derive(Debug, Default)]
pub(crate) struct Notes(BTreeMap<&'static str, String>);

impl Notes {
    /// Says `text`, unless it was the last thing said of `topic`.
    pub(crate) async fn say(&mut self, outbox: &Outbox, topic: &'static str, text: String) -> Result<(), Stopped> {
        if self.0.get(topic) == Some(&text) {
            return Ok(());
        }
        outbox.say(Body::Note(text.clone())).await?;
        self.0.insert(topic, text);
        Ok(())
    }

    /// Nothing is to be said of `topic` any more; if it comes up again, it is said again.
    pub(crate) fn clear(&mut self, topic: &'static str) {
        self.0.remove(topic);
    }
}

/// At most three of `items` by name, the rest by number.
pub(crate) fn some_of(items: &[String]) -> String {
    let named = items.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    match items.len().checked_sub(3) {
        None | Some(0) => named,
        Some(more) => format!("{named} and {more} more"),
    }
}

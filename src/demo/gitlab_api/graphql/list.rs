//! Connections: pages of at most a hundred, newest first, by cursor.

use std::rc::Rc;

use super::Arguments;
use super::node::Node;
use crate::demo::gitlab_api::paging::{cursor_of, id_of};

/// A page of a connection.
#[derive(Debug)]
pub(super) struct List {
    /// Type of the nodes, which also names connection and edge.
    pub(super) of: &'static str,
    pub(super) rows: Vec<(u64, Node)>,
    pub(super) total: usize,
    pub(super) next: bool,
    pub(super) previous: bool,
}

impl List {
    /// Cuts a page out of ids that are in descending order.
    pub(super) fn page(of: &'static str, ids: &[u64], arguments: &Arguments, node: impl Fn(u64) -> Node) -> Rc<Self> {
        let text = |name: &str| arguments.get(name).and_then(|value| value.as_str()).and_then(id_of);
        let number = |name: &str| arguments.get(name).and_then(|v| v.as_u64()).and_then(|v| usize::try_from(v).ok());
        let start = text("after").map_or(0, |id| ids.partition_point(|row| *row >= id));
        let end = text("before").map_or(ids.len(), |id| ids.partition_point(|row| *row > id)).max(start);
        let (start, end) = match (number("first"), number("last")) {
            (None, Some(last)) => (end.saturating_sub(last.min(100)).max(start), end),
            (first, _) => (start, end.min(start + first.unwrap_or(100).min(100))),
        };
        let rows = ids.get(start..end).unwrap_or_default().iter().map(|id| (*id, node(*id))).collect();
        Rc::new(Self { of, rows, total: ids.len(), next: end < ids.len(), previous: start > 0 })
    }

    pub(super) fn cursor(&self, last: bool) -> Option<String> {
        let row = if last { self.rows.last() } else { self.rows.first() };
        row.map(|(id, _)| cursor_of(*id))
    }
}

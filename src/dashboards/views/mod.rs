//! Which panels stand on which dashboard, and in which order.

mod daemon;
mod incident;
mod overview;
mod tier;
mod topics;

use super::board::Board;
use super::limits::Limits;

/// Every dashboard: first those between which people go to and fro, then a view of each alert that can wake somebody.
pub(super) fn all(limits: &Limits) -> Vec<Board> {
    let mut boards = vec![overview::board(limits), tier::board(limits)];
    boards.extend(topics::boards(limits));
    boards.push(daemon::board(limits));
    boards.extend(incident::boards(limits));
    boards
}

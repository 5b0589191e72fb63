//! The pure core: what was seen (`fleet`), what was declared ([`policy`]), what happened
//! ([`occurrence`]) and what can be said now ([`assessment`]).
//!
//! Laws of this room: std, jiff and serde only; time is an argument; no IO, no lock, no task.

pub mod assessment;
pub mod occurrence;
pub mod policy;

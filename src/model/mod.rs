//! The pure core: what was declared ([`policy`]), what was seen ([`fleet`]), where jobs belong ([`tier`]), what
//! happened ([`occurrence`]), what can be said now ([`assessment`] and [`job_assessment`], judged by [`assess`]) and
//! what was lately ([`history`]).
//!
//! Laws of this room: std, jiff and serde only; time is an argument; no IO, no lock, no task.

pub mod assess;
pub mod assessment;
pub mod fleet;
pub mod history;
pub mod job_assessment;
pub mod key;
pub mod occurrence;
pub mod policy;
pub mod posture;
pub mod tier;

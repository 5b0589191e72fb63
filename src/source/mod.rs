//! The way in: each source asks one API and says what it was told, as [`Observation`]s.
//!
//! A source translates and judges nothing. It never reads the model; what the desk would like it to look at
//! arrives as [`Wishes`](crate::observation::Wishes) on a watch channel.

pub mod gitlab;
pub mod kube;
mod outbox;
pub mod poll;
mod texts;
pub mod watch;
pub mod webhook;

pub use outbox::{Outbox, Stopped};
pub use texts::Texts;

//! The way out to Alertmanager, for teams without rules of their own: the alerts that fire, and a heartbeat.
//!
//! Alertmanager is told everything that fires again and again, as Prometheus does it: nothing has to be remembered
//! of what arrived. Each address has a task of its own, so that one that hangs keeps nobody waiting.

mod body;
mod client;
mod task;

pub use body::{HEARTBEAT, PostableAlert, alerts};
pub use client::{Client, PushError};
pub use task::Pusher;

//! A GitLab and a Kubernetes API in one process on loopback, driven by scripted scenarios, with the truth kept.
//!
//! `world` is pure and deterministic: the same scenario and seed play the same story. `stage` gives it time;
//! `gitlab_api` and `kube_api` show it to clients; `session` starts it all and hands out what a daemon needs.

mod cluster;
pub mod faults;
pub mod gitlab_api;
mod hooks;
pub mod kube_api;
mod rehearsal;
pub mod scenario;
mod session;
mod stage;
pub mod truth;
pub mod world;

pub use rehearsal::{Rehearsal, RehearsalError};
pub use session::{Demo, DemoError};

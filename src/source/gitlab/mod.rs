//! Sources that read the GitLab API.
//!
//! ```text
//! queue ─┬ instance_jobs ─┐            ┌ graphql ┐
//!        └ queue_projects ┤            │         ├ client ─ transport
//! started ────────────────┼─ queries ──┤ paging  │   └ budget, answer, error
//! refs ───────────────────┤            └ endpoints
//! runners ─ auditor ──────┤
//! job_logs ───────────────┘  translate: JSON → our words, pure
//! ```
//!
//! [`GitlabSources`] makes them all; [`NEEDS`] says what each needs of the token.

mod answer;
mod auditor;
mod budget;
mod client;
mod endpoints;
mod error;
mod graphql;
mod instance_jobs;
mod introduction;
mod job_logs;
mod notes;
mod one_runner;
mod pace;
mod paging;
pub mod queries;
mod queue;
mod queue_projects;
mod refs;
pub mod rotation;
mod runner_jobs;
mod runner_queues;
mod runners;
mod sources;
mod started;
mod text;
pub mod translate;
mod transport;
mod wished;

pub(crate) use answer::RateLimit;
pub use client::{Call, Client};
pub use error::ClientError;
pub(crate) use introduction::{HookReport, Introduction};
pub use sources::{GitlabSources, NEEDS, Need};

//! Sources that watch the Kubernetes API: pods, events, quotas and limits of each tier's namespaces, nodes of the cluster.
//!
//! `plan` says which watches a configuration asks for, `client` connects, `start` runs them. Each kind has a file
//! with the pure function that translates its objects; what objects look like is parsed leniently and trimmed on
//! the way in. `rbac` declares and prints the rights.

mod client;
pub mod events;
mod failure;
mod lenient;
pub mod limits;
mod metadata;
pub mod nodes;
mod plan;
mod pod_object;
mod pod_spec;
pub mod pods;
pub mod quantity;
pub mod quotas;
pub mod rbac;
mod start;

pub use client::{ConnectError, connect};
pub(super) use failure::{failure, refused, told, undecodable};
pub use plan::plan;
pub use start::{Watches, start};

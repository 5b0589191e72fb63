//! Sources that watch the Kubernetes API: each tier's namespaces with their pods, events, quotas, limits, network policies,
//! accounts and roles, and the nodes of the cluster.
//!
//! `plan` says which watches a configuration asks for, `client` connects, `start` runs them. Each kind has a file
//! with the pure function that translates its objects; what objects look like is parsed leniently and trimmed on
//! the way in. `rbac` declares and prints the rights.

pub mod accounts;
mod ask;
pub mod bindings;
mod client;
pub mod events;
mod failure;
mod labels;
mod lenient;
pub mod limits;
mod metadata;
pub mod namespaces;
pub mod netpols;
pub mod nodes;
mod plan;
mod pod_object;
pub mod pod_shape;
mod pod_spec;
pub mod pods;
pub mod quantity;
pub mod quotas;
pub mod rbac;
mod review;
pub mod roles;
mod start;
pub mod token_secrets;

pub use client::{ConnectError, connect};
pub(super) use failure::{failure, refused, told, undecodable};
pub use plan::plan;
pub(crate) use review::{Act, identity, may, version};
pub use start::{Watches, start};

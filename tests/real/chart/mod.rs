//! The Helm chart through Helm 3 and Helm 4. The points C1 to C25 of its checklist are named at the tests that show them;
//! docs/decisions/0027 has the table.
//!
//! - [`render`]: what is rendered, with which values, and what is refused.
//! - [`same`]: rules and rights are those that the daemon prints.
//! - [`objects`]: what each object must and must not be; [`valid`]: in every version of Kubernetes.
//! - [`manifests`]: the same without Helm.

mod manifests;
mod objects;
mod render;
mod same;
mod valid;

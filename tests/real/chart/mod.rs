//! The Helm chart through Helm 3 and Helm 4. The points C1 to C25 of its checklist are named at the tests that show them;
//! docs/decisions/0027 has the table.
//!
//! - [`render`]: what is rendered, with which values, and what is refused.
//! - [`same`]: rules and rights are those that the daemon prints.
//! - [`objects`]: what each object must and must not be; [`valid`]: in every version of Kubernetes.
//! - [`standby`]: two pods, and what looks before they start.
//! - [`web`]: the web configurations that the pages show.
//! - [`installed`]: the chart in a real API server; [`manifests`]: the same without Helm.

mod installed;
mod manifests;
mod objects;
mod render;
mod same;
mod standby;
mod valid;
mod web;

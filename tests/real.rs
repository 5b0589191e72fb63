//! tierwatch against real parts: a Kubernetes control plane, Prometheus 3 and 2.42, Helm 3 and 4, GitLab's own Go client.
//!
//! `cargo test --features real --test real`; needs Go, and Debian's `prometheus`. A missing part fails, it does not skip.

#[path = "real/support/mod.rs"]
mod support;

#[path = "real/api_server.rs"]
mod api_server;
#[path = "real/browser.rs"]
mod browser;
#[path = "real/chart/mod.rs"]
mod chart;
#[path = "real/check.rs"]
mod check;
#[path = "real/daemon.rs"]
mod daemon;
#[path = "real/dashboards/mod.rs"]
mod dashboards;
#[path = "real/faults/mod.rs"]
mod faults;
#[path = "real/gitlab_client.rs"]
mod gitlab_client;
#[path = "real/image.rs"]
mod image;
#[path = "real/job_pods.rs"]
mod job_pods;
#[path = "real/kills.rs"]
mod kills;
#[path = "real/lease.rs"]
mod lease;
#[path = "real/posture.rs"]
mod posture;
#[path = "real/prometheus.rs"]
mod prometheus;
#[path = "real/python_gitlab.rs"]
mod python_gitlab;
#[path = "real/reference/mod.rs"]
mod reference;
#[path = "real/refusals.rs"]
mod refusals;
#[path = "real/rights.rs"]
mod rights;
#[path = "real/routing.rs"]
mod routing;
#[path = "real/rules/mod.rs"]
mod rules;
#[path = "real/scheduling.rs"]
mod scheduling;
#[path = "real/schemathesis.rs"]
mod schemathesis;
#[path = "real/verdicts.rs"]
mod verdicts;

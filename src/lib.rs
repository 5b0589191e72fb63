//! tierwatch: which runner tier hurts, since when, why, whose fault, and what to do next.
//!
//! One picture, and everything has its room in it. Data flows left to right and never turns back.
//!
//! ```text
//!   source (IO in)              desk (one task owns the state)          output (IO out)
//!
//!   gitlab queue    poll  ─┐
//!   gitlab started  poll  ─┤ Observation  ┌────────────────────────┐    metrics: counters
//!   gitlab refs     poll  ─┤ bounded      │ model::fleet.apply(obs)│    and histograms ────┐
//!   gitlab hooks    push  ─┤              │   └► Occurrence ───────┼───►                   ├─► /metrics
//!   gitlab runners  poll  ─┼─────────────►│                        │                       │
//!   kube pods       watch ─┤              │                        │                       │
//!   kube events     watch ─┤              │ each change and second │    watch<Arc<         │
//!   kube nodes      watch ─┘              │ model::assess(fleet) ──┼───►  Assessment>> ────┴─► page, JSON, probes
//!         ▲                               └───────────┬────────────┘
//!         └───────────── wishes ──────────────────────┘
//!   know APIs, not tiers                  knows tiers, no API              know formats, not causes
//! ```
//!
//! - [`observation`]: every word a source may say.
//! - [`model`] and [`cause`]: pure. What was seen, what it means, what can be counted; time is an argument.
//! - [`condition`]: pure. The named judgements that alerts are made of, each with its reason in words.
//! - [`source`]: one file per thing that is asked; translates, never judges.
//! - [`desk`]: the one owner of the fleet.
//! - [`metrics`], [`output`]: what is told, and how it is served. [`listener`]: the sockets; [`web`]: who is let in.
//! - [`config`]: what was written, checked all at once. [`clock`]: the only reader of time.
//! - [`state`]: keys of what was counted, kept over a restart; never counter values.
//! - [`lease`]: two side by side, of which one counts and tells.
//! - [`recording`]: what the desk heard, written down, and judged again.
//! - [`rules`]: the conditions as rules for Prometheus, and the burn of the start budget. [`dashboards`]: the same for Grafana.
//! - [`demo`]: a GitLab and a Kubernetes API in one process, with the truth kept.
//! - [`check`]: what is wrong with an installation, told by the daemon's own sources.
//! - [`app`] wires it; [`cli`] and [`commands`] are the way in; [`classify`] needs none of it, and
//!   [`ask`] talks to a daemon that runs.

pub mod app;
pub mod ask;
mod authorities;
mod bounded;
pub mod cause;
pub mod check;
pub mod classify;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod condition;
pub mod config;
pub mod dashboards;
pub mod demo;
pub mod desk;
pub mod error;
mod error_chain;
pub mod lease;
pub mod listener;
pub mod metrics;
pub mod model;
pub mod observation;
pub mod output;
pub mod recording;
pub mod rules;
pub mod source;
pub mod state;
pub mod telemetry;
pub mod web;

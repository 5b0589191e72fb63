//! `tierwatch check`: what is wrong with an installation, before it hurts.
//!
//! ```text
//! files, listen ───────────────────────────┐  config and machine: all that `--offline` looks at
//! reach (DNS, TCP, TLS) ──► certificate ───┤
//! round: one round of the daemon's own     ├──► Line: probe · verdict · evidence · fix ──► report ─┬─ table
//!   sources, heard by the daemon's own desk│                                                       └─ JSON
//!     └──► gitlab · budget · hooks · tiers · cluster
//! rights (access reviews) ─────────────────┤
//! peers (Alertmanager, OTLP) ──────────────┘
//! ```
//!
//! The requests are those of the sources: what `check` says may be read is what the daemon reads. Probes run side by side,
//! each bounded in time; one that fails hides no other, and what cannot be told for it says so. `docs/check.md` has a
//! section for each [`Probe`].

mod budget;
mod certificate;
mod cluster;
mod files;
mod gitlab;
mod hooks;
mod line;
mod listen;
mod peers;
mod reach;
mod rights;
mod round;
mod run;
mod table;
mod tiers;

pub use line::{Area, Line, Probe, Report, Verdict};
pub use run::{Asked, proxy_for, run};
pub use table::render;

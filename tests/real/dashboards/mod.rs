//! The dashboards against the real thing: Grafana's own types (B1), a Prometheus that answers every query (B9, B11), and what a
//! query costs on a large exposition (B23).
//!
//! A preview of every dashboard, drawn from the answers of one scenario, is left in `target/dashboards/`, and so is the report.

mod answers;
mod asked;
mod cost;
mod preview;
#[path = "../../dashboards/read.rs"]
#[expect(
    clippy::unwrap_used,
    dead_code,
    reason = "shared with the tests of the files, which stop at the first surprise"
)]
mod read;
mod types;

pub(crate) use answers::{ask, require_all};

//! The Helm chart, as far as Rust alone can judge it: what it holds of the daemon is what the daemon says, its values are
//! closed and described, and wrong ones are refused. `TIERWATCH_BLESS=1` writes what is generated anew.
//!
//! What Helm makes of it is judged in `tests/real/chart/`.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod files;
mod limits;
mod metadata;
mod reference;
mod rights;
mod rules;
mod schema;
mod values;

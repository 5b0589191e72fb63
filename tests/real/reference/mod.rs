//! The reference platform: what OpenTofu makes of its map of tiers, held to policies, and applied to the real API server.
//!
//! - [`platform`]: the outputs of the pure module, by kind of thing.
//! - [`policies`]: what must hold of them.
//! - [`runner`]: plays GitLab's chart and GitLab Runner, from the values that the platform gives them.
//! - [`applied`]: tierwatch's own verdict on it, and on the platform with each piece taken away.

mod applied;
mod platform;
mod policies;
mod runner;

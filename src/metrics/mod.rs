//! The metrics: one catalogue, levels rendered from the assessment, occurrences counted once.

pub mod catalogue;
pub mod exposition;
mod family;
mod freshness;
mod levels;
mod occurrences;
mod own;
mod process;
mod seed;
mod waits;

pub use levels::Levels;
pub use occurrences::Occurrences;
pub use own::{HookResult, Operation, Own, PushResult, StatusClass};
pub use process::Process;

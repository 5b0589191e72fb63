//! The metrics: one catalogue, levels rendered from the assessment, occurrences counted once.

mod own;

pub use own::{Operation, Own, StatusClass};

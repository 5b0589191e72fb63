//! Shared by the integration tests.

#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod fake;
pub mod served;
pub mod story;

//! tierwatch: which runner tier hurts, since when, why, whose fault, and what to do next.

pub mod app;
pub mod cause;
pub mod classify;
pub mod clock;
pub mod config;
pub mod demo;
pub mod desk;
pub mod metrics;
pub mod model;
pub mod observation;
pub mod output;
pub mod source;

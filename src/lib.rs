//! tierwatch: which runner tier hurts, since when, why, whose fault, and what to do next.

pub mod app;
pub mod cause;
pub mod classify;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod demo;
pub mod desk;
pub mod error;
pub mod metrics;
pub mod model;
pub mod observation;
pub mod output;
pub mod source;
pub mod telemetry;

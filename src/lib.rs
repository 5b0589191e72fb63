//! tierwatch: which runner tier hurts, since when, why, whose fault, and what to do next.

pub mod cause;

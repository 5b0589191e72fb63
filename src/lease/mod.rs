//! Two tierwatch side by side: a Lease of Kubernetes decides which of them counts and tells, the other stands by.
//!
//! `election` follows client-go's leader election: pure, and no clock but its own is trusted · `term` is what the daemon is told
//! of it · `gate` keeps back what is another's to count: pure · `object` reads and writes the Lease · `holder` is the task.
//!
//! What has a time of its own is counted by whose interval that time falls into. An interval begins at the predecessor's
//! last renewal and ends at one's own last one, and both are read from the same object: nothing falls into two.

mod election;
mod gate;
mod holder;
mod object;
mod term;

pub use election::{Election, Record};
pub use gate::Gate;
pub use holder::Holder;
pub use term::Term;

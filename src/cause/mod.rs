//! Why a job waits or a pod fails: closed families of causes, the texts that show them, and what each means.
//!
//! One file per family holds its causes and its recognisers in order of precedence, with who says such a text and
//! since when. [`explain()`] is the one table of sentences, blame and next steps. Pure: texts in, verdicts out.

mod any;
mod autoscale;
mod explain;
mod family;
mod http_status;
mod image;
mod label;
mod queue;
mod reference;
mod text;

pub mod admission;
pub mod autoscaling;
pub mod image_pull;
pub mod limit;
pub mod pulled;
pub mod runtime;
pub mod scheduling;
pub mod taint;

pub use admission::Admission;
pub use any::{Classified, classify};
pub use autoscale::Autoscale;
pub use explain::{Explanation, explain};
pub use family::{Blame, Cause, Family, Verdict};
pub use image::registry_of;
pub use image_pull::{Pull, PullVerdict};
pub use label::{Closed, UnknownLabel};
pub(crate) use label::{closed, labels};
pub use pulled::Pulled;
pub use queue::Queue;
pub use runtime::Runtime;
pub use scheduling::Scheduling;
pub use text::{MAX_MESSAGE, is_combined, parse_go_duration};

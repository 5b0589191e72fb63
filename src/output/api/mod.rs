//! The JSON: the same assessment as the page. Durations are numbers of seconds, unknown is `null`.
//!
//! [`operation`] lists what can be asked; the router and the OpenAPI document are made of that one list.

mod answer;
mod boundaries;
mod document;
pub(crate) mod job;
mod label;
mod operation;
mod view;

pub use answer::overview;
pub(super) use answer::refusal;
pub use document::openapi;
pub(super) use operation::routes;

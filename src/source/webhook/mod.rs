//! Hooks that GitLab sends, on a listener of their own.
//!
//! ```text
//! request ─► listen: method, path, size, time ─► proof: secret or signature ─► translate ─► seen before? ─► desk
//! ```
//!
//! GitLab is answered before anything is done with a hook: it gives up after ten seconds and switches a hook off
//! that fails often. What a hook says is never needed: whatever is lost, a poll finds.

mod delivery;
mod listen;
mod proof;
mod seen;

pub(crate) use listen::PATH;
pub use listen::Webhooks;

//! The state file: keys and deadlines, never counter values, so that a restart counts nothing twice and misses little.
//!
//! `journal` is the format · `memory` what the file amounts to · `file` reads and writes it, and sets aside what is
//! broken or of another platform · `keeper` stands between the desk and the disk: key first, then count.

mod file;
mod identity;
mod journal;
mod keeper;
mod memory;

pub use identity::Identity;
pub use keeper::{Keeper, Scraped};

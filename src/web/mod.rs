//! The way in: encryption, certificates of clients, passwords, a bound on requests; as the file of `--web.config.file` says, and
//! read again when it changes.
//!
//! `keeper` holds what is in force · `tls` makes rustls' settings · `passwords` checks them without telling by its time whether
//! a user exists · `door` stands before every page ·
//! `source` tells the desk whether the files can be used.

mod door;
mod keeper;
mod passwords;
mod source;
mod tls;

pub use door::Door;
pub(crate) use door::guard;
pub use keeper::{Keeper, WebError};
pub use source::Watch;
pub(crate) use tls::Peer;

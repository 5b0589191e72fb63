//! The simulated cluster: its objects, how they are stored and how they look to a client.

pub(crate) mod boundary;
pub(crate) mod node;
pub(crate) mod objects;
pub(crate) mod pod;
pub(crate) mod store;

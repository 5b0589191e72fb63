//! The watches against a small API server on loopback: nothing is mocked on our side of the socket.

#![expect(clippy::unwrap_used, reason = "a helper of tests may panic")]

mod api;
mod failing;
mod following;
mod harness;

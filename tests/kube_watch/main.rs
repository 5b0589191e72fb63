//! The watches against a small API server on loopback: nothing is mocked on our side of the socket.

mod api;
mod failing;
mod following;
mod harness;

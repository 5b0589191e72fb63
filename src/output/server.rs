//! The socket on which metrics, page and JSON are served.

use std::net::SocketAddr;

use axum::Router;
use tokio_util::sync::CancellationToken;

use super::{Outputs, State, routes};
use crate::listener::{BindError, Listener};

/// A bound, not yet serving socket.
#[derive(Debug)]
pub struct Server {
    listener: Listener,
    router: Router,
}

impl Server {
    /// Binds `address`: `host:port`, `[v6]:port`, or `:port` for every interface. Port 0 takes a free one.
    ///
    /// # Errors
    /// [`BindError`] when the address is taken, not ours, or no address.
    pub async fn bind(address: &str, outputs: Outputs) -> Result<Self, BindError> {
        let listener = Listener::bind(address, "--web.listen-address").await?;
        let started = outputs.clock.now();
        Ok(Self { listener, router: routes::router(State { outputs, started }) })
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.listener.local_addr()
    }

    /// Serves until `stop`, then lets requests under way end.
    pub async fn run(self, stop: CancellationToken) {
        self.listener.serve(self.router, stop).await;
    }
}

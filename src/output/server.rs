//! The socket on which metrics, page and JSON are served.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::middleware;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::history::Kept;
use super::{Outputs, State, routes};
use crate::listener::{BindError, Listener};
use crate::web::{Door, Keeper, guard};

/// A bound, not yet serving socket.
#[derive(Debug)]
pub struct Server {
    listener: Listener,
    router: Router,
    keeper: Option<Arc<Keeper>>,
    state: State,
}

impl Server {
    /// Binds `address`: `host:port`, `[v6]:port`, or `:port` for every interface. Port 0 takes a free one.
    ///
    /// # Errors
    /// [`BindError`] when the address is taken, not ours, or no address.
    pub async fn bind(address: &str, outputs: Outputs) -> Result<Self, BindError> {
        let listener = Listener::bind(address, "--web.listen-address").await?;
        let state = State { started: outputs.clock.now(), history: Kept::default(), outputs };
        Ok(Self { listener, router: routes::router(state.clone()), keeper: None, state })
    }

    /// Answers only whom `door` lets in, encrypted if it says so.
    #[must_use]
    pub fn behind(self, door: Door) -> Self {
        let keeper = Some(door.keeper());
        let router = self.router.layer(middleware::from_fn_with_state(door, guard));
        Self { router, keeper, ..self }
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.listener.local_addr()
    }

    /// Serves until `stop`, then lets requests under way end.
    pub async fn run(self, stop: CancellationToken) {
        let Self { listener, router, keeper, state } = self;
        let mut follower = JoinSet::new();
        follower.spawn(state.history.follow(state.outputs.assessment));
        listener.serve(router, keeper, stop).await;
    }
}

//! The socket: connections that are bounded in number, time and size, and that end in order.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Outputs, State, routes};

/// A scraper or two, some people's browsers, probes; a flood waits in the kernel's backlog.
const CONNECTIONS: usize = 256;

/// For the head of a request, idle time between requests included.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// For the head of a request; the longest `Accept` of a Prometheus is under 1 KiB.
const HEAD_BYTES: u32 = 16 * 1024;

/// For requests under way when the daemon is told to stop.
const FAREWELL: Duration = Duration::from_secs(5);

/// After an error of `accept` that concerns the listener, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// A bound, not yet serving socket.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    local_addr: SocketAddr,
    router: Router,
}

/// The listen address cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("listening on {address} (--web.listen-address)")]
pub struct BindError {
    address: String,
    source: io::Error,
}

impl Server {
    /// Binds `address`: `host:port`, `[v6]:port`, or `:port` for every interface. Port 0 takes a free one.
    ///
    /// # Errors
    /// [`BindError`] when the address is taken, not ours, or no address.
    pub async fn bind(address: &str, outputs: Outputs) -> Result<Self, BindError> {
        let failed = |source| BindError { address: address.to_owned(), source };
        let listener = match address.strip_prefix(':') {
            // One socket for both families where the machine has IPv6; never fall back from a taken port.
            Some(port) => match TcpListener::bind(format!("[::]:{port}")).await {
                Err(error) if no_ipv6(&error) => TcpListener::bind(format!("0.0.0.0:{port}")).await,
                done => done,
            },
            None => TcpListener::bind(address).await,
        }
        .map_err(failed)?;
        let local_addr = listener.local_addr().map_err(failed)?;
        let started = outputs.clock.now();
        Ok(Self { listener, local_addr, router: routes::router(State { outputs, started }) })
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves until `stop`, then lets requests under way end, for at most five seconds.
    pub async fn run(self, stop: CancellationToken) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let mut connections = JoinSet::new();
        loop {
            let stream = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(ended) = connections.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "a request handler broke");
                    }
                    continue;
                }
                place = Arc::clone(&places).acquire_owned() => {
                    let place = place.expect("nobody closes this semaphore");
                    tokio::select! {
                        biased;
                        () = stop.cancelled() => break,
                        accepted = self.listener.accept() => (accepted, place),
                    }
                }
            };
            match stream {
                (Ok((stream, _)), place) => {
                    let connection = serve(stream, self.router.clone(), stop.clone());
                    connections.spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
                (Err(error), _) if of_one_connection(&error) => {}
                (Err(error), _) => {
                    tracing::warn!(%error, "accepting a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(self.listener);
        let all = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(FAREWELL, all).await.is_err() {
            tracing::warn!("some requests did not end in time and were cut off");
        }
    }
}

async fn serve(stream: TcpStream, router: Router, stop: CancellationToken) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(HEAD_BYTES as usize);
    builder.http2().timer(TokioTimer::new()).max_header_list_size(HEAD_BYTES).max_concurrent_streams(16);
    builder.http2().keep_alive_interval(HEAD_TIMEOUT);
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::trace!(%error, "connection ended");
    }
}

fn no_ipv6(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported)
        || error.raw_os_error() == Some(97) // EAFNOSUPPORT, which has no kind of its own
}

fn of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

//! The socket: connections that are bounded in number, time and size, and that end in order.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::Layer as _;

use crate::web::{Keeper, Peer};

/// A scraper or two, some people's browsers, probes; a flood waits in the kernel's backlog.
const CONNECTIONS: usize = 256;

/// For the head of a request, idle time between requests included.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// For the head of a request; the longest `Accept` of a Prometheus is under 1 KiB.
const HEAD_BYTES: u32 = 16 * 1024;

/// For agreeing on keys; a client that says nothing holds one of the places meanwhile.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// For requests under way when the daemon is told to stop.
const FAREWELL: Duration = Duration::from_secs(5);

/// After an error of `accept` that concerns the listener, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// A bound, not yet serving socket.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    local_addr: SocketAddr,
}

/// The listen address cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("listening on {address} ({setting})")]
pub struct BindError {
    address: String,
    setting: &'static str,
    source: io::Error,
}

impl Listener {
    /// Binds `address`: `host:port`, `[v6]:port`, or `:port` for every interface. Port 0 takes a free one.
    /// `setting` is where the operator wrote it.
    ///
    /// # Errors
    /// [`BindError`] when the address is taken, not ours, or no address.
    pub async fn bind(address: &str, setting: &'static str) -> Result<Self, BindError> {
        let failed = |source| BindError { address: address.to_owned(), setting, source };
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
        Ok(Self { listener, local_addr })
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves `router` until `stop`, then lets requests under way end, for at most five seconds. With a `keeper` connections
    /// are encrypted as it says.
    pub async fn serve(self, router: Router, keeper: Option<Arc<Keeper>>, stop: CancellationToken) {
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
                    let connection = receive(stream, router.clone(), keeper.clone(), stop.clone());
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

/// Encrypts the connection, if it is to be, and talks.
async fn receive(stream: TcpStream, router: Router, keeper: Option<Arc<Keeper>>, stop: CancellationToken) {
    let Some(handshake) = keeper.and_then(|keeper| keeper.handshake()) else {
        return converse(stream, router, Peer::Unknown, stop).await;
    };
    let encrypted = tokio::select! {
        encrypted = tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake.with(stream)) => encrypted,
        () = stop.cancelled() => return,
    };
    match encrypted {
        Ok(Ok((stream, peer))) => converse(stream, router, peer, stop).await,
        Ok(Err(error)) => tracing::debug!(%error, "no encrypted connection"),
        Err(_) => tracing::debug!("no encrypted connection: the handshake took too long"),
    }
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    peer: Peer,
    stop: CancellationToken,
) {
    let service = Extension(peer).layer(router);
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(HEAD_BYTES as usize);
    builder.http2().timer(TokioTimer::new()).max_header_list_size(HEAD_BYTES).max_concurrent_streams(16);
    builder.http2().keep_alive_interval(HEAD_TIMEOUT);
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
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

/// Holds a listen address to the shape that Prometheus takes: `:port`, `host:port` or `[v6]:port`.
///
/// # Errors
/// What is wrong with it, and what would be right.
pub(crate) fn listen_address(text: &str) -> Result<String, String> {
    let Some((host, port)) = text.rsplit_once(':') else {
        return Err("the port is missing: write :10471, localhost:10471 or [::1]:10471".into());
    };
    if port.parse::<u16>().is_err() {
        return Err(format!("the port {port:?} is not a number up to 65535"));
    }
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match bracketed {
        Some(v6) if v6.parse::<std::net::Ipv6Addr>().is_err() => Err(format!("{v6:?} is not an IPv6 address")),
        None if host.contains(':') => Err(format!("write an IPv6 address in brackets: [{host}]:{port}")),
        None if host.contains("//") || host.contains(['/', ' ']) => {
            Err("give host and port only, without scheme and path".into())
        }
        _ => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listen_addresses_are_those_of_prometheus() {
        for good in [":10471", "localhost:80", "127.0.0.1:0", "[::1]:9999", "0.0.0.0:65535"] {
            assert_eq!(listen_address(good).as_deref(), Ok(good));
        }
        for bad in ["10471", ":", "localhost", ":65536", "::1:80", "[::g]:80", "http://localhost:80", "[::1]"] {
            assert!(listen_address(bad).is_err(), "{bad}");
        }
    }
}

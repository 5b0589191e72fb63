//! A wire on loopback that can hang or be cut, for faults between the daemon and the API server.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the wire does with the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Carries,
    /// Keeps every connection open and moves nothing: the far end looks alive and says no word.
    Hangs,
    /// Drops every connection, and each new one.
    Cut,
}

/// The near end listens on a port of its own; TLS goes through untouched.
#[derive(Debug)]
pub(crate) struct Relay {
    port: u16,
    mood: watch::Sender<Mood>,
    task: JoinHandle<()>,
}

impl Relay {
    /// Listens on a free port and carries everything to `target` on loopback.
    pub(crate) async fn to(target: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback has a free port");
        let port = listener.local_addr().expect("a bound listener has an address").port();
        let (mood, moods) = watch::channel(Mood::Carries);
        let target = SocketAddr::from((Ipv4Addr::LOCALHOST, target));
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, target, moods.clone()));
            }
        });
        Self { port, mood, task }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn hang(&self) {
        self.mood.send_replace(Mood::Hangs);
    }

    pub(crate) fn cut(&self) {
        self.mood.send_replace(Mood::Cut);
    }

    /// Carries again. What hung goes on, what was cut stays cut.
    pub(crate) fn mend(&self) {
        self.mood.send_replace(Mood::Carries);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(near: TcpStream, target: SocketAddr, moods: watch::Receiver<Mood>) {
    let mut cut = moods.clone();
    let bytes = async {
        let Ok(far) = TcpStream::connect(target).await else { return };
        let (near_in, near_out) = near.into_split();
        let (far_in, far_out) = far.into_split();
        // One direction's end leaves the other open, as TCP does.
        let _ = tokio::join!(pump(near_in, far_out, moods.clone()), pump(far_in, near_out, moods));
    };
    tokio::select! {
        () = bytes => {}
        _ = cut.wait_for(|mood| *mood == Mood::Cut) => {}
    }
}

async fn pump(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut moods: watch::Receiver<Mood>,
) -> std::io::Result<()> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await?;
        // The relay is gone: nobody can mend it any more.
        if moods.wait_for(|mood| *mood != Mood::Hangs).await.is_err() {
            return Ok(());
        }
        if read == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..read]).await?;
    }
}

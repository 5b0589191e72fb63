//! What is in force, read again when the file, or one that it names, changes. A file that cannot be used leaves the former
//! settings in force: a mistake while people edit it neither opens the door nor bars it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::tls::{self, Peer, TlsError};
use crate::config::{Pem, Problems, WebFile};

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// It is wrong.
    #[error(transparent)]
    File(#[from] Problems),
    /// A certificate or key is.
    #[error("using {path}: {source}")]
    Tls {
        /// The file of `--web.config.file`.
        path: String,
        /// What is wrong.
        source: TlsError,
    },
    /// Encryption was switched on or off.
    #[error("{path}: tls_server_config was {change}: that takes a restart")]
    Scheme {
        /// The file of `--web.config.file`.
        path: String,
        /// Added, or removed.
        change: &'static str,
    },
    /// `web.metrics_only_users` names users, and there is no file that has any.
    #[error(
        "web.metrics_only_users names users, and --web.config.file no file with their passwords: name the file, or remove the key"
    )]
    NoFile,
    /// `web.metrics_only_users` names somebody else.
    #[error("web.metrics_only_users names {user:?}, who is no user of {path}: add the user there, or remove the name")]
    NoSuchUser {
        /// The file of `--web.config.file`.
        path: String,
        /// The name.
        user: String,
    },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    NoRandomness,
}

impl WebError {
    /// For people, over several lines where there are several problems.
    #[must_use]
    pub fn told(&self) -> String {
        self.to_string().trim_end().replace("in the configuration", "in the web configuration")
    }
}

/// Settings that hold together.
#[derive(Clone)]
pub(super) struct Active {
    pub(super) file: Arc<WebFile>,
    pub(super) acceptor: Option<TlsAcceptor>,
}

/// What one connection is encrypted with.
pub(crate) struct Handshake {
    file: Arc<WebFile>,
    acceptor: TlsAcceptor,
}

impl Handshake {
    /// Agrees on keys; who is at the other end, too.
    pub(crate) async fn with(&self, stream: TcpStream) -> std::io::Result<(TlsStream<TcpStream>, Peer)> {
        let stream = self.acceptor.accept(stream).await?;
        let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let peer = self.file.tls.as_ref().map_or(Peer::Unknown, |tls| tls::peer(certificate, tls));
        Ok((stream, peer))
    }
}

/// The file and what is in force of it.
pub struct Keeper {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    active: Active,
    /// When each file was last written, the web file first; as it was at the last attempt to read them.
    written: Vec<Option<SystemTime>>,
    /// Why the files as they are now cannot be used.
    failure: Option<Arc<str>>,
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Keeper {
    /// Reads the file and all that it names.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn open(path: &Path) -> Result<Self, WebError> {
        let file = WebFile::load(path)?;
        let written = written(path, &file);
        let active = activate(file, path)?;
        Ok(Self { path: path.to_path_buf(), state: Mutex::new(State { active, written, failure: None }) })
    }

    /// Whether connections are encrypted; that does not change while the daemon runs.
    #[must_use]
    pub fn encrypts(&self) -> bool {
        self.lock().active.acceptor.is_some()
    }

    /// What is in force now. Looks at the files' times only, unless one of them moved.
    pub(super) fn active(&self) -> Active {
        let mut state = self.lock();
        let now = written(&self.path, &state.active.file);
        if now != state.written {
            match self.read_again(&state.active) {
                Ok(active) => {
                    tracing::info!(file = %self.path.display(), "the web configuration was read again");
                    // The new file may name other files.
                    state.written = written(&self.path, &active.file);
                    state.active = active;
                    state.failure = None;
                }
                Err(error) => {
                    tracing::error!(%error, "the former web configuration stays in force");
                    state.written = now;
                    state.failure = Some(one_line(&error.to_string()).into());
                }
            }
        }
        state.active.clone()
    }

    /// What the next connection is encrypted with; `None` where connections are not.
    pub(crate) fn handshake(&self) -> Option<Handshake> {
        let Active { file, acceptor } = self.active();
        acceptor.map(|acceptor| Handshake { file, acceptor })
    }

    /// Why the files as they are now cannot be used; absent: they are in force.
    #[must_use]
    pub fn failure(&self) -> Option<Arc<str>> {
        self.active();
        self.lock().failure.clone()
    }

    fn read_again(&self, former: &Active) -> Result<Active, WebError> {
        let active = activate(WebFile::load(&self.path)?, &self.path)?;
        let tls = active.acceptor.is_some();
        if tls != former.acceptor.is_some() {
            let change = if tls { "added" } else { "removed" };
            return Err(WebError::Scheme { path: self.path.display().to_string(), change });
        }
        Ok(active)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn activate(file: WebFile, path: &Path) -> Result<Active, WebError> {
    let wrong = |source| WebError::Tls { path: path.display().to_string(), source };
    let server = file.tls.as_ref().map(|tls| tls::server(tls, file.http2)).transpose().map_err(wrong)?;
    let acceptor = server.map(|server| TlsAcceptor::from(Arc::new(server)));
    Ok(Active { file: Arc::new(file), acceptor })
}

fn written(path: &Path, file: &WebFile) -> Vec<Option<SystemTime>> {
    let pems = file.tls.iter().flat_map(|tls| [Some(&tls.certificate), Some(&tls.key), tls.client_ca.as_ref()]);
    let named = pems.flatten().filter_map(|pem| match pem {
        Pem::File(path) => Some(path.as_path()),
        Pem::Inline(_) => None,
    });
    let modified = |path: &Path| std::fs::metadata(path).and_then(|meta| meta.modified()).ok();
    std::iter::once(path).chain(named).map(modified).collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

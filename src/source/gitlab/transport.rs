//! reqwest, set up the way GitLab is asked: bounded in time, never led to another host, with the operator's
//! certificate authorities, which are read again when their file changes.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use reqwest::redirect;
use url::{Host, Origin, Url};

use crate::authorities;
use crate::config::Gitlab;
use crate::error_chain::{causes, chain};
use crate::metrics::Operation;
use crate::observation::FailureClass;

use super::error::ClientError;
use super::text::{MAX_DETAIL, one_line};

/// A connection that takes longer than this will not come; the rest of the request's time is for the answer.
const MAX_CONNECT: Duration = Duration::from_secs(10);

/// Redirects followed within GitLab's own origin, e.g. to the new path of a moved group.
const MAX_REDIRECTS: usize = 3;

/// The HTTP client, made anew when the file with certificate authorities changes.
#[derive(Debug)]
pub(crate) struct Transport {
    base: Url,
    timeout: Duration,
    ca_file: Option<PathBuf>,
    current: Mutex<Made>,
}

#[derive(Debug)]
struct Made {
    client: reqwest::Client,
    ca_modified: Option<SystemTime>,
}

impl Transport {
    pub(crate) fn new(config: &Gitlab) -> Result<Self, ClientError> {
        let ca_modified = config.ca_file.as_deref().and_then(modified);
        let client = build(&config.url, config.timeout, config.ca_file.as_deref())?;
        Ok(Self {
            base: config.url.clone(),
            timeout: config.timeout,
            ca_file: config.ca_file.clone(),
            current: Mutex::new(Made { client, ca_modified }),
        })
    }

    /// The client with the certificate authorities as they are in the file now. A file that is unreadable for
    /// a moment, as in the middle of a rotation, leaves the former client in use.
    pub(crate) fn client(&self) -> reqwest::Client {
        let mut made = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = self.ca_file.as_deref() {
            let now = modified(file);
            if now.is_some() && now != made.ca_modified {
                match build(&self.base, self.timeout, Some(file)) {
                    Ok(client) => *made = Made { client, ca_modified: now },
                    Err(error) => tracing::warn!(%error, "the former certificate authorities stay in use"),
                }
            }
        }
        made.client.clone()
    }
}

fn modified(file: &Path) -> Option<SystemTime> {
    std::fs::metadata(file).and_then(|meta| meta.modified()).ok()
}

fn build(base: &Url, timeout: Duration, ca_file: Option<&Path>) -> Result<reqwest::Client, ClientError> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("tierwatch/", env!("CARGO_PKG_VERSION")))
        .timeout(timeout)
        .connect_timeout(timeout.min(MAX_CONNECT))
        .redirect(same_origin(base.origin()));
    if is_loopback(base) {
        builder = builder.no_proxy();
    }
    if let Some(path) = ca_file {
        let failed = |detail| ClientError::CaFile { path: path.to_path_buf(), detail };
        builder = builder.tls_certs_merge(authorities::read(path).map_err(failed)?);
    }
    builder.build().map_err(|error| ClientError::Prepare { detail: chain(&error.without_url()) })
}

/// reqwest drops only the headers it knows when it changes host; `PRIVATE-TOKEN` is not one of them.
fn same_origin(home: Origin) -> redirect::Policy {
    redirect::Policy::custom(move |attempt| {
        if attempt.url().origin() != home {
            let origin = attempt.url().origin().ascii_serialization();
            attempt.error(LedAway(origin))
        } else if attempt.previous().len() > MAX_REDIRECTS {
            attempt.stop()
        } else {
            attempt.follow()
        }
    })
}

/// A redirect to another host was refused.
#[derive(Debug, thiserror::Error)]
#[error("redirected to {0}")]
struct LedAway(String);

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// What a failed request was: the class is read off the chain of causes, since reqwest itself tells only stages.
pub(crate) fn no_answer(operation: Operation, error: reqwest::Error) -> ClientError {
    let error = error.without_url();
    if let Some(LedAway(origin)) = causes(&error).find_map(|cause| cause.downcast_ref()) {
        return ClientError::ForeignOrigin { operation, origin: one_line(origin, MAX_DETAIL) };
    }
    let class = if error.is_timeout() {
        FailureClass::Timeout
    } else if error.is_decode() {
        FailureClass::Decode
    } else {
        connection_class(&error)
    };
    let detail = if class == FailureClass::Timeout {
        "no complete answer in time".into()
    } else {
        one_line(&chain(&error), MAX_DETAIL)
    };
    ClientError::NoAnswer { operation, class, detail }
}

fn connection_class(error: &reqwest::Error) -> FailureClass {
    for cause in causes(error) {
        // hyper-util names the stage only in the text.
        if cause.to_string().starts_with("dns error") {
            return FailureClass::Dns;
        }
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            // rustls reports through InvalidData, and a peer that hangs up during the handshake through this text.
            if io.kind() == std::io::ErrorKind::InvalidData || io.to_string().contains("tls handshake") {
                return FailureClass::Tls;
            }
        }
    }
    FailureClass::Connection
}

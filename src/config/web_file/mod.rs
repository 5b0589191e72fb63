//! The file of `--web.config.file`: who may read what is served, and how the socket is secured. Its format is that of Prometheus'
//! exporter-toolkit, so that one file serves all of a platform's exporters.
//!
//! `raw` is the file as written · `check` judges it, all problems at once.

mod check;
mod raw;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};
use secrecy::SecretString;

use super::Problems;

/// What the file says, checked. Files that it names are not read yet.
#[derive(Debug, Clone, Default)]
pub struct WebFile {
    /// How connections are encrypted; absent: not at all.
    pub tls: Option<WebTls>,
    /// Whether HTTP/2 is offered.
    pub http2: bool,
    /// Headers of every answer, over our own.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Users, and the bcrypt hash of their password; empty: no password is asked for.
    pub users: BTreeMap<String, SecretString>,
    /// How many requests are answered.
    pub rate_limit: Option<RateLimit>,
}

/// How connections are encrypted.
#[derive(Debug, Clone)]
pub struct WebTls {
    /// The certificate chain.
    pub certificate: Pem,
    /// Its key.
    pub key: Pem,
    /// Whether clients show a certificate.
    pub client: ClientCertificate,
    /// Who signs those of clients.
    pub client_ca: Option<Pem>,
    /// One of these names a client's certificate must carry; empty: any.
    pub client_sans: Vec<String>,
    /// TLS 1.2 is spoken.
    pub tls12: bool,
    /// TLS 1.3 is spoken.
    pub tls13: bool,
    /// Cipher suites of TLS 1.2 by their IANA names; empty: all that are safe.
    pub cipher_suites: Vec<String>,
    /// Curves, by preference; empty: the usual ones.
    pub curves: Vec<String>,
    /// Our order of cipher suites goes over the client's.
    pub our_order: bool,
}

/// Whether clients show a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientCertificate {
    /// None is asked for.
    None,
    /// One that is shown must be good.
    IfGiven,
    /// Nobody but probes is answered without a good one.
    Required,
}

/// Text in PEM: in the file itself, or in another one.
#[derive(Debug, Clone)]
pub enum Pem {
    /// Written out.
    Inline(SecretString),
    /// In this file.
    File(PathBuf),
}

/// A token bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// One more request is answered after this time.
    pub interval: Duration,
    /// So many at once.
    pub burst: NonZeroU32,
}

impl WebFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// Everything that is wrong with it, at once.
    pub fn load(path: &Path) -> Result<Self, Problems> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Problems::new(Some(path), vec![super::load::unread(&error, "--web.config.file")]))?;
        check::parse(&text, Some(path))
    }
}

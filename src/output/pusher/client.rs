//! One Alertmanager, asked over HTTP. Secrets, certificates and authorities are read again when their files change.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Identity, Proxy, RequestBuilder, redirect};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::body::PostableAlert;
use crate::authorities;
use crate::bounded::{self, Unread};
use crate::config::{Alertmanager, PushAuth, SecretError};
use crate::error_chain::chain;

/// Of a refusal so much is told.
const MOST_TOLD: usize = 200;

/// A status holds the whole configuration.
const LONGEST_STATUS: u64 = 4 << 20;

/// Of a refusal no more is read: a proxy's whole page, and any proof that it may repeat.
const LONGEST_REFUSAL: usize = 64 << 10;

/// Why Alertmanager was not told.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// A secret cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A certificate or key cannot be used.
    #[error("using {path}: {detail}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The client cannot be made.
    #[error("setting up the connection: {0}")]
    Prepare(String),
    /// No answer.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// It refused.
    #[error("it answered {status}: {body}")]
    Refused {
        /// Its status.
        status: u16,
        /// The beginning of what it said.
        body: String,
    },
    /// Somebody answered who is no Alertmanager.
    #[error("it answers, and not as Alertmanager does")]
    Stranger,
}

/// What proves to Alertmanager, or to a proxy before it, who asks.
struct Proof<'a> {
    username: Option<&'a str>,
    secret: SecretString,
}

impl<'a> Proof<'a> {
    fn read(auth: &'a PushAuth) -> Result<Self, SecretError> {
        Ok(match auth {
            PushAuth::Basic { username, password } => Self { username: Some(username), secret: password.read()? },
            PushAuth::Bearer(token) => Self { username: None, secret: token.read()? },
        })
    }

    fn shown_with(&self, request: RequestBuilder) -> RequestBuilder {
        let secret = self.secret.expose_secret();
        match self.username {
            Some(username) => request.basic_auth(username, Some(secret)),
            None => request.bearer_auth(secret),
        }
    }

    /// Whether a text repeats it, plainly or as it was sent.
    fn stands_in(&self, text: &str) -> bool {
        let secret = self.secret.expose_secret();
        let sent = self.username.map(|username| STANDARD.encode(format!("{username}:{secret}")));
        text.contains(secret) || sent.is_some_and(|sent| text.contains(&sent))
    }
}

/// One address of an Alertmanager.
#[derive(Debug)]
pub struct Client {
    url: Url,
    config: Alertmanager,
    made: Option<(reqwest::Client, Vec<Option<SystemTime>>)>,
}

impl Client {
    /// For one of the configured addresses; nothing is read yet.
    #[must_use]
    pub fn new(url: Url, config: Alertmanager) -> Self {
        Self { url, config, made: None }
    }

    /// Its address, for people.
    #[must_use]
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Asks it who it is: its version.
    ///
    /// # Errors
    /// Why it does not say.
    pub async fn status(&mut self) -> Result<String, PushError> {
        let url = format!("{}/api/v2/status", self.url.as_str().trim_end_matches('/'));
        let request = self.client()?.get(url);
        let mut answer = self.exchange(request).await?;
        let body = bounded::whole(&mut answer, LONGEST_STATUS).await.map_err(|unread| match unread {
            Unread::TooLarge(_) => PushError::Stranger,
            Unread::Broken(error) => no_answer(error),
        })?;
        let json: serde_json::Value = serde_json::from_slice(&body).map_err(|_| PushError::Stranger)?;
        let version = json.pointer("/versionInfo/version").and_then(serde_json::Value::as_str);
        version.map(|version| version.chars().take(MOST_TOLD).collect()).ok_or(PushError::Stranger)
    }

    /// Tells it of these alerts.
    ///
    /// # Errors
    /// Why it may not know of them.
    pub async fn post(&mut self, alerts: &[PostableAlert]) -> Result<(), PushError> {
        let url = format!("{}/api/v2/alerts", self.url.as_str().trim_end_matches('/'));
        let request = self.client()?.post(url).json(alerts);
        self.exchange(request).await.map(drop)
    }

    /// Sends with the proof of who we are; an answer that says no is an error.
    async fn exchange(&self, mut request: RequestBuilder) -> Result<reqwest::Response, PushError> {
        let proof = self.config.auth.as_ref().map(Proof::read).transpose()?;
        if let Some(proof) = &proof {
            request = proof.shown_with(request);
        }
        let mut answer = request.send().await.map_err(no_answer)?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let said = bounded::beginning(&mut answer, LONGEST_REFUSAL).await;
        // Without control characters, line ends among them: one in its midst would hide a proof.
        let said: String = String::from_utf8_lossy(&said).chars().filter(|c| !c.is_control()).collect();
        // A debugging proxy may answer with the request that it refuses.
        let repeats = proof.is_some_and(|proof| proof.stands_in(&said));
        let said = if repeats { "(its answer repeats the proof that it was sent)" } else { &said };
        let body = said.chars().take(MOST_TOLD).collect();
        Err(PushError::Refused { status: status.as_u16(), body })
    }

    fn client(&mut self) -> Result<reqwest::Client, PushError> {
        let Alertmanager { ca_file, client_certificate, .. } = &self.config;
        let files = ca_file.iter().chain(client_certificate.iter().flat_map(|(certificate, key)| [certificate, key]));
        let written: Vec<_> = files.map(|file| std::fs::metadata(file).and_then(|meta| meta.modified()).ok()).collect();
        match &self.made {
            Some((client, known)) if *known == written => Ok(client.clone()),
            _ => {
                let client = build(&self.config)?;
                self.made = Some((client.clone(), written));
                Ok(client)
            }
        }
    }
}

fn no_answer(error: reqwest::Error) -> PushError {
    PushError::NoAnswer(chain(&error.without_url()))
}

fn build(config: &Alertmanager) -> Result<reqwest::Client, PushError> {
    let prepare = |error: reqwest::Error| PushError::Prepare(chain(&error));
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("tierwatch/", env!("CARGO_PKG_VERSION")))
        .timeout(config.timeout)
        // A secret goes nowhere but where it was configured to go.
        .redirect(redirect::Policy::none());
    if let Some(file) = &config.ca_file {
        builder = builder.tls_certs_merge(authorities::read(file).map_err(|detail| unusable(file, &detail))?);
    }
    if let Some((certificate, key)) = &config.client_certificate {
        let both = [read(certificate)?, read(key)?].join(&b'\n');
        let wrong = |error: reqwest::Error| unusable(certificate, &chain(&error));
        builder = builder.identity(Identity::from_pem(&both).map_err(wrong)?);
    }
    if let Some(proxy) = &config.proxy {
        builder = builder.proxy(Proxy::all(proxy.clone()).map_err(prepare)?);
    }
    builder.connect_timeout(config.timeout.min(Duration::from_secs(10))).build().map_err(prepare)
}

fn read(file: &Path) -> Result<Vec<u8>, PushError> {
    std::fs::read(file).map_err(|error| unusable(file, &error.to_string()))
}

fn unusable(file: &Path, detail: &str) -> PushError {
    PushError::File { path: file.to_path_buf(), detail: detail.to_owned() }
}

//! What stands before every page: who is let in to what.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use governor::{DefaultDirectRateLimiter, Quota};
use secrecy::SecretString;

use super::keeper::{Active, Keeper, WebError};
use super::passwords::{Passwords, Shared};
use super::tls::Peer;
use crate::config::{ClientCertificate, RateLimit, Web};

/// What the paths have in common as far as the door is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Area {
    /// Whether the daemon lives: asked by a kubelet, which has neither password nor certificate.
    Probe,
    /// Numbers, without any name of a project.
    Metrics,
    /// Pages and JSON, with names of projects and jobs.
    Pages,
}

impl Area {
    fn of(path: &str) -> Self {
        match path {
            "/livez" | "/readyz" | "/-/healthy" | "/-/ready" => Self::Probe,
            "/metrics" => Self::Metrics,
            _ => Self::Pages,
        }
    }
}

/// What a request says of whoever asks. Its body, which nothing shares between threads, stays out of it.
struct Asking {
    area: Area,
    peer: Peer,
    credentials: Option<(String, SecretString)>,
}

impl From<&Request> for Asking {
    fn from(request: &Request) -> Self {
        Self {
            area: Area::of(request.uri().path()),
            peer: request.extensions().get::<Peer>().copied().unwrap_or_default(),
            credentials: credentials(request.headers()),
        }
    }
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refused {
    /// Too many requests.
    Later,
    /// Without a certificate, where one is needed.
    NoCertificate,
    /// With a certificate of somebody who is not let in.
    Stranger,
    /// Without a password, or with a wrong one.
    NoPassword,
    /// Somebody who may read the metrics only.
    MetricsOnly,
}

/// A bucket, and the limit by which it was made.
type Limiter = (RateLimit, Arc<DefaultDirectRateLimiter>);

/// The door of one listener.
#[derive(Clone)]
pub struct Door {
    keeper: Arc<Keeper>,
    web: Arc<Web>,
    passwords: Shared,
    limiter: Arc<Mutex<Option<Limiter>>>,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").field("keeper", &self.keeper).finish_non_exhaustive()
    }
}

impl Door {
    /// As [`open`](Self::open) where there is a file; none where there is not.
    ///
    /// # Errors
    /// Those of [`open`](Self::open), and when `web` keeps users apart whom no file names: everybody would be let in.
    pub fn of(path: Option<&Path>, web: Web) -> Result<Option<Self>, WebError> {
        match path {
            Some(path) => Self::open(path, web).map(Some),
            None if web.metrics_only_users.is_empty() => Ok(None),
            None => Err(WebError::NoFile),
        }
    }

    /// A door as the file at `path` says; `web` tells who may read the metrics.
    ///
    /// # Errors
    /// When the file or one that it names cannot be used.
    pub fn open(path: &Path, web: Web) -> Result<Self, WebError> {
        let keeper = Arc::new(Keeper::open(path)?);
        let users = &keeper.active().file.users;
        let stranger = web.metrics_only_users.iter().find(|user| !users.contains_key(&***user));
        if let Some(user) = stranger {
            return Err(WebError::NoSuchUser { path: path.display().to_string(), user: user.to_string() });
        }
        let passwords = Arc::new(Passwords::new().map_err(|_| WebError::NoRandomness)?);
        Ok(Self { keeper, web: Arc::new(web), passwords, limiter: Arc::default() })
    }

    /// The files behind it.
    #[must_use]
    pub fn keeper(&self) -> Arc<Keeper> {
        Arc::clone(&self.keeper)
    }

    async fn lets_in(&self, active: &Active, asking: &Asking) -> Result<(), Refused> {
        let area = asking.area;
        if area == Area::Probe {
            return Ok(());
        }
        if !self.in_time(active.file.rate_limit) {
            return Err(Refused::Later);
        }
        if area == Area::Metrics && self.web.open_metrics {
            return Ok(());
        }
        let needed = active.file.tls.as_ref().is_some_and(|tls| tls.client == ClientCertificate::Required);
        match asking.peer {
            Peer::Unknown if needed => return Err(Refused::NoCertificate),
            Peer::Stranger => return Err(Refused::Stranger),
            Peer::Unknown | Peer::Proven => {}
        }
        let users = &active.file.users;
        if users.is_empty() {
            return Ok(());
        }
        let Some((user, password)) = &asking.credentials else { return Err(Refused::NoPassword) };
        let metrics_only = || self.web.metrics_only_users.iter().any(|known| **known == **user);
        match self.passwords.fit(users, user, password.clone()).await {
            false => Err(Refused::NoPassword),
            true if area == Area::Pages && metrics_only() => Err(Refused::MetricsOnly),
            true => Ok(()),
        }
    }

    /// A changed limit begins anew.
    fn in_time(&self, limit: Option<RateLimit>) -> bool {
        let mut held = self.limiter.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(limit) = limit else {
            *held = None;
            return true;
        };
        let limiter = match &*held {
            Some((known, limiter)) if *known == limit => Arc::clone(limiter),
            _ => {
                let Some(quota) = Quota::with_period(limit.interval) else { return true };
                let limiter = Arc::new(DefaultDirectRateLimiter::direct(quota.allow_burst(limit.burst)));
                *held = Some((limit, Arc::clone(&limiter)));
                limiter
            }
        };
        limiter.check_n(NonZeroU32::MIN).is_ok_and(|within| within.is_ok())
    }
}

/// Lets a request in, or says why not.
pub(crate) async fn guard(State(door): State<Door>, request: Request, next: Next) -> Response {
    let active = door.keeper.active();
    let mut response = match door.lets_in(&active, &Asking::from(&request)).await {
        Ok(()) => next.run(request).await,
        Err(refused) => {
            tracing::debug!(why = ?refused, "a request was refused");
            refusal(refused)
        }
    };
    for (name, value) in &active.file.headers {
        response.headers_mut().insert(name, value.clone());
    }
    response
}

fn refusal(refused: Refused) -> Response {
    let plain = |status: StatusCode, text: &'static str| (status, text).into_response();
    match refused {
        Refused::Later => {
            let after = [(header::RETRY_AFTER, HeaderValue::from_static("1"))];
            (StatusCode::TOO_MANY_REQUESTS, after, "too many requests: see rate_limit of the web configuration\n")
                .into_response()
        }
        Refused::NoCertificate => plain(StatusCode::FORBIDDEN, "a client certificate is needed\n"),
        Refused::Stranger => plain(StatusCode::FORBIDDEN, "the client certificate carries no name that is let in\n"),
        Refused::MetricsOnly => plain(StatusCode::FORBIDDEN, "this user may read /metrics only\n"),
        Refused::NoPassword => {
            let ask =
                [(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"tierwatch\", charset=\"UTF-8\""))];
            (StatusCode::UNAUTHORIZED, ask, "user and password are needed\n").into_response()
        }
    }
}

/// User and password of basic authentication (RFC 7617).
fn credentials(headers: &HeaderMap) -> Option<(String, SecretString)> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = text.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((user.to_owned(), SecretString::from(password)))
}

//! The listener: what is let in, and what each answer says.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest as _, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config;
use crate::listener::{BindError, Listener};
use crate::metrics::{HookResult, Own};
use crate::observation::{Observation, SourceKey, SourceKind};
use crate::source::Outbox;
use crate::source::gitlab::translate::{Hook, hook};

use super::delivery::{Delivery, ON_THEIR_WAY};
use super::proof::{Signed, same_token};

/// Where hooks are taken.
pub(crate) const PATH: &str = "/webhooks/gitlab";

/// A job's hook is some 3 KiB, with the longest commit message that people write some 100.
const BODY_BYTES: usize = 1 << 20;

/// For the body, in real time; GitLab itself gives up after ten seconds.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// Bodies read at once: with [`BODY_BYTES`] it bounds what a flood can make us hold.
const AT_ONCE: usize = 32;

/// How long a request waits for its turn, in real time.
const PATIENCE: Duration = Duration::from_secs(2);

/// A bound, not yet serving listener for hooks.
#[derive(Debug)]
pub struct Webhooks {
    listener: Listener,
    config: config::Webhook,
    outbox: Outbox,
    own: Own,
}

/// What is answered.
struct Answer {
    result: HookResult,
    status: StatusCode,
    text: &'static str,
}

struct Door {
    config: config::Webhook,
    delivery: Delivery,
    places: Semaphore,
    clock: Clock,
    own: Own,
}

impl Webhooks {
    /// The key under which hooks are told.
    #[must_use]
    pub fn key() -> SourceKey {
        SourceKey::global(SourceKind::GitlabHooks)
    }

    /// Takes the address; nothing is answered yet.
    ///
    /// # Errors
    /// [`BindError`] when the address is taken, not ours, or no address.
    pub async fn bind(
        config: config::Webhook,
        clock: Clock,
        own: Own,
        desk: mpsc::Sender<Observation>,
    ) -> Result<Self, BindError> {
        let listener = Listener::bind(&config.listen_address, "webhook.listen_address").await?;
        Ok(Self { listener, config, outbox: Outbox::new(Self::key(), clock, desk), own })
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.listener.local_addr()
    }

    /// Takes hooks until `stop`; what was accepted by then is told.
    pub async fn run(self, stop: CancellationToken) {
        let Self { listener, config, outbox, own } = self;
        let (queue, mut on_their_way) = mpsc::channel(ON_THEIR_WAY);
        let clock = outbox.clock().clone();
        let door = Door {
            config,
            delivery: Delivery::new(queue, clock.clone(), own.clone()),
            places: Semaphore::new(AT_ONCE),
            clock,
            own,
        };
        door.look_at_files();
        let telling = async move {
            while let Some(body) = on_their_way.recv().await {
                if outbox.say(body).await.is_err() {
                    break;
                }
            }
        };
        tokio::join!(listener.serve(router(door), None, stop), telling);
    }
}

fn router(door: Door) -> Router {
    let wrong_method = || async {
        let allow = [(header::ALLOW, "POST")];
        (StatusCode::METHOD_NOT_ALLOWED, allow, "hooks are sent with POST\n")
    };
    Router::new()
        .route(PATH, post(receive).fallback(wrong_method))
        .fallback(|| async { (StatusCode::NOT_FOUND, "job hooks are taken at /webhooks/gitlab\n") })
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .with_state(Arc::new(door))
}

async fn receive(State(door): State<Arc<Door>>, request: Request) -> Response {
    let answer = door.answer(request).await;
    door.own.webhook(answer.result);
    tracing::debug!(result = answer.result.as_str(), "a hook");
    (answer.status, answer.text).into_response()
}

impl Door {
    async fn answer(&self, request: Request) -> Answer {
        let Ok(Ok(_place)) = tokio::time::timeout(PATIENCE, self.places.acquire()).await else {
            return HookResult::Overloaded.into();
        };
        match self.read(request).await {
            Ok((headers, body)) => self.take(&headers, &body),
            Err(answer) => answer,
        }
    }

    /// The body of a request that proved itself.
    async fn read(&self, request: Request) -> Result<(HeaderMap, Bytes), Answer> {
        let headers = request.headers().clone();
        // Whoever sends no proof is not listened to.
        let signing_token = self.proof_by_head(&headers)?;
        if !is_json(&headers) {
            return Err(Answer {
                status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
                text: "the content type should be application/json\n",
                ..HookResult::Malformed.into()
            });
        }
        if text(&headers, "content-length")
            .and_then(|text| text.parse().ok())
            .is_some_and(|long: usize| long > BODY_BYTES)
        {
            return Err(HookResult::TooLarge.into());
        }
        let read = tokio::time::timeout(BODY_TIMEOUT, Bytes::from_request(request, &()));
        let body = read.await.map_err(|_| HookResult::TimedOut)?.map_err(|rejected| {
            let too_long = rejected.status() == StatusCode::PAYLOAD_TOO_LARGE;
            if too_long { HookResult::TooLarge } else { HookResult::Malformed }
        })?;
        if let Some(token) = signing_token {
            self.proof_by_signature(&headers, &body, &token)?;
        }
        Ok((headers, body))
    }

    /// A signature is believed over a token; whether it fits, only the body shows.
    fn proof_by_head(&self, headers: &HeaderMap) -> Result<Option<SecretString>, HookResult> {
        let signature = text(headers, "webhook-signature");
        let file = match (&self.config.signing_token, signature, &self.config.secret) {
            (Some(signing), Some(_), _) => signing,
            (_, _, Some(secret)) => secret,
            (_, _, None) => return Err(HookResult::Unauthorized),
        };
        let secret = self.delivery.secret_was(file.read()).ok_or(HookResult::SecretUnreadable)?;
        self.tell_age();
        if signature.is_some() && self.config.signing_token.is_some() {
            return Ok(Some(secret));
        }
        let sent = headers.get("x-gitlab-token").ok_or(HookResult::Unauthorized)?;
        match same_token(sent.as_bytes(), secret.expose_secret()) {
            true => Ok(None),
            false => Err(HookResult::Unauthorized),
        }
    }

    fn proof_by_signature(&self, headers: &HeaderMap, body: &[u8], token: &SecretString) -> Result<(), HookResult> {
        let signed = Signed {
            id: text(headers, "webhook-id").ok_or(HookResult::Unauthorized)?,
            timestamp: text(headers, "webhook-timestamp").ok_or(HookResult::Unauthorized)?,
            signatures: text(headers, "webhook-signature").ok_or(HookResult::Unauthorized)?,
        };
        match signed.fits(body, token.expose_secret()) {
            Ok(true) if signed.is_fresh(self.clock.now().wall) => Ok(()),
            Ok(true) => Err(HookResult::Stale),
            Ok(false) => Err(HookResult::Unauthorized),
            Err(_) => {
                tracing::warn!("webhook.signing_token_file should hold whsec_ and base64: no signature can be checked");
                Err(HookResult::SecretUnreadable)
            }
        }
    }

    fn take(&self, headers: &HeaderMap, body: &[u8]) -> Answer {
        let said = serde_json::from_slice(body).ok().and_then(|body| hook(&body));
        let result = match said {
            None => HookResult::Malformed,
            Some(Hook::Ignored) => HookResult::Ignored,
            Some(Hook::Job(job)) => {
                // An event's UUID is shared by all hooks that one change sets off: only with job and status it is
                // one message. The model bears repeats, too; this spares it most of them.
                let of_event =
                    || text(headers, "x-gitlab-event-uuid").map(|id| format!("{id}/{}/{:?}", job.id, job.status));
                let key = text(headers, "idempotency-key").or_else(|| text(headers, "webhook-id"));
                let key = key.map(str::to_owned).or_else(of_event);
                self.delivery.deliver(key.as_ref(), job)
            }
        };
        result.into()
    }

    fn tell_age(&self) {
        let files = [&self.config.secret, &self.config.signing_token];
        let oldest = files.into_iter().flatten().filter_map(config::SecretFile::written).min();
        oldest.into_iter().for_each(|at| self.own.webhook_secret_written(at));
    }

    fn look_at_files(&self) {
        let files = [&self.config.secret, &self.config.signing_token];
        let failed = files.into_iter().flatten().find_map(|file| file.read().err());
        match failed {
            None => {
                self.tell_age();
                self.delivery.tell_health(None);
            }
            Some(error) => drop(self.delivery.secret_was::<()>(Err(error))),
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().filter(|text| !text.is_empty())
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = text(headers, "content-type").and_then(|kind| kind.split(';').next());
    kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

impl From<HookResult> for Answer {
    fn from(result: HookResult) -> Self {
        let (status, text) = match result {
            HookResult::Accepted => (StatusCode::ACCEPTED, "accepted\n"),
            HookResult::Duplicate => (StatusCode::OK, "known already\n"),
            HookResult::Ignored => (StatusCode::OK, "nothing to do: only job events are used\n"),
            HookResult::Unauthorized => {
                (StatusCode::UNAUTHORIZED, "the secret token or the signature is missing or wrong\n")
            }
            HookResult::Stale => (StatusCode::UNAUTHORIZED, "signed more than 5 minutes from our time\n"),
            HookResult::Malformed => (StatusCode::BAD_REQUEST, "the body is no event of GitLab in JSON\n"),
            HookResult::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "the body is longer than 1 MiB\n"),
            HookResult::TimedOut => (StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time\n"),
            HookResult::Overloaded => {
                (StatusCode::SERVICE_UNAVAILABLE, "too many hooks at once: send it again later\n")
            }
            HookResult::SecretUnreadable => {
                (StatusCode::SERVICE_UNAVAILABLE, "the secret of this end cannot be read: see its log\n")
            }
        };
        Self { result, status, text }
    }
}

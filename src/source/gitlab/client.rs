//! One way to GitLab for every source: under the `gitlab` crate's endpoints, over our own reqwest.
//!
//! What the crate leaves to its client is done here, once: time and size are bounded, the request budget is
//! shared, the token is read per request and never leaves GitLab's origin, both kinds of 429 keep their
//! `Retry-After`, and what the answer says beside its body (server clock, paging) is kept for the caller.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use gitlab::api::{ApiError, AsyncClient, AsyncQuery, Endpoint, RestClient, UrlBase};
use http::header::RANGE;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tracing::Instrument;
use url::Url;

use crate::bounded::{self, Unread};
use crate::clock::Clock;
use crate::config::{Gitlab, SecretFile};
use crate::metrics::{Operation, Own, StatusClass};

use super::answer;
use super::budget::Budget;
use super::error::{ClientError, doing};
use super::text::{MAX_DETAIL, one_line};
use super::transport::{Transport, no_answer};

/// How long the whole client keeps silent after a throttle that names no time: GitLab's windows are minutes.
pub(crate) const DEFAULT_SILENCE: Duration = Duration::from_secs(60);

const PRIVATE_TOKEN: HeaderName = HeaderName::from_static("private-token");

/// The way to one GitLab. Clones share connections, token and budget.
#[derive(Debug, Clone)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    transport: Transport,
    /// With a trailing slash, so that a relative root survives joining.
    base: Url,
    token: SecretFile,
    budget: Budget,
    max_answer_bytes: u64,
    clock: Clock,
    own: Own,
}

impl Client {
    /// A client as configured; nothing is sent yet.
    ///
    /// # Errors
    /// When the file with certificate authorities cannot be used.
    pub fn new(config: &Gitlab, clock: Clock, own: Own) -> Result<Self, ClientError> {
        let mut base = config.url.clone();
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        Ok(Self(Arc::new(Inner {
            transport: Transport::new(config)?,
            base,
            token: config.token.clone(),
            budget: Budget::new(config.requests_per_minute, clock.clone()),
            max_answer_bytes: config.max_answer_bytes,
            clock,
            own,
        })))
    }

    /// One call, that may take several requests; counted under `operation`.
    #[must_use]
    pub fn call(&self, operation: Operation) -> Call {
        Call { client: self.clone(), operation, heard: Mutex::default() }
    }

    /// The clock that it is paced by.
    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    fn join(&self, path: &str) -> Result<Url, ClientError> {
        self.0.base.join(path).map_err(|error| ClientError::Prepare { detail: error.to_string() })
    }

    async fn send(
        &self,
        operation: Operation,
        request: http::Request<Vec<u8>>,
        keep: Keep,
    ) -> Result<Response<Bytes>, ClientError> {
        let url = Url::parse(&request.uri().to_string())
            .map_err(|error| ClientError::Prepare { detail: error.to_string() })?;
        self.require_home(operation, &url)?;
        let (token, header) = self.token()?;
        self.0.budget.take().await.map_err(|left| ClientError::RateLimited {
            operation,
            retry_after: Some(left),
            detail: format!("silent for {} s more, as GitLab asked", left.as_secs()),
        })?;

        let (parts, body) = request.into_parts();
        let mut outgoing = self.0.transport.client().request(parts.method, url).headers(parts.headers).body(body);
        outgoing = outgoing.header(PRIVATE_TOKEN, header);
        let sent = self.0.clock.now();
        let span = tracing::info_span!("gitlab_request", doing = doing(operation));
        let answered = self.exchange(operation, outgoing, keep).instrument(span).await;
        let class = answered.as_ref().map_or(StatusClass::None, |response| status_class(response.status()));
        self.0.own.gitlab_request(operation, class, self.0.clock.now().since(&sent));
        self.judge(operation, answered?, &token)
    }

    fn token(&self) -> Result<(SecretString, HeaderValue), ClientError> {
        let token = self.0.token.read()?;
        let mut header = HeaderValue::from_str(token.expose_secret())
            .map_err(|_| ClientError::TokenText { path: self.0.token.path().to_path_buf() })?;
        header.set_sensitive(true);
        Ok((token, header))
    }

    /// The crate follows a keyset link to wherever it leads; the token goes nowhere but home.
    pub(crate) fn require_home(&self, operation: Operation, url: &Url) -> Result<(), ClientError> {
        if url.origin() == self.0.base.origin() {
            return Ok(());
        }
        Err(ClientError::ForeignOrigin { operation, origin: one_line(&url.origin().ascii_serialization(), MAX_DETAIL) })
    }

    /// Sends, and reads the body as far as the bound allows.
    async fn exchange(
        &self,
        operation: Operation,
        request: reqwest::RequestBuilder,
        keep: Keep,
    ) -> Result<Response<Bytes>, ClientError> {
        let most = self.0.max_answer_bytes;
        let mut response = request.send().await.map_err(|error| no_answer(operation, error))?;
        let read = match keep {
            Keep::All => bounded::whole(&mut response, most).await,
            Keep::End(bytes) => bounded::end(&mut response, most, bytes).await,
        };
        let body = read.map_err(|unread| match unread {
            Unread::TooLarge(_) => ClientError::TooLarge { operation, detail: unread.to_string() },
            Unread::Broken(error) => no_answer(operation, error),
        })?;
        let mut copied = Response::new(body);
        *copied.status_mut() = response.status();
        *copied.headers_mut() = std::mem::take(response.headers_mut());
        Ok(copied)
    }

    /// Turns an answer that says no into an error, so that the crate never sees one and nothing is lost.
    fn judge(
        &self,
        operation: Operation,
        response: Response<Bytes>,
        token: &SecretString,
    ) -> Result<Response<Bytes>, ClientError> {
        if let Some(left) = answer::remaining(response.headers()) {
            self.0.own.gitlab_rate_limit_remaining(left);
        }
        let status = response.status();
        if status.is_success() {
            return Ok(response.map(|body| answer::without(body, token)));
        }
        let detail = answer::detail(response.body(), token);
        if status != StatusCode::TOO_MANY_REQUESTS {
            return Err(ClientError::Status { operation, status: status.as_u16(), detail });
        }
        let retry_after = answer::retry_after(response.headers());
        // The limiter of one endpoint answers in JSON and concerns that endpoint; the throttle in front of
        // GitLab answers in text and concerns all that this user asks.
        if serde_json::from_slice::<Value>(response.body()).is_err() {
            self.0.budget.be_silent(retry_after.unwrap_or(DEFAULT_SILENCE));
        }
        Err(ClientError::RateLimited { operation, retry_after, detail })
    }
}

fn status_class(status: StatusCode) -> StatusClass {
    match status.as_u16() {
        429 => StatusClass::RateLimited,
        200..=299 => StatusClass::Success,
        300..=399 => StatusClass::Redirect,
        500..=599 => StatusClass::ServerError,
        _ => StatusClass::ClientError,
    }
}

/// How much of an answer's body is kept in memory. How much is read has a bound of its own.
#[derive(Debug, Clone, Copy)]
enum Keep {
    All,
    /// The last bytes.
    End(usize),
}

/// One call under one `operation` label: the `gitlab` crate's client, which remembers the last answer's headers.
#[derive(Debug)]
pub struct Call {
    client: Client,
    operation: Operation,
    heard: Mutex<HeaderMap>,
}

/// A decoded answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) json: Value,
    /// The server's clock when it answered.
    pub(crate) date: Option<Timestamp>,
    pub(crate) headers: HeaderMap,
}

impl Call {
    pub(crate) fn operation(&self) -> Operation {
        self.operation
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Asks one endpoint of the `gitlab` crate.
    pub(crate) async fn get<E: Endpoint + Sync>(&self, endpoint: &E) -> Result<Answer, ClientError> {
        let body: Vec<u8> = gitlab::api::raw(endpoint).query_async(self).await.map_err(|error| self.unwrap(error))?;
        let headers = std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner));
        self.decode(&body, headers)
    }

    /// Sends one GraphQL document; what its `errors` mean is the caller's business.
    pub(crate) async fn post_graphql(&self, body: Vec<u8>) -> Result<Answer, ClientError> {
        let url = self.client.join("api/graphql")?;
        let request = http::Request::post(url.as_str())
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(|error| ClientError::Prepare { detail: error.to_string() })?;
        let response = self.client.send(self.operation, request, Keep::All).await?;
        let (parts, body) = response.into_parts();
        self.decode(&body, parts.headers)
    }

    /// The last `bytes` of a text. GitLab's API (19.x) sends a log whole whatever part of it is asked for; what stands
    /// before GitLab may know better.
    pub(crate) async fn tail(&self, path: &str, bytes: usize) -> Result<Bytes, ClientError> {
        let url = self.client.join(&format!("api/v4/{path}"))?;
        let request = http::Request::get(url.as_str())
            .header(RANGE, format!("bytes=-{bytes}"))
            .body(Vec::new())
            .map_err(|error| ClientError::Prepare { detail: error.to_string() })?;
        Ok(self.client.send(self.operation, request, Keep::End(bytes)).await?.into_body())
    }

    fn decode(&self, body: &[u8], headers: HeaderMap) -> Result<Answer, ClientError> {
        let json =
            serde_json::from_slice(body).map_err(|error| self.malformed(&format!("the answer is no JSON: {error}")))?;
        Ok(Answer { json, date: answer::date(&headers), headers })
    }

    /// The answer is not what the API documents.
    pub(crate) fn malformed(&self, detail: &str) -> ClientError {
        ClientError::Decode { operation: self.operation, detail: one_line(detail, MAX_DETAIL) }
    }

    fn unwrap(&self, error: ApiError<ClientError>) -> ClientError {
        if let ApiError::Client { source } = error { source } else { self.malformed(&error.to_string()) }
    }
}

impl RestClient for Call {
    type Error = ClientError;

    fn rest_endpoint(&self, endpoint: &str) -> Result<Url, ApiError<ClientError>> {
        self.client.join(&format!("api/v4/{endpoint}")).map_err(ApiError::client)
    }

    fn instance_endpoint(&self, _endpoint: &str) -> Result<Url, ApiError<ClientError>> {
        Err(ApiError::UnsupportedUrlBase { url_base: UrlBase::Instance })
    }
}

#[async_trait]
impl AsyncClient for Call {
    async fn rest_async(
        &self,
        request: http::request::Builder,
        body: Vec<u8>,
    ) -> Result<Response<Bytes>, ApiError<ClientError>> {
        let request =
            request.body(body).map_err(|error| ApiError::client(ClientError::Prepare { detail: error.to_string() }))?;
        let response = self.client.send(self.operation, request, Keep::All).await.map_err(ApiError::client)?;
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = response.headers().clone();
        Ok(response)
    }
}

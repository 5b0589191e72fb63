//! Traces over OTLP/HTTP. The SDK exports from a thread of its own, which has no runtime; requests are therefore
//! handed to ours, and the thread waits for the answer.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;
use url::Url;

use super::TelemetryError;
use crate::bounded;
use crate::error_chain::chain;

/// For one batch.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A collector answers with a few bytes; nothing longer is read.
const LONGEST_ANSWER: u64 = 64 << 10;

/// The exporting end of the traces.
#[derive(Debug)]
pub(super) struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Begins to export to `endpoint`, below which `/v1/traces` is posted to.
    pub(super) fn start(endpoint: &Url) -> Result<Self, TelemetryError> {
        let failed = |error: &dyn std::fmt::Display| TelemetryError::Exporter(error.to_string());
        let runtime = Handle::try_current().map_err(|_| TelemetryError::NoRuntime)?;
        let client = client().map_err(|error| failed(&error))?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(OnRuntime { client, runtime })
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(TIMEOUT)
            .with_endpoint(address(endpoint))
            .build()
            .map_err(|error| failed(&error))?;
        let resource = Resource::builder()
            .with_service_name("tierwatch")
            .with_attribute(opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self {
            provider: SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build(),
        })
    }

    /// Takes up our own spans; those of the HTTP libraries would include the export itself.
    pub(super) fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'s> LookupSpan<'s> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("tierwatch"))
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(Targets::new().with_target("tierwatch", tracing::Level::INFO))
    }

    pub(super) async fn shutdown(self, bound: Duration) {
        // Waiting blocks, and the export itself needs the runtime: never wait on one of its own threads.
        let wait = tokio::task::spawn_blocking(move || self.provider.shutdown_with_timeout(bound));
        match tokio::time::timeout(bound, wait).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::warn!(%error, "some traces were not sent"),
            Ok(Err(_)) | Err(_) => tracing::warn!("some traces were not sent in time"),
        }
    }
}

fn client() -> reqwest::Result<reqwest::Client> {
    let builder = reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none());
    builder.user_agent(concat!("tierwatch/", env!("CARGO_PKG_VERSION"))).build()
}

fn address(endpoint: &Url) -> String {
    format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/'))
}

/// Whether the collector takes traces: it is sent none. An empty message is a valid one.
///
/// # Errors
/// Why it does not, in words.
pub(super) async fn probe(endpoint: &Url) -> Result<(), String> {
    let request = http::Request::post(address(endpoint))
        .header(http::header::CONTENT_TYPE, "application/x-protobuf")
        .body(Bytes::new())
        .map_err(|error| error.to_string())?;
    let client = client().map_err(|error| chain(&error))?;
    let answer = send(client, request).await.map_err(|error| chain(error.as_ref()))?;
    if answer.status().is_success() { Ok(()) } else { Err(format!("it answered {}", answer.status())) }
}

#[derive(Debug)]
struct OnRuntime {
    client: reqwest::Client,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for OnRuntime {
    async fn send_bytes(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        let client = self.client.clone();
        self.runtime.spawn(send(client, request)).await?
    }
}

async fn send(client: reqwest::Client, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
    let mut answer = client.execute(request.try_into()?).await.map_err(reqwest::Error::without_url)?;
    let mut response = http::Response::builder().status(answer.status());
    if let Some(headers) = response.headers_mut() {
        headers.extend(answer.headers().clone());
    }
    Ok(response.body(bounded::whole(&mut answer, LONGEST_ANSWER).await?)?)
}

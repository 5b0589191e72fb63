//! What tierwatch tells about itself while it runs: log lines on stderr, and traces over OTLP where an endpoint
//! is configured. Neither carries secrets: nothing hands them any.

mod logs;
mod panics;
mod traces;

use std::time::Duration;

use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt as _;
use url::Url;

use crate::clock::Clock;

pub use logs::{Format, Level, Logs};

/// Why there is no telemetry.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `RUST_LOG` is no filter.
    #[error("RUST_LOG: {0}; write e.g. RUST_LOG=info or RUST_LOG=warn,tierwatch::source=debug")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// Another part of the process logs already.
    #[error("setting up the log: {0}")]
    Taken(#[from] tracing_subscriber::util::TryInitError),
    /// Traces need the runtime that sends them.
    #[error("setting up traces outside of the async runtime")]
    NoRuntime,
    /// The client or exporter cannot be made.
    #[error("setting up traces to telemetry.otlp.endpoint: {0}")]
    Exporter(String),
}

/// Sends what is left when the process ends. Dropping it sends nothing.
#[derive(Debug)]
#[must_use = "traces that are still waiting are sent by `shutdown`"]
pub struct Telemetry {
    traces: Option<traces::Traces>,
}

/// Starts the log on stderr, panics included, and, with an endpoint, the traces. Call it once, inside the runtime.
///
/// # Errors
/// When `RUST_LOG` is no filter, when something logs already, or when the exporter cannot be made. A collector that is
/// down is no error: that is logged when sending fails.
pub fn start(logs: &Logs, otlp_endpoint: Option<&Url>, clock: Clock) -> Result<Telemetry, TelemetryError> {
    let (subscriber, telemetry) = subscriber(logs, otlp_endpoint, clock, std::io::stderr)?;
    subscriber.try_init()?;
    panics::tell();
    Ok(telemetry)
}

/// Whether a collector takes traces; it is sent none.
///
/// # Errors
/// Why it does not, in words.
pub async fn probe(endpoint: &Url) -> Result<(), String> {
    traces::probe(endpoint).await
}

fn subscriber<W>(
    logs: &Logs,
    otlp_endpoint: Option<&Url>,
    clock: Clock,
    writer: W,
) -> Result<(impl Subscriber + Send + Sync + use<W>, Telemetry), TelemetryError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = logs.filter()?;
    let traces = otlp_endpoint.map(traces::Traces::start).transpose()?;
    let spans = traces.as_ref().map(traces::Traces::layer::<Registry>);
    let lines = logs::Lines::new(logs.format, clock, writer).with_filter(filter);
    Ok((tracing_subscriber::registry().with(spans).with(lines), Telemetry { traces }))
}

impl Telemetry {
    /// Sends the traces that are still waiting, for `bound` at most.
    pub async fn shutdown(self, bound: Duration) {
        if let Some(traces) = self.traces {
            traces.shutdown(bound).await;
        }
    }
}

#[cfg(test)]
mod tests;

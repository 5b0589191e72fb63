//! Whom tierwatch tells: Alertmanagers and the collector of traces.

use std::time::Duration;

use url::Url;

use super::line::{Line, Probe};
use crate::config::Alertmanager;
use crate::output::pusher::{Client, PushError};
use crate::telemetry;

/// Each Alertmanager is told of no alerts, by the request that would tell it of some.
pub(super) async fn alertmanagers(config: &Alertmanager, patience: Duration) -> Vec<Line> {
    let each = config.urls.iter().map(|url| async move {
        let asked = tokio::time::timeout(patience, alertmanager(url, config)).await;
        asked.unwrap_or_else(|_| {
            let evidence = format!("no answer within {} s", patience.as_secs());
            Line::problem(Probe::Alertmanager, url.as_str(), &evidence, NO_ANSWER)
        })
    });
    futures::future::join_all(each).await
}

const NO_ANSWER: &str =
    "look at alertmanager.urls, and at the NetworkPolicy of this pod (egress) and of Alertmanager's";

async fn alertmanager(url: &Url, config: &Alertmanager) -> Line {
    let probe = Probe::Alertmanager;
    let mut client = Client::new(url.clone(), config.clone());
    let told = match client.status().await {
        Ok(version) => client.post(&[]).await.map(|()| version),
        Err(error) => Err(error),
    };
    let error = match told {
        Ok(version) => return Line::ok(probe, url.as_str(), &format!("Alertmanager {version}, takes alerts")),
        Err(error) => error,
    };
    let fix = match &error {
        PushError::Secret(_) | PushError::File { .. } => "see the files of alertmanager above",
        PushError::Prepare(_) => "look at the certificates and the proxy under alertmanager",
        PushError::NoAnswer(_) => NO_ANSWER,
        PushError::Refused { status: 401 | 403, .. } => {
            "look at username, password_file or token_file under alertmanager: is that who may send?"
        }
        PushError::Refused { .. } | PushError::Stranger => {
            "is this Alertmanager's own address (version 0.16 or later), with its --web.route-prefix if it has one, without \
             /api/v2?"
        }
    };
    Line::problem(probe, url.as_str(), &error.to_string(), fix)
}

/// The collector is sent no spans.
pub(super) async fn collector(endpoint: Option<&Url>) -> Option<Line> {
    let endpoint = endpoint?;
    let probe = Probe::Otlp;
    Some(match telemetry::probe(endpoint).await {
        Ok(()) => Line::ok(probe, "", &format!("{endpoint} takes traces")),
        Err(why) => {
            let fix = "look at telemetry.otlp.endpoint: OTLP over HTTP (port 4318), without /v1/traces; traces are lost meanwhile";
            Line::problem(probe, "", &format!("{endpoint}: {why}"), fix)
        }
    })
}

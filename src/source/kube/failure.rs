//! What went wrong with a request, in the closed set of classes and in words without secrets.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use kube::Error;
use kube::client::AuthError;
use kube::core::Status;

use crate::observation::{Failure, FailureClass};
use crate::source::texts::cut;

/// A server's or a proxy's text may be a whole page.
const DETAIL_BYTES: usize = 400;

/// The failure that an error of the client stands for.
#[must_use]
pub(crate) fn failure(error: &Error) -> Failure {
    match error {
        Error::Api(status) => refused(status),
        Error::Auth(auth) => credentials(auth),
        Error::HyperError(inner) => transport(inner),
        Error::Service(inner) => transport(inner.as_ref()),
        Error::ReadEvents(inner) => transport(inner),
        Error::SerdeError(inner) => undecodable(inner),
        Error::FromUtf8(_) | Error::LinesCodecMaxLineLengthExceeded => {
            told(FailureClass::Decode, "the answer is no JSON text")
        }
        Error::RustlsTls(inner) => told(FailureClass::Tls, &format!("setting up TLS: {inner}")),
        Error::TlsRequired => told(FailureClass::Tls, "the address needs TLS"),
        Error::ProxyProtocolUnsupported { .. }
        | Error::ProxyProtocolDisabled { .. }
        | Error::HttpError(_)
        | Error::BuildRequest(_)
        | Error::InferConfig(_)
        | Error::Discovery(_)
        | Error::InferKubeconfig(_) => told(FailureClass::Other, "the request could not be made"),
    }
}

/// A failure without more than its words.
pub(crate) fn told(class: FailureClass, detail: &str) -> Failure {
    Failure { class, detail: cut(detail, DETAIL_BYTES).to_owned(), retry_after: None }
}

/// Of a decoding error only the place is told: its text may quote the object.
pub(crate) fn undecodable(error: &serde_json::Error) -> Failure {
    told(
        FailureClass::Decode,
        &format!("the answer is not what the API documents: line {}, column {}", error.line(), error.column()),
    )
}

/// The server's own word, as an answer or inside a watch.
pub(crate) fn refused(status: &Status) -> Failure {
    let class = match (status.code, status.reason.as_str()) {
        (401, _) => FailureClass::Unauthorized,
        (403, _) => FailureClass::Forbidden,
        (404, _) => FailureClass::NotFound,
        (410, _) | (_, "Expired" | "Gone") => FailureClass::Expired,
        (429, _) => FailureClass::RateLimited,
        (408 | 504, _) => FailureClass::Timeout,
        (500..=599, _) => FailureClass::ServerError,
        _ => FailureClass::Other,
    };
    // Whoever is no API server sends no code of one in its body.
    let answered = match status.code {
        0 => "the API server refused".to_owned(),
        code => format!("the API server answered {code}"),
    };
    let seconds = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
    Failure {
        class,
        detail: cut(&format!("{answered}: {}", unproven(&status.message)), DETAIL_BYTES).to_owned(),
        retry_after: (seconds > 0).then(|| Duration::from_secs(u64::from(seconds))),
    }
}

/// Without the token that a proxy for debugging repeats. It is known by where it stands: the client alone knows it.
fn unproven(text: &str) -> String {
    let mut parts = text.split("Bearer ");
    let mut told = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let after = part.find(|c: char| !(c.is_ascii_alphanumeric() || "-._~+/=".contains(c))).unwrap_or(part.len());
        told.push_str("Bearer [token]");
        told.push_str(&part[after..]);
    }
    told
}

/// Only what is known to hold no secret: a credentials plugin prints tokens.
fn credentials(error: &AuthError) -> Failure {
    let detail = if let AuthError::ReadTokenFile(source, path) = error {
        format!("reading the token file {}: {source}", path.display())
    } else if let AuthError::AuthExecStart(source) = error {
        format!("starting the credentials plugin: {source}")
    } else {
        "the credentials of the kubeconfig or its plugin could not be used".to_owned()
    };
    told(FailureClass::Secret, &detail)
}

/// The request or its answer broke on the way. The libraries below tell apart less than we do, so their words
/// are looked at where no type says it.
fn transport(error: &(dyn StdError + 'static)) -> Failure {
    let mut words = Vec::new();
    let mut timed_out = false;
    let mut next = Some(error);
    while let Some(part) = next {
        if let Some(auth) = part.downcast_ref::<AuthError>() {
            return credentials(auth);
        }
        timed_out |= part.downcast_ref::<io::Error>().is_some_and(|inner| inner.kind() == io::ErrorKind::TimedOut);
        let text = part.to_string();
        if !words.last().is_some_and(|last: &String| last.contains(&text)) {
            words.push(text);
        }
        next = part.source();
    }
    let detail = words.join(": ");
    let lower = detail.to_lowercase();
    let class = if lower.contains("dns error") || lower.contains("lookup address") {
        FailureClass::Dns
    } else if ["certificate", "tls", "handshake", "corrupt message"].iter().any(|word| lower.contains(word)) {
        FailureClass::Tls
    } else if timed_out || lower.contains("timed out") {
        FailureClass::Timeout
    } else {
        FailureClass::Connection
    };
    told(class, &detail)
}

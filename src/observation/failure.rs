//! How an attempt may fail.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::SourceKind;

/// Why an attempt failed, for the `class` label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// No answer in time.
    Timeout,
    /// The name did not resolve.
    Dns,
    /// No connection, or it broke.
    Connection,
    /// TLS failed.
    Tls,
    /// 401.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 404.
    NotFound,
    /// 429.
    RateLimited,
    /// 5xx.
    ServerError,
    /// The answer was not what the API documents.
    Decode,
    /// The answer was larger than we read.
    TooLarge,
    /// The answer pointed to another host.
    ForeignOrigin,
    /// The watch expired (410) and lists again.
    Expired,
    /// The token may not see what this source needs.
    Blind,
    /// A secret file could not be read.
    Secret,
    /// Anything else.
    Other,
}

impl FailureClass {
    /// Every value.
    pub const ALL: [Self; 16] = [
        Self::Timeout,
        Self::Dns,
        Self::Connection,
        Self::Tls,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::RateLimited,
        Self::ServerError,
        Self::Decode,
        Self::TooLarge,
        Self::ForeignOrigin,
        Self::Expired,
        Self::Blind,
        Self::Secret,
        Self::Other,
    ];

    /// Whether a source can fail like this: what cannot happen needs no series.
    #[must_use]
    pub const fn can_befall(self, source: SourceKind) -> bool {
        // Hooks come by themselves: only the file with their secret can be in the way.
        if matches!(source, SourceKind::GitlabHooks | SourceKind::WebConfig) {
            return matches!(self, Self::Secret);
        }
        match self {
            Self::Expired => source.is_of_the_cluster(),
            Self::ForeignOrigin | Self::Blind | Self::Secret => !source.is_of_the_cluster(),
            Self::Timeout
            | Self::Dns
            | Self::Connection
            | Self::Tls
            | Self::Unauthorized
            | Self::Forbidden
            | Self::NotFound
            | Self::RateLimited
            | Self::ServerError
            | Self::Decode
            | Self::TooLarge
            | Self::Other => true,
        }
    }

    /// The label value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Dns => "dns",
            Self::Connection => "connection",
            Self::Tls => "tls",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::RateLimited => "rate_limited",
            Self::ServerError => "server_error",
            Self::Decode => "decode",
            Self::TooLarge => "too_large",
            Self::ForeignOrigin => "foreign_origin",
            Self::Expired => "expired",
            Self::Blind => "blind",
            Self::Secret => "secret",
            Self::Other => "other",
        }
    }
}

/// A failed attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Its class.
    pub class: FailureClass,
    /// In words, without secrets; shown on the page.
    pub detail: String,
    /// How long the server asked us to wait.
    pub retry_after: Option<Duration>,
}

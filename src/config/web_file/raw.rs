//! The file as it is written. The keys are exporter-toolkit's (`docs/web-configuration.md` there, 0.20).

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::config::raw::{DurationText, PathText};

/// A text that is told nowhere.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(super) struct SecretText(pub(super) String);

impl JsonSchema for SecretText {
    fn schema_name() -> Cow<'static, str> {
        "SecretText".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "writeOnly": true })
    }
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Root {
    /// Encryption, and certificates of clients.
    pub(super) tls_server_config: Option<Tls>,
    /// HTTP/2 and headers.
    pub(super) http_server_config: Option<Http>,
    /// Users and bcrypt hashes of their passwords.
    pub(super) basic_auth_users: Option<BTreeMap<String, SecretText>>,
    /// A bound on requests.
    pub(super) rate_limit: Option<RateLimit>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    /// The certificate chain (PEM).
    pub(super) cert: Option<SecretText>,
    /// Its private key (PEM).
    pub(super) key: Option<SecretText>,
    /// The authorities of clients (PEM).
    pub(super) client_ca: Option<SecretText>,
    /// File with the certificate chain.
    pub(super) cert_file: Option<PathText>,
    /// File with its private key.
    pub(super) key_file: Option<PathText>,
    /// File with the authorities of clients.
    pub(super) client_ca_file: Option<PathText>,
    /// Whether clients must show a certificate.
    pub(super) client_auth_type: Option<String>,
    /// Names of which a client's certificate must carry one.
    pub(super) client_allowed_sans: Option<Vec<String>>,
    /// The oldest TLS that is spoken.
    pub(super) min_version: Option<String>,
    /// The newest.
    pub(super) max_version: Option<String>,
    /// Cipher suites of TLS 1.2.
    pub(super) cipher_suites: Option<Vec<String>>,
    /// Whether our order of cipher suites goes over the client's.
    pub(super) prefer_server_cipher_suites: Option<bool>,
    /// Curves, by preference.
    pub(super) curve_preferences: Option<Vec<String>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Http {
    /// Whether HTTP/2 is offered.
    pub(super) http2: Option<bool>,
    /// Headers of every answer.
    pub(super) headers: Option<Headers>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Headers {
    #[serde(rename = "Content-Security-Policy")]
    pub(super) content_security_policy: Option<String>,
    #[serde(rename = "X-Frame-Options")]
    pub(super) x_frame_options: Option<String>,
    #[serde(rename = "X-Content-Type-Options")]
    pub(super) x_content_type_options: Option<String>,
    #[serde(rename = "X-XSS-Protection")]
    pub(super) x_xss_protection: Option<String>,
    #[serde(rename = "Strict-Transport-Security")]
    pub(super) strict_transport_security: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RateLimit {
    /// Between two requests; 0s: no bound.
    pub(super) interval: Option<DurationText>,
    /// So many at once.
    pub(super) burst: Option<i64>,
}

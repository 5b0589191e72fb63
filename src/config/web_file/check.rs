//! Text → what it says, or everything that is wrong with it.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, header};
use schemars::generate::SchemaSettings;
use secrecy::SecretString;
use serde_json::Value;

use super::raw::{self, SecretText};
use super::{ClientCertificate, Pem, RateLimit, WebFile, WebTls};
use crate::config::problem::{join, shown};
use crate::config::raw::PathText;
use crate::config::rules::{self, Checker};
use crate::config::schema::one_of;
use crate::config::shape::{self, Places};
use crate::config::yaml::{self, Text};
use crate::config::{Problem, Problems};

/// Where people are sent.
const DOCS: &str = "docs/web-configuration.md";

/// A cost of 10 takes a twentieth of a second, each further one twice as long as the one before.
const HIGHEST_COST: u32 = 16;

/// A limit that lets nobody through for longer than this is a mistake.
const LONGEST_INTERVAL: u64 = 60;

/// What TLS 1.2 may be spoken with; all of them have forward secrecy and authenticate what they encrypt.
pub(crate) const CIPHER_SUITES: [&str; 6] = [
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
];

/// The names of exporter-toolkit.
pub(crate) const CURVES: [&str; 3] = ["X25519", "CurveP256", "CurveP384"];

/// What the text says. Relative paths in it start at the folder of `path`.
pub(super) fn parse(text: &str, path: Option<&Path>) -> Result<WebFile, Problems> {
    let mut problems = Vec::new();
    let read = yaml::read(text, &Text::File, &mut problems);
    let mut raw = raw::Root::default();
    let mut places = Places::new();
    if let Some(value) = read.filter(|_| problems.is_empty()) {
        let fit;
        (fit, places) = shape::fit(&value, Places::new(), schema(), DOCS, &mut problems);
        match serde_json::from_value(fit) {
            Ok(fits) => raw = fits,
            // Only a text or a list at the top can be in the way: all else has been told.
            Err(_) => problems.push(Problem {
                key: String::new(),
                place: crate::config::Place::Unknown,
                reason: "the file does not hold keys".to_owned(),
                remedy: "write tls_server_config, http_server_config, basic_auth_users or rate_limit".to_owned(),
            }),
        }
    }
    let folder = path.and_then(Path::parent).map(Path::to_path_buf);
    let file = check(&raw, &mut Checker { problems: &mut problems, places: &places, folder });
    match file {
        Some(file) if problems.is_empty() => Ok(file),
        _ => Err(Problems::new(path, problems)),
    }
}

fn schema() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
        settings.into_generator().into_root_schema_for::<raw::Root>().to_value()
    })
}

fn check(raw: &raw::Root, checker: &mut Checker<'_>) -> Option<WebFile> {
    let raw::Root { tls_server_config, http_server_config, basic_auth_users, rate_limit } = raw;
    let tls = tls_server_config.as_ref().map(|raw| tls(raw, checker));
    let users = users(basic_auth_users.as_ref(), checker);
    let rate_limit = rate_limit.as_ref().and_then(|raw| self::rate_limit(raw, checker));
    let (http2, headers) = match http_server_config {
        None => (true, Vec::new()),
        Some(raw::Http { http2, headers }) => {
            (http2.unwrap_or(true), headers.as_ref().map_or_else(Vec::new, |raw| self::headers(raw, checker)))
        }
    };
    let tls = match tls {
        None => None,
        Some(tls) => Some(tls?),
    };
    Some(WebFile { tls, http2, headers, users, rate_limit })
}

fn tls(raw: &raw::Tls, checker: &mut Checker<'_>) -> Option<WebTls> {
    let raw::Tls {
        cert,
        key,
        client_ca,
        cert_file,
        key_file,
        client_ca_file,
        client_auth_type,
        client_allowed_sans,
        min_version,
        max_version,
        cipher_suites,
        prefer_server_cipher_suites,
        curve_preferences,
    } = raw;
    let certificate = pem("cert", cert.as_ref(), cert_file.as_ref(), true, "the certificate chain (PEM)", checker);
    let key = pem("key", key.as_ref(), key_file.as_ref(), true, "its private key (PEM)", checker);
    let authorities = "the clients' authorities";
    let client_ca = pem("client_ca", client_ca.as_ref(), client_ca_file.as_ref(), false, authorities, checker);
    let client = client_auth_type.as_ref().map_or(Some(ClientCertificate::None), |text| client_auth(text, checker));
    let name = "tls_server_config.client_auth_type";
    if client == Some(ClientCertificate::None) && (client_ca.is_some() || client_allowed_sans.is_some()) {
        let reason = "asks for no certificate, while client_ca or client_allowed_sans say whose would be good";
        checker.wrong(name, reason, "write RequireAndVerifyClientCert, or remove those keys");
    } else if client.is_some_and(|client| client != ClientCertificate::None) && client_ca.is_none() {
        let remedy = "name the authorities that sign the clients' certificates in client_ca_file";
        checker.wrong("tls_server_config.client_ca_file", "is missing: no client could prove itself", remedy);
    }
    let least = version("min_version", min_version.as_ref(), 12, checker);
    let most = version("max_version", max_version.as_ref(), 13, checker);
    if least > most {
        checker.wrong(
            "tls_server_config.min_version",
            "is newer than max_version",
            "no TLS would be spoken: swap them",
        );
    }
    let mut known = |key: &str, raw: &Option<Vec<String>>, known: &'static [&'static str]| {
        let rule = |text: &str| match known.contains(&text) {
            true => Ok(()),
            false => {
                Err((format!("{} is not offered", shown(text)), format!("give {}", one_of(known.iter().copied()))))
            }
        };
        let list = checker.list(&format!("tls_server_config.{key}"), raw.as_ref(), rule);
        list.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let cipher_suites = known("cipher_suites", cipher_suites, &CIPHER_SUITES);
    let curves = known("curve_preferences", curve_preferences, &CURVES);
    Some(WebTls {
        certificate: certificate?,
        key: key?,
        client: client?,
        client_ca,
        client_sans: client_allowed_sans.clone().unwrap_or_default(),
        tls12: least <= 12,
        tls13: most >= 13,
        cipher_suites,
        curves,
        our_order: prefer_server_cipher_suites.unwrap_or(true),
    })
}

/// A certificate or key, written out or in a file of its own; never both, and where it is `needed` one of them.
fn pem(
    key: &str,
    inline: Option<&SecretText>,
    file: Option<&PathText>,
    needed: bool,
    holds: &str,
    checker: &mut Checker<'_>,
) -> Option<Pem> {
    let path = format!("tls_server_config.{key}_file");
    match (inline, file) {
        (Some(_), Some(_)) => checker.wrong(&path, format!("stands beside {key}"), "remove one of the two"),
        (None, None) if needed => checker.wrong(&path, "is missing", format!("name the file that holds {holds}")),
        (None, _) | (_, None) => {}
    }
    let file = checker.path(&path, file, holds).map(Pem::File);
    file.or_else(|| inline.map(|SecretText(text)| Pem::Inline(SecretString::from(text.as_str()))))
}

fn client_auth(text: &str, checker: &mut Checker<'_>) -> Option<ClientCertificate> {
    let key = "tls_server_config.client_auth_type";
    match text {
        "" | "NoClientCert" => Some(ClientCertificate::None),
        "VerifyClientCertIfGiven" => Some(ClientCertificate::IfGiven),
        "RequireAndVerifyClientCert" => Some(ClientCertificate::Required),
        "RequestClientCert" | "RequireAnyClientCert" | "RequireClientCert" => {
            let reason = format!("{text} would take any certificate for good");
            checker.wrong(key, reason, "write RequireAndVerifyClientCert");
            None
        }
        other => {
            let known = "give NoClientCert, VerifyClientCertIfGiven or RequireAndVerifyClientCert";
            checker.wrong(key, format!("{} is not known", shown(other)), known);
            None
        }
    }
}

fn version(key: &str, text: Option<&String>, unless_written: u8, checker: &mut Checker<'_>) -> u8 {
    match text.map(String::as_str) {
        None => unless_written,
        Some("TLS12") => 12,
        Some("TLS13") => 13,
        Some(other) => {
            let reason = match other {
                "TLS10" | "TLS11" => format!("{other} is not safe and not spoken"),
                _ => format!("{} is not known", shown(other)),
            };
            checker.wrong(&format!("tls_server_config.{key}"), reason, "give TLS12 or TLS13");
            unless_written
        }
    }
}

fn users(raw: Option<&BTreeMap<String, SecretText>>, checker: &mut Checker<'_>) -> BTreeMap<String, SecretString> {
    let mut users = BTreeMap::new();
    for (user, SecretText(hash)) in raw.into_iter().flatten() {
        let key = join("basic_auth_users", user);
        let make = "make one with `htpasswd -nBC 10 \"\" | tr -d ':\\n'`";
        if let Err((reason, remedy)) = rules::user(user) {
            checker.wrong(&key, reason, remedy);
            continue;
        }
        match hash.parse::<bcrypt::HashParts>() {
            Err(_) => checker.wrong(&key, "is not a bcrypt hash (not shown)", make),
            Ok(parts) if parts.get_cost() > HIGHEST_COST => {
                let reason = format!("has the cost {}: each log-in would take minutes", parts.get_cost());
                checker.wrong(&key, reason, format!("{HIGHEST_COST} at most; {make}"));
            }
            Ok(_) => {
                users.insert(user.clone(), SecretString::from(hash.as_str()));
            }
        }
    }
    users
}

fn rate_limit(raw: &raw::RateLimit, checker: &mut Checker<'_>) -> Option<RateLimit> {
    let raw::RateLimit { interval, burst } = raw;
    let zero = |text: &str| humantime::parse_duration(text.trim()).is_ok_and(|interval| interval.is_zero());
    let interval = interval.as_ref().filter(|text| !zero(&text.0))?;
    let seconds = 0..=LONGEST_INTERVAL;
    let interval: Duration =
        checker.duration("rate_limit.interval", Some(interval), seconds, "nobody would be answered");
    let burst = checker.whole("rate_limit.burst", Some(burst.unwrap_or(0)), 1..=1_000_000);
    NonZeroU32::new(burst).map(|burst| RateLimit { interval, burst })
}

fn headers(raw: &raw::Headers, checker: &mut Checker<'_>) -> Vec<(HeaderName, HeaderValue)> {
    let raw::Headers {
        content_security_policy,
        x_frame_options,
        x_content_type_options,
        x_xss_protection,
        strict_transport_security,
    } = raw;
    let all: [(&str, HeaderName, &Option<String>, &[&str]); 5] = [
        ("Content-Security-Policy", header::CONTENT_SECURITY_POLICY, content_security_policy, &[]),
        ("X-Frame-Options", header::X_FRAME_OPTIONS, x_frame_options, &["deny", "sameorigin"]),
        ("X-Content-Type-Options", header::X_CONTENT_TYPE_OPTIONS, x_content_type_options, &["nosniff"]),
        ("X-XSS-Protection", header::X_XSS_PROTECTION, x_xss_protection, &[]),
        ("Strict-Transport-Security", header::STRICT_TRANSPORT_SECURITY, strict_transport_security, &[]),
    ];
    let written = all.into_iter().filter_map(|(key, name, text, known)| Some((key, name, text.as_ref()?, known)));
    let mut headers = Vec::new();
    for (key, name, text, known) in written {
        let key = format!("http_server_config.headers.{key}");
        if !known.is_empty() && !known.contains(&text.as_str()) {
            checker.wrong(
                &key,
                format!("{} is not known", shown(text)),
                format!("give {}", one_of(known.iter().copied())),
            );
            continue;
        }
        match HeaderValue::from_str(text) {
            Ok(value) => headers.push((name, value)),
            Err(_) => checker.wrong(&key, "no header can hold this text", "write it in one line of plain characters"),
        }
    }
    headers
}

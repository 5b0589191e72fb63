//! Who is told of alerts.

use std::time::Duration;

use url::Url;

use super::rules::{Checker, duration_text};
use super::{Alertmanager, PushAuth, SecretFile, raw};

/// Unless written otherwise. A default file that held them would switch the section on.
const TIMEOUT: Duration = Duration::from_secs(10);
const RESEND: Duration = Duration::from_secs(60);

/// What stands below `alertmanager`; `None` as well where something of it is wrong.
pub(super) fn check(raw: &raw::Alertmanager, checker: &mut Checker<'_>) -> Option<Alertmanager> {
    let raw::Alertmanager {
        urls,
        username,
        password_file,
        token_file,
        ca_file,
        cert_file,
        key_file,
        proxy_url,
        timeout,
        resend_interval,
    } = raw;
    let addresses: Vec<Url> = urls
        .iter()
        .flatten()
        .enumerate()
        .filter_map(|(index, text)| address(&format!("alertmanager.urls[{index}]"), text, checker))
        .collect();
    let told = checker.problems.iter().any(|problem| problem.key.starts_with("alertmanager.urls"));
    if addresses.is_empty() && !told {
        let remedy =
            "name the Alertmanagers, e.g. `urls: [http://alertmanager.monitoring:9093]`, or remove the section";
        checker.wrong("alertmanager.urls", "names nobody", remedy);
    }
    let mut path = |key: &str, raw, holds| checker.path(&format!("alertmanager.{key}"), raw, holds);
    let password = path("password_file", password_file.as_ref(), "the password");
    let token = path("token_file", token_file.as_ref(), "the bearer token");
    let ca_file = path("ca_file", ca_file.as_ref(), "the certificate authorities (PEM)");
    let certificate = path("cert_file", cert_file.as_ref(), "the client certificate (PEM)");
    let key = path("key_file", key_file.as_ref(), "its key (PEM)");
    if (username.is_some() || password_file.is_some()) && token_file.is_some() {
        let reason = "stands beside username or password_file: Alertmanager is given one proof";
        checker.wrong("alertmanager.token_file", reason, "remove one of the two");
    } else if username.is_some() != password_file.is_some() {
        let missing = if username.is_some() { "password_file" } else { "username" };
        let remedy = "give both, or neither";
        checker.wrong(&format!("alertmanager.{missing}"), "is missing beside the other of the two", remedy);
    }
    if cert_file.is_some() != key_file.is_some() {
        let missing = if cert_file.is_some() { "key_file" } else { "cert_file" };
        checker.wrong(
            &format!("alertmanager.{missing}"),
            "is missing beside the other of the two",
            "give both, or neither",
        );
    }
    let mut span = |key: &str, raw: &Option<raw::DurationText>, range, unless_written| match raw {
        None => unless_written,
        some => checker.duration(&format!("alertmanager.{key}"), some.as_ref(), range, ""),
    };
    let timeout = span("timeout", timeout, 1..=60, TIMEOUT);
    let resend = span("resend_interval", resend_interval, 5..=300, RESEND);
    if timeout > resend && !resend.is_zero() {
        let reason = format!("{} is longer than alertmanager.resend_interval", duration_text(timeout));
        checker.wrong("alertmanager.timeout", reason, format!("give {} or less", duration_text(resend)));
    }
    let basic = username.clone().zip(password);
    let basic = basic.map(|(username, file)| PushAuth::Basic { username, password: SecretFile::new(file) });
    Some(Alertmanager {
        urls: addresses,
        auth: basic.or_else(|| token.map(|file| PushAuth::Bearer(SecretFile::new(file)))),
        ca_file,
        client_certificate: certificate.zip(key),
        proxy: checker.address("alertmanager.proxy_url", proxy_url.as_ref()),
        timeout,
        resend,
    })
}

fn address(key: &str, text: &raw::AddressText, checker: &mut Checker<'_>) -> Option<Url> {
    let url = checker.address(key, Some(text))?;
    if let Some((base, _)) = url.as_str().split_once("/api/") {
        let remedy = format!("leave out the path of the API: write {base}");
        checker.wrong(key, "is the address of the API, not of Alertmanager", remedy);
    }
    Some(url)
}

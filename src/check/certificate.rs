//! A server's certificates: whose they are, and until when.

use jiff::{SignedDuration, Timestamp};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use super::line::{Line, Probe};
use crate::model::assess::human_duration;
use crate::observation::between;

/// Whoever renews by hand has two weeks for it.
const WARN_BEFORE: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Names that are told.
const MOST_NAMES: usize = 5;

/// What is told of one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Certificate {
    /// For which hosts.
    pub(super) names: Vec<String>,
    /// Who signed it.
    pub(super) issuer: String,
    /// It signed itself.
    pub(super) own: bool,
    /// Until when.
    pub(super) ends: Timestamp,
}

impl Certificate {
    /// Reads a certificate as it was sent; nothing where it is none.
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let alternatives = certificate.subject_alternative_name().ok().flatten();
        let names = alternatives.iter().flat_map(|found| &found.value.general_names).filter_map(|name| {
            if let GeneralName::DNSName(name) = name {
                return Some((*name).to_owned());
            }
            if let GeneralName::IPAddress(bytes) = name { address(bytes) } else { None }
        });
        Some(Self {
            names: names.take(MOST_NAMES).collect(),
            issuer: certificate.issuer().to_string(),
            own: certificate.issuer() == certificate.subject(),
            ends: Timestamp::from_second(certificate.validity().not_after.timestamp()).unwrap_or(Timestamp::MAX),
        })
    }
}

fn address(bytes: &[u8]) -> Option<String> {
    let v4 = <[u8; 4]>::try_from(bytes).map(|octets| std::net::Ipv4Addr::from(octets).to_string());
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(|octets| std::net::Ipv6Addr::from(octets).to_string())).ok()
}

/// Judges what a server showed. `refused`: why a request did not take it for GitLab's, by whom the daemon trusts.
pub(super) fn judge(chain: &[Vec<u8>], refused: Option<&str>, now: Timestamp) -> Line {
    let probe = Probe::GitlabTls;
    let certificates: Vec<Certificate> = chain.iter().filter_map(|der| Certificate::read(der)).collect();
    let Some(leaf) = certificates.first() else {
        return Line::problem(
            probe,
            "",
            "the server showed no certificate that can be read",
            "look at what listens there",
        );
    };
    let day = leaf.ends.strftime("%Y-%m-%d");
    let of = format!("for {}, signed by {}", leaf.names.join(", "), leaf.issuer);
    if leaf.ends <= now {
        let fix = "renew GitLab's certificate";
        return Line::problem(probe, "", &format!("the certificate {of} ended on {day}"), fix);
    }
    if let Some(why) = refused {
        let fix = match () {
            () if why.contains("NotValidForName") || why.contains("not valid for name") => {
                "write gitlab.url with a name that the certificate is for, or have it issued for this one"
            }
            () if leaf.own => "put this certificate into a file and name it in gitlab.ca_file",
            () => {
                "put the authority's certificate (PEM) into a file and name it in gitlab.ca_file; have GitLab send its whole chain"
            }
        };
        return Line::problem(probe, "", &format!("the certificate {of} is not trusted: {why}"), fix);
    }
    // An authority in the middle may end before the certificate does.
    let first = certificates.iter().map(|certificate| certificate.ends).min().unwrap_or(leaf.ends);
    let left = human_duration(between(now, first));
    let evidence = format!("trusted, {of}, chain of {}, ends in {left}", certificates.len());
    match first.duration_since(now) < WARN_BEFORE {
        true => {
            Line::warning(probe, "", &evidence, "renew the certificate before it ends: without it every tier is blind")
        }
        false => Line::ok(probe, "", &evidence),
    }
}

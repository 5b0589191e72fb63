//! What the file says about encryption, as rustls takes it.

use std::path::Path;
use std::sync::Arc;

use secrecy::ExposeSecret as _;
use tokio_rustls::rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion, version};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};
use zeroize::Zeroizing;

use crate::config::{ClientCertificate, Pem, WebTls};
use crate::error_chain::chain;

/// Why connections cannot be encrypted as the file says. Names the key of the file, never what a key holds.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("reading {path} (tls_server_config.{key}): {source}")]
    Read {
        /// Who names it.
        key: &'static str,
        /// The file.
        path: String,
        /// The system's word.
        source: std::io::Error,
    },
    /// It does not hold what it should.
    #[error("tls_server_config.{key} {reason}")]
    Unusable {
        /// Which.
        key: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

/// Who is at the other end of an encrypted connection, as far as was proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Peer {
    /// Nobody showed a certificate.
    #[default]
    Unknown,
    /// A good certificate, with a name that is let in.
    Proven,
    /// A good certificate, without such a name.
    Stranger,
}

/// Settings for a listener; HTTP/2 is offered where `http2` says so.
pub(super) fn server(tls: &WebTls, http2: bool) -> Result<ServerConfig, TlsError> {
    let certificate = text(&tls.certificate, "cert_file")?;
    let chain_of: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate.as_bytes()).collect();
    let certificates = chain_of.map_err(|error| unusable("cert_file", &error))?;
    if certificates.is_empty() {
        return Err(TlsError::Unusable { key: "cert_file", reason: "holds no PEM certificate".to_owned() });
    }
    let key = PrivateKeyDer::from_pem_slice(text(&tls.key, "key_file")?.as_bytes())
        .map_err(|error| unusable("key_file", &error))?;

    let provider = Arc::new(provider(tls));
    let versions: Vec<&'static SupportedProtocolVersion> = [(tls.tls13, &version::TLS13), (tls.tls12, &version::TLS12)]
        .iter()
        .filter(|(on, _)| *on)
        .map(|(_, v)| *v)
        .collect();
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&versions)
        .map_err(|error| unusable("min_version", &error))?;
    let builder = match (&tls.client_ca, tls.client) {
        (Some(authorities), ClientCertificate::IfGiven | ClientCertificate::Required) => {
            // Probes show no certificate: who must, is for the door to say.
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(authorities)?), provider)
                .allow_unauthenticated()
                .build()
                .map_err(|error| unusable("client_ca_file", &error))?;
            builder.with_client_cert_verifier(verifier)
        }
        (None, _) | (_, ClientCertificate::None) => builder.with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(certificates, key).map_err(|error| unusable("key_file", &error))?;
    config.ignore_client_order = tls.our_order;
    config.alpn_protocols = [http2.then_some("h2"), Some("http/1.1")].into_iter().flatten().map(Into::into).collect();
    Ok(config)
}

/// What the certificate of a client proves; it was verified during the handshake.
pub(super) fn peer(certificate: Option<&CertificateDer<'_>>, tls: &WebTls) -> Peer {
    let Some(certificate) = certificate else { return Peer::Unknown };
    if tls.client_sans.is_empty() {
        return Peer::Proven;
    }
    let names = X509Certificate::from_der(certificate).map(|(_, certificate)| names(&certificate)).unwrap_or_default();
    match names.iter().any(|name| tls.client_sans.contains(name)) {
        true => Peer::Proven,
        false => Peer::Stranger,
    }
}

/// The subject's alternative names as exporter-toolkit spells them.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let extension = certificate.subject_alternative_name().ok().flatten();
    let names = extension.into_iter().flat_map(|extension| &extension.value.general_names);
    names
        .filter_map(|name| match name {
            GeneralName::DNSName(text) | GeneralName::RFC822Name(text) | GeneralName::URI(text) => {
                Some((*text).to_owned())
            }
            GeneralName::IPAddress(bytes) => address(bytes),
            GeneralName::OtherName(..)
            | GeneralName::X400Address(_)
            | GeneralName::DirectoryName(_)
            | GeneralName::EDIPartyName(_)
            | GeneralName::RegisteredID(_)
            | GeneralName::Invalid(..) => None,
        })
        .collect()
}

fn address(bytes: &[u8]) -> Option<String> {
    let v4 = <[u8; 4]>::try_from(bytes).ok().map(|bytes| std::net::Ipv4Addr::from(bytes).to_string());
    v4.or_else(|| <[u8; 16]>::try_from(bytes).ok().map(|bytes| std::net::Ipv6Addr::from(bytes).to_string()))
}

fn provider(tls: &WebTls) -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    if !tls.cipher_suites.is_empty() {
        // Those of TLS 1.3 are not chosen, in exporter-toolkit neither.
        provider.cipher_suites.retain(|suite| {
            let name = suite.suite().as_str().unwrap_or_default();
            suite.tls13().is_some() || tls.cipher_suites.iter().any(|known| known == name)
        });
    }
    if !tls.curves.is_empty() {
        let group = |name: &String| -> Option<&'static dyn SupportedKxGroup> {
            Some(match name.as_str() {
                "X25519" => aws_lc_rs::kx_group::X25519,
                "CurveP256" => aws_lc_rs::kx_group::SECP256R1,
                "CurveP384" => aws_lc_rs::kx_group::SECP384R1,
                _ => return None,
            })
        };
        provider.kx_groups = tls.curves.iter().filter_map(group).collect();
    }
    provider
}

fn roots(authorities: &Pem) -> Result<RootCertStore, TlsError> {
    let text = text(authorities, "client_ca_file")?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
        let certificate = certificate.map_err(|error| unusable("client_ca_file", &error))?;
        roots.add(certificate).map_err(|error| unusable("client_ca_file", &error))?;
    }
    match roots.is_empty() {
        true => Err(TlsError::Unusable { key: "client_ca_file", reason: "holds no PEM certificate".to_owned() }),
        false => Ok(roots),
    }
}

fn text(pem: &Pem, key: &'static str) -> Result<Zeroizing<String>, TlsError> {
    match pem {
        Pem::Inline(text) => Ok(Zeroizing::new(text.expose_secret().to_owned())),
        Pem::File(path) => read(path, key),
    }
}

fn read(path: &Path, key: &'static str) -> Result<Zeroizing<String>, TlsError> {
    std::fs::read_to_string(path).map(Zeroizing::new).map_err(|source| TlsError::Read {
        key,
        path: path.display().to_string(),
        source,
    })
}

fn unusable(key: &'static str, error: &(dyn std::error::Error + 'static)) -> TlsError {
    TlsError::Unusable { key, reason: format!("cannot be used: {}", chain(error)) }
}

//! The way to GitLab's host: its name, a connection, the certificates that it shows.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use url::Url;

/// For the name, and for a connection to one address.
const PATIENCE: Duration = Duration::from_secs(5);
/// Addresses that are tried.
const MOST_ADDRESSES: usize = 4;

/// How far one comes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reach {
    /// The host's addresses.
    pub(super) addresses: Option<Result<Vec<SocketAddr>, String>>,
    /// The one that a connection was made to.
    pub(super) connected: Option<Result<SocketAddr, String>>,
    /// The certificates that were shown, the server's own first.
    pub(super) chain: Option<Result<Vec<Vec<u8>>, String>>,
}

/// Goes as far as it comes. Nothing is sent but what a TLS handshake takes.
pub(super) async fn reach(url: &Url) -> Reach {
    let mut reach = Reach::default();
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else { return reach };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let addresses = match tokio::time::timeout(PATIENCE, lookup_host((bare, port))).await {
        Ok(Ok(found)) => Ok(found.collect::<Vec<_>>()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    };
    let tried = addresses.clone().unwrap_or_default();
    reach.addresses = Some(addresses);
    let Some((stream, address)) = connect(&tried, &mut reach).await else { return reach };
    reach.connected = Some(Ok(address));
    if url.scheme() == "https" {
        let chain = tokio::time::timeout(PATIENCE, shake_hands(stream, bare)).await;
        reach.chain = Some(chain.unwrap_or_else(|_| Err(format!("no handshake within {} s", PATIENCE.as_secs()))));
    }
    reach
}

async fn connect(addresses: &[SocketAddr], reach: &mut Reach) -> Option<(TcpStream, SocketAddr)> {
    for address in addresses.iter().take(MOST_ADDRESSES) {
        let why = match tokio::time::timeout(PATIENCE, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Some((stream, *address)),
            Ok(Err(error)) => format!("{address}: {error}"),
            Err(_) => format!("{address}: no answer within {} s", PATIENCE.as_secs()),
        };
        reach.connected = Some(Err(why));
    }
    None
}

/// Looks at the certificates, whoever signed them: whether they are trusted is told by the daemon's own requests.
async fn shake_hands(stream: TcpStream, host: &str) -> Result<Vec<Vec<u8>>, String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let seen = Arc::new(Onlooker { provider: Arc::clone(&provider), chain: Mutex::default() });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&seen) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    let shaken = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    let chain = std::mem::take(&mut *seen.chain.lock().unwrap_or_else(PoisonError::into_inner));
    match shaken {
        Err(error) if chain.is_empty() => Err(error.to_string()),
        Ok(_) | Err(_) => Ok(chain),
    }
}

/// Keeps the certificates that are shown, and trusts them: the connection carries nothing.
#[derive(Debug)]
struct Onlooker {
    provider: Arc<CryptoProvider>,
    chain: Mutex<Vec<Vec<u8>>>,
}

impl ServerCertVerifier for Onlooker {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = std::iter::once(end_entity).chain(intermediates).map(|der| der.to_vec()).collect();
        *self.chain.lock().unwrap_or_else(PoisonError::into_inner) = chain;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

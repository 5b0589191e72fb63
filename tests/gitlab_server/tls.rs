//! A server on loopback that speaks TLS, with certificates that hold and some that do not.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Our authority, and one that signed only `foreign`.
pub const OURS: &str = include_str!("../fixtures/gitlab/tls/authority.pem");
pub const THEIRS: &str = include_str!("../fixtures/gitlab/tls/other-authority.pem");

/// Certificates for 127.0.0.1, each with its key: until 2200, until 2002, until 2200 by the other authority.
pub const VALID: &str = include_str!("../fixtures/gitlab/tls/valid.pem");
pub const EXPIRED: &str = include_str!("../fixtures/gitlab/tls/expired.pem");
pub const FOREIGN: &str = include_str!("../fixtures/gitlab/tls/foreign.pem");

/// A server that answers `{}`.
pub async fn serve(pem: &str) -> url::Url {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(socket).await else { return };
                let mut head = vec![0; 4096];
                let Ok(1..) = stream.read(&mut head).await else { return };
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
                let _gone = stream.write_all(answer).await;
                let _gone = stream.shutdown().await;
            });
        }
    });
    url
}

//! TLS: a private certificate authority, one that is exchanged while we run, and certificates that do not hold.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gitlab::api::{ApiError, AsyncQuery, raw};
use tierwatch::metrics::{Operation, Own};
use tierwatch::observation::FailureClass;
use tierwatch::source::gitlab::{Client, ClientError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

mod gitlab_server;
use gitlab_server::{Bench, Server, reply};

/// Our authority, and one that signed only `foreign`.
const OURS: &str = include_str!("fixtures/gitlab/tls/authority.pem");
const THEIRS: &str = include_str!("fixtures/gitlab/tls/other-authority.pem");

/// Certificates for 127.0.0.1, each with its key: until 2200, until 2002, until 2200 by the other authority.
const VALID: &str = include_str!("fixtures/gitlab/tls/valid.pem");
const EXPIRED: &str = include_str!("fixtures/gitlab/tls/expired.pem");
const FOREIGN: &str = include_str!("fixtures/gitlab/tls/foreign.pem");

/// A server on loopback that answers `{}`.
async fn serve(pem: &str) -> url::Url {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(socket).await else { continue };
            let mut head = vec![0; 4096];
            let Ok(1..) = stream.read(&mut head).await else { continue };
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
            let _gone = stream.write_all(answer).await;
            let _gone = stream.shutdown().await;
        }
    });
    url
}

async fn ask(client: &Client) -> Result<Vec<u8>, FailureClass> {
    let endpoint = gitlab::api::projects::jobs::Job::builder().project(1).job(7).build().unwrap();
    raw(endpoint).query_async(&client.call(Operation::Job)).await.map_err(|error: ApiError<ClientError>| {
        let ApiError::Client { source } = error else { panic!("{error}") };
        source.class()
    })
}

fn trust(file: &Path, authority: &str, age: u64) {
    std::fs::write(file, authority).unwrap();
    // The file system's clock may be coarser than this test.
    let at = std::time::UNIX_EPOCH + Duration::from_secs(1_000_000_000 + age);
    std::fs::File::options().write(true).open(file).unwrap().set_modified(at).unwrap();
}

#[tokio::test]
async fn only_a_valid_certificate_of_a_trusted_authority_is_talked_to() {
    let unused = Server::start(|_| reply(200, &[], "{}")).await;
    for (certificate, expected) in
        [(VALID, Ok(b"{}".to_vec())), (EXPIRED, Err(FailureClass::Tls)), (FOREIGN, Err(FailureClass::Tls))]
    {
        let url = serve(certificate).await;
        let mut bench = Bench::new(&unused);
        let file = bench.dir.path().join("ca.pem");
        trust(&file, OURS, 0);
        (bench.config.url, bench.config.ca_file) = (url, Some(file));
        let client = Client::new(&bench.config, bench.clock(), Own::default()).unwrap();
        assert_eq!(ask(&client).await, expected);
    }
}

#[tokio::test]
async fn an_exchanged_authority_is_taken_up_while_we_run() {
    let url = serve(FOREIGN).await;
    let unused = Server::start(|_| reply(200, &[], "{}")).await;
    let mut bench = Bench::new(&unused);
    let file = bench.dir.path().join("ca.pem");
    trust(&file, OURS, 0);
    (bench.config.url, bench.config.ca_file) = (url, Some(file.clone()));
    let client = Client::new(&bench.config, bench.clock(), Own::default()).unwrap();
    assert_eq!(ask(&client).await, Err(FailureClass::Tls));
    trust(&file, THEIRS, 1);
    assert_eq!(ask(&client).await, Ok(b"{}".to_vec()));
    // A file caught in the middle of a rotation leaves the former authorities in use.
    std::fs::write(&file, "half a certifi").unwrap();
    assert_eq!(ask(&client).await, Ok(b"{}".to_vec()));
}

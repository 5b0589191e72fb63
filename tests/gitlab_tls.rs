//! TLS: a private certificate authority, one that is exchanged while we run, and certificates that do not hold.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here")]

use std::path::Path;
use std::time::Duration;

use gitlab::api::{ApiError, AsyncQuery, raw};
use tierwatch::metrics::{Operation, Own};
use tierwatch::observation::FailureClass;
use tierwatch::source::gitlab::{Client, ClientError};

mod gitlab_server;
use gitlab_server::tls::{EXPIRED, FOREIGN, OURS, THEIRS, VALID, serve};
use gitlab_server::{Bench, Server, reply};

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

//! An admission webhook that the real API server asks: it says no, over TLS.

use std::sync::Arc;

use axum::routing::post;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

const AUTHORITY: &str = include_str!("../../fixtures/gitlab/tls/authority.pem");
/// For 127.0.0.1, with its key.
const OURS: &str = include_str!("../../fixtures/gitlab/tls/valid.pem");

/// A listening webhook; gone when dropped.
#[derive(Debug)]
pub(crate) struct Webhook {
    port: u16,
    task: JoinHandle<()>,
}

impl Webhook {
    /// One that denies every request with these words.
    pub(crate) async fn that_denies(words: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let port = listener.local_addr().expect("a bound listener has an address").port();
        let certificate = CertificateDer::from_pem_slice(OURS.as_bytes()).expect("a certificate");
        let key = PrivateKeyDer::from_pem_slice(OURS.as_bytes()).expect("its key");
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key);
        let acceptor = TlsAcceptor::from(Arc::new(config.expect("the key is the certificate's")));
        let deny = move |Json(review): Json<Value>| async move { Json(denied(&review, words)) };
        let router = Router::new().route("/validate", post(deny));
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, router) = (acceptor.clone(), router.clone());
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(socket).await else { return };
                    let service = TowerToHyperService::new(router);
                    // The API server may leave at any time.
                    let _ended =
                        Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { port, task }
    }

    /// As `clientConfig` of a webhook's configuration.
    pub(crate) fn client_config(&self) -> Value {
        json!({ "url": format!("https://127.0.0.1:{}/validate", self.port), "caBundle": STANDARD.encode(AUTHORITY) })
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn denied(review: &Value, words: &str) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": { "uid": review["request"]["uid"], "allowed": false, "status": { "code": 403, "message": words } },
    })
}

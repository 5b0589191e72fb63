//! The ways to an Alertmanager that lets not everybody in: TLS, client certificates, passwords, a proxy; and what is said
//! when one of them is closed.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use axum::serve::Listener;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;

use super::*;

const OURS: &str = include_str!("../fixtures/gitlab/tls/authority.pem");
const THEIRS: &str = include_str!("../fixtures/gitlab/tls/other-authority.pem");

/// A certificate of ours for 127.0.0.1 and one of theirs, each with its key.
const VALID: &str = include_str!("../fixtures/gitlab/tls/valid.pem");
const FOREIGN: &str = include_str!("../fixtures/gitlab/tls/foreign.pem");

/// Takes TLS only, and where it is told to, only from whom our authority knows.
struct Tls {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Tls {
    async fn new(knows_clients: bool) -> Self {
        let certificate = CertificateDer::from_pem_slice(VALID.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(VALID.as_bytes()).unwrap();
        let config = ServerConfig::builder();
        let config = if knows_clients {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(OURS.as_bytes()).unwrap()).unwrap();
            config.with_client_cert_verifier(WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap())
        } else {
            config.with_no_client_auth()
        };
        let config = config.with_single_cert(vec![certificate], key).unwrap();
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            acceptor: TlsAcceptor::from(Arc::new(config)),
        }
    }
}

impl Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (socket, from) = self.listener.accept().await.unwrap();
            // Whoever does not trust it hangs up.
            if let Ok(stream) = self.acceptor.accept(socket).await {
                return (stream, from);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

impl Catcher {
    async fn serve_tls(&self, knows_clients: bool) -> url::Url {
        let listener = Tls::new(knows_clients).await;
        let url = format!("https://{}/prefix/", listener.local_addr().unwrap()).parse().unwrap();
        let app = Router::new().route("/prefix/api/v2/alerts", post(take)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        url
    }
}

/// A proxy on loopback that leads everything to one place: what it was asked for, a line each.
async fn proxy(to: SocketAddr) -> (url::Url, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let lines = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            tokio::spawn(lead(near, to, Arc::clone(&lines)));
        }
    });
    (url, asked)
}

async fn lead(mut near: TcpStream, to: SocketAddr, asked: Arc<Mutex<Vec<String>>>) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(near.read_u8().await?);
    }
    let line = String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned();
    let tunnels = line.starts_with("CONNECT ");
    asked.lock().unwrap().push(line);
    let mut far = TcpStream::connect(to).await?;
    if tunnels {
        near.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    } else {
        far.write_all(&head).await?;
    }
    tokio::io::copy_bidirectional(&mut near, &mut far).await?;
    Ok(())
}

/// What is logged on this thread while it lives.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// One listens at a time: whether somebody cares for an event is remembered for all threads together.
static LISTENING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

impl Log {
    async fn listen(&self) -> (tracing::subscriber::DefaultGuard, tokio::sync::MutexGuard<'static, ()>) {
        static EVERYBODY: std::sync::Once = std::sync::Once::new();
        // Otherwise a thread on which nobody listens may decide that nobody does.
        EVERYBODY.call_once(|| {
            let all = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(std::io::sink);
            let _ = tracing::subscriber::set_global_default(all.finish());
        });
        let alone = LISTENING.lock().await;
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_max_level(tracing::Level::TRACE);
        (tracing::subscriber::set_default(subscriber.with_writer(move || log.clone()).finish()), alone)
    }

    /// What the daemon itself said of its way to Alertmanager.
    fn told(&self) -> String {
        let all = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        assert!(!all.contains(SECRET) && !all.contains("PRIVATE KEY"), "a secret is told: {all}");
        all.lines().filter(|line| line.contains("Alertmanager")).map(|line| format!("{line}\n")).collect()
    }
}

/// Files for one test.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A certificate and its key, each in a file.
    fn pair(&self, pem: &str) -> Option<(PathBuf, PathBuf)> {
        let (first, second) = pem.split_at(pem.rfind("-----BEGIN").unwrap());
        let (certificate, key) = if first.contains("PRIVATE KEY") { (second, first) } else { (first, second) };
        Some((self.write("client.pem", certificate), self.write("client.key", key)))
    }
}

impl Pushing {
    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

/// With patience: a handshake takes its time on a machine that builds something.
fn to(urls: Vec<url::Url>, auth: Option<PushAuth>) -> Alertmanager {
    Alertmanager { timeout: Duration::from_secs(20), ..super::to(urls, auth) }
}

/// It gets there, and says nothing of trouble.
async fn arrives(config: Alertmanager, catcher: &Catcher) {
    let log = Log::default();
    let _listening = log.listen().await;
    let pushing = Pushing::start(config);
    until("the heartbeat", || catcher.last() == [HEARTBEAT]).await;
    pushing.fires(vec![stalled()]);
    until("the alert", || catcher.last() == ["TierQueueStalled", HEARTBEAT]).await;
    assert_eq!((pushing.pushes("failed"), log.told()), (0.0, String::new()));
    assert!(pushing.pushes("sent") >= 1.0);
    pushing.end().await;
}

/// It does not get there, is counted, and the log says why: once, not at each attempt.
async fn is_kept_out(config: Alertmanager, catcher: &Catcher, why: &str) {
    let log = Log::default();
    let _listening = log.listen().await;
    let pushing = Pushing::start(config);
    until("a second failure", || pushing.pushes("failed") >= 2.0).await;
    assert_eq!((pushing.pushes("sent"), catcher.told().len()), (0.0, 0));
    let told = log.told();
    assert!(told.contains("Alertmanager is not told of alerts") && told.contains(why), "{why}: {told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    pushing.end().await;
}

#[tokio::test]
async fn only_an_alertmanager_of_a_trusted_authority_is_told() {
    let files = Files::new();
    let (ours, theirs) = (files.write("ours.pem", OURS), files.write("theirs.pem", THEIRS));
    let catcher = Catcher::default();
    let url = catcher.serve_tls(false).await;
    let trusting = |file| Alertmanager { ca_file: file, ..to(vec![url.clone()], None) };
    is_kept_out(trusting(None), &catcher, "invalid peer certificate").await;
    is_kept_out(trusting(Some(theirs)), &catcher, "invalid peer certificate").await;
    let empty = files.write("empty.pem", "nothing of use\n");
    is_kept_out(trusting(Some(empty)), &catcher, "empty.pem: no PEM certificate in it").await;
    is_kept_out(trusting(Some("/nonexistent/ca.pem".into())), &catcher, "/nonexistent/ca.pem: No such file").await;
    arrives(trusting(Some(ours)), &catcher).await;
}

#[tokio::test]
async fn an_exchanged_authority_is_taken_up_while_it_tells() {
    let files = Files::new();
    let file = files.write("ca.pem", THEIRS);
    let catcher = Catcher::default();
    let url = catcher.serve_tls(false).await;
    let pushing = Pushing::start(Alertmanager { ca_file: Some(file.clone()), ..to(vec![url], None) });
    until("a failure", || pushing.pushes("failed") >= 1.0).await;
    std::fs::write(&file, OURS).unwrap();
    until("the heartbeat", || catcher.last() == [HEARTBEAT]).await;
    pushing.end().await;
}

#[tokio::test]
async fn it_shows_its_certificate_to_whoever_asks_for_one() {
    let files = Files::new();
    let ca_file = Some(files.write("ours.pem", OURS));
    let catcher = Catcher::default();
    let url = catcher.serve_tls(true).await;
    let showing =
        |pair| Alertmanager { ca_file: ca_file.clone(), client_certificate: pair, ..to(vec![url.clone()], None) };
    is_kept_out(showing(None), &catcher, "no answer: ").await;
    is_kept_out(showing(files.pair(FOREIGN)), &catcher, "no answer: ").await;
    let (certificate, _) = files.pair(VALID).unwrap();
    let no_key = files.write("no.key", "nothing of use\n");
    is_kept_out(showing(Some((certificate, no_key))), &catcher, "client.pem: ").await;
    arrives(showing(files.pair(VALID)), &catcher).await;
}

#[tokio::test]
async fn a_wrong_password_is_told_and_not_repeated() {
    let files = Files::new();
    let wrong = SecretFile::new(files.write("password", SECRET));
    for auth in [PushAuth::Basic { username: "tierwatch".to_owned(), password: wrong.clone() }, PushAuth::Bearer(wrong)]
    {
        let catcher = Catcher::default();
        catcher.answers(Answer::Unknown);
        let config = to(vec![catcher.serve().await], Some(auth));
        is_kept_out(config.clone(), &catcher, "it answered 401: who are you?").await;
        // A proxy for debugging, say.
        catcher.answers(Answer::Repeats);
        is_kept_out(config, &catcher, "it answered 401: (its answer repeats the proof that it was sent)").await;
    }
}

/// Refuses everybody, and gives its reasons until nobody listens any more: how much it has said.
async fn endless() -> (url::Url, Arc<Mutex<usize>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/prefix/", listener.local_addr().unwrap()).parse().unwrap();
    let said = Arc::<Mutex<usize>>::default();
    let counted = Arc::clone(&said);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let counted = Arc::clone(&counted);
            tokio::spawn(async move {
                let _begin_of_the_request = near.read_u8().await.unwrap();
                let mut sent = near.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").await;
                while sent.is_ok() {
                    sent = near.write_all(&[b'x'; 1 << 16]).await;
                    *counted.lock().unwrap() += 1 << 16;
                }
            });
        }
    });
    (url, said)
}

#[tokio::test]
async fn a_refusal_without_end_is_not_heard_to_its_end() {
    let (url, said) = endless().await;
    is_kept_out(to(vec![url], None), &Catcher::default(), &format!("it answered 502: {}", "x".repeat(200))).await;
    // What stands in the sockets' buffers is said and not read; whoever reads on reads gigabytes until the time is over.
    assert!(*said.lock().unwrap() < 256 << 20, "{said:?}");
}

#[tokio::test]
async fn a_proxy_is_asked_to_lead_there() {
    let files = Files::new();
    let catcher = Catcher::default();
    // Only the proxy knows the way to this name.
    let direct = catcher.serve().await.socket_addrs(|| None).unwrap()[0];
    let url = "http://alertmanager.invalid:9093/prefix/".parse().unwrap();
    let (way, asked) = proxy(direct).await;
    arrives(Alertmanager { proxy: Some(way), ..to(vec![url], None) }, &catcher).await;
    let line = "POST http://alertmanager.invalid:9093/prefix/api/v2/alerts HTTP/1.1";
    assert_eq!(asked.lock().unwrap()[0], line);

    let catcher = Catcher::default();
    let url = catcher.serve_tls(true).await;
    let direct = url.socket_addrs(|| None).unwrap()[0];
    let (way, asked) = proxy(direct).await;
    let config = Alertmanager {
        proxy: Some(way),
        ca_file: Some(files.write("ours.pem", OURS)),
        client_certificate: files.pair(VALID),
        ..to(vec![url], None)
    };
    arrives(config.clone(), &catcher).await;
    assert_eq!(asked.lock().unwrap()[0], format!("CONNECT {direct} HTTP/1.1"));

    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let away = Some(format!("http://{nobody}").parse().unwrap());
    is_kept_out(Alertmanager { proxy: away, ..config }, &Catcher::default(), "no answer: ").await;
}

//! The last words of a panic: whatever holds a secret or the way to one may stand in them.

use std::process::Command;

use prometheus_client::registry::Registry;
use serde_json::Value;
use tierwatch::app::Daemon;
use tierwatch::clock::Clock;
use tierwatch::config::{Alertmanager, Config, Kubernetes, PushAuth, Web, WebFile};
use tierwatch::metrics::{Operation, Own};
use tierwatch::observation::SourceKind;
use tierwatch::output::pusher;
use tierwatch::source::gitlab;
use tierwatch::source::kube::connect;
use tierwatch::source::webhook::Webhooks;
use tierwatch::telemetry::{self, Format, Level, Logs};
use tierwatch::web::Door;
use tokio::sync::mpsc;

use super::Files;

const SECRET: &str = "CANARY-of-a-panic";
/// The bcrypt hash of a password, and the first line of a key: what a web configuration holds itself.
const HASH: &str = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG";
const PAIR: &str = include_str!("../fixtures/gitlab/tls/valid.pem");

fn key() -> &'static str {
    PAIR.lines().skip_while(|line| !line.contains("PRIVATE KEY")).nth(1).expect("a key")
}

fn web_yaml() -> String {
    let (first, second) = PAIR.split_at(PAIR.rfind("-----BEGIN").expect("two parts"));
    let inline = |text: &str| serde_json::to_string(text).expect("text");
    let (cert, key) = (inline(first), inline(second));
    format!("tls_server_config: {{ cert: {cert}, key: {key} }}\nbasic_auth_users: {{ carol: '{HASH}' }}\n")
}

/// Everything that holds a secret or the way to one, in both of the ways in which Rust shows what a value is; and errors about
/// secrets in the wrong place.
async fn everything(files: &Files) -> Vec<String> {
    let mut all = Vec::new();
    let mut show = |value: &dyn std::fmt::Debug| all.extend([format!("{value:?}"), format!("{value:#?}")]);
    let secret = files.write("secret", SECRET);
    let yaml = format!(
        "gitlab: {{ url: 'https://gitlab.example.com', token_file: '{secret}' }}\nkubernetes: {{ enabled: false }}\n\
         webhook: {{ listen_address: '127.0.0.1:0', secret_file: '{secret}' }}\n\
         alertmanager: {{ urls: ['http://127.0.0.1:9'], username: tierwatch, password_file: '{secret}' }}\n\
         links: {{ tierwatch: 'https://tierwatch.example.com' }}\n\
         tiers: {{ standard: {{ tags: [tier-standard] }} }}\n"
    );
    let config = Config::from_yaml(&yaml).expect("a configuration");
    let (hooks, told) = (config.webhook.clone().expect("hooks"), config.alertmanager.clone().expect("an Alertmanager"));
    let Some(PushAuth::Basic { password, .. }) = &told.auth else { panic!("no password") };
    for file in [&config.gitlab.token, hooks.secret.as_ref().expect("a secret"), password] {
        show(&file.read().expect("a secret"));
        show(&file);
    }
    show(&config);

    let (clock, own) = (Clock::system(), Own::new(&SourceKind::ALL, &mut Registry::default()));
    let client = gitlab::Client::new(&config.gitlab, clock.clone(), own.clone()).expect("a client");
    show(&client.call(Operation::Runners));
    let bearer = Alertmanager { auth: Some(PushAuth::Bearer(password.clone())), ..told.clone() };
    for config in [told, bearer] {
        let mut client = pusher::Client::new(config.urls[0].clone(), config);
        show(&client.post(&[]).await.expect_err("nobody there"));
        show(&client);
    }
    let (desk, _observations) = mpsc::channel(1);
    show(&Webhooks::bind(hooks, clock.clone(), own, desk).await.expect("a listener"));
    let daemon = Daemon::start(config, "127.0.0.1:0", clock).await.expect("a daemon");
    show(&daemon);
    show(&daemon.stop().await);

    let web = files.path("web.yaml");
    std::fs::write(&web, web_yaml()).expect("a web configuration");
    show(&WebFile::load(&web).expect("a web configuration"));
    show(&Door::open(&web, Web::default()).expect("a door"));

    for (from, to) in
        [("https://", format!("https://u:{SECRET}@")), ("token_file", format!("token: {SECRET}, token_file"))]
    {
        let problems = Config::from_yaml(&yaml.replacen(from, &to, 1)).expect_err("a secret out of place");
        show(&problems);
        show(&problems.to_string());
    }
    let kubeconfig = Some(files.write("kubeconfig", &format!("users: [{{name: u, user: '{SECRET}'}}]")).into());
    let cluster = Kubernetes { enabled: true, kubeconfig, context: None, cluster_scoped: false };
    show(&connect(&cluster).await.err().expect("no kubeconfig"));
    all
}

fn tells_nothing(said: &str) {
    for secret in [SECRET, HASH, &HASH[7..], key()] {
        assert!(!said.contains(secret), "{secret} is told: {said}");
    }
}

/// Started by the test below, as a process of its own: a panic hook is one for all.
#[tokio::test]
#[ignore = "it panics, for the test below"]
async fn panics_with_everything() {
    let logs = Logs { level: Level::Info, format: Format::Json, filter: None };
    let _telemetry = telemetry::start(&logs, None, Clock::system()).expect("a log");
    for value in everything(&Files::new()).await {
        // What a task of the daemon's would do: the rest goes on.
        let _panicked = tokio::spawn(async move { panic!("it was {value}") }).await;
    }
}

#[test]
fn a_panic_is_a_line_of_the_log_without_a_secret() {
    let own = std::env::current_exe().expect("this test");
    let mut command = Command::new(own);
    command.args(["--exact", "panics::panics_with_everything", "--ignored", "--nocapture"]);
    let output = command.env_remove("RUST_LOG").env("RUST_BACKTRACE", "1").output().expect("it runs");
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(output.status.success(), "{said}");
    tells_nothing(&said);
    tells_nothing(&String::from_utf8_lossy(&output.stdout));
    let lines: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).expect("JSON, one line each")).collect();
    let panics: Vec<_> = lines.iter().filter(|line| line["level"] == "error").collect();
    for line in &panics {
        let (words, place) = (line["msg"].as_str().expect("words"), line["place"].as_str().expect("a place"));
        assert!(words.starts_with("panic: it was ") && place.contains("panics.rs:"), "{line}");
        assert!(line["backtrace"].as_str().is_some_and(|trace| !trace.is_empty()), "{line}");
    }
    // They hold what they are said to hold.
    for held in
        ["SecretFile {", "Config {", "WebFile {", "Door {", "Webhooks {", "Client", "Daemon {", "carol", "Kubeconfig {"]
    {
        assert!(
            panics.iter().any(|line| line["msg"].as_str().is_some_and(|words| words.contains(held))),
            "{held}: {said}"
        );
    }
}

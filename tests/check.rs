//! `tierwatch check`: a right installation is all fine, and each wrong one gives its line.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use futures::StreamExt as _;
use jiff::SignedDuration;
use tempfile::TempDir;
use tierwatch::check::{Asked, Line, Probe, Report, Verdict, run};
use tierwatch::clock::Clock;
use tierwatch::config::Config;
use tierwatch::demo::faults::{GitlabFault, KubeFault, Misdeed};
use tierwatch::demo::gitlab_api::access;
use tierwatch::demo::{Demo, scenario};

mod gitlab_server;
use gitlab_server::{Server, reply, tls};

/// Alertmanager's word on itself, as far as it is read.
const STATUS: &str = r#"{"cluster":{"status":"ready"},"versionInfo":{"version":"0.28.1"},"config":{"original":""}}"#;

/// What a secret file of these tests holds: it must appear nowhere.
const CANARY: &str = "CANARY-9d2c";

/// A platform, and the files of an installation that watches it.
struct Bench {
    demo: Demo,
    clock: Clock,
    folder: TempDir,
    yaml: String,
    _alertmanager: Server,
}

impl Bench {
    async fn new() -> Self {
        // Whoever waits for a poll waits in the platform's time.
        let clock = Clock::simulated("2026-11-02T08:00:00Z".parse().unwrap(), 20.0);
        let demo = Demo::start(scenario::find("quiet-day").unwrap(), 3, clock.clone()).await.unwrap();
        let alertmanager = Server::start(|asked| match (asked.method.as_str(), asked.path.as_str()) {
            ("GET", "/api/v2/status") => reply(200, &[("content-type", "application/json")], STATUS),
            ("POST", "/api/v2/alerts") => reply(200, &[], ""),
            _ => reply(404, &[], ""),
        })
        .await;
        let folder = TempDir::new().unwrap();
        let yaml = format!(
            "{}state_file: {}/state\nlinks: {{ tierwatch: 'https://tierwatch.example.com' }}\n\
             alertmanager: {{ urls: ['{}'] }}\n",
            demo.config_yaml(),
            folder.path().display(),
            alertmanager.url,
        );
        for file in [demo.token_file(), demo.kubeconfig()] {
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        Self { demo, clock, folder, yaml, _alertmanager: alertmanager }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let file = self.folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        file
    }

    /// The configuration with a part of it written otherwise.
    fn with(&self, part: &str, other: &str) -> String {
        assert!(self.yaml.contains(part), "{part} is not in {}", self.yaml);
        self.yaml.replace(part, other)
    }

    fn with_token(&self, whose: &str, token: &str) -> String {
        let file = self.file(whose, &format!("{token}\n"));
        self.with(&self.demo.token_file().display().to_string(), &file.display().to_string())
    }

    async fn check(&self, yaml: &str) -> Report {
        self.check_by(yaml, &self.clock, false).await
    }

    async fn check_by(&self, yaml: &str, clock: &Clock, offline: bool) -> Report {
        let config = Config::from_yaml(yaml).unwrap_or_else(|problems| panic!("{problems}\n{yaml}"));
        let timeout = Duration::from_secs(20);
        let asked = Asked { listen: "127.0.0.1:0".into(), web_config: None, offline, timeout, proxy: None };
        let report = run(&config, &asked, clock).await;
        let said = format!("{}{report:?}", report.json());
        assert!(!said.contains(CANARY) && !said.contains(access::ADMIN_TOKEN), "a secret is told: {said}");
        let sections = sections();
        for line in report.lines() {
            assert!(is_explained(line, &sections), "docs/check.md does not say what to do about {line:?}");
        }
        report
    }

    /// The lines that are not as in the right installation, ports and folders left out.
    fn told(&self, report: &Report, usual: &BTreeSet<(Verdict, Probe, String)>) -> String {
        let mut out = String::new();
        let unusual = |line: &&Line| !usual.contains(&key(line)) && line.verdict != Verdict::Ok;
        for line in report.lines().iter().filter(unusual).filter(is_steady) {
            let fix = line.fix.as_ref().map_or_else(String::new, |fix| format!("\n      → {fix}"));
            let evidence = steady_words(&line.evidence);
            writeln!(out, "  {} {} {}: {evidence}{fix}", line.verdict, line.probe, line.subject).unwrap();
        }
        self.steady(&out)
    }

    fn steady(&self, text: &str) -> String {
        let demo = self.demo.token_file().parent().unwrap().display().to_string();
        let text = text.replace(&self.folder.path().display().to_string(), "FOLDER").replace(&demo, "DEMO");
        let mut parts = text.split("127.0.0.1:");
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            out.push_str("127.0.0.1:PORT");
            out.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
        }
        out
    }
}

/// How fast the simulated GitLab answers, and seconds at twenty times the speed, are this machine's affair.
fn is_steady(line: &&Line) -> bool {
    let of_its_clock = line.probe == Probe::ClockSkew && matches!(line.verdict, Verdict::Ok | Verdict::Warning);
    line.probe != Probe::RequestBudget && !of_its_clock
}

/// Without the words of this machine's resolver, and without what its clock says.
fn steady_words(evidence: &str) -> String {
    let varying = ["has no address: ", "failed to lookup address information", "verification time", "this machine is "];
    let cut =
        varying.iter().find_map(|start| evidence.split_once(start).map(|(before, _)| format!("{before}{start}…")));
    cut.unwrap_or_else(|| evidence.to_owned())
}

fn key(line: &Line) -> (Verdict, Probe, String) {
    (line.verdict, line.probe, line.subject.clone())
}

/// The probes of `docs/check.md`, each with its points.
type Sections = BTreeMap<&'static str, Vec<&'static str>>;

fn sections() -> Sections {
    let of_probe = |section: &'static str| {
        let (probe, text) = section.split_once("`\n")?;
        // The next area has a heading of its own.
        let text = text.split("\n## ").next().unwrap_or_default();
        let points: Vec<&'static str> = text.split("\n- ").skip(1).collect();
        Some((probe, points))
    };
    include_str!("../docs/check.md").split("\n### `").skip(1).filter_map(of_probe).collect()
}

fn is_explained(line: &Line, sections: &Sections) -> bool {
    let mark = match line.verdict {
        Verdict::Ok => return true,
        // What another line tells is explained there.
        Verdict::NotChecked if line.evidence.contains(": see ") || line.evidence == "--offline" => return true,
        Verdict::NotChecked => "? ",
        Verdict::Warning => "! ",
        Verdict::Problem => "✗ ",
    };
    sections[line.probe.as_str()].iter().any(|point| point.starts_with(mark))
}

/// An address at which nobody listens.
fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_installation_is_all_fine() {
    let bench = Bench::new().await;
    let report = bench.check(&bench.yaml).await;
    let told = report.lines().iter().filter(is_steady);
    let lines: Vec<String> = told.map(|line| format!("{} {} {}", line.verdict, line.probe, line.subject)).collect();
    assert_eq!(report.exit(), tierwatch::error::Exit::Fine);
    insta::assert_snapshot!(bench.steady(&lines.join("\n")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_wrong_installation_gives_its_line() {
    let bench = Bench::new().await;
    let usual: BTreeSet<_> = bench.check(&bench.yaml).await.lines().iter().map(key).collect();
    let gitlab = bench.demo.gitlab_url.clone();
    let alertmanager = bench.yaml.lines().find(|line| line.starts_with("alertmanager:")).unwrap().to_owned();
    let kubeconfig = bench.demo.kubeconfig().display().to_string();
    let kube = std::fs::read_to_string(bench.demo.kubeconfig()).unwrap();
    let in_kubeconfig = |name: &str, from: &str, to: &str| {
        assert!(kube.contains(from), "{kube}");
        bench.with(&kubeconfig, &bench.file(name, &kube.replace(from, to)).display().to_string())
    };
    let hostile = [
        ("a page", reply_with(200, "<html><title>Sign in</title>")),
        ("other JSON", reply_with(200, "[7]")),
        ("control characters", reply_with(500, "{\"message\":\"\\u001b[2J\\u202eoops\"}")),
        ("a long answer", reply_with(200, &"x".repeat(20 << 20))),
    ];
    let mut servers = Vec::new();
    let mut table: Vec<(String, String)> = Vec::new();
    let mut case = |name: &str, yaml: String| table.push((name.to_owned(), yaml));
    for (name, answer) in hostile {
        let server = Server::start(answer).await;
        case(&format!("GitLab is {name}"), bench.with(&gitlab, server.url.as_str()));
        servers.push(server);
    }
    let away = Server::start(|_| reply(302, &[("location", "http://elsewhere.example.com/")], "")).await;
    case("GitLab redirects to another host", bench.with(&gitlab, away.url.as_str()));
    case("GitLab has no address", bench.with(&gitlab, "http://gitlab.invalid"));
    case("nobody listens where GitLab should", bench.with(&gitlab, &nobody()));
    let trust = bench.file("ca.pem", tls::OURS);
    for (name, certificate) in [("expired", tls::EXPIRED), ("of a foreign authority", tls::FOREIGN)] {
        let url = tls::serve(certificate).await;
        let yaml = bench.with(&gitlab, url.as_str());
        let yaml = yaml.replace("gitlab:\n", &format!("gitlab:\n  ca_file: {}\n", trust.display()));
        case(&format!("GitLab's certificate is {name}"), yaml);
    }
    case("the token is nobody's", bench.with_token("nobodys", CANARY));
    case("the token has expired", bench.with_token("expired", access::EXPIRED_TOKEN));
    case("the token has another scope", bench.with_token("unscoped", access::UNSCOPED_TOKEN));
    case("the token manages runners only", bench.with_token("manager", access::MANAGE_RUNNER_TOKEN));
    case("the token is a Reporter's, and no group is named", bench.with_token("reporter", access::REPORTER_TOKEN));
    let groups = |yaml: String| yaml.replace("gitlab:\n", "gitlab:\n  queue: { groups: [harbour] }\n");
    case("the token is a Reporter's of the group", groups(bench.with_token("reporter", access::REPORTER_TOKEN)));
    let token = bench.demo.token_file().display().to_string();
    case("there is no token file", bench.with(&token, "/nowhere/token"));
    case("the token file is empty", bench.with(&token, &bench.file("empty", "\n").display().to_string()));
    let open = bench.file("open", access::ADMIN_TOKEN);
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o646)).unwrap();
    case("everybody may write the token file", bench.with(&token, &open.display().to_string()));
    let state = format!("{}/state", bench.folder.path().display());
    case("the state file has no folder", bench.with(&state, "/nowhere/state"));
    let no_pem = bench.file("ca.der", "0\u{1}");
    let yaml = bench.yaml.replace("gitlab:\n", &format!("gitlab:\n  ca_file: {}\n", no_pem.display()));
    case("the authority is no PEM", yaml);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let secret = bench.file("hook", CANARY);
    let webhook = format!(
        "webhook: {{ listen_address: '{}', secret_file: {} }}\n",
        taken.local_addr().unwrap(),
        secret.display()
    );
    case("the address for hooks is taken, and GitLab has no hook", by_project(&bench.yaml) + &webhook);
    case("alerts lead nowhere", bench.with("https://tierwatch.example.com", "http://localhost:10471"));
    case("there is no kubeconfig", bench.with(&kubeconfig, "/nowhere/kubeconfig"));
    case("nobody is the API server", in_kubeconfig("down", &bench.demo.kube_url, &nobody()));
    case("the API server does not know the token", in_kubeconfig("stranger", "demo-kube-token", CANARY));
    case("GitLab is taken for the API server", in_kubeconfig("gitlab", &bench.demo.kube_url, &gitlab));
    case("there is no such namespace", bench.with("[gitlab-runners-standard]", "[gitlab-runners-standrad]"));
    case("no runner carries the tag", bench.with("tags: [tier-standard]", "tags: [tier-standrad]"));
    case("the runner is none", bench.with("tags: [tier-standard]", "tags: [tier-standard]\n    runners: [4711]"));
    let label = "tags: [tier-standard]\n    runner_tier_label: example.com/tier";
    case("no node carries the label", bench.with("tags: [tier-standard]", label));
    case(
        "the runner takes less than is declared",
        bench.with("tags: [tier-standard]", "tags: [tier-standard]\n    run_untagged: true"),
    );
    case("nobody is Alertmanager", bench.with(&alertmanager, &format!("alertmanager: {{ urls: ['{}'] }}", nobody())));
    case(
        "GitLab is taken for Alertmanager",
        bench.with(&alertmanager, &format!("alertmanager: {{ urls: ['{gitlab}'] }}")),
    );
    case(
        "nobody takes traces",
        bench.yaml.clone() + &format!("telemetry: {{ otlp: {{ endpoint: '{}' }} }}\n", nobody()),
    );

    // A few at once: all of them would be too slow for each other's time limits.
    let checks = futures::stream::iter(table.iter()).map(|(_, yaml)| bench.check(yaml));
    let reports: Vec<Report> = checks.buffered(4).collect().await;
    let mut told = String::new();
    for ((name, _), report) in table.iter().zip(&reports) {
        let lines = bench.told(report, &usual);
        assert!(!lines.is_empty(), "{name} gives no line");
        writeln!(told, "{name}\n{lines}").unwrap();
    }
    insta::assert_snapshot!(told);
}

/// Reads the queue of the group's projects.
fn by_project(yaml: &str) -> String {
    yaml.replace("gitlab:\n", "gitlab:\n  queue: { source: projects, groups: [harbour] }\n")
}

/// The lines of one probe.
fn of(report: &Report, probe: Probe) -> Vec<&Line> {
    report.lines().iter().filter(|line| line.probe == probe).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hooks_of_single_projects_count_where_their_group_has_none() {
    let bench = Bench::new().await;
    let secret = bench.file("hook", CANARY);
    let webhook = format!("webhook: {{ listen_address: '127.0.0.1:0', secret_file: {} }}\n", secret.display());
    let with = |token: &str| by_project(&bench.with_token("asks", token)) + &webhook;
    let told = async |token: &str| {
        let report = bench.check(&with(token)).await;
        let lines = of(&report, Probe::GitlabHook).into_iter();
        lines.map(|line| (line.verdict, line.subject.clone(), line.evidence.clone())).collect::<Vec<_>>()
    };
    // An Owner sees that the group has none, a Maintainer only what its projects have, a Reporter nothing.
    let bare = told(access::OWNER_TOKEN).await;
    assert!(matches!(bare.as_slice(), [(Verdict::Warning, group, _)] if group == "harbour"), "{bare:?}");
    let of_maintainer = told(access::MAINTAINER_TOKEN).await;
    assert!(of_maintainer.iter().all(|(verdict, ..)| *verdict == Verdict::NotChecked), "{of_maintainer:?}");
    assert!(of_maintainer.iter().any(|(_, _, why)| why.starts_with("no hook of harbour/")), "{of_maintainer:?}");
    let of_reporter = told(access::REPORTER_TOKEN).await;
    assert!(of_reporter.iter().all(|(verdict, ..)| *verdict == Verdict::NotChecked), "{of_reporter:?}");
    assert!(of_reporter.iter().any(|(_, _, why)| why.contains("takes a Maintainer")), "{of_reporter:?}");

    let url = "https://tierwatch.example.com/webhooks/gitlab";
    let projects = of_maintainer.iter().find_map(|(_, _, why)| why.strip_prefix("no hook of ")?.split(" sends").next());
    let project = projects.and_then(|all| all.split(", ").next()).unwrap();
    bench.demo.add_hook(project, url);
    let helped = told(access::MAINTAINER_TOKEN).await;
    let is_its = |(verdict, subject, evidence): &(Verdict, String, String)| {
        *verdict == Verdict::Ok && subject == project && evidence.contains(url)
    };
    assert!(helped.iter().any(is_its), "{helped:?}");
    let some = told(access::OWNER_TOKEN).await;
    let group = some.iter().find(|(_, subject, _)| subject == "harbour").unwrap();
    assert!(group.0 == Verdict::Warning && group.2.contains("1 send by themselves"), "{some:?}");

    bench.demo.add_hook("harbour", url);
    let whole = told(access::OWNER_TOKEN).await;
    assert!(matches!(whole.as_slice(), [(Verdict::Ok, group, _)] if group == "harbour"), "{whole:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gitlabs_own_limit_is_told_and_held_against_ours() {
    let bench = Bench::new().await;
    let budget = async || {
        let report = bench.check(&bench.yaml).await;
        let lines = of(&report, Probe::RequestBudget);
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        (line.evidence.clone(), line.fix.clone().unwrap_or_default())
    };
    assert!(budget().await.0.contains("GitLab tells no limit of its own"));
    let lasts = SignedDuration::from_hours(9);
    bench.demo.disturb_gitlab(GitlabFault { on: None, misdeed: Misdeed::Headroom(100, 90) }, lasts);
    let (evidence, fix) = budget().await;
    assert!(evidence.contains("GitLab allows this user 100 a minute (throttle_authenticated_api)"), "{evidence}");
    assert!(evidence.contains("90 were left") && !fix.is_empty(), "{evidence} {fix}");
}

fn reply_with(
    status: u16,
    body: &str,
) -> impl Fn(&gitlab_server::Asked) -> axum::response::Response + Send + Sync + use<> {
    let body = body.to_owned();
    move |_| reply(status, &[], body.clone())
}

#[tokio::test]
async fn a_wrong_web_configuration_is_its_line() {
    let bench = Bench::new().await;
    let config = Config::from_yaml(&bench.yaml).unwrap();
    let mut told = Vec::new();
    for (name, text) in
        [("fine", "http_server_config: { http2: true }\n"), ("wrong", "tls_server_config: { cert_file: a.pem }\n")]
    {
        let web_config = Some(bench.file(name, text));
        let timeout = Duration::from_secs(20);
        let asked = Asked { listen: "127.0.0.1:0".into(), web_config, offline: true, timeout, proxy: None };
        let report = run(&config, &asked, &bench.clock).await;
        for line in report.lines().iter().filter(|line| line.probe == Probe::WebConfig) {
            assert!(is_explained(line, &sections()), "{line:?}");
            told.push(bench.steady(&format!("{} {}: {}", line.verdict, line.subject, line.evidence)));
        }
    }
    insta::assert_snapshot!(told.join("\n"));

    // Users who are kept apart by nothing would let everybody in.
    let without = Config::from_yaml(&(bench.yaml.clone() + "web: { metrics_only_users: [prometheus] }\n")).unwrap();
    let timeout = Duration::from_secs(20);
    let asked = Asked { listen: "127.0.0.1:0".into(), web_config: None, offline: true, timeout, proxy: None };
    let report = run(&without, &asked, &bench.clock).await;
    let told = of(&report, Probe::WebConfig);
    assert!(matches!(told.as_slice(), [line] if line.verdict == Verdict::Problem), "{told:?}");
    assert!(is_explained(told[0], &sections()) && told[0].evidence.contains("name the file"), "{told:?}");
}

#[test]
fn a_proxy_is_named_only_where_requests_go_through_it() {
    let proxy = |url: &str, env: &[(&str, &str)]| {
        let env: Vec<_> = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        tierwatch::check::proxy_for(&url.parse().unwrap(), &env)
    };
    let https = ("HTTPS_PROXY", "http://proxy:3128");
    let named = Some("HTTPS_PROXY".to_owned());
    assert_eq!(proxy("https://gitlab.example.com", &[https]), named);
    assert_eq!(proxy("https://gitlab.example.com", &[https, ("no_proxy", "other.example.com,10.0.0.0/8")]), named);
    for without in ["gitlab.example.com", ".example.com", "example.com", "other, *"] {
        assert_eq!(proxy("https://gitlab.example.com", &[https, ("NO_PROXY", without)]), None, "{without}");
    }
    assert_eq!(proxy("https://10.1.2.3", &[https, ("NO_PROXY", "10.0.0.0/8")]), None);
    assert_eq!(proxy("http://gitlab.example.com", &[https]), None);
    assert_eq!(
        proxy("http://gitlab.example.com", &[("all_proxy", "socks5://proxy:1080")]),
        Some("all_proxy".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_apart_and_a_closed_namespace() {
    let bench = Bench::new().await;
    let usual: BTreeSet<_> = bench.check(&bench.yaml).await.lines().iter().map(key).collect();
    let ahead = Clock::simulated(bench.clock.now().wall + SignedDuration::from_mins(5), 20.0);
    let skewed = bench.check_by(&bench.yaml, &ahead, false).await;
    let skewed = skewed.lines().iter().filter(|line| line.probe == Probe::ClockSkew).collect::<Vec<_>>();
    assert!(skewed.iter().all(|line| line.verdict == Verdict::Problem && line.evidence.contains("ahead of GitLab")));
    assert_eq!(skewed.len(), 1, "{skewed:?}");

    let namespace = "gitlab-runners-standard";
    bench.demo.disturb_kube(KubeFault::Forbidden(namespace.into()), SignedDuration::from_hours(9));
    let report = bench.check(&bench.yaml).await;
    insta::assert_snapshot!(bench.told(&report, &usual));
}

#[test]
fn every_probe_is_explained() {
    let docs = include_str!("../docs/check.md");
    let explained: Vec<&str> = docs.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`')).collect();
    let probes: Vec<&str> = Probe::ALL.iter().map(|probe| probe.as_str()).collect();
    assert_eq!(explained, probes);
}

#[test]
fn every_point_of_the_docs_says_what_to_do() {
    for (probe, points) in sections() {
        assert!(!points.is_empty(), "{probe} has no point");
        for point in points {
            let is_marked = ["✗ ", "! ", "? "].iter().any(|mark| point.starts_with(mark));
            assert!(is_marked && point.contains('→'), "{probe}: {point}");
        }
    }
}

#[test]
fn the_command_has_exit_codes_and_needs_no_network_offline() {
    let folder = TempDir::new().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, CANARY).unwrap();
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
    let run = |yaml: &str, format: &str| {
        let file = folder.path().join("tierwatch.yaml");
        std::fs::write(&file, yaml).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tierwatch"));
        command.args([
            "check",
            "--offline",
            "--web.listen-address",
            "127.0.0.1:0",
            "--format",
            format,
            "--config.file",
        ]);
        let output = command.arg(file).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let good = format!(
        "gitlab: {{ url: 'https://gitlab.invalid', token_file: {} }}\ntiers:\n  standard: {{ tags: [a], namespaces: [b] }}\n",
        token.display()
    );
    let (code, out, err) = run(&good, "text");
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert!(out.contains("secret_file") && out.contains("--offline") && !out.contains(CANARY), "{out}");
    let (code, out, _) = run(&good.replace("token }", "nothing }"), "json");
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &report["verdict"], &report["problems"]), (Some(1), &"problem".into(), &1.into()));
    let (code, out, err) = run("gitlab: { url: 7 }", "json");
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(code == Some(2) && report["problems"].as_u64() > Some(1) && err.contains("problems in the configuration"));
}

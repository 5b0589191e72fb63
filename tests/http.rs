//! The server as a client sees it.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Method, Response, StatusCode};
use support::{fake, served};
use tierwatch::model::assessment::{Assessment, CauseLine, SourceStatus, WaitingJob};
use tierwatch::observation::JobId;
use tierwatch::output::Server;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

struct Daemon {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
    client: Client,
}

impl Daemon {
    async fn showing(assessment: Assessment) -> Self {
        Self::following(assessment).await.0
    }

    /// The same, and where later judgements are put.
    async fn following(assessment: Assessment) -> (Self, watch::Sender<Arc<Assessment>>) {
        let (outputs, judgements) = served::outputs(assessment);
        let server = Server::bind("127.0.0.1:0", outputs).await.unwrap();
        let (address, stop) = (server.local_addr(), CancellationToken::new());
        let task = tokio::spawn(server.run(stop.clone()));
        let client = Client::builder().no_proxy().no_gzip().build().unwrap();
        (Self { address, stop, task, client }, judgements)
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = self.client.request(method, format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    async fn get(&self, path: &str) -> Response {
        self.ask(Method::GET, path, &[]).await
    }

    async fn text(&self, path: &str) -> String {
        self.get(path).await.text().await.unwrap()
    }
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn the_scraper_gets_the_format_it_asks_for() {
    let daemon = Daemon::showing(fake::full()).await;
    let plain = daemon.get("/metrics").await;
    assert_eq!(header(&plain, "content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(header(&plain, "vary"), "accept, accept-encoding");
    let plain = plain.bytes().await.unwrap();

    let prometheus = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3";
    let open = daemon.ask(Method::GET, "/metrics", &[("accept", prometheus)]).await;
    assert_eq!(header(&open, "content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(open.text().await.unwrap().ends_with("# EOF\n"));

    let native = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
    let protobuf = daemon.ask(Method::GET, "/metrics", &[("accept", native), ("accept", "text/plain;q=0.1")]).await;
    assert!(header(&protobuf, "content-type").starts_with("application/vnd.google.protobuf; "));

    let small = daemon.ask(Method::GET, "/metrics", &[("accept-encoding", "gzip")]).await;
    assert_eq!(header(&small, "content-encoding"), "gzip");
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&*small.bytes().await.unwrap()).read_to_end(&mut unpacked).unwrap();
    assert!(unpacked == plain);
}

#[tokio::test]
async fn every_answer_carries_the_same_protection() {
    let daemon = Daemon::showing(fake::full()).await;
    for (path, status) in [
        ("/", 200),
        ("/style.css", 200),
        ("/page.js", 200),
        ("/tiers/standard", 200),
        ("/tiers/%3Cscript%3E", 404),
        ("/runbooks/TierDown", 200),
        ("/runbooks/TierDown.md", 200),
        ("/runbooks/%3Cscript%3E", 404),
        ("/metrics", 200),
        ("/livez", 200),
        ("/-/healthy", 200),
        ("/readyz", 200),
        ("/-/ready", 200),
        ("/api/v1/tiers", 200),
        ("/api/v1/tiers/standard", 200),
        ("/api/v1/sources", 200),
        ("/boundaries", 200),
        ("/api/v1/boundaries", 200),
        ("/api/v1/tiers/%3Cscript%3E", 404),
        ("/api/v1/jobs/4711", 200),
        ("/api/v1/jobs/4712", 404),
        ("/api/v1/jobs/%3Cscript%3E", 400),
        ("/jobs/4711", 200),
        ("/jobs/4712", 404),
        ("/jobs/x", 400),
        ("/wp-login.php", 404),
    ] {
        let found = daemon.get(path).await;
        assert_eq!(found.status(), status, "{path}");
        assert!(
            header(&found, "content-security-policy").starts_with(
                "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'"
            ),
            "{path}"
        );
        assert_eq!(header(&found, "x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header(&found, "referrer-policy"), "no-referrer", "{path}");
        let cache = if matches!(path, "/style.css" | "/page.js") { "max-age=300" } else { "no-store" };
        assert_eq!(header(&found, "cache-control"), cache, "{path}");
        assert!(header(&found, "content-type").contains("charset=utf-8"), "{path}");

        let head = daemon.ask(Method::HEAD, path, &[]).await;
        assert_eq!((head.status(), header(&head, "content-type")), (found.status(), header(&found, "content-type")));
        let length = found.bytes().await.unwrap().len();
        assert_eq!(header(&head, "content-length"), length.to_string(), "{path}");
        assert!(head.bytes().await.unwrap().is_empty());
    }
    assert_eq!(daemon.text("/wp-login.php").await, "not found\n");
    assert_eq!(daemon.ask(Method::POST, "/metrics", &[]).await.status(), StatusCode::METHOD_NOT_ALLOWED);
    let long = "x".repeat(64 * 1024);
    assert!(daemon.ask(Method::GET, "/", &[("accept", &long)]).await.status().is_client_error());
}

#[tokio::test]
async fn the_json_is_as_documented() {
    let daemon = Daemon::showing(fake::full()).await;
    insta::assert_snapshot!("tiers_json", daemon.text("/api/v1/tiers").await);
    insta::assert_snapshot!("unknown_tier_json", daemon.text("/api/v1/tiers/none").await);
    let one: serde_json::Value = daemon.get("/api/v1/tiers/standard").await.json().await.unwrap();
    assert_eq!(one["name"], "standard");
    let daemon = Daemon::showing(blind()).await;
    insta::assert_snapshot!("sources_json", daemon.text("/api/v1/sources").await);
    let tiers: serde_json::Value = daemon.get("/api/v1/tiers").await.json().await.unwrap();
    assert!(tiers["tiers"][0]["queue"].is_null(), "unknown is null, not zero");
}

/// GitLab's queue has been out of sight for twelve minutes, everything else is there.
fn blind() -> Assessment {
    let mut assessment = fake::assessment(vec![fake::unknown_tier("deployment"), fake::calm_tier("standard")]);
    assessment.sources.truncate(2);
    assessment.sources[0] = SourceStatus {
        up: Some(false),
        last_success: Some("2026-03-01T11:48:00Z".parse().unwrap()),
        age: Some(Duration::from_secs(720)),
        failure: Some("reading the queue: the token was refused (401)".to_owned()),
        note: Some("source instance: the token belongs to an administrator".to_owned()),
        ..assessment.sources[0].clone()
    };
    assessment
}

#[tokio::test]
async fn the_page_says_what_hurts_first_and_why() {
    let mut assessment = fake::full();
    assessment.tiers.reverse();
    let page = Daemon::showing(assessment).await.text("/").await;
    let position = |needle: &str| page.find(needle).unwrap_or_else(|| panic!("{needle} in {page}"));
    assert!(position("deployment is hurting") < position("id=\"tier-deployment\""));
    assert!(position("id=\"tier-deployment\"") < position("id=\"tier-standard\""));
    for needle in [
        "since <time",
        "(13 min 30 s)",
        "No node of the tier has enough free CPU for the pod.",
        "<section class=\"tier hurting\"",
        "<span class=\"blame platform\">the platform's",
        "See whether the node pool can still grow",
        "Judged at",
        "<noscript><meta http-equiv=\"refresh\" content=\"15\"></noscript>",
        "Capacity",
        "oldest token 40 d old",
        "href=\"/tiers/deployment\"",
    ] {
        position(needle);
    }
    assert!(!page.contains("style=\"") && !page.contains("https://"), "nothing inline, nothing from elsewhere: {page}");
    assert_eq!(page.matches("<script").count(), 1, "{page}");
    assert!(page.contains("<script src=\"/page.js?"), "{page}");
}

#[tokio::test]
async fn a_calm_page_says_how_it_knows() {
    let page =
        Daemon::showing(fake::assessment(vec![fake::calm_tier("deployment"), fake::calm_tier("standard")])).await;
    let page = page.text("/").await;
    assert!(page.contains("Both tiers start their jobs as promised"), "{page}");
    assert!(page.contains("from 30 of 30 sources, the oldest data 4 s old"), "{page}");
    assert!(!page.contains("role=\"alert\""));

    let mut half_seen = fake::assessment(vec![fake::calm_tier("standard")]);
    half_seen.sources[0].up = Some(false);
    let page = Daemon::showing(half_seen).await.text("/").await;
    assert!(page.contains("As far as can be seen, the tier starts its jobs as promised"), "{page}");
}

#[tokio::test]
async fn a_blind_source_stands_before_everything_else() {
    let page = Daemon::showing(blind()).await.text("/").await;
    let alarm = page.find("Cannot see GitLab's queue").expect("an alarm");
    assert!(alarm < page.find("class=\"tier").unwrap());
    assert!(page.contains("Reading the queue: the token was refused (401)."), "{page}");
    assert!(page.contains("12 min ago"));
    assert!(page.contains("deployment cannot be judged"));
    assert!(page.contains("not known"));
}

#[tokio::test]
async fn hostile_names_stay_text() {
    const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'&\u{202e}evil\u{1b}[2J\u{200b}\n{{7*7}}";
    let mut assessment = fake::full();
    let tier = &mut assessment.tiers[0];
    tier.waiting.push(WaitingJob {
        id: JobId(1),
        name: HOSTILE.into(),
        project: Some(HOSTILE.into()),
        waited: Duration::from_secs(5),
    });
    tier.causes[0] = CauseLine { evidence: Some(HOSTILE.repeat(20).into()), ..tier.causes[0].clone() };
    assessment.sources[0].failure = Some(HOSTILE.to_owned());
    assessment.sources[0].up = Some(false);
    assessment.sources[0].note = Some(HOSTILE.to_owned());
    let daemon = Daemon::showing(assessment).await;

    let page = daemon.text("/").await;
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;"), "{page}");
    let of_tier = daemon.text("/tiers/deployment").await;
    assert!(of_tier.contains("&lt;img src=x onerror=alert(1)&gt;"), "{of_tier}");
    assert!(of_tier.contains("href=\"https://gitlab.example.com/%3Cimg%20src=x%20onerror=alert(1)%3E"), "{of_tier}");
    for raw in ["<img", "\u{202e}", "\u{1b}", "\u{200b}"] {
        assert!(!page.contains(raw) && !of_tier.contains(raw), "{raw:?} on the page");
    }
    for path in ["/api/v1/tiers", "/api/v1/sources"] {
        let json = daemon.text(path).await;
        for raw in ["\u{202e}", "\u{1b}", "\u{200b}"] {
            assert!(!json.contains(raw), "{raw:?} in {path}");
        }
        assert!(json.contains("\\u202eevil\\u001b[2J\\u200b"), "{json}");
    }
    let tiers: serde_json::Value = daemon.get("/api/v1/tiers").await.json().await.unwrap();
    assert_eq!(tiers["tiers"][0]["waiting"][2]["name"], HOSTILE, "JSON keeps the value");
    let metrics = daemon.text("/metrics").await;
    assert!(!metrics.contains("evil"), "a job's name is never a label");
}

#[tokio::test]
async fn the_boundaries_stand_on_a_page_and_in_json() {
    let daemon = Daemon::showing(fake::full()).await;
    let page = daemon.text("/boundaries").await;
    assert!(page.contains("The boundary of deployment has moved"), "{page}");
    // Where an alert with these labels points to.
    assert!(page.contains(r#"id="deployment-default_deny""#), "{page}");
    assert!(page.contains("1 moved, 1 cannot be told"), "{page}");
    assert!(page.contains("the right to list and watch pods is missing"), "{page}");
    assert!(!page.contains("<script>") && !page.contains("<b>somebody") && !page.contains('\u{202e}'), "{page}");
    assert!(daemon.text("/").await.contains("/boundaries#boundary-deployment"));
    insta::assert_snapshot!("boundaries_json", daemon.text("/api/v1/boundaries").await);
}

#[tokio::test]
async fn a_tier_has_a_page_of_its_own() {
    let daemon = Daemon::showing(fake::full()).await;
    let page = daemon.text("/tiers/deployment").await;
    for needle in [
        "95 % of its jobs are to start within 2 min.",
        "The longest 2 of 37.",
        "No alert yet: <a href=\"/runbooks/TierQueueStalled\">Jobs wait and none is started</a>",
        "1 judgement cannot be made for lack of data",
        "kubectl --namespace runners-deployment describe pod runner-x-project-1",
        "1 of 2 ready",
        "100 %",
        "(no alert came of it)",
        "What this rests on",
    ] {
        assert!(page.contains(needle), "{needle} in {page}");
    }
    let unknown = daemon.text("/tiers/%3Cscript%3E").await;
    assert!(unknown.contains("There is no tier") && unknown.contains("&lt;script&gt;"), "{unknown}");
    assert!(unknown.contains("<a href=\"/tiers/standard\">standard</a>") && !unknown.contains("<script>"), "{unknown}");
}

#[tokio::test]
async fn tiers_of_any_name_and_number_are_found_by_their_links() {
    let mut tiers: Vec<_> = (0..40).map(|index| fake::calm_tier(&format!("tier-{index}"))).collect();
    tiers.push(fake::hurting_tier("a/b \u{e9}?#%"));
    let daemon = Daemon::showing(fake::assessment(tiers)).await;
    let page = daemon.text("/").await;
    assert!(page.contains("href=\"/tiers/a%2Fb%20%C3%A9%3F%23%25\""), "{page}");
    assert!(daemon.text("/tiers/a%2Fb%20%C3%A9%3F%23%25").await.contains("37 jobs waiting"));
    assert!(page.contains("40 <span class=\"state\">as promised"), "{page}");
    assert_eq!(page.matches("<section class=\"tier ").count(), 41);
}

#[tokio::test]
async fn what_happened_is_told_as_long_as_the_process_lives() {
    let (daemon, judgements) = Daemon::following(fake::full()).await;
    let mut later = fake::full();
    later.at.wall += jiff::SignedDuration::from_mins(4);
    later.tiers[0] = fake::calm_tier("deployment");
    // The follower has taken the first one down when the page shows it.
    while daemon.text("/tiers/deployment").await.contains("Nothing was judged yet") {}
    judgements.send_replace(Arc::new(later));
    let page = loop {
        let page = daemon.text("/tiers/deployment").await;
        if page.contains("The tier went from") {
            break page;
        }
    };
    assert!(page.contains("The tier went from hurting to <b class=\"state\">as promised</b>"), "{page}");
    assert!(page.contains("it watches since <time datetime=\"2026-03-01T12:00:00Z\""), "{page}");
    assert!(page.contains("at most <b>13 min 30 s</b>"), "{page}");
}

#[tokio::test]
async fn a_runbook_is_a_page_in_a_browser_and_text_in_a_terminal() {
    let daemon = Daemon::showing(fake::full()).await;
    let browser = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    let page = daemon.ask(Method::GET, "/runbooks/TierDown", &browser).await;
    assert_eq!((header(&page, "content-type"), header(&page, "vary")), ("text/html; charset=utf-8", "accept"));
    let page = page.text().await.unwrap();
    assert!(page.contains("<h1>TierDown</h1>") && page.contains("<h2>Is it false?</h2>"), "{page}");
    assert!(daemon.text("/runbooks/TierDown").await.starts_with("# TierDown\n"));
    let none = daemon.ask(Method::GET, "/runbooks/Nope", &browser).await;
    assert_eq!(none.status(), StatusCode::NOT_FOUND);
    assert!(none.text().await.unwrap().contains("<a href=\"/runbooks/TierDown\">"));
}

#[tokio::test]
async fn a_taken_port_is_told_with_its_flag() {
    let daemon = Daemon::showing(fake::full()).await;
    let (outputs, _judgements) = served::outputs(fake::full());
    let address = daemon.address.to_string();
    let error = Server::bind(&address, outputs.clone()).await.unwrap_err();
    assert_eq!(error.to_string(), format!("listening on {address} (--web.listen-address)"));
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("in use"));
    let everywhere = Server::bind(":0", outputs).await.unwrap();
    assert!(everywhere.local_addr().ip().is_unspecified());
}

#[tokio::test]
async fn stopping_does_not_wait_for_idle_connections() {
    let daemon = Daemon::showing(fake::full()).await;
    daemon.text("/livez").await; // leaves a connection open in the client's pool
    daemon.stop.cancel();
    tokio::time::timeout(Duration::from_secs(2), daemon.task).await.expect("in time").unwrap();
    assert!(daemon.client.get(format!("http://{}/livez", daemon.address)).send().await.is_err());
}

#[tokio::test]
async fn a_job_is_told_as_json_and_on_a_page() {
    let daemon = Daemon::showing(fake::full()).await;
    let json = daemon.text("/api/v1/jobs/4711").await;
    assert!(!json.contains('\u{202e}'), "what turns text around is escaped");
    let job: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&job["state"], &job["tiers"][0], &job["took_seconds"]),
        (&"starting".into(), &"standard".into(), &180.0.into())
    );
    assert_eq!(job["name"], "<script>alert(1)</script>\u{202e}");
    let page = daemon.text("/jobs/4711").await;
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && !page.contains("<script>"), "{page}");
    assert!(page.contains("From queued, so far: 3 min"), "{page}");
    let unknown: serde_json::Value = serde_json::from_str(&daemon.text("/api/v1/jobs/5").await).unwrap();
    assert!(unknown["error"].as_str().unwrap().starts_with("nothing is known of job 5"), "{unknown}");
    assert!(page.contains("https://gitlab.example.com/kelp/reef/-/jobs/4711"), "{page}");
    let tier = daemon.text("/tiers/deployment").await;
    assert!(tier.contains("href=\"/jobs/81442\"") && tier.contains("/shop/checkout/-/jobs/81442"), "{tier}");
}

#[tokio::test]
async fn why_asks_the_daemon() {
    use tierwatch::ask::{Answer, job};
    let daemon = Daemon::showing(fake::full()).await;
    let server = format!("http://{}", daemon.address).parse().unwrap();
    assert!(matches!(job(&server, 4711).await.unwrap(), Answer::Known { json, .. } if json.contains("\"late\"")));
    assert!(matches!(job(&server, 5).await.unwrap(), Answer::Unknown(json) if json.contains("job 5")));
    let elsewhere = format!("http://{}/metrics", daemon.address).parse().unwrap();
    let fault = job(&elsewhere, 4711).await.unwrap_err().told();
    assert!(fault.contains("another program"), "{fault}");
    let nowhere = "http://127.0.0.1:9".parse().unwrap();
    let fault = job(&nowhere, 4711).await.unwrap_err().told();
    assert!(fault.contains("no daemon answers") && fault.contains("--server"), "{fault}");
}

#[tokio::test]
async fn status_asks_the_daemon() {
    use tierwatch::ask::{Paint, overview};
    let paint = Paint { width: 100, colours: false };
    let daemon = Daemon::showing(fake::full()).await;
    let server = format!("http://{}", daemon.address).parse().unwrap();
    let told = overview(&server).await.unwrap();
    assert!(!told.is_fine());
    assert_eq!(told.json(), daemon.text("/api/v1/tiers").await);
    insta::assert_snapshot!("status_text", told.render(paint));
    let calm = Daemon::showing(fake::assessment(vec![fake::calm_tier("standard")])).await;
    assert!(overview(&format!("http://{}", calm.address).parse().unwrap()).await.unwrap().is_fine());
    let blind = Daemon::showing(blind()).await;
    let told = overview(&format!("http://{}/", blind.address).parse().unwrap()).await.unwrap();
    assert!(!told.is_fine());
    insta::assert_snapshot!("status_blind_text", told.render(paint));
    let elsewhere = format!("http://{}/metrics", daemon.address).parse().unwrap();
    assert!(overview(&elsewhere).await.unwrap_err().told().contains("another program"));
    daemon.stop.cancel();
    daemon.task.await.unwrap();
    let fault = overview(&server).await.unwrap_err();
    assert_eq!(fault.exit(), tierwatch::error::Exit::CannotRun);
    assert!(fault.told().contains("start one with `tierwatch run`"), "{}", fault.told());
}

#[tokio::test]
async fn who_asks_for_json_is_refused_in_json() {
    let daemon = Daemon::showing(fake::full()).await;
    for (path, method, status) in [
        ("/api/v1/none", Method::GET, 404),
        ("/api", Method::GET, 404),
        ("/api/v1/tiers", Method::POST, 405),
        ("/api/v1/jobs/4711", Method::DELETE, 405),
        ("/api/v1/tiers/%FF", Method::GET, 400),
        ("/api/v1/jobs/%FF", Method::GET, 400),
        ("/api/v1/jobs/+4711", Method::GET, 400),
    ] {
        let answer = daemon.ask(method, path, &[]).await;
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(header(&answer, "content-type"), "application/json; charset=utf-8", "{path}");
        let allow = if status == 405 { "GET,HEAD" } else { "" };
        assert_eq!(header(&answer, "allow"), allow, "{path}");
        let body: serde_json::Value = answer.json().await.unwrap();
        assert!(body["error"].is_string(), "{path}: {body}");
    }
}

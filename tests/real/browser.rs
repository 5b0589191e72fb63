//! The pages in Debian's Chromium: at rest, in incidents of the demo, with hostile names, with 40 tiers; on a phone and a wide
//! screen, light and dark, by keyboard, without JavaScript. What is looked for stands in `browser/look.mjs`.

#[path = "../support/fake.rs"]
#[allow(dead_code, reason = "this test uses its own part")]
mod fake;
#[path = "../support/served.rs"]
mod served;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tierwatch::demo::{Rehearsal, scenario};
use tierwatch::model::assessment::{Assessment, TierAssessment, TierState, WaitingJob};
use tierwatch::observation::JobId;
use tierwatch::output::Server;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::support::folder::Folder;
use crate::support::process::Process;
use crate::support::{PATIENCE, node, say};

/// Debian's; a browser that is downloaded is another one each time.
const CHROMIUM: &str = "/usr/bin/chromium";

/// About sixty looks of up to a second, on a machine that does something else as well.
const ALL_LOOKS: Duration = Duration::from_secs(600);

/// An incident of the demo passes in a few seconds.
const FAST: f64 = 60.0;

/// So many incidents pass at once.
const SIDE_BY_SIDE: usize = 2;

/// Incidents of the demo, and a tier that each of them hurts.
const INCIDENTS: [(&str, &str); 13] = [
    ("saturated-standard", "standard"),
    ("boundary-moved", "standard"),
    ("dropped-jobs", "protected"),
    ("neglected-tiers", "privileged"),
    ("deployment-runners-offline", "deployment"),
    ("insufficient-cpu", "standard"),
    ("untolerated-taint", "standard"),
    ("quota-exhausted", "standard"),
    ("limit-range", "standard"),
    ("registry-rate-limit", "standard"),
    ("registry-auth", "standard"),
    ("unreachable", "sandbox"),
    ("half-blind", "protected"),
];

const WIDE: u32 = 1600;
const LAPTOP: u32 = 1280;
const PHONE: u32 = 360;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_can_read_the_pages() {
    assert!(Path::new(CHROMIUM).exists(), "{CHROMIUM} is missing: apt-get install --no-install-recommends chromium");
    let modules = node::modules("browser");
    let everywhere = [(WIDE, "light"), (WIDE, "dark"), (PHONE, "light"), (PHONE, "dark")];
    let twice = [(LAPTOP, "light"), (PHONE, "dark")];
    let mut pages = Vec::new();
    let mut look = |name: &str, url: String, says: &[&str], dresses: &[(u32, &str)]| {
        let status = if name.starts_with("no-") { 404 } else { 200 };
        pages.push(json!({ "name": name, "url": url, "says": says, "dresses": dresses, "status": status }));
    };

    let rest = Shown::new(fake::assessment(["deployment", "protected", "standard"].map(fake::calm_tier).into())).await;
    look("rest", rest.page("/"), &["All 3 tiers start their jobs as promised", "from 40 of 40 sources"], &everywhere);

    let hostile = Shown::new(hostile()).await;
    hostile.go_on();
    look("hostile", hostile.page("/"), &["deployment is hurting", "Cannot see", "<img src=x"], &everywhere);
    look("hostile-tier", hostile.page("/tiers/deployment"), &["Longest waiting", "<img src=x"], &everywhere);
    look("hostile-job", hostile.page("/jobs/4711"), &["<script>alert(1)</script>", "From queued, so far"], &twice);
    look("hostile-boundaries", hostile.page("/boundaries"), &["The boundary of deployment has moved"], &twice);
    look(
        "no-tier",
        hostile.page("/tiers/%3Cscript%3Ehit=1%3C%2Fscript%3E"),
        &["There is no tier", "deployment"],
        &twice,
    );
    look("runbook", hostile.page("/runbooks/TierDown"), &["Is it false?", "kubectl"], &twice);

    let many = Shown::new(many()).await;
    look("many", many.page("/"), &["10000", "38 as promised"], &twice);

    let show = Incident::start("show", 1.0).await;
    show.until(|judged| state(judged, "deployment") == Some(TierState::Down)).await;
    show.until(|judged| !judged.alerts.is_empty() || judged.tiers.iter().any(|tier| tier.state == TierState::Hurting))
        .await;
    let dresses = [(LAPTOP, "light"), (LAPTOP, "dark"), (PHONE, "light")];
    look("show", show.page("/"), &["down", "No runner of the tier is at work"], &dresses);
    look("show-tier", show.page("/tiers/deployment"), &["No runner manager pod is ready", "0 of 2 ready"], &dresses);
    look("show-boundaries", show.page("/boundaries"), &["boundary"], &[(LAPTOP, "light")]);

    // Looked at one after the other, each as it was when its first alert of the tier fired.
    let frozen = futures::stream::iter(INCIDENTS).map(|(name, tier)| Incident::at_its_worst(name, tier));
    let frozen: Vec<(Shown, &str)> = frozen.buffered(SIDE_BY_SIDE).collect().await;
    for ((name, tier), (incident, alert)) in INCIDENTS.iter().zip(&frozen) {
        let says = [*tier, alert];
        look(name, incident.page("/"), &says, &[(PHONE, "dark")]);
        look(&format!("{name}-tier"), incident.page(&format!("/tiers/{tier}")), &says, &[(WIDE, "light")]);
    }

    let plan = json!({
        "modules": modules, "chromium": CHROMIUM, "shots": shots(), "pages": pages,
        "keyboard": hostile.page("/tiers/deployment"),
        "renewing": hostile.page("/boundaries"),
        "noScript": { "url": hostile.page("/"), "says": ["deployment is hurting", "What this rests on"] },
    });
    run(&plan).await;
}

/// Runs the plan; its faults are the test's.
async fn run(plan: &Value) {
    let folder = Folder::new("browser");
    let file = folder.join("plan.json");
    std::fs::write(&file, plan.to_string()).expect("a folder of ours can be written");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/browser/look.mjs");
    let mut node = Process::start("node", Path::new("node"), [&script, &file], folder.path());
    let ended = tokio::time::timeout(ALL_LOOKS, async {
        loop {
            if let Some(status) = node.ended() {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let status = ended.await.unwrap_or_else(|_| panic!("the browser is not done; it said\n{}", node.log()));
    let log = node.log();
    let faults: Vec<&str> = log.lines().filter(|line| line.starts_with("FAULT")).collect();
    assert!(
        status.success(),
        "{status}; screenshots are in {}\n{}\n{}",
        shots().display(),
        faults.join("\n"),
        node.last_words()
    );
    say(log.lines().last().unwrap_or_default());
}

/// Where the screenshots are left.
fn shots() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser")
}

/// A server that shows a judgement made by hand.
struct Shown {
    address: std::net::SocketAddr,
    judgements: watch::Sender<Arc<Assessment>>,
    stop: CancellationToken,
}

impl Shown {
    async fn new(judged: Assessment) -> Self {
        let (outputs, judgements) = served::outputs(judged);
        let server = Server::bind("127.0.0.1:0", outputs).await.expect("loopback has a free port");
        let (address, stop) = (server.local_addr(), CancellationToken::new());
        tokio::spawn(server.run(stop.clone()));
        Self { address, judgements, stop }
    }

    fn page(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Judges again and again, each time a second later and with the tiers in another order.
    fn go_on(&self) {
        let (judgements, stop) = (self.judgements.clone(), self.stop.clone());
        let changes = async move {
            loop {
                tokio::time::sleep(Duration::from_millis(300)).await;
                judgements.send_modify(|judged| {
                    let mut next = Assessment::clone(judged);
                    next.at.wall += SignedDuration::from_secs(1);
                    next.tiers.rotate_left(1);
                    *judged = Arc::new(next);
                });
            }
        };
        tokio::spawn(async move { stop.run_until_cancelled(changes).await });
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A daemon in front of the simulated platform.
struct Incident(Rehearsal);

impl Incident {
    async fn start(name: &str, speed: f64) -> Self {
        let story = if name == "show" { scenario::show() } else { scenario::find(name).expect("a scenario") };
        let seed = story.seed;
        Self(Rehearsal::start(story, seed, speed, "127.0.0.1:0").await.expect("the demo starts"))
    }

    fn page(&self, path: &str) -> String {
        format!("http://{}{path}", self.0.daemon.address())
    }

    /// The incident as it was when the first alert of `tier` fired, shown for ever, and that alert's name.
    async fn at_its_worst(name: &str, tier: &str) -> (Shown, &'static str) {
        let incident = Self::start(name, FAST).await;
        let fires = |judged: &Assessment| firing(judged, tier).is_some();
        let judged = incident.until(fires).await;
        let alert = firing(&judged, tier).expect("it fires");
        (Shown::new(Assessment::clone(&judged)).await, alert)
    }

    async fn until(&self, seen: impl Fn(&Assessment) -> bool) -> Arc<Assessment> {
        let mut judgements = self.0.daemon.judgements();
        let found = tokio::time::timeout(PATIENCE, judgements.wait_for(|judged| seen(judged))).await;
        let found = found.unwrap_or_else(|_| panic!("the incident is not seen")).expect("the daemon judges");
        Arc::clone(&found)
    }
}

fn state(judged: &Assessment, tier: &str) -> Option<TierState> {
    judged.tiers.iter().find(|row| *row.name == *tier).map(|row| row.state)
}

/// The first alert of the tier that fires.
fn firing(judged: &Assessment, tier: &str) -> Option<&'static str> {
    let of_tier = judged.alerts.iter().filter(|alert| alert.ends_at.is_none() && alert.tier.as_deref() == Some(tier));
    of_tier.map(|alert| alert.alert).next()
}

/// Names by people who mean no good: markup, text that turns around, terminal sequences, ten kilobytes of one letter.
fn hostile() -> Assessment {
    const SCRIPT: &str = "<img src=x onerror=\"hit=1\"><script>hit=1</script>\u{202e}evil\u{1b}[2J";
    let long = "x".repeat(10_000);
    let mut judged = fake::full();
    let tier = &mut judged.tiers[0];
    for (id, name) in [(1, SCRIPT), (2, long.as_str())] {
        let project = Some(Arc::from(format!("group/{name}")));
        tier.waiting.push(WaitingJob { id: JobId(id), name: name.into(), project, waited: Duration::from_secs(5) });
    }
    tier.causes[0].evidence = Some(format!("{SCRIPT}{long}").into());
    for runner in tier.runners.iter_mut().flat_map(|runners| &mut runners.runners) {
        runner.description = format!("{SCRIPT}{long}").into();
    }
    judged.sources[0].failure = Some(format!("{SCRIPT}{long}"));
    judged.sources[0].up = Some(false);
    judged
}

/// Forty tiers, one of them with ten thousand jobs and one with a name as long as names may be.
fn many() -> Assessment {
    let mut tiers: Vec<TierAssessment> = (0..38).map(|index| fake::calm_tier(&format!("tier-{index}"))).collect();
    let mut flooded = fake::hurting_tier("flooded");
    let queue = flooded.queue.as_mut().expect("a tier with a queue");
    (queue.pending, queue.overdue) = (10_000, 9_000);
    tiers.push(flooded);
    tiers.push(fake::unknown_tier(&"long-name-".repeat(6)));
    fake::assessment(tiers)
}

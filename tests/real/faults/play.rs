//! One scenario through the real parts, and what differs from the table of faults and from the truth.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tierwatch::app::Daemon;
use tierwatch::clock::Clock;
use tierwatch::config::Config;
use tierwatch::demo::truth::{parse, render_table};
use tierwatch::demo::{Demo, scenario};
use tokio::sync::Semaphore;

use super::fired::{self, Due, Fired, Spell};
use super::on_call::{Held, OnCall, gist};
use super::scaled;
use crate::dashboards;
use crate::support::alertmanager::Alertmanager;
use crate::support::prometheus::{Prometheus, Version};
use crate::support::{free_ports, now, until};

/// What the daemon says may be as old as one poll: seconds of the story.
const LAG: f64 = 20.0;

/// So many seconds of ours may pass until the daemon's word was scraped, judged twice, and told.
const PIPE: f64 = 4.0;

/// What bounds how much runs at once.
pub(super) struct Lanes {
    /// Stories that are told.
    pub(super) stages: Semaphore,
    /// Sets of servers, those that are made ready for the next story included: Prometheus takes five seconds to look around.
    pub(super) places: Semaphore,
}

/// What came of a scenario.
pub(super) struct Played {
    pub(super) scenario: String,
    pub(super) speed: u32,
    /// What differs from the table of faults, and from the truth.
    pub(super) surprises: Vec<String>,
    pub(super) rows: Vec<Row>,
    /// Figures of the truth that were compared.
    pub(super) compared: usize,
}

/// One row of the table, and what came of it.
pub(super) struct Row {
    pub(super) due: Due,
    /// By the daemon's own ledger.
    pub(super) judged: Option<Spell>,
    /// By Prometheus.
    pub(super) ruled: Option<Spell>,
    /// At the receiver of the Alertmanager that Prometheus tells, and of the one that the daemon tells.
    pub(super) told: [Option<Spell>; 2],
    pub(super) muted_by: BTreeSet<String>,
}

/// Everything that runs while a story is told and until it has been looked at.
struct Stack {
    prometheus: Prometheus,
    /// Told by Prometheus, and by the daemon.
    ruled: Way,
    pushed: Way,
}

/// An Alertmanager, whoever it tells, and what it held.
struct Way {
    alertmanager: Arc<Alertmanager>,
    on_call: OnCall,
    held: Held,
}

impl Way {
    async fn start() -> Self {
        let on_call = OnCall::default();
        let alertmanager = Arc::new(Alertmanager::start(&scaled::routing(&on_call.serve().await)).await);
        Self { alertmanager, on_call, held: Held::default() }
    }
}

pub(super) async fn play(name: &str, speed: u32, lanes: &Lanes) -> Played {
    let _place = lanes.places.acquire().await.expect("the lanes stay open");
    let (ruled, pushed) = (Way::start().await, Way::start().await);
    let story = || scenario::find(name).unwrap_or_else(|| panic!("there is no scenario {name}"));
    let seed = story().seed;
    // The rules know tiers only: any start of the demo gives them. Prometheus looks before there is anything to see.
    let shown = Demo::start(story(), seed, Clock::system()).await.expect("the demo starts").config_yaml();
    let rules = scaled::rules(&Config::from_yaml(&shown).expect("the demo's configuration is valid"), speed);
    let [port] = free_ports();
    let address = format!("127.0.0.1:{port}");
    let target = ruled.alertmanager.url.trim_start_matches("http://").to_owned();
    let prometheus = Prometheus::start_with(Version::Three, &address, Some((&rules, &target))).await;
    prometheus.tried().await;
    let stack = Stack { prometheus, ruled, pushed };

    let _stage = lanes.stages.acquire().await.expect("the lanes stay open");
    let began = now();
    let beginning = jiff::Timestamp::from_second(began.as_second()).expect("it is now");
    let clock = Clock::simulated(beginning, f64::from(speed));
    let mut watching = tokio::task::JoinSet::new();
    for way in [&stack.ruled, &stack.pushed] {
        way.on_call.begin(&clock);
        watching.spawn(way.held.clone().watch(Arc::clone(&way.alertmanager)));
    }
    let mut demo = Demo::start(story(), seed, clock.clone()).await.expect("the demo starts");
    let relay = scaled::relay(&stack.pushed.alertmanager.url, beginning, speed).await;
    let push = format!("alertmanager: {{ urls: ['{relay}'] }}\n");
    let yaml = demo.config_yaml() + &demo.webhook_yaml("127.0.0.1:0") + &push;
    let config = Config::from_yaml(&yaml).expect("the demo's configuration is valid");
    let daemon = Daemon::start(config, &address, clock.clone()).await.expect("the daemon starts");
    if let Some(address) = daemon.hooks_address() {
        demo.send_hooks(address);
    }
    let judged = tokio::spawn(fired::fired(daemon.judgements()));

    demo.finished().await;
    let ended = now();
    let page = format!("http://{address}/metrics");
    let said = reqwest::get(page).await.expect("the daemon answers").text().await.expect("it is text");
    let figures = demo.truth().compare(&parse(&said), LAG);
    let compared = figures.len();
    let wrong: Vec<_> = figures.into_iter().filter(|row| !row.equal).collect();
    let mut surprises: Vec<String> = if wrong.is_empty() { vec![] } else { vec![render_table(&wrong)] };
    surprises.extend(look_around(&stack).await);

    for way in [&stack.ruled, &stack.pushed] {
        way.held.look(&way.alertmanager).await;
    }
    watching.shutdown().await;
    let minutes = |at: f64| (at - began.as_millisecond() as f64 / 1000.0) * f64::from(speed) / 60.0;
    let mut by_rules = fired_by(&stack.prometheus, minutes).await;
    let (mut told, pushed) = (stack.ruled.on_call.told(), stack.pushed.on_call.told());
    let due = fired::due(name);
    daemon.stop().await;
    let judged = judged.await.expect("the alerts were read");
    if due.iter().any(|due| due.alert.0 == "TierwatchDown") {
        let down = until("the end of the daemon at whoever is on call", async || {
            let down = stack.ruled.on_call.hears("TierwatchDown");
            if down.is_empty() { Err("nobody told of it".to_owned()) } else { Ok(down) }
        })
        .await;
        by_rules.extend(down.clone());
        told.extend(down);
    }

    dashboards::ask(&stack.prometheus, name, speed, (beginning, ended)).await;

    surprises.extend(fired::surprises(name, &judged));
    let later = PIPE * f64::from(speed) / 60.0;
    differ("by the rules", &by_rules, &due, later, &mut surprises);
    let pushable: Vec<Due> = due.iter().cloned().filter_map(Due::pushed).collect();
    let ways = [("the rules'", &stack.ruled, &told, &due), ("the daemon's", &stack.pushed, &pushed, &pushable)];
    for (whose, way, told, due) in ways {
        surprises.extend(ways_differ(whose, &way.held.all(), told, due, later));
    }
    let held = stack.ruled.held.all();
    let row = |due: Due| {
        let of = |from: &BTreeMap<Fired, Spell>| from.get(&due.alert).copied();
        let (judged, ruled, told) = (of(&judged), of(&by_rules), [of(&told), of(&pushed)]);
        let muted_by = held.get(&due.alert).cloned().unwrap_or_default();
        Row { due, judged, ruled, told, muted_by }
    };
    let rows = due.into_iter().map(row).collect();
    Played { scenario: name.to_owned(), speed, surprises, rows, compared }
}

/// What must not be so while the daemon still runs: each complaint is a surprise.
async fn look_around(stack: &Stack) -> Vec<String> {
    let dead = stack.prometheus.query("ALERTS{alertname=\"TierwatchDown\",alertstate=\"firing\"}").await;
    dead.iter().map(|_| "TierwatchDown fires and the daemon lives".to_owned()).collect()
}

/// Every alert of the rules that fired, and when. It looks before the daemon is there: its absence then is no part of the story.
async fn fired_by(prometheus: &Prometheus, minutes: impl Fn(f64) -> f64) -> BTreeMap<Fired, Spell> {
    let firing = "ALERTS{alertname!=\"TierwatchDown\",alertstate=\"firing\"}";
    let now: BTreeSet<Fired> = prometheus.query(firing).await.iter().map(|(labels, _)| gist(labels)).collect();
    let ever = |which: &str| format!("{which}_over_time(timestamp({firing})[30m:1s])");
    let first = prometheus.query(&ever("min")).await;
    let last: BTreeMap<Fired, f64> =
        prometheus.query(&ever("max")).await.iter().map(|(labels, at)| (gist(labels), minutes(*at))).collect();
    let spell = |(labels, at): &(_, f64)| {
        let alert = gist(labels);
        let over = last.get(&alert).copied().filter(|_| !now.contains(&alert));
        (alert, Spell { from: minutes(*at), over, times: 1 })
    };
    first.iter().map(spell).collect()
}

fn differ(how: &str, fired: &BTreeMap<Fired, Spell>, due: &[Due], later: f64, surprises: &mut Vec<String>) {
    let beside = fired.iter().filter(|(alert, _)| due.iter().all(|due| due.alert != **alert));
    surprises.extend(
        beside.map(|(alert, spell)| format!("{alert:?} fired {how} in minute {:.1} and should not", spell.from)),
    );
    for due in due {
        match fired.get(&due.alert) {
            None => surprises.push(format!("{:?} did not fire {how}", due.alert)),
            Some(spell) => {
                let why = fired::timing(spell, due, later);
                surprises.extend(why.map(|why| format!("{:?} {why}, {how}", due.alert)));
            }
        }
    }
}

/// What an Alertmanager held, muted and told, against the table.
fn ways_differ(
    whose: &str,
    held: &BTreeMap<Fired, BTreeSet<String>>,
    told: &BTreeMap<Fired, Spell>,
    due: &[Due],
    later: f64,
) -> Vec<String> {
    let known = |alert: &Fired| alert.0 == "TierwatchDown" || due.iter().any(|due| due.alert == *alert);
    let mut all: Vec<String> = held
        .keys()
        .chain(told.keys())
        .filter(|alert| !known(alert))
        .map(|alert| format!("{alert:?} came to {whose} Alertmanager and should not"))
        .collect();
    for due in due {
        let alert = &due.alert;
        let mut say = |what: &str| all.push(format!("{alert:?} {what}, by {whose} Alertmanager"));
        let nothing = BTreeSet::new();
        let muted_by = held.get(alert).unwrap_or(&nothing);
        if !muted_by.is_subset(&due.muted_by) || muted_by.is_empty() != due.muted_by.is_empty() {
            say(&format!("is muted by {muted_by:?} and not by {:?}", due.muted_by));
        }
        match (told.get(alert), due.told) {
            (None, Some(true)) => say("was not told"),
            (Some(spell), Some(false)) => say(&format!("was told in minute {:.1}", spell.from)),
            // An Alertmanager does not tell the end of what it mutes.
            (Some(spell), _) if due.muted_by.is_empty() => {
                fired::timing(spell, due, later).inspect(|why| say(why));
            }
            (Some(_), Some(true) | None) | (None, Some(false) | None) => {}
        }
    }
    all
}

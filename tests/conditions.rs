//! The judgements that alerts are made of: an assessment in, its conditions in words out.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "conditions/noise.rs"]
mod noise;
mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use support::fake;
use tierwatch::cause::{Autoscale, Cause, Pull, Scheduling, explain};
use tierwatch::condition::{Condition, ConditionLine, of_tier, of_tierwatch};
use tierwatch::model::assessment::{
    Assessment, CauseLine, ManagerLevels, PullsLately, QueueLevels, RunnerLevels, ScaleUpLevels, SourceStatus,
    TierAssessment, UnservedReason,
};
use tierwatch::model::policy::TierPolicy;
use tierwatch::observation::{Now, RunnerId, RunnerStatus, SourceKind};

/// What is judged: a calm tier, changed by a case.
#[derive(Clone)]
struct Case {
    policy: TierPolicy,
    tier: TierAssessment,
    sources: Vec<SourceStatus>,
    before: Vec<ConditionLine>,
    now: Now,
}

impl Case {
    fn calm() -> Self {
        let calm = fake::assessment(vec![fake::calm_tier("standard")]);
        let policy = fake::policy(&["standard"]).tiers.remove(0);
        let mut tier = calm.tiers.into_iter().next().unwrap();
        tier.lately.watched = minutes(60);
        tier.lately.taken_last_hour = 60;
        tier.lately.taken_within_stall = 4;
        tier.lately.starts = 15;
        tier.lately.quiet = Duration::from_secs(20);
        for line in &mut tier.runners.as_mut().unwrap().runners {
            line.token.expires_at = None;
        }
        Self { policy, tier, sources: calm.sources, before: vec![], now: calm.at }
    }

    fn queue(&mut self) -> &mut QueueLevels {
        self.tier.queue.as_mut().unwrap()
    }

    fn wait(&mut self, jobs: u64, oldest: Duration) {
        (self.queue().pending, self.queue().oldest) = (jobs, oldest);
    }

    fn caused_by(&mut self, cause: Cause, count: u64) {
        let told = explain(cause);
        let (sentence, blame, next_step) = (told.sentence, told.blame, told.next_step);
        self.tier.causes.push(CauseLine { cause, count, sentence, blame, next_step, evidence: None });
    }

    fn judge(&self) -> Vec<ConditionLine> {
        of_tier(&self.policy, &self.tier, &self.sources, &self.before, &self.now)
    }

    fn line(&self, condition: Condition) -> ConditionLine {
        self.judge().into_iter().find(|line| line.condition == condition).unwrap()
    }

    /// Judges again after `later`, knowing what was judged before.
    fn go_on(&mut self, later: Duration) {
        self.before = self.judge();
        self.now.mono += later;
        self.now.wall += later;
    }

    fn holds(&self, condition: Condition) -> bool {
        self.line(condition).holds == Some(true)
    }
}

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

/// What holds and what is withheld, a line each; that of the case itself is not left out where it is fine.
fn told(lines: &[ConditionLine]) -> String {
    let mut text = String::new();
    for line in lines.iter().filter(|line| line.holds != Some(false)) {
        let verdict = if line.holds == Some(true) { "holds" } else { "withheld" };
        let subject = line.subject.as_deref().map(|subject| format!(" {subject}")).unwrap_or_default();
        writeln!(text, "  {}{subject} {verdict}: {}", line.condition, line.reason).unwrap();
    }
    if text.is_empty() { "  nothing holds\n".to_owned() } else { text }
}

type Change = fn(&mut Case);

/// Each condition where it begins to hold, and right before.
const CASES: &[(&str, Change)] = &[
    ("all is well", |_| {}),
    ("a busy tier's job waits for long: that is the start budget's", |on| on.wait(5, minutes(7))),
    ("a quiet tier's job waits for three times start_within", |on| {
        on.tier.lately.taken_last_hour = 5;
        on.wait(1, minutes(6));
    }),
    ("a quiet tier's job waits for a little less", |on| {
        on.tier.lately.taken_last_hour = 5;
        on.wait(1, Duration::from_secs(359));
    }),
    ("jobs wait and nothing starts", |on| {
        on.wait(6, minutes(5));
        (on.tier.lately.quiet, on.tier.lately.taken_within_stall) = (minutes(5), 0);
        on.caused_by(Cause::Scheduling(Scheduling::InsufficientCpu), 4);
    }),
    ("jobs wait, and one started a while ago", |on| {
        on.wait(6, minutes(5));
        (on.tier.lately.quiet, on.tier.lately.taken_within_stall) = (minutes(3), 1);
    }),
    ("nothing starts because nothing waits", |on| on.tier.lately.quiet = minutes(50)),
    ("GitLab dropped a job", |on| on.tier.lately.dropped = Some(minutes(29))),
    ("GitLab dropped a job a while ago", |on| on.tier.lately.dropped = Some(minutes(30))),
    ("the platform breaks every third job", |on| on.tier.lately.platform_failures = 5),
    ("the platform broke two jobs", |on| on.tier.lately.platform_failures = 2),
    ("the platform broke few of many jobs", |on| {
        (on.tier.lately.platform_failures, on.tier.lately.starts) = (9, 91);
    }),
    ("one manager pod of two is not ready", |on| on.tier.managers = Some(ManagerLevels { ready: 1, not_ready: 1 })),
    ("a declared runner is offline, another unknown", |on| {
        on.policy.runners = vec![RunnerId(100), RunnerId(101), RunnerId(7)];
        on.tier.runners.as_mut().unwrap().runners[1].status = RunnerStatus::Offline;
    }),
    ("job pods find no node", |on| {
        on.caused_by(Cause::Scheduling(Scheduling::InsufficientCpu), 6);
        on.tier.pods.as_mut().unwrap().unschedulable_long = BTreeMap::from([(Scheduling::InsufficientCpu, 4)]);
    }),
    ("several projects cannot pull", |on| {
        let most = Some((Arc::from("registry.example.com"), Pull::ServerError));
        on.tier.lately.pulls = PullsLately { pods: 3, projects: 2, started: 40, most };
    }),
    ("one project cannot pull", |on| {
        on.tier.lately.pulls = PullsLately { pods: 9, projects: 1, started: 1, most: None }
    }),
    ("a fifth of the pods cannot pull", |on| {
        on.tier.lately.pulls = PullsLately { pods: 2, projects: 2, started: 8, most: None };
    }),
    ("two of many pods cannot pull", |on| {
        on.tier.lately.pulls = PullsLately { pods: 2, projects: 2, started: 9, most: None };
    }),
    ("the declared capacity is used up", |on| {
        on.policy.capacity = Some(15);
        on.wait(3, minutes(1));
    }),
    ("the declared capacity is used up, and nobody waits", |on| on.policy.capacity = Some(15)),
    ("the declared capacity is used up, and one project has filled the queue", |on| {
        on.policy.capacity = Some(15);
        on.wait(25, minutes(1));
        on.queue().top_project_share = Some(0.9);
    }),
    ("a quota is used up", |on| {
        on.wait(3, minutes(1));
        on.tier.quotas.as_mut().unwrap()[0].ratio = 0.95;
    }),
    ("one project fills the queue", |on| {
        on.wait(20, minutes(1));
        on.queue().top_project_share = Some(0.8);
    }),
    ("one project has most of a short queue", |on| {
        on.wait(19, minutes(1));
        on.queue().top_project_share = Some(1.0);
    }),
    ("a job that no runner may take", |on| {
        on.queue().unserved.insert(UnservedReason::Protected, 2);
        on.queue().unserved_long = 1;
    }),
    ("jobs that no runner takes are not in sight", |on| on.queue().unserved.clear()),
    ("a runner token ends in two weeks", |on| expiry(on, "2026-03-15T12:00:00Z")),
    ("a runner token ends a second later", |on| expiry(on, "2026-03-15T12:00:01Z")),
    ("a runner token ends in two days", |on| expiry(on, "2026-03-03T12:00:00Z")),
    ("a runner token has ended", |on| expiry(on, "2026-02-03T12:00:00Z")),
    ("a runner token is too old", |on| tokens(on).token_age = Some(minutes(60 * 24 * 91))),
    ("nobody tells how old the tokens are", |on| tokens(on).token_age = None),
    ("a boundary moved", |on| on.tier.boundary = fake::moved_boundary()),
    ("a source is blind", |on| blind(on, SourceKind::GitlabQueue)),
    ("a tier in use is not", |on| {
        on.policy.expects_traffic = Some(minutes(30));
        on.tier.lately.quiet = minutes(31);
    }),
    ("nothing can be seen", |on| on.tier = fake::unknown_tier("standard")),
];

fn tokens(on: &mut Case) -> &mut RunnerLevels {
    on.tier.runners.as_mut().unwrap()
}

fn expiry(on: &mut Case, at: &str) {
    tokens(on).runners[0].token.expires_at = Some(at.parse().unwrap());
}

fn blind(on: &mut Case, kind: SourceKind) {
    let source = on.sources.iter_mut().find(|source| source.source.kind == kind).unwrap();
    (source.up, source.failure) = (Some(false), Some("no answer within 10 s".to_owned()));
    source.age = Some(minutes(6));
}

#[test]
fn each_condition_where_it_begins_and_right_before() {
    let mut text = String::new();
    for (about, change) in CASES {
        let mut case = Case::calm();
        change(&mut case);
        writeln!(text, "{about}\n{}", told(&case.judge()).trim_end()).unwrap();
    }
    insta::assert_snapshot!(text);
}

#[test]
fn every_condition_holds_in_some_case_or_needs_time() {
    let mut seen: Vec<Condition> = Vec::new();
    for (_, change) in CASES {
        let mut case = Case::calm();
        change(&mut case);
        seen.extend(case.judge().iter().filter(|line| line.holds == Some(true)).map(|line| line.condition));
    }
    let patient = [Condition::Down, Condition::ScaleUpBlocked];
    let missing: Vec<_> = Condition::ALL
        .iter()
        .filter(|condition| !condition.is_own() && !seen.contains(condition) && !patient.contains(condition))
        .collect();
    assert!(missing.is_empty(), "no case shows {missing:?}");
}

#[test]
fn what_must_last_holds_only_when_it_did() {
    let mut down = Case::calm();
    down.tier.managers = Some(ManagerLevels { ready: 0, not_ready: 2 });
    let mut blocked = Case::calm();
    let refused = BTreeMap::from([(Autoscale::MaxSizeReached, 4)]);
    blocked.tier.scale_up = Some(ScaleUpLevels { waiting: 4, triggered: 0, refused });
    blocked.caused_by(Cause::Autoscale(Autoscale::MaxSizeReached), 4);
    for (mut case, condition, patience) in
        [(down, Condition::Down, minutes(3)), (blocked, Condition::ScaleUpBlocked, minutes(5))]
    {
        let began = case.now.wall;
        case.go_on(patience - Duration::from_secs(1));
        assert!(!case.holds(condition), "{condition} before its time");
        case.go_on(Duration::from_secs(1));
        let line = case.line(condition);
        assert_eq!((line.holds, line.since), (Some(true), Some(began)), "{condition}: {}", line.reason);
        let mut healed = Case { before: case.judge(), now: case.now, ..Case::calm() };
        healed.go_on(Duration::from_secs(59));
        assert!(healed.holds(condition), "{condition}: less than a minute of calm is none");
        healed.go_on(Duration::from_secs(1));
        assert_eq!((healed.line(condition).holds, healed.line(condition).since), (Some(false), None), "{condition}");
    }
}

#[test]
fn a_tier_without_manager_pods_is_down_only_if_it_ever_had_one() {
    let mut case = Case::calm();
    case.policy.conditions.down_after = Duration::ZERO;
    case.tier.managers = Some(ManagerLevels::default());
    assert!(!case.holds(Condition::Down), "its managers may run elsewhere, and GitLab calls the runners online");
    case.tier.lately.managers_seen = true;
    assert_eq!(case.line(Condition::Down).reason, "the runner manager pods are gone; no job is known to wait for it");
    case.tier.lately.managers_seen = false;
    let runners = tokens(&mut case);
    runners.by_status = BTreeMap::from([(RunnerStatus::Offline, 2)]);
    assert!(case.holds(Condition::Down));
    tokens(&mut case).by_status = BTreeMap::from([(RunnerStatus::NeverContacted, 2)]);
    assert!(!case.holds(Condition::Down), "who never spoke is not installed yet");
    case.tier.managers = None;
    case.tier.runners = None;
    assert_eq!(case.line(Condition::Down).holds, None);
}

#[test]
fn a_stalled_queue_moves_again_with_several_starts_not_with_one() {
    let mut case = Case::calm();
    case.wait(6, minutes(5));
    (case.tier.lately.quiet, case.tier.lately.taken_within_stall) = (minutes(5), 0);
    case.go_on(Duration::from_secs(1));
    (case.tier.lately.quiet, case.tier.lately.taken_within_stall) = (Duration::ZERO, 1);
    assert!(case.holds(Condition::QueueStalled), "one job of six has moved");
    case.tier.lately.taken_within_stall = 3;
    assert!(!case.holds(Condition::QueueStalled));
    case.tier.lately.taken_within_stall = 1;
    case.wait(6, minutes(2));
    assert!(!case.holds(Condition::QueueStalled), "nobody waits for long any more");
}

#[test]
fn others_who_wait_are_short_of_room_until_the_queue_is_one_projects_alone() {
    let mut case = Case::calm();
    case.policy.capacity = Some(15);
    case.wait(25, minutes(1));
    let mut holds = |share| {
        case.queue().top_project_share = Some(share);
        let holds = case.holds(Condition::AtCapacity);
        case.go_on(Duration::from_secs(15));
        holds
    };
    assert_eq!([0.6, 0.75, 0.8, 0.75, 0.6].map(&mut holds), [true, true, false, false, true]);
}

#[test]
fn a_message_of_somebody_else_stays_a_text() {
    let mut case = Case::calm();
    blind(&mut case, SourceKind::KubeNodes);
    let source = case.sources.iter_mut().find(|source| source.source.kind == SourceKind::KubeNodes);
    source.unwrap().failure = Some("{{ $labels.tier }} <script>".to_owned());
    let line = case.line_of(Condition::SourceDown, "kube_nodes");
    assert_eq!(
        line.reason, "kube_nodes cannot be read, its last answer is 6 min old: {{ $labels.tier }} <script>",
        "it is escaped by whoever shows it"
    );
}

impl Case {
    fn line_of(&self, condition: Condition, subject: &str) -> ConditionLine {
        let of = |line: &ConditionLine| line.condition == condition && line.subject.as_deref() == Some(subject);
        self.judge().into_iter().find(of).unwrap()
    }
}

#[test]
fn what_is_wrong_with_tierwatch_itself() {
    let judged = |change: fn(&mut Assessment)| {
        let mut assessment = fake::assessment(vec![]);
        change(&mut assessment);
        told(&of_tierwatch(&assessment, &[]))
    };
    type Change = fn(&mut Assessment);
    let cases: [(&str, Change); 9] = [
        ("all is well", |_| {}),
        ("the token ends in two weeks", |on| token(on, Some("2026-03-15T12:00:00Z"))),
        ("the token ends in two days", |on| token(on, Some("2026-03-03T12:00:00Z"))),
        ("the token never ends", |on| token(on, None)),
        ("GitLab tells nothing of the token", |on| on.own_token = None),
        ("a tenth of the projects is out of sight", |on| on.coverage = Some(0.9)),
        ("the queue is out of sight", |on| on.coverage = None),
        ("five of a hundred failures have no cause", |on| (on.unclassified, on.failures) = (5, 100)),
        ("a secret file is gone", |on| {
            on.secret_failure = Some("reading the token file /etc/tierwatch/gitlab-token: no such file".to_owned());
        }),
    ];
    let text: String = cases.iter().map(|(about, change)| format!("{about}\n{}", judged(*change))).collect();
    insta::assert_snapshot!(text);
}

fn token(on: &mut Assessment, at: Option<&str>) {
    on.own_token.as_mut().unwrap().expires_at = at.map(|at| at.parse().unwrap());
}

#[test]
fn a_manager_that_crashes_in_a_loop_is_down_although_it_is_ready_now_and_then() {
    let mut case = Case::calm();
    for minute in 0..4 {
        for (ready, seconds) in [(0, 50), (1, 10)] {
            case.tier.managers = Some(ManagerLevels { ready, not_ready: 1 - ready });
            case.go_on(Duration::from_secs(seconds));
        }
        assert_eq!(case.holds(Condition::Down), minute >= 3, "minute {minute}");
    }
}

#[test]
fn one_of_two_managers_that_crashes_in_a_loop_is_told_all_the_while() {
    let mut case = Case::calm();
    for minute in 0..20 {
        for (not_ready, seconds) in [(1, 20), (0, 40)] {
            case.tier.managers = Some(ManagerLevels { ready: 2 - not_ready, not_ready });
            case.go_on(Duration::from_secs(seconds));
            assert!(case.holds(Condition::RunnersOffline), "minute {minute}");
        }
    }
    case.go_on(Duration::from_secs(60));
    assert!(!case.holds(Condition::RunnersOffline));
}

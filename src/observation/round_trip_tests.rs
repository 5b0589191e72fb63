//! A recorded stream says the same as the heard one: every body survives being written and read.

use super::*;

fn text(text: &str) -> Arc<str> {
    text.into()
}

fn at(second: i64) -> Option<Timestamp> {
    Some(Timestamp::new(second, 123_456_789).unwrap())
}

fn job() -> JobReport {
    JobReport {
        id: JobId(u64::MAX),
        project: Some(ProjectId(7)),
        project_path: Some(text("shop/cart")),
        name: text("build \u{0} \"x\"\n\u{202e}"),
        git_ref: Some(text("main")),
        is_tag: Some(false),
        tags: Some(vec![text("a"), text("")]),
        status: JobStatus::Failed,
        stuck: Some(true),
        queued_for: Some(Duration::new(3, 141_592_653)),
        queued_at: at(1),
        started_at: at(2),
        finished_at: None,
        runner: Some(RunnerId(3)),
        failure_reason: Some(text("script_failure")),
        takers: Some(vec![RunnerId(3)]),
    }
}

fn runner() -> RunnerReport {
    let manager = ManagerReport {
        system_id: text("s_1"),
        status: RunnerStatus::Stale,
        contacted_at: at(3),
        version: Some(text("18.0.0")),
    };
    RunnerReport {
        id: RunnerId(1),
        description: text("d"),
        short_sha: Some(text("t1_abcdef")),
        tags: vec![text("a")],
        run_untagged: true,
        protected: true,
        locked: false,
        paused: true,
        status: RunnerStatus::NeverContacted,
        scope: RunnerScope::Groups(vec![text("shop")]),
        contacted_at: None,
        created_at: at(4),
        token_expires_at: at(5),
        expiry_hidden: false,
        managers: Some(vec![manager]),
    }
}

fn pod(scheduled: Scheduled, state: ContainerState) -> PodReport {
    let container = ContainerReport { name: text("build"), role: ContainerRole::Build, image: text("a/b"), state };
    let disruption = Disruption { reason: text("Evicted"), message: text("m"), at: at(6) };
    PodReport {
        uid: text("u"),
        namespace: text("n"),
        name: text("p"),
        role: PodRole::Job,
        job: Some(JobId(1)),
        project: None,
        runner_short: Some(text("t1_abcdef")),
        created: at(7).unwrap(),
        deleting: true,
        phase: PodPhase::Unknown,
        ready: false,
        node: None,
        scheduled,
        sandbox_ready: at(8),
        disruption: Some(disruption.clone()),
        failure: Some(disruption),
        containers: vec![container],
        requests: Requests { cpu_millis: 1, memory_bytes: u64::MAX },
        limits: Limits::default(),
        shape: Arc::new(PodShape {
            labels: vec![(text("app"), Some(text("a"))), (text("pod"), None)],
            node_selector: vec![(text("k"), text("v"))],
            service_account: Some(text("sa")),
            secrets: vec![text("s")],
            exposure: Exposure { privileged: true, capabilities: vec![text("SYS_ADMIN")], ..Exposure::default() },
            keeps_its_token: true,
            token_rotated: at(3),
        }),
    }
}

#[expect(clippy::vec_box, reason = "as the body holds them")]
fn pods() -> Vec<Box<PodReport>> {
    let toleration = Toleration { key: Some(text("k")), value: None, effect: None };
    let refused = Scheduled::Refused {
        reason: text("Unschedulable"),
        message: text("0/1"),
        since: None,
        tolerations: vec![toleration],
        nominated: true,
    };
    let waiting = ContainerState::Waiting { reason: text("r"), message: text("m") };
    let ended = ContainerState::Terminated { started: at(1), finished: None, reason: text("OOMKilled"), exit_code: -1 };
    vec![
        Box::new(pod(Scheduled::No, ContainerState::Absent)),
        Box::new(pod(refused, waiting)),
        Box::new(pod(Scheduled::At(None), ContainerState::Running { since: at(1) })),
        Box::new(pod(Scheduled::At(at(1)), ended)),
    ]
}

fn event() -> EventReport {
    EventReport {
        uid: text("u"),
        about_kind: text("Pod"),
        about_namespace: Some(text("n")),
        about_name: text("p"),
        about_uid: None,
        container: Some(text("build")),
        reason: text("Failed"),
        author: text("kubelet"),
        warning: true,
        message: text("m"),
        count: 2,
        last: at(9).unwrap(),
    }
}

fn node() -> NodeReport {
    NodeReport {
        name: text("n"),
        tier_labels: vec![(text("k"), text("v"))],
        ready: true,
        unschedulable: false,
        taints: vec![Taint { key: text("k"), value: text(""), effect: text("NoSchedule") }],
        allocatable: Requests::default(),
    }
}

fn policy() -> NetpolReport {
    let requirement = Requirement { key: text("app"), operator: Operator::NotIn, values: vec![text("a")] };
    let selects = Selector { requirements: vec![requirement] };
    let block = Peer::Block { cidr: "fd00::/8".parse().unwrap(), except: vec!["fd00:ec2::254/128".parse().unwrap()] };
    let pods = Peer::Pods { namespaces: Some(Selector::default()), pods: None };
    let range = |ports| PortRange { protocol: text("TCP"), ports };
    let ports = vec![range(Ports::All), range(Ports::Range(1, 2)), range(Ports::Named(text("web")))];
    let egress = Some(vec![Opening { peers: vec![block, pods, Peer::Unreadable], ports }]);
    NetpolReport { name: text("p"), selects, ingress: None, egress }
}

/// The samples as a chain: a new kind of body breaks the match until it stands in it.
fn after(body: &Body) -> Option<Body> {
    Some(match body {
        Body::Tick => Body::Earlier(Box::new(Earlier {
            floor: Timestamp::UNIX_EPOCH,
            keys: vec![1, u64::MAX],
            open: vec![LookUp { job: JobId(1), project: ProjectId(2) }],
            seen: vec![(SourceKey::namespaced(SourceKind::KubePods, "ci"), Timestamp::UNIX_EPOCH)],
            alerts: vec![EarlierAlert {
                alert: text("TierDown"),
                severity: crate::condition::Severity::Critical,
                tier: Some(text("standard")),
                condition: crate::condition::Condition::Down,
                subject: None,
                since: Timestamp::UNIX_EPOCH,
                fires_since: None,
            }],
            last: Some(Timestamp::UNIX_EPOCH),
        })),
        Body::Earlier(_) => Body::Queue { scope: QueueScope::Instance, jobs: vec![job()] },
        Body::Queue { .. } => Body::RunnerQueues { runners: vec![RunnerId(3)], jobs: vec![job()] },
        Body::RunnerQueues { .. } => Body::Running { scope: QueueScope::Project(ProjectId(1)), jobs: vec![] },
        Body::Running { .. } => Body::Job(Box::new(job())),
        Body::Job(_) => Body::JobNotFound(JobId(1)),
        Body::JobNotFound(_) => Body::Projects(vec![ProjectReport { id: ProjectId(1), path: text("a/b") }]),
        Body::Projects(_) => {
            let patterns = Some(vec![text("release/*")]);
            Body::ProtectedRefs(ProtectedRefs { project: ProjectId(1), branches: patterns, tags: None })
        }
        Body::ProtectedRefs(_) => Body::Runners(vec![runner()]),
        Body::Runners(_) => Body::JobLog(JobLog { job: JobId(1), given_up: Some(text("gave up")) }),
        Body::JobLog(_) => Body::Pod(Change::Replace(pods())),
        Body::Pod(_) => Body::Event(Change::Upsert(Box::new(event()))),
        Body::Event(_) => Body::Node(Change::Upsert(Box::new(node()))),
        Body::Node(_) => {
            let line = QuotaLine { resource: text("pods"), used_thousandths: 1, hard_thousandths: u64::MAX };
            let quota = QuotaReport { name: text("q"), scoped: true, lines: vec![line] };
            Body::Quota(Change::Upsert(Box::new(quota)))
        }
        Body::Quota(_) => {
            let (part, resource) = (LimitedPart::Pod, text("cpu"));
            let line = LimitLine { part, resource, max: Some(2000), min: None, max_ratio: Some(1), has_default: true };
            Body::Limit(Change::Upsert(Box::new(LimitReport { name: text("l"), lines: vec![line] })))
        }
        Body::Limit(_) => {
            let enforce = SecurityMode { level: Some(text("restricted")), version: None };
            Body::Namespace(Some(Box::new(NamespaceReport { enforce, ..NamespaceReport::default() })))
        }
        Body::Namespace(_) => Body::Netpol(Change::Upsert(Box::new(policy()))),
        Body::Netpol(_) => {
            let account = AccountReport { name: text("job"), roles: vec![text("arn:x")], automount: Some(false) };
            Body::Account(Change::Upsert(Box::new(account)))
        }
        Body::Account(_) => {
            let role = RoleReport { name: text("r"), wildcards: vec![text("*: *")] };
            Body::Role(Change::Upsert(Box::new(role)))
        }
        Body::Role(_) => {
            let accounts = vec![(text("n"), text("sa"))];
            let binding = BindingReport { name: text("b"), of_cluster: false, role: text("r"), accounts };
            Body::Binding(Change::Upsert(Box::new(binding)))
        }
        Body::Binding(_) => {
            let report = SecretReport { written: at(1), rotated: None };
            Body::TokenSecrets(vec![(text("token"), Some(report)), (text("gone"), None)])
        }
        Body::TokenSecrets(_) => {
            let token = ApiTokenReport { scopes: vec![text("read_api")], created_at: at(1), expires_at: None };
            Body::ApiToken(Some(token))
        }
        Body::ApiToken(_) => Body::Alive,
        Body::Alive => Body::Period(Some(Duration::from_millis(1500))),
        Body::Period(_) => Body::Note("chosen".to_owned()),
        Body::Note(_) => {
            let retry_after = Some(Duration::from_millis(1500));
            Body::Failed(Failure { class: FailureClass::RateLimited, detail: "429".to_owned(), retry_after })
        }
        Body::Failed(_) => return None,
    })
}

#[test]
fn every_body_is_read_as_it_was_written() {
    let samples: Vec<Body> = std::iter::successors(Some(Body::Tick), after)
        .chain([
            Body::Pod(Change::Gone(text("u"))),
            Body::Node(Change::Replace(vec![])),
            Body::Event(Change::Gone(text(""))),
        ])
        .collect();
    assert!(samples.len() > 15);
    for body in samples {
        let now = Now { wall: at(10).unwrap(), mono: Duration::new(1, 1) };
        let said = Observation { source: SourceKey::namespaced(SourceKind::KubePods, "n"), at: now, body };
        let written = serde_json::to_string(&said).unwrap();
        assert!(!written.contains('\n'), "one line: {written}");
        assert_eq!(serde_json::from_str::<Observation>(&written).unwrap(), said, "{written}");
    }
}

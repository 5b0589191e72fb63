//! True API objects of a closed tier in, the checks of its boundary out; then each of them moved, one at a time.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tierwatch::model::assess::assess;
use tierwatch::model::assessment::Assessment;
use tierwatch::model::fleet::Fleet;
use tierwatch::model::policy::{History, Objective, Policy, Staleness, TierPolicy, TokenPolicy, Urgency};
use tierwatch::model::posture::{Boundary, Check, Expected, Verdict};
use tierwatch::observation::{Body, Change, Failure, FailureClass, Now, Observation, RunnerId, SourceKey, SourceKind};
use tierwatch::source::Texts;
use tierwatch::source::gitlab::translate::runner_from_graphql;
use tierwatch::source::kube::pod_shape::Shapes;
use tierwatch::source::kube::{
    accounts, bindings, limits, namespaces, netpols, nodes, plan, pods, quotas, rbac, roles, token_secrets,
};

const NAMESPACE: &str = "ci-web";
const ROTATED: &str = "platform.example.com/token-rotated-at";
const LABEL: &str = "platform.gitlab.com/runner-tier";

fn now() -> Now {
    Now { wall: "2026-03-01T12:00:00Z".parse().unwrap(), mono: Duration::from_secs(60) }
}

fn policy(expected: Option<Expected>) -> Policy {
    let minute = Duration::from_secs(60);
    let tier = |name: &str, posture: Option<Expected>| TierPolicy {
        name: name.into(),
        tags: vec![format!("tier-{name}").into()],
        run_untagged: false,
        runners: if name == "web" { vec![RunnerId(7)] } else { vec![] },
        namespaces: vec![format!("ci-{name}").into()],
        manager_namespaces: vec![format!("ci-{name}").into()],
        node_label: LABEL.into(),
        capacity: None,
        urgency: Urgency::Ticket,
        objective: Objective { target: 0.95, window: minute, start_within: minute, min_jobs: 1 },
        runbook_url: None,
        token: Default::default(),
        posture,
        expects_traffic: None,
        conditions: tierwatch::model::policy::Thresholds::default(),
    };
    Policy {
        tiers: vec![tier("db", None), tier("web", expected)],
        staleness: Staleness { queue: minute, runners: minute, watch: minute },
        sweep: minute,
        registries: vec![],
        history: History { max_age: minute, max_jobs: 10 },
        keep_firing_for: std::time::Duration::from_secs(120),
    }
}

/// A platform as its objects. Every list is replaced as a whole.
#[derive(Clone)]
struct Platform {
    namespace: Value,
    netpols: Vec<Value>,
    accounts: Vec<Value>,
    roles: Vec<Value>,
    bindings: Vec<Value>,
    quotas: Vec<Value>,
    limits: Vec<Value>,
    pods: Vec<Value>,
    /// Pods of the other tier.
    other_pods: Vec<Value>,
    other_accounts: Vec<Value>,
    nodes: Vec<Value>,
    runners: Vec<Value>,
    /// The metadata of the Secret with the runner's token.
    secret: Value,
    /// The other tier's jobs run in this tier's namespace, too.
    shared: bool,
    /// A source that is refused.
    refused: Option<SourceKey>,
}

fn pod(namespace: &str, name: &str, account: &str) -> Value {
    json!({
        "metadata": { "name": name, "uid": format!("{namespace}/{name}"), "creationTimestamp": "2026-03-01T11:59:00Z",
            "labels": { "pod": "runner-abc-project-1-concurrent-0", "project.runner.gitlab.com/id": "1",
                "manager.runner.gitlab.com/id-short": "abcdefg7i" } },
        "spec": { "nodeName": "node-web", "serviceAccountName": account, "automountServiceAccountToken": false,
            "nodeSelector": { LABEL: namespace.trim_start_matches("ci-") },
            "securityContext": { "runAsNonRoot": true, "runAsUser": 1000 },
            "imagePullSecrets": [{ "name": "registry" }, { "name": "runner-abc-project-1-concurrent-0x7" }],
            "containers": [{ "name": "build", "image": "a", "securityContext": {} }] },
        "status": { "phase": "Running" }
    })
}

fn manager(name: &str) -> Value {
    json!({
        "metadata": { "name": name, "uid": name, "creationTimestamp": "2026-03-01T11:00:00Z",
            "labels": { "app": "web-gitlab-runner" } },
        "spec": { "nodeName": "node-system", "serviceAccountName": "runner", "containers": [{ "name": "runner", "image": "r",
            "env": [{ "name": "FF_DISABLE_AUTOMATIC_TOKEN_ROTATION", "value": "true" }] }] },
        "status": { "phase": "Running" }
    })
}

fn runner(id: u64, tags: &[&str]) -> Value {
    json!({ "id": format!("gid://gitlab/Ci::Runner/{id}"), "description": "a runner", "shortSha": format!("abcdefg{id}"),
        "runnerType": "INSTANCE_TYPE", "status": "ONLINE", "paused": false, "locked": true,
        "accessLevel": "REF_PROTECTED", "runUntagged": false, "tagList": tags, "tokenExpiresAt": "2026-04-01T00:00:00Z",
        "managers": { "nodes": [used_by("r_pod")] } })
}

/// A manager in contact after the pods were last seen to change.
fn used_by(system: &str) -> Value {
    json!({ "systemId": system, "status": "ONLINE", "contactedAt": "2026-03-01T12:10:00Z", "version": "18.0.0" })
}

fn node(name: &str, tier: &str) -> Value {
    json!({ "metadata": { "name": name, "labels": { LABEL: tier } } })
}

impl Platform {
    fn closed() -> Self {
        let metadata = |name: &str| json!({ "name": name });
        Self {
            namespace: json!({ "metadata": { "labels": {
                "pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/enforce-version": "v1.34",
                "pod-security.kubernetes.io/audit": "restricted", "pod-security.kubernetes.io/warn": "restricted",
            } } }),
            netpols: vec![
                json!({ "metadata": metadata("deny"), "spec": { "podSelector": {}, "policyTypes": ["Ingress", "Egress"] } }),
                json!({ "metadata": metadata("web"), "spec": { "podSelector": {}, "policyTypes": ["Egress"], "egress": [{
                    "to": [{ "ipBlock": { "cidr": "0.0.0.0/0", "except": ["169.254.169.254/32"] } }],
                    "ports": [{ "port": 443 }] }] } }),
            ],
            accounts: vec![json!({ "metadata": { "name": "job", "annotations": {
                "eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/web" } } })],
            roles: vec![json!({ "metadata": metadata("runner"), "rules": [
                { "apiGroups": [""], "resources": ["pods"], "verbs": ["get", "create", "delete"] }] })],
            bindings: vec![json!({ "metadata": metadata("runner"), "roleRef": { "kind": "Role", "name": "runner" },
                "subjects": [{ "kind": "ServiceAccount", "name": "runner", "namespace": NAMESPACE }] })],
            quotas: vec![json!({ "metadata": metadata("q") })],
            limits: vec![json!({ "metadata": metadata("l") })],
            pods: vec![pod(NAMESPACE, "job-1", "job"), pod(NAMESPACE, "job-2", "job"), manager("manager-1")],
            other_pods: vec![pod("ci-db", "job-3", "job")],
            other_accounts: vec![json!({ "metadata": metadata("job") })],
            nodes: vec![node("node-web", "web"), node("node-db", "db"), node("node-system", "system")],
            runners: vec![runner(7, &["tier-web"]), runner(8, &["tier-db"])],
            secret: json!({ "metadata": { "creationTimestamp": "2025-03-01T00:00:00Z" } }),
            shared: false,
            refused: None,
        }
    }

    fn judged(&self, expected: Option<Expected>) -> Boundary {
        self.fleet_of(expected, TokenPolicy::default()).1.tiers[1].boundary.clone()
    }

    /// A fleet that heard everything, and what can be said of it.
    fn fleet_of(&self, expected: Option<Expected>, token: TokenPolicy) -> (Fleet, Assessment) {
        let mut policy = policy(expected);
        policy.tiers[1].token = token;
        policy.tiers[0].namespaces.extend(self.shared.then(|| Arc::from(NAMESPACE)));
        let policy = Arc::new(policy);
        let kubernetes =
            tierwatch::config::Kubernetes { enabled: true, kubeconfig: None, context: None, cluster_scoped: true };
        let mut keys = plan(&policy, &kubernetes);
        keys.push(SourceKey::global(SourceKind::GitlabRunners));
        let mut fleet = Fleet::new(Arc::clone(&policy), keys.clone());
        for source in keys {
            let body = match self.refused.as_ref() == Some(&source) {
                true => Body::Failed(Failure {
                    class: FailureClass::Forbidden,
                    detail: "the API server answered 403: forbidden".into(),
                    retry_after: None,
                }),
                false => self.said(&source),
            };
            drop(fleet.apply(Observation { source, at: now(), body }));
        }
        let assessment = assess(&fleet, now(), None);
        (fleet, assessment)
    }

    fn said(&self, source: &SourceKey) -> Body {
        let mut texts = Texts::default();
        let own = source.namespace.as_deref() == Some(NAMESPACE);
        let of = |objects: &Vec<Value>| if own { objects.clone() } else { vec![] };
        match source.kind {
            SourceKind::KubeNamespace => {
                Body::Namespace(Some(Box::new(namespaces::translate(&read(&self.namespace), &mut texts))))
            }
            SourceKind::KubeNetpols => {
                Body::Netpol(replace(&of(&self.netpols), |object| netpols::translate(object, &mut texts)))
            }
            SourceKind::KubeAccounts => {
                let objects = if own { &self.accounts } else { &self.other_accounts };
                Body::Account(replace(objects, |object| accounts::translate(object, &mut texts)))
            }
            SourceKind::KubeRoles => {
                Body::Role(replace(&of(&self.roles), |object| roles::translate(object, &mut texts)))
            }
            SourceKind::KubeBindings => {
                Body::Binding(replace(&of(&self.bindings), |object| bindings::translate(object, &mut texts)))
            }
            SourceKind::KubeQuotas => {
                Body::Quota(replace(&of(&self.quotas), |object| quotas::translate(object, &mut texts)))
            }
            SourceKind::KubeLimits => {
                Body::Limit(replace(&of(&self.limits), |object| limits::translate(object, &mut texts)))
            }
            SourceKind::KubePods => {
                let mut shapes = Shapes::new(vec![LABEL.into()], vec![ROTATED.into()]);
                let namespace = source.namespace.clone().unwrap();
                let objects = if own { &self.pods } else { &self.other_pods };
                Body::Pod(replace(objects, |object| pods::translate(object, &namespace, &mut texts, &mut shapes)))
            }
            SourceKind::KubeNodes => {
                Body::Node(replace(&self.nodes, |object| nodes::translate(object, &[LABEL.into()], &mut texts)))
            }
            SourceKind::GitlabRunners => {
                Body::Runners(self.runners.iter().map(|node| runner_from_graphql(node).unwrap()).collect())
            }
            SourceKind::KubeTokenSecrets => {
                let report = token_secrets::translate(&read(&self.secret), Some(ROTATED));
                Body::TokenSecrets(vec![("runner-token".into(), Some(report))])
            }
            SourceKind::Clock
            | SourceKind::GitlabQueue
            | SourceKind::GitlabStarted
            | SourceKind::GitlabRefs
            | SourceKind::GitlabRunnerJobs
            | SourceKind::GitlabJobLogs
            | SourceKind::GitlabHooks
            | SourceKind::WebConfig
            | SourceKind::KubeEvents
            | SourceKind::KubeNodeEvents => Body::Alive,
        }
    }
}

fn read<T: DeserializeOwned>(object: &Value) -> T {
    serde_json::from_value(object.clone()).unwrap()
}

fn replace<T: DeserializeOwned, R>(objects: &[Value], mut translate: impl FnMut(&T) -> Option<R>) -> Change<Box<R>> {
    Change::Replace(objects.iter().map(|object| Box::new(translate(&read(object)).unwrap())).collect())
}

/// Everything is declared.
fn strict() -> Expected {
    Expected {
        pod_security_version: Some("v1.34".into()),
        pod_security_audit: Some(tierwatch::model::posture::SecurityLevel::Restricted),
        pod_security_warn: Some(tierwatch::model::posture::SecurityLevel::Baseline),
        secrets: Some(vec!["registry".into()]),
        protected: Some(true),
        locked: Some(true),
        ..Expected::default()
    }
}

fn with(verdict: Verdict, boundary: &Boundary) -> BTreeSet<Check> {
    boundary.checks().filter(|line| line.verdict == verdict).map(|line| line.check).collect()
}

#[test]
fn a_closed_tier_is_as_declared_in_every_check() {
    let boundary = Platform::closed().judged(Some(strict()));
    let wrong: Vec<_> = boundary.checks().filter(|line| line.verdict != Verdict::AsDeclared).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(boundary.checks().count(), Check::ALL.len());
}

#[test]
fn without_a_declaration_nothing_is_judged() {
    let boundary = Platform::closed().judged(None);
    assert_eq!(with(Verdict::NotDeclared, &boundary).len(), Check::ALL.len());
    assert!(!boundary.declared);
}

type Move = fn(&mut Platform);

/// Each check is moved by something, and by that alone.
#[test]
fn each_breach_moves_its_own_check_and_no_other() {
    use Check::*;
    let moves: Vec<(&str, Move, &[Check])> = vec![
        ("a tag more", |p| p.runners[0]["tagList"] = json!(["tier-web", "docker"]), &[Tags]),
        ("untagged jobs", |p| p.runners[0]["runUntagged"] = json!(true), &[RunUntagged]),
        ("any ref", |p| p.runners[0]["accessLevel"] = json!("NOT_PROTECTED"), &[Protected]),
        ("not locked", |p| p.runners[0]["locked"] = json!(false), &[Locked]),
        ("the other tier's tag", |p| p.runners[0]["tagList"] = json!(["tier-web", "tier-db"]), &[Tags, OwnRunners]),
        ("a stranger", |p| p.runners.push(runner(9, &["tier-web"])), &[DeclaredRunners]),
        (
            "a Secret more",
            |p| p.pods[0]["spec"]["volumes"] = json!([{ "secret": { "secretName": "signing-key" } }]),
            &[Secrets],
        ),
        (
            "a token mounted",
            |p| p.pods[1]["spec"]["automountServiceAccountToken"] = json!(true),
            &[ServiceAccountToken],
        ),
        (
            "one account for two tiers",
            |p| {
                let mut guest = pod(NAMESPACE, "job-9", "job");
                guest["metadata"]["labels"]["manager.runner.gitlab.com/id-short"] = json!("abcdefg8i");
                guest["spec"]["nodeName"] = Value::Null;
                p.pods.push(guest);
                p.shared = true;
            },
            &[OwnServiceAccount, OwnCloudRole],
        ),
        ("no policy", |p| p.netpols.clear(), &[DefaultDeny, InternetPorts, MetadataEndpoint]),
        ("ingress only", |p| p.netpols[0]["spec"]["policyTypes"] = json!(["Ingress"]), &[]),
        (
            "a name that promises",
            |p| p.netpols[0]["spec"]["podSelector"] = json!({ "matchLabels": { "app": "web" } }),
            &[DefaultDeny],
        ),
        (
            "another port",
            |p| p.netpols[1]["spec"]["egress"][0]["ports"] = json!([{ "port": 8000, "endPort": 9000 }]),
            &[InternetPorts],
        ),
        (
            "metadata by a policy of its own",
            |p| {
                let spec = json!({ "podSelector": {}, "policyTypes": ["Egress"], "egress": [{
                    "to": [{ "ipBlock": { "cidr": "169.254.0.0/16" } }], "ports": [{ "protocol": "TCP", "port": 80 }] }] });
                p.netpols.push(json!({ "metadata": { "name": "link-local" }, "spec": spec }));
            },
            &[MetadataEndpoint],
        ),
        (
            "everything open again",
            |p| {
                let spec = json!({ "podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [{}] });
                p.netpols.push(json!({ "metadata": { "name": "debug" }, "spec": spec }));
            },
            &[DefaultDeny],
        ),
        ("the other tier's cloud role", |p| p.other_accounts = p.accounts.clone(), &[OwnCloudRole]),
        (
            "enforcing less",
            |p| p.namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = json!("baseline"),
            &[PodSecurity],
        ),
        (
            "another version",
            |p| p.namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce-version"] = json!("v1.29"),
            &[PodSecurityVersion],
        ),
        (
            "auditing nothing",
            |p| p.namespace["metadata"]["labels"]["pod-security.kubernetes.io/audit"] = Value::Null,
            &[PodSecurityAudit],
        ),
        (
            "warning of nothing",
            |p| p.namespace["metadata"]["labels"]["pod-security.kubernetes.io/warn"] = json!("privileged\u{1b}[2J"),
            &[PodSecurityWarn],
        ),
        (
            "privileged",
            |p| p.pods[0]["spec"]["containers"][0]["securityContext"]["privileged"] = json!(true),
            &[Privileged],
        ),
        ("the host's network", |p| p.pods[0]["spec"]["hostNetwork"] = json!(true), &[HostNamespaces]),
        ("the host's processes", |p| p.pods[0]["spec"]["hostPID"] = json!(true), &[HostNamespaces]),
        (
            "a host path",
            |p| p.pods[0]["spec"]["volumes"] = json!([{ "hostPath": { "path": "/var/cache/ci" } }]),
            &[HostPath],
        ),
        (
            "the runtime's socket",
            |p| p.pods[0]["spec"]["volumes"] = json!([{ "hostPath": { "path": "/var/run" } }]),
            &[HostPath, DockerSocket],
        ),
        (
            "a capability",
            |p| p.pods[0]["spec"]["containers"][0]["securityContext"]["capabilities"] = json!({ "add": ["SYS_ADMIN"] }),
            &[Capabilities],
        ),
        (
            "root in one container",
            |p| p.pods[0]["spec"]["containers"][0]["securityContext"]["runAsUser"] = json!(0),
            &[Root],
        ),
        (
            "the chart's empty rules",
            |p| p.roles[0]["rules"] = json!([{ "apiGroups": [""], "resources": ["*"], "verbs": ["*"] }]),
            &[ManagerWildcards],
        ),
        ("no node asked for", |p| p.pods[0]["spec"]["nodeSelector"] = json!({}), &[NodeSelector]),
        ("another tier's node", |p| p.pods[0]["spec"]["nodeName"] = json!("node-db"), &[OwnNodes]),
        ("no quota", |p| p.quotas.clear(), &[ResourceQuota]),
        ("no limits", |p| p.limits.clear(), &[LimitRange]),
        (
            "a copied token",
            |p| p.runners[0]["managers"]["nodes"] = json!([used_by("r_pod"), used_by("s_elsewhere")]),
            &[OwnManagers],
        ),
        (
            "a manager of before the last roll-out",
            |p| {
                let mut gone = used_by("r_gone");
                gone["contactedAt"] = json!("2026-03-01T12:01:00Z");
                p.runners[0]["managers"]["nodes"] = json!([used_by("r_pod"), gone]);
            },
            &[],
        ),
        ("a token that rotates itself", |p| p.pods[2]["spec"]["containers"][0]["env"] = json!([]), &[TokenRotation]),
    ];
    let mut seen = BTreeSet::new();
    for (name, breach, expected) in &moves {
        let mut platform = Platform::closed();
        breach(&mut platform);
        let boundary = platform.judged(Some(strict()));
        let moved = with(Verdict::Moved, &boundary);
        assert_eq!(moved, expected.iter().copied().collect(), "{name}: {:#?}", boundary.moved().collect::<Vec<_>>());
        assert_eq!(with(Verdict::Unknown, &boundary), BTreeSet::new(), "{name}");
        seen.extend(moved);
    }
    let never: Vec<_> = Check::ALL.iter().filter(|check| !seen.contains(check)).collect();
    assert!(never.is_empty(), "no breach moves {never:?}");
}

#[test]
fn a_right_that_is_missing_costs_the_checks_that_need_it_and_is_named() {
    use Check::*;
    let lost: [(SourceKind, &[Check]); 9] = [
        (SourceKind::KubeNamespace, &[PodSecurity, PodSecurityVersion, PodSecurityAudit, PodSecurityWarn]),
        (SourceKind::KubeNetpols, &[DefaultDeny, InternetPorts, MetadataEndpoint]),
        (SourceKind::KubeAccounts, &[OwnCloudRole]),
        (SourceKind::KubeRoles, &[ManagerWildcards]),
        (SourceKind::KubeBindings, &[ManagerWildcards]),
        (SourceKind::KubeQuotas, &[ResourceQuota]),
        (SourceKind::KubeLimits, &[LimitRange]),
        (SourceKind::KubeNodes, &[OwnNodes]),
        (
            SourceKind::KubePods,
            &[
                TokenRotation,
                OwnManagers,
                Secrets,
                ServiceAccountToken,
                OwnServiceAccount,
                OwnCloudRole,
                Privileged,
                HostNamespaces,
                HostPath,
                DockerSocket,
                Capabilities,
                Root,
                ManagerWildcards,
                NodeSelector,
                OwnNodes,
            ],
        ),
    ];
    for (kind, expected) in lost {
        let namespaced = rbac::Need::of(kind).namespaced;
        let key = SourceKey { kind, namespace: namespaced.then(|| NAMESPACE.into()) };
        let boundary = Platform { refused: Some(key), ..Platform::closed() }.judged(Some(strict()));
        assert_eq!(with(Verdict::Unknown, &boundary), expected.iter().copied().collect(), "{kind:?}");
        assert_eq!(with(Verdict::Moved, &boundary), BTreeSet::new(), "{kind:?}");
        let need = rbac::Need::of(kind);
        let resource =
            if need.group.is_empty() { need.resource.into() } else { format!("{}.{}", need.resource, need.group) };
        let words = format!("the right to {} {resource}", need.verbs.join(" and "));
        for line in boundary.checks().filter(|line| line.verdict == Verdict::Unknown) {
            assert!(line.found.contains(&words), "{}: {} does not name {words}", line.check, line.found);
        }
    }
}

#[test]
fn what_cannot_be_read_is_not_taken_for_closed() {
    let spec = json!({ "podSelector": {}, "policyTypes": ["Egress"], "egress": [{ "to": [{ "cloudGroup": "any" }] }] });
    let mut platform = Platform::closed();
    platform.netpols.push(json!({ "metadata": { "name": "new-words" }, "spec": spec }));
    let boundary = platform.judged(Some(strict()));
    assert_eq!(
        with(Verdict::Unknown, &boundary),
        BTreeSet::from([Check::DefaultDeny, Check::InternetPorts, Check::MetadataEndpoint])
    );
    let line = boundary.checks().find(|line| line.check == Check::DefaultDeny).unwrap();
    assert!(line.found.contains("new-words"), "{}", line.found);
}

#[test]
fn half_written_policies_and_hostile_text_are_no_reason_to_stop() {
    for spec in [
        json!({}),
        json!(null),
        json!("text"),
        json!({ "podSelector": [1], "policyTypes": "Egress", "egress": { "to": 1 } }),
        json!({ "egress": [{ "to": [{ "ipBlock": { "cidr": "not an address", "except": [7] } }] }] }),
        json!({ "egress": [{ "to": [{ "ipBlock": { "cidr": "0.0.0.0/99" } }], "ports": [{ "port": 99_999_999 }, { "endPort": 3 }] }] }),
        json!({ "podSelector": { "matchLabels": { "a\u{0}\u{202e}": "\u{1b}[31m" }, "matchExpressions": [{ "operator": "Like" }] } }),
        json!({ "egress": [{ "ports": [{ "port": 10, "endPort": 9 }, { "port": "a name", "endPort": 10 }] }] }),
    ] {
        let mut platform = Platform::closed();
        platform.netpols.push(json!({ "metadata": { "name": "x\u{202e}" }, "spec": spec }));
        let boundary = platform.judged(Some(strict()));
        assert_eq!(boundary.checks().count(), Check::ALL.len());
        let moved = with(Verdict::Moved, &boundary);
        assert!(moved.is_empty(), "{spec}: {moved:?}");
    }
}

#[test]
fn five_hundred_tags_are_told_in_a_few_words() {
    let mut platform = Platform::closed();
    platform.runners[0]["tagList"] = (0..500).map(|number| Value::from(format!("tag-{number}\u{7}"))).collect();
    let boundary = platform.judged(Some(strict()));
    for line in boundary.checks() {
        assert!(line.found.len() < 1000, "{}", line.found);
    }
    assert!(boundary.answers.iter().flat_map(|answer| &answer.says).all(|sentence| sentence.len() < 1000));
}

/// Sources of the age of the web tier's only token, and that age in days.
fn token_of(assessment: &Assessment) -> (Vec<String>, Option<u64>) {
    let runners = assessment.tiers[1].runners.as_ref().unwrap();
    let told = &runners.runners[0].token.obtained;
    let sources = told.iter().map(|(source, at)| format!("{source} {}", at.strftime("%F"))).collect();
    (sources, runners.token_age.map(|age| age.as_secs() / 86_400))
}

fn token_policy(secret: bool, annotation: bool) -> TokenPolicy {
    TokenPolicy {
        secret: secret.then(|| "runner-token".into()),
        rotation_annotation: annotation.then(|| ROTATED.into()),
        ..TokenPolicy::default()
    }
}

#[test]
fn a_token_is_as_old_as_the_best_source_says() {
    let mut platform = Platform::closed();
    let told = |platform: &Platform, token| token_of(&platform.fleet_of(None, token).1);
    assert_eq!(told(&platform, TokenPolicy::default()), (vec![], None), "its creation is only an upper bound");
    assert_eq!(told(&platform, token_policy(true, false)), (vec!["secret 2025-03-01".into()], Some(365)));
    platform.pods[2]["metadata"]["annotations"] = json!({ ROTATED: "2026-02-19" });
    let both = (vec!["annotation 2026-02-19".to_owned(), "secret 2025-03-01".to_owned()], Some(10));
    assert_eq!(told(&platform, token_policy(true, true)), both);
    assert_eq!(told(&platform, token_policy(false, false)).1, None, "the tier names no annotation");
    platform.secret["metadata"]["annotations"] = json!({ ROTATED: "2026-02-28T12:00:00Z" });
    assert_eq!(
        told(&platform, token_policy(true, true)).1,
        Some(1),
        "the Secret's own annotation is nearer to the token"
    );
    platform.runners.push(runner(9, &["tier-web"]));
    let mut policy = token_policy(true, true);
    policy.max_age = Duration::from_secs(1);
    let several = Platform { runners: vec![runner(8, &["tier-db"]), runner(9, &["tier-db"])], ..platform };
    let assessment = several.fleet_of(None, policy).1;
    let of_db = assessment.tiers[0].runners.as_ref().unwrap();
    assert_eq!((of_db.runners.len(), of_db.token_age), (2, None), "of two runners it cannot be told whose token it is");
}

#[test]
fn a_token_that_is_replaced_before_our_eyes_is_told() {
    let platform = Platform::closed();
    let (mut fleet, before) = platform.fleet_of(None, TokenPolicy::default());
    assert_eq!(token_of(&before), (vec![], None));
    let mut say = |node: Value, minutes: u64| {
        let mono = Duration::from_secs(60 * (1 + minutes));
        let at = Now { wall: now().wall + Duration::from_secs(60 * minutes), mono };
        let body = Body::Runners(vec![runner_from_graphql(&node).unwrap()]);
        drop(fleet.apply(Observation { source: SourceKey::global(SourceKind::GitlabRunners), at, body }));
        token_of(&assess(&fleet, at, None))
    };
    assert_eq!(say(runner(7, &["tier-web"]), 1), (vec![], None), "the same token");
    let mut rotated = runner(7, &["tier-web"]);
    rotated["tokenExpiresAt"] = json!("2026-05-01T00:00:00Z");
    rotated["shortSha"] = json!("zyxwvuts");
    assert_eq!(say(rotated.clone(), 2), (vec!["expiry 2026-03-01".into()], Some(0)));
    assert_eq!(say(rotated.clone(), 3).0, ["expiry 2026-03-01"], "it stays told");
    rotated["tokenExpiresAt"] = Value::Null;
    assert_eq!(say(rotated, 4).0, ["expiry 2026-03-01"], "an expiry that is hidden is no rotation");
}

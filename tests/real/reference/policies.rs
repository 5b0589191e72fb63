//! What must hold of everything that the module makes, whatever the map of tiers says.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tierwatch::config::Config;
use tierwatch::model::posture::{Expected, SecurityLevel};

use super::platform::{Platform, TIERS, by_name, texts};
use super::runner::runner_table;
use crate::support::parts;
use crate::support::tofu::{Module, reference, tofu};

#[test]
fn open_tofu_runs_the_modules_own_tests_and_finds_all_files_formatted() {
    let module = Module::copy_of(&reference().join("modules/tiers"));
    let said = module.run(&["test"]).unwrap_or_else(|said| panic!("tofu test: {said}"));
    println!("{said}");
    assert!(said.contains("0 failed") && !said.contains("Success! 0 passed"), "{said}");
    let unformatted = tofu(&parts::tofu(), &reference(), &["fmt", "-check", "-recursive", "-list=true"]);
    assert_eq!(unformatted, Ok(String::new()), "tofu fmt -recursive deploy/reference");
}

#[test]
fn every_tier_has_all_pieces() {
    let platform = Platform::shipped();
    let manifests = platform.manifests();
    let has = |name: String| assert!(manifests.contains_key(&name), "there is {name}");
    for tier in TIERS {
        let (jobs, managers) = (format!("gitlab-runners-{tier}"), format!("gitlab-runners-{tier}-manager"));
        for namespace in [&jobs, &managers] {
            has(format!("Namespace/{namespace}"));
            for policy in ["default-deny", "allow-dns", "allow-https"] {
                has(format!("NetworkPolicy/{namespace}/{policy}"));
            }
        }
        has(format!("ResourceQuota/{jobs}/jobs"));
        has(format!("LimitRange/{jobs}/jobs"));
        has(format!("ServiceAccount/{jobs}/job"));
        assert_eq!(manifests[&format!("ServiceAccount/{jobs}/job")]["automountServiceAccountToken"], false);
        has(format!("ResourceQuota/{managers}/managers"));
        has(format!("NetworkPolicy/{managers}/allow-api-server"));
        let opens_api = format!("NetworkPolicy/{jobs}/allow-api-server");
        assert!(!manifests.contains_key(&opens_api), "job pods do not reach the API server");
        assert_eq!(platform.output("job_namespaces")[tier], *jobs);
        assert_eq!(platform.output("helm_releases")[tier]["namespace"], *managers, "managers live apart from jobs");
        assert_eq!(platform.output("gitlab_runners")[tier]["tag_list"][0], format!("tier-{tier}"));
        let pool = &platform.node_pool(tier)["spec"]["template"];
        let label = "platform.gitlab.com/runner-tier";
        assert_eq!(pool["metadata"]["labels"][label], tier);
        let taint = &pool["spec"]["taints"][0];
        assert_eq!(
            (&taint["key"], &taint["value"], &taint["effect"]),
            (&label.into(), &tier.into(), &"NoSchedule".into())
        );
    }
    let tiers = by_name(&platform.output("tierwatch_config")["tiers"]).into_keys();
    assert_eq!(tiers.collect::<Vec<_>>(), TIERS, "tierwatch watches what was made");
}

#[test]
fn only_the_tier_with_a_reason_enforces_less_than_restricted() {
    let platform = Platform::shipped();
    for (name, manifest) in platform.manifests().iter().filter(|(name, _)| name.starts_with("Namespace/")) {
        let label = |mode: &str| &manifest["metadata"]["labels"][&format!("pod-security.kubernetes.io/{mode}")];
        let reason = &manifest["metadata"]["annotations"]["platform.gitlab.com/privileged-because"];
        let excepted = name == "Namespace/gitlab-runners-privileged";
        assert_eq!(label("enforce"), if excepted { "privileged" } else { "restricted" }, "{name}");
        assert_eq!((label("audit"), label("warn")), (&"restricted".into(), &"restricted".into()), "{name}");
        assert_eq!(reason.as_str().is_some_and(|words| words.len() > 20), excepted, "{name}: {reason}");
    }
    for tier in TIERS {
        let kubernetes = &runner_table(platform.values(tier))["kubernetes"];
        assert_eq!(kubernetes["privileged"], tier == "privileged", "{tier}");
    }
}

#[test]
fn no_subject_of_a_trust_policy_is_a_pattern_and_only_two_environments_have_a_role() {
    let platform = Platform::shipped();
    let roles = by_name(platform.output("roles"));
    assert_eq!(roles.keys().collect::<Vec<_>>(), ["non-production", "production"], "sandbox and feature have none");
    let mut audiences = BTreeSet::new();
    for (name, role) in &roles {
        let statements = role["trust_policy"]["Statement"].as_array().expect("statements");
        assert_eq!(statements.len(), 1, "{name}");
        let conditions = by_name(&statements[0]["Condition"]);
        assert_eq!(conditions.keys().collect::<Vec<_>>(), ["StringEquals"], "{name}");
        let equals = &conditions["StringEquals"];
        let subjects = equals["gitlab.example.com:sub"].as_array().expect("subjects");
        assert!(!subjects.is_empty(), "{name}: without a subject the role would be anybody's");
        for (path, text) in texts(&role["trust_policy"]) {
            assert!(!text.contains(['*', '?']), "{name}{path}: {text}");
        }
        audiences.insert(equals["gitlab.example.com:aud"].to_string());
        assert!(role["max_session_duration"].as_u64().is_some_and(|seconds| seconds <= 3600), "{name}");
    }
    assert_eq!(audiences.len(), 2, "each environment has an audience of its own");
    let production = &roles["production"]["trust_policy"]["Statement"][0]["Condition"]["StringEquals"];
    let protected = ["project_path:harbour/infrastructure:ref_type:branch:ref:main"];
    assert_eq!(production["gitlab.example.com:sub"], serde_json::json!(protected), "from protected refs only");
}

#[test]
fn everything_fetched_is_pinned() {
    let platform = Platform::shipped();
    for tier in TIERS {
        let release = &platform.output("helm_releases")[tier];
        let chart = release["version"].as_str().expect("a version");
        assert!(chart.split('.').count() == 3 && chart.split('.').all(|part| part.parse::<u32>().is_ok()), "{chart}");
        let kubernetes = &runner_table(&release["values"])["kubernetes"];
        let manager = format!("manager:{}", release["values"]["image"]["tag"].as_str().expect("a tag"));
        for image in [&kubernetes["image"], &kubernetes["helper_image"], &manager.into()] {
            let (_, tag) = image.as_str().and_then(|image| image.rsplit_once(':')).expect("an image has a tag");
            let numbers = tag.split(['.', '-']).filter(|part| part.trim_start_matches('v').parse::<u32>().is_ok());
            assert!(numbers.count() >= 3, "{image} names a full version");
        }
    }
    let image =
        &platform.output("node_manifests")["EC2NodeClass/gitlab-runners"]["spec"]["amiSelectorTerms"][0]["alias"];
    assert!(image.as_str().is_some_and(|alias| alias.contains("@v2")), "{image}");
}

#[test]
fn no_value_is_a_secret() {
    let platform = Platform::shipped();
    let shapes = ["glrt-", "glpat-", "gldt-", "AKIA", "-----BEGIN", "eyJ", "whsec_"];
    for (path, text) in texts(platform.all()) {
        assert!(!shapes.iter().any(|shape| text.contains(shape)), "{path} looks like a secret");
        let last = path.rsplit('.').next().unwrap_or_default().to_lowercase();
        let is_name = ["secret", "existingsecret", "token_rotated"].contains(&&*last);
        assert!(
            is_name || !["password", "token", "secret"].iter().any(|word| last.ends_with(word)),
            "{path} would hold a secret"
        );
    }
    for tier in TIERS {
        assert_eq!(
            platform.values(tier)["runners"]["secret"],
            "gitlab-runner-token",
            "a name, of a Secret made elsewhere"
        );
        assert!(platform.values(tier)["runnerToken"].is_null());
    }
}

/// The chart's keys (runner-tiers, 5.2) that the platform uses; a key that the chart does not know would be ignored silently.
#[test]
fn the_charts_values_are_keys_of_the_chart_and_leave_no_way_around() {
    let known = [
        "affinity",
        "concurrent",
        "envVars",
        "fullnameOverride",
        "gitlabUrl",
        "image",
        "metrics",
        "podAnnotations",
        "podLabels",
        "podSecurityContext",
        "rbac",
        "replicas",
        "resources",
        "runners",
        "securityContext",
        "service",
        "serviceAccount",
        "terminationGracePeriodSeconds",
        "unregisterRunners",
    ];
    let platform = Platform::shipped();
    for tier in TIERS {
        let values = platform.values(tier);
        for key in by_name(values).into_keys() {
            assert!(known.contains(&&*key), "{key} is no key of the chart");
        }
        let runners = by_name(&values["runners"]).into_keys().collect::<Vec<_>>();
        // Not among them: tags, protected, locked, runUntagged. With a runner's own token the chart ignores them.
        assert_eq!(runners, ["config", "executor", "jobNamespace", "secret"]);
        assert_eq!(values["rbac"]["clusterWideAccess"], false);
        let rules = values["rbac"]["rules"].as_array().expect("rules");
        assert!(!rules.is_empty(), "no rules would be every right on everything");
        assert!(texts(&values["rbac"]).iter().all(|(_, text)| text != "*"), "{rules:?}");
        let runner = runner_table(values);
        assert_eq!(
            (&runner["executor"], &runner["kubernetes"]["namespace"]),
            (&"kubernetes".into(), &values["runners"]["jobNamespace"])
        );
        assert!(runner["request_concurrency"].as_u64().is_some_and(|requests| requests >= 1));
        for key in by_name(&runner["kubernetes"]).into_keys() {
            let is_bound = key.ends_with("_overwrite_max_allowed");
            assert!(is_bound || !key.contains("overwrite_allowed"), "{tier}: {key} lets jobs choose");
            assert!(!["volumes", "host_aliases", "cap_add", "pod_spec"].contains(&&*key), "{tier}: {key}");
        }
        assert_eq!(values["affinity"].to_string().matches("DoesNotExist").count(), 1, "managers stay off tier nodes");
    }
}

#[test]
fn tierwatch_takes_its_configuration_and_expects_what_was_made() {
    let platform = Platform::shipped();
    let config =
        Config::from_yaml(&platform.config("/etc/tierwatch/gitlab-token", None)).expect("a valid configuration");
    let expected: BTreeMap<_, _> = config
        .policy
        .tiers
        .iter()
        .map(|tier| (tier.name.to_string(), tier.posture.clone().expect("each tier declares its boundary")))
        .collect();
    assert_eq!(expected.keys().collect::<Vec<_>>(), TIERS);
    let manifests = platform.manifests();
    for tier in &config.policy.tiers {
        let posture = &expected[&*tier.name];
        let namespace = &manifests[&format!("Namespace/gitlab-runners-{}", tier.name)];
        let label = |mode: &str| namespace["metadata"]["labels"][&format!("pod-security.kubernetes.io/{mode}")].clone();
        let excepted = &*tier.name == "privileged";
        let closed = Expected {
            pod_security: if excepted { SecurityLevel::Privileged } else { SecurityLevel::Restricted },
            pod_security_version: label("enforce-version").as_str().map(Into::into),
            pod_security_audit: Some(SecurityLevel::Restricted),
            pod_security_warn: Some(SecurityLevel::Restricted),
            internet_ports: vec![443],
            privileged: excepted,
            root: excepted,
            secrets: Some(Vec::new()),
            protected: Some(["deployment", "privileged", "protected"].contains(&&*tier.name)),
            locked: Some(true),
            ..Expected::default()
        };
        assert_eq!(*posture, closed, "{}", tier.name);
        let values = platform.values(&tier.name);
        let jobs = |key: &str| values[key].as_u64().expect("a number");
        assert_eq!(tier.capacity.map(u64::from), Some(jobs("replicas") * jobs("concurrent")));
        assert_eq!(
            Value::from(&*tier.manager_namespaces[0]),
            platform.output("helm_releases")[&*tier.name]["namespace"]
        );
    }
}

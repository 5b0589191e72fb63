//! `tierwatch check` against the real API server: with exactly the rights that are printed all is fine, each right taken away
//! shows as its line and no other, and what is too much is told.

use serde_json::{Value, json};
use tierwatch::clock::Clock;
use tierwatch::demo::{Demo, scenario};

use crate::support::cluster::User;
use crate::support::daemon::{print, run};
use crate::support::stage::{NodeSpec, Stage};
use crate::support::until;

const LABEL: &str = "platform.gitlab.com/runner-tier";

/// The lines of the cluster and of what the tiers have in it that are not fine, and the exit code.
async fn wrong(config: &str) -> (Vec<String>, Option<i32>) {
    let config = config.to_owned();
    let (code, out, err) = tokio::task::spawn_blocking(move || {
        run(&["check", "--format", "json", "--web.listen-address", "127.0.0.1:0"], &config)
    })
    .await
    .expect("the program was run");
    let report: Value = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}{err}"));
    let lines = report["lines"].as_array().expect("lines").iter();
    let text = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
    let of_the_cluster = |line: &&Value| {
        let probe = text(line, "probe");
        text(line, "area") == "kubernetes" || ["managers", "nodes", "token_secret"].contains(&&*probe)
    };
    let wrong = lines
        .filter(of_the_cluster)
        .filter(|line| text(line, "verdict") != "ok")
        .map(|line| [text(line, "verdict"), text(line, "probe"), text(line, "subject")].join(" "))
        .collect();
    (wrong, code)
}

#[tokio::test]
async fn each_right_taken_away_is_its_line() {
    let stage = Stage::take().await;
    stage.node(&NodeSpec { labels: &[(LABEL, "standard")], ..NodeSpec::new("own-node") }).await;
    let namespace = stage.namespace("standard", Some("baseline")).await;
    let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "runner-token" },
        "stringData": { "runner-token": "glrt-canary-7f3a" } });
    stage.apply(&format!("/api/v1/namespaces/{namespace}/secrets/runner-token"), &secret).await;
    let gitlab = Demo::start(scenario::show(), 7, Clock::system()).await.expect("loopback has free ports");
    let config = format!(
        "gitlab: {{ url: '{}', token_file: '{}' }}\n\
         kubernetes: {{ kubeconfig: '{}' }}\n\
         tiers:\n\
         \x20 standard: {{ tags: [tier-standard], namespaces: [{namespace}], token: {{ secret: runner-token }} }}\n\
         high_availability: {{ enabled: true, namespace: {namespace} }}\n",
        gitlab.gitlab_url,
        gitlab.token_file().display(),
        stage.cluster.kubeconfig_file(User::Tierwatch, stage.cluster.api_port()).display(),
    );
    let no_manager = "warning managers standard".to_owned();

    let printed = print(&["print", "rbac"], &config);
    stage.apply_rights(&printed).await;
    // The authorizer learns of roles by a watch of its own.
    until("the rights that were given", async || {
        let (lines, _) = wrong(&config).await;
        if lines == [no_manager.clone()] { Ok(()) } else { Err(lines.join(", ")) }
    })
    .await;

    let rbac = "rbac.authorization.k8s.io";
    let rights = [
        ("", "pods", "list, watch"),
        ("", "events", "list, watch"),
        ("", "resourcequotas", "list, watch"),
        ("", "limitranges", "list, watch"),
        ("networking.k8s.io", "networkpolicies", "list, watch"),
        ("", "serviceaccounts", "list, watch"),
        (rbac, "roles", "list, watch"),
        (rbac, "rolebindings", "list, watch"),
        ("", "namespaces", "get"),
        ("", "secrets", "get"),
        ("coordination.k8s.io", "leases", "create"),
        ("coordination.k8s.io", "leases", "get, update"),
    ];
    for (group, resource, verbs) in rights {
        let name = match (resource, verbs) {
            ("secrets", _) => Some("runner-token"),
            ("leases", "get, update") => Some("tierwatch"),
            _ => None,
        };
        let names = name.map(|name| format!("    resourceNames: [{name}]\n")).unwrap_or_default();
        let rule = format!("  - apiGroups: [\"{group}\"]\n    resources: [{resource}]\n    verbs: [{verbs}]\n{names}");
        let own = format!("namespace: {namespace}\nrules:\n");
        let cut = |document: &str| match document.contains(&own) {
            true => document.replacen(&rule, "", 1),
            false => document.to_owned(),
        };
        let without: String = printed.split_inclusive("\n---\n").map(cut).collect();
        assert_ne!(without, printed, "{resource} is granted");
        stage.apply_rights(&without).await;
        let full = if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") };
        let object = name.map_or_else(|| full.clone(), |name| format!("{full}/{name}"));
        let mut wanted: Vec<String> =
            verbs.split(", ").map(|verb| format!("problem kube_rights {verb} {object} {namespace}")).collect();
        wanted.push(match resource {
            "pods" => "not_checked managers standard".to_owned(),
            _ => no_manager.clone(),
        });
        if resource == "secrets" {
            wanted.push("not_checked token_secret standard".to_owned());
        }
        until(&format!("the line of {resource}"), async || match wrong(&config).await {
            (lines, Some(1)) if lines == wanted => Ok(()),
            (lines, code) => Err(format!("{code:?}: {lines:?}")),
        })
        .await;
    }

    let more = json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": { "name": "more" },
        "rules": [{ "apiGroups": [""], "resources": ["secrets", "pods/exec"], "verbs": ["list", "create"] }] });
    let bound = json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": { "name": "more" },
        "roleRef": { "apiGroup": rbac, "kind": "Role", "name": "more" },
        "subjects": [{ "apiGroup": rbac, "kind": "User", "name": User::Tierwatch.name() }] });
    let root = format!("/apis/{rbac}/v1/namespaces/{namespace}");
    stage.apply_rights(&printed).await;
    stage.apply(&format!("{root}/roles/more"), &more).await;
    stage.apply(&format!("{root}/rolebindings/more"), &bound).await;
    let wanted = [format!("warning kube_excess {namespace}"), no_manager];
    until("the line of what is too much", async || {
        let (lines, _) = wrong(&config).await;
        if lines == wanted { Ok(()) } else { Err(format!("{lines:?}")) }
    })
    .await;
}

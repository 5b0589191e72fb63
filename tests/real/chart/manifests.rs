//! `deploy/manifests/tierwatch.yaml`: the chart for those without Helm.

use crate::support::helm::Helm;

const HEAD: &str = "\
# tierwatch without Helm: what the chart renders for values.yaml beside this file. Change the ConfigMap, and with its tiers the
# Roles (`tierwatch print rbac`); a changed ConfigMap takes `kubectl --namespace tierwatch rollout restart deployment/tierwatch`.
#
#   kubectl apply --filename tierwatch.yaml
#   kubectl --namespace tierwatch create secret generic tierwatch-gitlab --from-file=token=gitlab-token
#
# Written by tests/real/chart/manifests.rs: TIERWATCH_BLESS=1 cargo test --features real --test real manifests
apiVersion: v1
kind: Namespace
metadata:
  name: tierwatch
  labels:
    pod-security.kubernetes.io/enforce: restricted
";

/// Nobody's Helm manages these objects.
fn without_helm(text: &str) -> String {
    let of_helm = ["app.kubernetes.io/managed-by: Helm", "helm.sh/chart: ", "# Source: "];
    let ours = |line: &&str| !of_helm.iter().any(|start| line.trim_start().starts_with(start));
    text.lines().filter(ours).map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_manifests_are_what_the_chart_renders() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/manifests");
    let values = std::fs::read_to_string(folder.join("values.yaml")).expect("the values are there");
    let rendered = Helm::V4.template(&values).unwrap_or_else(|why| panic!("{why}"));
    let text = format!("{HEAD}{}", without_helm(&rendered));
    let file = folder.join("tierwatch.yaml");
    if std::env::var_os("TIERWATCH_BLESS").is_some() {
        std::fs::write(&file, &text).expect("the manifests can be written");
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == text,
        "{} differs: TIERWATCH_BLESS=1 cargo test --features real --test real manifests",
        file.display()
    );
}

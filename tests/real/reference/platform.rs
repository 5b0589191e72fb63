//! What the pure module makes of the map of tiers that ships.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use crate::support::tofu::{Module, reference};

/// The tiers that ship.
pub(super) const TIERS: [&str; 5] = ["deployment", "privileged", "protected", "sandbox", "standard"];

/// The outputs of `modules/tiers`.
pub(super) struct Platform {
    outputs: Value,
}

impl Platform {
    /// With the tiers that ship.
    pub(super) fn shipped() -> Self {
        Self::of("https://gitlab.example.com", |_| ())
    }

    /// With a change of the tiers that ship, for this GitLab.
    pub(super) fn of(gitlab_url: &str, change: impl FnOnce(&mut Value)) -> Self {
        let module = Module::copy_of(&reference().join("modules/tiers"));
        let file = reference().join("tiers.auto.tfvars");
        let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("reading {}: {e}", file.display()));
        let mut variables: Value = hcl::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        change(&mut variables["tiers"]);
        variables["gitlab_url"] = gitlab_url.into();
        variables["account_id"] = "111122223333".into();
        variables["cluster"] = json!({ "name": "runners", "node_role": "KarpenterNodeRole-runners" });
        variables["network"] = json!({ "api_server": ["172.20.0.1/32"], "internal": ["10.0.40.17/32"] });
        let outputs = module.outputs(&variables);
        Self { outputs: outputs.unwrap_or_else(|said| panic!("tofu apply: {said}")) }
    }

    pub(super) fn output(&self, name: &str) -> &Value {
        assert!(!self.outputs[name].is_null(), "there is an output {name}");
        &self.outputs[name]
    }

    pub(super) fn all(&self) -> &Value {
        &self.outputs
    }

    /// Objects of Kubernetes by `Kind/namespace/name`.
    pub(super) fn manifests(&self) -> BTreeMap<String, Value> {
        by_name(self.output("manifests"))
    }

    /// The chart's values for the tier.
    pub(super) fn values(&self, tier: &str) -> &Value {
        &self.output("helm_releases")[tier]["values"]
    }

    /// The pool of the tier's nodes.
    pub(super) fn node_pool(&self, tier: &str) -> &Value {
        &self.output("node_manifests")[&format!("NodePool/gitlab-runners-{tier}")]
    }

    /// tierwatch's configuration as its chart completes it: with the paths of mounted files.
    pub(super) fn config(&self, token_file: &str, kubeconfig: Option<&str>) -> String {
        let mut config = self.output("tierwatch_config").clone();
        config["gitlab"]["token_file"] = token_file.into();
        if let Some(kubeconfig) = kubeconfig {
            config["kubernetes"]["kubeconfig"] = kubeconfig.into();
        }
        config.to_string()
    }
}

/// An object's members.
pub(super) fn by_name(value: &Value) -> BTreeMap<String, Value> {
    value.as_object().expect("an object").iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The texts below a value, each with its path.
pub(super) fn texts(value: &Value) -> Vec<(String, String)> {
    fn walk(path: &str, value: &Value, into: &mut Vec<(String, String)>) {
        match value {
            Value::String(text) => into.push((path.to_owned(), text.clone())),
            Value::Array(items) => items.iter().for_each(|item| walk(&format!("{path}[]"), item, into)),
            Value::Object(members) => {
                members.iter().for_each(|(name, value)| walk(&format!("{path}.{name}"), value, into));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let mut found = Vec::new();
    walk("", value, &mut found);
    found
}

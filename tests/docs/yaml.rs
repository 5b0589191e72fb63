//! Configuration is read by the daemon's own reader; other YAML by the shape that it claims.

use serde_json::{Map, Value, json};
use tierwatch::config::{Config, WebFile};

use super::pages::{pages, root};

/// What a part of a configuration stands in.
const REST: &str = "\
gitlab: { url: https://gitlab.example.com, token_file: /etc/tierwatch/gitlab-token }
tiers: { standard: { tags: [tier-standard], namespaces: [gitlab-runners-standard] } }
";

fn schema(file: &str) -> Option<Value> {
    let text = std::fs::read_to_string(root().join(file)).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

/// Every key at the top is one of the schema's.
fn fits(map: &Map<String, Value>, schema: &Value) -> bool {
    map.keys().all(|key| schema["properties"].get(key).is_some())
}

/// The part as a whole configuration.
fn whole(part: &str, map: &Map<String, Value>) -> String {
    let missing = REST.lines().filter(|line| !map.contains_key(line.split(':').next().unwrap()));
    part.to_owned() + "\n" + &missing.collect::<Vec<_>>().join("\n")
}

/// The keys of the file of `--web.config.file`.
const WEB_CONFIGURATION: [&str; 4] = ["tls_server_config", "http_server_config", "basic_auth_users", "rate_limit"];

fn judge(place: &str, text: &str) -> &'static str {
    if text.lines().all(|line| line.starts_with('#') || line.is_empty()) {
        return "comment";
    }
    let map: Map<String, Value> = serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{place}: {error}"));
    if fits(&map, &schema("docs/tierwatch.schema.json").unwrap()) {
        if let Err(problems) = Config::from_yaml(&whole(text, &map)) {
            panic!("{place}:\n{problems}");
        }
        return "configuration";
    }
    if map.contains_key("scrape_configs") {
        for job in map["scrape_configs"].as_array().unwrap() {
            assert_eq!(job["job_name"], "tierwatch", "{place}: the rules expect this name");
        }
        return "prometheus";
    }
    // Values of the chart may be a part, too.
    if let Some(mut values) = schema("deploy/chart/tierwatch/values.schema.json").filter(|values| fits(&map, values)) {
        values["required"] = json!([]);
        let judge = jsonschema::validator_for(&values).unwrap();
        let wrong: Vec<String> = judge.iter_errors(&Value::Object(map)).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{place}: {}", wrong.join("\n"));
        return "values";
    }
    if map.keys().all(|key| WEB_CONFIGURATION.contains(&key.as_str())) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("web.yaml");
        std::fs::write(&file, text).unwrap();
        if let Err(problems) = WebFile::load(&file) {
            panic!("{place}:\n{problems}");
        }
        return "web configuration";
    }
    // What goes into the values or a manifest as a fragment of Kubernetes' own.
    assert!(map.contains_key("apiVersion") && map.contains_key("kind"), "{place}: nobody reads {:?}", map.keys());
    "object"
}

#[test]
fn every_configuration_can_be_read() {
    let mut configurations = 0;
    for page in pages() {
        for block in page.blocks().into_iter().filter(|block| block.language == "yaml") {
            let kind = judge(&format!("{}:{}", page.name, block.line), &block.text);
            configurations += usize::from(kind == "configuration");
        }
    }
    assert!(configurations >= 8, "only {configurations} configurations were found");
}

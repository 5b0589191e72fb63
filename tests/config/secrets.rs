//! Wherever a secret is put by mistake, no text repeats it.

use proptest::prelude::*;
use tierwatch::config::{Resolved, keys};

use crate::files::{root, yaml_files};

const CANARY: &str = "CanaryCanary";
const MINIMUM: &str = "
gitlab: { url: https://gitlab.example.com, token_file: /etc/tierwatch/gitlab-token }
tiers:
  standard: { tags: [tier-standard], namespaces: [gitlab-runners-standard] }
";

/// Everything a user can be told about this configuration.
fn told(file: &str, env: Vec<(String, String)>) -> String {
    match Resolved::from_yaml(file, env.into_iter()) {
        Ok(resolved) => format!("{:?}", resolved.config.telemetry),
        Err(problems) => format!("{problems}\n{problems:?}"),
    }
}

/// Shapes in which credentials come.
fn secrets() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(format!("glpat-{CANARY}12345678")),
        Just(format!("glrt-t1_{CANARY}12345678")),
        Just(format!("https://oauth2:{CANARY}@gitlab.example.com")),
        Just(format!("ftp://{CANARY}@gitlab.example.com")),
        Just(format!("oauth2:{CANARY}@gitlab.example.com/?a=b")),
        Just(format!("https://gitlab.example.com/?private_token={CANARY}")),
        Just(format!("https://gitlab.example.com/#access_token={CANARY}")),
        Just(format!("Bearer {CANARY}")),
    ]
}

/// Every key, some that do not exist, and some places that take no text.
fn places() -> Vec<String> {
    let mut places: Vec<String> = keys().into_iter().map(|key| key.path.replace("<name>", "standard")).collect();
    for odd in ["gitlab", "tiers", "tiers.standard", "gitlab.queue", "gitlab.nonsense", "nonsense", "gitlab.tokn"] {
        places.push(odd.to_owned());
    }
    places
}

/// `a.b.c` = value as nested YAML.
fn nested(path: &str, value: &str) -> String {
    let mut text = String::new();
    for (depth, part) in path.split('.').enumerate() {
        text.push_str(&format!("\n{}{part}:", "  ".repeat(depth)));
    }
    format!("{text} {value}\n")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn no_text_repeats_a_secret(
        place in prop::sample::select(places()),
        secret in secrets(),
        style in 0..5_usize,
    ) {
        let value = match style {
            0 => format!("'{secret}'"),
            1 => format!("['{secret}']"),
            2 => format!("{{ '{secret}': x }}"),
            3 => format!("[\"{secret}\""),
            _ => format!("{secret}\n  {secret}\n\t- {secret}"),
        };
        let by_file = told(&nested(&place, &value), Vec::new());
        prop_assert!(!by_file.contains(CANARY), "{by_file}");
        let name = format!("TIERWATCH__{}", place.to_uppercase().replace('.', "__"));
        let by_variable = told(MINIMUM, vec![(name, secret.clone())]);
        prop_assert!(!by_variable.contains(CANARY), "{by_variable}");
        let by_name = told(MINIMUM, vec![(format!("TIERWATCH__GITLAB__{secret}"), "x".into())]);
        prop_assert!(!by_name.to_lowercase().contains(&CANARY.to_lowercase()), "{by_name}");
    }

    #[test]
    fn no_text_makes_it_panic(text in "[\\x00-\\x7f]{0,200}", value in "\\PC{0,40}") {
        let _ = told(&text, vec![("TIERWATCH__GITLAB__URL".into(), value.clone())]);
        let _ = told(MINIMUM, vec![("TIERWATCH__TIERS__STANDARD__TAGS".into(), value)]);
    }
}

#[test]
fn unshaped_secrets_under_secret_names_are_not_repeated() {
    for key in
        ["gitlab.token", "gitlab.private_token", "gitlab.password", "token", "tiers.standard.token", "gitlab.auth"]
    {
        let text = told(&nested(key, CANARY), Vec::new());
        assert!(text.contains(key) && !text.contains(CANARY), "{text}");
    }
}

#[test]
fn the_expected_texts_hold_no_secret() {
    assert!(root().exists());
    for file in yaml_files("invalid") {
        let text = std::fs::read_to_string(file.with_extension("txt")).expect("the text can be read");
        assert!(!text.contains(CANARY), "{}", file.display());
    }
}

/// Deep nesting and long texts are refused without using up the stack.
#[test]
fn absurd_texts_are_refused() {
    for text in ["[".repeat(900_000), "{a: ".repeat(200_000), "a:\n".repeat(400_000), "- ".repeat(400_000)] {
        assert!(!told(&text, Vec::new()).is_empty());
    }
}

use serde_json::Value;

use super::*;

/// Each real message, as recorded with hidden names.
fn corpus() -> Vec<Value> {
    let lines = include_str!("../../tests/fixtures/messages/messages.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_message_keeps_its_cause_and_loses_its_names() {
    let names = Names::default();
    let mut changed = Vec::new();
    let corpus = corpus();
    for entry in &corpus {
        let text = |key: &str| entry[key].as_str();
        let message = text("message").unwrap();
        let judge = |message: &str| {
            let verdict = crate::cause::classify(None, text("reason"), text("source"), message);
            format!("{:?}", verdict.cause)
        };
        let hidden = names.words(message);
        if judge(message) != judge(&hidden) {
            changed.push(format!("{message}\n  {hidden}"));
        }
    }
    let share = changed.len() * 100 / corpus.len();
    assert!(share < 5, "{} of {} change their cause:\n{}", changed.len(), corpus.len(), changed.join("\n"));
}

#[test]
fn what_no_program_says_does_not_stay() {
    let names = Names::default();
    let message = r#"Failed to pull image "registry.acme.corp/payroll/zürich-ledger:v7": 10.17.3.250:443: 429, user jdoe42, id 8812345"#;
    let hidden = names.words(message);
    // Word by word: a hash may hold any three digits by chance.
    let left: Vec<&str> = hidden.split(|letter: char| !letter.is_alphanumeric()).collect();
    for name in ["acme", "corp", "payroll", "zürich", "ledger", "10", "17", "250", "jdoe42", "8812345"] {
        assert!(!left.contains(&name), "{name}: {hidden}");
    }
    assert!(hidden.starts_with("Failed to pull image \"registry.h") && hidden.contains(": 429, user h"), "{hidden}");
}

#[test]
fn how_long_a_pull_took_stays() {
    let message = "Successfully pulled image \"h/x\" in 1m2.345s (3.5s including waiting). Image size: 5 bytes.";
    let hidden = Names::default().words(message);
    assert!(hidden.contains("\" in 1m2.345s (3.5s including waiting)."), "{hidden}");
    for no_duration in ["10.2.3.4s", "7sales", "3.shop"] {
        assert_ne!(Names::default().words(no_duration), no_duration);
    }
}

#[test]
fn a_name_is_one_hash_within_a_recording_and_another_in_the_next() {
    let (names, others) = (Names::default(), Names::default());
    assert_eq!(names.hash("payroll"), names.hash("payroll"));
    assert_ne!(names.hash("payroll"), names.hash("Payroll"));
    assert_ne!(names.hash("payroll"), others.hash("payroll"));
}

#[test]
fn joins_survive() {
    let names = Names::default();
    let path = |text: &str| {
        let mut path: Arc<str> = text.into();
        names.path(&mut path);
        path.to_string()
    };
    assert!(path("shop/cart/api").starts_with(&(path("shop/cart") + "/")));
    let image = |text: &str| {
        let state = ContainerState::Absent;
        let role = crate::observation::ContainerRole::Build;
        let mut container = ContainerReport { name: "build".into(), role, image: text.into(), state };
        names.container(&mut container);
        container.image
    };
    for reference in
        ["alpine", "library/alpine:3", "ghcr.io/a/b@sha256:00", "localhost:5000/x", "[::1]:5000/x", "UP/x", ""]
    {
        assert_eq!(registry_of(&image(reference)), registry_of(reference), "{reference}: {}", image(reference));
    }
    let hidden = |patterns: &[&str]| {
        let mut patterns = Some(patterns.iter().map(|pattern| Arc::from(*pattern)).collect());
        names.patterns(&mut patterns);
        patterns
    };
    let mut main: Arc<str> = "main".into();
    names.git_ref(&mut main);
    assert_eq!(hidden(&["main"]), Some(vec![main]));
    assert_eq!(hidden(&["main", "release/*"]), None, "unknown, not unprotected");
}

//! `files/rules.yaml`: the daemon's own rules with places for what the values say.
//!
//! Rules depend on the configuration in few ways: which urgencies the tiers have, figures of a tier's objective, how
//! often is polled, and where links lead. So the rules are made here by the daemon's own code for each set of urgencies,
//! with figures that occur nowhere else, and these become places that the chart's template fills.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tierwatch::config::Config;
use tierwatch::rules::{BURNS, Group, Rule, groups};

use crate::files::{chart, generated};

const HEAD: &str = "\
# The daemon's own rules, with places (%…%) for what the values say. Written from src/rules by tests/chart/rules.rs:
# TIERWATCH_BLESS=1 cargo test --test chart
";

/// The names of a tier's urgencies, in the order in which the daemon asks for them.
const URGENCIES: [&str; 3] = ["page", "ticket", "none"];

/// Two polls of 73 s: what the rules of conditions keep on for.
const KEEP: Duration = Duration::from_secs(146);

/// A configuration with a tier for each of these urgencies.
fn config(urgencies: &[&str]) -> Config {
    let tiers: Vec<String> = urgencies
        .iter()
        .map(|urgency| {
            format!(
                "  t{urgency}: {{ tags: [{urgency}], namespaces: [{urgency}], urgency: {urgency}, runbook_url: \"https://runbook.invalid\",\n\
                 \x20   objective: {{ target: 0.987654, window: 31d, start_within: 97s, min_jobs: 12345 }} }}\n"
            )
        })
        .collect();
    let text = format!(
        "gitlab: {{ url: https://gitlab.invalid, token_file: t, queue: {{ interval: 73s }} }}\n\
         links: {{ tierwatch: https://page.invalid, runbooks: https://runbooks.invalid, grafana: https://grafana.invalid }}\n\
         tiers:\n{}",
        tiers.concat()
    );
    Config::from_yaml(&text).unwrap_or_else(|problems| panic!("{problems}"))
}

/// A text with places for what differs between configurations.
fn with_places(text: &str) -> String {
    let links = [
        // Where the daemon itself would serve it, another place has to.
        ("https://runbooks.invalid/TierwatchDown", "%RUNBOOK_OF_DOWN%"),
        ("https://page.invalid", "%TIERWATCH%"),
        ("https://runbooks.invalid", "%RUNBOOKS%"),
        ("https://grafana.invalid", "%GRAFANA%"),
    ];
    links.iter().fold(text.to_owned(), |text, (link, place)| text.replace(link, place))
}

fn seconds(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0 => "0m".to_owned(),
        _ if seconds.is_multiple_of(86_400) => format!("{}d", seconds / 86_400),
        _ if seconds.is_multiple_of(3_600) => format!("{}h", seconds / 3_600),
        _ if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}

fn rule(rule: &Rule) -> Map<String, Value> {
    let mut fields = Map::new();
    match rule {
        Rule::Record { record, expr } => {
            fields.insert("record".to_owned(), json!(record));
            fields.insert("expr".to_owned(), json!(expr));
        }
        Rule::Alert { alert, expr, pending, keep_firing_for, labels, annotations } => {
            fields.insert("alert".to_owned(), json!(alert));
            fields.insert("expr".to_owned(), json!(expr));
            fields.insert("for".to_owned(), json!(seconds(*pending)));
            if let Some(keep) = keep_firing_for {
                let keep = if *keep == KEEP { "%KEEP%".to_owned() } else { seconds(*keep) };
                fields.insert("keep_firing_for".to_owned(), json!(keep));
            }
            let labels: Map<_, _> = labels.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
            fields.insert("labels".to_owned(), labels.into());
            let text = |(name, text): &(&str, String)| {
                let text = if *name == "tier_runbook_url" { "%TIER_RUNBOOKS%" } else { text };
                ((*name).to_owned(), json!(with_places(text)))
            };
            fields.insert("annotations".to_owned(), annotations.iter().map(text).collect::<Map<_, _>>().into());
        }
    }
    fields
}

fn group<'a>(groups: &'a [Group], name: &str) -> &'a [Rule] {
    &groups.iter().find(|group| group.name == name).unwrap_or_else(|| panic!("no group {name}")).rules
}

/// The rules of one tier's start budget, one for each pair of windows, with places for its figures.
fn burns(urgency: &str) -> Vec<Value> {
    let groups = groups(&config(&[urgency]));
    let alerts = group(&groups, "tierwatch-start-budget").iter().filter(|rule| matches!(rule, Rule::Alert { .. }));
    let alerts: Vec<_> = alerts.map(rule).collect();
    assert_eq!(alerts.len(), BURNS.len(), "with this objective every pair of windows can fire");
    let burns = alerts.into_iter().zip(BURNS).map(|(alert, burn)| {
        let factor = burn.budget * 31.0 * 86_400.0 / burn.long.as_secs_f64();
        let limit = (factor * 0.012_346 * 1e6).round() / 1e6;
        let places = [
            (format!("t{urgency}"), "%TIER%"),
            (format!("> {limit}"), "> %LIMIT%"),
            (">= 12345".to_owned(), ">= %LEAST%"),
            (format!(": {} times", (factor * 10.0).round() / 10.0), ": %FACTOR% times"),
            ("98.7654 %".to_owned(), "%TARGET% %"),
            ("97s".to_owned(), "%WITHIN%"),
            ("of 31d".to_owned(), "of %WINDOW%"),
        ];
        let mut rule = Value::from(alert);
        for (figure, place) in places {
            assert!(replaced(&mut rule, &figure, place), "{figure} is not in {rule}");
        }
        json!({ "budget": burn.budget, "long": burn.long.as_secs(), "rule": rule })
    });
    burns.collect()
}

/// Replaces in every text of the value; whether there was anything to replace.
fn replaced(value: &mut Value, figure: &str, place: &str) -> bool {
    match value {
        Value::String(text) => {
            let found = text.contains(figure);
            *text = text.replace(figure, place);
            found
        }
        Value::Array(items) => {
            items.iter_mut().filter_map(|item| replaced(item, figure, place).then_some(())).count() > 0
        }
        Value::Object(fields) => {
            fields.values_mut().filter_map(|field| replaced(field, figure, place).then_some(())).count() > 0
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// What the rules of tiers say, by a name of its own, and which of them there are for each set of urgencies.
fn tiers() -> (Map<String, Value>, Map<String, Value>) {
    let mut alerts: BTreeMap<String, Value> = BTreeMap::new();
    let mut sets = Map::new();
    for set in 1..8 {
        let urgencies: Vec<&str> = (0..3).filter(|bit| set >> bit & 1 == 1).map(|bit| URGENCIES[bit]).collect();
        let groups = groups(&config(&urgencies));
        let rules = group(&groups, "tierwatch-tiers").iter().map(|one| {
            let mut fields = rule(one);
            let expr = fields.remove("expr").unwrap();
            let severity = fields["labels"].as_object_mut().unwrap().remove("severity").unwrap();
            let name = fields["alert"].as_str().unwrap().to_owned();
            let said = Value::from(fields);
            let names = (1..).map(|n| if n == 1 { name.clone() } else { format!("{name}-{n}") });
            let fits = |known: &String| alerts.get(known).is_none_or(|known| *known == said);
            let name = names.take(9).find(fits).unwrap();
            alerts.entry(name.clone()).or_insert(said);
            json!({ "alert": name, "expr": expr, "severity": severity })
        });
        sets.insert(urgencies.join("-"), rules.collect());
    }
    (alerts.into_iter().collect(), sets)
}

#[test]
fn the_charts_rules_are_the_daemons() {
    let any = groups(&config(&["page"]));
    let recording = group(&any, "tierwatch-start-budget").iter().filter(|rule| matches!(rule, Rule::Record { .. }));
    let burns: Map<_, _> = URGENCIES.iter().map(|urgency| ((*urgency).to_owned(), burns(urgency).into())).collect();
    let (alerts, tiers) = tiers();
    let value = json!({
        "recording": recording.map(rule).collect::<Vec<_>>(),
        "burns": burns,
        "alerts": alerts,
        "tiers": tiers,
        "own": group(&any, "tierwatch-self").iter().map(rule).collect::<Vec<_>>(),
    });
    let text = format!("{HEAD}{}", serde_saphyr::to_string(&value).unwrap());
    assert!(!text.contains(".invalid"), "a link without a place");
    assert_eq!(crate::files::yaml(&text), value);
    generated(&chart().join("files/rules.yaml"), &text);
}

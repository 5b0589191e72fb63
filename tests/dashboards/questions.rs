//! B6 to B8, B10, B11, B12, B15 and B18: what is asked, by its syntax tree.

use std::collections::{BTreeMap, BTreeSet};

use promql_parser::label::MatchOp;
use promql_parser::parser::{Expr, VectorSelector};
use tierwatch::condition::{ALERTS, Condition};
use tierwatch::dashboards;
use tierwatch::metrics::catalogue::{self, Kind, Values};
use tierwatch::rules::{Rule, board, groups};

use crate::read::{Board, Question, boards, config, filled, text};
use crate::syntax::{row_of, tree, walk};

/// Series that are not in the catalogue: Prometheus' own and GitLab Runner's, with the labels that may be asked for.
const OF_OTHERS: &[(&str, &[&str])] = &[
    ("up", &["job", "cluster"]),
    ("ALERTS", &["cluster", "tier", "alertname", "alertstate"]),
    ("ALERTS_FOR_STATE", &["cluster", "tier", "alertname"]),
    ("gitlab_runner_version_info", &["cluster"]),
];

fn recorded() -> BTreeSet<String> {
    let rules = groups(&config("deploy/tierwatch.example.yaml")).into_iter().flat_map(|group| group.rules);
    rules.filter_map(|rule| if let Rule::Record { record, .. } = rule { Some(record) } else { None }).collect()
}

fn selectors(expr: &str) -> Vec<VectorSelector> {
    let mut found = vec![];
    walk(&tree(&filled(expr)), &mut |part| {
        if let Expr::VectorSelector(vector) = part {
            found.push(vector.clone());
        } else if let Expr::MatrixSelector(matrix) = part {
            found.push(matrix.vs.clone());
        }
    });
    found
}

fn metric(selector: &VectorSelector) -> &str {
    selector.name.as_deref().unwrap_or_else(|| panic!("a selector without a metric: {selector}"))
}

/// B7: everything parses, also what variables ask.
#[test]
fn b7_every_expression_parses() {
    let mut count = 0;
    for board in boards() {
        for question in board.all_questions() {
            assert!(!selectors(question.expr).is_empty(), "{}", question.place);
            count += 1;
        }
        for variable in board.variables().iter().filter(|one| one["type"] == "query") {
            let asked = text(&variable["query"], "query");
            let (series, label) =
                asked.strip_prefix("label_values(").unwrap().strip_suffix(')').unwrap().rsplit_once(", ").unwrap();
            let row = catalogue::find(selectors(series)[0].name.as_deref().unwrap()).unwrap();
            let scraped = ["job", "cluster"].contains(&label);
            assert!(scraped || row.labels.iter().any(|known| known.name == label), "{asked}");
        }
    }
    assert!(count > 300, "only {count} questions");
}

/// B8: a counter says nothing but by how much it rises, over a window that Grafana fits to the graph or to what is looked at.
#[test]
fn b8_counters_are_rated_over_grafanas_windows() {
    for question in boards().iter().flat_map(Board::all_questions) {
        let expr = question.expr;
        walk(&tree(&filled(expr)), &mut |part| {
            let counts =
                |selector: &VectorSelector| row_of(metric(selector)).is_some_and(|row| row.kind != Kind::Gauge);
            if let Expr::VectorSelector(vector) = part {
                assert!(!counts(vector), "{}: {vector} is not rated", question.place);
            } else if let Expr::MatrixSelector(matrix) = part {
                assert!(counts(&matrix.vs), "{}: {} is no counter", question.place, matrix.vs);
            } else if let Expr::Call(call) = part {
                let rated = ["rate", "increase"].contains(&call.func.name);
                let ranged = call.args.args.iter().any(|arg| matches!(arg.as_ref(), Expr::MatrixSelector(_)));
                assert_eq!(rated, ranged, "{}: {}", question.place, call.func.name);
            }
        });
        for window in expr.split('[').skip(1).map(|rest| rest.split(']').next().unwrap()) {
            let wanted = if question.instant { "$__range" } else { "$__rate_interval" };
            assert_eq!(window, wanted, "{}", question.place);
        }
    }
}

/// B10: every selector is of a known metric, of the chosen daemon, cluster and tier, and asks for what can be.
#[test]
fn b10_every_selector_says_whose_it_is() {
    let recorded = recorded();
    for question in boards().iter().flat_map(Board::all_questions) {
        for selector in selectors(question.expr) {
            let metric = metric(&selector);
            let has = |label: &str| selector.matchers.matchers.iter().any(|matcher| matcher.name == label);
            let place = format!("{}: {selector}", question.place);
            assert!(has("cluster"), "{place}");
            if recorded.contains(metric) {
                assert!(has("tier") && !has("job"), "{place}");
                continue;
            }
            if let Some((_, labels)) = OF_OTHERS.iter().find(|(known, _)| *known == metric) {
                assert!(
                    selector.matchers.matchers.iter().all(|matcher| labels.contains(&matcher.name.as_str())),
                    "{place}"
                );
                continue;
            }
            let row = row_of(metric).unwrap_or_else(|| panic!("{place}: no such metric"));
            assert!(has("job") && has("tier") == row.labels.iter().any(|label| label.name == "tier"), "{place}");
            for matcher in
                selector.matchers.matchers.iter().filter(|one| !["job", "cluster", "tier"].contains(&one.name.as_str()))
            {
                let label = row
                    .labels
                    .iter()
                    .find(|label| label.name == matcher.name)
                    .unwrap_or_else(|| panic!("{place}: no label"));
                let Values::Closed(values) = label.values else { panic!("{place}: {} has no closed set", label.name) };
                let wanted: Vec<&str> = match &matcher.op {
                    MatchOp::Equal | MatchOp::NotEqual => vec![matcher.value.as_str()],
                    MatchOp::Re(_) | MatchOp::NotRe(_) => matcher.value.split('|').collect(),
                };
                assert!(wanted.iter().all(|value| values().contains(value)), "{place}: never so");
            }
        }
    }
}

/// What a value is, as far as its unit goes.
fn shape(question: &Question<'_>) -> (String, &'static str) {
    let (mut first, mut shape) = (None::<String>, "level");
    walk(&tree(&filled(question.expr)), &mut |part| {
        if let Expr::VectorSelector(vector) = part {
            first = first.take().or_else(|| vector.name.clone());
        } else if let Expr::MatrixSelector(matrix) = part {
            first = first.take().or_else(|| matrix.vs.name.clone());
        } else if let Expr::Call(call) = part {
            shape = match call.func.name {
                "increase" if shape == "level" => "number",
                "rate" if shape == "level" => "a second",
                "histogram_quantile" | "histogram_sum" => "of a histogram",
                _ => shape,
            };
        }
    });
    let text = question.expr;
    if question.legend == "{{le}}" {
        shape = "of a histogram";
    } else if text.starts_with("60 * ") || text.starts_with("sum(60 * ") {
        shape = "a minute";
    } else if text.starts_with("1000 * ") {
        shape = "moment";
    } else if text.contains("time() - ") || text.contains(" - time()") {
        shape = "age";
    } else if shape == "number" && text.contains(" / ") || text.contains("/ on (tier) ") || text.starts_with("1 - ") {
        shape = "part";
    } else if text.starts_with("count(") || text.contains("label_replace(") || text.starts_with("sum(1 - ") {
        shape = "number";
    }
    (first.unwrap(), shape)
}

/// B6: known units, the catalogue's for a plain value, and one for the same thing everywhere.
#[test]
fn b6_units_are_the_catalogues_and_the_same_everywhere() {
    let known = ["s", "percentunit", "short", "bytes", "cpm", "cps", "dateTimeFromNow"];
    let mut seen: BTreeMap<(String, &str, bool), (&str, String)> = BTreeMap::new();
    let all = boards();
    for question in all.iter().flat_map(Board::questions) {
        let Some(unit) = question.unit else { continue };
        assert!(known.contains(&unit), "{}: {unit}", question.place);
        let (metric, shape) = shape(&question);
        if metric.starts_with("ALERTS") && shape == "level" {
            continue;
        }
        let of_row = |unit: Option<&str>| match unit {
            Some("seconds") => "s",
            Some("bytes") => "bytes",
            Some("ratio") => "percentunit",
            _ => "short",
        };
        let by_row = row_of(&metric).map(|row| of_row(row.unit()));
        let wanted = match shape {
            "level" | "of a histogram" => by_row.filter(|_| !metric.contains(":")),
            "a minute" => Some("cpm"),
            "moment" => Some("dateTimeFromNow"),
            "age" => Some("s"),
            // Seconds of a gap are seconds, however many.
            "number" if by_row == Some("s") => Some("s"),
            "number" => Some("short"),
            // Seconds of every second are a part of the time, or cores.
            "a second" if by_row == Some("s") => None,
            "a second" => Some("cps"),
            _ => None,
        };
        assert!(wanted.is_none_or(|wanted| wanted == unit), "{}: {shape} of {metric} in {unit}", question.place);
        let is_burn = question.expr.contains("_objective_ratio") && question.expr.contains('/');
        let (first, place) = seen.entry((metric, shape, is_burn)).or_insert((unit, question.place.clone()));
        assert_eq!(*first, unit, "{} and {place} differ in unit", question.place);
    }
}

/// B11: each series has a name for people, and nothing is sampled.
#[test]
fn b11_legends_are_explicit_and_nothing_is_sampled() {
    for question in boards().iter().flat_map(Board::questions) {
        assert!(!question.legend.is_empty() && question.legend != "__auto", "{}", question.place);
        // What a legend names is what the expression keeps.
        let kept: BTreeSet<&str> =
            question.legend.split("{{").skip(1).map(|rest| rest.split("}}").next().unwrap()).collect();
        for label in &kept {
            let by = question
                .expr
                .split(" by (")
                .skip(1)
                .any(|rest| rest.split(')').next().unwrap().split(", ").any(|known| known == *label));
            assert!(by, "{}: {{{{{label}}}}} of {}", question.place, question.expr);
        }
        walk(&tree(&filled(question.expr)), &mut |part| {
            if let Expr::Aggregate(aggregate) = part {
                let op = aggregate.op.to_string();
                assert!(["max", "min", "sum", "count"].contains(&op.as_str()), "{}: {op}", question.place);
            }
        });
    }
}

/// B12: a limit of the configuration is the limit of the panel.
#[test]
fn b12_thresholds_follow_the_configuration() {
    let yaml = "gitlab: { url: https://gitlab.example.com, token_file: t, queue: { interval: 20s } }\n\
        tiers:\n  a:\n    { tags: [a], namespaces: [a], objective: { window: 15d, target: 0.95 }, token: { max_age: 33d, warn_before_expiry: 11d }, \
        conditions: { at_capacity_ratio: 0.61, flooded_ratio: 0.62, pull_failing_pods: 7, critical_before_expiry: 3d } }";
    let changed = tierwatch::config::Config::from_yaml(yaml).unwrap_or_else(|problems| panic!("{problems}"));
    let day = 86_400.0;
    let steps = |title: &str| {
        let made: Vec<Board> =
            dashboards::all(&changed).into_iter().map(|one| Board { file: one.file_name(), json: one.json }).collect();
        let found: BTreeSet<Vec<u64>> = made
            .iter()
            .flat_map(Board::questions)
            .filter(|question| question.place.contains(&format!(": {title} (")) && !question.steps.is_empty())
            .map(|question| question.steps.iter().map(|step| (step * 1e6) as u64).collect())
            .collect();
        assert_eq!(found.len(), 1, "{title}: {found:?}");
        found.first().unwrap().iter().map(|step| *step as f64 / 1e6).collect::<Vec<f64>>()
    };
    assert_eq!(steps("Fullest quota"), [0.61]);
    assert_eq!(steps("Declared capacity in use"), [0.61]);
    assert_eq!(steps("Largest project's part of the queue"), [0.62]);
    assert_eq!(steps("What cannot be pulled now"), [1.0, 7.0]);
    assert_eq!(steps("Oldest runner token"), [33.0 * day]);
    assert_eq!(steps("Until the first runner token ends"), [3.0 * day, 11.0 * day]);
    assert_eq!(steps("Age of what is known, by source"), [180.0, 300.0]);
    // Half the window is half the factor: 7.2 over an hour, 3 over six, 1.5 over a day; 0.5 over three days is no alert.
    assert_eq!(steps("Start budget: times faster than allowed"), [3.0, 7.2]);
    assert_eq!(steps("TierStartBudgetBurn: times faster than allowed"), [1.5, 3.0, 7.2]);
    assert_eq!(steps("Part of the queue in sight"), [0.9]);
}

/// B12 and B15: the limits of the burn are those of the rules.
#[test]
fn b12_the_burns_limits_are_those_of_the_rules() {
    let example = config("deploy/tierwatch.example.yaml");
    let allowed = 1.0 - example.policy.tiers[0].objective.target;
    let rules = groups(&example).into_iter().flat_map(|group| group.rules);
    let limit = |rule| {
        let Rule::Alert { alert: "TierStartBudgetBurn", expr, .. } = rule else { return None };
        expr.split(" > ").nth(1)?.lines().next()?.parse::<f64>().ok()
    };
    let mut factors: Vec<f64> = rules.filter_map(limit).map(|limit| (limit / allowed * 10.0).round() / 10.0).collect();
    factors.sort_by(f64::total_cmp);
    factors.dedup();
    let all = boards();
    let shown = all
        .iter()
        .flat_map(Board::questions)
        .find(|one| one.place.contains("TierStartBudgetBurn: times faster"))
        .unwrap()
        .steps;
    assert_eq!(shown, factors);
}

/// B15: the dashboard to which an alert leads has a panel with its expression, and the limit of it.
#[test]
fn b15_every_alert_has_its_panel() {
    let all = boards();
    let mut rows = vec![];
    for rule in groups(&config("tests/rules/three.yaml")).into_iter().flat_map(|group| group.rules) {
        let Rule::Alert { alert, expr, .. } = rule else { continue };
        let board =
            all.iter().find(|one| one.uid() == board(alert)).unwrap_or_else(|| panic!("{alert}: no {}", board(alert)));
        for wanted in selectors(&expr) {
            let name = metric(&wanted);
            // Joined for the urgency only.
            if name == "tierwatch_tier_info" {
                continue;
            }
            let condition = wanted.matchers.matchers.iter().find(|matcher| matcher.name == "condition");
            let shows = |question: &Question<'_>| {
                selectors(question.expr).iter().any(|shown| {
                    let about = |value: &str| {
                        shown
                            .matchers
                            .matchers
                            .iter()
                            .any(|one| one.name == "condition" && one.value.split('|').any(|known| known == value))
                    };
                    metric(shown) == name && condition.is_none_or(|matcher| about(&matcher.value))
                })
            };
            let panel = board.questions().into_iter().find(|one| shows(one) && !one.steps.is_empty());
            let panel = panel.unwrap_or_else(|| panic!("{alert}: nothing on {} shows {wanted}", board.uid()));
            if condition.is_some() || ["up", "tierwatch_source_up"].contains(&name) {
                assert!(panel.steps.contains(&1.0), "{alert}: {} has no step at 1", panel.place);
            }
            rows.push((alert, panel.place));
        }
        let told = board.panels().into_iter().any(|panel| text(panel, "description").contains(alert))
            || board.uid().starts_with("tierwatch-alert-");
        assert!(told, "{alert} is not named on {}", board.uid());
    }
    let alerts: BTreeSet<&str> =
        ALERTS.iter().map(|row| row.name).chain(["TierStartBudgetBurn", "TierwatchDown"]).collect();
    assert_eq!(rows.iter().map(|(alert, _)| *alert).collect::<BTreeSet<_>>(), alerts);
    assert!(Condition::ALL.len() <= rows.len(), "{rows:?}");
}

/// B18: quantiles are made of summed buckets, never of quantiles.
#[test]
fn b18_quantiles_are_of_summed_buckets() {
    let mut heat = 0;
    for question in boards().iter().flat_map(Board::questions) {
        walk(&tree(&filled(question.expr)), &mut |part| {
            if let Expr::Aggregate(outer) = part {
                walk(&outer.expr, &mut |inner| {
                    let quantile = matches!(inner, Expr::Call(call) if call.func.name == "histogram_quantile");
                    assert!(!quantile, "{}: a mean or sum of quantiles", question.place);
                });
            }
            let Expr::Call(call) = part else { return };
            if call.func.name == "histogram_quantile" {
                let Expr::Aggregate(sum) = call.args.args[1].as_ref() else {
                    panic!("{}: unsummed buckets", question.place)
                };
                assert_eq!(sum.op.to_string(), "sum", "{}", question.place);
                let classic = sum.expr.to_string().contains("_bucket{");
                let by_le = sum.modifier.as_ref().is_some_and(|by| format!("{by:?}").contains("\"le\""));
                assert!(!classic || by_le, "{}: buckets without le", question.place);
            }
        });
        heat += usize::from(question.legend == "{{le}}");
    }
    assert!(heat >= 3, "{heat} heatmaps");
}

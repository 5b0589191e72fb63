//! Expressions, judged by their syntax tree.

use std::collections::BTreeSet;

use promql_parser::label::MatchOp;
use promql_parser::parser::{Expr, VectorSelector, parse};
use tierwatch::metrics::catalogue::{self, Kind, Values};

/// Labels that scraping adds, on metrics that are not ours.
const OF_OTHERS: &[(&str, &[&str])] = &[("up", &["job"])];

/// Functions that newer or experimental Prometheus servers only know, and samples that depend on order.
const FORBIDDEN: &[&str] =
    &["topk", "bottomk", "limitk", "limit_ratio", "info", "ts_of_max_over_time", "double_exponential_smoothing"];

pub fn tree(expr: &str) -> Expr {
    parse(expr).unwrap_or_else(|error| panic!("{expr}: {error}"))
}

/// Every number in an expression, in its order.
pub fn numbers(expr: &str) -> Vec<f64> {
    let mut found = Vec::new();
    walk(&tree(expr), &mut |expr| {
        if let Expr::NumberLiteral(number) = expr {
            found.push(number.val);
        }
    });
    found
}

pub fn walk(expr: &Expr, visit: &mut impl FnMut(&Expr)) {
    visit(expr);
    match expr {
        Expr::Aggregate(inner) => {
            walk(&inner.expr, visit);
            inner.param.iter().for_each(|param| walk(param, visit));
        }
        Expr::Unary(inner) => walk(&inner.expr, visit),
        Expr::Binary(inner) => {
            walk(&inner.lhs, visit);
            walk(&inner.rhs, visit);
        }
        Expr::Paren(inner) => walk(&inner.expr, visit),
        Expr::Subquery(inner) => walk(&inner.expr, visit),
        Expr::Call(inner) => inner.args.args.iter().for_each(|arg| walk(arg, visit)),
        Expr::NumberLiteral(_)
        | Expr::StringLiteral(_)
        | Expr::VectorSelector(_)
        | Expr::MatrixSelector(_)
        | Expr::Extension(_) => {}
    }
}

/// What is wrong is told with the name of the rule.
pub fn judge(name: &str, expr: &str, is_alert: bool, recorded: &BTreeSet<String>) {
    let tree = tree(expr);
    let mut compares = false;
    let mut rated: Vec<String> = Vec::new();
    walk(&tree, &mut |expr| match expr {
        Expr::Binary(binary) => compares |= binary.op.is_comparison_operator(),
        Expr::Aggregate(aggregate) => {
            let op = aggregate.op.to_string();
            assert!(!FORBIDDEN.contains(&op.as_str()), "{name}: {op}");
        }
        Expr::Call(call) => {
            assert!(!FORBIDDEN.contains(&call.func.name), "{name}: {}", call.func.name);
            for arg in &call.args.args {
                if let Expr::MatrixSelector(matrix) = arg.as_ref() {
                    // Four times a scrape interval of a minute.
                    assert!(matrix.range.as_secs() >= 240, "{name}: a window of {:?}", matrix.range);
                    rated.extend(matrix.vs.name.clone());
                    selector(name, &matrix.vs, recorded);
                }
            }
        }
        Expr::VectorSelector(vector) => {
            selector(name, vector, recorded);
            let metric = vector.name.as_deref().unwrap_or_default();
            let raw_counter = catalogue::find(metric).is_some_and(|row| row.kind == Kind::Counter);
            assert!(!raw_counter, "{name}: the bare counter {metric} says nothing");
        }
        Expr::Unary(_)
        | Expr::Paren(_)
        | Expr::Subquery(_)
        | Expr::NumberLiteral(_)
        | Expr::StringLiteral(_)
        | Expr::MatrixSelector(_)
        | Expr::Extension(_) => {}
    });
    assert!(!is_alert || compares, "{name} compares nothing: {expr}");
    let counted = |metric: &String| row_of(metric).is_some_and(|row| row.kind != Kind::Gauge);
    assert!(rated.iter().all(counted), "{name}: {rated:?}");
}

/// The family of a series, which for histograms has a longer name.
pub fn row_of(metric: &str) -> Option<&'static catalogue::Row> {
    let base = ["_sum", "_count", "_bucket"].iter().find_map(|part| metric.strip_suffix(part)).unwrap_or(metric);
    catalogue::find(metric).or_else(|| catalogue::find(base))
}

/// The metric is ours, recorded or declared, each matcher is a label of it, each value one that it can have.
pub fn selector(name: &str, selector: &VectorSelector, recorded: &BTreeSet<String>) {
    let metric = selector.name.as_deref().unwrap_or_else(|| panic!("{name}: a selector without a metric"));
    if recorded.contains(metric) {
        assert!(selector.matchers.matchers.iter().all(|matcher| matcher.name == "tier"), "{name}: {selector}");
        return;
    }
    if let Some((_, labels)) = OF_OTHERS.iter().find(|(known, _)| *known == metric) {
        assert!(selector.matchers.matchers.iter().all(|matcher| labels.contains(&matcher.name.as_str())), "{name}");
        assert!(!selector.matchers.matchers.is_empty(), "{name}: {metric} of whom?");
        return;
    }
    let row = row_of(metric).unwrap_or_else(|| panic!("{name}: no metric {metric}"));
    for matcher in &selector.matchers.matchers {
        assert!(matcher.name != "le", "{name}: `le` is written differently by Prometheus 2 and 3");
        let label = row.labels.iter().find(|label| label.name == matcher.name);
        let label = label.unwrap_or_else(|| panic!("{name}: {metric} has no label {}", matcher.name));
        let Values::Closed(values) = label.values else { continue };
        let known = values();
        let wanted: Vec<&str> = match &matcher.op {
            MatchOp::Equal | MatchOp::NotEqual => vec![matcher.value.as_str()],
            MatchOp::Re(_) | MatchOp::NotRe(_) => matcher.value.split('|').collect(),
        };
        for value in wanted {
            assert!(known.contains(&value), "{name}: {} is never {value:?}", matcher.name);
        }
    }
}

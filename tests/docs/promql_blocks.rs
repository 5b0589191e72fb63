//! Expressions are of metrics that there are, ours and those of others.

use std::collections::BTreeSet;

use promql_parser::parser::Expr;
use tierwatch::metrics::catalogue;

use super::pages::pages;
use super::promql;

/// Metrics of gitlab-ci-pipelines-exporter and kube-state-metrics that the pages name, by their own documentation.
const OF_OTHERS: &[&str] = &[
    "gitlab_ci_pipeline_job_queued_duration_seconds",
    "gitlab_ci_pipeline_job_status",
    "kube_deployment_status_replicas_available",
    "kube_pod_container_status_waiting_reason",
    "kube_pod_status_unschedulable",
    "kube_resourcequota",
];

#[test]
fn every_expression_is_of_metrics_that_there_are() {
    let mut seen = 0;
    for page in pages() {
        for block in page.blocks().into_iter().filter(|block| block.language == "promql") {
            promql::judge(&format!("{}:{}", page.name, block.line), &block.text, false, &BTreeSet::new());
            seen += 1;
        }
    }
    assert!(seen > 30, "only {seen} expressions were found");
}

#[test]
fn expressions_before_a_migration_are_of_metrics_of_others() {
    let mut seen = BTreeSet::new();
    for page in pages() {
        for block in page.blocks().into_iter().filter(|block| block.language == "promql-before") {
            promql::walk(&promql::tree(&block.text), &mut |expr| {
                if let Expr::VectorSelector(selector) = expr {
                    let metric = selector.name.clone().unwrap();
                    assert!(OF_OTHERS.contains(&metric.as_str()), "{}:{}: {metric}", page.name, block.line);
                    seen.insert(metric);
                }
            });
        }
    }
    assert_eq!(seen.len(), OF_OTHERS.len(), "some are on no page: {seen:?}");
}

#[test]
fn metrics_in_sentences_are_in_the_catalogue() {
    let mut seen = 0;
    for page in pages() {
        for (code, line) in page.inline_code() {
            let name = code.split(['{', ' ']).next().unwrap_or_default();
            let metric =
                name.starts_with("tierwatch_") && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            if !metric || name.ends_with('_') {
                continue;
            }
            let base = ["_sum", "_count", "_bucket"].iter().find_map(|part| name.strip_suffix(part)).unwrap_or(name);
            let known = catalogue::find(name).or_else(|| catalogue::find(base)).is_some();
            assert!(known, "{}:{line}: there is no metric {name}", page.name);
            seen += 1;
        }
    }
    assert!(seen > 40, "only {seen} names were found");
}

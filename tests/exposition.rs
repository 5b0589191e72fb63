//! An assessment and some occurrences in, the text of a scrape out.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model as model;
use prometheus_client::registry::Registry;
use prost::Message as _;
use support::fake;
use tierwatch::cause::{Admission, Blame, Family, Pull, Scheduling};
use tierwatch::metrics::catalogue::{self, Kind, Values};
use tierwatch::metrics::exposition::{Format, encode};
use tierwatch::metrics::{Operation, Process, PushResult, StatusClass};
use tierwatch::model::key::Subject;
use tierwatch::model::occurrence::{DropReason, FailureReason, Occurrence, Outcome, Phase, Table};
use tierwatch::observation::{FailureClass, JobId, SourceKey, SourceKind};

fn text(registry: &Registry, format: Format) -> String {
    String::from_utf8(encode(registry, format).unwrap().to_vec()).unwrap()
}

/// The lines of one family, in text 0.0.4.
fn lines(registry: &Registry, family: &str) -> String {
    let mut found = String::new();
    for line in text(registry, Format::Text).lines() {
        let name = line.split(['{', ' ']).next().unwrap();
        if ["", "_bucket", "_sum", "_count"].iter().any(|suffix| name == format!("{family}{suffix}")) {
            found.push_str(line);
            found.push('\n');
        }
    }
    found
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// One of everything that can happen.
fn eventful() -> fake::Metrics {
    let metrics = fake::metrics(fake::full());
    let pods = SourceKey::namespaced(SourceKind::KubePods, "runners-deployment");
    let job = JobId(7);
    let happened = [
        Occurrence::JobTaken { tier: 0, job, waited: seconds(95), at: None },
        Occurrence::JobStarted {
            tier: 0,
            job,
            took: Some(seconds(125)),
            phases: vec![(Phase::Queue, seconds(95)), (Phase::Containers, seconds(30))],
            at: None,
        },
        Occurrence::JobOutcome { tier: 0, job, outcome: Outcome::Late, at: None },
        Occurrence::JobDropped { tier: 0, job: JobId(1), reason: DropReason::NoMatchingRunners, at: None },
        Occurrence::JobFailed {
            tier: 0,
            job: JobId(1),
            reason: FailureReason::Script,
            blame: Blame::Platform,
            at: None,
        },
        Occurrence::PodUnschedulable { tier: 0, pod: "p".into(), cause: Scheduling::InsufficientCpu },
        Occurrence::PullFailed {
            tier: 0,
            pod: "p".into(),
            container: "build".into(),
            registry: Arc::from("docker.io"),
            cause: Pull::NotFound,
        },
        Occurrence::PullFailed {
            tier: 0,
            pod: "p".into(),
            container: "build".into(),
            registry: Arc::from("evil.example/{x}"),
            cause: Pull::NotFound,
        },
        Occurrence::AdmissionRefused { tier: 0, of: Subject::Job(JobId(1)), cause: Admission::Quota },
        Occurrence::ClockClamped { job: JobId(1), phase: Phase::Dispatch },
        Occurrence::AnnotationRejected { tier: 0, pod: "p".into() },
        Occurrence::Unclassified { family: Family::Pull, of: Subject::Job(JobId(1)) },
        Occurrence::SourceAttempt { source: pods, failure: Some(FailureClass::Forbidden) },
        Occurrence::SourceAttempt { source: SourceKey::global(SourceKind::GitlabQueue), failure: None },
        Occurrence::Observed { source: SourceKind::KubePods },
        Occurrence::Gap { source: SourceKind::KubePods, lasted: Duration::from_millis(2500) },
        Occurrence::Evicted { table: Table::Jobs },
    ];
    for occurrence in &happened {
        metrics.occurrences.count(occurrence, fake::now().wall);
    }
    metrics.own.gitlab_request(Operation::QueueInstance, StatusClass::Success, Duration::from_millis(340));
    metrics.own.gitlab_rate_limit_remaining(1998);
    metrics.own.source_run(SourceKind::GitlabQueue, Duration::from_millis(360));
    metrics.own.watch_restarted(SourceKind::KubePods);
    metrics.own.desk_queue_depth(12);
    metrics.own.pushes();
    metrics.own.pushed(PushResult::Sent);
    metrics.own.leads(true);
    metrics.own.webhook_secret_written(SystemTime::UNIX_EPOCH + Duration::from_secs(1_784_000_000));
    metrics
}

/// Without the zeros of the long lists of causes, classes and reasons, and the version: those grow elsewhere.
fn gist(scrape: &str) -> String {
    let grows = |line: &str| {
        line.ends_with(" 0")
            && [",cause=", ",class=", ",reason=", "{operation=", "{family="].iter().any(|label| line.contains(label))
    };
    let lines = scrape.lines().filter(|line| !grows(line));
    lines.map(|line| format!("{line}\n")).collect::<String>().replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

#[test]
fn text_0_0_4_is_as_written() {
    insta::assert_snapshot!("text", gist(&text(&eventful().registry, Format::Text)));
}

#[test]
fn openmetrics_is_as_written() {
    insta::assert_snapshot!("openmetrics", gist(&text(&eventful().registry, Format::OpenMetrics)));
}

#[test]
fn what_has_not_happened_is_zero_from_the_start() {
    let metrics = fake::metrics(fake::full());
    for (family, labels) in [
        ("tierwatch_job_start_outcomes_total", r#"{tier="standard",outcome="late"}"#),
        ("tierwatch_jobs_failed_total", r#"{tier="standard",reason="image_pull_failure",blame="user"}"#),
        ("tierwatch_scheduling_failures_total", r#"{tier="standard",cause="insufficient_cpu"}"#),
        ("tierwatch_image_pull_failures_total", r#"{tier="standard",cause="not_found"}"#),
        ("tierwatch_admission_failures_total", r#"{tier="standard",cause="quota"}"#),
        ("tierwatch_job_pods_unschedulable", r#"{tier="standard",cause="insufficient_cpu"}"#),
        ("tierwatch_source_failures_total", r#"{source="kube_nodes",tier="standard",class="timeout"}"#),
        ("tierwatch_gitlab_requests_total", r#"{operation="trace",status="5xx"}"#),
        ("tierwatch_observation_gap_seconds_total", r#"{source="kube_pods"}"#),
    ] {
        let found = lines(&metrics.registry, family);
        assert!(found.lines().any(|line| line == format!("{family}{labels} 0")), "{family}{labels} in {found}");
    }
}

#[test]
fn where_nobody_tells_of_refusals_nothing_says_that_nothing_was_refused() {
    let (policy, mut registry) = (fake::policy(&["standard"]), Registry::default());
    let tells = |key: &SourceKey| matches!(key.kind, SourceKind::GitlabJobLogs | SourceKind::KubeEvents);
    let sources: Vec<SourceKey> = fake::sources(&policy).into_iter().filter(|key| !tells(key)).collect();
    let _occurrences = tierwatch::metrics::Occurrences::new(&policy, &sources, &mut registry);
    let counts = lines(&registry, "tierwatch_admission_failures_total");
    assert!(!counts.contains("tier="), "{counts}");
    assert!(lines(&registry, "tierwatch_scheduling_failures_total").contains("tier="));
}

#[test]
fn a_wait_falls_into_its_bucket_and_the_promise_is_an_edge() {
    let metrics = eventful();
    assert_eq!(
        lines(&metrics.registry, "tierwatch_queue_wait_seconds")
            .lines()
            .filter(|l| l.contains("deployment"))
            .collect::<Vec<_>>(),
        [
            r#"tierwatch_queue_wait_seconds_bucket{tier="deployment",le="1.0"} 0"#,
            r#"tierwatch_queue_wait_seconds_bucket{tier="deployment",le="3.0"} 0"#,
            r#"tierwatch_queue_wait_seconds_bucket{tier="deployment",le="10.0"} 0"#,
            r#"tierwatch_queue_wait_seconds_bucket{tier="deployment",le="30.0"} 0"#,
            r#"tierwatch_queue_wait_seconds_bucket{tier="deployment",le="60.0"} 0"#,
            r#"tierwatch_queue_wait_seconds_bucket{tier="deployment",le="120.0"} 1"#,
            r#"tierwatch_queue_wait_seconds_bucket{tier="deployment",le="300.0"} 1"#,
            r#"tierwatch_queue_wait_seconds_bucket{tier="deployment",le="900.0"} 1"#,
            r#"tierwatch_queue_wait_seconds_bucket{tier="deployment",le="1800.0"} 1"#,
            r#"tierwatch_queue_wait_seconds_bucket{tier="deployment",le="3600.0"} 1"#,
            r#"tierwatch_queue_wait_seconds_bucket{tier="deployment",le="+Inf"} 1"#,
            r#"tierwatch_queue_wait_seconds_sum{tier="deployment"} 95"#,
            r#"tierwatch_queue_wait_seconds_count{tier="deployment"} 1"#,
        ]
    );

    let mut policy = fake::policy(&["a", "b"]);
    policy.tiers[1].objective.start_within = seconds(45);
    let mut registry = Registry::default();
    let _occurrences = tierwatch::metrics::Occurrences::new(&policy, &[], &mut registry);
    let edges = lines(&registry, "tierwatch_job_start_seconds");
    for tier in ["a", "b"] {
        assert!(edges.contains(&format!("{{tier=\"{tier}\",le=\"45.0\"}} 0")), "one list of buckets for all: {edges}");
    }
}

#[test]
fn the_bucket_of_a_wait_names_its_last_job_where_the_format_can() {
    let metrics = fake::metrics(fake::full());
    let taken = |job, seconds, at: &str| {
        let waited = Duration::from_secs(seconds);
        metrics
            .occurrences
            .count(&Occurrence::JobTaken { tier: 0, job: JobId(job), waited, at: None }, at.parse().unwrap());
    };
    taken(41, 95, "2026-03-01T12:00:00Z");
    taken(42, 100, "2026-03-01T12:00:01.25Z");
    taken(43, 7200, "2026-03-01T12:00:02Z");
    let said = text(&metrics.registry, Format::OpenMetrics);
    let remarks: Vec<&str> = said.lines().filter(|line| line.contains(" # ")).collect();
    let tier = fake::full().tiers[0].name.clone();
    assert_eq!(
        remarks,
        [
            format!(
                "tierwatch_queue_wait_seconds_bucket{{tier=\"{tier}\",le=\"120.0\"}} 2 # {{job_id=\"42\"}} 100 1772366401.250"
            ),
            format!(
                "tierwatch_queue_wait_seconds_bucket{{tier=\"{tier}\",le=\"+Inf\"}} 3 # {{job_id=\"43\"}} 7200 1772366402.000"
            ),
        ]
    );
    assert!(!text(&metrics.registry, Format::Text).contains("job_id"), "text 0.0.4 has no exemplars");

    let families = decode(&encode(&metrics.registry, Format::Protobuf).unwrap());
    let waits = families.iter().find(|family| family.name == "tierwatch_queue_wait_seconds").unwrap();
    let histogram = waits.metric[0].histogram.as_ref().unwrap();
    let named: Vec<_> = histogram.bucket.iter().filter_map(|bucket| bucket.exemplar.as_ref()).collect();
    assert_eq!(named.iter().map(|exemplar| exemplar.label[0].value.as_str()).collect::<Vec<_>>(), ["42", "43"]);
    assert!(named.iter().all(|exemplar| exemplar.timestamp.is_some()));
    assert_eq!((histogram.sample_count, histogram.schema), (3, 3), "beside native buckets");
    assert_eq!(histogram.exemplars.len(), 2, "for who keeps only those");
}

#[test]
fn a_source_counts_for_each_tier_that_depends_on_it_and_for_no_other() {
    let metrics = eventful();
    let attempts = lines(&metrics.registry, "tierwatch_source_attempts_total");
    for line in [
        r#"{source="kube_pods",tier="deployment"} 1"#,
        r#"{source="kube_pods",tier="standard"} 0"#,
        r#"{source="gitlab_queue",tier="deployment"} 1"#,
        r#"{source="gitlab_queue",tier="standard"} 1"#,
    ] {
        assert!(attempts.contains(line), "{line} in {attempts}");
    }
    let failures = lines(&metrics.registry, "tierwatch_source_failures_total");
    assert!(failures.contains(r#"{source="kube_pods",tier="deployment",class="forbidden"} 1"#));
    assert!(failures.contains(r#"{source="kube_pods",tier="standard",class="forbidden"} 0"#));
}

#[test]
fn a_registry_that_is_not_allowed_is_other() {
    let metrics = eventful();
    let found = lines(&metrics.registry, "tierwatch_registry_pull_failures_total");
    assert!(found.contains(r#"{tier="deployment",registry="other"} 1"#), "{found}");
    assert!(!text(&metrics.registry, Format::Text).contains("evil"));
}

#[test]
fn what_is_not_known_is_absent_and_configured_tiers_stay() {
    let mut assessment = fake::assessment(vec![fake::unknown_tier("standard")]);
    (assessment.out_of_scope, assessment.coverage, assessment.own_token) = (None, None, None);
    assessment.conditions.clear();
    for source in &mut assessment.sources {
        (source.up, source.last_success, source.age, source.objects) = (None, None, None, None);
    }
    let metrics = fake::metrics(assessment);
    let scrape = text(&metrics.registry, Format::Text);
    let families: BTreeSet<&str> =
        scrape.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" gauge")).collect();
    assert_eq!(
        families.into_iter().collect::<Vec<_>>(),
        [
            "tierwatch_build_info",
            "tierwatch_tier_info",
            "tierwatch_tier_objective_ratio",
            "tierwatch_tier_start_within_seconds"
        ]
    );
    assert!(scrape.contains(r#"tierwatch_tier_info{tier="standard",urgency="ticket"} 1"#));
}

#[test]
fn one_blind_namespace_makes_its_tier_blind_and_no_other() {
    let mut assessment = fake::full();
    let mut other = fake::up(SourceKey::namespaced(SourceKind::KubePods, "more-runners"), &[Arc::from("deployment")]);
    other.last_success = Some("2026-03-01T11:00:00Z".parse().unwrap());
    other.up = Some(false);
    assessment.sources.push(other);
    let metrics = fake::metrics(assessment);
    let up = lines(&metrics.registry, "tierwatch_source_up");
    assert!(up.contains(r#"{source="kube_pods",tier="deployment"} 0"#), "{up}");
    assert!(up.contains(r#"{source="kube_pods",tier="standard"} 1"#), "{up}");
    let last = lines(&metrics.registry, "tierwatch_source_last_success_timestamp_seconds");
    assert!(last.contains(r#"{source="kube_pods",tier="deployment"} 1772362800"#), "the furthest behind: {last}");
}

#[test]
fn two_scrapes_of_one_state_are_the_same_bytes() {
    for format in [Format::Text, Format::OpenMetrics, Format::Protobuf] {
        // Two registries: the library's hash maps iterate in another order in each.
        let metrics = eventful();
        assert_eq!(encode(&metrics.registry, format).unwrap(), encode(&metrics.registry, format).unwrap());
        if format != Format::Protobuf {
            // Native histograms carry the time they were made.
            assert_eq!(encode(&metrics.registry, format).unwrap(), encode(&eventful().registry, format).unwrap());
        }
    }
}

fn decode(mut bytes: &[u8]) -> Vec<model::MetricFamily> {
    let mut families = Vec::new();
    while !bytes.is_empty() {
        families.push(model::MetricFamily::decode_length_delimited(&mut bytes).unwrap());
    }
    families
}

#[test]
fn protobuf_says_the_same_as_text() {
    let metrics = eventful();
    let mut said = BTreeMap::new();
    for line in text(&metrics.registry, Format::Text).lines().filter(|line| !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        said.insert(series.to_owned(), value.to_owned());
    }
    for family in decode(&encode(&metrics.registry, Format::Protobuf).unwrap()) {
        for metric in family.metric {
            let labels: Vec<String> =
                metric.label.iter().map(|pair| format!("{}={:?}", pair.name, pair.value)).collect();
            let mut expect = |suffix: &str, more: Option<String>, value: String| {
                let labels: Vec<String> = labels.iter().cloned().chain(more).collect();
                let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
                let series = format!("{}{suffix}{labels}", family.name);
                assert_eq!(said.remove(&series), Some(value), "{series}");
            };
            if let Some(counter) = metric.counter {
                expect("", None, counter.value.to_string());
            }
            if let Some(gauge) = metric.gauge {
                expect("", None, gauge.value.to_string());
            }
            if let Some(histogram) = metric.histogram {
                for bucket in &histogram.bucket {
                    let bound = bucket.upper_bound;
                    let le = if bound.is_infinite() { "+Inf".to_owned() } else { format!("{bound:?}") };
                    expect("_bucket", Some(format!("le=\"{le}\"")), bucket.cumulative_count.to_string());
                }
                expect("_sum", None, histogram.sample_sum.to_string());
                expect("_count", None, histogram.sample_count.to_string());
                assert_eq!(histogram.schema, 3, "native buckets, a growth of 1.1 at most");
                let native: u32 = histogram.positive_span.iter().map(|span| span.length).sum();
                assert!(histogram.sample_count == 0 || native > 0, "{}", family.name);
            }
        }
    }
    assert!(said.is_empty(), "in text only: {said:?}");
}

#[test]
fn a_scrape_holds_every_family_of_the_catalogue_as_described_and_no_other() {
    let mut metrics = eventful();
    metrics.registry.register_collector(Box::new(Process::new()));
    let families = decode(&encode(&metrics.registry, Format::Protobuf).unwrap());
    let exported: BTreeSet<&str> = families.iter().map(|family| family.name.as_str()).collect();
    let described: BTreeSet<&str> = catalogue::ALL.iter().map(|row| row.name).collect();
    assert_eq!(exported, described);

    for family in &families {
        let row = catalogue::find(&family.name).unwrap();
        let kind = match row.kind {
            Kind::Counter => model::MetricType::Counter,
            Kind::Gauge => model::MetricType::Gauge,
            Kind::Histogram => model::MetricType::Histogram,
        };
        assert_eq!(family.r#type, kind as i32, "{}", row.name);
        assert_eq!(family.help, row.help);
        for metric in &family.metric {
            let names: Vec<&str> = metric.label.iter().map(|pair| pair.name.as_str()).collect();
            assert_eq!(names, row.labels.iter().map(|label| label.name).collect::<Vec<_>>(), "{}", row.name);
            for (label, pair) in row.labels.iter().zip(&metric.label) {
                if let Values::Closed(values) = label.values {
                    assert!(values().contains(&pair.value.as_str()), "{} {}={}", row.name, pair.name, pair.value);
                }
            }
        }
    }
}

/// Series of the largest installation of the given size: for each family the product of its labels' values,
/// times the samples of a histogram (its buckets, `+Inf`, `_sum` and `_count`).
///
/// `series = Σ families Π labels × samples`, with tier = T, registry = R + 1, (runner_id, short_sha) = N.
/// Told where `--web.config.file` is given only, and of no tier.
const OF_CHOICE: SourceKind = SourceKind::WebConfig;

/// Pairs of a source's label and a class that can befall it.
fn ways_to_fail() -> usize {
    let pairs = SourceKind::ALL.into_iter().filter(|kind| *kind != OF_CHOICE).flat_map(|kind| {
        FailureClass::ALL
            .into_iter()
            .filter(move |class| class.can_befall(kind))
            .map(move |class| (kind.label(), class))
    });
    pairs.collect::<std::collections::BTreeSet<_>>().len()
}

fn most_series(tiers: usize, registries: usize, runners_per_tier: usize) -> usize {
    let wait_buckets = 10 + tiers; // each tier may promise a time of its own
    let own_buckets = 6;
    catalogue::ALL
        .iter()
        .map(|row| {
            let labels: usize = row
                .labels
                .iter()
                .map(|label| match label.values {
                    Values::Closed(values) if label.name == "source" => {
                        values().iter().filter(|source| **source != OF_CHOICE.label()).count()
                    }
                    Values::Closed(values) => values().len(),
                    Values::Tiers => tiers,
                    Values::Registries => registries + 1,
                    // Id and short token belong together: one row per runner.
                    Values::Runners(_) => {
                        if label.name == "runner_id" {
                            runners_per_tier
                        } else {
                            1
                        }
                    }
                    Values::Build(_) => 1,
                })
                .product();
            let of_tiers = row.labels.iter().any(|label| matches!(label.values, Values::Tiers));
            let samples = match row.kind {
                Kind::Counter | Kind::Gauge => 1,
                Kind::Histogram => 3 + if of_tiers { wait_buckets } else { own_buckets },
            };
            match row.name {
                // Not every source can fail in every way.
                "tierwatch_source_failures_total" => tiers * ways_to_fail(),
                // Nor can every reason be everybody's fault.
                "tierwatch_jobs_failed_total" => {
                    tiers * FailureReason::ALL.iter().map(|reason| reason.blames().len()).sum::<usize>()
                }
                // Two more for who writes `high_availability`.
                "tierwatch_leader" | "tierwatch_lease_left_out_total" => 0,
                _ => labels * samples,
            }
        })
        .sum()
}

#[test]
fn series_are_bounded_whatever_the_jobs_do() {
    assert!(most_series(5, 4, 5) < 4000, "{} series", most_series(5, 4, 5));

    let names = ["build", "deployment", "sandbox", "standard", "trusted"];
    let metrics = fake::metrics(fake::assessment(names.map(fake::hurting_tier).to_vec()));
    let at = fake::now().wall;
    for number in 0..5000 {
        let registry = Arc::from(format!("registry-{number}.attacker.example"));
        let (tier, pod, container) = (number % 5, "p".into(), "build".into());
        metrics.occurrences.count(&Occurrence::PullFailed { tier, pod, container, registry, cause: Pull::Other }, at);
        let job = JobId(number as u64);
        metrics
            .occurrences
            .count(&Occurrence::JobOutcome { tier: number % 5, job, outcome: Outcome::InTime, at: None }, at);
    }
    let scrape = text(&metrics.registry, Format::Text);
    let series = scrape.lines().filter(|line| !line.starts_with('#')).count();
    assert!(series <= most_series(5, 2, 3), "{series} series, the formula says {}", most_series(5, 2, 3));
    assert!(scrape.len() < 500_000, "{} bytes", scrape.len());
}

#[test]
fn a_secret_that_cannot_be_used_shows_whoever_reads_it() {
    const FAMILY: &str = "tierwatch_secret_last_reload_successful";
    let mut assessment = fake::full();
    assert_eq!(lines(&fake::metrics(assessment.clone()).registry, FAMILY), format!("{FAMILY} 1\n"));
    assessment.secret_failure = Some("reading the hook's secret: no such file".to_owned());
    assert_eq!(lines(&fake::metrics(assessment.clone()).registry, FAMILY), format!("{FAMILY} 0\n"));
    assessment.sources.iter_mut().for_each(|source| source.up = None);
    assert_eq!(lines(&fake::metrics(assessment).registry, FAMILY), "", "before any source has spoken nobody knows");
}

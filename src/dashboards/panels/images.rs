//! Images and the registries that they are pulled from.

use crate::dashboards::colour::Colour;
use crate::dashboards::limits::Limits;
use crate::dashboards::panel::{Column, Panel};
use crate::dashboards::query::{RATE, a_minute, buckets, level, quantile};
use crate::dashboards::unit::Unit;
use crate::metrics::catalogue as metrics;

const NO_PULL: &str = "no pull was told in this time";

pub(in crate::dashboards) fn failing() -> Panel {
    let about = "Job pods that fail to pull an image now, by cause. Alert: TierImagePullFailing, where they are of several projects and it is not their own \
                 mistake. No line: none fails, or pods cannot be seen.";
    Panel::lines("Pods that cannot pull", about)
        .ask(level(metrics::JOB_PODS_IMAGE_PULL_FAILING, &["cause"], ""), "{{cause}}")
        .without("no pull fails, or pods cannot be seen")
}

pub(in crate::dashboards) fn failing_now(limits: &Limits) -> Panel {
    let about = "Which registry refuses whom, now, and how. rate_limited, connection, server_error: the registry or the way to it. auth: a secret. \
                 not_found: mostly one team's own mistake.";
    Panel::table("What cannot be pulled now", about)
        .ask(level(metrics::JOB_PODS_IMAGE_PULL_FAILING, &["tier", "registry", "cause"], ""), "{{registry}}")
        .column(Column::label("tier", "Tier"))
        .column(Column::label("registry", "Registry"))
        .column(Column::label("cause", "Cause"))
        .column(
            Column::value(0, "Pods", Unit::Number)
                .from(1.0, Colour::Orange)
                .from(limits.pull_failing_pods, Colour::Red),
        )
        .sorted("Pods", true)
        .without("no pull fails, or pods cannot be seen")
}

pub(in crate::dashboards) fn failures() -> Panel {
    let about = "Image pulls of job pods that failed, a minute, once per pod, container and cause.";
    Panel::stacked("Failed pulls, by cause", about)
        .ask(a_minute(metrics::IMAGE_PULL_FAILURES, &["cause"], "") + " > 0", "{{cause}}")
        .ask(a_minute(metrics::IMAGE_PULL_FAILURES, &[], ""), "all")
        .unit(Unit::PerMinute)
}

pub(in crate::dashboards) fn by_registry() -> Panel {
    let about = "Image pulls of job pods that failed, a minute, by registry; other stands for every registry that the configuration does not list.";
    Panel::stacked("Failed pulls, by registry", about)
        .ask(a_minute(metrics::REGISTRY_PULL_FAILURES, &["registry"], ""), "{{registry}}")
        .unit(Unit::PerMinute)
}

pub(in crate::dashboards) fn pull_quantiles() -> Panel {
    let about = "How long pulls take that are told by events, the wait in the kubelet's own queue included: a sample, without images that were on the node \
                 already.";
    Panel::lines("Time to pull, median and 95th percentile", about)
        .ask(quantile(0.5, metrics::IMAGE_PULL, &["tier"], RATE), "{{tier}}, median")
        .ask(quantile(0.95, metrics::IMAGE_PULL, &["tier"], RATE), "{{tier}}, 95 %")
        .unit(Unit::Seconds)
        .without(NO_PULL)
}

pub(in crate::dashboards) fn kubelet_queue() -> Panel {
    let about = "How long pulls wait for other pulls on the same node (serializeImagePulls), 95th percentile. Long: nodes pull one image after the other.";
    Panel::lines("Wait in the kubelet's queue, 95th percentile", about)
        .ask(quantile(0.95, metrics::IMAGE_PULL_QUEUE, &["tier"], RATE), "{{tier}}")
        .unit(Unit::Seconds)
        .without(NO_PULL)
}

pub(in crate::dashboards) fn pull_heat() -> Panel {
    let about =
        "How long pulls take: darker is more pulls. A band far above the rest is a large image or a slow registry.";
    Panel::heat("Time to pull, all pulls", about).ask(buckets(metrics::IMAGE_PULL), "{{le}}")
}

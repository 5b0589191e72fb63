//! tierwatch itself: what it costs, what it did not understand, what it lost.

use crate::dashboards::colour::{Colour, Mapping};
use crate::dashboards::limits::Limits;
use crate::dashboards::panel::{Column, Panel};
use crate::dashboards::query::{RATE, a_minute, a_second, highest, level, lowest, of, quantile};
use crate::dashboards::unit::Unit;
use crate::metrics::catalogue as metrics;

pub(in crate::dashboards) fn release() -> Panel {
    let about = "The release that runs, the commit it was built from, and since when the process runs.";
    Panel::table("What runs", about)
        .ask(format!("max by (instance, version, revision) ({})", of(metrics::BUILD_INFO, "")), "{{version}}")
        .ask(format!("1000 * max by (instance) ({})", of(metrics::PROCESS_START_TIME, "")), "{{instance}}")
        .column(Column::label("instance", "Instance"))
        .column(Column::label("version", "Release"))
        .column(Column::label("revision", "Commit"))
        .column(Column::value(1, "Started", Unit::Moment))
}

const RELOADED: Mapping = &[(0, "failed", Colour::Red), (1, "fine", Colour::Green)];

pub(in crate::dashboards) fn secrets_now() -> Panel {
    let about =
        "Whether the secret files could be read and used at the last attempt. Alert: TierwatchSecretReloadFailed.";
    Panel::stat("Secret files", about)
        .ask(format!("min({})", of(metrics::SECRET_LAST_RELOAD_SUCCESSFUL, "")), "secret files")
        .below(Colour::Red)
        .from(1.0, Colour::Green)
        .says(RELOADED)
}

pub(in crate::dashboards) fn token_left_now(limits: &Limits) -> Panel {
    let about = "Time until the token ends with which tierwatch reads GitLab; from then on every tier is blind. Alert: TierwatchTokenExpiring.";
    Panel::stat("Own token ends in", about)
        .ask(format!("min({} - time())", lowest(metrics::API_TOKEN_EXPIRY, &[], "")), "own token")
        .unit(Unit::Seconds)
        .below(Colour::Red)
        .from(limits.own_token_critical, Colour::Orange)
        .from(limits.own_token_warning, Colour::Green)
        .without("it never ends, or GitLab does not tell")
}

pub(in crate::dashboards) fn webhook_secret_now() -> Panel {
    let about = "How old the webhook's secret is at least: since its file was written.";
    Panel::stat("Webhook secret", about)
        .ask(format!("max(time() - {})", of(metrics::WEBHOOK_SECRET_WRITTEN, "")), "webhook secret")
        .unit(Unit::Seconds)
        .without("webhooks are off")
}

pub(in crate::dashboards) fn budget_now() -> Panel {
    let about = "Requests left in GitLab's rate-limit window by its last answer.";
    Panel::stat("GitLab requests left", about)
        .ask(format!("min({})", of(metrics::GITLAB_RATE_LIMIT_REMAINING, "")), "requests")
        .without("GitLab does not tell")
}

pub(in crate::dashboards) fn desk_now() -> Panel {
    let about =
        "Observations that wait to be judged. It is near 0 in a healthy daemon; near its bound the sources wait.";
    Panel::stat("Waiting to be judged", about)
        .ask(format!("max({})", of(metrics::DESK_QUEUE_DEPTH, "")), "observations")
}

pub(in crate::dashboards) fn requests() -> Panel {
    let about = "Requests to GitLab, a minute, by class of the answer. 429 is GitLab's rate limit: requests_per_minute asks for less.";
    Panel::stacked("Requests to GitLab, by answer", about)
        .ask(a_minute(metrics::GITLAB_REQUESTS, &["status"], "") + " > 0", "{{status}}")
        .unit(Unit::PerMinute)
}

pub(in crate::dashboards) fn request_time() -> Panel {
    let about = "Time to the end of GitLab's answer, 95th percentile, by what was asked.";
    Panel::lines("GitLab's answers, 95th percentile", about)
        .ask(quantile(0.95, metrics::GITLAB_REQUEST_DURATION, &["operation"], RATE), "{{operation}}")
        .unit(Unit::Seconds)
        .without("no request in this time")
}

pub(in crate::dashboards) fn runs() -> Panel {
    let about = "Time of one whole run of a polling source, 95th percentile. Longer than its interval: what is told gets older than it should.";
    Panel::lines("Time of a poll, 95th percentile", about)
        .ask(quantile(0.95, metrics::SOURCE_RUN, &["source"], RATE), "{{source}}")
        .unit(Unit::Seconds)
        .without("no run in this time")
}

pub(in crate::dashboards) fn objects() -> Panel {
    let about = "Objects held from each source. One that only grows is a leak, or a platform that grows.";
    Panel::lines("Objects held", about).ask(highest(metrics::SOURCE_OBJECTS, &["source"], "") + " > 0", "{{source}}")
}

pub(in crate::dashboards) fn observations() -> Panel {
    let about = "Observations that were folded, a second, by source: how lively the platform is, and how much the daemon works.";
    Panel::stacked("Observations", about)
        .ask(a_second(metrics::OBSERVATIONS, &["source"], "") + " > 0", "{{source}}")
        .unit(Unit::PerSecond)
}

pub(in crate::dashboards) fn not_understood() -> Panel {
    let about = "Messages of the cluster or a registry that no rule knows, a minute, by family. Causes are told less well than they could be: report them. \
                 Alert: TierwatchUnclassified.";
    Panel::stacked("Messages that no rule knows", about)
        .ask(a_minute(metrics::UNCLASSIFIED, &["family"], ""), "{{family}}")
        .unit(Unit::PerMinute)
}

pub(in crate::dashboards) fn bent() -> Panel {
    let about = "What tierwatch had to bend, a minute: disagreements of hooks and API, forged job ids of pods, clocks that run backwards, node events of no \
                 tier, keys dropped to bound memory.";
    Panel::lines("What had to be bent", about)
        .ask(a_minute(metrics::DISAGREEMENTS, &["kind"], ""), "hook against API: {{kind}}")
        .ask(a_minute(metrics::REJECTED_ANNOTATIONS, &[], ""), "job ids not believed")
        .ask(a_minute(metrics::CLOCK_CLAMPS, &[], ""), "phases clamped")
        .ask(a_minute(metrics::UNJOINED_NODE_EVENTS, &[], ""), "node events of no tier")
        .ask(a_minute(metrics::DEDUP_EVICTIONS, &[], ""), "keys dropped")
        .unit(Unit::PerMinute)
}

pub(in crate::dashboards) fn gaps() -> Panel {
    let about = "Time for which a source was blind or nobody watched, told when it is over; what happened then may be missing in the \
                 counters. A peak after a restart is how long nobody watched.";
    Panel::lines("Time that nobody watched", about)
        .ask(format!("max by (source) (increase({}[{RATE}])) > 0", of(metrics::OBSERVATION_GAP, "")), "{{source}}")
        .ask(format!("max(increase({}[{RATE}]))", of(metrics::OBSERVATION_GAP, "")), "the worst source")
        .unit(Unit::Seconds)
}

pub(in crate::dashboards) fn hooks() -> Panel {
    let about = "Requests to the webhook listener, a minute, by what became of them. Rejected ones: a wrong secret, or somebody who tries.";
    Panel::stacked("Webhooks", about)
        .ask(a_minute(metrics::WEBHOOKS, &["result"], ""), "{{result}}")
        .unit(Unit::PerMinute)
        .without("webhooks are off")
}

pub(in crate::dashboards) fn pushes() -> Panel {
    let about = "Requests in which alerts were pushed to an Alertmanager, a minute, by what became of them.";
    Panel::stacked("Alerts pushed to Alertmanager", about)
        .ask(a_minute(metrics::ALERTMANAGER_PUSHES, &["result"], ""), "{{result}}")
        .unit(Unit::PerMinute)
        .without("Prometheus' rules tell Alertmanager, not tierwatch")
}

pub(in crate::dashboards) fn watches() -> Panel {
    let about = "Watches of the Kubernetes API that were started anew, a minute. A few an hour are normal.";
    Panel::lines("Watches started anew", about)
        .ask(a_minute(metrics::WATCH_RESTARTS, &["source"], ""), "{{source}}")
        .unit(Unit::PerMinute)
        .without("the cluster is not watched")
}

pub(in crate::dashboards) fn memory() -> Panel {
    let about = "Resident memory of the process. It does not grow over days: a line that does is a fault.";
    Panel::lines("Memory", about)
        .ask(format!("max by (instance) ({})", of(metrics::PROCESS_RESIDENT_MEMORY, "")), "{{instance}}")
        .unit(Unit::Bytes)
}

pub(in crate::dashboards) fn cpu() -> Panel {
    let about = "CPU time that the process takes: 1 is one core.";
    Panel::lines("CPU cores", about)
        .ask(format!("max by (instance) (rate({}[{RATE}]))", of(metrics::PROCESS_CPU, "")), "{{instance}}")
}

pub(in crate::dashboards) fn files() -> Panel {
    let about = "Open file descriptors: connections to GitLab and the cluster, and who reads the pages. It does not grow over days.";
    Panel::lines("Open files", about)
        .ask(format!("max by (instance) ({})", of(metrics::PROCESS_OPEN_FDS, "")), "{{instance}}")
}

pub(in crate::dashboards) fn tiers() -> Panel {
    let about = "Configured tiers over time: a tier is here as long as tierwatch runs with it in its configuration.";
    Panel::lines("Configured tiers", about)
        .ask(format!("count({})", highest(metrics::TIER_INFO, &["tier"], "")), "tiers")
}

/// So that nobody believes a number on the page of a dead daemon.
pub(in crate::dashboards) fn up_now() -> Panel {
    let about = "Whether Prometheus gets an answer from tierwatch now. Alert: TierwatchDown.";
    Panel::stat("tierwatch", about)
        .ask(format!("max(up{{{}}})", crate::dashboards::query::DAEMON), "tierwatch")
        .below(Colour::Purple)
        .from(1.0, Colour::Green)
        .says(&[(0, "no answer", Colour::Purple), (1, "answers", Colour::Green)])
        .without("not scraped")
}

/// Numbers of jobs, as a check that tierwatch sees any.
pub(in crate::dashboards) fn sees() -> Panel {
    let about = "What tierwatch counts as waiting, running and in pods, all tiers together: a sudden zero in all three is blindness, not peace.";
    Panel::lines("What is seen", about)
        .ask(level(metrics::QUEUE_PENDING_JOBS, &[], ""), "jobs that wait")
        .ask(level(metrics::JOBS_RUNNING, &[], ""), "jobs that run")
        .ask(level(metrics::JOB_PODS, &[], ""), "job pods")
}

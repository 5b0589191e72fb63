//! One dashboard for each question that a symptom leads to.

use crate::condition::Condition;
use crate::dashboards::board::{Board, Section, TAG};
use crate::dashboards::limits::Limits;
use crate::dashboards::panels::{boundaries, images, queue, runners, scheduling, sight, starts, state};

pub(super) fn boards(limits: &Limits) -> [Board; 5] {
    [
        queue_and_wait(limits),
        scheduling_and_capacity(limits),
        images_and_registries(limits),
        runners_and_tokens(limits),
        trust(limits),
    ]
}

fn topic(name: &str, title: &str, about: &str, sections: Vec<Section>) -> Board {
    Board { uid: format!("tierwatch-{name}"), title: title.to_owned(), about: about.to_owned(), tag: TAG, sections }
}

/// How fresh it is, and what could be seen when.
fn seen(limits: &Limits) -> [Section; 2] {
    [
        Section::of("How fresh is it?").with(sight::freshness(limits)),
        Section::folded("What could be seen").with(sight::sources()),
    ]
}

fn queue_and_wait(limits: &Limits) -> Board {
    let conditions = [
        Condition::Flooded,
        Condition::JobsUnserved,
        Condition::NoTraffic,
        Condition::JobsOverdue,
        Condition::QueueStalled,
        Condition::JobsDropped,
    ];
    let about = "On these rest TierFlooded, JobsUnserved, TierNoTraffic, TierJobsOverdue, TierQueueStalled and TierJobsDropped, before any patience. Absent: the \
                 queue cannot be seen, or the condition is not configured.";
    let mut sections = vec![
        Section::top()
            .with(queue::waiting_now().size(6, 4))
            .with(queue::oldest_now().size(6, 4))
            .with(queue::overdue_now().size(6, 4))
            .with(starts::running_now().size(6, 4))
            .with(queue::oldest())
            .with(queue::waiting())
            .with(queue::overdue()),
        Section::of("Where does the time go?")
            .with(starts::phases())
            .with(starts::start_quantiles())
            .with(queue::wait_quantile())
            .with(queue::wait_heat().size(12, 8))
            .with(starts::start_heat().size(12, 8)),
        Section::of("How do jobs start?")
            .with(starts::outcomes())
            .with(starts::running())
            .with(queue::dropped())
            .with(starts::failures().size(12, 8))
            .with(starts::failure_reasons().size(12, 8)),
        Section::of("Whose jobs are they?")
            .with(queue::unserved())
            .with(queue::top_project(limits))
            .with(queue::unproven())
            .with(state::conditions(&conditions, about).size(24, 8)),
    ];
    sections.extend(seen(limits));
    topic("queue", "Queue and wait", "What waits, how long, where the time goes, and how jobs start.", sections)
}

fn scheduling_and_capacity(limits: &Limits) -> Board {
    let conditions = [Condition::Unschedulable, Condition::ScaleUpBlocked, Condition::AtCapacity];
    let about = "On these rest TierUnschedulable, TierScaleUpBlocked and TierAtCapacity, before any patience.";
    let mut sections = vec![
        Section::top()
            .with(state::conditions(&conditions, about))
            .with(scheduling::pods())
            .with(scheduling::unschedulable())
            .with(scheduling::scale_up()),
        Section::of("Is there room?")
            .with(scheduling::nodes())
            .with(scheduling::cpu())
            .with(scheduling::memory())
            .with(scheduling::room())
            .with(scheduling::quotas(limits))
            .with(scheduling::capacity(limits)),
        Section::of("What went wrong?")
            .with(scheduling::scheduling_failures())
            .with(scheduling::admission())
            .with(scheduling::pod_failures()),
    ];
    sections.extend(seen(limits));
    topic(
        "scheduling",
        "Scheduling and capacity",
        "Whether job pods find a node, what keeps them from one, and what there is room for.",
        sections,
    )
}

fn images_and_registries(limits: &Limits) -> Board {
    let about = "On this rests TierImagePullFailing, before any patience: several pods, of several projects, and not by their own mistake.";
    let mut sections = vec![
        Section::top()
            .with(state::conditions(&[Condition::ImagePullFailing], about))
            .with(images::failing_now(limits).size(12, 8))
            .with(images::failing().size(12, 8)),
        Section::of("What failed?").with(images::failures().size(12, 8)).with(images::by_registry().size(12, 8)),
        Section::of("How long do pulls take?")
            .with(images::pull_quantiles())
            .with(images::kubelet_queue())
            .with(images::pull_heat()),
    ];
    sections.extend(seen(limits));
    topic(
        "images",
        "Images and registries",
        "Which registry or image keeps jobs from starting, and how long pulls take.",
        sections,
    )
}

fn runners_and_tokens(limits: &Limits) -> Board {
    let conditions = [
        Condition::Down,
        Condition::RunnersOffline,
        Condition::RunnerTokenExpiring,
        Condition::RunnerTokenEnding,
        Condition::RunnerTokenTooOld,
    ];
    let about = "On these rest TierDown, TierRunnersOffline, RunnerTokenExpiring (expiring and ending) and RunnerTokenTooOld, before any patience. Absent: no \
                 source tells.";
    let mut sections = vec![
        Section::top()
            .with(state::conditions(&conditions, about).size(24, 8))
            .with(runners::managers())
            .with(runners::by_status())
            .with(runners::paused()),
        Section::of("Tokens")
            .with(runners::token_age(limits).size(12, 8))
            .with(runners::token_left(limits).size(12, 8))
            .with(runners::each().size(24, 9)),
    ];
    sections.extend(seen(limits));
    topic("runners", "Runners and tokens", "Whether somebody takes the jobs, and how old their tokens are.", sections)
}

fn trust(limits: &Limits) -> Board {
    let mut sections = vec![
        Section::top()
            .with(boundaries::moved_now().size(12, 4))
            .with(boundaries::made_now().size(12, 4))
            .with(boundaries::moved().size(12, 10))
            .with(boundaries::history().size(12, 10))
            .with(boundaries::count().size(24, 7)),
    ];
    sections.extend(seen(limits));
    topic(
        "boundaries",
        "Boundaries",
        "Whether each tier's trust boundary is where it was declared to be. What is really there, object by object, is on the daemon's page /boundaries.",
        sections,
    )
}

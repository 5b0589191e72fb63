//! What can be said of one job, as a line.

use tierwatch::model::job_assessment::{JobAssessment, JobPhase};

pub(super) fn line(job: &JobAssessment) -> String {
    let phase = |phase: &JobPhase| {
        let open = if phase.open { "…" } else { "" };
        format!("{} {:.1} s{open}", phase.phase.as_str(), phase.took.as_secs_f64())
    };
    let phases: Vec<_> = job.phases.iter().map(phase).collect();
    let causes: Vec<_> = job.causes.iter().map(|line| line.cause.as_str()).collect();
    let outcome = job.outcome.map_or("no verdict yet", |outcome| outcome.as_str());
    let (id, state) = (job.id, job.state);
    format!("job {id} is {state}, {outcome}: {}; {phases:?} {causes:?}", job.headline)
}

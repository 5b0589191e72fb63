//! One job on a page of its own.

use axum::extract::{self, Path};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use url::Url;

use super::{answer, bar, clock, link, nothing, shell, tier};
use crate::model::assessment::TierState;
use crate::model::job_assessment::{JobAssessment, JobPod, JobState};
use crate::model::occurrence::Outcome;
use crate::observation::JobId;
use crate::output::{State, words};

pub(in crate::output) async fn show(extract::State(state): extract::State<State>, Path(id): Path<String>) -> Response {
    let (status, page) = match id.parse().map(JobId) {
        Err(_) => {
            (StatusCode::BAD_REQUEST, nothing("A job is asked for by its number", "For example /jobs/4711.", html! {}))
        }
        Ok(id) => match state.outputs.enquiries.job(id).await {
            Ok(Some(job)) => (StatusCode::OK, render(&job, state.outputs.gitlab.as_ref())),
            Ok(None) => (
                StatusCode::NOT_FOUND,
                nothing(
                    &format!("Nothing is known of job {id}"),
                    "It was never seen in the queue or in a pod, or it ended so long ago that it is forgotten.",
                    html! {},
                ),
            ),
            Err(gone) => {
                let why = words::sentence(&gone.to_string());
                (StatusCode::SERVICE_UNAVAILABLE, nothing("No answer", &why, html! {}))
            }
        },
    };
    answer(status, page)
}

fn render(job: &JobAssessment, gitlab: Option<&Url>) -> Markup {
    let title = format!("Job {} {}", job.id, job.state);
    let head = html! {
        h1 class=(colour(job).as_str()) { "Job " (job.id) " · " bdi { (words::plain(&job.name)) } }
        p.basis {
            @if let Some(project) = &job.project { bdi { (words::plain(project)) } " · " }
            @if let Some(git_ref) = &job.git_ref { bdi { (words::plain(git_ref)) } " · " }
            "judged at " (clock(job.at.wall))
            @if let Some(page) = gitlab.zip(job.project.as_deref()).and_then(|(gitlab, project)| link::gitlab_job(gitlab, project, job.id)) {
                " · " a href=(page) rel="noreferrer" { "the job in GitLab" }
            }
        }
    };
    let phases: Vec<_> = job.phases.iter().map(|phase| (phase.phase, phase.took)).collect();
    let open = job.phases.iter().any(|phase| phase.open);
    let main = html! {
        section class={ "tier " (colour(job).as_str()) } aria-label="Verdict" {
            p.headline { (words::sentence(&words::plain_of(&job.headline, 600))) }
            @if !job.causes.is_empty() {
                ul.causes { @for line in &job.causes { (tier::cause(line, html! {})) } }
            }
            (bar::phases(if open { "From queued, so far" } else { "From queued to running" }, &phases))
            (facts(job))
        }
    };
    shell(&title, head, main)
}

/// The colour of its state, as a tier's would be.
const fn colour(job: &JobAssessment) -> TierState {
    match (job.state, job.outcome) {
        (JobState::Failed, _) => TierState::Down,
        (_, Some(Outcome::Late | Outcome::PlatformFailure)) => TierState::Hurting,
        (JobState::Unknown, _) => TierState::Blind,
        (
            JobState::Waiting | JobState::Starting | JobState::Running | JobState::Success | JobState::Canceled,
            Some(Outcome::InTime | Outcome::UserFailure | Outcome::Canceled | Outcome::Unknown) | None,
        ) => TierState::Fine,
    }
}

fn facts(job: &JobAssessment) -> Markup {
    let instants =
        [("Queued", job.queued_at), ("Taken", job.started_at), ("Running", job.running_at), ("Over", job.finished_at)];
    html! {
        table {
            tbody {
                @for (name, at) in instants {
                    tr { th scope="row" { (name) } td { (at.map_or_else(|| html! { "–" }, moment)) } }
                }
                @if let Some(tags) = &job.tags {
                    tr { th scope="row" { "Tags" } td { bdi { (words::plain(&tags.join(", "))) } } }
                }
                @if let Some(runner) = job.runner {
                    tr {
                        th scope="row" { "Runner" }
                        td { "#" (runner) " " bdi { (job.runner_description.as_deref().map(words::plain).unwrap_or_default()) } }
                    }
                }
                @for pod in &job.pods { tr { th scope="row" { "Pod" } td { (pod_line(pod)) } } }
                @if let Some(outcome) = job.outcome {
                    tr { th scope="row" { "Start" } td { (outcome.as_str().replace('_', " ")) } }
                }
                @if let Some(reason) = &job.failure_reason {
                    tr { th scope="row" { "GitLab's reason" } td { code { (words::plain(reason)) } } }
                }
            }
        }
    }
}

fn moment(at: Timestamp) -> Markup {
    html! { (at.strftime("%Y-%m-%d")) " " (clock(at)) }
}

fn pod_line(pod: &JobPod) -> Markup {
    let name = match (&pod.namespace, &pod.name) {
        (Some(namespace), Some(name)) => format!("{namespace}/{name}"),
        _ => pod.uid.to_string(),
    };
    html! {
        bdi { (words::plain(&name)) }
        @if let Some(phase) = pod.phase { ", " (phase.as_str()) }
        @if let Some(node) = &pod.node { ", on " bdi { (words::plain(node)) } }
        @if pod.gone { ", deleted" }
        @if pod.rejected { ", which GitLab contradicts: not this job's" }
    }
}

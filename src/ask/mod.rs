//! Questions to a running daemon: `tierwatch why`.

mod timeline;

use std::time::Duration;

use reqwest::{Client, StatusCode};
use url::Url;

use crate::error::Fault;
use crate::output::api::job::{Job, Refusal};

pub use timeline::{Paint, render};

/// The daemon answers from memory; a proxy on the way may take longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the daemon said of a job.
#[derive(Debug)]
pub enum Answer {
    /// The JSON, and the same as a timeline.
    Known {
        /// As the daemon wrote it.
        json: String,
        /// As a program reads it.
        job: Box<Told>,
    },
    /// It knows nothing of the job; what it wrote.
    Unknown(String),
}

/// One job as the daemon tells it.
#[derive(Debug)]
pub struct Told(Job);

/// Asks the daemon at `server` for a job.
///
/// # Errors
/// [`Fault::CannotRun`] when nobody answers there, or somebody else than tierwatch does.
pub async fn job(server: &Url, id: u64) -> Result<Answer, Fault> {
    let url = format!("{}/api/v1/jobs/{id}", server.as_str().trim_end_matches('/'));
    let client =
        Client::builder().timeout(PATIENCE).user_agent(concat!("tierwatch/", env!("CARGO_PKG_VERSION"))).build();
    let answer = client.map_err(Fault::cannot_run)?.get(&url).send().await;
    let response = answer.map_err(|error| nobody(server, error))?;
    let status = response.status();
    let json = response.text().await.map_err(|error| nobody(server, error))?;
    let not_ours = |error: serde_json::Error| {
        let context = format!("{url} answers {status}, and not as tierwatch does: is it another program's address?");
        Fault::CannotRun(anyhow::Error::new(error).context(context))
    };
    match status {
        StatusCode::OK => {
            let job = serde_json::from_str(&json).map_err(not_ours)?;
            Ok(Answer::Known { json, job: Box::new(Told(job)) })
        }
        StatusCode::NOT_FOUND => {
            serde_json::from_str::<Refusal>(&json).map_err(not_ours)?;
            Ok(Answer::Unknown(json))
        }
        other => Err(Fault::CannotRun(anyhow::anyhow!("{url} answers {other}"))),
    }
}

fn nobody(server: &Url, error: reqwest::Error) -> Fault {
    let context = format!(
        "no daemon answers at {server}: start one with `tierwatch run` (or `tierwatch demo`), reach it with \
         `kubectl port-forward`, or name its address with --server"
    );
    Fault::CannotRun(anyhow::Error::new(error.without_url()).context(context))
}

/// The number of a job from what people have at hand: the number, `#number`, or the job's page in GitLab.
///
/// # Errors
/// What would be right.
pub fn job_id(text: &str) -> Result<u64, String> {
    let number = |text: &str| text.parse::<u64>().ok().filter(|number| *number > 0);
    let page = |text: &str| {
        let url = Url::parse(text).ok()?;
        let parts: Vec<_> = url.path_segments()?.collect();
        let at = parts.iter().rposition(|part| matches!(*part, "jobs" | "builds"))?;
        number(parts.get(at + 1)?)
    };
    let known = number(text.trim_start_matches('#')).or_else(|| page(text));
    known.ok_or_else(|| {
        "give the job's number or its address, such as https://gitlab.example.com/g/p/-/jobs/4711".into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_named_by_number_or_page() {
        for good in [
            "4711",
            "#4711",
            "https://gitlab.example.com/group/sub/project/-/jobs/4711",
            "https://gitlab.example.com/jobs/project/-/jobs/4711?foo=1#L12",
            "https://gitlab.example.com/group/project/-/jobs/4711/raw",
            "http://gitlab/relative/group/project/builds/4711",
        ] {
            assert_eq!(job_id(good), Ok(4711), "{good}");
        }
        for bad in ["", "0", "-1", "build", "https://gitlab.example.com/g/p/-/pipelines/4711", "https://x/-/jobs/"] {
            assert!(job_id(bad).is_err(), "{bad}");
        }
    }
}

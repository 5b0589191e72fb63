//! Questions to a running daemon: `tierwatch status` and `tierwatch why`.

mod overview;
mod table;
mod timeline;

use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde::de::DeserializeOwned;
use url::Url;

use crate::error::Fault;
use crate::output::api::job::{Job, Refusal};

pub use overview::Overview;
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
    let said = Said::get(&client()?, server, &format!("jobs/{id}")).await?;
    match said.status {
        StatusCode::OK => Ok(Answer::Known { job: Box::new(Told(said.read()?)), json: said.json }),
        StatusCode::NOT_FOUND => {
            said.read::<Refusal>()?;
            Ok(Answer::Unknown(said.json))
        }
        _ => Err(said.refused()),
    }
}

/// Asks the daemon at `server` for all tiers, and for how well it sees.
///
/// # Errors
/// As [`job`].
pub async fn overview(server: &Url) -> Result<Overview, Fault> {
    let client = client()?;
    let (tiers, sources) = (Said::get(&client, server, "tiers").await?, Said::get(&client, server, "sources").await?);
    for said in [&tiers, &sources] {
        if said.status != StatusCode::OK {
            return Err(said.refused());
        }
    }
    Ok(Overview { tiers: tiers.read()?, sources: sources.read()?, json: tiers.json })
}

fn client() -> Result<Client, Fault> {
    let client = Client::builder().timeout(PATIENCE).user_agent(concat!("tierwatch/", env!("CARGO_PKG_VERSION")));
    client.build().map_err(Fault::cannot_run)
}

/// What somebody at the daemon's address said.
struct Said {
    url: String,
    status: StatusCode,
    json: String,
}

impl Said {
    async fn get(client: &Client, server: &Url, what: &str) -> Result<Self, Fault> {
        let url = format!("{}/api/v1/{what}", server.as_str().trim_end_matches('/'));
        let response = client.get(&url).send().await.map_err(|error| nobody(server, error))?;
        let status = response.status();
        let json = response.text().await.map_err(|error| nobody(server, error))?;
        Ok(Self { url, status, json })
    }

    fn read<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        serde_json::from_str(&self.json).map_err(|error| {
            let (url, status) = (&self.url, self.status);
            let context =
                format!("{url} answers {status}, and not as tierwatch does: is it another program's address?");
            Fault::CannotRun(anyhow::Error::new(error).context(context))
        })
    }

    fn refused(&self) -> Fault {
        let hint = match self.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ": something before the daemon asks who you are",
            StatusCode::NOT_FOUND => ": is it another program's address?",
            _ => "",
        };
        Fault::CannotRun(anyhow::anyhow!("{} answers {}{hint}", self.url, self.status))
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

//! What the commands that ask a running daemon are told.

use clap::{Args, ValueEnum};

use crate::ask::job_id;

pub(super) const STATUS: &str = "\
Examples:
  tierwatch status
  tierwatch status --server http://tierwatch.monitoring:10471
  tierwatch status --format json | jq -r '.tiers[] | select(.state != \"fine\") | .name'

Exit codes:
  0 all as promised   1 something is wrong, or cannot be seen   2 wrong usage   3 no daemon answers";

/// Whom to ask for all tiers.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(next_help_heading = "Options of status")]
pub struct Status {
    /// Where the daemon serves.
    #[arg(long, value_name = "URL", default_value = "http://localhost:10471", value_parser = server)]
    pub server: url::Url,
    /// How the answer is written; json is that of /api/v1/tiers.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: AnswerFormat,
}

pub(super) const WHY: &str = "\
Examples:
  tierwatch why 4711
  tierwatch why https://gitlab.example.com/group/project/-/jobs/4711
  tierwatch why 4711 --server http://tierwatch.monitoring:10471 --format json

Exit codes:
  0 known   1 nothing is known of the job   2 wrong usage   3 no daemon answers";

/// The job that is asked for, and whom.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(next_help_heading = "Options of why")]
pub struct Why {
    /// The job's number, or the address of its page in GitLab.
    #[arg(value_name = "JOB", value_parser = job_id)]
    pub job: u64,
    /// Where the daemon serves.
    #[arg(long, value_name = "URL", default_value = "http://localhost:10471", value_parser = server)]
    pub server: url::Url,
    /// How the answer is written.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: AnswerFormat,
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AnswerFormat {
    /// For people.
    Text,
    /// For programs: the daemon's own JSON.
    Json,
}

fn server(text: &str) -> Result<url::Url, String> {
    let web = |url: &url::Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    let url = url::Url::parse(text).ok().filter(web);
    url.ok_or_else(|| "give its address with the scheme, such as http://tierwatch.monitoring:10471".into())
}

//! Every runner of the instance, for an auditor: GraphQL's list is closed to that role, REST's is not. Its rows lack the tags,
//! so each runner's details are read, too, a few in each round.

use std::collections::HashMap;
use std::time::Duration;

use gitlab::api::runners::AllRunners;

use crate::metrics::Operation;
use crate::observation::{RunnerId, RunnerReport};

use super::client::Client;
use super::error::ClientError;
use super::one_runner;
use super::paging::Paging;
use super::queue_projects::prepare;
use super::translate::runner_from_rest;

/// 10,000 runners.
const MAX_PAGES: usize = 100;

/// Runners of which one round reads the details: two requests each.
const DETAILS_PER_ROUND: usize = 20;

/// Tags and protection change seldom; GitLab writes a contact down only every 40 to 55 minutes.
const DETAILS_AGE: Duration = Duration::from_secs(30 * 60);

/// A token that is no auditor's seldom becomes one.
const ASK_AGAIN: Duration = Duration::from_secs(30 * 60);

/// The instance's runners as an auditor sees them.
#[derive(Debug, Default)]
pub(super) struct Auditor {
    details: HashMap<RunnerId, (Duration, RunnerReport)>,
    refused: Option<Duration>,
}

/// What an auditor was shown.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) runners: Vec<RunnerReport>,
    /// Runners whose details are not read yet.
    pub(super) without_details: usize,
}

impl Auditor {
    /// The runners; nothing for a token that is no auditor's.
    pub(super) async fn read(&mut self, client: &Client, now: Duration) -> Result<Option<Shown>, ClientError> {
        if self.refused.is_some_and(|at| now.saturating_sub(at) < ASK_AGAIN) {
            return Ok(None);
        }
        let endpoint = AllRunners::builder().build().map_err(prepare)?;
        let pages = match client.call(Operation::Runners).pages(&endpoint, Paging::Offset, MAX_PAGES).await {
            Ok(pages) => pages,
            Err(error) if error.is_hidden() || error.lacks_scope() => {
                self.refused = Some(now);
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let rows: Vec<RunnerReport> = pages.iter().flat_map(|page| &page.rows).filter_map(runner_from_rest).collect();
        self.details.retain(|id, _| rows.iter().any(|row| row.id == *id));
        self.read_details(client, &rows, now).await?;
        let with_details = |row: &RunnerReport| {
            let (_, details) = self.details.get(&row.id)?;
            let row = row.clone();
            Some(RunnerReport {
                description: row.description,
                status: row.status,
                paused: row.paused,
                ..details.clone()
            })
        };
        let runners: Vec<RunnerReport> = rows.iter().filter_map(with_details).collect();
        Ok(Some(Shown { without_details: rows.len() - runners.len(), runners }))
    }

    async fn read_details(&mut self, client: &Client, rows: &[RunnerReport], now: Duration) -> Result<(), ClientError> {
        let age = |id: &RunnerId| self.details.get(id).map(|(at, _)| now.saturating_sub(*at));
        let mut due: Vec<(Option<Duration>, RunnerId)> = rows.iter().map(|row| (age(&row.id), row.id)).collect();
        due.retain(|(age, _)| age.is_none_or(|age| age >= DETAILS_AGE));
        // Those never read come first, then the oldest.
        due.sort_unstable_by_key(|(age, id)| (age.is_some(), std::cmp::Reverse(*age), *id));
        for (_, id) in due.into_iter().take(DETAILS_PER_ROUND) {
            match one_runner::read(client, id).await {
                Ok(details) => drop(self.details.insert(id, (now, details))),
                // It went between the list and this request.
                Err(error) if error.is_hidden() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

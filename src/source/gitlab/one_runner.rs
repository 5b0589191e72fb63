//! One runner over REST, which shows an instance runner to every user.

use gitlab::api::runners::Runner;

use crate::metrics::Operation;
use crate::observation::{RunnerId, RunnerReport};

use super::client::Client;
use super::endpoints::RunnerManagers;
use super::error::ClientError;
use super::queue_projects::prepare;
use super::translate::{managers_from_rest, runner_from_rest};

/// Reads a runner and its managers.
///
/// # Errors
/// When GitLab does not show the runner; managers that it does not show are absent.
pub(super) async fn read(client: &Client, id: RunnerId) -> Result<RunnerReport, ClientError> {
    let call = client.call(Operation::RunnerDetails);
    let details = call.get(&Runner::builder().runner(id.0).build().map_err(prepare)?).await?;
    let mut runner = runner_from_rest(&details.json).ok_or_else(|| call.malformed("the answer is no runner"))?;
    match call.get(&RunnerManagers { runner: id.0 }).await {
        Ok(answer) => runner.managers = managers_from_rest(&answer.json),
        Err(error) if error.is_hidden() => {}
        Err(error) => return Err(error),
    }
    Ok(runner)
}

//! The way out over HTTP: the scrape, the health of the daemon, the JSON and the status page.
//!
//! Everything here reads the one published assessment; nothing here judges.

pub(crate) mod api;
mod health;
mod history;
mod page;
pub mod pusher;
mod routes;
mod runbook;
mod scrape;
mod server;
pub(crate) mod words;

use std::sync::Arc;

use prometheus_client::registry::Registry;
use tokio::sync::watch;
use url::Url;

use crate::clock::{Clock, Now};
use crate::desk::Enquiries;
use crate::model::assessment::Assessment;
use crate::state::Scraped;

pub use api::{openapi, overview};
pub use runbook::RUNBOOKS;
pub use server::Server;

pub use crate::listener::BindError;

/// What the outputs read.
#[derive(Debug, Clone)]
pub struct Outputs {
    /// Every metric.
    pub registry: Arc<Registry>,
    /// The latest judgement.
    pub assessment: watch::Receiver<Arc<Assessment>>,
    /// Where single jobs are asked for.
    pub enquiries: Enquiries,
    /// What time it is.
    pub clock: Clock,
    /// Told when the counters are read.
    pub scraped: Scraped,
    /// Where the pages of jobs are, for links.
    pub gitlab: Option<Url>,
}

/// What a request handler is given.
#[derive(Debug, Clone)]
struct State {
    outputs: Outputs,
    started: Now,
    history: history::Kept,
}

impl State {
    fn assessment(&self) -> Arc<Assessment> {
        Arc::clone(&self.outputs.assessment.borrow())
    }

    /// Real time since `earlier`, also when the clock runs fast.
    fn real_time_since(&self, earlier: &Now) -> std::time::Duration {
        self.outputs.clock.now().since(earlier).div_f64(self.outputs.clock.speed())
    }
}

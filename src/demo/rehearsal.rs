//! The same daemon in front of the simulated platform: for show, or to its end and against the truth.

use std::time::Duration;

use jiff::Timestamp;

use super::scenario::Scenario;
use super::truth::{Row, parse};
use super::{Demo, DemoError};
use crate::app::{Daemon, StartError};
use crate::clock::Clock;
use crate::config::{Config, Problems};

/// What the daemon says may be as old as one poll.
const LAG: Duration = Duration::from_secs(20);

/// A scrape on loopback that takes longer hangs.
const SCRAPE_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a demo did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// The simulated platform did not start.
    #[error("starting the simulated platform: {0}")]
    Demo(#[from] DemoError),
    /// The daemon refuses the configuration that the platform wrote for it.
    #[error("reading the demo's configuration: {0}")]
    Config(#[from] Problems),
    /// The daemon did not start.
    #[error("starting the daemon: {0}")]
    Daemon(#[from] StartError),
    /// The daemon's metrics cannot be read.
    #[error("scraping the daemon: {0}")]
    Scrape(#[from] reqwest::Error),
}

/// A running daemon and the platform it watches.
#[derive(Debug)]
pub struct Rehearsal {
    /// The simulated platform.
    pub demo: Demo,
    /// The daemon in front of it.
    pub daemon: Daemon,
}

impl Rehearsal {
    /// Starts both on one clock that runs `speed` times as fast as the wall's.
    ///
    /// # Errors
    /// When one of them cannot start.
    pub async fn start(scenario: Scenario, seed: u64, speed: f64, listen: &str) -> Result<Self, RehearsalError> {
        let clock = Clock::simulated(beginning(), speed);
        let mut demo = Demo::start(scenario, seed, clock.clone()).await?;
        let config = Config::from_yaml(&(demo.config_yaml() + &demo.webhook_yaml("127.0.0.1:0")))?;
        let daemon = Daemon::start(config, listen, clock).await?;
        if let Some(address) = daemon.hooks_address() {
            demo.send_hooks(address);
        }
        Ok(Self { demo, daemon })
    }

    /// Waits for the end of the story, then compares the truth with the daemon's own `/metrics`.
    ///
    /// # Errors
    /// When the daemon cannot be scraped.
    pub async fn finish(self) -> Result<Vec<Row>, RehearsalError> {
        self.demo.finished().await;
        let url = format!("http://{}/metrics", self.daemon.address());
        let client = reqwest::Client::builder().timeout(SCRAPE_TIMEOUT).build()?;
        let said = client.get(url).send().await?.error_for_status()?.text().await?;
        let rows = self.demo.truth().compare(&parse(&said), LAG.as_secs_f64());
        self.daemon.stop().await;
        Ok(rows)
    }
}

/// The story begins now, at a whole second: Kubernetes knows no smaller unit.
fn beginning() -> Timestamp {
    let now = Clock::system().now().wall;
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

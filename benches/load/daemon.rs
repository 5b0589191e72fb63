//! The daemon as a process of its own: started, scraped, weighed.

use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tempfile::NamedTempFile;
use tierwatch::clock::Clock;
use tierwatch::demo::Demo;
use tierwatch::demo::truth::{Sample, parse};
use tokio::time::sleep;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_tierwatch");

/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_secs(180);

/// A running daemon; dropping it kills it.
pub struct Daemon {
    child: Child,
    address: SocketAddr,
    client: reqwest::Client,
    clock: Clock,
    started: tierwatch::observation::Now,
    _config: NamedTempFile,
}

/// What one scrape brought.
pub struct Scrape {
    pub bytes: usize,
    pub took: Duration,
    pub body: bytes::Bytes,
}

/// Resident memory in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    pub now: f64,
    pub peak: f64,
}

/// Sums over the tiers that tell how much of the platform the daemon has taken in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    pub pods: f64,
    pub running: f64,
    /// Proven to be a tier's.
    pub pending: f64,
    /// Fits a tier as far as is known.
    pub uncertain: f64,
}

impl Daemon {
    /// Starts it in front of `demo`. `env` overlays the configuration that the demo writes.
    pub fn start(demo: &Demo, env: &[(&str, &str)]) -> Result<Self> {
        let mut config = NamedTempFile::new()?;
        config.write_all(demo.config_yaml().as_bytes())?;
        // Free a moment ago: nobody else on this machine takes ports on loopback by the thousand.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let clock = Clock::system();
        let started = clock.now();
        let child = Command::new(PROGRAM)
            .args(["run", "--log.level", "warn", "--web.listen-address", &address.to_string(), "--config.file"])
            .arg(config.path())
            .envs(env.iter().copied())
            .spawn()
            .context("starting the daemon")?;
        let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).no_proxy().build()?;
        Ok(Self { child, address, client, clock, started, _config: config })
    }

    /// Time since its start.
    pub fn age(&self) -> Duration {
        self.clock.now().since(&self.started)
    }

    /// Waits until it listens; how long that took.
    pub async fn listening(&mut self) -> Result<Duration> {
        while TcpStream::connect(self.address).is_err() {
            if let Some(ended) = self.child.try_wait()? {
                bail!("the daemon ended: {ended}");
            }
            sleep(Duration::from_micros(500)).await;
        }
        Ok(self.age())
    }

    /// Waits until what it says on `/metrics` satisfies `enough`; how long that took since its start.
    pub async fn until(&self, enough: impl Fn(&Seen) -> bool) -> Result<Duration> {
        loop {
            let seen = Seen::of(&self.samples().await?);
            if enough(&seen) {
                return Ok(self.age());
            }
            if self.age() > PATIENCE {
                bail!("the daemon has seen only {seen:?} after {PATIENCE:?}");
            }
            sleep(Duration::from_millis(25)).await;
        }
    }

    /// One scrape of the format that `accept` asks for.
    pub async fn scrape(&self, accept: &str) -> Result<Scrape> {
        let began = self.clock.now();
        let request = self.client.get(format!("http://{}/metrics", self.address)).header("accept", accept);
        let body = request.send().await?.error_for_status()?.bytes().await?;
        Ok(Scrape { bytes: body.len(), took: self.clock.now().since(&began), body })
    }

    /// What a scrape in text says.
    pub async fn samples(&self) -> Result<Vec<Sample>> {
        let scrape = self.scrape("text/plain").await?;
        Ok(parse(std::str::from_utf8(&scrape.body)?))
    }

    /// Resident memory, as the kernel counts it.
    pub fn memory(&self) -> Result<Memory> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let bytes = |key: &str| -> Result<f64> {
            let line = status.lines().find_map(|line| line.strip_prefix(key)).context("a line of /proc/PID/status")?;
            Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? * 1024.0)
        };
        Ok(Memory { now: bytes("VmRSS:")?, peak: bytes("VmHWM:")? })
    }

    /// CPU time used so far, by user and kernel together.
    pub fn cpu_seconds(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let (_, fields) = stat.rsplit_once(')').context("the name in /proc/PID/stat")?;
        let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
        let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
        Ok(ticks / 100.0) // Linux fixes 100 ticks a second for user space
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself: then there is nobody to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Seen {
    fn of(samples: &[Sample]) -> Self {
        let total = |name: &str| sum(samples, name, &[]);
        Self {
            pods: total("tierwatch_job_pods"),
            running: total("tierwatch_jobs_running"),
            pending: total("tierwatch_queue_pending_jobs"),
            uncertain: total("tierwatch_queue_uncertain_jobs"),
        }
    }
}

/// The sum over all series of a name that carry these labels.
pub fn sum(samples: &[Sample], name: &str, labels: &[(&str, &str)]) -> f64 {
    let carries =
        |sample: &&Sample| labels.iter().all(|(key, value)| sample.labels.get(*key).is_some_and(|v| v == value));
    samples.iter().filter(|sample| sample.name == name).filter(carries).map(|sample| sample.value).sum()
}

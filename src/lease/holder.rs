//! The task that looks at the Lease, takes it when it is free, and renews it.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::election::{Election, Record};
use super::object;
use super::term::Term;
use crate::clock::Clock;
use crate::config::HighAvailability;
use crate::error_chain::chain;
use crate::metrics::Own;
use crate::observation::Now;

/// One who would hold the Lease.
#[derive(Debug)]
pub struct Holder {
    leases: Api<Lease>,
    config: HighAvailability,
    election: Election,
    clock: Clock,
    own: Own,
    terms: watch::Sender<Term>,
    /// The Lease could not be reached, and the log knows.
    failing: bool,
}

/// Why the Lease is not as it should be.
#[derive(Debug, thiserror::Error)]
enum LeaseError {
    #[error("{}", chain(.0))]
    Api(#[from] kube::Error),
    #[error("no answer in time")]
    Late(#[from] tokio::time::error::Elapsed),
}

impl Holder {
    /// One who stands by until it runs, and where its terms are read.
    #[must_use]
    pub fn new(client: Client, config: HighAvailability, clock: Clock, own: Own) -> (Self, watch::Receiver<Term>) {
        let (terms, told) = watch::channel(Term::default());
        let leases = Api::namespaced(client, &config.namespace);
        let election = Election::new(identity(), &config);
        own.leads(false);
        (Self { leases, config, election, clock, own, terms, failing: false }, told)
    }

    /// Holds the Lease or stands by until it is stopped; then gives it up, so that the other need not wait.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            match self.turn(Election::attempt).await {
                Ok(()) => {
                    if std::mem::take(&mut self.failing) {
                        tracing::info!("the Lease can be read and written again");
                    }
                }
                Err(error) => {
                    if !std::mem::replace(&mut self.failing, true) {
                        let (name, namespace) = (&self.config.lease_name, &self.config.namespace);
                        tracing::warn!(%name, %namespace, %error, "the Lease cannot be read or written");
                    }
                }
            }
            let lapsed = self.election.lapses(&self.clock.now());
            if lapsed {
                tracing::warn!("the Lease could not be renewed in time: nothing is counted or told from now on");
            }
            self.tell();
            // Neither an answer that is on its way nor a pause may outlast the deadline.
            let pause = self.election.remaining(&self.clock.now()).unwrap_or(self.config.retry_period);
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.clock.sleep(pause.min(self.config.retry_period)) => {}
            }
        }
        if self.election.term().leads()
            && let Err(error) = self.turn(Election::farewell).await
        {
            tracing::warn!(%error, "the Lease was not given up: the other one waits until it has run out");
        }
        self.tell();
    }

    /// Looks, and writes what by that it may.
    async fn turn(&mut self, wish: fn(&Election, &Now) -> Option<Record>) -> Result<(), LeaseError> {
        let lease = self.within(self.leases.get_opt(&self.config.lease_name)).await?;
        let now = self.clock.now();
        self.election.sees(lease.as_ref().map(object::record), &now);
        match wish(&self.election, &now) {
            Some(record) => self.write(lease, record).await,
            None => Ok(()),
        }
    }

    /// Writes the Lease as it was read: if somebody else was quicker, the API server refuses.
    async fn write(&mut self, lease: Option<Lease>, record: Record) -> Result<(), LeaseError> {
        let asked = self.clock.now();
        let (name, params) = (self.config.lease_name.clone(), PostParams::default());
        let written = match lease {
            Some(lease) => {
                let lease = object::with(lease, &record);
                self.within(self.leases.replace(&name, &params, &lease)).await
            }
            None => {
                let mut lease = Lease::default();
                lease.metadata.name = Some(name);
                let lease = object::with(lease, &record);
                self.within(self.leases.create(&params, &lease)).await
            }
        };
        match written {
            Ok(_) => {
                self.election.written(record, &asked);
                Ok(())
            }
            Err(LeaseError::Api(kube::Error::Api(refused))) if refused.code == 409 => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn within<T>(&self, asked: impl Future<Output = Result<T, kube::Error>>) -> Result<T, LeaseError> {
        let most = self.config.renew_deadline / 2;
        let patience = self.election.remaining(&self.clock.now()).map_or(most, |left| left.min(most));
        // A first word even to one whose time is up.
        Ok(tokio::time::timeout(patience.max(Duration::from_secs(1)), asked).await??)
    }

    fn tell(&self) {
        let term = self.election.term();
        let before = self.terms.send_replace(term);
        match (before, term) {
            (Term::StandsBy { .. }, Term::Leads { from, takes_over: true, .. }) => {
                tracing::info!(%from, "holding the Lease: counting what happened since its former holder's last renewal");
            }
            (Term::StandsBy { .. }, Term::Leads { .. }) => tracing::info!("holding the Lease: counting"),
            (Term::Leads { .. }, Term::StandsBy { .. }) => tracing::info!("standing by"),
            (Term::StandsBy { .. }, Term::StandsBy { .. }) | (Term::Leads { .. }, Term::Leads { .. }) => {}
        }
        self.own.leads(term.leads());
    }
}

/// The pod's name, and what tells apart two runs of it.
fn identity() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}_{:016x}", host.trim(), fastrand::u64(..))
}

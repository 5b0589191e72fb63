//! When Alertmanager is told: at once when something changed, and again before it would forget.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::body::{PostableAlert, alerts};
use super::client::Client;
use crate::clock::Clock;
use crate::config::Alertmanager;
use crate::lease::Term;
use crate::metrics::{Own, PushResult};
use crate::model::assessment::Assessment;
use crate::rules::Texts;

/// After a failure it is tried again so much later, twice as late each time.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// But not later than this.
const LAST_RETRY: Duration = Duration::from_secs(30);

/// Tells every configured Alertmanager.
#[derive(Debug)]
pub struct Pusher {
    /// Where, and how.
    pub config: Alertmanager,
    /// What an alert says beside its reason.
    pub texts: Arc<Texts>,
    /// What fires.
    pub assessments: watch::Receiver<Arc<Assessment>>,
    /// Whether it is this one's to tell; absent: it is alone.
    pub terms: Option<watch::Receiver<Term>>,
    /// What time it is.
    pub clock: Clock,
    /// Where its own health is told.
    pub own: Own,
}

impl Pusher {
    /// Tells until it is stopped; then once more what fires by then.
    pub async fn run(self, stop: CancellationToken) {
        let mut tasks = JoinSet::new();
        for url in &self.config.urls {
            let line = Line {
                client: Client::new(url.clone(), self.config.clone()),
                resend: self.config.resend,
                texts: Arc::clone(&self.texts),
                assessments: self.assessments.clone(),
                terms: self.terms.clone(),
                clock: self.clock.clone(),
                own: self.own.clone(),
            };
            tasks.spawn(line.run(stop.clone()));
        }
        while tasks.join_next().await.is_some() {}
    }
}

/// The way to one Alertmanager.
struct Line {
    client: Client,
    resend: Duration,
    texts: Arc<Texts>,
    assessments: watch::Receiver<Arc<Assessment>>,
    terms: Option<watch::Receiver<Term>>,
    clock: Clock,
    own: Own,
}

impl Line {
    async fn run(mut self, stop: CancellationToken) {
        let mut known: Option<Vec<Told>> = None;
        let mut failures: u32 = 0;
        let mut due = true;
        let mut next = Box::pin(self.clock.clone().sleep_owned(self.resend));
        loop {
            // Who stands by knows nothing better than who tells; when it takes over, it tells everything.
            if !self.leads() {
                (known, failures, due) = (None, 0, true);
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = self.leads_again() => {}
                }
            }
            let body = alerts(&self.assessments.borrow_and_update(), &self.texts, self.resend);
            let told: Vec<Told> = body.iter().map(Told::of).collect();
            if due || known.as_ref() != Some(&told) {
                failures = if self.tell(&body, failures).await { 0 } else { failures.saturating_add(1) };
                known = (failures == 0).then_some(told);
                next = Box::pin(self.clock.clone().sleep_owned(self.pause(failures)));
            }
            if stop.is_cancelled() {
                return;
            }
            due = tokio::select! {
                () = stop.cancelled() => true,
                () = &mut next => true,
                // While it does not answer, news waits for the next attempt.
                changed = self.assessments.changed(), if failures == 0 => {
                    if changed.is_err() {
                        return;
                    }
                    false
                }
            };
        }
    }

    fn leads(&mut self) -> bool {
        self.terms.as_mut().is_none_or(|terms| terms.borrow_and_update().leads())
    }

    async fn leads_again(&mut self) {
        if let Some(terms) = &mut self.terms
            && terms.wait_for(Term::leads).await.is_err()
        {
            // Its task is gone: nobody can say that this one may tell.
            std::future::pending().await
        }
    }

    fn pause(&self, failures: u32) -> Duration {
        match failures {
            0 => self.resend,
            _ => FIRST_RETRY.saturating_mul(1 << failures.min(5)).min(LAST_RETRY).min(self.resend),
        }
    }

    /// Whether it knows now. The log is told of the first failure in a row and of its end.
    async fn tell(&mut self, body: &[PostableAlert], failures: u32) -> bool {
        let url = self.client.url().to_owned();
        match self.client.post(body).await {
            Ok(()) => {
                self.own.pushed(PushResult::Sent);
                if failures > 0 {
                    tracing::info!(%url, "Alertmanager takes alerts again");
                }
                true
            }
            Err(error) => {
                self.own.pushed(PushResult::Failed);
                if failures == 0 {
                    tracing::warn!(%url, %error, "Alertmanager is not told of alerts");
                }
                false
            }
        }
    }
}

/// What of an alert is news: not that it still fires, nor how its numbers change.
#[derive(Debug, PartialEq)]
struct Told {
    labels: BTreeMap<String, String>,
    is_over: bool,
}

impl Told {
    fn of(alert: &PostableAlert) -> Self {
        Self { labels: alert.labels.clone(), is_over: alert.is_over }
    }
}

//! Between the desk and the disk: a key is on disk before its occurrence is counted, and nothing is counted before a
//! first scrape has seen the zeros.
//!
//! The desk never waits. A thread of its own writes; what the disk does not take in time is counted without it, and
//! that is told.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::file::StateFile;
use super::identity::Identity;
use super::journal::Entry;
use crate::model::fleet::Left;
use crate::model::occurrence::Occurrence;
use crate::observation::{Earlier, EarlierAlert, JobId, LookUp, Now};

/// Open jobs and last answers are written this often; by so much a gap may be told too long.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// While nothing may be counted yet, alerts that stay as they are are written again this often: a run that left nothing
/// for ten minutes is not gone on from.
const STILL_SO: Duration = Duration::from_secs(60);

/// A disk that takes longer is not waited for: a counter that stands still hides an outage.
const PATIENCE: Duration = Duration::from_secs(5);

/// Entries on their way to the disk.
const ENTRIES: usize = 256;

/// Occurrences that wait for the first scrape, of about 200 bytes each: 20 MB.
const MOST_WAITING: usize = 100_000;

/// Whether the counters were read since the process began. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Scraped(Arc<AtomicBool>);

impl Scraped {
    /// Somebody reads them.
    pub fn happened(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn has_happened(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Keeps occurrences back until their keys are on disk.
#[derive(Debug)]
pub struct Keeper {
    scraped: Scraped,
    entries: Option<SyncSender<(u64, Entry)>>,
    written: UnboundedReceiver<u64>,
    /// Not sent yet.
    waiting: Vec<Occurrence>,
    waiting_since: Option<Duration>,
    next: Option<Entry>,
    /// Sent, and not known to be on disk.
    sent: VecDeque<(u64, Duration, Vec<Occurrence>)>,
    number: u64,
    left: Left,
    beat: Option<Duration>,
    /// When alerts were last written on their own.
    alerts_written: Option<Duration>,
    hurries: bool,
}

impl Keeper {
    /// Opens the state file at `path` and tells what it holds. Without a file to work with: `None`, and the log says
    /// why. Waits for the disk.
    #[must_use]
    pub fn open(path: &Path, of: Identity, now: Now, keep: Duration, scraped: Scraped) -> Option<(Self, Earlier)> {
        let opened = StateFile::open(path, of, now.wall, keep);
        let file = opened
            .inspect_err(|error| {
                tracing::error!("running without the state file, a restart begins anew: {error}");
            })
            .ok()?;
        let earlier = file.memory().earlier();
        let (keeper, entries, written) = Self::channel(scraped, &earlier);
        // A thread of its own and not one of the runtime's: a disk that hangs must not keep the process from ending.
        let thread = std::thread::Builder::new().name("state".to_owned());
        let started = thread.spawn(move || write(file, &entries, &written));
        started.inspect_err(|error| tracing::error!("running without the state file: no thread: {error}")).ok()?;
        Some((keeper, earlier))
    }

    fn channel(scraped: Scraped, earlier: &Earlier) -> (Self, Receiver<(u64, Entry)>, UnboundedSender<u64>) {
        let (sender, entries) = sync_channel(ENTRIES);
        let (teller, written) = unbounded_channel();
        let open = earlier.open.iter().map(|open| (open.job, open.project)).collect();
        let keeper = Self {
            scraped,
            entries: Some(sender),
            written,
            waiting: Vec::new(),
            waiting_since: None,
            next: None,
            sent: VecDeque::new(),
            number: 0,
            left: Left { open, seen: earlier.seen.iter().cloned().collect(), alerts: earlier.alerts.clone() },
            beat: None,
            alerts_written: None,
            hurries: false,
        };
        (keeper, entries, teller)
    }

    /// Takes what happened, and gives back what needs no key.
    pub fn take(&mut self, occurrences: Vec<Occurrence>) -> Vec<Occurrence> {
        let keep = |occurrence: &Occurrence| {
            // A gap is told by the same scrapes as what it explains.
            occurrence.key().is_some() || matches!(occurrence, Occurrence::Gap { .. })
        };
        let (kept, free) = occurrences.into_iter().partition(keep);
        self.waiting.extend::<Vec<_>>(kept);
        free
    }

    /// A turn of the desk is over: what it took goes to the disk.
    pub fn send(&mut self, now: Now) {
        if self.holds_back() || (self.waiting.is_empty() && self.next.is_none()) {
            return;
        }
        let since = *self.waiting_since.get_or_insert(now.mono);
        let noted = self.next.take().unwrap_or_else(|| Entry::new(now.wall));
        let keys = self.waiting.iter().filter_map(Occurrence::key).map(|key| key.0);
        let sending = Entry { at: now.wall, keys: keys.chain(noted.keys).collect(), ..noted };
        self.number += 1;
        let Some(entries) = &self.entries else { return };
        match entries.try_send((self.number, sending)) {
            Ok(()) => {
                self.sent.push_back((self.number, since, std::mem::take(&mut self.waiting)));
                self.waiting_since = None;
            }
            Err(TrySendError::Full((_, mut entry)) | TrySendError::Disconnected((_, mut entry))) => {
                // Taken from what waits again at the next attempt.
                let waiting = self.waiting.iter().filter_map(Occurrence::key).count();
                entry.keys.drain(..waiting);
                self.next = (!entry.is_empty()).then_some(entry);
            }
        }
    }

    /// Time passed: what is left for the next run is written, and what waited for too long is given back.
    pub fn tick(&mut self, now: Now, left: impl FnOnce() -> Left) -> Vec<Occurrence> {
        let beats = self.beat.is_none_or(|beat| now.mono.saturating_sub(beat) >= HEARTBEAT);
        if beats {
            self.beat = Some(now.mono);
        }
        if self.holds_back() {
            if beats {
                self.keep_alerts(now, left().alerts);
            }
            return Vec::new();
        }
        if beats {
            self.note(now, left());
        }
        self.send(now);
        self.overdue(now)
    }

    /// Waits until something is on disk, and gives back what may be counted.
    pub async fn written(&mut self) -> Vec<Occurrence> {
        match self.written.recv().await {
            Some(number) => self.release(number),
            None if self.sent.is_empty() => std::future::pending().await,
            // The thread is gone; what it did not write is counted all the same.
            None => self.sent.drain(..).flat_map(|(_, _, occurrences)| occurrences).collect(),
        }
    }

    /// The desk stops: the last keys are written and the last occurrences given back. Where nobody ever scraped, the
    /// next run counts them.
    pub async fn finish(mut self, now: Now, left: Left) -> Vec<Occurrence> {
        if self.holds_back() {
            self.alerts_written = None;
            self.keep_alerts(now, left.alerts);
        } else {
            self.note(now, left);
            self.send(now);
        }
        self.entries = None;
        let mut released = Vec::new();
        let last = async {
            while !self.sent.is_empty() {
                released.extend(self.written().await);
            }
        };
        if tokio::time::timeout(PATIENCE, last).await.is_err() {
            tracing::warn!("the last keys are not in the state file: its disk is too slow");
            released.extend(self.sent.drain(..).flat_map(|(_, _, occurrences)| occurrences));
        }
        if !self.holds_back() {
            released.append(&mut self.waiting);
        }
        released
    }

    /// Alerts are no counters: who is told of them by Alertmanager may never scrape, and must not be paged anew. Nothing
    /// else goes with them, so that what is counted stays as it was.
    fn keep_alerts(&mut self, now: Now, alerts: Vec<EarlierAlert>) {
        let fresh = self.alerts_written.is_some_and(|written| now.mono.saturating_sub(written) < STILL_SO);
        if self.left.alerts == alerts && (fresh || alerts.is_empty()) {
            return;
        }
        let Some(entries) = &self.entries else { return };
        let entry = Entry { alerts: Some(alerts.clone()), ..Entry::new(now.wall) };
        self.number += 1;
        if entries.try_send((self.number, entry)).is_ok() {
            self.sent.push_back((self.number, now.mono, Vec::new()));
            (self.left.alerts, self.alerts_written) = (alerts, Some(now.mono));
        }
    }

    /// Nobody has read the zeros yet.
    fn holds_back(&self) -> bool {
        !self.scraped.has_happened() && self.waiting.len() <= MOST_WAITING
    }

    /// Notes what changed beside what was counted.
    fn note(&mut self, now: Now, left: Left) {
        let before = std::mem::replace(&mut self.left, left);
        let entry = self.next.get_or_insert_with(|| Entry::new(now.wall));
        let opened = self.left.open.iter().filter(|(job, _)| !before.open.contains_key(job));
        entry.opened.extend(opened.map(|(job, project)| LookUp { job: *job, project: *project }));
        entry.closed.extend(before.open.keys().filter(|job| !self.left.open.contains_key(job)).map(|JobId(job)| *job));
        let answered = self.left.seen.iter().filter(|(source, at)| before.seen.get(source) != Some(at));
        entry.seen.extend(answered.map(|(source, at)| (source.clone(), *at)));
        if before.alerts != self.left.alerts {
            entry.alerts = Some(self.left.alerts.clone());
        }
        if entry.is_empty() {
            self.next = None;
        }
    }

    fn release(&mut self, number: u64) -> Vec<Occurrence> {
        if std::mem::take(&mut self.hurries) {
            tracing::info!("the state file's disk keeps up again");
        }
        let mut released = Vec::new();
        while self.sent.front().is_some_and(|(sent, _, _)| *sent <= number) {
            released.extend(self.sent.pop_front().into_iter().flat_map(|(_, _, occurrences)| occurrences));
        }
        released
    }

    fn overdue(&mut self, now: Now) -> Vec<Occurrence> {
        let late = |since: Duration| now.mono.saturating_sub(since) > PATIENCE;
        let mut released = Vec::new();
        for (_, since, occurrences) in &mut self.sent {
            if late(*since) {
                released.append(occurrences);
            }
        }
        if self.waiting_since.is_some_and(late) {
            let keys = self.waiting.iter().filter_map(Occurrence::key).map(|key| key.0);
            self.next.get_or_insert_with(|| Entry::new(now.wall)).keys.extend(keys);
            released.append(&mut self.waiting);
            self.waiting_since = None;
        }
        if !released.is_empty() && !std::mem::replace(&mut self.hurries, true) {
            tracing::warn!(
                "the state file's disk is too slow: what happens is counted without it, and a restart before it \
                 catches up may count it again"
            );
        }
        released
    }
}

/// The thread that writes, until the desk has stopped.
fn write(mut file: StateFile, entries: &Receiver<(u64, Entry)>, written: &UnboundedSender<u64>) {
    let mut failing = false;
    while let Ok((number, entry)) = entries.recv() {
        match file.add(&entry) {
            Ok(()) => {
                if std::mem::take(&mut failing) {
                    tracing::info!("the state file is written again");
                }
            }
            Err(error) => {
                let withdrawn = file.withdraw();
                if !std::mem::replace(&mut failing, true) {
                    tell(&error, withdrawn);
                }
            }
        }
        // What cannot be remembered is counted all the same.
        if written.send(number).is_err() {
            return;
        }
    }
}

fn tell(error: &std::io::Error, withdrawn: std::io::Result<()>) {
    match withdrawn {
        Ok(()) => tracing::error!("the state file cannot be written, a restart begins anew: {error}"),
        Err(stays) => tracing::error!(
            "the state file can neither be written ({error}) nor taken away ({stays}): a restart may count again what \
             is counted from now on"
        ),
    }
}

#[cfg(test)]
#[path = "keeper_tests.rs"]
mod tests;

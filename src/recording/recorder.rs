//! The desk's end of a recording. It never waits: what the writer cannot take is counted as lost, and the recording
//! says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use tokio::sync::oneshot;

use super::format::{Header, Line};
use super::names::Names;
use super::writer::{RecordError, Settings, Writer};
use crate::observation::{Now, Observation};

/// Lines that may wait for the writer: several minutes of a quiet platform.
const WAITING_LINES: usize = 4096;

/// Jobs, pods and the like in the lines that wait. At about half a kilobyte each they take 16 MB at most, and the
/// poll of a very long queue still fits.
const WAITING_OBJECTS: usize = 32_768;

/// A disk that does not take the last lines within this time is not waited for.
const LAST_LINES: Duration = Duration::from_secs(5);

/// What goes to the writer.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) line: Line,
    objects: usize,
}

/// Writes down what the desk does.
#[derive(Debug)]
pub struct Recorder {
    channel: SyncSender<Parcel>,
    waiting: Arc<AtomicUsize>,
    names: Option<Names>,
    lost: u64,
}

/// The writer's end of the channel.
#[derive(Debug)]
pub(super) struct Parcels {
    channel: Receiver<Parcel>,
    waiting: Arc<AtomicUsize>,
}

impl Parcels {
    /// The next one; `None` when the desk has stopped.
    pub(super) fn next(&self) -> Option<Line> {
        let parcel = self.channel.recv().ok()?;
        self.waiting.fetch_sub(parcel.objects, Ordering::Relaxed);
        Some(parcel.line)
    }
}

/// Tells when the last line is on disk.
#[derive(Debug)]
pub struct Finished(oneshot::Receiver<()>);

impl Finished {
    /// Waits for the last line, for a while.
    pub async fn wait(self) {
        if tokio::time::timeout(LAST_LINES, self.0).await.is_err() {
            tracing::warn!("the recording's last lines are not written: its disk is too slow");
        }
    }
}

impl Recorder {
    /// Creates the file and starts the thread that writes it.
    ///
    /// # Errors
    /// When the file exists or cannot be created.
    pub fn start(settings: Settings, header: Header) -> Result<(Self, Finished), RecordError> {
        let names = settings.hash_names.then(Names::default);
        let writer = Writer::create(settings, header)?;
        let (recorder, parcels) = Self::channel(names, WAITING_LINES);
        let (finished, end) = oneshot::channel();
        let work = move || {
            writer.run(&parcels);
            // Nobody waits any more where the daemon was told twice to stop.
            let _ = finished.send(());
        };
        // A thread of its own and not one of the runtime's: a disk that hangs must not keep the process from ending.
        let thread = std::thread::Builder::new().name("recording".to_owned());
        thread.spawn(work).map_err(RecordError::Thread)?;
        Ok((recorder, Finished(end)))
    }

    pub(super) fn channel(names: Option<Names>, lines: usize) -> (Self, Parcels) {
        let (channel, parcels) = sync_channel(lines);
        let waiting = Arc::new(AtomicUsize::new(0));
        let parcels = Parcels { channel: parcels, waiting: Arc::clone(&waiting) };
        (Self { channel, waiting, names, lost: 0 }, parcels)
    }

    /// The desk is about to fold `observation`.
    pub fn seen(&mut self, observation: &Observation) {
        let objects = observation.body.objects();
        let full = self.waiting.load(Ordering::Relaxed).saturating_add(objects) > WAITING_OBJECTS;
        // A poll that is larger than the bound still goes through an empty channel.
        if full && self.waiting.load(Ordering::Relaxed) > 0 {
            return self.lose();
        }
        let observation = match &self.names {
            Some(names) => names.hide(observation),
            None => observation.clone(),
        };
        self.offer(Line::Seen(Box::new(observation)), objects);
    }

    /// The desk judged.
    pub fn judged(&mut self, now: Now) {
        self.offer(Line::Judged(now), 0);
    }

    fn offer(&mut self, line: Line, objects: usize) {
        // What was lost is told before anything that came after it.
        if self.lost > 0 {
            if !self.send(Line::Lost(self.lost), 0) {
                return self.lose();
            }
            tracing::warn!(lines = self.lost, "the recording goes on with a gap: its disk was too slow");
            self.lost = 0;
        }
        if !self.send(line, objects) {
            self.lose();
        }
    }

    fn lose(&mut self) {
        if self.lost == 0 {
            tracing::warn!("the recording loses lines: its disk is too slow");
        }
        self.lost += 1;
    }

    fn send(&self, line: Line, objects: usize) -> bool {
        self.waiting.fetch_add(objects, Ordering::Relaxed);
        match self.channel.try_send(Parcel { line, objects }) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.waiting.fetch_sub(objects, Ordering::Relaxed);
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::{Body, SourceKey, SourceKind};

    fn at(second: u64) -> Now {
        let mono = Duration::from_secs(second);
        Now { wall: jiff::Timestamp::UNIX_EPOCH + mono, mono }
    }

    fn tick(second: u64) -> Observation {
        Observation { source: SourceKey::global(SourceKind::Clock), at: at(second), body: Body::Tick }
    }

    fn lines(parcels: &Parcels) -> Vec<Line> {
        std::iter::from_fn(|| {
            let parcel = parcels.channel.try_recv().ok()?;
            parcels.waiting.fetch_sub(parcel.objects, Ordering::Relaxed);
            Some(parcel.line)
        })
        .collect()
    }

    #[test]
    fn a_writer_that_stands_still_costs_lines_and_never_the_desk() {
        let (mut recorder, parcels) = Recorder::channel(None, 3);
        (0..10).for_each(|second| recorder.seen(&tick(second)));
        assert_eq!(lines(&parcels).len(), 3);
        recorder.judged(at(10));
        assert_eq!(lines(&parcels), [Line::Lost(7), Line::Judged(at(10))], "the gap stands where it was");
        recorder.judged(at(11));
        assert_eq!(lines(&parcels), [Line::Judged(at(11))]);
        drop(parcels);
        recorder.judged(at(12));
    }

    #[test]
    fn large_lists_that_wait_are_bounded_by_what_they_hold() {
        let projects = |number: usize| {
            let one =
                |id| crate::observation::ProjectReport { id: crate::observation::ProjectId(id), path: "a/b".into() };
            let body = Body::Projects((0..number as u64).map(one).collect());
            Observation { source: SourceKey::global(SourceKind::GitlabQueue), at: at(1), body }
        };
        let (mut recorder, parcels) = Recorder::channel(None, 100);
        recorder.seen(&projects(WAITING_OBJECTS + 1));
        recorder.seen(&projects(1));
        let told = lines(&parcels);
        assert_eq!(told.len(), 1, "one that is too large alone goes through, and nothing beside it");
        recorder.seen(&projects(1));
        assert!(matches!(lines(&parcels)[..], [Line::Lost(1), Line::Seen(_)]));
    }
}

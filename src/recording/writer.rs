//! The files: compressed, flushed every other second, followed by the next one when large or old, bounded in number.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::format::{Header, Line};
use super::parts;
use super::recorder::Parcels;
use crate::observation::{Body, Now};

/// What a kill may cost. More often would cost compression.
const FLUSH: Duration = Duration::from_secs(2);

/// After a failed write the next file is tried this much later.
const TRY_AGAIN: Duration = Duration::from_secs(60);

/// Where and how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The file that is being written.
    pub file: PathBuf,
    /// A file of this many (compressed) bytes is full.
    pub max_bytes: u64,
    /// So is one this old.
    pub max_age: Duration,
    /// Files that are kept, the one being written included.
    pub keep: u64,
    /// Whether names are hidden.
    pub hash_names: bool,
}

/// Why nothing can be recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// There is a recording of this name.
    #[error(
        "--record: {0} exists: a recording is never overwritten or continued; name another file, e.g. with the date \
         in its name, or move this one and its parts away"
    )]
    Exists(PathBuf),
    /// The file cannot be created.
    #[error("--record: creating {file}: {error}")]
    Create {
        /// Which one.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// No thread to write with.
    #[error("--record: starting the thread that writes: {0}")]
    Thread(#[source] io::Error),
}

/// Owns the files of one recording.
#[derive(Debug)]
pub(super) struct Writer {
    settings: Settings,
    header: Header,
    part: Option<Part>,
    /// Lines the desk told, those included that were lost.
    told: u64,
    /// The last tick: rotation and flushing go by the recorded time.
    now: Now,
    failed: Now,
}

impl Writer {
    /// Creates the first file.
    pub(super) fn create(settings: Settings, header: Header) -> Result<Self, RecordError> {
        let file = settings.file.clone();
        let create = |error| RecordError::Create { file: file.clone(), error };
        if let Some((_, full)) = parts::full(&file).map_err(create)?.into_iter().next() {
            return Err(RecordError::Exists(full));
        }
        let first = Part::create(&file, &header, header.began).map_err(|error| {
            let exists = error.kind() == io::ErrorKind::AlreadyExists;
            if exists { RecordError::Exists(file.clone()) } else { create(error) }
        })?;
        let now = header.began;
        Ok(Self { settings, header, part: Some(first), told: 0, now, failed: now })
    }

    /// Writes until the desk has stopped.
    pub(super) fn run(mut self, parcels: &Parcels) {
        while let Some(line) = parcels.next() {
            self.take(&line);
        }
        if let Some(part) = self.part.take()
            && let Err(error) = part.end()
        {
            self.warn(&error);
        }
    }

    fn take(&mut self, line: &Line) {
        let ticked = match line {
            Line::Seen(observation) if matches!(observation.body, Body::Tick) => Some(observation.at),
            Line::Seen(_) | Line::Judged(_) | Line::Lost(_) | Line::End => None,
        };
        if let Some(now) = ticked {
            self.now = now;
            self.turn_the_page();
        }
        let done = self.part.as_mut().map_or(Ok(()), |part| part.write(line));
        self.told += if let Line::Lost(lines) = line { *lines } else { 1 };
        let done = done.and_then(|()| self.part.as_mut().map_or(Ok(()), |part| part.flush(&self.now)));
        if let Err(error) = done {
            self.give_up_part(&error);
        }
    }

    /// A full file is followed by the next, and so is one that could not be written, after a while.
    fn turn_the_page(&mut self) {
        let due = match &self.part {
            Some(part) => {
                part.bytes() >= self.settings.max_bytes || self.now.since(&part.began) >= self.settings.max_age
            }
            None => self.now.since(&self.failed) >= TRY_AGAIN,
        };
        if !due {
            return;
        }
        if let Some(part) = self.part.take()
            && let Err(error) = part.end()
        {
            return self.give_up_part(&error);
        }
        match self.next_part() {
            Ok(part) => self.part = Some(part),
            Err(error) => self.give_up_part(&error),
        }
    }

    fn next_part(&mut self) -> io::Result<Part> {
        let Settings { file, keep, .. } = &self.settings;
        match std::fs::rename(file, parts::kept(file, self.header.part)) {
            // The name of a file that could not be created is free for the next attempt.
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let full = parts::full(file)?;
        let kept = usize::try_from(keep.saturating_sub(1)).unwrap_or(usize::MAX);
        for (_, old) in full.iter().take(full.len().saturating_sub(kept)) {
            std::fs::remove_file(old)?;
        }
        self.header.part += 1;
        self.header.before = self.told;
        Part::create(file, &self.header, self.now)
    }

    fn give_up_part(&mut self, error: &io::Error) {
        self.warn(error);
        self.part = None;
        self.failed = self.now;
    }

    fn warn(&self, error: &io::Error) {
        let file = self.settings.file.display();
        tracing::warn!(%file, %error, "the recording has a gap from here on; the next file is tried in a minute");
    }
}

/// One file.
#[derive(Debug)]
struct Part {
    gzip: GzEncoder<Counted>,
    /// One line, so that the encoder is called once for it.
    text: Vec<u8>,
    began: Now,
    flushed: Now,
}

impl Part {
    /// Readable by its owner only: it tells what a platform runs.
    fn create(path: &Path, header: &Header, began: Now) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        let gzip = GzEncoder::new(Counted { file, bytes: 0 }, Compression::fast());
        let mut part = Self { gzip, text: Vec::new(), began, flushed: began };
        part.write(header)?;
        part.gzip.flush()?;
        Ok(part)
    }

    fn write(&mut self, line: &impl serde::Serialize) -> io::Result<()> {
        self.text.clear();
        serde_json::to_writer(&mut self.text, line)?;
        self.text.push(b'\n');
        self.gzip.write_all(&self.text)
    }

    fn flush(&mut self, now: &Now) -> io::Result<()> {
        if now.since(&self.flushed) >= FLUSH {
            self.flushed = *now;
            self.gzip.flush()?;
        }
        Ok(())
    }

    fn end(mut self) -> io::Result<()> {
        self.write(&Line::End)?;
        self.gzip.finish()?;
        Ok(())
    }

    fn bytes(&self) -> u64 {
        self.gzip.get_ref().bytes
    }
}

/// A file that knows its size.
#[derive(Debug)]
struct Counted {
    file: File,
    bytes: u64,
}

impl Write for Counted {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.file.write(buffer)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;

//! The file: locked, read, set aside where it cannot be used, added to, and now and then written anew.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::identity::Identity;
use super::journal::{self, Entry, Unreadable};
use super::memory::Memory;

/// A state file is 10 MB at most; what is ten times as long is none.
const LONGEST: u64 = 100 << 20;

/// Written anew when this was added, and at least as much as it then holds.
const ADDED: u64 = 1 << 20;

/// Why there is no state file to work with. The daemon runs without it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    #[error("{doing} {}: {source}", path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
    #[error("another tierwatch uses {}: each needs a file of its own", path.display())]
    Locked { path: PathBuf },
}

/// Why a file's content is not taken over.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("{0}")]
    Foreign(String),
    #[error("it is longer than any state file")]
    TooLong,
}

/// The state file of this process.
#[derive(Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    /// Held for its lock.
    _lock: File,
    memory: Memory,
    keep: Duration,
    /// Where lines are added; absent until it is written anew.
    journal: Option<File>,
    added: u64,
    size: u64,
}

impl StateFile {
    /// Opens the file for a daemon that watches `of` and begins at `now`; keys are kept for `keep`.
    pub(super) fn open(path: &Path, of: Identity, now: Timestamp, keep: Duration) -> Result<Self, Unusable> {
        let lock = lock(path)?;
        let memory = match load(path, &of)? {
            Ok(memory) => memory,
            Err(refused) => {
                let aside = beside(path, "set-aside");
                fs::rename(path, &aside).map_err(|source| Unusable::Io {
                    doing: "setting aside",
                    path: path.to_owned(),
                    source,
                })?;
                let (file, kept) = (path.display(), aside.display());
                tracing::warn!(%file, kept_as = %kept, "the state file is set aside, this run begins anew: {refused}");
                None
            }
        };
        let first = memory.is_none();
        let mut memory = memory.unwrap_or_else(|| Memory::new(of, now));
        memory.forget(now, keep);
        let file = path.display();
        tracing::info!(%file, first, "what is counted is remembered in the state file");
        Ok(Self { path: path.to_owned(), _lock: lock, memory, keep, journal: None, added: 0, size: 0 })
    }

    pub(super) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Adds an entry; when this returns, it is on disk. What could not be written is in the next attempt.
    pub(super) fn add(&mut self, entry: &Entry) -> io::Result<()> {
        self.memory.take(entry);
        let due = self.added > ADDED.max(self.size);
        let Some(journal) = self.journal.as_mut().filter(|_| !due) else { return self.write_anew(entry.at) };
        let line = journal::line(entry);
        let written = journal.write_all(&line).and_then(|()| journal.sync_data());
        self.added += line.len() as u64;
        if written.is_err() {
            self.journal = None;
        }
        written
    }

    /// Takes the file away, so that no later run goes on from what is out of date.
    pub(super) fn withdraw(&mut self) -> io::Result<()> {
        self.journal = None;
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => sync_folder(&self.path),
        }
    }

    fn write_anew(&mut self, now: Timestamp) -> io::Result<()> {
        self.journal = None;
        self.memory.forget(now, self.keep);
        let (header, entries) = self.memory.lines();
        let mut text = journal::line(&header);
        entries.iter().for_each(|entry| text.extend(journal::line(entry)));
        // `tempfile` makes it readable by its owner alone.
        let mut news = tempfile::NamedTempFile::new_in(folder(&self.path))?;
        news.write_all(&text)?;
        news.as_file().sync_all()?;
        self.journal = Some(news.persist(&self.path)?);
        sync_folder(&self.path)?;
        (self.added, self.size) = (0, text.len() as u64);
        Ok(())
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder(path))?.sync_all()
}

/// A name beside the file's.
fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{what}"));
    path.with_file_name(name)
}

/// A file of its own: the state file is replaced, and a lock stays with what was replaced.
fn lock(path: &Path) -> Result<File, Unusable> {
    let path = beside(path, "lock");
    let failed = |source| Unusable::Io { doing: "locking", path: path.clone(), source };
    let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Unusable::Locked { path: path.with_extension("") }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

fn load(path: &Path, of: &Identity) -> Result<Result<Option<Memory>, Refused>, Unusable> {
    let failed = |source| Unusable::Io { doing: "reading", path: path.to_owned(), source };
    let bytes = match fs::metadata(path) {
        Ok(about) if about.len() > LONGEST => return Ok(Err(Refused::TooLong)),
        Ok(_) => fs::read(path).map_err(failed)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Ok(None)),
        Err(error) => return Err(failed(error)),
    };
    Ok(understand(&bytes, of))
}

fn understand(bytes: &[u8], of: &Identity) -> Result<Option<Memory>, Refused> {
    let Some((header, entries)) = journal::read(bytes)? else { return Ok(None) };
    let memory = Memory::read(header, entries);
    match of.differs(memory.of()) {
        Some(how) => Err(Refused::Foreign(how)),
        None => Ok(Some(memory)),
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;

//! A secret in a file, read again when the file changes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use secrecy::SecretString;

/// A file that holds one secret. Clones share what was read.
#[derive(Debug, Clone)]
pub struct SecretFile {
    path: PathBuf,
    cached: Arc<Mutex<Option<Cached>>>,
}

#[derive(Debug)]
struct Cached {
    modified: Option<SystemTime>,
    secret: SecretString,
}

/// Why a secret cannot be had. The text names the file, never its content.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("reading the secret file {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
    /// There is nothing in it.
    #[error("the secret file {path} is empty; it should hold one token on one line")]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

impl SecretFile {
    /// The secret in the file at `path`; nothing is read yet.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), cached: Arc::default() }
    }

    /// Where the secret is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// When the file as it was last read had been written; a mounted Secret is written anew when its pod starts.
    #[must_use]
    pub fn written(&self) -> Option<SystemTime> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner).as_ref()?.modified
    }

    /// The secret as it is now, without surrounding white space. Reads the file only when its modification
    /// time moved, so this is cheap enough for every request.
    ///
    /// # Errors
    /// When the file cannot be read or is empty.
    pub fn read(&self) -> Result<SecretString, SecretError> {
        let failed = |source| SecretError::Read { path: self.path.clone(), source };
        let modified = std::fs::metadata(&self.path).map_err(failed)?.modified().ok();
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = cached.as_ref()
            && known.modified.is_some()
            && known.modified == modified
        {
            return Ok(known.secret.clone());
        }
        let text = std::fs::read_to_string(&self.path).map_err(failed)?;
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err(SecretError::Empty { path: self.path.clone() });
        }
        let secret = SecretString::from(trimmed);
        *cached = Some(Cached { modified, secret: secret.clone() });
        Ok(secret)
    }
}

//! Reads the files of a recording in order, up to the last complete line of each.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use super::format::{FORMAT, Header, Line, Signature};
use super::parts;
use crate::observation::{Now, Observation};

/// Longer lines are no recording: the largest list that is watched for real takes a tenth of this.
const LONGEST_LINE: u64 = 512 << 20;

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It cannot be opened or read.
    #[error("reading the recording {file}: {error}")]
    Io {
        /// Which file.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is something else.
    #[error("{file} is no recording of tierwatch: {reason}; `tierwatch run --record FILE` writes one")]
    Foreign {
        /// Which file.
        file: PathBuf,
        /// What shows it.
        reason: String,
    },
    /// It was written by another version, in a format of its own.
    #[error(
        "{file} was written by tierwatch {program} in format {format}; this program ({}) reads format {FORMAT}: \
         replay it with the version that wrote it",
        super::format::PROGRAM
    )]
    Format {
        /// Which file.
        file: PathBuf,
        /// Its format.
        format: u32,
        /// The version that wrote it.
        program: String,
    },
    /// It ended before the first line was complete.
    #[error("{0} holds no complete line: nothing had been recorded when it was cut off")]
    Empty(PathBuf),
    /// The bytes are not those that were written.
    #[error("{file} is damaged after line {line}: {reason}")]
    Damaged {
        /// Which file.
        file: PathBuf,
        /// The last good line in it.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// Parts of two recordings lie side by side.
    #[error("{0} belongs to another recording than the parts before it; move it away")]
    Mixed(PathBuf),
}

impl ReadError {
    /// Whether the file is the wrong one, rather than one that cannot be read.
    #[must_use]
    pub const fn is_wrong_file(&self) -> bool {
        match self {
            Self::Foreign { .. } | Self::Format { .. } | Self::Mixed(_) => true,
            Self::Io { .. } | Self::Empty(_) | Self::Damaged { .. } => false,
        }
    }
}

/// What stands in a recording.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// The desk folded this.
    Seen(Box<Observation>),
    /// The desk judged.
    Judged(Now),
    /// So many lines are missing here.
    Lost(u64),
}

/// A recording that is being read.
#[derive(Debug)]
pub struct Recording {
    header: Header,
    current: Part,
    later: VecDeque<PathBuf>,
    /// Lines told so far, the lost ones included.
    told: u64,
    /// Lines that the header of the current part says were lost before it.
    lost: u64,
    cut: bool,
}

impl Recording {
    /// Opens `FILE` with the full parts before it.
    ///
    /// # Errors
    /// When there is none, or it is something else.
    pub fn open(file: &Path) -> Result<Self, ReadError> {
        let io = |error| ReadError::Io { file: file.to_owned(), error };
        let mut files: VecDeque<PathBuf> = parts::full(file).map_err(io)?.into_iter().map(|(_, part)| part).collect();
        // The daemon may have been killed between two files.
        if files.is_empty() || file.exists() {
            files.push_back(file.to_owned());
        }
        let first = files.pop_front().ok_or_else(|| ReadError::Empty(file.to_owned()))?;
        let (current, header) = Part::open(first)?;
        let lost = header.before;
        Ok(Self { header, current, later: files, told: 0, lost, cut: false })
    }

    /// The first header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Whether the last file was cut off: the daemon was killed, or is still writing.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// What comes next; `None` at the end.
    ///
    /// # Errors
    /// When a file cannot be read on or is damaged.
    #[expect(clippy::should_implement_trait, reason = "an iterator of results would go on after an error")]
    pub fn next(&mut self) -> Result<Option<Heard>, ReadError> {
        loop {
            if self.lost > 0 {
                self.told += self.lost;
                return Ok(Some(Heard::Lost(std::mem::take(&mut self.lost))));
            }
            match self.current.line()? {
                Some(Line::Seen(observation)) => {
                    self.told += 1;
                    return Ok(Some(Heard::Seen(observation)));
                }
                Some(Line::Judged(now)) => {
                    self.told += 1;
                    return Ok(Some(Heard::Judged(now)));
                }
                Some(Line::Lost(lines)) => self.lost = lines,
                Some(Line::End) => {
                    if !self.turn_the_page()? {
                        return Ok(None);
                    }
                }
                None => {
                    if !self.turn_the_page()? {
                        self.cut = true;
                        return Ok(None);
                    }
                }
            }
        }
    }

    fn turn_the_page(&mut self) -> Result<bool, ReadError> {
        let Some(file) = self.later.pop_front() else { return Ok(false) };
        let (part, header) = match Part::open(file.clone()) {
            // Created, and cut off before its first line: nothing is known to be missing.
            Err(ReadError::Empty(_)) if self.later.is_empty() => {
                self.cut = true;
                return Ok(false);
            }
            opened => opened?,
        };
        if (header.began, &header.signature) != (self.header.began, &self.header.signature) {
            return Err(ReadError::Mixed(file));
        }
        // A part that could not be written to its end, or was deleted.
        self.lost = header.before.saturating_sub(self.told);
        self.current = part;
        Ok(true)
    }
}

/// One file.
struct Part {
    file: PathBuf,
    lines: BufReader<GzDecoder<File>>,
    text: Vec<u8>,
    number: u64,
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Part").field("file", &self.file).field("number", &self.number).finish_non_exhaustive()
    }
}

impl Part {
    fn open(file: PathBuf) -> Result<(Self, Header), ReadError> {
        let opened = File::open(&file).map_err(|error| ReadError::Io { file: file.clone(), error })?;
        let lines = BufReader::with_capacity(1 << 18, GzDecoder::new(opened));
        let mut part = Self { file, lines, text: Vec::new(), number: 0 };
        let foreign =
            |file: &PathBuf, reason: &str| ReadError::Foreign { file: file.clone(), reason: reason.to_owned() };
        let complete = part.read().map_err(|error| {
            if let ReadError::Damaged { file, .. } = &error {
                foreign(file, "it is not compressed as one")
            } else {
                error
            }
        })?;
        if !complete {
            return Err(ReadError::Empty(part.file));
        }
        let Ok(Signature { format, program }) = serde_json::from_slice(&part.text) else {
            return Err(foreign(&part.file, "its first line does not say so"));
        };
        if format != FORMAT {
            let program = program.chars().filter(|c| c.is_ascii_graphic()).take(40).collect();
            return Err(ReadError::Format { file: part.file, format, program });
        }
        let header = serde_json::from_slice(&part.text).map_err(|error| part.damaged(&error))?;
        Ok((part, header))
    }

    /// The next line; `None` where the file ends, in the middle of a line or not.
    fn line(&mut self) -> Result<Option<Line>, ReadError> {
        if !self.read()? {
            return Ok(None);
        }
        serde_json::from_slice(&self.text).map(Some).map_err(|error| self.damaged(&error))
    }

    /// Reads one complete line into `text`.
    fn read(&mut self) -> Result<bool, ReadError> {
        self.text.clear();
        match self.lines.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut self.text) {
            Ok(_) => {}
            // What was flushed before the end has been read.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
                return Err(self.damaged(&error));
            }
            Err(error) => return Err(ReadError::Io { file: self.file.clone(), error }),
        }
        if self.text.len() as u64 == LONGEST_LINE {
            return Err(self.damaged(&"the next line does not end"));
        }
        let complete = self.text.ends_with(b"\n");
        self.number += u64::from(complete);
        Ok(complete)
    }

    fn damaged(&self, reason: &dyn std::fmt::Display) -> ReadError {
        ReadError::Damaged { file: self.file.clone(), line: self.number, reason: reason.to_string() }
    }
}

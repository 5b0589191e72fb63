//! The format: one line per entry, a checksum (CRC-32, eight hex digits) and a JSON value. The first line is the header.
//!
//! Entries are only ever added, until the file is written anew with what they amount to. A last line without its end
//! was being written when the power went: nothing of it has been counted.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::identity::Identity;
use crate::observation::{EarlierAlert, LookUp, SourceKey};

/// The format that this program writes, and the only one that it reads.
pub(super) const FORMAT: u32 = 1;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    #[serde(rename = "tierwatch_state")]
    pub(super) format: u32,
    pub(super) of: Identity,
    /// What happened before is not counted.
    pub(super) floor: Timestamp,
}

/// Any other line: what was counted at an instant, and what changed beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) at: Timestamp,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) keys: Vec<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) opened: Vec<LookUp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) closed: Vec<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) seen: Vec<(SourceKey, Timestamp)>,
    /// Every alert that fires or waits, where that changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) alerts: Option<Vec<EarlierAlert>>,
}

impl Entry {
    pub(super) fn new(at: Timestamp) -> Self {
        Self { at, keys: Vec::new(), opened: Vec::new(), closed: Vec::new(), seen: Vec::new(), alerts: None }
    }

    pub(super) fn is_empty(&self) -> bool {
        let Self { at: _, keys, opened, closed, seen, alerts } = self;
        keys.is_empty() && opened.is_empty() && closed.is_empty() && seen.is_empty() && alerts.is_none()
    }
}

/// Why a text is no state file of this program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    /// It makes no sense.
    #[error("line {line} is damaged or no line of a state file")]
    Damaged { line: usize },
    /// Another version wrote it.
    #[error("it has format {format}, and this tierwatch reads format {FORMAT}")]
    Format { format: u32 },
}

/// A line with its checksum and its end.
pub(super) fn line(value: &impl Serialize) -> Vec<u8> {
    let json = serde_json::to_vec(value).expect("keys, ids and times are JSON");
    let mut line = format!("{:08x} ", crc32fast::hash(&json)).into_bytes();
    line.extend(json);
    line.push(b'\n');
    line
}

/// Header and entries of a whole file; `None` when not even the header was finished.
pub(super) fn read(bytes: &[u8]) -> Result<Option<(Header, Vec<Entry>)>, Unreadable> {
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")).enumerate();
    let Some((_, first)) = lines.next() else {
        // A header that was cut is as good as none; anything else is somebody's file.
        return if bytes.is_empty() || looks_cut(bytes) { Ok(None) } else { Err(Unreadable::Damaged { line: 1 }) };
    };
    #[derive(Deserialize)]
    struct Version {
        tierwatch_state: u32,
    }
    let Version { tierwatch_state: format } = parse(first, 1)?;
    if format != FORMAT {
        return Err(Unreadable::Format { format });
    }
    let header = parse(first, 1)?;
    let entries: Result<Vec<Entry>, _> = lines.map(|(index, line)| parse(line, index + 1)).collect();
    Ok(Some((header, entries?)))
}

fn looks_cut(bytes: &[u8]) -> bool {
    let json = bytes.get(9..).unwrap_or_default();
    let start = br#"{"tierwatch_state":"#;
    bytes.iter().take(8).all(u8::is_ascii_hexdigit) && start.starts_with(&json[..json.len().min(start.len())])
}

fn parse<T: DeserializeOwned>(line: &[u8], number: usize) -> Result<T, Unreadable> {
    let damaged = || Unreadable::Damaged { line: number };
    let (sum, json) = line.split_at_checked(9).ok_or_else(damaged)?;
    let json = json.strip_suffix(b"\n").ok_or_else(damaged)?;
    if sum != format!("{:08x} ", crc32fast::hash(json)).as_bytes() {
        return Err(damaged());
    }
    serde_json::from_slice(json).map_err(|_| damaged())
}

/// Open jobs and last answers, as entries add up to them.
pub(super) type Open = BTreeMap<u64, LookUp>;

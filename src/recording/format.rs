//! The format: gzip, one JSON value a line. First the header, then what the desk did in the order it did it.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::policy::Policy;
use crate::observation::{Now, Observation, SourceKey};

/// The format that this program writes, and the only one that it reads. It changes when an older program would
/// misread a line; a new kind of observation is such a change.
pub const FORMAT: u32 = 3;

/// The version of this program.
pub(super) const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// What every header of every format says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signature {
    /// The format's number.
    #[serde(rename = "tierwatch_recording")]
    pub format: u32,
    /// The version that wrote it.
    pub program: String,
}

/// The first line of each file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Format and program.
    #[serde(flatten)]
    pub signature: Signature,
    /// When the recorded desk began: its first judgement.
    pub began: Now,
    /// Position of this file in the recording, from 1.
    pub part: u64,
    /// Lines of the recording before this file, those included that were lost.
    pub before: u64,
    /// Whether names are hidden.
    pub names: NameStyle,
    /// Names of the tiers.
    pub tiers: Vec<Arc<str>>,
    /// What the recorded desk judged by, see [`fingerprint`].
    pub policy: u64,
    /// Who was expected to speak.
    pub sources: Vec<SourceKey>,
}

impl Header {
    /// The header of the first file.
    #[must_use]
    pub fn new(policy: &Policy, sources: Vec<SourceKey>, began: Now, hash_names: bool) -> Self {
        Self {
            signature: Signature { format: FORMAT, program: PROGRAM.to_owned() },
            began,
            part: 1,
            before: 0,
            names: if hash_names { NameStyle::Hashed } else { NameStyle::Plain },
            tiers: policy.tiers.iter().map(|tier| Arc::clone(&tier.name)).collect(),
            policy: fingerprint(policy),
            sources,
        }
    }
}

/// How names stand in a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NameStyle {
    /// As they are.
    Plain,
    /// Replaced by keyed hashes, messages by their known words.
    Hashed,
}

/// Any other line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// The desk folded an observation; ticks are among them.
    Seen(Box<Observation>),
    /// The desk judged, and published what it found.
    Judged(Now),
    /// So many lines were not written, because the disk could not keep up.
    Lost(u64),
    /// The desk stopped, or the next file goes on.
    End,
}

/// Tells one policy from another, between programs of one version.
#[must_use]
pub fn fingerprint(policy: &Policy) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{policy:?}").hash(&mut hasher);
    hasher.finish()
}

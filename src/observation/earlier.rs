//! What an earlier run of the daemon left behind.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{LookUp, SourceKey};

/// What the state file of an earlier run holds: keys and times, never counter values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Earlier {
    /// What happened before is not counted: it was there before the first run, or its key is forgotten by now.
    pub floor: Timestamp,
    /// Digests of the keys of what was counted since.
    pub keys: Vec<u64>,
    /// Jobs that were not over.
    pub open: Vec<LookUp>,
    /// When each source last answered.
    pub seen: Vec<(SourceKey, Timestamp)>,
}

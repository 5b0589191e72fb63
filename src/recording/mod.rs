//! What the desk heard, written down so that it can be judged again: `run --record` and `replay`.
//!
//! `format` is what stands in the file · `recorder` is the desk's end and never waits · `writer` owns the files, on a
//! thread of its own · `names` hides them on wish · `reader` reads the files in order · `replay` plays them through
//! the very code that the desk runs.

mod format;
mod names;
mod parts;
mod reader;
mod recorder;
mod replay;
mod writer;

pub use format::{FORMAT, Header, Line, NameStyle, fingerprint};
pub use names::Names;
pub use reader::{Heard, ReadError, Recording};
pub use recorder::{Finished, Recorder};
pub use replay::{Replay, ReplayError, Span};
pub use writer::{RecordError, Settings};

//! A panic is a line of the log like any other: in its format, and whatever it says, one line.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{PanicHookInfo, set_hook};

/// Tells panics through the log from now on, with a backtrace where `RUST_BACKTRACE` asks for one.
pub(super) fn tell() {
    set_hook(Box::new(told));
}

fn told(panic: &PanicHookInfo<'_>) {
    let words = panic.payload_as_str().unwrap_or("without words");
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
    tracing::error!(place, backtrace, "panic: {words}");
}

//! Units, in Grafana's spelling.

/// What a value is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// A plain number: jobs, pods, cores.
    Number,
    /// Text, in a table.
    Words,
    Seconds,
    /// A part of a whole, 0 to 1, shown as percent.
    Part,
    Bytes,
    PerMinute,
    PerSecond,
    /// A moment as Unix time in milliseconds, shown as "3 minutes ago".
    Moment,
}

impl Unit {
    /// Grafana's name of it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Number => "short",
            Self::Words => "string",
            Self::Seconds => "s",
            Self::Part => "percentunit",
            Self::Bytes => "bytes",
            Self::PerMinute => "cpm",
            Self::PerSecond => "cps",
            Self::Moment => "dateTimeFromNow",
        }
    }
}

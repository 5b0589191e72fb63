//! Log lines: logfmt or JSON, the same fields in both. Text from outside cannot begin a line of its own.

use std::fmt::{self, Write as _};
use std::io::Write as _;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::clock::Clock;

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logs {
    /// The least important messages of ours; of libraries, warnings at most.
    pub level: Level,
    /// How lines are written.
    pub format: Format,
    /// A filter as in `RUST_LOG`, which goes over the level.
    pub filter: Option<String>,
}

/// How important a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Something does not work.
    Error,
    /// Something is not as it should be.
    Warn,
    /// What is worth knowing in operation.
    Info,
    /// What helps to find a fault.
    Debug,
    /// Everything.
    Trace,
}

impl Level {
    /// Every value.
    pub const ALL: [Self; 5] = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `key=value` pairs.
    Logfmt,
    /// One object a line.
    Json,
}

impl Format {
    /// Every value.
    pub const ALL: [Self; 2] = [Self::Logfmt, Self::Json];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logfmt => "logfmt",
            Self::Json => "json",
        }
    }
}

impl Logs {
    /// Libraries stay at `warn`: below that, HTTP libraries may write out headers, and with them the token.
    pub(super) fn filter(&self) -> Result<EnvFilter, ParseError> {
        match &self.filter {
            Some(filter) => EnvFilter::try_new(filter),
            None if self.level == Level::Error => EnvFilter::try_new("error"),
            None => EnvFilter::try_new(format!("warn,tierwatch={}", self.level.as_str())),
        }
    }
}

/// Writes one line for each event, with the fields of the spans around it.
pub(super) struct Lines<W> {
    format: Format,
    clock: Clock,
    writer: W,
}

impl<W> Lines<W> {
    pub(super) fn new(format: Format, clock: Clock, writer: W) -> Self {
        Self { format, clock, writer }
    }
}

/// Fields in the order they were given; a span keeps its own in its extensions.
#[derive(Default)]
struct Fields(Vec<(String, Value)>);

impl Fields {
    fn put(&mut self, name: &str, value: Value) {
        // `msg` is what Go's loggers call it, and so what log queries look for.
        let name = if name == "message" { "msg" } else { name };
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field.name(), value.into());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), value.into());
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field.name(), value.into());
    }
    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut cause = value.source();
        while let Some(error) = cause {
            let _ = write!(text, ": {error}");
            cause = error.source();
        }
        self.put(field.name(), text.into());
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field.name(), format!("{value:?}").into());
    }
}

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    W: for<'w> MakeWriter<'w> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        fields.put("time", format!("{:.3}", self.clock.now().wall).into());
        fields.put("level", event.metadata().level().as_str().to_ascii_lowercase().into());
        fields.put("target", event.metadata().target().into());
        fields.put("msg", "".into());
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(around) = span.extensions().get::<Fields>() {
                around.0.iter().for_each(|(name, value)| fields.put(name, value.clone()));
            }
        }
        event.record(&mut fields);
        let mut line = match self.format {
            Format::Logfmt => logfmt(&fields),
            Format::Json => Value::Object(fields.0.into_iter().collect::<Map<_, _>>()).to_string(),
        };
        line.push('\n');
        // Where stderr is closed there is nobody left to tell.
        let _ = self.writer.make_writer_for(event.metadata()).write_all(line.as_bytes());
    }
}

fn logfmt(fields: &Fields) -> String {
    let mut line = String::with_capacity(160);
    for (name, value) in &fields.0 {
        if !line.is_empty() {
            line.push(' ');
        }
        let _ = match value.as_str() {
            None => write!(line, "{name}={value}"),
            Some(text) if is_bare(text) => write!(line, "{name}={text}"),
            // JSON's quoting is logfmt's, and leaves no control character as it is.
            Some(text) => write!(line, "{name}={}", quoted(text)),
        };
    }
    line
}

fn is_bare(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'=' | b'\\'))
}

/// JSON leaves DEL, C1 and the Unicode line ends as they are; a terminal does not.
fn quoted(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    if !quoted.chars().any(is_unruly) {
        return quoted;
    }
    let escape = |c: char| if is_unruly(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
    quoted.chars().map(escape).collect()
}

fn is_unruly(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

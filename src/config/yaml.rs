//! YAML text → values that know their line. Reads token by token, so that one pass finds every repeated key,
//! nothing recurses, and no error repeats what was written (it could be a secret).

use std::collections::HashMap;

use ::config::{Map, Value, ValueKind};
use yaml_rust2::Yaml;
use yaml_rust2::parser::{Event, Parser};
use yaml_rust2::scanner::{ScanError, TScalarStyle};

use super::problem::{Place, Problem, shown_key};

/// Nobody writes more by hand; a larger file is a mistake.
const LONGEST_TEXT: usize = 1 << 20;
const DEEPEST: usize = 32;
/// Aliases multiply: this bounds what a small text can grow into.
const MOST_VALUES: usize = 100_000;

/// Where the text comes from, and so where its values are said to be.
#[derive(Debug, Clone)]
pub(super) enum Text {
    /// The embedded defaults.
    Default,
    /// A file: values are told by their line.
    File,
    /// An environment variable.
    Variable(String),
}

impl Text {
    fn place(&self, line: usize) -> Place {
        match self {
            Self::Default => Place::Default,
            Self::File => Place::Line(line),
            Self::Variable(name) => Place::Variable(name.clone()),
        }
    }
}

/// The one document of `text`; what is wrong goes to `problems` and gives `None` where nothing can be read.
pub(super) fn read(text: &str, from: &Text, problems: &mut Vec<Problem>) -> Option<Value> {
    let mut reader = Reader { from, problems, open: Vec::new(), anchors: HashMap::new(), values: 0, root: None };
    if text.len() > LONGEST_TEXT {
        reader.wrong(1, "the text is longer than 1 MiB", "keep the configuration below 1 MiB");
        return None;
    }
    let mut parser = Parser::new_from_str(text);
    let mut documents = 0;
    loop {
        let (event, marker) = match parser.next_token() {
            Ok(token) => token,
            Err(error) => {
                reader.syntax(text, &error);
                return None;
            }
        };
        let line = marker.line();
        match event {
            Event::StreamEnd => break,
            Event::Nothing | Event::StreamStart | Event::DocumentEnd => {}
            Event::DocumentStart => {
                documents += 1;
                if documents > 1 {
                    reader.wrong(line, "a second YAML document begins here", "keep one document: remove the `---`");
                    return None;
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == TScalarStyle::Plain && tag.is_none();
                let kind = if plain { scalar(&text) } else { ValueKind::String(text.clone()) };
                reader.scalar(text, kind, anchor, line)?;
            }
            Event::SequenceStart(anchor, _) => reader.open(Open::list(anchor, line))?,
            Event::MappingStart(anchor, _) => reader.open(Open::table(anchor, line))?,
            Event::SequenceEnd | Event::MappingEnd => reader.close()?,
            Event::Alias(anchor) => {
                let value = reader.anchors.get(&anchor).cloned();
                reader.add(value.unwrap_or_else(|| Value::new(None, ValueKind::Nil)), line)?;
            }
        }
    }
    reader.root
}

fn scalar(text: &str) -> ValueKind {
    match Yaml::from_str(text) {
        Yaml::Integer(number) => ValueKind::I64(number),
        Yaml::Boolean(value) => ValueKind::Boolean(value),
        Yaml::Null => ValueKind::Nil,
        real @ Yaml::Real(_) => real.as_f64().map_or_else(|| ValueKind::String(text.to_owned()), ValueKind::Float),
        Yaml::String(_) | Yaml::Array(_) | Yaml::Hash(_) | Yaml::Alias(_) | Yaml::BadValue => {
            ValueKind::String(text.to_owned())
        }
    }
}

/// A list or mapping whose end has not been seen.
struct Open {
    anchor: usize,
    line: usize,
    content: Content,
}

enum Content {
    List(Vec<Value>),
    Table { map: Map<String, Value>, lines: HashMap<String, usize>, key: Option<String> },
}

impl Open {
    fn list(anchor: usize, line: usize) -> Self {
        Self { anchor, line, content: Content::List(Vec::new()) }
    }

    fn table(anchor: usize, line: usize) -> Self {
        Self { anchor, line, content: Content::Table { map: Map::new(), lines: HashMap::new(), key: None } }
    }
}

struct Reader<'a> {
    from: &'a Text,
    problems: &'a mut Vec<Problem>,
    open: Vec<Open>,
    anchors: HashMap<usize, Value>,
    values: usize,
    root: Option<Value>,
}

impl Reader<'_> {
    fn wrong(&mut self, line: usize, reason: impl Into<String>, remedy: impl Into<String>) {
        let place = self.from.place(line);
        self.problems.push(Problem { key: String::new(), place, reason: reason.into(), remedy: remedy.into() });
    }

    fn syntax(&mut self, text: &str, error: &ScanError) {
        let (line, column) = (error.marker().line(), error.marker().col() + 1);
        let indented_by_tab = |line: &str| line.trim_start_matches(' ').starts_with('\t');
        let tab = text.lines().take(line + 1).position(indented_by_tab).map(|index| index + 1);
        let remedy = match tab {
            Some(line) => format!("YAML is indented by spaces: line {line} begins with a tab"),
            None => "look at this line and the one above: indentation, a missing `:`, an open quote or bracket".into(),
        };
        self.wrong(line, format!("not valid YAML at column {column}: {}", error.info()), remedy);
    }

    fn value(&self, kind: ValueKind, line: usize) -> Value {
        Value::new(Some(&self.from.place(line).to_origin()), kind)
    }

    fn scalar(&mut self, text: String, kind: ValueKind, anchor: usize, line: usize) -> Option<()> {
        if let Some(Open { content: Content::Table { lines, key: key @ None, .. }, .. }) = self.open.last_mut() {
            let before = lines.insert(text.clone(), line);
            *key = Some(text.clone());
            if let Some(before) = before {
                self.wrong(
                    line,
                    format!("the key {} is written twice: first at line {before}", shown_key(&text)),
                    "keep one of the two",
                );
            }
            return Some(());
        }
        let value = self.value(kind, line);
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
        self.add(value, line)
    }

    fn open(&mut self, open: Open) -> Option<()> {
        let as_key = matches!(self.open.last(), Some(Open { content: Content::Table { key: None, .. }, .. }));
        if as_key {
            self.wrong(
                open.line,
                "a list or mapping stands where a key should be",
                "a key is a plain word; put texts that begin with `{`, `[` or `?` into quotes",
            );
            return None;
        }
        if self.open.len() >= DEEPEST {
            self.wrong(open.line, "lists and mappings are nested too deeply", "no key lies deeper than 5 levels");
            return None;
        }
        self.open.push(open);
        Some(())
    }

    fn close(&mut self) -> Option<()> {
        let Open { anchor, line, content } = self.open.pop()?;
        let kind = match content {
            Content::List(list) => ValueKind::Array(list),
            Content::Table { map, .. } => ValueKind::Table(map),
        };
        let value = self.value(kind, line);
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
        self.add(value, line)
    }

    fn add(&mut self, value: Value, line: usize) -> Option<()> {
        self.values += size(&value);
        if self.values > MOST_VALUES {
            self.wrong(line, "aliases (`*name`) make the configuration too large", "write the values out");
            return None;
        }
        match self.open.last_mut() {
            None => self.root = Some(value),
            Some(Open { content: Content::List(list), .. }) => list.push(value),
            Some(Open { content: Content::Table { map, key, .. }, .. }) => match key.take() {
                Some(key) => {
                    map.insert(key, value);
                }
                None => {
                    self.wrong(line, "an alias (`*name`) stands where a key should be", "write the key out");
                    return None;
                }
            },
        }
        Some(())
    }
}

/// A closed list or mapping is counted again by the one around it: a bound on depth times number, good enough here.
fn size(value: &Value) -> usize {
    match &value.kind {
        ValueKind::Table(map) => 1 + map.values().map(size).sum::<usize>(),
        ValueKind::Array(list) => 1 + list.iter().map(size).sum::<usize>(),
        ValueKind::Nil
        | ValueKind::Boolean(_)
        | ValueKind::I64(_)
        | ValueKind::I128(_)
        | ValueKind::U64(_)
        | ValueKind::U128(_)
        | ValueKind::Float(_)
        | ValueKind::String(_) => 1,
    }
}

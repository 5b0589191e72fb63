//! What is wrong with a configuration, said so that a tired person can fix it: key, place, reason, remedy.

use std::fmt;
use std::path::{Path, PathBuf};

/// Everything that is wrong with one configuration, sorted by key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    file: Option<PathBuf>,
    list: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Dotted path of the key, e.g. `tiers.standard.objective.target`; empty for the file as a whole.
    pub key: String,
    /// Where the value was written.
    pub place: Place,
    /// What is wrong, with the value where it may be shown.
    pub reason: String,
    /// What would be right.
    pub remedy: String,
}

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Place {
    /// Nowhere that can be pointed at.
    #[default]
    Unknown,
    /// In the embedded defaults.
    Default,
    /// In the file, at this line (from 1).
    Line(usize),
    /// In this environment variable.
    Variable(String),
}

const DEFAULT: &str = "default";
const LINE: &str = "line ";

impl Place {
    /// The place as the `config` crate carries it along: one string beside each value.
    pub(super) fn to_origin(&self) -> String {
        match self {
            Self::Unknown => String::new(),
            Self::Default => DEFAULT.to_owned(),
            Self::Line(line) => format!("{LINE}{line}"),
            Self::Variable(name) => name.clone(),
        }
    }

    /// The way back from [`Place::to_origin`].
    pub(super) fn from_origin(origin: Option<&str>) -> Self {
        match origin {
            None | Some("") => Self::Unknown,
            Some(DEFAULT) => Self::Default,
            Some(text) => match text.strip_prefix(LINE).and_then(|line| line.parse().ok()) {
                Some(line) => Self::Line(line),
                None => Self::Variable(text.to_owned()),
            },
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => Ok(()),
            Self::Default => f.write_str("default"),
            Self::Line(line) => write!(f, "line {line}"),
            Self::Variable(name) => f.write_str(name),
        }
    }
}

impl Problems {
    pub(super) fn new(file: Option<&Path>, mut list: Vec<Problem>) -> Self {
        list.sort_by(|a, b| (&a.key, &a.place, &a.reason).cmp(&(&b.key, &b.place, &b.reason)));
        list.dedup();
        Self { file: file.map(Path::to_path_buf), list }
    }

    /// The problems, sorted by key.
    #[must_use]
    pub fn list(&self) -> &[Problem] {
        &self.list
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.list.len() {
            1 => f.write_str("1 problem in the configuration")?,
            n => write!(f, "{n} problems in the configuration")?,
        }
        if let Some(file) = &self.file {
            write!(f, " {}", file.display())?;
        }
        f.write_str(":\n")?;
        for problem in &self.list {
            writeln!(f)?;
            writeln!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.key.as_str(), &self.place) {
            ("", Place::Unknown) => {}
            ("", place) => write!(f, "{place}: ")?,
            (key, Place::Unknown) => write!(f, "{key}: ")?,
            (key, place) => write!(f, "{key} ({place}): ")?,
        }
        f.write_str(&self.reason)?;
        for line in self.remedy.lines() {
            write!(f, "\n    {line}")?;
        }
        Ok(())
    }
}

/// What stands where a value must not be shown.
pub(super) const HIDDEN: &str = "(not shown: it looks like a secret)";

/// A text as it may stand in an error: quoted, cut, control characters escaped, secrets hidden.
pub(super) fn shown(text: &str) -> String {
    const LONGEST: usize = 80;
    if looks_secret(text) {
        return HIDDEN.to_owned();
    }
    match text.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{:?}…", text.get(..cut).unwrap_or_default()),
        None => format!("{text:?}"),
    }
}

/// A key as it may stand in an error.
pub(super) fn shown_key(key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./<>".contains(c);
    match key {
        _ if looks_secret(key) => HIDDEN.to_owned(),
        _ if !key.is_empty() && key.len() <= 80 && key.chars().all(plain) => key.to_owned(),
        _ => shown(key),
    }
}

/// The path of `key` below `path`, fit to be shown.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { shown_key(key) } else { format!("{path}.{}", shown_key(key)) }
}

/// The last part of a path.
pub(super) fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// Whether a text resembles a credential. Errs on the side of hiding.
pub(super) fn looks_secret(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let gitlab_token = lower.match_indices("gl").any(|(at, _)| {
        let rest = lower.get(at + 2..).unwrap_or_default();
        rest.split_once('-').is_some_and(|(kind, tail)| {
            (1..=6).contains(&kind.len())
                && kind.bytes().all(|b| b.is_ascii_lowercase())
                && tail.bytes().take_while(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b)).count() >= 8
        })
    });
    // user:password@host, with a scheme or without.
    let user_info = lower.split_once(':').is_some_and(|(_, rest)| rest.contains('@'));
    let json_web_token = lower.match_indices("eyj").any(|(at, _)| lower.len() - at > 30);
    let words = ["-----begin", "bearer ", "basic ", "token=", "password=", "secret=", "apikey=", "api_key="];
    gitlab_token || user_info || json_web_token || words.iter().any(|word| lower.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_recognised() {
        for secret in [
            "glpat-abcdefgh12345678",
            "x glrt-t1_abcdefghijkl",
            "https://user:pass@gitlab.example.com",
            "https://gitlab.example.com/?private_token=abc",
            "-----BEGIN PRIVATE KEY-----",
        ] {
            assert!(looks_secret(secret), "{secret}");
            assert_eq!(shown(secret), HIDDEN);
        }
        for harmless in ["https://gitlab.example.com", "gitlab-runners-standard", "platform/glue-code", "90s"] {
            assert!(!looks_secret(harmless), "{harmless}");
        }
    }

    #[test]
    fn hostile_text_is_quoted_and_cut() {
        assert_eq!(shown("a\nb\u{1b}[31m"), r#""a\nb\u{1b}[31m""#);
        assert!(shown(&"é".repeat(500)).chars().count() < 100);
    }

    #[test]
    fn a_place_survives_the_way_through_the_layers() {
        for place in [Place::Unknown, Place::Default, Place::Line(7), Place::Variable("TIERWATCH__A".into())] {
            assert_eq!(Place::from_origin(Some(&place.to_origin())), place);
        }
    }
}

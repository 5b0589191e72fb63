//! Shared lexing: where words of a sentence start, phrases found at those words, recorder prefixes, Go durations.
//!
//! References, URLs and digests are data, not words: a tag `:20250429T0012` says nothing about status 429, and an
//! image called `unauthorized` is not a refusal. [`Sentence`] steps over them, so that phrases are only sought where
//! a program speaks.

use std::time::Duration;

use winnow::Parser;
use winnow::ascii::digit1;
use winnow::combinator::{alt, opt, preceded, repeat};

/// Longer messages are cut here; the scheduler's longest (a taint per node) stay far below, and work stays bounded.
pub const MAX_MESSAGE: usize = 64 * 1024;

/// What recorders write before the text once ten messages differ: from then on one event stands for all, and its text
/// is that of the newest.
const COMBINED: &str = "(combined from similar events):";

/// Whether one event stands for several, so that its text may have been told before, and of another container.
#[must_use]
pub fn is_combined(message: &str) -> bool {
    message.trim_start().starts_with(COMBINED)
}

/// The message up to [`MAX_MESSAGE`] bytes, without what recorders and displays put in front: the event recorder
/// its `(combined from similar events): ` (client-go since 1.4), kubectl 1.35+ the container's `spec.containers{x}: `.
#[must_use]
pub fn bare(message: &str) -> &str {
    let mut rest = cut(message).trim();
    loop {
        let before = rest;
        rest = rest.strip_prefix(COMBINED).unwrap_or(rest).trim_start();
        if let Some((_, text)) = rest.strip_prefix("spec.").and_then(|path| path.split_once("}: ")) {
            rest = text;
        }
        if rest.len() == before.len() {
            return rest;
        }
    }
}

fn cut(message: &str) -> &str {
    let mut end = message.len().min(MAX_MESSAGE);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    &message[..end]
}

/// A text and the places where its words start.
#[derive(Debug)]
pub(super) struct Sentence<'a> {
    text: &'a str,
    starts: Vec<u32>,
}

impl<'a> Sentence<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let text = cut(text);
        let bytes = text.as_bytes();
        let mut starts = Vec::with_capacity(text.len() / 6);
        let mut at = 0;
        let mut before = b' ';
        while at < bytes.len() {
            let byte = bytes[at];
            let skipped = match byte {
                b'"' | b'\'' => quoted_name(bytes, at, before),
                b'h' | b'H' if opens_word(before) => url(bytes, at),
                _ => 0,
            };
            if skipped > 0 {
                at += skipped;
                before = b'"';
                continue;
            }
            if byte.is_ascii_alphanumeric() && opens_word(before) {
                starts.push(u32::try_from(at).unwrap_or(u32::MAX));
            }
            // An escaped quote is a quote: `\"code\":\"DENIED\"` reads like the JSON inside it.
            if byte != b'\\' {
                before = byte;
            }
            at += 1;
        }
        Self { text, starts }
    }

    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// Each word's place and the text from there on.
    pub(super) fn words(&self) -> impl Iterator<Item = (usize, &'a str)> + '_ {
        self.starts.iter().filter_map(|start| {
            let start = *start as usize;
            self.text.get(start..).map(|rest| (start, rest))
        })
    }
}

const fn opens_word(before: u8) -> bool {
    before.is_ascii_whitespace()
        || matches!(before, b'"' | b'\'' | b'(' | b'[' | b'{' | b'<' | b',' | b'=' | b';' | b'|' | b'*')
}

/// Length of a quoted name without blanks, e.g. `"ghcr.io/a/b:1"`; 0 for prose and for JSON keys and values.
fn quoted_name(bytes: &[u8], at: usize, before: u8) -> usize {
    if !(before.is_ascii_whitespace() || before == b'(') {
        return 0;
    }
    let quote = bytes[at];
    let inside = &bytes[at + 1..];
    match inside.iter().position(|byte| *byte == quote || byte.is_ascii_whitespace()) {
        Some(end) if inside[end] == quote => end + 2,
        Some(_) | None => 0,
    }
}

/// Length of a URL; 0 for any other word.
fn url(bytes: &[u8], at: usize) -> usize {
    let word = &bytes[at..];
    let is_url = ["http:/", "https:/"].iter().any(|scheme| starts_with(word, scheme));
    let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\\');
    if is_url { word.iter().position(ends).unwrap_or(word.len()) } else { 0 }
}

fn starts_with(text: &[u8], phrase: &str) -> bool {
    text.get(..phrase.len()).is_some_and(|head| head.eq_ignore_ascii_case(phrase.as_bytes()))
}

/// What stands behind `opening`, in any case, at the start of `text`.
pub(super) fn strip_start<'a>(text: &'a str, opening: &str) -> Option<&'a str> {
    starts_with(text.as_bytes(), opening).then(|| text.get(opening.len()..)).flatten()
}

/// Whether `text` begins with `phrase` in any case, and the phrase ends where a word ends.
pub(super) fn says(text: &str, phrase: &str) -> bool {
    let bytes = text.as_bytes();
    if !starts_with(bytes, phrase) {
        return false;
    }
    if !phrase.as_bytes().last().is_some_and(u8::is_ascii_alphanumeric) {
        return true;
    }
    let word = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
    match bytes.get(phrase.len()) {
        None => true,
        Some(b'-' | b'_' | b'/' | b'@') => false,
        Some(b'.' | b':') => !word(phrase.len() + 1),
        Some(next) => !next.is_ascii_alphanumeric(),
    }
}

/// A table of phrases per cause, most telling first, indexed by first letter.
#[derive(Debug)]
pub(super) struct Phrases<C: 'static> {
    rows: &'static [(C, &'static [&'static str])],
    by_letter: Vec<Vec<(usize, &'static str)>>,
}

/// Rows of a table that a sentence shows, as bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Hits(u64);

impl Hits {
    pub(super) fn add(&mut self, row: usize) {
        self.0 |= 1 << row;
    }

    pub(super) const fn has(self, row: usize) -> bool {
        self.0 & (1 << row) != 0
    }

    /// The most telling row.
    pub(super) fn first(self) -> Option<usize> {
        (self.0 != 0).then(|| self.0.trailing_zeros() as usize)
    }
}

impl<C: Copy + PartialEq> Phrases<C> {
    pub(super) fn new(rows: &'static [(C, &'static [&'static str])]) -> Self {
        debug_assert!(rows.len() < 64, "rows are bits of a word");
        let mut by_letter = vec![Vec::new(); 128];
        for (row, (_, phrases)) in rows.iter().enumerate() {
            for phrase in *phrases {
                let letter = phrase.as_bytes().first().map_or(0, u8::to_ascii_lowercase);
                by_letter[usize::from(letter) & 127].push((row, *phrase));
            }
        }
        Self { rows, by_letter }
    }

    /// Every row that shows.
    pub(super) fn hits(&self, sentence: &Sentence<'_>) -> Hits {
        let mut hits = Hits::default();
        for (_, rest) in sentence.words() {
            let letter = rest.as_bytes().first().map_or(0, u8::to_ascii_lowercase);
            for (row, phrase) in &self.by_letter[usize::from(letter) & 127] {
                if says(rest, phrase) {
                    hits.add(*row);
                }
            }
        }
        hits
    }

    /// The most telling cause that shows.
    pub(super) fn first(&self, sentence: &Sentence<'_>) -> Option<C> {
        self.hits(sentence).first().map(|row| self.cause(row))
    }

    pub(super) fn cause(&self, row: usize) -> C {
        self.rows[row].0
    }

    /// The row in which a cause is told outright: its longest one.
    pub(super) fn row_of(&self, cause: C) -> Option<usize> {
        let rows = self.rows.iter().enumerate().filter(|(_, (known, _))| *known == cause);
        rows.max_by_key(|(_, (_, phrases))| phrases.len()).map(|(row, _)| row)
    }
}

/// Splits a list `3 Insufficient cpu, 2 node(s) had taint {k: v}, that the pod didn't tolerate` at the commas that a
/// count follows: reasons have commas of their own.
pub(super) fn split_counted(list: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(list);
    std::iter::from_fn(move || {
        let text = rest?;
        let is_split = |at: &usize| text[at + 2..].split_once(' ').is_some_and(|(count, _)| count_of(count).is_some());
        match text.match_indices(", ").map(|(at, _)| at).find(is_split) {
            Some(at) => {
                rest = Some(&text[at + 2..]);
                Some(&text[..at])
            }
            None => rest.take(),
        }
    })
}

/// A count as the programs write it: digits only.
pub(super) fn count_of(word: &str) -> Option<u32> {
    if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // More nodes than fit are as many as fit.
    Some(word.parse().unwrap_or(u32::MAX))
}

/// Reads Go's `time.Duration` at the start of `text`: `446.491739ms`, `1m21.28s`, `1h0m1s`, `0s`.
pub(super) fn go_duration(text: &mut &str) -> winnow::Result<Duration> {
    repeat(1.., duration_part)
        .fold(|| Duration::ZERO, |sum: Duration, part: Duration| sum.saturating_add(part))
        .parse_next(text)
}

fn duration_part(text: &mut &str) -> winnow::Result<Duration> {
    (digit1, opt(preceded('.', digit1)), alt(("ms", "µs", "μs", "us", "ns", "h", "m", "s")))
        .map(|(whole, fraction, unit): (&str, Option<&str>, &str)| {
            let nanos: u64 = match unit {
                "h" => 3_600_000_000_000,
                "m" => 60_000_000_000,
                "s" => 1_000_000_000,
                "ms" => 1_000_000,
                "ns" => 1,
                _ => 1_000,
            };
            // Go prints at most nine digits; more would be below a nanosecond.
            let digits = fraction.map_or("", |digits| &digits[..digits.len().min(9)]);
            let scale = 10_u128.pow(u32::try_from(digits.len()).unwrap_or(9));
            let part = digits.parse::<u128>().unwrap_or(0) * u128::from(nanos) / scale;
            let whole = whole.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(nanos);
            Duration::from_nanos(whole.saturating_add(u64::try_from(part).unwrap_or(u64::MAX)))
        })
        .parse_next(text)
}

/// The Go duration that `text` is.
#[must_use]
pub fn parse_go_duration(text: &str) -> Option<Duration> {
    go_duration.parse(text).ok()
}

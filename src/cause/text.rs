//! Lexing that the families share.

use std::time::Duration;

/// client-go's recorder sets this before the newest of ten or more similar messages.
const COMBINED: &str = "(combined from similar events): ";

/// The message without the recorder's prefix.
pub(super) fn without_prefix(message: &str) -> &str {
    let trimmed = message.trim();
    trimmed.strip_prefix(COMBINED).unwrap_or(trimmed)
}

/// Whether any of `needles` occurs in `text`.
pub(super) fn any(text: &str, needles: &[&str]) -> bool {
    needles.iter().any(|needle| text.contains(needle))
}

/// Splits on `separator` outside braces, brackets and quotes.
pub(super) fn split_outside<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let (mut parts, mut depth, mut quoted, mut start) = (Vec::new(), 0_usize, false, 0);
    for (at, letter) in text.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            '{' | '[' | '(' if !quoted => depth += 1,
            '}' | ']' | ')' if !quoted => depth = depth.saturating_sub(1),
            _ if !quoted && depth == 0 && at >= start && text[at..].starts_with(separator) => {
                parts.push(&text[start..at]);
                start = at + separator.len();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// A number of ASCII digits at the start, and the rest.
pub(super) fn leading_number(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let number = text[..end].parse().ok()?;
    Some((number, &text[end..]))
}

/// Whether `word` stands in `text` with no letter, digit or dot beside it.
pub(super) fn has_word(text: &str, word: &str) -> bool {
    let beside = |letter: char| letter.is_ascii_alphanumeric() || letter == '.' || letter == '_';
    text.match_indices(word).any(|(at, _)| {
        !text[..at].ends_with(beside)
            && !text[at + word.len()..].starts_with(|letter: char| letter.is_ascii_alphanumeric())
    })
}

/// Go's `time.Duration` text: `1m21.284s`, `446.491739ms`, `1h0m1s`.
#[must_use]
pub fn parse_go_duration(text: &str) -> Option<Duration> {
    let (mut total, mut rest) = (0.0_f64, text);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        let (scale, unit) = [
            ("ns", 1e-9),
            ("us", 1e-6),
            ("µs", 1e-6),
            ("μs", 1e-6),
            ("ms", 1e-3),
            ("h", 3600.0),
            ("m", 60.0),
            ("s", 1.0),
        ]
        .into_iter()
        .find_map(|(unit, scale)| rest[end..].starts_with(unit).then_some((scale, unit)))?;
        total += number * scale;
        rest = &rest[end + unit.len()..];
    }
    Duration::try_from_secs_f64(total).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_durations_are_read_in_every_unit() {
        for (text, seconds) in [
            ("446.491739ms", 0.446_491_739),
            ("1m21.284220239s", 81.284_220_239),
            ("3m53.352084967s", 233.352_084_967),
            ("1h0m1s", 3601.0),
            ("12µs", 0.000_012),
            ("7ns", 0.000_000_007),
            ("0s", 0.0),
        ] {
            let read = parse_go_duration(text).expect(text).as_secs_f64();
            assert!((read - seconds).abs() < 1e-8, "{text}: {read}");
        }
        for text in ["", "s", "1", "1x", "1.2.3s", "-1s"] {
            assert_eq!(parse_go_duration(text), None, "{text}");
        }
    }

    #[test]
    fn separators_inside_braces_and_quotes_do_not_split() {
        assert_eq!(split_outside("a, {b, c}, \"d, e\", f", ", "), ["a", "{b, c}", "\"d, e\"", "f"]);
    }

    #[test]
    fn a_word_is_not_found_inside_a_longer_one() {
        assert!(has_word("code: 429 too many", "429"));
        assert!(!has_word("tag:20250429t0012", "429"));
    }
}

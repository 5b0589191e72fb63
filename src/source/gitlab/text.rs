//! Text that others wrote, made safe to keep, log and show: bounded and without control characters.

use std::sync::Arc;

/// Longest text kept of a name, ref, tag or path: GitLab's own columns hold 255 characters.
pub(crate) const MAX_TEXT: usize = 255;

/// Longest part of an answer that is repeated in an error.
pub(crate) const MAX_DETAIL: usize = 200;

/// At most `max` characters of `text`; control characters and those that turn the reading direction become `�`.
pub(crate) fn clean(text: &str, max: usize) -> String {
    text.chars().take(max).map(|c| if is_hostile(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// As [`clean`] with [`MAX_TEXT`], in the shape in which reports keep text.
pub(crate) fn kept(text: &str) -> Arc<str> {
    clean(text, MAX_TEXT).into()
}

/// Like [`clean`], for one line of an error: white space is folded, too.
pub(crate) fn one_line(text: &str, max: usize) -> String {
    // Reading twice the bound before folding keeps a megabyte of blanks from being walked.
    let head: String = text.chars().take(max * 2).collect();
    let folded = head.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut = clean(&folded, max);
    if cut.len() < folded.len() { format!("{cut}…") } else { cut }
}

fn is_hostile(c: char) -> bool {
    // The explicit direction marks can make a line of a log or a page read as something else.
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_direction_characters_are_replaced() {
        assert_eq!(clean("a\nb\u{1b}[31mc\u{202e}d\0", 255), "a\u{fffd}b\u{fffd}[31mc\u{fffd}d\u{fffd}");
    }

    #[test]
    fn text_is_cut_by_characters_not_bytes() {
        assert_eq!(kept(&"ä".repeat(300)).chars().count(), MAX_TEXT);
    }

    #[test]
    fn a_line_is_folded_and_marked_when_cut() {
        assert_eq!(one_line(" Retry later\n", 200), "Retry later");
        assert_eq!(one_line("abcdef", 3), "abc…");
    }
}

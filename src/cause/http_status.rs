//! Which numbers in an error are statuses of HTTP: a port, a size or a tag may have three digits, too.

use super::text::Sentence;

/// Statuses of HTTP, where the text says that they are.
pub(super) fn http_statuses<'a>(sentence: &'a Sentence<'_>) -> impl Iterator<Item = u16> + 'a {
    let text = sentence.text();
    let mut seen_status = None;
    sentence.words().filter_map(move |(at, rest)| {
        let code = status_code(rest)?;
        let before = text[..at].trim_end_matches(['(', '[', ' ', '"', '=', '\\']);
        // docker's own API wraps every failure so; the number is not the registry's.
        if before.ends_with("(HTTP code") {
            return None;
        }
        let last = before.rsplit(' ').next().unwrap_or_default();
        let named = last.trim_end_matches([':', '=', '"']);
        let named = ["status", "code", "http", "statuscode", "httpstatuscode", "error"]
            .iter()
            .any(|word| named.eq_ignore_ascii_case(word));
        let mut announced = || *seen_status.get_or_insert_with(|| text.contains("status")) && last.ends_with(':');
        (has_status_text(rest, code) || named || announced()).then_some(code)
    })
}

/// A word of three digits in HTTP's range of errors.
fn status_code(word: &str) -> Option<u16> {
    let bytes = word.as_bytes();
    let digits = bytes.get(..3)?;
    let ends =
        bytes.get(3).is_none_or(|next| !next.is_ascii_alphanumeric() && !matches!(next, b'.' | b'-' | b'_' | b'/'));
    if !ends || !digits.iter().all(u8::is_ascii_digit) || !matches!(digits[0], b'4' | b'5') {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn has_status_text(rest: &str, code: u16) -> bool {
    let text = match code {
        401 => "unauthorized",
        403 => "forbidden",
        404 => "not found",
        407 => "proxy auth",
        408 => "request time",
        429 => "too many",
        500 => "internal server",
        502 => "bad gateway",
        503 => "service ",
        504 => "gateway time",
        _ => return false,
    };
    rest.get(4..4 + text.len()).is_some_and(|told| told.eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_a_status_only_where_the_text_says_so() {
        for (text, found) in [
            ("unexpected status code 429", vec![429]),
            ("unexpected status from HEAD request to https://q.io/v2/a/manifests/503: 403 Forbidden", vec![403]),
            ("unexpected status code https://q.io/v2/a: 520", vec![520]),
            ("received unexpected HTTP status: 502 Bad Gateway", vec![502]),
            ("unexpected status code [manifests 404]: 401 Unauthorized", vec![401]),
            ("(HTTP code 500) server error - denied", vec![]),
            ("unexpected commit size 503, expected 429", vec![]),
            ("dial tcp 10.0.0.1:443: i/o timeout", vec![]),
            ("image a:429 and b@sha256:403", vec![]),
            ("attempt 500 of 503", vec![]),
        ] {
            assert_eq!(http_statuses(&Sentence::new(text)).collect::<Vec<_>>(), found, "{text}");
        }
    }
}

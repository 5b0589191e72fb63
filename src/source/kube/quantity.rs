//! Kubernetes quantities: `100m`, `1.5`, `128Mi`, `2G`, `1e3`.
//!
//! Whole-number arithmetic, rounding up like Kubernetes itself. The published crates for this carry an
//! arbitrary-precision decimal type and a parser generator, for what is a number and a suffix.

/// Digits beyond this say nothing: the largest quantity that Kubernetes keeps is below 2^63.
const MOST_DIGITS: usize = 30;

/// Thousandths, e.g. of a core. None for what is no quantity; negative ones count as none, too.
#[must_use]
pub fn thousandths(text: &str) -> Option<u64> {
    parse(text, 3)
}

/// Whole units, e.g. bytes.
#[must_use]
pub fn units(text: &str) -> Option<u64> {
    parse(text, 0)
}

/// `text` times ten to the power of `shift`, rounded up; saturates.
fn parse(text: &str, shift: i32) -> Option<u64> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let (binary, decimal) = scale(suffix)?;
    // 1.25Mi = 125 · 2^20 · 10^-2
    let fraction = fraction.trim_end_matches('0');
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some(0);
    }
    if digits.len() > MOST_DIGITS {
        return None;
    }
    let exponent = decimal + shift - i32::try_from(fraction.len()).ok()?;
    let value = digits.parse::<u128>().ok()?.saturating_mul(1 << binary);
    let value = match u32::try_from(exponent) {
        Ok(up) => value.saturating_mul(10_u128.saturating_pow(up)),
        Err(_) => value.div_ceil(10_u128.saturating_pow(exponent.unsigned_abs())),
    };
    Some(u64::try_from(value).unwrap_or(u64::MAX))
}

/// The powers of two and of ten that a suffix stands for.
fn scale(suffix: &str) -> Option<(u32, i32)> {
    Some(match suffix {
        "" => (0, 0),
        "n" => (0, -9),
        "u" => (0, -6),
        "m" => (0, -3),
        "k" => (0, 3),
        "M" => (0, 6),
        "G" => (0, 9),
        "T" => (0, 12),
        "P" => (0, 15),
        "E" => (0, 18),
        "Ki" => (10, 0),
        "Mi" => (20, 0),
        "Gi" => (30, 0),
        "Ti" => (40, 0),
        "Pi" => (50, 0),
        "Ei" => (60, 0),
        _ => {
            let exponent = suffix.strip_prefix(['e', 'E'])?.parse::<i32>().ok()?;
            (0, exponent.clamp(-60, 60))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores() {
        for (text, millis) in [
            ("100m", 100),
            ("1", 1000),
            ("1.5", 1500),
            ("0.1", 100),
            (".5", 500),
            ("2.", 2000),
            ("0", 0),
            ("0.0005", 1), // rounded up, as the API server does
            ("1500000n", 2),
            ("250000u", 250),
            ("1e3", 1_000_000),
            ("12E-1", 1200),
            ("1k", 1_000_000),
            ("007", 7000),
        ] {
            assert_eq!(thousandths(text), Some(millis), "{text}");
        }
    }

    #[test]
    fn bytes() {
        for (text, bytes) in [
            ("128Mi", 134_217_728),
            ("1.5Gi", 1_610_612_736),
            ("2G", 2_000_000_000),
            ("1e3", 1000),
            ("1E3", 1000),
            ("1E", 1_000_000_000_000_000_000),
            ("129e6", 129_000_000),
            ("123456789", 123_456_789),
            ("100m", 1),
            ("8Ei", 9_223_372_036_854_775_808),
            ("9999999999E", u64::MAX),
            ("1e60", u64::MAX),
            ("1e-60", 1),
        ] {
            assert_eq!(units(text), Some(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_quantity() {
        for text in ["", ".", "m", "-1", "1.2.3", "1Zi", "1e", "1 Gi", "٣", "e3", "1e99999999999"] {
            assert_eq!(units(text), None, "{text}");
        }
        assert_eq!(units(&"9".repeat(31)), None);
    }
}

//! How long a pull took, out of the kubelet's `Pulled` events: no status field says it.
//!
//! Five generations: no time (up to 1.18), `in 446.49174ms` (1.19), `(3m53s including waiting)` (1.27), the same cut to
//! milliseconds, and `Image size: 68741916 bytes.` (1.30). Cached: `already present on machine` (all versions).

use std::time::Duration;

use winnow::Parser;
use winnow::ascii::{Caseless, digit1};
use winnow::combinator::{delimited, opt, preceded};
use winnow::token::take_till;

use super::text::{bare, go_duration};

/// A finished pull.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pulled {
    /// The image was on the node: nothing was pulled, nothing took time.
    Cached,
    /// It was pulled.
    Fetched {
        /// From the wish to the end, the wait included; absent up to 1.18.
        total: Option<Duration>,
        /// The share of it spent in the kubelet's own queue (`serializeImagePulls`); absent up to 1.26.
        queued: Option<Duration>,
        /// Size of the image; absent up to 1.29.
        bytes: Option<u64>,
    },
}

/// Reads the text of a `Pulled` event; `None` for any other text.
#[must_use]
pub fn read(message: &str) -> Option<Pulled> {
    let mut rest = bare(message);
    if let Ok(pulled) = fetched.parse_next(&mut rest) {
        return Some(pulled);
    }
    cached.parse_next(&mut bare(message)).ok()
}

fn fetched(text: &mut &str) -> winnow::Result<Pulled> {
    let image = delimited('"', take_till(0.., '"'), '"');
    let pull = preceded(" in ", go_duration);
    let whole = delimited(" (", go_duration, " including waiting)");
    let size = preceded(". Image size: ", digit1);
    preceded((Caseless("successfully pulled image "), image), (opt(pull), opt(whole), opt(size)))
        .map(|(pull, whole, size): (Option<Duration>, Option<Duration>, Option<&str>)| Pulled::Fetched {
            total: whole.or(pull),
            queued: whole.zip(pull).map(|(whole, pull)| whole.saturating_sub(pull)),
            bytes: size.and_then(|size| size.parse().ok()),
        })
        .parse_next(text)
}

fn cached(text: &mut &str) -> winnow::Result<Pulled> {
    (Caseless("container image \""), take_till(0.., '"'), "\" already present on machine")
        .value(Pulled::Cached)
        .parse_next(text)
}

#[cfg(test)]
mod tests {
    use super::super::text::parse_go_duration;
    use super::*;
    use proptest::prelude::*;

    const fn fetched(total: Option<Duration>, queued: Option<Duration>, bytes: Option<u64>) -> Option<Pulled> {
        Some(Pulled::Fetched { total, queued, bytes })
    }

    #[test]
    fn five_generations() {
        let ms = Duration::from_millis;
        for (message, pulled) in [
            ("Successfully pulled image \"docker.io/library/fedora:32\"", fetched(None, None, None)),
            (
                "Successfully pulled image \"q.io/a\" in 446.491739ms",
                fetched(Some(Duration::from_nanos(446_491_739)), None, None),
            ),
            ("Successfully pulled image \"q.io/a\" in 1m21.5s", fetched(Some(ms(81_500)), None, None)),
            (
                "Successfully pulled image \"q.io/a\" in 1.5s (3m53.25s including waiting)",
                fetched(Some(ms(233_250)), Some(ms(231_750)), None),
            ),
            (
                "Successfully pulled image \"q.io/a\" in 679ms (679ms including waiting)",
                fetched(Some(ms(679)), Some(Duration::ZERO), None),
            ),
            (
                "Successfully pulled image \"q.io/a\" in 1.366s (1.366s including waiting). Image size: 19493207 bytes.",
                fetched(Some(ms(1366)), Some(Duration::ZERO), Some(19_493_207)),
            ),
            (
                "(combined from similar events): Successfully pulled image \"q.io/a\" in 2s (1h0m3s including waiting)",
                fetched(Some(ms(3_603_000)), Some(ms(3_601_000)), None),
            ),
            ("Container image \"q.io/a\" already present on machine", Some(Pulled::Cached)),
            (
                "Container image \"q.io/a\" already present on machine and can be accessed by the pod",
                Some(Pulled::Cached),
            ),
            ("Failed to pull image \"q.io/a in 3s\": not found", None),
            ("", None),
        ] {
            assert_eq!(read(message), pulled, "{message}");
        }
    }

    #[test]
    fn go_durations() {
        for (text, nanos) in [
            ("0s", Some(0)),
            ("1ns", Some(1)),
            ("1.5µs", Some(1_500)),
            ("1.5us", Some(1_500)),
            ("446.491739ms", Some(446_491_739)),
            ("1m2.3s", Some(62_300_000_000)),
            ("1h0m1s", Some(3_601_000_000_000)),
            ("0.000000001s", Some(1)),
            ("99999999999999999999h", Some(u64::MAX)),
            ("1", None),
            ("s", None),
            ("-1s", None),
            ("1s ", None),
        ] {
            assert_eq!(parse_go_duration(text), nanos.map(Duration::from_nanos), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_go_prints_is_read_back(hours in 0_u64..100, minutes in 0_u64..60, millis in 0_u64..60_000) {
            let text = format!("{hours}h{minutes}m{}.{:03}s", millis / 1000, millis % 1000);
            let expected = Duration::from_millis((hours * 60 + minutes) * 60_000 + millis);
            prop_assert_eq!(parse_go_duration(&text), Some(expected));
        }

        #[test]
        fn never_panics(message in "\\PC{0,80}", start in "(Successfully pulled image \"x\" in )?") {
            let _ = read(&format!("{start}{message}"));
        }
    }
}

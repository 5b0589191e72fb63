//! What a job's log ends with.

use std::sync::Arc;

use super::super::text::clean;

/// What GitLab Runner (12.9 and later) puts before the error it gives a job up with, if it was not the script that
/// failed; before it may stand a time stamp and a colour, after it the end of the colour.
const MARK: &str = "Job failed (system failure): ";

/// Longest text kept of it: what refused a pod and why stands at its beginning.
const MAX_GIVEN_UP: usize = 1000;

/// The error with which the runner gave the job up, out of the end of its log.
///
/// The last one counts: a script may have printed such a line, but nothing of the job's is printed after the runner's.
#[must_use]
pub fn given_up(tail: &[u8]) -> Option<Arc<str>> {
    let text = String::from_utf8_lossy(tail);
    let (_, after) = text.rsplit_once(MARK)?;
    let line = after.split(|c: char| c.is_control() && c != '\t').next()?.trim();
    (!line.is_empty()).then(|| clean(line, MAX_GIVEN_UP).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTA: &str = "prepare environment: setting up build pod: pods \"runner-abc-project-12-concurrent-0-x7\" is \
                         forbidden: exceeded quota: jobs, requested: pods=1, used: pods=20, limited: pods=20";

    #[test]
    fn the_runners_last_words_are_found_however_they_are_dressed() {
        for log in [
            format!("\u{1b}[31;1mERROR: Job failed (system failure): {QUOTA}\u{1b}[0;m\n"),
            format!(
                "section_end:1700000000:prepare_script\r\u{1b}[0K\u{1b}[31;1mERROR: Job failed (system failure): {QUOTA}\u{1b}[0;m"
            ),
            format!(
                "2026-03-01T12:00:00.123456Z 00O \u{1b}[31;1mERROR: Job failed (system failure): {QUOTA}\u{1b}[0;m\r\n"
            ),
            format!("ERROR: Job failed (system failure): {QUOTA}\ncleaning up\n\n"),
            format!("ERROR: Job failed (system failure): of a script\nERROR: Job failed (system failure): {QUOTA}\n"),
        ] {
            assert_eq!(given_up(log.as_bytes()).as_deref(), Some(QUOTA), "{log}");
        }
    }

    #[test]
    fn a_log_that_ends_otherwise_says_nothing() {
        for log in [
            "",
            "ERROR: Job failed: exit code 1\n",
            "Job failed (system failure): \u{1b}[0;m\n",
            "job failed (system failure): x",
        ] {
            assert_eq!(given_up(log.as_bytes()), None, "{log}");
        }
    }

    #[test]
    fn what_is_kept_is_bounded_and_plain() {
        let mut log = b"\xff\xfe\x1b[0;mERROR: Job failed (system failure): a\tb\xe2\x80\xae".to_vec();
        log.extend(std::iter::repeat_n(b'x', 100_000));
        let kept = given_up(&log).unwrap();
        assert_eq!(kept.chars().count(), MAX_GIVEN_UP);
        assert!(kept.starts_with("a\u{fffd}b\u{fffd}xxx"), "{}", &kept[..40]);
    }
}

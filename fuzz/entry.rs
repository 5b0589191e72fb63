//! What every fuzz target does with its bytes. The stable test over the corpus calls the same functions.

use tierwatch::cause::{self, Cause, Family};

/// What a target does with its bytes.
pub type Entry = fn(&[u8]);

/// The entry points by the name of their corpus.
pub const ALL: [(&str, Entry); 4] =
    [("lines", lines), ("message", message), ("reference", reference), ("durations", durations)];

/// `classify`, the command: as many answers as lines, each JSON.
pub fn lines(data: &[u8]) {
    let mut output = Vec::new();
    tierwatch::classify::run(data, &mut output).expect("memory can be read and written");
    let answers: Vec<_> = output.split_inclusive(|byte| *byte == b'\n').collect();
    let expected = data.split_inclusive(|byte| *byte == b'\n').count();
    assert_eq!(answers.len(), expected, "an answer for each line");
    for answer in answers {
        serde_json::from_slice::<serde_json::Value>(answer).expect("an answer is JSON");
    }
}

/// One message, in every family and in none.
pub fn message(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for kind in Family::ALL.iter().copied().map(Some).chain([None]) {
        for (reason, source) in [("", ""), ("Failed", "kubelet"), ("FailedScheduling", "karpenter")] {
            let verdict = cause::classify(kind, Some(reason), Some(source), &text);
            assert!(verdict.causes.contains(&verdict.cause), "the dominant cause is one of the causes");
            assert!(verdict.causes.is_sorted_by_key(|cause: &Cause| cause.as_str()), "{:?}", verdict.causes);
            assert_eq!(verdict.kind, verdict.cause.family());
        }
    }
    if let Some(told) = cause::limit::overstep(&text) {
        assert!(!told.resource.contains(['<', ' ', '"']), "{told:?} is a name");
    }
}

/// An image reference.
pub fn reference(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(host) = cause::registry_of(&text) {
        assert!(!host.is_empty() && !host.contains(['/', ' ', '"']), "{host:?} is a host");
    }
}

/// The text of a `Pulled` event: the wait is a part of the whole.
pub fn durations(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(cause::Pulled::Fetched { total, queued, .. }) = cause::pulled::read(&text) {
        assert!(queued.is_none() || total >= queued, "{total:?} {queued:?}");
    }
    let _ = cause::parse_go_duration(&text);
}

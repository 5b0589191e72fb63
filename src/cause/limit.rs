//! Which bound of a LimitRange a pod oversteps, as kube-apiserver's refusal says it.
//!
//! limitranger, all versions: `maximum cpu usage per Container is 2, but limit is 4`, `minimum memory usage per Pod is
//! 1Gi.  No request is specified`, `cpu max limit to request ratio per Container is 2, but provided ratio is 4.000000`;
//! several stand in brackets, and the first is told.

/// A longer name or number is none that Kubernetes would take.
const MOST_BYTES: usize = 63;

/// What a LimitRange bounds of one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// As much at most.
    Max,
    /// As much at least.
    Min,
    /// The limit is at most so many times the request.
    Ratio,
}

/// A bound that a refused pod oversteps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overstep {
    /// Which bound.
    pub bound: Bound,
    /// It holds for the whole pod, not for one container.
    pub of_pod: bool,
    /// As written, e.g. `cpu`.
    pub resource: Box<str>,
    /// What the pod asks for, as written, e.g. `512Mi`; absent where it asks for nothing.
    pub asked: Option<Box<str>>,
}

/// The first bound that a refusal names. Only names and quantities come out of it, whoever wrote the text.
#[must_use]
pub fn overstep(refusal: &str) -> Option<Overstep> {
    let parts = [(" per Container is ", false), (" per Pod is ", true)];
    let found = parts.iter().filter_map(|(words, of_pod)| Some((refusal.find(words)?, *words, *of_pod)));
    let (at, words, of_pod) = found.min_by_key(|(at, ..)| *at)?;
    let (bound, resource) = bounded(&refusal[..at])?;
    let resource = token(resource, |byte| byte.is_ascii_alphanumeric() || b"./-".contains(&byte))?;
    Some(Overstep { bound, of_pod, resource, asked: asked(&refusal[at + words.len()..]) })
}

/// `maximum RESOURCE usage`, `minimum RESOURCE usage`, `RESOURCE max limit to request ratio`.
fn bounded(said: &str) -> Option<(Bound, &str)> {
    let last_word = |text: &'_ str| -> usize { text.rfind([' ', '[']).map_or(0, |at| at + 1) };
    if let Some(head) = said.strip_suffix(" max limit to request ratio") {
        return Some((Bound::Ratio, &head[last_word(head)..]));
    }
    let head = said.strip_suffix(" usage")?;
    let (before, resource) = head.split_at(last_word(head));
    let before = before.trim_end();
    match &before[last_word(before)..] {
        "maximum" => Some((Bound::Max, resource)),
        "minimum" => Some((Bound::Min, resource)),
        _ => None,
    }
}

/// `2, but limit is 4`.
fn asked(said: &str) -> Option<Box<str>> {
    let (_, rest) = said.split_once(", but ")?;
    let (what, amount) = rest.split_once(" is ")?;
    let amount = amount.split([' ', ',', ']']).next()?.trim_end_matches('.');
    let is_amount = matches!(what, "limit" | "request" | "provided ratio");
    is_amount.then(|| token(amount, |byte| byte.is_ascii_alphanumeric() || byte == b'.')).flatten()
}

fn token(text: &str, allowed: impl Fn(u8) -> bool) -> Option<Box<str>> {
    (!text.is_empty() && text.len() <= MOST_BYTES && text.bytes().all(allowed)).then(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bound_is_told_with_what_was_asked() {
        let told = |bound, of_pod, resource: &str, asked: Option<&str>| {
            Some(Overstep { bound, of_pod, resource: resource.into(), asked: asked.map(Into::into) })
        };
        for (text, overstep) in [
            ("maximum cpu usage per Container is 2, but limit is 4", told(Bound::Max, false, "cpu", Some("4"))),
            ("maximum cpu usage per Container is 16, but request is 17.", told(Bound::Max, false, "cpu", Some("17"))),
            (
                "[maximum memory usage per Pod is 1Gi, but limit is 2147483648, maximum cpu usage per Container is 2, but limit is 4]",
                told(Bound::Max, true, "memory", Some("2147483648")),
            ),
            (
                "[minimum memory usage per Container is 1Gi, but request is 512Mi]",
                told(Bound::Min, false, "memory", Some("512Mi")),
            ),
            ("minimum cpu usage per Pod is 100m.  No request is specified", told(Bound::Min, true, "cpu", None)),
            (
                "cpu max limit to request ratio per Container is 2, but provided ratio is 4.000000",
                told(Bound::Ratio, false, "cpu", Some("4.000000")),
            ),
            (
                "memory max limit to request ratio per Pod is 2, but no request is specified or request is 0",
                told(Bound::Ratio, true, "memory", None),
            ),
            (
                "maximum nvidia.com/gpu usage per Container is 1, but limit is <b>2</b>. Check https://x",
                told(Bound::Max, false, "nvidia.com/gpu", None),
            ),
            ("maximum <script> usage per Container is 1", None),
            ("no usage per Container is 1", None),
            ("exceeded quota: q", None),
        ] {
            let refused = format!("prepare environment: setting up build pod: pods \"x\" is forbidden: {text}");
            assert_eq!(super::overstep(&refused), overstep, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(head in ".{0,20}", tail in ".{0,20}", of in proptest::sample::select(vec!["Container", "Pod"])) {
            let _ = overstep(&format!("{head} usage per {of} is {tail}, but limit is {tail}"));
            let _ = overstep(&format!("{head} per {of} is {tail}"));
        }
    }
}

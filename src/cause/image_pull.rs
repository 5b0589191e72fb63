//! Why an image cannot be pulled: what the kubelet, containerd 1 and 2, CRI-O (containers/image) and dockerd say.
//!
//! References, addresses and digests are taken out before the words are read: a tag may hold `429`, a path may
//! hold `auth`. The registry is the host of the reference, never of the token service or of a redirect.

use super::image::{registry_of, registry_of_url};
use super::text::{any, has_word, split_outside, without_prefix};
use super::{Cause, Classified, Pull};

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The dominant cause.
    pub cause: Pull,
    /// All causes, sorted by name.
    pub causes: Vec<Pull>,
    /// Host of the image reference, where the message names one.
    pub registry: Option<String>,
}

/// Whether a text is about an image at all.
pub(super) fn looks_like(message: &str) -> bool {
    any(&super::lowered(message), &["image", "pull", "registry", "manifest", "layer", "/v2/", "docker", "repository"])
}

/// Reads a kubelet event or a waiting container's message.
#[must_use]
pub fn classify(reason: &str, message: &str) -> Verdict {
    let message = super::bounded(without_prefix(message));
    let told = after_back_off(message);
    let mut causes: Vec<Pull> = Vec::new();
    for error in errors(told) {
        causes.extend(causes_of(reason, error).into_iter().filter(|cause| !causes.contains(cause)).collect::<Vec<_>>());
    }
    let cause = causes.first().copied().unwrap_or(Pull::Other);
    causes.sort_unstable_by_key(|cause| cause.as_str());
    Verdict { cause, causes, registry: registry(message) }
}

/// Since 1.32 a back-off repeats the cause: `Back-off pulling image "X": ErrImagePull: <cause>`.
fn after_back_off(message: &str) -> &str {
    const REPEATED: &str = ": ErrImagePull: ";
    match message.find(REPEATED) {
        Some(at) if message.starts_with("Back-off pulling") => &message[at + REPEATED.len()..],
        Some(_) | None => message,
    }
}

/// Several pull secrets give several errors: `[err1, err2]`.
fn errors(message: &str) -> Vec<&str> {
    let list = message.rfind(']').and_then(|end| Some((message.find("[rpc error")?, end)));
    let list = list.or_else(|| (message.starts_with('[') && message.ends_with(']')).then_some((0, message.len() - 1)));
    let Some((start, end)) = list.filter(|(start, end)| start < end) else { return vec![message] };
    let inner = &message[start + 1..end];
    let mut cuts = vec![0];
    let mut at = 0;
    for part in split_outside(inner, ", ") {
        if at > 0 && any(part.get(..24).unwrap_or(part), &["rpc error", "failed to", "error", "Error"]) {
            cuts.push(at);
        }
        at += part.len() + ", ".len();
    }
    cuts.push(inner.len());
    cuts.windows(2).map(|cut| &inner[cut[0]..cut[1]]).collect()
}

/// The causes of one error, dominant first.
fn causes_of(reason: &str, message: &str) -> Vec<Pull> {
    let words = spoken_words(message);
    if let Some(cause) = progress(reason, &words) {
        return vec![cause];
    }
    let cause = recognise(reason, &words);
    // A name server that does not answer is a matter of names, and of time.
    let slow_dns = cause == Pull::Dns && any(&words, &["timeout", "timed out"]);
    if slow_dns { vec![cause, Pull::Timeout] } else { vec![cause] }
}

/// What the kubelet tells when nothing is wrong.
fn progress(reason: &str, words: &str) -> Option<Pull> {
    if words.contains("already present on machine") {
        Some(Pull::PulledCached)
    } else if words.starts_with("successfully pulled image") {
        Some(Pull::Pulled)
    } else if reason == "Pulling" || (words.starts_with("pulling image") && !any(words, &["fail", "error"])) {
        Some(Pull::Pulling)
    } else {
        None
    }
}

fn recognise(reason: &str, words: &str) -> Pull {
    let recognisers: &[(&[&str], Pull)] = &[
        // kubelet: its own token bucket (registryPullQPS).
        (&["pull qps exceeded"], Pull::PullQps),
        // kubelet and GitLab Runner: pull policy; CRI-O and containers/image: signature policy.
        (
            &[
                "pull policy of never",
                "errimageneverpull",
                "allowed_pull_policies",
                "invalid pull policy",
                "rejected by policy",
                "signature validation",
                "signaturevalidationfailed",
                "no signature",
                "policy violation",
                "denied by policy",
                "a signature was required",
            ],
            Pull::Policy,
        ),
        // kubelet, distribution/reference.
        (
            &[
                "invalid reference format",
                "couldn't parse image",
                "could not parse",
                "failed to apply default image tag",
                "repository name must be",
                "invalidimagename",
            ],
            Pull::InvalidName,
        ),
        // containerd; dockerd; containers/image.
        (
            &[
                "no match for platform",
                "no matching manifest",
                "no image found in manifest list",
                "no image found in image index",
                "cannot be used on this platform",
                "does not match the specified platform",
                "choosing an image from manifest list",
            ],
            Pull::Platform,
        ),
        // containerd content store; containers/image.
        (
            &[
                "content digest",
                "unexpected commit digest",
                "unexpected commit size",
                "failed size validation",
                "manifest digest",
                "digest did not match",
                "digest mismatch",
                "verification failed for digest",
                "layer verification failed",
                "wrong diff id",
                "invalid checksum",
                "digest does not match",
            ],
            Pull::Digest,
        ),
        (
            &["no space left on device", "disk quota exceeded", "not enough disk space", "insufficient disk space"],
            Pull::Disk,
        ),
        (
            &["toomanyrequests", "too many requests", "rate limit", "rate exceeded", "throttl", "quota exceeded"],
            Pull::RateLimited,
        ),
        // Go's resolver.
        (
            &[
                "no such host",
                "server misbehaving",
                "dial tcp: lookup",
                "name resolution",
                "could not resolve",
                "no answer from dns",
            ],
            Pull::Dns,
        ),
        (&["tls handshake timeout"], Pull::Timeout),
        // crypto/tls and crypto/x509.
        (
            &[
                "x509:",
                "x509 ",
                "certificate",
                "tls: ",
                "http response to https client",
                "does not look like a tls handshake",
            ],
            Pull::Tls,
        ),
        // Registries: who may not read is often told that there is nothing.
        (
            &[
                "may require",
                "no pull access",
                "unauthorized",
                "authentication required",
                "no basic auth",
                "access denied",
                "access forbidden",
                "authorization failed",
                "insufficient_scope",
                "insufficient scope",
                "denied:",
                "denied for",
                "invalid username",
                "not authorized",
                "token has expired",
                "permission denied",
                "permission_denied",
                "authentication failed",
                "credential",
                "requested access to the resource is denied",
                "login attempt",
            ],
            Pull::Auth,
        ),
        (&["name unknown", "manifest unknown"], Pull::NotFound),
        (
            &["internal server error", "bad gateway", "service unavailable", "gateway timeout", "gateway time-out"],
            Pull::ServerError,
        ),
        (
            &["timeout", "timed out", "deadline exceeded", "request canceled", "context canceled", "context cancelled"],
            Pull::Timeout,
        ),
        (
            &[
                "connection refused",
                "connection reset",
                "broken pipe",
                "no route to host",
                "network is unreachable",
                "host is down",
                "connection closed",
                "closed network connection",
                "unexpected eof",
                ": eof",
                "goaway",
                "stream error",
                "dial tcp",
                "server closed idle connection",
                "failed to do request",
            ],
            Pull::Connection,
        ),
        (&["not found", "does not exist", "no such image", "no such manifest", "nosuchkey"], Pull::NotFound),
        (&["denied", "forbidden"], Pull::Auth),
    ];
    // Every status is looked for before the words of weaker recognisers, in the order of what they prove.
    if status(words, &["429"]) && !any(words, &["pull qps exceeded"]) {
        return Pull::RateLimited;
    }
    let strong = recognisers.iter().position(|(_, cause)| *cause == Pull::NotFound).unwrap_or(0);
    let by_words = |rows: &[(&[&str], Pull)]| rows.iter().find(|(texts, _)| any(words, texts)).map(|(_, cause)| *cause);
    by_words(&recognisers[..strong])
        .or_else(|| status(words, &["401", "403"]).then_some(Pull::Auth))
        .or_else(|| {
            status(words, &["500", "501", "502", "503", "504", "520", "521", "522", "524", "530"])
                .then_some(Pull::ServerError)
        })
        .or_else(|| by_words(&recognisers[strong..]))
        .or_else(|| status(words, &["404"]).then_some(Pull::NotFound))
        .or_else(|| words.ends_with("eof").then_some(Pull::Connection))
        .or_else(|| by_reason(reason, words))
        .unwrap_or(Pull::Other)
}

/// The waiting reason alone, where the text says nothing more.
fn by_reason(reason: &str, words: &str) -> Option<Pull> {
    let back_off = words.starts_with("back-off pulling") || words.ends_with("imagepullbackoff");
    match reason {
        _ if back_off => Some(Pull::Backoff),
        "InvalidImageName" => Some(Pull::InvalidName),
        "ErrImageNeverPull" | "SignatureValidationFailed" => Some(Pull::Policy),
        "RegistryUnavailable" => Some(Pull::Connection),
        "ImagePullBackOff" | "BackOff" if words.is_empty() => Some(Pull::Backoff),
        _ => None,
    }
}

/// An HTTP status: the number as a word of its own, not a port.
fn status(words: &str, codes: &[&str]) -> bool {
    codes
        .iter()
        .any(|code| has_word(words, code) && words.match_indices(code).any(|(at, _)| !words[..at].ends_with(':')))
}

/// The message in lower case without references, addresses and digests.
fn spoken_words(message: &str) -> String {
    let mut words = String::with_capacity(message.len());
    for token in message.split_inclusive([' ', '\n', '\t']) {
        let bare = token.trim_matches(|letter: char| letter.is_whitespace() || "\"'`,;:.()[]\\".contains(letter));
        if is_reference(bare) {
            // What follows the reference keeps its colon: `X: not found`, `"…": EOF`.
            let tail = token.trim_end();
            words.push_str(if tail.ends_with(':') { "_: " } else { "_ " });
        } else {
            words.push_str(&token.to_ascii_lowercase());
        }
    }
    words.trim().to_owned()
}

fn is_reference(token: &str) -> bool {
    let slashes = token.matches('/').count();
    token.contains("://")
        || token.starts_with("sha256:")
        || token.contains("@sha256:")
        || token.contains("-sha256:")
        || slashes >= 2
        || (slashes == 1 && token.contains(['.', ':', '@']) && !token.starts_with("net/http"))
        // `name:tag` without a path: a tag is not empty and the name is not a word of the sentence.
        || (slashes == 0 && token.split_once(':').is_some_and(|(name, tag)| !name.is_empty() && !tag.is_empty() && !tag.contains('=')
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte))
            && !matches!(name, "code" | "status" | "x509" | "tls")))
}

/// The registry of the image that the message is about.
fn registry(message: &str) -> Option<String> {
    quoted_reference(message)
        .or_else(|| announced_reference(message))
        .or_else(|| tokens(message).find_map(host_of_token))
        .or_else(|| tokens(message).find_map(registry_of_address))
        .or_else(|| looked_up_host(message))
}

fn tokens(message: &str) -> impl Iterator<Item = &str> {
    message
        .split([' ', '\n', '"', '\'', ','])
        .map(|token| token.trim_matches(|letter: char| ";:.()[]\\".contains(letter)))
}

/// `image "X"`, `reference "X"`, `image tag "X"`, `image 'X'`: the kubelet quotes.
fn quoted_reference(message: &str) -> Option<String> {
    ["image \"", "image \\\"", "reference \"", "tag \"", "image '", "name \""].iter().find_map(|opening| {
        let start = message.find(opening)? + opening.len();
        let rest = &message[start..];
        let end = rest.find(['"', '\'', '\\'])?;
        registry_of(&rest[..end])
    })
}

/// Words after which an unquoted reference stands.
fn announced_reference(message: &str) -> Option<String> {
    ["access denied for ", "manifest for ", "unable to pull ", "image name ", "docker://", "pulling image "]
        .iter()
        .find_map(|word| {
            let start = message.find(word)? + word.len();
            let token = message[start..].split([' ', ',', '"']).next()?;
            let token = token.trim_end_matches([':', '.', ',']);
            // A reference without a host must at least look like one.
            token.contains(['/', ':']).then(|| registry_of(token)).flatten()
        })
}

/// An unquoted reference with a host anywhere in the text.
fn host_of_token(token: &str) -> Option<String> {
    let (host, rest) = token.split_once('/')?;
    let host_like = host.contains('.') || host.contains(':') || host == "localhost";
    let plain = !rest.is_empty() && !token.contains("://") && !host.ends_with(':') && !host.starts_with('.');
    (host_like && plain && !host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
        .then(|| registry_of(token))
        .flatten()
}

/// An address of the registry, not of its token service.
fn registry_of_address(token: &str) -> Option<String> {
    if token.contains("//auth.docker.io") {
        return Some("docker.io".to_owned());
    }
    let (_, rest) = token.split_once(":/")?;
    let path = rest.trim_start_matches('/').split_once('/').map_or("", |(_, path)| path);
    let of_tokens = path.contains("auth") || path.starts_with("token") || path.contains("/token");
    (!of_tokens || path.starts_with("v2")).then(|| registry_of_url(token)).flatten()
}

/// `lookup HOST on 10.0.0.10:53: …`, `lookup HOST: no such host`.
fn looked_up_host(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("lookup ")?;
    let host = rest.split([' ', ',']).next()?.trim_end_matches(':');
    host.contains('.').then(|| registry_of_url(&format!("https://{host}/"))).flatten()
}

impl From<Verdict> for Classified {
    fn from(verdict: Verdict) -> Self {
        let causes = verdict.causes.iter().map(|cause| Cause::Pull(*cause)).collect();
        Self { cause: Cause::Pull(verdict.cause), causes, registry: verdict.registry }
    }
}

//! What the kubelet and the runtimes beneath it (containerd 1 and 2, CRI-O, docker, podman) say of an image.
//!
//! Go wraps errors outside in, and several pull secrets make a list of them. A part is named by its most telling
//! words, in the order of [`ROWS`]; numbers count only where they are a status of HTTP.

use std::sync::LazyLock;

use super::family::Verdict;
use super::http_status::http_statuses;
use super::label::labels;
use super::reference::Reference;
use super::text::{Hits, Phrases, Sentence, bare, strip_start};

labels! {
    /// Why an image cannot be pulled; the last three are no failures.
    Pull {
        /// No such image or tag.
        NotFound = "not_found",
        /// Credentials are missing, wrong or not enough.
        Auth = "auth",
        /// The registry limits how often it is asked.
        RateLimited = "rate_limited",
        /// No connection, or it broke.
        Connection = "connection",
        /// No answer in time.
        Timeout = "timeout",
        /// The registry's name does not resolve.
        Dns = "dns",
        /// Certificates, or TLS where there is none.
        Tls = "tls",
        /// The registry answered 5xx.
        ServerError = "server_error",
        /// No build of the image for this architecture.
        Platform = "platform",
        /// Content does not match its digest or size.
        Digest = "digest",
        /// The reference is no image name.
        InvalidName = "invalid_name",
        /// A policy forbids it.
        Policy = "policy",
        /// The node's disk is full.
        Disk = "disk",
        /// The kubelet's own limit of pulls.
        PullQps = "pull_qps",
        /// Backing off; the cause was not told yet.
        Backoff = "backoff",
        /// Anything else.
        Other = "other",
        /// Pulled.
        Pulled = "pulled",
        /// Was there already.
        PulledCached = "pulled_cached",
        /// Being pulled.
        Pulling = "pulling",
    }
}

impl Pull {
    /// False for the three that are good news.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        !matches!(self, Self::Pulled | Self::PulledCached | Self::Pulling)
    }
}

/// What a message says of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullVerdict<'a> {
    /// The cause.
    pub cause: Pull,
    /// Every cause once, sorted by its label value.
    pub causes: Vec<Pull>,
    /// The host of the image reference; the token server and the CDN behind it are not the registry.
    pub registry: Option<String>,
    /// The reference as written, where the message has one.
    pub image: Option<&'a str>,
}

/// Names the cause in a message about an image: a container's waiting state, or an event of the kubelet.
#[must_use]
pub fn classify<'a>(reason: &str, message: &'a str) -> PullVerdict<'a> {
    let message = bare(message);
    let verdict = told(&Sentence::new(message)).unwrap_or_else(|| Verdict::one(by_reason(reason)));
    let found = Reference::in_message(message);
    PullVerdict {
        cause: verdict.dominant,
        causes: verdict.causes.into_iter().map(|(cause, _)| cause).collect(),
        registry: found.registry.map(str::to_owned),
        image: found.image,
    }
}

/// What the text alone says.
pub(super) fn told(sentence: &Sentence<'_>) -> Option<Verdict<Pull>> {
    let mut causes = Vec::new();
    let mut add = |part: &Sentence<'_>| {
        let Some((cause, beneath)) = of_part(part) else { return };
        causes.push((cause, 1));
        causes.extend(beneath.map(|cause| (cause, 0)));
    };
    match aggregate(sentence.text()) {
        Some(parts) => parts.for_each(|part| add(&Sentence::new(part))),
        None => add(sentence),
    }
    (!causes.is_empty()).then(|| Verdict::weigh(causes, Pull::Other))
}

/// Whether a text of unknown family is about an image: much is `not found` or `denied` in a cluster.
pub(super) fn speaks_of_image(sentence: &Sentence<'_>) -> bool {
    static TABLE: LazyLock<Phrases<()>> = LazyLock::new(|| Phrases::new(CONTEXT));
    TABLE.first(sentence).is_some() || Reference::in_message(sentence.text()).registry.is_some()
}

const CONTEXT: &[((), &[&str])] = &[(
    (),
    &[
        "image",
        "short-name",
        "manifest",
        "registry",
        "repository",
        "layer",
        "blob",
        "pull",
        "pulling",
        "pulled",
        "docker",
        "daemon",
        "snapshotter",
        "toomanyrequests",
        "unauthorized",
        "denied: ",
        "errimagepull",
        "imagepullbackoff",
        "errimageneverpull",
        "invalidimagename",
        "failed to authorize",
        "failed to copy",
        "httpreadseeker",
        "dial tcp",
        "get \"https:/",
        "head \"https:/",
        "failed size validation",
    ],
)];

/// Reasons of the kubelet (`pkg/kubelet/images/types.go`) whose text may say nothing.
fn by_reason(reason: &str) -> Pull {
    match reason {
        "InvalidImageName" | "InspectFailed" => Pull::InvalidName,
        "ErrImageNeverPull" | "SignatureValidationFailed" => Pull::Policy,
        "RegistryUnavailable" => Pull::Connection,
        "BackOff" | "ImagePullBackOff" => Pull::Backoff,
        "Pulling" => Pull::Pulling,
        "Pulled" => Pull::Pulled,
        _ => Pull::Other,
    }
}

/// The cause of one error, and what lies beneath it: a name that does not resolve because the resolver is silent.
fn of_part(sentence: &Sentence<'_>) -> Option<(Pull, Option<Pull>)> {
    static TABLE: LazyLock<Phrases<Pull>> = LazyLock::new(|| Phrases::new(ROWS));
    if let Some(cause) = good_news(sentence.text()) {
        return Some((cause, None));
    }
    let mut hits = TABLE.hits(sentence);
    for cause in http_statuses(sentence).filter_map(of_status) {
        if let Some(row) = TABLE.row_of(cause) {
            hits.add(row);
        }
    }
    let cause = TABLE.cause(hits.first()?);
    let has = |hits: Hits, cause| TABLE.row_of(cause).is_some_and(|row| hits.has(row));
    let beneath = [Pull::Timeout, Pull::Connection].into_iter().find(|beneath| has(hits, *beneath));
    Some((cause, beneath.filter(|_| cause == Pull::Dns)))
}

/// The kubelet's three sentences that are no errors, all versions: they open the message. Errors say the same words
/// further on, docker's `error pulling image configuration: …` for one.
fn good_news(message: &str) -> Option<Pull> {
    if let Some(image) = strip_start(message, "container image ") {
        return image.contains("already present on machine").then_some(Pull::PulledCached);
    }
    let openings = [(Pull::Pulled, "successfully pulled image "), (Pull::Pulling, "pulling image \"")];
    openings.into_iter().find_map(|(cause, opening)| strip_start(message, opening).map(|_| cause))
}

/// Most telling first. A cause's longest row holds what says it outright.
const ROWS: &[(Pull, &[&str])] = &[
    // The reference itself: kubelet's and docker's parser; CRI-O's short names (1.20+, containers/image).
    (
        Pull::InvalidName,
        &[
            "couldn't parse image reference",
            "couldn't parse image name",
            "could not parse image",
            "could not parse reference",
            "failed to parse image",
            "failed to parse reference",
            "invalid reference format",
            "invalid image reference",
            "failed to apply default image tag",
            "repository name must be lowercase",
            "repository name must be canonical",
            "invalidimagename",
            "did not resolve to an alias",
            "short-name resolution enforced",
            "invalid checksum digest",
            "unsupported digest algorithm",
            "no registries configured",
            "short name mode is enforcing",
        ],
    ),
    // kubelet's Never; signatures of CRI-O (containers/image policy.json; kubelet reason since 1.28); gitlab-runner;
    // Harbor 2's rules about vulnerabilities and signatures, to which status 412 belongs; containerd 2's verifiers.
    (
        Pull::Policy,
        &[
            "pull policy of never",
            "errimageneverpull",
            "image pull policy never",
            "signaturevalidationfailed",
            "signature validation failed",
            "source image rejected",
            "a signature was required",
            "rejected by policy",
            "invalid pull policy",
            "allowed_pull_policies",
            "not one of the allowed",
            "not present on list of allowed",
            "due to configured policy",
            "projectpolicyviolation",
            "blocking pull of",
            "blocked pull of",
        ],
    ),
    // kubelet, registryPullQPS, all versions.
    (Pull::PullQps, &["pull qps exceeded"]),
    // Docker Hub's and ECR's words beside status 429; Artifact Registry's quota.
    (
        Pull::RateLimited,
        &[
            "toomanyrequests",
            "too many requests",
            "pull rate limit",
            "rate limit exceeded",
            "rate exceeded",
            "rate limited",
            "quota exceeded for quota metric",
            "throttlingexception",
            "requestlimitexceeded",
        ],
    ),
    (
        Pull::Disk,
        &["no space left on device", "disk quota exceeded", "not enough disk space", "not enough space on the disk"],
    ),
    // containerd; docker; containers/image (manifest list since 2018, image index since 5.22); Windows.
    (
        Pull::Platform,
        &[
            "no match for platform",
            "no matching manifest for",
            "no image found in manifest list for",
            "no image found in image index for",
            "does not match the specified platform",
            "cannot be used on this platform",
            "image is incompatible with",
            "no supported platform found",
        ],
    ),
    // containerd's content store; docker's distribution; containers/image's digest checks.
    (
        Pull::Digest,
        &[
            "content digest",
            "unexpected commit digest",
            "unexpected commit size",
            "failed size validation",
            "provided manifest digest",
            "filesystem layer verification failed",
            "manifest verification failed",
            "image verification failed",
            "digest did not match",
            "digest mismatch",
            "invalid digest",
            "digest of source image's manifest would not match",
            "does not match expected digest",
            "wrong diff id calculated",
            "mismatched image rootfs",
            "invalid tar header",
            "gzip: invalid",
            "unexpected digest",
            "layer verification failed",
        ],
    ),
    // The runtime itself is gone, or cannot use what came: a page of a proxy, a format of 2015 (containerd 2 says so).
    (Pull::Other, &["dial unix", "unexpected media type", "is no longer supported since containerd"]),
    // Go's transport prints what a proxy answered to CONNECT; the credentials that lack are the proxy's.
    (Pull::Connection, &["proxy authentication required"]),
    // Statuses 5xx and their words.
    (
        Pull::ServerError,
        &["internal server error", "bad gateway", "service unavailable", "gateway timeout", "gateway time-out"],
    ),
    // Go's resolver, through any of them; also the proxy's name.
    (
        Pull::Dns,
        &[
            "dial tcp: lookup",
            "dial udp: lookup",
            "lookup",
            "no such host",
            "server misbehaving",
            "temporary failure in name resolution",
            "could not resolve host",
            "name or service not known",
            "name does not resolve",
        ],
    ),
    // A handshake that takes too long is a timeout, hence the colon.
    (
        Pull::Tls,
        &[
            "tls: ",
            "x509",
            "x509:",
            "certificate signed by unknown authority",
            "certificate has expired",
            "failed to verify certificate",
            "server gave http response to https client",
            "malformed http response",
            "first record does not look like a tls handshake",
        ],
    ),
    (
        Pull::Timeout,
        &[
            "i/o timeout",
            "tls handshake timeout",
            "connection timed out",
            "operation timed out",
            "timed out",
            "deadline exceeded",
            "deadlineexceeded",
            "request canceled",
            "context canceled",
            "timeout exceeded",
            "timeout awaiting response headers",
            "timeout awaiting headers",
            "because of no progress in",
        ],
    ),
    // Registries' error codes; docker's and containerd's double meaning `does not exist or …`; credential helpers.
    (
        Pull::Auth,
        &[
            "unauthorized",
            "authentication required",
            "authorization failed",
            "no basic auth credentials",
            "denied",
            "pull access denied",
            "access denied",
            "access forbidden",
            "accessdenied",
            "accessdeniedexception",
            "forbidden",
            "insufficient_scope",
            "invalid username/password",
            "incorrect username or password",
            "authorization token has expired",
            "not authorized",
            "no pull access",
            "may require authorization",
            "may require 'docker login'",
            "error getting credentials",
            "error getting docker credential",
            "failed to get credentials",
            "credentials not found",
            "unable to retrieve auth token",
            "unauthenticated",
            "invalid_token",
            "invalid_grant",
            "permission denied for",
            "expiredtoken",
            "expiredtokenexception",
            "unrecognizedclientexception",
        ],
    ),
    (
        Pull::NotFound,
        &[
            "not found",
            "manifest unknown",
            "manifest_unknown",
            "name unknown",
            "name_unknown",
            "repository name not known",
            "does not exist",
            "no such image",
            "no such manifest",
            "was deleted or has expired",
            "was deleted",
            "tag not known",
            "unknown tag",
            "unknown blob",
            "blob_unknown",
        ],
    ),
    (
        Pull::Connection,
        &[
            "connection refused",
            "connection reset",
            "connection closed",
            "connection lost",
            "network is unreachable",
            "no route to host",
            "host is down",
            "broken pipe",
            "eof",
            "unexpected eof",
            "goaway",
            "stream error",
            "use of closed network connection",
            "server closed idle connection",
            "forcibly closed",
            "registry is unavailable",
            "registryunavailable",
            "proxyconnect",
        ],
    ),
    // What remains when the inner error is cut off: the step that failed, and gRPC's code.
    (Pull::NotFound, &["code = notfound"]),
    (Pull::Timeout, &["code = deadlineexceeded", "code = canceled"]),
    (
        Pull::Auth,
        &["code = permissiondenied", "code = unauthenticated", "failed to authorize", "failed to fetch oauth token"],
    ),
    (Pull::Auth, &["failed to fetch anonymous token"]),
    (Pull::Connection, &["failed to do request", "dial tcp"]),
    // containers/image says so before any error of the registry, too.
    (Pull::InvalidName, &["error parsing image name"]),
    (Pull::Backoff, &["back-off pulling image", "imagepullbackoff", "errimagepull"]),
];

const fn of_status(code: u16) -> Option<Pull> {
    match code {
        401 | 403 => Some(Pull::Auth),
        404 | 410 => Some(Pull::NotFound),
        407 => Some(Pull::Connection),
        408 => Some(Pull::Timeout),
        412 => Some(Pull::Policy),
        429 => Some(Pull::RateLimited),
        500..=599 => Some(Pull::ServerError),
        _ => None,
    }
}

/// The kubelet tries each pull secret and lists what came back, `[err1, err2]` (apimachinery's `Aggregate`). Errors
/// have commas of their own: a new one starts with words that open an error.
fn aggregate(message: &str) -> Option<impl Iterator<Item = &str>> {
    const OPENERS: [&str; 9] = [
        "rpc error:",
        "failed to ",
        "Error response from daemon",
        "unable to ",
        "initializing source",
        "reading manifest",
        "pinging container registry",
        "pull access denied for",
        "unauthorized: ",
    ];
    let opens_error = |text: &str| OPENERS.iter().any(|opener| text.starts_with(opener));
    let (_, list) = message.strip_suffix(']')?.split_once('[')?;
    let mut rest = opens_error(list).then_some(list);
    rest?;
    Some(std::iter::from_fn(move || {
        let text = rest?;
        match text.match_indices(", ").map(|(at, _)| at).find(|at| opens_error(&text[at + 2..])) {
            Some(at) => {
                rest = Some(&text[at + 2..]);
                Some(&text[..at])
            }
            None => rest.take(),
        }
    }))
}

#[cfg(test)]
#[path = "image_pull_tests.rs"]
mod tests;

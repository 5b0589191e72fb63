//! Texts of kubelet 1.19–1.37, containerd 1 and 2, CRI-O, docker and podman, in front of any image.

use super::*;
use proptest::prelude::*;

/// Errors as they end a message, by the program that writes them; `IMAGE` and `HOST` stand for the reference.
const ERRORS: &[(&str, Pull)] = &[
    // containerd 1.x and 2.x, core/remotes/docker
    ("failed to resolve reference \"IMAGE\": IMAGE: not found", Pull::NotFound),
    (
        "failed to resolve reference \"IMAGE\": pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed",
        Pull::Auth,
    ),
    (
        "failed to resolve reference \"IMAGE\": failed to authorize: failed to fetch oauth token: unexpected status from GET request to https://HOST/token?scope=repository%3Aa%3Apull&service=HOST: 401 Unauthorized",
        Pull::Auth,
    ),
    (
        "failed to resolve reference \"IMAGE\": failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://HOST/token: 503 Service Unavailable",
        Pull::ServerError,
    ),
    (
        "failed to resolve reference \"IMAGE\": failed to do request: Head \"https://HOST/v2/a/manifests/429\": EOF",
        Pull::Connection,
    ),
    (
        "failed to resolve reference \"IMAGE\": failed to do request: Head \"https://HOST/v2/a/manifests/503\": dial tcp 10.0.0.1:443: connect: no route to host",
        Pull::Connection,
    ),
    (
        "failed to resolve reference \"IMAGE\": failed to do request: Head \"https://HOST/v2/a/manifests/1\": dial tcp 10.0.0.1:443: i/o timeout",
        Pull::Timeout,
    ),
    (
        "failed to resolve reference \"IMAGE\": failed to do request: Head \"https://HOST/v2/a/manifests/1\": net/http: TLS handshake timeout",
        Pull::Timeout,
    ),
    (
        "failed to resolve reference \"IMAGE\": failed to do request: Head \"https://HOST/v2/a/manifests/1\": tls: failed to verify certificate: x509: certificate signed by unknown authority",
        Pull::Tls,
    ),
    (
        "failed to resolve reference \"IMAGE\": failed to do request: Head \"https://HOST/v2/a/manifests/1\": remote error: tls: handshake failure",
        Pull::Tls,
    ),
    (
        "failed to resolve reference \"IMAGE\": failed to do request: Head \"https://HOST/v2/a/manifests/1\": http: server gave HTTP response to HTTPS client",
        Pull::Tls,
    ),
    (
        "failed to resolve reference \"IMAGE\": failed to do request: Head \"https://HOST/v2/a/manifests/1\": dial tcp: lookup HOST: no such host",
        Pull::Dns,
    ),
    (
        "failed to resolve reference \"IMAGE\": failed to do request: Head \"https://HOST/v2/a/manifests/1\": proxyconnect tcp: dial tcp: lookup proxy.local on 10.0.0.2:53: server misbehaving",
        Pull::Dns,
    ),
    (
        "failed to resolve reference \"IMAGE\": unexpected status from HEAD request to https://HOST/v2/a/manifests/1: 429 Too Many Requests",
        Pull::RateLimited,
    ),
    (
        "failed to resolve reference \"IMAGE\": unexpected status from HEAD request to https://HOST/v2/a/manifests/1: 520",
        Pull::ServerError,
    ),
    (
        "failed to copy: httpReadSeeker: failed open: unexpected status code https://HOST/v2/a/blobs/sha256:0a: 500 Internal Server Error",
        Pull::ServerError,
    ),
    (
        "failed to copy: httpReadSeeker: failed open: failed to do request: Get \"https://cdn.example.net/blob?X-Amz=1\": dial tcp: lookup cdn.example.net: no such host",
        Pull::Dns,
    ),
    ("failed to copy: read tcp 10.0.0.2:1->10.0.0.1:443: read: connection reset by peer", Pull::Connection),
    ("failed to extract layer sha256:0a: write /var/lib/x/503: no space left on device: unknown", Pull::Disk),
    (
        "failed to unpack image on snapshotter overlayfs: no match for platform in manifest sha256:0a: not found",
        Pull::Platform,
    ),
    (
        "failed commit on ref \"layer-sha256:0a\": unexpected commit digest sha256:0a, expected sha256:0b: failed precondition",
        Pull::Digest,
    ),
    ("failed to get reader from content store: content digest sha256:0a: not found", Pull::Digest),
    ("context deadline exceeded", Pull::Timeout),
    // docker through cri-dockerd or dockershim (to 1.23)
    (
        "Error response from daemon: pull access denied for IMAGE, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
        Pull::Auth,
    ),
    ("Error response from daemon: manifest for IMAGE not found: manifest unknown: manifest unknown", Pull::NotFound),
    (
        "Error response from daemon: toomanyrequests: You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit",
        Pull::RateLimited,
    ),
    ("Error response from daemon: received unexpected HTTP status: 504 Gateway Timeout", Pull::ServerError),
    (
        "Error response from daemon: Get \"https://HOST/v2/\": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)",
        Pull::Timeout,
    ),
    ("(HTTP code 500) server error - Get https://HOST/v2/a/manifests/1: denied: access forbidden", Pull::Auth),
    ("no matching manifest for linux/arm64/v8 in the manifest list entries", Pull::Platform),
    (
        "error getting credentials - err: exec: \"docker-credential-ecr-login\": executable file not found in $PATH, out: ``",
        Pull::Auth,
    ),
    // CRI-O 1.2x/1.3x and podman, containers/image
    ("initializing source docker://IMAGE: reading manifest 1 in HOST/a: manifest unknown", Pull::NotFound),
    (
        "initializing source docker://IMAGE: reading manifest 1 in HOST/a: unauthorized: access to the requested resource is not authorized",
        Pull::Auth,
    ),
    (
        "initializing source docker://IMAGE: pinging container registry HOST: Get \"https://HOST/v2/\": dial tcp 10.0.0.1:443: connect: connection refused",
        Pull::Connection,
    ),
    (
        "initializing source docker://IMAGE: reading manifest 1 in HOST/a: received unexpected HTTP status: 502 Bad Gateway",
        Pull::ServerError,
    ),
    (
        "choosing an image from manifest list docker://IMAGE: no image found in manifest list for architecture \"arm64\", variant \"v8\", OS \"linux\"",
        Pull::Platform,
    ),
    (
        "copying system image from manifest list: writing blob: storing blob to file \"/var/tmp/x\": write /var/tmp/x: no space left on device",
        Pull::Disk,
    ),
    (
        "copying system image from manifest list: Source image rejected: A signature was required, but no signature exists",
        Pull::Policy,
    ),
    ("reading blob sha256:0a: Digest did not match, expected sha256:0a, got sha256:0b", Pull::Digest),
    // registries' own words: ECR, Artifact Registry, Quay, Harbor's JSON
    (
        "Error response from daemon: repository IMAGE not found: name unknown: The repository with name 'a' does not exist in the registry with id '1'",
        Pull::NotFound,
    ),
    (
        "denied: Permission \"artifactregistry.repositories.downloadArtifacts\" denied on resource \"projects/p\" (or it may not exist)",
        Pull::Auth,
    ),
    (
        "unexpected status code 401: {\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"authentication required\"}]}",
        Pull::Auth,
    ),
    (
        "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\",\"message\":\"manifest unknown\",\"detail\":\"unknown tag=503\"}]}",
        Pull::NotFound,
    ),
    ("{\"errors\":[{\"code\":\"TOOMANYREQUESTS\",\"message\":\"Rate exceeded\"}]}", Pull::RateLimited),
    // kubelet
    ("pull QPS exceeded", Pull::PullQps),
    (
        "rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: connection refused\"",
        Pull::Other,
    ),
];

fn message(error: &str, image: &str, host: &str) -> String {
    let error = error.replace("IMAGE", image).replace("HOST", host);
    format!(
        "Failed to pull image \"{image}\": rpc error: code = Unknown desc = failed to pull and unpack image \"{image}\": {error}"
    )
}

#[test]
fn each_error_in_each_frame() {
    for (error, cause) in ERRORS {
        let told = message(error, "ghcr.io/a/b:1", "ghcr.io");
        let verdict = classify("Failed", &told);
        assert_eq!((verdict.cause, verdict.registry.as_deref()), (*cause, Some("ghcr.io")), "{told}");
        assert_eq!(verdict.image, Some("ghcr.io/a/b:1"));
        for frame in [
            format!("(combined from similar events): {told}"),
            // kubelet 1.32+ keeps the cause in the waiting state.
            format!(
                "Back-off pulling image \"ghcr.io/a/b:1\": ErrImagePull: {}",
                error.replace("IMAGE", "ghcr.io/a/b:1")
            ),
            format!("failed to \"StartContainer\" for \"build\" with ErrImagePull: \"{}\"", told.replace('"', "\\\"")),
        ] {
            assert_eq!(classify("", &frame).cause, *cause, "{frame}");
        }
    }
}

#[test]
fn texts_of_the_kubelet_alone() {
    for (reason, message, cause) in [
        ("BackOff", "Back-off pulling image \"nginx:1\"", Pull::Backoff),
        ("Failed", "Error: ImagePullBackOff", Pull::Backoff),
        ("Failed", "Error: ErrImagePull", Pull::Backoff),
        ("ImagePullBackOff", "", Pull::Backoff),
        ("InvalidImageName", "", Pull::InvalidName),
        (
            "InspectFailed",
            "Failed to apply default image tag \":\": couldn't parse image reference \":\": invalid reference format",
            Pull::InvalidName,
        ),
        ("ErrImageNeverPull", "Container image \"a:1\" is not present with pull policy of Never", Pull::Policy),
        ("Failed", "Error: ErrImageNeverPull", Pull::Policy),
        ("SignatureValidationFailed", "", Pull::Policy),
        ("Pulling", "Pulling image \"a:1\"", Pull::Pulling),
        ("Pulled", "Successfully pulled image \"not-found:503\" in 2s (3s including waiting)", Pull::Pulled),
        ("Pulled", "Container image \"a:1\" already present on machine", Pull::PulledCached),
        ("", "pulling image failed: rpc error: code = Unknown desc = EOF", Pull::Connection),
        ("Failed", "", Pull::Other),
    ] {
        assert_eq!(classify(reason, message).cause, cause, "{message}");
    }
}

#[test]
fn several_secrets_make_a_list() {
    let one = "rpc error: code = NotFound desc = failed to pull and unpack image \"q.io/a, b:1\": q.io/a:1: not found";
    let two = "failed to pull and unpack image \"q.io/a:1\": unexpected status from HEAD request to https://q.io/v2/a/manifests/1: 403 Forbidden";
    for frame in ["", "Failed to pull image \"q.io/a:1\": "] {
        let message = format!("{frame}[{one}, {two}]");
        let verdict = classify("", &message);
        assert_eq!((verdict.cause, verdict.causes), (Pull::NotFound, vec![Pull::Auth, Pull::NotFound]));
        let message = format!("{frame}[{two}, {one}]");
        let verdict = classify("", &message);
        assert_eq!((verdict.cause, verdict.causes), (Pull::Auth, vec![Pull::Auth, Pull::NotFound]));
    }
}

#[test]
fn a_silent_resolver_is_told_beneath() {
    let verdict = classify(
        "",
        "Head \"https://q.io/v2/\": dial tcp: lookup q.io on 10.0.0.2:53: read udp 10.0.0.3:1->10.0.0.2:53: i/o timeout",
    );
    assert_eq!((verdict.cause, verdict.causes), (Pull::Dns, vec![Pull::Dns, Pull::Timeout]));
    assert_eq!(verdict.registry.as_deref(), Some("q.io"));
}

#[test]
fn the_registry_is_found_where_no_reference_is_quoted() {
    for (message, registry) in [
        ("Get \"https://[2001:db8::1]:5000/v2/\": EOF", Some("[2001:db8::1]:5000")),
        ("Error response from daemon: Get https://q.io/v2/a/manifests/1: no basic auth credentials", Some("q.io")),
        (
            "failed to fetch anonymous token: Get \"https://auth.docker.io/token?service=registry.docker.io\": EOF",
            Some("docker.io"),
        ),
        (
            "failed to fetch oauth token: unexpected status from GET request to https://ghcr.io/token?service=ghcr.io: 403 Forbidden",
            Some("ghcr.io"),
        ),
        ("Get \"https://gitlab.example.com/jwt/auth?service=container_registry\": EOF", None),
        ("initializing source docker://q.io/a/b:1: reading manifest 1 in q.io/a/b: manifest unknown", Some("q.io")),
        ("pull access denied for private/image, repository does not exist", Some("docker.io")),
        ("no matching manifest for linux/arm64/v8 in the manifest list entries", None),
        ("dial tcp: lookup private.registry.local: no such host", Some("private.registry.local")),
        ("failed to extract layer: write /var/lib/a.b/c: no space left on device", None),
    ] {
        assert_eq!(classify("", message).registry.as_deref(), registry, "{message}");
    }
}

proptest! {
    /// Names, ports, tags and digests are no words and no statuses.
    #[test]
    fn no_reference_changes_the_cause(
        at in 0..ERRORS.len(),
        host in "([a-z]{2,8}\\.(denied|eof|x509|example)\\.io|localhost:(429|503|5000)|\\[2001:db8::[0-9a-f]{1,3}\\]:4[0-9]{2}|mirror:500)",
        path in "(unauthorized|denied|not|found|timeout|429|a)(/(forbidden|503|eof|lookup)){0,2}",
        tag in "(:(429|503|404|20250429T0012|not-found|v1\\.2)|@sha256:[0-9a-f]{16}(401|403|500))",
    ) {
        let image = format!("{host}/{path}{tag}");
        let (error, cause) = ERRORS[at];
        let told = message(error, &image, &host);
        let verdict = classify("Failed", &told);
        prop_assert_eq!(verdict.cause, cause, "{}", told);
        prop_assert_eq!(verdict.registry, Some(host));
    }

    #[test]
    fn never_panics(message in "\\PC{0,200}", start in "(Failed to pull image \"|\\[rpc error: )?") {
        let _ = classify("Failed", &format!("{start}{message}"));
    }
}

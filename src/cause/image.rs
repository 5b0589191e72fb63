//! The reference grammar of images (distribution/reference, as containerd, CRI-O and docker apply it): which host a
//! reference names.

/// The host of an image reference, with its port; `docker.io` where none is written, and for Docker Hub's other names.
///
/// The first component is a host if it has a dot or a colon or is `localhost`. `None` for what is no reference.
#[must_use]
pub fn registry_of(image: &str) -> Option<String> {
    host_of(image).map(str::to_owned)
}

/// As [`registry_of`], without a copy.
pub(super) fn host_of(image: &str) -> Option<&str> {
    let image = image.trim();
    let image = image.split_once("://").map_or(image, |(_, reference)| reference);
    let (first, rest) = match image.split_once('/') {
        Some((first, rest)) => (first, Some(rest)),
        None => (image, None),
    };
    if !image.bytes().all(is_reference_byte) || first.is_empty() || image.ends_with(['/', ':', '@']) {
        return None;
    }
    match rest {
        Some(_) if is_host(first) => Some(fold(first)),
        Some(rest) if is_name(first) && !rest.is_empty() => Some("docker.io"),
        None if is_name(first.split(['@', ':']).next()?) => Some("docker.io"),
        Some(_) | None => None,
    }
}

/// Docker Hub answers under several names; they are one registry.
pub(super) fn fold(host: &str) -> &str {
    let hub = ["docker.io", "index.docker.io", "registry-1.docker.io", "registry.docker.io", "auth.docker.io"];
    if hub.iter().any(|name| name.eq_ignore_ascii_case(host)) { "docker.io" } else { host }
}

/// Whether a first component is a host: `a.b`, `a:5000`, `[::1]:5000`, `localhost`.
pub(super) fn is_host(first: &str) -> bool {
    let (name, port) = match first.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        Some(_) | None => (first, None),
    };
    let port_fits = port.is_none_or(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
    let in_brackets = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let name_fits = match in_brackets {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !name.is_empty() && !name.contains(['[', ']', ':', '@']) && !name.starts_with('.'),
    };
    let marked =
        port.is_some() || in_brackets.is_some() || name.contains('.') || name.eq_ignore_ascii_case("localhost");
    port_fits && name_fits && marked
}

/// A component of a path: upper case is no name, which is what the runtime complains about.
fn is_name(component: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'-');
    !component.is_empty() && component.bytes().all(fits)
}

/// Wider than the grammar: people redact hosts with `#` or `{…}`, and the rest of the reference still tells.
const fn is_reference_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'<' | b'>' | b',' | b';' | b'(' | b')' | b'\\' | b'?')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_host_is_what_the_grammar_says() {
        for (image, host) in [
            ("nginx", Some("docker.io")),
            ("nginx:1.25", Some("docker.io")),
            ("library/nginx", Some("docker.io")),
            ("busybox@sha256:abc", Some("docker.io")),
            ("docker.io/library/nginx", Some("docker.io")),
            ("index.docker.io/library/nginx", Some("docker.io")),
            ("registry-1.docker.io/library/nginx:1", Some("docker.io")),
            ("ghcr.io/a/b:1@sha256:abc", Some("ghcr.io")),
            ("localhost/a", Some("localhost")),
            ("localhost:5000/a:503", Some("localhost:5000")),
            ("registry:5000/a", Some("registry:5000")),
            ("[::1]:5000/a/b", Some("[::1]:5000")),
            ("[2001:db8::1]/a/b", Some("[2001:db8::1]")),
            ("10.0.0.1:5000/a", Some("10.0.0.1:5000")),
            ("mirror.local/docker.io/library/nginx", Some("mirror.local")),
            ("docker://quay.io/a/b:latest", Some("quay.io")),
            ("https://harbor.example/a/b:1", Some("harbor.example")),
            ("private_registry.example/a", Some("private_registry.example")),
            ("registry.example/${TAG}", Some("registry.example")),
            ("", None),
            ("/etc/passwd", None),
            ("<image>:<tag>", None),
            ("TEST/a/b:1", None),
            ("sha256:", None),
            ("two words", None),
            ("[::zz]:1/a", None),
        ] {
            assert_eq!(registry_of(image).as_deref(), host, "{image}");
        }
    }

    proptest! {
        #[test]
        fn any_host_with_any_path_and_tag(
            host in "([a-z][a-z0-9]{0,8}\\.[a-z]{2,6}|localhost|\\[2001:db8::[0-9a-f]{1,4}\\]|[a-z]{1,8}:[1-9][0-9]{1,4})",
            path in "[a-z0-9]{1,8}(/[a-z0-9]{1,8}){0,3}",
            tag in "(:[A-Za-z0-9_][A-Za-z0-9._-]{0,20})?",
        ) {
            prop_assert_eq!(registry_of(&format!("{host}/{path}{tag}")), Some(host));
        }

        #[test]
        fn never_panics(image in "\\PC{0,60}") {
            let _ = registry_of(&image);
        }
    }
}

//! Image references, after the grammar of `distribution/reference`.

/// The registry of an image reference: its host, `docker.io` where it names none.
///
/// The first part is a host only when it has a dot or a colon, or is `localhost`; Docker Hub's other names are
/// folded. `None` where the text is no reference.
#[must_use]
pub fn registry_of(image: &str) -> Option<String> {
    let image = image.trim();
    let scheme_less = image.strip_prefix("docker://").unwrap_or(image);
    if scheme_less.is_empty() || scheme_less.contains("://") {
        return None;
    }
    let Some((first, rest)) = scheme_less.split_once('/') else {
        return is_path(scheme_less).then(docker_hub);
    };
    if !is_host(first) {
        return (is_path(first) && !rest.is_empty()).then(docker_hub);
    }
    (!rest.is_empty()).then(|| fold(first))
}

/// The registry named by an address such as `https://ghcr.io/v2/…`.
pub(super) fn registry_of_url(url: &str) -> Option<String> {
    let (_, rest) = url.split_once(":/")?;
    let host = rest.trim_start_matches('/').split(['/', '"', '?', ' ']).next()?.trim_end_matches(':');
    let host = host.strip_suffix(":443").unwrap_or(host);
    (is_host(host) && !host.is_empty()).then(|| fold(host))
}

fn docker_hub() -> String {
    "docker.io".to_owned()
}

fn fold(host: &str) -> String {
    let host = host.to_ascii_lowercase_where_plain();
    if ["registry-1.docker.io", "index.docker.io", "docker.io"].contains(&host.as_str()) { docker_hub() } else { host }
}

trait PlainCase {
    fn to_ascii_lowercase_where_plain(&self) -> String;
}

impl PlainCase for str {
    /// Hosts ignore case; masked ones (`XXXX.dkr.ecr…`) are shown as they were written.
    fn to_ascii_lowercase_where_plain(&self) -> String {
        if self.contains("XX") { self.to_owned() } else { self.to_ascii_lowercase() }
    }
}

fn is_host(part: &str) -> bool {
    let named = part == "localhost" || part.contains(['.', ':']) || part.starts_with('[');
    named && !part.contains(['<', '>', '"', ' ', '@'])
}

/// A path part: letters, digits and separators; lower case is demanded by the grammar.
fn is_path(part: &str) -> bool {
    let name = part.split(['@', ':']).next().unwrap_or_default();
    !name.is_empty()
        && name.len() <= 128
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_found_where_there_is_one() {
        for (image, registry) in [
            ("nginx", "docker.io"),
            ("nginx:1.27", "docker.io"),
            ("library/nginx", "docker.io"),
            ("docker.io/library/nginx:1", "docker.io"),
            ("index.docker.io/library/nginx", "docker.io"),
            ("registry-1.docker.io/library/nginx", "docker.io"),
            ("docker.m.daocloud.io/library/ubuntu", "docker.m.daocloud.io"),
            ("localhost/x", "localhost"),
            ("localhost:5000/docker.io/x", "localhost:5000"),
            ("[::1]:5000/x", "[::1]:5000"),
            ("registry.example.com:5000/a/b@sha256:0123", "registry.example.com:5000"),
            ("GHCR.io/a/b", "ghcr.io"),
        ] {
            assert_eq!(registry_of(image).as_deref(), Some(registry), "{image}");
        }
        for image in ["", "https://harbor.example/a", "<image>:<tag>", "TEST/app:latest", "a b"] {
            assert_eq!(registry_of(image), None, "{image}");
        }
    }

    #[test]
    fn an_address_names_its_registry() {
        assert_eq!(registry_of_url("https://registry-1.docker.io/v2/").as_deref(), Some("docker.io"));
        assert_eq!(registry_of_url("http://localhost:30925/v2/x").as_deref(), Some("localhost:30925"));
        assert_eq!(registry_of_url("https://[::1]:5000/v2/").as_deref(), Some("[::1]:5000"));
        assert_eq!(registry_of_url("no address"), None);
    }
}

//! Finds the image reference in a message about an image, and the registry in it.
//!
//! Programs name the image in a few settled ways: quoted after `image` or `reference`, bare after `docker://` or
//! `pull access denied for`, or only inside the URL they asked.

use super::image::{fold, host_of, is_host};

/// What a message tells of its image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Reference<'a> {
    /// The reference as written.
    pub(super) image: Option<&'a str>,
    /// The registry's host.
    pub(super) registry: Option<&'a str>,
}

impl<'a> Reference<'a> {
    /// The first reference that the message names; else the host of the URL asked or of the name looked up.
    pub(super) fn in_message(message: &'a str) -> Self {
        let named = tokens(message).find_map(|token| {
            let image = token.reference()?;
            host_of(image).map(|registry| Self { image: Some(image), registry: Some(registry) })
        });
        named.unwrap_or_else(|| Self { image: None, registry: host_asked(message) })
    }
}

/// A word with the two words before it.
struct Token<'a> {
    before: [&'a str; 2],
    word: &'a str,
}

/// Words parted by blanks.
fn tokens(message: &str) -> impl Iterator<Item = Token<'_>> {
    let mut before = ["", ""];
    message.split_ascii_whitespace().map(move |word| {
        let token = Token { before, word };
        before = [before[1], word];
        token
    })
}

impl<'a> Token<'a> {
    /// The reference that this word is, if the words before it announce one.
    fn reference(&self) -> Option<&'a str> {
        let word = self.word.trim_start_matches(['(', '[', '{']);
        if let Some((_, bare)) = word.split_once("docker://") {
            return Some(unwrapped(bare));
        }
        let [earlier, last] = self.before.map(|word| word.trim_start_matches(['(', '[', '\\', '"']));
        let is_quoted = word.starts_with(['"', '\'', '\\']);
        let name = unwrapped(word);
        match last {
            // `Failed to pull image "X"`, `failed to resolve reference "X"`, `default image tag "X"`, `for image 'X'`.
            "image" | "Image" | "reference" | "tag" if is_quoted => Some(name),
            "name" if is_quoted && earlier == "image" => Some(name),
            // kubeadm and crictl: `failed to pull image X: …`; podman: `unable to pull X: …`.
            "image" | "pull" | "pulling" | "repository" | "value" if has_path(name) => Some(name),
            // docker: `pull access denied for X,`, `manifest for X not found`.
            "for" if matches!(earlier, "denied" | "manifest") && has_path(name) && !is_platform(name) => Some(name),
            // containers/image: `reading manifest TAG in X:`, `reading blob sha256:… from X:`.
            "in" | "from" if name.contains('/') && name.split('/').next().is_some_and(is_host) => Some(name),
            _ => None,
        }
    }
}

/// Without quotes around it and what a sentence puts behind it.
fn unwrapped(word: &str) -> &str {
    let word = word.trim_start_matches(['"', '\'', '\\']);
    let end = word.find(['"', '\'', '\\']).unwrap_or(word.len());
    word[..end].trim_end_matches([':', ',', '.', ';', ')', ']'])
}

/// A bare word is a reference only if it has a path or a tag.
fn has_path(name: &str) -> bool {
    !name.starts_with('/') && name.contains(['/', ':'])
}

/// `no matching manifest for linux/arm64/v8`.
fn is_platform(name: &str) -> bool {
    ["linux/", "windows/", "darwin/"].iter().any(|system| name.starts_with(system))
}

/// The registry's host where no reference is written: of a `/v2/` URL, of a token request's `service`, after
/// `container registry`, or of the name that did not resolve.
fn host_asked(message: &str) -> Option<&str> {
    let mut token_host = None;
    for token in tokens(message) {
        let word = unwrapped(token.word.trim_start_matches(['(', '[', '{']));
        if let Some(url) = Url::parse(word) {
            if url.path.is_empty() || url.path == "/v2" || url.path.starts_with("/v2/") {
                return Some(fold(url.host));
            }
            token_host = token_host.or_else(|| url.registry_served());
            continue;
        }
        let is_announced = matches!(token.before[1], "registry" | "host" | "lookup");
        if is_announced && is_host(word) {
            return Some(fold(word));
        }
    }
    token_host
}

struct Url<'a> {
    host: &'a str,
    path: &'a str,
}

impl<'a> Url<'a> {
    /// Some programs print one slash too few.
    fn parse(word: &'a str) -> Option<Self> {
        let rest = word.strip_prefix("https:/").or_else(|| word.strip_prefix("http:/"))?;
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (host, path) = rest.split_at(end);
        let fits = !host.is_empty() && !host.contains(['<', '>', '@', ' ']);
        fits.then_some(Self { host, path })
    }

    /// `…/token?scope=…&service=ghcr.io`: what the token is for. Not every server writes a host there.
    fn registry_served(&self) -> Option<&'a str> {
        if fold(self.host) == "docker.io" {
            return Some("docker.io");
        }
        let (_, query) = self.path.split_once('?')?;
        let service = query.split('&').find_map(|pair| pair.strip_prefix("service="))?;
        is_host(service).then(|| fold(service))
    }
}

//! How registries refuse, in the words of a containerd kubelet, and what GitLab Runner makes of it.

use std::collections::BTreeMap;

use super::land::{MISSING_IMAGE, RIDDLE_IMAGE, registry_of};

/// What is wrong with a registry or an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    RateLimited,
    Auth,
    NotFound,
    /// In words of its own.
    Riddle,
}

impl Trouble {
    /// The cause as the product names it.
    pub(crate) const fn cause(self) -> &'static str {
        match self {
            Self::RateLimited => "rate_limited",
            Self::Auth => "auth",
            Self::NotFound => "not_found",
            Self::Riddle => "other",
        }
    }

    /// The job's `failure_reason`, as GitLab Runner since 19.1 classifies the text.
    pub(crate) const fn failure_reason(self) -> &'static str {
        match self {
            Self::RateLimited | Self::Riddle => "image_pull_failure",
            Self::Auth | Self::NotFound => "runner_configuration_error",
        }
    }

    /// Whether the user's own words are at fault.
    pub(crate) const fn is_users(self) -> bool {
        match self {
            Self::RateLimited | Self::Auth | Self::Riddle => false,
            Self::NotFound => true,
        }
    }

    /// What the runtime says after `Failed to pull image "…": `.
    pub(crate) fn text(self, image: &str) -> String {
        let full = full_reference(image);
        let (repository, tag) = full.rsplit_once(':').unwrap_or((&full, "latest"));
        let (host, path) = repository.split_once('/').unwrap_or(("docker.io", repository));
        let server = if host == "docker.io" { "registry-1.docker.io" } else { host };
        let unpack = format!("failed to pull and unpack image \"{full}\": ");
        match self {
            Self::RateLimited => format!(
                "rpc error: code = Unknown desc = {unpack}failed to copy: httpReadSeeker: failed open: unexpected status code \
                 https://{server}/v2/{path}/manifests/sha256:{:064x}: 429 Too Many Requests - Server message: toomanyrequests: \
                 You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: \
                 https://www.docker.com/increase-rate-limit",
                digest(image)
            ),
            Self::Auth => format!(
                "rpc error: code = Unknown desc = {unpack}failed to resolve reference \"{full}\": failed to authorize: \
                 failed to fetch anonymous token: unexpected status from GET request to \
                 https://{host}/jwt/auth?scope=repository%3A{}%3Apull&service=container_registry: 403 Forbidden",
                path.replace('/', "%2F")
            ),
            Self::Riddle => format!(
                "rpc error: code = Unknown desc = {unpack}the harbour master has not cleared this cargo (form 27b)"
            ),
            Self::NotFound => format!(
                "rpc error: code = NotFound desc = {unpack}failed to resolve reference \"{full}\": {repository}:{tag}: not found"
            ),
        }
    }
}

fn full_reference(image: &str) -> String {
    if image.contains('/') { image.to_owned() } else { format!("docker.io/library/{image}") }
}

fn digest(image: &str) -> u128 {
    image.bytes().fold(0x51_7cc1_b727_220a_94fe_13ab_e8fa_9a6e, |hash: u128, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b)
    })
}

/// The registries and what is wrong with them.
#[derive(Debug, Default)]
pub(crate) struct Registries(BTreeMap<&'static str, Trouble>);

impl Registries {
    pub(crate) fn set(&mut self, host: &'static str, trouble: Option<Trouble>) {
        match trouble {
            Some(trouble) => self.0.insert(host, trouble),
            None => self.0.remove(host),
        };
    }

    /// Why a pull of this image fails, if it does.
    pub(crate) fn trouble(&self, image: &str) -> Option<Trouble> {
        if image == MISSING_IMAGE {
            return Some(Trouble::NotFound);
        }
        if image == RIDDLE_IMAGE {
            return Some(Trouble::Riddle);
        }
        self.0.get(registry_of(image)).copied()
    }
}

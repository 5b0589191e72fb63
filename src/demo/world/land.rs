//! What exists before anything happens: groups, projects, tiers with their runners, images. All names invented.

use std::sync::Arc;

use jiff::SignedDuration;

/// A trust tier as its platform team built it.
#[derive(Debug, Clone)]
pub(crate) struct Tier {
    pub(crate) name: &'static str,
    /// Also the tag its jobs ask for, after `tier-`.
    pub(crate) tag: Arc<str>,
    pub(crate) namespace: Arc<str>,
    /// Whose jobs its runner takes: the whole instance, or one top-level group.
    pub(crate) owner: Option<usize>,
    /// Takes only jobs of protected refs.
    pub(crate) protected: bool,
    /// The level of Pod Security that its namespace enforces.
    pub(crate) enforced: &'static str,
    /// Its build containers are privileged.
    pub(crate) privileged: bool,
    pub(crate) run_untagged: bool,
    pub(crate) managers: u32,
    /// Jobs at once per manager.
    pub(crate) limit: u32,
    pub(crate) nodes: u32,
    /// The autoscaler goes no further.
    pub(crate) max_nodes: u32,
    /// The promise to its users, also written into the daemon's configuration.
    pub(crate) start_within: SignedDuration,
    pub(crate) urgency: &'static str,
    /// A job starts at least this often: a tier that is always in use.
    pub(crate) expects_traffic: Option<SignedDuration>,
}

impl Tier {
    pub(crate) const fn capacity(&self) -> u32 {
        self.managers * self.limit
    }
}

/// A GitLab group.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) id: u64,
    pub(crate) path: &'static str,
    pub(crate) name: &'static str,
}

/// A GitLab project.
#[derive(Debug, Clone)]
pub(crate) struct Project {
    pub(crate) id: u64,
    /// Position of its top-level group.
    pub(crate) group: usize,
    pub(crate) path: String,
    pub(crate) name: String,
    /// Its jobs are shown to its own members only.
    pub(crate) hidden: bool,
}

impl Project {
    pub(crate) fn full_path(&self, groups: &[Group]) -> String {
        groups.get(self.group).map_or_else(|| self.path.clone(), |group| format!("{}/{}", group.path, self.path))
    }
}

/// The branches and tags that every project protects.
pub(crate) const PROTECTED_BRANCHES: [&str; 2] = ["main", "release/*"];
/// See [`PROTECTED_BRANCHES`].
pub(crate) const PROTECTED_TAGS: [&str; 1] = ["v*"];

/// What a job may ask for as its build image, with the registry it comes from.
pub(crate) const IMAGES: [&str; 6] = [
    "registry.harbour.example/ci/build-tools:2026.11",
    "registry.harbour.example/ci/browser-tests:14",
    "alpine:3.22",
    "golang:1.26-bookworm",
    "docker.io/library/node:24-slim",
    "registry.harbour.example/ci/terraform:1.14",
];
/// The runner's own helper image; on every node already.
pub(crate) const HELPER_IMAGE: &str = "registry.harbour.example/mirror/gitlab-runner-helper:x86_64-v19.2.0";
/// The image of the service some jobs ask for.
pub(crate) const SERVICE_IMAGE: &str = "registry.harbour.example/mirror/postgres:18";
/// An image nobody ever pushed.
pub(crate) const MISSING_IMAGE: &str = "registry.harbour.example/payments/ledger-tests:no-such-tag";
/// An image that its registry refuses in words of its own.
pub(crate) const RIDDLE_IMAGE: &str = "registry.harbour.example/lighthouse/lens-grinder:4";

/// The registry of an image reference: its first component where that looks like a host, else `docker.io`.
pub(crate) fn registry_of(image: &str) -> &str {
    match image.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        Some(_) | None => "docker.io",
    }
}

pub(crate) fn groups() -> Vec<Group> {
    vec![Group { id: 10, path: "harbour", name: "Harbour" }, Group { id: 20, path: "lighthouse", name: "Lighthouse" }]
}

pub(crate) fn projects() -> Vec<Project> {
    let paths = [
        (0, ["ledger", "payments-api", "web-shop", "mobile-app", "search", "infrastructure", "data-pipeline", "docs"]),
        (1, ["beacon", "charts", "tide-model", "signals", "keeper", "fog-horn", "lens", "archive"]),
    ];
    paths
        .iter()
        .flat_map(|(group, names)| names.iter().map(move |name| (*group, *name)))
        .zip(101..)
        .map(|((group, path), id)| Project {
            id,
            group,
            path: path.to_owned(),
            name: path.replace('-', " "),
            hidden: false,
        })
        .collect()
}

pub(crate) fn tiers() -> Vec<Tier> {
    let tier = |name: &'static str| Tier {
        name,
        tag: format!("tier-{name}").into(),
        namespace: format!("gitlab-runners-{name}").into(),
        owner: None,
        protected: false,
        enforced: "restricted",
        privileged: false,
        run_untagged: false,
        managers: 2,
        limit: 6,
        nodes: 2,
        max_nodes: 2,
        start_within: SignedDuration::from_mins(2),
        urgency: "ticket",
        expects_traffic: None,
    };
    let always = Some(SignedDuration::from_mins(10));
    vec![
        Tier { limit: 20, nodes: 9, max_nodes: 9, urgency: "page", expects_traffic: always, ..tier("standard") },
        Tier { owner: Some(0), protected: true, max_nodes: 3, urgency: "page", ..tier("protected") },
        Tier {
            owner: Some(0),
            enforced: "privileged",
            privileged: true,
            managers: 1,
            limit: 4,
            nodes: 1,
            max_nodes: 1,
            start_within: SignedDuration::from_mins(3),
            ..tier("privileged")
        },
        Tier {
            owner: Some(0),
            protected: true,
            limit: 3,
            nodes: 1,
            max_nodes: 1,
            start_within: SignedDuration::from_mins(1),
            urgency: "page",
            ..tier("deployment")
        },
        Tier { start_within: SignedDuration::from_mins(5), urgency: "none", ..tier("sandbox") },
    ]
}

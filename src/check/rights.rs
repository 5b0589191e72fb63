//! Which rights the API server gives: those that are needed, and those that are too many.

use std::time::Duration;

use futures::StreamExt as _;
use kube::Client;

use super::cluster::class_says;
use super::line::{Line, Probe};
use crate::config::{HighAvailability, Kubernetes};
use crate::model::policy::Policy;
use crate::observation::{Failure, FailureClass, SourceKey};
use crate::source::kube::rbac::{Need, Right, lease_rights, rights};
use crate::source::kube::{Act, identity, may, version};

/// Reviews under way at once.
const AT_ONCE: usize = 16;

/// What a reader has no use for: each would let whoever takes over tierwatch change the tier, or read what it hides.
const EXCESS: [(&str, &str, &str); 7] = [
    ("list", "", "secrets"),
    ("get", "", "secrets"),
    ("create", "", "pods"),
    ("create", "", "pods/exec"),
    ("delete", "", "pods"),
    ("get", "", "pods/log"),
    ("update", "rbac.authorization.k8s.io", "rolebindings"),
];

/// What was found.
pub(super) struct Found {
    pub(super) lines: Vec<Line>,
    /// Rights that are needed and missing: namespace, resource.
    missing: Vec<(Option<String>, &'static str)>,
    /// The API server answers at all.
    pub(super) answers: bool,
}

impl Found {
    /// The API server did not answer in time.
    pub(super) fn silent(patience: Duration) -> Self {
        let evidence = format!("the reviews of rights were not answered within {} s", patience.as_secs());
        let fix = class_says(FailureClass::Timeout);
        Self { lines: vec![Line::problem(Probe::KubeApi, "", &evidence, fix)], missing: Vec::new(), answers: false }
    }

    /// Whether a right that this source needs is missing.
    pub(super) fn lacks(&self, key: &SourceKey) -> bool {
        let resource = Need::of(key.kind).resource;
        self.missing.iter().any(|(place, lost)| *lost == resource && place.as_deref() == key.namespace.as_deref())
    }
}

/// Asks for the version, the identity and every right.
pub(super) async fn check(
    client: &Client,
    policy: &Policy,
    kubernetes: &Kubernetes,
    standby: Option<&HighAvailability>,
) -> Found {
    let mut found = Found { lines: Vec::new(), missing: Vec::new(), answers: true };
    let (version, who) = tokio::join!(version(client), identity(client));
    let answers = match version {
        Ok(version) => {
            found.lines.push(Line::ok(Probe::KubeApi, "", &format!("Kubernetes {version}")));
            true
        }
        // An API server may hide its version from strangers.
        Err(Failure { class: FailureClass::Forbidden, .. }) => {
            found.lines.push(Line::ok(Probe::KubeApi, "", "it answers, and does not tell its version"));
            true
        }
        Err(failure) => {
            found.lines.push(Line::problem(Probe::KubeApi, "", &failure.detail, class_says(failure.class)));
            false
        }
    };
    if !answers {
        found.answers = false;
        let because = "the API server does not answer: see kube_api";
        let probes = [Probe::KubeIdentity, Probe::KubeRights, Probe::KubeExcess];
        found.lines.extend(probes.map(|probe| Line::not_checked(probe, "", because)));
        return found;
    }
    found.lines.push(match who {
        Ok(name) => Line::ok(Probe::KubeIdentity, "", &name),
        Err(failure) => Line::not_checked(Probe::KubeIdentity, "", &failure.detail),
    });
    let mut rights = rights(policy, kubernetes);
    rights.extend(standby.into_iter().flat_map(lease_rights));
    needed(client, &rights, &mut found).await;
    excess(client, &rights, &mut found).await;
    found
}

/// A verb of a right, and what the API server says to it.
struct Asked<'a> {
    right: &'a Right,
    verb: &'static str,
    name: Option<&'a str>,
    answer: Result<bool, Failure>,
}

async fn needed(client: &Client, rights: &[Right], found: &mut Found) {
    let acts = rights.iter().flat_map(|right| {
        let names: Vec<Option<&str>> = match right.names.is_empty() {
            true => vec![None],
            false => right.names.iter().map(|name| Some(&**name)).collect(),
        };
        let each = right.need.verbs.iter().flat_map(|verb| names.iter().map(|name| (right, *verb, *name)));
        each.collect::<Vec<_>>()
    });
    let asked: Vec<Asked<'_>> = futures::stream::iter(acts)
        .map(|(right, verb, name)| async move {
            let namespace = right.namespace.as_deref();
            // A namespace lies in itself, and it is asked for by its name.
            let name = if right.need.resource == "namespaces" { namespace } else { name };
            let Need { group, resource, .. } = right.need;
            let answer = may(client, Act { namespace, name, group, resource, verb }).await;
            Asked { right, verb, name, answer }
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let mut places: Vec<Option<&str>> = Vec::new();
    for right in rights {
        if !places.contains(&right.namespace.as_deref()) {
            places.push(right.namespace.as_deref());
        }
    }
    for place in places {
        here(place, asked.iter().filter(|asked| asked.right.namespace.as_deref() == place), found);
    }
}

/// One line for what is given in a place, and one for each right that is missing there.
fn here<'a>(place: Option<&str>, asked: impl Iterator<Item = &'a Asked<'a>>, found: &mut Found) {
    let probe = Probe::KubeRights;
    let (mut given, mut written, mut refused, mut unknown) = (Vec::new(), String::new(), 0, None);
    for Asked { right, verb, name, answer } in asked {
        let resource = full_name(right.need.group, right.need.resource);
        match answer {
            Ok(true) if ["create", "update"].contains(verb) => written = format!(", and write {resource}"),
            Ok(true) if given.contains(&resource) => {}
            Ok(true) => given.push(resource),
            Ok(false) => {
                refused += 1;
                found.missing.push((place.map(str::to_owned), right.need.resource));
                let of = match (right.need.resource, name) {
                    ("namespaces", _) | (_, None) => resource,
                    (_, Some(name)) => format!("{resource}/{name}"),
                };
                let subject = format!("{verb} {of} {}", told(place));
                let fix = "apply what `tierwatch print rbac` prints for this configuration";
                found.lines.push(Line::problem(probe, &subject, "not allowed", fix));
            }
            Err(failure) => unknown = Some(failure.detail.clone()),
        }
    }
    match unknown {
        Some(why) => found.lines.push(Line::not_checked(probe, told(place), &why)),
        None if refused == 0 => {
            let what = given.join(", ");
            found.lines.push(Line::ok(probe, told(place), &format!("may read {what}{written}")));
        }
        None => {}
    }
}

fn told(place: Option<&str>) -> &str {
    place.unwrap_or("(cluster)")
}

fn full_name(group: &str, resource: &str) -> String {
    if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") }
}

/// Rights that nobody needs here, in the namespaces that are watched.
async fn excess(client: &Client, rights: &[Right], found: &mut Found) {
    let mut places: Vec<&str> = rights.iter().filter_map(|right| right.namespace.as_deref()).collect();
    places.sort_unstable();
    places.dedup();
    let acts = places.iter().flat_map(|place| EXCESS.iter().map(move |act| (*place, *act)));
    let asked: Vec<(&str, String, Result<bool, Failure>)> = futures::stream::iter(acts)
        .map(|(place, (verb, group, resource))| async move {
            let answer = may(client, Act { namespace: Some(place), name: None, group, resource, verb }).await;
            (place, format!("{verb} {}", full_name(group, resource)), answer)
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let probe = Probe::KubeExcess;
    let before = found.lines.len();
    for place in &places {
        let here = || asked.iter().filter(|(of, ..)| of == place);
        let allowed: Vec<&str> =
            here().filter(|(_, _, answer)| matches!(answer, Ok(true))).map(|(_, act, _)| act.as_str()).collect();
        if !allowed.is_empty() {
            let evidence = format!("may also {}", allowed.join(", "));
            let fix = "bind the user of tierwatch to nothing but what `tierwatch print rbac` prints";
            found.lines.push(Line::warning(probe, place, &evidence, fix));
        } else if let Some((_, _, Err(failure))) = here().find(|(_, _, answer)| answer.is_err()) {
            found.lines.push(Line::not_checked(probe, place, &failure.detail));
        }
    }
    if found.lines.len() == before {
        let evidence = "no writing, no shell, no logs, no Secret but those that the configuration names";
        found.lines.push(Line::ok(probe, "", evidence));
    }
}

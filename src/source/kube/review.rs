//! What the API server says of itself, of us, and of what we may do. Reviews are questions: nothing is kept of them, and every
//! signed-in user may ask (`system:basic-user`, `system:public-info-viewer`).

use std::sync::Arc;

use kube::Client;
use serde::Deserialize;
use serde_json::json;

use super::ask::{self, Asked};
use super::lenient::{Flag, Shape, Text};
use super::told;
use crate::observation::{Failure, FailureClass};
use crate::source::texts::cut;

/// Longest name of a user or a version that is told.
const MOST_BYTES: usize = 253;

/// Something that may be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Act<'a> {
    /// Where; nothing: in the whole cluster.
    pub(crate) namespace: Option<&'a str>,
    /// Which object; nothing: any.
    pub(crate) name: Option<&'a str>,
    /// API group; empty for the core group.
    pub(crate) group: &'a str,
    /// Plural name of the resource, with its subresource after a slash.
    pub(crate) resource: &'a str,
    /// What is done.
    pub(crate) verb: &'a str,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Review {
    status: Shape<Status>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    allowed: Flag,
    user_info: Shape<UserInfo>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct UserInfo {
    username: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Version {
    git_version: Text,
}

/// Whether we may do that.
pub(crate) async fn may(client: &Client, act: Act<'_>) -> Result<bool, Failure> {
    let (resource, subresource) = act.resource.split_once('/').unwrap_or((act.resource, ""));
    let review = json!({ "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {
        "resourceAttributes": {
            "namespace": act.namespace.unwrap_or_default(), "name": act.name.unwrap_or_default(), "group": act.group,
            "resource": resource, "subresource": subresource, "verb": act.verb,
        }
    }});
    let answer: Review = ask::post(client, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &review).await?;
    answer.status.allowed.0.ok_or_else(|| told(FailureClass::Decode, "the answer is no access review"))
}

/// Whom the API server takes us for; since Kubernetes 1.28.
pub(crate) async fn identity(client: &Client) -> Result<Arc<str>, Failure> {
    let review = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
    let answer: Review = ask::post(client, "/apis/authentication.k8s.io/v1/selfsubjectreviews", &review).await?;
    let name = answer.status.user_info.username.get().map(|name| cut(name, MOST_BYTES).into());
    name.ok_or_else(|| told(FailureClass::Decode, "the answer names no user"))
}

/// Which version of Kubernetes it is.
pub(crate) async fn version(client: &Client) -> Result<Arc<str>, Failure> {
    let answer: Version = ask::get(client, "/version", Asked::Whole).await?;
    let version = answer.git_version.get().map(|text| cut(text, MOST_BYTES).into());
    version
        .ok_or_else(|| told(FailureClass::Decode, "the answer is not a Kubernetes API server's: it holds no version"))
}

//! The Kubernetes API as far as tierwatch reads it: discovery, list and watch, refusals.

mod list;
mod select;
mod status;
mod watch;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, Response, StatusCode, header};
use serde_json::{Value, json};

use self::select::Selection;
use super::cluster::store::{Key, Resource};
use super::faults::KubeFault;
use super::stage::Stage;

/// The bearer token in the demo's kubeconfig.
pub const TOKEN: &str = "demo-kube-token";

/// Whose token that is.
const USER: &str = "system:serviceaccount:tierwatch:tierwatch";

/// The API as an axum router; every path goes through one door, so that faults meet all of them.
pub(super) fn router(stage: Arc<Stage>) -> Router {
    Router::new().fallback(door).with_state(stage)
}

/// What a path below `/api/v1` names.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    resource: Resource,
    namespace: Option<String>,
    name: Option<String>,
}

async fn door(State(stage): State<Arc<Stage>>, request: Request) -> Response<Body> {
    let fault = stage.with(|world| world.faults.of_kube(world.now).cloned().collect::<Vec<_>>());
    if fault.contains(&KubeFault::Hang) {
        std::future::pending::<()>().await;
    }
    if fault.contains(&KubeFault::Down) {
        return status::refuse(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", "apiserver not ready");
    }
    let bearer = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if bearer != Some(&format!("Bearer {TOKEN}")) {
        return status::refuse(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized");
    }
    let path = request.uri().path().trim_end_matches('/').to_owned();
    match (request.method().clone(), path.as_str()) {
        (Method::GET, "/version") => json_answer(&json!({ "major": "1", "minor": "35", "gitVersion": "v1.35.2",
            "gitCommit": "demo", "gitTreeState": "clean", "buildDate": "2026-02-11T12:00:00Z", "goVersion": "go1.25.6",
            "compiler": "gc", "platform": "linux/amd64" })),
        (Method::GET, "/api") => json_answer(&json!({ "kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [] })),
        (Method::GET, "/apis") => json_answer(&json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": [] })),
        (Method::GET, "/api/v1") => json_answer(&resources()),
        (Method::GET, "/livez" | "/readyz" | "/healthz") => Response::new(Body::from("ok")),
        (Method::POST, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews") => review(request, &fault).await,
        (Method::POST, "/apis/authentication.k8s.io/v1/selfsubjectreviews") => {
            let mut answer =
                json_answer(&json!({ "kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1",
                "metadata": {}, "status": { "userInfo": { "username": USER, "groups": ["system:authenticated"] } } }));
            *answer.status_mut() = StatusCode::CREATED;
            answer
        }
        (Method::GET, _) => match target(&path) {
            Some(target) => serve(stage, &target, request.uri().query().unwrap_or_default(), &fault),
            None => {
                status::refuse(StatusCode::NOT_FOUND, "NotFound", "the server could not find the requested resource")
            }
        },
        _ => status::refuse(
            StatusCode::METHOD_NOT_ALLOWED,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        ),
    }
}

fn serve(stage: Arc<Stage>, target: &Target, query: &str, faults: &[KubeFault]) -> Response<Body> {
    let selection = match Selection::parse(query) {
        Ok(selection) => selection,
        Err(words) => return status::refuse(StatusCode::BAD_REQUEST, "BadRequest", &words),
    };
    // A namespace lies in itself.
    let within = if target.resource == Resource::Namespaces { &target.name } else { &target.namespace };
    if let Some(namespace) = within
        && faults.contains(&KubeFault::Forbidden(namespace.clone()))
    {
        return status::forbidden(target, selection.verb(target.name.is_some()));
    }
    if let Some(name) = &target.name {
        let key = Key {
            resource: target.resource,
            namespace: target.namespace.as_deref().unwrap_or_default().into(),
            name: name.as_str().into(),
        };
        let found = stage.with(|world| world.store.get(&key).map(|object| object.json.to_string()));
        return found.map_or_else(|| status::not_found(target, name), raw_answer);
    }
    if selection.watch {
        watch::open(stage, target.clone(), selection)
    } else {
        stage.with(|world| list::page(&world.store, target, &selection))
    }
}

fn target(path: &str) -> Option<Target> {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let (namespace, rest) = match segments.as_slice() {
        ["api", "v1", "namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some((*namespace).to_owned()), rest),
        ["api", "v1", rest @ ..] => (None, rest),
        ["apis", _, "v1", "namespaces", namespace, rest @ ..] => (Some((*namespace).to_owned()), rest),
        ["apis", _, "v1", rest @ ..] => (None, rest),
        _ => return None,
    };
    let (resource, name) = match rest {
        [plural] => (resource(plural)?, None),
        [plural, name] => (resource(plural)?, Some((*name).to_owned())),
        _ => return None,
    };
    let (group, ..) = words(resource);
    let is_of_group = match segments.as_slice() {
        ["apis", asked, ..] => *asked == group,
        _ => group.is_empty(),
    };
    is_of_group.then_some(Target { resource, namespace, name })
}

fn resource(plural: &str) -> Option<Resource> {
    Some(match plural {
        "pods" => Resource::Pods,
        "events" => Resource::Events,
        "nodes" => Resource::Nodes,
        "namespaces" => Resource::Namespaces,
        "resourcequotas" => Resource::Quotas,
        "limitranges" => Resource::Limits,
        "networkpolicies" => Resource::Netpols,
        "serviceaccounts" => Resource::Accounts,
        "roles" => Resource::Roles,
        "rolebindings" => Resource::Bindings,
        _ => return None,
    })
}

/// Group, plural and kind.
const fn words(resource: Resource) -> (&'static str, &'static str, &'static str) {
    const RBAC: &str = "rbac.authorization.k8s.io";
    match resource {
        Resource::Pods => ("", "pods", "Pod"),
        Resource::Events => ("", "events", "Event"),
        Resource::Nodes => ("", "nodes", "Node"),
        Resource::Namespaces => ("", "namespaces", "Namespace"),
        Resource::Quotas => ("", "resourcequotas", "ResourceQuota"),
        Resource::Limits => ("", "limitranges", "LimitRange"),
        Resource::Netpols => ("networking.k8s.io", "networkpolicies", "NetworkPolicy"),
        Resource::Accounts => ("", "serviceaccounts", "ServiceAccount"),
        Resource::Roles => (RBAC, "roles", "Role"),
        Resource::Bindings => (RBAC, "rolebindings", "RoleBinding"),
    }
}

/// Those of the core group.
fn resources() -> Value {
    let all = [
        Resource::Pods,
        Resource::Events,
        Resource::Nodes,
        Resource::Namespaces,
        Resource::Quotas,
        Resource::Limits,
        Resource::Accounts,
    ];
    let row = |resource| {
        let (_, plural, kind) = words(resource);
        let namespaced = !matches!(resource, Resource::Nodes | Resource::Namespaces);
        json!({ "name": plural, "singularName": kind.to_lowercase(), "namespaced": namespaced, "kind": kind,
            "verbs": ["get", "list", "watch"] })
    };
    let rows: Vec<Value> = all.into_iter().map(row).collect();
    json!({ "kind": "APIResourceList", "groupVersion": "v1", "resources": rows })
}

/// May I? Everything this API serves, except in a namespace that is closed.
async fn review(request: Request, faults: &[KubeFault]) -> Response<Body> {
    let body = to_bytes(request.into_body(), 1 << 16).await.unwrap_or_default();
    let mut review: Value = serde_json::from_slice(&body).unwrap_or_default();
    let asked = &review["spec"]["resourceAttributes"];
    let text = |key: &str| asked[key].as_str().unwrap_or_default();
    let closed = faults.contains(&KubeFault::Forbidden(text("namespace").to_owned()));
    let whole = text("subresource").is_empty();
    let allowed =
        !closed && whole && resource(text("resource")).is_some() && ["get", "list", "watch"].contains(&text("verb"));
    review["apiVersion"] = "authorization.k8s.io/v1".into();
    review["kind"] = "SelfSubjectAccessReview".into();
    review["status"] = json!({ "allowed": allowed });
    let mut answer = json_answer(&review);
    *answer.status_mut() = StatusCode::CREATED;
    answer
}

fn json_answer(body: &Value) -> Response<Body> {
    raw_answer(body.to_string())
}

fn raw_answer(body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

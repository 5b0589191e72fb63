//! Runners and their managers, as REST and as GraphQL show them.

use std::sync::Arc;

use serde_json::Value;

use crate::observation::{ApiTokenReport, ManagerReport, RunnerId, RunnerReport, RunnerScope, RunnerStatus};
use crate::source::gitlab::text::kept;

use super::{flag, nodes, number, tags, text, time};

/// Managers kept of one runner: more pods than that share no token.
const MAX_MANAGERS: usize = 1000;

/// GitLab knows about twenty.
const MAX_TOKEN_SCOPES: usize = 64;

/// Groups or projects kept of one runner's scope.
const MAX_SCOPE: usize = 1000;

/// A node of `runners`.
#[must_use]
pub fn runner_from_graphql(node: &Value) -> Option<RunnerReport> {
    let scope = match node.get("runnerType").and_then(Value::as_str).unwrap_or_default() {
        "INSTANCE_TYPE" => RunnerScope::Instance,
        "GROUP_TYPE" => {
            known(paths(nodes(node.get("groups").unwrap_or(&Value::Null)).0, "fullPath"), RunnerScope::Groups)
        }
        "PROJECT_TYPE" if !more_projects_than_shown(node) => {
            known(paths(node.get("ownerProject").into_iter().collect(), "fullPath"), RunnerScope::Projects)
        }
        _ => RunnerScope::Unknown,
    };
    let managers = node.get("managers").filter(|managers| managers.get("nodes").is_some_and(Value::is_array));
    Some(RunnerReport {
        id: RunnerId(number(node.get("id"))?),
        description: text(node, "description").unwrap_or_default(),
        short_sha: text(node, "shortSha"),
        tags: tags(node, "tagList").unwrap_or_default(),
        run_untagged: flag(node, "runUntagged").unwrap_or(false),
        protected: node.get("accessLevel").and_then(Value::as_str) == Some("REF_PROTECTED"),
        locked: flag(node, "locked").unwrap_or(false),
        paused: flag(node, "paused").unwrap_or(false),
        status: status(node.get("status").and_then(Value::as_str), None),
        scope,
        contacted_at: time(node, "contactedAt"),
        created_at: time(node, "createdAt"),
        token_expires_at: time(node, "tokenExpiresAt"),
        expiry_hidden: false,
        managers: managers.map(|managers| {
            nodes(managers)
                .0
                .into_iter()
                .take(MAX_MANAGERS)
                .filter_map(|m| manager(m, "systemId", "contactedAt"))
                .collect()
        }),
    })
}

/// GraphQL names only the project that owns a runner: with further ones its scope must be read over REST.
#[must_use]
pub fn more_projects_than_shown(node: &Value) -> bool {
    node.get("runnerType").and_then(Value::as_str) == Some("PROJECT_TYPE")
        && number(node.get("projectCount")).is_none_or(|count| count > 1)
}

/// The answer of `GET /runners/:id`. It has no token dates and no managers.
#[must_use]
pub fn runner_from_rest(body: &Value) -> Option<RunnerReport> {
    let listed = |key: &str| body.get(key).and_then(Value::as_array).map(|rows| rows.iter().collect::<Vec<_>>());
    let scope = match body.get("runner_type").and_then(Value::as_str).unwrap_or_default() {
        "instance_type" => RunnerScope::Instance,
        "group_type" => known(
            listed("groups").unwrap_or_default().into_iter().filter_map(group_path).take(MAX_SCOPE).collect(),
            RunnerScope::Groups,
        ),
        "project_type" => {
            known(paths(listed("projects").unwrap_or_default(), "path_with_namespace"), RunnerScope::Projects)
        }
        _ => RunnerScope::Unknown,
    };
    Some(RunnerReport {
        id: RunnerId(number(body.get("id"))?),
        description: text(body, "description").unwrap_or_default(),
        short_sha: None,
        tags: tags(body, "tag_list").unwrap_or_default(),
        run_untagged: flag(body, "run_untagged").unwrap_or(false),
        protected: body.get("access_level").and_then(Value::as_str) == Some("ref_protected"),
        locked: flag(body, "locked").unwrap_or(false),
        paused: flag(body, "paused").unwrap_or(false),
        status: status(body.get("status").and_then(Value::as_str), body.get("online")),
        scope,
        contacted_at: time(body, "contacted_at"),
        created_at: time(body, "created_at"),
        token_expires_at: None,
        expiry_hidden: true,
        managers: None,
    })
}

/// The answer of `GET /runners/:id/managers`.
#[must_use]
pub fn managers_from_rest(rows: &Value) -> Option<Vec<ManagerReport>> {
    let rows = rows.as_array()?;
    Some(rows.iter().take(MAX_MANAGERS).filter_map(|row| manager(row, "system_id", "contacted_at")).collect())
}

/// The answer of `GET /personal_access_tokens/self`. `expires_at` is a date: the token ends when that day begins, UTC.
#[must_use]
pub fn own_token_from_rest(body: &Value) -> Option<ApiTokenReport> {
    let scopes = body.get("scopes")?.as_array()?;
    let ends = body.get("expires_at").and_then(Value::as_str).and_then(|day| day.parse::<jiff::civil::Date>().ok());
    let midnight = |day: jiff::civil::Date| day.to_zoned(jiff::tz::TimeZone::UTC).ok();
    Some(ApiTokenReport {
        scopes: scopes.iter().take(MAX_TOKEN_SCOPES).filter_map(|scope| scope.as_str().map(kept)).collect(),
        created_at: time(body, "created_at"),
        expires_at: ends.and_then(midnight).map(|day| day.timestamp()),
    })
}

fn manager(row: &Value, system_id: &str, contacted_at: &str) -> Option<ManagerReport> {
    Some(ManagerReport {
        system_id: text(row, system_id)?,
        status: status(row.get("status").and_then(Value::as_str), None),
        contacted_at: time(row, contacted_at),
        version: text(row, "version"),
    })
}

/// REST writes `paused` over online and offline; `online` tells which.
fn status(text: Option<&str>, online: Option<&Value>) -> RunnerStatus {
    match text.unwrap_or_default().to_ascii_lowercase().as_str() {
        "online" => RunnerStatus::Online,
        "offline" => RunnerStatus::Offline,
        "stale" => RunnerStatus::Stale,
        "never_contacted" => RunnerStatus::NeverContacted,
        "paused" => match online {
            Some(Value::Bool(true)) => RunnerStatus::Online,
            Some(Value::Bool(false)) => RunnerStatus::Offline,
            Some(Value::Null) => RunnerStatus::NeverContacted,
            Some(Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_)) | None => {
                RunnerStatus::Other
            }
        },
        _ => RunnerStatus::Other,
    }
}

fn paths(rows: Vec<&Value>, key: &str) -> Vec<Arc<str>> {
    rows.into_iter().take(MAX_SCOPE).filter_map(|row| text(row, key)).collect()
}

/// REST shows no full path of a group, but its address holds it: `https://…/groups/kelp/reef`.
fn group_path(group: &Value) -> Option<Arc<str>> {
    let address = group.get("web_url")?.as_str()?;
    let (_, path) = address.split_once("/groups/")?;
    if path.is_empty() { None } else { Some(kept(path)) }
}

/// A scope without members was not shown to us.
fn known(members: Vec<Arc<str>>, scope: impl FnOnce(Vec<Arc<str>>) -> RunnerScope) -> RunnerScope {
    if members.is_empty() { RunnerScope::Unknown } else { scope(members) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node() -> Value {
        json!({
            "id": "gid://gitlab/Ci::Runner/93", "description": "tier-large-a", "shortSha": "Ab12Cd34",
            "runnerType": "GROUP_TYPE", "status": "ONLINE", "paused": true, "locked": false,
            "accessLevel": "REF_PROTECTED", "runUntagged": false, "tagList": ["docker", "tier-large"],
            "contactedAt": "2031-03-04T04:40:00.500Z", "createdAt": "2030-09-01T08:00:00Z",
            "tokenExpiresAt": "2031-06-01T00:00:00Z", "projectCount": null, "ownerProject": null,
            "groups": {"nodes": [{"fullPath": "kelp"}, null]},
            "managers": {"nodes": [{"systemId": "r_Q7", "status": "ONLINE", "contactedAt": null, "version": null}, null]}
        })
    }

    #[test]
    fn a_node_of_graphql() {
        let expected = json!({
            "id": 93, "description": "tier-large-a", "short_sha": "Ab12Cd34", "tags": ["docker", "tier-large"],
            "run_untagged": false, "protected": true, "locked": false, "paused": true, "status": "online",
            "scope": {"groups": ["kelp"]}, "contacted_at": "2031-03-04T04:40:00.5Z",
            "created_at": "2030-09-01T08:00:00Z", "token_expires_at": "2031-06-01T00:00:00Z", "expiry_hidden": false,
            "managers": [{"system_id": "r_Q7", "status": "online", "contacted_at": null, "version": null}]
        });
        assert_eq!(serde_json::to_value(runner_from_graphql(&node()).unwrap()).unwrap(), expected);
    }

    #[test]
    fn scopes_that_are_not_shown_are_unknown() {
        let scope = |change: Value| {
            let mut node = node();
            for (key, value) in change.as_object().unwrap() {
                node[key] = value.clone();
            }
            runner_from_graphql(&node).unwrap().scope
        };
        let owner = json!({ "fullPath": "kelp/reef" });
        assert_eq!(scope(json!({"runnerType": "INSTANCE_TYPE"})), RunnerScope::Instance);
        assert_eq!(scope(json!({"groups": null})), RunnerScope::Unknown);
        assert_eq!(scope(json!({"groups": {"nodes": null}})), RunnerScope::Unknown);
        assert_eq!(
            scope(json!({"runnerType": "PROJECT_TYPE", "projectCount": 1, "ownerProject": owner})),
            RunnerScope::Projects(vec!["kelp/reef".into()])
        );
        assert_eq!(
            scope(json!({"runnerType": "PROJECT_TYPE", "projectCount": 2, "ownerProject": owner})),
            RunnerScope::Unknown
        );
        assert_eq!(scope(json!({"runnerType": "MOON_TYPE"})), RunnerScope::Unknown);
    }

    #[test]
    fn managers_that_are_not_shown_are_absent_not_zero() {
        let mut hidden = node();
        hidden["managers"] = Value::Null;
        assert_eq!(runner_from_graphql(&hidden).unwrap().managers, None);
        hidden["managers"] = json!({ "nodes": [] });
        assert_eq!(runner_from_graphql(&hidden).unwrap().managers, Some(vec![]));
    }

    #[test]
    fn the_details_of_rest() {
        let body = serde_json::from_str(include_str!("../../../../tests/fixtures/gitlab/RunnerDetails.json")).unwrap();
        let runner = runner_from_rest(&body).unwrap();
        assert_eq!(runner.id, RunnerId(93));
        assert_eq!(runner.scope, RunnerScope::Groups(vec!["kelp".into()]));
        assert_eq!((runner.protected, runner.status, runner.managers), (false, RunnerStatus::Online, None));
        assert_eq!(runner.tags, vec!["docker".into(), "tier-large".into()]);
    }

    #[test]
    fn rest_hides_online_behind_paused() {
        let rows: Vec<Value> =
            serde_json::from_str(include_str!("../../../../tests/fixtures/gitlab/RunnerList.json")).unwrap();
        let seen: Vec<_> =
            rows.iter().map(|row| runner_from_rest(row).unwrap()).map(|r| (r.id.0, r.paused, r.status)).collect();
        assert_eq!(
            seen,
            [
                (93, false, RunnerStatus::Online),
                (94, true, RunnerStatus::Online),
                (95, false, RunnerStatus::NeverContacted),
                (3, false, RunnerStatus::Stale),
            ]
        );
        assert_eq!(status(Some("paused"), Some(&json!(false))), RunnerStatus::Offline);
        assert_eq!(status(Some("hibernating"), None), RunnerStatus::Other);
        assert_eq!(status(None, None), RunnerStatus::Other);
    }

    #[test]
    fn the_own_token_of_rest() {
        let body = include_str!("../../../../tests/fixtures/gitlab/PersonalAccessTokenSelf.json");
        let token = own_token_from_rest(&serde_json::from_str(body).unwrap()).unwrap();
        assert!(token.scopes.contains(&"read_api".into()), "{token:?}");
        assert!(token.expires_at.unwrap().to_string().ends_with("T00:00:00Z"), "{token:?}");
        assert_eq!(own_token_from_rest(&json!({ "scopes": [], "expires_at": null })).unwrap().expires_at, None);
        assert_eq!(own_token_from_rest(&json!({ "message": "400 Bad request" })), None);
    }

    #[test]
    fn the_managers_of_rest() {
        let rows =
            serde_json::from_str(include_str!("../../../../tests/fixtures/gitlab/RunnerManagerList.json")).unwrap();
        let managers = managers_from_rest(&rows).unwrap();
        assert_eq!(managers.len(), 2);
        assert_eq!(managers[0].version.as_deref(), Some("19.3.0"));
        assert_eq!((managers[1].status, managers[1].contacted_at), (RunnerStatus::NeverContacted, None));
        assert_eq!(managers_from_rest(&json!({"message": "no"})), None);
    }
}

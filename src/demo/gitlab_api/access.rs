//! Who asks: tokens, scopes and roles.

use axum::http::{HeaderMap, StatusCode};
use serde_json::json;

use super::answer::Answer;
use crate::demo::world::World;
use crate::demo::world::land::Project;

/// An administrator's token with `read_api`.
pub const ADMIN_TOKEN: &str = "glpat-demo-admin";
/// A group access token: Maintainer of the group `harbour`, `read_api`.
pub const MAINTAINER_TOKEN: &str = "glpat-demo-maintainer";
/// A group access token: Reporter of the group `harbour`, `read_api`.
pub const REPORTER_TOKEN: &str = "glpat-demo-reporter";
/// An auditor's token with `read_api`: reads everything, changes nothing.
pub const AUDITOR_TOKEN: &str = "glpat-demo-auditor";
/// A group access token: Owner of the group `harbour`, `read_api`.
pub const OWNER_TOKEN: &str = "glpat-demo-owner";
/// A token of a group's Owner whose only scope is `manage_runner`.
pub const MANAGE_RUNNER_TOKEN: &str = "glpat-demo-manage-runner";
/// A token whose only scope is `read_user`.
pub const UNSCOPED_TOKEN: &str = "glpat-demo-unscoped";
/// A token that has expired.
pub const EXPIRED_TOKEN: &str = "glpat-demo-expired";

/// GitLab's access levels as far as they matter here.
const REPORTER: u32 = 20;
const MAINTAINER: u32 = 40;
const OWNER: u32 = 50;

/// Somebody GitLab knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller {
    pub(super) user: u64,
    pub(super) username: &'static str,
    pub(super) name: &'static str,
    pub(super) bot: bool,
    pub(super) admin: bool,
    /// Reads whatever there is, by the role of that name.
    pub(super) auditor: bool,
    pub(super) scope: &'static str,
    /// Position of the group, access level in it.
    member: Option<(usize, u32)>,
}

impl Caller {
    /// The caller of a request; nobody without a token.
    ///
    /// # Errors
    /// GitLab's answer to a token that is no good.
    pub(super) fn of(headers: &HeaderMap) -> Result<Option<Self>, Answer> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let Some(token) =
            text("private-token").or_else(|| text("authorization").and_then(|value| value.strip_prefix("Bearer ")))
        else {
            return Ok(None);
        };
        let bot = Self {
            user: 60,
            username: "group_10_bot_4f2a",
            name: "tierwatch",
            bot: true,
            admin: false,
            auditor: false,
            scope: "read_api",
            member: Some((0, MAINTAINER)),
        };
        match token {
            ADMIN_TOKEN => {
                let root = Self { user: 1, username: "mira", name: "Mira Example", bot: false, admin: true, ..bot };
                Ok(Some(Self { member: None, ..root }))
            }
            AUDITOR_TOKEN => {
                let auditor = Self { user: 2, username: "ada", name: "Ada Example", bot: false, auditor: true, ..bot };
                Ok(Some(Self { member: None, ..auditor }))
            }
            OWNER_TOKEN => Ok(Some(Self { user: 63, member: Some((0, OWNER)), ..bot })),
            MANAGE_RUNNER_TOKEN => Ok(Some(Self { user: 64, scope: "manage_runner", member: Some((0, OWNER)), ..bot })),
            MAINTAINER_TOKEN => Ok(Some(bot)),
            REPORTER_TOKEN => Ok(Some(Self { user: 61, member: Some((0, REPORTER)), ..bot })),
            UNSCOPED_TOKEN => Ok(Some(Self { user: 62, scope: "read_user", member: None, ..bot })),
            EXPIRED_TOKEN => Err(Answer::json(
                StatusCode::UNAUTHORIZED,
                json!({ "error": "invalid_token",
                    "error_description": "Token is expired. You can either do re-authorization or token refresh." }),
            )
            .with("www-authenticate", "Bearer realm=\"Protected by OAuth 2.0\", error=\"invalid_token\"")),
            _ => Err(Answer::unauthorized()),
        }
    }

    pub(super) fn may_read_api(&self) -> bool {
        self.scope == "read_api"
    }

    /// `manage_runner` is good for single runners, and for nothing else.
    pub(super) fn may_read(&self, path: &[&str]) -> bool {
        let is_a_runner = matches!(path, ["runners", id, ..] if *id != "all");
        self.may_read_api() || self.scope == "manage_runner" && is_a_runner
    }

    fn level_in(&self, group: usize) -> u32 {
        match self.member {
            Some((own, level)) if own == group => level,
            Some(_) | None if self.admin => 60,
            Some(_) | None => 0,
        }
    }

    /// An administrator or an auditor.
    pub(super) fn reads_all(&self) -> bool {
        self.admin || self.auditor
    }

    pub(super) fn sees_group(&self, group: usize) -> bool {
        self.reads_all() || self.level_in(group) > 0
    }

    pub(super) fn sees_project(&self, project: &Project) -> bool {
        self.reads_all() || self.level_in(project.group) > 0
    }

    pub(super) fn reads_builds(&self, project: &Project) -> bool {
        self.reads_all() || !project.hidden && self.level_in(project.group) >= REPORTER
    }

    pub(super) fn maintains(&self, group: usize) -> bool {
        self.level_in(group) >= MAINTAINER
    }

    pub(super) fn owns(&self, group: usize) -> bool {
        self.level_in(group) >= OWNER
    }

    /// The runners of a group or project.
    pub(super) fn reads_runners_of(&self, group: usize) -> bool {
        self.auditor || self.maintains(group)
    }

    /// Instance runners are shown to every signed-in user, group runners to the group's Maintainers.
    pub(super) fn reads_runner(&self, world: &World, runner: usize) -> bool {
        world.tiers.get(runner).is_some_and(|tier| tier.owner.is_none_or(|group| self.reads_runners_of(group)))
    }

    /// When its token ends: shown with the runner, but of an instance runner to administrators alone.
    pub(super) fn reads_expiry_of(&self, world: &World, runner: usize) -> bool {
        let owner = world.tiers.get(runner).map(|tier| tier.owner);
        owner.is_some_and(|owner| owner.map_or(self.admin, |group| self.reads_runners_of(group)))
    }

    /// `read_builds` on a runner: an instance runner's only for administrators and auditors.
    pub(super) fn reads_builds_of(&self, world: &World, runner: usize) -> bool {
        let owner = world.tiers.get(runner).map(|tier| tier.owner);
        owner.is_some_and(|owner| owner.map_or(self.reads_all(), |group| self.reads_runners_of(group)))
    }
}

//! Runners and their managers: the instance's for an administrator or an auditor, else those that serve the configured
//! groups, and the configured ids that no list shows. What a token does not show is told.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use gitlab::api::runners::Runner;
use serde_json::{Value, json};

use crate::metrics::Operation;
use crate::observation::{Body, RunnerId, RunnerReport, RunnerScope};
use crate::source::Outbox;
use crate::source::poll::{Interrupted, Poll};

use super::auditor::Auditor;
use super::client::Client;
use super::endpoints::OwnToken;
use super::error::ClientError;
use super::instance_jobs::next_cursor;
use super::notes::{Notes, some_of};
use super::one_runner;
use super::queries::{Document, GROUP_RUNNERS, RUNNERS};
use super::queue_projects::prepare;
use super::translate::{more_projects_than_shown, nodes, own_token_from_rest, runner_from_graphql, runner_from_rest};

/// 10,000 runners, at 50 a page.
const MAX_PAGES: usize = 200;

/// Scopes of project runners that one round reads over REST.
const SCOPES_PER_ROUND: usize = 20;

/// The own token changes when somebody rotates it, or takes a scope from it.
const TOKEN_AGE: Duration = Duration::from_secs(10 * 60);

/// How long such a scope is believed.
const SCOPE_AGE: Duration = Duration::from_secs(30 * 60);

/// The source [`GitlabRunners`](crate::observation::SourceKind::GitlabRunners).
pub(crate) struct Runners {
    client: Client,
    groups: Vec<Arc<str>>,
    ids: Vec<RunnerId>,
    auditor: Auditor,
    scopes: HashMap<RunnerId, (Duration, RunnerScope)>,
    /// When the own token was last read.
    token_read: Option<Duration>,
    notes: Notes,
}

/// What was gathered in one round.
#[derive(Debug, Default)]
struct Gathered {
    runners: BTreeMap<RunnerId, RunnerReport>,
    /// Runners whose scope GraphQL shows only in part.
    half_scoped: Vec<RunnerId>,
    /// What the token did not show.
    missing: Vec<String>,
    /// Runners of which it did not show when their tokens end.
    hidden_ends: Vec<String>,
}

impl Gathered {
    /// GitLab shows nothing both for a token that never ends and for one whose end it hides: of an instance's runner it is
    /// told to administrators alone, and over REST to nobody.
    fn hide_expiries(&mut self, administers: bool) {
        for runner in self.runners.values_mut().filter(|runner| runner.token_expires_at.is_none()) {
            runner.expiry_hidden |= !administers && runner.scope == RunnerScope::Instance;
            if runner.expiry_hidden {
                self.hidden_ends.push(runner.id.to_string());
            }
        }
    }

    /// What the token did not show, in words.
    fn not_shown(&self) -> Option<String> {
        let missing = (!self.missing.is_empty()).then(|| some_of(&self.missing));
        let ends = (!self.hidden_ends.is_empty())
            .then(|| format!("when the tokens of these runners end: {}", some_of(&self.hidden_ends)));
        let all: Vec<String> = missing.into_iter().chain(ends).collect();
        (!all.is_empty()).then(|| format!("the token does not show {}", all.join("; nor ")))
    }
}

impl Runners {
    /// `ids` are the runners that tiers name.
    pub(crate) fn new(client: Client, groups: Vec<Arc<str>>, ids: Vec<RunnerId>) -> Self {
        let (auditor, scopes, notes) = (Auditor::default(), HashMap::new(), Notes::default());
        Self { client, groups, ids, auditor, scopes, token_read: None, notes }
    }

    async fn gather(&mut self, now: Duration) -> Result<Gathered, ClientError> {
        let mut gathered = Gathered::default();
        let mut lists = true;
        let administers = match self.read_list(&RUNNERS, json!({}), "/runners", &mut gathered).await {
            Ok(whole) => whole,
            // `manage_runner` reads single runners and no list.
            Err(error) if error.lacks_scope() && !self.ids.is_empty() => {
                gathered.missing.push("lists of runners (its scope reads single ones only)".into());
                lists = false;
                false
            }
            Err(error) => return Err(error),
        };
        let shown = if administers || !lists { None } else { self.auditor.read(&self.client, now).await? };
        let whole_instance = administers || shown.is_some();
        if let Some(shown) = shown {
            gathered.runners.extend(shown.runners.into_iter().map(|runner| (runner.id, runner)));
            if shown.without_details > 0 {
                let later = format!("yet the details of {} runners, which are read next", shown.without_details);
                gathered.missing.push(later);
            }
        } else if !whole_instance && lists {
            for group in &self.groups {
                let variables = json!({ "group": &**group });
                if !self.read_list(&GROUP_RUNNERS, variables, "/group/runners", &mut gathered).await? {
                    gathered.missing.push(format!("the runners of the group {group}"));
                }
            }
        }
        for id in &self.ids {
            if gathered.runners.contains_key(id) {
                continue;
            }
            match one_runner::read(&self.client, *id).await {
                Ok(runner) => drop(gathered.runners.insert(*id, runner)),
                Err(error) if error.is_hidden() => gathered.missing.push(format!("the runner {id}")),
                Err(error) => return Err(error),
            }
        }
        if !whole_instance && gathered.runners.is_empty() {
            let detail = "the token sees no runners: it needs an administrator's or an auditor's token (or the custom \
                          admin role permission read_admin_cicd), or the role Maintainer in the groups of \
                          gitlab.queue.groups; runners can also be named by id in the tiers";
            return Err(ClientError::Blind { operation: Operation::Runners, detail: detail.into() });
        }
        gathered.hide_expiries(administers);
        Ok(gathered)
    }

    /// Reads a list to its end; `false` when the token may not.
    async fn read_list(
        &self,
        document: &Document,
        mut variables: Value,
        at: &str,
        gathered: &mut Gathered,
    ) -> Result<bool, ClientError> {
        let call = self.client.call(Operation::Runners);
        for _ in 0..MAX_PAGES {
            let answer = call.graphql(document, &variables).await?;
            let Some(connection) = answer.data.pointer(at).filter(|list| list.is_object()) else { return Ok(false) };
            if !answer.refused.is_empty() {
                return Ok(false);
            }
            for node in nodes(connection).0 {
                let Some(runner) = runner_from_graphql(node) else { continue };
                if more_projects_than_shown(node) {
                    gathered.half_scoped.push(runner.id);
                }
                gathered.runners.insert(runner.id, runner);
            }
            let Some(cursor) = next_cursor(connection) else { return Ok(true) };
            if variables.get("after").and_then(Value::as_str) == Some(cursor) {
                return Err(call.malformed("the cursor of the next page leads to the same page"));
            }
            let after = Value::from(cursor);
            if let Some(map) = variables.as_object_mut() {
                map.insert("after".into(), after);
            }
        }
        let detail = format!("the list did not end after {MAX_PAGES} pages");
        Err(ClientError::TooLarge { operation: Operation::Runners, detail })
    }

    /// Fills in the scopes that GraphQL shows in part; what does not fit into this round stays unknown.
    async fn complete_scopes(&mut self, gathered: &mut Gathered, now: Duration) -> Result<(), ClientError> {
        self.scopes.retain(|id, (at, _)| now.saturating_sub(*at) < SCOPE_AGE && gathered.half_scoped.contains(id));
        let mut read = 0;
        for id in &gathered.half_scoped {
            if !self.scopes.contains_key(id) && read < SCOPES_PER_ROUND {
                read += 1;
                let endpoint = Runner::builder().runner(id.0).build().map_err(prepare)?;
                let scope = match self.client.call(Operation::RunnerDetails).get(&endpoint).await {
                    Ok(answer) => runner_from_rest(&answer.json).map_or(RunnerScope::Unknown, |runner| runner.scope),
                    Err(error) if error.is_hidden() => RunnerScope::Unknown,
                    Err(error) => return Err(error),
                };
                self.scopes.insert(*id, (now, scope));
            }
            if let (Some((_, scope)), Some(runner)) = (self.scopes.get(id), gathered.runners.get_mut(id)) {
                runner.scope = scope.clone();
            }
        }
        Ok(())
    }
}

impl Runners {
    /// The token that is used. What is wrong with it shows in every other request: here it is only not known.
    async fn own_token(&mut self, outbox: &Outbox) -> Result<(), Interrupted> {
        let now = outbox.clock().now().mono;
        if self.token_read.is_some_and(|at| now.saturating_sub(at) < TOKEN_AGE) {
            return Ok(());
        }
        let report = match self.client.call(Operation::OwnToken).get(&OwnToken).await {
            Ok(answer) => own_token_from_rest(&answer.json),
            // OAuth and job tokens get 400, fine-grained ones without the permission 403.
            Err(ClientError::Status { status: 400..=499, .. }) => None,
            // Another time.
            Err(_) => return Ok(()),
        };
        self.token_read = Some(now);
        Ok(outbox.say(Body::ApiToken(report)).await?)
    }
}

#[async_trait]
impl Poll for Runners {
    async fn run(&mut self, outbox: &Outbox) -> Result<(), Interrupted> {
        let now = outbox.clock().now().mono;
        let gathered = self.gather(now).await;
        if gathered.as_ref().is_err_and(ClientError::is_the_tokens) {
            // Perhaps somebody took a scope from it.
            self.token_read = None;
        }
        self.own_token(outbox).await?;
        let mut gathered = gathered?;
        self.complete_scopes(&mut gathered, now).await?;
        match gathered.not_shown() {
            Some(note) => self.notes.say(outbox, "missing", note).await?,
            None => self.notes.clear("missing"),
        }
        outbox.say(Body::Runners(gathered.runners.into_values().collect())).await?;
        Ok(())
    }
}

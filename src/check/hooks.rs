//! Whether GitLab sends job hooks here: those of the configured groups, and of projects that are watched or have jobs now.

use std::sync::Arc;

use futures::future::join_all;

use super::line::{Line, Probe};
use crate::source::gitlab::{Client, ClientError, HookReport};

/// Groups, and projects beside them, of which the hooks are looked at.
const MOST: usize = 5;

const PROBE: Probe = Probe::GitlabHook;

/// Asks for the hooks of the groups, and where theirs do not send here for those of projects; `ours` is the path that hooks lead to.
pub(super) async fn check(
    client: &Client,
    groups: &[Arc<str>],
    projects: impl IntoIterator<Item = &Arc<str>>,
    ours: &str,
) -> Vec<Line> {
    let groups =
        groups.iter().take(MOST).map(|group| async move { Of::new(group, client.group_hooks(group).await, ours) });
    let groups = join_all(groups).await;
    let is_served =
        |project: &str| groups.iter().any(|group| group.holds(project) && matches!(group.found, Found::Sends(_)));
    let projects = projects.into_iter().filter(|project| !is_served(project)).take(MOST);
    let projects = projects.map(|project| async move { Of::new(project, client.project_hooks(project).await, ours) });
    let projects = join_all(projects).await;
    lines(&groups, &projects, ours)
}

/// What the hooks of one group or project are.
#[derive(Debug)]
struct Of {
    /// Full path.
    path: Arc<str>,
    found: Found,
}

#[derive(Debug)]
enum Found {
    /// Job events go to this address.
    Sends(Arc<str>),
    /// GitLab gave up the hook to this address.
    GivenUp(Arc<str>),
    /// The hook to this address has other triggers.
    NoJobs(Arc<str>),
    /// No hook leads here.
    Nothing,
    /// The token may not see them.
    Hidden,
    /// They could not be asked for.
    Failed(String),
}

impl Of {
    fn new(path: &Arc<str>, hooks: Result<Vec<HookReport>, ClientError>, ours: &str) -> Self {
        let found = match hooks {
            Ok(all) => Found::among(&all, ours),
            Err(error) if error.is_hidden() || error.lacks_scope() => Found::Hidden,
            Err(error) => Found::Failed(error.to_string()),
        };
        Self { path: Arc::clone(path), found }
    }

    /// Whether the project lies in this group or below it.
    fn holds(&self, project: &str) -> bool {
        project.strip_prefix(&*self.path).is_some_and(|rest| rest.starts_with('/'))
    }

    /// The line of a hook that leads here, or of why that is not known.
    fn line(&self) -> Option<Line> {
        Some(match &self.found {
            Found::Sends(url) => Line::ok(PROBE, &self.path, &format!("job events go to {url}")),
            Found::GivenUp(url) => {
                let fix = "look at \"Recent events\" of the hook in GitLab, then send a test: that enables it again";
                Line::warning(PROBE, &self.path, &format!("GitLab gave up the hook to {url} after failures"), fix)
            }
            Found::NoJobs(url) => {
                let fix = "tick the trigger \"Job events\" of the hook in GitLab";
                Line::warning(PROBE, &self.path, &format!("the hook to {url} sends no job events"), fix)
            }
            Found::Failed(why) => Line::not_checked(PROBE, &self.path, why),
            Found::Nothing | Found::Hidden => return None,
        })
    }
}

impl Found {
    /// The token sees what hooks there are.
    fn is_seen(&self) -> bool {
        !matches!(self, Self::Hidden | Self::Failed(_))
    }

    fn among(all: &[HookReport], ours: &str) -> Self {
        let here = || all.iter().filter(|hook| place(&hook.url).trim_end_matches('/').ends_with(ours));
        let to = |hook: &HookReport| place(&hook.url).into();
        // One that works makes up for those that do not.
        if let Some(hook) = here().find(|hook| hook.jobs && !hook.disabled) {
            return Self::Sends(to(hook));
        }
        match here().next() {
            Some(hook) if hook.disabled => Self::GivenUp(to(hook)),
            Some(hook) => Self::NoJobs(to(hook)),
            None => Self::Nothing,
        }
    }
}

/// An address without what may be a secret in it: user, password and query. GitLab's variables (`{host}`) are no URL, and stay.
fn place(url: &str) -> String {
    let address = url.split(['?', '#']).next().unwrap_or_default();
    match (address.split_once("://"), address.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, behind))) => format!("{scheme}://{behind}"),
        _ => address.to_owned(),
    }
}

fn lines(groups: &[Of], projects: &[Of], ours: &str) -> Vec<Line> {
    if groups.is_empty() && projects.is_empty() {
        let because =
            "gitlab.queue.groups names no group, and no job was read of whose project they could be looked at";
        return vec![Line::not_checked(PROBE, "", because)];
    }
    let mut lines: Vec<Line> = groups.iter().map(|group| of_group(group, projects, ours)).collect();
    lines.extend(projects.iter().filter_map(Of::line));
    let hidden = projects.iter().filter(|project| matches!(project.found, Found::Hidden));
    lines.extend(named(hidden).map(|all| {
        let because = format!("the token may not see the hooks of {all}, which takes a Maintainer");
        Line::not_checked(PROBE, "", &because)
    }));
    // What a group's line tells is not told again of its projects.
    let is_told = |project: &Of| groups.iter().any(|group| group.holds(&project.path) && group.found.is_seen());
    let bare = projects.iter().filter(|project| matches!(project.found, Found::Nothing) && !is_told(project));
    lines.extend(named(bare).map(|all| {
        let because = format!("no hook of {all} sends to {ours}, and the hooks of their groups are not in sight");
        Line::not_checked(PROBE, "", &because)
    }));
    lines
}

/// Their paths in one text; nothing of none.
fn named<'a>(all: impl Iterator<Item = &'a Of>) -> Option<String> {
    let paths: Vec<&str> = all.map(|project| &*project.path).collect();
    (!paths.is_empty()).then(|| paths.join(", "))
}

fn of_group(group: &Of, projects: &[Of], ours: &str) -> Line {
    if let Some(line) = group.line() {
        return line;
    }
    if matches!(group.found, Found::Hidden) {
        let because = "the token may not see the group's hooks, which takes an Owner (Premium or Ultimate)";
        return Line::not_checked(PROBE, &group.path, because);
    }
    let its: Vec<&Of> = projects.iter().filter(|project| group.holds(&project.path)).collect();
    let served = its.iter().filter(|project| matches!(project.found, Found::Sends(_))).count();
    let evidence = format!("no hook of the group sends to {ours}");
    if served == 0 {
        let fix = format!(
            "add a webhook to the group: the address of webhook.listen_address with {ours}, trigger Job events"
        );
        return Line::warning(PROBE, &group.path, &evidence, &fix);
    }
    let evidence = format!("{evidence}; of {} projects that were looked at, {served} send by themselves", its.len());
    if served == its.len() {
        return Line::ok(PROBE, &group.path, &evidence);
    }
    let fix =
        "add the same webhook to the group, or to each of its projects: jobs of the others are found by polls only";
    Line::warning(PROBE, &group.path, &evidence, fix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict;

    const OURS: &str = "/webhooks/gitlab";

    fn of(path: &str, found: Found) -> Of {
        Of { path: path.into(), found }
    }

    fn sends() -> Found {
        Found::Sends("https://tierwatch.example.com/webhooks/gitlab".into())
    }

    fn told(groups: &[Of], projects: &[Of]) -> Vec<(Verdict, String)> {
        lines(groups, projects, OURS).into_iter().map(|line| (line.verdict, line.subject)).collect()
    }

    #[test]
    fn the_hook_that_works_is_the_one_that_counts() {
        let hook = |url: &str, jobs, disabled| HookReport { url: url.into(), jobs, disabled };
        let dead = hook("https://old.example.com/webhooks/gitlab", true, true);
        let mute = hook("https://tierwatch.example.com/webhooks/gitlab/", false, false);
        let works = hook("https://tierwatch.example.com/webhooks/gitlab", true, false);
        let other = hook("https://chat.example.com/webhooks/gitlab-jobs", true, false);
        let found = |all: &[&HookReport]| Found::among(&all.iter().map(|&hook| hook.clone()).collect::<Vec<_>>(), OURS);
        assert!(matches!(found(&[&dead, &mute, &works]), Found::Sends(_)));
        assert!(matches!(found(&[&dead, &other]), Found::GivenUp(_)));
        assert!(matches!(found(&[&mute]), Found::NoJobs(_)));
        assert!(matches!(found(&[&other]), Found::Nothing));
        let secret = hook("https://me:CANARY@tierwatch.example.com/webhooks/gitlab?token=CANARY", true, false);
        let Found::Sends(told) = found(&[&secret]) else { panic!("it leads here") };
        assert_eq!(&*told, "https://tierwatch.example.com/webhooks/gitlab");
    }

    #[test]
    fn a_groups_line_counts_the_projects_that_help_themselves() {
        let bare = || of("harbour", Found::Nothing);
        let (a, b) = (|found| of("harbour/a", found), |found| of("harbour/sub/b", found));
        let only = |verdict| vec![(verdict, "harbour".to_owned())];
        assert_eq!(told(&[bare()], &[a(Found::Nothing), b(Found::Nothing)]), only(Verdict::Warning));
        let one = told(&[bare()], &[a(sends()), b(Found::Nothing)]);
        assert_eq!(one, [(Verdict::Warning, "harbour".to_owned()), (Verdict::Ok, "harbour/a".to_owned())]);
        let both = told(&[bare()], &[a(sends()), b(sends())]);
        assert!(both.len() == 3 && both.iter().all(|(verdict, _)| *verdict == Verdict::Ok), "{both:?}");
        // The name of another group begins alike.
        let other = told(&[bare()], &[of("harbour-master/c", sends())]);
        assert_eq!(other[0], (Verdict::Warning, "harbour".to_owned()));
    }

    #[test]
    fn what_is_out_of_sight_is_no_finding() {
        let quiet = [of("harbour/a", Found::Nothing), of("harbour/b", Found::Hidden), of("harbour/c", Found::Hidden)];
        for groups in [vec![], vec![of("harbour", Found::Hidden)], vec![of("harbour", Found::Failed("502".into()))]] {
            let lines = told(&groups, &quiet);
            assert_eq!(lines.len(), groups.len() + 2, "{lines:?}");
            assert!(lines.iter().all(|(verdict, _)| *verdict == Verdict::NotChecked), "{lines:?}");
        }
        assert_eq!(told(&[], &[]), [(Verdict::NotChecked, String::new())]);
    }
}

//! What was found of GitLab, in lines.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::certificate;
use super::line::{Line, Probe};
use super::listen::is_local;
use super::reach::Reach;
use super::round::{Heard, Told};
use crate::config::Gitlab;
use crate::model::assess::human_duration;
use crate::observation::{ApiTokenReport, FailureClass, Now, SourceKind, between};
use crate::source::gitlab::{ClientError, Introduction, NEEDS};

/// Further apart, "since when" is off by what people notice.
const SKEW_WORTH_A_LOOK: SignedDuration = SignedDuration::from_secs(5);
/// Further apart, signatures of hooks are refused and ages are wrong by minutes.
const SKEW_WRONG: SignedDuration = SignedDuration::from_secs(60);
/// Before the token ends.
const WARN_BEFORE: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Name, connection and certificate.
pub(super) fn way(url: &Url, reach: &Reach, met: &Introduction, proxy: Option<&str>, now: Timestamp) -> Vec<Line> {
    let host = url.host_str().unwrap_or_default();
    let by_proxy = |probe, why: &str| {
        let because = format!("{why}, but {} names a proxy, which goes there for us", proxy.unwrap_or_default());
        Line::not_checked(probe, "", &because)
    };
    let mut lines = Vec::new();
    match &reach.addresses {
        Some(Ok(found)) => {
            let first = found.first().map_or_else(String::new, |address| address.ip().to_string());
            let more = if found.len() > 1 { format!(" and {} more", found.len() - 1) } else { String::new() };
            lines.push(Line::ok(Probe::GitlabDns, "", &format!("{host} is {first}{more}")));
        }
        Some(Err(why)) if proxy.is_some() => {
            lines.push(by_proxy(Probe::GitlabDns, &format!("{host} has no address here ({why})")));
        }
        Some(Err(why)) => {
            let fix = "look at the host in gitlab.url, at this machine's resolver, and at the pod's NetworkPolicy (DNS: port 53)";
            lines.push(Line::problem(Probe::GitlabDns, "", &format!("{host} has no address: {why}"), fix));
        }
        None => lines.push(Line::not_checked(Probe::GitlabDns, "", "gitlab.url names no host")),
    }
    match &reach.connected {
        Some(Ok(address)) => lines.push(Line::ok(Probe::GitlabTcp, "", &format!("connected to {address}"))),
        Some(Err(why)) if proxy.is_some() => {
            lines.push(by_proxy(Probe::GitlabTcp, &format!("no connection from here ({why})")));
        }
        Some(Err(why)) => {
            let fix = "look at the port in gitlab.url, at firewalls, and at the pod's NetworkPolicy (egress to GitLab)";
            lines.push(Line::problem(Probe::GitlabTcp, "", &format!("no connection: {why}"), fix));
        }
        None => lines.push(Line::not_checked(Probe::GitlabTcp, "", "the host has no address: see gitlab_dns")),
    }
    lines.push(tls(url, reach, met, now));
    lines
}

fn tls(url: &Url, reach: &Reach, met: &Introduction, now: Timestamp) -> Line {
    let probe = Probe::GitlabTls;
    let refused =
        met.token.as_ref().err().filter(|error| error.class() == FailureClass::Tls).map(ClientError::to_string);
    match &reach.chain {
        Some(Ok(chain)) => certificate::judge(chain, refused.as_deref(), now),
        Some(Err(why)) => {
            let fix = "does this port speak TLS? else write http:// or the right port into gitlab.url";
            Line::problem(probe, "", &format!("no TLS handshake: {why}"), fix)
        }
        None if url.scheme() == "http" && is_local(url) => Line::ok(probe, "", "not used, on this machine alone"),
        None if url.scheme() == "http" => {
            let evidence = "not used: the API token travels in the clear";
            Line::warning(probe, "", evidence, "write https:// into gitlab.url")
        }
        None => Line::not_checked(probe, "", "no connection: see gitlab_tcp"),
    }
}

/// Answer, clock and token.
pub(super) fn introduction(config: &Gitlab, met: &Introduction, now: Timestamp, names_runners: bool) -> Vec<Line> {
    let mut lines = vec![answers(met), clock(met)];
    match (&met.token, &met.version) {
        (Ok(Some(token)), _) => {
            lines.push(Line::ok(Probe::Token, "", "GitLab takes it"));
            lines.push(scopes(token, names_runners));
            lines.push(expiry(token, now));
        }
        (Ok(None), Ok(_)) => {
            lines.push(Line::ok(Probe::Token, "", "GitLab takes it, and tells nothing of it"));
            let because = "GitLab tells this of personal, group and project access tokens alone";
            lines.extend([Probe::TokenScopes, Probe::TokenExpiry].map(|probe| Line::not_checked(probe, "", because)));
        }
        (Ok(None), Err(_)) | (Err(_), _) => {
            let (line, because) = refused(config, met);
            lines.push(line);
            lines.extend([Probe::TokenScopes, Probe::TokenExpiry].map(|probe| Line::not_checked(probe, "", because)));
        }
    }
    lines
}

fn answers(met: &Introduction) -> Line {
    let probe = Probe::GitlabAnswers;
    if let Ok(version) = &met.version {
        return Line::ok(probe, "", &format!("GitLab {version}"));
    }
    // A token that GitLab knows and that is not told the version, or one that it refuses in its own words.
    if matches!(&met.token, Ok(Some(_))) {
        return Line::ok(probe, "", "it answers, and does not show its version to this token");
    }
    let error = met.token.as_ref().err().or(met.version.as_ref().err());
    let Some(error) = error else { return Line::ok(probe, "", "it answers") };
    if error.class() == FailureClass::Unauthorized {
        return Line::ok(probe, "", "it answers, and refuses the token");
    }
    match class_says(error.class()) {
        None => Line::not_checked(probe, "", &error.to_string()),
        Some(fix) => Line::problem(probe, "", &error.to_string(), fix),
    }
}

/// What to do where GitLab cannot be asked at all; nothing where that is not GitLab's matter.
const fn class_says(class: FailureClass) -> Option<&'static str> {
    Some(match class {
        FailureClass::Secret => return None,
        FailureClass::Dns | FailureClass::Connection | FailureClass::Tls => "see the lines above",
        FailureClass::ForeignOrigin => {
            "write the address that GitLab itself is configured with (external_url) into gitlab.url: scheme, host and port"
        }
        FailureClass::Decode | FailureClass::NotFound | FailureClass::TooLarge | FailureClass::Other => {
            "is gitlab.url the address of GitLab, with its relative path if it has one? a proxy or a sign-on page answers there"
        }
        FailureClass::RateLimited => "wait until GitLab's limit is over; then lower gitlab.requests_per_minute",
        FailureClass::Timeout => {
            "look at GitLab's load and at the way there; raise gitlab.timeout only if it is always so slow"
        }
        FailureClass::ServerError => "look at GitLab: `gitlab-ctl status`, /-/readiness",
        FailureClass::Unauthorized | FailureClass::Forbidden | FailureClass::Blind | FailureClass::Expired => {
            "see the lines of the token"
        }
    })
}

fn clock(met: &Introduction) -> Line {
    let probe = Probe::ClockSkew;
    let Some((theirs, before, after)) = &met.clocks else {
        return Line::not_checked(probe, "", "no answer of GitLab told its time: see gitlab_answers");
    };
    let apart = apart(*theirs, before, after);
    let words = human_duration(apart.unsigned_abs());
    let side = if apart.is_negative() { "behind" } else { "ahead of" };
    let evidence = format!("this machine is {words} {side} GitLab");
    let fix = "let chrony or systemd-timesyncd keep the time, here and on GitLab: waits are counted by both clocks";
    match apart.abs() {
        apart if apart >= SKEW_WRONG => Line::problem(probe, "", &evidence, fix),
        apart if apart >= SKEW_WORTH_A_LOOK => Line::warning(probe, "", &evidence, fix),
        _ => Line::ok(probe, "", "the same time as GitLab, to a few seconds"),
    }
}

/// How far we are ahead. GitLab's `Date` has whole seconds, and lies somewhere between asking and hearing.
fn apart(theirs: Timestamp, before: &Now, after: &Now) -> SignedDuration {
    let (earliest, latest) = (theirs, theirs + SignedDuration::from_secs(1));
    if before.wall > latest {
        before.wall.duration_since(latest)
    } else if after.wall < earliest {
        after.wall.duration_since(earliest)
    } else {
        SignedDuration::ZERO
    }
}

/// Whom the token is refused by, and what that means for all that it would have been asked with.
fn refused(config: &Gitlab, met: &Introduction) -> (Line, &'static str) {
    let probe = Probe::Token;
    let error = met.token.as_ref().err().or(met.version.as_ref().err());
    match error {
        Some(error @ (ClientError::Token(_) | ClientError::TokenText { .. })) => {
            let fix = "write one token on one line into gitlab.token_file";
            (Line::problem(probe, "", &error.to_string(), fix), "there is no token: see token")
        }
        Some(error) if error.class() == FailureClass::Unauthorized => {
            let fix = format!(
                "make a token with the scope read_api and write it into {}; the role that it needs stands under gitlab_queue in docs/check.md",
                config.token.path().display()
            );
            (Line::problem(probe, "", &error.to_string(), &fix), "the token is refused: see token")
        }
        _ => (
            Line::not_checked(probe, "", "GitLab does not answer: see gitlab_answers"),
            "GitLab does not answer: see gitlab_answers",
        ),
    }
}

fn has(token: &ApiTokenReport, scope: &str) -> bool {
    token.scopes.iter().any(|own| **own == *scope)
}

/// It reads lists and jobs.
fn reads(token: &ApiTokenReport) -> bool {
    has(token, "read_api") || has(token, "api")
}

fn scopes(token: &ApiTokenReport, names_runners: bool) -> Line {
    let probe = Probe::TokenScopes;
    let all = token.scopes.join(", ");
    let too_many: Vec<&str> = token
        .scopes
        .iter()
        .map(AsRef::as_ref)
        .filter(|scope| !matches!(*scope, "read_api" | "admin_mode" | "manage_runner" | "read_user" | "self_rotate"))
        .filter(|scope| !scope.starts_with("read_"))
        .collect();
    if !reads(token) {
        return match has(token, "manage_runner") && names_runners {
            true => {
                let evidence = format!("{all}: reads the runners that tiers name, and neither queue nor jobs");
                Line::warning(probe, "", &evidence, "make a token with the scope read_api to see the queue")
            }
            false => {
                Line::problem(probe, "", &format!("{all}; it takes read_api"), "make a token with the scope read_api")
            }
        };
    }
    if !too_many.is_empty() {
        let evidence = format!("{all}: more than is needed, {} may change things", too_many.join(", "));
        return Line::warning(probe, "", &evidence, "make a token with the scope read_api alone");
    }
    Line::ok(probe, "", &all)
}

fn expiry(token: &ApiTokenReport, now: Timestamp) -> Line {
    let probe = Probe::TokenExpiry;
    let Some(ends) = token.expires_at else { return Line::ok(probe, "", "the token does not end") };
    let evidence = format!("ends on {}, in {}", ends.strftime("%Y-%m-%d"), human_duration(between(now, ends)));
    match ends.duration_since(now) < WARN_BEFORE {
        true => {
            let fix = "rotate it and write the new one into gitlab.token_file: it is read again without a restart";
            Line::warning(probe, "", &evidence, fix)
        }
        false => Line::ok(probe, "", &evidence),
    }
}

/// What keeps every source from being read, if something does: then theirs are no findings of their own.
pub(super) fn blocked(met: &Introduction, names_runners: bool) -> Option<&'static str> {
    match (&met.token, &met.version) {
        (Ok(Some(token)), _) if !(reads(token) || has(token, "manage_runner") && names_runners) => {
            Some("the token lacks the scope read_api: see token_scopes")
        }
        // GitLab tells its version to a token that it takes.
        (Ok(Some(_)), _) | (Ok(None) | Err(_), Ok(_)) => None,
        (Err(error), _) | (Ok(None), Err(error)) if error.class() == FailureClass::Secret => {
            Some("there is no token: see token")
        }
        (Err(error), _) | (Ok(None), Err(error)) if error.class() == FailureClass::Unauthorized => {
            Some("the token is refused: see token")
        }
        (Err(_), _) | (Ok(None), Err(_)) => Some("GitLab does not answer: see gitlab_answers"),
    }
}

/// What each source of GitLab read.
pub(super) fn sources(heard: &Heard, config: &Gitlab, blocked: Option<&str>, patience: Duration) -> Vec<Line> {
    let rows = [
        (Probe::GitlabQueue, SourceKind::GitlabQueue, "pending jobs"),
        (Probe::GitlabStarted, SourceKind::GitlabStarted, "running jobs"),
        (Probe::GitlabRunners, SourceKind::GitlabRunners, "runners"),
        (Probe::GitlabRunnerJobs, SourceKind::GitlabRunnerJobs, "jobs that the tiers' runners took"),
        (Probe::GitlabRefs, SourceKind::GitlabRefs, "projects' protected refs"),
        (Probe::GitlabJobLogs, SourceKind::GitlabJobLogs, "logs"),
    ];
    let queue_failed = heard.of(SourceKind::GitlabQueue).is_some_and(|told| told.failure.is_some());
    let wanted = |kind| kind != SourceKind::GitlabJobLogs || config.job_logs;
    rows.into_iter()
        .filter(|(_, kind, _)| wanted(*kind))
        .map(|(probe, kind, what)| {
            if let Some(why) = blocked {
                return Line::not_checked(probe, "", why);
            }
            let told = heard.of(kind).cloned().unwrap_or_default();
            if kind == SourceKind::GitlabStarted && queue_failed && !told.answered {
                return Line::not_checked(probe, "", "they are read the way the queue is: see gitlab_queue");
            }
            source(probe, kind, what, &told, heard, patience)
        })
        .collect()
}

fn source(probe: Probe, kind: SourceKind, what: &str, told: &Told, heard: &Heard, patience: Duration) -> Line {
    if let Some(failure) = &told.failure {
        let of_the_token = [FailureClass::Blind, FailureClass::Forbidden, FailureClass::NotFound];
        let fix = match of_the_token.contains(&failure.class) {
            true => needs(kind),
            false => class_says(failure.class).unwrap_or("see the lines of the token").to_owned(),
        };
        return Line::problem(probe, "", &failure.detail, &fix);
    }
    if !told.answered && !told.alive {
        let evidence = format!("no answer within {} s", patience.as_secs());
        return Line::problem(probe, "", &evidence, "look at GitLab's load; give more time with --timeout");
    }
    let projects = heard.projects.as_ref().filter(|_| kind == SourceKind::GitlabQueue);
    let of = projects.map_or_else(String::new, |projects| format!(" of {} projects", projects.len()));
    let (way, lacks): (Vec<&String>, Vec<&String>) = told.notes.iter().partition(|note| note.starts_with("reading "));
    let mut evidence = match (told.answered, kind) {
        (true, _) => format!("{} {what}{of} seen", told.objects),
        (false, SourceKind::GitlabQueue | SourceKind::GitlabStarted) => format!("0 {what}{of} seen"),
        (false, SourceKind::GitlabRunnerJobs) if heard.runners.is_none() => {
            return Line::not_checked(probe, "", "the runners are not shown: see gitlab_runners");
        }
        (false, SourceKind::GitlabRunnerJobs) => "no runner of a tier took a job lately".to_owned(),
        (false, _) => "no job asks for them now, so what the token may is not known".to_owned(),
    };
    if let Some(way) = way.last() {
        evidence = format!("{evidence}; {way}");
    }
    if !lacks.is_empty() {
        let lacks = lacks.iter().map(|note| note.as_str()).collect::<Vec<_>>().join("; ");
        return Line::warning(probe, "", &format!("{evidence}; {lacks}"), &needs(kind));
    }
    match told.answered || kind != SourceKind::GitlabRefs && kind != SourceKind::GitlabJobLogs {
        true => Line::ok(probe, "", &evidence),
        false => Line::not_checked(probe, "", &evidence),
    }
}

/// Which token would do, as the sources declare it.
fn needs(kind: SourceKind) -> String {
    let ways: Vec<String> = NEEDS
        .iter()
        .filter(|need| need.source == kind)
        .map(|need| match need.way {
            "" => format!("{}; role: {}", need.scope, need.role),
            way => format!("{way}: {}; role: {}", need.scope, need.role),
        })
        .collect();
    format!("give the token one of: {}", ways.join(" · "))
}

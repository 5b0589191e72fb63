//! What a probe found, in words for whoever has to put it right.

use serde::Serialize;

use crate::cause::labels;
use crate::config::{Problem, Problems};
use crate::error::Exit;
use crate::output::words::plain_of;

/// Longest evidence: a sentence with a server's own words in it.
const LONGEST: usize = 500;

labels! {
    /// How a probe ended.
    Verdict {
        /// As it should be.
        Ok = "ok",
        /// The daemon runs, and something is worth a look.
        Warning = "warning",
        /// The daemon cannot do its work with it.
        Problem = "problem",
        /// It cannot be told, and the evidence says why.
        NotChecked = "not_checked",
    }
}

labels! {
    /// What a probe looks at.
    Area {
        /// Configuration, files and this machine.
        Config = "config",
        /// GitLab and its token.
        Gitlab = "gitlab",
        /// The cluster and the rights in it.
        Kubernetes = "kubernetes",
        /// The tiers against what is really there.
        Tiers = "tiers",
        /// Whom tierwatch tells: Alertmanager, traces, people.
        Outputs = "outputs",
    }
}

labels! {
    /// A kind of probe: the name of a line, and of its section in `docs/check.md`.
    Probe {
        /// The configuration file and the variables over it.
        Config = "config",
        /// A file with a secret.
        SecretFile = "secret_file",
        /// A file with certificates or a key.
        CertificateFile = "certificate_file",
        /// The file of `--web.config.file`.
        WebConfig = "web_config",
        /// The state file can be written.
        StateFile = "state_file",
        /// An address to serve at can be had.
        ListenAddress = "listen_address",
        /// The name of GitLab's host.
        GitlabDns = "gitlab_dns",
        /// A connection to it.
        GitlabTcp = "gitlab_tcp",
        /// Its certificate.
        GitlabTls = "gitlab_tls",
        /// It answers, and which version it is.
        GitlabAnswers = "gitlab_answers",
        /// Its clock against ours.
        ClockSkew = "clock_skew",
        /// The API token is taken.
        Token = "token",
        /// What the token may.
        TokenScopes = "token_scopes",
        /// When it ends.
        TokenExpiry = "token_expiry",
        /// The pending jobs, and by which way they are read.
        GitlabQueue = "gitlab_queue",
        /// The running jobs.
        GitlabStarted = "gitlab_started",
        /// The runners that the token sees.
        GitlabRunners = "gitlab_runners",
        /// The jobs that the runners took.
        GitlabRunnerJobs = "gitlab_runner_jobs",
        /// Protected branches and tags.
        GitlabRefs = "gitlab_refs",
        /// The logs of jobs that never ran.
        GitlabJobLogs = "gitlab_job_logs",
        /// Time and requests of a full poll.
        RequestBudget = "request_budget",
        /// The hook in GitLab that sends to us.
        GitlabHook = "gitlab_hook",
        /// The way to the API server.
        KubeApi = "kube_api",
        /// Whom it takes us for.
        KubeIdentity = "kube_identity",
        /// The rights that are needed.
        KubeRights = "kube_rights",
        /// Rights that are not needed.
        KubeExcess = "kube_excess",
        /// A list that the API server does not give although the right is there.
        KubeRead = "kube_read",
        /// The tier's namespaces exist.
        Namespace = "namespace",
        /// Its manager pods.
        Managers = "managers",
        /// Its nodes.
        Nodes = "nodes",
        /// The Secret with its runner's token.
        TokenSecret = "token_secret",
        /// Its runners.
        TierRunners = "tier_runners",
        /// What its runners take, against what is declared.
        TierBoundary = "tier_boundary",
        /// When the tokens of its runners end.
        TierTokens = "tier_tokens",
        /// The rest of its declared posture.
        TierPosture = "tier_posture",
        /// An Alertmanager takes alerts.
        Alertmanager = "alertmanager",
        /// The collector of traces.
        Otlp = "otlp",
        /// Where alerts lead.
        Links = "links",
    }
}

impl Probe {
    /// What it looks at.
    #[must_use]
    pub const fn area(self) -> Area {
        match self {
            Self::Config
            | Self::SecretFile
            | Self::CertificateFile
            | Self::WebConfig
            | Self::StateFile
            | Self::ListenAddress => Area::Config,
            Self::GitlabDns
            | Self::GitlabTcp
            | Self::GitlabTls
            | Self::GitlabAnswers
            | Self::ClockSkew
            | Self::Token
            | Self::TokenScopes
            | Self::TokenExpiry
            | Self::GitlabQueue
            | Self::GitlabStarted
            | Self::GitlabRunners
            | Self::GitlabRunnerJobs
            | Self::GitlabRefs
            | Self::GitlabJobLogs
            | Self::RequestBudget
            | Self::GitlabHook => Area::Gitlab,
            Self::KubeApi
            | Self::KubeIdentity
            | Self::KubeRights
            | Self::KubeExcess
            | Self::KubeRead
            | Self::Namespace => Area::Kubernetes,
            Self::Managers
            | Self::Nodes
            | Self::TokenSecret
            | Self::TierRunners
            | Self::TierBoundary
            | Self::TierTokens
            | Self::TierPosture => Area::Tiers,
            Self::Alertmanager | Self::Otlp | Self::Links => Area::Outputs,
        }
    }
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What was looked at.
    pub area: Area,
    /// By which probe.
    pub probe: Probe,
    /// The one of several: a tier, a namespace, a key of the configuration; empty where there is one.
    pub subject: String,
    /// How it ended.
    pub verdict: Verdict,
    /// What was found, or why it cannot be told.
    pub evidence: String,
    /// How to put it right.
    pub fix: Option<String>,
}

impl Line {
    fn new(probe: Probe, subject: &str, verdict: Verdict, evidence: &str, fix: Option<&str>) -> Self {
        // Whatever others wrote ends here.
        let clean = |text: &str| plain_of(text, LONGEST);
        Self {
            area: probe.area(),
            probe,
            subject: clean(subject),
            verdict,
            evidence: clean(evidence),
            fix: fix.map(clean),
        }
    }

    pub(super) fn ok(probe: Probe, subject: &str, evidence: &str) -> Self {
        Self::new(probe, subject, Verdict::Ok, evidence, None)
    }

    pub(super) fn warning(probe: Probe, subject: &str, evidence: &str, fix: &str) -> Self {
        Self::new(probe, subject, Verdict::Warning, evidence, Some(fix))
    }

    pub(super) fn problem(probe: Probe, subject: &str, evidence: &str, fix: &str) -> Self {
        Self::new(probe, subject, Verdict::Problem, evidence, Some(fix))
    }

    /// What is wrong with a key of a file.
    pub(super) fn of_problem(probe: Probe, problem: &Problem) -> Self {
        let evidence = match problem.place.to_string() {
            place if place.is_empty() => problem.reason.clone(),
            place => format!("{} ({place})", problem.reason),
        };
        Self::problem(probe, &problem.key, &evidence, &problem.remedy)
    }

    /// It cannot be told, because of this.
    pub(super) fn not_checked(probe: Probe, subject: &str, because: &str) -> Self {
        Self::new(probe, subject, Verdict::NotChecked, because, None)
    }
}

/// Everything that was found, by area and in the order of the probes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    lines: Vec<Line>,
}

/// The report as programs read it.
#[derive(Serialize)]
struct Written<'a> {
    version: &'static str,
    verdict: Verdict,
    ok: usize,
    warnings: usize,
    problems: usize,
    not_checked: usize,
    lines: &'a [Line],
}

impl Report {
    pub(super) fn new(mut lines: Vec<Line>) -> Self {
        lines.sort_by(|a, b| (a.area, a.probe, &a.subject).cmp(&(b.area, b.probe, &b.subject)));
        lines.dedup();
        Self { lines }
    }

    /// A configuration that cannot be used: nothing else can be looked at.
    #[must_use]
    pub fn of_config(problems: &Problems) -> Self {
        Self::new(problems.list().iter().map(|problem| Line::of_problem(Probe::Config, problem)).collect())
    }

    /// The lines.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// How many lines ended so.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.lines.iter().filter(|line| line.verdict == verdict).count()
    }

    /// A problem is one for scripts, too; a warning is for people.
    #[must_use]
    pub fn exit(&self) -> Exit {
        if self.count(Verdict::Problem) > 0 { Exit::Found } else { Exit::Fine }
    }

    /// As JSON, with a line feed at the end.
    #[must_use]
    pub fn json(&self) -> String {
        let worst = [Verdict::Problem, Verdict::Warning].into_iter().find(|verdict| self.count(*verdict) > 0);
        let written = Written {
            version: env!("CARGO_PKG_VERSION"),
            verdict: worst.unwrap_or(Verdict::Ok),
            ok: self.count(Verdict::Ok),
            warnings: self.count(Verdict::Warning),
            problems: self.count(Verdict::Problem),
            not_checked: self.count(Verdict::NotChecked),
            lines: &self.lines,
        };
        let mut text = serde_json::to_string_pretty(&written).expect("names and texts are JSON");
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_an_exit_code_and_a_warning_is_none() {
        let exit = |lines| Report::new(lines).exit();
        let warning = Line::warning(Probe::Links, "", "x", "y");
        assert_eq!(exit(vec![Line::ok(Probe::Token, "", "x"), warning.clone()]), Exit::Fine);
        assert_eq!(exit(vec![warning, Line::problem(Probe::Token, "", "x", "y")]), Exit::Found);
        assert_eq!(exit(vec![Line::not_checked(Probe::Token, "", "x")]), Exit::Fine);
    }

    #[test]
    fn text_of_others_is_cut_and_does_not_act() {
        let line = Line::problem(Probe::GitlabAnswers, "a\u{202e}b", &"\u{1b}[31m".repeat(400), "c\nd");
        assert!(line.evidence.chars().count() <= LONGEST + 1 && !line.evidence.contains('\u{1b}'));
        assert_eq!((line.subject.as_str(), line.fix.as_deref()), ("a\u{fffd}b", Some("c\u{fffd}d")));
    }

    #[test]
    fn every_problem_of_a_configuration_is_a_line() {
        let problems = crate::config::Config::from_yaml("gitlab: { url: 7 }\ntiers: {}\n").unwrap_err();
        let report = Report::of_config(&problems);
        assert_eq!(report.lines().len(), problems.list().len());
        assert!(report.lines().iter().all(|line| line.fix.is_some()), "{report:?}");
    }
}

//! The resolved configuration as YAML: valid input again, each value with the place it came from. Secrets are files,
//! so only their paths are printed.

use std::fmt::Write as _;
use std::sync::Arc;

use super::rules::{duration_text, size_text};
use super::{
    Alertmanager, Config, Gitlab, HighAvailability, Kubernetes, Links, Place, PushAuth, Queue, QueueChoice, Resolved,
    Telemetry, Web, Webhook,
};
use crate::model::policy::{History, Objective, Policy, Thresholds, TierPolicy, TokenPolicy};
use crate::model::posture::Expected;

impl Resolved {
    /// The configuration as YAML.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        let mut page = Page { resolved: self, text: String::new() };
        let file = self.file.as_ref().map_or_else(|| "the file".into(), |file| file.display().to_string());
        let _ = writeln!(page.text, "# What tierwatch works with. Behind each value stands where it was written:");
        let _ = writeln!(page.text, "# a line of {file}, an environment variable, or `default`.");
        // Taken apart in full: a new field does not compile until it is printed.
        let Config {
            gitlab,
            kubernetes,
            webhook,
            policy,
            state_file,
            telemetry,
            links,
            alertmanager,
            high_availability,
            web,
        } = &self.config;
        let Policy { tiers, staleness: _, sweep: _, registries, history, keep_firing_for: _ } = policy;
        page.gitlab(gitlab);
        page.kubernetes(kubernetes);
        page.list(0, "registries", "registries", registries);
        page.history(history);
        if let Some(webhook) = webhook {
            page.webhook(webhook);
        }
        if let Some(file) = state_file {
            page.text.push('\n');
            page.value(0, "state_file", &scalar(&file.to_string_lossy()));
        }
        page.telemetry(telemetry);
        page.web(web);
        page.links(links);
        if let Some(alertmanager) = alertmanager {
            page.alertmanager(alertmanager);
        }
        if let Some(high_availability) = high_availability {
            page.high_availability(high_availability);
        }
        page.open(0, "tiers");
        for tier in tiers {
            page.tier(tier);
        }
        page.text
    }
}

struct Page<'a> {
    resolved: &'a Resolved,
    text: String,
}

impl Page<'_> {
    fn open(&mut self, depth: usize, name: &str) {
        if depth == 0 {
            self.text.push('\n');
        }
        let _ = writeln!(self.text, "{:indent$}{}:", "", scalar(name), indent = depth * 2);
    }

    /// `name: value  # place of key`.
    fn value(&mut self, depth: usize, key: &str, value: &str) {
        let name = super::problem::last(key);
        let place = self.place(key).cloned();
        let line = format!("{:indent$}{name}: {value}", "", indent = depth * 2);
        let _ = match place {
            None => writeln!(self.text, "{line}"),
            Some(place) => writeln!(self.text, "{line:<50} # {place}"),
        };
    }

    fn place(&self, key: &str) -> Option<&Place> {
        let places = &self.resolved.places;
        let place = places.get(key).or_else(|| places.get(&format!("{key}[0]")))?;
        (*place != Place::Unknown).then_some(place)
    }

    fn list<T: AsRef<str>>(&mut self, depth: usize, name: &str, key: &str, list: &[T]) {
        let items: Vec<String> = list.iter().map(|item| scalar(item.as_ref())).collect();
        if depth > 0 {
            self.value(depth, key, &format!("[{}]", items.join(", ")));
            return;
        }
        let place = self.place(key).map(|place| format!(" # {place}")).unwrap_or_default();
        if items.is_empty() {
            let _ = writeln!(self.text, "\n{name}: []{place}");
            return;
        }
        let _ = writeln!(self.text, "\n{name}:{place}");
        for item in items {
            let _ = writeln!(self.text, "  - {item}");
        }
    }

    fn gitlab(&mut self, gitlab: &Gitlab) {
        let Gitlab {
            url,
            token,
            ca_file,
            timeout,
            requests_per_minute,
            max_answer_bytes,
            queue,
            runners_interval,
            job_logs,
        } = gitlab;
        self.open(0, "gitlab");
        self.value(1, "gitlab.url", &scalar(url.as_str()));
        self.value(1, "gitlab.token_file", &scalar(&token.path().to_string_lossy()));
        if let Some(file) = ca_file {
            self.value(1, "gitlab.ca_file", &scalar(&file.to_string_lossy()));
        }
        self.value(1, "gitlab.timeout", &duration_text(*timeout));
        self.value(1, "gitlab.requests_per_minute", &requests_per_minute.to_string());
        self.value(1, "gitlab.max_answer_size", &size_text(*max_answer_bytes));
        let Queue { source, groups, interval, sweep } = queue;
        let source = match source {
            QueueChoice::Auto => "auto",
            QueueChoice::Instance => "instance",
            QueueChoice::Runner => "runner",
            QueueChoice::Projects => "projects",
        };
        self.open(1, "queue");
        self.value(2, "gitlab.queue.source", source);
        self.list(2, "groups", "gitlab.queue.groups", groups);
        self.value(2, "gitlab.queue.interval", &duration_text(*interval));
        self.value(2, "gitlab.queue.sweep", &duration_text(*sweep));
        self.open(1, "runners");
        self.value(2, "gitlab.runners.interval", &duration_text(*runners_interval));
        self.open(1, "job_logs");
        self.value(2, "gitlab.job_logs.enabled", &job_logs.to_string());
    }

    fn high_availability(&mut self, high_availability: &HighAvailability) {
        let HighAvailability { lease_name, namespace, lease_duration, renew_deadline, retry_period } =
            high_availability;
        self.open(0, "high_availability");
        for (key, value) in [
            ("enabled", "true".to_owned()),
            ("lease_name", scalar(lease_name)),
            ("namespace", scalar(namespace)),
            ("lease_duration", duration_text(*lease_duration)),
            ("renew_deadline", duration_text(*renew_deadline)),
            ("retry_period", duration_text(*retry_period)),
        ] {
            self.value(1, &format!("high_availability.{key}"), &value);
        }
    }

    fn kubernetes(&mut self, kubernetes: &Kubernetes) {
        let Kubernetes { enabled, kubeconfig, context, cluster_scoped } = kubernetes;
        self.open(0, "kubernetes");
        self.value(1, "kubernetes.enabled", &enabled.to_string());
        if let Some(file) = kubeconfig {
            self.value(1, "kubernetes.kubeconfig", &scalar(&file.to_string_lossy()));
        }
        if let Some(context) = context {
            self.value(1, "kubernetes.context", &scalar(context));
        }
        self.value(1, "kubernetes.cluster_scoped", &cluster_scoped.to_string());
    }

    fn history(&mut self, history: &History) {
        let History { max_age, max_jobs } = history;
        self.open(0, "history");
        self.value(1, "history.max_age", &duration_text(*max_age));
        self.value(1, "history.max_jobs", &max_jobs.to_string());
    }

    fn webhook(&mut self, webhook: &Webhook) {
        let Webhook { listen_address, secret, signing_token } = webhook;
        self.open(0, "webhook");
        self.value(1, "webhook.listen_address", &scalar(listen_address));
        for (key, file) in [("webhook.secret_file", secret), ("webhook.signing_token_file", signing_token)] {
            if let Some(file) = file {
                self.value(1, key, &scalar(&file.path().to_string_lossy()));
            }
        }
    }

    fn telemetry(&mut self, telemetry: &Telemetry) {
        let Telemetry { otlp_endpoint } = telemetry;
        if let Some(endpoint) = otlp_endpoint {
            self.open(0, "telemetry");
            self.open(1, "otlp");
            self.value(2, "telemetry.otlp.endpoint", &scalar(endpoint.as_str()));
        }
    }

    fn web(&mut self, web: &Web) {
        let Web { open_metrics, metrics_only_users } = web;
        self.open(0, "web");
        self.value(1, "web.open_metrics", &open_metrics.to_string());
        self.list(1, "web.metrics_only_users", "metrics_only_users", metrics_only_users);
    }

    fn links(&mut self, links: &Links) {
        let Links { tierwatch, runbooks, grafana } = links;
        self.open(0, "links");
        for (key, url) in [
            ("links.tierwatch", Some(tierwatch)),
            ("links.runbooks", runbooks.as_ref()),
            ("links.grafana", grafana.as_ref()),
        ] {
            if let Some(url) = url {
                self.value(1, key, &scalar(url.as_str()));
            }
        }
    }

    fn alertmanager(&mut self, alertmanager: &Alertmanager) {
        let Alertmanager { urls, auth, ca_file, client_certificate, proxy, timeout, resend } = alertmanager;
        self.open(0, "alertmanager");
        self.list(1, "urls", "alertmanager.urls", urls);
        let (certificate, key) = client_certificate.clone().unzip();
        let (username, password, token) = match auth {
            None => (None, None, None),
            Some(PushAuth::Basic { username, password }) => (Some(username.as_str()), Some(password.path()), None),
            Some(PushAuth::Bearer(token)) => (None, None, Some(token.path())),
        };
        if let Some(username) = username {
            self.value(1, "alertmanager.username", &scalar(username));
        }
        for (key, file) in [
            ("alertmanager.password_file", password),
            ("alertmanager.token_file", token),
            ("alertmanager.ca_file", ca_file.as_deref()),
            ("alertmanager.cert_file", certificate.as_deref()),
            ("alertmanager.key_file", key.as_deref()),
        ] {
            if let Some(file) = file {
                self.value(1, key, &scalar(&file.to_string_lossy()));
            }
        }
        if let Some(url) = proxy {
            self.value(1, "alertmanager.proxy_url", &scalar(url.as_str()));
        }
        self.value(1, "alertmanager.timeout", &duration_text(*timeout));
        self.value(1, "alertmanager.resend_interval", &duration_text(*resend));
    }

    fn tier(&mut self, tier: &TierPolicy) {
        let TierPolicy {
            name,
            tags,
            run_untagged,
            runners,
            namespaces,
            manager_namespaces,
            node_label,
            capacity,
            urgency,
            objective,
            runbook_url,
            token,
            posture,
            expects_traffic,
            conditions,
        } = tier;
        let key = |last: &str| format!("tiers.{name}.{last}");
        self.open(1, name);
        self.list(2, "tags", &key("tags"), tags);
        self.value(2, &key("run_untagged"), &run_untagged.to_string());
        let ids: Vec<Arc<str>> = runners.iter().map(|id| id.to_string().into()).collect();
        self.value(2, &key("runners"), &format!("[{}]", ids.join(", ")));
        self.list(2, "namespaces", &key("namespaces"), namespaces);
        self.list(2, "manager_namespaces", &key("manager_namespaces"), manager_namespaces);
        self.value(2, &key("runner_tier_label"), &scalar(node_label));
        if let Some(capacity) = capacity {
            self.value(2, &key("capacity"), &capacity.to_string());
        }
        self.value(2, &key("urgency"), urgency.as_str());
        let Objective { target, window, start_within, min_jobs } = objective;
        self.open(2, "objective");
        self.value(3, &key("objective.target"), &target.to_string());
        self.value(3, &key("objective.window"), &duration_text(*window));
        self.value(3, &key("objective.start_within"), &duration_text(*start_within));
        self.value(3, &key("objective.min_jobs"), &min_jobs.to_string());
        if let Some(url) = runbook_url {
            self.value(2, &key("runbook_url"), &scalar(url));
        }
        let TokenPolicy { max_age, warn_before_expiry, secret, rotation_annotation } = token;
        self.open(2, "token");
        self.value(3, &key("token.max_age"), &duration_text(*max_age));
        self.value(3, &key("token.warn_before_expiry"), &duration_text(*warn_before_expiry));
        for (name, text) in [("token.secret", secret), ("token.rotation_annotation", rotation_annotation)] {
            if let Some(text) = text {
                self.value(3, &key(name), &scalar(text));
            }
        }
        if let Some(expected) = posture {
            self.open(2, "posture");
            self.open(3, "expected");
            self.expected(&key("posture.expected"), expected);
        }
        if let Some(span) = expects_traffic {
            self.value(2, &key("expects_traffic"), &duration_text(*span));
        }
        self.open(2, "conditions");
        self.conditions(&key("conditions"), conditions);
    }

    fn conditions(&mut self, at: &str, conditions: &Thresholds) {
        let Thresholds {
            overdue_factor,
            stalled_factor,
            dropped_for,
            platform_failures_jobs,
            platform_failures_ratio,
            platform_failures_window,
            down_after,
            unschedulable_after,
            pull_failing_pods,
            pull_failing_ratio,
            pull_failing_projects,
            pull_failing_window,
            scale_up_blocked_after,
            at_capacity_ratio,
            flooded_ratio,
            flooded_jobs,
            unserved_after,
            critical_before_expiry,
        } = conditions;
        for (name, value) in [
            ("overdue_factor", overdue_factor.to_string()),
            ("stalled_factor", stalled_factor.to_string()),
            ("dropped_for", duration_text(*dropped_for)),
            ("platform_failures_jobs", platform_failures_jobs.to_string()),
            ("platform_failures_ratio", platform_failures_ratio.to_string()),
            ("platform_failures_window", duration_text(*platform_failures_window)),
            ("down_after", duration_text(*down_after)),
            ("unschedulable_after", duration_text(*unschedulable_after)),
            ("pull_failing_pods", pull_failing_pods.to_string()),
            ("pull_failing_ratio", pull_failing_ratio.to_string()),
            ("pull_failing_projects", pull_failing_projects.to_string()),
            ("pull_failing_window", duration_text(*pull_failing_window)),
            ("scale_up_blocked_after", duration_text(*scale_up_blocked_after)),
            ("at_capacity_ratio", at_capacity_ratio.to_string()),
            ("flooded_ratio", flooded_ratio.to_string()),
            ("flooded_jobs", flooded_jobs.to_string()),
            ("unserved_after", duration_text(*unserved_after)),
            ("critical_before_expiry", duration_text(*critical_before_expiry)),
        ] {
            self.value(3, &format!("{at}.{name}"), &value);
        }
    }

    fn expected(&mut self, at: &str, expected: &Expected) {
        let key = |last: &str| format!("{at}.{last}");
        let Expected {
            pod_security,
            pod_security_version,
            pod_security_audit,
            pod_security_warn,
            default_deny,
            internet_ports,
            metadata_endpoint,
            privileged,
            host_namespaces,
            host_path,
            docker_socket,
            capabilities,
            root,
            service_account_token,
            secrets,
            own_service_account,
            own_cloud_role,
            manager_wildcards,
            node_selector,
            own_nodes,
            resource_quota,
            limit_range,
            protected,
            locked,
            tags,
            own_runners,
            declared_runners,
            own_managers,
            token_rotation,
        } = expected;
        self.value(4, &key("pod_security"), pod_security.as_str());
        if let Some(version) = pod_security_version {
            self.value(4, &key("pod_security_version"), &scalar(version));
        }
        for (name, level) in [("pod_security_audit", pod_security_audit), ("pod_security_warn", pod_security_warn)] {
            if let Some(level) = level {
                self.value(4, &key(name), level.as_str());
            }
        }
        let ports: Vec<String> = internet_ports.iter().map(u16::to_string).collect();
        self.value(4, &key("internet_ports"), &format!("[{}]", ports.join(", ")));
        self.list(4, "capabilities", &key("capabilities"), capabilities);
        if let Some(secrets) = secrets {
            self.list(4, "secrets", &key("secrets"), secrets);
        }
        for (name, is_so) in [
            ("default_deny", default_deny),
            ("metadata_endpoint", metadata_endpoint),
            ("privileged", privileged),
            ("host_namespaces", host_namespaces),
            ("host_path", host_path),
            ("docker_socket", docker_socket),
            ("root", root),
            ("service_account_token", service_account_token),
            ("own_service_account", own_service_account),
            ("own_cloud_role", own_cloud_role),
            ("manager_wildcards", manager_wildcards),
            ("node_selector", node_selector),
            ("own_nodes", own_nodes),
            ("resource_quota", resource_quota),
            ("limit_range", limit_range),
            ("tags", tags),
            ("own_runners", own_runners),
            ("declared_runners", declared_runners),
            ("own_managers", own_managers),
            ("token_rotation", token_rotation),
        ] {
            self.value(4, &key(name), &is_so.to_string());
        }
        for (name, is_so) in [("protected", protected), ("locked", locked)] {
            if let Some(is_so) = is_so {
                self.value(4, &key(name), &is_so.to_string());
            }
        }
    }
}

/// A text as a YAML scalar: plain where that is certain to be read as the same text, else quoted.
fn scalar(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:".contains(&byte);
    let letter = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'/');
    let word = matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "yes" | "no" | "on" | "off" | "null" | "y" | "n"
    );
    if letter && !word && !text.ends_with(':') && text.bytes().all(plain) {
        return text.to_owned();
    }
    serde_json::to_string(text).unwrap_or_default()
}

//! Numbers and other people's text, in words for people.

use std::time::Duration;

use crate::model::assess::human_duration;
use crate::observation::{SourceKey, SourceKind};

/// Longer text is cut on the page.
const LONGEST: usize = 200;

/// `1 job`, `2 jobs`.
pub(crate) fn count(number: u64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// A fragment as a sentence: a capital letter and a full stop.
pub(crate) fn sentence(fragment: &str) -> String {
    let mut characters = fragment.chars();
    let mut out: String = characters.next().into_iter().flat_map(char::to_uppercase).collect();
    out.push_str(characters.as_str());
    if !out.is_empty() && !out.ends_with(['.', '!', '?', '…']) {
        out.push('.');
    }
    out
}

/// Phases are often shorter than a second: one decimal below ten.
pub(crate) fn phase_time(took: Duration) -> String {
    if took < Duration::from_secs(10) { format!("{:.1} s", took.as_secs_f64()) } else { human_duration(took) }
}

/// A source in words.
pub(crate) fn source(source: &SourceKey) -> String {
    let what = match source.kind {
        SourceKind::Clock => "the clock",
        SourceKind::GitlabQueue => "GitLab's queue",
        SourceKind::GitlabStarted => "GitLab's running jobs",
        SourceKind::GitlabRefs => "GitLab's protected refs",
        SourceKind::GitlabRunners => "GitLab's runners",
        SourceKind::GitlabRunnerJobs => "GitLab's jobs of runners",
        SourceKind::GitlabJobLogs => "GitLab's logs of failed jobs",
        SourceKind::GitlabHooks => "GitLab's job hooks",
        SourceKind::WebConfig => "the web configuration",
        SourceKind::KubePods => "pods",
        SourceKind::KubeEvents => "events",
        SourceKind::KubeNodeEvents => "events of nodes",
        SourceKind::KubeNodes => "nodes",
        SourceKind::KubeQuotas => "quotas",
        SourceKind::KubeLimits => "limit ranges",
        SourceKind::KubeNamespace => "the labels",
        SourceKind::KubeNetpols => "network policies",
        SourceKind::KubeAccounts => "service accounts",
        SourceKind::KubeRoles => "roles",
        SourceKind::KubeBindings => "role bindings",
        SourceKind::KubeTokenSecrets => "Secrets with runner tokens",
    };
    match &source.namespace {
        Some(namespace) if source.kind == SourceKind::KubeNamespace => format!("the labels of {namespace}"),
        Some(namespace) => format!("{what} in {namespace}"),
        None => what.to_owned(),
    }
}

/// Bytes in binary units.
#[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
pub(super) fn bytes(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            return format!("{} {unit}", decimal(value));
        }
        value /= 1024.0;
    }
    format!("{} TiB", decimal(value))
}

/// Thousandths of a core as cores.
#[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
pub(super) fn cores(millis: u64) -> String {
    let cores = decimal(millis as f64 / 1000.0);
    if cores == "1" { "1 core".to_owned() } else { format!("{cores} cores") }
}

fn decimal(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// Other people's text for the page: cut, and without characters that could reorder, hide or act.
pub(crate) fn plain(text: &str) -> String {
    plain_of(text, LONGEST)
}

/// The same for a text that may be as long as `longest` characters.
pub(crate) fn plain_of(text: &str, longest: usize) -> String {
    let mut out: String = text.chars().take(longest).map(|c| if acts(c) { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(longest).is_some() {
        out.push('…');
    }
    out
}

/// JSON text in which such characters are written as escapes: the same value, harmless in a terminal.
pub(super) fn harmless_json(json: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        if acts(character) && character != '\n' {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                write!(out, "\\u{unit:04x}").expect("a string takes any text");
            }
        } else {
            out.push(character);
        }
    }
    out
}

/// Control characters, and those that change the direction of text or cannot be seen.
fn acts(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts() {
        assert_eq!((count(1, "job"), count(0, "job")), ("1 job".to_owned(), "0 jobs".to_owned()));
        assert_eq!((bytes(512), bytes(3 << 29)), ("512 B".to_owned(), "1.5 GiB".to_owned()));
        assert_eq!((cores(1000), cores(2500)), ("1 core".to_owned(), "2.5 cores".to_owned()));
    }

    #[test]
    fn text_that_acts_is_neutralised() {
        assert_eq!(plain("a\u{202e}b\u{1b}[31mc\u{200b}"), "a\u{fffd}b\u{fffd}[31mc\u{fffd}");
        assert_eq!(plain(&"x".repeat(201)), format!("{}…", "x".repeat(200)));
        let json = serde_json::to_string("a\u{202e}b\u{9b}\u{e0041}é").unwrap();
        assert_eq!(harmless_json(&json), "\"a\\u202eb\\u009b\\udb40\\udc41é\"");
        let back: String = serde_json::from_str(&harmless_json(&json)).unwrap();
        assert_eq!(back, "a\u{202e}b\u{9b}\u{e0041}é");
    }
}

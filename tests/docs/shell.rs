//! Commands: ours are parsed, and run where that is cheap; those of others have to be of a known kind.

use std::collections::BTreeSet;
use std::process::Command;

use clap::Parser as _;
use tierwatch::cli::Invocation;
use tierwatch::output::Server;
use tokio_util::sync::CancellationToken;

use super::pages::{pages, root};
use super::{fake, served};

/// The configuration of the README, which the commands name.
const CONFIG: &str = "\
gitlab: { url: https://gitlab.example.com, token_file: /etc/tierwatch/gitlab-token }
tiers:
  standard:   { tags: [tier-standard],   namespaces: [gitlab-runners-standard] }
  deployment: { tags: [tier-deployment], namespaces: [gitlab-runners-deployment], urgency: page, objective: { start_within: 1m } }
";

/// What others' programs can do; a typing error is found.
const OTHERS: &[(&str, &[&str])] = &[
    (
        "kubectl",
        &[
            "apply",
            "create",
            "describe",
            "exec",
            "get",
            "label",
            "logs",
            "port-forward",
            "rollout",
            "wait",
            "delete",
            "annotate",
        ],
    ),
    ("helm", &["install", "upgrade", "uninstall", "rollback", "template", "lint", "test", "get", "status", "history"]),
    ("systemctl", &["enable", "daemon-reload", "restart", "status"]),
    ("promtool", &["check", "test"]),
    ("amtool", &["check-config", "alert", "silence"]),
    ("tofu", &["init", "plan", "apply", "output", "test", "fmt"]),
    ("docker", &["build", "run"]),
    ("skopeo", &["copy"]),
    ("cosign", &["verify", "verify-attestation"]),
    ("just", &["image", "image-program"]),
];

/// Programs of every machine, after a pipe or by themselves.
const HELPERS: &[&str] =
    &["jq", "echo", "grep", "openssl", "install", "chmod", "tee", "head", "less", "journalctl", "useradd", "cp"];

/// One program with its arguments.
type Words = Vec<String>;

/// The commands of a line: pipes apart, redirections and comments away, quotes taken off.
fn commands(line: &str) -> Vec<Words> {
    let mut commands = vec![Words::new()];
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let letters = line.chars();
    let mut into_file = false;
    for letter in letters {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, ' ' | '|' | '>' | ';' | '&' | '<') => {
                if let Some(word) = word.take()
                    && !std::mem::take(&mut into_file)
                {
                    commands.last_mut().unwrap().push(word);
                }
                match letter {
                    '|' | ';' | '&' => commands.push(Words::new()),
                    '>' | '<' => into_file = true,
                    _ => {}
                }
            }
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    if let Some(word) = word.filter(|_| !into_file) {
        commands.last_mut().unwrap().push(word);
    }
    commands.retain(|words| !words.is_empty());
    commands
}

/// Every command of every block and, where it begins like one of ours, of every sentence.
fn all_commands() -> Vec<(String, Words)> {
    let mut all = Vec::new();
    for page in pages() {
        for block in page.blocks() {
            let text = block.text.replace("\\\n", " ");
            let lines: Vec<&str> = match block.language.as_str() {
                "console" => text.lines().filter_map(|line| line.strip_prefix("$ ")).collect(),
                "sh" => text.lines().collect(),
                _ => continue,
            };
            assert!(!lines.is_empty(), "{}:{}: a console without a command", page.name, block.line);
            let place = format!("{}:{}", page.name, block.line);
            all.extend(lines.into_iter().flat_map(commands).map(|words| (place.clone(), words)));
        }
        // Decisions tell of what was; the others tell what to do.
        if page.name.starts_with("docs/decisions/") || page.name == "CHANGELOG.md" {
            continue;
        }
        for (code, line) in page.inline_code() {
            let ours = ["tierwatch ", "cargo test --", "cargo bench --"].iter().any(|begin| code.starts_with(begin));
            if ours && !code.contains(['…', '{', '[']) {
                all.extend(
                    commands(&code.replace('\n', " "))
                        .into_iter()
                        .map(|words| (format!("{}:{line}", page.name), words)),
                );
            }
        }
    }
    assert!(all.len() > 100, "only {} commands were found", all.len());
    all
}

/// A stand-in for what the reader puts there.
fn filled_in(word: &str) -> String {
    match word {
        "$JOB" | "JOB" => "4711".to_owned(),
        other => other.replace("$TIER", "standard").replace("$(date +%FT%H%M)", "2026-11-02T0800"),
    }
}

fn parse(place: &str, words: &[String]) {
    let words: Words = words.iter().map(|word| filled_in(word)).collect();
    // Help and version are no errors.
    if let Err(error) = Invocation::try_parse_from(&words).map_err(|error| (error.use_stderr(), error))
        && error.0
    {
        panic!("{place}: {}: {}", words.join(" "), error.1);
    }
}

fn cargo(place: &str, words: &[String]) {
    let (of_cargo, of_program) = match words.iter().position(|word| word == "--") {
        Some(at) => (&words[1..at], &words[at + 1..]),
        None => (&words[1..], &[][..]),
    };
    let target = |flag: &str| of_cargo.iter().position(|word| word == flag).map(|at| of_cargo[at + 1].as_str());
    match of_cargo[0].as_str() {
        "run" => parse(place, &[&["tierwatch".to_owned()][..], of_program].concat()),
        "test" => {
            if let Some(name) = target("--test") {
                let there = [format!("tests/{name}.rs"), format!("tests/{name}/main.rs")];
                assert!(there.iter().any(|file| root().join(file).exists()), "{place}: there is no test {name}");
            }
        }
        "bench" => {
            let name = target("--bench").unwrap_or_else(|| panic!("{place}: which benchmark?"));
            let there = [format!("benches/{name}.rs"), format!("benches/{name}/main.rs")];
            assert!(there.iter().any(|file| root().join(file).exists()), "{place}: there is no benchmark {name}");
        }
        "build" | "insta" => {}
        other => panic!("{place}: cargo {other}"),
    }
}

fn of_others(place: &str, words: &[String]) {
    let program = words[0].as_str();
    let Some((_, verbs)) = OTHERS.iter().find(|(known, _)| *known == program) else {
        let script = words[0].contains('/') && root().join(&words[0]).exists();
        assert!(script || HELPERS.contains(&program), "{place}: nobody knows {program}");
        return;
    };
    // The first word that is neither an option nor the value of one.
    let mut rest = words[1..].iter();
    while let Some(word) = rest.next() {
        match word.as_str() {
            "-n" | "--namespace" | "--context" => {
                rest.next();
            }
            option if option.starts_with('-') => {}
            verb => {
                assert!(verbs.contains(&verb), "{place}: {program} {verb}");
                return;
            }
        }
    }
    panic!("{place}: {program} without a verb");
}

/// `NAME=value` before a program.
fn is_variable(word: &str) -> bool {
    let name = word.split_once('=').map_or("", |(name, _)| name);
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

#[test]
fn every_command_is_one_that_there_is() {
    for (place, mut words) in all_commands() {
        let program = words.iter().position(|word| !is_variable(word)).unwrap_or(words.len());
        words.drain(..program);
        match words.first().map(String::as_str) {
            None | Some("sudo") => {}
            Some("tierwatch") => parse(&place, &words),
            Some("cargo") => cargo(&place, &words),
            Some("curl") => assert!(asked(&words).is_some(), "{place}: {}", words.join(" ")),
            Some("./tierwatch" | "target/release/tierwatch") => {
                words[0] = "tierwatch".to_owned();
                parse(&place, &words);
            }
            Some(_) => {
                of_others(&place, &words);
                let inside = words.iter().skip_while(|word| *word != "--").skip(1).cloned().collect::<Words>();
                if inside.first().is_some_and(|program| program == "tierwatch") {
                    parse(&place, &inside);
                    // In a pod there is no file where the program looks by itself.
                    let names_its_file =
                        inside.iter().any(|word| word.starts_with("--config.file=/etc/tierwatch/config/"));
                    assert!(names_its_file, "{place}: {}", words.join(" "));
                }
            }
        }
    }
}

/// The path that a curl asks the daemon for.
fn asked(words: &[String]) -> Option<String> {
    let url = words.iter().find(|word| word.contains("://"))?;
    let path = url.strip_prefix("http://localhost:10471")?;
    Some(if path.is_empty() { "/".to_owned() } else { filled_in(path) })
}

#[tokio::test]
async fn every_path_that_is_asked_for_answers() {
    let (outputs, _judgements) = served::outputs(fake::full());
    let server = Server::bind("127.0.0.1:0", outputs).await.unwrap();
    let base = format!("http://{}", server.local_addr());
    tokio::spawn(server.run(CancellationToken::new()));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let curls = all_commands().into_iter().filter(|(_, words)| words[0] == "curl");
    let mut paths: BTreeSet<String> = curls.filter_map(|(_, words)| asked(&words)).collect();
    // And what the pages name in their sentences.
    for (code, _) in pages().iter().flat_map(|page| page.inline_code()) {
        let path = code.replace("{tier}", "standard").replace("ALERT", "TierDown");
        if ["/api/", "/livez", "/readyz", "/-/", "/metrics", "/boundaries", "/runbooks/"]
            .iter()
            .any(|begin| path.starts_with(begin))
            && !path.contains(['{', '*', ' '])
            && !path.starts_with("/api/v4")
            && !path.starts_with("/api/graphql")
            && !path.starts_with("/api/v2")
            && path != "/api/v1"
        {
            paths.insert(path);
        }
    }
    assert!(paths.len() >= 8, "{paths:?}");
    for path in paths {
        let status = client.get(format!("{base}{path}")).send().await.unwrap().status();
        assert_eq!(status, 200, "{path}");
    }
}

/// `print` and `demo --list` need nothing but the configuration.
#[test]
fn commands_that_need_no_daemon_run() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("tierwatch.yaml");
    std::fs::write(&config, CONFIG).unwrap();
    let config = config.display().to_string();
    let cheap = |words: &Words| words.iter().any(|word| word == "print") || words.iter().any(|word| word == "--list");
    let ours =
        all_commands().into_iter().map(|(_, words)| words).filter(|words| words[0] == "tierwatch" && cheap(words));
    let run: BTreeSet<Words> = ours
        .map(|words| {
            words[1..].iter().map(|word| if word.ends_with(".yaml") { config.clone() } else { word.clone() }).collect()
        })
        .collect();
    assert!(run.len() >= 6, "{run:?}");
    for words in run {
        // Those in sentences name no file: the one of the commands is meant.
        let named = words.iter().any(|word| word == "--config.file");
        let more: &[&str] = if named { &[] } else { &["--config.file", &config] };
        let output = Command::new(env!("CARGO_BIN_EXE_tierwatch")).args(&words).args(more).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !output.stdout.is_empty(), "tierwatch {}: {told}", words.join(" "));
    }
}

#[test]
fn lines_are_taken_apart_as_a_shell_does() {
    let words = |line: &str| commands(line).iter().map(|words| words.join("_")).collect::<Vec<_>>();
    assert_eq!(words("a 'b c' \"d | e\" | f > g # h"), ["a_b c_d | e", "f"]);
    assert_eq!(words("# nothing"), Vec::<String>::new());
    assert_eq!(words("a > b.yaml"), ["a"]);
}

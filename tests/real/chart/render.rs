//! What the chart becomes, and what it refuses.

use serde_json::Value;

use crate::support::folder::Folder;
use crate::support::helm::{Helm, KUBE_VERSION, chart, ci_values, config, objects};
use crate::support::say;

pub(super) const MINIMUM: &str = "
gitlab: { existingSecret: tierwatch-gitlab }
config:
  gitlab: { url: https://gitlab.example.com }
  tiers: { standard: { tags: [tier-standard], namespaces: [gitlab-runners-standard] } }
";

/// C1.
#[test]
fn both_helms_lint_it_and_render_the_same() {
    let folder = chart().display().to_string();
    for helm in Helm::BOTH {
        helm.run(["lint", "--strict", KUBE_VERSION, &folder])
            .unwrap_or_else(|why| panic!("{helm:?}, default values: {why}"));
    }
    for (name, values) in ci_values() {
        let file = chart().join("ci").join(format!("{name}.yaml")).display().to_string();
        for helm in Helm::BOTH {
            let linted = helm.run(["lint", "--strict", KUBE_VERSION, "--values", &file, &folder]);
            linted.unwrap_or_else(|why| panic!("{helm:?}, {name}: {why}"));
        }
        let [three, four] = Helm::BOTH.map(|helm| helm.objects(&values));
        assert_eq!(three, four, "{name}: two versions of Helm render it differently");
        say(&format!("chart with {name}: {} objects", three.len()));
    }
}

/// Everything that is missing, in one message.
#[test]
fn what_is_missing_is_told_at_once() {
    for helm in Helm::BOTH {
        let said = helm.template("{}").expect_err("nothing can be rendered without a GitLab");
        for line in [
            "gitlab.existingSecret: is missing; name the Secret that holds the API token",
            "config.gitlab.url: is missing; write GitLab's address, e.g. https://gitlab.example.com",
            "config.tiers: is missing; name the tiers, e.g. standard:",
        ] {
            assert!(said.contains(line), "{helm:?} did not say {line:?}:\n{said}");
        }
    }
}

/// C2: the schema refuses through Helm, and what it cannot see the templates do.
#[test]
fn wrong_values_are_refused() {
    let wrong = [
        ("replicas: 2", "replicas"),
        ("monitoring: { kind: Both }", "kind"),
        ("config: { gitlab: { token_file: /etc/token } }", "token_file"),
        ("config: { tiers: { standard: { urgency: high } } }", "urgency"),
        ("webhook: { enabled: true }", "webhook.existingSecret: is missing"),
        (
            "webhook: { enabled: true, existingSecret: hook, secretKey: secret }",
            "networkPolicy.webhook: is empty, and webhook.enabled is true",
        ),
        ("webConfig: { tls: true }", "webConfig.existingSecret: is missing"),
        (
            "config: { web: { metrics_only_users: [prometheus] } }",
            "webConfig.existingSecret: is missing, and config.web.metrics_only_users names users",
        ),
        (
            "config: { high_availability: { enabled: true }, kubernetes: { enabled: false } }",
            "config.high_availability.enabled: is on, but config.kubernetes.enabled is false",
        ),
        (
            "config: { high_availability: { enabled: true } }\nstate: { existingClaim: mine }",
            "state.existingClaim: is of one claim",
        ),
        (
            "config: { high_availability: { enabled: true } }\nstate: { storageClassName: gp3 }",
            "state.storageClassName: is of one claim",
        ),
        ("config: { high_availability: { namespace: elsewhere } }", "namespace"),
        ("check: { mode: sometimes }", "mode"),
        ("serviceAccount: { create: false }", "serviceAccount.name: is missing"),
        ("config: { tiers: { standard: { namespaces: [] } } }", "config.tiers.standard.namespaces: is missing"),
        (
            "gitlab: { caBundle: { configMap: a, secret: b } }",
            "gitlab.caBundle: name a configMap or a secret, not both",
        ),
        ("extraMounts: [{ name: ca, mountPath: /ca }]", "extraMounts: ca: name a configMap or a secret"),
        (
            "prometheusRule: { enabled: true }\nconfig: { alertmanager: { urls: [\"http://alertmanager:9093\"] } }",
            "everybody would be told twice",
        ),
    ];
    for helm in Helm::BOTH {
        for (values, reason) in wrong {
            let folder = Folder::new("values");
            let [minimum, more] = ["minimum.yaml", "more.yaml"].map(|name| folder.join(name).display().to_string());
            std::fs::write(&minimum, MINIMUM).expect("the temp folder takes a file");
            std::fs::write(&more, values).expect("the temp folder takes a file");
            let args = [
                "template",
                "t",
                &chart().display().to_string(),
                KUBE_VERSION,
                "--values",
                &minimum,
                "--values",
                &more,
            ];
            let said = helm.run(args).expect_err(values);
            assert!(said.contains(reason), "{helm:?} with {values} did not say {reason:?}:\n{said}");
        }
    }
}

/// C11, and habit 15: what the chart writes is a configuration that the daemon takes, with numbers as they were written.
#[test]
fn the_configuration_is_one_that_the_daemon_takes() {
    for (name, values) in ci_values() {
        let text = config(&Helm::V4.objects(&values));
        tierwatch::config::Config::from_yaml(&text).unwrap_or_else(|problems| panic!("{name}: {problems}\n{text}"));
    }
    let ids = "
gitlab: { existingSecret: t }
config:
  gitlab: { url: https://gitlab.example.com }
  history: { max_jobs: 1000000 }
  tiers: { a: { tags: [a], namespaces: [a], runners: [12345678, 123456789012], objective: { target: 0.9999 } } }
";
    for helm in Helm::BOTH {
        let text = config(&helm.objects(ids));
        for number in ["12345678", "123456789012", "1000000", "0.9999"] {
            let found = text
                .lines()
                .any(|line| line.trim_start().trim_start_matches("- ").split(": ").any(|word| word.trim() == number));
            assert!(found, "{helm:?} wrote {number} as something else:\n{text}");
        }
    }
}

fn checksum(objects: &[Value]) -> String {
    let pod = &crate::support::helm::one(objects, "Deployment")["spec"]["template"];
    pod["metadata"]["annotations"]["checksum/config"].as_str().expect("a checksum").to_owned()
}

/// C11: a change of the configuration makes a new pod, any other does not.
#[test]
fn a_changed_configuration_makes_a_new_pod() {
    let first = Helm::V4.objects(MINIMUM);
    let other = Helm::V4.objects(&MINIMUM.replace("gitlab.example.com", "gitlab.example.org"));
    assert_ne!(checksum(&first), checksum(&other));
    let same = Helm::V4.objects(&format!("{MINIMUM}monitoring: {{ kind: PodMonitor }}\n"));
    assert_eq!(checksum(&first), checksum(&same));
}

/// C22: what Helm prints after an installation says how to see that it works.
#[test]
fn the_notes_say_how_to_verify() {
    for (name, values) in ci_values() {
        let folder = Folder::new("values");
        let file = folder.join("values.yaml").display().to_string();
        std::fs::write(&file, values).expect("the temp folder takes a file");
        // Helm 3 renders them with a cluster only; both do in installed.rs.
        let args = ["install", "tierwatch", &chart().display().to_string(), "--namespace", "tierwatch"];
        let said = Helm::V4.run(args.into_iter().chain(["--values", &file, "--dry-run=client"]));
        let said = said.unwrap_or_else(|why| panic!("{name}: {why}"));
        let notes = said.split_once("\nNOTES:\n").expect("there are notes").1.trim().to_owned();
        insta::assert_snapshot!(format!("notes_{name}"), notes);
    }
}

/// C25: the same files give the same bytes.
#[test]
fn it_is_packaged_reproducibly() {
    let packages: Vec<Vec<u8>> = (0..2)
        .map(|_| {
            let folder = Folder::new("package");
            let package = chart().parent().expect("a folder").join("package");
            let made = std::process::Command::new(package).arg(folder.path()).output().expect("the script runs");
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
            let file = folder.join(&format!("tierwatch-{}.tgz", env!("CARGO_PKG_VERSION")));
            // Helm takes it as it takes the folder.
            for helm in Helm::BOTH {
                let args = ["template", "tierwatch", &file.display().to_string(), KUBE_VERSION, "--values"];
                let minimum = chart().join("ci/minimum-values.yaml").display().to_string();
                let rendered = helm.run(args.into_iter().chain([minimum.as_str()])).expect("a package is rendered");
                assert!(objects(&rendered).len() > 5);
            }
            std::fs::read(&file).expect("the package is there")
        })
        .collect();
    assert!(packages[0] == packages[1], "two packages of the same files differ");
}

/// C24: what an upgrade cannot change, or would leave behind: a difference here is a section in the chart's README.
#[test]
fn names_and_selectors_stay() {
    let objects = Helm::V4.objects(MINIMUM);
    let lines: Vec<String> = objects
        .iter()
        .map(|object| {
            let selector = &object["spec"]["selector"];
            let selector = if selector.is_null() { String::new() } else { format!(" {selector}") };
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            format!("{} {}{selector}", text(&object["kind"]), text(&object["metadata"]["name"]))
        })
        .collect();
    insta::assert_snapshot!("names_and_selectors", lines.join("\n"));
}

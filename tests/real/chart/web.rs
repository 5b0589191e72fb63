//! C16: promtool takes the web configurations that the pages show, and the chart mounts what its page says.

use std::path::Path;

use serde_json::{Value, json};

use super::objects::{items, pod};
use super::render::MINIMUM;
use crate::support::folder::Folder;
use crate::support::helm::{Helm, one};
use crate::support::prometheus::promtool;

const README: &str = "deploy/chart/tierwatch/README.md";

/// The first example in YAML on that page that begins so.
fn example(page: &str, begin: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("reading {page}: {e}"));
    let mut blocks = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.find(|block| block.starts_with(begin)).unwrap_or_else(|| panic!("{page}: no {begin}")).to_owned()
}

/// What promtool says of the text as `web.yaml`, beside the files that the examples name.
fn checked(text: &str) -> Result<(), String> {
    let folder = Folder::new("web");
    let identity = include_str!("../../fixtures/gitlab/tls/valid.pem");
    let authority = include_str!("../../fixtures/gitlab/tls/authority.pem");
    for (name, text) in [("tls.crt", identity), ("tls.key", identity), ("clients.crt", authority), ("web.yaml", text)] {
        std::fs::write(folder.join(name), text).expect("the temp folder takes a file");
    }
    let said = promtool(&["check", "web-config", &folder.join("web.yaml").display().to_string()], "");
    // It names each file that it finds fine.
    said.or_else(|said| if said.contains("SUCCESS") { Ok(()) } else { Err(said) })
}

#[test]
fn promtool_takes_the_documented_web_configurations() {
    for page in ["docs/web-configuration.md", README] {
        let text = example(page, "tls_server_config:");
        checked(&text).unwrap_or_else(|said| panic!("{page}: {said}"));
        // It would say so.
        let wrong = text.replacen("cert_file", "certificate_file", 1);
        checked(&wrong).expect_err("a key that there is not");
    }
}

/// The values beside that example: the Secret is mounted whole, the daemon reads its key, probes and scrapes speak TLS.
#[test]
fn the_documented_values_mount_it() {
    let values = example(README, "webConfig:");
    let objects = Helm::V4.objects(&format!("{MINIMUM}{values}"));
    let pod = pod(&objects);
    let daemon = &pod["containers"][0];
    assert!(
        items(&daemon["args"]).contains(&json!("--web.config.file=/etc/tierwatch/web/web.yaml")),
        "{}",
        daemon["args"]
    );
    let mount = items(&daemon["volumeMounts"]).iter().find(|mount| mount["mountPath"] == "/etc/tierwatch/web");
    let name = &mount.expect("it is mounted")["name"];
    let volume = items(&pod["volumes"]).iter().find(|volume| &volume["name"] == name).expect("a volume");
    assert_eq!(
        volume["secret"],
        json!({ "secretName": "tierwatch-web", "defaultMode": 0o440 }),
        "whole, so that it changes"
    );
    assert_eq!(daemon["readinessProbe"]["httpGet"]["scheme"], "HTTPS");
    let endpoint: &Value = &one(&objects, "ServiceMonitor")["spec"]["endpoints"][0];
    assert_eq!((&endpoint["scheme"], &endpoint["tlsConfig"]["serverName"]), (&json!("https"), &json!("tierwatch")));
    assert!(endpoint["basicAuth"]["password"].is_object());
}

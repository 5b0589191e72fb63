//! The image: unpacked by umoci, its program started alone in its root, as nobody in particular.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use jiff::Timestamp;
use layout::{About, Entry, Image, USER};
use oci_spec::image::Arch;

use crate::support::folder::Folder;
use crate::support::process::Process;
use crate::support::{free_ports, until};

#[path = "../../examples/oci_image/layout.rs"]
mod layout;

fn run(program: &str, args: &[&str]) -> Output {
    Command::new(program).args(args).output().unwrap_or_else(|e| panic!("running {program}: {e}"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The libraries that a program asks for, where the loader looks for them: none for a static one.
fn libraries(program: &Path) -> Vec<Entry> {
    let listed = run("ldd", &[&program.display().to_string()]);
    let listed = text(&listed.stdout);
    let paths = listed.split_whitespace().filter(|word| word.starts_with('/'));
    paths.map(|path| Entry::file(&path[1..], fs::read(path).expect("a library"), 0o555)).collect()
}

/// The image's root, as umoci unpacks it, with a configuration mounted into it.
fn unpacked(folder: &Folder) -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_tierwatch"));
    let certificates = fs::read("/etc/ssl/certs/ca-certificates.crt").expect("Debian's ca-certificates");
    let mut entries = layout::root(fs::read(program).expect("the program"), certificates);
    entries.extend(libraries(program));
    let arch = if cfg!(target_arch = "aarch64") { Arch::ARM64 } else { Arch::Amd64 };
    // Debug builds are large: to compress one takes longer than all else.
    let about = About { tag: "test".to_owned(), created: Timestamp::UNIX_EPOCH, labels: [].into(), gzip: false };
    let layout = folder.join("layout");
    layout::write(&layout, &[Image { arch, entries }], &about).expect("a layout");
    let (image, root) = (format!("{}:test", layout.display()), folder.join("root"));
    let listed = run("umoci", &["list", "--layout", &layout.display().to_string()]);
    assert_eq!(text(&listed.stdout).trim(), "test", "{}", text(&listed.stderr));
    let mut args = vec!["raw", "unpack", "--image", &image];
    if !is_root() {
        args.push("--rootless");
    }
    let root_text = root.display().to_string();
    args.push(&root_text);
    let unpacked = run("umoci", &args);
    assert!(unpacked.status.success(), "umoci: {}", text(&unpacked.stderr));
    root
}

fn is_root() -> bool {
    text(&run("id", &["-u"]).stdout).trim() == "0"
}

/// What starts a program of the root as that user, with nothing else of this machine in sight.
fn inside(root: &Path, user: u32) -> Vec<String> {
    let root = root.display();
    match is_root() {
        true => vec!["chroot".to_owned(), format!("--userspec={user}:{user}"), root.to_string()],
        false => ["unshare", "--user"]
            .map(str::to_owned)
            .into_iter()
            .chain([format!("--map-user={user}"), format!("--map-group={user}"), format!("--root={root}")])
            .collect(),
    }
}

#[tokio::test]
async fn the_program_runs_alone_in_its_root_as_nobody_in_particular() {
    let folder = Folder::new("image");
    let root = unpacked(&folder);
    assert!(!root.join("bin/sh").exists(), "there is no shell");
    fs::create_dir_all(root.join("etc/tierwatch")).expect("a folder");
    fs::write(root.join("etc/tierwatch/gitlab-token"), "glpat-nobody\n").expect("a token");
    let [gitlab] = free_ports();
    let config = format!(
        "gitlab: {{ url: 'http://localhost:{gitlab}', token_file: gitlab-token }}\nkubernetes: {{ enabled: false }}\n\
         state_file: /var/lib/tierwatch/state\ntiers: {{ standard: {{ tags: [tier-standard] }} }}\n"
    );
    fs::write(root.join("etc/tierwatch/tierwatch.yaml"), config).expect("a configuration");
    for user in [USER, 10_001] {
        let command = inside(&root, user);
        let start = |args: &[&str]| {
            let words: Vec<&str> = command[1..]
                .iter()
                .map(String::as_str)
                .chain(["/usr/bin/tierwatch"])
                .chain(args.iter().copied())
                .collect();
            run(&command[0], &words)
        };
        let version = start(&["--version"]);
        let wanted = format!("tierwatch {}\n", env!("CARGO_PKG_VERSION"));
        assert_eq!((text(&version.stdout), text(&version.stderr)), (wanted, String::new()), "as {user}");

        let [port] = free_ports();
        let args = command[1..].iter().cloned().chain([
            "/usr/bin/tierwatch".to_owned(),
            "run".to_owned(),
            format!("--web.listen-address=127.0.0.1:{port}"),
        ]);
        if user != USER {
            // The folder is the image's own user's; whoever else runs it mounts one.
            fs::remove_dir_all(root.join("var/lib/tierwatch")).expect("a folder");
            fs::create_dir(root.join("var/lib/tierwatch")).expect("a folder");
            fs::set_permissions(root.join("var/lib/tierwatch"), std::os::unix::fs::PermissionsExt::from_mode(0o777))
                .expect("a folder");
        }
        let mut process = Process::start("tierwatch-image", Path::new(&command[0]), args, folder.path());
        let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).build().expect("a client");
        until(&format!("/livez as {user}"), async || {
            if let Some(status) = process.ended() {
                panic!("it ended with {status}: {}", process.last_words());
            }
            let answer = http.get(format!("http://127.0.0.1:{port}/livez")).send().await.map_err(|e| e.to_string())?;
            answer.error_for_status().map(drop).map_err(|e| e.to_string())
        })
        .await;
        assert!(process.stop().await.success(), "SIGTERM is a fine end");
    }
}

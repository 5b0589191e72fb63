//! The programs under test: what they are, where they are, how the missing ones are built.
//!
//! Built programs live outside the tree in `$TIERWATCH_REAL_CACHE`, or `tierwatch-real` in the user's cache folder, keyed by
//! what they are built from, so that a second run costs nothing and needs no Go.
//! A part that is missing and cannot be built is a failure, never a skip.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

use super::say;

/// A Go module beside this folder and the programs that it builds.
struct GoModule {
    /// Its folder under `tests/real/`.
    folder: &'static str,
    /// What of it is built.
    packages: &'static [&'static str],
    /// The programs that come out.
    programs: &'static [&'static str],
    flags: &'static [&'static str],
}

const KUBE: GoModule = GoModule {
    folder: "kube",
    packages: &["."],
    programs: &["kube"],
    // Without these the parts would call themselves `v0.0.0-master+$Format:%H$`.
    flags: &["-ldflags=-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3 \
         -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36"],
};

const PROMETHEUS: GoModule = GoModule {
    folder: "prometheus",
    packages: &["tool"],
    programs: &["prometheus", "promtool"],
    // Service discovery is not under test, and one plug-in's module cannot be had from the module proxy.
    flags: &["-tags=remove_all_sd", "-ldflags=-s -w -X github.com/prometheus/common/version.Version=3.16.0"],
};

const ALERTMANAGER: GoModule = GoModule {
    folder: "alertmanager",
    packages: &["tool"],
    programs: &["alertmanager", "amtool"],
    flags: &["-ldflags=-s -w -X github.com/prometheus/common/version.Version=0.31.1"],
};

const GITLAB_CLIENT: GoModule =
    GoModule { folder: "gitlab-client", packages: &["."], programs: &["gitlab-client"], flags: &["-ldflags=-s -w"] };

const HELM_3: GoModule = GoModule {
    folder: "helm-3",
    packages: &["tool"],
    programs: &["helm"],
    flags: &["-ldflags=-s -w -X helm.sh/helm/v3/internal/version.version=v3.22.0"],
};

const HELM_4: GoModule = GoModule {
    folder: "helm-4",
    packages: &["tool"],
    programs: &["helm"],
    flags: &["-ldflags=-s -w -X helm.sh/helm/v4/internal/version.version=v4.3.1"],
};

// No provider can be had here, so only modules without one are run.
const OPENTOFU: GoModule = GoModule {
    folder: "opentofu",
    packages: &["tool"],
    programs: &["tofu"],
    flags: &["-ldflags=-s -w -X github.com/opentofu/opentofu/version.dev=no"],
};

/// etcd, kube-apiserver, kube-scheduler and kube-controller-manager in one binary.
pub(crate) fn kube() -> PathBuf {
    built(&KUBE, "kube", &["apiserver", "--version"])
}

/// Prometheus 3.
pub(crate) fn prometheus_3() -> PathBuf {
    built(&PROMETHEUS, "prometheus", &["--version"])
}

/// promtool of Prometheus 3.
pub(crate) fn promtool() -> PathBuf {
    built(&PROMETHEUS, "promtool", &["--version"])
}

/// Alertmanager.
pub(crate) fn alertmanager() -> PathBuf {
    built(&ALERTMANAGER, "alertmanager", &["--version"])
}

/// Alertmanager's tool.
pub(crate) fn amtool() -> PathBuf {
    built(&ALERTMANAGER, "amtool", &["--version"])
}

/// OpenTofu.
pub(crate) fn tofu() -> PathBuf {
    built(&OPENTOFU, "tofu", &["version"])
}

/// The reader of a GitLab API by GitLab's own typed Go client.
pub(crate) fn gitlab_client() -> PathBuf {
    let program = built(&GITLAB_CLIENT, "gitlab-client", &[]);
    tell("gitlab-client", &required_version(&GITLAB_CLIENT, "gitlab.com/gitlab-org/api/client-go/v2"), &program);
    program
}

/// Helm 3.
pub(crate) fn helm_3() -> PathBuf {
    built(&HELM_3, "helm", &["version", "--short"])
}

/// Helm 4.
pub(crate) fn helm_4() -> PathBuf {
    built(&HELM_4, "helm", &["version", "--short"])
}

/// The Prometheus operator's definitions of what the chart makes for it, as YAML, read from the operator's module.
pub(crate) fn operator_definitions() -> Vec<String> {
    const MODULE: &str = "github.com/prometheus-operator/prometheus-operator";
    let source = sources("prometheus-operator");
    let versions = text(&source.join("go.sum"));
    let folder = cache().join("prometheus-operator").join(hash(versions.as_bytes()));
    let files = ["podmonitors", "prometheusrules", "servicemonitors"]
        .map(|name| folder.join(format!("monitoring.coreos.com_{name}.yaml")));
    if !files.iter().all(|file| file.exists()) {
        let output = Command::new("go").current_dir(&source).args(["mod", "download", "-json", MODULE]).output();
        let output = output.unwrap_or_else(|e| panic!("running go for {MODULE}: {e}"));
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let module = told["Dir"].as_str().unwrap_or_else(|| panic!("downloading {MODULE}: {told}"));
        let definitions = Path::new(module).join("example/prometheus-operator-crd");
        fs::create_dir_all(&folder).unwrap_or_else(|e| panic!("making {}: {e}", folder.display()));
        for file in &files {
            let from = definitions.join(file.file_name().expect("a file has a name"));
            fs::write(file, text(&from)).unwrap_or_else(|e| panic!("writing {}: {e}", file.display()));
        }
    }
    tell("prometheus-operator", versions.lines().next().unwrap_or_default(), &folder);
    files.iter().map(|file| text(file)).collect()
}

fn text(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|e| panic!("reading {}: {e}", file.display()))
}

/// A Python that has kubernetes-validate, and the script that runs it.
pub(crate) fn kubernetes_validate() -> (PathBuf, PathBuf) {
    (super::python::programs("kubernetes-validate").join("python"), sources("kubernetes-validate").join("validate.py"))
}

/// Debian's Prometheus 2.
pub(crate) fn prometheus_2() -> PathBuf {
    let program = PathBuf::from("/usr/bin/prometheus");
    assert!(program.exists(), "{} is missing: apt-get install --no-install-recommends prometheus", program.display());
    let version = first_line(&program, &["--version"]);
    assert!(version.contains("version 2."), "{} is not Debian's Prometheus 2: {version}", program.display());
    tell("prometheus (Debian)", &version, &program);
    program
}

/// The program, built first if it is not in the cache.
fn built(module: &GoModule, program: &str, version_args: &[&str]) -> PathBuf {
    static BUILT: Mutex<BTreeMap<&str, Result<PathBuf, String>>> = Mutex::new(BTreeMap::new());
    // One build at a time, also between tests: two would need twice the memory and no less time. What failed fails each
    // test that needs it, but is tried once.
    let mut done = BUILT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let folder = done.entry(module.folder).or_insert_with(|| build(module)).clone();
    drop(done);
    let folder = folder.unwrap_or_else(|why| panic!("{why}"));
    let path = folder.join(program);
    if !version_args.is_empty() {
        tell(program, &first_line(&path, version_args), &path);
    }
    path
}

/// Builds the module unless it is there; the folder of its programs.
fn build(module: &GoModule) -> Result<PathBuf, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real").join(module.folder);
    let folder = cache().join(module.folder).join(key(&source, module));
    if module.programs.iter().all(|program| folder.join(program).exists()) {
        return Ok(folder);
    }
    fs::create_dir_all(&folder).map_err(|e| format!("making {}: {e}", folder.display()))?;
    // Built aside and moved in one step, so that a build that was cut short leaves no half program behind.
    let aside = tempfile::tempdir_in(&folder).map_err(|e| format!("making a folder in {}: {e}", folder.display()))?;
    say(&format!("building tests/real/{} (minutes the first time)", module.folder));
    let output = Command::new("go")
        .current_dir(&source)
        .args(["build", "-mod=readonly", "-trimpath", "-buildvcs=false"])
        .args(module.flags)
        .arg("-o")
        .arg(aside.path().join(""))
        .args(module.packages)
        .output()
        .map_err(|e| format!("running go for tests/real/{}: {e}; the real-stack tests need Go", module.folder))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("building tests/real/{}: {}\n{said}", module.folder, output.status));
    }
    for program in module.programs {
        fs::rename(aside.path().join(program), folder.join(program))
            .map_err(|e| format!("go built no {program} from tests/real/{}: {e}", module.folder))?;
    }
    Ok(folder)
}

/// Where built and installed programs are kept.
pub(crate) fn cache() -> PathBuf {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("TIERWATCH_REAL_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|folder| folder.join("tierwatch-real")))
        .or_else(|| set("HOME").map(|folder| folder.join(".cache/tierwatch-real")))
        .unwrap_or_else(|| panic!("no place for built programs: set TIERWATCH_REAL_CACHE"))
}

/// A name for everything that the programs are built from.
fn key(source: &Path, module: &GoModule) -> String {
    let mut text = Vec::new();
    for file in ["go.mod", "go.sum", "main.go"] {
        match fs::read(source.join(file)) {
            Ok(bytes) => text.extend(bytes),
            Err(e) if file == "main.go" && e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => panic!("reading {}: {e}", source.join(file).display()),
        }
    }
    for word in module.packages.iter().chain(module.flags) {
        text.extend(word.bytes());
    }
    hash(&text)
}

/// FNV-1a, 64 bits: only a change must show, nobody attacks it.
pub(crate) fn hash(text: &[u8]) -> String {
    let hash = text
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

/// A folder under `tests/real/`.
fn sources(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real").join(folder)
}

/// The version that the module's `go.mod` asks for.
fn required_version(module: &GoModule, dependency: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real").join(module.folder).join("go.mod");
    let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("reading {}: {e}", file.display()));
    let line = text.lines().find(|line| line.contains(dependency));
    line.unwrap_or_else(|| panic!("{} does not name {dependency}", file.display())).trim().to_owned()
}

fn first_line(program: &Path, args: &[&str]) -> String {
    let output =
        Command::new(program).args(args).output().unwrap_or_else(|e| panic!("running {}: {e}", program.display()));
    // Older Prometheus prints its version to stderr.
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).lines().next().unwrap_or_default().to_owned()
}

/// Says once which part is used in which version.
pub(crate) fn tell(part: &str, version: &str, path: &Path) {
    static TOLD: OnceLock<Mutex<Vec<PathBuf>>> = OnceLock::new();
    let mut told = TOLD.get_or_init(Mutex::default).lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !told.iter().any(|known| known == path) {
        told.push(path.to_owned());
        say(&format!("{part}: {version} ({})", path.display()));
    }
}

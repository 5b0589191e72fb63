//! What the configuration names on this machine: secrets, certificates, the state file.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::line::{Line, Probe};
use crate::config::{Config, PushAuth, SecretFile};
use crate::error_chain::chain;
use crate::web::{Door, WebError};

/// Any other user may read it, or write it.
const OTHERS_READ: u32 = 0o004;
const OTHERS_WRITE: u32 = 0o002;

/// A file of the configuration, and the key that names it.
type Named<'a, T> = (&'static str, &'a T);

/// Every file that the configuration names.
pub(super) fn check(config: &Config) -> Vec<Line> {
    let mut lines: Vec<Line> = secrets(config).into_iter().flat_map(|(key, file)| secret(key, file)).collect();
    lines.extend(certificates(config).into_iter().map(|(key, file)| certificate(key, file)));
    lines.extend(config.state_file.as_deref().map(state));
    lines
}

fn secrets(config: &Config) -> Vec<Named<'_, SecretFile>> {
    let mut files = vec![("gitlab.token_file", &config.gitlab.token)];
    if let Some(webhook) = &config.webhook {
        files.extend(webhook.secret.as_ref().map(|file| ("webhook.secret_file", file)));
        files.extend(webhook.signing_token.as_ref().map(|file| ("webhook.signing_token_file", file)));
    }
    match config.alertmanager.as_ref().and_then(|config| config.auth.as_ref()) {
        Some(PushAuth::Basic { password, .. }) => files.push(("alertmanager.password_file", password)),
        Some(PushAuth::Bearer(token)) => files.push(("alertmanager.token_file", token)),
        None => {}
    }
    files
}

fn certificates(config: &Config) -> Vec<Named<'_, PathBuf>> {
    let mut files: Vec<_> = config.gitlab.ca_file.iter().map(|file| ("gitlab.ca_file", file)).collect();
    if let Some(alertmanager) = &config.alertmanager {
        files.extend(alertmanager.ca_file.iter().map(|file| ("alertmanager.ca_file", file)));
        if let Some((certificate, key)) = &alertmanager.client_certificate {
            files.extend([("alertmanager.cert_file", certificate), ("alertmanager.key_file", key)]);
        }
    }
    files.extend(config.kubernetes.kubeconfig.iter().map(|file| ("kubernetes.kubeconfig", file)));
    files
}

/// Whether the secret can be had, and who else has it.
fn secret(key: &str, file: &SecretFile) -> Vec<Line> {
    let probe = Probe::SecretFile;
    if let Err(error) = file.read() {
        let fix = "mount or write the file, and let the user that tierwatch runs as read it";
        return vec![Line::problem(probe, key, &error.to_string(), fix)];
    }
    vec![guarded(probe, key, file.path(), "holds a secret")]
}

fn certificate(key: &str, file: &Path) -> Line {
    let probe = Probe::CertificateFile;
    let shown = file.display();
    match fs::read(file) {
        Err(error) => {
            let fix = "mount or write the file, and let the user that tierwatch runs as read it";
            Line::problem(probe, key, &format!("reading {shown}: {error}"), fix)
        }
        // A kubeconfig and a key are secrets; authorities and certificates are everybody's.
        Ok(_) if key == "kubernetes.kubeconfig" || key.ends_with("key_file") => {
            guarded(probe, key, file, "is readable")
        }
        Ok(text) if text.windows(10).any(|part| part == b"-----BEGIN") => {
            Line::ok(probe, key, &format!("{shown} is PEM"))
        }
        Ok(_) => {
            let fix =
                "write the certificates as PEM (-----BEGIN CERTIFICATE-----); convert with `openssl x509 -inform der`";
            Line::problem(probe, key, &format!("there is no PEM in {shown}"), fix)
        }
    }
}

/// A readable file that should be nobody else's.
fn guarded(probe: Probe, key: &str, file: &Path, fine: &str) -> Line {
    let shown = file.display();
    let Ok(mode) = fs::metadata(file).map(|meta| meta.permissions().mode()) else {
        return Line::ok(probe, key, &format!("{shown} {fine}"));
    };
    let fix =
        "chmod 0640 with the group of tierwatch; of a mounted Secret set `defaultMode: 0440` and the pod's `fsGroup`";
    if mode & OTHERS_WRITE != 0 {
        return Line::problem(probe, key, &format!("every user of this machine may replace {shown}"), fix);
    }
    if mode & OTHERS_READ != 0 {
        return Line::warning(probe, key, &format!("every user of this machine may read {shown}"), fix);
    }
    Line::ok(probe, key, &format!("{shown} {fine}"))
}

/// As the daemon would open it, certificates and keys included.
pub(super) fn web(file: Option<&Path>, config: &Config) -> Vec<Line> {
    let probe = Probe::WebConfig;
    match Door::of(file, config.web.clone()) {
        Ok(_) => file.map(|file| Line::ok(probe, "", &format!("{} can be used", file.display()))).into_iter().collect(),
        Err(WebError::File(problems)) => {
            problems.list().iter().map(|problem| Line::of_problem(probe, problem)).collect()
        }
        Err(error) => {
            let fix = "mend the file as docs/web-configuration.md says; the daemon does not start with it";
            vec![Line::problem(probe, "", &chain(&error), fix)]
        }
    }
}

/// The state file is written anew beside itself, so its folder must be writable.
fn state(file: &Path) -> Line {
    let probe = Probe::StateFile;
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    let shown = folder.display();
    let fix = "mount a volume there that the user of tierwatch may write (the pod's `fsGroup`, or chown), or remove state_file: \
               a restart then begins anew";
    if file.is_dir() {
        return Line::problem(probe, "", &format!("{} is a folder", file.display()), "name a file in it");
    }
    if let Err(error) = tempfile::NamedTempFile::new_in(folder) {
        // Its words name a file that nobody knows.
        let kind = error.kind();
        let gone = kind == std::io::ErrorKind::NotFound;
        let why = if gone { "there is no such folder".to_owned() } else { kind.to_string() };
        return Line::problem(probe, "", &format!("no file can be written in {shown}: {why}"), fix);
    }
    match fs::File::open(file) {
        Ok(_) => Line::ok(probe, "", &format!("{} is there, and its folder can be written", file.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Line::ok(probe, "", &format!("{} will be made: its folder can be written", file.display()))
        }
        Err(error) => Line::problem(probe, "", &format!("reading {}: {error}", file.display()), fix),
    }
}

//! File and environment → a valid configuration, or everything that is wrong with them.

use std::path::{Path, PathBuf};

use super::problem::{Place, Problem, Problems};
use super::shape::Places;
use super::{Config, check, layers, raw, schema, shape};

/// A valid configuration together with where each value was written.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The configuration.
    pub config: Config,
    pub(super) file: Option<PathBuf>,
    pub(super) places: Places,
}

impl Config {
    /// Reads the file at `path` and the `TIERWATCH__…` variables of `env` over the embedded defaults.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn load(path: &Path, env: impl Iterator<Item = (String, String)>) -> Result<Self, Problems> {
        Resolved::load(path, env).map(|resolved| resolved.config)
    }

    /// The configuration in `text`, over the embedded defaults.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn from_yaml(text: &str) -> Result<Self, Problems> {
        Resolved::from_yaml(text, std::iter::empty()).map(|resolved| resolved.config)
    }
}

impl Resolved {
    /// As [`Config::load`], keeping the place of each value.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn load(path: &Path, env: impl Iterator<Item = (String, String)>) -> Result<Self, Problems> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Problems::new(Some(path), vec![unread(&error, "--config.file")]))?;
        resolve(Some(path), &text, env)
    }

    /// As [`Config::from_yaml`], keeping the place of each value.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn from_yaml(text: &str, env: impl Iterator<Item = (String, String)>) -> Result<Self, Problems> {
        resolve(None, text, env)
    }
}

/// A file that cannot be read, named by `flag`.
pub(super) fn unread(error: &std::io::Error, flag: &str) -> Problem {
    use std::io::ErrorKind;
    let remedies = [
        (ErrorKind::NotFound, format!("name the file with {flag}")),
        (ErrorKind::PermissionDenied, "let the user that tierwatch runs as read it".to_owned()),
        (ErrorKind::InvalidData, "write it as UTF-8 text".to_owned()),
    ];
    let remedy = remedies.into_iter().find(|(kind, _)| *kind == error.kind());
    let remedy = remedy.map_or_else(|| format!("look at the path given with {flag}"), |(_, remedy)| remedy);
    let reason = format!("the file cannot be read: {error}");
    Problem { key: String::new(), place: Place::Unknown, reason, remedy }
}

fn resolve(path: Option<&Path>, text: &str, env: impl Iterator<Item = (String, String)>) -> Result<Resolved, Problems> {
    let mut problems = Vec::new();
    let Some((merged, places)) = layers::merge(text, env, &mut problems) else {
        return Err(Problems::new(path, problems));
    };
    let (fit, places) = shape::fit(&merged, places, schema::schema(), "docs/configuration.md", &mut problems);
    let folder = path.and_then(Path::parent).map(Path::to_path_buf);
    let config = match serde_json::from_value::<raw::Root>(fit) {
        Ok(raw) => check::check(&raw, &places, folder, &mut problems),
        Err(error) => {
            problems.push(Problem {
                key: String::new(),
                place: Place::Unknown,
                reason: format!("the configuration does not fit its schema (at column {})", error.column()),
                remedy: "this is a fault of tierwatch: please report it".into(),
            });
            None
        }
    };
    match config {
        Some(config) if problems.is_empty() => Ok(Resolved { config, file: path.map(Path::to_path_buf), places }),
        _ => Err(Problems::new(path, problems)),
    }
}

//! The parameters of a list or watch, and which objects they choose.

use crate::demo::cluster::store::{Key, Stored};

/// What a client asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Selection {
    pub(super) watch: bool,
    pub(super) limit: Option<usize>,
    pub(super) continue_after: Option<String>,
    pub(super) version: Option<u64>,
    pub(super) bookmarks: bool,
    pub(super) timeout_seconds: Option<u64>,
    fields: Vec<(String, bool, String)>,
    labels: Vec<(String, bool, Option<String>)>,
}

impl Selection {
    pub(super) fn parse(query: &str) -> Result<Self, String> {
        let mut selection = Self::default();
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let flag = value == "true" || value == "1";
            match key.as_ref() {
                "watch" => selection.watch = flag,
                "limit" => selection.limit = value.parse().ok().filter(|limit| *limit > 0),
                "continue" if !value.is_empty() => selection.continue_after = Some(value.into_owned()),
                "resourceVersion" if !value.is_empty() && value != "0" => {
                    let version = value.parse().map_err(|_| format!("invalid resource version \"{value}\""))?;
                    selection.version = Some(version);
                }
                "allowWatchBookmarks" => selection.bookmarks = flag,
                "timeoutSeconds" => selection.timeout_seconds = value.parse().ok(),
                "sendInitialEvents" if flag => {
                    // As an API server without the feature gate says it: clients fall back to list and watch.
                    return Err(
                        "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled"
                            .to_owned(),
                    );
                }
                "fieldSelector" => selection.fields = value.split(',').filter_map(term).collect(),
                "labelSelector" => {
                    selection.labels = value.split(',').filter(|term| !term.is_empty()).map(label).collect()
                }
                _ => {}
            }
        }
        Ok(selection)
    }

    pub(super) fn chooses(&self, key: &Key, object: &Stored) -> bool {
        self.fields.iter().all(|(name, equal, wanted)| {
            let value = match name.as_str() {
                "metadata.name" => key.name.as_ref(),
                "metadata.namespace" => key.namespace.as_ref(),
                other => object.fields.iter().find(|(field, _)| field == &other).map_or("", |(_, value)| value),
            };
            (value == wanted) == *equal
        }) && self.labels.iter().all(|(name, equal, wanted)| {
            let value = object.labels.iter().find(|(label, _)| label == name).map(|(_, value)| value);
            let fits = match wanted {
                Some(wanted) => value == Some(wanted),
                None => value.is_some(),
            };
            fits == *equal
        })
    }

    pub(super) const fn verb(&self, named: bool) -> &'static str {
        if self.watch {
            "watch"
        } else if named {
            "get"
        } else {
            "list"
        }
    }
}

/// `name=value`, `name==value` or `name!=value`.
fn term(text: &str) -> Option<(String, bool, String)> {
    if let Some((name, value)) = text.split_once("!=") {
        return Some((name.trim().to_owned(), false, value.trim().to_owned()));
    }
    let (name, value) = text.split_once('=')?;
    Some((name.trim().to_owned(), true, value.trim_start_matches('=').trim().to_owned()))
}

/// A term as above, `name`, or `!name`.
fn label(text: &str) -> (String, bool, Option<String>) {
    match term(text) {
        Some((name, equal, value)) => (name, equal, Some(value)),
        None => match text.trim().strip_prefix('!') {
            Some(name) => (name.to_owned(), false, None),
            None => (text.trim().to_owned(), true, None),
        },
    }
}

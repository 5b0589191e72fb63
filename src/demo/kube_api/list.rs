//! Lists, in pages where the client asks for them.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::select::Selection;
use super::{Target, raw_answer, status, words};
use crate::demo::cluster::store::Store;

/// One page. A continued list keeps the revision of its first page, as a client expects; a compaction in
/// between expires it.
pub(super) fn page(store: &Store, target: &Target, selection: &Selection) -> Response<Body> {
    let (version, after) = match selection.continue_after.as_deref().map(token) {
        None => (store.version(), None),
        Some(Some((version, after))) if store.since(version).is_ok() => (version, Some(after)),
        Some(_) => {
            let words = "The provided continue parameter is too old to display a consistent list result.";
            return status::refuse(StatusCode::GONE, "Expired", words);
        }
    };
    let mut rows = store
        .list(target.resource, target.namespace.as_deref())
        .filter(|(key, object)| selection.chooses(key, object))
        .skip_while(|(key, _)| {
            after.as_ref().is_some_and(|(ns, name)| (key.namespace.as_ref(), key.name.as_ref()) <= (ns, name))
        });
    let limit = selection.limit.unwrap_or(usize::MAX);
    let mut items = String::new();
    let mut last = None;
    let mut shown = 0;
    while shown < limit {
        let Some((key, object)) = rows.next() else { break };
        if shown > 0 {
            items.push(',');
        }
        items.push_str(&object.json);
        last = Some((key.namespace.to_string(), key.name.to_string()));
        shown += 1;
    }
    let rest = rows.count();
    let more = match last {
        Some((namespace, name)) if rest > 0 => {
            let token = URL_SAFE_NO_PAD.encode(format!("{version}/{namespace}/{name}"));
            format!(r#","continue":"{token}","remainingItemCount":{rest}"#)
        }
        Some(_) | None => String::new(),
    };
    let kind = words(target.resource).2;
    raw_answer(format!(
        r#"{{"kind":"{kind}List","apiVersion":"v1","metadata":{{"resourceVersion":"{version}"{more}}},"items":[{items}]}}"#
    ))
}

fn token(text: &str) -> Option<(u64, (String, String))> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    let mut parts = text.splitn(3, '/');
    let version = parts.next()?.parse().ok()?;
    Some((version, (parts.next()?.to_owned(), parts.next()?.to_owned())))
}

//! Offset and keyset paging as GitLab does them, and the parameters of a request.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::answer::Answer;

/// The parameters of a request, in order, repeats kept.
#[derive(Debug)]
pub(super) struct Params {
    /// Address of this page without its parameters.
    pub(super) address: String,
    pairs: Vec<(String, String)>,
}

impl Params {
    pub(super) fn new(address: String, query: &str) -> Self {
        Self { address, pairs: form_urlencoded::parse(query.as_bytes()).into_owned().collect() }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Values of `name`, `name[]` and comma lists in either.
    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        let many = format!("{name}[]");
        self.pairs
            .iter()
            .filter(|(key, _)| key == name || *key == many)
            .flat_map(|(_, value)| value.split(','))
            .filter(|value| !value.is_empty())
            .collect()
    }

    fn number(&self, name: &str, otherwise: usize) -> Result<usize, Answer> {
        let Some(text) = self.get(name) else { return Ok(otherwise) };
        match text.parse() {
            Ok(number) if number > 0 => Ok(number),
            Ok(_) | Err(_) => Err(Answer::error(StatusCode::BAD_REQUEST, &format!("{name} is invalid"))),
        }
    }

    /// This address with some parameters replaced.
    fn link(&self, replaced: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (key, value) in &self.pairs {
            if !replaced.iter().any(|(name, _)| name == key) {
                query.append_pair(key, value);
            }
        }
        for (key, value) in replaced {
            query.append_pair(key, value);
        }
        format!("{}?{}", self.address, query.finish())
    }
}

/// One page of rows by number. Lists of jobs never tell totals.
pub(super) fn offset<T>(
    params: &Params,
    rows: &[T],
    totals: bool,
    shape: impl Fn(&T) -> Value,
) -> Result<Answer, Answer> {
    let per_page = params.number("per_page", 20)?.min(100);
    let page = params.number("page", 1)?;
    let pages = rows.len().div_ceil(per_page).max(1);
    let shown: Vec<Value> = rows.iter().skip((page - 1) * per_page).take(per_page).map(shape).collect();
    let number = |page: usize| page.to_string();
    let (next, previous) = (
        if page < pages { number(page + 1) } else { String::new() },
        if page > 1 { number(page - 1) } else { String::new() },
    );
    let link = |page: &str, rel: &str| {
        format!("<{}>; rel=\"{rel}\"", params.link(&[("page", page), ("per_page", &per_page.to_string())]))
    };
    let mut links = Vec::new();
    if !previous.is_empty() {
        links.push(link(&previous, "prev"));
    }
    if !next.is_empty() {
        links.push(link(&next, "next"));
    }
    links.push(link("1", "first"));
    let mut answer = Answer::ok(Value::Array(shown));
    if totals && rows.len() <= 10_000 {
        links.push(link(&number(pages), "last"));
        answer = answer.with("x-total", rows.len().to_string()).with("x-total-pages", number(pages));
    }
    Ok(answer
        .with("x-page", number(page))
        .with("x-per-page", number(per_page))
        .with("x-next-page", next)
        .with("x-prev-page", previous)
        .with("link", links.join(", ")))
}

/// One page of rows below an id, newest first; only that order exists.
pub(super) fn keyset<T>(
    params: &Params,
    rows: &[T],
    id: impl Fn(&T) -> u64,
    shape: impl Fn(&T) -> Value,
) -> Result<Answer, Answer> {
    if params.get("sort") == Some("asc") || params.get("order_by").is_some_and(|by| by != "id") {
        let words = "Keyset pagination is not yet available for this type of request";
        return Err(Answer::error(StatusCode::METHOD_NOT_ALLOWED, words));
    }
    let per_page = params.number("per_page", 20)?.min(100);
    let below = match params.get("cursor") {
        Some(cursor) => id_of(cursor).ok_or_else(|| Answer::error(StatusCode::BAD_REQUEST, "cursor is invalid"))?,
        None => u64::MAX,
    };
    let mut rest = rows.iter().filter(|row| id(row) < below);
    let page: Vec<&T> = rest.by_ref().take(per_page).collect();
    let answer = Answer::ok(page.iter().map(|row| shape(row)).collect());
    Ok(match (page.last(), rest.next()) {
        (Some(last), Some(_)) => {
            let link = params.link(&[("cursor", &cursor_of(id(last)))]);
            answer.with("link", format!("<{link}>; rel=\"next\""))
        }
        (Some(_), None) | (None, _) => answer,
    })
}

/// An opaque cursor, as REST and GraphQL write it.
pub(super) fn cursor_of(id: u64) -> String {
    URL_SAFE_NO_PAD.encode(json!({ "id": id.to_string() }).to_string())
}

/// The id in a cursor.
pub(super) fn id_of(cursor: &str) -> Option<u64> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor.trim_end_matches('=')).ok()?;
    serde_json::from_slice::<Value>(&bytes).ok()?.get("id")?.as_str()?.parse().ok()
}

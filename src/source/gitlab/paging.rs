//! Lists over several REST pages: bounded, and never led to another host.

use std::borrow::Cow;

use gitlab::api::{BodyError, Endpoint, QueryParams, UrlBase};
use http::header::LINK;
use http::{HeaderMap, Method};
use jiff::Timestamp;
use serde_json::Value;
use url::Url;

use super::client::Call;
use super::error::ClientError;

/// Rows of a page: the most that GitLab gives.
const PER_PAGE: &str = "100";

/// How a list is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paging {
    /// By page numbers: rows that vanish while we read shift others past us, so only for lists that rest.
    Offset,
    /// By the last id seen, newest first: rows that come and go hide no other.
    Keyset,
}

/// One page of rows.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) rows: Vec<Value>,
    /// The server's clock when it gave this page.
    pub(crate) date: Option<Timestamp>,
}

impl Call {
    /// Reads every page of `endpoint`, at most `max_pages`.
    pub(crate) async fn pages<E: Endpoint + Sync>(
        &self,
        endpoint: &E,
        paging: Paging,
        max_pages: usize,
    ) -> Result<Vec<Page>, ClientError> {
        let mut read = 0;
        let at_most = |_: &Page| {
            read += 1;
            read >= max_pages
        };
        match self.walk(endpoint, paging, at_most).await? {
            (pages, true) => Ok(pages),
            (_, false) => {
                let detail = format!("the list did not end after {max_pages} pages");
                Err(ClientError::TooLarge { operation: self.operation(), detail })
            }
        }
    }

    /// Reads pages of `endpoint` until one is `enough` or the list ends.
    pub(crate) async fn pages_until<E: Endpoint + Sync>(
        &self,
        endpoint: &E,
        paging: Paging,
        enough: impl FnMut(&Page) -> bool + Send,
    ) -> Result<Vec<Page>, ClientError> {
        self.walk(endpoint, paging, enough).await.map(|(pages, _)| pages)
    }

    /// Also returns whether the list ended.
    async fn walk<E: Endpoint + Sync>(
        &self,
        endpoint: &E,
        paging: Paging,
        mut enough: impl FnMut(&Page) -> bool + Send,
    ) -> Result<(Vec<Page>, bool), ClientError> {
        let mut step = Step::first(paging);
        let mut pages = Vec::new();
        loop {
            let answer = self.get(&OnePage { endpoint, step: &step }).await?;
            let next = self.next(&answer.headers, &step)?;
            let Value::Array(rows) = answer.json else {
                return Err(self.malformed("the answer is no list"));
            };
            let page = Page { rows, date: answer.date };
            let last = enough(&page);
            pages.push(page);
            let Some(next) = next else { return Ok((pages, true)) };
            if last {
                return Ok((pages, false));
            }
            step = next;
        }
    }

    fn next(&self, headers: &HeaderMap, current: &Step) -> Result<Option<Step>, ClientError> {
        let link = headers.get(LINK).and_then(|value| value.to_str().ok()).and_then(next_link);
        let next = if let Some(link) = link {
            let url = Url::parse(link).map_err(|_| self.malformed("the link to the next page is no URL"))?;
            self.client().require_home(self.operation(), &url)?;
            // Only the query is taken over: path and host stay those of the endpoint.
            Step::Linked(url.query_pairs().map(|(key, value)| (key.into_owned(), value.into_owned())).collect())
        } else if let Some(number) = page_number(headers) {
            Step::Extra(vec![("per_page".into(), PER_PAGE.into()), ("page".into(), number.to_string())])
        } else {
            return Ok(None);
        };
        if next == *current {
            return Err(self.malformed("the link to the next page leads to the same page"));
        }
        Ok(Some(next))
    }
}

fn page_number(headers: &HeaderMap) -> Option<u64> {
    headers.get("x-next-page")?.to_str().ok()?.trim().parse().ok()
}

/// The address with `rel="next"` in a `Link` header.
fn next_link(header: &str) -> Option<&str> {
    let mut rest = header;
    while let Some(start) = rest.find('<') {
        let end = start + rest.get(start..)?.find('>')?;
        let link = rest.get(start + 1..end)?;
        let after = rest.get(end + 1..)?;
        let until = after.find('<').unwrap_or(after.len());
        let params = after.get(..until)?.to_ascii_lowercase();
        if params.contains("rel=\"next\"") || params.contains("rel=next") {
            return Some(link);
        }
        rest = after.get(until..)?;
    }
    None
}

/// Which page is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// The endpoint's own parameters and these.
    Extra(Vec<(String, String)>),
    /// The parameters of a link that GitLab gave.
    Linked(Vec<(String, String)>),
}

impl Step {
    fn first(paging: Paging) -> Self {
        let pairs: &[(&str, &str)] = match paging {
            Paging::Offset => &[("per_page", PER_PAGE)],
            Paging::Keyset => &[("pagination", "keyset"), ("order_by", "id"), ("sort", "desc"), ("per_page", PER_PAGE)],
        };
        Self::Extra(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }
}

/// An endpoint at one page.
#[derive(Debug)]
struct OnePage<'a, E> {
    endpoint: &'a E,
    step: &'a Step,
}

impl<E: Endpoint> Endpoint for OnePage<'_, E> {
    fn method(&self) -> Method {
        self.endpoint.method()
    }

    fn endpoint(&self) -> Cow<'static, str> {
        self.endpoint.endpoint()
    }

    fn url_base(&self) -> UrlBase {
        self.endpoint.url_base()
    }

    fn parameters(&self) -> QueryParams<'_> {
        let (mut params, pairs) = match self.step {
            Step::Extra(pairs) => (self.endpoint.parameters(), pairs),
            Step::Linked(pairs) => (QueryParams::default(), pairs),
        };
        for (key, value) in pairs {
            params.push(key.as_str(), value.as_str());
        }
        params
    }

    fn body(&self) -> Result<Option<(&'static str, Vec<u8>)>, BodyError> {
        self.endpoint.body()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_link_is_found_among_others() {
        let header = r#"<https://g/a?page=1>; rel="first", <https://g/a?page=3&x=1,2>; rel="next""#;
        assert_eq!(next_link(header), Some("https://g/a?page=3&x=1,2"));
        assert_eq!(next_link(r#"<https://g/a?page=1>; rel="first""#), None);
        assert_eq!(next_link("<<<"), None);
        assert_eq!(next_link(""), None);
    }
}

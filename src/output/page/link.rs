//! Addresses: of our own pages, and of a job's page in GitLab. Names are encoded, whatever they are.

use url::Url;

use crate::observation::JobId;

/// The page of one tier.
pub(super) fn tier(name: &str) -> String {
    let own = Url::parse("http://tierwatch/").ok().and_then(|base| below(base, ["tiers", name]));
    own.map_or_else(|| "/".to_owned(), |url| url.path().to_owned())
}

/// A job's page in GitLab.
pub(super) fn gitlab_job(gitlab: &Url, project: &str, job: JobId) -> Option<String> {
    let id = job.to_string();
    let parts = project.split('/').chain(["-", "jobs", &id]);
    below(gitlab.clone(), parts).map(|url| url.to_string())
}

fn below<'a>(mut base: Url, parts: impl IntoIterator<Item = &'a str>) -> Option<Url> {
    base.path_segments_mut().ok()?.pop_if_empty().extend(parts);
    Some(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded_and_stay_on_their_host() {
        assert_eq!(tier("standard"), "/tiers/standard");
        assert_eq!(tier("a/b c?d#e%\u{e9}"), "/tiers/a%2Fb%20c%3Fd%23e%25%C3%A9");
        let gitlab = Url::parse("https://gitlab.example.com/relative/").unwrap();
        let page = |project| gitlab_job(&gitlab, project, JobId(7)).unwrap();
        assert_eq!(page("shop/checkout"), "https://gitlab.example.com/relative/shop/checkout/-/jobs/7");
        for hostile in ["//evil.example", "javascript:alert(1)", "../../x", "a?b#c", "@evil.example/"] {
            assert!(page(hostile).starts_with("https://gitlab.example.com/relative/"), "{}", page(hostile));
        }
    }
}

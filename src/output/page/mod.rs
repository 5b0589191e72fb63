//! The status page: rendered here, complete without JavaScript, nothing from elsewhere.
//!
//! Names of jobs and projects, evidence and failure details are other people's text: they pass through
//! [`words::plain`] and the template's escaping, and a strict policy stands behind both. One small script of our own
//! renews the page in place; without it the browser loads the page again.

mod bar;
mod boundaries;
mod firing;
mod job;
mod link;
mod one_tier;
mod overview;
mod past;
mod runbook;
mod sources;
mod spark;
mod supply;
mod tier;

use std::cmp::Reverse;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, html};

use crate::model::assessment::{Assessment, TierAssessment, TierState};
use crate::model::policy::Urgency;

pub(super) use boundaries::show as boundaries;
pub(super) use job::show as job;
pub(super) use one_tier::show as tier;
pub(super) use overview::show;
pub(super) use runbook::{no_runbook, runbook};

/// Where the style sheet and the script are served: files of their own, so that the page needs nothing inline.
pub(super) const STYLE_PATH: &str = "/style.css";
pub(super) const SCRIPT_PATH: &str = "/page.js";

/// How often the page renews itself, in seconds: the queue is read about as often.
const REFRESH: u32 = 15;

/// Of one version of tierwatch: a page of another one must not take them for its own.
const CACHED: (HeaderName, &str) = (CACHE_CONTROL, "max-age=300");

pub(super) async fn style() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8"), CACHED], include_str!("style.css"))
}

pub(super) async fn script() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8"), CACHED], include_str!("page.js"))
}

fn answer(status: StatusCode, page: Markup) -> Response {
    (status, [(CONTENT_TYPE, "text/html; charset=utf-8")], page.into_string()).into_response()
}

/// What all pages have in common.
fn shell(title: &str, head: Markup, main: Markup) -> Markup {
    let version = env!("CARGO_PKG_VERSION");
    html! {
        (DOCTYPE)
        html lang="en" data-version=(version) data-refresh=(REFRESH) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                noscript { meta http-equiv="refresh" content=(REFRESH); }
                title { (title) " · tierwatch" }
                link rel="stylesheet" href={ (STYLE_PATH) "?" (version) };
                script src={ (SCRIPT_PATH) "?" (version) } defer {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                nav.site aria-label="tierwatch" {
                    a.brand href="/" { "tierwatch" }
                    a href="/boundaries" { "boundaries" }
                    // The script shows it: without one there is nothing to pause.
                    button #pause type="button" hidden { "Pause renewing" }
                }
                div #stale role="status" {}
                header #head { (head) }
                main #main tabindex="-1" { (main) }
                footer {
                    p {
                        "This page renews itself every " (REFRESH) " s. The same as JSON: "
                        a href="/api/v1/tiers" { "tiers" } ", " a href="/api/v1/alerts" { "alerts" } ", "
                        a href="/api/v1/sources" { "sources" } ", " a href="/api/v1/boundaries" { "boundaries" }
                        "; as metrics: " a href="/metrics" { "/metrics" } "."
                    }
                    p { "tierwatch " (version) }
                }
            }
        }
    }
}

/// A page that says why there is nothing else to say; `more` stands below.
fn nothing(title: &str, why: &str, more: Markup) -> Markup {
    shell(title, html! { h1 { (title) } }, html! { p { (why) } (more) p { a href="/" { "All tiers" } } })
}

/// The worst first; of the same state by the most urgent alert, then those that wake somebody, then those with the most to wait for.
fn worst_first(assessment: &Assessment) -> Vec<&TierAssessment> {
    let mut tiers: Vec<_> = assessment.tiers.iter().collect();
    tiers.sort_by_cached_key(|tier| {
        let queue = tier.queue.as_ref();
        let waits = queue.map(|queue| (queue.overdue, queue.oldest, queue.pending));
        let wakes = tier.urgency == Urgency::Page;
        let alert = firing::most_urgent(assessment, &tier.name);
        (tier.state, alert.is_none(), alert, Reverse(wakes), Reverse(waits))
    });
    tiers
}

/// `a`, `a and b`, `a, b and 3 more`.
fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [one, two] => format!("{one} and {two}"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more", rest.len()),
    }
}

fn percent(part: f64) -> String {
    format!("{:.0} %", (part * 100.0).floor())
}

/// A time of day, with the date in the machine-readable part.
fn clock(at: Timestamp) -> Markup {
    html! { time datetime=(at) title=(at.strftime("%Y-%m-%d %H:%M:%S UTC")) { (at.strftime("%H:%M:%S UTC")) } }
}

/// The state as a word for people.
const fn state_word(state: TierState) -> &'static str {
    match state {
        TierState::Down => "Down",
        TierState::Hurting => "Hurting",
        TierState::Blind => "Blind",
        TierState::Degraded => "Degraded",
        TierState::Fine => "As promised",
    }
}

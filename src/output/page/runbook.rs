//! A runbook as a page. The texts are our own, so their markup is trusted.

use maud::{Markup, PreEscaped, html};
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd, html::push_html};

use super::{nothing, shell};

pub(in crate::output) fn runbook(name: &str, text: &str) -> Markup {
    let mut body = String::new();
    push_html(&mut body, without_title(Parser::new_ext(text, Options::ENABLE_TABLES)));
    let head = html! { h1 { (name) } p.basis { "The runbook of this alert, as this version of tierwatch knows it." } };
    shell(name, head, html! { section.part.runbook aria-label=(name) { (PreEscaped(body)) } })
}

pub(in crate::output) fn no_runbook(names: &[&str]) -> Markup {
    let known = html! { ul { @for name in names { li { a href={ "/runbooks/" (name) } { (name) } } } } };
    nothing("There is no such runbook", "There are:", known)
}

/// The title is the page's, which has it already.
fn without_title<'a>(events: impl Iterator<Item = Event<'a>>) -> impl Iterator<Item = Event<'a>> {
    let mut inside = false;
    events.filter(move |event| {
        inside |= matches!(event, Event::Start(Tag::Heading { level: HeadingLevel::H1, .. }));
        let shown = !inside;
        inside &= !matches!(event, Event::End(TagEnd::Heading(HeadingLevel::H1)));
        shown
    })
}

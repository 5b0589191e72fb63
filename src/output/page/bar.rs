//! A start as a bar of its phases.

use std::time::Duration;

use maud::{Markup, html};

use crate::model::assess::human_duration;
use crate::model::occurrence::Phase;
use crate::output::words;

/// The bar with its legend. Widths are attributes of the drawing: the page's policy forbids inline style.
pub(super) fn phases(caption: &str, phases: &[(Phase, Duration)]) -> Markup {
    let total: Duration = phases.iter().map(|(_, took)| *took).sum();
    if total.is_zero() {
        return html! {};
    }
    let mut left = 0.0;
    let bars = phases.iter().map(|(phase, took)| {
        let width = 100.0 * took.as_secs_f64() / total.as_secs_f64();
        let bar = (*phase, left, width);
        left += width;
        bar
    });
    html! {
        figure.phases {
            figcaption { (caption) ": " (human_duration(total)) }
            svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true" {
                @for (phase, x, width) in bars {
                    rect class=(phase.as_str()) x=(format!("{x:.2}")) y="0" width=(format!("{width:.2}")) height="4" {}
                }
            }
            ul.legend {
                @for (phase, took) in phases {
                    li { span class={ "key " (phase.as_str()) } {} (phase_word(*phase)) " " b { (words::phase_time(*took)) } }
                }
            }
        }
    }
}

const fn phase_word(phase: Phase) -> &'static str {
    match phase {
        Phase::Queue => "in GitLab's queue",
        Phase::Dispatch => "pod made",
        Phase::Schedule => "node found",
        Phase::Sandbox => "network and volumes",
        Phase::Containers => "images and start",
    }
}

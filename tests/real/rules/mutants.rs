//! Rules changed on purpose: a change that no story finds is a hole in the stories.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tierwatch::rules::{Group, Rule};

use super::stories::{self, Story};
use super::{alerts, budget, of_alert, play};
use crate::support::{parts, say};

/// Changes that change nothing that can be seen, each with its reason.
const HARMLESS: &[(&str, &str, &str)] = &[(
    alerts::BURN,
    "keep_firing_for removed",
    "its windows of minutes to days end slowly by themselves; it only bridges an evaluation without data",
)];

/// A rule changed in one way.
struct Mutant {
    alert: &'static str,
    how: &'static str,
    rule: String,
    groups: Vec<Group>,
    stories: Vec<Story>,
}

type Change = fn(&mut Rule) -> bool;

/// Each way of changing a rule; `false` where a rule cannot be changed so.
const CHANGES: &[(&str, Change)] = &[
    ("negated", |rule| {
        edit(rule, |expr| expr.replace(" == 1", " != 1").replace(" == 0", " != 0").replace(" > ", " < "))
    }),
    ("threshold × 10", |rule| edit(rule, ten_times)),
    ("for × 10", |rule| patience(rule, |pending| pending * 10)),
    ("for removed", |rule| patience(rule, |_| Duration::ZERO)),
    ("keep_firing_for removed", |rule| match rule {
        Rule::Alert { keep_firing_for, .. } => keep_firing_for.take().is_some(),
        Rule::Record { .. } => false,
    }),
    ("severity changed", |rule| match rule {
        Rule::Alert { labels, .. } => {
            let severity = labels.iter_mut().find(|(name, _)| *name == "severity");
            severity.is_some_and(|(_, severity)| {
                let other = if severity == "warning" { "critical" } else { "warning" };
                *severity = other.to_owned();
                true
            })
        }
        Rule::Record { .. } => false,
    }),
];

fn edit(rule: &mut Rule, change: impl Fn(&str) -> String) -> bool {
    let (Rule::Alert { expr, .. } | Rule::Record { expr, .. }) = rule;
    let changed = change(expr);
    let differs = changed != *expr;
    *expr = changed;
    differs
}

/// Every number behind a comparison, but zero.
fn ten_times(expr: &str) -> String {
    let words = expr.split_inclusive([' ', '\n', ')']);
    let mut after = false;
    let mut text = String::new();
    for word in words {
        let bare = word.trim_end_matches([' ', '\n', ')']);
        match bare.parse::<f64>() {
            Ok(number) if after && number != 0.0 => {
                text.push_str(&format!("{}{}", number * 10.0, &word[bare.len()..]));
            }
            _ => text.push_str(word),
        }
        after = ["==", ">", ">="].contains(&bare);
    }
    text
}

fn patience(rule: &mut Rule, change: impl Fn(Duration) -> Duration) -> bool {
    let Rule::Alert { pending, .. } = rule else { return false };
    let before = *pending;
    *pending = change(before);
    *pending != before
}

/// Every mutant of one alert, with the stories that must find it. The start budget's rules are each of one tier.
fn mutants_of(alert: &'static str, groups: &[Group]) -> Vec<Mutant> {
    if alert != alerts::BURN {
        return mutants_among(alert, &of_alert(groups, alert), &stories::of(alert)[..2], true);
    }
    let of_budget = of_alert(groups, alert);
    let of_tier = |tier: usize| {
        let name = budget::TIERS[tier].0;
        let other =
            |rule: &Rule| matches!(rule, Rule::Alert { labels, .. } if !labels.contains(&("tier", name.to_owned())));
        let mut groups = of_budget.clone();
        groups.iter_mut().for_each(|group| group.rules.retain(|rule| !other(rule)));
        // What is recorded is recorded for all tiers alike.
        mutants_among(alert, &groups, &budget::stories_of(tier), tier == 0)
    };
    (0..budget::TIERS.len()).flat_map(of_tier).collect()
}

fn mutants_among(alert: &'static str, groups: &[Group], stories: &[Story], records: bool) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    for (at, group) in groups.iter().enumerate() {
        for (place, rule) in group.rules.iter().enumerate() {
            let name = match rule {
                Rule::Record { .. } if !records => continue,
                Rule::Record { record, .. } => record.clone(),
                Rule::Alert { labels, expr, .. } => format!("{labels:?} {}", expr.lines().next().unwrap_or_default()),
            };
            let mutant = |how, groups| Mutant { alert, how, rule: name.clone(), groups, stories: stories.to_vec() };
            let mut dropped = groups.to_vec();
            dropped[at].rules.remove(place);
            dropped.retain(|group| !group.rules.is_empty());
            mutants.push(mutant("dropped", dropped));
            for (how, change) in CHANGES {
                let mut changed = groups.to_vec();
                if change(&mut changed[at].rules[place]) {
                    mutants.push(mutant(how, changed));
                }
            }
        }
    }
    mutants
}

pub fn hunt(groups: &[Group]) {
    let program = parts::promtool();
    let mutants: Vec<Mutant> = alerts::names().into_iter().flat_map(|name| mutants_of(name, groups)).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut alive = Vec::new();
        while let Some(mutant) = mutants.get(next.fetch_add(1, Ordering::Relaxed)) {
            if survives(&program, mutant) {
                alive.push(format!("{} {}: {}", mutant.alert, mutant.how, mutant.rule));
            }
        }
        alive
    };
    let alive: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a worker ends")).collect()
    });
    let mut table = String::new();
    for how in ["dropped"].into_iter().chain(CHANGES.iter().map(|(how, _)| *how)) {
        let all = mutants.iter().filter(|mutant| mutant.how == how).count();
        let left = alive.iter().filter(|told| told.contains(how)).count();
        table.push_str(&format!("\n  {how:<24} {all:>4} mutants, {:>4} found or listed", all - left));
    }
    say(&format!("rules changed on purpose:{table}"));
    assert!(alive.is_empty(), "no story finds:\n{}", alive.join("\n"));
}

fn survives(program: &Path, mutant: &Mutant) -> bool {
    let known = HARMLESS.iter().any(|(alert, how, _)| *alert == mutant.alert && *how == mutant.how);
    !known && play(program, &mutant.groups, &mutant.stories).is_ok()
}

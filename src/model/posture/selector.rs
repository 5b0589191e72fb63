//! Whether label selectors together leave a pod out, and which pods one of them means.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::observation::{Operator, PodShape, Requirement, Selector};

/// Steps of the search for a pod that is left out; a handful of policies needs a handful.
const MOST_STEPS: usize = 20_000;

/// The pods that no selector of a list means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeftOut {
    /// None: whatever labels a pod has, it is meant.
    Nobody,
    /// A pod with these labels, e.g.; `None` is a label that it does not have.
    Pod(Labels),
    /// The selectors are more than can be judged, or cannot be read.
    Unknown,
}

/// Labels of a pod; what is `None` is not there.
pub type Labels = BTreeMap<Arc<str>, Option<Arc<str>>>;

/// Looks for labels that every selector refuses. Exact: beside the values that the selectors name, one that
/// they do not name stands for all others.
#[must_use]
pub fn left_out<'a>(selectors: impl Iterator<Item = &'a Selector>) -> LeftOut {
    let selectors: Vec<&Selector> = selectors.collect();
    if selectors.iter().any(|selector| selector.requirements.is_empty()) {
        return LeftOut::Nobody;
    }
    if selectors.iter().flat_map(|selector| &selector.requirements).any(|one| one.operator == Operator::Unreadable) {
        return LeftOut::Unknown;
    }
    let mut search = Search { selectors: &selectors, labels: Labels::new(), steps: 0 };
    match search.refuse(0) {
        Some(true) => LeftOut::Pod(search.labels),
        Some(false) => LeftOut::Nobody,
        None => LeftOut::Unknown,
    }
}

struct Search<'a> {
    selectors: &'a [&'a Selector],
    labels: Labels,
    steps: usize,
}

impl Search<'_> {
    /// Whether labels can be found that the selectors from `at` on refuse; `None` when that takes too long.
    fn refuse(&mut self, at: usize) -> Option<bool> {
        let Some(selector) = self.selectors.get(at) else { return Some(true) };
        for requirement in &selector.requirements {
            for value in self.breaking(requirement) {
                self.steps += 1;
                if self.steps > MOST_STEPS {
                    return None;
                }
                let known = self.labels.contains_key(&requirement.key);
                self.labels.insert(Arc::clone(&requirement.key), value);
                if self.refuse(at + 1)? {
                    return Some(true);
                }
                if !known {
                    self.labels.remove(&requirement.key);
                }
            }
        }
        Some(false)
    }

    /// Values of the label with which the requirement does not hold; the one it has already, or none, where it has one.
    fn breaking(&self, requirement: &Requirement) -> Vec<Option<Arc<str>>> {
        let candidates = match self.labels.get(&requirement.key) {
            Some(chosen) => vec![chosen.clone()],
            None => self.candidates(&requirement.key),
        };
        candidates.into_iter().filter(|value| !holds(requirement, value.as_ref())).collect()
    }

    fn candidates(&self, key: &Arc<str>) -> Vec<Option<Arc<str>>> {
        let of_key = self.selectors.iter().flat_map(|selector| &selector.requirements).filter(|one| one.key == *key);
        let mut named: Vec<Arc<str>> = of_key.flat_map(|one| one.values.iter().cloned()).collect();
        named.sort_unstable();
        named.dedup();
        let mut other = "any".to_owned();
        while named.iter().any(|value| **value == *other) {
            other.push('x');
        }
        [None, Some(other.into())].into_iter().chain(named.into_iter().map(Some)).collect()
    }
}

fn holds(requirement: &Requirement, value: Option<&Arc<str>>) -> bool {
    let among = value.is_some_and(|value| requirement.values.contains(value));
    match requirement.operator {
        Operator::In => among,
        Operator::NotIn => !among,
        Operator::Exists => value.is_some(),
        Operator::DoesNotExist => value.is_none(),
        Operator::Unreadable => false,
    }
}

/// Whether a selector means pods of a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// All of them.
    All,
    /// It depends on a label that differs from job to job, or cannot be read.
    Some,
    /// None of them.
    None,
}

/// Which pods of this shape the selector means.
#[must_use]
pub fn means(selector: &Selector, shape: &PodShape) -> Means {
    let of = |requirement: &Requirement| {
        let label = shape.labels.iter().find(|(key, _)| *key == requirement.key);
        match (requirement.operator, label) {
            (Operator::Unreadable, _) | (Operator::In | Operator::NotIn, Some((_, None))) => Means::Some,
            (Operator::Exists, Some(_)) | (Operator::DoesNotExist, None) => Means::All,
            (Operator::Exists, None) | (Operator::DoesNotExist, Some(_)) => Means::None,
            (Operator::In | Operator::NotIn, label) => {
                match holds(requirement, label.and_then(|(_, value)| value.as_ref())) {
                    true => Means::All,
                    false => Means::None,
                }
            }
        }
    };
    selector.requirements.iter().map(of).fold(Means::All, |all, one| match (all, one) {
        (Means::None, _) | (_, Means::None) => Means::None,
        (Means::Some, _) | (_, Means::Some) => Means::Some,
        (Means::All, Means::All) => Means::All,
    })
}

/// The labels in words: `with app=web and without tier`.
#[must_use]
pub fn in_words(labels: &Labels) -> String {
    let mut text = String::new();
    for (key, value) in labels.iter().take(4) {
        let joint = if text.is_empty() { "" } else { " and " };
        // Writing into a String cannot fail.
        let _ = match value {
            Some(value) => write!(text, "{joint}with the label {key}={value}"),
            None => write!(text, "{joint}without the label {key}"),
        };
    }
    if text.is_empty() { "any pod".into() } else { format!("a pod {text}") }
}

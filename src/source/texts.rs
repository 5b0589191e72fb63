//! Texts of a collection: bounded, and each kept once.
//!
//! Twenty thousand pods of a few templates share images, node names, service accounts and the scheduler's
//! sentence; ten thousand jobs share projects, refs and tags, and come anew with every poll. Keeping each text once
//! is what lets them fit into a few megabytes.

use std::collections::HashSet;
use std::sync::Arc;

use crate::observation::JobReport;

/// Names, labels, reasons: Kubernetes allows 253 characters.
const NAME_BYTES: usize = 253;
/// Sentences of the scheduler, the kubelet and autoscalers. A scheduler's sentence over many nodes and a pull
/// error that repeats its reference four times stay below 4 kB.
const MESSAGE_BYTES: usize = 8 * 1024;
/// How many texts are kept before the unused ones are looked for.
const FIRST_SWEEP: usize = 4096;

/// Texts seen so far. One per source, so there is no lock.
#[derive(Debug)]
pub struct Texts {
    pool: HashSet<Arc<str>>,
    sweep_at: usize,
}

impl Default for Texts {
    fn default() -> Self {
        Self { pool: HashSet::new(), sweep_at: FIRST_SWEEP }
    }
}

impl Texts {
    /// A name, label or reason.
    pub(super) fn name(&mut self, text: &str) -> Arc<str> {
        self.share(cut(text, NAME_BYTES))
    }

    /// A sentence.
    pub(super) fn message(&mut self, text: &str) -> Arc<str> {
        self.share(cut(text, MESSAGE_BYTES))
    }

    /// A job's texts, which its source has bounded already.
    pub(super) fn of_job(&mut self, job: &mut JobReport) {
        let some = [&mut job.project_path, &mut job.git_ref, &mut job.failure_reason];
        let tags = job.tags.iter_mut().flatten();
        for text in some.into_iter().flatten().chain(tags).chain([&mut job.name]) {
            *text = self.share(text);
        }
    }

    fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.pool.get(text) {
            return Arc::clone(known);
        }
        if self.pool.len() >= self.sweep_at {
            // Texts of pods that are gone. The bound then follows what is in use, so a sweep stays rare.
            self.pool.retain(|text| Arc::strong_count(text) > 1);
            self.sweep_at = (self.pool.len() * 2).max(FIRST_SWEEP);
        }
        let text: Arc<str> = text.into();
        self.pool.insert(Arc::clone(&text));
        text
    }
}

/// The longest beginning of `text` that has at most `bytes` bytes.
pub(super) fn cut(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_kept_once() {
        let mut texts = Texts::default();
        assert!(Arc::ptr_eq(&texts.name("build"), &texts.name("build")));
    }

    #[test]
    fn texts_out_of_use_are_forgotten() {
        let mut texts = Texts::default();
        let kept = texts.name("kept");
        for number in 0..10 * FIRST_SWEEP {
            texts.name(&number.to_string());
        }
        assert!(texts.pool.len() <= FIRST_SWEEP + 1, "{} texts", texts.pool.len());
        assert!(Arc::ptr_eq(&kept, &texts.name("kept")));
    }

    #[test]
    fn a_cut_never_splits_a_character() {
        assert_eq!(cut("aßb", 2), "a");
        assert_eq!(cut("aßb", 3), "aß");
        assert_eq!(Texts::default().message(&"é".repeat(MESSAGE_BYTES)).len(), MESSAGE_BYTES);
    }
}

//! Seeded chance: the same seed tells the same story.

use jiff::SignedDuration;

/// A small seeded random number generator.
#[derive(Debug)]
pub(crate) struct Chance(fastrand::Rng);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// Between two numbers of seconds, in whole milliseconds: that is what GitLab keeps.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> SignedDuration {
        millis((low + (high - low) * self.0.f64()) * 1000.0)
    }

    /// The time to the next of `per_hour` independent events.
    pub(crate) fn interval(&mut self, per_hour: f64) -> SignedDuration {
        let uniform = 1.0 - self.0.f64(); // never 0, so that its logarithm is finite
        millis(-uniform.ln() / per_hour * 3_600_000.0)
    }

    pub(crate) fn happens(&mut self, probability: f64) -> bool {
        self.0.f64() < probability
    }

    /// A position in a list of `length`; 0 for an empty one.
    pub(crate) fn position(&mut self, length: usize) -> usize {
        if length == 0 { 0 } else { self.0.usize(..length) }
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.position(from.len()))
    }

    /// Lower-case letters and digits, as GitLab and Kubernetes append to names.
    pub(crate) fn word(&mut self, length: usize) -> String {
        const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789"; // no vowels: no words by accident
        (0..length).map(|_| char::from(self.pick(LETTERS).copied().unwrap_or(b'x'))).collect()
    }

    pub(crate) fn uid(&mut self) -> String {
        let (a, b) = (self.0.u64(..), self.0.u64(..));
        format!(
            "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            a >> 32,
            a >> 16 & 0xffff,
            a & 0xfff,
            b >> 52,
            b & 0xffff_ffff_ffff
        )
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a float beyond i64 saturates, and no delay is that long")]
fn millis(value: f64) -> SignedDuration {
    SignedDuration::from_millis(value.max(0.0) as i64)
}

//! The fuzz targets' entry points on their corpus and on mutations of it, without nightly.

use std::path::Path;

use proptest::prelude::*;
use tierwatch::cause::{MAX_MESSAGE, classify};

#[path = "../fuzz/entry.rs"]
mod entry;

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new("fuzz/corpus").join(name);
    let mut files: Vec<_> =
        std::fs::read_dir(&folder).expect("the corpus is there").map(|file| file.expect("a file").path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).expect("the file can be read")).collect()
}

#[test]
fn every_seed_is_answered() {
    for (name, run) in entry::ALL {
        let seeds = corpus(name);
        assert!(seeds.len() >= 5, "{name} has only {} seeds", seeds.len());
        seeds.iter().for_each(|seed| run(seed));
    }
}

/// Work is bounded by size: what stands behind the bound is not read at all.
#[test]
fn a_megabyte_is_cut_at_the_bound() {
    // A share of them: in a debug build each megabyte takes a while.
    for seed in corpus("message").iter().step_by(9) {
        let seed = String::from_utf8_lossy(seed);
        let filled = format!("{seed}{}", ", 1 x".repeat(MAX_MESSAGE / 5 + 1));
        let megabyte = filled.repeat(16);
        let judge = |text: &str| classify(None, None, None, text);
        assert_eq!(judge(&filled[..filled.floor_char_boundary(MAX_MESSAGE)]), judge(&megabyte));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    /// Cut, spliced, doubled and flipped.
    #[test]
    fn every_mutation_is_answered(
        target in 0..entry::ALL.len(),
        picks in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
        cuts in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        times in 1_usize..4,
    ) {
        let (name, run) = entry::ALL[target];
        let seeds = corpus(name);
        let (head, tail) = (picks.0.get(&seeds), picks.1.get(&seeds));
        let mut data = head[..cuts.0.index(head.len() + 1)].to_vec();
        data.extend_from_slice(&tail[cuts.1.index(tail.len() + 1)..]);
        let mut data = data.repeat(times);
        for (at, byte) in flips {
            if !data.is_empty() {
                let at = at.index(data.len());
                data[at] = byte;
            }
        }
        run(&data);
    }
}

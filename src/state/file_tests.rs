use std::os::unix::fs::PermissionsExt as _;

use proptest::prelude::*;

use super::*;
use crate::observation::{JobId, LookUp, ProjectId, SourceKey, SourceKind};
use crate::state::memory::MOST_KEYS;

const DAY: Duration = Duration::from_secs(86_400);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_900_000_000 + seconds).expect("this century")
}

fn identity(gitlab: &str) -> Identity {
    let text = serde_json::json!({ "gitlab": gitlab, "cluster": 1, "tiers": 2 });
    serde_json::from_value(text).expect("the shape of an identity")
}

fn ours() -> Identity {
    identity("https://gitlab.example.com/")
}

fn entry(seconds: i64, keys: &[u64]) -> Entry {
    Entry { keys: keys.to_vec(), ..Entry::new(at(seconds)) }
}

/// A folder with a state file: floor 0, keys 1 to 3, one open job, one source.
fn written() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state");
    let mut file = StateFile::open(&path, ours(), at(0), DAY).expect("it can be used");
    file.add(&entry(1, &[1])).expect("the disk works");
    let mut second = entry(2, &[2, 3]);
    second.opened = [7, 8].map(|job| LookUp { job: JobId(job), project: ProjectId(1) }).to_vec();
    second.seen = vec![(SourceKey::global(SourceKind::GitlabQueue), at(2))];
    file.add(&second).expect("the disk works");
    file.add(&Entry { closed: vec![8], ..Entry::new(at(3)) }).expect("the disk works");
    (folder, path)
}

fn read(path: &Path, seconds: i64) -> crate::observation::Earlier {
    StateFile::open(path, ours(), at(seconds), DAY).expect("it can be used").memory().earlier()
}

fn names(folder: &tempfile::TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).expect("it can be listed");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn what_was_written_is_read_again_by_the_next_run() {
    let (folder, path) = written();
    let earlier = read(&path, 10);
    assert_eq!((earlier.floor, earlier.keys), (at(0), vec![1, 2, 3]));
    assert_eq!(earlier.open, [LookUp { job: JobId(7), project: ProjectId(1) }]);
    assert_eq!(earlier.seen, [(SourceKey::global(SourceKind::GitlabQueue), at(2))]);
    assert_eq!(names(&folder), ["state", "state.lock"]);
    for name in names(&folder) {
        let mode = fs::metadata(folder.path().join(name)).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn what_is_forgotten_raises_the_floor() {
    let (_folder, path) = written();
    let earlier = read(&path, 2 + 86_400);
    assert_eq!((earlier.floor, earlier.keys), (at(2), vec![2, 3]));
    assert_eq!(read(&path, -100).floor, at(-100), "a clock that was set back does not stop the counting");
}

#[test]
fn keys_are_bounded_in_number() {
    let mut memory = Memory::new(ours(), at(0));
    for second in 0..=i64::try_from(MOST_KEYS / 1000).expect("a small number") {
        let first = 1000 * u64::try_from(second).expect("not negative");
        memory.take(&entry(second, &(first..first + 1000).collect::<Vec<_>>()));
    }
    memory.forget(at(1000), DAY);
    let earlier = memory.earlier();
    assert!(earlier.keys.len() <= MOST_KEYS && earlier.floor > at(0), "{} {}", earlier.keys.len(), earlier.floor);
    let (header, entries) = memory.lines();
    assert_eq!(Memory::read(header, entries).earlier(), earlier);
}

#[test]
fn a_journal_is_written_anew_before_it_grows_without_bound() {
    let (_folder, path) = written();
    let mut file = StateFile::open(&path, ours(), at(10), DAY).expect("it can be used");
    // The same thousand keys again and again: 20 KB a line.
    let keys: Vec<u64> = (u64::MAX - 1000..u64::MAX).collect();
    let most = (0..200).map(|second| {
        file.add(&entry(10 + second, &keys)).expect("the disk works");
        fs::metadata(&path).expect("it is there").len()
    });
    assert!(most.max().expect("some") < 2 * ADDED);
    drop(file);
    assert_eq!(read(&path, 300).keys.len(), 1003);
}

#[test]
fn a_file_that_cannot_be_used_is_set_aside_and_told_why() {
    let of_another = {
        let memory = Memory::new(identity("https://other.example.com/"), at(0));
        journal::line(&memory.lines().0)
    };
    let newer = journal::line(&serde_json::json!({ "tierwatch_state": 2, "whatever": [] }));
    for (bytes, why) in [
        (b"something else\n".to_vec(), "line 1 is damaged or no line of a state file"),
        (b"something else without an end".to_vec(), "line 1 is damaged or no line of a state file"),
        (newer, "it has format 2, and this tierwatch reads format 1"),
        (of_another, "it is about https://other.example.com/, not about https://gitlab.example.com/"),
    ] {
        assert_eq!(understand(&bytes, &ours()).expect_err("it is refused").to_string(), why);
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state");
        fs::write(&path, &bytes).expect("the disk works");
        let earlier = read(&path, 10);
        assert_eq!((earlier.floor, earlier.keys.len()), (at(10), 0));
        assert_eq!(names(&folder), ["state.lock", "state.set-aside"]);
        assert_eq!(fs::read(folder.path().join("state.set-aside")).expect("it is kept"), bytes);
    }
}

#[test]
fn two_daemons_on_one_file_are_told() {
    let (_folder, path) = written();
    let first = StateFile::open(&path, ours(), at(10), DAY).expect("it can be used");
    let told = StateFile::open(&path, ours(), at(10), DAY).expect_err("it is in use").to_string();
    assert_eq!(told, format!("another tierwatch uses {}: each needs a file of its own", path.display()));
    drop(first);
    assert_eq!(read(&path, 10).keys.len(), 3);
}

#[test]
fn a_folder_that_is_not_there_is_told() {
    let path = Path::new("/nonexistent/state");
    let told = StateFile::open(path, ours(), at(0), DAY).expect_err("it is not there").to_string();
    assert!(told.starts_with("locking /nonexistent/state.lock: "), "{told}");
}

#[test]
fn a_disk_that_takes_nothing_costs_the_file_and_comes_back_whole() {
    let (folder, path) = written();
    let mut file = StateFile::open(&path, ours(), at(10), DAY).expect("it can be used");
    file.add(&entry(10, &[4])).expect("the disk works");
    // `/dev/full` takes nothing, as a full disk does.
    file.journal = Some(OpenOptions::new().write(true).open("/dev/full").expect("Linux has it"));
    let error = file.add(&entry(11, &[5])).expect_err("nothing fits");
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    file.withdraw().expect("taking away needs no room");
    assert_eq!(names(&folder), ["state.lock"], "no later run goes on from what is out of date");
    file.add(&entry(12, &[6])).expect("there is room again");
    drop(file);
    assert_eq!(read(&path, 20).keys, [1, 2, 3, 4, 5, 6]);
}

/// A file with its lines.
fn sample() -> Vec<u8> {
    let (_folder, path) = written();
    fs::read(path).expect("it was written")
}

#[test]
fn a_file_cut_anywhere_holds_what_was_whole() {
    let whole = sample();
    for length in 0..=whole.len() {
        let lines = whole[..length].iter().filter(|byte| **byte == b'\n').count();
        let memory = understand(&whole[..length], &ours()).expect("a cut file is no damaged one");
        let keys = memory.map(|memory| memory.earlier().keys.len());
        // The header; the first entry is written anew as one of its own and a rest; then two that were added.
        assert_eq!(keys, [None, Some(0), Some(1), Some(1), Some(3), Some(3)][lines], "cut at {length}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn a_changed_byte_is_never_taken_for_the_file(position in any::<prop::sample::Index>(), flip in 1_u8..) {
        let whole = sample();
        let mut changed = whole.clone();
        let at = position.index(whole.len());
        changed[at] ^= flip;
        let before = understand(&whole, &ours()).expect("it is whole").map(|memory| memory.earlier());
        // The very last byte ends the last line: without it that line was being written.
        if let Ok(read) = understand(&changed, &ours()) {
            prop_assert!(at == whole.len() - 1, "byte {at} was changed");
            prop_assert!(read.map(|memory| memory.earlier()) != before);
        }
    }

    #[test]
    fn no_text_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = understand(&bytes, &ours());
    }
}

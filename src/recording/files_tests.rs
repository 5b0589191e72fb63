use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;

use jiff::Timestamp;

use super::*;
use crate::observation::{Observation, SourceKey, SourceKind};
use crate::recording::format::{FORMAT, NameStyle, Signature};
use crate::recording::reader::{Heard, ReadError, Recording};
use crate::recording::recorder::Recorder;

fn at(second: u64) -> Now {
    let mono = Duration::from_secs(second);
    Now { wall: Timestamp::UNIX_EPOCH + mono, mono }
}

fn header() -> Header {
    let signature = Signature { format: FORMAT, program: "1.2.3".to_owned() };
    let (began, names) = (at(0), NameStyle::Plain);
    Header { signature, began, part: 1, before: 0, names, tiers: vec![], policy: 0, sources: vec![] }
}

fn settings(folder: &tempfile::TempDir) -> Settings {
    let file = folder.path().join("day.gz");
    Settings { file, max_bytes: u64::MAX, max_age: Duration::MAX, keep: 3, hash_names: false }
}

fn tick(second: u64) -> Line {
    let source = SourceKey::global(SourceKind::Clock);
    Line::Seen(Box::new(Observation { source, at: at(second), body: Body::Tick }))
}

/// The seconds that can be read, with `Err(lines)` for a gap, and whether the recording was cut off.
fn read(file: &Path) -> Result<(Vec<Result<u64, u64>>, bool), ReadError> {
    let mut recording = Recording::open(file)?;
    let mut told = Vec::new();
    while let Some(heard) = recording.next()? {
        told.push(match heard {
            Heard::Seen(observation) => Ok(observation.at.mono.as_secs()),
            Heard::Judged(now) => Ok(now.mono.as_secs()),
            Heard::Lost(lines) => Err(lines),
        });
    }
    Ok((told, recording.is_cut()))
}

fn whole(seconds: std::ops::Range<u64>) -> Vec<Result<u64, u64>> {
    seconds.map(Ok).collect()
}

fn finish(mut writer: Writer) {
    writer.part.take().unwrap().end().unwrap();
}

#[test]
fn the_desk_stops_and_the_recording_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let writer = Writer::create(settings(&folder), header()).unwrap();
    let (mut recorder, parcels) = Recorder::channel(None, 10);
    (0..5).for_each(|second| recorder.judged(at(second)));
    drop(recorder);
    writer.run(&parcels);
    let file = settings(&folder).file;
    assert_eq!(read(&file).unwrap(), (whole(0..5), false));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let again = Writer::create(settings(&folder), header()).unwrap_err();
    assert!(matches!(again, RecordError::Exists(_)) && again.to_string().contains("name another file"), "{again}");
}

#[test]
fn a_killed_daemon_costs_its_last_two_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(settings(&folder), header()).unwrap();
    (0..6).for_each(|second| writer.take(&tick(second)));
    // What the file holds while the writer still has the rest.
    let (told, cut) = read(&settings(&folder).file).unwrap();
    assert!(cut && told == whole(0..5), "{told:?}");
}

#[test]
fn a_file_cut_anywhere_is_read_up_to_its_last_complete_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(settings(&folder), header()).unwrap();
    (0..40).for_each(|second| writer.take(&tick(second)));
    finish(writer);
    let file = settings(&folder).file;
    let bytes = std::fs::read(&file).unwrap();
    let cut_file = folder.path().join("cut.gz");
    let mut longest = 0;
    for length in 0..bytes.len() {
        std::fs::write(&cut_file, &bytes[..length]).unwrap();
        match read(&cut_file) {
            Ok((told, cut)) => {
                assert!(told == whole(0..told.len() as u64) && told.len() >= longest, "{length}: {told:?}");
                assert!(cut || told.len() == 40, "{length}: not told");
                longest = told.len();
            }
            Err(error) => assert!(longest == 0 && matches!(error, ReadError::Empty(_)), "{length}: {error}"),
        }
    }
    assert_eq!(longest, 40);
}

#[test]
fn a_changed_byte_is_told_or_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(settings(&folder), header()).unwrap();
    (0..40).for_each(|second| writer.take(&tick(second)));
    finish(writer);
    let file = settings(&folder).file;
    let bytes = std::fs::read(&file).unwrap();
    let mut damaged = 0;
    // The gzip header holds no data: a name and a time that nobody reads.
    for place in 10..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 0x55;
        std::fs::write(&file, &changed).unwrap();
        match read(&file) {
            Ok((told, cut)) => assert!(cut || told == whole(0..40), "{place}: {told:?}"),
            Err(error) => damaged += usize::from(!error.is_wrong_file()),
        }
    }
    assert!(damaged > 100, "{damaged}");
}

#[test]
fn full_files_follow_one_another_and_the_oldest_goes() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { max_age: Duration::from_secs(10), ..settings(&folder) };
    let mut writer = Writer::create(settings.clone(), header()).unwrap();
    (0..25).for_each(|second| writer.take(&tick(second)));
    let (told, _) = read(&settings.file).unwrap();
    assert_eq!(told[..20], whole(0..20), "three files are kept");
    (25..45).for_each(|second| writer.take(&tick(second)));
    finish(writer);
    let mut expected = vec![Err(20)];
    expected.extend(whole(20..45));
    assert_eq!(read(&settings.file).unwrap(), (expected, false), "the reader knows what is gone");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    std::fs::remove_file(&settings.file).unwrap();
    assert!(read(&settings.file).is_ok(), "full parts alone can be read");
}

#[test]
fn a_full_disk_costs_a_gap_that_the_reader_sees() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(&folder);
    let mut writer = Writer::create(settings.clone(), header()).unwrap();
    (0..4).for_each(|second| writer.take(&tick(second)));
    // A file that refuses to be written to.
    let part = writer.part.as_mut().unwrap();
    part.gzip.flush().unwrap();
    part.gzip.get_mut().file = File::open(&settings.file).unwrap();
    (4..100).for_each(|second| writer.take(&tick(second)));
    assert!(writer.part.is_some(), "a minute later it goes on");
    finish(writer);
    let (told, cut) = read(&settings.file).unwrap();
    let gap = told.iter().position(Result::is_err).unwrap();
    let lost = told[gap].unwrap_err();
    assert_eq!(told[..gap], whole(0..gap as u64));
    assert_eq!(told[gap + 1..], whole(gap as u64 + lost..100), "not a line too few or too many");
    assert!(lost >= 60 && !cut, "{told:?}");
}

#[test]
fn what_is_no_recording_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x");
    let zipped = |text: &str| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let future = r#"{"tierwatch_recording":7,"program":"9.9.0","new":"words"}"#.to_owned() + "\n";
    let cases = [
        (b"apiVersion: v1\nkind: Config\n".to_vec(), "is no recording of tierwatch: it is not compressed as one", true),
        (zipped("{\"some\":\"log\"}\n"), "is no recording of tierwatch: its first line does not say so", true),
        (zipped(&future), "was written by tierwatch 9.9.0 in format 7; this program", true),
        (zipped(&future), "reads format 3: replay it with the version that wrote it", true),
        (Vec::new(), "holds no complete line", false),
    ];
    for (bytes, expected, wrong) in cases {
        std::fs::write(&file, bytes).unwrap();
        let error = read(&file).unwrap_err();
        assert!(error.to_string().contains(expected) && error.is_wrong_file() == wrong, "{error}");
    }
    let error = read(&folder.path().join("nowhere")).unwrap_err();
    assert!(matches!(error, ReadError::Io { .. }), "{error}");

    let mut first = serde_json::to_string(&header()).unwrap() + "\n";
    first += "{\"dreamt\":{}}\n";
    std::fs::write(&file, zipped(&first)).unwrap();
    let error = read(&file).unwrap_err().to_string();
    assert!(error.contains("is damaged after line 2") && error.contains("dreamt"), "{error}");
    let mut text = String::new();
    flate2::read::GzDecoder::new(File::open(&file).unwrap()).read_to_string(&mut text).unwrap();
    assert_eq!(text, first, "any gzip reads it");
}

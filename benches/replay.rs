//! How fast a recording is read and judged again: pod updates and ticks of a busy day, from a file.

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

mod platform;

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tierwatch::observation::{Body, Observation, SourceKey, SourceKind};
use tierwatch::recording::{Header, Recorder, Recording, Replay, Settings};

/// Story that is recorded: ten minutes, one poll in 15 s, a judgement a second.
const SECONDS: u64 = 600;

/// Waiting jobs in each poll.
const WAITING: usize = 200;

fn recorded(settings: &Settings) -> u64 {
    let header = Header::new(&platform::policy(), platform::keys(), platform::at(0), false);
    let (mut recorder, finished) = Recorder::start(settings.clone(), header).expect("a new file");
    let Body::Queue { scope, jobs } = platform::queue() else { panic!("a queue") };
    let jobs: Vec<_> = jobs.into_iter().take(WAITING).collect();
    let mut observations = 0;
    let mut say = |kind, second, body| {
        observations += 1;
        recorder.seen(&Observation { source: SourceKey::global(kind), at: platform::at(second), body });
    };
    for second in 0..SECONDS {
        if second % 15 == 0 {
            say(SourceKind::GitlabQueue, second, Body::Queue { scope, jobs: jobs.clone() });
        }
        say(SourceKind::Clock, second, Body::Tick);
    }
    (0..SECONDS).for_each(|second| recorder.judged(platform::at(second)));
    drop(recorder);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(finished.wait());
    observations
}

fn replay(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("bench.gz");
    let (max_bytes, max_age) = (u64::MAX, Duration::MAX);
    let settings = Settings { file: file.clone(), max_bytes, max_age, keep: 1, hash_names: false };
    let observations = recorded(&settings);
    let bytes = std::fs::metadata(&file).expect("a recording").len();
    let mut group = criterion.benchmark_group(format!("ten recorded minutes, 200 waiting jobs, {bytes} bytes"));
    group.sample_size(10);
    group.throughput(Throughput::Elements(observations));
    group.bench_function("replay", |bencher| {
        bencher.iter(|| {
            let recording = Recording::open(&file).expect("a recording");
            let mut replay = Replay::new(recording, platform::policy()).expect("the same tiers");
            black_box(replay.play(None, |_, _| {}).expect("a whole recording"))
        });
    });
    group.finish();
}

criterion_group!(benches, replay);
criterion_main!(benches);

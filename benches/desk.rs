//! The pure core at the size of a large platform: 5 tiers, 20,000 pods, 10,000 waiting jobs.

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

mod platform;

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tierwatch::model::assess::assess;
use tierwatch::observation::{Body, SourceKey, SourceKind};

fn desk(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("20,000 pods, 10,000 waiting jobs");
    group.sample_size(20);
    let mut fleet = platform::fleet();
    let updates = platform::updates(1000);
    group.throughput(Throughput::Elements(updates.len() as u64));
    group.bench_function("fold pod updates, each with a new verdict", |bencher| {
        let fold = |updates: Vec<_>| {
            for update in updates {
                black_box(fleet.apply(update));
            }
        };
        bencher.iter_batched(|| updates.clone(), fold, BatchSize::LargeInput);
    });
    group.throughput(Throughput::Elements(platform::JOBS));
    group.bench_function("fold a poll of the whole queue", |bencher| {
        let queue = SourceKey::global(SourceKind::GitlabQueue);
        let fold = |poll| black_box(platform::say(&mut fleet, queue.clone(), poll));
        bencher.iter_batched(platform::queue, fold, BatchSize::LargeInput);
    });
    group.throughput(Throughput::Elements(1));
    group.bench_function("judge", |bencher| bencher.iter(|| black_box(assess(&fleet, platform::at(601), None))));
    group.bench_function("let a second pass", |bencher| {
        bencher.iter(|| black_box(platform::say(&mut fleet, SourceKey::global(SourceKind::Clock), Body::Tick)));
    });
    group.finish();
}

criterion_group!(benches, desk);
criterion_main!(benches);

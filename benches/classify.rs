//! `classify` on real messages, one core: lines a second as the command reads them; reading the JSON alone is the
//! baseline in the same run. A message of a megabyte must be answered within milliseconds.

use std::hint::black_box;
use std::io::sink;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tierwatch::cause::classify;

fn lines() -> Vec<String> {
    let text = std::fs::read_to_string("tests/fixtures/messages/messages.jsonl").expect("the messages can be read");
    text.lines().map(str::to_owned).collect()
}

fn message(line: &str) -> String {
    let row: serde_json::Value = serde_json::from_str(line).expect("a message is JSON");
    row["message"].as_str().expect("a text").replace('\n', " ")
}

fn real_messages(criterion: &mut Criterion) {
    let lines = lines();
    let json = format!("{}\n", lines.join("\n"));
    let plain: String = lines.iter().map(|line| message(line) + "\n").collect();
    let mut group = criterion.benchmark_group("classify");
    group.throughput(Throughput::Elements(lines.len() as u64));
    group.bench_function("baseline: the same lines parsed as JSON only", |bencher| {
        bencher.iter(|| {
            for line in json.lines() {
                black_box(serde_json::from_str::<serde_json::Value>(line).expect("a message is JSON"));
            }
        });
    });
    group.bench_function("JSON lines with kind", |bencher| {
        bencher.iter(|| tierwatch::classify::run(json.as_bytes(), sink()).expect("nothing can fail"));
    });
    group.bench_function("plain lines, all families tried", |bencher| {
        bencher.iter(|| tierwatch::classify::run(plain.as_bytes(), sink()).expect("nothing can fail"));
    });
    group.finish();
}

fn one_megabyte(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("one megabyte");
    for (name, seed) in [
        ("taints", "1 node(s) had untolerated taint {a.example.com/b: c}, "),
        ("errors", "failed to do request: Head \"https://q.io/v2/\": EOF, "),
        ("quotes", "\" \\\" ' [{"),
        ("one word", "aaaaaaaa"),
    ] {
        let text = format!("0/9 nodes are available: {}", seed.repeat(1_000_000 / seed.len()));
        group.bench_function(name, |bencher| bencher.iter(|| black_box(classify(None, None, None, &text))));
    }
    group.finish();
}

criterion_group!(benches, real_messages, one_megabyte);
criterion_main!(benches);

//! Every story in `stories/`, played through the fleet; the ledger beside it is the expected text.

mod support;

#[test]
fn every_story_ends_as_written() {
    insta::glob!("stories/*.yaml", |path| {
        let yaml = std::fs::read_to_string(path).expect("a story can be read");
        insta::assert_snapshot!(support::story::play(&yaml));
    });
}

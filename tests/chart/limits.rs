//! What a scrape may have, against what one has.

use crate::files::{chart, read, root, yaml};

/// The figure of that row in the table of docs/performance.md, as it is written.
fn measured(what: &str) -> String {
    let page = read(&root().join("docs/performance.md"));
    let row = page.lines().find(|line| line.starts_with(&format!("| {what} |")));
    let row = row.unwrap_or_else(|| panic!("docs/performance.md has no row {what:?}"));
    row.split('|').nth(3).expect("the third column is the measured").trim().to_owned()
}

fn limit(name: &str) -> u64 {
    let values = yaml(&read(&chart().join("values.yaml")));
    values["monitoring"][name].as_u64().unwrap_or_else(|| panic!("monitoring.{name} is no number"))
}

fn number(figure: &str) -> u64 {
    figure.replace(',', "").parse().unwrap_or_else(|e| panic!("{figure:?}: {e}"))
}

/// C23: room for more than twice the largest platform measured, and still a limit. Whoever names the figure names this one.
#[test]
fn a_scrape_may_have_what_the_largest_platform_has() {
    let series = measured("`/metrics`, series");
    let (most, limit) = (number(&series), limit("sampleLimit"));
    assert!((2 * most..=5 * most).contains(&limit), "sampleLimit {limit}, and {series} series were measured");
    for file in ["deploy/chart/tierwatch/values.yaml", "deploy/chart/tierwatch/README.md", "docs/operations.md"] {
        assert!(read(&root().join(file)).contains(&series), "{file} does not name the {series} series measured");
    }
}

/// Two pods, a third while they are rolled; a limit below that would lose one of them.
#[test]
fn a_roll_out_is_within_the_limit_of_targets() {
    assert!(limit("targetLimit") >= 3);
}

/// C23: every label of every family, beside those that Prometheus and its operator add to a target.
#[test]
fn a_series_may_have_its_labels() {
    const OF_TARGETS: usize = 12;
    let text = read(&root().join("tests/snapshots/exposition__text.snap"));
    let (mut most, mut longest_name, mut longest_value) = (0, 0, 0);
    for series in text.lines().filter(|line| line.starts_with("tierwatch_")) {
        let Some((_, labels)) = series.split_once('{') else { continue };
        let parts: Vec<&str> = labels.split("=\"").collect();
        most = most.max(parts.len() - 1);
        for (name, value) in parts.iter().zip(&parts[1..]) {
            let name = name.rsplit(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').next().unwrap();
            longest_name = longest_name.max(name.len());
            longest_value = longest_value.max(value.split('"').next().unwrap().len());
        }
    }
    assert!(most >= 3 && longest_name >= 4, "only {most} labels were found");
    let room = |limit: u64| usize::try_from(limit).unwrap();
    assert!(most + OF_TARGETS <= room(limit("labelLimit")), "{most} labels");
    assert!(2 * longest_name <= room(limit("labelNameLengthLimit")), "{longest_name} letters");
    assert!(2 * longest_value <= room(limit("labelValueLengthLimit")), "{longest_value} letters");
}

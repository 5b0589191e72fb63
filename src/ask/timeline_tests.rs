use super::*;

const LATE: &str = r#"{
  "at": "2030-03-17T17:50:00Z", "id": 4711, "name": "build \u001b[31mamd64", "project": "kelp/reef", "ref": "main",
  "tags": ["tier-standard"], "state": "starting",
  "headline": "taken by a runner and not running after 3 min, longer than the promised 2 min; now its pod waits for a node: no node of the tier has enough cpu left",
  "place": "tier", "tiers": ["standard"], "missing_tags": [], "runner_id": 12, "runner_description": "linux",
  "queued_at": "2030-03-17T17:47:00Z", "started_at": "2030-03-17T17:47:30Z", "running_at": null, "finished_at": null,
  "start_within_seconds": 120.0, "took_seconds": 180.0,
  "phases": [
    {"phase": "queue", "seconds": 30.0, "open": false},
    {"phase": "dispatch", "seconds": 0.4, "open": false},
    {"phase": "schedule", "seconds": 149.6, "open": true}
  ],
  "outcome": "late", "failure_reason": null,
  "causes": [{
    "cause": "insufficient_cpu", "sentence": "no node of the tier has enough cpu left", "blame": "platform",
    "next_step": "Check whether the autoscaler is adding nodes, and raise the tier's limit if it may not.",
    "evidence": "0/5 nodes are available: 2 node(s) had untolerated taint(s), 3 Insufficient cpu."
  }],
  "refused_by_nodes": [{"cause": "insufficient_cpu", "nodes": 3}, {"cause": "untolerated_taint", "nodes": 2}],
  "pods": [{"uid": "u1", "namespace": "runners", "name": "runner-x", "node": null, "phase": "pending", "gone": false, "rejected": false}]
}"#;

fn told() -> Told {
    Told(serde_json::from_str(LATE).expect("the documented shape"))
}

#[test]
fn a_late_job_on_one_screen() {
    insta::assert_snapshot!(render(&told(), Paint { width: 80, colours: false }));
}

#[test]
fn colours_change_no_text() {
    let coloured = render(&told(), Paint { width: 80, colours: true });
    assert!(coloured.contains("\u{1b}[33m"), "{coloured}");
    assert_eq!(
        anstream::adapter::strip_str(&coloured).to_string(),
        render(&told(), Paint { width: 80, colours: false })
    );
}

#[test]
fn a_narrow_terminal_gets_a_short_bar() {
    for width in [0, 20, 40, 200] {
        let text = render(&told(), Paint { width, colours: false });
        let bar = text.lines().find(|line| line.starts_with("schedule")).expect("a row for each phase");
        assert!(bar.chars().count() <= width.clamp(39, NAME + TIME + WIDEST + 2), "{width}: {bar}");
    }
}

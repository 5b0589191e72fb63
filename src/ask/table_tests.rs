use super::*;

const TIERS: &str = r#"{
  "at": "2030-03-17T17:50:00Z", "complete": true, "out_of_scope_jobs": 3, "queue_coverage_ratio": 1.0,
  "tiers": [
    {"name": "standard", "state": "fine", "since": "2030-03-17T12:00:00Z", "headline": "no job waits",
     "queue": {"pending": 0, "oldest_seconds": 0.0, "overdue": 0}, "running": {"starting": 1, "executing": 14}, "causes": []},
    {"name": "evil\u001b[31m", "state": "melted", "since": "2030-03-17T17:49:00Z", "headline": "\u202eno\u001b]0;x\u0007",
     "queue": null, "running": null, "causes": []},
    {"name": "deployment", "state": "hurting", "since": "2030-03-17T17:36:30Z",
     "headline": "37 jobs waiting, the oldest for 13 min 30 s; 21 longer than the promised 2 min",
     "queue": {"pending": 37, "oldest_seconds": 810.5, "overdue": 21}, "running": {"starting": 9, "executing": 40},
     "causes": [{"count": 6, "sentence": "no node of the tier has enough free CPU for the pod", "blame": "platform",
                 "next_step": "see whether the node pool can still grow, or raise its maximum"}]}
  ]
}"#;

const SOURCES: &str = r#"{"sources": [
  {"source": "gitlab_queue", "namespace": null, "tiers": ["standard"], "up": false, "age_seconds": 720.0,
   "failure": "reading the queue: the token was refused (401)\u001b[2J"},
  {"source": "kube_pods", "namespace": "runners", "tiers": ["standard"], "up": true, "age_seconds": 4.0, "failure": null},
  {"source": "from_the_future", "namespace": null, "tiers": [], "up": null, "age_seconds": null, "failure": null}
]}"#;

fn overview() -> Overview {
    let read = "the documented shape";
    Overview {
        tiers: serde_json::from_str(TIERS).expect(read),
        sources: serde_json::from_str(SOURCES).expect(read),
        json: String::new(),
    }
}

#[test]
fn all_tiers_on_one_screen() {
    insta::assert_snapshot!(render(&overview(), Paint { width: 80, colours: false }));
}

#[test]
fn a_narrow_terminal_gets_fewer_columns_and_shorter_lines() {
    let text = render(&overview(), Paint { width: 44, colours: false });
    assert!(text.lines().all(|line| line.chars().count() <= 44), "{text}");
    insta::assert_snapshot!(text);
    let none = render(&overview(), Paint { width: 0, colours: false });
    assert!(none.contains("deployment"), "{none}");
}

#[test]
fn colours_change_no_text_and_strangers_bring_none() {
    let plain = render(&overview(), Paint { width: 80, colours: false });
    assert!(!plain.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{plain}");
    let coloured = render(&overview(), Paint { width: 80, colours: true });
    assert!(coloured.contains("\u{1b}[33m"), "{coloured}");
    let same = |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    assert_eq!(same(&anstream::adapter::strip_str(&coloured).to_string()), same(&plain));
}

#[test]
fn fine_means_every_tier_and_every_source() {
    let mut overview = overview();
    assert!(!overview.is_fine());
    overview.tiers.tiers.truncate(1);
    assert!(!overview.is_fine(), "a source is blind");
    overview.sources.sources.remove(0);
    assert!(overview.is_fine());
}

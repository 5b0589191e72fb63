//! The table of values in the chart's README, written from the schema.

use serde_json::Value;

use crate::files::{chart, generated, read};
use crate::schema::{schema, walk};

const BEGIN: &str = "<!-- values: written by the tests, from values.schema.json -->\n";
const END: &str = "<!-- end of values -->";

fn table() -> String {
    let schema = schema();
    let mut rows = String::from("| value | default | meaning |\n|---|---|---|\n");
    walk(&schema, "", &mut |path: &str, one: &Value| {
        let name = path.trim_start_matches('/').replace('/', ".");
        // The configuration has a page of its own; parts of a list or of an open mapping are no values, nor is a heading.
        let part = name.contains('*') || name.starts_with("config.");
        if part || (one.get("default").is_none() && name != "config") {
            return;
        }
        let default = match one.get("default") {
            Some(Value::String(text)) if !text.is_empty() => format!("`{text}`"),
            None | Some(Value::String(_)) => String::new(),
            Some(other) => format!("`{other}`"),
        };
        rows.push_str(&format!("| `{name}` | {default} | {} |\n", one["description"].as_str().unwrap()));
    });
    rows
}

#[test]
fn the_table_of_values_is_that_of_the_schema() {
    let path = chart().join("README.md");
    let text = read(&path);
    let (head, rest) = text.split_once(BEGIN).expect("the table has a beginning");
    let (_, tail) = rest.split_once(END).expect("the table has an end");
    generated(&path, &format!("{head}{BEGIN}\n{}\n{END}{tail}", table()));
}

//! What the documentation says works: every command, configuration, expression and link in it is run or parsed here.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[allow(dead_code, reason = "each test binary uses its own part")]
#[path = "../support/fake.rs"]
mod fake;
mod links;
mod pages;
#[allow(dead_code, reason = "the rules use the other part")]
#[path = "../rules/promql.rs"]
mod promql;
mod promql_blocks;
#[path = "../support/served.rs"]
mod served;
mod shell;
mod yaml;

use pages::{Block, pages};

/// The languages of code blocks, and who judges each.
const LANGUAGES: [&str; 7] = ["console", "sh", "yaml", "promql", "promql-before", "hcl", "text"];

#[test]
fn every_block_is_of_a_language_that_is_judged() {
    let mut seen = 0;
    for page in pages() {
        for Block { language, line, text, .. } in page.blocks() {
            assert!(LANGUAGES.contains(&language.as_str()), "{}:{line}: nobody judges {language:?}", page.name);
            assert!(language != "hcl" || hcl::parse(&text).is_ok(), "{}:{line}: no HCL", page.name);
            seen += 1;
        }
    }
    assert!(seen > 100, "only {seen} blocks were found");
}

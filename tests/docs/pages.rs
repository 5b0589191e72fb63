//! The pages, taken apart.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// One page.
pub struct Page {
    /// Its path in the repository.
    pub name: String,
    text: String,
    /// Where each line begins.
    starts: Vec<usize>,
}

/// A code block.
pub struct Block {
    pub language: String,
    pub text: String,
    /// Where it begins.
    pub line: usize,
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Every page for people: those at the top, `docs/` and `deploy/` with all below.
pub fn pages() -> Vec<Page> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(root()).unwrap() {
        let path = entry.unwrap().path();
        files.extend(path.extension().is_some_and(|extension| extension == "md").then_some(path));
    }
    for folder in ["docs", "deploy"] {
        below(&root().join(folder), &mut files);
    }
    files.sort();
    assert!(files.len() > 60, "only {} pages were found", files.len());
    files.iter().map(|path| Page::read(path)).collect()
}

fn below(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            below(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            files.push(path);
        }
    }
}

impl Page {
    fn read(path: &Path) -> Self {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        let text = std::fs::read_to_string(path).unwrap();
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { name, text, starts }
    }

    /// What is written, each with its line.
    fn events(&self) -> impl Iterator<Item = (Event<'_>, usize)> {
        let events = Parser::new_ext(&self.text, Options::ENABLE_TABLES).into_offset_iter();
        events.map(|(event, range)| (event, self.starts.partition_point(|start| *start <= range.start)))
    }

    /// Its code blocks.
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut open = false;
        for (event, line) in self.events() {
            if let Event::Start(Tag::CodeBlock(kind)) = event {
                let language = if let CodeBlockKind::Fenced(language) = kind {
                    language.to_string()
                } else {
                    "indented".to_owned()
                };
                blocks.push(Block { language, text: String::new(), line });
                open = true;
            } else if let Event::End(TagEnd::CodeBlock) = event {
                open = false;
            } else if let Event::Text(text) = event
                && open
            {
                blocks.last_mut().unwrap().text.push_str(&text);
            }
        }
        blocks
    }

    /// What stands between backticks in its sentences.
    pub fn inline_code(&self) -> Vec<(String, usize)> {
        let code = |(event, line)| if let Event::Code(text) = event { Some((text.to_string(), line)) } else { None };
        self.events().filter_map(code).collect()
    }

    /// Where its links and pictures lead.
    pub fn targets(&self) -> Vec<(String, usize)> {
        let mut targets = Vec::new();
        for (event, line) in self.events() {
            if let Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) = event {
                targets.push((dest_url.to_string(), line));
            }
        }
        targets
    }

    /// The anchors of its headings.
    pub fn anchors(&self) -> BTreeSet<String> {
        let mut anchors = BTreeSet::new();
        let mut heading: Option<String> = None;
        for (event, _) in self.events() {
            if let Event::Start(Tag::Heading { .. }) = event {
                heading = Some(String::new());
            } else if let Event::End(TagEnd::Heading(_)) = event {
                anchors.extend(heading.take().map(|text| anchor(&text)));
            } else if let Event::Text(text) | Event::Code(text) = event
                && let Some(heading) = &mut heading
            {
                heading.push_str(&text);
            }
        }
        anchors
    }
}

/// A heading as the forges write it into links.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept.chars().filter(|letter| letter.is_alphanumeric() || [' ', '-', '_'].contains(letter));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

//! `tierwatch classify`: one message a line in, one verdict a line out.

use std::borrow::Cow;
use std::io::{self, BufRead, Read, Write};

use serde::{Deserialize, Serialize};

use crate::cause::{Blame, Classified, Family, MAX_MESSAGE, classify};

/// A longer line is cut here; what follows is read and dropped.
const MAX_LINE: u64 = MAX_MESSAGE as u64;

/// A JSON line; plain text is the message alone.
#[derive(Debug, Default, Deserialize)]
struct Input<'a> {
    #[serde(default, borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    reason: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    source: Option<Cow<'a, str>>,
    #[serde(borrow)]
    message: Cow<'a, str>,
}

#[derive(Debug, Serialize)]
struct Output {
    kind: &'static str,
    cause: &'static str,
    causes: Vec<&'static str>,
    registry: Option<String>,
    blame: Blame,
}

#[derive(Debug, Serialize)]
struct Refusal {
    error: String,
}

/// Reads messages until the end of `input` and writes a verdict for each line to `output`. An empty line is
/// answered like any other, so that lines stay aligned.
///
/// # Errors
/// When reading or writing fails. A line that cannot be understood is answered with an `error`, never dropped.
pub fn run(mut input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    let mut line = Vec::new();
    while read_line(&mut input, &mut line)? {
        let text = String::from_utf8_lossy(&line);
        match answer(text.trim_end_matches(['\n', '\r'])) {
            Ok(verdict) => serde_json::to_writer(&mut output, &verdict)?,
            Err(error) => serde_json::to_writer(&mut output, &Refusal { error })?,
        }
        output.write_all(b"\n")?;
    }
    output.flush()
}

/// Reads one line, of which at most [`MAX_LINE`] bytes are kept. False at the end.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let read = input.by_ref().take(MAX_LINE).read_until(b'\n', line)?;
    if read as u64 == MAX_LINE && line.last() != Some(&b'\n') {
        input.skip_until(b'\n')?;
    }
    Ok(read > 0)
}

fn answer(line: &str) -> Result<Output, String> {
    let input = if line.trim_start().starts_with('{') {
        serde_json::from_str(line).map_err(|error| {
            format!("this line looks like JSON and is not {{\"kind\",\"reason\",\"source\",\"message\"}}: {error}")
        })?
    } else {
        Input { message: line.into(), ..Input::default() }
    };
    let kind = input.kind.as_deref().filter(|kind| !kind.is_empty()).map(family).transpose()?;
    let Classified { kind, cause, causes, registry, blame } =
        classify(kind, input.reason.as_deref(), input.source.as_deref(), &input.message);
    let causes = causes.iter().map(|cause| cause.as_str()).collect();
    Ok(Output { kind: kind.as_str(), cause: cause.as_str(), causes, registry, blame })
}

fn family(kind: &str) -> Result<Family, String> {
    kind.parse().map_err(|_| {
        let known: Vec<_> = Family::ALL.iter().map(|family| family.as_str()).collect();
        format!("there is no kind {kind:?}; known are {}", known.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classified(input: &[u8]) -> Vec<String> {
        let mut output = Vec::new();
        run(input, &mut output).expect("memory can be read and written");
        String::from_utf8(output).expect("JSON is UTF-8").lines().map(str::to_owned).collect()
    }

    #[test]
    fn text_and_json_lines_get_a_verdict_each() {
        let lines = classified(
            b"0/3 nodes are available: 3 Insufficient cpu.\n\
              {\"kind\":\"pull\",\"reason\":\"Failed\",\"message\":\"Failed to pull image \\\"ghcr.io/a/b:1\\\": not found\"}\n",
        );
        assert_eq!(
            lines,
            [
                r#"{"kind":"scheduling","cause":"insufficient_cpu","causes":["insufficient_cpu"],"registry":null,"blame":"platform"}"#,
                r#"{"kind":"pull","cause":"not_found","causes":["not_found"],"registry":"ghcr.io","blame":"user"}"#,
            ]
        );
    }

    #[test]
    fn bad_lines_are_answered_and_the_rest_goes_on() {
        let lines = classified(b"{\"message\":1}\n{\"kind\":\"nope\",\"message\":\"x\"}\n\xff\xfe\n\n");
        assert_eq!(lines.len(), 4);
        assert!(lines[0].contains("error") && lines[1].contains("known are scheduling"), "{lines:?}");
        assert!(lines[2].contains("\"cause\":\"other\"") && lines[3].contains("\"cause\":\"other\""), "{lines:?}");
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let mut input = vec![b'x'; 3 * 64 * 1024];
        input.extend_from_slice(b"\npull QPS exceeded\n");
        let lines = classified(&input);
        assert_eq!(lines.len(), 2);
        assert!(lines[1].contains("pull_qps"), "{lines:?}");
    }
}

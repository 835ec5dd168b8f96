//! The queries of the README and of the language's reference are what they say: good, or refused with a code.
//!
//! A block marked `iotq` must pass `iotq check`; `iotq,refused=E0602` must fail with that code; `iotq,args=vda,5ms` gives
//! the words behind the query.

use std::fs;
use std::path::Path;
use std::process::Command;

struct Block {
    place: String,
    text: String,
    refused: Option<String>,
    args: Vec<String>,
}

fn blocks(file: &str) -> Vec<Block> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = fs::read_to_string(root.join(file)).expect("the manual is readable");
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = None;
    for (number, line) in text.lines().enumerate() {
        match (line.strip_prefix("```"), open) {
            (Some(_), Some(_)) => open = None,
            (Some(marks), None) => {
                let query = marks == "iotq" || marks.starts_with("iotq,");
                if query {
                    blocks.push(block(format!("{file}:{}", number + 1), marks));
                }
                open = Some(query);
            }
            (None, Some(true)) => {
                let block = blocks.last_mut().expect("a block is open");
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, _) => {}
        }
    }
    blocks
}

fn block(place: String, marks: &str) -> Block {
    let mut block = Block {
        place,
        text: String::new(),
        refused: None,
        args: Vec::new(),
    };
    for mark in marks
        .split_once(',')
        .map_or("", |(_, marks)| marks)
        .split(';')
    {
        match mark.split_once('=') {
            Some(("refused", code)) => block.refused = Some(code.to_owned()),
            Some(("args", words)) => {
                block.args = words.split(',').map(str::to_owned).collect();
            }
            _ => assert_eq!(mark, "", "{}: an unknown mark", block.place),
        }
    }
    block
}

/// What is wrong with a block, if anything.
fn fault(block: &Block) -> Option<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_iotq"))
        .args(["check", "-e", &block.text])
        .args(&block.args)
        .output()
        .expect("iotq starts");
    let said = String::from_utf8_lossy(&output.stderr);
    let wanted = match &block.refused {
        None => output.status.success(),
        Some(code) => output.status.code() == Some(2) && said.contains(&format!("[{code}]")),
    };
    let expected = block.refused.as_deref().unwrap_or("no error");
    (!wanted).then(|| format!("{}: wanted {expected}\n{said}", block.place))
}

fn check_all(file: &str, least: usize) {
    let blocks = blocks(file);
    assert!(blocks.len() >= least, "{file} has {} queries", blocks.len());
    let faults: Vec<String> = blocks.iter().filter_map(fault).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Every block of the manual is a query, output as JSON, or how commands are written.
#[test]
fn blocks_of_the_reference_are_known() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../lang/REFERENCE.md");
    let text = fs::read_to_string(path).expect("the manual is readable");
    let mut kind = None;
    for (number, line) in text.lines().enumerate() {
        match (line.strip_prefix("```"), kind) {
            (Some(""), Some(_)) => kind = None,
            (Some(marks), None) => {
                let first = marks.split(',').next().unwrap_or("");
                assert!(
                    ["iotq", "json", "text"].contains(&first),
                    "line {}",
                    number + 1
                );
                kind = Some(first);
            }
            (None, Some("json")) => {
                let parsed = serde_json::from_str::<serde_json::Value>(line);
                assert!(parsed.is_ok_and(|it| it.is_object()), "line {}", number + 1);
            }
            _ => {}
        }
    }
}

#[test]
fn queries_of_the_readme() {
    check_all("README.md", 5);
}

#[test]
fn queries_of_the_reference() {
    check_all("lang/REFERENCE.md", 25);
}

//! What needs no tracing: lists, the doctor, the pages of the codes, completions, the manual.

use iotq_tests::needs::{Need, test};
use iotq_tests::{iotq, run};
use libtest_mimic::Trial;
use serde_json::Value;

pub fn tests() -> Vec<Trial> {
    vec![
        test("about/lists", &[], lists),
        test("about/doctor", &[Need::Root], doctor),
        test("about/codes", &[], codes),
        test("about/completions", &[], completions),
        test("about/manual", &[], manual),
        test("about/help", &[], help),
    ]
}

fn printed(args: &[&str]) -> String {
    let mut command = iotq();
    command.args(args);
    let ended = run(command);
    assert_eq!(ended.code(), 0, "{args:?}: {}", ended.stderr);
    assert!(!ended.stdout.is_empty(), "{args:?}");
    ended.text()
}

fn lines(args: &[&str]) -> Vec<Value> {
    let text = printed(args);
    let lines = text.lines().map(serde_json::from_str);
    lines.map(Result::unwrap).collect()
}

fn lists() {
    for what in ["block", "syscall", "devices", "codes", "block.*lat*"] {
        printed(&["list", what]);
        assert!(!lines(&["list", what, "--format", "json"]).is_empty());
    }
    assert!(printed(&["list"]).contains("block"));
}

fn doctor() {
    let lines = lines(&["doctor", "--format", "json"]);
    let block = lines
        .iter()
        .find(|line| line["subject"] == "block")
        .unwrap();
    assert_eq!(block["state"], "ok", "{block}");
    printed(&["doctor"]);
}

fn codes() {
    for code in lines(&["list", "codes", "--format", "json"]) {
        let name = code["name"].as_str().unwrap();
        let page = printed(&["explain", name]);
        assert!(page.starts_with(name) && page.lines().count() > 2, "{page}");
    }
}

fn completions() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(printed(&["completions", shell]).contains("iotq"));
    }
}

fn manual() {
    assert!(printed(&["man"]).starts_with(".ie"));
}

fn help() {
    assert!(printed(&["--help"]).contains("Exit codes"));
    assert!(printed(&["--version"]).starts_with("iotq "));
}

//! Every example compiles, explains itself, and runs; every definition of the standard library can be used.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn iotq() -> Command {
    Command::new(env!("CARGO_BIN_EXE_iotq"))
}

/// The examples and what those with parameters are given.
fn examples() -> Vec<(PathBuf, Vec<String>)> {
    let folder = fs::read_dir(root().join("examples")).expect("the examples are readable");
    let mut all: Vec<_> = folder
        .map(|entry| entry.expect("the examples are readable").path())
        .filter(|path| path.extension().is_some_and(|it| it == "iotq"))
        .map(|path| {
            let args = match path.file_name().and_then(|name| name.to_str()) {
                Some("file-watch.iotq") => vec!["--file_path".to_owned(), "/etc/passwd".to_owned()],
                Some("process-tree.iotq") => {
                    vec!["--root".to_owned(), std::process::id().to_string()]
                }
                _ => Vec::new(),
            };
            (path, args)
        })
        .collect();
    all.sort();
    all
}

#[test]
fn examples_tell_what_they_are_for() {
    assert!(examples().len() >= 6);
    for (path, _) in examples() {
        let text = fs::read_to_string(&path).expect("an example is readable");
        let name = path.display();
        assert!(
            text.starts_with("#!/usr/bin/env -S iotq\n# "),
            "{name}: a first line and a purpose"
        );
        assert!(text.contains("#   sudo iotq "), "{name}: how it is used");
        assert!(
            ["time ", "layer ", "at ", "dev=", "prev_comm "]
                .iter()
                .any(|begin| text.contains(&format!("#   {begin}"))),
            "{name}: a sample of its output"
        );
    }
}

#[test]
fn examples_compile() {
    for (path, args) in examples() {
        let output = iotq().arg("check").arg(&path).args(&args).output();
        let output = output.expect("iotq starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", path.display());
    }
}

#[test]
fn examples_run() {
    if !iotq_kernel::privileged() {
        return;
    }
    let start = |(path, args): (PathBuf, Vec<String>)| {
        let mut command = iotq();
        command.args(["--for", "1s"]).arg(&path).args(args);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        (path, command.spawn().expect("iotq starts"))
    };
    let running: Vec<_> = examples().into_iter().map(start).collect();
    for (path, child) in running {
        let output = child.wait_with_output().expect("iotq ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", path.display());
        assert!(said.contains(" seen, "), "{}: {said}", path.display());
    }
}

/// A `def` is looked at where it is used, so every one is used, with the layers that its comment names.
#[test]
fn definitions_of_the_library_can_be_used() {
    let text = fs::read_to_string(root().join("stdlib/storage.iotq")).expect("it is readable");
    let mut comment = "";
    let mut used = 0;
    for line in text.lines() {
        if let Some(words) = line.strip_prefix("# ") {
            comment = words;
        } else if let Some(definition) = line.strip_prefix("def ") {
            let (name, _) = definition.split_once(' ').expect("a name and a value");
            assert!(!comment.is_empty(), "{name} has a comment");
            let layers = match comment.split_once(": ") {
                Some((layer @ ("block" | "syscall"), _)) => layer,
                _ => "syscall, block",
            };
            let query = format!("use stdlib.storage\ntrace {layers} where {name} and lat > slow");
            let output = iotq().args(["check", "-e", &query]).output();
            let output = output.expect("iotq starts");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{query}: {said}");
            used += 1;
        } else if line.is_empty() {
            comment = "";
        }
    }
    assert!(used >= 4, "the library has definitions");
}

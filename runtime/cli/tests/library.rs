//! The library's tools, the files that scripts use, and what words of the command line mean.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

fn iotq() -> Command {
    Command::new(env!("CARGO_BIN_EXE_iotq"))
}

fn run(command: &mut Command) -> Output {
    command.output().expect("iotq starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs it in a folder, and gives its exit code and all that it says.
fn said(folder: &Path, words: &[&str]) -> (Option<i32>, String) {
    let output = run(iotq().current_dir(folder).args(words));
    let text = text(&output.stdout) + &text(&output.stderr);
    (output.status.code(), text)
}

fn listed(what: &str) -> Vec<Value> {
    let output = run(iotq().args(["list", what, "--format", "json"]));
    let lines = text(&output.stdout);
    let parse = |line| serde_json::from_str(line).expect("a line of JSON");
    lines.lines().map(parse).collect()
}

fn name(row: &Value) -> &str {
    row["name"].as_str().expect("a name")
}

/// A folder with these files.
fn files(all: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    for (name, text) in all {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    folder
}

#[test]
fn every_file_of_the_library_is_listed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stdlib");
    let folder = fs::read_dir(folder).expect("the library is readable");
    let files = folder.map(|entry| entry.expect("an entry").path());
    let mut files: Vec<String> = files
        .map(|path| text(path.file_stem().expect("a name").as_encoded_bytes()))
        .collect();
    files.sort();
    let (tools, modules) = (listed("tools"), listed("modules"));
    let module = |row| name(row).trim_start_matches("stdlib.").to_owned();
    let tools = tools.iter().map(|row| name(row).to_owned());
    let mut known: Vec<String> = tools.chain(modules.iter().map(module)).collect();
    known.sort();
    assert_eq!(files, known);
}

#[test]
fn tools_tell_what_they_are_for() {
    let help = text(&run(iotq().arg("--help")).stdout);
    for tool in listed("tools") {
        let name = name(&tool);
        let doc = tool["doc"].as_str().expect("a doc");
        assert!(
            doc.len() > 30 && doc.len() < 120 && doc.ends_with('.'),
            "{name}: {doc}"
        );
        let commands = help
            .lines()
            .filter_map(|line| line.split_whitespace().next());
        assert!(
            !commands.into_iter().any(|command| command == name),
            "{name} is a command"
        );
        for param in tool["params"].as_array().expect("parameters") {
            assert!(
                param["doc"].as_str().is_some_and(|doc| doc.len() > 8),
                "{name}: {param}"
            );
        }
        let checked = run(iotq().args(["check", name]));
        assert!(
            checked.status.success(),
            "{name}: {}",
            text(&checked.stderr)
        );
        let help = run(iotq().args([name, "--help"]));
        let shown = text(&help.stdout);
        assert_eq!(help.status.code(), Some(0), "{name}");
        assert!(
            shown.contains(&format!("sudo iotq {name}")),
            "{name}: how it is used: {shown}"
        );
        for param in tool["params"].as_array().expect("parameters") {
            let option = format!("--{}", param["name"].as_str().expect("a name"));
            assert!(shown.contains(&option), "{name}: {option}");
        }
    }
}

#[test]
fn a_tool_goes_before_a_file_of_its_name() {
    let folder = files(&[("snoop", "trace blok"), ("snoop.iotq", "trace blok")]);
    let check = |word| said(folder.path(), &["check", word]);
    assert_eq!(check("snoop").0, Some(0));
    for word in ["./snoop", "snoop.iotq"] {
        let (code, text) = check(word);
        assert!(code == Some(2) && text.contains("E0202"), "{word}: {text}");
    }
    let (code, text) = check("snop");
    assert!(
        code == Some(2) && text.contains("did you mean `snoop`?"),
        "{text}"
    );
}

#[test]
fn parameters_are_options() {
    let script = "# It looks for something.\n#\n#   sudo iotq look.iotq\n\n\
                  # The least\nparam least: duration\n# Only those that wait\nparam waiting: bool = any\n\
                  param dev: dev = any\n\
                  trace block where lat > least and sync == waiting and block.dev == dev";
    let folder = files(&[("look.iotq", script)]);
    let explain =
        |words: &[&str]| said(folder.path(), &[&["explain", "look.iotq"], words].concat());
    let plan = explain(&["--least", "5ms", "--waiting", "--dev", "dm-3"]).1;
    for part in ["lat > 5ms", "sync", "dev == \"dm-3\""] {
        assert!(plan.contains(part), "{part}: {plan}");
    }
    let plan = explain(&["--least=5ms", "--waiting=false"]).1;
    assert!(
        plan.contains("not sync") || plan.contains("sync == false"),
        "{plan}"
    );
    let plan = explain(&["--least", "5ms", "--waiting=any"]).1;
    assert!(!plan.contains("sync"), "{plan}");
    assert!(explain(&[]).1.contains("E0501"));
    assert!(explain(&["--least", "5"]).1.contains("E0502"));
    assert!(explain(&["--leest", "5ms"]).1.contains("--least"));
    let help = said(folder.path(), &["look.iotq", "--help"]);
    assert_eq!(help.0, Some(0));
    for part in [
        "It looks for something.",
        "--least <DURATION>",
        "The least",
        "[default: any]",
        "--format",
    ] {
        assert!(help.1.contains(part), "{part}: {}", help.1);
    }
}

#[test]
fn files_are_used_from_where_the_user_of_them_is() {
    let folder = files(&[
        (
            "main.iotq",
            "use \"lib/a.iotq\"\nuse \"./lib/../lib/a.iotq\"\nuse \"main.iotq\"\ntrace block where slow",
        ),
        (
            "lib/a.iotq",
            "use \"b.iotq\"\nuse \"../main.iotq\"\ndef slow = lat > threshold",
        ),
        ("lib/b.iotq", "use \"a.iotq\"\nlet threshold = 7ms"),
        ("wrong.iotq", "use \"lib/wrong.iotq\"\ntrace block"),
        ("lib/wrong.iotq", "\nlet a = 1ms + 1KiB"),
        (
            "missing.iotq",
            "use \"lib/none.iotq\"\nuse \"lib\"\nuse stdlib.none\ntrace block",
        ),
        ("statement.iotq", "use \"main2.iotq\"\ntrace block"),
        ("main2.iotq", "trace syscall"),
    ]);
    let explain = |file| said(folder.path(), &["explain", file]);
    let (code, plan) = explain("main.iotq");
    assert!(code == Some(0) && plan.contains("lat > 7ms"), "{plan}");
    // From elsewhere, too: the path of the script does not matter.
    let path = folder.path().join("main.iotq");
    let (code, _) = said(Path::new("/"), &["check", &path.display().to_string()]);
    assert_eq!(code, Some(0));
    let (code, text) = explain("wrong.iotq");
    assert!(
        code == Some(2) && text.contains("lib/wrong.iotq:2:13"),
        "{text}"
    );
    let (code, text) = explain("missing.iotq");
    assert!(
        code == Some(2) && text.matches("[E0210]").count() == 3,
        "{text}"
    );
    assert!(
        text.contains("No such file") && text.contains("it is no file"),
        "{text}"
    );
    let (_, text) = explain("statement.iotq");
    assert!(
        text.contains("[E0213]") && text.contains("main2.iotq:1:1"),
        "{text}"
    );
}

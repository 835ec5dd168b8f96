//! Ends: signals, closed pipes, kills. The summary comes, and nothing stays attached.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use iotq_tests::iotq::binary;
use iotq_tests::needs::{Need, test};
use iotq_tests::{Output, iotq, run, start};
use libtest_mimic::Trial;
use rustix::process::{Pid, Signal, kill_process};

/// A command that makes rows for ever, all by itself, and keeps no output open.
const BUSY: &str =
    "exec > /dev/null 2>&1; while true; do head -c1 /proc/self/exe > /dev/null; done";
const QUERY: &str = "on syscall.exit where pid under $child emit call";

pub fn tests() -> Vec<Trial> {
    let root = [Need::Root];
    vec![
        test("stop/interrupted", &root, || signalled(Signal::INT)),
        test("stop/terminated", &root, || signalled(Signal::TERM)),
        test("stop/killed", &root, killed),
        test("stop/closed_pipe", &root, closed_pipe),
        test("stop/after_a_time", &root, after_a_time),
        test("stop/exit_of_the_command", &root, exit_of_the_command),
    ]
}

/// Starts it, and waits for its first row: then it is attached.
fn attached() -> (std::process::Child, BufReader<std::process::ChildStdout>) {
    let mut command = Command::new(binary());
    command
        .args(["--format", "json", "-c", BUSY, "-e", QUERY])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut rows = BufReader::new(child.stdout.take().unwrap());
    let mut row = String::new();
    rows.read_line(&mut row).unwrap();
    assert!(row.contains("\"row\""), "{row}");
    (child, rows)
}

/// The command of `-c`: the only child.
fn command_of(pid: u32) -> Pid {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let text = std::fs::read_to_string(path).unwrap();
    let pid = text.split_whitespace().next().unwrap().parse().unwrap();
    Pid::from_raw(pid).unwrap()
}

fn signalled(signal: Signal) {
    let (mut child, rows) = attached();
    let command = command_of(child.id());
    kill_process(Pid::from_child(&child), signal).unwrap();
    let last = rows.lines().map(Result::unwrap).last().unwrap();
    let status = child.wait().unwrap();
    // It is the user's, who may want it to go on.
    let _ = kill_process(command, Signal::KILL);
    assert_eq!(status.code(), Some(0));
    assert!(last.contains("\"summary\""), "{last}");
}

fn killed() {
    let (mut child, _rows) = attached();
    let command = command_of(child.id());
    child.kill().unwrap();
    child.wait().unwrap();
    let _ = kill_process(command, Signal::KILL);
    // That nothing is left is checked after every test.
}

/// A reader that has enough, such as `head -1`.
fn closed_pipe() {
    let (mut child, rows) = attached();
    let command = command_of(child.id());
    drop(rows);
    let status = child.wait().unwrap();
    let _ = kill_process(command, Signal::KILL);
    assert_eq!(status.code(), Some(0));
}

fn after_a_time() {
    for bound in [
        &["--for", "100ms", "-e", "trace block"][..],
        &["-e", "trace block for 100ms"],
    ] {
        let mut command = iotq();
        command.args(["--format", "json"]).args(bound);
        let ended = start(command, b"").wait();
        assert_eq!(ended.code(), 0, "{}", ended.stderr);
        Output::parse(&ended);
    }
}

/// Said, and no error of iotq.
fn exit_of_the_command() {
    let mut command = iotq();
    command.args([
        "--format",
        "json",
        "-c",
        "sh -c 'exit 7'",
        "-e",
        "trace block",
    ]);
    let ended = run(command);
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert!(ended.stderr.contains('7'), "{}", ended.stderr);
    Output::parse(&ended);
}

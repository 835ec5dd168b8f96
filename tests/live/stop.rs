//! Ends: signals, closed pipes, kills. The summary comes, and nothing stays attached.

use std::io::{BufRead, BufReader, Read};
use std::os::fd::AsRawFd;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use iotq_tests::command::ends_within;
use iotq_tests::iotq::binary;
use iotq_tests::needs::{Need, test};
use iotq_tests::{Output, iotq, run, start, tool};
use libtest_mimic::Trial;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
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
        test("stop/unread_pipe", &root, unread_pipe),
        test("stop/after_a_time", &root, after_a_time),
        test("stop/exit_of_the_command", &root, exit_of_the_command),
        test(
            "stop/benchmark",
            &[Need::Root, Need::Loop, Need::Fio],
            benchmark,
        ),
    ]
}

/// How soon it ends when it is asked to, on a busy machine.
const PROMPT: Duration = Duration::from_secs(20);

/// iotq at work, with the command that it traces. Whatever the test does, neither goes on behind it.
struct Attached {
    iotq: Child,
    command: Pid,
    rows: Option<BufReader<ChildStdout>>,
    notes: Option<ChildStderr>,
}

impl Attached {
    /// Starts it, and waits for its first row: then it is attached.
    fn start() -> Self {
        let mut iotq = Command::new(binary())
            .args(["--format", "json", "-c", BUSY, "-e", QUERY])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdout, notes) = (iotq.stdout.take(), iotq.stderr.take());
        let command = command_of(iotq.id());
        let mut attached = Self {
            iotq,
            command,
            rows: stdout.map(BufReader::new),
            notes,
        };
        let mut row = String::new();
        attached.rows().read_line(&mut row).unwrap();
        assert!(row.contains("\"row\""), "{row}");
        attached
    }

    fn rows(&mut self) -> &mut BufReader<ChildStdout> {
        self.rows.as_mut().unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.iotq), signal).unwrap();
    }

    fn wait(&mut self) -> ExitStatus {
        assert!(ends_within(&self.iotq, PROMPT), "it goes on");
        self.iotq.wait().unwrap()
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        let _ = self.iotq.kill();
        let _ = self.iotq.wait();
        // It is the user's, who may want it to go on.
        let _ = kill_process(self.command, Signal::KILL);
    }
}

/// The command of `-c`: the only child, as soon as there is one.
fn command_of(pid: u32) -> Pid {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let started = Instant::now();
    loop {
        let text = std::fs::read_to_string(&path).unwrap();
        if let Some(pid) = text.split_whitespace().next() {
            return Pid::from_raw(pid.parse().unwrap()).unwrap();
        }
        assert!(started.elapsed() < PROMPT, "no command is started");
        thread::yield_now();
    }
}

fn signalled(signal: Signal) {
    let mut attached = Attached::start();
    attached.signal(signal);
    let last = attached.rows().lines().map(Result::unwrap).last().unwrap();
    assert_eq!(attached.wait().code(), Some(0));
    assert!(last.contains("\"summary\""), "{last}");
}

fn killed() {
    let mut attached = Attached::start();
    attached.signal(Signal::KILL);
    attached.wait();
    // That nothing is left is checked after every test.
}

/// A reader that has enough, such as `head -1`.
fn closed_pipe() {
    let mut attached = Attached::start();
    drop(attached.rows.take());
    assert_eq!(attached.wait().code(), Some(0));
}

/// A reader that has stopped, such as a pager: the rows that it does not take do not keep the run from ending, and that
/// they are missing is told.
fn unread_pipe() {
    let mut attached = Attached::start();
    wait_until_full(attached.rows().get_ref());
    attached.signal(Signal::INT);
    assert_eq!(attached.wait().code(), Some(0));
    let mut notes = String::new();
    let stderr = attached.notes.take();
    stderr.unwrap().read_to_string(&mut notes).unwrap();
    assert!(notes.contains(" seen, "), "{notes}");
    let last = attached.rows().lines().map(Result::unwrap).last().unwrap();
    let complete = last.contains("\"summary\"");
    assert_ne!(notes.contains("nobody reads"), complete, "{notes}{last}");
}

/// Until a pipe takes no more.
fn wait_until_full(pipe: &ChildStdout) {
    let started = Instant::now();
    let path = format!("/proc/self/fd/{}", pipe.as_raw_fd());
    let end = std::fs::File::options().write(true).open(path).unwrap();
    let room = || {
        poll(
            &mut [PollFd::new(&end, PollFlags::OUT)],
            Some(&Timespec::default()),
        )
    };
    while room() == Ok(1) {
        assert!(started.elapsed() < PROMPT, "the pipe does not fill");
        thread::yield_now();
    }
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

/// The benchmark gives back what it has made of disks and mounts, in the middle of its work.
fn benchmark() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_bench"));
    command
        .args(["--load", "paced", "--seconds", "100"])
        .env("TMPDIR", folder.path())
        .env("IOTQ_BIN", binary());
    let running = start(command, b"");
    let children = format!("/proc/{0}/task/{0}/children", running.pid().as_raw_pid());
    let at_work = || {
        let children = std::fs::read_to_string(&children).unwrap_or_default();
        let comm = |pid| std::fs::read_to_string(format!("/proc/{pid}/comm"));
        let mut names = children.split_whitespace().filter_map(|pid| comm(pid).ok());
        names.any(|name| name.trim() == "fio")
    };
    let begin = Instant::now();
    while !at_work() {
        assert!(
            running.runs() && begin.elapsed() < PROMPT,
            "it does not begin"
        );
        thread::sleep(Duration::from_millis(10));
    }
    let disks = || {
        tool(
            "losetup",
            &["--list", "--noheadings", "--output", "BACK-FILE"],
        )
    };
    let mounts = || std::fs::read_to_string("/proc/mounts").unwrap();
    let place = folder.path().to_str().unwrap();
    assert!(disks().contains(place) && mounts().contains(place));
    let asked = Instant::now();
    running.signal(Signal::TERM);
    assert_eq!(running.wait().code(), 0);
    assert!(asked.elapsed() < PROMPT);
    assert!(!disks().contains(place) && !mounts().contains(place));
}

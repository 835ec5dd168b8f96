//! Commands that must end: one that does not is killed, and that is a failure.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, kill_process_group, pidfd_open};

/// Longer than anything here takes, even on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(180);

/// A command that runs, in a process group of its own.
pub struct Started {
    what: String,
    child: Child,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Option<JoinHandle<Vec<u8>>>,
}

/// A command that has ended.
#[derive(Debug)]
pub struct Ended {
    /// How.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: String,
}

impl Ended {
    /// Its exit code; a signal is a failure.
    pub fn code(&self) -> i32 {
        let code = self.status.code();
        code.unwrap_or_else(|| panic!("ended by a signal: {}\n{}", self.status, self.stderr))
    }

    /// Its standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

/// Starts a command, with `input` as its standard input.
pub fn start(mut command: Command, input: &[u8]) -> Started {
    let what = format!("{command:?}");
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let mut child = command
        .spawn()
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_vec());
    // A command that does not read its input closes the pipe: no error.
    thread::spawn(move || stdin.write_all(&input));
    Started {
        stdout: Some(reader(child.stdout.take().unwrap())),
        stderr: Some(reader(child.stderr.take().unwrap())),
        what,
        child,
    }
}

/// Runs a command to its end.
pub fn run(command: Command) -> Ended {
    start(command, b"").wait()
}

/// Runs a tool of the system, which must succeed, and gives what it printed.
pub fn tool(program: &str, args: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(args);
    let ended = run(command);
    assert!(
        ended.status.success(),
        "{program} {args:?}: {}\n{}",
        ended.status,
        ended.stderr
    );
    ended.text()
}

fn reader(mut from: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        bytes
    })
}

impl Started {
    /// Its process.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Whether it has not ended yet.
    pub fn runs(&self) -> bool {
        !ends_within(&self.child, Duration::ZERO)
    }

    /// Sends a signal to it, and to nothing that it started.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits for its end.
    pub fn wait(mut self) -> Ended {
        if !ends_within(&self.child, LIMIT) {
            panic!("hangs: {}", self.what);
        }
        let status = self.child.wait().unwrap();
        let text = |reader: &mut Option<JoinHandle<_>>| reader.take().unwrap().join().unwrap();
        Ended {
            status,
            stdout: text(&mut self.stdout),
            stderr: String::from_utf8_lossy(&text(&mut self.stderr)).into_owned(),
        }
    }
}

impl Drop for Started {
    /// Whatever the test did, nothing that it started goes on.
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = kill_process_group(self.pid(), Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

/// Whether a process ends before its time is over; it is still to be waited for.
pub fn ends_within(child: &Child, limit: Duration) -> bool {
    let fd = pidfd_open(Pid::from_child(child), PidfdFlags::empty()).unwrap();
    let limit = Timespec {
        tv_sec: i64::try_from(limit.as_secs()).unwrap(),
        tv_nsec: limit.subsec_nanos().into(),
    };
    poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&limit)) != Ok(0)
}

//! The command of `-c`: started when everything is attached, traced from its first instruction.
//!
//! Its process must exist before the probes do, for `$child` to have a number. So iotq starts itself again as a holder
//! that waits for a line on a pipe, and then becomes the command.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::Signal;

use crate::report::note;

/// The hidden subcommand of the holder: `iotq HOLD FD PROGRAM [ARG…]`.
pub const HOLD: &str = "__hold";

/// How long a command may take to end when it is asked to.
const GRACE: Duration = Duration::from_secs(1);

/// A command that waits to be let go.
pub struct Held {
    child: Child,
    gate: Option<fs::File>,
}

impl Held {
    /// Starts the holder of a command line.
    ///
    /// # Errors
    /// If the line cannot be split into words, or the holder not be started.
    pub fn start(line: &str) -> io::Result<Self> {
        let words = words(line)?;
        let (hold, gate) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        // The holder inherits its end of the pipe; the gate stays here, so that it closes when this process ends.
        fcntl_setfd(&hold, FdFlags::empty())?;
        let child = Command::new(std::env::current_exe()?)
            .args([HOLD, &hold.as_raw_fd().to_string()])
            .args(words)
            .spawn()?;
        Ok(Self {
            child,
            gate: Some(gate.into()),
        })
    }

    /// Its process id: that of the command too.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Lets the command go.
    ///
    /// # Errors
    /// If the holder is gone.
    pub fn release(&mut self) -> io::Result<()> {
        let gate = self.gate.take();
        gate.map_or(Ok(()), |mut gate| gate.write_all(b"\n"))
    }

    /// How the command ended, if it has.
    ///
    /// # Errors
    /// If the system does not say.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }
}

impl Drop for Held {
    /// A holder that was never let go reads the end of its pipe, and ends. A command that still runs was started for
    /// this trace alone: it is asked to end, and given a moment for it.
    fn drop(&mut self) {
        if self.gate.take().is_some() {
            let _ = self.child.wait();
        }
        let Ok(None) = self.child.try_wait() else {
            return;
        };
        let _ = rustix::process::kill_process(
            rustix::process::Pid::from_child(&self.child),
            Signal::TERM,
        );
        let asked = Instant::now();
        while asked.elapsed() < GRACE {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        note(&format!(
            "iotq: the command (process {}) is still running",
            self.pid()
        ));
    }
}

/// The words of a plain command; `sh -c` for what uses the shell's syntax.
fn words(line: &str) -> io::Result<Vec<String>> {
    let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
    if line.contains(|c| "|&;<>()$`*?[#~{}!\n".contains(c)) {
        return Ok(["/bin/sh", "-c", line].map(str::to_owned).to_vec());
    }
    let words = shell_words::split(line).map_err(|error| invalid(error.to_string()))?;
    let program = words
        .first()
        .ok_or_else(|| invalid("the command is empty".to_owned()))?;
    // The holder would find out too late: when everything is attached.
    if exists(program) {
        Ok(words)
    } else {
        let error = format!("there is no program `{program}`");
        Err(io::Error::new(io::ErrorKind::NotFound, error))
    }
}

/// Whether there is such a program: at this path, or in one of the folders of PATH.
fn exists(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&folders);
    if program.contains('/') {
        Path::new(program).is_file()
    } else {
        folders.any(|folder| folder.join(program).is_file())
    }
}

/// The holder: waits, then becomes the command. Returns only if it may not, with an exit code.
pub fn hold(arguments: &[OsString]) -> i32 {
    let [fd, program, rest @ ..] = arguments else {
        return 2;
    };
    let Some(mut gate) = fd
        .to_str()
        .and_then(|fd| fd.parse().ok())
        .and_then(inherited)
    else {
        return 2;
    };
    let mut line = [0];
    if !matches!(gate.read(&mut line), Ok(1)) {
        return 0;
    }
    drop(gate);
    let error = Command::new(program).args(rest).exec();
    let _ = writeln!(io::stderr(), "iotq: {}: {error}", program.display());
    if error.kind() == io::ErrorKind::NotFound {
        127
    } else {
        126
    }
}

#[expect(
    unsafe_code,
    reason = "taking over an inherited descriptor is unsafe by nature"
)]
fn inherited(fd: i32) -> Option<fs::File> {
    // Only the descriptor that the parent left open on purpose: never one of the standard streams.
    if fd <= 2 || fs::read_link(format!("/proc/self/fd/{fd}")).is_err() {
        return None;
    }
    // SAFETY: the descriptor is open, was made for this process by its parent, and nothing else here knows it.
    Some(fs::File::from(unsafe { OwnedFd::from_raw_fd(fd) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_need_no_shell() {
        assert_eq!(
            words("cat 'my job.fio' --x=1").expect("words"),
            ["cat", "my job.fio", "--x=1"]
        );
        assert!(words("/no/such/program").is_err());
        assert_eq!(words("a | b").expect("words"), ["/bin/sh", "-c", "a | b"]);
        assert!(words("  ").is_err());
        assert!(words("'open").is_err());
    }
}

//! When a tracer is attached, and when it is to end: its `-c` command opens a FIFO, and so does who waits for it.
//!
//! That both succeed is the moment at which it is attached; closing it ends the run.

use std::fs::File;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
use rustix::io::Errno;
use tempfile::TempDir;

use crate::command::{Started, start};
use crate::iotq::{Output, iotq};

/// A FIFO.
pub struct Gate {
    fifo: PathBuf,
    _folder: TempDir,
}

impl Gate {
    /// Makes one.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("gate");
        mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        Self {
            fifo,
            _folder: folder,
        }
    }

    /// The command that a tracer starts when it is attached.
    pub fn command(&self) -> String {
        format!("/bin/cat {}", self.fifo.display())
    }

    /// Waits until a tracer has started the command, which ends when the file is closed.
    pub fn open(&self, tracer: &Started) -> File {
        loop {
            let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
            match rustix::fs::open(&self.fifo, flags, Mode::empty()) {
                Ok(gate) => return gate.into(),
                Err(Errno::NXIO) => sleep(Duration::from_micros(200)),
                Err(error) => panic!("open the gate: {error}"),
            }
            assert!(tracer.runs(), "the tracer ended before it was attached");
        }
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

/// Traces what this process does meanwhile.
pub fn traced(args: &[&str], work: impl FnOnce()) -> Output {
    let gate = Gate::new();
    let mut command = iotq();
    command
        .args(["--format", "json", "-c", &gate.command()])
        .args(args);
    let tracer = start(command, b"");
    let open = gate.open(&tracer);
    work();
    drop(open);
    let ended = tracer.wait();
    assert_eq!(ended.code(), 0, "{:.600}\n{args:?}", ended.stderr);
    Output::parse(&ended)
}

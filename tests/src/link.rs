//! Guest and host as processes of this machine: the agent plays the guest, over a hybrid unix socket.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::command::{LIMIT, ends_within};
use crate::iotq::iotq;
use crate::{Ended, Output};

/// A folder with the socket of a virtual machine, and what its sides print.
pub struct Place(TempDir);

/// One side at work; killed at the end of a test.
pub struct Side {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Default for Place {
    fn default() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

impl Place {
    /// Where it is.
    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    /// The address of the host.
    pub fn address(&self) -> String {
        format!("unix:{}", self.folder().join("vm.vsock").display())
    }

    /// The socket behind it.
    pub fn socket(&self) -> PathBuf {
        self.folder().join("vm.vsock_4687")
    }

    /// A file with a secret.
    pub fn token(&self, secret: &str) -> String {
        use std::os::unix::fs::PermissionsExt;
        let name = format!("token.{}", secret.replace(' ', "-"));
        let path = self.folder().join(name);
        fs::write(&path, secret).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        path.display().to_string()
    }

    /// The address of a host for another machine.
    pub fn other_address(&self) -> String {
        format!("unix:{}", self.folder().join("other.vsock").display())
    }

    /// An agent of this name.
    pub fn agent(&self, name: &str, more: &[&str]) -> Side {
        self.agent_at(&self.address(), name, more)
    }

    /// The same that connects elsewhere.
    pub fn agent_at(&self, address: &str, name: &str, more: &[&str]) -> Side {
        let mut command = iotq();
        command.args(["guest", "--host", address, "--name", name]);
        command.args(more);
        self.side(command)
    }

    /// A host for these guests, with JSON as its form.
    pub fn host(&self, guests: &str, more: &[&str]) -> Side {
        self.host_at(&self.address(), guests, more)
    }

    /// The same that listens elsewhere.
    pub fn host_at(&self, address: &str, guests: &str, more: &[&str]) -> Side {
        let mut command = iotq();
        command.args(["host", "--listen", address, "--format", "json"]);
        command.args(["--guest", guests]).args(more);
        self.side(command)
    }

    /// A command whose outputs are files.
    pub fn side(&self, mut command: Command) -> Side {
        let number = fs::read_dir(self.folder()).unwrap().count();
        let file = |name: &str| self.folder().join(format!("{name}.{number}"));
        let (stdout, stderr) = (file("stdout"), file("stderr"));
        let child = command
            .stdin(Stdio::null())
            .stdout(File::create(&stdout).unwrap())
            .stderr(File::create(&stderr).unwrap())
            .spawn()
            .unwrap();
        Side {
            child,
            stdout,
            stderr,
        }
    }
}

impl Side {
    /// Its process.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// What it has said so far.
    pub fn said(&self) -> String {
        fs::read_to_string(&self.stderr).unwrap()
    }

    /// What it has written so far.
    pub fn written(&self) -> String {
        fs::read_to_string(&self.stdout).unwrap()
    }

    /// Waits until it has said something so many times.
    pub fn wait_for(&self, what: &str, times: usize) {
        self.wait_until(what, || self.said().matches(what).count() >= times);
    }

    /// Waits until something holds.
    pub fn wait_until(&self, what: &str, holds: impl Fn() -> bool) {
        let begin = Instant::now();
        while !holds() {
            let ended = ends_within(&self.child, Duration::ZERO);
            // It may have come with the end.
            let waits = begin.elapsed() < LIMIT && !ended || holds();
            assert!(waits, "{what} is not there: {}", self.said());
            sleep(Duration::from_millis(5));
        }
    }

    /// Whether it goes on.
    pub fn runs(&self) -> bool {
        !ends_within(&self.child, Duration::ZERO)
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Kills it, and waits until it is gone with all that it had open.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
        assert!(ends_within(&self.child, LIMIT), "it cannot be killed");
    }

    /// Whether it holds programs of the kernel.
    pub fn holds_programs(&self) -> bool {
        let infos = fs::read_dir(format!("/proc/{}/fdinfo", self.child.id())).unwrap();
        let is_program = |path: PathBuf| {
            let text = fs::read_to_string(path).unwrap_or_default();
            text.contains("prog_id:")
        };
        infos.flatten().any(|info| is_program(info.path()))
    }

    /// Waits for its end.
    pub fn wait(mut self) -> Ended {
        assert!(
            ends_within(&self.child, LIMIT),
            "it goes on: {}",
            self.said()
        );
        let status: ExitStatus = self.child.wait().unwrap();
        Ended {
            status,
            stdout: fs::read(&self.stdout).unwrap(),
            stderr: self.said(),
        }
    }

    /// Ends a host as Ctrl-C does: the rest comes, and the summary.
    pub fn interrupted(self) -> Output {
        self.signal(Signal::INT);
        let ended = self.wait();
        assert_eq!(ended.code(), 0, "{}", ended.stderr);
        Output::parse(&ended)
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

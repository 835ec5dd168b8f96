//! AF_VSOCK for guests, without a module of this kernel: a program plays the device, and what a guest connects to is a
//! unix socket here.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

use super::cache;

/// The program, of which this version is known to work.
const NAME: &str = "vhost-device-vsock";
const VERSION: &str = "0.3.0";
/// The memory of a guest, which its device must see.
const MEMORY: &str = "384M";
const PATIENCE: Duration = Duration::from_secs(20);

/// Modules of a guest that drive the device.
pub const MODULE: &str = "vmw_vsock_virtio_transport";

/// The program, from the cache or built by cargo: that takes minutes, once.
///
/// # Errors
/// If it cannot be had.
pub fn program() -> Result<PathBuf> {
    let folder = cache().join("vsock");
    fs::create_dir_all(&folder)?;
    let lock = File::create(folder.join("lock"))?;
    flock(&lock, FlockOperation::LockExclusive)?;
    let program = folder.join("bin").join(NAME);
    if !program.exists() {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.args(["install", NAME, "--version", VERSION, "--locked", "--quiet"]);
        build.arg("--root").arg(&folder);
        build.arg("--target-dir").arg(folder.join("build"));
        // It takes as long as it takes.
        let ended = build.stdin(Stdio::null()).output().context("run cargo")?;
        let said = String::from_utf8_lossy(&ended.stderr);
        let why = said.lines().next_back().unwrap_or_default();
        ensure!(ended.status.success(), "{NAME} cannot be built: {why}");
    }
    Ok(program)
}

/// A device at work, for one guest.
pub struct Vsock {
    device: Child,
    folder: TempDir,
}

impl Vsock {
    /// Starts it.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = |name: &str| folder.path().join(name);
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(program()?);
        command.args(["--guest-cid", "3"]);
        command.arg("--socket").arg(path("device"));
        command.arg("--uds-path").arg(path("vm.vsock"));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(File::create(path("stderr"))?);
        let device = command.spawn().context("start the vsock device")?;
        let begin = Instant::now();
        while !path("device").exists() {
            ensure!(begin.elapsed() < PATIENCE, "{NAME} does not start");
            sleep(Duration::from_millis(2));
        }
        Ok(Self { device, folder })
    }

    /// The address at which a host listens for its guest.
    pub fn address(&self) -> String {
        format!("unix:{}", self.at("vm.vsock").display())
    }

    /// What QEMU must be told.
    pub fn words(&self) -> Vec<String> {
        let memory = format!("memory-backend-memfd,id=mem0,size={MEMORY},share=on");
        let socket = format!("socket,id=vsock,path={}", self.at("device").display());
        let words = [
            "-object",
            &memory,
            "-machine",
            "memory-backend=mem0",
            "-chardev",
            &socket,
            "-device",
            "vhost-user-vsock-pci,chardev=vsock",
        ];
        words.map(str::to_owned).into()
    }

    fn at(&self, name: &str) -> PathBuf {
        Path::new(self.folder.path()).join(name)
    }
}

impl Drop for Vsock {
    fn drop(&mut self) {
        let _ = self.device.kill();
        let _ = self.device.wait();
    }
}

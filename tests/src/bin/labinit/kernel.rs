//! What the first process asks of the kernel: mounts, modules, messages, and which BPF programs are there.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use aya::programs::loaded_programs;
use iotq_tests::lab::plan::{Module, module_path};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::mount::{MountFlags, mount};
use rustix::system::{delete_module, init_module};

/// What is removed or freed in the background is gone after this time.
const PATIENCE: Duration = Duration::from_secs(5);
const STEP: Duration = Duration::from_millis(10);

/// Where a kernel lacks one, a case that needs it fails by itself.
pub fn mount_all() {
    let mounts = [
        ("devtmpfs", "/dev"),
        ("proc", "/proc"),
        ("sysfs", "/sys"),
        ("tracefs", "/sys/kernel/tracing"),
        ("debugfs", "/sys/kernel/debug"),
        ("bpf", "/sys/fs/bpf"),
        ("cgroup2", "/sys/fs/cgroup"),
    ];
    for (kind, place) in mounts {
        if let Err(error) = mount(kind, place, kind, MountFlags::empty(), None) {
            say(&format!("lab: mount {kind}: {error}"));
        }
    }
}

/// To the console, where the host looks when a guest is stuck.
pub fn say(text: &str) {
    if let Ok(mut console) = File::options().write(true).open("/dev/console") {
        let _ = writeln!(console, "{text}");
    }
}

/// Loads a module; what it needs is there already.
pub fn load(module: &Module) -> Result<()> {
    let path = module_path(&module.name);
    let image = fs::read(&path).with_context(|| format!("read {path}"))?;
    let params = CString::new(module.params.as_str())?;
    match init_module(&image, &params) {
        // A case that failed may have left it in use. It is as good as new, unless it is wanted in a certain way.
        Err(Errno::EXIST) if module.params.is_empty() => Ok(()),
        other => other.with_context(|| format!("load {} {}", module.name, module.params)),
    }
}

/// Removes a module, when nobody uses it any more.
pub fn unload(name: &str) -> Result<()> {
    let text = CString::new(name)?;
    let flags = i32::try_from(OFlags::NONBLOCK.bits())?;
    let begin = Instant::now();
    loop {
        match delete_module(&text, flags) {
            Ok(()) => return Ok(()),
            Err(_) if begin.elapsed() < PATIENCE => thread::sleep(STEP),
            Err(error) => return Err(error).with_context(|| format!("remove {name}")),
        }
    }
}

/// The BPF programs that stay when those that are being freed are gone.
pub fn programs_left() -> Vec<String> {
    let begin = Instant::now();
    loop {
        let left: Vec<_> = loaded_programs()
            .flatten()
            .map(|program| String::from_utf8_lossy(program.name()).into_owned())
            .collect();
        if left.is_empty() || begin.elapsed() > PATIENCE {
            return left;
        }
        thread::sleep(STEP);
    }
}

/// The kernel's messages.
pub struct Log(File);

impl Log {
    /// From now on.
    pub fn open() -> Result<Self> {
        let flags = i32::try_from(OFlags::NONBLOCK.bits())?;
        let file = File::options()
            .read(true)
            .custom_flags(flags)
            .open("/dev/kmsg");
        let mut log = Self(file.context("open /dev/kmsg")?);
        log.take();
        Ok(log)
    }

    /// What has come since the last look.
    pub fn take(&mut self) -> String {
        let (mut text, mut record) = (String::new(), [0; 8192]);
        loop {
            match self.0.read(&mut record) {
                Ok(0) => return text,
                Ok(length) => text += &message(&String::from_utf8_lossy(&record[..length])),
                // Some were overwritten: the next read goes on behind them.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
                Err(_) => return text,
            }
        }
    }
}

/// `6,123,4567890,-;text`, and lines with more about it.
fn message(record: &str) -> String {
    let (head, text) = record.split_once(';').unwrap_or(("", record));
    let micros: f64 = head
        .split(',')
        .nth(2)
        .and_then(|time| time.parse().ok())
        .unwrap_or(0.0);
    let text = text.lines().next().unwrap_or("");
    format!("[{:12.6}] {text}\n", micros / 1e6)
}

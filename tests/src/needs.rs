//! What tests need of the machine, and tests that are skipped, and counted, where it is missing.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use libtest_mimic::Trial;
use rustix::fs::{FlockOperation, flock};

use crate::command::run;
use crate::lab;
use crate::leftover::Before;

/// A requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The user is root, and bpftool tells what is loaded.
    Root,
    /// Loop devices can be made.
    Loop,
    /// fio is there.
    Fio,
    /// fio can use this engine.
    Engine(&'static str),
    /// Files lie on a disk whose requests can be seen.
    RootDisk,
    /// tracefs is mounted.
    Tracefs,
    /// cgroup v2 is mounted.
    Cgroups,
    /// zram0 is there and unused.
    Zram,
    /// Guests can be started, and what runs in processes can be probed.
    Guests,
    /// Guests can reach this machine over vsock.
    Vsock,
    /// A program is in the path.
    Tool(&'static str),
}

/// Where cgroup v2 may be mounted.
const CGROUPS: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];
/// The folder of the tests on the root disk.
pub const ROOT_FOLDER: &str = "/var/tmp";

/// The mount of cgroup v2.
pub fn cgroups() -> Option<&'static Path> {
    let mut places = CGROUPS.iter().map(Path::new);
    places.find(|place| place.join("cgroup.controllers").exists())
}

impl Need {
    /// Why it does not hold, if it does not.
    pub fn missing(self) -> Option<String> {
        let unless = |holds: bool, why: &str| (!holds).then(|| why.to_owned());
        match self {
            Need::Root => unless(rustix::process::geteuid().is_root(), "not root")
                .or_else(|| Need::Tool("bpftool").missing()),
            Need::Loop => unless(works("losetup", &["--find"]), "no loop device is free"),
            Need::Fio => Need::Tool("fio").missing(),
            Need::Engine(engine) => unless(engine_works(engine), "fio cannot use the engine"),
            Need::RootDisk => root_disk().err(),
            Need::Tracefs => unless(
                Path::new("/sys/kernel/tracing/instances").exists(),
                "tracefs is not mounted",
            ),
            Need::Cgroups => unless(cgroups().is_some(), "cgroup v2 is not mounted"),
            Need::Zram => {
                let size = fs::read_to_string("/sys/block/zram0/disksize");
                let free = size.is_ok_and(|size| size.trim() == "0");
                unless(free, "zram0 is not there, or in use")
            }
            Need::Guests => guests(),
            Need::Vsock => vsock(),
            Need::Tool(name) => {
                let found = works("sh", &["-c", &format!("command -v {name}")]);
                (!found).then(|| format!("{name} is not installed"))
            }
        }
    }
}

/// A test, ignored where one of its needs is missing. Tests run one at a time, also in several processes, and nothing
/// of iotq may be left when one has ended.
pub fn test(name: &str, needs: &[Need], body: impl FnOnce() + Send + 'static) -> Trial {
    let missing = needs.iter().find_map(|need| need.missing());
    if let Some(why) = &missing {
        eprintln!("skipped: {name}: {why}");
    }
    let attached = needs.contains(&Need::Root);
    let trial = Trial::test(name, move || {
        let _turn = turn();
        let before = attached.then(Before::now);
        body();
        if let Some(before) = before {
            before.assert_clean();
        }
        Ok(())
    });
    trial.with_ignored_flag(missing.is_some())
}

/// Why guests cannot be watched. Asked once: a kernel may have to be fetched for them.
fn guests() -> Option<String> {
    static ANSWER: OnceLock<Option<String>> = OnceLock::new();
    let ask = || {
        if !Path::new("/sys/bus/event_source/devices/uprobe").exists() {
            return Some("this kernel does not let processes be probed".to_owned());
        }
        lab::ready(lab::kernel::SERIES[0].0).err()
    };
    ANSWER.get_or_init(ask).clone()
}

/// Why guests cannot reach this machine. Asked once: a program may have to be built for it.
fn vsock() -> Option<String> {
    static ANSWER: OnceLock<Option<String>> = OnceLock::new();
    let ask = || {
        lab::vsock::program()
            .err()
            .map(|error| format!("{error:#}"))
    };
    ANSWER.get_or_init(ask).clone()
}

fn turn() -> File {
    // Each user has their own: a file of another user's cannot be opened.
    let user = rustix::process::geteuid().as_raw();
    let path = std::env::temp_dir().join(format!("iotq-tests.{user}.lock"));
    let file = File::create(path).unwrap();
    flock(&file, FlockOperation::LockExclusive).unwrap();
    file
}

fn works(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(args);
    run(command).status.success()
}

fn engine_works(engine: &str) -> bool {
    let file = tempfile::NamedTempFile::new_in("/dev/shm").unwrap();
    let args = [
        "--name=probe",
        "--size=4k",
        &format!("--ioengine={engine}"),
        &format!("--filename={}", file.path().display()),
    ];
    works("fio", &args)
}

/// The disk below [`ROOT_FOLDER`]: that of its filesystem, if it is a single one with requests of its own.
pub fn root_disk() -> Result<String, String> {
    use std::os::unix::fs::MetadataExt;
    static DISK: OnceLock<Result<String, String>> = OnceLock::new();
    let find = || {
        let dev = fs::metadata(ROOT_FOLDER)
            .map_err(|error| error.to_string())?
            .dev();
        let (major, minor) = (rustix::fs::major(dev), rustix::fs::minor(dev));
        let folder = fs::canonicalize(format!("/sys/dev/block/{major}:{minor}"));
        let mut folder = folder.map_err(|_| format!("{ROOT_FOLDER} is on no block device"))?;
        if folder.join("partition").exists() {
            folder.pop();
        }
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        if folder.join("mq").exists() {
            Ok(name)
        } else {
            Err(format!("{name} has no requests of its own"))
        }
    };
    DISK.get_or_init(find).clone()
}

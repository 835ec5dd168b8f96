//! A disk to trace: a loop device over a file on a tmpfs, so that its speed depends on the CPU alone.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::fs::{FallocateFlags, fallocate};
use tempfile::TempDir;

use crate::command::{run, tool};
use crate::slow::SlowFile;

const MIB: u64 = 1 << 20;

/// A tmpfs of its own, unmounted at the end.
pub struct Tmpfs(TempDir);

impl Tmpfs {
    /// Mounts one of this size.
    pub fn new(bytes: u64) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("iotq-tests.")
            .tempdir()
            .unwrap();
        let size = format!("size={bytes}");
        let path = dir.path().display().to_string();
        tool("mount", &["-t", "tmpfs", "-o", &size, "iotq-tests", &path]);
        Self(dir)
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        quietly("umount", &[self.path().as_os_str()]);
    }
}

/// A mount, gone at the end.
pub struct Mounted(PathBuf);

impl Mounted {
    /// Mounts what these arguments of `mount` tell, at a folder that is made if need be.
    pub fn new(args: &[&str], at: &Path) -> Self {
        fs::create_dir_all(at).unwrap();
        tool("mount", &[args, &[&at.display().to_string()]].concat());
        Self(at.into())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        quietly("umount", &[self.0.as_os_str()]);
    }
}

/// As usual, in sectors.
const READAHEAD: &str = "256";

/// A loop device.
pub struct Disk {
    /// Its node, such as `/dev/loop0`.
    pub node: PathBuf,
    /// The file below it.
    pub image: PathBuf,
    mounted: Option<PathBuf>,
    // Last: they go when nothing uses them any more.
    _slow: Option<SlowFile>,
    tmpfs: Tmpfs,
}

impl Disk {
    /// One of this many MiB, preallocated: a read of a hole is no I/O.
    pub fn raw(mib: u64) -> Self {
        Self::with(mib, &[], |_| {})
    }

    /// One with its own options of `losetup`, and something in its image.
    pub fn with(mib: u64, options: &[&str], fill: impl FnOnce(&mut File)) -> Self {
        let tmpfs = Tmpfs::new((mib + 64) * MIB);
        let image = tmpfs.path().join("disk.img");
        let mut file = File::create(&image).unwrap();
        fallocate(&file, FallocateFlags::empty(), 0, mib * MIB).unwrap();
        fill(&mut file);
        Self {
            node: attached(&image, options),
            image,
            mounted: None,
            _slow: None,
            tmpfs,
        }
    }

    /// One with an ext4, mounted.
    pub fn ext4(mib: u64) -> Self {
        Self::raw(mib).formatted()
    }

    /// The same, of which a flush takes at least so long.
    pub fn slow_ext4(mib: u64, flush: Duration) -> Self {
        let tmpfs = Tmpfs::new(MIB);
        let image = tmpfs.path().join("disk.img");
        let bytes = usize::try_from(mib * MIB).unwrap();
        let slow = SlowFile::new(&image, bytes, flush);
        let disk = Self {
            node: attached(&image, &[]),
            image,
            mounted: None,
            _slow: Some(slow),
            tmpfs,
        };
        disk.formatted()
    }

    fn formatted(self) -> Self {
        let mut disk = self;
        let node = disk.node.display().to_string();
        // Nothing is left for the kernel to initialise in the background.
        let now = "lazy_itable_init=0,lazy_journal_init=0";
        tool("mkfs.ext4", &["-q", "-F", "-E", now, &node]);
        let point = disk.tmpfs.path().join("mnt");
        fs::create_dir(&point).unwrap();
        tool("mount", &[&node, &point.display().to_string()]);
        disk.mounted = Some(point);
        disk
    }

    /// Its name, as iotq and sysfs have it.
    pub fn name(&self) -> String {
        let name = self.node.file_name().unwrap();
        name.to_string_lossy().into_owned()
    }

    /// A folder on its filesystem.
    pub fn folder(&self) -> &Path {
        self.mounted.as_deref().unwrap()
    }

    /// A folder in memory, where writing is no I/O.
    pub fn memory(&self) -> &Path {
        self.tmpfs.path()
    }

    /// A file of this many MiB on its filesystem.
    pub fn file(&self, mib: u64) -> PathBuf {
        let path = self.folder().join("data");
        written(&path, mib);
        path
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Some(point) = &self.mounted {
            quietly("umount", &[point.as_os_str()]);
        }
        quietly("losetup", &["-d".as_ref(), self.node.as_os_str()]);
    }
}

/// The node of a loop device. It keeps the readahead that it was given for the disk before.
fn attached(image: &Path, options: &[&str]) -> PathBuf {
    let path = image.display().to_string();
    let args = [options, &["--find", "--show", &path]].concat();
    let node = tool("losetup", &args).trim().to_owned();
    tool("blockdev", &["--setra", READAHEAD, &node]);
    node.into()
}

/// Writes a file through to its disk: extents that were only allocated are not read.
pub fn written(path: &Path, mib: u64) {
    let mut file = File::create(path).unwrap();
    let block = vec![0x5a; usize::try_from(MIB).unwrap()];
    for _ in 0..mib {
        file.write_all(&block).unwrap();
    }
    file.sync_all().unwrap();
}

/// While a test ends, or panics, the rest of the clean-up goes on whatever happens.
pub(crate) fn quietly(program: &str, args: &[&std::ffi::OsStr]) {
    let mut command = Command::new(program);
    command.args(args);
    let ended = run(command);
    if !ended.status.success() {
        eprintln!("{program} {args:?}: {}", ended.stderr);
    }
}

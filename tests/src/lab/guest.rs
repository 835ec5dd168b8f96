//! Guests with one disk, whose host is this machine.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{FallocateFlags, fallocate};

use super::boot::{Boot, Ended, QEMU};
use super::case::Case;
use super::kernel::SERIES;
use super::machine::{DISK_BYTES, Machine, Pace};
use super::result::Brought;
use super::vsock::{self, Vsock};
use super::{qcow2, ready};
use crate::needs::ROOT_FOLDER;

const PATIENCE: Duration = Duration::from_secs(20);
const MODULE_DIR: &str = "/usr/lib/x86_64-linux-gnu/qemu";

/// A guest, by its disk.
pub struct Guest {
    /// Of the test.
    pub name: &'static str,
    /// Of the image: raw or qcow2.
    pub format: &'static str,
    /// Options of the drive.
    pub drive: &'static str,
    /// Options of the device.
    pub device: &'static str,
    /// As many as the device's options say.
    pub queues: u64,
    /// Whether the disk has a thread of its own in QEMU.
    pub iothread: bool,
    /// What its disk is.
    pub disk: Kind,
}

/// What a guest's disk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The device is itself the disk.
    Virtio,
    /// The device is its host adapter.
    Scsi,
    /// An emulated drive, the device its controller.
    Nvme,
}

/// The simplest one.
pub const RAW: Guest = Guest {
    name: "raw",
    format: "raw",
    drive: "cache=writeback",
    device: "num-queues=1",
    queues: 1,
    iothread: false,
    disk: Kind::Virtio,
};

/// The same with a SCSI disk: two of the queues are for other things.
pub const SCSI: Guest = Guest {
    name: "scsi",
    device: "num_queues=2",
    queues: 4,
    disk: Kind::Scsi,
    ..RAW
};

/// The same with an NVMe drive: one of the queues is for administration.
pub const NVME: Guest = Guest {
    name: "nvme",
    device: "max_ioqpairs=2",
    queues: 3,
    disk: Kind::Nvme,
    ..RAW
};

impl Guest {
    /// What `-name` says.
    pub fn title(&self) -> String {
        format!("iotq-{}", self.name)
    }

    /// The first of its queues that is for requests: a host adapter has two for other things, a controller one.
    pub fn first_queue(&self) -> u64 {
        match self.disk {
            Kind::Virtio => 0,
            Kind::Scsi => 2,
            Kind::Nvme => 1,
        }
    }

    /// The drivers with which it has its disk and reaches its host.
    fn modules(&self) -> &'static [&'static str] {
        match self.disk {
            Kind::Virtio => &["virtio_blk", vsock::MODULE],
            Kind::Scsi => &["virtio_scsi", "sd_mod", vsock::MODULE],
            Kind::Nvme => &["nvme", vsock::MODULE],
        }
    }

    /// A text about a guest with virtio disks, about this one.
    pub fn told(&self, text: &str) -> String {
        let words: &[(&str, &str)] = match self.disk {
            Kind::Virtio => &[],
            Kind::Scsi => &[("/dev/vd", "/dev/sd")],
            Kind::Nvme => &[
                ("/dev/vda", "/dev/nvme0n1"),
                ("/dev/vdb", "/dev/nvme0n2"),
                ("guest.virtio.device", "guest.nvme.ctrl"),
                ("guest.virtio.queue", "guest.nvme.qid"),
                ("guest.virtio.index", "guest.nvme.cid"),
                ("guest.virtio", "guest.nvme"),
                // Without a layer that leads there, it is that of virtio disks.
                (
                    "guest.block, host.qemu",
                    "guest.block, guest.nvme, host.qemu",
                ),
                (
                    "guest.syscall, host.qemu",
                    "guest.syscall, guest.nvme, host.qemu",
                ),
            ],
        };
        let told = |text: String, (own, other): &(&str, &str)| text.replace(own, other);
        words.iter().fold(text.to_owned(), told)
    }

    /// One that does not run, so that the executable is known, and what it has.
    pub fn idle(&self) -> Idle {
        match self.disk {
            Kind::Nvme => Idle::of(Path::new(QEMU), &["-name", "nvme"]),
            _ => Idle::default(),
        }
    }

    /// Its image.
    pub fn make(&self, image: &Path) {
        if self.format == "qcow2" {
            return qcow2::make(image, DISK_BYTES).unwrap();
        }
        let file = File::create(image).unwrap();
        fallocate(&file, FallocateFlags::empty(), 0, DISK_BYTES).unwrap();
    }

    /// Boots it with a script, to its end.
    pub fn run(&self, script: &str) -> Brought {
        self.run_with(Vec::new(), script)
    }

    /// The same, with more devices.
    pub fn run_with(&self, more: Vec<String>, script: &str) -> Brought {
        let folder = tempfile::tempdir_in(ROOT_FOLDER).unwrap();
        let image = folder.path().join("image");
        self.make(&image);
        self.run_from(&image, more, script)
    }

    /// With an image that is there.
    pub fn run_on(&self, image: &Path, script: &str) -> Brought {
        self.run_from(image, Vec::new(), script)
    }

    /// With an image that is there, until something kills it.
    pub fn run_to_death(&self, image: &Path, more: Vec<String>, script: &str) -> Ended {
        booted(self.words(image, more), self.modules(), &self.told(script))
    }

    /// The same, with more devices.
    pub fn run_from(&self, image: &Path, more: Vec<String>, script: &str) -> Brought {
        brought(self.run_to_death(image, more, script))
    }

    /// What else QEMU must be told for it to reach its host.
    pub fn reaching(&self, vsock: &Vsock, more: &[&str]) -> Vec<String> {
        let mut words = vsock.words();
        // A queue is used by the CPUs that it is for.
        words.extend(["-smp".to_owned(), self.queues.max(2).to_string()]);
        words.extend(more.iter().map(|it| (*it).to_owned()));
        words
    }

    fn words(&self, image: &Path, more: Vec<String>) -> Vec<String> {
        let (format, drive, device) = (self.format, self.drive, self.device);
        let mut words = vec![
            "-name".into(),
            self.title(),
            "-drive".into(),
            format!(
                "file={},format={format},if=none,discard=unmap,id=disk0,{drive}",
                image.display()
            ),
        ];
        let driver = match self.disk {
            Kind::Virtio => "virtio-blk-pci,drive=disk0",
            Kind::Scsi => "virtio-scsi-pci",
            Kind::Nvme => "nvme,drive=disk0,serial=disk0",
        };
        let mut device = format!("{driver},{device}");
        if self.iothread {
            words.extend(["-object".into(), "iothread,id=io0".into()]);
            device += ",iothread=io0";
        }
        words.extend(["-device".into(), device]);
        if self.disk == Kind::Scsi {
            words.extend(["-device".into(), "scsi-hd,drive=disk0".into()]);
        }
        words.extend(more);
        words
    }
}

/// A guest without anything in it, which does not run: so that its executable is known.
pub struct Idle(Child);

impl Default for Idle {
    fn default() -> Self {
        Self::of(Path::new(QEMU), &[])
    }
}

impl Idle {
    /// One by this program.
    pub fn of(program: &Path, more: &[&str]) -> Self {
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL"])
            .arg(program)
            .args(more);
        // A copy does not find them by itself.
        command.env("QEMU_MODULE_DIR", MODULE_DIR);
        command.args(["-machine", "none", "-S", "-nodefaults", "-display", "none"]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(Stdio::null()).process_group(0);
        let idle = Self(command.spawn().unwrap());
        let begin = Instant::now();
        while !fs::read_link(idle.executable()).is_ok_and(|path| path.ends_with(program)) {
            assert!(begin.elapsed() < PATIENCE, "QEMU does not start");
            sleep(Duration::from_millis(1));
        }
        idle
    }

    /// What it runs.
    pub fn executable(&self) -> String {
        format!("/proc/{}/exe", self.0.id())
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn brought(mut ended: Ended) -> Brought {
    assert_eq!(ended.death, None);
    let brought = ended.results.cases.remove("load").unwrap();
    let said = |name: &str| {
        brought
            .files
            .get(name)
            .map(|it| String::from_utf8_lossy(it))
    };
    let (stderr, agent) = (said("stderr"), said("agent.log"));
    assert_eq!(brought.status.exit, Some(0), "{stderr:?} {agent:?}");
    assert!(brought.status.trouble.is_empty(), "{:?}", brought.status);
    brought
}

/// A boot of a machine with these devices. It is as static as the lab's own are: a few words for each boot.
fn booted(words: Vec<String>, modules: &'static [&'static str], script: &str) -> Ended {
    let words = words.into_iter().map(|word| &*word.leak());
    let words: Vec<&'static str> = words.collect();
    let machine: &'static Machine = Box::leak(Box::new(Machine {
        name: "guest",
        devices: words.leak(),
        disks: 0,
        filesystems: &[],
        modules,
        pace: Pace::Host,
    }));
    let case = Case {
        name: "load".into(),
        text: script.into(),
        machine,
        modules: Vec::new(),
        needs: Vec::new(),
        seconds: 180,
        exit: 0,
        stdout: Vec::new(),
        stderr: Vec::new(),
        judges: Vec::new(),
    };
    let ready = ready(SERIES[0].0).unwrap();
    let boot = Boot {
        kernel: &ready.kernel,
        modules: &ready.modules,
        machine,
        shared: &[],
    };
    boot.run(&[&case]).unwrap()
}

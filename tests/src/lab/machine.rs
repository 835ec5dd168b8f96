//! The machines: which devices QEMU emulates, and which modules drive them.

/// A kind of virtual machine.
#[derive(Debug)]
pub struct Machine {
    /// Its name in cases.
    pub name: &'static str,
    /// Devices of QEMU. `{disk0}`, `{disk1}` are the files of its disks.
    pub devices: &'static [&'static str],
    /// How many disks it has.
    pub disks: usize,
    /// What is made on them, in their order; else they are empty.
    pub filesystems: &'static [&'static str],
    /// Modules that are loaded at the start, where they are not built in.
    pub modules: &'static [&'static str],
    /// Its processors and what makes its time pass.
    pub pace: Pace,
}

/// How a machine's time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// With the host's time, on two CPUs.
    Host,
    /// Each instruction of its one CPU takes 2 ns, and when that waits, time leaps to the next timer. So timers are on
    /// time, however slow and busy the host is. Not for disks that the host reads.
    Instructions,
}

impl Pace {
    /// For QEMU. With two CPUs whose instructions are counted, the second one does not start.
    pub fn options(self) -> &'static [&'static str] {
        match self {
            Pace::Host => &["-smp", "2"],
            Pace::Instructions => &["-smp", "1", "-icount", "shift=1,sleep=off"],
        }
    }
}

/// An empty disk has so many bytes,
pub const DISK_BYTES: u64 = 64 << 20;
/// and one with a filesystem so many: the least that XFS takes, and a bit.
pub const FORMATTED_BYTES: u64 = 320 << 20;

/// All of them.
pub static MACHINES: [Machine; 10] = [
    // For drivers that need no hardware: null_blk, scsi_debug, loop, dm over these.
    Machine {
        name: "plain",
        devices: &[],
        disks: 0,
        filesystems: &[],
        // It stays when scsi_debug goes: it would number hosts from zero again, and 7.2 keeps something of old ones.
        modules: &["scsi_mod"],
        pace: Pace::Host,
    },
    // The same for delays.
    Machine {
        name: "timed",
        devices: &[],
        disks: 0,
        filesystems: &[],
        modules: &["scsi_mod"],
        pace: Pace::Instructions,
    },
    Machine {
        name: "nvme",
        devices: &[
            "-drive",
            "file={disk0},format=raw,if=none,cache=unsafe,discard=unmap,id=d0",
            "-device",
            "nvme,drive=d0,serial=lab0",
        ],
        disks: 1,
        filesystems: &[],
        modules: &["nvme"],
        pace: Pace::Host,
    },
    // One controller with two namespaces.
    Machine {
        name: "nvme-ns",
        devices: &[
            "-drive",
            "file={disk0},format=raw,if=none,cache=unsafe,discard=unmap,id=d0",
            "-drive",
            "file={disk1},format=raw,if=none,cache=unsafe,discard=unmap,id=d1",
            "-device",
            "nvme,id=ctrl0,serial=lab0",
            "-device",
            "nvme-ns,drive=d0,bus=ctrl0,nsid=1",
            "-device",
            "nvme-ns,drive=d1,bus=ctrl0,nsid=2",
        ],
        disks: 2,
        filesystems: &[],
        modules: &["nvme"],
        pace: Pace::Host,
    },
    // Two controllers of one subsystem, with one namespace: two paths to it.
    Machine {
        name: "nvme-multipath",
        devices: &[
            "-drive",
            "file={disk0},format=raw,if=none,cache=unsafe,discard=unmap,id=d0",
            "-device",
            "nvme-subsys,id=sub0,nqn=sub0",
            "-device",
            "nvme,id=ctrl0,serial=lab0,subsys=sub0",
            "-device",
            "nvme,id=ctrl1,serial=lab0,subsys=sub0",
            "-device",
            "nvme-ns,drive=d0,bus=ctrl0,nsid=1,shared=on",
        ],
        disks: 1,
        filesystems: &[],
        modules: &["nvme"],
        pace: Pace::Host,
    },
    Machine {
        name: "virtio-blk",
        devices: &[
            "-drive",
            "file={disk0},format=raw,if=none,cache=unsafe,discard=unmap,id=d0",
            "-device",
            "virtio-blk-pci,drive=d0,num-queues=2",
        ],
        disks: 1,
        filesystems: &[],
        modules: &["virtio_blk"],
        pace: Pace::Host,
    },
    Machine {
        name: "virtio-blk-packed",
        devices: &[
            "-drive",
            "file={disk0},format=raw,if=none,cache=unsafe,discard=unmap,id=d0",
            "-device",
            "virtio-blk-pci,drive=d0,num-queues=2,packed=on",
        ],
        disks: 1,
        filesystems: &[],
        modules: &["virtio_blk"],
        pace: Pace::Host,
    },
    Machine {
        name: "virtio-scsi",
        devices: &[
            "-drive",
            "file={disk0},format=raw,if=none,cache=unsafe,discard=unmap,id=d0",
            "-device",
            "virtio-scsi-pci,num_queues=2",
            "-device",
            "scsi-hd,drive=d0",
        ],
        disks: 1,
        filesystems: &[],
        modules: &["sd_mod", "virtio_scsi"],
        pace: Pace::Host,
    },
    // With a filesystem on each disk.
    Machine {
        name: "files",
        devices: &[
            "-drive",
            "file={disk0},format=raw,if=none,cache=unsafe,discard=unmap,id=d0",
            "-device",
            "virtio-blk-pci,drive=d0,num-queues=2",
            "-drive",
            "file={disk1},format=raw,if=none,cache=unsafe,discard=unmap,id=d1",
            "-device",
            "virtio-blk-pci,drive=d1,num-queues=2",
            "-drive",
            "file={disk2},format=raw,if=none,cache=unsafe,discard=unmap,id=d2",
            "-device",
            "virtio-blk-pci,drive=d2,num-queues=2",
        ],
        disks: 3,
        filesystems: &["ext4", "xfs", "btrfs"],
        modules: &["virtio_blk"],
        pace: Pace::Host,
    },
    // For a case after which the kernel is not as it was.
    Machine {
        name: "spent",
        devices: &[],
        disks: 0,
        filesystems: &[],
        modules: &["scsi_mod"],
        pace: Pace::Host,
    },
];

impl Machine {
    /// The programs that make its filesystems: `mkfs.xfs`.
    pub fn makers(&self) -> impl Iterator<Item = String> {
        self.filesystems.iter().map(|name| format!("mkfs.{name}"))
    }
}

/// One by its name.
pub fn machine(name: &str) -> Option<&'static Machine> {
    MACHINES.iter().find(|machine| machine.name == name)
}

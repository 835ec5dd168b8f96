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
    /// Modules that are loaded at the start, where they are not built in.
    pub modules: &'static [&'static str],
}

/// Each disk has so many bytes.
pub const DISK_BYTES: u64 = 64 << 20;

/// All of them.
pub static MACHINES: [Machine; 8] = [
    // For drivers that need no hardware: null_blk, scsi_debug, loop, dm over these.
    Machine {
        name: "plain",
        devices: &[],
        disks: 0,
        // It stays when scsi_debug goes: it would number hosts from zero again, and 7.2 keeps something of old ones.
        modules: &["scsi_mod"],
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
        modules: &["nvme"],
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
        modules: &["nvme"],
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
        modules: &["nvme"],
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
        modules: &["virtio_blk"],
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
        modules: &["virtio_blk"],
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
        modules: &["sd_mod", "virtio_scsi"],
    },
    // For a case after which the kernel is not as it was.
    Machine {
        name: "spent",
        devices: &[],
        disks: 0,
        modules: &["scsi_mod"],
    },
];

/// One by its name.
pub fn machine(name: &str) -> Option<&'static Machine> {
    MACHINES.iter().find(|machine| machine.name == name)
}

//! E07: what this machine or this user lacks, and names that it does not have.

use crate::diag::Code;

/// The family.
pub static ALL: &[&Code] = &[
    &NOT_PERMITTED,
    &NO_BTF,
    &NO_HOOK,
    &NO_DEVICE,
    &NO_FILE,
    &NO_CGROUP,
    &NO_PROCESS,
    &TOO_MANY_MEMBERSHIPS,
    &REFUSED,
    &PID_NAMESPACE,
    &SEVERAL_DEVICES,
    &NO_QEMU,
];

/// Missing privilege.
pub static NOT_PERMITTED: Code = Code {
    id: "E0701",
    title: "not permitted",
    page: "\
Loading eBPF programs into the kernel needs privileges: root, or the capabilities CAP_BPF and
CAP_PERFMON (Linux 5.8 and later; CAP_SYS_ADMIN before).

  sudo iotq -e 'trace block'
  sudo setcap cap_bpf,cap_perfmon,cap_dac_read_search+ep $(command -v iotq)

In a container the capabilities must be granted to the container as well. `iotq check`,
`iotq explain` and `--dry-run` need no privileges.",
    exit: 3,
};

/// Missing or unreadable BTF.
pub static NO_BTF: Code = Code {
    id: "E0702",
    title: "no type information of this kernel",
    page: "\
The prebuilt probes are adapted to the running kernel with its type information (BTF), which is
expected in /sys/kernel/btf/vmlinux. It is there when the kernel was built with
CONFIG_DEBUG_INFO_BTF=y, as the kernels of all large distributions are since about 2020.

If you have the information in a file, name it with --btf FILE.",
    exit: 3,
};

/// A missing tracepoint.
pub static NO_HOOK: Code = Code {
    id: "E0703",
    title: "this kernel lacks a hook",
    page: "\
A point of a layer is fed by a tracepoint that this kernel does not have, or has in another shape.
`iotq doctor` lists the hooks of every layer, which of them this kernel offers, what is lost without
the others, and which option of the kernel or which module would bring them.",
    exit: 3,
};

/// An unknown device.
pub static NO_DEVICE: Code = Code {
    id: "E0704",
    title: "no such device",
    page: "\
A device is named by its kernel name (vda, nvme0n1p2, dm-0), its numbers (253:0), the name of its
device mapping, its place on a SCSI host (2:0:0:0), any path that leads to it
(\"/dev/disk/by-id/…\"), or the last part of such a path. An NVMe controller (nvme0) is all of its
disks. `iotq list devices` shows the devices of this machine.

  iotq -e 'trace block where dev == vda1'

Names are looked up when a query is installed: the device must be there by then.",
    exit: 2,
};

/// An unknown file.
pub static NO_FILE: Code = Code {
    id: "E0705",
    title: "no such file",
    page: "\
A file or a directory in a query is looked up when the query is installed, and from then on
recognised by its filesystem and inode, whatever becomes of its name. So it must exist, and be
readable to the one who asks. `file under` takes a directory.

  iotq -e 'trace syscall where file == \"/var/lib/db/wal\"'
  iotq -e 'trace syscall where file under \"/var/lib/db\"'",
    exit: 2,
};

/// An unknown control group.
pub static NO_CGROUP: Code = Code {
    id: "E0706",
    title: "no such control group",
    page: "\
A control group is named by its path in the cgroup v2 hierarchy (\"/system.slice/ssh.service\"), by
the path of its folder, by its number, or by the name of its systemd unit. The cgroup v2 hierarchy
must be mounted.

  iotq -e 'trace block where cgroup under \"/system.slice\"'",
    exit: 2,
};

/// An unknown process.
pub static NO_PROCESS: Code = Code {
    id: "E0707",
    title: "no such process",
    page: "\
`pid under N` means the process N and all its descendants, those born later too. The process N must
exist when the query is installed.

To watch a command from its first instruction on, start it with -c:

  iotq -c 'make -j8' -e 'trace block where pid under $child'",
    exit: 2,
};

/// More than the templates have room for.
pub static TOO_MANY_MEMBERSHIPS: Code = Code {
    id: "E0708",
    title: "too many `under` conditions",
    page: "\
The conditions `pid under …`, `cgroup under …` and `file under …` of all statements together are
limited: 8 control groups, 8 directories, and 64 in all. Name a common ancestor, or split the script.",
    exit: 2,
};

/// The verifier or the loader said no.
pub static REFUSED: Code = Code {
    id: "E0709",
    title: "the kernel refused a probe",
    page: "\
The probes could not be adapted to this kernel, or its verifier refused one. This is a limit of iotq:
the kernel is one that it has not met. `iotq doctor` says what it offers. Please report the message
with the kernel's version.",
    exit: 3,
};

/// Process ids mean something else here.
pub static PID_NAMESPACE: Code = Code {
    id: "E0710",
    title: "process ids of another namespace",
    page: "\
The kernel reports process ids as the initial namespace sees them. Inside a container with a process
namespace of its own, the ids that a query names would mean other processes. Run iotq on the host, or
give the container the host's process namespace (`docker run --pid=host`).",
    exit: 3,
};

/// A name that leads to more than one device.
pub static SEVERAL_DEVICES: Code = Code {
    id: "E0711",
    title: "a name of several devices",
    page: "\
The links below /dev/disk, /dev/mapper and /dev/md may be named by their last part. Here links of
this name lead to different devices: a filesystem's label, say, and another partition's. Write the
whole path.

  iotq -e 'trace block where dev == \"/dev/disk/by-partlabel/root\"'",
    exit: 2,
};

/// Nothing to hook.
pub static NO_QEMU: Code = Code {
    id: "E0712",
    title: "no QEMU runs here",
    page: "\
The layer `qemu` sees guests from their host: its probes sit in the executables of QEMU. Which these
are is seen from the processes that run when the query is installed, those whose executables have
`qemu` in their names. So a guest must run by then; others that are started later from the same
executable are seen as well.

  iotq -e 'trace qemu where lat > 10ms'

Inside a guest, its virtio disks are the layer `virtio`.

  iotq -e 'trace virtio where lat > 10ms'",
    exit: 3,
};

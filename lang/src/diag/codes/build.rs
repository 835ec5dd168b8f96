//! E06: what the language means and this build cannot run.

use crate::diag::Code;

/// The family.
pub static ALL: &[&Code] = &[&JOIN, &SIDES, &DIRECTORIES, &STREAMS, &BOUNDARY, &HALF];

/// A join.
pub static JOIN: Code = Code {
    id: "E0602",
    title: "layers of a join",
    page: "\
A `join` follows each request from its root, the layer that is named first, to what it causes on the
layers below. The root must be a layer whose operations can be followed: `syscall`, or on a host
`qemu`, below which are `syscall`, `block` and the drivers.

    join block, nvme emit block.lat, nvme.lat              # a block request causes nothing

Begin with the caller. A driver's rows have the fields of their block request anyway.

    join syscall, block, nvme emit syscall.lat, block.lat, nvme.lat
    join qemu, syscall, block emit qemu.lat, syscall.call, block.lat
    trace nvme where lat > 5ms
",
    exit: 2,
};

/// Guest and host.
pub static SIDES: Code = Code {
    id: "E0605",
    title: "guest and host",
    page: "\
`guest.` and `host.` say on which side of a VM boundary a layer is read. Such a query is asked on
the host, with the name of a guest in which `iotq guest` runs.

    trace guest.block where lat > 10ms      # iotq host --guest NAME -e 'QUERY'

Without `iotq host`, a query is about the machine that it runs on; its layers have no qualifiers.

    trace block where lat > 10ms
",
    exit: 2,
};

/// Everything under a directory.
pub static DIRECTORIES: Code = Code {
    id: "E0606",
    title: "files under a directory",
    page: "\
`file under \"/path\"` means every file below a directory, those made later too. The records of this
layer tell which file they are about, and not in which directories it lies.

    trace fs where file under \"/var/lib/db\"

Calls know it. A join that begins with them knows it of all that they cause.

    trace syscall where file under \"/var/lib/db\"
    join syscall, block where syscall.file under \"/var/lib/db\"
",
    exit: 2,
};

/// Too many streams.
pub static STREAMS: Code = Code {
    id: "E0608",
    title: "too many streams",
    page: "\
All statements of a script share one set of probes, and each record carries one bit for each stream
that it belongs to. A stream is one layer or point of a statement: `trace syscall, block` has two.
A script may have 32 of them.

Split the script, or give statements that differ only in their condition a single one, with `or`.
",
    exit: 2,
};

/// Both sides at once.
pub static BOUNDARY: Code = Code {
    id: "E0609",
    title: "layers on both sides of a boundary",
    page: "\
With `iotq host`, a script is about guests or about the host. A join may be about both if it
follows requests from the guest to QEMU: it begins with `guest.syscall`, `guest.virtio` or
`guest.nvme`, and of the host it has `host.qemu`, which is not optional. Below that it may have what
the host did for them: `host.syscall`, `host.block`, `host.nvme`, `host.scsi`.

Requests to virtio disks lead there, unless `guest.nvme` is among the layers: then those to NVMe
drives do.

    join guest.syscall, host.block          # nothing leads from the one to the other

Name the layers on the way, or ask one side at a time.

    join guest.syscall, host.qemu, host.block emit guest.syscall.lat, host.block.lat
    trace host.block
",
    exit: 2,
};

/// A half that is too large.
pub static HALF: Code = Code {
    id: "E0610",
    title: "too much for a guest",
    page: "\
What is asked of guests is sent to them as text, which they compile by themselves. So that no host
can keep its guests busy with that, the text and its arguments have at most 64 KiB, and at most 32
statements.

Split the script. Long sets of constants often are a range, or the names that match a pattern.
",
    exit: 2,
};

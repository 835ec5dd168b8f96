//! The drivers below the block layer that have no template yet: SCSI, virtio.

use super::later::*;
use super::types::*;
use super::{ERRNO, RING_FORMAT, SCSI_OP, VIRTIO_OP};

const DONE: Known = Known::At(&["complete"]);

/// SCSI.
pub static SCSI: Layer = Layer {
    name: "scsi",
    id: 7,
    doc: "commands of SCSI and SATA disks",
    points: &[
        point("dispatch", 1, "a command is handed to the host adapter"),
        point("error", 2, "the host adapter refused a command"),
        point("timeout", 3, "a command took too long"),
        point("complete", 4, "a command is done"),
    ],
    end: "complete",
    fields: &[
        TIME,
        PID,
        TID,
        COMM,
        CGROUP,
        start("dev", Type::Dev, "disk"),
        start("host", Type::Int, "host adapter"),
        start("channel", Type::Int, "channel"),
        start("target", Type::Int, "target id"),
        start("lun", Type::Int, "logical unit"),
        start("op", Type::Enum(&SCSI_OP), "what it does"),
        start("opcode", Type::Int, "first byte of the command block"),
        start(
            "sector",
            Type::Int,
            "first sector on the disk, in units of 512 bytes",
        ),
        start("size", Type::Bytes, "length"),
        field("result", Type::Int, DONE, "host and status byte"),
        field("sense", Type::Int, DONE, "sense key, code and qualifier"),
        field(
            "error",
            Type::Enum(&ERRNO),
            DONE,
            "how it failed; `none` if it did not",
        ),
        field("lat", Type::Duration, DONE, "latency: dispatch to done"),
    ],
    columns: &[
        "time", "pid", "comm", "dev", "op", "sector", "size", "result", "lat",
    ],
    record: None,
    upkeep: &[],
    modules: &[],
};

/// Virtio.
pub static VIRTIO: Layer = Layer {
    name: "virtio",
    id: 8,
    doc: "requests of virtual disks, in the guest",
    points: &[
        point("add", 1, "a request is put on the ring"),
        point("notify", 2, "the host is told"),
        point("complete", 3, "the host has answered"),
    ],
    end: "complete",
    fields: &[
        TIME,
        PID,
        TID,
        COMM,
        CGROUP,
        start("dev", Type::Dev, "disk"),
        start("device", Type::Int, "virtio device"),
        start("queue", Type::Int, "queue"),
        start("index", Type::Int, "index in the available ring"),
        start("head", Type::Int, "first descriptor"),
        start("format", Type::Enum(&RING_FORMAT), "layout of the ring"),
        start("op", Type::Enum(&VIRTIO_OP), "what it does"),
        start(
            "sector",
            Type::Int,
            "first sector on the disk, in units of 512 bytes",
        ),
        start("size", Type::Bytes, "length"),
        field("status", Type::Int, DONE, "status byte; 0 is success"),
        field(
            "error",
            Type::Enum(&ERRNO),
            DONE,
            "how it failed; `none` if it did not",
        ),
        field(
            "lat",
            Type::Duration,
            DONE,
            "latency: put on the ring to answered",
        ),
    ],
    columns: &[
        "time", "pid", "comm", "dev", "queue", "index", "op", "sector", "size", "lat",
    ],
    record: None,
    upkeep: &[],
    modules: &[],
};

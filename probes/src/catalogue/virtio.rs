//! Virtio: the driver below the block layer that has no template yet.

use super::later::*;
use super::types::*;
use super::{ERRNO, RING_FORMAT, VIRTIO_OP};

const DONE: Known = Known::At(&["complete"]);

/// The layer.
pub static LAYER: Layer = Layer {
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
    options: &[],
};

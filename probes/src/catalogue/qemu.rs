//! The virtual machine monitor on a host: QEMU.

use super::later::*;
use super::types::*;
use super::{ERRNO, VIRTIO_OP};

const DONE: Known = Known::At(&["push"]);

/// The layer.
pub static LAYER: Layer = Layer {
    name: "qemu",
    id: 9,
    doc: "requests of guests inside QEMU, on the host",
    points: &[
        point("pop", 1, "a request is taken off the guest's ring"),
        point("submit", 2, "a request is handed to QEMU's block layer"),
        point("done", 3, "QEMU's block layer is done"),
        point("push", 4, "the answer is put on the guest's ring"),
    ],
    end: "push",
    fields: &[
        TIME,
        PID,
        TID,
        COMM,
        CGROUP,
        start("guest", Type::Text, "name of the guest"),
        start(
            "disk",
            Type::Text,
            "disk of the guest, by its device path in QEMU",
        ),
        start("file", Type::File, "image file or device behind the disk"),
        start("queue", Type::Int, "queue"),
        start("index", Type::Int, "index in the available ring"),
        start("head", Type::Int, "first descriptor"),
        start("op", Type::Enum(&VIRTIO_OP), "what it does"),
        start("offset", Type::Bytes, "where on the guest's disk"),
        start("size", Type::Bytes, "length"),
        field(
            "error",
            Type::Enum(&ERRNO),
            DONE,
            "how it failed; `none` if it did not",
        ),
        field("lat", Type::Duration, DONE, "latency: popped to pushed"),
    ],
    columns: &[
        "time", "pid", "guest", "disk", "queue", "op", "offset", "size", "lat",
    ],
    record: None,
    root: None,
    upkeep: &[],
    modules: &[],
    options: &[],
};

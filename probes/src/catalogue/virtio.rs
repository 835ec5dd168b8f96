//! Virtio disks, in the guest: requests on their rings, from the driver to the host and back.

use std::mem::{offset_of, size_of};

use super::made::*;
use super::request::*;
use super::types::*;
use super::{ERRNO, RING_FORMAT, VIRTIO_OP, block};
use crate::abi::*;

const DONE: Known = Known::At(&["complete"]);
const TOLD: Known = Known::At(&["notify", "complete"]);

const ADD: Hook = Hook::entry("virtqueue_add_sgs", "iotq_virtio_add")
    .or(&[Hook::probe("virtqueue_add_sgs", "iotq_virtio_add_probe")]);
const ADDED: Hook = Hook::exit("virtqueue_add_sgs", "iotq_virtio_added").or(&[Hook::exit_probe(
    "virtqueue_add_sgs",
    "iotq_virtio_added_probe",
)]);
const NOTIFY: Hook = Hook::entry("virtqueue_notify", "iotq_virtio_notify")
    .or(&[Hook::probe("virtqueue_notify", "iotq_virtio_notify_probe")]);

/// The layer.
pub static LAYER: Layer = Layer {
    name: "virtio",
    id: 8,
    doc: "requests of virtual disks, in the guest",
    points: &[
        Point {
            name: "add",
            id: 1,
            hooks: &[ADD, ADDED],
            doc: "a request is put on the ring",
        },
        Point {
            name: "notify",
            id: 2,
            hooks: &[NOTIFY],
            doc: "the host is told of it; often of several at once, and never if it looks by itself",
        },
        Point {
            name: "complete",
            id: 3,
            hooks: &[
                Hook::entry("blk_mq_complete_request", "iotq_virtio_blk_done"),
                Hook::entry(
                    "blk_mq_complete_request_remote",
                    "iotq_virtio_blk_done_remote",
                )
                .or_lose("the ends of requests to virtio-blk that it alone sees"),
                Hook::raw("scsi_dispatch_cmd_done", "iotq_virtio_scsi_done", &[1])
                    .or_lose("requests to virtio-scsi are not seen to end"),
            ],
            doc: "the host's answer is taken from the ring",
        },
    ],
    end: "complete",
    fields: &[
        TIME,
        PID,
        TID,
        COMM,
        UID,
        CGROUP,
        ORIGIN_PID,
        ORIGIN_COMM,
        ORIGIN_CGROUP,
        DEV,
        start(
            "device",
            Type::Int,
            number(offset_of!(iotq_virtio, device), 4),
            "virtio device: the 3 of virtio3",
        ),
        start(
            "queue",
            Type::Int,
            number(offset_of!(iotq_virtio, queue), 4),
            "virtqueue of the device; SCSI has two before those of requests",
        ),
        start(
            "index",
            Type::Int,
            number(offset_of!(iotq_virtio, index), 4),
            "index in the available ring, of 16 bits; of a packed ring, the first descriptor",
        ),
        start(
            "head",
            Type::Int,
            number(offset_of!(iotq_virtio, head), 4),
            "first descriptor; of a packed ring, the buffer's id",
        ),
        start(
            "format",
            Type::Enum(&RING_FORMAT),
            number(offset_of!(iotq_virtio, format), 1),
            "layout of the ring",
        ),
        start(
            "op",
            Type::Enum(&VIRTIO_OP),
            number(offset_of!(iotq_virtio, op), 1),
            "what it does",
        ),
        SECTOR,
        SIZE,
        field(
            "status",
            Type::Int,
            DONE,
            number(offset_of!(iotq_virtio, status), 1),
            "the host's answer: status of a block device, response of a SCSI host; 0 is success",
        ),
        field(
            "error",
            Type::Enum(&ERRNO),
            DONE,
            number(offset_of!(iotq_virtio, error), 4),
            "how it failed; `none` if it did not",
        ),
        Field {
            needs: &["notify"],
            ..field(
                "a2n",
                Type::Duration,
                TOLD,
                nullable(offset_of!(iotq_virtio, a2n), 8),
                "put on the ring to the host's being told; none if the host was looking already",
            )
        },
        Field {
            needs: &["complete"],
            ..field(
                "lat",
                Type::Duration,
                DONE,
                nullable(offset_of!(iotq_virtio, lat), 8),
                "latency: put on the ring to answered",
            )
        },
        INTERNAL,
        APPROX,
    ],
    columns: &[
        "time", "pid", "comm", "dev", "queue", "index", "op", "sector", "size", "lat",
    ],
    record: Some(size_of::<iotq_virtio>()),
    root: None,
    upkeep: &[ADD, ADDED, block::SUBMITTED, block::MERGED],
    modules: &[
        "virtio_ring",
        "virtio",
        "virtio_blk",
        "virtio_scsi",
        "scsi_mod",
    ],
    options: &["CONFIG_VIRTIO", "CONFIG_BPF_EVENTS"],
};

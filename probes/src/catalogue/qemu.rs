//! The virtual machine monitor on a host: QEMU, and what guests ask of their disks.

use std::mem::{offset_of, size_of};

use super::made::*;
use super::types::*;
use super::{ERRNO, RING_FORMAT, VIRTIO_OP};
use crate::abi::*;

const SUBMITTED: Known = Known::At(&["submit", "push"]);
const PUSHED: Known = Known::At(&["push"]);

/// Behind its call of `virtqueue_pop`: the function that takes the requests of virtio disks, and no others'.
const POP: Hook = Hook::qemu("virtio_blk_handle_vq", "iotq_qemu_pop");
const SCSI_POP: Hook =
    Hook::qemu("scsi_req_new", "iotq_qemu_scsi_pop").or_lose("requests to SCSI disks go by unseen");
const SCSI_GIVEN: Hook = Hook::qemu("scsi_req_enqueue", "iotq_qemu_scsi_given").or_lose(NO_CALL);
const NVME_POP: Hook = Hook::qemu("nvme_map_dptr", "iotq_qemu_nvme_pop").or_lose(NO_NVME);
const PUSH: Hook = Hook::qemu("virtqueue_push", "iotq_qemu_push");
const NVME_PUSH: Hook = Hook::qemu("nvme_rw_complete_cb", "iotq_qemu_nvme_push").or_lose(NO_NVME);
/// It is called at the end of anything, and has a use only where there are such drives.
const NVME_END: Hook = Hook::qemu("qemu_aio_unref", "iotq_qemu_nvme_end")
    .or_lose("flushes, discards and zeroes of NVMe drives go by unseen");

const NO_NVME: &str = "requests to NVMe drives go by unseen";
const NO_CALL: &str = "such requests have no times of QEMU's block layer";

/// A name that the kernel compares by its beginning, and the rest in user space.
const fn name(
    name: &'static str,
    known: Known,
    offset: usize,
    needs: &'static [&'static str],
    doc: &'static str,
) -> Field {
    let len = IOTQ_NAME_LEN as usize;
    let slot = Slot::Text { offset, len };
    Field {
        needs,
        ..field(name, Type::Text, known, slot, doc)
    }
}

/// A part of the latency of a request that is followed; with the others it adds up to it.
const fn stage(name: &'static str, stage: iotq_stage, doc: &'static str) -> Field {
    let offset = offset_of!(iotq_qemu_root, trail.stages) + 8 * stage as usize;
    Field {
        followed: true,
        ..field(name, Type::Duration, PUSHED, number(offset, 8), doc)
    }
}

/// What the call of QEMU's block layer tells.
const fn called(
    name: &'static str,
    ty: Type,
    known: Known,
    slot: Slot,
    doc: &'static str,
) -> Field {
    Field {
        needs: &["submit"],
        ..field(name, ty, known, slot, doc)
    }
}

/// The layer.
pub static LAYER: Layer = Layer {
    name: "qemu",
    id: 9,
    doc: "requests of guests to virtio disks, SCSI disks and NVMe drives inside QEMU, on the host",
    points: &[
        Point {
            name: "pop",
            id: 1,
            hooks: &[POP, SCSI_POP, NVME_POP],
            doc: "a request is taken off the guest's ring; of an NVMe drive, its data are looked up",
        },
        Point {
            name: "submit",
            id: 2,
            hooks: &[
                SCSI_GIVEN,
                Hook::qemu("blk_aio_preadv", "iotq_qemu_submit").or_lose(NO_CALL),
                Hook::qemu("blk_aio_pwritev", "iotq_qemu_submit").or_lose(NO_CALL),
                Hook::qemu("blk_aio_pwrite_zeroes", "iotq_qemu_submit").or_lose(NO_CALL),
                Hook::qemu("blk_aio_pdiscard", "iotq_qemu_submit_discard").or_lose(NO_CALL),
                Hook::qemu("blk_aio_ioctl", "iotq_qemu_submit_command").or_lose(NO_CALL),
                Hook::qemu("blk_aio_flush", "iotq_qemu_submit_flush").or_lose(NO_CALL),
            ],
            doc: "a request is handed to QEMU's block layer; adjacent ones together, as the first of them",
        },
        Point {
            name: "push",
            id: 3,
            hooks: &[PUSH, NVME_PUSH, NVME_END],
            doc: "the answer is put on the guest's ring; of an NVMe drive, the request is over",
        },
    ],
    end: "push",
    fields: &[
        time("when the point was reached"),
        pid("process: one for each guest"),
        tid("thread that took the request off the ring"),
        comm("name of that thread"),
        uid("user"),
        cgroup("control group (cgroup v2)"),
        name(
            "guest",
            Known::Start,
            offset_of!(iotq_qemu, guest),
            &[],
            "name of the guest (`-name`), cut at 31 bytes",
        ),
        name(
            "disk",
            SUBMITTED,
            offset_of!(iotq_qemu, disk),
            &["submit"],
            "disk of the guest, by the id of its drive or of its device, cut at 31 bytes",
        ),
        start(
            "queue",
            Type::Int,
            number(offset_of!(iotq_qemu, queue), 4),
            "virtqueue of the disk, or of its host adapter; of an NVMe drive, the submission queue",
        ),
        start(
            "index",
            Type::Int,
            number(offset_of!(iotq_qemu, index), 4),
            "index in the available ring, of 16 bits; of a packed ring, the first descriptor; of an NVMe drive, the id of the \
             command",
        ),
        start(
            "head",
            Type::Int,
            number(offset_of!(iotq_qemu, first), 4),
            "first descriptor; of a packed ring, the buffer's id; of an NVMe drive, the namespace",
        ),
        start(
            "format",
            Type::Enum(&RING_FORMAT),
            number(offset_of!(iotq_qemu, format), 1),
            "layout of the queue",
        ),
        start(
            "op",
            Type::Enum(&VIRTIO_OP),
            number(offset_of!(iotq_qemu, op), 1),
            "what the guest asks for",
        ),
        start(
            "offset",
            Type::Bytes,
            nullable(offset_of!(iotq_qemu, offset), 8),
            "where on the guest's disk; none of a flush",
        ),
        start(
            "size",
            Type::Bytes,
            number(offset_of!(iotq_qemu, size), 8),
            "length",
        ),
        called(
            "p2s",
            Type::Duration,
            SUBMITTED,
            nullable(offset_of!(iotq_qemu, p2s), 8),
            "popped to submitted; none without a call of its own",
        ),
        called(
            "s2p",
            Type::Duration,
            PUSHED,
            nullable(offset_of!(iotq_qemu, s2p), 8),
            "submitted to pushed; none without a call of its own",
        ),
        called(
            "merged",
            Type::Bool,
            PUSHED,
            Slot::Bit {
                offset: offset_of!(iotq_qemu, merged),
                width: 1,
                mask: 1,
            },
            "read or written by the call for an adjacent request",
        ),
        field(
            "status",
            Type::Int,
            PUSHED,
            number(offset_of!(iotq_qemu, status), 1),
            "QEMU's answer: of a virtio disk, 0 is success, 1 an error, 2 not supported; of a SCSI disk, the host adapter's response; of an NVMe \
             drive, 1 is an error",
        ),
        field(
            "error",
            Type::Enum(&ERRNO),
            PUSHED,
            number(offset_of!(iotq_qemu, error), 4),
            "how it failed; `none` if it did not",
        ),
        field(
            "lat",
            Type::Duration,
            PUSHED,
            nullable(offset_of!(iotq_qemu, lat), 8),
            "latency: popped to pushed",
        ),
        field(
            "kick",
            Type::Duration,
            PUSHED,
            nullable(offset_of!(iotq_qemu, kick), 8),
            "issued in the guest to popped; only in a join with the guest's layers",
        ),
        field(
            "inject",
            Type::Duration,
            PUSHED,
            nullable(offset_of!(iotq_qemu, inject), 8),
            "pushed to completed in the guest; only in a join with the guest's layers",
        ),
        stage(
            "cpu",
            IOTQ_STAGE_CPU,
            "of the latency: a call that QEMU made for it was on a CPU",
        ),
        stage(
            "runqueue",
            IOTQ_STAGE_RUNQUEUE,
            "of the latency: such a call could run and waited for a CPU",
        ),
        stage(
            "device",
            IOTQ_STAGE_DEVICE,
            "of the latency: no call ran, and one of its requests to the host's disks was at a device",
        ),
        stage(
            "queued",
            IOTQ_STAGE_QUEUE,
            "of the latency: no call ran, and its requests to the host's disks were queued",
        ),
        stage(
            "blocked",
            IOTQ_STAGE_BLOCKED,
            "of the latency: its call slept without a request of its own: a lock, say",
        ),
        stage(
            "other",
            IOTQ_STAGE_OTHER,
            "of the latency: the host did nothing for it, it was in QEMU",
        ),
        Field {
            followed: true,
            ..field(
                "children",
                Type::Int,
                PUSHED,
                number(offset_of!(iotq_qemu_root, trail.children), 4),
                "requests to the host's disks that it caused",
            )
        },
        start(
            "approx",
            Type::Bool,
            Slot::Bit {
                offset: offset_of!(iotq_qemu, head.marks),
                width: 2,
                mask: (IOTQ_MARK_APPROX_ASKED | IOTQ_MARK_CROWDED) as u64,
            },
            "what the guest asks for could not be read: operation, place and size are not known; or of one that is \
             followed, not all that the host did for it is known",
        ),
    ],
    columns: &[
        "time", "pid", "guest", "disk", "queue", "op", "offset", "size", "p2s", "lat",
    ],
    record: Some(size_of::<iotq_qemu>()),
    root: Some(size_of::<iotq_qemu_root>()),
    upkeep: &[POP, SCSI_POP, NVME_POP, PUSH, NVME_PUSH, NVME_END],
    modules: &[],
    options: &["CONFIG_UPROBE_EVENTS"],
};

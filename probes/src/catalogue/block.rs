//! The block layer: bios and requests, from the queue to the completion.

use std::mem::{offset_of, size_of};

use super::made::*;
use super::request::{CGROUP, COMM, ORIGIN_CGROUP, ORIGIN_COMM, ORIGIN_PID, PID, TID, TIME, UID};
use super::types::*;
use super::{BLOCK_OP, ERRNO};
use crate::abi::*;

const END: Known = Known::At(&["complete"]);
const ISSUED: Known = Known::At(&["issue", "requeue", "complete"]);

const fn flag(mask: u32) -> Slot {
    Slot::Bit {
        offset: offset_of!(iotq_block, flags),
        width: 4,
        mask: mask as u64,
    }
}

const fn mark(mask: u32) -> Slot {
    Slot::Bit {
        offset: offset_of!(iotq_block, head.marks),
        width: 2,
        mask: mask as u64,
    }
}

pub(super) const BIO_QUEUE: Hook = Hook::typed("block_bio_queue", "iotq_bio_queue", &[1])
    .or(&[Hook::typed("block_bio_queue", "iotq_bio_queue_2", &[2])]);
const SPLIT: Hook = Hook::typed("block_split", "iotq_bio_split", &[2]).or(&[Hook::typed(
    "block_split",
    "iotq_bio_split_3",
    &[3],
)]);
const BACK_MERGE: Hook =
    Hook::typed("block_bio_backmerge", "iotq_bio_backmerge", &[1]).or(&[Hook::typed(
        "block_bio_backmerge",
        "iotq_bio_backmerge_3",
        &[3],
    )]);
const FRONT_MERGE: Hook =
    Hook::typed("block_bio_frontmerge", "iotq_bio_frontmerge", &[1]).or(&[Hook::typed(
        "block_bio_frontmerge",
        "iotq_bio_frontmerge_3",
        &[3],
    )]);
const INSERT: Hook = Hook::typed("block_rq_insert", "iotq_rq_insert", &[1]);
const ISSUE: Hook = Hook::typed("block_rq_issue", "iotq_rq_issue", &[1]);
const START: Hook = Hook::typed("block_io_start", "iotq_rq_start", &[1])
    .or_lose("the submitter of a request is taken from its first bio, where that was seen")
    .late();

/// A request that is merged into another one does not complete.
pub(super) const MERGED: Hook = Hook::typed("block_rq_merge", "iotq_rq_merge", &[1])
    .or_lose("a request that was merged into another stays tracked until its slot is used again")
    .late();

/// What tells drivers' layers who submitted a request.
pub(super) const SUBMITTED: Hook = Hook {
    instead: &[BIO_QUEUE],
    ..START
};

/// The layer.
pub static LAYER: Layer = Layer {
    name: "block",
    id: 1,
    doc: "requests to block devices, from the bio's submission to the device's answer",
    points: &[
        Point {
            name: "queue",
            id: 1,
            hooks: &[BIO_QUEUE],
            doc: "a bio is submitted to a device",
        },
        Point {
            name: "split",
            id: 2,
            hooks: &[SPLIT],
            doc: "a bio was too large for the device: its front part goes on alone",
        },
        Point {
            name: "merge",
            id: 3,
            hooks: &[BACK_MERGE, FRONT_MERGE],
            doc: "a bio joins a request that is already there",
        },
        Point {
            name: "insert",
            id: 4,
            hooks: &[INSERT],
            doc: "a request enters the I/O scheduler (never, with the scheduler `none` and an idle device)",
        },
        Point {
            name: "issue",
            id: 5,
            hooks: &[ISSUE],
            doc: "a request is handed to the driver",
        },
        Point {
            name: "requeue",
            id: 6,
            hooks: &[Hook::typed("block_rq_requeue", "iotq_rq_requeue", &[1])],
            doc: "the driver gave a request back, to be tried again",
        },
        Point {
            name: "complete",
            id: 7,
            hooks: &[
                Hook::typed("block_rq_complete", "iotq_rq_complete", &[3]),
                Hook::typed("block_bio_complete", "iotq_bio_complete", &[2])
                    .or_lose("I/O to devices without requests (dm, md, zram) is not seen to end"),
            ],
            doc: "the device has answered",
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
        field(
            "dev",
            Type::Dev,
            Known::Start,
            nullable(offset_of!(iotq_block, dev), 4),
            "disk",
        ),
        field(
            "part",
            Type::Dev,
            Known::Start,
            nullable(offset_of!(iotq_block, part), 4),
            "partition that it was submitted to, or the disk",
        ),
        field(
            "op",
            Type::Enum(&BLOCK_OP),
            Known::Start,
            number(offset_of!(iotq_block, op), 1),
            "what it does",
        ),
        field(
            "sync",
            Type::Bool,
            Known::Start,
            flag(IOTQ_BLOCK_SYNC),
            "somebody waits for it",
        ),
        field(
            "meta",
            Type::Bool,
            Known::Start,
            flag(IOTQ_BLOCK_META),
            "metadata of a filesystem",
        ),
        field(
            "fua",
            Type::Bool,
            Known::Start,
            flag(IOTQ_BLOCK_FUA),
            "forced through the device's cache",
        ),
        field(
            "preflush",
            Type::Bool,
            Known::Start,
            flag(IOTQ_BLOCK_PREFLUSH),
            "the device's cache is flushed first",
        ),
        field(
            "ahead",
            Type::Bool,
            Known::Start,
            flag(IOTQ_BLOCK_AHEAD),
            "readahead",
        ),
        field(
            "prio",
            Type::Bool,
            Known::Start,
            flag(IOTQ_BLOCK_PRIO),
            "boosted priority",
        ),
        field(
            "background",
            Type::Bool,
            Known::Start,
            flag(IOTQ_BLOCK_BACKGROUND),
            "background writeback",
        ),
        field(
            "swap",
            Type::Bool,
            Known::Start,
            flag(IOTQ_BLOCK_SWAP),
            "swapping",
        ),
        field(
            "polled",
            Type::Bool,
            Known::Start,
            flag(IOTQ_BLOCK_POLLED),
            "completion is polled for",
        ),
        field(
            "nowait",
            Type::Bool,
            Known::Start,
            flag(IOTQ_BLOCK_NOWAIT),
            "fails rather than waits for a free request",
        ),
        field(
            "sector",
            Type::Int,
            Known::At(&[
                "queue", "split", "merge", "insert", "issue", "requeue", "complete",
            ]),
            nullable(offset_of!(iotq_block, sector), 8),
            "first sector on the disk, in units of 512 bytes",
        ),
        field(
            "size",
            Type::Bytes,
            Known::At(&[
                "queue", "split", "merge", "insert", "issue", "requeue", "complete",
            ]),
            number(offset_of!(iotq_block, size), 4),
            "length; grows with merges until the request is issued",
        ),
        Field {
            needs: &["issue"],
            ..field(
                "sequential",
                Type::Bool,
                ISSUED,
                Slot::Bit {
                    offset: offset_of!(iotq_block, sequential),
                    width: 1,
                    mask: 1,
                },
                "a read or write that begins where the last one of the same disk ended, as they are issued, whoever asked",
            )
        },
        Field {
            needs: &["issue"],
            ..field(
                "queue",
                Type::Int,
                ISSUED,
                nullable(offset_of!(iotq_block, queue), 4),
                "hardware queue",
            )
        },
        Field {
            needs: &["issue"],
            ..field(
                "tag",
                Type::Int,
                ISSUED,
                nullable(offset_of!(iotq_block, tag), 4),
                "tag in the hardware queue",
            )
        },
        Field {
            needs: &["queue", "insert"],
            ..field(
                "q2i",
                Type::Duration,
                Known::At(&["insert", "issue", "requeue", "complete"]),
                nullable(offset_of!(iotq_block, q2i), 8),
                "queued to inserted into the scheduler",
            )
        },
        Field {
            needs: &["insert", "issue"],
            ..field(
                "i2d",
                Type::Duration,
                ISSUED,
                nullable(offset_of!(iotq_block, i2d), 8),
                "inserted to issued",
            )
        },
        Field {
            needs: &["queue", "issue"],
            ..field(
                "q2d",
                Type::Duration,
                ISSUED,
                nullable(offset_of!(iotq_block, q2d), 8),
                "queued to issued",
            )
        },
        Field {
            needs: &["issue"],
            ..field(
                "d2c",
                Type::Duration,
                END,
                nullable(offset_of!(iotq_block, d2c), 8),
                "issued to completed: the device's time",
            )
        },
        Field {
            needs: &["queue", "complete"],
            ..field(
                "q2c",
                Type::Duration,
                END,
                nullable(offset_of!(iotq_block, lat), 8),
                "queued to completed: the same as `lat`",
            )
        },
        Field {
            needs: &["queue", "complete"],
            ..field(
                "lat",
                Type::Duration,
                END,
                nullable(offset_of!(iotq_block, lat), 8),
                "latency: queued to completed",
            )
        },
        field(
            "error",
            Type::Enum(&ERRNO),
            END,
            number(offset_of!(iotq_block, error), 2),
            "how it failed; `none` if it did not",
        ),
        Field {
            needs: &["requeue"],
            ..field(
                "requeues",
                Type::Int,
                ISSUED,
                number(offset_of!(iotq_block, requeues), 2),
                "how often the driver gave it back",
            )
        },
        field(
            "internal",
            Type::Bool,
            Known::Start,
            mark(IOTQ_MARK_INTERNAL),
            "made by the block layer itself, such as the device's flush that serves the flushes asked for",
        ),
        field(
            "approx",
            Type::Bool,
            Known::At(&["insert", "issue", "requeue", "complete"]),
            mark(IOTQ_MARK_APPROX),
            "a part of the record was not seen: the queue time or the submitter, which are made up for, the issue, the end, or for whom it is",
        ),
    ],
    columns: &[
        "time", "pid", "comm", "dev", "op", "sector", "size", "q2d", "d2c", "lat",
    ],
    record: Some(size_of::<iotq_block>()),
    root: None,
    upkeep: &[
        Hook {
            instead: &[BIO_QUEUE, INSERT, ISSUE],
            ..START
        },
        // Where requests begin that no bio has asked for.
        ISSUE,
        SPLIT.or_lose(
            "the front part of a split bio has no queue time: its request's start stands in for it",
        ),
        MERGED,
    ],
    modules: &[],
    options: &["CONFIG_BLOCK"],
};

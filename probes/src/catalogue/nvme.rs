//! The NVMe driver: commands, from their setup to the drive's answer.

use std::mem::{offset_of, size_of};

use super::made::*;
use super::request::*;
use super::types::*;
use super::{ERRNO, NVME_OP, block};
use crate::abi::*;

const DONE: Known = Known::At(&["complete"]);
const ANSWERED: Known = Known::At(&["answer", "complete"]);

/// The layer.
pub static LAYER: Layer = Layer {
    name: "nvme",
    id: 6,
    doc: "commands of NVMe drives",
    points: &[
        Point {
            name: "setup",
            id: 1,
            hooks: &[Hook::raw("nvme_setup_cmd", "iotq_nvme_setup", &[2])],
            doc: "a command is built, and goes to the drive next",
        },
        Point {
            name: "answer",
            id: 2,
            hooks: &[Hook::raw("nvme_sq", "iotq_nvme_answer", &[3])],
            doc: "the drive's answer is taken from the completion queue",
        },
        Point {
            name: "complete",
            id: 3,
            hooks: &[Hook::raw("nvme_complete_rq", "iotq_nvme_complete", &[1])],
            doc: "the command is over; a command that failed may be set up again",
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
            "ctrl",
            Type::Int,
            number(offset_of!(iotq_nvme, ctrl), 4),
            "controller: the 0 of nvme0",
        ),
        start(
            "nsid",
            Type::Int,
            number(offset_of!(iotq_nvme, nsid), 4),
            "namespace id",
        ),
        start(
            "qid",
            Type::Int,
            number(offset_of!(iotq_nvme, qid), 2),
            "submission queue; 0 is the admin queue",
        ),
        start(
            "cid",
            Type::Int,
            number(offset_of!(iotq_nvme, cid), 2),
            "command id, as the drive sees it",
        ),
        start(
            "op",
            Type::Enum(&NVME_OP),
            number(offset_of!(iotq_nvme, op), 2),
            "what it does",
        ),
        start(
            "opcode",
            Type::Int,
            number(offset_of!(iotq_nvme, opcode), 1),
            "first byte of the command; means another thing on the admin queue",
        ),
        SECTOR,
        SIZE,
        field(
            "status",
            Type::Int,
            DONE,
            number(offset_of!(iotq_nvme, status), 2),
            "status field of the answer; 0 is success",
        ),
        field(
            "error",
            Type::Enum(&ERRNO),
            DONE,
            number(offset_of!(iotq_nvme, error), 4),
            "how it failed; `none` if it did not",
        ),
        field(
            "retries",
            Type::Int,
            DONE,
            number(offset_of!(iotq_nvme, retries), 4),
            "how often it was tried before",
        ),
        Field {
            needs: &["answer"],
            ..field(
                "sq_head",
                Type::Int,
                ANSWERED,
                nullable(offset_of!(iotq_nvme, sq_head), 4),
                "submission queue head, as the drive reports it",
            )
        },
        Field {
            needs: &["answer"],
            ..field(
                "sq_tail",
                Type::Int,
                ANSWERED,
                nullable(offset_of!(iotq_nvme, sq_tail), 4),
                "submission queue tail when the answer was taken",
            )
        },
        Field {
            needs: &["setup", "complete"],
            ..field(
                "lat",
                Type::Duration,
                DONE,
                nullable(offset_of!(iotq_nvme, lat), 8),
                "latency: set up to completed",
            )
        },
        INTERNAL,
        APPROX,
    ],
    columns: &[
        "time", "pid", "comm", "dev", "qid", "cid", "op", "sector", "size", "status", "lat",
    ],
    record: Some(size_of::<iotq_nvme>()),
    root: None,
    upkeep: &[
        Hook::raw("nvme_setup_cmd", "iotq_nvme_setup", &[2]),
        block::SUBMITTED,
        block::MERGED,
    ],
    modules: &["nvme_core", "nvme"],
    options: &["CONFIG_NVME_CORE", "CONFIG_TRACING"],
};

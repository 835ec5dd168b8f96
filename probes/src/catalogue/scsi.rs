//! The SCSI layer: commands of SCSI, SATA and USB disks, from their dispatch to the answer.

use std::mem::{offset_of, size_of};

use super::made::*;
use super::request::*;
use super::types::*;
use super::{ERRNO, SCSI_OP, block};
use crate::abi::*;

const DONE: Known = Known::At(&["complete"]);

const DISPATCH: Hook = Hook::raw("scsi_dispatch_cmd_start", "iotq_scsi_dispatch", &[1]);
const REFUSED: Hook = Hook::raw("scsi_dispatch_cmd_error", "iotq_scsi_error", &[2]);

/// The layer.
pub static LAYER: Layer = Layer {
    name: "scsi",
    id: 7,
    doc: "commands of SCSI, SATA and USB disks",
    points: &[
        Point {
            name: "dispatch",
            id: 1,
            hooks: &[DISPATCH],
            doc: "a command is handed to the host adapter",
        },
        Point {
            name: "error",
            id: 2,
            hooks: &[REFUSED],
            doc: "the host adapter refused a command, which will be dispatched again",
        },
        Point {
            name: "timeout",
            id: 3,
            hooks: &[Hook::raw(
                "scsi_dispatch_cmd_timeout",
                "iotq_scsi_timeout",
                &[1],
            )],
            doc: "a command took too long",
        },
        Point {
            name: "complete",
            id: 4,
            hooks: &[Hook::raw(
                "scsi_dispatch_cmd_done",
                "iotq_scsi_complete",
                &[1],
            )],
            doc: "the device has answered; a command that failed may be dispatched again",
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
            "host",
            Type::Int,
            number(offset_of!(iotq_scsi, host), 4),
            "host adapter: the H of H:C:T:L",
        ),
        start(
            "channel",
            Type::Int,
            number(offset_of!(iotq_scsi, channel), 4),
            "channel: the C of H:C:T:L",
        ),
        start(
            "target",
            Type::Int,
            number(offset_of!(iotq_scsi, target), 4),
            "target: the T of H:C:T:L",
        ),
        start(
            "lun",
            Type::Int,
            number(offset_of!(iotq_scsi, lun), 4),
            "logical unit: the L of H:C:T:L",
        ),
        start(
            "tag",
            Type::Int,
            nullable(offset_of!(iotq_scsi, tag), 4),
            "tag in the hardware queue",
        ),
        start(
            "op",
            Type::Enum(&SCSI_OP),
            number(offset_of!(iotq_scsi, op), 1),
            "what it does",
        ),
        start(
            "opcode",
            Type::Int,
            number(offset_of!(iotq_scsi, opcode), 1),
            "first byte of the command block",
        ),
        SECTOR,
        SIZE,
        field(
            "result",
            Type::Int,
            DONE,
            number(offset_of!(iotq_scsi, result), 4),
            "host byte x 65536 + status byte; 0 is success",
        ),
        field(
            "sense",
            Type::Int,
            DONE,
            nullable(offset_of!(iotq_scsi, sense), 4),
            "sense key x 65536 + code x 256 + qualifier",
        ),
        field(
            "error",
            Type::Enum(&ERRNO),
            DONE,
            number(offset_of!(iotq_scsi, error), 4),
            "what the block layer makes of it; `none` if it did not fail",
        ),
        field(
            "lat",
            Type::Duration,
            DONE,
            nullable(offset_of!(iotq_scsi, lat), 8),
            "latency: dispatched to done",
        ),
        INTERNAL,
        APPROX,
    ],
    columns: &[
        "time", "pid", "comm", "dev", "op", "sector", "size", "result", "sense", "lat",
    ],
    record: Some(size_of::<iotq_scsi>()),
    root: None,
    upkeep: &[DISPATCH, REFUSED, block::SUBMITTED, block::MERGED],
    modules: &["scsi_mod"],
    options: &["CONFIG_SCSI"],
};

//! The fields that the records of the block layer and of drivers share: those of the request that they begin with.

use std::mem::offset_of;

use super::block::BIO_QUEUE;
use super::made::*;
use super::types::*;
use crate::abi::*;

pub(super) const TIME: Field = time("when the point was reached");
pub(super) const PID: Field = pid("process that submitted it");
pub(super) const TID: Field = tid("thread that submitted it");
pub(super) const COMM: Field = comm("name of the thread that submitted it");
pub(super) const UID: Field = uid("user that submitted it");
pub(super) const CGROUP: Field =
    cgroup("control group of the thread that submitted it (cgroup v2)");
pub(super) const DEV: Field = start(
    "dev",
    Type::Dev,
    nullable(offset_of!(iotq_block, dev), 4),
    "disk; commands for the controller itself have none",
);
pub(super) const SECTOR: Field = start(
    "sector",
    Type::Int,
    nullable(offset_of!(iotq_block, sector), 8),
    "first sector on the disk, in units of 512 bytes",
);
pub(super) const SIZE: Field = start(
    "size",
    Type::Bytes,
    number(offset_of!(iotq_block, size), 4),
    "length",
);

/// What tells for whom requests are.
const ORIGINS: &[Hook] = &[
    BIO_QUEUE,
    Hook::typed("writeback_dirty_folio", "iotq_origin_dirty", &[2]).or(&[Hook::typed(
        "writeback_dirty_page",
        "iotq_origin_dirty_page",
        &[2],
    )]),
];

const fn origin(name: &'static str, ty: Type, slot: Slot, doc: &'static str) -> Field {
    Field {
        hooks: ORIGINS,
        ..start(name, ty, slot, doc)
    }
}

pub(super) const ORIGIN_PID: Field = origin(
    "origin.pid",
    Type::Pid,
    nullable(offset_of!(iotq_block, origin.pid), 4),
    "process that made the pages dirty which it writes back, null if that was not seen; of all others, the submitter",
);
pub(super) const ORIGIN_COMM: Field = origin(
    "origin.comm",
    Type::Text,
    Slot::Text {
        offset: offset_of!(iotq_block, origin.comm),
        len: 16,
    },
    "name of the thread that made them dirty",
);
pub(super) const ORIGIN_CGROUP: Field = origin(
    "origin.cgroup",
    Type::Cgroup,
    nullable(offset_of!(iotq_block, origin.cgroup), 8),
    "its control group (cgroup v2)",
);
pub(super) const INTERNAL: Field = start(
    "internal",
    Type::Bool,
    Slot::Bit {
        offset: offset_of!(iotq_block, head.marks),
        width: 2,
        mask: IOTQ_MARK_INTERNAL as u64,
    },
    "made by the kernel itself, for nobody",
);
pub(super) const APPROX: Field = start(
    "approx",
    Type::Bool,
    Slot::Bit {
        offset: offset_of!(iotq_block, head.marks),
        width: 2,
        mask: (IOTQ_MARK_APPROX_TASK | IOTQ_MARK_UNENDED | IOTQ_MARK_APPROX_ORIGIN) as u64,
    },
    "the submitter was not seen: it is whoever ran when the driver took the request up; or the end was not; or its origin is in doubt",
);

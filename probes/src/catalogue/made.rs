//! Shorthands for the layers that this build has templates for.

use std::mem::{offset_of, size_of};

use super::types::*;
use crate::abi::{iotq_head, iotq_task};

/// A field that the kernel fills and can judge.
pub(super) const fn field(
    name: &'static str,
    ty: Type,
    known: Known,
    slot: Slot,
    doc: &'static str,
) -> Field {
    Field {
        name,
        ty,
        known,
        needs: &[],
        slot: Some(slot),
        side: Side::Kernel,
        hooks: &[],
        followed: false,
        followed_values: &[],
        in_directories: false,
        doc,
    }
}

/// A number that is always there.
pub(super) const fn number(offset: usize, width: usize) -> Slot {
    Slot::Uint {
        offset,
        width,
        nullable: false,
    }
}

/// A number that may be missing.
pub(super) const fn nullable(offset: usize, width: usize) -> Slot {
    Slot::Uint {
        offset,
        width,
        nullable: true,
    }
}

/// A field that is known from the start.
pub(super) const fn start(name: &'static str, ty: Type, slot: Slot, doc: &'static str) -> Field {
    field(name, ty, Known::Start, slot, doc)
}

/// When the point was reached. All records begin with a head and a task.
pub(super) const fn time(doc: &'static str) -> Field {
    start(
        "time",
        Type::Time,
        number(offset_of!(iotq_head, at), 8),
        doc,
    )
}

/// Of the task, one of its numbers.
const fn of_task(
    name: &'static str,
    ty: Type,
    offset: usize,
    width: usize,
    doc: &'static str,
) -> Field {
    start(
        name,
        ty,
        nullable(size_of::<iotq_head>() + offset, width),
        doc,
    )
}

pub(super) const fn pid(doc: &'static str) -> Field {
    of_task("pid", Type::Pid, offset_of!(iotq_task, pid), 4, doc)
}

pub(super) const fn tid(doc: &'static str) -> Field {
    of_task("tid", Type::Int, offset_of!(iotq_task, tid), 4, doc)
}

pub(super) const fn comm(doc: &'static str) -> Field {
    let slot = Slot::Text {
        offset: size_of::<iotq_head>() + offset_of!(iotq_task, comm),
        len: 16,
    };
    start("comm", Type::Text, slot, doc)
}

pub(super) const fn uid(doc: &'static str) -> Field {
    of_task("uid", Type::Int, offset_of!(iotq_task, uid), 4, doc)
}

pub(super) const fn cgroup(doc: &'static str) -> Field {
    of_task(
        "cgroup",
        Type::Cgroup,
        offset_of!(iotq_task, cgroup),
        8,
        doc,
    )
}

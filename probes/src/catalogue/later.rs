//! Shorthands for the layers whose templates are not in this build: catalogued, checked, not yet runnable.

use super::types::*;

/// A field that no template fills yet.
pub(super) const fn field(name: &'static str, ty: Type, known: Known, doc: &'static str) -> Field {
    Field {
        name,
        ty,
        known,
        needs: &[],
        slot: None,
        side: Side::Kernel,
        hooks: &[],
        followed: false,
        followed_values: &[],
        in_directories: false,
        doc,
    }
}

/// A field that is known from the start.
pub(super) const fn start(name: &'static str, ty: Type, doc: &'static str) -> Field {
    field(name, ty, Known::Start, doc)
}

/// A point that no template feeds yet.
pub(super) const fn point(name: &'static str, id: u8, doc: &'static str) -> Point {
    Point {
        name,
        id,
        hooks: &[],
        doc,
    }
}

/// The fields that every layer has, of whoever caused the operation.
pub(super) const TIME: Field = start("time", Type::Time, "when the point was reached");
pub(super) const PID: Field = start("pid", Type::Pid, "process");
pub(super) const TID: Field = start("tid", Type::Int, "thread");
pub(super) const COMM: Field = start("comm", Type::Text, "name of the thread");
pub(super) const CGROUP: Field = start("cgroup", Type::Cgroup, "control group (cgroup v2)");

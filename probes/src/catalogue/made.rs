//! Shorthands for the layers that this build has templates for.

use super::types::*;

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

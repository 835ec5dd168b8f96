//! Judges of the layer `syscall`.

use iotq_tests::lab::result::Brought;

use super::{made, rows_of, same_in_order};

/// Each call of the generator, in its order, is a row: one thread made them.
pub fn calls(brought: &Brought) {
    let rows = rows_of(brought);
    let ours = rows.iter().map(|row| {
        let op = row.text("op").replace("fsync", "flush");
        let number = |name| row.int(name).unwrap_or(0);
        (op, number("offset"), number("size"), number("ret"))
    });
    let theirs = made(brought).into_iter().map(|each| {
        let (offset, size) = (each.offset.cast_signed(), each.size.cast_signed());
        let ret = if each.error == 0 {
            size
        } else {
            -i64::from(each.error)
        };
        (each.kind, offset, size, ret)
    });
    let (ours, theirs): (Vec<_>, Vec<_>) = (ours.collect(), theirs.collect());
    assert!(!theirs.is_empty(), "the generator made nothing");
    same_in_order(&ours, &theirs);
}

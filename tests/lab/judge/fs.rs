//! Judges of the layer `fs`.

use std::collections::BTreeMap;

use iotq_tests::Row;
use iotq_tests::lab::result::Brought;

use super::{Made, made_in, rows_of, same_in_order, skipped};

/// op, offset, size, ret, and whether past the page cache
type Call = (String, i64, i64, i64, bool);

/// Each call of the generator, first the direct ones, then those through the page cache, is a row of this type of
/// filesystem, in order: one thread made them. Where programs were skipped, so many may be missing.
pub fn calls(brought: &Brought, kind: &str) {
    let rows = rows_of(brought);
    assert!(rows.iter().all(|row| row.text("type") == kind));
    assert!(
        rows.iter()
            .all(|row| row.field("approx") == false && row.number("lat") > 0)
    );
    let ours: Vec<Call> = rows.iter().map(of_row).collect();
    let of_log = |name: &str, direct| {
        let all = made_in(brought, name).into_iter();
        all.map(move |each| of_made(each, direct))
            .collect::<Vec<_>>()
    };
    let theirs = [of_log("load.log", true), of_log("cached.log", false)].concat();
    assert!(
        theirs.len() >= 1000,
        "the generator made {} calls",
        theirs.len()
    );
    assert_eq!(unmatched(brought), 0);
    if skipped(brought) == 0 {
        same_in_order(&ours, &theirs);
    } else {
        let missing = theirs.len() - ours.len();
        assert!(missing as u64 <= skipped(brought), "{missing} are missing");
    }
}

fn of_row(row: &Row) -> Call {
    let number = |name: &str| row.int(name).unwrap_or(0);
    let (offset, size, ret) = (number("offset"), number("size"), number("ret"));
    (
        row.text("op").to_owned(),
        offset,
        size,
        ret,
        row.field("direct") == true,
    )
}

fn of_made(made: Made, direct: bool) -> Call {
    let op = made.kind.replace("flush", "fsync");
    let (offset, size) = (made.offset.cast_signed(), made.size.cast_signed());
    let ret = if made.error == 0 {
        size
    } else {
        -i64::from(made.error)
    };
    let direct = direct && op != "fsync";
    (op, offset, size, ret, direct)
}

fn unmatched(brought: &Brought) -> u64 {
    let text = brought.text("rows.json");
    let summary: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    summary["unmatched"].as_u64().unwrap()
}

/// Each system call has one call into the filesystem, of the same kind, place, size and result, and no longer.
pub fn within(brought: &Brought) {
    let rows = rows_of(brought);
    let mut calls = BTreeMap::<_, usize>::new();
    let skipped = usize::try_from(skipped(brought)).unwrap();
    let (seen, unseen): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.field("op").is_string());
    assert!(
        seen.len() >= 300 && unseen.len() <= skipped,
        "{} and {}",
        seen.len(),
        unseen.len()
    );
    for row in seen {
        let key = (row.number("time"), row.number("tid"));
        *calls.entry(key).or_default() += 1;
        assert_eq!(row.text("op"), row.text("call"), "{row:?}");
        assert_eq!(row.field("offset"), row.field("at"), "{row:?}");
        assert_eq!(row.field("size"), row.field("asked"), "{row:?}");
        assert_eq!(row.field("ret"), row.field("came"), "{row:?}");
        assert!(row.number("lat") <= row.number("whole"), "{row:?}");
    }
    assert!(calls.values().all(|rows| *rows == 1), "one in each call");
}

/// Each call of the generator is a row, or its end was not seen, and that is counted.
pub fn ended(brought: &Brought) {
    let (rows, calls) = (
        rows_of(brought).len() as u64,
        made_in(brought, "load.log").len() as u64,
    );
    let (unmatched, skipped) = (unmatched(brought), skipped(brought));
    assert!(
        rows + unmatched <= calls && calls - rows - unmatched <= skipped,
        "{rows} rows, {unmatched} unmatched, {skipped} skipped, {calls} calls"
    );
}

//! Judges of the layer `block`.

use std::collections::BTreeMap;
use std::fmt::Debug;

use iotq_tests::Row;
use iotq_tests::completions::completions as parse;
use iotq_tests::lab::result::Brought;

use super::{made, rows_of};

pub type Counted<T> = BTreeMap<T, u32>;

pub fn counted<T: Ord>(all: impl Iterator<Item = T>) -> Counted<T> {
    let mut counts = BTreeMap::new();
    for each in all {
        *counts.entry(each).or_default() += 1;
    }
    counts
}

/// The same things, as often.
pub fn same<T: Ord + Debug>(ours: &Counted<T>, theirs: &Counted<T>, whose: &str) {
    let differ = |one: &Counted<T>, other: &Counted<T>| -> Vec<String> {
        let more = one
            .iter()
            .filter(|(key, n)| other.get(*key).is_none_or(|m| m < *n));
        more.map(|(key, n)| format!("{key:?} x{n}"))
            .take(8)
            .collect()
    };
    let (extra, missing) = (differ(ours, theirs), differ(theirs, ours));
    assert!(
        extra.is_empty() && missing.is_empty(),
        "rows that {whose} lacks: {extra:?}; rows that are missing: {missing:?}"
    );
}

/// All rows are of the disk that was asked for.
fn checked(brought: &Brought) -> Vec<Row> {
    let (rows, disk) = (rows_of(brought), brought.text("disk"));
    for row in &rows {
        assert_eq!(row.text("dev"), disk.trim(), "{row:?}");
    }
    rows
}

/// Each read, write and discard of the generator is one request, and a row: with its place and size, and plausible
/// times.
pub fn requests(brought: &Brought) {
    same_requests(brought, &checked(brought));
}

/// The same, whatever the device is called, and without the bios above it, which have no times of parts.
pub fn requests_below(brought: &Brought) {
    let mut rows = rows_of(brought);
    rows.retain(|row| !row.field("d2c").is_null());
    same_requests(brought, &rows);
}

fn same_requests(brought: &Brought, rows: &[Row]) {
    let kinds = ["read", "write", "discard"];
    let is = |kind: &str| kinds.contains(&kind);
    let ours = rows
        .iter()
        .filter(|row| row.field("comm") == "ioload" && is(row.text("op")));
    let ours: Vec<_> = ours.collect();
    for row in &ours {
        assert!(row.number("lat") > 0, "{row:?}");
        assert_eq!(row.field("approx"), false, "{row:?}");
    }
    let key = |row: &&Row| {
        (
            row.text("op").to_owned(),
            row.number("sector") * 512,
            row.number("size"),
        )
    };
    let ours = counted(ours.iter().map(key));
    let theirs = made(brought).into_iter().filter(|each| is(&each.kind));
    let theirs = counted(theirs.map(|each| (each.kind, each.offset, each.size)));
    assert!(!theirs.is_empty(), "the generator made nothing");
    same(&ours, &theirs, "the generator");
}

/// The kernel's own text of completions has the same: `trace` was written in the same run.
pub fn completions(brought: &Brought) {
    let number = brought.text("dev");
    let number = number.trim();
    let rows = checked(brought);
    let theirs = parse(&brought.text("trace"));
    // A flush has no place of its own.
    let sized = |row: &&Row| row.text("op") != "flush";
    let ours = rows.iter().filter(sized);
    let ours = counted(ours.map(|row| (row.number("sector"), row.number("size") / 512)));
    let of_dev = || theirs.iter().filter(|each| each.dev == number);
    let data = of_dev().filter(|each| each.sectors > 0);
    same(
        &ours,
        &counted(data.map(|each| (each.sector, each.sectors))),
        "the kernel",
    );
    let flushes = |internal: bool| {
        let ours = rows.iter().filter(move |row| row.text("op") == "flush");
        ours.filter(|row| row.field("internal") == internal).count()
    };
    let completed = |internal: bool| {
        let empty = of_dev().filter(|each| each.sectors == 0);
        empty
            .filter(|each| (each.sector == u64::MAX) == internal)
            .count()
    };
    assert_eq!(
        flushes(true),
        completed(true),
        "the block layer's own flushes"
    );
    // Without this tracepoint nothing tells of a flush before its end.
    if brought.text("events").contains("block_io_start") {
        assert_eq!(
            flushes(false),
            completed(false),
            "flushes that were asked for"
        );
    }
}

/// The median of a field lies between two durations: `median d2c 1.7ms 2.3ms`.
pub fn median(brought: &Brought, field: &str, from: &str, to: &str) {
    let rows = rows_of(brought);
    let mut times: Vec<_> = rows.iter().map(|row| row.number(field)).collect();
    times.sort_unstable();
    let median = times[times.len() / 2];
    let nanos = |text: &str| {
        let millis: f64 = text.strip_suffix("ms").unwrap().parse().unwrap();
        (millis * 1e6) as u64
    };
    assert!(
        (nanos(from)..=nanos(to)).contains(&median),
        "the median of {field} is {median}ns, of {} rows",
        times.len()
    );
}

/// Requests that failed for the generator, and no others, are rows with this error.
pub fn errors(brought: &Brought, op: &str, error: &str) {
    let rows = rows_of(brought);
    let failed = made(brought)
        .into_iter()
        .filter(|each| each.error != 0 && each.kind == op);
    let failed = counted(failed.map(|each| each.offset));
    assert!(!failed.is_empty(), "nothing failed");
    let ours = rows
        .iter()
        .filter(|row| row.field("error") == error && row.field("op") == op);
    let ours = counted(ours.map(|row| row.number("sector") * 512));
    same(&ours, &failed, "the generator");
}

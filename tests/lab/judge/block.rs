//! Judges of the layer `block`.

use std::collections::BTreeMap;
use std::fmt::Debug;

use iotq_tests::Row;
use iotq_tests::completions::completions as parse;
use iotq_tests::lab::result::Brought;

use super::{made, range, rows_of, skipped};

pub type Counted<T> = BTreeMap<T, u32>;

pub fn counted<T: Ord>(all: impl Iterator<Item = T>) -> Counted<T> {
    let mut counts = BTreeMap::new();
    for each in all {
        *counts.entry(each).or_default() += 1;
    }
    counts
}

/// The same things, as often; but for so many that are missing because the kernel skipped programs.
pub fn same<T: Ord + Debug>(ours: &Counted<T>, theirs: &Counted<T>, whose: &str, skipped: u64) {
    let more = |one: &Counted<T>, other: &Counted<T>| -> Vec<(String, u32)> {
        let excess = |(key, n): (&T, &u32)| {
            let more = n.saturating_sub(other.get(key).copied().unwrap_or(0));
            (more > 0).then(|| (format!("{key:?}"), more))
        };
        one.iter().filter_map(excess).collect()
    };
    let (extra, missing) = (more(ours, theirs), more(theirs, ours));
    let count: u64 = missing.iter().map(|(_, n)| u64::from(*n)).sum();
    assert!(
        extra.is_empty() && count <= skipped,
        "rows that {whose} lacks: {:?}; {count} rows are missing, {skipped} events were skipped: {:?}",
        extra.iter().take(8).collect::<Vec<_>>(),
        missing.iter().take(8).collect::<Vec<_>>()
    );
}

/// Rows have a latency, but for those that miss a part because the kernel skipped programs, and say so.
pub fn plausible<'a>(rows: impl Iterator<Item = &'a Row>, skipped: u64) {
    let (vague, exact): (Vec<_>, Vec<_>) = rows.partition(|row| row.field("approx") == true);
    assert!(
        vague.len() as u64 <= skipped,
        "{skipped} skipped: {vague:?}"
    );
    for row in exact {
        assert!(row.number("lat") > 0, "{row:?}");
    }
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

/// Each read, write and discard of the generator is one of the rows, and they have plausible times.
pub fn same_requests(brought: &Brought, rows: &[Row]) {
    let kinds = ["read", "write", "discard"];
    let is = |kind: &str| kinds.contains(&kind);
    let ours = rows
        .iter()
        .filter(|row| row.field("comm") == "ioload" && is(row.text("op")));
    let ours: Vec<_> = ours.collect();
    let skipped = skipped(brought);
    plausible(ours.iter().copied(), skipped);
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
    same(&ours, &theirs, "the generator", skipped);
}

/// The kernel's own text of completions has the same data, and the same flushes: `trace` was written in the same run.
pub fn completions(brought: &Brought) {
    let rows = checked(brought);
    same_data(brought, &rows);
    same_flushes(brought, &rows);
}

/// The kernel completes the same parts of the disk; of a partition, those in its range.
pub fn same_data(brought: &Brought, rows: &[Row]) {
    let (number, range) = (brought.text("dev"), range(brought));
    let theirs = parse(&brought.text("trace"));
    // A flush has no place of its own.
    let ours = rows.iter().filter(|row| row.text("op") != "flush");
    let ours = counted(ours.map(|row| (row.number("sector"), row.number("size") / 512)));
    let theirs = theirs
        .iter()
        .filter(|each| each.dev == number.trim() && each.sectors > 0)
        .map(|each| (each.sector, each.sectors))
        .filter(|(sector, _)| range.contains(sector));
    same(&ours, &counted(theirs), "the kernel", skipped(brought));
}

fn same_flushes(brought: &Brought, rows: &[Row]) {
    let number = brought.text("dev");
    let theirs = parse(&brought.text("trace"));
    let of_dev = || theirs.iter().filter(|each| each.dev == number.trim());
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
    let agree = |internal: bool, what: &str| {
        let (ours, theirs) = (flushes(internal), completed(internal));
        let differ = ours.abs_diff(theirs) as u64;
        assert!(
            differ <= skipped(brought),
            "{what}: {ours} rows, {theirs} completions"
        );
    };
    agree(true, "the block layer's own flushes");
    agree(false, "flushes that were asked for");
    // Where the device has a cache to flush.
    if flushes(true) > 0 {
        let asked = |row: &&Row| row.text("op") == "flush" && row.field("comm") == "ioload";
        let ours = rows.iter().filter(asked).count();
        let theirs = made(brought)
            .iter()
            .filter(|each| each.kind == "flush")
            .count();
        let differ = ours.abs_diff(theirs) as u64;
        assert!(
            differ <= skipped(brought),
            "{ours} flushes by the generator, which made {theirs}"
        );
    }
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
    same(&ours, &failed, "the generator", skipped(brought));
}

/// One thread has made them, so they were issued in the order of their ends: each is compared with the one before of its
/// kind.
pub fn sequence(brought: &Brought) {
    let mut ends: BTreeMap<String, u64> = BTreeMap::new();
    let (mut told, mut count) = (0, 0);
    for row in rows_of(brought) {
        let (sector, size) = (row.number("sector"), row.number("size"));
        let last = ends.insert(row.text("op").into(), sector + size / 512);
        let goes_on = row.field("sequential").as_bool().unwrap();
        assert_eq!(goes_on, last == Some(sector), "{row:?}");
        told += u32::from(goes_on);
        count += 1;
    }
    assert!(told > 0 && told < count, "{told} of {count}");
}

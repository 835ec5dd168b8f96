//! Against the kernel's own account: each completion of its tracepoint is a record of ours, and none is ours alone.

use std::collections::BTreeMap;

use iotq_tests::completions::{Completion, Completions, number};
use iotq_tests::needs::{Need, test};
use iotq_tests::{Disk, Row, json};
use libtest_mimic::Trial;

pub fn tests() -> Vec<Trial> {
    let needs = [Need::Root, Need::Loop, Need::Fio, Need::Tracefs];
    vec![test("account/mixed", &needs, mixed)]
}

/// operation, sector, bytes
type Request = (String, Option<u64>, u64);

fn mixed() {
    let disk = Disk::ext4(128);
    let line = format!(
        "fio --directory={0} --size=8M --output={1} --ioengine=psync --bs=4k --rw=randrw --number_ios=1500 \
         --name=direct --direct=1 --name=cached --fsync=32 --name=large --bs=256k && fstrim {0}",
        disk.folder().display(),
        disk.memory().join("out").display()
    );
    let query = format!(
        "on block.complete where dev == {} emit op, sector, size, internal",
        disk.name()
    );
    let kernel = Completions::start().unwrap();
    // What comes before and after is seen by one side only; the disk is quiet then, once it is synced.
    iotq_tests::tool("sync", &[]);
    let output = json(&[
        "--ring",
        "16M",
        "-c",
        &kernel.marked(&format!("{line}; sync")),
        "-e",
        &query,
    ]);
    let number = number(&disk.name());
    let all: Vec<_> = kernel
        .stop()
        .into_iter()
        .filter(|each| each.dev == number)
        .collect();
    assert_eq!(output.lost, 0);
    let mut balance: BTreeMap<Request, i64> = BTreeMap::new();
    for row in output.rows.iter().filter(|row| row.text("op") != "flush") {
        *balance.entry(ours(row)).or_default() += 1;
    }
    let ops: std::collections::BTreeSet<_> = output.rows.iter().map(|row| row.text("op")).collect();
    for op in ["read", "write", "discard"] {
        assert!(ops.contains(op), "no {op} in {ops:?}");
    }
    // A flush is told twice by the kernel, or three times, without a sector.
    for completion in all.iter().filter(|each| each.sectors > 0 && !each.blind) {
        *balance.entry(theirs(completion)).or_default() -= 1;
    }
    let blind = |request: &Request| {
        all.iter()
            .any(|each| each.blind && theirs(each) == *request)
    };
    balance.retain(|request, count| *count != 0 && !blind(request));
    assert!(balance.is_empty(), "ours less theirs: {balance:?}");
}

fn ours(row: &Row) -> Request {
    let sector = row.int("sector").map(i64::cast_unsigned);
    (row.text("op").to_owned(), sector, row.number("size"))
}

/// `WFS`, `RA`, `FF`, `DS`: an F in front of the operation is a flush that comes with it.
fn theirs(completion: &Completion) -> Request {
    let flags = completion.flags.trim_start_matches('F');
    let op = match flags.chars().next() {
        Some('R') => "read",
        Some('W') => "write",
        Some('D') => "discard",
        _ => "other",
    };
    (op.into(), Some(completion.sector), completion.sectors * 512)
}

//! Commits of ext4's journal that syncs wait for: their requests are a part of these syncs, and so is their time.

use std::collections::BTreeMap;
use std::time::Duration;

use iotq_tests::completions::number;
use iotq_tests::needs::{Need, test};
use iotq_tests::trace::{Trace, commits};
use iotq_tests::{Disk, Output, Row, json};
use libtest_mimic::Trial;

const STAGES: [&str; 5] = ["cpu", "runqueue", "device", "queue", "blocked"];

pub fn tests() -> Vec<Trial> {
    let needs = [Need::Root, Need::Loop, Need::Fio, Need::Tracefs];
    vec![
        test("commits/one_by_one", &needs, one_by_one),
        test("commits/shared", &needs, shared),
        test("commits/slow", &needs, slow),
    ]
}

/// Rows of syncs with those of their requests, which add up; and the kernel's text.
fn syncs(disk: &Disk, jobs: usize, line: &str) -> (Output, String) {
    let line = format!(
        "fio --name=t --thread --ioengine=psync --output=/dev/null --size=8M --directory={} --rw=randwrite --bs=4k --fsync=1 \
         --numjobs={jobs} {line}",
        disk.folder().display(),
    );
    let stages = STAGES.map(|stage| format!("syscall.{stage} as {stage}"));
    let query = format!(
        "join syscall, block where pid under $child and syscall.op == fsync and syscall.name ~ \"t.*\"
            emit time, tid, syscall.lat as lat, {}, children, syscall.approx as approx,
                block.comm as comm, block.op as part, block.sector as sector, block.size as size, block.time as done",
        stages.join(", ")
    );
    let kernel = Trace::start(&[
        "jbd2/jbd2_start_commit",
        "jbd2/jbd2_end_commit",
        "block/block_bio_queue",
    ]);
    let kernel = kernel.unwrap();
    let output = json(&["--ring", "16M", "-c", &line, "-e", &query]);
    let text = kernel.stop();
    assert_eq!(output.lost, 0, "{}", output.stderr);
    for rows in output.requests().values() {
        let first = rows[0];
        let sum: u64 = STAGES.iter().map(|stage| first.number(stage)).sum();
        assert_eq!(sum, first.number("lat"), "{first:?}");
        let children = rows.iter().filter(|row| !row.field("part").is_null());
        if first.field("approx") == false {
            assert_eq!(children.count() as u64, first.number("children"));
        }
    }
    (output, text)
}

/// The requests of the journal's thread: sectors and bytes.
fn of_journal(rows: &[&Row]) -> Vec<(u64, u64)> {
    let is_its = |row: &&&Row| {
        !row.field("part").is_null()
            && !row.field("comm").is_null()
            && row.text("comm").starts_with("jbd2/")
    };
    let its = rows.iter().filter(is_its);
    let mut all: Vec<_> = its
        .map(|row| (row.number("sector"), row.number("size")))
        .collect();
    all.sort_unstable();
    all
}

/// What the kernel tells of each commit is what is found below the sync that waited for it.
fn one_by_one() {
    let disk = Disk::ext4(160);
    let (output, text) = syncs(&disk, 1, "--number_ios=300");
    let syncs = output.requests();
    let mut commits = commits(&text, &number(&disk.name())).into_iter();
    let waited: Vec<_> = syncs
        .values()
        .filter(|rows| rows[0].field("approx") == false && !of_journal(rows).is_empty())
        .collect();
    // Without a change of its inode, a file needs no commit: its times change with the clock's ticks.
    assert!(waited.len() >= 5, "{} of {}", waited.len(), syncs.len());
    for rows in waited {
        let its = of_journal(rows);
        let bytes: u64 = its.iter().map(|(_, size)| size).sum();
        // Bios that lie together may be one request. The commits of others, such as the timer, are nobody's.
        let is_its = |commit: &BTreeMap<u64, u64>| {
            commit.values().sum::<u64>() == bytes
                && its.iter().all(|(sector, _)| commit.contains_key(sector))
        };
        assert!(commits.any(|commit| is_its(&commit)), "{its:?}: {rows:?}");
    }
}

/// A commit that several syncs wait for is a part of each.
fn shared() {
    let disk = Disk::ext4(160);
    let (output, text) = syncs(&disk, 4, "--number_ios=200");
    let told: BTreeMap<u64, u64> = commits(&text, &number(&disk.name()))
        .into_iter()
        .flatten()
        .collect();
    let mut times = BTreeMap::<_, u64>::new();
    for rows in output.requests().values() {
        for (sector, _) in of_journal(rows) {
            assert!(told.contains_key(&sector), "{sector}: {rows:?}");
        }
        for row in rows.iter().filter(|row| !row.field("part").is_null()) {
            *times
                .entry((row.number("done"), row.int("sector")))
                .or_default() += 1;
        }
    }
    let several = times.values().filter(|times| **times > 1).count();
    assert!(several >= 5, "{several} of {}", times.len());
}

const FLUSH: Duration = Duration::from_millis(20);

/// A disk that takes its time for a flush: that is the stage of a sync, through the commit.
fn slow() {
    let disk = Disk::slow_ext4(64, FLUSH);
    let (output, _) = syncs(&disk, 2, "--number_ios=20");
    let syncs = output.requests();
    let slow = syncs
        .values()
        .filter(|rows| rows[0].number("lat") >= FLUSH.as_nanos() as u64);
    let slow: Vec<_> = slow.collect();
    assert!(slow.len() >= 20, "{} of {}", slow.len(), syncs.len());
    let sum = |stage: &str| -> u64 { slow.iter().map(|rows| rows[0].number(stage)).sum() };
    let (lat, explained) = (sum("lat"), sum("device") + sum("queue"));
    assert!(
        explained * 100 >= lat * 95,
        "{explained} of {lat} ns; {} blocked",
        sum("blocked")
    );
}

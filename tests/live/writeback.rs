//! What the kernel writes back by itself: each file's turn is an operation, over with the last of its requests.

use std::collections::{BTreeMap, BTreeSet};

use iotq_tests::completions::{Completions, completions, number, unseen};
use iotq_tests::needs::{Need, test};
use iotq_tests::trace::{self, Trace};
use iotq_tests::{Disk, Row, json};
use libtest_mimic::Trial;

pub fn tests() -> Vec<Trial> {
    let needs = [Need::Root, Need::Loop, Need::Tracefs];
    vec![
        test("writeback/of_files", &needs, of_files),
        test("writeback/of_small_files", &needs, of_small_files),
        test("writeback/summed_up", &needs, summed_up),
        test("writeback/part_of_a_call", &needs, part_of_a_call),
    ]
}

/// Of a file: fewer requests than are kept of an operation.
const SIZE: u64 = 512 << 10;

/// Files, and then the filesystem is synced.
fn writes(disk: &Disk, files: u64) -> String {
    let folder = disk.folder().display();
    let write = |file| format!("dd if=/dev/zero of={folder}/f{file} bs=64k count=8 status=none");
    let mut lines: Vec<String> = (0..files).map(write).collect();
    lines.push(format!("sync -f {folder}"));
    lines.join("; ")
}

/// What was written back while a line ran, by request, and how many of the disk's completions the programs could not see.
/// There are as many requests as the kernel tells, each with as many bytes.
fn written_back(disk: &Disk, line: &str, least: usize) -> (Vec<Vec<Row>>, usize) {
    let query = format!(
        "join syscall, block where syscall.call == writeback and syscall.dev == {}
            emit time, tid, syscall.comm as comm, syscall.kind as kind, inode, ret, syscall.lat as lat, cpu, runqueue,
                syscall.device as device, syscall.queue as queue, blocked, other, children, syscall.approx as approx,
                block.op as part, block.sector as sector, block.size as size, block.time as done",
        disk.name()
    );
    let kernel = Trace::start(&[
        "writeback/writeback_single_inode",
        "block/block_rq_complete",
    ]);
    let kernel = kernel.unwrap();
    let output = json(&["--ring", "16M", "-c", line, "-e", &query]);
    let text = kernel.stop();
    let told = trace::written_back(&text, &number(&disk.name()));
    let unseen = unseen(&completions(&text), &disk.name(), &output.stderr) as usize;
    let mut requests = BTreeMap::<_, Vec<Row>>::new();
    for row in output.rows {
        let key = (row.number("time"), row.number("inode"));
        requests.entry(key).or_default().push(row);
    }
    let requests: Vec<_> = requests.into_values().collect();
    let found = requests.iter().map(|rows| &rows[0]);
    let mut found: Vec<_> = found
        .map(|row| (row.number("inode"), row.number("ret")))
        .collect();
    found.sort_unstable();
    assert!(told.len() >= least, "{told:?}");
    if unseen == 0 {
        assert_eq!(found, told);
        assert_eq!((output.lost, output.unmatched), (0, 0), "{}", output.stderr);
    } else {
        assert!(
            found.len() + unseen * 16 >= told.len(),
            "{found:?}, {told:?}"
        );
    }
    requests.iter().for_each(|rows| adds_up(&rows[0]));
    (requests, unseen)
}

fn adds_up(row: &Row) {
    let stages = ["cpu", "runqueue", "device", "queue", "blocked", "other"];
    let sum: u64 = stages.iter().map(|stage| row.number(stage)).sum();
    assert_eq!(sum, row.number("lat"), "{row:?}");
    assert!(row.text("comm").starts_with("kworker/"), "{row:?}");
}

/// A few files: each byte is in a request, and the last request is the end.
fn of_files() {
    let disk = Disk::ext4(192);
    let (requests, unseen) = written_back(&disk, &writes(&disk, 6), 6);
    requests.iter().for_each(|rows| whole(rows, unseen));
    let rows = requests.iter().flatten();
    let files = rows.filter(|row| row.text("kind") == "file" && row.text("part") == "write");
    let parts: BTreeSet<_> = files
        .map(|row| (row.number("sector"), row.number("size")))
        .collect();
    let bytes: u64 = parts.iter().map(|(_, size)| size).sum();
    assert!(bytes == 6 * SIZE || unseen > 0, "{bytes}: {parts:?}");
}

/// Many small files lie beside each other, so that one request writes those of more files than it can keep.
fn of_small_files() {
    let disk = Disk::ext4(192);
    let line = format!(
        "for file in $(seq 200); do head -c 4096 /dev/zero > {0}/$file; done; sync -f {0}",
        disk.folder().display()
    );
    written_back(&disk, &line, 200);
}

/// It ends with the last of its requests.
fn whole(rows: &[Row], unseen: usize) {
    let first = &rows[0];
    if first.field("approx") == true {
        let crowded = first.number("children") > 16;
        assert!(crowded || unseen > 0, "{first:?}");
        return;
    }
    assert_eq!(rows.len() as u64, first.number("children"), "{first:?}");
    let last = rows.iter().map(|row| row.number("done")).max().unwrap();
    let end = first.number("time");
    let idle = end.checked_sub(last).expect("it ends behind its requests");
    // It may still be submitting what turns out to be no more.
    assert!(idle <= first.number("other") + 1_000_000, "{first:?}");
}

/// Without a join it is there where it is asked for.
fn summed_up() {
    let disk = Disk::ext4(192);
    let query = format!(
        "on syscall.exit where dev == {} and call == writeback and kind == file emit sum(ret) as bytes, count() by name",
        disk.name()
    );
    let plain = format!("on syscall.exit where dev == {} emit call", disk.name());
    let completions = Completions::start();
    let output = json(&["-c", &writes(&disk, 4), "-e", &query]);
    let completions = completions.map_or_else(Vec::new, Completions::stop);
    let unseen = unseen(&completions, &disk.name(), &output.stderr);
    let groups = output.groups.iter();
    let found: Vec<_> = groups
        .map(|it| (it.by["name"].clone(), it.number("bytes")))
        .collect();
    let expected = ["f0", "f1", "f2", "f3"].map(|name| (name.into(), SIZE));
    let all = expected.iter().all(|one| found.contains(one));
    assert!(all && found.len() == 4 || unseen > 0, "{found:?}");
    let output = json(&["-c", &writes(&disk, 4), "-e", &plain]);
    let calls: BTreeSet<_> = output.rows.iter().map(|row| row.text("call")).collect();
    assert!(
        calls.contains("write") && !calls.contains("writeback"),
        "{calls:?}"
    );
}

/// What a call writes back belongs to it.
fn part_of_a_call() {
    let disk = Disk::ext4(192);
    let folder = disk.folder().display();
    let line = format!("dd if=/dev/zero of={folder}/a bs=64k count=8 conv=fsync status=none");
    let query = "join syscall, block where syscall.name == a and syscall.op in {write, fsync}
        emit syscall.call as call, block.size as size";
    let output = json(&["-c", &line, "-e", query]);
    let written = output
        .rows
        .iter()
        .filter(|row| !row.field("size").is_null());
    let calls: BTreeSet<_> = written.clone().map(|row| row.text("call")).collect();
    assert_eq!(calls, BTreeSet::from(["fsync"]), "{output:?}");
    let bytes: u64 = written.map(|row| row.number("size")).sum();
    assert!(bytes >= SIZE, "{bytes}");
}

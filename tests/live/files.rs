//! Calls into filesystems: as many as fio makes, with its places and sizes, and times that the kernel's text agrees with.
//!
//! What is asked for here every kernel shows: direct I/O and syncs on ext4.

use std::collections::BTreeMap;
use std::fs;

use iotq_tests::needs::{Need, test};
use iotq_tests::trace::{self, Trace};
use iotq_tests::{Disk, Output, Row, iotq, json, run};
use libtest_mimic::Trial;

pub fn tests() -> Vec<Trial> {
    let needs = [Need::Root, Need::Loop, Need::Fio];
    let traced = [Need::Root, Need::Loop, Need::Fio, Need::Tracefs];
    let libaio = [Need::Root, Need::Loop, Need::Fio, Need::Engine("libaio")];
    let uring = [Need::Root, Need::Loop, Need::Fio, Need::Engine("io_uring")];
    vec![
        test("files/within_calls", &needs, within_calls),
        test("files/alone", &needs, alone),
        test("files/grouped", &needs, grouped),
        test("files/filters", &needs, filters),
        test("files/directories", &needs, directories),
        test("files/kernel_agrees", &traced, kernel_agrees),
        test("files/queued", &libaio, queued),
        test("files/workers", &uring, workers),
        test("files/drawn", &needs, drawn),
    ]
}

/// A load on the file `data`, which is written already.
fn fio(disk: &Disk, more: &str) -> String {
    format!(
        "fio --name=t --thread --size=32M --filename={} --output-format=json --output={} {more}",
        disk.file(32).display(),
        disk.memory().join("fio.json").display()
    )
}

/// fio's own counts of reads, writes and syncs.
fn counted(disk: &Disk) -> [usize; 3] {
    iotq_tests::fio::counted(disk).map(|count| usize::try_from(count).unwrap())
}

const MIXED: &str = "--ioengine=psync --rw=randrw --direct=1 --bsrange=4k-64k --fsync=8 --numjobs=3 --number_ios=600";

fn counts<'r>(rows: impl Iterator<Item = &'r Row>) -> [usize; 3] {
    let mut counts = [0; 3];
    for row in rows {
        let ops = ["read", "write", "fsync"];
        counts[ops.iter().position(|op| *op == row.text("op")).unwrap()] += 1;
    }
    counts
}

/// Nothing is lost, and what began was seen to end.
fn whole(output: &Output) {
    let books = (output.lost, output.unmatched);
    assert_eq!(books, (0, 0), "{}", output.stderr);
}

/// Each call of fio is one call into the filesystem, of the same place and size, and no longer.
fn within_calls() {
    let disk = Disk::ext4(160);
    let query = "join syscall, fs where pid under $child and syscall.name == data and syscall.op in {read, write, fsync}
        emit syscall.time as time, syscall.tid as tid, syscall.op as call, syscall.offset as at, syscall.size as asked,
             syscall.ret as came, syscall.lat as whole, fs.op as op, fs.offset as offset, fs.size as size, fs.ret as ret,
             fs.error as error, fs.lat as lat, fs.type as type, fs.dev as dev, fs.direct as direct, fs.file as file,
             syscall.file as same";
    let output = json(&["--ring", "16M", "-c", &fio(&disk, MIXED), "-e", query]);
    whole(&output);
    assert_eq!(
        counts(output.rows.iter()),
        counted(&disk),
        "as many as fio counts"
    );
    let mut calls = BTreeMap::<_, usize>::new();
    for row in &output.rows {
        *calls
            .entry((row.number("time"), row.number("tid")))
            .or_default() += 1;
        assert_eq!(row.text("op"), row.text("call"), "{row:?}");
        assert!(row.number("lat") <= row.number("whole"), "{row:?}");
        assert_eq!(row.field("ret"), row.field("came"), "{row:?}");
        assert_eq!((row.text("type"), row.text("dev")), ("ext4", &*disk.name()));
        assert_eq!(
            (row.field("file"), row.text("error")),
            (row.field("same"), "none")
        );
        let syncs = row.text("op") == "fsync";
        assert_eq!(row.field("direct") == true, !syncs, "{row:?}");
        assert_eq!(row.field("size"), row.field("asked"), "{row:?}");
        assert_eq!(row.field("offset"), row.field("at"), "{row:?}");
    }
    assert!(calls.values().all(|rows| *rows == 1), "one in each call");
}

const ALONE: &str = "where pid under $child and name == data and (direct or op == fsync)";

/// By themselves they are those of a join.
fn alone() {
    let disk = Disk::ext4(160);
    let query = format!(
        "on fs.exit {ALONE} emit op, offset, size, ret, lat, comm, tid, queued
         on fs.enter {ALONE} emit op, offset, size"
    );
    let output = json(&["--ring", "16M", "-c", &fio(&disk, MIXED), "-e", &query]);
    whole(&output);
    assert_eq!(counts(output.of(0)), counted(&disk));
    assert_eq!(counts(output.of(1)), counted(&disk));
    for row in output.of(0) {
        let done = row.int("size").unwrap_or(0);
        assert_eq!(
            (row.int("ret"), row.text("comm")),
            (Some(done), "fio"),
            "{row:?}"
        );
        assert!(
            row.number("lat") > 0 && row.field("queued") == false,
            "{row:?}"
        );
    }
}

/// Groups are kept in the kernel, and are those of the rows.
fn grouped() {
    let disk = Disk::ext4(160);
    let query = format!(
        "on fs.exit {ALONE} emit op, lat, size
         on fs.exit {ALONE} emit count(), sum(lat), sum(size), max(lat) by op, type, name"
    );
    let output = json(&["--ring", "16M", "-c", &fio(&disk, MIXED), "-e", &query]);
    whole(&output);
    let mut sums = BTreeMap::<&str, [u64; 4]>::new();
    for row in output.of(0) {
        let sum = sums.entry(row.text("op")).or_default();
        sum[0] += 1;
        sum[1] += row.number("lat");
        sum[2] += row.field("size").as_u64().unwrap_or(0);
        sum[3] = sum[3].max(row.number("lat"));
    }
    assert_eq!(sums.len(), 3);
    for group in output.groups_of(1) {
        assert_eq!(
            (&group.by["type"], &group.by["name"]),
            (&"ext4".into(), &"data".into())
        );
        let [count, lat, size, most] = sums[group.by["op"].as_str().unwrap()];
        assert_eq!(group.number("count()"), count);
        assert_eq!(group.number("sum(lat)"), lat);
        assert_eq!(group.data["sum(size)"].as_u64().unwrap_or(0), size);
        assert_eq!(group.number("max(lat)"), most);
    }
}

/// What the kernel decides, at the start or at the end, is what user space decides.
fn filters() {
    let disk = Disk::ext4(160);
    let line = fio(&disk, MIXED);
    let query = format!(
        "on fs.exit where pid under $child and file == \"{0}\" and op == write and direct and size > 16K emit size
         on fs.exit where dev == {1} and type == ext4 and name ~ \"dat*\" and op == read and offset < 8M emit offset
         on fs.exit where pid under $child and name == data and direct and lat > 0ns and ret > 32768 emit ret
         on fs.exit where pid under $child and name == data and error != none emit ret",
        disk.folder().join("data").display(),
        disk.name()
    );
    let run = |more: &[&str]| {
        let output = json(&[more, &["--ring", "16M", "-c", &line, "-e", &query]].concat());
        whole(&output);
        // The same seed makes the same load.
        let count = |query| output.of(query).count();
        ([count(0), count(1), count(2), count(3)], output.shipped)
    };
    let (here, shipped) = run(&[]);
    let (there, all) = run(&["--no-pushdown"]);
    assert_eq!(here, there);
    assert!(
        here[..3].iter().all(|count| *count > 50) && here[3] == 0,
        "{here:?}"
    );
    assert!(shipped < all, "{shipped} of {all}");
}

/// Each sync takes as long as the kernel's text says.
fn kernel_agrees() {
    let disk = Disk::ext4(160);
    let line = fio(
        &disk,
        "--ioengine=psync --rw=randwrite --bs=4k --fsync=1 --number_ios=300",
    );
    let Some(text) = Trace::start(&["ext4/ext4_sync_file_enter", "ext4/ext4_sync_file_exit"])
    else {
        eprintln!("this kernel has no tracepoints of ext4: its text is not compared");
        return;
    };
    let query =
        "on fs.exit where pid under $child and op == fsync and name == data emit tid, lat, dev";
    let output = json(&["-c", &line, "-e", query]);
    let text = text.stop();
    whole(&output);
    let number = fs::read_to_string(format!("/sys/block/{}/dev", disk.name())).unwrap();
    let number = format!("dev {}", number.trim().replace(':', ","));
    let (mut theirs, mut begun) = (Vec::new(), None);
    for line in text.lines().filter(|line| line.contains(&number)) {
        let at = trace::time(line).unwrap();
        if line.contains(": ext4_sync_file_enter: ") {
            begun = Some(at);
        } else if let Some(begun) = begun.take() {
            theirs.push(at - begun);
        }
    }
    let ours: Vec<u64> = output.rows.iter().map(|row| row.number("lat")).collect();
    let syncs = counted(&disk)[2];
    assert!(syncs >= 290, "fio counts {syncs}");
    assert_eq!((ours.len(), theirs.len()), (syncs, syncs));
    let apart = ours
        .iter()
        .zip(&theirs)
        .filter(|(our, their)| our.abs_diff(**their) > 50_000);
    let apart: Vec<_> = apart.collect();
    // An interrupt may come between the text and the row.
    assert!(apart.len() <= 3, "{apart:?}");
}

/// Asynchronous calls return before they are done, and say so.
fn queued() {
    let disk = Disk::ext4(160);
    let line = fio(
        &disk,
        "--ioengine=libaio --iodepth=8 --rw=randread --direct=1 --bs=4k --number_ios=2000",
    );
    let query = "on fs.exit where pid under $child and name == data and op == read and direct emit queued, ret, error";
    let output = json(&["--ring", "16M", "-c", &line, "-e", query]);
    whole(&output);
    assert_eq!(output.rows.len(), counted(&disk)[0]);
    let queued = output.rows.iter().filter(|row| row.field("queued") == true);
    assert!(
        queued.clone().count() >= 1900,
        "{} are queued",
        queued.count()
    );
    for row in &output.rows {
        let done = if row.field("queued") == true { 0 } else { 4096 };
        assert_eq!(
            (row.int("ret"), row.text("error")),
            (Some(done), "none"),
            "{row:?}"
        );
    }
}

/// The workers of io_uring call filesystems without a system call of their own.
fn workers() {
    let disk = Disk::ext4(160);
    let line = fio(
        &disk,
        "--ioengine=io_uring --force_async=1 --iodepth=4 --rw=randread --direct=1 --bs=4k --number_ios=1000",
    );
    let query = "on fs.exit where name == data and op == read and direct and comm ~ \"iou-wrk*\" emit ret
                 on syscall.exit where name == data and op == read and comm ~ \"iou-wrk*\" emit ret";
    let output = json(&["--ring", "16M", "-c", &line, "-e", query]);
    whole(&output);
    assert_eq!(output.of(0).count(), counted(&disk)[0]);
    assert_eq!(output.of(1).count(), 0);
}

/// In a tree they stand below their call, beside what it caused.
fn drawn() {
    let disk = Disk::ext4(160);
    let line = fio(
        &disk,
        "--ioengine=psync --rw=randread --direct=1 --bs=4k --number_ios=40",
    );
    let mut command = iotq();
    command.env("LC_ALL", "C");
    command.args(["-c", &line, "-e"]);
    command.arg(
        "join syscall, fs, block where pid under $child and syscall.name == data and syscall.op == read emit tree limit 2",
    );
    let text = run(command).text();
    assert_eq!(text.matches("- fs ext4").count(), 2, "{text}");
    assert!(text.contains("- block "), "{text}");
}

/// In which directory a file lies is known here, too.
fn directories() {
    let disk = Disk::ext4(96);
    let line = fio(
        &disk,
        "--ioengine=psync --rw=randread --direct=1 --bs=4k --number_ios=200",
    );
    let file = disk.file(32);
    let folder = file.parent().unwrap().display();
    let query = |folder: &str| {
        format!(
            "on fs.exit where pid under $child and op == read and file under \"{folder}\" emit name"
        )
    };
    let here = query(&folder.to_string());
    let elsewhere = query("/proc");
    let output = json(&["-c", &line, "-e", &here, "-e", &elsewhere]);
    assert_eq!(output.of(0).count(), 200, "{output:?}");
    assert_eq!(output.of(1).count(), 0, "{output:?}");
}

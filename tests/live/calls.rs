//! The system call layer, field by field.

use std::fs;

use iotq_tests::needs::{Need, test};
use iotq_tests::{Disk, Row, json};
use libtest_mimic::Trial;

use crate::followed::STAGES;

/// call, op, offset, size, ret, error
type Expected = (
    &'static str,
    &'static str,
    Option<i64>,
    Option<i64>,
    i64,
    &'static str,
);

const CALLS: [Expected; 25] = [
    ("write", "write", Some(0), Some(1000), 1000, "none"),
    ("writev", "write", Some(1000), Some(30), 30, "none"),
    ("pwrite64", "write", Some(4096), Some(5000), 5000, "none"),
    ("pwritev", "write", Some(8192), Some(300), 300, "none"),
    ("pwritev2", "write", Some(12288), Some(400), 400, "none"),
    ("fdatasync", "fsync", None, None, 0, "none"),
    ("fsync", "fsync", None, None, 0, "none"),
    ("pread64", "read", Some(4100), Some(100), 100, "none"),
    ("preadv", "read", Some(8), Some(128), 128, "none"),
    ("preadv2", "read", Some(16), Some(28), 28, "none"),
    ("pread64", "read", Some(12680), Some(100), 8, "none"),
    ("pread64", "read", Some(1 << 30), Some(100), 0, "none"),
    ("read", "read", Some(0), Some(100), 100, "none"),
    ("readv", "read", Some(100), Some(28), 28, "none"),
    ("splice", "copy", Some(128), Some(200), 200, "none"),
    ("splice", "copy", Some(4096), Some(300), 300, "none"),
    ("splice", "copy", Some(16384), Some(500), 500, "none"),
    ("sendfile", "copy", Some(8192), Some(50), 50, "none"),
    ("sendfile", "copy", Some(328), Some(60), 60, "none"),
    ("copy_file_range", "copy", Some(12288), Some(70), 70, "none"),
    ("fadvise64", "read", Some(4096), Some(8192), 0, "none"),
    ("fallocate", "allocate", Some(0), Some(20000), 0, "none"),
    ("ftruncate", "truncate", None, Some(100), 0, "none"),
    ("write", "write", Some(388), Some(100), -9, "EBADF"),
    ("read", "read", Some(0), Some(100), -21, "EISDIR"),
];

pub fn tests() -> Vec<Trial> {
    let needs = [Need::Root, Need::Loop];
    let fio = [Need::Root, Need::Loop, Need::Fio];
    vec![
        test("calls/fields", &needs, fields),
        test("calls/one_file", &needs, one_file),
        test("calls/judged_early", &needs, judged_early),
        test("calls/families", &needs, families),
        test("calls/discards", &needs, discards),
        test("calls/trim", &needs, trim),
        test("calls/fio", &fio, counts),
        test("calls/two_layers", &fio, two_layers),
        test("calls/sync_file_range", &fio, sync_file_range),
        test("calls/only_counted", &fio, only_counted),
    ]
}

fn child(disk: &Disk) -> String {
    let (calls, folder) = (env!("CARGO_BIN_EXE_calls"), disk.folder().display());
    format!("{calls} {folder}/file {folder}")
}

const QUERY: &str = "on syscall.exit where pid under $child and comm == \"calls\" and dev == DEV \
    emit pid, tid, comm, uid, op, call, fd, kind, name, dev, inode, offset, size, ret, error, lat";

fn fields() {
    let disk = Disk::ext4(64);
    let query = QUERY.replace("DEV", &disk.name());
    let output = json(&["-c", &child(&disk), "-e", &query]);
    assert_eq!(output.lost, 0);
    let inode = inode(&disk);
    let got: Vec<_> = output.rows.iter().map(summary).collect();
    assert_eq!(got, CALLS, "{:#?}", output.rows);
    for row in &output.rows {
        let folder = row.text("error") == "EISDIR";
        assert_eq!(row.text("kind"), if folder { "directory" } else { "file" });
        assert_eq!(row.number("inode") == inode, !folder, "{row:?}");
        assert_eq!(row.text("dev"), disk.name());
        assert_eq!(row.number("pid"), row.number("tid"));
        assert_eq!(row.number("uid"), 0);
        assert!(row.number("lat") > 0);
        if !folder {
            assert_eq!(row.text("name"), "file");
        }
    }
}

fn inode(disk: &Disk) -> u64 {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(disk.folder().join("file")).unwrap().ino()
}

fn summary(row: &Row) -> (&str, &str, Option<i64>, Option<i64>, i64, &str) {
    let ret = row.int("ret").unwrap();
    let (call, op, error) = (row.text("call"), row.text("op"), row.text("error"));
    (call, op, row.int("offset"), row.int("size"), ret, error)
}

/// What is known of a call before its file is looked at turns away those that cannot pass, and no others.
fn judged_early() {
    let disk = Disk::ext4(64);
    let folder = disk.folder().display().to_string();
    for (condition, count) in [
        ("op == fsync and comm == \"calls\"", 2),
        (
            "(op == fsync or name == \"file\") and comm == \"calls\"",
            24,
        ),
        ("not (op == write or op == read) and comm ~ \"ca*\"", 10),
        ("comm != \"calls\"", 0),
        (
            "file under $1 and (call == fsync or uid == 0) and tid != 1",
            25,
        ),
        ("(pid == 1 or error == EBADF) and pid under $child", 1),
        ("(pid == 1 or size > 1000B) and comm == \"calls\"", 3),
    ] {
        let query = format!(
            "on syscall.exit where dev == {} and {condition} emit call",
            disk.name()
        );
        let output = json(&["-c", &child(&disk), "-e", &query, &folder]);
        assert_eq!(output.rows.len(), count, "{condition}: {output:?}");
        fs::remove_file(disk.folder().join("file")).unwrap();
    }
}

/// A file is known by its inode, not by its name.
fn one_file() {
    let disk = Disk::ext4(64);
    let (file, link) = (disk.folder().join("file"), disk.folder().join("link"));
    fs::write(&file, "x").unwrap();
    fs::hard_link(&file, &link).unwrap();
    let query = format!(
        "on syscall.exit where file == \"{}\" emit call, ret, file",
        link.display()
    );
    let output = json(&["-c", &child(&disk), "-e", &query]);
    let calls: Vec<_> = output.rows.iter().map(|row| row.text("call")).collect();
    let expected = CALLS.iter().filter(|call| call.5 != "EISDIR");
    assert_eq!(calls, expected.map(|call| call.0).collect::<Vec<_>>());
}

/// Discards and zeroes that a program asks a device for: ioctl, what it did, and the requests.
fn discards() {
    const MIB: i64 = 1 << 20;
    let disk = Disk::raw(64);
    let dev = disk.node.display().to_string();
    let query = format!(
        "join syscall, block where pid under $child and syscall.call == ioctl and syscall.dev == {}
         emit syscall.op as op, syscall.offset as offset, syscall.size as size, ret, kind, syscall.lat as lat, cpu, runqueue,
              device, syscall.queue as queued, blocked, other, block.op as request, block.sector as sector,
              block.size as length",
        disk.name()
    );
    let line = format!(
        "sh -c 'blkdiscard -o 1M -l 3M {dev} && blkdiscard -z -o 8M -l 2M {dev} && blockdev --getsize64 {dev} >/dev/null'"
    );
    let output = json(&["-c", &line, "-e", &query]);
    let told = |row: &Row| {
        let sum: u64 = STAGES.iter().map(|stage| row.number(stage)).sum();
        assert_eq!(sum, row.number("lat"), "{row:?}");
        assert_eq!((row.text("kind"), row.int("ret")), ("device", Some(0)));
        let texts = (row.text("op").to_owned(), row.text("request").to_owned());
        let asked = (row.int("offset").unwrap(), row.int("size").unwrap());
        (
            texts,
            asked,
            (row.int("sector").unwrap() << 9, row.int("length").unwrap()),
        )
    };
    let got: Vec<_> = output.rows.iter().map(told).collect();
    let expected = |op: &str, request: &str, at: i64, size: i64| {
        let place = (at * MIB, size * MIB);
        ((op.to_owned(), request.to_owned()), place, place)
    };
    assert_eq!(got[0], expected("discard", "discard", 1, 3));
    assert_eq!(got[1], expected("allocate", "write_zeroes", 8, 2));
    // Below the disk is memory, that cannot be told to be zero: then the kernel writes them.
    for (texts, asked, (at, size)) in &got[2..] {
        assert_eq!((texts.0.as_str(), texts.1.as_str()), ("allocate", "write"));
        assert_eq!(*asked, (8 * MIB, 2 * MIB));
        assert!(8 * MIB <= *at && at + size <= 10 * MIB, "{got:?}");
    }
}

/// What fstrim asks a filesystem for is not at a place of the file that it names, but has its requests.
fn trim() {
    let disk = Disk::ext4(64);
    let query = format!(
        "join syscall, block where pid under $child and syscall.op == discard and syscall.dev == {}
         emit call, syscall.offset as offset, syscall.size as size, kind, ret, block.op as request, block.size as length",
        disk.name()
    );
    let line = format!("fstrim {}", disk.folder().display());
    let output = json(&["-c", &line, "-e", &query]);
    assert!(!output.rows.is_empty(), "{output:?}");
    for row in &output.rows {
        assert_eq!((row.text("call"), row.text("kind")), ("ioctl", "directory"));
        let told = (row.int("offset"), row.int("size"), row.int("ret"));
        assert_eq!(told, (None, None, Some(0)));
    }
    // It reads which blocks are free, too.
    let discards = output
        .rows
        .iter()
        .filter(|row| row.text("request") == "discard");
    let bytes: u64 = discards.map(|row| row.number("length")).sum();
    assert!(bytes > 32 << 20, "{bytes}");
}

/// Descendants, those born later too, and through exec.
fn families() {
    let disk = Disk::ext4(64);
    let file = disk.folder().join("family");
    let line = format!(
        "sh -c 'sh -c \"(dd if=/dev/zero of={} bs=512 count=7 conv=notrunc 2>/dev/null; exit 0) & wait\"; exit 0'",
        file.display()
    );
    let query = |who: &str| {
        format!(
            "on syscall.exit where {who} and op == write and dev == {} emit size",
            disk.name()
        )
    };
    let (under, alone) = (query("pid under $child"), query("pid == $child"));
    let output = json(&["-c", &line, "-e", &under, "-e", &alone]);
    assert_eq!(output.of(0).count(), 7);
    assert_eq!(output.of(1).count(), 0);
}

fn fio(disk: &Disk, more: &str) -> String {
    format!(
        "fio --name=calls --filename={} --size=8M --bs=4k --ioengine=psync --output={} {more}",
        disk.folder().join("fio").display(),
        disk.memory().join("out").display()
    )
}

fn counts() {
    let disk = Disk::ext4(64);
    let query = format!(
        "on syscall.exit where pid under $child and file == \"{}\" and size == 4KiB emit call, ret",
        disk.folder().join("fio").display()
    );
    fs::write(disk.folder().join("fio"), vec![1; 8 << 20]).unwrap();
    let output = json(&[
        "--ring",
        "16M",
        "-c",
        &fio(&disk, "--rw=randrw --overwrite=1"),
        "-e",
        &query,
    ]);
    let of = |call: &str| {
        output
            .rows
            .iter()
            .filter(|row| row.text("call") == call)
            .count()
    };
    assert_eq!(of("pread64") + of("pwrite64"), 2048);
    assert_eq!(output.rows.len(), 2048);
    assert!(output.rows.iter().all(|row| row.number("ret") == 4096));
}

/// Direct writes: one request for each call, in the same run.
fn two_layers() {
    let disk = Disk::ext4(64);
    fs::write(disk.folder().join("fio"), vec![1; 8 << 20]).unwrap();
    let line = fio(&disk, "--rw=read --direct=1");
    let dev = disk.name();
    let script = format!(
        "on syscall.exit where pid under $child and dev == {dev} and call == pread64 emit offset, size, lat\n\
         on block.issue where pid under $child and dev == {dev} and op == read and not meta emit sector, size"
    );
    let output = json(&["--ring", "16M", "-c", &line, "-e", &script]);
    assert_eq!(output.of(0).count(), 2048);
    assert_eq!(
        output
            .of(1)
            .filter(|row| row.number("size") == 4096)
            .count(),
        2048
    );
}

fn sync_file_range() {
    let disk = Disk::ext4(64);
    let query =
        "on syscall.exit where pid under $child and call == sync_file_range emit op, ret, error";
    let line = fio(&disk, "--rw=write --sync_file_range=write:16");
    let output = json(&["-c", &line, "-e", query]);
    // Not after the last sixteen: fio ends there.
    assert_eq!(output.rows.len(), 2048 / 16 - 1);
    assert!(output.rows.iter().all(|row| row.text("error") == "none"));
}

/// Calls are counted although nothing of them is asked.
fn only_counted() {
    let disk = Disk::ext4(160);
    let line = format!(
        "fio --name=t --ioengine=psync --rw=randread --bs=4k --size=8M --number_ios=500 --filename={} --output={}",
        disk.file(8).display(),
        disk.memory().join("out").display()
    );
    for filter in ["", "where pid under $child "] {
        let query = format!("on syscall.exit {filter}emit count() as n");
        let output = json(&["-c", &line, "-e", &query]);
        let counted = output.groups_of(0).map(|group| group.number("n"));
        assert!(counted.sum::<u64>() >= 500, "{output:?}");
    }
}

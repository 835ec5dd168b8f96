//! The page cache: what reads find in it adds up to what they read, and all events to what the kernel tells of them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use iotq_tests::completions::number;
use iotq_tests::needs::{Need, test};
use iotq_tests::trace::Trace;
use iotq_tests::{Disk, Output, Row, json, tool};
use libtest_mimic::Trial;

pub fn tests() -> Vec<Trial> {
    let needs = [Need::Root, Need::Loop, Need::Tracefs];
    vec![
        test("cache/sequential", &needs, sequential),
        test("cache/places", &needs, places),
        test("cache/written", &needs, written),
        test("cache/in_calls", &needs, in_calls),
        test("cache/ratio", &needs, ratio),
    ]
}

const MIB: u64 = 1 << 20;
const ADDED: &str = "mm_filemap_add_to_page_cache";
const DELETED: &str = "mm_filemap_delete_from_page_cache";

/// Gives up what the page cache has of a file.
fn drop_cached(file: &Path) {
    tool("sh", &["-c", &drop_line(file)]);
}

fn drop_line(file: &Path) -> String {
    let file = file.display();
    format!("dd of={file} oflag=nocache conv=notrunc,fdatasync count=0 status=none")
}

/// Reads a file by `dd` under another name.
fn reads(disk: &Disk, name: &str, file: &Path, more: &str) -> String {
    let program = disk.memory().join(name);
    if !program.exists() {
        fs::copy("/bin/dd", &program).unwrap();
    }
    let (program, file) = (program.display(), file.display());
    format!("{program} if={file} of=/dev/null status=none {more}")
}

fn traced(line: &str, query: &str) -> Output {
    let output = json(&["--ring", "16M", "-c", line, "-e", query]);
    assert_eq!(output.lost, 0, "{}", output.stderr);
    output
}

/// Checks what comes of a run. Where a program is preempted, the kernel skips it for all that run on its CPU meanwhile, and
/// iotq says so: such a run proves nothing, and there is another one.
fn undisturbed(mut run: impl FnMut() -> Output, mut check: impl FnMut(&Output)) {
    for _ in 0..20 {
        let output = run();
        if output.unseen() == 0 {
            return check(&output);
        }
    }
    panic!("each time events went by unseen");
}

/// The bytes of each event.
fn sums<'a>(rows: impl Iterator<Item = &'a Row>) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for row in rows {
        *sums.entry(row.text("event").to_owned()).or_default() += row.number("size");
    }
    sums
}

/// The bytes of pages that the kernel's text tells of: `… dev 7:0 ino c pfn=0x1 ofs=0 order=0`.
fn told(text: &str, event: &str, disk: &Disk, file: &Path) -> u64 {
    let (dev, inode) = (number(&disk.name()), fs::metadata(file).unwrap().ino());
    let inode = format!(" dev {dev} ino {inode:x} ");
    let lines = text
        .lines()
        .filter(|line| line.contains(event) && line.contains(&inode));
    let bytes = |line: &str| {
        let order = line.rsplit_once("order=").unwrap().1.trim();
        4096 << order.parse::<u32>().unwrap()
    };
    lines.map(bytes).sum()
}

/// A file that is not cached is read: misses and hits are what was read, misses and readahead what was brought in. Then it is
/// read again.
fn sequential() {
    let disk = Disk::ext4(160);
    let file = disk.file(64);
    for size in ["4k", "128k", "3M"] {
        let bs = format!("bs={size}");
        let (first, second) = (
            reads(&disk, "first", &file, &bs),
            reads(&disk, "second", &file, &bs),
        );
        let query = format!(
            "on cache.access where file == \"{}\" emit comm, event, size, approx",
            file.display()
        );
        let mut added = 0;
        let run = || {
            drop_cached(&file);
            let kernel = Trace::start(&["filemap/mm_filemap_add_to_page_cache"]).unwrap();
            let output = traced(&format!("{first}; {second}"), &query);
            added = told(&kernel.stop(), ADDED, &disk, &file);
            output
        };
        let check = |output: &Output| {
            let by = |comm: &str| sums(output.rows.iter().filter(|row| row.text("comm") == comm));
            let (cold, warm) = (by("first"), by("second"));
            let of = |event: &str| cold.get(event).copied().unwrap_or(0);
            assert_eq!(of("miss") + of("readahead"), 64 * MIB, "{size}: {cold:?}");
            assert_eq!(of("miss") + of("hit"), 64 * MIB, "{size}: {cold:?}");
            assert_eq!(warm, BTreeMap::from([("hit".into(), 64 * MIB)]), "{size}");
            assert!(output.rows.iter().all(|row| row.field("approx") == false));
        };
        undisturbed(run, check);
        assert_eq!(added, 64 * MIB, "{size}");
    }
}

/// Single pages, here and there: each is a miss, and then a hit, in its place.
fn places() {
    let disk = Disk::ext4(160);
    let file = disk.file(64);
    let pages = [15_000_u64, 1024, 3072, 7777, 5000];
    let read = |page: &u64| reads(&disk, "dd", &file, &format!("bs=4k count=1 skip={page}"));
    let lines: Vec<String> = pages.iter().chain(&pages).map(read).collect();
    let query = "on cache.access where name == data and comm == dd and event in {hit, miss} emit event, offset, size, dev, inode";
    let run = || {
        drop_cached(&file);
        traced(&lines.join("; "), query)
    };
    undisturbed(run, |output| {
        let rows = output.rows.iter().map(|row| {
            assert_eq!((row.number("size"), row.text("dev")), (4096, &*disk.name()));
            (row.text("event"), row.number("offset") / 4096)
        });
        let of = |event| pages.iter().map(move |&page| (event, page));
        let expected: Vec<_> = of("miss").chain(of("hit")).collect();
        assert_eq!(rows.collect::<Vec<_>>(), expected);
    });
}

/// Each page that is written is made dirty once, written back once, given up once.
fn written() {
    let disk = Disk::ext4(160);
    let file = disk.folder().join("new");
    fs::write(&file, "").unwrap();
    let write = format!(
        "dd if=/dev/zero of={} bs=64k count=64 conv=notrunc status=none",
        file.display()
    );
    let line = format!("{write}; {write}; sync; {}", drop_line(&file));
    let query =
        "on cache.access where name == new and event in {dirty, writeback, evict} emit event, size";
    let mut deleted = 0;
    let run = || {
        let kernel = Trace::start(&["filemap/mm_filemap_delete_from_page_cache"]).unwrap();
        let output = traced(&line, query);
        deleted = told(&kernel.stop(), DELETED, &disk, &file);
        output
    };
    undisturbed(run, |output| {
        let expected = ["dirty", "writeback", "evict"].map(|event| (event.to_owned(), 4 * MIB));
        assert_eq!(sums(output.rows.iter()), BTreeMap::from(expected));
    });
    assert_eq!(deleted, 4 * MIB);
}

/// In a join each call has one row of each event, and what it found is what it returned.
fn in_calls() {
    let disk = Disk::ext4(160);
    let file = disk.file(32);
    let line = reads(&disk, "dd", &file, "bs=128k");
    let query = "join syscall, cache where pid under $child and syscall.op == read and syscall.name == data
        emit syscall.offset as at, ret, syscall.approx as approx, cache.event as event, cache.size as size";
    let run = || {
        drop_cached(&file);
        traced(&line, query)
    };
    undisturbed(run, |output| {
        let mut calls = BTreeMap::<_, Vec<&Row>>::new();
        for row in output.rows.iter().filter(|row| row.number("ret") > 0) {
            calls.entry(row.number("at")).or_default().push(row);
        }
        assert_eq!(calls.len(), 256);
        let mut all = 0;
        for rows in calls.values() {
            let found = sums(rows.iter().copied());
            assert_eq!(found.len(), rows.len(), "an event twice: {rows:?}");
            let of = |event: &str| found.get(event).copied().unwrap_or(0);
            assert_eq!(of("hit") + of("miss"), rows[0].number("ret"), "{rows:?}");
            assert_eq!(rows[0].field("approx"), false, "{rows:?}");
            all += of("miss") + of("readahead");
        }
        assert_eq!(all, 32 * MIB);
    });
}

/// The share of hits, of groups that the kernel keeps.
fn ratio() {
    let disk = Disk::ext4(160);
    let file = disk.file(16);
    let line = reads(&disk, "warm", &file, "bs=64k");
    let query = "on cache.access where event in {hit, miss} and comm == warm and name == data
        emit ratio(event == hit) as hits, sum(size) as bytes, count() by comm";
    undisturbed(
        || traced(&line, query),
        |output| {
            let [group] = &output.groups[..] else {
                panic!("{:?}", output.groups)
            };
            let (hits, bytes) = (&group.data["hits"], group.number("bytes"));
            assert_eq!((hits, bytes), (&1.0.into(), 16 * MIB));
            assert_eq!(group.number("count()"), 256);
            assert_eq!(output.shipped, 0);
        },
    );
}

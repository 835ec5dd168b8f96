//! Judges of the page cache: of what is written back, and for whom.

use std::collections::{BTreeMap, BTreeSet};

use iotq_tests::Output;
use iotq_tests::lab::result::Brought;

/// Blocks of the filesystem that a writer dirties besides those of its file.
const AROUND: u64 = 16;
const BLOCK: u64 = 4096;

/// The blocks that a generator wrote, each as often as it did.
fn written(brought: &Brought, log: &str) -> Vec<u64> {
    let text = brought.text(log);
    let of_line = |line: &str| {
        let words: Vec<_> = line.split(' ').collect();
        let number = |index: usize| words[index].parse::<u64>().unwrap() / BLOCK;
        number(1)..number(1) + number(2)
    };
    text.lines().flat_map(of_line).collect()
}

/// The same, each once.
fn blocks(brought: &Brought, log: &str) -> BTreeSet<u64> {
    written(brought, log).into_iter().collect()
}

/// Each of two writers is the origin of what it wrote, and of little more: a block that was written back, as slow machines do
/// early, and became dirty again, is written back again.
pub fn origins(brought: &Brought) {
    let output = Output::of_text(&brought.text("rows.json"), &brought.text("stderr"));
    assert_eq!(output.lost, 0, "{}", output.stderr);
    for writer in ["first", "second"] {
        let wrote = blocks(brought, &format!("{writer}.log")).len() as u64;
        let most = written(brought, &format!("{writer}.log")).len() as u64;
        let groups = output.groups.iter().filter(|group| {
            let by = group.by["comm"].as_str().unwrap_or("");
            group.by["origin"] == writer && by.starts_with("kworker/")
        });
        let bytes: u64 = groups.map(|group| group.number("bytes")).sum();
        assert!(
            (wrote * BLOCK..=(most + AROUND) * BLOCK).contains(&bytes),
            "{writer} wrote {} bytes, and is the origin of {bytes}: {:?}",
            wrote * BLOCK,
            output.groups
        );
    }
}

/// The bytes of each event in what iotq wrote to a file.
fn events(brought: &Brought, file: &str) -> BTreeMap<String, u64> {
    let output = Output::of_text(&brought.text(file), &brought.text("stderr"));
    assert_eq!(output.lost, 0, "{}", output.stderr);
    let mut sums = BTreeMap::new();
    for row in &output.rows {
        assert_eq!(row.field("approx"), false, "{row:?}");
        *sums.entry(row.text("event").to_owned()).or_default() += row.number("size");
    }
    sums
}

/// The bytes of pages that the kernel's text tells of: `… dev 254:0 ino c pfn=0x1 ofs=0 order=0`, in older ones without order.
fn added(brought: &Brought) -> u64 {
    let inode: u64 = brought.text("inode").trim().parse().unwrap();
    let inode = format!(" ino {inode:x} ");
    let (text, event) = (brought.text("trace"), "mm_filemap_add_to_page_cache:");
    let lines = text
        .lines()
        .filter(|line| line.contains(event) && line.contains(&inode));
    let bytes = |line: &str| {
        let order = line
            .rsplit_once("order=")
            .map_or("0", |(_, order)| order.trim());
        BLOCK << order.parse::<u32>().unwrap()
    };
    lines.map(bytes).sum()
}

/// What is read is found or missed; what is missed, and read ahead, is what the kernel adds; what is written becomes dirty, and
/// is written back.
pub fn events_add_up(brought: &Brought) {
    const FILE: u64 = 16 << 20;
    let (cold, warm) = (events(brought, "cold.json"), events(brought, "warm.json"));
    let written = events(brought, "written.json");
    let of = |sums: &BTreeMap<String, u64>, event: &str| sums.get(event).copied().unwrap_or(0);
    let wrote = blocks(brought, "load.log").len() as u64 * BLOCK;
    // A program that is preempted is skipped for all that run on its CPU meanwhile: then there is less.
    let whole = Output::of_text(&brought.text("cold.json"), &brought.text("stderr")).unseen() == 0;
    for (what, ours, theirs) in [
        ("looked up", of(&cold, "miss") + of(&cold, "hit"), FILE),
        (
            "added",
            of(&cold, "miss") + of(&cold, "readahead"),
            added(brought),
        ),
        ("found again", of(&warm, "hit"), FILE),
        (
            "missed again",
            of(&warm, "miss") + of(&warm, "readahead"),
            0,
        ),
        ("written back", of(&written, "writeback"), wrote),
    ] {
        let agree = ours == theirs || !whole && ours <= theirs;
        assert!(
            agree,
            "{what}: {ours}, not {theirs}: {cold:?} {warm:?} {written:?}"
        );
    }
    // Pages that are kept together become dirty together.
    assert!(
        !whole || of(&written, "dirty") >= wrote,
        "{written:?}, {wrote} bytes"
    );
}

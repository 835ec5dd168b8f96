//! Judges of the page cache: of what is written back, and for whom.

use std::collections::BTreeSet;

use iotq_tests::Output;
use iotq_tests::lab::result::Brought;

/// Blocks of the filesystem that a writer dirties besides those of its file.
const AROUND: u64 = 16;
const BLOCK: u64 = 4096;

/// The blocks that a generator wrote, each once.
fn blocks(brought: &Brought, log: &str) -> BTreeSet<u64> {
    let text = brought.text(log);
    let of_line = |line: &str| {
        let words: Vec<_> = line.split(' ').collect();
        let number = |index: usize| words[index].parse::<u64>().unwrap() / BLOCK;
        number(1)..number(1) + number(2)
    };
    text.lines().flat_map(of_line).collect()
}

/// Each of two writers is the origin of what it wrote, and of little more.
pub fn origins(brought: &Brought) {
    let output = Output::of_text(&brought.text("rows.json"), &brought.text("stderr"));
    assert_eq!(output.lost, 0, "{}", output.stderr);
    for writer in ["first", "second"] {
        let wrote = blocks(brought, &format!("{writer}.log")).len() as u64;
        let groups = output.groups.iter().filter(|group| {
            let by = group.by["comm"].as_str().unwrap_or("");
            group.by["origin"] == writer && by.starts_with("kworker/")
        });
        let bytes: u64 = groups.map(|group| group.number("bytes")).sum();
        assert!(
            (wrote * BLOCK..=(wrote + AROUND) * BLOCK).contains(&bytes),
            "{writer} wrote {} bytes, and is the origin of {bytes}: {:?}",
            wrote * BLOCK,
            output.groups
        );
    }
}

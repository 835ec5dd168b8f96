//! The numbers of the summary are true.

use std::path::Path;

use iotq_tests::completions::{Completions, unseen};
use iotq_tests::fio::Reads;
use iotq_tests::needs::{Need, test};
use iotq_tests::{Disk, json};
use libtest_mimic::Trial;

pub fn tests() -> Vec<Trial> {
    let needs = [Need::Root, Need::Loop, Need::Fio];
    vec![
        test("counters/nothing_passes", &needs, nothing_passes),
        test("counters/a_ring_of_4K", &needs, small_ring),
        test("counters/limit", &needs, limit),
    ]
}

fn reads<'a>(disk: &'a Disk, target: &'a Path, threads: u32) -> Reads<'a> {
    Reads {
        target,
        engine: "psync",
        depth: 1,
        threads,
        each: 24_000 / threads,
        memory: disk.memory(),
    }
}

fn nothing_passes() {
    let disk = Disk::raw(160);
    let load = reads(&disk, &disk.node, 1);
    let query = format!(
        "on block.complete where dev == {} and lat > 100s emit lat",
        disk.name()
    );
    let kernel = Completions::start();
    let output = json(&["-c", &load.line(), "-e", &query]);
    let kernel = kernel.map_or_else(Vec::new, Completions::stop);
    let unseen = unseen(&kernel, &disk.name(), &output.stderr);
    assert_eq!((output.rows.len(), output.shipped, output.lost), (0, 0, 0));
    assert!(output.seen + unseen >= 24_000, "{output:?}");
}

/// The ring cannot hold what twelve threads make: what is lost is counted, to the last request.
fn small_ring() {
    let disk = Disk::raw(160);
    let load = reads(&disk, &disk.node, 12);
    let query = format!(
        "on block.complete where dev == {} and pid under $child and size == 4KiB and not ahead emit sector",
        disk.name()
    );
    // The reader is stopped meanwhile, so that it cannot keep up.
    let line = format!("kill -STOP $PPID; {}; kill -CONT $PPID", load.line());
    let kernel = Completions::start();
    let output = json(&["--ring", "4K", "-c", &line, "-e", &query]);
    let kernel = kernel.map_or_else(Vec::new, Completions::stop);
    let unseen = unseen(&kernel, &disk.name(), &output.stderr);
    let rows = output.rows.len() as u64;
    assert_eq!(load.issued().len(), 24_000);
    assert!(output.lost > 0, "nothing was lost: {}", output.stderr);
    assert_eq!(rows, output.shipped);
    let total = rows + output.lost;
    assert!(
        total <= 24_000 && total + unseen >= 24_000,
        "{rows} rows, {} lost, {unseen} unseen",
        output.lost
    );
    // What was seen was shipped, lost, or turned away.
    assert!(output.seen >= total);
    assert!(output.stderr.contains("--ring"), "{}", output.stderr);
}

/// A bound ends the run, and the command goes on without it.
fn limit() {
    let disk = Disk::raw(160);
    let load = reads(&disk, &disk.node, 1);
    let query = format!("trace block where dev == {} limit 100", disk.name());
    let output = json(&["-c", &load.line(), "-e", &query]);
    assert_eq!(output.rows.len(), 100);
    assert!(output.shipped >= 100);
}

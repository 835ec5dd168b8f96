//! Exactness: every request that fio issued gives one row, with its sector.

use std::path::{Path, PathBuf};

use iotq_tests::completions::{Completion, Completions, blind, number};
use iotq_tests::extents::{Counted, Extents, counted};
use iotq_tests::fio::Reads;
use iotq_tests::needs::{self, Need, ROOT_FOLDER, test};
use iotq_tests::{Disk, Output, Row, disk, json, tool};
use libtest_mimic::Trial;

const QUERY: &str = "on block.complete where pid under $child and op == read and size == 4KiB \
                     emit pid, dev, sector, size, lat, ahead, approx";
/// Large enough that nothing is lost however late the reader gets a CPU: what is tested is the probes.
const RING: &str = "16M";

#[derive(Clone, Copy)]
enum On {
    Ext4,
    Raw,
    Root,
}

/// engine, its depth, threads
const LOADS: [(&str, &str, u32, u32); 4] = [
    ("psync", "psync", 1, 1),
    ("threads", "psync", 1, 8),
    ("libaio", "libaio", 32, 1),
    ("io_uring", "io_uring", 32, 1),
];

pub fn tests() -> Vec<Trial> {
    let places = [
        ("ext4", On::Ext4, Need::Loop),
        ("raw", On::Raw, Need::Loop),
        ("root", On::Root, Need::RootDisk),
    ];
    let mut tests = Vec::new();
    for (place, on, need) in places {
        for (load, engine, depth, threads) in LOADS {
            let needs = [Need::Root, Need::Fio, need, Need::Engine(engine)];
            let name = format!("exact/{place}/{load}");
            tests.push(test(&name, &needs, move || {
                check(on, engine, depth, threads)
            }));
        }
    }
    tests
}

fn check(on: On, engine: &str, depth: u32, threads: u32) {
    let disk = match on {
        On::Raw => Disk::raw(160),
        _ => Disk::ext4(256),
    };
    let root = tempfile::tempdir_in(ROOT_FOLDER).unwrap();
    let target: PathBuf = match on {
        On::Ext4 => disk.file(128),
        On::Raw => disk.node.clone(),
        On::Root => root.path().join("data"),
    };
    if let On::Root = on {
        disk::written(&target, 128);
    }
    let reads = Reads {
        target: &target,
        engine,
        depth,
        threads,
        each: 20_000 / threads,
        memory: disk.memory(),
    };
    warm_up(&reads);
    let kernel = Completions::start();
    let output = json(&["--ring", RING, "-c", &reads.line(), "-e", QUERY]);
    let kernel = kernel.map_or_else(Vec::new, Completions::stop);
    let device = match on {
        On::Root => needs::root_disk().unwrap(),
        _ => disk.name(),
    };
    let number = number(&device);
    let unseen = blind(&kernel, &number).map(|each| each.sector);
    let unseen = unseen.chain(merged(&kernel, &number));
    compare(&output, &device, &expected(on, &reads), &counted(unseen));
}

/// Neighbours that are submitted together may become one request: the places of its blocks.
pub fn merged<'a>(kernel: &'a [Completion], device: &'a str) -> impl Iterator<Item = u64> + 'a {
    let large = move |each: &&Completion| each.dev == device && each.sectors > 8;
    let blocks = |each: &Completion| (each.sector..each.sector + each.sectors).step_by(8);
    kernel.iter().filter(large).flat_map(blocks)
}

/// Once without iotq: so that fio itself and its libraries are in the page cache, and reading them is no I/O of the
/// command.
pub fn warm_up(reads: &Reads) {
    tool("sh", &["-c", &reads.line()]);
    for thread in 0..reads.threads {
        std::fs::remove_file(reads.log(thread)).unwrap();
    }
}

fn expected(on: On, reads: &Reads) -> Counted {
    let issued = reads.issued();
    assert_eq!(issued.len(), 20_000, "what fio says that it issued");
    match on {
        On::Raw => counted(issued.into_iter().map(|offset| offset / 512)),
        _ => {
            let extents = Extents::of(Path::new(reads.target));
            counted(issued.into_iter().map(|offset| extents.sector(offset)))
        }
    }
}

/// `unseen`: what is no row of its own, because it was merged, or completed in moments in which this kernel runs no
/// programs at all.
pub fn compare(output: &Output, device: &str, expected: &Counted, unseen: &Counted) {
    assert_eq!(output.lost, 0, "{}", output.stderr);
    // Where memory is short, a page of fio itself may be read again: by readahead, which fio's own reads never are.
    let own = |row: &&Row| row.field("ahead") == false;
    let rows: Vec<_> = output.rows.iter().filter(own).collect();
    for row in &rows {
        assert_eq!(row.text("dev"), device, "{row:?}");
        assert_eq!(row.number("size"), 4096);
        // Without its end, which the kernel may keep from the probes, a request is no less there.
        assert!(
            row.field("approx") == true || row.number("lat") > 0,
            "{row:?}"
        );
    }
    let seen = counted(rows.iter().map(|row| row.number("sector")));
    let count = |counts: &Counted, sector| counts.get(sector).copied().unwrap_or(0);
    let surplus = seen
        .iter()
        .filter(|(sector, n)| count(expected, sector) < **n);
    let surplus: Vec<_> = surplus.collect();
    let missing = expected
        .iter()
        .filter(|(sector, n)| count(&seen, sector) + count(unseen, sector) < **n);
    let missing: Vec<_> = missing.collect();
    assert!(
        surplus.is_empty() && missing.is_empty(),
        "{} rows; too many: {surplus:?}; too few: {missing:?}; {}",
        rows.len(),
        output.stderr
    );
    if rows.len() < 20_000 {
        eprintln!(
            "{} of 20000: the others were merged, or the kernel ran no program for them",
            rows.len()
        );
    }
}

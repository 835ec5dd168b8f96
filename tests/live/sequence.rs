//! Whether requests go on where the last one ended.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;

use iotq_tests::completions::{Completions, unseen};
use iotq_tests::gate::traced;
use iotq_tests::needs::{Need, test};
use iotq_tests::{Disk, json};
use libtest_mimic::Trial;
use rustix::fs::OFlags;
use rustix::io::{pread, pwrite};

const PAGE: u64 = 4096;

pub fn tests() -> Vec<Trial> {
    let needs = [Need::Root, Need::Loop];
    let fio = [Need::Root, Need::Loop, Need::Fio];
    vec![
        test("sequence/one_by_one", &needs, one_by_one),
        test("sequence/shares", &fio, shares),
    ]
}

/// Who does it, what, and where: in pages.
const STEPS: [(&str, bool, u64); 11] = [
    ("counted", false, 0),
    ("other", false, 1),
    ("counted", false, 2),
    ("counted", false, 4),
    ("other", false, 10),
    ("counted", false, 5),
    ("counted", false, 6),
    ("counted", true, 7),
    ("counted", false, 7),
    ("counted", true, 8),
    ("counted", true, 8),
];

/// The requests of others are between those that are asked for; reads and writes have each their own order.
fn one_by_one() {
    let disk = Disk::raw(16);
    let direct = OFlags::DIRECT.bits().cast_signed();
    let file = File::options()
        .read(true)
        .write(true)
        .custom_flags(direct)
        .open(&disk.node);
    let file = file.unwrap();
    let mut memory = vec![0; 2 * PAGE as usize];
    let aligned = memory.as_ptr().align_offset(PAGE as usize);
    let page = &mut memory[aligned..aligned + PAGE as usize];
    let query = format!(
        "on block.complete where dev == {} and comm == counted and op in {{read, write}} emit sector, op, sequential",
        disk.name()
    );
    for args in [&["-e", &query][..], &["--no-pushdown", "-e", &query]] {
        let output = traced(args, || {
            for (name, writes, at) in STEPS {
                rustix::thread::set_name(&std::ffi::CString::new(name).unwrap()).unwrap();
                let done = if writes {
                    pwrite(&file, &*page, at * PAGE)
                } else {
                    pread(&file, &mut *page, at * PAGE)
                };
                assert_eq!(done, Ok(PAGE as usize));
            }
        });
        let found: Vec<_> = output
            .rows
            .iter()
            .map(|row| {
                (
                    row.number("sector") / 8,
                    row.field("sequential").as_bool().unwrap(),
                )
            })
            .collect();
        let expected = [
            (0, false),
            (2, true),
            (4, false),
            (5, false),
            (6, true),
            (7, false),
            (7, true),
            (8, true),
            (8, false),
        ];
        assert_eq!(found, expected);
    }
}

/// One job and no other I/O: the share is that of fio, which goes on in order for some requests, and then leaps.
fn shares() {
    let disk = Disk::raw(128);
    for (load, op, wanted) in [
        ("--rw=read", "read", 1.0),
        ("--rw=write", "write", 1.0),
        ("--rw=rw", "read", 1.0),
        ("--rw=rw", "write", 1.0),
        ("--rw=randread", "read", 0.0),
        ("--rw=randwrite", "write", 0.0),
        ("--rw=randread:8", "read", 7.0 / 8.0),
        ("--rw=read:4k", "read", 0.0),
    ] {
        let line = format!(
            "fio --name=it --filename={} --size=128M --bs=4k --direct=1 --ioengine=psync --number_ios=4000 \
             --norandommap --output=/dev/null {load}",
            disk.node.display()
        );
        let kernel = Completions::start();
        let output = json(&[
            "-c",
            &line,
            "pattern",
            "--dev",
            &disk.name(),
            "--comm",
            "fio",
        ]);
        let mut groups = output.groups.iter();
        let found = groups.find(|group| group.by["op"] == op).unwrap();
        let share = found.data["sequential"].as_f64().unwrap();
        assert!((share - wanted).abs() < 0.01, "{load}, {op}: {share}");
        if load != "--rw=rw" {
            let kernel = kernel.map_or_else(Vec::new, Completions::stop);
            let unseen = unseen(&kernel, &disk.name(), &output.stderr);
            let n = found.number("n");
            assert!(
                (4000 - unseen..=4000).contains(&n),
                "{load}: {n}, {unseen} unseen"
            );
        }
    }
}

//! For whom requests are: what the kernel's threads write back is told of those who made it dirty.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use iotq_tests::needs::{Need, test};
use iotq_tests::{Disk, Group, Output, json, run};
use libtest_mimic::Trial;

pub fn tests() -> Vec<Trial> {
    let needs = [Need::Root, Need::Loop];
    vec![
        test("origins/of_two", &needs, of_two),
        test("origins/unknown", &needs, unknown),
        test("origins/shared", &needs, shared),
        test("origins/of_an_fsync", &needs, of_an_fsync),
        test("origins/of_submitters", &needs, of_submitters),
    ]
}

const MIB: u64 = 1 << 20;

/// `dd` by another name, writing to a file from 64 KiB times `seek` on.
fn writes(disk: &Disk, name: &str, file: &str, blocks: u64, seek: u64) -> String {
    let program = disk.memory().join(name);
    if !program.exists() {
        fs::copy("/bin/dd", &program).unwrap();
    }
    format!(
        "{} if=/dev/zero of={}/{file} bs=64k count={blocks} seek={seek} conv=notrunc status=none",
        program.display(),
        disk.folder().display()
    )
}

/// The bytes of writes by the comm of their origin, and of their submitter. `more`: a further condition.
fn bytes(disk: &Disk, more: &str) -> String {
    format!(
        "on block.complete where dev == {} and op == write and not meta{more}
            emit sum(size) as bytes, ratio(approx) as doubt by origin.comm as origin, comm",
        disk.name()
    )
}

fn traced(line: &str, queries: &[&str]) -> Output {
    let mut args = vec!["--ring", "16M", "-c", line];
    queries.iter().for_each(|query| args.extend(["-e", query]));
    let output = json(&args);
    assert_eq!(output.lost, 0, "{}", output.stderr);
    output
}

/// What threads of the kernel wrote, by origin.
fn by_kernel<'a>(groups: impl Iterator<Item = &'a Group>) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for group in groups {
        let is = |key: &str| group.by[key].as_str().unwrap_or("").to_owned();
        if is("comm").starts_with("kworker/") {
            *sums.entry(is("origin")).or_default() += group.number("bytes");
        }
    }
    sums
}

/// Two processes write, and a third one has it written back: each byte is told of its author, within one of a hundred.
fn of_two() {
    let disk = Disk::ext4(192);
    let (alpha, beta) = (
        writes(&disk, "alpha", "a", 24 * 16, 0),
        writes(&disk, "beta", "b", 8 * 16, 0),
    );
    let line = format!("{alpha} & {beta} & wait; sync");
    let all = bytes(&disk, "");
    let under = bytes(&disk, " and origin.pid under $child");
    let submitted = bytes(&disk, " and pid under $child");
    let output = traced(&line, &[&all, &under, &submitted]);
    for query in [0, 1] {
        let sums = by_kernel(output.groups_of(query));
        for (name, written) in [("alpha", 24 * MIB), ("beta", 8 * MIB)] {
            let found = sums.get(name).copied().unwrap_or(0);
            assert!(
                found.abs_diff(written) * 100 <= written,
                "{found} of {written} bytes by {name}: {sums:?}"
            );
        }
    }
    let sums = by_kernel(output.groups_of(2));
    assert!(sums.is_empty(), "{sums:?}");
}

/// What was dirty before is nobody's, and marked.
fn unknown() {
    let disk = Disk::ext4(192);
    let mut before = Command::new("sh");
    before.args(["-c", &writes(&disk, "before", "a", 16 * 16, 0)]);
    assert_eq!(run(before).code(), 0);
    let output = traced("sync", &[&bytes(&disk, "")]);
    let nobody = output.groups.iter().filter(|it| it.by["origin"].is_null());
    let nobody: Vec<_> = nobody.collect();
    let sum: u64 = nobody.iter().map(|it| it.number("bytes")).sum();
    assert!(sum >= 16 * MIB, "{:?}", output.groups);
    assert!(
        nobody.iter().all(|it| it.data["doubt"] == 1.0),
        "{nobody:?}"
    );
    assert!(output.groups.iter().all(|it| it.by["origin"] != "before"));
}

/// A piece of a file that two processes write to is the last one's, and marked; what one alone writes to is not.
fn shared() {
    let disk = Disk::ext4(192);
    let lines = [
        writes(&disk, "first", "a", 8, 0),
        writes(&disk, "second", "a", 8, 8),
        writes(&disk, "third", "b", 16, 0),
        "sync".into(),
    ];
    let output = traced(&lines.join("; "), &[&bytes(&disk, "")]);
    let of = |name: &str| {
        let groups = output.groups.iter().filter(|it| it.by["origin"] == name);
        let sums = groups.map(|it| (it.number("bytes"), it.data["doubt"].as_f64().unwrap()));
        sums.collect::<Vec<_>>()
    };
    assert_eq!(of("second"), [(MIB, 1.0)], "{:?}", output.groups);
    assert_eq!(of("third"), [(MIB, 0.0)], "{:?}", output.groups);
}

/// Who asks for a file to be written is its submitter; who wrote to it is the origin, in joins as well.
fn of_an_fsync() {
    let disk = Disk::ext4(192);
    // In requests of 64 KiB: of a call, the first sixteen are kept.
    let write = writes(&disk, "author", "a", 8, 0);
    let line = format!("{write}; sync {}/a", disk.folder().display());
    let join = "join syscall, block where pid under $child and syscall.op == fsync and block.origin.pid under $child
        emit syscall.comm as comm, block.origin.comm as origin, block.size as size, block.meta as meta";
    let output = traced(&line, &[&bytes(&disk, ""), join]);
    let mut groups = output.groups.iter();
    let own = groups.find(|it| it.by["origin"] == "author").unwrap();
    let (bytes, comm) = (own.number("bytes"), &own.by["comm"]);
    assert_eq!((bytes, comm), (MIB / 2, &"sync".into()));
    let rows = output.of(1).filter(|row| row.text("origin") == "author");
    let rows: Vec<_> = rows.collect();
    assert!(
        rows.iter().all(|row| row.text("comm") == "sync"),
        "{rows:?}"
    );
    let sum: u64 = rows.iter().map(|row| row.number("size")).sum();
    assert_eq!(sum, MIB / 2, "{rows:?}");
}

/// What goes past the page cache, and what is read, is of whoever asked for it.
fn of_submitters() {
    let disk = Disk::ext4(192);
    let direct = writes(&disk, "direct", "a", 16, 0);
    let line = format!(
        "{direct} oflag=direct; {} if={}/a of=/dev/null bs=64k iflag=direct status=none",
        disk.memory().join("direct").display(),
        disk.folder().display()
    );
    let query = format!(
        "on block.complete where dev == {} and not meta and origin.comm == direct
            emit sum(size), ratio(pid == origin.pid) as same, ratio(approx) as doubt by op",
        disk.name()
    );
    let output = traced(&line, &[&query]);
    for op in ["read", "write"] {
        let group = output.groups.iter().find(|it| it.by["op"] == op).unwrap();
        assert_eq!(group.number("sum(size)"), MIB, "{group:?}");
        assert_eq!(
            (&group.data["same"], &group.data["doubt"]),
            (&1.0.into(), &0.0.into())
        );
    }
}

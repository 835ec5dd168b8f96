//! Operations that no thread waits for, of io_uring and libaio: each is there, and what it caused is its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use iotq_tests::completions::{Completions, unseen};
use iotq_tests::fio::{counted, missing};
use iotq_tests::needs::{Need, test};
use iotq_tests::trace::TurnsOfInit;
use iotq_tests::{Disk, Row, json};
use libtest_mimic::Trial;

const FIO: &str = "fio --name=t --thread --size=64M --bs=4k --direct=1 --output-format=json";

/// Name, call, what fio is told.
const ON_DEVICES: [(&str, &str); 5] = [
    (
        "submitted",
        "--rw=randrw --iodepth=16 --numjobs=2 --number_ios=3000",
    ),
    (
        "in_batches",
        "--rw=randread --iodepth=64 --iodepth_batch=16 --iodepth_batch_complete=8 --number_ios=3000",
    ),
    (
        "registered",
        "--rw=randrw --iodepth=8 --registerfiles --fixedbufs --number_ios=1000",
    ),
    (
        "by_workers",
        "--rw=randrw --iodepth=8 --force_async=1 --number_ios=1000",
    ),
    (
        "polled_queue",
        "--rw=randread --iodepth=8 --sqthread_poll --number_ios=1000",
    ),
];

pub fn tests() -> Vec<Trial> {
    let with = |engine| [Need::Root, Need::Loop, Need::Fio, Need::Engine(engine)];
    let needs = with("io_uring");
    let mut tests: Vec<Trial> = ON_DEVICES
        .into_iter()
        .map(|(name, line)| {
            let name = format!("unwaited/io_uring_{name}");
            test(&name, &needs, move || on_device(line))
        })
        .collect();
    for engine in ["io_uring", "libaio"] {
        let name = format!("unwaited/{engine}_on_files");
        tests.push(test(&name, &with(engine), move || on_file(engine)));
    }
    tests.push(test("unwaited/merged", &needs, merged));
    tests.push(test("unwaited/mixed_with_calls", &needs, mixed));
    tests.push(test("unwaited/syncs", &needs, syncs));
    tests.push(test("unwaited/through_the_cache", &needs, cached));
    tests.push(test("unwaited/filtered", &needs, filtered));
    tests
}

fn fio(disk: &Disk, target: &str, line: &str) -> String {
    let report = disk.memory().join("fio.json");
    format!(
        "{FIO} --filename={target} --output={} {line}",
        report.display()
    )
}

fn join(call: &str, name: &str) -> String {
    format!(
        "join syscall, block where pid under $child and name == {name} and call == {call} \
         emit time, tid, syscall.op as op, offset, syscall.size as size, ret, syscall.lat as lat, fd, \
              cpu, runqueue, blocked, syscall.device as device, syscall.queue as queue, other, children, \
              syscall.approx as approx, block.op as part, block.sector as sector, block.size as part_size, \
              block.lat as part_lat"
    )
}

/// Its time is that of its requests, and what is in between.
fn stages_add_up(row: &Row) {
    let sum: u64 = ["device", "queue", "other"]
        .iter()
        .map(|stage| row.number(stage))
        .sum();
    assert_eq!(sum, row.number("lat"), "{row:?}");
    for stage in ["cpu", "runqueue", "blocked"] {
        assert_eq!(row.number(stage), 0, "{row:?}");
    }
}

fn count(rows: &[&Row], op: &str) -> u64 {
    rows.iter().filter(|row| row.text("op") == op).count() as u64
}

/// On a device, the place in the file is that on the disk: so nobody's requests can be taken for another one's.
fn on_device(line: &str) {
    let disk = Disk::raw(160);
    let line = fio(
        &disk,
        &disk.node.display().to_string(),
        &format!("--ioengine=io_uring {line}"),
    );
    let kernel = Completions::start();
    let output = json(&[
        "--ring",
        "16M",
        "-c",
        &line,
        "-e",
        &join("io_uring", &disk.name()),
    ]);
    let kernel = kernel.map_or_else(Vec::new, Completions::stop);
    let unseen = unseen(&kernel, &disk.name(), &output.stderr);
    assert_eq!(output.lost, 0, "{}", output.stderr);
    let rows: Vec<&Row> = output.rows.iter().collect();
    let found = ["read", "write", "fsync"].map(|op| count(&rows, op));
    assert_eq!(found, counted(&disk), "as many as fio counts");
    let mut approx = 0;
    for row in rows {
        stages_add_up(row);
        assert_eq!(row.number("ret"), row.number("size"), "{row:?}");
        if row.field("approx") == true {
            approx += 1;
            continue;
        }
        assert_eq!(row.number("children"), 1, "{row:?}");
        assert_eq!(row.number("sector") * 512, row.number("offset"), "{row:?}");
        assert_eq!(row.number("part_size"), row.number("size"), "{row:?}");
        assert!(row.number("part_lat") <= row.number("lat"), "{row:?}");
    }
    assert!(
        approx <= output.rows.len() as u64 / 1000 + 2 * unseen,
        "{approx} of {}, {unseen} unseen",
        output.rows.len()
    );
}

/// In a file, the place on the disk is another one, but the same for all of an extent.
fn on_file(engine: &str) {
    let disk = Disk::ext4(160);
    let target = disk.file(64).display().to_string();
    let line = fio(
        &disk,
        &target,
        &format!("--ioengine={engine} --rw=randrw --iodepth=16 --numjobs=2 --number_ios=2000"),
    );
    let kernel = Completions::start();
    let output = json(&["--ring", "16M", "-c", &line, "-e", &join(engine, "data")]);
    let kernel = kernel.map_or_else(Vec::new, Completions::stop);
    let unseen = unseen(&kernel, &disk.name(), &output.stderr);
    assert_eq!(output.lost, 0, "{}", output.stderr);
    let rows: Vec<&Row> = output.rows.iter().collect();
    let found = ["read", "write", "fsync"].map(|op| count(&rows, op));
    // Where the kernel keeps the end of a request from the probes, it keeps that of the operation.
    let missing = missing(&disk, found);
    assert!(missing <= unseen, "{missing} are missing, {unseen} unseen");
    let mut extents = BTreeSet::new();
    let mut approx = 0u64;
    for row in rows {
        stages_add_up(row);
        if row.field("approx") == true {
            approx += 1;
            continue;
        }
        assert_eq!(row.number("children"), 1, "{row:?}");
        assert_eq!(row.text("part"), row.text("op"), "{row:?}");
        extents.insert(
            row.number("sector")
                .wrapping_sub(row.number("offset") / 512),
        );
    }
    assert!(extents.len() < 16, "{extents:?}");
    let excused = output.rows.len() as u64 / 1000 + 2 * unseen;
    assert!(approx <= excused, "{approx}, {unseen} unseen");
}

/// Neighbours that are submitted together go to the disk as one request, which belongs to each of them.
fn merged() {
    const EACH: u64 = 4096;
    let disk = Disk::raw(160);
    let line = fio(
        &disk,
        &disk.node.display().to_string(),
        "--ioengine=io_uring --rw=write --iodepth=8 --iodepth_batch_submit=8 --iodepth_batch_complete_min=8 \
         --number_ios=800",
    );
    let output = json(&["-c", &line, "-e", &join("io_uring", &disk.name())]);
    assert_eq!(output.rows.len(), 800, "{output:?}");
    let mut owners = BTreeMap::<_, u64>::new();
    for row in &output.rows {
        stages_add_up(row);
        assert_eq!(row.number("children"), 1, "{row:?}");
        let (start, offset) = (row.number("sector") * 512, row.number("offset"));
        let end = start + row.number("part_size");
        assert!(start <= offset && offset + EACH <= end, "{row:?}");
        *owners.entry((start, end)).or_default() += 1;
    }
    for ((start, end), owners) in &owners {
        assert_eq!((end - start) / EACH, *owners, "one for each 4 KiB");
    }
    let of_eight = owners.values().filter(|owners| **owners == 8).count();
    assert!(of_eight >= 90, "{owners:?}");
}

/// Requests of all kinds at once: as many as were made, and the stages of each add up.
fn mixed() {
    let disk = Disk::ext4(256);
    // Direct I/O throws out of the page cache what others write into it: so each has a file of its own.
    let direct = disk.file(64);
    let cached = direct.with_file_name("data2");
    fs::copy(&direct, &cached).unwrap();
    let jobs = [
        (&direct, "psync --direct=1 --rw=randrw --number_ios=3000"),
        (&cached, "psync --rw=randrw --number_ios=3000"),
        (&cached, "psync --rw=randwrite --fsync=4 --number_ios=800"),
        (
            &direct,
            "io_uring --direct=1 --iodepth=8 --rw=randrw --number_ios=3000",
        ),
        (
            &direct,
            "libaio --direct=1 --iodepth=8 --rw=randrw --number_ios=3000",
        ),
    ];
    let mut line = format!(
        "fio --thread --size=64M --bs=4k --output-format=json --output={}",
        disk.memory().join("fio.json").display(),
    );
    for (number, (file, job)) in jobs.iter().enumerate() {
        line += &format!(
            " --name=t{number} --filename={} --ioengine={job}",
            file.display()
        );
    }
    let query = "join syscall, block where pid under $child and name in {data, data2} and syscall.op in {read, write, fsync} \
                 emit time, tid, offset, syscall.op as op, syscall.lat as lat, cpu, runqueue, blocked, \
                      syscall.device as device, syscall.queue as queue, other, children, syscall.approx as approx, \
                      block.lat as part_lat";
    let kernel = Completions::start();
    let turns = TurnsOfInit::begin();
    let output = json(&["--ring", "64M", "-c", &line, "-e", query]);
    let kernel = kernel.map_or_else(Vec::new, Completions::stop);
    let unseen = unseen(&kernel, &disk.name(), &output.stderr);
    // What calls wait for may go by unseen then, too.
    let turns = turns.end();
    assert_eq!(output.lost, 0, "{}", output.stderr);
    let mut requests = BTreeMap::new();
    for row in &output.rows {
        let offset = row.field("offset").as_u64();
        requests.insert((row.number("time"), row.number("tid"), offset), row);
    }
    let of = |op| requests.values().filter(|row| row.text("op") == op).count() as u64;
    let missing = missing(&disk, ["read", "write", "fsync"].map(of));
    let made: u64 = counted(&disk).iter().sum();
    assert!(made > 12_000, "{made}");
    assert!(
        missing <= unseen,
        "{missing} of {made} are missing, {unseen} unseen, {} unmatched: {}",
        output.unmatched,
        output.stderr
    );
    let stages = ["cpu", "runqueue", "device", "queue", "blocked", "other"];
    for row in requests.values() {
        let sum: u64 = stages.iter().map(|stage| row.number(stage)).sum();
        assert_eq!(sum, row.number("lat"), "{row:?}");
    }
    let approx = requests
        .values()
        .filter(|row| row.field("approx") == true && row.number("children") <= 16);
    let approx = approx.count() as u64;
    assert!(
        approx <= requests.len() as u64 / 1000 + 2 * (unseen + turns),
        "{approx} of {made}, {unseen} and {turns} unseen"
    );
}

/// An fsync goes to a worker, and owns its flush.
fn syncs() {
    let disk = Disk::ext4(160);
    let target = disk.file(64).display().to_string();
    let line = fio(
        &disk,
        &target,
        "--ioengine=io_uring --rw=randwrite --fsync=4 --iodepth=4 --number_ios=400",
    );
    let output = json(&["-c", &line, "-e", &join("io_uring", "data")]);
    let rows: Vec<&Row> = output.rows.iter().collect();
    let mut requests = BTreeSet::new();
    let mut flushes = 0;
    for row in rows.iter().filter(|row| row.text("op") == "fsync") {
        stages_add_up(row);
        requests.insert((row.number("time"), row.number("tid")));
        flushes += u64::from(!row.field("part").is_null() && row.text("part") == "flush");
    }
    assert_eq!(requests.len() as u64, counted(&disk)[2], "{output:?}");
    assert!(flushes > 0, "{output:?}");
}

/// What is read through the page cache belongs to who reads it.
fn cached() {
    let disk = Disk::ext4(160);
    let target = disk.file(64).display().to_string();
    let line = fio(
        &disk,
        &target,
        "--ioengine=io_uring --rw=randread --direct=0 --invalidate=1 --iodepth=4 --number_ios=1000",
    );
    let output = json(&["-c", &line, "-e", &join("io_uring", "data")]);
    let requests: BTreeSet<_> = output
        .rows
        .iter()
        .map(|row| (row.number("time"), row.number("offset")))
        .collect();
    assert_eq!(requests.len() as u64, counted(&disk)[0], "{output:?}");
    output.rows.iter().for_each(stages_add_up);
    let caused = |row: &&Row| row.number("children") > 0;
    assert!(
        output.rows.iter().filter(caused).count() > 500,
        "{output:?}"
    );
}

/// Filters act on them as on calls.
fn filtered() {
    let disk = Disk::ext4(160);
    let target = disk.file(64).display().to_string();
    let line = fio(
        &disk,
        &target,
        "--ioengine=io_uring --rw=randrw --iodepth=8 --number_ios=1000",
    );
    let all = "pid under $child and name == data";
    let output = json(&[
        "-c",
        &line,
        "-e",
        &format!("on syscall.exit where {all} and op == write emit count() as n by call"),
        "-e",
        &format!("on syscall.enter where {all} and op == read emit count() as n"),
        "-e",
        &format!("on syscall.exit where {all} and call == pread64 emit lat"),
        "-e",
        &format!("on syscall.exit where {all} and lat > 100s emit lat"),
    ]);
    let counted = counted(&disk);
    let group = |query| {
        let mut groups = output.groups_of(query);
        groups.next().map(|group| group.number("n"))
    };
    assert_eq!(group(0), Some(counted[1]), "{output:?}");
    assert_eq!(group(1), Some(counted[0]), "{output:?}");
    assert!(output.rows.is_empty(), "{output:?}");
}

//! Requests followed from their system calls: each is there, its stages add up, and its children are its own.

use std::collections::BTreeMap;
use std::fs;

use iotq_tests::completions::{Completions, unseen};
use iotq_tests::fio::counted;
use iotq_tests::needs::{Need, test};
use iotq_tests::trace::TurnsOfInit;
use iotq_tests::{Disk, Row, iotq, json, run};
use libtest_mimic::Trial;

const STAGES: [&str; 5] = [
    "cpu",
    "runqueue",
    "syscall.device",
    "syscall.queue",
    "blocked",
];

/// name, what fio is told, the fewest children of a read, a write, a sync
const LOADS: [(&str, &str, [u64; 3]); 5] = [
    (
        "direct",
        "--rw=randrw --direct=1 --bs=4k --numjobs=4 --number_ios=2500",
        [1, 1, 0],
    ),
    (
        "large",
        "--rw=read --direct=1 --bs=1M --number_ios=64",
        [1, 1, 0],
    ),
    (
        "buffered",
        "--rw=randread --invalidate=1 --bs=16k --number_ios=2000",
        [0, 0, 0],
    ),
    (
        "fsync",
        "--rw=randwrite --bs=4k --fsync=1 --number_ios=500",
        [0, 0, 1],
    ),
    (
        "mixed",
        "--rw=randrw --bs=8k --fsync=16 --numjobs=3 --number_ios=800",
        [0, 0, 0],
    ),
];

pub fn tests() -> Vec<Trial> {
    let needs = [Need::Root, Need::Loop, Need::Fio];
    let mut tests: Vec<Trial> = LOADS
        .into_iter()
        .map(|(name, line, fewest)| {
            let name = format!("requests/{name}");
            test(&name, &needs, move || check(line, fewest))
        })
        .collect();
    tests.push(test("requests/many_children", &needs, many_children));
    tests.push(test("requests/only_slow_ones", &needs, only_slow_ones));
    tests.push(test("requests/stages_of_calls", &needs, stages_of_calls));
    tests.push(test("requests/trees", &needs, trees));
    tests.push(test("requests/drawn", &needs, drawn));
    tests.push(test("requests/sums_of_stages", &needs, sums_of_stages));
    tests.push(test("requests/optional", &needs, optional));
    tests
}

fn fio(disk: &Disk, line: &str) -> String {
    format!(
        "fio --name=t --thread --ioengine=psync --size=64M --filename={} --output-format=json --output={} {line}",
        disk.file(64).display(),
        disk.memory().join("fio.json").display()
    )
}

fn check(line: &str, fewest: [u64; 3]) {
    let disk = Disk::ext4(160);
    let query = format!(
        "join syscall, block where pid under $child and name == data and op in {{read, write, fsync}} \
         emit time, tid, syscall.op as op, syscall.lat as lat, {}, children, syscall.approx as approx, \
              block.op as part, block.dev as dev, block.lat as part_lat",
        STAGES.join(", ")
    );
    let kernel = Completions::start();
    let turns = TurnsOfInit::begin();
    let output = json(&[
        "--ring",
        "16M",
        "-c",
        &fio(&disk, line),
        "-e",
        &query.replace("op in", "syscall.op in"),
    ]);
    let turns = turns.end();
    let ends = kernel.map(Completions::stop).unwrap_or_default();
    let unseen = unseen(&ends, &disk.name(), &output.stderr);
    let requests = output.requests();
    let ops = ["read", "write", "fsync"];
    let found = ops.map(|op| {
        let is = |rows: &&Vec<&Row>| rows[0].text("op") == op;
        requests.values().filter(is).count() as u64
    });
    assert_eq!(output.lost, 0, "{}", output.stderr);
    assert_eq!(found, counted(&disk), "as many as fio counts");
    let mut approx = 0;
    for rows in requests.values() {
        let first = rows[0];
        let sum: u64 = STAGES.iter().map(|stage| first.number(stage)).sum();
        assert_eq!(sum, first.number("lat"), "the stages add up: {first:?}");
        if first.field("approx") == true {
            // More than there is room for are only counted.
            approx += u64::from(first.number("children") <= 16);
            continue;
        }
        let op = ops.iter().position(|op| *op == first.text("op")).unwrap();
        let children = rows.iter().filter(|row| !row.field("part").is_null());
        let children: Vec<_> = children.collect();
        assert_eq!(children.len() as u64, first.number("children"), "{first:?}");
        assert!(children.len() as u64 >= fewest[op], "{first:?}");
        for child in &children {
            assert_eq!(child.text("dev"), disk.name());
        }
        // A direct read is what it waits for.
        if fewest[0] == 1 && children.len() == 1 {
            assert!(
                children[0].number("part_lat") <= first.number("lat"),
                "{first:?}"
            );
        }
    }
    // The kernel may keep the end of a request from the probes, and what calls wait for.
    let excused = requests.len() as u64 / 1000 + 2 * (unseen + turns);
    assert!(
        approx <= excused,
        "{approx} of {}, {unseen} unseen",
        requests.len()
    );
}

/// More children than there is room for: they are counted, and the request says so.
fn many_children() {
    let disk = Disk::raw(160);
    fs::write(
        format!("/sys/block/{}/queue/max_sectors_kb", disk.name()),
        "64",
    )
    .unwrap();
    let line = format!(
        "dd if={} of=/dev/null bs=4M count=2 iflag=direct",
        disk.node.display()
    );
    let query = "join syscall, block where pid under $child and syscall.op == read and children > 0 \
                 emit time, tid, children, syscall.approx as approx, block.size as size";
    let output = json(&["-c", &line, "-e", query]);
    let large: Vec<_> = output
        .requests()
        .into_values()
        .filter(|rows| rows[0].number("children") >= 64)
        .collect();
    assert_eq!(large.len(), 2, "{output:?}");
    for rows in large {
        assert_eq!(rows[0].field("approx"), true);
        assert_eq!(rows.len(), 16, "those that there is room for");
        assert!(rows.iter().all(|row| row.number("size") == 64 << 10));
    }
}

/// The kernel drops what fails at the end, with all its children.
fn only_slow_ones() {
    let disk = Disk::ext4(160);
    let line = fio(&disk, "--rw=randread --direct=1 --bs=4k --number_ios=2000");
    let query = "join syscall, block where pid under $child and name == data and syscall.lat > 100s \
                 emit syscall.lat, block.lat";
    let output = json(&["-c", &line, "-e", query]);
    assert_eq!((output.rows.len(), output.shipped, output.lost), (0, 0, 0));
    assert!(output.seen >= 2000, "{output:?}");
}

/// Stages are fields of calls without a join, too, and the kernel judges them.
fn stages_of_calls() {
    let disk = Disk::ext4(160);
    let line = fio(&disk, "--rw=randread --direct=1 --bs=4k --number_ios=500");
    let query = "on syscall.exit where pid under $child and name == data and op == read and device > 0ns \
                 emit lat, cpu, runqueue, device, queue, blocked, children";
    let output = json(&["-c", &line, "-e", query]);
    assert!(output.rows.len() >= 490, "{output:?}");
    for row in &output.rows {
        let stages = ["cpu", "runqueue", "device", "queue", "blocked"];
        let sum: u64 = stages.iter().map(|stage| row.number(stage)).sum();
        assert_eq!(sum, row.number("lat"));
        assert!(row.number("device") > 0);
        assert_eq!(row.number("children"), 1);
    }
}

const TREE: &str = "join syscall, block where pid under $child and name == data and syscall.op == fsync \
                    and not syscall.approx emit tree";

/// A tree holds what its root caused, within its time.
fn trees() {
    let disk = Disk::ext4(160);
    let line = fio(&disk, "--rw=randwrite --bs=4k --fsync=4 --number_ios=200");
    let output = json(&["-c", &line, "-e", TREE]);
    assert!(output.trees.len() >= 45, "{output:?}");
    for tree in &output.trees {
        let data = &tree["data"];
        let number = |name: &str| {
            data[name]
                .as_i64()
                .unwrap_or_else(|| panic!("{name}: {tree}"))
        };
        let stages = ["cpu", "runqueue", "device", "queue", "blocked"].map(number);
        assert_eq!(stages.iter().sum::<i64>(), number("lat"), "{tree}");
        let children = tree["children"].as_array().unwrap();
        assert_eq!(children.len() as i64, number("children"), "{tree}");
        for child in children {
            assert_eq!(
                (&child["layer"], &child["data"]["dev"]),
                (&"block".into(), &disk.name().into())
            );
            let (start, lat) = (
                child["start"].as_i64().unwrap(),
                child["data"]["lat"].as_i64(),
            );
            assert!(
                start >= 0 && start + lat.unwrap() <= number("lat"),
                "{tree}"
            );
        }
    }
}

/// For people, with more than ASCII or without.
fn drawn() {
    let disk = Disk::ext4(160);
    let line = fio(&disk, "--rw=randwrite --bs=4k --fsync=4 --number_ios=40");
    for (locale, branch, bar) in [("C.UTF-8", "└─ block", '█'), ("C", "`- block", '#')] {
        let mut command = iotq();
        command.env("LC_ALL", locale);
        command.args(["-c", &line, "-e", &format!("{TREE} limit 2")]);
        let text = run(command).text();
        assert_eq!(text.matches(branch).count(), 2, "{text}");
        assert!(text.contains(bar) && text.contains("  device"), "{text}");
        assert_eq!(text.is_ascii(), locale == "C", "{text}");
    }
}

/// Summed up, stages are those of the single calls, each of which counts once however much it caused.
fn sums_of_stages() {
    let disk = Disk::ext4(160);
    let line = fio(&disk, "--rw=randwrite --bs=4k --fsync=4 --number_ios=200");
    let filter = "where pid under $child and name == data";
    let query = format!(
        "join syscall, block {filter} emit stages by syscall.op as op \
         on syscall.exit {filter} emit op, lat, cpu, runqueue, device, queue, blocked"
    );
    let output = json(&["-c", &line, "-e", &query]);
    let mut sums = BTreeMap::<String, [u64; 7]>::new();
    for row in output.of(1) {
        let sum = sums.entry(row.text("op").into()).or_default();
        sum[0] += 1;
        for (sum, name) in sum[1..].iter_mut().zip(STAGE_COLUMNS) {
            *sum += row.number(name);
        }
    }
    let groups = output.groups_of(0).map(|group| {
        let number = |name: &str| group.number(name);
        let [lat, cpu, runqueue, device, queue, blocked] = STAGE_COLUMNS.map(number);
        let op = group.by["op"].as_str().unwrap().to_owned();
        (
            op,
            [
                number("requests"),
                lat,
                cpu,
                runqueue,
                device,
                queue,
                blocked,
            ],
        )
    });
    assert_eq!(groups.collect::<BTreeMap<_, _>>(), sums);
    assert!(
        sums["fsync"][0] >= 45 && sums["write"][0] == 200,
        "{sums:?}"
    );
}

const STAGE_COLUMNS: [&str; 6] = ["lat", "cpu", "runqueue", "device", "queue", "blocked"];

/// A layer that the kernel lacks is left out if the query can do without it.
fn optional() {
    let disk = Disk::ext4(160);
    let line = fio(&disk, "--rw=randread --direct=1 --bs=4k --number_ios=50");
    let query = "join syscall, block, optional nvme, optional scsi where pid under $child and name == data \
                 and syscall.op == read emit syscall.lat, block.lat, nvme.lat";
    let output = json(&["-c", &line, "-e", query]);
    assert_eq!(output.rows.len(), 50, "{output:?}");
    let said = output.stderr.contains("goes on without `nvme`");
    let has_nvme =
        fs::read_to_string("/proc/kallsyms").is_ok_and(|it| it.contains("__tracepoint_nvme_sq"));
    assert_eq!(said, !has_nvme, "{}", output.stderr);
}

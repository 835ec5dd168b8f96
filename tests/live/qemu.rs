//! Guests inside QEMU, seen from this machine as their host: every operation that a guest says it did is one row.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use iotq_tests::gate::traced;
use iotq_tests::iotq::iotq;
use iotq_tests::lab::guest::{Guest, Kind, NVME, RAW, SCSI};
use iotq_tests::lab::result::Brought;
use iotq_tests::needs::{Need, ROOT_FOLDER, test};
use iotq_tests::{Output, Row};
use libtest_mimic::Trial;

const FIELDS: &str = "time, pid, guest, disk, queue, index, head, op, offset, size, p2s, s2p, lat, merged, format, status, \
                      error, approx";
/// One thread for flushes: the guest's kernel serves several that come at once by one.
const LOAD: &str = "\
until [ -e /dev/vda ]; do usleep 10000; done
ioload --ops 2000 --threads 4 --read 6 --write 3 --discard 1 --max 65536 --log many /dev/vda
ioload --ops 300 --read 1 --write 1 --flush 1 --seed 2 --log flushed /dev/vda
";
/// Large writes, which the guest's kernel cuts into neighbours.
pub const LARGE: &str = "\
until [ -e /dev/vda ]; do usleep 10000; done
dd if=/dev/zero of=/dev/vda bs=4M count=8 oflag=direct
";

static GUESTS: [Guest; 7] = [
    RAW,
    Guest {
        name: "native",
        drive: "cache=none,aio=native",
        device: "num-queues=2",
        queues: 2,
        iothread: true,
        ..RAW
    },
    Guest {
        name: "qcow2",
        format: "qcow2",
        drive: "cache=none",
        device: "num-queues=2",
        queues: 2,
        ..RAW
    },
    Guest {
        name: "packed",
        drive: "cache=none,aio=io_uring",
        device: "num-queues=2,packed=on",
        queues: 2,
        ..RAW
    },
    Guest {
        drive: "cache=none",
        ..SCSI
    },
    Guest {
        name: "scsi_thread",
        drive: "cache=none,aio=native",
        device: "num_queues=1",
        queues: 3,
        iothread: true,
        ..SCSI
    },
    Guest {
        drive: "cache=none",
        ..NVME
    },
];

pub fn tests() -> Vec<Trial> {
    let needs = [Need::Root, Need::Guests];
    let mut tests = Vec::new();
    for guest in &GUESTS {
        let name = format!("qemu/{}", guest.name);
        tests.push(test(&name, &needs, || every_operation(guest)));
    }
    for guest in [&RAW, &SCSI, &NVME] {
        let name = format!("qemu/errors_{}", guest.name);
        tests.push(test(&name, &needs, || errors(guest)));
    }
    tests.push(test("qemu/merged", &needs, merged));
    tests.push(test("qemu/grouped", &needs, grouped));
    tests.push(test("qemu/none", &[Need::Root], none));
    tests
}

/// Traces guests while this one runs.
fn watched(guest: &Guest, query: &str, script: &str) -> (Output, Brought) {
    watched_by(guest, query, || guest.run(script))
}

fn watched_by(guest: &Guest, query: &str, run: impl FnOnce() -> Brought) -> (Output, Brought) {
    let idle = guest.idle();
    let mut brought = None;
    let output = traced(&["-e", query], || brought = Some(run()));
    drop(idle);
    assert_eq!(output.lost, 0, "{}", output.stderr);
    assert_eq!(output.unmatched, 0, "{}", output.stderr);
    (output, brought.unwrap())
}

fn every_operation(guest: &Guest) {
    let query = format!(
        "on qemu.push where guest == \"{}\" emit {FIELDS}",
        guest.title()
    );
    let (output, brought) = watched(guest, &query, LOAD);
    let mut rows = output.rows;
    if guest.name == "packed" {
        // The firmware knows the other format only.
        rows.retain(|row| row.text("format") != "split" || row.text("op") != "read");
    }
    for row in &rows {
        is_whole(guest, row);
    }
    operations(guest, &rows, &brought);
    rows.sort_by_key(|row| row.number("time") - row.number("lat"));
    for queue in guest.first_queue()..guest.queues {
        let own: Vec<_> = rows
            .iter()
            .filter(|row| row.number("queue") == queue)
            .collect();
        assert!(own.len() > 100, "queue {queue}: {} requests", own.len());
        // Commands of NVMe have no places.
        if guest.disk != Kind::Nvme {
            indices(guest, &own);
        }
    }
}

/// What holds for each request.
fn is_whole(guest: &Guest, row: &Row) {
    assert_eq!(row.text("guest"), guest.title());
    let queues = guest.first_queue()..guest.queues;
    assert!(queues.contains(&row.number("queue")), "{row:?}");
    assert_eq!(row.number("status"), 0);
    // A SCSI disk refuses what it cannot.
    let refused = guest.disk == Kind::Scsi && row.text("op") == "other";
    assert!(refused || row.text("error") == "none", "{row:?}");
    assert_eq!(row.field("approx"), false, "{row:?}");
    let format = match guest.disk {
        Kind::Nvme => "nvme",
        _ if guest.name == "packed" => "packed",
        _ => "split",
    };
    assert_eq!(row.text("format"), format);
    let lat = row.number("lat");
    assert!(lat > 0 && lat < 60_000_000_000, "{row:?}");
    // What asks for the disk's name does not reach it.
    if row.text("op") == "other" {
        return assert!(row.field("p2s").is_null(), "{row:?}");
    }
    assert_eq!(row.text("disk"), "disk0", "{row:?}");
    if row.field("merged") == true {
        assert!(row.field("p2s").is_null() && row.field("s2p").is_null());
    } else {
        assert_eq!(row.number("p2s") + row.number("s2p"), lat, "{row:?}");
    }
}

/// Each operation of the guest's load is a row. The others are the kernel's: it looks for partitions.
fn operations(guest: &Guest, rows: &[Row], brought: &Brought) {
    let mut seen: BTreeMap<(String, u64, u64), u64> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.text("op") != "other") {
        let offset = row.int("offset").map_or(0, i64::unsigned_abs);
        let operation = (row.text("op").to_owned(), offset, row.number("size"));
        *seen.entry(operation).or_default() += 1;
    }
    let mut count = 0;
    for line in [brought.text("many"), brought.text("flushed")]
        .iter()
        .flat_map(|text| text.lines())
    {
        let words: Vec<_> = line.split(' ').collect();
        let number = |at: usize| words[at].parse::<u64>().unwrap();
        assert_eq!(number(3), 0, "an error in the guest: {line}");
        let operation = (words[0].to_owned(), number(1), number(2));
        let left = seen.get_mut(&operation);
        let left = left.filter(|left| **left > 0);
        *left.unwrap_or_else(|| panic!("no row of {line}")) -= 1;
        count += 1;
    }
    assert_eq!(count, 2300);
    if guest.disk == Kind::Scsi {
        // It ends with one.
        let last = seen.get_mut(&("flush".to_owned(), 0, 0)).unwrap();
        *last = last.saturating_sub(1);
    }
    seen.retain(|_, left| *left > 0);
    let own = |(op, _, _): &&(String, u64, u64)| op != "read";
    assert_eq!(seen.keys().find(own), None, "{seen:?}");
    let more: u64 = seen.values().sum();
    assert!(more < 100, "{more} reads that nobody asked for: {seen:?}");
}

/// Descriptors of a packed ring: of QEMU 7.2, and of 10.0.
const RINGS: [u64; 2] = [256, 1024];

/// The ring moves by one for each request: from zero, when the guest begins to drive its disk. The last driver counts:
/// a firmware has one before.
fn indices(guest: &Guest, rows: &[&Row]) {
    let indices: Vec<u64> = rows.iter().map(|row| row.number("index")).collect();
    let begin = indices.iter().rposition(|index| *index == 0).unwrap_or(0);
    let steps = indices.windows(2).filter(|pair| pair[1] != pair[0] + 1);
    let mut turns: Vec<_> = steps.map(<[u64]>::to_vec).collect();
    if guest.name == "packed" {
        // Each takes one descriptor, for a table with the others. Of several queues one may have too few for a second turn.
        let most = indices.iter().max().copied().unwrap_or(0);
        let holds = RINGS.into_iter().find(|size| most < *size);
        let size = turns.first().map_or(holds, |turn| Some(turn[0] + 1));
        let size = size.unwrap_or_else(|| panic!("{indices:?}"));
        assert!(most < size, "{indices:?}");
        assert!(RINGS.contains(&size), "{turns:?}");
        turns.retain(|turn| turn[..] != [size - 1, 0]);
    } else {
        turns.retain(|turn| turn[1] != 0);
        assert!(indices.len() - begin > 100, "{indices:?}");
    }
    // What is asked of disks that are not there is refused: once by each driver, of which the last begins anew.
    let refused = if guest.disk == Kind::Scsi { 3 } else { 0 };
    assert!(turns.len() <= refused, "{turns:?}");
}

/// QEMU's disk fails to write a sector.
const BAD: u64 = 2048;
const FAILS: &str =
    "[inject-error]\nevent = \"none\"\niotype = \"write\"\nerrno = \"5\"\nsector = \"2048\"\n";

/// What fails has an error, each time that the guest's kernel tries it.
fn errors(guest: &Guest) {
    let folder = tempfile::tempdir_in(ROOT_FOLDER).unwrap();
    let (image, rules) = (folder.path().join("image"), folder.path().join("rules"));
    guest.make(&image);
    fs::write(&rules, FAILS).unwrap();
    let faulty = format!("blkdebug:{}:{}", rules.display(), image.display());
    let query = format!(
        "on qemu.push where guest == \"{}\" and op in {{read, write}} emit {FIELDS}",
        guest.title()
    );
    let load = "\
until [ -e /dev/vda ]; do usleep 10000; done
ioload --ops 400 --read 1 --write 3 --span 4194304 --max 65536 --log many /dev/vda
";
    let (output, brought) = watched_by(guest, &query, || {
        guest.run_from(Path::new(&faulty), Vec::new(), load)
    });
    let covers = |offset: u64, size: u64| (offset..offset + size).contains(&(BAD * 512));
    let mut failed = 0;
    for row in &output.rows {
        let (offset, size) = (row.number("offset"), row.number("size"));
        let is_bad = row.text("op") == "write" && covers(offset, size);
        assert_eq!(row.text("error") != "none", is_bad, "{row:?}");
        failed += u64::from(is_bad);
    }
    let log = brought.text("many");
    let errors = log.lines().filter(|line| !line.ends_with(" 0")).count() as u64;
    assert!(errors > 0 && failed >= errors, "{failed} failed: {log}");
}

/// Neighbours become one call, in the name of the first of them.
fn merged() {
    let query = format!("on qemu.push where guest == \"iotq-raw\" and op == write emit {FIELDS}");
    let (output, _) = watched(&RAW, &query, LARGE);
    let bytes: u64 = output.rows.iter().map(|row| row.number("size")).sum();
    assert_eq!(bytes, 32 << 20);
    let (mut merged, mut calls) = (0, 0);
    for row in &output.rows {
        is_whole(&RAW, row);
        *if row.field("merged") == true {
            &mut merged
        } else {
            &mut calls
        } += 1;
    }
    assert!(merged > 0 && calls > 0, "{merged} merged, {calls} calls");
}

/// Groups in the kernel, filters on what is known at the start and at the end.
fn grouped() {
    let query = "on qemu.push where guest == \"iotq-raw\" and op in {read, write} and offset >= 0B \
                 emit count(), sum(size), max(lat) by guest, disk, op; \
                 on qemu.pop where guest == \"iotq-raw\" and op == flush emit count() by guest; \
                 on qemu.push where guest == \"another\" emit count(); \
                 on qemu.submit where disk == \"disk0\" and guest ~ \"iotq-r*\" and op == discard emit offset, size, p2s";
    let (output, brought) = watched(&RAW, query, LOAD);
    let text = brought.text("many") + &brought.text("flushed");
    let of = |op: &str| text.lines().filter(|line| line.starts_with(op)).count() as u64;
    let mut groups = BTreeMap::new();
    for group in output.groups_of(0) {
        assert_eq!(group.by["disk"], "disk0");
        groups.insert(group.by["op"].as_str().unwrap(), group);
    }
    assert_eq!(groups["write"].number("count()"), of("write"));
    assert!(groups["read"].number("count()") >= of("read"));
    let flushes: Vec<_> = output.groups_of(1).collect();
    assert_eq!(flushes[0].number("count()"), of("flush"));
    assert!(
        output
            .groups_of(2)
            .all(|group| group.number("count()") == 0)
    );
    assert_eq!(output.of(3).count() as u64, of("discard"));
}

/// Without a guest it is said what to do.
fn none() {
    if fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let exe = fs::read_link(entry.path().join("exe"));
        exe.is_ok_and(|path| path.display().to_string().contains("qemu"))
    }) {
        // Somebody else's guest.
        return;
    }
    let mut command = iotq();
    command.args(["-e", "trace qemu"]);
    let ended = iotq_tests::command::run(command);
    assert_eq!(ended.code(), 3);
    for words in ["E0712", "no QEMU runs here", "start a guest first"] {
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
}

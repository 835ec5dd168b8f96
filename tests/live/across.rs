//! Requests of a guest in QEMU, followed to this machine: each is joined with what QEMU did for it, and none with another.

mod faults;
mod flushes;
mod selected;

use std::collections::BTreeMap;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use iotq_tests::lab::result::Brought;
use iotq_tests::lab::vsock::{MODULE, Vsock};
use iotq_tests::link::{Place, Side};
use iotq_tests::needs::{Need, ROOT_FOLDER, test};
use iotq_tests::{Output, iotq};
use libtest_mimic::Trial;
use rustix::process::Signal;
use serde_json::Value;

use crate::qemu::{Guest, Idle, RAW};

/// The size of a guest's last request, which no other one has.
const LAST: u64 = 512;
const PATIENCE: Duration = Duration::from_secs(240);
const MODULES: &[&str] = &["virtio_blk", MODULE];
/// All operations of the load, by their rings; the calls that made them; where the time went; and drawn.
const QUERY: &str = "
join guest.virtio, host.qemu emit guest.virtio.device as device, guest.virtio.queue as queue, guest.virtio.index as index,
     guest.virtio.op as op, guest.virtio.sector as sector, guest.virtio.size as size, guest.virtio.lat as lat,
     host.qemu.guest as guest, host.qemu.disk as disk, host.qemu.queue as host_queue, host.qemu.index as host_index,
     host.qemu.op as host_op, host.qemu.offset as offset, host.qemu.size as host_size, host.qemu.kick as kick,
     host.qemu.lat as vmm, host.qemu.inject as inject
join guest.syscall, guest.block, host.qemu where guest.syscall.file == \"/dev/vda\" and guest.syscall.op in {read, write}
     emit guest.syscall.op as op, guest.syscall.offset as offset, guest.syscall.size as size, guest.syscall.lat as lat,
     guest.block.d2c as d2c, host.qemu.offset as host_offset, host.qemu.size as host_size, host.qemu.kick as kick,
     host.qemu.lat as vmm, host.qemu.inject as inject
join guest.syscall, host.qemu where guest.syscall.file == \"/dev/vda\" emit stages by guest.syscall.op as op
join guest.virtio, host.qemu emit stages
join guest.syscall, guest.block, guest.virtio, host.qemu where guest.syscall.file == \"/dev/vda\" and host.qemu.lat > 1us
     emit tree limit 100
";
/// One thread for flushes: the guest's kernel serves several that come at once by one.
const LOAD: &str = "\
ioload --ops 1000 --threads 4 --read 6 --write 3 --discard 1 --max 65536 --log many /dev/vda
ioload --ops 300 --read 1 --write 1 --flush 1 --seed 2 --log flushed /dev/vda
";

/// One queue or four, with a thread of their own or without, on raw images and others: 10 400 requests together.
static GUESTS: [Guest; 8] = [
    RAW,
    disk(
        "thread",
        "raw",
        "cache=none,aio=native",
        "num-queues=1",
        true,
    ),
    disk("four", "raw", "cache=none,aio=io_uring", FOUR, false),
    disk("four_thread", "raw", "cache=none,aio=native", FOUR, true),
    disk("qcow2", "qcow2", "cache=none", "num-queues=1", false),
    disk(
        "qcow2_thread",
        "qcow2",
        "cache=writeback",
        "num-queues=1",
        true,
    ),
    disk(
        "qcow2_four",
        "qcow2",
        "cache=none",
        "num-queues=4,packed=on",
        false,
    ),
    disk(
        "qcow2_four_thread",
        "qcow2",
        "cache=none,aio=native",
        FOUR,
        true,
    ),
];

const FOUR: &str = "num-queues=4";

const fn disk(
    name: &'static str,
    format: &'static str,
    drive: &'static str,
    device: &'static str,
    iothread: bool,
) -> Guest {
    Guest {
        name,
        format,
        drive,
        device,
        queues: if matches!(device.as_bytes(), b"num-queues=1") {
            1
        } else {
            4
        },
        iothread,
    }
}

pub fn tests() -> Vec<Trial> {
    let needs = [Need::Root, Need::Guests, Need::Vsock];
    let all = GUESTS.iter().map(|guest| {
        let name = format!("across/{}", guest.name);
        test(&name, &needs, || every_request(guest))
    });
    let more = [
        test("across/twins", &needs, twins),
        test("across/stranger", &needs, stranger),
        test("across/again", &needs, faults::again),
        test("across/killed", &needs, faults::killed),
        test("across/unplugged", &needs, faults::unplugged),
        test("across/another", &needs, faults::another),
        test("across/selected", &needs, selected::a_hundredth),
        test("across/flushes", &needs, flushes::of_devices),
        test(
            "across/flushes_of_files",
            &[&needs[..], &[Need::Tool("mkfs.ext4")]].concat(),
            flushes::of_files,
        ),
    ];
    all.chain(more).collect()
}

/// Runs a load in a guest, which may have more devices, and asks both sides.
fn asked(guest: &Guest, more: &[&str], query: &str, load: &str) -> (Output, Value, Brought) {
    named(&guest.title(), guest, more, query, load)
}

/// The same of a guest that says that this is its name.
fn named(
    name: &str,
    guest: &Guest,
    more: &[&str],
    query: &str,
    load: &str,
) -> (Output, Value, Brought) {
    let run = |words: Vec<String>, script: &str| guest.run_with(words, MODULES, script);
    asked_by(name, guest, more, query, load, run)
}

/// The same of one whose image is there.
pub fn asked_on(image: &Path, guest: &Guest, query: &str, load: &str) -> (Output, Value, Brought) {
    let run = |words: Vec<String>, script: &str| guest.run_from(image, words, MODULES, script);
    asked_by(&guest.title(), guest, &[], query, load, run)
}

fn asked_by(
    name: &str,
    guest: &Guest,
    more: &[&str],
    query: &str,
    load: &str,
    run: impl FnOnce(Vec<String>, &str) -> Brought,
) -> (Output, Value, Brought) {
    let (place, idle) = (Place::default(), Idle::new());
    let vsock = Vsock::start().unwrap();
    let words = words(&vsock, guest, more);
    let host = host(&place, &vsock, name, query);
    let script = script(name, load);
    let brought = std::thread::scope(|scope| {
        scope.spawn(|| end(&host, || {}));
        run(words, &script)
    });
    drop(idle);
    let ended = host.wait();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    let output = Output::parse(&ended);
    let summary = ended.text().lines().last().map(serde_json::from_str);
    (output, summary.unwrap().unwrap(), brought)
}

/// A guest's agent, and then its load.
fn script(name: &str, load: &str) -> String {
    format!(
        "until [ -e /dev/vda ]; do usleep 10000; done\n\
         iotq guest --name {name} 2>agent.log &\n\
         agent=$!\n\
         until grep -q 'is attached' agent.log; do usleep 50000; done\n\
         {load}\
         ioload --ops 1 --read 1 --min {LAST} --max {LAST} --span {LAST} /dev/vda\n\
         until grep -q 'the host is gone' agent.log; do usleep 50000; done\n\
         kill $agent\n"
    )
}

/// What QEMU must be told for a guest to reach its host.
fn words(vsock: &Vsock, guest: &Guest, more: &[&str]) -> Vec<String> {
    let mut words = vsock.words();
    // A queue is used by the CPUs that it is for.
    words.extend(["-smp".to_owned(), guest.queues.max(2).to_string()]);
    words.extend(more.iter().map(|it| (*it).to_owned()));
    words
}

/// A host that waits for its guest, with much room.
fn host(place: &Place, vsock: &Vsock, name: &str, query: &str) -> Side {
    host_with(place, vsock, name, query, &["--ring", "16M"])
}

fn host_with(place: &Place, vsock: &Vsock, name: &str, query: &str, more: &[&str]) -> Side {
    let mut command = iotq();
    command.args(["host", "--listen", &vsock.address(), "--guest", name]);
    command.args(["--format", "json", "-e", query]).args(more);
    let host = place.side(command);
    host.wait_for("waiting for", 1);
    host
}

/// Ends a host when it has told of the last request of its guest, or has ended by itself.
fn end(host: &Side, before: impl FnOnce()) {
    let last = format!("\"size\":{LAST},");
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE && host.runs() && !host.written().contains(&last) {
        sleep(Duration::from_millis(50));
    }
    if host.runs() {
        before();
        host.signal(Signal::INT);
    }
}

fn every_request(guest: &Guest) {
    let (output, summary, brought) = asked(guest, &[], QUERY, LOAD);
    let words = &output.stderr;
    assert_eq!((output.lost, &summary["unseen"]), (0, &0.into()), "{words}");
    assert_eq!(summary["untimely"], 0, "{words}");
    assert!(words.contains("its process is"), "{words}");
    assert!(words.contains("is QEMU's disk `disk0`"), "{words}");
    assert!(
        words.contains("times on both sides are compared within"),
        "{words}"
    );
    let uncertainty = summary["uncertainty"].as_u64().unwrap();
    assert!(uncertainty < 5_000_000, "{words}");
    rings(guest, &output, &brought);
    calls(&output, &brought);
    stages(&output);
    trees(&output);
}

/// Each operation is a row, and the host means the same request.
fn rings(guest: &Guest, output: &Output, brought: &Brought) {
    let mut seen: BTreeMap<(String, u64, u64), u64> = BTreeMap::new();
    let mut queues = BTreeMap::new();
    for row in output.of(0) {
        assert_eq!(row.text("guest"), guest.title());
        for (here, there) in [
            ("queue", "host_queue"),
            ("index", "host_index"),
            ("op", "host_op"),
        ] {
            assert_eq!(row.field(here), row.field(there), "{row:?}");
        }
        *queues.entry(row.number("queue")).or_insert(0) += 1;
        let lat = row.number("kick") + row.number("vmm") + row.number("inject");
        assert_eq!(lat, row.number("lat"), "{row:?}");
        let place = row.int("sector").map(|sector| sector * 512);
        if place.is_some() {
            assert_eq!(row.text("disk"), "disk0");
            assert_eq!(place, row.int("offset"), "{row:?}");
            assert_eq!(row.number("size"), row.number("host_size"), "{row:?}");
        }
        let place = place.map_or(0, i64::unsigned_abs);
        let operation = (row.text("op").to_owned(), place, row.number("host_size"));
        *seen.entry(operation).or_default() += 1;
    }
    assert_eq!(queues.len() as u64, guest.queues, "{queues:?}");
    for operation in operations(brought) {
        let left = seen.get_mut(&operation).filter(|left| **left > 0);
        *left.unwrap_or_else(|| panic!("no row of {operation:?}")) -= 1;
    }
}

/// What the load has done.
fn operations(brought: &Brought) -> Vec<(String, u64, u64)> {
    let text = brought.text("many") + &brought.text("flushed");
    let operation = |line: &str| {
        let words: Vec<_> = line.split(' ').collect();
        let number = |at: usize| words[at].parse::<u64>().unwrap();
        assert_eq!(number(3), 0, "an error in the guest: {line}");
        (words[0].to_owned(), number(1), number(2))
    };
    let all: Vec<_> = text.lines().map(operation).collect();
    assert_eq!(all.len(), 1300);
    all
}

/// Each read and write has one row, with what became of it in QEMU.
fn calls(output: &Output, brought: &Brought) {
    let mut seen: BTreeMap<(String, u64, u64), u64> = BTreeMap::new();
    let mut rows = 0;
    for row in output.of(1) {
        rows += 1;
        assert_eq!(row.field("offset"), row.field("host_offset"), "{row:?}");
        assert_eq!(row.field("size"), row.field("host_size"), "{row:?}");
        let d2c = row.number("kick") + row.number("vmm") + row.number("inject");
        assert_eq!(d2c, row.number("d2c"), "{row:?}");
        let operation = (
            row.text("op").to_owned(),
            row.number("offset"),
            row.number("size"),
        );
        *seen.entry(operation).or_default() += 1;
    }
    let all = operations(brought);
    let all = all.iter().filter(|(op, ..)| op == "read" || op == "write");
    let mut count = 0;
    for operation in all {
        count += 1;
        let left = seen.get_mut(operation).filter(|left| **left > 0);
        *left.unwrap_or_else(|| panic!("no row of {operation:?}")) -= 1;
    }
    // The last one is no operation of the load.
    assert_eq!(rows, count + 1);
}

/// They add up, by the calls of all kinds and by the requests on the rings.
fn stages(output: &Output) {
    let of_calls: Vec<_> = output.groups_of(2).collect();
    assert!(of_calls.iter().any(|it| it.by["op"] == "read"));
    for group in of_calls {
        group.adds_up();
        if group.by["op"] == "read" {
            assert!(
                group.number("vmm") > 0 && group.number("kick") > 0,
                "{group:?}"
            );
            assert_eq!(group.number("device"), 0, "{group:?}");
        }
    }
    let rings: Vec<_> = output.groups_of(3).collect();
    let group = rings[0];
    let parts = ["kick", "vmm", "inject", "device"].map(|it| group.number(it));
    assert_eq!(parts.iter().sum::<u64>(), group.number("lat"), "{group:?}");
    assert_eq!(group.number("device"), 0, "{group:?}");
    assert_eq!(group.number("requests"), output.of(0).count() as u64);
}

/// A request of the host's lies within that of the guest's ring, and this in the call.
fn trees(output: &Output) {
    assert_eq!(output.trees.len(), 100);
    let number = |it: &Value| it.as_i64().unwrap_or_else(|| panic!("a number: {it}"));
    for tree in &output.trees {
        let beyond = &tree["beyond"];
        assert!(number(&beyond["uncertainty"]) < 5_000_000, "{tree}");
        let stages = ["kick", "vmm", "inject"].map(|it| number(&beyond[it]));
        let stages: i64 = stages.iter().sum();
        assert!(stages <= number(&tree["data"]["lat"]), "{tree}");
        let mut found = 0;
        let mut inside = |node: &Value, parent: &Value| {
            let (start, lat) = (number(&node["start"]), number(&node["data"]["lat"]));
            let (from, all) = (number(&parent["start"]), number(&parent["data"]["lat"]));
            assert!(start >= from && start + lat <= from + all, "{tree}");
            found += 1;
        };
        for block in tree["children"].as_array().unwrap() {
            for virtio in block["children"].as_array().unwrap() {
                assert_eq!(virtio["layer"], "virtio");
                for qemu in virtio["children"].as_array().unwrap() {
                    assert_eq!(qemu["layer"], "qemu");
                    inside(qemu, block);
                }
            }
        }
        assert!(found > 0, "{tree}");
    }
}

/// Two disks that are used alike, at the same time: each is paired with its own, however much they look the same.
fn twins() {
    let folder = tempfile::tempdir_in(ROOT_FOLDER).unwrap();
    let image = folder.path().join("twin");
    std::fs::write(&image, vec![0; 64 << 20]).unwrap();
    let drive = format!("file={},format=raw,if=none,id=twin", image.display());
    let more = [
        "-drive",
        &drive,
        "-device",
        "virtio-blk-pci,drive=twin,num-queues=1",
    ];
    let query = "join guest.virtio, host.qemu emit guest.virtio.dev as dev, guest.virtio.sector as sector, \
                 guest.virtio.size as size, host.qemu.disk as disk, host.qemu.offset as offset, host.qemu.size as host_size";
    let load = "\
until [ -e /dev/vdb ]; do usleep 10000; done
ioload --ops 500 --threads 2 --read 1 --write 1 --log many /dev/vda & one=$!
ioload --ops 500 --threads 2 --read 1 --write 1 --log flushed /dev/vdb
wait $one
";
    let (output, summary, _) = asked(&RAW, &more, query, load);
    assert_eq!(summary["unseen"], 0, "{}", output.stderr);
    let mut count = BTreeMap::new();
    for row in &output.rows {
        let disk = match row.text("dev") {
            "vda" => "disk0",
            _ => "twin",
        };
        assert_eq!(row.text("disk"), disk, "{row:?}");
        assert_eq!(row.int("sector").map(|it| it * 512), row.int("offset"));
        assert_eq!(row.field("size"), row.field("host_size"));
        *count.entry(disk).or_insert(0) += 1;
    }
    assert!(
        count.values().all(|count| *count >= 500) && count.len() == 2,
        "{count:?}"
    );
}

/// A guest that is none of QEMU's here is not joined with one that is, though it asks the same.
fn stranger() {
    let query = "join guest.virtio, host.qemu emit stages\n\
                 join guest.virtio, host.qemu emit guest.virtio.size as size, host.qemu.lat as vmm";
    let load = "ioload --ops 100 --read 1 --write 1 /dev/vda\n";
    let (output, summary, _) = named("another", &RAW, &[], query, load);
    let words = "another: no QEMU here has this name";
    assert!(output.stderr.contains(words), "{}", output.stderr);
    let rows = output.of(1).count() as u64;
    assert!(rows >= 100 && output.of(1).all(|row| row.field("vmm").is_null()));
    assert_eq!(
        (&summary["joined"], &summary["unseen"]),
        (&0.into(), &rows.into())
    );
    let group = output.groups_of(0).next().unwrap();
    assert_eq!(group.number("requests"), rows);
    assert_eq!(group.number("device"), group.number("lat"));
}

//! Every request to disks of all kinds, as the load has made it, once, with what it was on the host.

use std::collections::BTreeMap;

use iotq_tests::Output;
use iotq_tests::lab::guest::{Guest, Kind, NVME, RAW, SCSI};
use iotq_tests::lab::result::Brought;
use serde_json::Value;

use super::asked;

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

/// One queue or four, with a thread of their own or without, on raw images and others: 15 600 requests
/// together.
pub static GUESTS: [Guest; 12] = [
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
    SCSI_ONE,
    Guest {
        name: "scsi_four_thread",
        drive: "cache=none,aio=native",
        device: "num_queues=4",
        queues: 6,
        iothread: true,
        ..SCSI
    },
    NVME,
    Guest {
        name: "nvme_four",
        drive: "cache=none,aio=native",
        device: "max_ioqpairs=4",
        queues: 5,
        ..NVME
    },
];

/// One queue for requests.
pub const SCSI_ONE: Guest = Guest {
    device: "num_queues=1",
    queues: 3,
    ..SCSI
};

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
        disk: Kind::Virtio,
    }
}

pub fn every_request(guest: &Guest) {
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
    let expected = guest.queues - guest.first_queue();
    assert_eq!(queues.len() as u64, expected, "{queues:?}");
    for operation in operations(brought) {
        let left = seen.get_mut(&operation).filter(|left| **left > 0);
        *left.unwrap_or_else(|| panic!("no row of {operation:?}")) -= 1;
    }
}

/// What the load has done.
fn operations(brought: &Brought) -> Vec<(String, u64, u64)> {
    let all = logged(&(brought.text("many") + &brought.text("flushed")));
    assert_eq!(all.len(), 1300);
    all
}

/// What a load has written down: operations, without an error, with their places and sizes.
pub fn logged(text: &str) -> Vec<(String, u64, u64)> {
    let operation = |line: &str| {
        let words: Vec<_> = line.split(' ').collect();
        let number = |at: usize| words[at].parse::<u64>().unwrap();
        assert_eq!(number(3), 0, "an error in the guest: {line}");
        (words[0].to_owned(), number(1), number(2))
    };
    text.lines().map(operation).collect()
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
                assert!(virtio["layer"] == "virtio" || virtio["layer"] == "nvme");
                for qemu in virtio["children"].as_array().unwrap() {
                    assert_eq!(qemu["layer"], "qemu");
                    inside(qemu, block);
                }
            }
        }
        assert!(found > 0, "{tree}");
    }
}

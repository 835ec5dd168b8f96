//! Requests of a guest, followed through QEMU to what this machine does for them: its calls, and the requests to its disks.

use std::collections::BTreeMap;

use iotq_tests::disk::written;
use iotq_tests::lab::guest::Guest;
use iotq_tests::lab::machine::DISK_BYTES;
use iotq_tests::lab::qcow2;
use iotq_tests::lab::result::Brought;
use iotq_tests::needs::{Need, test};
use iotq_tests::{Disk, Output, Row};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::across::asked_on;
use crate::followed::{
    FLUSHES, NATIVE, NVME_THREADS, QCOW2, Request, SCSI_THREADS, SLOW, STAGES, THREADS, grouped,
};

/// All requests, with what was done for them; where their time went, and that of the calls that made them; and drawn.
const QUERY: &str = "
join guest.virtio, host.qemu, host.syscall, host.block emit guest.virtio.time as time, guest.virtio.queue as queue,
     guest.virtio.index as index, guest.virtio.op as op, guest.virtio.sector as sector, guest.virtio.size as size,
     guest.virtio.lat as lat, host.qemu.kick as kick, host.qemu.lat as vmm, host.qemu.inject as inject,
     host.qemu.cpu as cpu, host.qemu.runqueue as runqueue, host.qemu.device as device, host.qemu.queued as queued,
     host.qemu.blocked as blocked, host.qemu.other as other, host.qemu.children as children, host.qemu.approx as approx,
     host.syscall.call as call, host.syscall.op as call_op, host.syscall.offset as at, host.syscall.size as asked,
     host.syscall.ret as ret, host.syscall.lat as call_lat, host.block.op as part, host.block.sector as part_sector,
     host.block.size as bytes, host.block.lat as part_lat, host.block.d2c as d2c, host.block.dev as dev,
     max(host.block[].lat) as longest, count(host.syscall[]) as calls
join guest.virtio, host.qemu, host.syscall, host.block emit stages by guest.virtio.op as op
join guest.syscall, guest.block, guest.virtio, host.qemu, host.syscall, host.block
     where guest.syscall.file == \"/dev/vda\" and guest.syscall.op in {read, write} and host.syscall.lat > 0ns
     emit stages by guest.syscall.op as op
join guest.syscall, guest.block, guest.virtio, host.qemu, host.syscall, host.block
     where guest.syscall.file == \"/dev/vda\" and guest.syscall.op == write and host.block.size > 0B emit tree limit 50
join guest.virtio, host.qemu, host.block where host.block.size > 0B and guest.virtio.op == write
     emit count() by host.block.dev as dev
";

/// What an operator asks: where the time of slow syncs went, and why. The last one tells the end of the load.
const SYNCS: &str = "
join guest.syscall, guest.block, guest.virtio, host.qemu, host.syscall, host.block
     where guest.syscall.op == fsync and guest.syscall.lat > 50ms emit stages
join guest.syscall, guest.block, guest.virtio, host.qemu, host.syscall, host.block
     where guest.syscall.op == fsync and guest.syscall.lat > 50ms emit tree limit 5
trace guest.virtio where guest.virtio.size == 512B emit guest.virtio.size as size, guest.virtio.lat as lat
";

/// One thread for flushes: the guest's kernel serves several that come at once by one. They come first: behind discards,
/// the host's filesystem has its journal to write, and a flush waits for that.
const LOAD: &str = "\
ioload --ops 200 --read 1 --write 2 --flush 2 --seed 2 --log flushed /dev/vda
ioload --ops 1000 --threads 4 --read 6 --write 3 --discard 1 --max 65536 --log many /dev/vda
";

static GUESTS: [Guest; 5] = [
    Guest {
        name: "below_threads",
        ..THREADS
    },
    Guest {
        name: "below_native",
        device: "num-queues=4",
        queues: 4,
        ..NATIVE
    },
    Guest {
        name: "below_qcow2",
        ..QCOW2
    },
    Guest {
        name: "below_scsi",
        ..SCSI_THREADS
    },
    Guest {
        name: "below_nvme",
        ..NVME_THREADS
    },
];

/// Its disk is one of the host's, not a file.
static ON_DEVICE: Guest = Guest {
    name: "below_device",
    ..THREADS
};

static SLOWED: Guest = Guest {
    name: "below_slow",
    ..THREADS
};

pub fn tests() -> Vec<Trial> {
    let needs = [Need::Root, Need::Guests, Need::Vsock, Need::Loop];
    let all = GUESTS.iter().map(|guest| {
        let name = guest.name.replacen('_', "/", 1);
        test(&name, &needs, || every_request(guest))
    });
    let special = [
        test("below/device", &needs, on_a_device),
        test("below/slow_flushes", &needs, slow_flushes),
        test("below/slow_syncs", &needs, slow_syncs),
    ];
    all.chain(special).collect()
}

fn watched(disk: &Disk, guest: &Guest, query: &str, load: &str) -> (Output, Value, Brought) {
    let image = disk.folder().join("image");
    match guest.format {
        "qcow2" => qcow2::make(&image, DISK_BYTES).unwrap(),
        _ => written(&image, DISK_BYTES >> 20),
    }
    let (output, summary, brought) = asked_on(&image, guest, query, load);
    let words = &output.stderr;
    assert_eq!((output.lost, &summary["unseen"]), (0, &0.into()), "{words}");
    assert_eq!(summary["untimely"], 0, "{words}");
    assert!(!words.contains("forgotten"), "{words}");
    (output, summary, brought)
}

/// All of them, each with parts that add up.
fn requests(output: &Output) -> Vec<Request> {
    let all = grouped(output.of(0));
    for Request { root, calls, parts } in &all {
        let lat = root.number("kick") + root.number("vmm") + root.number("inject");
        assert_eq!(lat, root.number("lat"), "{root:?}");
        let sum: u64 = STAGES.iter().map(|stage| root.number(stage)).sum();
        assert_eq!(sum, root.number("vmm"), "{root:?}");
        let longest = parts.iter().map(|it| it.number("part_lat")).max();
        assert_eq!(
            root.int("longest").map(i64::unsigned_abs),
            longest,
            "{root:?}"
        );
        assert_eq!(root.number("calls"), calls.len() as u64, "{root:?}");
        for it in calls {
            assert!(it.number("call_lat") <= root.number("vmm"), "{it:?}");
        }
    }
    all
}

impl Request {
    fn is_marked(&self) -> bool {
        self.root.field("approx") == true
    }

    /// Where on the guest's disk.
    fn offset(&self) -> Option<i64> {
        self.root.int("sector").map(|sector| sector * 512)
    }

    /// Of a raw image: one call of its place and size, and requests to the disk of its size. Discards are this call.
    fn has_its_work(&self, discard: &str, all: &[Self]) {
        let root = &self.root;
        if self.is("discard") {
            let [call] = &self.calls[..] else {
                panic!("{} calls: {root:?}", self.calls.len())
            };
            assert_eq!(call.int("at"), self.offset(), "{call:?}");
            assert_eq!(call.text("call"), discard, "{call:?}");
            assert_eq!(call.field("asked"), root.field("size"), "{call:?}");
            return;
        }
        // What was discarded is nowhere.
        self.has_its_call(all, Self::offset, true);
    }
}

fn every_request(guest: &'static Guest) {
    let disk = Disk::ext4(256);
    let (output, _, brought) = watched(&disk, guest, QUERY, LOAD);
    let all = requests(&output);
    operations(&all, &brought);
    // Calls for tables and discarded clusters of a format are nobody's: what was under way meanwhile is in doubt, but writes.
    let is_in_doubt = |it: &&Request| guest.format == "raw" || it.is("write");
    let approx = all.iter().filter(|it| it.is_marked() && !it.is_left(guest));
    let approx = approx.filter(is_in_doubt);
    let approx = approx.count();
    assert!(approx * 100 <= all.len(), "{approx} of {}", all.len());
    let whole = || all.iter().filter(|it| !it.is_marked());
    for it in whole().filter(|it| !it.is("flush") && guest.format == "raw") {
        it.has_its_work("fallocate", &all);
    }
    for it in whole().filter(|it| it.is("write") && guest.format != "raw") {
        assert_eq!(it.moved(), it.root.number("size"), "{:?}", it.root);
    }
    for part in all.iter().flat_map(|it| &it.parts) {
        assert_eq!(part.text("dev"), disk.name(), "{part:?}");
    }
    flushes(guest, &all);
    stages(&output);
    trees(&output);
    let groups: Vec<_> = output.groups_of(4).collect();
    assert_eq!(groups.len(), 1, "{groups:?}");
    assert_eq!(groups[0].by["dev"], *disk.name());
}

/// Here a discard goes on to the host's disk.
fn on_a_device() {
    let disk = Disk::raw(DISK_BYTES >> 20);
    let (output, summary, brought) = asked_on(&disk.node, &ON_DEVICE, QUERY, LOAD);
    assert_eq!(
        (output.lost, &summary["unseen"]),
        (0, &0.into()),
        "{}",
        output.stderr
    );
    let all = requests(&output);
    operations(&all, &brought);
    let whole = all.iter().filter(|it| !it.is_marked() && !it.is("flush"));
    let whole: Vec<_> = whole.collect();
    assert!(
        whole.len() * 100 >= 99 * (all.len() - 80),
        "{} of {}",
        whole.len(),
        all.len()
    );
    for it in &whole {
        it.has_its_work("ioctl", &all);
        let op = it.root.text("op");
        assert!(
            it.parts.iter().all(|part| part.text("part") == op),
            "{:?}",
            it.parts
        );
        assert!(it.bytes() >= it.root.number("size"), "{:?}", it.root);
    }
    assert!(whole.iter().filter(|it| it.is("discard")).count() > 50);
}

/// Each operation of the load is a request, with what was done for it.
fn operations(all: &[Request], brought: &Brought) {
    let mut seen: BTreeMap<(String, i64, u64), u64> = BTreeMap::new();
    for it in all {
        let place = it.offset().unwrap_or(0);
        let size = if it.is("flush") {
            0
        } else {
            it.root.number("size")
        };
        *seen
            .entry((it.root.text("op").to_owned(), place, size))
            .or_default() += 1;
    }
    let text = brought.text("many") + &brought.text("flushed");
    assert_eq!(text.lines().count(), 1200);
    for line in text.lines() {
        let words: Vec<_> = line.split(' ').collect();
        assert_eq!(words[3], "0", "an error in the guest: {line}");
        let (place, size) = (words[1].parse().unwrap(), words[2].parse().unwrap());
        let operation = (words[0].to_owned(), place, size);
        let left = seen.get_mut(&operation).filter(|left| **left > 0);
        *left.unwrap_or_else(|| panic!("no row of {operation:?}")) -= 1;
    }
}

/// QEMU syncs what was written since the last time, and the disk is flushed. Of an image that grows, by the filesystem's
/// journal.
fn flushes(guest: &Guest, all: &[Request]) {
    let (mut written, mut synced) = (0, 0);
    for it in all {
        match it.root.text("op") {
            "flush" if written > 0 => {
                if !it.is_marked() {
                    let calls: Vec<_> = it.calls.iter().map(|it| it.text("call")).collect();
                    assert!(calls.contains(&"fdatasync"), "{calls:?}: {:?}", it.root);
                    let is_flush = |part: &Row| part.text("part") == "flush";
                    let grows = guest.format != "raw" && it.root.number("blocked") > 0;
                    assert!(grows || it.parts.iter().any(is_flush), "{:?}", it.root);
                }
                (written, synced) = (0, synced + 1);
            }
            "flush" => assert!(it.is_marked() || it.calls.is_empty(), "{:?}", it.root),
            _ => written += u64::from(!it.is("read")),
        }
    }
    assert!(synced > 10, "{synced} flushes");
}

/// They add up, by the requests on the rings and by the calls.
fn stages(output: &Output) {
    let all: Vec<_> = output.groups_of(1).chain(output.groups_of(2)).collect();
    for group in &all {
        group.adds_up();
        assert_eq!(group.number("device"), 0, "{group:?}");
        if group.by["op"] == "write" {
            let (disk, vmm) = (group.number("host.device"), group.number("vmm"));
            assert!(disk > 0 && vmm > 0, "{group:?}");
        }
    }
    let ops: Vec<_> = all.iter().map(|it| it.by["op"].as_str().unwrap()).collect();
    for (op, count) in [("read", 2), ("write", 2), ("flush", 1), ("discard", 1)] {
        let found = ops.iter().filter(|it| **it == op).count();
        assert_eq!(found, count, "{op}: {ops:?}");
    }
}

/// What the host did lies within the request in QEMU.
fn trees(output: &Output) {
    assert_eq!(output.trees.len(), 50);
    let number = |it: &Value| it.as_i64().unwrap_or_else(|| panic!("a number: {it}"));
    let children = |it: &Value| it["children"].as_array().cloned().unwrap_or_default();
    for tree in &output.trees {
        let beyond = &tree["beyond"];
        let parts = ["kick", "vmm", "host.queue", "host.device", "inject"];
        let sum: i64 = parts.iter().map(|it| number(&beyond[it])).sum();
        assert!(sum <= number(&tree["data"]["lat"]), "{tree}");
        let rings = children(tree)
            .into_iter()
            .flat_map(|block| children(&block));
        let mut found = Vec::new();
        for qemu in rings.flat_map(|virtio| children(&virtio)) {
            assert_eq!(qemu["layer"], "qemu", "{tree}");
            let (from, lat) = (number(&qemu["start"]), number(&qemu["data"]["lat"]));
            for it in children(&qemu) {
                let (start, own) = (number(&it["start"]), number(&it["data"]["lat"]));
                assert!(start >= from && start + own <= from + lat, "{tree}");
                found.push(it["layer"].as_str().unwrap().to_owned());
            }
        }
        for layer in ["syscall", "block"] {
            assert!(found.iter().any(|it| it == layer), "{layer}: {tree}");
        }
    }
}

/// On a disk that takes its time, all but a little of a flush is explained, from the guest's ring to the host's disk.
fn slow_flushes() {
    let disk = Disk::slow_ext4(256, SLOW);
    let (output, ..) = watched(&disk, &SLOWED, QUERY, FLUSHES);
    let all = requests(&output);
    flushes(&SLOWED, &all);
    let is_synced = |it: &&Request| it.is("flush") && !it.is_marked() && !it.calls.is_empty();
    let slow: Vec<_> = all.iter().filter(is_synced).collect();
    let mut explained = 0;
    for it in &slow {
        let time = |field| u128::from(it.root.number(field));
        assert!(time("device") >= SLOW.as_nanos(), "{:?}", it.root);
        // On a busy machine, QEMU's threads wait for a CPU besides.
        let known = time("kick") + time("device") + time("queued") + time("inject");
        explained += usize::from(known * 100 >= time("lat") * 95);
    }
    assert!(
        explained * 2 > slow.len(),
        "{explained} of {} slow flushes are explained",
        slow.len()
    );
    let groups: Vec<_> = output.groups_of(1).collect();
    let group = groups.iter().find(|it| it.by["op"] == "flush").unwrap();
    let (disk, vmm) = (group.number("host.device"), group.number("vmm"));
    assert!(disk > 4 * vmm, "{group:?}");
}

/// The same of the guest's calls that wait for them.
fn slow_syncs() {
    let disk = Disk::slow_ext4(256, SLOW);
    let (output, ..) = watched(&disk, &SLOWED, SYNCS, FLUSHES);
    let group = output.groups_of(0).next().unwrap();
    assert!(group.number("requests") > 10, "{group:?}");
    group.adds_up();
    let unexplained = group.number("device") + group.number("blocked");
    assert!(unexplained * 20 <= group.number("lat"), "{group:?}");
    assert!(
        group.number("host.device") * 2 > group.number("lat"),
        "{group:?}"
    );
    assert_eq!(output.trees.len(), 5);
    for tree in &output.trees {
        assert!(leads_to_a_flush(tree), "{tree}");
    }
}

/// Somewhere in a tree, QEMU has synced a file, and the host's disk was flushed for it.
fn leads_to_a_flush(tree: &Value) -> bool {
    let all = tree["children"].as_array().map_or(&[][..], Vec::as_slice);
    let has = |layer: &str, field: &str, value: &str| {
        let mut own = all.iter().filter(|it| it["layer"] == *layer);
        own.any(|it| it["data"][field] == *value)
    };
    let is_it = tree["layer"] == "qemu"
        && has("syscall", "call", "fdatasync")
        && has("block", "op", "flush");
    is_it || all.iter().any(leads_to_a_flush)
}

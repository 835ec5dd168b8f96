//! Requests of guests, followed on their host: to the calls that QEMU makes for them, and to the disks below its images.

use std::collections::BTreeMap;

use iotq_tests::disk::written;
use iotq_tests::gate::traced;
use iotq_tests::lab::machine::DISK_BYTES;
use iotq_tests::lab::qcow2;
use iotq_tests::needs::{Need, test};
use iotq_tests::{Disk, Output, Row};
use libtest_mimic::Trial;

use crate::qemu::{Guest, Idle, LARGE, RAW};

const STAGES: [&str; 6] = ["cpu", "runqueue", "device", "queued", "blocked", "other"];

/// One thread for flushes: the guest's kernel serves several that come at once by one.
const LOAD: &str = "\
until [ -e /dev/vda ]; do usleep 10000; done
ioload --ops 1500 --threads 4 --read 6 --write 3 --max 65536 --log many /dev/vda
ioload --ops 300 --read 1 --write 2 --flush 2 --seed 2 --log flushed /dev/vda
";

const DISCARDS: &str = "\
until [ -e /dev/vda ]; do usleep 10000; done
ioload --ops 400 --threads 2 --read 1 --write 2 --discard 2 --max 65536 --log many /dev/vda
";

static THREADS: Guest = Guest {
    name: "threads",
    drive: "cache=none,aio=threads",
    device: "num-queues=2",
    queues: 2,
    ..RAW
};

static NATIVE: Guest = Guest {
    name: "native",
    drive: "cache=none,aio=native",
    iothread: true,
    ..THREADS
};

static URING: Guest = Guest {
    name: "uring",
    drive: "cache=none,aio=io_uring",
    ..THREADS
};

static QCOW2: Guest = Guest {
    name: "qcow2",
    format: "qcow2",
    ..THREADS
};

static BUFFERED: Guest = Guest {
    name: "buffered",
    drive: "cache=writeback,aio=threads",
    ..THREADS
};

pub fn tests() -> Vec<Trial> {
    let needs = [Need::Root, Need::Guests, Need::Loop];
    let mut tests = Vec::new();
    for guest in [&THREADS, &NATIVE, &URING, &QCOW2, &BUFFERED] {
        let name = format!("followed/{}", guest.name);
        tests.push(test(&name, &needs, || every_request(guest, LOAD)));
    }
    tests.push(test("followed/merged", &needs, || {
        every_request(&THREADS, LARGE)
    }));
    tests.push(test("followed/merged_native", &needs, || {
        every_request(&NATIVE, LARGE)
    }));
    tests.push(test("followed/discards", &needs, || {
        every_request(&THREADS, DISCARDS)
    }));
    tests
}

/// A request of a guest, with what the host did for it.
struct Request {
    root: Row,
    calls: Vec<Row>,
    parts: Vec<Row>,
}

impl Request {
    fn is_data(&self) -> bool {
        matches!(self.root.text("op"), "read" | "write")
    }
}

fn query(guest: &Guest) -> String {
    let stages = STAGES.map(|stage| format!("qemu.{stage} as {stage}"));
    format!(
        "join qemu, syscall, block where guest == \"{}\" \
         emit qemu.time as time, qemu.queue as queue, qemu.index as index, qemu.op as op, qemu.offset as offset, \
              qemu.size as size, qemu.lat as lat, qemu.status as status, qemu.merged as merged, {}, qemu.children as children, \
              qemu.approx as approx, syscall.call as call, syscall.op as call_op, syscall.offset as at, \
              syscall.size as asked, ret, syscall.lat as call_lat, block.op as part, block.sector as sector, \
              block.size as bytes, block.lat as part_lat",
        guest.title(),
        stages.join(", ")
    )
}

/// What a guest does, on an image on a filesystem of its own.
fn watched(guest: &'static Guest, query: &str, script: &str) -> Output {
    let disk = Disk::ext4(256);
    let image = disk.folder().join("image");
    match guest.format {
        "qcow2" => qcow2::make(&image, DISK_BYTES).unwrap(),
        _ => written(&image, DISK_BYTES >> 20),
    }
    let idle = Idle::new();
    let output = traced(&["--ring", "16M", "-e", query], || {
        guest.run_on(&image, script);
    });
    drop(idle);
    assert_eq!(output.lost, 0, "{}", output.stderr);
    output
}

fn requests(output: &Output) -> Vec<Request> {
    let mut all = BTreeMap::<_, Request>::new();
    for row in &output.rows {
        let key = (row.number("time"), row.number("queue"), row.number("index"));
        let request = all.entry(key).or_insert_with(|| Request {
            root: row.clone(),
            calls: Vec::new(),
            parts: Vec::new(),
        });
        if !row.field("call").is_null() {
            request.calls.push(row.clone());
        } else if !row.field("part").is_null() {
            request.parts.push(row.clone());
        }
    }
    all.into_values().collect()
}

fn every_request(guest: &'static Guest, load: &str) {
    let output = watched(guest, &query(guest), load);
    let all = requests(&output);
    let mut told = BTreeMap::<String, [u64; 6]>::new();
    for request in &all {
        adds_up(&request.root);
        let row = &request.root;
        let op = row.text("op");
        let counts = told.entry(op.to_owned()).or_default();
        let moved: u64 = request
            .calls
            .iter()
            .map(|it| it.int("ret").unwrap_or(0) as u64)
            .sum();
        let bytes: u64 = request.parts.iter().map(|it| it.number("bytes")).sum();
        counts[0] += 1;
        counts[1] += u64::from(!request.calls.is_empty());
        counts[2] += u64::from(moved == row.number("size"));
        counts[3] += u64::from(bytes == row.number("size"));
        counts[4] += u64::from(row.field("approx") == true);
        counts[5] += u64::from(row.field("merged") == true);
    }
    eprintln!("op: requests, with calls, of that size, with such parts, approx, merged: {told:#?}");
    for op in ["read", "write", "flush", "discard", "other"] {
        let strange = |it: &&Request| {
            it.root.text("op") == op && (it.calls.is_empty() || it.root.field("approx") == true)
        };
        for it in all.iter().filter(strange).take(4) {
            let row = &it.root;
            eprintln!(
                "{op} {:?} {} lat {} other {} children {} approx {} merged {}",
                row.int("offset"),
                row.number("size"),
                row.number("lat"),
                row.number("other"),
                row.number("children"),
                row.field("approx"),
                row.field("merged")
            );
            for call in &it.calls {
                eprintln!(
                    "    {} {:?} {:?}",
                    call.text("call"),
                    call.int("at"),
                    call.int("ret")
                );
            }
            for part in &it.parts {
                eprintln!(
                    "    {} {:?} {}",
                    part.text("part"),
                    part.int("sector"),
                    part.number("bytes")
                );
            }
        }
    }
    eprintln!("{}", output.stderr);
    assert!(all.iter().any(Request::is_data));
}

fn adds_up(row: &Row) {
    let sum: u64 = STAGES.iter().map(|stage| row.number(stage)).sum();
    assert_eq!(sum, row.number("lat"), "{row:?}");
}

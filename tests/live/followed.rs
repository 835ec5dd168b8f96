//! Requests of guests, followed on their host: to the calls that QEMU makes for them, and to the disks below its images.

use std::collections::BTreeMap;
use std::time::Duration;

use iotq_tests::disk::written;
use iotq_tests::gate::traced;
use iotq_tests::lab::guest::{Guest, NVME, RAW, SCSI};
use iotq_tests::lab::machine::DISK_BYTES;
use iotq_tests::lab::qcow2;
use iotq_tests::needs::{Need, test};
use iotq_tests::{Disk, Output, Row};
use libtest_mimic::Trial;

use crate::qemu::LARGE;

pub const STAGES: [&str; 6] = ["cpu", "runqueue", "device", "queued", "blocked", "other"];

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

pub const THREADS: Guest = Guest {
    name: "threads",
    drive: "cache=none,aio=threads",
    device: "num-queues=2",
    queues: 2,
    ..RAW
};

pub const NATIVE: Guest = Guest {
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

pub const QCOW2: Guest = Guest {
    name: "qcow2",
    format: "qcow2",
    ..THREADS
};

static BUFFERED: Guest = Guest {
    name: "buffered",
    drive: "cache=writeback,aio=threads",
    ..THREADS
};

pub const SCSI_THREADS: Guest = Guest {
    drive: THREADS.drive,
    ..SCSI
};

static SCSI_NATIVE: Guest = Guest {
    name: "scsi_native",
    drive: NATIVE.drive,
    iothread: true,
    ..SCSI
};

pub const NVME_THREADS: Guest = Guest {
    drive: THREADS.drive,
    ..NVME
};

static NVME_NATIVE: Guest = Guest {
    name: "nvme_native",
    drive: NATIVE.drive,
    ..NVME
};

pub fn tests() -> Vec<Trial> {
    let needs = [Need::Root, Need::Guests, Need::Loop];
    let mut tests = Vec::new();
    for guest in [&THREADS, &NATIVE, &URING] {
        let name = format!("followed/{}", guest.name);
        tests.push(test(&name, &needs, || every_request(guest)));
        let name = format!("followed/merged_{}", guest.name);
        tests.push(test(&name, &needs, || merged(guest)));
    }
    for guest in [&SCSI_THREADS, &SCSI_NATIVE, &NVME_THREADS, &NVME_NATIVE] {
        let name = format!("followed/{}", guest.name);
        tests.push(test(&name, &needs, || every_request(guest)));
    }
    tests.push(test("followed/qcow2", &needs, formatted));
    tests.push(test("followed/buffered", &needs, buffered));
    tests.push(test("followed/discards", &needs, || discards(&THREADS)));
    tests.push(test("followed/scsi_discards", &needs, || {
        discards(&SCSI_THREADS)
    }));
    tests.push(test("followed/nvme_discards", &needs, || {
        discards(&NVME_THREADS)
    }));
    tests.push(test("followed/slow_flushes", &needs, slow_flushes));
    tests.push(test("followed/several_statements", &needs, several));
    tests
}

/// So many requests to the disk are kept of one of a guest.
const ROOM: u64 = 16;

/// A request of a guest, with what the host did for it.
pub struct Request {
    pub root: Row,
    pub calls: Vec<Row>,
    pub parts: Vec<Row>,
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
    watched_on(&Disk::ext4(256), guest, query, script)
}

fn watched_on(disk: &Disk, guest: &'static Guest, query: &str, script: &str) -> Output {
    let image = disk.folder().join("image");
    match guest.format {
        "qcow2" => qcow2::make(&image, DISK_BYTES).unwrap(),
        _ => written(&image, DISK_BYTES >> 20),
    }
    let idle = guest.idle();
    let output = traced(&["--ring", "16M", "-e", query], || {
        guest.run_on(&image, script);
    });
    drop(idle);
    assert_eq!(output.lost, 0, "{}", output.stderr);
    output
}

/// Of these rows, in their order.
pub fn grouped<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<Request> {
    let mut all = BTreeMap::<_, Request>::new();
    for row in rows {
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

/// All of them, each with stages that add up.
fn requests(output: &Output) -> Vec<Request> {
    let all = grouped(output.rows.iter());
    for Request { root, .. } in &all {
        let sum: u64 = STAGES.iter().map(|stage| root.number(stage)).sum();
        assert_eq!(sum, root.number("lat"), "{root:?}");
    }
    all
}

/// Those of which nothing is missing.
fn whole(all: &[Request]) -> impl Iterator<Item = &Request> {
    all.iter().filter(|it| !it.is_approx())
}

impl Request {
    pub fn is(&self, op: &str) -> bool {
        self.root.text("op") == op
    }

    /// A sync of which nothing is seen but that it is submitted: newer QEMUs leave it to the kernel's AIO.
    pub fn is_left(&self, guest: &Guest) -> bool {
        let is_native = guest.drive.contains("aio=native") && self.root.text("op") == "flush";
        is_native && self.root.field("approx") == true && self.calls.is_empty()
    }

    /// Whether something of it went by unseen. (More requests than there is room for are only counted.)
    fn is_approx(&self) -> bool {
        self.root.field("approx") == true && self.root.number("children") <= ROOM
    }

    fn is_data(&self) -> bool {
        self.is("read") || self.is("write")
    }

    /// The bytes that its calls have moved.
    pub fn moved(&self) -> u64 {
        let moved = self.calls.iter().filter_map(|call| call.int("ret"));
        moved.map(i64::unsigned_abs).sum()
    }

    /// The bytes of its requests to the host's disks.
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.number("bytes")).sum()
    }

    /// Those that its call is for: QEMU merges neighbours that come together. Mostly it is alone.
    fn together<'a>(&'a self, all: &'a [Self]) -> Vec<&'a Self> {
        if self.moved() == self.root.number("size") {
            return vec![self];
        }
        let call = |it: &Self| {
            let call = it.calls.first()?;
            Some(["at", "ret", "call_lat"].map(|field| call.int(field)))
        };
        all.iter().filter(|it| call(it) == call(self)).collect()
    }

    /// One call was made for it, of its operation, place and size, or of all that share the call; and requests to the disk, of
    /// its size, or more if it shares. Of what may have holes, less was read.
    pub fn has_its_call(&self, all: &[Self], offset: fn(&Self) -> Option<i64>, holes: bool) {
        let root = &self.root;
        assert_eq!(self.calls.len(), 1, "{root:?}");
        let call = &self.calls[0];
        assert_eq!(call.text("call_op"), root.text("op"), "{call:?}");
        let together = self.together(all);
        let first = together.iter().map(|it| offset(it)).min();
        assert_eq!(Some(call.int("at")), first, "{call:?}");
        let sizes = together.iter().map(|it| it.root.number("size"));
        assert_eq!(self.moved(), sizes.sum::<u64>(), "{call:?}");
        let (bytes, size) = (self.bytes(), root.number("size"));
        let shares = together.len() > 1 && bytes > size;
        let has_holes = holes && self.is("read") && bytes < size;
        assert!(bytes == size || shares || has_holes, "{root:?}");
    }

    /// A sync, and the flush of the disk that it asked for.
    fn has_its_sync(&self) {
        assert_eq!(self.calls.len(), 1, "{:?}", self.root);
        assert_eq!(self.calls[0].text("call_op"), "fsync");
        let is_flush = |part: &Row| part.text("part") == "flush";
        // Of many requests the first ones are kept.
        let is_whole = self.root.number("children") == self.parts.len() as u64;
        let has_flush = self.parts.iter().any(is_flush);
        assert!(has_flush || !is_whole, "{:?}", self.root);
    }
}

/// Nothing is written to the image but what the guest asks for.
fn every_request(guest: &'static Guest) {
    let output = watched(guest, &query(guest), LOAD);
    let all = requests(&output);
    // The kernel skips programs now and then, on some machines.
    let approx = all.iter().filter(|it| it.is_approx() && !it.is_left(guest));
    let approx = approx.count();
    let unseen = output.unmatched + output.unseen();
    assert!(approx as u64 <= unseen, "{approx}: {}", output.stderr);
    let data = whole(&all).filter(|it| it.is_data());
    let offset = |it: &Request| it.root.int("offset");
    data.for_each(|it| it.has_its_call(&all, offset, false));
    flushes(&all);
}

/// QEMU syncs what was written since the last time, and only then.
fn flushes(all: &[Request]) {
    let mut written = 0;
    let mut synced = 0;
    for request in all {
        match request.root.text("op") {
            "write" => written += 1,
            "flush" if written > 0 => {
                if !request.is_approx() {
                    request.has_its_sync();
                }
                (written, synced) = (0, synced + 1);
            }
            "flush" => assert!(request.calls.is_empty(), "{:?}", request.root),
            _ => {}
        }
    }
    assert!(synced > 10, "{synced} flushes");
}

/// The call for several neighbours is that of each of them.
fn merged(guest: &'static Guest) {
    let output = watched(guest, &query(guest), LARGE);
    let all = requests(&output);
    let writes: Vec<_> = all.iter().filter(|it| it.is("write")).collect();
    let bytes: u64 = writes.iter().map(|it| it.root.number("size")).sum();
    assert_eq!(bytes, 32 << 20);
    let mut shared = 0;
    for it in writes.iter().filter(|it| !it.is_approx()) {
        let (from, size) = (it.root.number("offset"), it.root.number("size"));
        assert_eq!(it.calls.len(), 1, "{:?}", it.root);
        let (at, moved) = (it.calls[0].number("at"), it.moved());
        assert!(at <= from && from + size <= at + moved, "{:?}", it.root);
        // Of many requests the first ones are kept.
        let is_whole = it.root.number("children") == it.parts.len() as u64;
        assert!(!is_whole || it.bytes() >= size, "{:?}", it.root);
        shared += u64::from(it.root.field("merged") == true);
    }
    assert!(shared > 0, "none of {} is merged", writes.len());
}

/// Its places are not those of the disk, and a request may be in several of them.
fn formatted() {
    let output = watched(&QCOW2, &query(&QCOW2), LOAD);
    let mut several = 0;
    for it in whole(&requests(&output)) {
        if it.is("write") {
            assert_eq!(it.moved(), it.root.number("size"), "{:?}", it.root);
            several += u64::from(it.calls.len() > 1);
        } else if it.is("read") {
            // What was never written is nowhere.
            assert!(it.moved() <= it.root.number("size"), "{:?}", it.root);
        }
    }
    assert!(several > 20, "{several} writes of several parts");
}

/// Through the page cache: a write is over before anything goes to the disk, and a flush writes it back.
fn buffered() {
    let output = watched(&BUFFERED, &query(&BUFFERED), LOAD);
    let all = requests(&output);
    for it in whole(&all).filter(|it| it.is_data()) {
        assert_eq!(it.moved(), it.root.number("size"), "{:?}", it.root);
        assert_eq!(it.calls.len(), 1, "{:?}", it.root);
    }
    flushes(&all);
}

fn discards(guest: &'static Guest) {
    let output = watched(guest, &query(guest), DISCARDS);
    let mut count = 0;
    for it in whole(&requests(&output)) {
        if it.is("discard") {
            count += 1;
            assert_eq!(it.calls.len(), 1, "{:?}", it.root);
            let call = &it.calls[0];
            assert_eq!(call.text("call"), "fallocate", "{call:?}");
            assert_eq!(call.int("at"), it.root.int("offset"));
            assert_eq!(call.int("asked"), it.root.int("size"));
        } else if it.is_data() {
            assert_eq!(it.moved(), it.root.number("size"), "{:?}", it.root);
        }
    }
    assert!(count > 100, "{count} discards");
}

/// So long that QEMU's part in a flush is small.
pub const SLOW: Duration = Duration::from_millis(100);
pub const FLUSHES: &str = "\
until [ -e /dev/vda ]; do usleep 10000; done
ioload --ops 100 --read 1 --write 2 --flush 2 --seed 3 --log flushed /dev/vda
";

/// On a disk that takes its time, all but a little of a flush is explained.
fn slow_flushes() {
    let disk = Disk::slow_ext4(256, SLOW);
    let output = watched_on(&disk, &THREADS, &query(&THREADS), FLUSHES);
    let all = requests(&output);
    flushes(&all);
    let is_synced = |it: &&Request| it.is("flush") && !it.calls.is_empty();
    let slow: Vec<_> = whole(&all).filter(is_synced).collect();
    let mut explained = 0;
    for it in &slow {
        let time = |field| u128::from(it.root.number(field));
        assert!(time("device") >= SLOW.as_nanos(), "{:?}", it.root);
        // On a busy machine, QEMU's threads wait for a CPU besides.
        explained += usize::from(time("other") * 20 <= time("lat"));
    }
    assert!(
        explained * 2 > slow.len(),
        "{explained} of {} slow flushes are explained",
        slow.len()
    );
}

/// Statements do not take anything from each other.
fn several() {
    let guest = format!("guest == \"{}\"", THREADS.title());
    let query = format!(
        "join qemu, block where {guest} emit stages by qemu.op; \
         join qemu, syscall, block where {guest} and qemu.op == flush emit tree limit 3; \
         on qemu.push where {guest} and op == write and cpu > 0ns emit count(), sum(device), sum(lat); \
         join syscall, block where comm ~ \"qemu*\" and syscall.op == write and call in {{pwrite64, pwritev}} \
         emit count(), sum(block.size), sum(ret); \
         join qemu, syscall, block where {guest} and qemu.op == write emit count(), sum(block.size), sum(ret)"
    );
    let output = watched(&THREADS, &query, LOAD);
    assert_eq!(output.trees.len(), 3);
    for tree in &output.trees {
        assert!(tree.to_string().contains("flush"), "{tree}");
    }
    let ops: BTreeMap<_, _> = output
        .groups_of(0)
        .map(|group| (group.by["qemu.op"].as_str().unwrap().to_owned(), group))
        .collect();
    for group in ops.values() {
        let sum: u64 = STAGES.iter().map(|stage| group.number(stage)).sum();
        assert_eq!(sum, group.number("lat"), "{group:?}");
    }
    let one = |query| output.groups_of(query).next().unwrap();
    let writes = ops["write"].number("requests");
    let words = &output.stderr;
    assert_eq!(one(2).number("count()"), writes, "{words}");
    assert_eq!(
        one(2).number("sum(lat)"),
        ops["write"].number("lat"),
        "{words}"
    );
    // A row for each call, and one for each request to the disk.
    let (calls, guests) = (one(3), one(4));
    let parts = calls.number("count()");
    assert!(parts >= writes, "{parts} parts of {writes} writes");
    assert_eq!(guests.number("count()"), parts + writes);
    let bytes = "sum(block.size)";
    assert_eq!(calls.number(bytes), guests.number(bytes));
}

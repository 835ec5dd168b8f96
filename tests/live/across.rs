//! Requests of a guest in QEMU, followed to this machine: each is joined with what QEMU did for it, and none with another.

mod claims;
mod disks;
mod faults;
mod flushes;
mod selected;

use std::collections::BTreeMap;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use iotq_tests::Output;
use iotq_tests::lab::guest::{Guest, NVME, RAW};
use iotq_tests::lab::result::Brought;
use iotq_tests::lab::vsock::Vsock;
use iotq_tests::link::{Place, Side};
use iotq_tests::needs::{Need, ROOT_FOLDER, test};
use libtest_mimic::Trial;
use rustix::process::Signal;
use serde_json::Value;

/// The size of a guest's last request, which no other one has.
const LAST: u64 = 512;
const PATIENCE: Duration = Duration::from_secs(240);

pub fn tests() -> Vec<Trial> {
    let needs = [Need::Root, Need::Guests, Need::Vsock];
    let all = disks::GUESTS.iter().map(|guest| {
        let name = format!("across/{}", guest.name);
        test(&name, &needs, || disks::every_request(guest))
    });
    let more = [
        test("across/twins", &needs, || twins(&RAW, TWIN)),
        test("across/scsi_twins", &needs, || {
            twins(&disks::SCSI_ONE, "scsi-hd,drive=twin")
        }),
        test("across/nvme_twins", &needs, || {
            twins(&NVME, "nvme-ns,drive=twin,nsid=2")
        }),
        test("across/stranger", &needs, stranger),
        test("across/claims", &needs, claims::of_another),
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
    let run = |words: Vec<String>, script: &str| guest.run_with(words, script);
    asked_by(name, guest, more, query, load, run)
}

/// The same of one whose image is there.
pub fn asked_on(image: &Path, guest: &Guest, query: &str, load: &str) -> (Output, Value, Brought) {
    let run = |words: Vec<String>, script: &str| guest.run_from(image, words, script);
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
    let (place, idle) = (Place::default(), guest.idle());
    let vsock = Vsock::start().unwrap();
    let words = guest.reaching(&vsock, more);
    let host = host(&place, &vsock, name, &guest.told(query));
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

/// A host that waits for its guest, with much room.
fn host(place: &Place, vsock: &Vsock, name: &str, query: &str) -> Side {
    host_with(place, vsock, name, query, &["--ring", "16M"])
}

fn host_with(place: &Place, vsock: &Vsock, name: &str, query: &str, more: &[&str]) -> Side {
    let host = place.host_at(&vsock.address(), name, &[&["-e", query], more].concat());
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

const TWIN: &str = "virtio-blk-pci,drive=twin,num-queues=1";

/// Two disks that are used alike, at the same time: each is paired with its own, however much they look the same. Those of
/// one host adapter are on the same ring, and namespaces of one controller in the same queues.
fn twins(guest: &Guest, twin: &str) {
    let folder = tempfile::tempdir_in(ROOT_FOLDER).unwrap();
    let image = folder.path().join("twin");
    std::fs::write(&image, vec![0; 64 << 20]).unwrap();
    let drive = format!("file={},format=raw,if=none,id=twin", image.display());
    let more = ["-drive", &drive, "-device", twin];
    let query = "join guest.virtio, host.qemu emit guest.virtio.dev as dev, guest.virtio.sector as sector, \
                 guest.virtio.size as size, host.qemu.disk as disk, host.qemu.offset as offset, host.qemu.size as host_size";
    let load = "\
until [ -e /dev/vdb ]; do usleep 10000; done
ioload --ops 500 --threads 2 --read 1 --write 1 --log many /dev/vda & one=$!
ioload --ops 500 --threads 2 --read 1 --write 1 --log flushed /dev/vdb
wait $one
";
    let (output, summary, _) = asked(guest, &more, query, load);
    assert_eq!(summary["unseen"], 0, "{}", output.stderr);
    // Which of them the guest finds first is chance.
    let mut count = BTreeMap::new();
    for row in &output.rows {
        assert_eq!(row.int("sector").map(|it| it * 512), row.int("offset"));
        assert_eq!(row.field("size"), row.field("host_size"));
        *count
            .entry((row.text("dev"), row.text("disk")))
            .or_insert(0) += 1;
    }
    let [((one, disk), many), ((other, twin), more)] = count.iter().collect::<Vec<_>>()[..] else {
        panic!("{count:?}");
    };
    assert!(one != other && disk != twin, "{count:?}");
    assert!(*many >= 500 && *more >= 500, "{count:?}");
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

//! What goes wrong while requests are followed: the other side goes on, says what is missing, and joins again.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::thread;

use iotq_tests::Output;
use iotq_tests::lab::guest::{Idle, RAW};
use iotq_tests::lab::result::Brought;
use iotq_tests::lab::vsock::Vsock;
use iotq_tests::link::{Place, Side};
use iotq_tests::needs::ROOT_FOLDER;
use iotq_tests::qmp::Qmp;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::host;

const QUERY: &str = "join guest.virtio, host.qemu emit guest.virtio.dev as dev, guest.virtio.op as op, guest.virtio.sector as sector, \
                     guest.virtio.size as size, guest.virtio.lat as lat, host.qemu.offset as offset, host.qemu.lat as vmm";
/// What scripts use: the agent is attached for the nth time, the host is gone for the nth time, and a request whose size tells how
/// far the script is.
const PRELUDE: &str = "\
waits() { until [ \"$(grep -c \"$1\" agent.log)\" -ge $2 ]; do usleep 50000; done; }
agent() { iotq guest --name iotq-raw 2>>agent.log & agent=$!; waits 'is attached' $1; }
go() { until blockdev --flushbufs /dev/vda; [ \"$(dd if=/dev/vda bs=512 skip=130000 count=1 2>/dev/null | head -c 2)\" = $1 ]; do usleep 50000; done; }
mark() { ioload --ops 1 --read 1 --min $1 --max $1 --span $1 /dev/$disk; }
load() { ioload --ops 300 --read 1 --write 1 --span 33554432 --seed $1 /dev/${2:-$disk}; }
disk=vda
until [ -e /dev/vda ]; do usleep 10000; done
";
/// Requests of `load`.
const EACH: usize = 300;
/// Those that are under way when something breaks.
const FEW: usize = 20;

/// A host with what its guest needs.
struct Stage {
    place: Place,
    vsock: Vsock,
    folder: TempDir,
    _idle: Idle,
}

impl Stage {
    fn new() -> Self {
        Self {
            place: Place::default(),
            vsock: Vsock::start().unwrap(),
            folder: tempfile::tempdir_in(ROOT_FOLDER).unwrap(),
            _idle: Idle::default(),
        }
    }

    fn host(&self) -> Side {
        host(&self.place, &self.vsock, &RAW.title(), QUERY)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Boots a guest to its end, with commands taken at `qmp`, and a disk that lasts.
    fn boot(&self, more: &[&str], script: &str) -> Brought {
        let mut all = RAW.reaching(&self.vsock, more);
        all.extend(Qmp::words(&self.at("qmp")));
        let image = self.image();
        RAW.run_from(&image, all, &format!("{PRELUDE}{script}"))
    }

    fn image(&self) -> PathBuf {
        let image = self.at("image");
        if !image.exists() {
            RAW.make(&image);
        }
        image
    }

    /// Tells a script to go on.
    fn go(&self) {
        let image = File::options().write(true).open(self.at("image"));
        image.unwrap().write_all_at(b"ok", 130_000 * 512).unwrap();
    }
}

/// Waits until the guest's script has come so far.
fn wait_for(host: &Side, mark: u32) {
    let size = format!("\"size\":{mark},");
    host.wait_until(&size, || host.written().contains(&size));
}

fn interrupted(host: Side) -> (Vec<Value>, Value, String) {
    host.signal(Signal::INT);
    let ended = host.wait();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    Output::parse(&ended);
    let summary = ended.text().lines().last().map(serde_json::from_str);
    (rows(&ended.text()), summary.unwrap().unwrap(), ended.stderr)
}

/// The rows of a text whose last line may be cut off.
fn rows(text: &str) -> Vec<Value> {
    let lines = text.lines().filter_map(|it| serde_json::from_str(it).ok());
    let rows = lines.filter(|it: &Value| it["type"] == "row");
    rows.map(|mut it| it["data"].take()).collect()
}

/// How many of some rows were followed to QEMU, each to its own request; of the others there are few.
fn joined<'a>(rows: impl IntoIterator<Item = &'a Value>, said: &str) -> usize {
    let (mut joined, mut unseen) = (0, 0);
    for row in rows {
        if row["vmm"].is_null() {
            unseen += 1;
            continue;
        }
        let sector = row["sector"].as_u64();
        assert_eq!(sector.map(|it| 512 * it), row["offset"].as_u64(), "{row}");
        joined += 1;
    }
    assert!(unseen <= FEW, "{unseen} beside {joined}: {said}");
    joined
}

/// Where the row is that tells how far the script was.
fn place_of(rows: &[Value], mark: u32) -> usize {
    let found = rows.iter().position(|row| row["size"] == mark);
    found.unwrap_or_else(|| panic!("no row of {mark} bytes"))
}

/// An agent that is killed, then a host that is killed: whoever comes again is joined again, and nothing is left attached.
pub fn again() {
    let stage = Stage::new();
    let first = stage.host();
    let script = "\
agent 1; load 1; mark 512
go ok; kill -9 $agent
agent 2; load 2; mark 1024
waits 'is attached' 3
load 3; mark 1536
waits 'the host is gone' 2
kill $agent
wait $agent || true
";
    thread::scope(|scope| {
        let guest = scope.spawn(|| stage.boot(&[], script));
        wait_for(&first, 512);
        stage.go();
        wait_for(&first, 1024);
        first.kill();
        let second = stage.host();
        wait_for(&second, 1536);
        let (rows, summary, said) = interrupted(second);
        assert_eq!(summary["unseen"], 0, "{said}");
        assert!(joined(&rows, &said) > EACH, "{said}");
        guest.join().unwrap();
    });
    let (rows, said) = (rows(&first.written()), first.said());
    assert!(said.contains("iotq-raw is gone"), "{said}");
    assert_eq!(said.matches("iotq-raw is ready").count(), 2, "{said}");
    let at = place_of(&rows, 512);
    for part in [&rows[..at], &rows[at..]] {
        assert!(joined(part, &said) >= EACH, "{said}");
    }
}

/// QEMU is killed while its guest works, and begun anew: another process, and other addresses of everything.
pub fn killed() {
    let stage = Stage::new();
    let host = stage.host();
    let pidfile = stage.at("pid");
    let more = ["-pidfile", pidfile.to_str().unwrap()];
    let image = stage.image();
    let script = format!("{PRELUDE}agent 1; load 1; mark 512; load 2; sleep 100\n");
    thread::scope(|scope| {
        let all = RAW.reaching(&stage.vsock, &more);
        let guest = scope.spawn(|| RAW.run_to_death(&image, all, &script));
        wait_for(&host, 512);
        kill_process(pid_in(&pidfile), Signal::KILL).unwrap();
        let ended = guest.join().unwrap();
        assert!(ended.death.is_some());
    });
    host.wait_for("iotq-raw is gone", 1);
    thread::scope(|scope| {
        let script = "agent 1; load 3; mark 1024; waits 'the host is gone' 1; kill $agent\n";
        let guest = scope.spawn(|| stage.boot(&[], script));
        wait_for(&host, 1024);
        let (rows, _, said) = interrupted(host);
        assert_eq!(
            said.matches("iotq-raw: its process is").count(),
            2,
            "{said}"
        );
        let at = place_of(&rows, 512);
        for part in [&rows[..at], &rows[at..]] {
            assert!(joined(part, &said) >= EACH, "{said}");
        }
        guest.join().unwrap();
    });
}

fn pid_in(path: &Path) -> Pid {
    let text = fs::read_to_string(path).unwrap();
    Pid::from_raw(text.trim().parse().unwrap()).unwrap()
}

/// A disk is taken out while it is used, and put in again: the other one is joined all the time, and this one again.
pub fn unplugged() {
    let stage = Stage::new();
    let host = stage.host();
    let image = stage.at("twin");
    fs::write(&image, vec![0; 64 << 20]).unwrap();
    let node = format!(
        "driver=raw,node-name=twin,file.driver=file,file.filename={}",
        image.display()
    );
    let more = [
        "-device",
        "pcie-root-port,id=port0,chassis=1",
        "-blockdev",
        &node,
        "-device",
        "virtio-blk-pci,drive=twin,id=plugged,bus=port0,num-queues=1,serial=twin",
    ];
    let script = "\
twin() { until grep -ls twin /sys/block/vd*/serial >found; do usleep 10000; done; cut -d / -f 4 found; }
until [ -e /dev/vdb ]; do usleep 10000; done
twin=$(twin)
[ $twin = vda ] && disk=vdb
agent 1
ioload --ops 20000 --read 1 --write 1 /dev/$twin || true
load 1; mark 512
load 2 $(twin); load 3; mark 1024
waits 'the host is gone' 1
kill $agent
";
    thread::scope(|scope| {
        let guest = scope.spawn(|| stage.boot(&more, script));
        host.wait_until("rows of the disk", || rows(&host.written()).len() > EACH);
        let mut qmp = Qmp::connect(&stage.at("qmp"));
        qmp.ask("device_del", json!({"id": "plugged"}));
        qmp.wait_for("DEVICE_DELETED");
        wait_for(&host, 512);
        let device = json!({"driver": "virtio-blk-pci", "drive": "twin", "id": "plugged", "bus": "port0", "num-queues": 1, "serial": "twin"});
        qmp.ask("device_add", device);
        wait_for(&host, 1024);
        let (rows, _, said) = interrupted(host);
        assert!(!said.contains("is gone"), "{said}");
        let at = place_of(&rows, 512);
        // Which is which, the guest's kernel has decided.
        let steady = &rows[at]["dev"];
        for part in [&rows[..at], &rows[at..]] {
            for of_twin in [true, false] {
                let own = part.iter().filter(|row| (row["dev"] != *steady) == of_twin);
                assert!(joined(own, &said) >= EACH, "{of_twin}: {said}");
            }
        }
        guest.join().unwrap();
    });
}

/// A QEMU whose executable did not run when the query began is not seen, and this is said.
pub fn another() {
    let (place, idle) = (Place::default(), Idle::default());
    let host = place.host("vm1", &["-e", QUERY]);
    host.wait_for("waiting for", 1);
    let copy = place.folder().join("qemu-copy");
    fs::copy(idle.executable(), &copy).unwrap();
    let _other = Idle::of(&copy, &["-name", "vm1"]);
    let _agent = place.agent("vm1", &[]);
    host.wait_for("runs a QEMU that did not run when the query began", 1);
}

//! What the requests of a guest cost this machine, its host, while a guest's filter takes a hundredth of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

use iotq_tests::lab::guest::{Idle, RAW};
use iotq_tests::lab::machine::DISK_BYTES;
use iotq_tests::lab::vsock::Vsock;
use iotq_tests::link::{Place, Side};
use iotq_tests::needs::ROOT_FOLDER;
use iotq_tests::qmp::Qmp;
use rustix::process::Signal;
use serde_json::json;

use crate::report::median;
use crate::tracer::{cpu_ns, on_cpu, programs_paid};

/// Requests a second: the same with a tracer as without, since much of what QEMU does is for each turn that it wakes up.
const RATE: u32 = 1000;

/// Name, layers, and at most so many nanoseconds of this machine for a request. The first one is without a tracer.
const SETTINGS: [(&str, Option<&str>, Option<f64>); 4] = [
    ("no tracer", None, None),
    ("the guest's layers", Some(""), Some(2000.0)),
    ("with host.qemu", Some(", host.qemu"), Some(8000.0)),
    (
        "with all below",
        Some(", host.qemu, host.syscall, host.block"),
        Some(8000.0),
    ),
];

/// A guest at work.
struct Running<'a> {
    vsock: &'a Vsock,
    place: &'a Place,
    qmp: Qmp,
    pid: i32,
    /// The thread of its CPUs, by its folder.
    cpus: PathBuf,
}

/// Counters, or what they grew by: nanoseconds, and requests.
#[derive(Clone, Copy)]
struct Counts {
    requests: f64,
    /// QEMU's threads without its CPUs: what is done for devices.
    devices: f64,
    host: f64,
    programs: f64,
    runs: f64,
}

/// Measures and prints; interleaved, so that what else the machine does hits all settings alike.
/// After a signal, what there is.
pub fn measure(rounds: u32, length: Duration, stop: &AtomicBool) {
    let mut samples = SETTINGS.map(|_| Vec::new());
    at_work(|mut guest| {
        for _ in 0..rounds {
            for ((_, layers, _), samples) in SETTINGS.iter().zip(&mut samples) {
                if !stop.load(Ordering::Relaxed) {
                    samples.push(guest.sample(*layers, length));
                }
            }
        }
        guest.qmp.ask("quit", json!({}));
    });
    print(rounds, &samples);
}

#[expect(
    clippy::print_stdout,
    reason = "the report is what this program is for"
)]
fn print(rounds: u32, samples: &[Vec<Counts>]) {
    println!("nanoseconds of this machine for a request of a guest; medians of {rounds} rounds");
    println!(
        "{:<20} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "", "requests", "programs", "runs", "iotq", "QEMU", "in all"
    );
    let free = middle(&samples[0], |counts| counts.devices);
    for ((name, _, most), samples) in SETTINGS.iter().zip(samples) {
        let of = |column: fn(&Counts) -> f64| middle(samples, column);
        let requests = median(samples.iter().map(|all| all.requests).collect());
        let (programs, runs) = (of(|counts| counts.programs), of(|counts| counts.runs));
        let (host, more) = (of(|counts| counts.host), of(|counts| counts.devices) - free);
        // QEMU's own work differs from round to round by some microseconds.
        let whole = host + more.max(programs);
        let verdict = most.map(|most| match whole <= most {
            true => format!("{most} met"),
            false => format!("{most} missed"),
        });
        println!(
            "{name:<20} {requests:>9.0} {programs:>9.0} {runs:>9.1} {host:>9.0} {more:>9.0} {whole:>9.0} {}",
            verdict.unwrap_or_default()
        );
    }
    println!(
        "QEMU: its threads without the guest's CPUs, more than without a tracer: with programs and traps; in all: iotq, and \
         this or programs alone"
    );
}

/// Of a request, in the median of all samples.
fn middle(samples: &[Counts], column: fn(&Counts) -> f64) -> f64 {
    median(
        samples
            .iter()
            .map(|all| column(all) / all.requests)
            .collect(),
    )
}

/// A guest, until it is told to end.
fn at_work(measure: impl FnOnce(Running)) {
    let folder = tempfile::tempdir_in(ROOT_FOLDER).unwrap();
    let (image, socket) = (folder.path().join("image"), folder.path().join("qmp"));
    let (vsock, place, idle) = (Vsock::start().unwrap(), Place::default(), Idle::default());
    RAW.make(&image);
    let mut words = RAW.reaching(&vsock, &[]);
    words.extend(Qmp::words(&socket));
    let script = format!(
        "until [ -e /dev/vda ]; do usleep 10000; done\n\
         iotq guest --name {} 2>agent.log &\n\
         ioload --ops 100000000 --rate {RATE} --threads 4 --read 48 --write 1 /dev/vda\n",
        RAW.title()
    );
    scope(|scope| {
        scope.spawn(|| RAW.run_to_death(&image, words, &script));
        let mut qmp = Qmp::connect(&socket);
        let thread = &qmp.get("query-cpus-fast")[0]["thread-id"];
        let cpus = PathBuf::from(format!("/proc/{thread}"));
        let pid = process_of(&cpus);
        let mut guest = Running {
            vsock: &vsock,
            place: &place,
            qmp,
            pid,
            cpus,
        };
        while guest.requests() < 2.0 * f64::from(RATE) {
            sleep(Duration::from_millis(100));
        }
        measure(guest);
    });
    drop(idle);
}

impl Running<'_> {
    /// What grew while a host asked for a hundredth of the disk, or did not ask.
    fn sample(&mut self, layers: Option<&str>, length: Duration) -> Counts {
        let host = layers.map(|layers| self.host(layers));
        sleep(Duration::from_millis(500));
        let before = self.counts(host.as_ref());
        sleep(length);
        let after = self.counts(host.as_ref());
        if let Some(host) = host {
            host.signal(Signal::INT);
            let ended = host.wait();
            assert_eq!(ended.code(), 0, "{}", ended.stderr);
            assert!(ended.stderr.contains(" 0 lost"), "{}", ended.stderr);
        }
        let grown = after.since(before);
        assert!(grown.requests > 0.0, "the guest does nothing");
        grown
    }

    /// A host that its guest has answered.
    fn host(&self, layers: &str) -> Side {
        let query = format!(
            "join guest.syscall, guest.block, guest.virtio{layers}
                 where guest.syscall.file == \"/dev/vda\" and guest.syscall.offset < {}B emit guest.syscall.lat",
            DISK_BYTES / 100
        );
        let address = self.vsock.address();
        let host = self.place.host_at(&address, &RAW.title(), &["-e", &query]);
        host.wait_for("is ready", 1);
        host
    }

    fn counts(&mut self, host: Option<&Side>) -> Counts {
        let host = host.map(|host| host.pid().as_raw_pid());
        let (programs, runs) = host.map_or((0.0, 0.0), programs_paid);
        Counts {
            requests: self.requests(),
            devices: cpu_ns(self.pid) - on_cpu(&self.cpus).unwrap(),
            host: host.map_or(0.0, cpu_ns),
            programs,
            runs,
        }
    }

    /// Reads and writes until now, by QEMU's own count.
    fn requests(&mut self) -> f64 {
        let all = self.qmp.get("query-blockstats");
        let of = |name: &str| all[0]["stats"][name].as_f64().unwrap();
        of("rd_operations") + of("wr_operations")
    }
}

impl Counts {
    fn since(self, before: Self) -> Self {
        Self {
            requests: self.requests - before.requests,
            devices: self.devices - before.devices,
            host: self.host - before.host,
            programs: self.programs - before.programs,
            runs: self.runs - before.runs,
        }
    }
}

/// The process of a thread.
fn process_of(thread: &Path) -> i32 {
    let status = fs::read_to_string(thread.join("status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("Tgid:"));
    line.unwrap().trim().parse().unwrap()
}

//! Peers that mean no good: what they do costs others nothing, and the host no more than it has for them.

use std::fs;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use iotq_tests::link::Side;
use iotq_tests::monitor::{Monitor, Tamper};
use rustix::process::Signal;

use super::faults::House;
use super::{READS, close_to};

/// Connections of one peer, as fast as they are made, by so many threads.
const CONNECTIONS: usize = 100_000;
const THREADS: usize = 4;
/// Those that each of them keeps open, and says nothing.
const KEPT: usize = 200;
/// What a host may take meanwhile, in KiB: some megabytes more than without.
const MOST_KIB: u64 = 64 << 10;

/// One peer connects without end: a guest that is there is served, and so is one that comes by another door.
pub fn crowd() {
    let house = House::open();
    let House {
        host,
        load,
        place,
        secret,
        ..
    } = &house;
    let before = resident(host);
    let begin = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut kept = Vec::new();
                for number in 0..CONNECTIONS / THREADS {
                    let stream = UnixStream::connect(place.socket());
                    if number % (CONNECTIONS / THREADS / KEPT) == 0 {
                        kept.extend(stream);
                    }
                }
            });
        }
        load.run();
        let other = place.agent_at(&place.other_address(), "vm2", &["--token", secret]);
        host.wait_for("vm2 is ready", 1);
        other.signal(Signal::TERM);
        assert_eq!(other.wait().code(), 0);
    });
    let took = begin.elapsed();
    // By the door that was crowded, others come in again.
    let again = place.agent("vm2", &["--token", secret]);
    host.wait_for("vm2 is ready", 2);
    drop(again);
    let after = resident(host);
    let House { host, .. } = house;
    let output = host.interrupted();
    let vm1 = output.rows.len() as u64;
    assert!(
        vm1 + output.lost + output.unseen() >= u64::from(READS) * 99 / 100,
        "{}",
        output.stderr
    );
    let unheard = output.stderr.lines().find_map(|line| {
        let rest = line.strip_prefix("iotq: ")?;
        rest.strip_suffix(" connections were too many at once, and not heard")
    });
    let unheard: usize = unheard.expect("a count").parse().unwrap();
    // Each stranger that is heard takes a place until it is gone.
    assert!(
        unheard > CONNECTIONS / 2 && unheard <= CONNECTIONS + 100,
        "{unheard}"
    );
    assert!(
        after < MOST_KIB && before < MOST_KIB,
        "{before} and {after} KiB"
    );
    assert!(took < Duration::from_secs(120), "{took:?}");
}

/// The most that a process has had, in KiB.
pub fn resident(side: &Side) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", side.pid().as_raw_nonzero()));
    let status = status.unwrap();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let most = most.unwrap().trim().trim_end_matches(" kB");
    most.parse().unwrap()
}

/// What a guest says is changed on its way: it loses its session each time, comes again, and nobody else notices.
pub fn tampered() {
    let house = House::open();
    let House {
        host,
        load,
        place,
        secret,
        ..
    } = &house;
    use Tamper::{Cut, Long, Replay, Skip, Swap, Version};
    let how = vec![Version, Cut, Long, Swap, Skip, Replay];
    let (near, far) = (place.folder().join("near_4687"), place.socket());
    let _monitor = Monitor::tampering(&near, &far, false, how);
    let address = format!("unix:{}", place.folder().join("near").display());
    let other = place.agent_at(&address, "vm2", &["--token", secret]);
    // Without something to tell, only beats come.
    for (times, why) in [
        (1, "came where"),
        (2, "came where"),
        (3, "came where"),
        (1, "a message of 4294967295 bytes"),
        (1, "vm2 is gone: the connection has ended"),
    ] {
        let words = || host.said();
        let begin = Instant::now();
        while words().matches(why).count() < times {
            assert!(
                begin.elapsed() < Duration::from_secs(120),
                "{why}: {}",
                words()
            );
            load.run();
        }
    }
    host.wait_for("version 2 of the protocol", 1);
    host.wait_for("vm2 is ready", 6);
    drop(other);
    let House { host, .. } = house;
    let output = host.interrupted();
    assert!(!output.stderr.contains("vm1 is gone"), "{}", output.stderr);
    close_to(u64::from(READS), &output);
}

//! What the guest's filter turns away does not come over the link, and neither side grows by it.

use std::collections::BTreeMap;
use std::fs;

use iotq_tests::Output;
use iotq_tests::lab::guest::{Idle, RAW};
use iotq_tests::lab::machine::DISK_BYTES;
use iotq_tests::lab::vsock::Vsock;
use iotq_tests::link::Place;

use super::disks::logged;
use super::{end, host_with, script};

/// A hundredth of the disk.
const SPAN: u64 = DISK_BYTES / 100;
const OPERATIONS: usize = 10_000;
const LOAD: &str = "\
ioload --ops 10000 --threads 4 --read 48 --write 1 --log many /dev/vda
cat /proc/$agent/status >agent.status
";

/// In memory, in kB.
const MOST_OF_HOST: u64 = 12 << 10;
const MOST_OF_GUEST: u64 = 8 << 10;

pub fn a_hundredth() {
    let query = format!(
        "join guest.syscall, guest.block, guest.virtio, host.qemu
              where guest.syscall.file == \"/dev/vda\" and guest.syscall.offset < {SPAN}B
              emit guest.syscall.op as op, guest.syscall.offset as offset, guest.syscall.size as size,
                   host.qemu.offset as host_offset, host.qemu.size as host_size, host.qemu.lat as vmm
         trace guest.virtio where guest.virtio.size == 512B emit guest.virtio.size as size, guest.virtio.lat as lat"
    );
    let (place, idle) = (Place::default(), Idle::default());
    let vsock = Vsock::start().unwrap();
    let name = RAW.title();
    let host = host_with(&place, &vsock, &name, &query, &[]);
    let mut resident = 0;
    let brought = std::thread::scope(|scope| {
        scope.spawn(|| {
            end(&host, || {
                let status = format!("/proc/{}/status", host.pid().as_raw_nonzero());
                resident = kilobytes(&fs::read_to_string(status).unwrap());
            });
        });
        RAW.run_with(RAW.reaching(&vsock, &[]), &script(&name, LOAD))
    });
    drop(idle);
    let ended = host.wait();
    let output = Output::parse(&ended);
    assert_eq!((output.lost, output.unseen()), (0, 0), "{}", ended.stderr);
    let mut left = BTreeMap::<_, u64>::new();
    let all = logged(&brought.text("many"));
    assert_eq!(all.len(), OPERATIONS);
    for operation in all.into_iter().filter(|(_, offset, _)| *offset < SPAN) {
        *left.entry(operation).or_default() += 1;
    }
    let selected: u64 = left.values().sum();
    assert!((20..400).contains(&selected), "{selected}");
    for row in output.of(0) {
        assert_eq!(row.field("offset"), row.field("host_offset"), "{row:?}");
        assert_eq!(row.field("size"), row.field("host_size"), "{row:?}");
        let key = (
            row.text("op").to_owned(),
            row.number("offset"),
            row.number("size"),
        );
        match left.get_mut(&key) {
            Some(times) => *times -= 1,
            // The last one of all.
            None => assert_eq!(row.number("size"), super::LAST, "{row:?}"),
        }
    }
    assert!(left.values().all(|times| *times == 0), "{left:?}");
    // A record of the call, and one of its request.
    let shipped = output.shipped;
    assert!(shipped <= 3 * selected + 10, "{shipped} for {selected}");
    let of_guest = kilobytes(&brought.text("agent.status"));
    assert!(
        resident <= MOST_OF_HOST && of_guest <= MOST_OF_GUEST,
        "{resident} kB, the guest {of_guest} kB"
    );
}

/// Of a process that is resident, by the text of its `status`.
fn kilobytes(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.unwrap().split_whitespace().next().unwrap();
    number.parse().unwrap()
}

//! Commands of NVMe drives: their ids come in no order, and again.

use iotq_probes::abi::{IOTQ_NVME_ROUND_SHIFT, iotq_nvme};
use iotq_probes::catalogue::{NVME_OP, RING_FORMAT, VIRTIO_OP};

use super::*;

/// A write, completed at a time. It took 100 us.
fn asked(id: u16, completed: u64) -> iotq_nvme {
    let mut asked = iotq_nvme::new_zeroed();
    asked.block = block("nvme", completed);
    asked.lat = 100 * US;
    (asked.ctrl, asked.nsid, asked.qid, asked.cid) = (1, 2, 3, id);
    asked.op = NVME_OP.value("write").expect("an operation") as u16;
    asked
}

/// Keeps it, as QEMU would: 10 us after it was issued, 20 before it is completed.
fn keep(shelf: &Shelf, asked: &iotq_nvme, change: impl Fn(&mut iotq_qemu)) {
    let popped = asked.block.head.at + AHEAD - 90 * US;
    let mut same = super::asked(asked.cid.into(), asked.block.head.at);
    (same.queue, same.head) = (asked.qid.into(), asked.nsid);
    same.format = RING_FORMAT.value("nvme").expect("a format") as u8;
    same.op = VIRTIO_OP.value("write").expect("an operation") as u8;
    let round = popped >> IOTQ_NVME_ROUND_SHIFT;
    shelf.keep(DISK, round as u32, &same, change);
}

/// Two ids in turns, a command each 100 us.
fn number(number: u64) -> iotq_nvme {
    asked(7 * (number % 2) as u16, (1_000 + 100 * number) * US)
}

#[test]
fn commands_are_found_by_their_times() {
    let shelf = Shelf::default();
    let mut beyond = shelf.beyond();
    (0..2_000).for_each(|it| keep(&shelf, &number(it), |_| ()));
    for it in (0..2_000).step_by(97).chain([1_999, 4, 5, 1_000]) {
        let asked = number(it);
        let seen = part(&mut beyond, &asked).expect("found")[0];
        assert_eq!(seen.offset, asked.block.sector * 512);
        assert_eq!(seen.kick + seen.lat + seen.inject, 100 * US);
    }
    assert_eq!(beyond.notes(), ["nvme1 is QEMU's disk `disk0`"]);
}

#[test]
fn what_is_not_a_disks_has_no_part() {
    let mut beyond = Shelf::default().beyond();
    let mut asked = number(0);
    asked.qid = 0;
    let record = RawRecord::parse(asked.as_bytes(), Clock::default()).expect("a record");
    assert!(matches!(beyond.part(&record), Part::None));
}

#[test]
fn another_command_of_that_time_is_not_joined() {
    let shelf = Shelf::default();
    for change in [
        |it: &mut iotq_qemu| it.offset += 512,
        |it: &mut iotq_qemu| it.op = 1,
        |it: &mut iotq_qemu| it.first += 1,
        |it: &mut iotq_qemu| it.format = 1,
    ] {
        let mut beyond = shelf.beyond();
        keep(&shelf, &number(0), |_| ());
        assert!(part(&mut beyond, &number(0)).is_some());
        keep(&shelf, &number(1), change);
        assert!(part(&mut beyond, &number(1)).is_none());
        assert!(beyond.pairing.of(Device::Nvme(1)).is_none());
    }
}

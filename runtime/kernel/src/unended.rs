//! Requests whose end was not seen, looked for when a run ends.
//!
//! While a run goes on, the kernel side notices them when their request is used again. At the end, a request that was
//! issued before a moment at which its disk had nothing in flight, and that is tracked still, is one of them.

use std::collections::HashMap;
use std::fs;

use aya::maps::{Array, MapData};
use iotq_probes::abi::{IOTQ_MARK_UNENDED, iotq_block, iotq_block_slot};
use iotq_probes::catalogue;
use rustix::time::{ClockId, clock_gettime};
use zerocopy::{FromBytes, IntoBytes};

use crate::names::device;

/// The value of the map `iotq_requests`.
pub(crate) type Slot = [u8; size_of::<iotq_block_slot>()];

/// The records of these requests, not yet judged by the filters of their end.
pub(crate) fn records(slots: &Array<MapData, Slot>) -> Vec<Vec<u8>> {
    let before = monotonic();
    let mut idle = HashMap::new();
    // Asked of every disk before any slot is read.
    for device in device::all() {
        idle.insert(device.number, is_idle(&device.name));
    }
    let open = slots
        .iter()
        .filter_map(Result::ok)
        .filter_map(|slot| iotq_block_slot::read_from_bytes(&slot).ok());
    let unended = open.filter(|slot| {
        let iotq_block { head, dev, .. } = slot.record;
        head.queries != 0 && (1..before).contains(&slot.issued) && idle.get(&dev) == Some(&true)
    });
    let Some(layer) = catalogue::layer("block") else {
        return Vec::new();
    };
    let record = |slot: iotq_block_slot| {
        let mut record = slot.record;
        record.head.layer = layer.id;
        record.head.point = layer.end_point().id;
        record.head.marks |= IOTQ_MARK_UNENDED as u16;
        record.head.at = before;
        record.as_bytes().to_vec()
    };
    unended.map(record).collect()
}

fn monotonic() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(
        now.tv_sec
            .saturating_mul(1_000_000_000)
            .saturating_add(now.tv_nsec),
    )
    .unwrap_or(0)
}

/// Whether a disk has no reads and no writes in flight.
fn is_idle(disk: &str) -> bool {
    let path = format!("/sys/block/{}/inflight", disk.replace('/', "!"));
    fs::read_to_string(path)
        .is_ok_and(|counts| counts.split_ascii_whitespace().all(|count| count == "0"))
}

//! Requests whose end was not seen, looked for when a run ends.
//!
//! While a run goes on, the kernel side notices them when their request is used again. At the end, a request that was
//! issued before a moment at which its disk had nothing in flight, and that is tracked still, is one of them. Where the
//! issue is not looked at, it is one that stays queued.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::thread;
use std::time::Duration;

use aya::maps::{Array, MapData};
use iotq_probes::abi::{IOTQ_MARK_UNENDED, iotq_block, iotq_block_slot};
use iotq_probes::catalogue::{self, BLOCK_OP};
use rustix::time::{ClockId, clock_gettime};
use zerocopy::{FromBytes, IntoBytes};

use crate::names::device;

type Slot = [u8; size_of::<iotq_block_slot>()];

/// The requests that are followed.
pub(crate) struct Requests {
    /// The map `iotq_requests`.
    pub slots: Array<MapData, Slot>,
    /// Whether their issue is looked at.
    pub issues: bool,
}

/// Nobody keeps a request so long without issuing it, while its disk is idle.
const LONG: Duration = Duration::from_millis(100);

impl Requests {
    /// The records of those whose end was not seen, not yet judged by the filters of their end.
    pub(crate) fn unended(&self) -> Vec<Vec<u8>> {
        let before = monotonic();
        let mut open = self.open(before);
        if !self.issues && !open.is_empty() {
            thread::sleep(LONG);
            let still = self.open(before);
            open.retain(|index, slot| {
                still
                    .get(index)
                    .is_some_and(|now| now.queued == slot.queued)
            });
        }
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
        open.into_values().map(record).collect()
    }

    /// Those that were issued before a moment, or only queued where their issue is not looked at, and are tracked still
    /// though their disk is idle.
    fn open(&self, before: u64) -> BTreeMap<usize, iotq_block_slot> {
        // Asked of every disk before any slot is read.
        let idle: HashMap<u32, bool> = device::all()
            .iter()
            .map(|device| (device.number, is_idle(&device.name)))
            .collect();
        let flush = BLOCK_OP.value("flush").unwrap_or_default();
        let is_open = |slot: &iotq_block_slot| {
            let iotq_block { head, dev, op, .. } = slot.record;
            // A flush that is asked for is served by another request, and never issued itself.
            let queued = !self.issues && u64::from(op) != flush && slot.queued < before;
            let issued = (1..before).contains(&slot.issued);
            head.queries != 0 && (issued || queued) && idle.get(&dev) == Some(&true)
        };
        self.slots
            .iter()
            .filter_map(Result::ok)
            .enumerate()
            .filter_map(|(index, slot)| {
                Some((index, iotq_block_slot::read_from_bytes(&slot).ok()?))
            })
            .filter(|(_, slot)| is_open(slot))
            .collect()
    }
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

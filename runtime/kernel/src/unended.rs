//! Requests and commands whose end was not seen, looked for when a run ends.
//!
//! While a run goes on, the kernel side notices them when their request is used again. At the end, a request that was
//! issued before a moment at which its disk had nothing in flight, and that is tracked still, is one of them; and so is
//! what its driver was given before. Where the issue is not looked at, it is a request that stays queued.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::mem::offset_of;
use std::thread;
use std::time::Duration;

use aya::maps::{Array, MapData};
use iotq_probes::abi::{IOTQ_MARK_UNENDED, iotq_block_slot};
use iotq_probes::catalogue::{BLOCK_OP, Layer};
use rustix::time::{ClockId, clock_gettime};
use zerocopy::{FromBytes, IntoBytes};

use crate::names::device;

type Slot = [u8; size_of::<iotq_block_slot>()];

/// No layer keeps a request so long while its disk has nothing in flight: neither before it is issued, nor before the disk
/// counts it.
const LONG: Duration = Duration::from_millis(100);

/// Slots are given away one after the other: behind so many that are no request's, none is.
const GAP: usize = 256;

/// Where requests are followed.
pub(crate) struct Requests {
    /// The map `iotq_requests`.
    pub slots: Array<MapData, Slot>,
    /// The layers on which their ends are hooked.
    pub layers: Vec<&'static Layer>,
    /// Whether their issue is looked at.
    pub issues: bool,
}

impl Requests {
    /// The records of those without an end, not yet judged by the filters of their end.
    pub fn unended(&self) -> Vec<Vec<u8>> {
        let before = monotonic();
        let mut open = self.open(before);
        if !open.is_empty() {
            thread::sleep(LONG);
            let still = self.open(before);
            open.retain(|at, held| still.get(at).is_some_and(|now| now.since == held.since));
        }
        let open = open.into_values();
        open.filter_map(|held| held.record(before)).collect()
    }

    /// Those that a layer of an idle disk has had since before; by slot and layer.
    fn open(&self, before: u64) -> BTreeMap<(usize, u8), Held> {
        // Asked of every disk before any slot is read.
        let idle: HashMap<u32, bool> = device::all()
            .iter()
            .map(|device| (device.number, is_idle(&device.name)))
            .collect();
        let read = |(index, slot): (usize, Result<Slot, _>)| {
            let slot = iotq_block_slot::read_from_bytes(&slot.ok()?).ok()?;
            Some((index, slot))
        };
        let in_use = |free: &mut usize, (index, slot): (usize, iotq_block_slot)| {
            *free = if slot.request == 0 { *free + 1 } else { 0 };
            (*free < GAP).then_some((index, slot))
        };
        let slots = self.slots.iter().enumerate().filter_map(read);
        let slots = slots.scan(0, in_use);
        let of_idle = slots.filter(|(_, slot)| idle.get(&slot.record.dev) == Some(&true));
        let held = of_idle.flat_map(|(index, slot)| {
            let layers = self.layers.iter();
            layers.map(move |layer| ((index, layer.id), self.held(slot, layer)))
        });
        held.filter(|(_, held)| held.queries != 0 && (1..before).contains(&held.since))
            .collect()
    }

    fn held(&self, slot: iotq_block_slot, layer: &'static Layer) -> Held {
        let (since, queries) = match layer.name {
            "block" => (self.waits_since(&slot), slot.record.head.queries),
            "virtio" => (slot.added, slot.ring_queries),
            _ if slot.driver_layer == u32::from(layer.id) => (slot.given, slot.driver_queries),
            _ => (0, 0),
        };
        Held {
            slot,
            layer,
            since,
            queries,
        }
    }

    fn waits_since(&self, slot: &iotq_block_slot) -> u64 {
        // A flush that is asked for is served by another request, and never issued itself.
        let flush = BLOCK_OP.value("flush") == Some(slot.record.op.into());
        if slot.issued != 0 || self.issues || flush {
            slot.issued
        } else {
            slot.queued
        }
    }
}

/// A slot that a layer may have.
struct Held {
    slot: iotq_block_slot,
    layer: &'static Layer,
    /// Zero if it has it not.
    since: u64,
    /// The statements that follow it there.
    queries: u32,
}

impl Held {
    fn record(mut self, at: u64) -> Option<Vec<u8>> {
        let head = &mut self.slot.record.head;
        head.at = at;
        head.queries = self.queries;
        head.layer = self.layer.id;
        head.point = self.layer.end_point().id;
        head.marks |= IOTQ_MARK_UNENDED as u16;
        let begin = offset_of!(iotq_block_slot, record);
        let record = self
            .slot
            .as_bytes()
            .get(begin..begin + self.layer.record?)?;
        Some(record.to_vec())
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

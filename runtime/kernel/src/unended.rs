//! Requests and commands whose end was not seen, looked for when a run ends.
//!
//! While a run goes on, the kernel side notices them when their request is used again. At the end, a request that was
//! issued before a moment at which its disk had nothing in flight, and that is tracked still, is one of them; and so is
//! what its driver was given before.

use std::collections::HashMap;
use std::fs;
use std::mem::offset_of;

use aya::maps::{Array, MapData};
use iotq_probes::abi::{IOTQ_MARK_UNENDED, iotq_block_slot};
use iotq_probes::catalogue::Layer;
use rustix::time::{ClockId, clock_gettime};
use zerocopy::{FromBytes, IntoBytes};

use crate::names::device;

/// The value of the map `iotq_requests`.
pub(crate) type Slot = [u8; size_of::<iotq_block_slot>()];

/// So many nanoseconds after it was issued or given to the driver, a disk counts a request as in flight.
const COUNTED: u64 = 10_000_000;

/// Where requests are followed.
pub(crate) struct Requests {
    slots: Array<MapData, Slot>,
    /// The layers on which their ends are hooked.
    layers: Vec<&'static Layer>,
}

impl Requests {
    pub fn new(slots: Array<MapData, Slot>, layers: Vec<&'static Layer>) -> Self {
        Self { slots, layers }
    }

    /// The records of those without an end, not yet judged by the filters of their end.
    pub fn unended(&self) -> Vec<Vec<u8>> {
        let before = monotonic();
        let mut idle = HashMap::new();
        // Asked of every disk before any slot is read.
        for device in device::all() {
            idle.insert(device.number, is_idle(&device.name));
        }
        let slots = self.slots.iter().filter_map(Result::ok);
        let slots = slots.filter_map(|slot| iotq_block_slot::read_from_bytes(&slot).ok());
        let idle = slots.filter(|slot| idle.get(&slot.record.dev) == Some(&true));
        idle.flat_map(|slot| {
            let layers = self.layers.iter();
            layers.filter_map(move |layer| record(slot, layer, before))
        })
        .collect()
    }
}

/// The record of a slot on a layer, if that had it before some time and has it still.
fn record(mut slot: iotq_block_slot, layer: &Layer, before: u64) -> Option<Vec<u8>> {
    let (since, queries) = match layer.name {
        "block" => (slot.issued, slot.record.head.queries),
        _ if slot.driver_layer == u32::from(layer.id) => (slot.given, slot.driver_queries),
        _ => return None,
    };
    if queries == 0 || since == 0 || since.saturating_add(COUNTED) > before {
        return None;
    }
    let head = &mut slot.record.head;
    head.at = before;
    head.queries = queries;
    head.layer = layer.id;
    head.point = layer.end_point().id;
    head.marks |= IOTQ_MARK_UNENDED as u16;
    let begin = offset_of!(iotq_block_slot, record);
    let record = slot.as_bytes().get(begin..begin + layer.record?)?;
    Some(record.to_vec())
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

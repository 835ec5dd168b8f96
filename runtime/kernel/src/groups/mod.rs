//! Groups that are kept in the kernel: what it is told of them, and how they are read.

mod read;
#[cfg(test)]
mod tests;

use std::fs;

use iotq_lang::aggregate::{Keep, Parts};
use iotq_lang::plan::{KernelGroups, Operand, Plan, Reads, StreamPlan};
use iotq_probes::abi::*;
use iotq_probes::catalogue::Slot;
use zerocopy::FromZeros;

use crate::encode::{Encoder, Place};

pub use read::KernelGroup;
pub(crate) use read::{Groups, Maps};

/// Bytes of all groups of all CPUs, above which there is room for fewer of them.
const MOST_BYTES: usize = 256 << 20;

/// What the kernel is told of the streams whose groups it keeps.
pub struct Groupings {
    /// By number; those behind the last are zero.
    pub encoded: [iotq_grouping; IOTQ_MAX_GROUPINGS as usize],
    /// How much there is of each map.
    pub room: Room,
    /// Numbers of CPUs are below this.
    pub cpus: u32,
}

/// Entries of the maps.
#[derive(Clone, Copy, Debug, Default)]
pub struct Room {
    /// Streams.
    pub streams: u32,
    /// Tables of groups.
    pub heads: u32,
    /// Groups.
    pub groups: u32,
    /// Histograms.
    pub histograms: u32,
}

impl Groupings {
    /// For a bound plan.
    pub fn of(plan: &Plan) -> Self {
        Self::on(plan, cpus())
    }

    fn on(plan: &Plan, cpus: u32) -> Self {
        let mut groupings = Self {
            encoded: [iotq_grouping::default(); IOTQ_MAX_GROUPINGS as usize],
            room: Room::default(),
            cpus,
        };
        let tables = cpus as usize * IOTQ_GENERATIONS as usize;
        let kept = || plan.streams().filter_map(kept);
        let bytes = kept().map(|(_, groups)| groups.room as usize * groups.bytes() * tables);
        let less = bytes
            .sum::<usize>()
            .div_ceil(MOST_BYTES)
            .next_power_of_two();
        for (place, (stream, groups)) in groupings.encoded.iter_mut().zip(kept()) {
            let each = (groups.room / u32::try_from(less).unwrap_or(u32::MAX)).max(1);
            let room = &mut groupings.room;
            *place = iotq_grouping {
                groups_mask: each - 1,
                first_group: room.groups,
                first_hist: room.histograms,
                ..encode(stream, groups)
            };
            let tables = cpus * IOTQ_GENERATIONS;
            room.streams += 1;
            room.heads += tables;
            room.groups += tables * each;
            room.histograms += tables * each * u32::from(place.hists);
        }
        groupings
    }

    /// Tells the templates what they must know of groups.
    pub fn tell(&self, config: &mut iotq_config) {
        config.cpus = self.cpus;
        for grouping in &self.encoded[..self.room.streams as usize] {
            config.groupings += 1;
            config.grouped[usize::from(grouping.layer)] |= 1 << grouping.point;
        }
    }
}

/// A stream whose groups the kernel keeps.
fn kept(stream: &StreamPlan) -> Option<(&StreamPlan, &KernelGroups)> {
    let groups = stream.groups.as_ref()?;
    Some((stream, groups.kernel.as_ref()?))
}

fn encode(stream: &StreamPlan, groups: &KernelGroups) -> iotq_grouping {
    let mut grouping = iotq_grouping {
        layer: stream.layer.id,
        point: stream.point.id,
        query: stream.bit,
        measures: u8::try_from(groups.kept.len()).unwrap_or(u8::MAX),
        hists: u8::try_from(groups.histograms()).unwrap_or(u8::MAX),
        ..iotq_grouping::new_zeroed()
    };
    let loads: Vec<iotq_load> = groups.key.iter().flat_map(loads).collect();
    grouping.key_words = u8::try_from(loads.len()).unwrap_or(u8::MAX);
    for (place, load) in grouping.key.iter_mut().zip(loads) {
        *place = load;
    }
    let measures = stream.groups.iter().flat_map(|groups| &groups.measures);
    for (place, (kept, measure)) in grouping
        .kept
        .iter_mut()
        .zip(groups.kept.iter().zip(measures))
    {
        *place = iotq_measure {
            cell: kept.cell,
            hist: kept.histogram.unwrap_or(0),
            ..encode_measure(&kept.reads, measure.keep)
        };
    }
    grouping
}

/// The words that are copied into the key for a field.
fn loads(operand: &Operand) -> Vec<iotq_load> {
    let load = |offset: usize, width: usize, mask| iotq_load {
        mask,
        offset: u16::try_from(offset).unwrap_or(u16::MAX),
        width: u8::try_from(width).unwrap_or(u8::MAX),
        pad: [0; 5],
    };
    match operand.slot() {
        None => Vec::new(),
        Some(Slot::Uint { offset, width, .. }) => vec![load(offset, width, u64::MAX)],
        Some(Slot::Int { offset }) => vec![load(offset, 8, u64::MAX)],
        Some(Slot::Bit {
            offset,
            width,
            mask,
        }) => vec![load(offset, width, mask)],
        Some(Slot::Text { offset, len }) => (0..len)
            .step_by(8)
            .map(|at| load(offset + at, 8, u64::MAX))
            .collect(),
        Some(Slot::File { dev, inode }) => {
            vec![load(inode, 8, u64::MAX), load(dev, 4, u64::MAX)]
        }
    }
}

fn encode_measure(reads: &Reads, keep: Keep) -> iotq_measure {
    let mut measure = iotq_measure::default();
    match reads {
        // Terms that refer to a text or a set are not among these.
        Reads::Truth(term) => measure.term = Encoder::default().term(term),
        Reads::Number(operand) => {
            let place = Place::of(operand);
            measure.term.offset = place.offset;
            measure.term.width = place.width;
            measure.term.flags = place.flags;
        }
    }
    let number = |value| u64::try_from(value).unwrap_or(u64::MAX);
    measure.keeps = match keep {
        Keep::Truth => IOTQ_KEEP_TRUTH,
        Keep::Numbers(parts) => parts_of(parts),
        Keep::Linear(linear) => {
            (measure.term.a, measure.term.b) = (number(linear.low), number(linear.high));
            measure.step = number(linear.step);
            IOTQ_KEEP_STEPS
        }
    } as u8;
    measure
}

fn parts_of(parts: Parts) -> u32 {
    let all = [
        (parts.sum, IOTQ_KEEP_SUM),
        (parts.min, IOTQ_KEEP_MIN),
        (parts.max, IOTQ_KEEP_MAX),
        (parts.squares, IOTQ_KEEP_SQUARES),
        (parts.histogram, IOTQ_KEEP_HIST),
    ];
    let kept = all.into_iter().filter(|(kept, _)| *kept);
    kept.fold(0, |bits, (_, bit)| bits | bit)
}

/// One more than the largest number that a CPU may have: `0-3,8-11` has 12.
fn cpus() -> u32 {
    let text = fs::read_to_string("/sys/devices/system/cpu/possible").unwrap_or_default();
    let last = text.trim().rsplit([',', '-']).next();
    let last = last.and_then(|last| last.parse::<u32>().ok());
    last.map_or(1, |last| last + 1)
}

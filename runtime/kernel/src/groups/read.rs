//! Reading the groups of the kernel: the generation that was filled is exchanged for the other one, and when no program
//! can be at work on it any more, it is read and emptied.

use std::mem::{offset_of, size_of};
use std::thread;
use std::time::Duration;

use aya::maps::{Array, MapData, MapError};
use iotq_lang::aggregate::{Histogram, Keep, Measure, Numbers, Parts, Scale, State, Totals};
use iotq_lang::plan::{GroupPlan, Kept, Plan, Reads, StreamPlan};
use iotq_lang::value::Value;
use iotq_probes::abi::*;
use iotq_probes::catalogue::{Layer, Slot};
use rustix::thread::{MembarrierCommand, membarrier};

use super::{Groupings, kept};

type Head = [u8; size_of::<iotq_group_head>()];
type Group = [u8; size_of::<iotq_group>()];
pub(crate) type Counts = [u64; IOTQ_HIST_BUCKETS as usize];

/// No program takes as long, where the kernel does not tell when all have ended.
const LONG: Duration = Duration::from_millis(50);

/// Where the groups are.
pub(crate) struct Maps {
    pub generations: Array<MapData, u32>,
    pub heads: Array<MapData, Head>,
    pub groups: Array<MapData, Group>,
    pub histograms: Array<MapData, Counts>,
}

/// The groups of the streams.
pub(crate) struct Groups {
    maps: Maps,
    streams: Vec<Stream>,
    cpus: u32,
}

/// A stream with groups in the kernel.
struct Stream {
    encoded: iotq_grouping,
    layer: &'static Layer,
    plan: GroupPlan,
    generation: u32,
}

/// A group as the kernel keeps it on one CPU.
pub struct KernelGroup {
    /// The bit of the stream.
    pub stream: u8,
    /// A record in which the fields are filled that the keys read, and no others.
    pub record: Vec<u8>,
    /// Its totals.
    pub totals: Totals,
}

impl Groups {
    pub fn new(maps: Maps, plan: &Plan, groupings: &Groupings) -> Self {
        Self {
            streams: streams(plan, groupings),
            maps,
            cpus: groupings.cpus,
        }
    }

    /// Takes out what has been grouped for some streams, a bit each: of each CPU by itself.
    pub fn take(&mut self, streams: u32) -> Result<Vec<KernelGroup>, MapError> {
        let wanted = |stream: &Stream| streams & 1 << stream.encoded.query != 0;
        if !self.streams.iter().any(wanted) {
            return Ok(Vec::new());
        }
        for (number, stream) in (0..).zip(&mut self.streams) {
            if wanted(stream) {
                stream.generation ^= 1;
                self.maps.generations.set(number, stream.generation, 0)?;
            }
        }
        programs_have_ended();
        let mut taken = Vec::new();
        for number in 0..self.streams.len() {
            for cpu in 0..self.cpus {
                if wanted(&self.streams[number]) {
                    self.take_table(number, cpu, &mut taken)?;
                }
            }
        }
        Ok(taken)
    }

    fn take_table(
        &mut self,
        number: usize,
        cpu: u32,
        taken: &mut Vec<KernelGroup>,
    ) -> Result<(), MapError> {
        let stream = &self.streams[number];
        let table = (stream.generation ^ 1) * self.cpus + cpu;
        let at = u32::try_from(number).unwrap_or(u32::MAX) * self.cpus * IOTQ_GENERATIONS + table;
        let head: iotq_group_head = zerocopy::transmute!(self.maps.heads.get(&at, 0)?);
        if head.last == 0 {
            return Ok(());
        }
        let room = stream.encoded.groups_mask + 1;
        let hists = u32::from(stream.encoded.hists);
        let mut next = head.last;
        // As many as there can be, whatever stands in the memory.
        for _ in 0..room {
            let Some(place) = next.checked_sub(1).filter(|place| *place < room) else {
                break;
            };
            let index = table * room + place;
            let at = stream.encoded.first_group + index;
            let group: iotq_group = zerocopy::transmute!(self.maps.groups.get(&at, 0)?);
            self.maps.groups.set(at, [0; size_of::<Group>()], 0)?;
            let first = stream.encoded.first_hist + index * hists;
            let mut histograms = Vec::new();
            for at in first..first + hists {
                histograms.push(self.maps.histograms.get(&at, 0)?);
                self.maps
                    .histograms
                    .set(at, [0; IOTQ_HIST_BUCKETS as usize], 0)?;
            }
            next = group.next;
            taken.push(stream.group(&group, &histograms));
        }
        self.maps.heads.set(at, [0; size_of::<Head>()], 0)
    }
}

fn streams(plan: &Plan, groupings: &Groupings) -> Vec<Stream> {
    let streams = plan.streams().filter_map(kept).zip(&groupings.encoded);
    let one = |((it, _), encoded): ((&StreamPlan, _), &iotq_grouping)| {
        Some(Stream {
            encoded: *encoded,
            layer: it.layer,
            plan: it.groups.clone()?,
            generation: 0,
        })
    };
    streams.filter_map(one).collect()
}

impl Stream {
    fn group(&self, group: &iotq_group, histograms: &[Counts]) -> KernelGroup {
        let kernel = self.plan.kernel.iter().flat_map(|kernel| &kernel.kept);
        let state = |(kept, measure): (&Kept, &Measure)| {
            let words = group.words.get(usize::from(kept.cell)..).unwrap_or(&[]);
            let counts = kept
                .histogram
                .and_then(|it| histograms.get(usize::from(it)));
            let signed = matches!(kept.reads, Reads::Number(it) if matches!(it.slot(), Some(Slot::Int { .. })));
            state(measure.keep, &mut words.iter().copied(), counts, signed)
        };
        KernelGroup {
            stream: self.encoded.query,
            record: self.record(group),
            totals: Totals {
                rows: group.rows,
                states: kernel.zip(&self.plan.measures).map(state).collect(),
            },
        }
    }

    /// The words of the key, where they were read.
    fn record(&self, group: &iotq_group) -> Vec<u8> {
        let mut record = vec![0; self.layer.record.unwrap_or(0)];
        let mut put = |offset: usize, width: usize, word: u64| {
            let bytes = word.to_ne_bytes();
            let places = record.iter_mut().skip(offset);
            // Several bits of one number may be keys.
            places
                .zip(&bytes[..width.min(8)])
                .for_each(|(to, from)| *to |= from);
        };
        put(offset_of!(iotq_head, layer), 1, self.encoded.layer.into());
        put(offset_of!(iotq_head, point), 1, self.encoded.point.into());
        let loads = &self.encoded.key[..usize::from(self.encoded.key_words)];
        for (load, word) in loads.iter().zip(group.words) {
            put(load.offset.into(), load.width.into(), word);
        }
        record
    }
}

/// What the kernel has kept of a measure.
fn state(
    keep: Keep,
    words: &mut dyn Iterator<Item = u64>,
    counts: Option<&Counts>,
    signed: bool,
) -> State {
    match keep {
        Keep::Truth => State::Truth(words.next().unwrap_or(0)),
        Keep::Linear(linear) => State::Linear(histogram(Scale::Linear(linear), counts, 1)),
        Keep::Numbers(parts) => State::Numbers(numbers(parts, words, counts, signed)),
    }
}

fn numbers(
    parts: Parts,
    words: &mut dyn Iterator<Item = u64>,
    counts: Option<&Counts>,
    signed: bool,
) -> Numbers {
    let mut word = || words.next().unwrap_or(0);
    let mut numbers = Numbers {
        count: word(),
        ..Numbers::default()
    };
    let mut wide = || u128::from(word()) | u128::from(word()) << 64;
    if parts.sum {
        numbers.sum = Value::Int(wide().cast_signed());
    }
    // Signed ones have their sign bit flipped, so that they are ordered as unsigned ones are.
    let extreme = |word: u64| match signed {
        true => Value::Int((word ^ 1 << 63).cast_signed().into()),
        false => Value::Int(word.into()),
    };
    let mut word = || words.next().unwrap_or(0);
    let there = numbers.count > 0;
    if parts.min {
        let least = word();
        numbers.min = if there { extreme(least) } else { Value::Null };
    }
    if parts.max {
        let most = word();
        numbers.max = if there { extreme(most) } else { Value::Null };
    }
    if parts.squares {
        let squares = u128::from(word()) | u128::from(word()) << 64;
        numbers.squares = i128::try_from(squares).map_or(Value::Null, Value::Int);
    }
    if parts.histogram {
        numbers.histogram = histogram(Scale::Log, counts, 0);
    }
    numbers
}

/// `first`: the place in the counts of the bucket with the number 0.
fn histogram(scale: Scale, counts: Option<&Counts>, first: i32) -> Histogram {
    let mut histogram = Histogram::new(scale);
    for (place, count) in (0..).zip(counts.into_iter().flatten()) {
        histogram.add_to(place - first, *count);
    }
    histogram
}

/// Waits until all programs have ended that were running: they run without being interrupted by other threads, and the
/// kernel waits for all that do.
fn programs_have_ended() {
    // Refused where CPUs are kept free of interruptions (nohz_full).
    if membarrier(MembarrierCommand::Global).is_err() {
        thread::sleep(LONG);
    }
}

#[cfg(test)]
pub(super) fn decoded(
    plan: &Plan,
    groupings: &Groupings,
    group: &iotq_group,
    hists: &[Counts],
) -> KernelGroup {
    streams(plan, groupings)[0].group(group, hists)
}

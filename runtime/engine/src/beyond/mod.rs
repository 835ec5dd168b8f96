//! What the host of a guest has seen of its requests. It is looked up when a request is complete, and becomes a part of it.
//!
//! A guest says where on which ring a request was; the host has kept its own record of it there. Which of the host's devices
//! is which of the guest's is learned from what agrees (`pairing`), how far their clocks are apart from what comes first
//! (`clock`). A guest may say what it likes: it is only ever compared with what its own process asked for.

mod clock;
mod cut;
mod pairing;
mod request;
mod rounds;
mod sweep;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use iotq_probes::abi::{iotq_head, iotq_qemu, iotq_qemu_root, iotq_trail};
use zerocopy::{FromBytes, IntoBytes};

use crate::RawRecord;
pub use clock::Apart;
pub(crate) use cut::{Cut, cut_alone, cut_root};
use pairing::{Pairing, Verdict};
pub use pairing::{Queue, Spot};
pub(crate) use request::Span;
use request::{Agreement, Asked};
use rounds::{Found, Search};

/// What the host has kept of the requests of one guest.
pub trait Kept {
    /// The queues of its disks.
    fn queues(&mut self) -> Vec<Queue>;

    /// The records that lie at a spot, one behind the other, each behind its length in eight bytes.
    fn look_up(&mut self, spot: &Spot) -> Option<Vec<u8>>;
}

/// What became of the guest's requests here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Crossed {
    /// Found.
    pub joined: u64,
    /// Not found, or not the same.
    pub unseen: u64,
    /// Of those found: earlier or later than can be, beyond the uncertainty of the clocks.
    pub untimely: u64,
    /// How far off a guest's times may be on the host's clock, in nanoseconds.
    pub uncertainty_ns: u64,
}

/// The host's side of one guest.
pub struct Beyond {
    kept: Box<dyn Kept>,
    pairing: Pairing,
    apart: Apart,
    /// The round in which the last request of a queue was found.
    rounds: HashMap<(u64, u32), u32>,
    counts: Crossed,
    /// What is to be told of devices, a line each.
    notes: Vec<String>,
}

/// The host's part of a request of the guest.
#[derive(Debug)]
pub(crate) enum Part {
    /// Its records, in the guest's time.
    Records(Vec<Vec<u8>>),
    /// Not yet known; it may be in a while.
    NotYet,
    /// It is not one that a host could have seen.
    None,
}

impl Beyond {
    /// For a guest whose clock is so far apart.
    pub fn new(kept: Box<dyn Kept>, apart: Apart) -> Self {
        Self {
            kept,
            apart,
            pairing: Pairing::default(),
            rounds: HashMap::new(),
            counts: Crossed::default(),
            notes: Vec::new(),
        }
    }

    /// What became of the requests so far.
    pub fn counts(&self) -> Crossed {
        Crossed {
            uncertainty_ns: self.apart.uncertainty(),
            ..self.counts
        }
    }

    /// What is to be told of devices, since it was asked last.
    pub fn notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    /// To be added to the guest's monotonic time for the host's.
    pub fn offset(&self) -> i64 {
        self.apart.offset()
    }

    /// The host's part of a request, whose record this is.
    pub(crate) fn part(&mut self, record: &RawRecord<'_>) -> Part {
        let Some(asked) = Asked::of(record) else {
            return Part::None;
        };
        let Some(device) = self
            .pairing
            .of(asked.place.device)
            .or_else(|| self.learn(&asked))
        else {
            return Part::NotYet;
        };
        match self.at(device, &asked) {
            Found::Same(bytes, seen) => {
                let bytes = self.brought(&asked, *seen, &bytes);
                self.counts.joined += 1;
                Part::Records(bytes)
            }
            Found::Nothing if !self.lies_elsewhere(&asked) => Part::NotYet,
            Found::Other | Found::Nothing => {
                // Whatever was believed, it is not so any more.
                self.pairing.forget(asked.place.device);
                let line = format!("{} is not the disk that it was", asked.place.device);
                self.notes.push(line);
                Part::NotYet
            }
        }
    }

    /// Whether a device that is nobody's has a request: a disk may be taken out, and another one put in under its number.
    fn lies_elsewhere(&mut self, asked: &Asked) -> bool {
        let devices = self.devices();
        let mut candidates = self.pairing.candidates(&devices).into_iter();
        candidates.any(|device| matches!(self.at(device, asked), Found::Same(..)))
    }

    /// The host's devices.
    fn devices(&mut self) -> Vec<u64> {
        let queues = self.kept.queues();
        let mut devices: Vec<u64> = queues.iter().map(|it| it.device).collect();
        devices.sort_unstable();
        devices.dedup();
        devices
    }

    /// It will not be found any more.
    pub(crate) fn give_up(&mut self) {
        self.counts.unseen += 1;
    }

    /// What lies where a request was, if it was on that device.
    fn at(&mut self, device: u64, asked: &Asked) -> Found {
        let known = self.rounds.get(&(device, asked.place.queue)).copied();
        let mut search = Search {
            kept: &mut *self.kept,
            device,
            asked,
            apart: &self.apart,
        };
        let (found, round) = search.find(known);
        if let Some(round) = round {
            self.rounds.insert((device, asked.place.queue), round);
        }
        found
    }

    /// Looks which of the host's devices has what the guest asked for.
    fn learn(&mut self, asked: &Asked) -> Option<u64> {
        let devices = self.devices();
        let mut verdicts = Vec::new();
        for device in self.pairing.candidates(&devices) {
            let verdict = match self.at(device, asked) {
                Found::Same(_, seen) if asked.compare(&seen) == Agreement::Whole => Verdict::Agrees,
                Found::Same(..) => Verdict::Hints,
                Found::Other => Verdict::Contradicts,
                Found::Nothing => Verdict::Silent,
            };
            verdicts.push((device, verdict));
        }
        let device = self
            .pairing
            .judge(asked.place.device, &asked.key(), &verdicts)?;
        let queues = self.kept.queues();
        let own = queues.iter().filter(|it| it.device == device);
        let name = own.map(|it| it.name.as_str()).find(|name| !name.is_empty());
        let name = name.map_or_else(String::new, |name| format!(" `{}`", name.escape_debug()));
        let line = format!("{} is QEMU's disk{name}", asked.place.device);
        self.notes.push(line);
        Some(device)
    }

    /// The records in the guest's time, the first of them with what only both sides together know.
    fn brought(&mut self, asked: &Asked, mut seen: iotq_qemu, bytes: &[u8]) -> Vec<Vec<u8>> {
        let pushed = seen.head.at;
        let popped = pushed.saturating_sub(seen.lat);
        if !self
            .apart
            .learn(asked.issued, popped, pushed, asked.completed)
        {
            self.counts.untimely += 1;
        }
        let offset = self.apart.offset();
        let here = |at: u64| at.saturating_sub_signed(offset);
        let popped = here(popped).clamp(asked.issued, asked.completed);
        let pushed = here(pushed).clamp(popped, asked.completed);
        seen.kick = popped - asked.issued;
        seen.inject = asked.completed - pushed;
        let over = seen.lat.saturating_sub(pushed - popped);
        seen.lat -= over;
        seen.head.at = pushed;
        let mut all = vec![with_trail(seen, bytes, over)];
        for more in records(bytes).skip(1) {
            let mut more = more.to_vec();
            if let Ok((head, _)) = iotq_head::mut_from_prefix(&mut more) {
                head.at = here(head.at);
            }
            all.push(more);
        }
        all
    }
}

/// The records of what is kept at a spot.
fn records(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = bytes.split_first_chunk()?;
        let length = usize::try_from(u64::from_ne_bytes(*length)).ok()?;
        let record = rest.get(..length)?;
        // The next length is aligned.
        bytes = rest.get(length.next_multiple_of(8)..).unwrap_or(&[]);
        Some(record)
    })
}

/// The host's own record among them, which comes first.
fn own(bytes: &[u8]) -> Option<iotq_qemu> {
    let first = records(bytes).next()?;
    let (own, trail) = iotq_qemu::read_from_prefix(first).ok()?;
    [0, size_of::<iotq_trail>()]
        .contains(&trail.len())
        .then_some(own)
}

/// A request with the trail of the first of some records, if it has one: without a time that is not the guest's.
fn with_trail(request: iotq_qemu, bytes: &[u8], mut over: u64) -> Vec<u8> {
    let followed = records(bytes).next().map(iotq_qemu_root::read_from_bytes);
    let Some(Ok(mut followed)) = followed else {
        return request.as_bytes().to_vec();
    };
    followed.request = request;
    // What was spent in QEMU alone goes first: it is the last of them.
    for stage in followed.trail.stages.iter_mut().rev() {
        let part = over.min(*stage);
        *stage -= part;
        over -= part;
    }
    followed.as_bytes().to_vec()
}

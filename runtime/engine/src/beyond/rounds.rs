//! Indices of a ring are used again and again: in which round a request was, its time tells. So are the ids of NVMe commands,
//! which come in no order: a round of theirs is a time.

use iotq_probes::abi::{IOTQ_NVME_ROUND_SHIFT, iotq_qemu};

use super::request::{Agreement, Asked};
use super::{Apart, Kept, Spot, own};

/// How far off the times of both sides may be for a request to be taken for the same, beside the uncertainty of the clocks.
/// What agrees in everything else is joined, and counted.
const SLACK: i128 = 5_000_000;

/// Rounds in which a command is looked for, from where it can have been first: that is some 30 ms. It is fetched soon.
const MOST_ROUNDS: u64 = 1 << 10;

/// What lies where a request was.
#[derive(Debug)]
pub(super) enum Found {
    /// It, with the bytes that it is the first record of.
    Same(Vec<u8>, Box<iotq_qemu>),
    /// Another one, which was there at that time.
    Other,
    Nothing,
}

/// What lies at a spot, as seen from what is looked for.
enum Look {
    Now(Found),
    Earlier,
    Later,
    Empty,
}

/// Looks for one request on one device.
pub(super) struct Search<'a> {
    pub kept: &'a mut dyn Kept,
    pub device: u64,
    pub asked: &'a Asked,
    pub apart: &'a Apart,
}

impl Search<'_> {
    /// `known`: a round in which there was one of its queue not long ago. Also the round where it was.
    pub fn find(&mut self, known: Option<u32>) -> (Found, Option<u32>) {
        if self.asked.by_time() {
            return (self.in_time(), None);
        }
        let near = known.into_iter().flat_map(|it| [it, it.saturating_add(1)]);
        for round in near {
            match self.look(round) {
                Look::Now(found) => return (found, Some(round)),
                Look::Later => break,
                Look::Earlier | Look::Empty => {}
            }
        }
        let Some(newest) = self.newest() else {
            return (Found::Nothing, None);
        };
        self.back_from(newest)
    }

    /// Within the time that it may have been fetched; then a little before.
    fn in_time(&mut self) -> Found {
        let (low, high) = self.apart.bounds(self.asked.completed);
        let round = |at: u64, apart: i64| at.saturating_add_signed(apart) >> IOTQ_NVME_ROUND_SHIFT;
        let first = round(self.asked.issued, low);
        let last = round(self.asked.completed, high).min(first.saturating_add(MOST_ROUNDS));
        let slack = (SLACK >> IOTQ_NVME_ROUND_SHIFT) as u64;
        let before = first.saturating_sub(slack)..first;
        for round in (first..=last).chain(before.rev()) {
            // As the kernel has it: its lower bits.
            if let Look::Now(found) = self.look(round as u32) {
                return found;
            }
        }
        Found::Nothing
    }

    /// With steps that double, until it is too early; then between.
    fn back_from(&mut self, newest: u32) -> (Found, Option<u32>) {
        let (mut later, mut low) = (newest.saturating_add(1), newest);
        for step in (0..32).map(|it| (1u32 << it) >> 1) {
            low = newest.saturating_sub(step);
            match self.look(low) {
                Look::Now(found) => return (found, Some(low)),
                Look::Later => later = low,
                // In the newest round, the ring may not have come that far.
                Look::Empty if step == 0 => {}
                Look::Earlier | Look::Empty => break,
            }
            if low == 0 {
                return (Found::Nothing, None);
            }
        }
        while later.saturating_sub(low) > 1 {
            let middle = low + (later - low) / 2;
            match self.look(middle) {
                Look::Now(found) => return (found, Some(middle)),
                Look::Later => later = middle,
                Look::Earlier | Look::Empty => low = middle,
            }
        }
        (Found::Nothing, None)
    }

    fn newest(&mut self) -> Option<u32> {
        let queues = self.kept.queues();
        let mut own = queues.iter();
        own.find(|it| it.device == self.device && it.queue == self.asked.place.queue)
            .map(|it| it.round)
    }

    fn look(&mut self, round: u32) -> Look {
        let spot = Spot {
            device: self.device,
            queue: self.asked.place.queue,
            index: self.asked.place.index,
            round,
        };
        let found = self.kept.look_up(&spot);
        let found = found.and_then(|bytes| own(&bytes).map(|seen| (bytes, seen)));
        found.map_or(Look::Empty, |(bytes, seen)| self.judged(bytes, seen))
    }

    fn judged(&self, bytes: Vec<u8>, seen: iotq_qemu) -> Look {
        let (low, high) = self.apart.bounds(self.asked.completed);
        let (low, high) = (i128::from(low), i128::from(high));
        let issued = i128::from(self.asked.issued);
        let completed = i128::from(self.asked.completed);
        let pushed = i128::from(seen.head.at);
        let popped = pushed - i128::from(seen.lat);
        let is_near = popped >= issued + low - SLACK && pushed <= completed + high + SLACK;
        if is_near && self.asked.compare(&seen) != Agreement::No {
            return Look::Now(Found::Same(bytes, Box::new(seen)));
        }
        // Only one request has an index at a time.
        if popped >= issued + low && pushed <= completed + high {
            return Look::Now(Found::Other);
        }
        match popped + pushed < issued + completed + low + high {
            true => Look::Earlier,
            false => Look::Later,
        }
    }
}

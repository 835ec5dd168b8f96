//! Which of the host's devices is which of the guest's: the one where the guest's requests lie.
//!
//! A pairing is believed when requests agree there, nothing contradicts, and all other devices fall behind. It is given up
//! when something contradicts.

use std::collections::{HashMap, HashSet};

use super::request::Device;

/// What a request weighs that agrees in all, against one that has nothing but its place on the ring, its kind and its time.
const WHOLE: u32 = 3;
/// So much more must be said for a device than for any other one of which nothing is known to be wrong.
const AHEAD: u32 = 3 * WHOLE;
/// Devices of a guest of which something is remembered.
const MOST: usize = 256;

/// A queue of a disk on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// The device, by its address.
    pub device: u64,
    /// Its number.
    pub queue: u32,
    /// How often its indices have begun anew.
    pub round: u32,
    /// What the disk is called; empty if that is not known.
    pub name: String,
}

/// A place on a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spot {
    /// The device, by its address.
    pub device: u64,
    /// The queue.
    pub queue: u32,
    /// The index in its available ring,
    pub index: u32,
    /// in this round.
    pub round: u32,
}

/// What one request says of one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Agrees,
    /// As far as can be told: a flush has no place.
    Hints,
    Contradicts,
    Silent,
}

/// What is known of all devices of a guest.
#[derive(Debug, Default)]
pub(super) struct Pairing {
    believed: HashMap<Device, u64>,
    evidence: HashMap<Device, Evidence>,
}

/// What is known of one device that is not paired.
#[derive(Debug, Default)]
struct Evidence {
    agreed: HashMap<u64, u32>,
    excluded: HashSet<u64>,
    /// The request that was judged last: it is asked for again and again until it is found.
    last: HashSet<(u32, u32, u64)>,
}

impl Pairing {
    /// The host's device.
    pub fn of(&self, device: Device) -> Option<u64> {
        self.believed.get(&device).copied()
    }

    /// What it may be: each is one of the guest's only.
    pub fn candidates(&self, all: &[u64]) -> Vec<u64> {
        let taken = |it: &u64| self.believed.values().any(|other| other == it);
        all.iter().filter(|it| !taken(it)).copied().collect()
    }

    /// Takes what a request says of each candidate; the device, when it is clear.
    pub fn judge(
        &mut self,
        device: Device,
        request: &(u32, u32, u64),
        verdicts: &[(u64, Verdict)],
    ) -> Option<u64> {
        if self.evidence.len() >= MOST && !self.evidence.contains_key(&device) {
            return None;
        }
        let evidence = self.evidence.entry(device).or_default();
        evidence.take(request, verdicts);
        let found = evidence.clear(verdicts)?;
        self.evidence.remove(&device);
        self.believed.insert(device, found);
        Some(found)
    }

    /// It was believed, and is not so.
    pub fn forget(&mut self, device: Device) {
        self.believed.remove(&device);
        self.evidence.remove(&device);
    }
}

impl Evidence {
    fn take(&mut self, request: &(u32, u32, u64), verdicts: &[(u64, Verdict)]) {
        let says = verdicts.iter().any(|(_, it)| *it != Verdict::Silent);
        if !says || !self.last.insert(*request) {
            return;
        }
        if self.last.len() > MOST {
            self.last.clear();
        }
        for (device, verdict) in verdicts {
            match verdict {
                Verdict::Agrees => *self.agreed.entry(*device).or_default() += WHOLE,
                Verdict::Hints => *self.agreed.entry(*device).or_default() += 1,
                Verdict::Contradicts => {
                    self.excluded.insert(*device);
                }
                Verdict::Silent => {}
            }
        }
        // Devices come and go.
        let known = |it: &u64| verdicts.iter().any(|(device, _)| device == it);
        self.agreed.retain(|it, _| known(it));
        self.excluded.retain(|it| known(it));
    }

    /// The one that is left, or far ahead.
    fn clear(&self, verdicts: &[(u64, Verdict)]) -> Option<u64> {
        let possible = verdicts.iter().map(|(device, _)| *device);
        let possible = possible.filter(|it| !self.excluded.contains(it));
        let count = |it: &u64| self.agreed.get(it).copied().unwrap_or(0);
        let mut all: Vec<(u32, u64)> = possible.map(|it| (count(&it), it)).collect();
        all.sort_unstable_by(|a, b| b.cmp(a));
        match all[..] {
            [(best, device)] if best >= WHOLE => Some(device),
            [(best, device), (second, _), ..] if best >= second.saturating_add(AHEAD) => {
                Some(device)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DISK: Device = Device::Virtio(3);
    const A: u64 = 0xa000;
    const B: u64 = 0xb000;

    fn request(number: u64) -> (u32, u32, u64) {
        (0, 0, number)
    }

    #[test]
    fn the_only_disk_is_believed_when_a_request_agrees() {
        let mut pairing = Pairing::default();
        assert_eq!(
            pairing.judge(DISK, &request(1), &[(A, Verdict::Silent)]),
            None
        );
        assert_eq!(
            pairing.judge(DISK, &request(2), &[(A, Verdict::Agrees)]),
            Some(A)
        );
        assert_eq!(pairing.of(DISK), Some(A));
        assert_eq!(pairing.candidates(&[A, B]), [B]);
    }

    #[test]
    fn of_two_that_agree_the_one_is_taken_that_goes_on_to() {
        use Verdict::{Agrees, Contradicts, Silent};
        let mut pairing = Pairing::default();
        // Both are written alike, as those of a mirror.
        for number in 0..10 {
            let both = [(A, Agrees), (B, Agrees)];
            assert_eq!(pairing.judge(DISK, &request(number), &both), None);
        }
        let one = [(A, Contradicts), (B, Agrees)];
        assert_eq!(pairing.judge(DISK, &request(20), &one), Some(B));
        assert_eq!(pairing.candidates(&[A, B]), [A]);
        // Of the other one, nothing was seen where this one had something.
        let mut pairing = Pairing::default();
        for number in 0..2 {
            let one = [(A, Agrees), (B, Silent)];
            assert_eq!(pairing.judge(DISK, &request(number), &one), None);
            // The same request again is no more evidence.
            assert_eq!(pairing.judge(DISK, &request(number), &one), None);
        }
        let one = [(A, Agrees), (B, Silent)];
        assert_eq!(pairing.judge(DISK, &request(2), &one), Some(A));
    }

    #[test]
    fn flushes_alone_need_some_more() {
        use Verdict::{Hints, Silent};
        let mut pairing = Pairing::default();
        for number in 0..2 {
            let hint = [(A, Hints)];
            assert_eq!(pairing.judge(DISK, &request(number), &hint), None);
            assert_eq!(pairing.judge(DISK, &request(number), &hint), None);
        }
        assert_eq!(pairing.judge(DISK, &request(2), &[(A, Hints)]), Some(A));
        let mut pairing = Pairing::default();
        for number in 0..8 {
            let two = [(A, Hints), (B, Silent)];
            assert_eq!(pairing.judge(DISK, &request(number), &two), None);
        }
        let two = [(A, Hints), (B, Silent)];
        assert_eq!(pairing.judge(DISK, &request(8), &two), Some(A));
    }

    #[test]
    fn a_disk_that_contradicts_is_not_believed() {
        use Verdict::{Agrees, Contradicts};
        let mut pairing = Pairing::default();
        assert_eq!(pairing.judge(DISK, &request(0), &[(A, Contradicts)]), None);
        for number in 1..100 {
            let agrees = [(A, Agrees)];
            assert_eq!(pairing.judge(DISK, &request(number), &agrees), None);
        }
        pairing.forget(DISK);
        assert_eq!(pairing.judge(DISK, &request(100), &[(A, Agrees)]), Some(A));
    }

    #[test]
    fn a_guest_with_too_many_disks_is_bounded() {
        let mut pairing = Pairing::default();
        for device in 0..10_000 {
            pairing.judge(
                Device::Virtio(device),
                &request(0),
                &[(A, Verdict::Contradicts)],
            );
        }
        assert!(pairing.evidence.len() <= MOST);
    }
}

//! Requests of guests that are kept in the kernel: they are looked up, one by one, from the guest's side.
//!
//! A guest has a process, and is shown nothing but what that process did. What belongs to a request that is followed lies in
//! a ring of parts, in which the newest write over the oldest.

use std::collections::HashMap as Known;
use std::time::{Duration, Instant};

use aya::maps::{Array, HashMap, MapData, MapError};
use iotq_engine::beyond::{Queue, Spot};
use iotq_probes::abi::{
    IOTQ_MARK_CROWDED, IOTQ_PART_WORDS, IOTQ_ROOT_CALLS, IOTQ_ROOT_CHILDREN, iotq_kept,
    iotq_kept_key, iotq_qemu, iotq_qemu_key, iotq_qemu_queue, iotq_trail,
};
use zerocopy::{FromBytes, FromZeros, IntoBytes};

use crate::qemu;

type KeptKey = [u64; size_of::<iotq_kept_key>() / 8];
type KeptValue = [u64; size_of::<iotq_kept>() / 8];
/// A record behind its length in bytes, which is zero if there is none.
type Part = [u64; 1 + IOTQ_PART_WORDS as usize];
type QueueKey = [u64; size_of::<iotq_qemu_key>() / 8];
type QueueValue = [u64; size_of::<iotq_qemu_queue>() / 8];

/// Only where there is none yet (`BPF_NOEXIST`).
const NEW: u64 = 1;

/// Queues are few and rarely new: they are read so often at most.
const LOOK: Duration = Duration::from_millis(5);

/// The kernel's maps of it.
pub(crate) struct Maps {
    pub kept: HashMap<MapData, KeptKey, KeptValue>,
    pub parts: Array<MapData, Part>,
    /// A lock, and how many parts were given away.
    pub given: Array<MapData, [u64; 2]>,
    pub keeping: HashMap<MapData, u32, u32>,
    pub queues: HashMap<MapData, QueueKey, QueueValue>,
}

/// All that is kept.
pub struct Kept {
    maps: Maps,
    /// Requests whose parts were written over before they were asked for.
    forgotten: u64,
    known: Known<u32, Vec<Queue>>,
    looked: Option<Instant>,
    /// The executables that are hooked.
    executables: Vec<qemu::Identity>,
}

impl Kept {
    pub(crate) fn new(maps: Maps, executables: Vec<qemu::Identity>) -> Self {
        Self {
            maps,
            forgotten: 0,
            known: Known::new(),
            looked: None,
            executables,
        }
    }

    /// Whether what a process does is seen: it may run an executable that did not run when the hooks were made.
    pub fn sees(&self, pid: u32) -> bool {
        let executable = qemu::executable(pid);
        executable.is_some_and(|it| self.executables.contains(&it))
    }

    /// From now on, the requests of this process's guest are kept.
    ///
    /// # Errors
    /// If they are already, or there are too many: a process has one guest.
    pub fn keep(&mut self, pid: u32) -> Result<(), MapError> {
        self.maps.keeping.insert(pid, 1, NEW)
    }

    /// They are not any more.
    pub fn leave(&mut self, pid: u32) {
        // Whoever is not there is left alone already.
        let _ = self.maps.keeping.remove(&pid);
    }

    /// The queues of a process's disks that have been used.
    pub fn queues(&mut self, pid: u32) -> Vec<Queue> {
        if self.looked.is_none_or(|at| at.elapsed() >= LOOK) {
            self.known.clear();
            for (key, value) in self.maps.queues.iter().flatten() {
                let key: iotq_qemu_key = zerocopy::transmute!(key);
                let value: iotq_qemu_queue = zerocopy::transmute!(value);
                self.known.entry(key.pid).or_default().push(queue(&value));
            }
            self.looked = Some(Instant::now());
        }
        self.known.get(&pid).cloned().unwrap_or_default()
    }

    /// Requests of which only that they were is known: what was done for them was forgotten too soon.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// What lies at a spot of a process's rings: records, each behind its length in eight bytes, the request's first. Where it
    /// is followed, that has its trail.
    pub fn look_up(&mut self, pid: u32, spot: &Spot) -> Option<Vec<u8>> {
        let mut key = iotq_kept_key::new_zeroed();
        key.device = spot.device;
        key.pid = pid;
        (key.queue, key.index, key.round) = (spot.queue, spot.index, spot.round);
        let found = self.maps.kept.get(&zerocopy::transmute!(key), 0).ok()?;
        let found: iotq_kept = zerocopy::transmute!(found);
        let used = usize::try_from(found.used).ok()?;
        let own = found.words.as_bytes().get(size_of::<u64>()..used)?;
        let mut request = iotq_qemu::read_from_bytes(own).ok()?;
        let parts = match found.parts {
            0 => Some(Vec::new()),
            _ => self.parts(&found),
        };
        let parts = parts.unwrap_or_else(|| {
            self.forgotten += 1;
            request.head.marks |= IOTQ_MARK_CROWDED as u16;
            Vec::new()
        });
        Some(laid_out(&request, &parts))
    }

    /// What belongs to a request; nothing if it was written over.
    fn parts(&self, of: &iotq_kept) -> Option<Vec<Part>> {
        let room = u64::from(self.maps.parts.len());
        let mut parts = Vec::with_capacity(MOST_PARTS);
        for number in (of.first..).take(usize::try_from(of.parts).ok()?.min(MOST_PARTS)) {
            let place = u32::try_from(number.checked_rem(room)?).ok()?;
            let part = self.maps.parts.get(&place, 0).ok()?;
            parts.push(part);
        }
        // Whoever writes one over has taken its number before.
        let [_, given] = self.maps.given.get(&0, 0).ok()?;
        (given.wrapping_sub(of.first) <= room).then_some(parts)
    }
}

/// The most parts that a request has.
const MOST_PARTS: usize = 1 + IOTQ_ROOT_CALLS as usize + IOTQ_ROOT_CHILDREN as usize;

/// A request and what belongs to it as records, each behind its length.
fn laid_out(request: &iotq_qemu, parts: &[Part]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut add = |record: &[&[u8]]| {
        let length: usize = record.iter().map(|it| it.len()).sum();
        bytes.extend_from_slice(&(length as u64).to_ne_bytes());
        record.iter().for_each(|it| bytes.extend_from_slice(it));
        bytes.resize(bytes.len().next_multiple_of(8), 0);
    };
    let mut parts = parts.iter().filter_map(|part| {
        let (size, record) = part.split_first()?;
        let record = record.as_bytes().get(..usize::try_from(*size).ok()?);
        record.filter(|record| !record.is_empty())
    });
    let trail = parts
        .next()
        .filter(|it| it.len() == size_of::<iotq_trail>());
    add(&[request.as_bytes(), trail.unwrap_or_default()]);
    parts.for_each(|record| add(&[record]));
    bytes
}

fn queue(it: &iotq_qemu_queue) -> Queue {
    let name = it.name.map(|byte| byte.cast_unsigned());
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    Queue {
        device: it.device,
        queue: it.queue,
        round: it.round,
        name: String::from_utf8_lossy(name).into_owned(),
    }
}

/// The processes of QEMU, by what they say of themselves on their command lines.
#[derive(Debug, Default)]
pub struct Guests(Vec<Guest>);

#[derive(Debug)]
struct Guest {
    pid: u32,
    name: Option<String>,
    cid: Option<u32>,
}

impl Guests {
    /// Those that run.
    pub fn running() -> Self {
        let all = qemu::running();
        let pids = all.iter().flat_map(|it| &it.processes);
        let guest = |&pid: &u32| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            Some(Guest::of(pid, &line))
        };
        Self(pids.filter_map(guest).collect())
    }

    /// The process of a guest: that with its context id, or else that of its name. A name is only what a guest says: it does
    /// not count where the process has another context id, nor where several have it.
    pub fn process(&self, name: &str, cid: Option<u32>) -> Option<u32> {
        let by_cid = cid.and_then(|cid| self.only(|it| it.cid == Some(cid)));
        let named = |it: &Guest| it.name.as_deref() == Some(name);
        by_cid.or_else(|| self.only(|it| named(it) && (cid.is_none() || it.cid.is_none())))
    }

    fn only(&self, is: impl Fn(&Guest) -> bool) -> Option<u32> {
        let mut found = self.0.iter().filter(|it| is(it));
        let first = found.next()?;
        found.next().is_none().then_some(first.pid)
    }
}

impl Guest {
    fn of(pid: u32, line: &[u8]) -> Self {
        let words = line.split(|byte| *byte == 0);
        let words: Vec<String> = words
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect();
        let options = words.windows(2);
        let mut names = options.filter(|it| it[0] == "-name" || it[0] == "--name");
        let mut parts = words.iter().flat_map(|word| word.split(','));
        Self {
            pid,
            name: names.next_back().map(|it| name_of(&it[1])),
            cid: parts.find_map(|part| part.strip_prefix("guest-cid=")?.parse().ok()),
        }
    }
}

/// `vm1`, `guest=vm1,debug-threads=on`, `vm1,process=x`.
fn name_of(option: &str) -> String {
    let mut parts = option.split(',');
    let named = parts.clone().find_map(|part| part.strip_prefix("guest="));
    let first = parts.next().filter(|part| !part.contains('='));
    named.or(first).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest(words: &[&str]) -> Guest {
        Guest::of(7, words.join("\0").as_bytes())
    }

    #[test]
    fn a_command_line_tells_whose_guest_it_is() {
        for (words, name, cid) in [
            (&["qemu", "-name", "vm1", "-m", "1G"][..], Some("vm1"), None),
            (
                &["qemu", "-name", "guest=vm1,debug-threads=on"],
                Some("vm1"),
                None,
            ),
            (&["qemu", "-name", "vm1,process=x"], Some("vm1"), None),
            (
                &["qemu", "-device", "vhost-vsock-pci,id=v,guest-cid=42"],
                None,
                Some(42),
            ),
            (&["qemu", "-name"], None, None),
            (&[], None, None),
        ] {
            let guest = guest(words);
            assert_eq!(guest.name.as_deref(), name, "{words:?}");
            assert_eq!(guest.cid, cid, "{words:?}");
        }
    }

    #[test]
    fn parts_follow_their_request() {
        let mut request = iotq_qemu::new_zeroed();
        request.size = 4096;
        let part = |size: usize, word: u64| {
            let mut part = [0; 1 + IOTQ_PART_WORDS as usize];
            (part[0], part[1]) = (size as u64, word);
            part
        };
        let trail = part(size_of::<iotq_trail>(), 1);
        let own = size_of::<iotq_qemu>();
        let lengths = |parts: &[Part]| {
            let bytes = laid_out(&request, parts);
            let mut rest = &bytes[..];
            let mut found = Vec::new();
            while let Some((length, behind)) = rest.split_first_chunk() {
                let length = u64::from_ne_bytes(*length) as usize;
                found.push((length, behind[0]));
                rest = &behind[length.next_multiple_of(8)..];
            }
            found
        };
        assert_eq!(lengths(&[]), [(own, 0)]);
        let with_trail = own + size_of::<iotq_trail>();
        assert_eq!(lengths(&[trail]), [(with_trail, 0)]);
        // One of them went into another request, and one is longer than there is room for.
        let all = [trail, part(160, 2), part(0, 3), part(281, 4), part(224, 5)];
        assert_eq!(lengths(&all), [(with_trail, 0), (160, 2), (224, 5)]);
        // What should be the trail is not.
        assert_eq!(lengths(&[part(160, 2)]), [(own, 0)]);
    }

    #[test]
    fn of_two_with_one_name_none_is_taken() {
        let all = Guests(vec![
            guest(&["qemu", "-name", "a"]),
            guest(&["qemu", "-name", "a"]),
            guest(&["qemu", "-name", "b"]),
        ]);
        assert_eq!(all.process("a", None), None);
        assert_eq!(all.process("b", None), Some(7));
        assert_eq!(all.process("c", Some(3)), None);
    }

    #[test]
    fn a_context_id_counts_more_than_a_name() {
        let mut other = guest(&["qemu", "-name", "b", "-device", "x,guest-cid=4"]);
        other.pid = 8;
        let all = Guests(vec![
            guest(&["qemu", "-name", "a", "-device", "x,guest-cid=3"]),
            other,
        ]);
        assert_eq!(all.process("b", Some(3)), Some(7));
        // Who it is not cannot be pretended.
        assert_eq!(all.process("b", Some(5)), None);
        assert_eq!(all.process("b", None), Some(8));
    }
}

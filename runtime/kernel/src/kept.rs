//! Requests of guests that are kept in the kernel: they are looked up, one by one, from the guest's side.
//!
//! A guest has a process, and is shown nothing but what that process did.

use std::collections::HashMap as Known;
use std::time::{Duration, Instant};

use aya::maps::{HashMap, MapData, MapError};
use iotq_engine::beyond::{Queue, Spot};
use iotq_probes::abi::{iotq_kept, iotq_kept_key, iotq_qemu_key, iotq_qemu_queue};
use zerocopy::{FromZeros, IntoBytes};

use crate::qemu;

type KeptKey = [u64; size_of::<iotq_kept_key>() / 8];
type KeptValue = [u64; size_of::<iotq_kept>() / 8];
type QueueKey = [u64; size_of::<iotq_qemu_key>() / 8];
type QueueValue = [u64; size_of::<iotq_qemu_queue>() / 8];

/// Only where there is none yet (`BPF_NOEXIST`).
const NEW: u64 = 1;

/// Queues are few and rarely new: they are read so often at most.
const LOOK: Duration = Duration::from_millis(5);

/// All that is kept.
pub struct Kept {
    kept: HashMap<MapData, KeptKey, KeptValue>,
    keeping: HashMap<MapData, u32, u32>,
    queues: HashMap<MapData, QueueKey, QueueValue>,
    known: Known<u32, Vec<Queue>>,
    looked: Option<Instant>,
    /// The executables that are hooked.
    executables: Vec<qemu::Identity>,
}

impl Kept {
    pub(crate) fn new(
        kept: HashMap<MapData, KeptKey, KeptValue>,
        keeping: HashMap<MapData, u32, u32>,
        queues: HashMap<MapData, QueueKey, QueueValue>,
        executables: Vec<qemu::Identity>,
    ) -> Self {
        Self {
            kept,
            keeping,
            queues,
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
        self.keeping.insert(pid, 1, NEW)
    }

    /// They are not any more.
    pub fn leave(&mut self, pid: u32) {
        // Whoever is not there is left alone already.
        let _ = self.keeping.remove(&pid);
    }

    /// The queues of a process's disks that have been used.
    pub fn queues(&mut self, pid: u32) -> Vec<Queue> {
        if self.looked.is_none_or(|at| at.elapsed() >= LOOK) {
            self.known.clear();
            for (key, value) in self.queues.iter().flatten() {
                let key: iotq_qemu_key = zerocopy::transmute!(key);
                let value: iotq_qemu_queue = zerocopy::transmute!(value);
                self.known.entry(key.pid).or_default().push(queue(&value));
            }
            self.looked = Some(Instant::now());
        }
        self.known.get(&pid).cloned().unwrap_or_default()
    }

    /// What lies at a spot of a process's rings: records, each behind its length in eight bytes.
    pub fn look_up(&self, pid: u32, spot: &Spot) -> Option<Vec<u8>> {
        let mut key = iotq_kept_key::new_zeroed();
        key.device = spot.device;
        key.pid = pid;
        (key.queue, key.index, key.round) = (spot.queue, spot.index, spot.round);
        let found = self.kept.get(&zerocopy::transmute!(key), 0).ok()?;
        let found: iotq_kept = zerocopy::transmute!(found);
        let used = usize::try_from(found.used).ok()?;
        let bytes = found.words.as_bytes().get(..used)?;
        (!bytes.is_empty()).then(|| bytes.to_vec())
    }
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

//! What this machine calls the numbers in records.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use iotq_engine::Names;
use iotq_kernel::names::{cgroup, device};
use iotq_lang::ir::Name;
use iotq_lang::plan::{Meaning, Plan};

/// How often unknown control groups are searched again: the hierarchy can be large.
const SEARCH_AGAIN: Duration = Duration::from_secs(1);

/// Names as they were at the start, and those of what has come since.
pub struct MachineNames {
    devices: HashMap<u32, String>,
    new_devices: RefCell<HashMap<u32, Option<String>>>,
    files: HashMap<(u32, u64), String>,
    cgroups: RefCell<Cgroups>,
}

struct Cgroups {
    paths: HashMap<u64, String>,
    read: Option<Instant>,
}

impl MachineNames {
    /// The names that the records of a plan can need.
    pub fn read(plan: &Plan, meanings: &[Meaning]) -> Self {
        Self::with(&plan.names, meanings)
    }

    /// All names; the files that a query names are known by their paths in it.
    pub fn with(names: &[Name], meanings: &[Meaning]) -> Self {
        let file = |(name, meaning): (&Name, &Meaning)| match meaning {
            Meaning::File { dev, inode } => Some(((*dev, *inode), name.text.clone())),
            _ => None,
        };
        Self {
            devices: device::all()
                .into_iter()
                .map(|device| (device.number, device.name))
                .collect(),
            new_devices: RefCell::default(),
            files: names.iter().zip(meanings).filter_map(file).collect(),
            cgroups: RefCell::new(Cgroups {
                paths: HashMap::new(),
                read: None,
            }),
        }
    }
}

impl Names for MachineNames {
    fn dev(&self, number: u32) -> Option<Cow<'_, str>> {
        if let Some(name) = self.devices.get(&number) {
            return Some(Cow::Borrowed(name));
        }
        let mut new = self.new_devices.borrow_mut();
        let search = || device::by_number(number).map(|device| device.name);
        new.entry(number)
            .or_insert_with(search)
            .clone()
            .map(Cow::Owned)
    }

    fn file(&self, dev: u32, inode: u64) -> Option<Cow<'_, str>> {
        self.files
            .get(&(dev, inode))
            .map(|path| Cow::Borrowed(path.as_str()))
    }

    fn cgroup(&self, id: u64) -> Option<Cow<'_, str>> {
        let mut groups = self.cgroups.borrow_mut();
        let stale = groups
            .read
            .is_none_or(|read| read.elapsed() >= SEARCH_AGAIN);
        if stale && !groups.paths.contains_key(&id) {
            *groups = Cgroups {
                paths: cgroup::paths(),
                read: Some(Instant::now()),
            };
        }
        groups.paths.get(&id).cloned().map(Cow::Owned)
    }
}

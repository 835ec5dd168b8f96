//! What the machine calls its numbers, for people to read.

use std::borrow::Cow;

/// The names of devices, files and control groups, as far as they are known.
pub trait Names {
    /// A block device.
    fn dev(&self, number: u32) -> Option<Cow<'_, str>>;
    /// A file: its path.
    fn file(&self, dev: u32, inode: u64) -> Option<Cow<'_, str>>;
    /// A control group: its path.
    fn cgroup(&self, id: u64) -> Option<Cow<'_, str>>;
    /// The guest whose names they are; none of this machine.
    fn guest(&self) -> Option<&str> {
        None
    }
    /// Those of its host, if that is known, too.
    fn of_host(&self) -> Option<&dyn Names> {
        None
    }
}

/// Knows none.
#[derive(Clone, Copy, Debug)]
pub struct NoNames;

impl Names for NoNames {
    fn dev(&self, _: u32) -> Option<Cow<'_, str>> {
        None
    }

    fn file(&self, _: u32, _: u64) -> Option<Cow<'_, str>> {
        None
    }

    fn cgroup(&self, _: u64) -> Option<Cow<'_, str>> {
        None
    }
}

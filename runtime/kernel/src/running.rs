//! A plan at work: its records and its books. Dropping it detaches everything.

use std::fs;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use aya::maps::{MapData, MapError, PerCpuArray, RingBuf};
use aya::programs::ProgramFd;
use iotq_probes::abi::iotq_counts;

use crate::groups::{Groups, KernelGroup};
use crate::install::{Hold, InstallError};
use crate::kept::Kept;
use crate::unended::Requests;

type Books = [u64; size_of::<iotq_counts>() / 8];

/// An installed plan.
pub struct Running {
    attached: Option<Attached>,
    ring: RingBuf<MapData>,
    counts: PerCpuArray<MapData, Books>,
    requests: Option<Requests>,
    groups: Groups,
    kept: Option<Kept>,
    /// What this kernel lacks, and what is lost by it: a line each.
    pub missing: Vec<String>,
}

/// Programs at work. All else that the object had is not needed any more, and takes a megabyte.
pub(crate) struct Attached {
    pub programs: Vec<ProgramFd>,
    /// What is dropped is detached.
    #[expect(dead_code, reason = "it is there to be dropped")]
    pub holds: Vec<Hold>,
}

/// What the probes have counted, over all layers and CPUs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Operations that the probes judged.
    pub seen: u64,
    /// Records that passed and were handed over.
    pub shipped: u64,
    /// Records that passed and found the ring full, and operations for which there was no room.
    pub lost: u64,
    /// Of these, operations for which there was no room.
    pub untracked: u64,
    /// Ends without a start that was seen.
    pub unmatched: u64,
    /// Records with a part that was made up for.
    pub approx: u64,
    /// Records that went into groups in the kernel, and nowhere else.
    pub grouped: u64,
    /// Records that found no room among the groups in the kernel and were handed over.
    pub spilled: u64,
}

impl Counts {
    /// Adds a request whose end was not seen; `passed`: it made a row.
    pub fn add_unended(&mut self, passed: bool) {
        self.seen += 1;
        self.unmatched += 1;
        self.shipped += u64::from(passed);
        self.approx += u64::from(passed);
    }
}

impl Running {
    pub(crate) fn new(
        attached: Attached,
        ring: RingBuf<MapData>,
        counts: PerCpuArray<MapData, Books>,
        requests: Option<Requests>,
        groups: Groups,
        kept: Option<Kept>,
        missing: Vec<String>,
    ) -> Self {
        Self {
            attached: Some(attached),
            ring,
            counts,
            requests,
            groups,
            kept,
            missing,
        }
    }

    /// What is kept of guests' requests. It is to be asked for when it is installed, and taken once.
    ///
    /// # Errors
    /// If it is not there.
    pub fn take_kept(&mut self) -> Result<Kept, InstallError> {
        self.kept.take().ok_or(InstallError::Missing("iotq_kept"))
    }

    /// Hands every waiting record to `each`, until the ring is empty or `each` says that it is enough.
    pub fn drain(&mut self, mut each: impl FnMut(&[u8]) -> bool) {
        while let Some(record) = self.ring.next() {
            if !each(&record) {
                return;
            }
        }
    }

    /// The books as they stand.
    ///
    /// # Errors
    /// If the kernel does not answer.
    pub fn counts(&self) -> Result<Counts, MapError> {
        let mut sum = Counts::default();
        for layer in 0..self.counts.len() {
            for books in self.counts.get(&layer, 0)?.iter() {
                let books: iotq_counts = zerocopy::transmute!(*books);
                sum.shipped += books.shipped;
                sum.lost += books.lost_ring + books.lost_slot;
                sum.untracked += books.lost_slot;
                sum.seen += books.rejected + books.shipped + books.grouped;
                sum.seen += books.lost_ring + books.lost_slot;
                sum.unmatched += books.unmatched;
                sum.approx += books.approx;
                sum.grouped += books.grouped;
                sum.spilled += books.spilled;
            }
        }
        Ok(sum)
    }

    /// Takes out what has been grouped in the kernel for some streams, a bit each: of each CPU by itself.
    ///
    /// # Errors
    /// If the kernel does not answer.
    pub fn groups(&mut self, streams: u32) -> Result<Vec<KernelGroup>, MapError> {
        self.groups.take(streams)
    }

    /// The records of requests, and of drivers' commands, whose end has gone by unseen, not yet judged by the filters
    /// of their end. To be asked once, before the end.
    pub fn unended(&self) -> Vec<Vec<u8>> {
        self.requests
            .as_ref()
            .map(Requests::unended)
            .unwrap_or_default()
    }

    /// How many events went by unseen: the kernel skips a program while it runs already on the CPU, where an interrupt
    /// brings the same event again.
    pub fn skipped(&self) -> u64 {
        let programs = self.attached.iter().flat_map(|it| &it.programs);
        programs.map(|fd| misses(fd.as_fd().as_raw_fd())).sum()
    }

    /// Detaches every program: no record comes after it. What waits in the ring stays.
    pub fn stop(&mut self) {
        self.attached = None;
    }
}

/// What the kernel says of a program; kernels before 5.12 do not tell.
fn misses(program: RawFd) -> u64 {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{program}")).unwrap_or_default();
    let mut lines = info.lines();
    let count = lines.find_map(|line| line.strip_prefix("recursion_misses:"));
    count
        .and_then(|count| count.trim().parse().ok())
        .unwrap_or(0)
}

impl AsFd for Running {
    /// Readable when a part of the ring is full.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ring.as_fd()
    }
}

impl AsRawFd for Running {
    fn as_raw_fd(&self) -> RawFd {
        self.ring.as_raw_fd()
    }
}

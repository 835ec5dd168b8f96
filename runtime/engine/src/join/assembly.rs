//! Puts the records of each request together, as they come.
//!
//! A root's children come before it, but those that were not over when it ended: these come behind. Records may be lost,
//! so nothing is waited for without bounds.

use std::collections::{HashMap, VecDeque};
use std::mem::{offset_of, size_of};

use iotq_probes::abi::{
    IOTQ_MARK_APPROX_ISSUE, IOTQ_MARK_CROWDED, IOTQ_MARK_UNENDED, iotq_head, iotq_trail,
};

use crate::RawRecord;
use crate::beyond::Cut;

/// Requests that are not complete yet, at most.
const MOST: usize = 16_384;

/// Records of children that are kept, at most; what comes while there are so many is missing in its request.
const MOST_CHILDREN: usize = 1 << 18;

/// How long after its root's end a request waits for children, in nanoseconds of the records' clock.
const PATIENCE: u64 = 2_000_000_000;

/// A root with its children.
#[derive(Debug, Default)]
pub(crate) struct Request {
    /// The root's record; empty until it comes.
    pub root: Vec<u8>,
    /// The records of its children, in the order of their ends.
    pub children: Vec<Vec<u8>>,
    /// Children that are still to come.
    missing: u32,
    /// Over a VM boundary: what the host has seen of each child, as far as that is known.
    pub host: Vec<Option<Vec<Vec<u8>>>>,
    /// The time at its device.
    pub cut: Cut,
}

/// Requests of which a part has come.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    open: HashMap<u32, Request>,
    /// Those whose root waits for children, with the time of its end.
    waiting: VecDeque<(u64, u32)>,
    /// Those without a root so far, the oldest first; some of them have been completed since.
    rootless: VecDeque<u32>,
    /// How many children they have together.
    children: usize,
}

impl Assembly {
    /// Takes a child's record.
    pub fn child(&mut self, record: &RawRecord) -> Option<Request> {
        let id = record.root();
        if self.children >= MOST_CHILDREN {
            return None;
        }
        self.children += 1;
        let request = self.open.entry(id).or_default();
        request.children.push(record.bytes().to_vec());
        if request.root.is_empty() {
            if request.children.len() == 1 {
                self.rootless.push_back(id);
            }
            return None;
        }
        request.missing = request.missing.saturating_sub(1);
        if request.missing > 0 {
            return None;
        }
        self.remove(id).map(Request::checked)
    }

    /// Takes a request out.
    fn remove(&mut self, id: u32) -> Option<Request> {
        let request = self.open.remove(&id)?;
        self.children = self.children.saturating_sub(request.children.len());
        Some(request)
    }

    /// Takes a root's record; the request, if all of it is there.
    pub fn root(&mut self, record: &RawRecord) -> Option<Request> {
        let id = record.root();
        let mut request = match self.remove(id) {
            Some(request) if request.root.is_empty() => request,
            _ => Request::default(),
        };
        request.root = record.bytes().to_vec();
        let here = u32::try_from(request.children.len()).unwrap_or(u32::MAX);
        request.missing = expected(record).saturating_sub(here);
        if request.missing == 0 {
            return Some(request.checked());
        }
        self.waiting.push_back((record.at(), id));
        self.children += request.children.len();
        self.open.insert(id, request);
        None
    }

    /// The requests that have waited long enough at a time of the records' clock, incomplete as they are; with `all`, every
    /// one that has a root.
    pub fn overdue(&mut self, now: u64, all: bool) -> Vec<Request> {
        let mut overdue = Vec::new();
        while let Some(&(at, id)) = self.waiting.front() {
            let is_due = all || now.saturating_sub(at) > PATIENCE || self.waiting.len() > MOST;
            if !is_due {
                break;
            }
            self.waiting.pop_front();
            // It may have been completed, and its number used again.
            let waits = |request: &Request| request.ended() == Some(at);
            if self.open.get(&id).is_some_and(waits) {
                overdue.extend(self.remove(id).map(Request::incomplete));
            }
        }
        while self.rootless.len() > MOST {
            let oldest = self.rootless.pop_front();
            if let Some(id) = oldest
                && self.open.get(&id).is_some_and(|it| it.root.is_empty())
            {
                self.remove(id);
            }
        }
        overdue
    }

    /// How many requests are not complete.
    #[cfg(test)]
    pub fn size(&self) -> usize {
        self.open.len()
    }
}

impl Request {
    /// One that is its own root, and its own child.
    pub fn alone(record: &RawRecord) -> Self {
        Self {
            root: record.bytes().to_vec(),
            children: vec![record.bytes().to_vec()],
            ..Self::default()
        }
    }

    fn ended(&self) -> Option<u64> {
        let at = self.root.get(offset_of!(iotq_head, at)..)?;
        Some(u64::from_ne_bytes(*at.first_chunk()?))
    }

    /// The same, marked if the end of a child was not seen, or its issue: the stages counted on it.
    fn checked(self) -> Self {
        const UNSEEN: u32 = IOTQ_MARK_UNENDED | IOTQ_MARK_APPROX_ISSUE;
        let unseen = |child: &Vec<u8>| {
            let marks = child.get(offset_of!(iotq_head, marks)..);
            let marks = marks.and_then(|marks| marks.first_chunk().copied());
            marks.is_some_and(|marks| u32::from(u16::from_ne_bytes(marks)) & UNSEEN != 0)
        };
        if self.children.iter().any(unseen) {
            self.incomplete()
        } else {
            self
        }
    }

    /// The same, marked as one of which a part is missing.
    fn incomplete(mut self) -> Self {
        let mark = (IOTQ_MARK_CROWDED as u16).to_ne_bytes();
        let place = self.root.get_mut(offset_of!(iotq_head, marks)..);
        for (byte, mark) in place.into_iter().flatten().zip(mark) {
            *byte |= mark;
        }
        self
    }
}

/// The children whose records come, before or behind the root's.
fn expected(root: &RawRecord) -> u32 {
    let trail = root.bytes().len().saturating_sub(size_of::<iotq_trail>());
    let number = |offset: usize| {
        let bytes = root.bytes().get(trail + offset..);
        let bytes = bytes.and_then(|bytes| bytes.first_chunk().copied());
        bytes.map_or(0, u32::from_ne_bytes)
    };
    let crowded = number(offset_of!(iotq_trail, crowded));
    let without_record = crowded.saturating_add(number(offset_of!(iotq_trail, gone)));
    let requests = number(offset_of!(iotq_trail, children)).saturating_sub(without_record);
    let events = number(offset_of!(iotq_trail, events)).count_ones();
    let waits = number(offset_of!(iotq_trail, waits));
    let kept = waits.saturating_add(number(offset_of!(iotq_trail, calls)));
    requests.saturating_add(kept).saturating_add(events)
}

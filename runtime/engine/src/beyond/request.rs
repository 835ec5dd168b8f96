//! One request as its guest has it, and whether the host means the same.

use iotq_probes::abi::{IOTQ_MARK_APPROX_ASKED, iotq_qemu, iotq_virtio};
use iotq_probes::catalogue::VIRTIO_OP;
use zerocopy::FromBytes;

use crate::RawRecord;

const SECTOR: u64 = 512;
/// No value.
const NULL: u64 = u64::MAX;

/// A time at a device, in nanoseconds of the guest's monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub issued: u64,
    pub completed: u64,
}

/// A request of the guest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// The guest's number of the device,
    pub device: u32,
    pub queue: u32,
    pub index: u32,
    pub issued: u64,
    pub completed: u64,
    head: u32,
    format: u8,
    op: u8,
    offset: u64,
    size: u64,
}

/// How far both sides agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Agreement {
    /// In all that tells one request from another.
    Whole,
    /// In what is known of it: a flush has no place, and what could not be read is not known.
    Part,
    No,
}

impl Span {
    /// That of a record of a block request. What is part of no followed call is of a ring, and on it all the time.
    pub fn of(record: &RawRecord<'_>) -> Option<Self> {
        let block = record.request()?;
        let virtio = iotq_virtio::read_from_prefix(record.bytes()).ok();
        let completed = record.done();
        let times = match record.root() {
            0 => [virtio?.0.lat, NULL],
            _ => [block.d2c, virtio.map_or(block.lat, |(it, _)| it.lat)],
        };
        let time = times.into_iter().find(|time| *time != NULL)?;
        let issued = completed.checked_sub(time)?;
        Some(Self { issued, completed })
    }
}

impl Asked {
    /// What a record tells of a request that was on a ring.
    pub fn of(record: &RawRecord<'_>) -> Option<Self> {
        let Span { issued, completed } = Span::of(record)?;
        let (it, _) = iotq_virtio::read_from_prefix(record.bytes()).ok()?;
        let offset = match it.block.sector {
            NULL => NULL,
            sector => sector.checked_mul(SECTOR)?,
        };
        Some(Self {
            device: it.device,
            queue: it.queue,
            index: it.index,
            issued,
            completed,
            head: it.head,
            format: it.format,
            op: it.op,
            offset,
            size: it.block.size.into(),
        })
    }

    /// Whether the host's record is of the same request.
    pub fn compare(&self, seen: &iotq_qemu) -> Agreement {
        let ring = (seen.queue, seen.index, seen.first, seen.format);
        if ring != (self.queue, self.index, self.head, self.format) {
            return Agreement::No;
        }
        if u32::from(seen.head.marks) & IOTQ_MARK_APPROX_ASKED != 0 {
            return Agreement::Part;
        }
        if seen.op != self.op {
            return Agreement::No;
        }
        // A flush has no place; what is said of anything else that has none is not comparable.
        if self.offset == NULL || VIRTIO_OP.value("other") == Some(self.op.into()) {
            return Agreement::Part;
        }
        match (seen.offset, seen.size) == (self.offset, self.size) {
            true => Agreement::Whole,
            false => Agreement::No,
        }
    }

    /// What makes it another one than those before.
    pub fn key(&self) -> (u32, u32, u64) {
        (self.queue, self.index, self.completed)
    }
}

//! One request as its guest has it, and whether the host means the same.

use std::fmt::{self, Display, Formatter};

use iotq_probes::abi::{IOTQ_MARK_APPROX_ASKED, iotq_block, iotq_nvme, iotq_qemu, iotq_virtio};
use iotq_probes::catalogue::{NVME_OP, RING_FORMAT, VIRTIO_OP};
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

/// A device, by the guest's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Device {
    Virtio(u32),
    /// A controller: of its namespaces, each is another disk.
    Nvme(u32),
}

/// Where a request is, and what it is, by which both sides know it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub device: Device,
    pub queue: u32,
    /// The index in the ring; of an NVMe drive, the command's id.
    pub index: u32,
    head: u32,
    format: u8,
    op: u8,
}

/// A request of the guest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub place: Place,
    pub issued: u64,
    pub completed: u64,
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

impl Display for Device {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Virtio(number) => write!(f, "virtio{number}"),
            Self::Nvme(number) => write!(f, "nvme{number}"),
        }
    }
}

/// What the guest's driver has of a request.
enum Driver {
    Virtio(iotq_virtio),
    Nvme(iotq_nvme),
}

impl Driver {
    fn of(record: &RawRecord<'_>) -> Option<Self> {
        Some(match record.layer().name {
            "virtio" => Self::Virtio(iotq_virtio::read_from_prefix(record.bytes()).ok()?.0),
            "nvme" => Self::Nvme(iotq_nvme::read_from_prefix(record.bytes()).ok()?.0),
            _ => return None,
        })
    }

    fn lat(&self) -> u64 {
        match self {
            Self::Virtio(it) => it.lat,
            Self::Nvme(it) => it.lat,
        }
    }

    fn block(&self) -> &iotq_block {
        match self {
            Self::Virtio(it) => &it.block,
            Self::Nvme(it) => &it.block,
        }
    }

    /// What administrators ask a drive for has none.
    fn place(&self) -> Option<Place> {
        match self {
            Self::Virtio(it) => Some(Place {
                device: Device::Virtio(it.device),
                queue: it.queue,
                index: it.index,
                head: it.head,
                format: it.format,
                op: it.op,
            }),
            Self::Nvme(it) if it.qid == 0 => None,
            Self::Nvme(it) => Some(Place {
                device: Device::Nvme(it.ctrl),
                queue: it.qid.into(),
                index: it.cid.into(),
                head: it.nsid,
                format: u8::try_from(RING_FORMAT.value("nvme")?).ok()?,
                op: u8::try_from(op_of_nvme(it)?).ok()?,
            }),
        }
    }
}

/// The operation, as the host tells it.
fn op_of_nvme(it: &iotq_nvme) -> Option<u64> {
    let named = match NVME_OP.variant(it.op.into()) {
        Some("zone_append") => "write",
        Some(name) => name,
        None => "other",
    };
    let other = || VIRTIO_OP.value("other");
    VIRTIO_OP.value(named).or_else(other)
}

impl Span {
    /// That of a record of a block request. What is part of no followed call is of a queue, and on it all the time.
    pub fn of(record: &RawRecord<'_>) -> Option<Self> {
        let block: iotq_block = record.request()?;
        let driver = Driver::of(record);
        let completed = record.done();
        let times = match record.root() {
            0 => [driver?.lat(), NULL],
            _ => [block.d2c, driver.map_or(block.lat, |it| it.lat())],
        };
        let time = times.into_iter().find(|time| *time != NULL)?;
        let issued = completed.checked_sub(time)?;
        Some(Self { issued, completed })
    }
}

impl Asked {
    /// What a record tells of a request that was on a queue.
    pub fn of(record: &RawRecord<'_>) -> Option<Self> {
        let driver = Driver::of(record)?;
        let Span { issued, completed } = Span::of(record)?;
        let block = driver.block();
        let offset = match block.sector {
            NULL => NULL,
            sector => sector.checked_mul(SECTOR)?,
        };
        Some(Self {
            place: driver.place()?,
            issued,
            completed,
            offset,
            size: block.size.into(),
        })
    }

    /// Whether its queue has no places: then the time tells what is where.
    pub fn by_time(&self) -> bool {
        matches!(self.place.device, Device::Nvme(_))
    }

    /// Whether the host's record is of the same request.
    pub fn compare(&self, seen: &iotq_qemu) -> Agreement {
        let ring = (seen.queue, seen.index, seen.first, seen.format);
        let own = &self.place;
        if ring != (own.queue, own.index, own.head, own.format) {
            return Agreement::No;
        }
        if u32::from(seen.head.marks) & IOTQ_MARK_APPROX_ASKED != 0 {
            return Agreement::Part;
        }
        if seen.op != own.op {
            return Agreement::No;
        }
        // A flush has no place; what is said of anything else that has none is not comparable.
        if self.offset == NULL || VIRTIO_OP.value("other") == Some(own.op.into()) {
            return Agreement::Part;
        }
        match (seen.offset, seen.size) == (self.offset, self.size) {
            true => Agreement::Whole,
            false => Agreement::No,
        }
    }

    /// What makes it another one than those before.
    pub fn key(&self) -> (u32, u32, u64) {
        (self.place.queue, self.place.index, self.completed)
    }
}

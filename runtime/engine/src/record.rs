//! Records as the probes ship them: checked once, read in place.

use std::mem::{offset_of, size_of};
use std::time::Duration;

use iotq_lang::ir::FieldRef;
use iotq_lang::value::{Record, Value};
use iotq_probes::abi::{iotq_block, iotq_head, iotq_task};
use iotq_probes::catalogue::{Field, Layer, Point, Slot, Type, layer_by_id};
use zerocopy::FromBytes;

/// Every record begins with a head, and a task behind it.
pub(crate) const MEMBERS: usize = size_of::<iotq_head>() + offset_of!(iotq_task, members);
/// The layers whose records begin with that of a request to a disk.
const REQUESTS: [&str; 4] = ["block", "nvme", "scsi", "virtio"];
const ROOT: usize = size_of::<iotq_head>() + offset_of!(iotq_task, root);

/// How the clock of the records is told as the time of day.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    /// Nanoseconds from the monotonic clock to the Unix epoch.
    pub mono_to_wall_ns: i64,
    /// When the run began: nanoseconds since the Unix epoch.
    pub started_ns: i64,
}

impl Clock {
    /// The moment so long after the start of the run: nanoseconds since the Unix epoch.
    pub(crate) fn at(&self, elapsed: Duration) -> i128 {
        let since_start = i128::try_from(elapsed.as_nanos()).unwrap_or(i128::MAX);
        i128::from(self.started_ns).saturating_add(since_start)
    }
}

/// Why bytes are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Too short to say what it is.
    #[error("a record of {0} bytes has no head")]
    NoHead(usize),
    /// The layer is not in the catalogue, or has no records in this build.
    #[error("a record of the unknown layer {0}")]
    Layer(u8),
    /// The layer has no such point.
    #[error("a record of the unknown point {point} of {layer}")]
    Point {
        /// The layer's name.
        layer: &'static str,
        /// The point's number.
        point: u8,
    },
    /// Not as long as the layer's records are.
    #[error("a record of {layer} with {found} bytes, not {expected}")]
    Length {
        /// The layer's name.
        layer: &'static str,
        /// Its length.
        found: usize,
        /// What it should be.
        expected: usize,
    },
}

/// One record.
#[derive(Clone, Copy, Debug)]
pub struct RawRecord<'a> {
    bytes: &'a [u8],
    layer: &'static Layer,
    point: &'static Point,
    queries: u32,
    clock: Clock,
}

impl<'a> RawRecord<'a> {
    /// Checks that the bytes are a record of the catalogue.
    ///
    /// # Errors
    ///
    /// If they are not.
    pub fn parse(bytes: &'a [u8], clock: Clock) -> Result<Self, Malformed> {
        let no_head = Malformed::NoHead(bytes.len());
        let head = bytes.get(..size_of::<iotq_head>()).ok_or(no_head)?;
        let (id, point) = (
            head[offset_of!(iotq_head, layer)],
            head[offset_of!(iotq_head, point)],
        );
        let layer = layer_by_id(id).ok_or(Malformed::Layer(id))?;
        let expected = layer.record.ok_or(Malformed::Layer(id))?;
        if bytes.len() != expected && Some(bytes.len()) != layer.root {
            return Err(Malformed::Length {
                layer: layer.name,
                found: bytes.len(),
                expected,
            });
        }
        let known = layer.points.iter().find(|known| known.id == point);
        let point = known.ok_or(Malformed::Point {
            layer: layer.name,
            point,
        })?;
        let queries = copied(head, offset_of!(iotq_head, queries)).map(u32::from_ne_bytes);
        Ok(Self {
            bytes,
            layer,
            point,
            queries: queries.ok_or(no_head)?,
            clock,
        })
    }

    /// The whole of it.
    #[inline]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The layer that it is of.
    pub fn layer(&self) -> &'static Layer {
        self.layer
    }

    /// The point that was reached.
    pub fn point(&self) -> &'static Point {
        self.point
    }

    /// The streams whose kernel filters it passed, one bit each.
    pub fn queries(&self) -> u32 {
        self.queries
    }

    /// When the point was reached, in nanoseconds of the monotonic clock.
    pub fn at(&self) -> u64 {
        copied(self.bytes, offset_of!(iotq_head, at)).map_or(0, u64::from_ne_bytes)
    }

    /// What the block layer has of a request to a disk; none of anything else.
    pub(crate) fn request(&self) -> Option<iotq_block> {
        let is_request = REQUESTS.contains(&self.layer.name);
        let read = is_request.then(|| iotq_block::read_from_prefix(self.bytes).ok());
        read.flatten().map(|(request, _)| request)
    }

    /// When a request to a disk was done there, by the same clock. What is part of a followed call ends when all of it is over:
    /// of a write, that may be a flush behind it.
    pub(crate) fn done(&self) -> u64 {
        let Some(it) = self.request().filter(|_| self.root() != 0) else {
            return self.at();
        };
        if [it.q2d, it.d2c, it.lat].contains(&u64::MAX) {
            return self.at();
        }
        let behind = it.lat.saturating_sub(it.q2d.saturating_add(it.d2c));
        self.at().saturating_sub(behind)
    }

    /// The number of the request that it is part of; zero for none. Numbers are used again.
    pub fn root(&self) -> u32 {
        copied(self.bytes, ROOT).map_or(0, u32::from_ne_bytes)
    }

    /// What another layer has of the same request, whose record this one begins with or holds.
    pub fn part(&self, layer: &'static Layer) -> Option<RawRecord<'a>> {
        Some(Self {
            bytes: self.bytes.get(..layer.record?)?,
            layer,
            point: layer.end_point(),
            ..*self
        })
    }

    fn read(&self, field: &Field) -> Option<Value<'a>> {
        Some(match field.slot? {
            Slot::Uint {
                offset,
                width,
                nullable,
            } => {
                let value = unsigned(self.bytes, offset, width)?;
                let null = u64::MAX >> (64 - 8 * width);
                match field.ty {
                    _ if nullable && value == null => return None,
                    Type::Time => {
                        Value::Int(i128::from(value) + i128::from(self.clock.mono_to_wall_ns))
                    }
                    _ => Value::Int(value.into()),
                }
            }
            Slot::Int { offset } => {
                Value::Int(i64::from_ne_bytes(copied(self.bytes, offset)?).into())
            }
            Slot::Bit {
                offset,
                width,
                mask,
            } => Value::Bool(unsigned(self.bytes, offset, width)? & mask != 0),
            Slot::Text { offset, len } => {
                let text = self.bytes.get(offset..offset + len)?;
                let text = text.split(|&byte| byte == 0).next()?;
                (!text.is_empty()).then_some(Value::Text(text))?
            }
            Slot::File { dev, inode } => {
                let inode = u64::from_ne_bytes(copied(self.bytes, inode)?);
                let dev = u32::from_ne_bytes(copied(self.bytes, dev)?);
                (inode != u64::MAX).then_some(Value::File { dev, inode })?
            }
        })
    }
}

impl Record for RawRecord<'_> {
    fn value(&self, FieldRef { field, .. }: FieldRef) -> Value<'_> {
        self.read(field).unwrap_or(Value::Null)
    }

    fn members(&self) -> u64 {
        copied(self.bytes, MEMBERS).map_or(0, u64::from_ne_bytes)
    }
}

/// The bytes lie as the ring has them, not as a number would be aligned: they are copied.
fn copied<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.first_chunk().copied()
}

fn unsigned(bytes: &[u8], offset: usize, width: usize) -> Option<u64> {
    Some(match width {
        1 => u64::from(*bytes.get(offset)?),
        2 => u16::from_ne_bytes(copied(bytes, offset)?).into(),
        4 => u32::from_ne_bytes(copied(bytes, offset)?).into(),
        8 => u64::from_ne_bytes(copied(bytes, offset)?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bytes;
    use iotq_probes::catalogue::LAYERS;
    use proptest::prelude::*;

    fn value(bytes: &Bytes, field: &str) -> Value<'static> {
        let clock = Clock {
            mono_to_wall_ns: 1000,
            ..Clock::default()
        };
        let record = RawRecord::parse(&bytes.0, clock).expect("a record");
        let field = record.layer().field(field).expect("a field");
        match record.read(field).unwrap_or(Value::Null) {
            Value::Text(text) => Value::Owned(text.to_vec()),
            Value::Int(value) => Value::Int(value),
            Value::Bool(value) => Value::Bool(value),
            Value::File { dev, inode } => Value::File { dev, inode },
            _ => Value::Null,
        }
    }

    #[test]
    fn a_flush_behind_a_write_is_not_of_its_device() {
        let write = Bytes::block(1).number("time", 1000).number("lat", 700);
        let write = write.number("q2d", 100).number("d2c", 200);
        let done = |bytes: &Bytes| RawRecord::parse(&bytes.0, Clock::default()).map(|it| it.done());
        assert_eq!(done(&write), Ok(1000), "it is part of nothing");
        let mut part = write;
        part.0[ROOT..][..4].copy_from_slice(&7u32.to_ne_bytes());
        assert_eq!(done(&part), Ok(600));
        let unseen = part.number("d2c", u64::MAX);
        assert_eq!(done(&unseen), Ok(1000));
    }

    #[test]
    fn slots_are_read() {
        let block = Bytes::block(1)
            .number("time", 5)
            .number("pid", 7)
            .number("lat", u64::MAX)
            .number("size", u32::MAX.into())
            .text("comm", b"etcd")
            .flag("sync");
        assert_eq!(value(&block, "time"), Value::Int(1005));
        assert_eq!(value(&block, "pid"), Value::Int(7));
        assert_eq!(value(&block, "lat"), Value::Null);
        assert_eq!(value(&block, "size"), Value::Int(u32::MAX.into()));
        assert_eq!(value(&block, "comm"), Value::Owned(b"etcd".to_vec()));
        assert_eq!(value(&block, "sync"), Value::Bool(true));
        assert_eq!(value(&block, "meta"), Value::Bool(false));
        let call = Bytes::syscall(1)
            .number("inode", 9)
            .number("dev", 3)
            .number("ret", -5i64 as u64);
        assert_eq!(value(&call, "file"), Value::File { dev: 3, inode: 9 });
        assert_eq!(value(&call, "ret"), Value::Int(-5));
        assert_eq!(value(&call.number("inode", u64::MAX), "file"), Value::Null);
        assert_eq!(value(&Bytes::block(1), "comm"), Value::Null);
    }

    #[test]
    fn what_is_not_a_record_is_refused() {
        let parse = |bytes: &[u8]| RawRecord::parse(bytes, Clock::default()).map(|_| ());
        let good = Bytes::block(1).0;
        assert_eq!(parse(&good), Ok(()));
        assert_eq!(parse(&good[..8]), Err(Malformed::NoHead(8)));
        assert!(matches!(
            parse(&good[..100]),
            Err(Malformed::Length { found: 100, .. })
        ));
        let with = |offset: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[offset] = byte;
            parse(&bytes)
        };
        assert_eq!(
            with(offset_of!(iotq_head, layer), 99),
            Err(Malformed::Layer(99))
        );
        assert!(matches!(
            with(offset_of!(iotq_head, point), 99),
            Err(Malformed::Point { point: 99, .. })
        ));
    }

    fn garbage() -> impl Strategy<Value = Vec<u8>> {
        let lengths: Vec<usize> = LAYERS
            .iter()
            .filter_map(|layer| layer.record)
            .chain([0, 7, 64])
            .collect();
        let bytes = prop::sample::select(lengths)
            .prop_flat_map(|length| prop::collection::vec(any::<u8>(), length));
        (bytes, 0..9u8, 0..9u8).prop_map(|(mut bytes, layer, point)| {
            if let Some(head) = bytes.first_chunk_mut::<16>() {
                head[offset_of!(iotq_head, layer)] = layer;
                head[offset_of!(iotq_head, point)] = point;
            }
            bytes
        })
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in garbage()) {
            if let Ok(record) = RawRecord::parse(&bytes, Clock { mono_to_wall_ns: i64::MIN, ..Clock::default() }) {
                record.members();
                for field in record.layer().fields {
                    record.read(field);
                }
            }
        }
    }
}

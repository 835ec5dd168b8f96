//! An executable: what it exports, and its code.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use object::read::ReadCache;
use object::{Object, ObjectSegment, ObjectSymbol};

use super::code::Code;

/// The exported functions that hooks sit on or that tell of a layout, and the parts of the file that are code.
pub(super) struct Executable {
    cache: ReadCache<File>,
    symbols: HashMap<String, u64>,
    segments: Vec<Segment>,
}

struct Segment {
    address: u64,
    offset: u64,
    bytes: u64,
}

/// No QEMU is larger. A process may run a file that was made to be.
const MOST_BYTES: u64 = 256 << 20;

impl Executable {
    /// None if it is no executable of this architecture, or does not export what QEMU does.
    pub fn open(path: &Path) -> Option<Self> {
        let file = File::open(path).ok()?;
        if file.metadata().ok()?.len() > MOST_BYTES {
            return None;
        }
        let cache = ReadCache::new(file);
        let object = object::File::parse(&cache).ok()?;
        if object.architecture() != object::Architecture::X86_64 {
            return None;
        }
        let symbols = object.dynamic_symbols().filter(|it| it.is_definition());
        let symbols = symbols.filter_map(|it| {
            let name = it.name().ok()?;
            let wanted = PREFIXES.iter().any(|prefix| name.starts_with(prefix));
            wanted.then(|| (name.to_owned(), it.address()))
        });
        let symbols: HashMap<_, _> = symbols.collect();
        let segments = object.segments().map(|segment| {
            let (offset, bytes) = segment.file_range();
            Segment {
                address: segment.address(),
                offset,
                bytes,
            }
        });
        let segments = segments.collect();
        symbols.contains_key("virtqueue_push").then_some(Self {
            cache,
            symbols,
            segments,
        })
    }

    /// Where an address lies in the file.
    pub fn offset(&self, address: u64) -> Option<u64> {
        self.place(address).map(|(offset, _)| offset)
    }

    /// Its offset, and how many bytes are left of the segment.
    fn place(&self, address: u64) -> Option<(u64, u64)> {
        self.segments.iter().find_map(|segment| {
            let within = address.checked_sub(segment.address)?;
            let left = segment.bytes.checked_sub(within)?;
            let offset = segment.offset.checked_add(within)?;
            Some((offset, left)).filter(|_| left > 0)
        })
    }
}

/// What the names that are asked for begin with.
const PREFIXES: [&str; 9] = [
    "virtio_",
    "virtqueue_",
    "blk_",
    "object_get_",
    "qemu_get_vm",
    "scsi_req_",
    "esp_request_",
    "nvme_",
    "qemu_aio_",
];

impl Code for Executable {
    fn bytes(&self, address: u64, count: usize) -> Option<Vec<u8>> {
        use object::ReadRef;

        let (offset, left) = self.place(address)?;
        let count = left.min(count as u64);
        let bytes = (&self.cache).read_bytes_at(offset, count).ok()?;
        Some(bytes.to_vec())
    }

    fn symbol(&self, name: &str) -> Option<u64> {
        self.symbols.get(name).copied()
    }
}

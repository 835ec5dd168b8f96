//! The page cache: what happens to pages of files, because of the thread that is at work.

use std::mem::{offset_of, size_of};

use super::CACHE_EVENT;
use super::made::*;
use super::types::*;
use crate::abi::*;

const READS: &[u64] = &[1, 2, 3];
const DIRTY: &[u64] = &[4];
const WRITEBACK: &[u64] = &[5];
const EVICT: &[u64] = &[6];

/// Where function entries stand in for a tracepoint.
const UNSEEN: &str = "hits, misses and readahead are not seen";

const HOOKS: [Hook; 6] = [
    Hook::typed("mm_filemap_add_to_page_cache", "iotq_cache_add", &[1])
        .of(READS)
        .or_lose(UNSEEN),
    Hook::typed("mm_filemap_get_pages", "iotq_cache_get_pages", &[3])
        .of(READS)
        .or(&[
            Hook::entry("filemap_read", "iotq_cache_read")
                .of(READS)
                .or_lose(UNSEEN)
                .late(),
            Hook::exit("filemap_read", "iotq_cache_read_end")
                .of(READS)
                .or_lose(UNSEEN)
                .late(),
        ]),
    Hook::typed("sys_exit", "iotq_cache_exit", &[2])
        .of(READS)
        .or_lose(UNSEEN),
    Hook::typed("writeback_dirty_folio", "iotq_cache_dirty", &[2])
        .of(DIRTY)
        .or(&[
            Hook::typed("writeback_dirty_page", "iotq_cache_dirty_page", &[2])
                .of(DIRTY)
                .or_lose("it is not seen that pages are made dirty"),
        ]),
    Hook::typed("block_bio_queue", "iotq_cache_bio", &[1])
        .of(WRITEBACK)
        .or_lose("writeback is not seen")
        .or(&[Hook::typed("block_bio_queue", "iotq_cache_bio_2", &[2]).of(WRITEBACK)]),
    Hook::typed(
        "mm_filemap_delete_from_page_cache",
        "iotq_cache_delete",
        &[1],
    )
    .of(EVICT)
    .or_lose("evictions are not seen"),
];

/// The layer.
pub static LAYER: Layer = Layer {
    name: "cache",
    id: 4,
    doc: "the page cache: what reads find in it, and pages that are made dirty, written back, given up",
    points: &[Point {
        name: "access",
        id: 1,
        hooks: &HOOKS,
        doc: "something has happened to pages of a file: the field `event` says what",
    }],
    end: "access",
    fields: &[
        time("when it was known: of what a read finds, when that is over"),
        pid("process that did it"),
        tid("thread"),
        comm("name of the thread"),
        uid("user"),
        cgroup("control group (cgroup v2)"),
        start(
            "event",
            Type::Enum(&CACHE_EVENT),
            number(offset_of!(iotq_cache, event), 1),
            "what happened; of a read: hit, pages that were there; miss, pages that it asked for and that were not; readahead, others that it brought in",
        ),
        start(
            "file",
            Type::File,
            Slot::File {
                dev: offset_of!(iotq_cache, dev),
                inode: offset_of!(iotq_cache, inode),
            },
            "the file, by its filesystem's device and its inode",
        ),
        start(
            "name",
            Type::Text,
            Slot::Text {
                offset: offset_of!(iotq_cache, name),
                len: 32,
            },
            "last component of the file's path, cut at 31 bytes",
        ),
        start(
            "dev",
            Type::Dev,
            nullable(offset_of!(iotq_cache, dev), 4),
            "device of the file's filesystem",
        ),
        start(
            "inode",
            Type::Int,
            nullable(offset_of!(iotq_cache, inode), 8),
            "inode of the file",
        ),
        start(
            "offset",
            Type::Bytes,
            number(offset_of!(iotq_cache, offset), 8),
            "where in the file the first of the pages is",
        ),
        start(
            "size",
            Type::Bytes,
            number(offset_of!(iotq_cache, size), 8),
            "of the pages as a whole; of writeback, what is written",
        ),
        start(
            "approx",
            Type::Bool,
            Slot::Bit {
                offset: offset_of!(iotq_cache, head.marks),
                width: 2,
                mask: IOTQ_MARK_CROWDED as u64,
            },
            "how many of the pages had been asked for, or were brought in besides, is not exact",
        ),
    ],
    columns: &[
        "time", "pid", "comm", "event", "dev", "name", "offset", "size",
    ],
    record: Some(size_of::<iotq_cache>()),
    root: None,
    upkeep: &[],
    modules: &[],
    options: &["CONFIG_BPF_EVENTS"],
};

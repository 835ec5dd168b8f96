//! The page cache.

use super::CACHE_EVENT;
use super::later::*;
use super::types::*;

/// The layer.
pub static LAYER: Layer = Layer {
    name: "cache",
    id: 4,
    doc: "the page cache: hits, misses, readahead, dirtying, writeback, eviction",
    points: &[
        point("hit", 1, "a page was there"),
        point("miss", 2, "a page was not there"),
        point("readahead", 3, "pages are read before they are asked for"),
        point("dirty", 4, "a page is made dirty"),
        point("writeback", 5, "dirty pages are written"),
        point("evict", 6, "a page is given up"),
    ],
    end: "writeback",
    fields: &[
        TIME,
        PID,
        TID,
        COMM,
        CGROUP,
        start("event", Type::Enum(&CACHE_EVENT), "what happened"),
        start("file", Type::File, "the file"),
        start("dev", Type::Dev, "device of the filesystem"),
        start("inode", Type::Int, "inode of the file"),
        start("offset", Type::Bytes, "where in the file"),
        start("size", Type::Bytes, "bytes"),
        start("pages", Type::Int, "pages"),
        field(
            "lat",
            Type::Duration,
            Known::At(&["writeback"]),
            "latency of the writeback",
        ),
    ],
    columns: &["time", "pid", "comm", "event", "file", "offset", "size"],
    record: None,
    root: None,
    upkeep: &[],
    modules: &[],
    options: &[],
};

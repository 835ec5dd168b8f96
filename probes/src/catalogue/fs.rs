//! The filesystem layer: what happens between the system call and the page cache or the bios.

use super::later::*;
use super::types::*;
use super::{ERRNO, SYSCALL_OP};

const END: Known = Known::At(&["exit"]);

/// The layer.
pub static LAYER: Layer = Layer {
    name: "fs",
    id: 3,
    doc: "operations of filesystems: read, write, fsync and their journal",
    points: &[
        point("enter", 1, "an operation begins"),
        point("exit", 2, "an operation returns"),
    ],
    end: "exit",
    fields: &[
        TIME,
        PID,
        TID,
        COMM,
        CGROUP,
        start("op", Type::Enum(&SYSCALL_OP), "what it does"),
        start("type", Type::Text, "type of the filesystem"),
        start("file", Type::File, "the file"),
        start("name", Type::Text, "last component of the file's path"),
        start("dev", Type::Dev, "device of the filesystem"),
        start("inode", Type::Int, "inode of the file"),
        start("offset", Type::Bytes, "where in the file"),
        start("size", Type::Bytes, "bytes asked for"),
        start("direct", Type::Bool, "past the page cache"),
        field("ret", Type::Int, END, "bytes done, or a negative errno"),
        field(
            "error",
            Type::Enum(&ERRNO),
            END,
            "how it failed; `none` if it did not",
        ),
        field(
            "journal",
            Type::Duration,
            END,
            "waiting for a journal commit",
        ),
        field("lat", Type::Duration, END, "latency: entry to return"),
    ],
    columns: &["time", "pid", "comm", "op", "name", "offset", "size", "lat"],
    record: None,
    root: None,
    upkeep: &[],
    modules: &[],
    options: &[],
};

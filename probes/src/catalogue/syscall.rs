//! The system calls of storage: the read, write, fsync and sync families; and the operations of io_uring and libaio.

use std::mem::{offset_of, size_of};

use super::made::{self, nullable, number};
use super::types::*;
use super::{ERRNO, FILE_KIND, SYSCALL_OP};
use crate::abi::*;

const END: Known = Known::At(&["exit"]);

const ENTER: Hook = Hook::typed("sys_enter", "iotq_sys_enter", &[2]);
const EXIT: Hook = Hook::typed("sys_exit", "iotq_sys_exit", &[2]);
const GONE: Hook = Hook::typed("sched_process_exit", "iotq_caller_exit", &[1, 2]);

/// Operations of io_uring: when they are submitted, and when they are completed.
const URING_SUBMIT: Hook =
    Hook::typed("io_uring_submit_req", "iotq_uring_submit", &[1]).or(&[Hook::typed(
        "io_uring_submit_sqe",
        "iotq_uring_submit_2",
        &[2],
    )
    .or_lose("operations of io_uring are not seen")
    .late()]);
const URING_COMPLETE: Hook = Hook::typed("io_uring_complete", "iotq_uring_complete", &[3])
    .or(&[Hook::typed(
        "io_uring_complete",
        "iotq_uring_complete_7",
        &[7],
    )])
    .or_lose("operations of io_uring are not seen")
    .late();

/// The same of libaio. It has no tracepoints of its own.
const AIO_BEGIN: Hook = Hook::entry("aio_prep_rw", "iotq_aio_begin")
    .or(&[Hook::typed("iomap_dio_rw_begin", "iotq_dio_begin", &[4])
        .or_lose("operations of libaio are not seen")])
    .or_lose("of libaio, only direct I/O of filesystems that use iomap is seen (ext4, xfs)");
const AIO_COMPLETE: Hook = Hook::entry("aio_complete_rw", "iotq_aio_complete").or(&[Hook::typed(
    "iomap_dio_complete",
    "iotq_dio_complete",
    &[3],
)
.or_lose("operations of libaio are not seen")]);

/// Page faults of mapped files. A tracepoint tells only of their beginnings.
const FAULT_BEGIN: Hook = Hook::entry("filemap_fault", "iotq_fault_begin")
    .or_lose("page faults of mapped files are not seen");
const FAULT_END: Hook = Hook::exit("filemap_fault", "iotq_fault_end")
    .or_lose("page faults of mapped files are not seen");

const COMMITS_UNSEEN: &str =
    "what the journal of ext4 writes is not known to be a part of the calls that wait for it";

/// What tells for which of these operations a thread submits requests.
pub static SUBMITTERS: [Hook; 6] = [
    Hook::entry("io_issue_sqe", "iotq_uring_issue").or(&[Hook::typed(
        "io_uring_cqring_wait",
        "iotq_uring_wait",
        &[2],
    )
    .or_lose("operations of io_uring are not seen")]),
    Hook::exit("io_issue_sqe", "iotq_uring_issued")
        .or(&[
            Hook::typed("iomap_dio_rw_queued", "iotq_dio_queued", &[3]).or_lose(
                "what a thread submits behind direct I/O of io_uring may be taken for a part of it",
            ),
        ])
        .or_lose("what buffered I/O of io_uring submits when it goes on is not known to be its"),
    Hook::typed("writeback_single_inode_start", "iotq_writeback_begin", &[3])
        .or_lose("writeback is not seen"),
    Hook::typed("writeback_single_inode", "iotq_writeback_submitted", &[3])
        .or_lose("writeback is not seen"),
    Hook::typed("jbd2_start_commit", "iotq_commit_begin", &[2])
        .on("ext4")
        .or_lose(COMMITS_UNSEEN),
    Hook::typed("jbd2_end_commit", "iotq_commit_end", &[2])
        .on("ext4")
        .or_lose(COMMITS_UNSEEN),
];

/// What tells when threads are inside calls, for layers that are about such threads.
pub static CALLERS: [Hook; 3] = [ENTER, EXIT, GONE];

/// Of a call nothing is known if its beginning was not seen.
const fn of_call(field: Field) -> Field {
    Field {
        needs: &["enter"],
        ..field
    }
}

const fn field(name: &'static str, ty: Type, known: Known, slot: Slot, doc: &'static str) -> Field {
    of_call(made::field(name, ty, known, slot, doc))
}

/// A part of the latency; with the others it adds up to it.
const fn stage(name: &'static str, stage: iotq_stage, doc: &'static str) -> Field {
    let offset = offset_of!(iotq_call_root, trail.stages) + 8 * stage as usize;
    Field {
        followed: true,
        ..field(name, Type::Duration, END, number(offset, 8), doc)
    }
}

/// How a call's arguments are laid out: which register holds what. `None`: it has no such argument.
#[derive(Debug)]
pub struct Call {
    /// The call's name, as in the kernel's tables.
    pub name: &'static str,
    /// Its number on x86-64.
    pub number: u16,
    /// A value of [`SYSCALL_OP`].
    pub op: u8,
    /// The argument with the file descriptor that the call is about.
    pub fd: Fd,
    /// Where in the file.
    pub offset: Offset,
    /// How many bytes.
    pub size: Size,
}

/// Where a call finds its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fd {
    /// It has none.
    None,
    /// An argument.
    Arg(u8),
    /// This argument, or the one two further on if that is a pipe; the place in the file is behind it.
    Either(u8),
}

/// Where a call finds its place in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offset {
    /// It has none.
    None,
    /// The file's position.
    Position,
    /// An argument.
    Arg(u8),
    /// What an argument points to; the file's position if that is null.
    Pointed(u8),
    /// What an argument points to, and the length is behind it.
    Range(u8),
}

/// Where a call finds its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// It has none.
    None,
    /// An argument.
    Arg(u8),
    /// The sum of an array of `struct iovec`: the array's and the count's arguments.
    Vector(u8, u8),
}

const fn call(name: &'static str, number: u16, op: u8, fd: Fd, offset: Offset, size: Size) -> Call {
    Call {
        name,
        number,
        op,
        fd,
        offset,
        size,
    }
}

/// The calls that the layer sees.
pub static CALLS: [Call; 25] = {
    use Fd::{Arg as Of, Either};
    use Offset::{Arg as At, None as Nowhere, Pointed, Position, Range};
    use Size::{Arg, None as Sizeless, Vector};
    let (read, write, fsync, sync, allocate, truncate, copy, discard) = (1, 2, 3, 4, 5, 6, 7, 8);
    [
        call("read", 0, read, Of(0), Position, Arg(2)),
        call("write", 1, write, Of(0), Position, Arg(2)),
        call("pread64", 17, read, Of(0), At(3), Arg(2)),
        call("pwrite64", 18, write, Of(0), At(3), Arg(2)),
        call("readv", 19, read, Of(0), Position, Vector(1, 2)),
        call("writev", 20, write, Of(0), Position, Vector(1, 2)),
        call("preadv", 295, read, Of(0), At(3), Vector(1, 2)),
        call("pwritev", 296, write, Of(0), At(3), Vector(1, 2)),
        call("preadv2", 327, read, Of(0), At(3), Vector(1, 2)),
        call("pwritev2", 328, write, Of(0), At(3), Vector(1, 2)),
        call("fsync", 74, fsync, Of(0), Nowhere, Sizeless),
        call("fdatasync", 75, fsync, Of(0), Nowhere, Sizeless),
        call("sync", 162, sync, Fd::None, Nowhere, Sizeless),
        call("syncfs", 306, sync, Of(0), Nowhere, Sizeless),
        call("sync_file_range", 277, sync, Of(0), At(1), Arg(2)),
        call("msync", 26, sync, Fd::None, Nowhere, Arg(1)),
        call("fallocate", 285, allocate, Of(0), At(2), Arg(3)),
        call("ftruncate", 77, truncate, Of(0), Nowhere, Arg(1)),
        call("truncate", 76, truncate, Fd::None, Nowhere, Arg(1)),
        call("sendfile", 40, copy, Of(1), Pointed(2), Arg(3)),
        call("copy_file_range", 326, copy, Of(0), Pointed(1), Arg(4)),
        call("splice", 275, copy, Either(0), Pointed(1), Arg(4)),
        call("readahead", 187, read, Of(0), At(1), Arg(2)),
        // Only what arguments.h tells apart: advice that something will be read, and discards.
        call("fadvise64", 221, read, Of(0), At(1), Arg(2)),
        call("ioctl", 16, discard, Of(0), Range(2), Sizeless),
    ]
};

/// The names of the calls, as values of the field `call`.
static CALL: EnumType = EnumType {
    name: "call",
    variants: &{
        let mut variants = [("", 0u64); CALLS.len() + 4];
        variants[CALLS.len()] = ("io_uring", IOTQ_NUMBER_URING as u64);
        variants[CALLS.len() + 1] = ("libaio", IOTQ_NUMBER_AIO as u64);
        variants[CALLS.len() + 2] = ("page_fault", IOTQ_NUMBER_FAULT as u64);
        variants[CALLS.len() + 3] = ("writeback", IOTQ_NUMBER_WRITEBACK as u64);
        let mut i = 0;
        while i < CALLS.len() {
            variants[i] = (CALLS[i].name, CALLS[i].number as u64);
            i += 1;
        }
        variants
    },
};

/// The layer.
pub static LAYER: Layer = Layer {
    name: "syscall",
    id: 2,
    doc: "system calls that read, write or sync files and block devices (not pipes, sockets, terminals), operations of io_uring and libaio, page faults of mapped files, writeback",
    points: &[
        Point {
            name: "enter",
            id: 1,
            hooks: &[ENTER],
            doc: "a call begins",
        },
        Point {
            name: "exit",
            id: 2,
            // A call that was not seen to begin does not end, whatever is asked of it.
            hooks: &[ENTER, EXIT],
            doc: "a call returns",
        },
    ],
    end: "exit",
    fields: &[
        of_call(made::time("when the point was reached")),
        of_call(made::pid("process")),
        of_call(made::tid("thread")),
        of_call(made::comm("name of the thread")),
        of_call(made::uid("user")),
        of_call(made::cgroup("control group (cgroup v2)")),
        field(
            "op",
            Type::Enum(&SYSCALL_OP),
            Known::Start,
            number(offset_of!(iotq_syscall, op), 1),
            "what the call does",
        ),
        Field {
            followed_values: &[IOTQ_NUMBER_WRITEBACK as u64],
            ..field(
                "call",
                Type::Enum(&CALL),
                Known::Start,
                number(offset_of!(iotq_syscall, number), 4),
                "the call itself; `io_uring`, `libaio`, `page_fault` or `writeback` for what is none",
            )
        },
        field(
            "fd",
            Type::Int,
            Known::Start,
            nullable(offset_of!(iotq_syscall, fd), 4),
            "file descriptor",
        ),
        field(
            "kind",
            Type::Enum(&FILE_KIND),
            Known::Start,
            number(offset_of!(iotq_syscall, kind), 1),
            "kind of the file; `none` for calls without a descriptor",
        ),
        Field {
            in_directories: true,
            ..field(
                "file",
                Type::File,
                Known::Start,
                Slot::File {
                    dev: offset_of!(iotq_syscall, dev),
                    inode: offset_of!(iotq_syscall, inode),
                },
                "the file, by its filesystem's device and its inode: hard links and renames do not matter",
            )
        },
        field(
            "name",
            Type::Text,
            Known::Start,
            Slot::Text {
                offset: offset_of!(iotq_syscall, name),
                len: 32,
            },
            "last component of the file's path, cut at 31 bytes",
        ),
        field(
            "dev",
            Type::Dev,
            Known::Start,
            nullable(offset_of!(iotq_syscall, dev), 4),
            "device of the file's filesystem",
        ),
        field(
            "inode",
            Type::Int,
            Known::Start,
            nullable(offset_of!(iotq_syscall, inode), 8),
            "inode of the file",
        ),
        field(
            "offset",
            Type::Bytes,
            Known::Start,
            nullable(offset_of!(iotq_syscall, offset), 8),
            "where in the file; for calls that use the file's position, that position",
        ),
        field(
            "size",
            Type::Bytes,
            Known::Start,
            nullable(offset_of!(iotq_syscall, size), 8),
            "bytes asked for",
        ),
        field(
            "ret",
            Type::Int,
            END,
            Slot::Int {
                offset: offset_of!(iotq_syscall, ret),
            },
            "what the call returned: bytes done, or a negative errno",
        ),
        field(
            "error",
            Type::Enum(&ERRNO),
            END,
            number(offset_of!(iotq_syscall, error), 4),
            "how it failed; `none` if it did not",
        ),
        field(
            "lat",
            Type::Duration,
            END,
            number(offset_of!(iotq_syscall, lat), 8),
            "latency: entry to return; submission to completion",
        ),
        stage(
            "cpu",
            IOTQ_STAGE_CPU,
            "of the latency: the caller was on a CPU",
        ),
        stage(
            "runqueue",
            IOTQ_STAGE_RUNQUEUE,
            "of the latency: the caller could run and waited for a CPU",
        ),
        stage(
            "device",
            IOTQ_STAGE_DEVICE,
            "of the latency: no caller ran, and one of its requests was at a device",
        ),
        stage(
            "queue",
            IOTQ_STAGE_QUEUE,
            "of the latency: no caller ran, and its requests were queued",
        ),
        stage(
            "blocked",
            IOTQ_STAGE_BLOCKED,
            "of the latency: the caller slept without a request of its own: a lock, a page of somebody else's",
        ),
        stage(
            "other",
            IOTQ_STAGE_OTHER,
            "of the latency of an operation that no caller waits for: none of its requests was under way",
        ),
        Field {
            followed: true,
            ..field(
                "children",
                Type::Int,
                END,
                number(offset_of!(iotq_call_root, trail.children), 4),
                "block requests that it caused",
            )
        },
        field(
            "approx",
            Type::Bool,
            END,
            Slot::Bit {
                offset: offset_of!(iotq_syscall, head.marks),
                width: 2,
                mask: IOTQ_MARK_APPROX as u64,
            },
            "more children than there is room for, or one whose record was lost",
        ),
    ],
    columns: &[
        "time", "pid", "comm", "call", "name", "offset", "size", "ret", "lat",
    ],
    record: Some(size_of::<iotq_syscall>()),
    root: Some(size_of::<iotq_call_root>()),
    upkeep: &[
        GONE,
        URING_SUBMIT,
        URING_COMPLETE,
        AIO_BEGIN,
        AIO_COMPLETE,
        FAULT_BEGIN,
        FAULT_END,
    ],
    modules: &[],
    options: &["CONFIG_HAVE_SYSCALL_TRACEPOINTS"],
};

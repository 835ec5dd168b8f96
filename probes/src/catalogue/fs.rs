//! The filesystem layer: what happens between the system call and the page cache or the bios.

use std::mem::{offset_of, size_of};

use super::made::{self, nullable, number};
use super::types::*;
use super::{ERRNO, SYSCALL_OP};
use crate::abi::*;

const END: Known = Known::At(&["exit"]);

const CACHED: &str = "reads and writes of files through the page cache go by unseen";
const DIRECT: &str = "direct reads and writes of files go by unseen";
const DEVICES: &str = "reads, writes and syncs of block devices go by unseen";
const OTHERS: &str = "calls into filesystems other than ext4, xfs and btrfs go by unseen";

/// Direct I/O, seen from within.
const BEGUN: Hook = Hook::typed("iomap_dio_rw_begin", "iotq_fs_direct", &[4]).or_lose(DIRECT);
const DONE: Hook = Hook::typed("iomap_dio_complete", "iotq_fs_direct_end", &[3]).or_lose(DIRECT);
const QUEUED: Hook =
    Hook::typed("iomap_dio_rw_queued", "iotq_fs_direct_queued", &[3]).or_lose(DIRECT);

/// What sits on one function. Of two kprobes at one place the later one runs first: where a function begins, the program
/// sees what the kernel has done to notice its end.
macro_rules! function {
    ($function:literal, $program:literal, $lost:expr) => {
        [
            Hook::entry($function, $program).or_lose($lost),
            Hook::exit($function, concat!($program, "_end")).or_lose($lost),
        ]
    };
    // That of a filesystem which may be a module.
    ($function:literal, $program:literal, $filesystem:literal, $probe:literal, [$($begins:expr),*], [$($ends:expr),*]) => {
        [
            Hook::entry($function, $program)
                .or(&[Hook::probe($function, $probe), $($begins),*])
                .on($filesystem),
            Hook::exit($function, concat!($program, "_end"))
                .or(&[Hook::exit_probe($function, "iotq_fs_end_probe"), $($ends),*])
                .on($filesystem),
        ]
    };
}

/// Those of a filesystem that read and write. Without them, direct I/O is seen at least.
macro_rules! io {
    ($function:literal, $program:literal, $filesystem:literal, $probe:literal) => {{
        const PAIR: [Hook; 2] = function!(
            $function,
            $program,
            $filesystem,
            $probe,
            [BEGUN],
            [DONE, QUEUED]
        );
        [PAIR[0].or_lose(CACHED), PAIR[1].or_lose(CACHED)]
    }};
}

/// Those that sync.
macro_rules! sync {
    ($function:literal, $program:literal, $filesystem:literal) => {{
        const PAIR: [Hook; 2] = function!(
            $function,
            $program,
            $filesystem,
            "iotq_fs_sync_probe",
            [],
            []
        );
        const LOST: &str = concat!("syncs of files on ", $filesystem, " go by unseen");
        [PAIR[0].or_lose(LOST), PAIR[1].or_lose(LOST)]
    }};
}

const EXT4_SYNCS: &str = "syncs of files on ext4 go by unseen";

/// Where calls begin and end: each function, and what tells of the same where functions cannot be hooked.
static CALLS: [[Hook; 2]; 15] = [
    io!(
        "ext4_file_read_iter",
        "iotq_fs_ext4_read",
        "ext4",
        "iotq_fs_read_probe"
    ),
    io!(
        "ext4_file_write_iter",
        "iotq_fs_ext4_write",
        "ext4",
        "iotq_fs_write_probe"
    ),
    function!(
        "ext4_sync_file",
        "iotq_fs_ext4_sync",
        "ext4",
        "iotq_fs_sync_probe",
        [
            Hook::typed("ext4_sync_file_enter", "iotq_fs_ext4_sync_within", &[2])
                .or_lose(EXT4_SYNCS)
        ],
        [
            Hook::typed("ext4_sync_file_exit", "iotq_fs_ext4_sync_within_end", &[2])
                .or_lose(EXT4_SYNCS)
        ]
    ),
    io!(
        "xfs_file_read_iter",
        "iotq_fs_xfs_read",
        "xfs",
        "iotq_fs_read_probe"
    ),
    io!(
        "xfs_file_write_iter",
        "iotq_fs_xfs_write",
        "xfs",
        "iotq_fs_write_probe"
    ),
    sync!("xfs_file_fsync", "iotq_fs_xfs_sync", "xfs"),
    io!(
        "btrfs_file_read_iter",
        "iotq_fs_btrfs_read",
        "btrfs",
        "iotq_fs_read_probe"
    ),
    io!(
        "btrfs_file_write_iter",
        "iotq_fs_btrfs_write",
        "btrfs",
        "iotq_fs_write_probe"
    ),
    sync!("btrfs_sync_file", "iotq_fs_btrfs_sync", "btrfs"),
    function!("blkdev_read_iter", "iotq_fs_blkdev_read", DEVICES),
    function!("blkdev_write_iter", "iotq_fs_blkdev_write", DEVICES),
    function!("blkdev_fsync", "iotq_fs_blkdev_sync", DEVICES),
    function!("generic_file_read_iter", "iotq_fs_other_read", OTHERS),
    function!("generic_file_write_iter", "iotq_fs_other_write", OTHERS),
    function!("vfs_fsync_range", "iotq_fs_other_sync", OTHERS),
];

const fn end(name: &'static str, ty: Type, slot: Slot, doc: &'static str) -> Field {
    made::field(name, ty, END, slot, doc)
}

const fn flag(mask: u32) -> Slot {
    Slot::Bit {
        offset: offset_of!(iotq_fs, flags),
        width: 1,
        mask: mask as u64,
    }
}

/// The layer.
pub static LAYER: Layer = Layer {
    name: "fs",
    id: 3,
    doc: "calls into filesystems: reads, writes and syncs of files and block devices",
    points: &[
        Point {
            name: "enter",
            id: 1,
            hooks: CALLS.as_flattened(),
            doc: "a call begins",
        },
        Point {
            name: "exit",
            id: 2,
            hooks: CALLS.as_flattened(),
            doc: "a call returns",
        },
    ],
    end: "exit",
    fields: &[
        made::time("when the point was reached"),
        made::pid("process"),
        made::tid("thread"),
        made::comm("name of the thread"),
        made::uid("user"),
        made::cgroup("control group (cgroup v2)"),
        made::start(
            "op",
            Type::Enum(&SYSCALL_OP),
            number(offset_of!(iotq_fs, op), 1),
            "what it does: `read`, `write` or `fsync`",
        ),
        made::start(
            "type",
            Type::Text,
            Slot::Text {
                offset: offset_of!(iotq_fs, type_),
                len: 16,
            },
            "type of the filesystem; `bdev` for a block device",
        ),
        Field {
            in_directories: true,
            ..made::start(
                "file",
                Type::File,
                Slot::File {
                    dev: offset_of!(iotq_fs, dev),
                    inode: offset_of!(iotq_fs, inode),
                },
                "the file, by its filesystem's device and its inode",
            )
        },
        made::start(
            "name",
            Type::Text,
            Slot::Text {
                offset: offset_of!(iotq_fs, name),
                len: 32,
            },
            "last component of the file's path, cut at 31 bytes",
        ),
        made::start(
            "dev",
            Type::Dev,
            nullable(offset_of!(iotq_fs, dev), 4),
            "device of the filesystem; of a block device, itself",
        ),
        made::start(
            "inode",
            Type::Int,
            nullable(offset_of!(iotq_fs, inode), 8),
            "inode of the file",
        ),
        made::start(
            "offset",
            Type::Bytes,
            nullable(offset_of!(iotq_fs, offset), 8),
            "where in the file; none of a write at its end (O_APPEND), or of a sync of all",
        ),
        made::start(
            "size",
            Type::Bytes,
            nullable(offset_of!(iotq_fs, size), 8),
            "bytes asked for; none of a sync of all",
        ),
        made::start(
            "direct",
            Type::Bool,
            flag(IOTQ_FS_DIRECT),
            "past the page cache",
        ),
        made::start(
            "datasync",
            Type::Bool,
            flag(IOTQ_FS_DATASYNC),
            "a sync of the data alone (fdatasync)",
        ),
        end(
            "queued",
            Type::Bool,
            flag(IOTQ_FS_QUEUED),
            "asynchronous: it returned before the I/O was done, and its latency is that of the call",
        ),
        end(
            "ret",
            Type::Int,
            Slot::Int {
                offset: offset_of!(iotq_fs, ret),
            },
            "bytes done, or a negative errno; 0 if queued",
        ),
        end(
            "error",
            Type::Enum(&ERRNO),
            number(offset_of!(iotq_fs, error), 4),
            "how it failed; `none` if it did not",
        ),
        end(
            "lat",
            Type::Duration,
            nullable(offset_of!(iotq_fs, lat), 8),
            "latency: entry to return",
        ),
        made::start(
            "approx",
            Type::Bool,
            Slot::Bit {
                offset: offset_of!(iotq_fs, head.marks),
                width: 2,
                mask: IOTQ_MARK_APPROX_CALL as u64,
            },
            "only the direct I/O within the call was seen: waiting for the file's locks is not in the latency",
        ),
    ],
    columns: &[
        "time", "pid", "comm", "type", "op", "name", "offset", "size", "ret", "lat",
    ],
    record: Some(size_of::<iotq_fs>()),
    root: None,
    upkeep: &[Hook::typed("sched_process_exit", "iotq_fs_gone", &[1, 2])],
    modules: &["ext4", "xfs", "btrfs"],
    options: &["CONFIG_BPF_EVENTS"],
};

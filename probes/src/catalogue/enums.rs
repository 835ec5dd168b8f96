//! The closed lists of values that fields take.

use super::EnumType;

/// What a block request does.
pub static BLOCK_OP: EnumType = EnumType {
    name: "op",
    variants: &[
        ("read", 1),
        ("write", 2),
        ("flush", 3),
        ("discard", 4),
        ("secure_erase", 5),
        ("write_zeroes", 6),
        ("zone_append", 7),
        ("zone_open", 8),
        ("zone_close", 9),
        ("zone_finish", 10),
        ("zone_reset", 11),
        ("zone_reset_all", 12),
        ("driver_in", 13),
        ("driver_out", 14),
        ("other", 15),
    ],
};

/// What a system call, or an operation of a filesystem, does.
pub static SYSCALL_OP: EnumType = EnumType {
    name: "op",
    variants: &[
        ("read", 1),
        ("write", 2),
        ("fsync", 3),
        ("sync", 4),
        ("allocate", 5),
        ("truncate", 6),
        ("copy", 7),
        ("discard", 8),
    ],
};

/// What kind of file a call works on.
pub static FILE_KIND: EnumType = EnumType {
    name: "kind",
    variants: &[("file", 1), ("device", 2), ("directory", 3), ("none", 4)],
};

/// Errors by their errno names.
pub static ERRNO: EnumType = EnumType {
    name: "error",
    variants: &[
        ("none", 0),
        ("EPERM", 1),
        ("ENOENT", 2),
        ("EINTR", 4),
        ("EIO", 5),
        ("ENXIO", 6),
        ("EBADF", 9),
        ("EAGAIN", 11),
        ("ENOMEM", 12),
        ("EACCES", 13),
        ("EFAULT", 14),
        ("EBUSY", 16),
        ("EEXIST", 17),
        ("ENODEV", 19),
        ("ENOTDIR", 20),
        ("EISDIR", 21),
        ("EINVAL", 22),
        ("EFBIG", 27),
        ("ENOSPC", 28),
        ("ESPIPE", 29),
        ("EROFS", 30),
        ("EPIPE", 32),
        ("EDEADLK", 35),
        ("ENOSYS", 38),
        ("EBADE", 52),
        ("ENODATA", 61),
        ("ETIME", 62),
        ("ENOLINK", 67),
        ("EOVERFLOW", 75),
        ("EILSEQ", 84),
        ("EOPNOTSUPP", 95),
        ("ETIMEDOUT", 110),
        ("ESTALE", 116),
        ("EUCLEAN", 117),
        ("EREMOTEIO", 121),
        ("EDQUOT", 122),
        ("ECANCELED", 125),
        ("ERESTARTSYS", 512),
    ],
};

/// What the page cache did.
pub static CACHE_EVENT: EnumType = EnumType {
    name: "event",
    variants: &[
        ("hit", 1),
        ("miss", 2),
        ("readahead", 3),
        ("dirty", 4),
        ("writeback", 5),
        ("evict", 6),
    ],
};

/// Why a task was not running.
pub static SCHED_STATE: EnumType = EnumType {
    name: "state",
    variants: &[
        ("running", 1),
        ("runnable", 2),
        ("asleep", 3),
        ("preempted", 4),
    ],
};

/// NVMe I/O commands.
pub static NVME_OP: EnumType = EnumType {
    name: "op",
    variants: &[
        ("flush", 0x00),
        ("write", 0x01),
        ("read", 0x02),
        ("write_uncor", 0x04),
        ("compare", 0x05),
        ("write_zeroes", 0x08),
        ("discard", 0x09),
        ("verify", 0x0c),
        ("reserve_register", 0x0d),
        ("reserve_report", 0x0e),
        ("reserve_acquire", 0x11),
        ("reserve_release", 0x15),
        ("copy", 0x19),
        ("zone_send", 0x79),
        ("zone_receive", 0x7a),
        ("zone_append", 0x7d),
        ("delete_sq", 0x100),
        ("create_sq", 0x101),
        ("get_log_page", 0x102),
        ("delete_cq", 0x104),
        ("create_cq", 0x105),
        ("identify", 0x106),
        ("abort", 0x108),
        ("set_features", 0x109),
        ("get_features", 0x10a),
        ("async_event", 0x10c),
        ("namespace_manage", 0x10d),
        ("firmware_commit", 0x110),
        ("firmware_download", 0x111),
        ("self_test", 0x114),
        ("namespace_attach", 0x115),
        ("keep_alive", 0x118),
        ("format", 0x180),
        ("security_send", 0x181),
        ("security_receive", 0x182),
        ("sanitize", 0x184),
    ],
};

/// SCSI commands, by the operation they stand for.
pub static SCSI_OP: EnumType = EnumType {
    name: "op",
    variants: &[
        ("read", 1),
        ("write", 2),
        ("flush", 3),
        ("discard", 4),
        ("write_zeroes", 5),
        ("test_unit_ready", 6),
        ("inquiry", 7),
        ("other", 8),
    ],
};

/// How a queue of a guest's disk is laid out: a virtqueue, or one of NVMe.
pub static RING_FORMAT: EnumType = EnumType {
    name: "format",
    variants: &[("split", 1), ("packed", 2), ("nvme", 3)],
};

/// What a guest asked of its virtual disk.
pub static VIRTIO_OP: EnumType = EnumType {
    name: "op",
    variants: &[
        ("read", 1),
        ("write", 2),
        ("flush", 3),
        ("discard", 4),
        ("write_zeroes", 5),
        ("other", 6),
    ],
};

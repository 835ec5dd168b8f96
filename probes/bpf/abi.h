/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * What the templates and user space agree on: records, filter tables, counters.
 *
 * `abi.rs` is generated from this file; sizes are asserted on both sides. Times are nanoseconds of CLOCK_MONOTONIC,
 * sizes are bytes, sectors are 512 bytes. A field whose bits are all ones is null: the request has no such value.
 */
#ifndef IOTQ_ABI_H
#define IOTQ_ABI_H

#include "types.h"

#define IOTQ_NULL32 0xffffffffu
#define IOTQ_NULL64 0xffffffffffffffffull

#define IOTQ_CACHE_LINE 64
#define IOTQ_COMM_LEN 16
#define IOTQ_NAME_LEN 32

/* Statements that share one set of probes: one bit each in `iotq_head.queries`. */
#define IOTQ_MAX_QUERIES 32
/* Terms of one filter table, over all statements that use it. */
#define IOTQ_MAX_TERMS 32
#define IOTQ_MAX_TEXTS 16
#define IOTQ_MAX_CGROUPS 8
#define IOTQ_MAX_DIRECTORIES 8
#define IOTQ_MAX_MEMBERSHIPS 32 /* `under` relations */
#define IOTQ_MAX_LAYERS 12
#define IOTQ_MAX_SYSCALLS 512

/* Marks of a record. */
#define IOTQ_MARK_APPROX_QUEUE 1 /* the bio's queue time was not seen: the request's start stands in for it */
#define IOTQ_MARK_APPROX_TASK 2  /* the submitter was not seen: the task is the one that issued the request */
#define IOTQ_MARK_INTERNAL 4     /* made by the block layer itself (the device flush of a FLUSH or FUA) */
#define IOTQ_MARK_UNENDED 8      /* its end was not seen: it was over when its request was used again */

#define IOTQ_MARK_APPROX_ISSUE 16 /* its issue was asked for, and not seen */
#define IOTQ_MARK_APPROX_CALL 128 /* only the direct I/O within the call was seen */

#define IOTQ_MARK_CROWDED 64 /* a root: it had more children than there is room for, or not all was seen of them */

#define IOTQ_MARK_PARTS 32 /* place and size are those of what has completed; else, until its issue, those at its start */

#define IOTQ_MARK_APPROX_ORIGIN 256 /* who made its pages dirty was not seen, or several did */

#define IOTQ_MARK_APPROX_ASKED 512 /* what a guest asks for could not be read */

/* A part of the record was not seen. */
#define IOTQ_MARK_APPROX \
	(IOTQ_MARK_APPROX_QUEUE | IOTQ_MARK_APPROX_TASK | IOTQ_MARK_UNENDED | IOTQ_MARK_APPROX_ISSUE | IOTQ_MARK_CROWDED | \
	 IOTQ_MARK_APPROX_CALL | IOTQ_MARK_APPROX_ORIGIN | IOTQ_MARK_APPROX_ASKED)

struct iotq_head {
	__u64 at;      /* when the point was reached */
	__u32 queries; /* the statements whose filters this record passed */
	__u8 layer;    /* enum iotq_layer */
	__u8 point;    /* the layer's point */
	__u16 marks;   /* IOTQ_MARK_* */
};

struct iotq_task {
	__u64 cgroup;  /* id in the default hierarchy */
	/* The `under` relations that hold: families of processes, subtrees of cgroups, directories; the upper half: its origin's. */
	__u64 members;
	char comm[IOTQ_COMM_LEN];
	__u32 pid; /* the process (thread group) */
	__u32 tid;
	__u32 uid;
	__u32 root; /* the request that this is part of; zero: none that is followed */
};

/* For whom a request is: who made the pages dirty that it writes back, else who submitted it. */
struct iotq_origin {
	__u64 cgroup;
	char comm[IOTQ_COMM_LEN];
	__u32 pid; /* null if not known */
	__u32 pad;
};

/* One block request, or one event of it. */
struct iotq_block {
	struct iotq_head head;
	struct iotq_task task;
	/* known at the start */
	__u32 dev;   /* the whole disk */
	__u32 part;  /* the partition through which it was submitted, or the disk */
	__u32 flags; /* IOTQ_BLOCK_* */
	__u8 op;     /* enum iotq_block_op */
	__u8 sequential; /* goes on where the last one ended; not from the start, but when issued */
	__u8 pad[2];
	/* known when queued (bio), or issued (request) */
	__u64 sector; /* null for a flush */
	__u32 size;
	__u32 queue; /* hardware queue */
	__u32 tag;
	/* known at the end */
	__u16 error; /* errno, 0 for none */
	__u16 requeues;
	__u64 q2i; /* queued to inserted into the scheduler */
	__u64 i2d; /* inserted to issued */
	__u64 q2d; /* queued to issued */
	__u64 d2c; /* issued to completed */
	__u64 lat; /* queued to completed */
	/* known at the start, last because few ask for it */
	struct iotq_origin origin;
};

/* The roots that one block request is part of; of more, those that came first. */
#define IOTQ_MAX_OWNERS 16
#define IOTQ_DRIVER_WORDS 8
#define IOTQ_RING_WORDS 5

/* A block request with what its driver adds. All drivers' records begin with the request's. */
struct iotq_nvme {
	struct iotq_block block;
	__u64 lat; /* set up to completed */
	__u32 ctrl;
	__u32 nsid;
	__u32 error;
	__u32 retries;
	__u32 sq_head; /* null until seen */
	__u32 sq_tail;
	__u16 op; /* enum iotq_nvme_op */
	__u16 qid; /* 0: the admin queue */
	__u16 cid;
	__u16 status;
	__u8 opcode;
	__u8 pad[7];
};

/* Where fields of types lie that only the driver's module knows. */
struct iotq_nvme_layout {
	__u32 request_ctrl; /* struct nvme_request */
	__u32 request_status;
	__u32 request_retries;
	__u32 ctrl_instance; /* struct nvme_ctrl */
};

struct iotq_scsi {
	struct iotq_block block;
	__u64 lat; /* dispatched to done */
	__u32 host;
	__u32 channel;
	__u32 target;
	__u32 lun;
	__u32 tag;
	__u32 result; /* host byte << 16 | status byte */
	__u32 sense;  /* key << 16 | code << 8 | qualifier; null without */
	__u32 error;
	__u8 op; /* enum iotq_scsi_op */
	__u8 opcode;
	__u8 pad[6];
};

struct iotq_scsi_layout {
	__u32 cmnd_device; /* struct scsi_cmnd */
	__u32 cmnd_cdb;
	__u32 cmnd_cdb_points; /* to the command block; else it holds it */
	__u32 cmnd_result;
	__u32 cmnd_sense;
	__u32 device_host; /* struct scsi_device */
	__u32 device_channel;
	__u32 device_id;
	__u32 device_lun;
	__u32 host_number; /* struct Scsi_Host */
};

/* A virtio disk's request on its ring. */
struct iotq_virtio {
	struct iotq_block block;
	__u64 driver[IOTQ_DRIVER_WORDS]; /* what a driver above the ring has added; not for readers */
	__u64 lat; /* added to the ring to taken back from it */
	__u64 a2n; /* added to the host's being told; null while it is not */
	__u32 device; /* the 3 of virtio3 */
	__u32 queue;
	__u32 index; /* 16 bits: of a split ring, the available index that it takes; of a packed one, its first descriptor */
	__u32 head;  /* first descriptor; of a packed ring, the buffer's id */
	__u32 error;
	__u8 format; /* enum iotq_ring_format */
	__u8 op;     /* enum iotq_virtio_op */
	__u8 status;
	__u8 pad;
};

struct iotq_virtio_layout {
	__u32 queue_device; /* struct virtqueue */
	__u32 queue_index;
	__u32 device_index; /* struct virtio_device */
	__u32 device_id;
	__u32 ring_queue; /* struct vring_virtqueue */
	__u32 ring_packed; /* a byte, odd for packed rings */
	__u32 ring_free;
	__u32 split_index;
	__u32 packed_index;
	__u32 blk_known; /* the driver is there */
	__u32 blk_type; /* struct virtblk_req */
	__u32 blk_status;
	__u32 scsi_known;
	__u32 scsi_size; /* struct scsi_cmnd */
	__u32 scsi_command; /* struct virtio_scsi_cmd */
	__u32 scsi_response;
};

/* A guest's request within QEMU, or one event of it. */
struct iotq_qemu {
	struct iotq_head head;
	struct iotq_task task; /* the thread that takes it off the ring */
	__u64 offset; /* on the guest's disk; null for a flush */
	__u64 size;
	__u32 queue;
	__u32 index; /* 16 bits: of a split ring, the available index; of a packed one, its first descriptor; of NVMe, the command's id */
	__u32 first; /* descriptor; of a packed ring, the buffer's id; of NVMe, the namespace */
	__u8 op;     /* enum iotq_virtio_op */
	__u8 format; /* enum iotq_ring_format */
	__u8 merged; /* read or written within another one's call */
	__u8 status; /* the answer */
	char guest[IOTQ_NAME_LEN];
	char disk[IOTQ_NAME_LEN]; /* known when submitted, as are the next two */
	__u64 p2s; /* popped to submitted; null without a call of its own */
	/* known at the end */
	__u64 s2p; /* submitted to pushed */
	__u64 lat; /* popped to pushed */
	__u32 error; /* errno, 0 for none */
	__u32 pad;
	/* Null but where the guest's side is known, too. */
	__u64 kick;   /* issued in the guest to popped */
	__u64 inject; /* pushed to completed in the guest */
};

/* Something of a process that runs QEMU. */
struct iotq_qemu_key {
	__u64 address;
	__u32 pid;
	__u32 pad;
};

/* What a queue of a guest's disk is of; zero, of a virtio disk. */
enum iotq_qemu_kind {
	IOTQ_QEMU_KIND_BLK,
	IOTQ_QEMU_KIND_SCSI, /* the host adapter */
	IOTQ_QEMU_KIND_NVME, /* the controller; it is its own admin queue */
};

/* A queue of a guest's disk. */
struct iotq_qemu_queue {
	__u64 device;
	__u64 disk; /* whose name follows; zero until one is known */
	__u32 queue;
	__u32 index; /* of the last request */
	__u32 round; /* how often the indices have begun anew */
	__u32 kind;  /* enum iotq_qemu_kind */
	char name[IOTQ_NAME_LEN];
};

/* Commands of an NVMe drive have the same id at a distance of several round trips at least: in another one of these times. */
#define IOTQ_NVME_ROUND_SHIFT 15 /* nanoseconds */

/* Where a guest's request was on a ring. The guest knows the queue and the index, and has its own number for the device. */
struct iotq_kept_key {
	__u64 device; /* its address in the process */
	__u32 pid;
	__u32 queue;
	__u32 index;
	__u32 round;
};

/* What is kept of a guest's request: its record, behind its length, a word. What belongs to it lies among the parts. */
#define IOTQ_KEPT_WORDS 27
struct iotq_kept {
	__u32 used;  /* bytes; zero: none yet */
	__u32 parts; /* how many; none where requests are not followed */
	__u64 first; /* the number of the first of them, counted from the beginning */
	__u64 words[IOTQ_KEPT_WORDS];
};

/*
 * What belongs to a guest's request that is followed: its trail, the calls that QEMU made for it, the requests to disks. The
 * newest are there, each at the place that its number has in a ring of them.
 */
#define IOTQ_PART_WORDS 35 /* behind its length in bytes, a word, which is zero if there is none */

/* A QEMU executable: where it keeps what is read. What an optional field is null for is not known. */
#define IOTQ_MAX_QEMUS 8
/* The cookie of a program in one: its number, and above it the address that the program sits on, as the executable has it. */
#define IOTQ_QEMU_SITE_SHIFT 8
/* A power of two: so much of an element is read at once, and the layout's offsets lie within. */
#define IOTQ_ELEMENT_WINDOW 64
struct iotq_qemu_layout {
	__u64 name; /* optional: where the pointer to the guest's name is, as the executable has it */
	__u32 pop_register; /* enum iotq_register: the queue, there */
	__u32 queue_device; /* struct VirtQueue */
	__u32 queue_index;
	__u32 queue_last;
	__u32 queue_size;
	__u32 device_packed; /* struct VirtIODevice: a byte, */
	__u32 packed_mask;   /* and the bit of packed rings in it */
	__u32 element_count; /* struct VirtQueueElement: its descriptors; it begins with the first one's number, */
	__u32 element_outs;  /* then vectors that the guest wrote, */
	__u32 element_ins;   /* and is to read */
	__u32 element_out;
	__u32 element_in;
	__u32 blk_name;      /* struct BlockBackend; optional */
	__u32 blk_device;    /* optional, with the next two */
	__u32 device_parent; /* struct DeviceState */
	__u32 device_id;
	__u32 scsi_element;  /* struct SCSIRequest; optional */
	__u32 nvme_command;  /* struct NvmeRequest; optional */
	__u32 nvme_made_for; /* struct BlockAIOCB: for whom it was made */
	__u32 nvme_ends;     /* the end of each NVMe request is seen, not only that of reads and writes */
};

/* Registers that a function keeps over its calls. */
enum iotq_register {
	IOTQ_REGISTER_BX,
	IOTQ_REGISTER_BP,
	IOTQ_REGISTER_R12,
	IOTQ_REGISTER_R13,
	IOTQ_REGISTER_R14,
	IOTQ_REGISTER_R15,
};

/* Requests that a queue's host has not been told of, the newest. */
#define IOTQ_UNTOLD 32
struct iotq_untold {
	__u32 added; /* so many were added, */
	__u32 told;  /* and the host was told of so many */
	__u64 requests[IOTQ_UNTOLD]; /* identities */
};

/*
 * A request while it is followed. It begins on one CPU and often ends on another, and every cache line that goes with it
 * costs as much as the rest of a program: without an origin and a driver's part it is three lines, to which the table is
 * aligned.
 */
struct iotq_block_slot {
	__u64 request; /* identity of the kernel's `struct request` */
	__u64 queued;  /* zero: it has not begun, or is over */
	__u64 inserted; /* zero until then */
	__u64 issued;   /* zero until then */
	__u64 given;    /* to the driver; zero while no statement on the driver's layer wants it */
	__u32 driver_layer;
	__u32 driver_queries; /* the statements on the driver's layer that follow it; in the record those on the block layer */
	struct iotq_block record; /* record.head.queries is zero while the block layer does not track it */
	__u64 driver[IOTQ_DRIVER_WORDS]; /* the rest of the driver's record */
	__u64 ring[IOTQ_RING_WORDS]; /* the rest of a virtio ring's */
	__u64 added; /* to the ring; zero while it is not on one, or no statement wants it */
	__u32 ring_queries; /* the statements on rings that follow it */
	__u32 answered; /* the layers below that are done with it, a bit each */
	/* The roots that it is part of, two cache lines that only joins touch. */
	__u16 owner_count;
	__u16 owned; /* a root's bookkeeping is to be done */
	__u32 index; /* of this slot */
	__u64 rest[4]; /* of the cache line */
	__u64 owners[IOTQ_MAX_OWNERS];
};

#define IOTQ_BLOCK_SYNC 1
#define IOTQ_BLOCK_META 2
#define IOTQ_BLOCK_FUA 4
#define IOTQ_BLOCK_PREFLUSH 8
#define IOTQ_BLOCK_AHEAD 16
#define IOTQ_BLOCK_PRIO 32
#define IOTQ_BLOCK_BACKGROUND 64
#define IOTQ_BLOCK_SWAP 128
#define IOTQ_BLOCK_POLLED 256
#define IOTQ_BLOCK_NOWAIT 512

/* What stands for the number of a call that is none: an operation of io_uring or libaio, a page fault, writeback. */
#define IOTQ_NUMBER_URING 1024
#define IOTQ_NUMBER_AIO 1025
#define IOTQ_NUMBER_FAULT 1026
#define IOTQ_NUMBER_WRITEBACK 1027
#define IOTQ_NUMBER_GUEST 1028 /* a guest's request: only a root's bookkeeping knows it, */
#define IOTQ_NUMBER_COMMIT 1029 /* and a journal's commit */

/* One system call, or its entry. */
struct iotq_syscall {
	struct iotq_head head;
	struct iotq_task task;
	__u32 number; /* of the call, on this architecture */
	__u8 op;      /* enum iotq_syscall_op */
	__u8 kind;    /* enum iotq_file_kind */
	__u8 pad[2];
	__u32 fd;     /* null for calls without one */
	__u32 dev;    /* the file's filesystem */
	__u64 inode;
	__u64 offset; /* null where the call has none */
	__u64 size;   /* asked for */
	char name[IOTQ_NAME_LEN]; /* last component of the file's path */
	/* known at the end */
	__s64 ret;
	__u64 lat;
	__u32 error; /* errno, 0 for none */
	__u32 pad2;
};

#define IOTQ_TYPE_LEN 16

#define IOTQ_FS_DIRECT 1   /* past the page cache */
#define IOTQ_FS_DATASYNC 2 /* of the metadata, only what reading the data needs */
#define IOTQ_FS_QUEUED 4   /* it returned before it was done */

/* One call into a filesystem, or its beginning. */
struct iotq_fs {
	struct iotq_head head;
	struct iotq_task task;
	__u8 op;    /* enum iotq_syscall_op */
	__u8 flags; /* IOTQ_FS_* */
	__u8 pad[2];
	__u32 dev; /* of the filesystem; of a block device, its own */
	__u64 inode;
	__u64 offset; /* null where a whole file is synced */
	__u64 size;
	char type[IOTQ_TYPE_LEN];
	char name[IOTQ_NAME_LEN]; /* last component of the file's path */
	/* known at the end */
	__s64 ret;
	__u64 lat;
	__u32 error; /* errno, 0 for none */
	__u32 pad2;
};

/* A time that the caller of a followed operation spent off its CPU. */
struct iotq_sched {
	struct iotq_head head;
	struct iotq_task task;
	__u32 cpu;      /* that it leaves; in the end, that it gets */
	__u32 next_pid; /* whose thread runs instead; zero: nobody's */
	char next_comm[IOTQ_COMM_LEN];
	__u32 waker;    /* the process that woke it; null if it did not sleep */
	char waker_comm[IOTQ_COMM_LEN];
	__u32 prev_pid; /* whose thread had the CPU that it gets; zero: nobody's */
	char prev_comm[IOTQ_COMM_LEN];
	__u8 state;     /* enum iotq_sched_state */
	__u8 pad[7];
	/* known at the end */
	__u64 blocked;  /* asleep */
	__u64 runqueue; /* waiting for a CPU */
	__u64 lat;      /* both */
};

/* Something that has happened to pages of a file in the page cache; within a request, to all that it happened to. */
struct iotq_cache {
	struct iotq_head head;
	struct iotq_task task;
	__u32 dev;    /* the file's filesystem; a block device is its own */
	__u8 event;   /* enum iotq_cache_event */
	__u8 pad[3];
	__u64 inode;
	__u64 offset; /* of the first page */
	__u64 size;   /* of pages as a whole; of what is written back, of the bio */
	char name[IOTQ_NAME_LEN]; /* last component of the file's path */
};
#define IOTQ_CACHE_EVENTS 6

/* What a root's time is cut into: times that add up to its latency. */
enum iotq_stage {
	IOTQ_STAGE_CPU,      /* its caller is on a CPU */
	IOTQ_STAGE_RUNQUEUE, /* its caller could run, and waits for a CPU */
	IOTQ_STAGE_DEVICE,   /* nobody runs, and a child is at its device */
	IOTQ_STAGE_QUEUE,    /* no child is at a device, and one is queued */
	IOTQ_STAGE_BLOCKED,  /* its caller sleeps for another reason */
	IOTQ_STAGE_OTHER,    /* no caller waits for it, and no child is under way */
};
#define IOTQ_STAGES 6

/* Children whose records are kept until their root ends; times off the CPU; and calls: into filesystems, or QEMU's. */
#define IOTQ_ROOT_CHILDREN 16
#define IOTQ_ROOT_WAITS 16
#define IOTQ_ROOT_CALLS 8
/* Roots at a time, over all. */
#define IOTQ_MOST_ROOTS 4096
/* Threads of QEMU that have answered requests which are not told yet, a power of two. */
#define IOTQ_GUEST_ANSWERS 1024
/* A root or a thread is found in one of so many places, whose keys lie in one cache line. */
#define IOTQ_PLACE_KEYS 8

/* Of a root that is followed: stands behind its record. */
struct iotq_trail {
	__u64 stages[IOTQ_STAGES];
	__u32 children; /* that began */
	__u32 late;     /* of them, not over when the root ended: they come behind it */
	__u32 crowded;  /* of them, those without room: they are only counted */
	__u32 gone;     /* of them, those that went into other requests */
	__u32 waits;    /* times off the CPU that are kept */
	__u32 waits_crowded; /* those without room */
	__u32 calls;         /* into filesystems, that are kept; of a guest's request, those that QEMU makes for it */
	__u32 calls_crowded;
	__u32 events; /* of the page cache, a bit each: those that are kept */
	__u32 pad;
};

/* A followed system call. */
struct iotq_call_root {
	struct iotq_syscall call;
	struct iotq_trail trail;
};

/* A followed request of a guest. */
struct iotq_qemu_root {
	struct iotq_qemu request;
	struct iotq_trail trail;
};

/*
 * Filters. A table is a conjunction of clauses for every statement, a clause a disjunction of terms; the last term of a
 * clause and of a statement carries IOTQ_END_*. Terms read the record at (offset, width).
 */
enum iotq_test {
	IOTQ_TEST_TRUE,    /* for a statement without clauses */
	IOTQ_TEST_RANGE,   /* a <= value <= b */
	IOTQ_TEST_BITS,    /* value & a */
	IOTQ_TEST_TEXT,    /* texts[set] */
	IOTQ_TEST_SET,     /* (set, value) is in the map `sets` */
};

#define IOTQ_END_CLAUSE 1
#define IOTQ_END_QUERY 2
#define IOTQ_NEGATE 4
#define IOTQ_NULLABLE 8
#define IOTQ_SIGNED 16 /* the value and the bounds are compared with the sign bit flipped */

struct iotq_term {
	__u16 offset;
	__u8 width; /* 1, 2, 4 or 8 bytes; 16 for text */
	__u8 test;  /* enum iotq_test */
	__u8 flags;
	__u8 query;
	__u16 set;
	__u64 a;
	__u64 b;
};

struct iotq_table {
	__u32 count;
	__u32 pad;
	struct iotq_term terms[IOTQ_MAX_TERMS];
	__u64 rest[7]; /* of the last cache line */
};

/* A text, exact or the fixed part of a `prefix*` glob: (word ^ value) & mask must be zero. */
struct iotq_text {
	__u64 value[2];
	__u64 mask[2];
};

/*
 * Groups that are kept in the kernel, each CPU's for itself, in two generations: one is filled while the other is read. A
 * group is in a table with open addressing, by the words of its key, which are copied from the record.
 */
#define IOTQ_MAX_GROUPINGS 8 /* streams whose groups are kept here */
#define IOTQ_MAX_MEASURES 8
#define IOTQ_KEY_WORDS 8
#define IOTQ_GROUP_WORDS 30 /* of the key, then of what is kept */
#define IOTQ_GENERATIONS 2

/* 16 buckets for each power of two. */
#define IOTQ_HIST_BITS 4
#define IOTQ_HIST_BUCKETS 976

struct iotq_group {
	__u64 rows; /* zero: this place is free */
	__u32 next; /* the group that came before it: its number, and one; zero: it was the first */
	__u32 pad;
	__u64 words[IOTQ_GROUP_WORDS];
};

/* Of a stream, a generation and a CPU. */
struct iotq_group_head {
	__u64 busy; /* a program is at work on these groups: one that interrupts it must not be */
	__u32 last; /* the group that came last: its number, and one */
	__u32 pad;
	__u64 rest[6]; /* of the cache line */
	__u64 key[IOTQ_KEY_WORDS]; /* of the record that is at hand: the stack has no room for it */
};

/* A word of a key. */
struct iotq_load {
	__u64 mask;
	__u16 offset;
	__u8 width;
	__u8 pad[5];
};

/* What is kept of a field, from word `cell` on: the count of values, then in this order */
#define IOTQ_KEEP_SUM 1     /* two words, the lower first */
#define IOTQ_KEEP_MIN 2     /* signed ones with the sign bit flipped */
#define IOTQ_KEEP_MAX 4
#define IOTQ_KEEP_SQUARES 8 /* two words */
/* and apart from the words */
#define IOTQ_KEEP_HIST 16
#define IOTQ_KEEP_STEPS 32  /* a histogram of equal steps: from a to b */
/* or nothing of that, but how often the term holds */
#define IOTQ_KEEP_TRUTH 64

struct iotq_measure {
	struct iotq_term term; /* where the field is; or a condition */
	__u64 step;
	__u8 keeps;
	__u8 cell;
	__u8 hist; /* the number of the group's histogram */
	__u8 pad[5];
};

/* A stream whose groups are kept here. */
struct iotq_grouping {
	__u8 layer;
	__u8 point;
	__u8 query;
	__u8 key_words;
	__u8 measures;
	__u8 hists; /* of each group */
	__u16 pad;
	__u32 groups_mask; /* groups of a CPU and generation, a power of two, less one */
	__u32 first_group; /* in iotq_groups */
	__u32 first_hist;  /* in iotq_hists */
	__u32 pad2;
	struct iotq_load key[IOTQ_KEY_WORDS];
	struct iotq_measure kept[IOTQ_MAX_MEASURES];
};

struct iotq_set_key {
	__u64 value;
	__u32 set;
	__u32 pad;
};

struct iotq_cgroup {
	__u64 id;
	__u32 level;
	__u32 bit; /* in iotq_task.members */
};

struct iotq_directory {
	__u64 inode;
	__u32 dev;    /* of the filesystem, as its inodes have it */
	__u32 volume; /* on btrfs: the device that stands for the subvolume; else zero */
	__u32 bit;    /* in iotq_task.members */
	__u32 pad;
};

/* Where fields of btrfs lie, which may be a module. */
struct iotq_btrfs_layout {
	__u32 inode;  /* in struct btrfs_inode */
	__u32 root;
	__u32 device; /* in struct btrfs_root */
	__u32 pad;
};

/* How a bio that a stacked device made leads to the one that the device was given. */
#define IOTQ_MAX_STACKS 8
enum iotq_stack_kind {
	IOTQ_STACK_PRIVATE, /* what `bi_private` points to has a pointer to it, */
	IOTQ_STACK_CLONE,   /* or what the bio is embedded in, */
	IOTQ_STACK_OWNED,   /* or what that has a pointer to */
	IOTQ_STACK_CHAIN,   /* `bi_private` is it */
};

struct iotq_stack {
	__u64 ends; /* the function at the end of such bios; zero: none */
	__u32 kind;
	__u32 clone; /* offsets in bytes: of the bio in what it is embedded in, */
	__u32 owner; /* there, of the pointer to its owner, */
	__u32 upper; /* and of the pointer to the other bio */
};

/* Where a system call's arguments are: the numbers of the registers. */
#define IOTQ_CALL_FD 1
#define IOTQ_CALL_POSITION 2 /* works at the file's position */
#define IOTQ_CALL_OFFSET 4
#define IOTQ_CALL_SIZE 8
#define IOTQ_CALL_VECTOR 16  /* `size` is an array of `count` iovecs */
#define IOTQ_CALL_POINTED 32 /* `offset` is a pointer to it, or null: then it works at the file's position */
#define IOTQ_CALL_EITHER 64  /* the first of two descriptors that is no pipe; a descriptor's place is behind it */
#define IOTQ_CALL_RANGE 128  /* `offset` is a pointer to a start and a length */

struct iotq_call {
	__u8 op; /* enum iotq_syscall_op; 0: not traced */
	__u8 flags;
	__u8 fd;
	__u8 offset;
	__u8 size;
	__u8 count;
	__u8 pad[2];
};

/* What the installer tells every template. */
struct iotq_config {
	__u32 self_tgid;   /* iotq itself: its system calls are not traced */
	__u32 families;    /* bits of `members` that are families of processes */
	__u32 cgroup_count;
	__u32 wakeup_bytes; /* the reader is woken when so much waits */
	__u32 wakeup_every; /* asked once in so many records of a CPU, a power of two, less one */
	__u32 bios_mask;     /* of the tables that are kept in arrays: their length, a power of two, less one */
	__u32 requests_mask;
	__u8 want_cgroup; /* the optional fields that the plan reads */
	__u8 want_uid;
	__u8 want_name;
	__u8 want_flags;
	__u8 want_issue; /* when, where and with which tag requests are issued */
	__u8 has_start; /* what is hooked: block_io_start, */
	__u8 has_queue; /* block_bio_queue, */
	__u8 has_end;   /* block_rq_complete, */
	__u8 has_driver; /* a driver's commands, */
	__u8 bio_spans; /* and the ends of bios to devices without requests (dm, md, zram, NVMe multipath heads) */
	__u8 has_notify; /* virtqueue_notify */
	__u8 groupings; /* how many streams have their groups in the kernel */
	__u8 follow; /* roots are followed: their stages, or their children, are wanted */
	__u8 has_async; /* operations that no thread waits for are hooked, */
	__u8 has_writeback; /* writeback, */
	__u8 has_commits; /* and commits of a journal */
	__u8 want_type;
	__u8 want_sequence; /* whether requests go on where the last one ended */
	__u8 want_origin; /* for whom requests are */
	__u8 want_guest;  /* the names of guests */
	__u8 want_disk;   /* and of their disks */
	__u8 want_task;   /* who submits requests */
	__u8 keep; /* guests' requests are kept here, for who looks them up */
	__u8 follow_guests; /* requests of guests are roots */
	__u8 has_lookups; /* what reads find in the page cache is looked at */
	__u8 tells_bios; /* the page cache is told of bios by the block layer */
	__u8 tells_direct; /* filesystems are told of direct I/O by what follows operations that nobody waits for */
	__u8 stacked; /* bios of stacked devices lead to those that these were given */
	__u8 pad[4];
	__u32 roots; /* the statements that want a root's children, */
	__u32 joined[IOTQ_MAX_LAYERS]; /* and those of a layer that are such children */
	__u32 callers; /* the statements for which callers are followed, whatever they call */
	__u32 directory_count;
	__u32 parts_mask; /* of the tables that are kept in arrays: their lengths, less one */
	__u32 roots_mask;
	__u32 fs_mask;
	__u16 points[IOTQ_MAX_LAYERS]; /* of each layer, a bit each: those that a statement has a table for */
	__u16 grouped[IOTQ_MAX_LAYERS]; /* those that a statement groups in the kernel */
	__u32 cpus; /* numbers of CPUs are below this */
	/* The rest is read where there is such a membership. */
	struct iotq_cgroup cgroups[IOTQ_MAX_CGROUPS];
	struct iotq_directory directories[IOTQ_MAX_DIRECTORIES];
};

/* Per layer and CPU. seen = rejected + shipped + grouped + lost. */
struct iotq_counts {
	__u64 rejected;  /* turned away by a filter, at the start or at the end */
	__u64 shipped;
	__u64 lost_ring; /* passed, and found the ring full */
	__u64 lost_slot; /* passed the start, and found no room to be tracked */
	__u64 unmatched; /* ended without a start that was seen, or the other way round */
	__u64 approx;    /* shipped or grouped with a mark of approximation */
	__u64 grouped;   /* went into groups in the kernel, and nowhere else */
	__u64 spilled;   /* found no room among the groups in the kernel, and were shipped, if there was room */
};

_Static_assert(sizeof(struct iotq_head) == 16, "head");
_Static_assert(sizeof(struct iotq_task) == 48, "task");
_Static_assert(sizeof(struct iotq_block) == 176, "block");
_Static_assert(sizeof(struct iotq_nvme) == 224, "nvme");
_Static_assert(sizeof(struct iotq_scsi) == 224, "scsi");
_Static_assert(sizeof(struct iotq_scsi) <= sizeof(struct iotq_block) + 8 * IOTQ_DRIVER_WORDS, "room for the driver");
_Static_assert(sizeof(struct iotq_virtio) == 280, "virtio");
_Static_assert(sizeof(struct iotq_virtio) <= sizeof(struct iotq_block) + 8 * (IOTQ_DRIVER_WORDS + IOTQ_RING_WORDS),
	       "room for the ring");
_Static_assert(sizeof(struct iotq_nvme) <= sizeof(struct iotq_block) + 8 * IOTQ_DRIVER_WORDS, "room for the driver");
_Static_assert(sizeof(struct iotq_block_slot) == 8 * IOTQ_CACHE_LINE, "slot");
_Static_assert(__builtin_offsetof(struct iotq_block_slot, record.origin) == 3 * IOTQ_CACHE_LINE, "slot");
_Static_assert(__builtin_offsetof(struct iotq_block_slot, owners) == 6 * IOTQ_CACHE_LINE, "slot");
_Static_assert(sizeof(struct iotq_qemu) == 208, "qemu");
_Static_assert(sizeof(struct iotq_qemu) + 8 <= 8 * IOTQ_KEPT_WORDS, "room for what is kept");
_Static_assert(sizeof(struct iotq_kept_key) == 24 && sizeof(struct iotq_kept) == 232, "kept");
_Static_assert(sizeof(struct iotq_virtio) <= 8 * IOTQ_PART_WORDS, "room for a part");
_Static_assert(sizeof(struct iotq_qemu_key) == 16 && sizeof(struct iotq_qemu_queue) == 64, "qemu queue");
_Static_assert(sizeof(struct iotq_qemu_layout) == 88, "qemu layout");
_Static_assert(sizeof(struct iotq_syscall) == 160, "syscall");
_Static_assert(sizeof(struct iotq_fs) == 168, "fs");
_Static_assert(sizeof(struct iotq_sched) == 160, "sched");
_Static_assert(sizeof(struct iotq_cache) == 128, "cache");
_Static_assert(sizeof(struct iotq_call_root) == 248, "root");
_Static_assert(sizeof(struct iotq_qemu_root) == 296, "root of a guest");
_Static_assert(sizeof(struct iotq_term) == 24, "term");
_Static_assert(sizeof(struct iotq_table) % IOTQ_CACHE_LINE == 0, "table");
_Static_assert(sizeof(struct iotq_call) == 8, "call");
_Static_assert(sizeof(struct iotq_stack) == 24, "stack");
_Static_assert(sizeof(struct iotq_group) % IOTQ_CACHE_LINE == 0, "group");
_Static_assert(sizeof(struct iotq_group_head) == 2 * IOTQ_CACHE_LINE, "group head");
_Static_assert(sizeof(struct iotq_measure) == 40, "measure");
_Static_assert(sizeof(struct iotq_grouping) == 472, "grouping");

#endif

/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The kernel as the templates see it: the few types and fields that they read, relocated against the running kernel's
 * BTF (CO-RE), and the few constants of the BPF interface that they use.
 */
#ifndef IOTQ_KERNEL_H
#define IOTQ_KERNEL_H

#include "types.h"

typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

enum { BPF_MAP_TYPE_HASH = 1, BPF_MAP_TYPE_ARRAY = 2, BPF_MAP_TYPE_PERCPU_ARRAY = 6, BPF_MAP_TYPE_LRU_HASH = 9,
       BPF_MAP_TYPE_RINGBUF = 27 };
enum { BPF_ANY = 0, BPF_NOEXIST = 1, BPF_EXIST = 2 };
enum { BPF_F_MMAPABLE = 1 << 10 };
enum { BPF_RB_AVAIL_DATA = 0 };
enum { BPF_RB_NO_WAKEUP = 1, BPF_RB_FORCE_WAKEUP = 2 };

#define CORE __attribute__((preserve_access_index))

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	__u32 val;
} kuid_t;

struct kernfs_node {
	__u64 id;
} CORE;

struct cgroup {
	struct kernfs_node *kn;
} CORE;

struct css_set {
	struct cgroup *dfl_cgrp;
} CORE;

struct cred {
	kuid_t uid;
} CORE;

struct file_system_type {
	const char *name;
} CORE;

struct super_block {
	__u32 s_dev;
	struct file_system_type *s_type;
} CORE;

struct hlist_node {
	struct hlist_node *next;
} CORE;

struct hlist_head {
	struct hlist_node *first;
} CORE;

struct inode {
	__u16 i_mode;
	__u32 i_rdev;
	struct super_block *i_sb;
	unsigned long i_ino;
	long long i_size;
	struct hlist_head i_dentry;
} CORE;

struct writeback_control {
	long nr_to_write;
} CORE;

#define S_IFMT 0170000
#define S_IFDIR 0040000
#define S_IFBLK 0060000
#define S_IFREG 0100000

struct qstr {
	const unsigned char *name;
} CORE;

struct dentry {
	struct dentry *d_parent; /* of a filesystem's root: itself */
	struct qstr d_name;
	struct inode *d_inode;
	struct hlist_node d_alias;
} CORE;

/* Before 7.0 or so. */
struct dentry___d_u {
	struct hlist_node d_u;
} CORE;

struct vfsmount {
	struct super_block *mnt_sb;
} CORE;

struct mount {
	struct mount *mnt_parent; /* of the topmost: itself */
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
} CORE;

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
} CORE;

struct address_space;

struct file {
	struct path f_path;
	struct address_space *f_mapping;
	struct inode *f_inode;
	long long f_pos;
} CORE;

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
} CORE;

struct files_struct {
	struct fdtable *fdt;
} CORE;

/* One I/O on a file. The control blocks of io_uring and libaio begin with it. */
struct kiocb {
	struct file *ki_filp;
	long long ki_pos;
	int ki_flags;
	void *ki_complete; /* none: its caller waits */
} CORE;

enum iter_type { ITER_UBUF };

struct iovec___kernel {
	void *iov_base;
} CORE;

struct iov_iter {
	__u8 iter_type;
	bool data_source; /* it is what is written */
	unsigned long count;
	struct iovec___kernel *__iov;
	void *ubuf;
} CORE;

/* Before 6.4. */
struct iov_iter___iov {
	struct iovec___kernel *iov;
} CORE;

/* What libaio is asked for. */
struct iocb {
	__u16 aio_lio_opcode;
	__u32 aio_fildes;
	__u64 aio_buf;
	__u64 aio_nbytes;
	__s64 aio_offset;
} CORE;

struct vm_area_struct {
	struct file *vm_file;
} CORE;

struct vm_fault {
	struct vm_area_struct *vma;
	unsigned long pgoff;
} CORE;

struct io_rsrc_node {
	unsigned long file_ptr;
} CORE;

struct io_rsrc_data {
	struct io_rsrc_node **nodes;
} CORE;

struct io_file_table {
	struct io_rsrc_data data;
} CORE;

struct io_ring_ctx {
	struct io_file_table file_table;
} CORE;

/* Before 6.13. */
struct io_fixed_file {
	unsigned long file_ptr;
} CORE;

struct io_file_table___files {
	struct io_fixed_file *files;
} CORE;

struct io_ring_ctx___files {
	struct io_file_table___files file_table;
} CORE;

struct io_cqe {
	int fd;
} CORE;

struct io_wq_work {
	__u32 flags;
} CORE;

/* A request of io_uring begins with its command: one of the following. */
struct io_kiocb {
	__u8 opcode;
	__u32 flags;
	struct io_cqe cqe;
	struct io_ring_ctx *ctx;
	struct io_wq_work work;
} CORE;

struct io_rw {
	struct kiocb kiocb;
	__u64 addr;
	__u32 len;
} CORE;

struct io_sync {
	long long len;
	long long off;
} CORE;

struct io_uring_cqe {
	__s32 res;
} CORE;

struct io_worker {
	struct io_wq_work *cur_work;
} CORE;

struct signal_struct {
	atomic_t live;
} CORE;

struct thread_info {
	__u32 status;
} CORE;

struct task_struct {
	struct thread_info thread_info;
	int pid;
	int tgid;
	const struct cred *cred;
	char comm[16];
	struct files_struct *files;
	struct signal_struct *signal;
	struct css_set *cgroups;
	unsigned int __state;
	unsigned int flags;
	void *worker_private;
} CORE;

/* Before 5.14. */
struct task_struct___state {
	long state;
} CORE;

/* The kernel knows it by its name. */
struct bpf_spin_lock {
	__u32 val;
};

struct request_queue;

struct gendisk {
	int major;
	int first_minor;
	struct request_queue *queue;
} CORE;

struct block_device {
	__u32 bd_dev;
	struct gendisk *bd_disk;
} CORE;

struct bvec_iter {
	__u64 bi_sector;
	__u32 bi_size;
	__u32 bi_idx;
} CORE;

struct address_space {
	struct inode *host;
} CORE;

/* Pages of a file that lie together; each is a `struct page` of its own before 5.16. */
struct folio {
	struct address_space *mapping;
	unsigned long index;
	unsigned int _nr_pages;
} CORE;

/* Before 6.15. */
struct folio___folio_nr {
	unsigned int _folio_nr_pages;
} CORE;

struct page {
	struct address_space *mapping;
	unsigned long index;
} CORE;

/* The second one of a compound, before 6.1 or so. */
struct page___tail {
	unsigned int compound_nr;
} CORE;

struct bio_vec {
	struct page *bv_page;
	__u32 bv_len;
	__u32 bv_offset;
} CORE;

struct bio {
	struct block_device *bi_bdev;
	__u32 bi_opf;
	__u8 bi_status;
	struct bvec_iter bi_iter;
	struct bio_vec *bi_io_vec;
	void *bi_private, *bi_end_io;
	struct bio *bi_next;
} CORE;

/* Before 5.12 a bio names its disk, and the partition only until it is submitted. */
struct bio___bi_disk {
	struct gendisk *bi_disk;
} CORE;

struct blk_mq_ops {
	int poll_rq;
} CORE;

struct request_queue {
	const struct blk_mq_ops *mq_ops; /* none: the device takes bios as they are */
	struct gendisk *disk;
	void *queuedata; /* the driver's */
} CORE;

struct list_head {
	struct list_head *next, *prev;
} CORE;

struct wait_queue_head {
	struct list_head head;
} CORE;

struct wait_queue_entry {
	struct task_struct *private; /* who waits */
	struct list_head entry;
} CORE;

/* That of ext4. */
struct journal_s {
	struct block_device *j_fs_dev;
	struct wait_queue_head j_wait_done_commit;
} CORE;

struct request;

/* Requests that ask for a flush: those that wait, and those that are flushed for now. */
struct blk_flush_queue {
	unsigned int flush_running_idx : 1;
	struct list_head flush_queue[2];
	struct request *flush_rq;
} CORE;

struct blk_mq_hw_ctx {
	__u32 queue_num;
	struct blk_flush_queue *fq;
} CORE;

struct request {
	struct request_queue *q;
	struct blk_mq_hw_ctx *mq_hctx;
	__u32 cmd_flags;
	__u32 rq_flags;
	int tag;
	__u32 __data_len;
	__u64 __sector;
	__u64 start_time_ns;
	struct bio *bio;
	struct list_head queuelist;
} CORE;

/* Before 6.6 a request that waits for a flush has a place of its own for it. */
struct request___flush {
	struct {
		struct list_head list;
	} flush;
} CORE;

/* Before 5.17 a request names its disk itself. */
struct request___rq_disk {
	struct gendisk *rq_disk;
} CORE;

/*
 * For a pointer field of a tracepoint's argument the verifier searches all types of the kernel, a millisecond each time it
 * comes by. So these are loaded at the start of a program, once, and not where they are used.
 */
#define LOADED(pointer)                          \
	({                                       \
		__typeof__(pointer) _p = (pointer); \
		barrier_var(_p);                 \
		_p;                              \
	})

struct pt_regs {
	unsigned long di, si, dx, cx, r10, r8, r9, ax, orig_ax, sp, bx, bp, r12, r13, r14, r15, ip;
} CORE;

/*
 * The current task: typed, so that its fields are read directly, where the kernel has the helper (5.11), else by address.
 * FOLLOW reads a field of what such a field points to.
 */
#define TYPED_TASK bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)
#define CURRENT(field)                                                                       \
	(TYPED_TASK ? bpf_get_current_task_btf()->field                                      \
		    : BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), field))
#define FOLLOW(pointer, field) (TYPED_TASK ? (pointer)->field : BPF_CORE_READ(pointer, field))

/* Read through the registers' own layout, which is that of the architecture the object is built for. */
#ifndef __TARGET_ARCH_x86
#error "the syscall template knows the registers of x86-64 only"
#endif

/* Helpers, by which the kernel tells what it has. */
enum bpf_func_id { BPF_FUNC_get_current_task_btf, BPF_FUNC_task_pt_regs };

enum req_op { REQ_OP_READ, REQ_OP_WRITE, REQ_OP_FLUSH, REQ_OP_DISCARD, REQ_OP_SECURE_ERASE, REQ_OP_WRITE_ZEROES,
	      REQ_OP_ZONE_APPEND, REQ_OP_ZONE_OPEN, REQ_OP_ZONE_CLOSE, REQ_OP_ZONE_FINISH, REQ_OP_ZONE_RESET,
	      REQ_OP_ZONE_RESET_ALL, REQ_OP_DRV_IN, REQ_OP_DRV_OUT };

/* The same before 6.0. */
enum req_opf { REQ_OP_FLUSH___opf, REQ_OP_DISCARD___opf, REQ_OP_SECURE_ERASE___opf, REQ_OP_WRITE_ZEROES___opf,
	       REQ_OP_ZONE_APPEND___opf, REQ_OP_ZONE_OPEN___opf, REQ_OP_ZONE_CLOSE___opf, REQ_OP_ZONE_FINISH___opf,
	       REQ_OP_ZONE_RESET___opf, REQ_OP_ZONE_RESET_ALL___opf, REQ_OP_DRV_IN___opf, REQ_OP_DRV_OUT___opf };

enum req_flag_bits { __REQ_SYNC, __REQ_META, __REQ_PRIO, __REQ_FUA, __REQ_PREFLUSH, __REQ_RAHEAD, __REQ_BACKGROUND,
		     __REQ_NOWAIT, __REQ_POLLED, __REQ_SWAP };

enum rqf_flags { __RQF_STARTED, __RQF_FLUSH_SEQ };

/* Of a task. */
#define PF_IO_WORKER 0x10
#define PF_KTHREAD 0x200000

/* Calls in which operations are submitted that no thread waits for. */
#define NR_IO_SUBMIT 209
#define NR_IO_URING_ENTER 426

enum pageflags { PG_writeback, PG_head };

/* A number of this type at an address; zero where nothing can be read. */
#define READ(type, at)                                                        \
	({                                                                    \
		type _value = 0;                                              \
		bpf_probe_read_kernel(&_value, sizeof(_value), (void *)(at)); \
		_value;                                                       \
	})

/* The same, of the current process. */
#define READ_USER(type, at)                                                 \
	({                                                                  \
		type _value = 0;                                            \
		bpf_probe_read_user(&_value, sizeof(_value), (void *)(at)); \
		_value;                                                     \
	})

#endif

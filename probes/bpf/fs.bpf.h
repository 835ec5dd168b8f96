/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Calls into filesystems: reads, writes and syncs. Of calls within calls the outermost is followed, found by its thread.
 *
 * They are functions of each filesystem: typed (fentry, fexit) where the kernel itself has them, else kprobes. Where
 * functions cannot be hooked, tracepoints tell of ext4's syncs, and of direct I/O once the filesystem's locks are taken.
 */
#ifndef IOTQ_FS_BPF_H
#define IOTQ_FS_BPF_H

#include "directory.h"
#include "driver.h"
#include "places.h"

const volatile struct iotq_table iotq_fs_start ON_A_LINE;
const volatile struct iotq_table iotq_fs_at[IOTQ_FS_POINTS] ON_A_LINE;

/* Constants of the kernel since 5.10. */
#define KI_DSYNC 2
#define KI_APPEND 16
#define KI_DIRECT (1 << 17)
#define WHOLE_FILE 0x7fffffffffffffffull
#define QUEUED 529

/* How a call is seen: where a function begins and ends, or by tracepoints within it. */
enum sight { SEEN_FUNCTION, SEEN_DIRECT, SEEN_SYNC };

/* A thread's call. */
struct fs_call {
	struct place place;
	__u64 frame; /* where its frame lies on the thread's stack: those of what it calls lie below */
	__u64 witness; /* what stands there while the call lasts: where it returns to, or its first argument */
	__u64 iocb;  /* of direct I/O that is seen by tracepoints */
	__u64 entered;
	__u32 sight; /* enum sight */
	__u32 leaf;  /* it calls nothing else that is seen */
	struct iotq_fs record;
};

/* Sized by the installer, powers of two. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct place_keys);
	__uint(map_flags, BPF_F_MMAPABLE); /* so the first entry is aligned, to a page */
} iotq_fs_keys SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct fs_call);
} iotq_fs_calls SEC(".maps");

/* Where functions with a kretprobe return to, as the first one that was seen to return has shown; zero until then. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} iotq_fs_returns SEC(".maps");

/* With what is told of a function that begins: its return is seen by a kretprobe. */
#define PROBED (1 << 16)

#define FS_PLACES                                                                                                 \
	((struct places){ .keys = &iotq_fs_keys, .values = &iotq_fs_calls, .mask = iotq_config.fs_mask,          \
			  .offset = __builtin_offsetof(struct fs_call, place) })

static __always_inline struct fs_call *fs_call_at(__u32 index)
{
	return bpf_map_lookup_elem(&iotq_fs_calls, &index);
}

/* The call that a thread is in. */
static __always_inline struct fs_call *fs_call_of(__u32 tid)
{
	struct fs_call *call = fs_call_at(find_place(FS_PLACES, tid));

	return call && call->place.holder == tid ? call : NULL;
}

/* Where a thread's calls are kept, if it is within a root that is followed for them. */
static __always_inline struct root_calls *kept_calls(__u32 tid)
{
	__u32 index;
	struct root_calls *all;

	if (!iotq_config.joined[IOTQ_LAYER_FS])
		return NULL;
	index = find_root(tid);
	all = bpf_map_lookup_elem(&iotq_root_calls, &index);
	return all && all->caller == tid ? all : NULL;
}

/* Nothing was seen of its end, and will not be. */
static __always_inline void note_unended(struct fs_call *call)
{
	if (call->record.head.queries || iotq_config.joined[IOTQ_LAYER_FS])
		COUNT(IOTQ_LAYER_FS, unmatched);
}

/* Whether a call whose frame lies above has not returned. Its end may have gone by unseen: then others use its stack. */
static __always_inline bool lasts(const struct fs_call *call)
{
	return call->sight != SEEN_FUNCTION || READ(__u64, call->frame) == call->witness;
}

__noinline __u32 take_fs_place(__u32 tid)
{
	__u32 index = take_place(FS_PLACES, tid);

	if (index == IOTQ_NULL32)
		COUNT(IOTQ_LAYER_FS, lost_slot);
	return index;
}

/* The place of a call that begins; none if it is within another one, or of no interest. */
static __always_inline struct fs_call *open_fs_call(__u64 frame)
{
	__u32 tid = CURRENT(pid);
	struct fs_call *call;

	if ((__u32)CURRENT(tgid) == iotq_config.self_tgid)
		return NULL;
	if (!wants_any(IOTQ_LAYER_FS) && !kept_calls(tid))
		return NULL;
	call = fs_call_of(tid);
	if (call) {
		if (frame < call->frame && !call->leaf && lasts(call))
			return NULL;
		note_unended(call);
		return call;
	}
	return fs_call_at(take_fs_place(tid));
}

static __always_inline void describe_target(struct iotq_fs *record, __u64 file)
{
	struct inode *inode = BPF_CORE_READ((struct file *)file, f_inode);
	__u16 mode = BPF_CORE_READ(inode, i_mode);

	record->inode = BPF_CORE_READ(inode, i_ino);
	record->dev = inode_dev(inode, mode);
	describe_task(&record->task);
	if (iotq_config.directory_count)
		record->task.members |= directories_of(file);
	if (iotq_config.want_type) {
		__builtin_memset(record->type, 0, sizeof(record->type));
		if ((mode & S_IFMT) == S_IFBLK)
			__builtin_memcpy(record->type, "bdev", 4);
		else
			bpf_probe_read_kernel_str(record->type, sizeof(record->type),
						  BPF_CORE_READ(inode, i_sb, s_type, name));
	}
	if (iotq_config.want_name) {
		__builtin_memset(record->name, 0, sizeof(record->name));
		bpf_probe_read_kernel_str(record->name, sizeof(record->name),
					  BPF_CORE_READ((struct file *)file, f_path.dentry, d_name.name));
	}
}

/* The call begins. Also what no statement wants keeps its place, so that nothing within it is taken for a call. */
static __always_inline void start_fs_call(struct fs_call *call, __u64 frame)
{
	struct iotq_fs *record = &call->record;

	call->frame = frame;
	call->witness = READ(__u64, frame);
	record->error = 0;
	record->ret = 0;
	record->lat = IOTQ_NULL64;
	record->head.queries = 0;
	if (is_told(&record->task, IOTQ_LAYER_FS)) {
		record->head.queries = filter_rare(&iotq_fs_start, record);
		if (wants_any(IOTQ_LAYER_FS) && !record->head.queries)
			COUNT(IOTQ_LAYER_FS, rejected);
	}
	call->entered = bpf_ktime_get_ns();
	if (wants(IOTQ_LAYER_FS, IOTQ_FS_ENTER))
		deliver(&record->head, sizeof(*record), IOTQ_LAYER_FS, IOTQ_FS_ENTER, record->head.queries,
			filter_rare(&iotq_fs_at[IOTQ_FS_ENTER], record), call->entered);
}

static __always_inline void describe_io(struct fs_call *call, __u64 iocb, __u64 iter, __u32 op, bool direct)
{
	struct kiocb *io = (void *)iocb;
	struct iotq_fs *record = &call->record;
	int flags = BPF_CORE_READ(io, ki_flags);

	describe_target(record, (__u64)BPF_CORE_READ(io, ki_filp));
	record->op = op;
	record->flags = flags & KI_DIRECT ? IOTQ_FS_DIRECT : 0;
	record->size = BPF_CORE_READ((struct iov_iter *)iter, count);
	record->offset = BPF_CORE_READ(io, ki_pos);
	/* The filesystem finds the file's end; direct I/O has its place by then. */
	if (op == IOTQ_SYSCALL_OP_WRITE && flags & KI_APPEND && !direct)
		record->offset = IOTQ_NULL64;
	record->head.marks = direct ? IOTQ_MARK_APPROX_CALL : 0;
	call->sight = direct ? SEEN_DIRECT : SEEN_FUNCTION;
	call->iocb = iocb;
	call->leaf = direct && !(flags & KI_DSYNC);
}

/* The kernel has no place left to notice the return of a probed function if it goes back to its caller by itself. */
static __always_inline void close_fs_call(struct fs_call *call, __u32 how)
{
	__u32 zero = 0;
	__u64 *returns = how & PROBED ? bpf_map_lookup_elem(&iotq_fs_returns, &zero) : NULL;

	if (!returns || !*returns || call->witness == *returns)
		return;
	note_unended(call);
	release(FS_PLACES, &call->place);
}

/* A function is entered that reads or writes. */
__noinline int begin_io(__u64 iocb, __u64 iter, __u64 frame, __u32 how)
{
	struct fs_call *call = open_fs_call(frame);

	if (!call)
		return 0;
	describe_io(call, iocb, iter, how & ~PROBED, false);
	start_fs_call(call, frame);
	close_fs_call(call, how);
	return 0;
}

static __always_inline void describe_sync(struct fs_call *call, __u64 file, __u64 start, __u64 end, bool datasync)
{
	struct iotq_fs *record = &call->record;

	describe_target(record, file);
	record->op = IOTQ_SYSCALL_OP_FSYNC;
	record->flags = datasync ? IOTQ_FS_DATASYNC : 0;
	record->offset = end < WHOLE_FILE ? start : IOTQ_NULL64;
	record->size = end < WHOLE_FILE ? end - start + 1 : IOTQ_NULL64;
	record->head.marks = 0;
	call->iocb = 0;
	call->leaf = 0;
}

/* A function is entered that syncs a file. */
__noinline int begin_sync(__u64 file, __u64 start, __u64 end, __u32 how, __u64 frame)
{
	struct fs_call *call = open_fs_call(frame);

	if (!call)
		return 0;
	describe_sync(call, file, start, end, how & ~PROBED);
	call->sight = SEEN_FUNCTION;
	start_fs_call(call, frame);
	close_fs_call(call, how);
	return 0;
}

/* For the request that it is part of. */
static __noinline int keep_fs_call(struct fs_call *call, __u64 now)
{
	struct root_calls *all = kept_calls(CURRENT(pid));
	struct iotq_fs *kept;
	__u32 place;

	if (!call || !all)
		return 0;
	place = all->kept;
	barrier_var(place);
	if (place >= IOTQ_ROOT_CALLS) {
		all->crowded++;
		return 0;
	}
	kept = &all->calls[place];
	*kept = call->record;
	kept->head.at = now;
	kept->head.layer = IOTQ_LAYER_FS;
	kept->head.point = IOTQ_FS_EXIT;
	kept->head.queries = iotq_config.joined[IOTQ_LAYER_FS];
	all->kept = place + 1;
	return 0;
}

/* The call returns. */
static __always_inline void finish_fs_call(struct fs_call *call, __s64 ret)
{
	struct iotq_fs *record = &call->record;
	__u64 now = bpf_ktime_get_ns();

	/* Of an `int` the upper half is anything. */
	if (record->op == IOTQ_SYSCALL_OP_FSYNC)
		ret = (__s32)ret;
	if (ret == -QUEUED) {
		record->flags |= IOTQ_FS_QUEUED;
		ret = 0;
	}
	record->ret = ret;
	record->error = ret < 0 && ret >= -4095 ? -ret : 0;
	record->lat = now - call->entered;
	if (iotq_config.joined[IOTQ_LAYER_FS])
		keep_fs_call(call, now);
	if (wants(IOTQ_LAYER_FS, IOTQ_FS_EXIT))
		deliver(&record->head, sizeof(*record), IOTQ_LAYER_FS, IOTQ_FS_EXIT, record->head.queries,
			filter_rare(&iotq_fs_at[IOTQ_FS_EXIT], record), now);
	release(FS_PLACES, &call->place);
}

/* A function returns; it is the one that was entered if its frame is the same. */
__noinline int end_function(__u64 frame, __u64 ret)
{
	struct fs_call *call = fs_call_of(CURRENT(pid));

	if (call && call->sight == SEEN_FUNCTION && call->frame == frame)
		finish_fs_call(call, ret);
	return 0;
}

#define IO_FUNCTION(name, op)                                                                                      \
	SEC("fentry") int iotq_fs_##name(struct raw_args *ctx)                                                     \
	{                                                                                                          \
		return begin_io(number((void *)ctx->args[0]), number((void *)ctx->args[1]), number(ctx), op);      \
	}                                                                                                          \
	SEC("fexit") int iotq_fs_##name##_end(struct raw_args *ctx)                                                \
	{                                                                                                          \
		return end_function(number(ctx), ctx->args[2]);                                                    \
	}

#define SYNC_FUNCTION(name)                                                                                        \
	SEC("fentry") int iotq_fs_##name(struct raw_args *ctx)                                                     \
	{                                                                                                          \
		return begin_sync(number((void *)ctx->args[0]), ctx->args[1], ctx->args[2], ctx->args[3], number(ctx)); \
	}                                                                                                          \
	SEC("fexit") int iotq_fs_##name##_end(struct raw_args *ctx)                                                \
	{                                                                                                          \
		return end_function(number(ctx), ctx->args[4]);                                                    \
	}

#define FILESYSTEM(name)                                    \
	IO_FUNCTION(name##_read, IOTQ_SYSCALL_OP_READ)      \
	IO_FUNCTION(name##_write, IOTQ_SYSCALL_OP_WRITE)    \
	SYNC_FUNCTION(name##_sync)

FILESYSTEM(ext4)
FILESYSTEM(xfs)
FILESYSTEM(btrfs)
FILESYSTEM(blkdev)
FILESYSTEM(other)

/* Functions of modules. Of these, each program sits on several. */
SEC("kprobe")
int iotq_fs_read_probe(struct pt_regs *ctx)
{
	return begin_io(ctx->di, ctx->si, ctx->sp, IOTQ_SYSCALL_OP_READ | PROBED);
}

SEC("kprobe")
int iotq_fs_write_probe(struct pt_regs *ctx)
{
	return begin_io(ctx->di, ctx->si, ctx->sp, IOTQ_SYSCALL_OP_WRITE | PROBED);
}

SEC("kprobe")
int iotq_fs_sync_probe(struct pt_regs *ctx)
{
	return begin_sync(ctx->di, ctx->si, ctx->dx, (__u32)ctx->cx | PROBED, ctx->sp);
}

static __always_inline void learn_return(__u64 frame)
{
	__u32 zero = 0;
	__u64 *returns = bpf_map_lookup_elem(&iotq_fs_returns, &zero);
	struct fs_call *call;

	if (!returns || *returns)
		return;
	call = fs_call_of(CURRENT(pid));
	if (call && call->sight == SEEN_FUNCTION && call->frame == frame)
		*returns = call->witness;
}

SEC("kretprobe")
int iotq_fs_end_probe(struct pt_regs *ctx)
{
	__u64 frame = ctx->sp - sizeof(__u64); /* the return address is off the stack */

	learn_return(frame);
	return end_function(frame, ctx->ax);
}

/* Direct I/O through iomap begins, with the filesystem's locks taken. */
__noinline int begin_direct(__u64 iocb, __u64 iter, __u64 frame)
{
	struct fs_call *call = open_fs_call(frame);
	bool writes;

	if (!call)
		return 0;
	writes = BPF_CORE_READ((struct iov_iter *)iter, data_source);
	describe_io(call, iocb, iter, writes ? IOTQ_SYSCALL_OP_WRITE : IOTQ_SYSCALL_OP_READ, true);
	start_fs_call(call, frame);
	return 0;
}

SEC("tp_btf/iomap_dio_rw_begin")
int iotq_fs_direct(struct raw_args *ctx)
{
	return begin_direct(number((void *)ctx->args[0]), number((void *)ctx->args[1]), number(ctx));
}

/* It may be over in an interrupt, while this thread does direct I/O of its own. */
__noinline int end_direct(__u64 iocb, __u64 ret)
{
	struct fs_call *call = fs_call_of(CURRENT(pid));

	if (call && call->sight == SEEN_DIRECT && call->iocb == iocb)
		finish_fs_call(call, ret);
	return 0;
}

SEC("tp_btf/iomap_dio_complete")
int iotq_fs_direct_end(struct raw_args *ctx)
{
	return end_direct(number((void *)ctx->args[0]), ctx->args[2]);
}

/* The call returns, and the I/O goes on. */
static __always_inline int leave_direct(void)
{
	struct fs_call *call = fs_call_of(CURRENT(pid));

	if (call && call->sight == SEEN_DIRECT)
		finish_fs_call(call, -QUEUED);
	return 0;
}

SEC("tp_btf/iomap_dio_rw_queued")
int iotq_fs_direct_queued(struct raw_args *ctx)
{
	return leave_direct();
}

__noinline int begin_sync_within(__u64 file, __u32 datasync, __u64 frame)
{
	struct fs_call *call = open_fs_call(frame);

	if (!call)
		return 0;
	describe_sync(call, file, 0, WHOLE_FILE, datasync);
	call->sight = SEEN_SYNC;
	start_fs_call(call, frame);
	return 0;
}

SEC("tp_btf/ext4_sync_file_enter")
int iotq_fs_ext4_sync_within(struct raw_args *ctx)
{
	return begin_sync_within(number((void *)ctx->args[0]), ctx->args[1], number(ctx));
}

SEC("tp_btf/ext4_sync_file_exit")
int iotq_fs_ext4_sync_within_end(struct raw_args *ctx)
{
	struct fs_call *call = fs_call_of(CURRENT(pid));

	if (call && call->sight == SEEN_SYNC)
		finish_fs_call(call, ctx->args[1]);
	return 0;
}

/* The end of its last call was not seen. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(iotq_fs_gone, struct task_struct *task)
{
	struct fs_call *call = fs_call_of(task->pid);

	if (!call)
		return 0;
	note_unended(call);
	release(FS_PLACES, &call->place);
	return 0;
}

#endif

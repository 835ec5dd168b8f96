/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * System calls of storage. Each is a root, found by its thread.
 *
 * What a call's arguments mean comes from the catalogue, as a table by number (calls.h): so an unrelated call costs one load.
 */
#include "cache.bpf.h"

const volatile struct iotq_table iotq_syscall_start ON_A_LINE;
const volatile struct iotq_table iotq_syscall_at[IOTQ_SYSCALL_POINTS] ON_A_LINE;

/* x86-64 only: a 32-bit call has the same numbers for other things. */
#define TS_COMPAT 2

struct iovec {
	__u64 base;
	__u64 len;
};

#define IOVECS 8

/* Of a call's record: what only followed ones have comes last. */
#define CALL_SIZE (iotq_config.follow ? sizeof(struct iotq_call_root) : sizeof(struct iotq_syscall))

/* The bytes that an array of iovecs asks for; null when there are more of them than are read here. */
static __noinline __u64 vector_size(__u64 array, __u64 count)
{
	struct iovec vector[IOVECS] = {};
	__u64 sum = 0;

	if (count > IOVECS)
		return IOTQ_NULL64;
	if (bpf_probe_read_user(vector, (count & (2 * IOVECS - 1)) * sizeof(vector[0]), (void *)array))
		return IOTQ_NULL64;
	for (int i = 0; i < IOVECS; i++)
		sum += vector[i].len;
	return sum;
}

/* Fills what is known of the file behind a descriptor. False: it is not storage. */
static __always_inline bool describe_file(struct iotq_syscall *record, __u32 fd, bool position)
{
	struct file *file = file_of(fd);
	const unsigned char *name;
	struct inode *inode;
	__u16 mode;

	if (!file)
		return false;
	inode = BPF_CORE_READ(file, f_inode);
	mode = BPF_CORE_READ(inode, i_mode) & S_IFMT;
	if (mode == S_IFREG)
		record->kind = IOTQ_FILE_KIND_FILE;
	else if (mode == S_IFBLK)
		record->kind = IOTQ_FILE_KIND_DEVICE;
	else if (mode == S_IFDIR)
		record->kind = IOTQ_FILE_KIND_DIRECTORY;
	else
		return false;
	record->inode = BPF_CORE_READ(inode, i_ino);
	record->dev = mode == S_IFBLK ? BPF_CORE_READ(inode, i_rdev) : BPF_CORE_READ(inode, i_sb, s_dev);
	if (position)
		record->offset = BPF_CORE_READ(file, f_pos);
	if (iotq_config.want_name) {
		name = BPF_CORE_READ(file, f_path.dentry, d_name.name);
		bpf_probe_read_kernel_str(record->name, sizeof(record->name), name);
	}
	return true;
}

/* False: not a call on storage. */
static __always_inline bool describe_call(struct iotq_syscall *record, struct pt_regs *regs, __u32 number)
{
	const volatile struct iotq_call *call = &iotq_calls[number & (IOTQ_MAX_SYSCALLS - 1)];

	record->number = number;
	record->op = call->op;
	record->kind = IOTQ_FILE_KIND_NONE;
	record->fd = record->dev = IOTQ_NULL32;
	record->inode = record->offset = record->size = IOTQ_NULL64;
	if (call->flags & IOTQ_CALL_FD) {
		record->fd = argument(regs, call->fd);
		if (!describe_file(record, record->fd, call->flags & IOTQ_CALL_POSITION))
			return false;
	}
	if (call->flags & IOTQ_CALL_OFFSET)
		record->offset = argument(regs, call->offset);
	if (call->flags & IOTQ_CALL_SIZE)
		record->size = argument(regs, call->size);
	if (call->flags & IOTQ_CALL_VECTOR)
		record->size = vector_size(argument(regs, call->size), argument(regs, call->count));
	return true;
}

/* The thread's call begins, and statements want it. */
static __always_inline void start_call(struct root *root, const struct iotq_syscall *record)
{
	__u64 now = bpf_ktime_get_ns();

	if (iotq_config.follow) {
		start_root(root, now, CALLER_RUNS);
	} else {
		root->entered = now;
		root->active = 1;
	}
	root->record.call = *record;
	if (wants(IOTQ_LAYER_SYSCALL, IOTQ_SYSCALL_ENTER))
		deliver(&root->record.call.head, CALL_SIZE, IOTQ_LAYER_SYSCALL, IOTQ_SYSCALL_ENTER, record->head.queries,
			filter_rare(&iotq_syscall_at[IOTQ_SYSCALL_ENTER], record), now);
}

/* Apart, so that unrelated calls do not pay for clearing its record. */
static __noinline int enter(struct pt_regs *regs, __u32 number)
{
	struct iotq_syscall record = {};
	__u32 tid = CURRENT(pid);
	struct root *root;

	if ((__u32)CURRENT(tgid) == iotq_config.self_tgid || CURRENT(thread_info.status) & TS_COMPAT)
		return 0;
	root = root_at(find_root(tid));
	if (root && root->holder == tid) {
		abandon(root);
		COUNT(IOTQ_LAYER_SYSCALL, unmatched);
	}
	if (!describe_call(&record, regs, number))
		return 0;
	describe_task(&record.task);
	record.head.queries = filter(&iotq_syscall_start, &record);
	if (!record.head.queries) {
		if (wants_any(IOTQ_LAYER_SYSCALL))
			COUNT(IOTQ_LAYER_SYSCALL, rejected);
		if (!iotq_config.callers)
			return 0;
	}
	root = root_at(take_root(tid));
	if (root)
		start_call(root, &record);
	return 0;
}

static __noinline int leave(__u32 number, long ret)
{
	__u32 tid = CURRENT(pid), index = find_root(tid);
	struct root *root = root_at(index);
	struct iotq_syscall *call;
	__u32 passed = 0;
	__u64 now;

	if (!root || root->holder != tid)
		return 0;
	now = bpf_ktime_get_ns();
	call = &root->record.call;
	call->ret = ret;
	call->error = ret < 0 && ret >= -4095 ? -ret : 0;
	call->lat = iotq_config.follow ? stop_root(root, now) : now - root->entered;
	if (wants(IOTQ_LAYER_SYSCALL, IOTQ_SYSCALL_EXIT) && call->number == number)
		passed = filter(&iotq_syscall_at[IOTQ_SYSCALL_EXIT], &root->record) & call->head.queries;
	if (iotq_config.follow)
		end_root(root, index, passed & iotq_config.roots);
	else
		root->active = 0;
	if (wants(IOTQ_LAYER_SYSCALL, IOTQ_SYSCALL_EXIT) && call->number == number)
		deliver(&call->head, CALL_SIZE, IOTQ_LAYER_SYSCALL, IOTQ_SYSCALL_EXIT, call->head.queries, passed, now);
	release(root);
	return 0;
}

/* A thread that is killed does not come back from its call. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(iotq_caller_exit, struct task_struct *task)
{
	__u32 tid = task->pid;
	struct root *root = root_at(find_root(tid));

	if (root && root->holder == tid)
		abandon(root);
	return 0;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(iotq_sys_enter, struct pt_regs *regs, long id)
{
	__u32 number = traced(id);

	return number < IOTQ_MAX_SYSCALLS ? enter(regs, number) : 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(iotq_sys_exit, struct pt_regs *regs, long ret)
{
	__u32 number = traced(regs->orig_ax);

	if (iotq_config.joined[IOTQ_LAYER_CACHE])
		end_call(regs, ret);
	return number < IOTQ_MAX_SYSCALLS ? leave(number, ret) : 0;
}

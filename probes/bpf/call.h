/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* What system calls share with the operations of io_uring and libaio: the file, the filters, the beginning and the end. */
#ifndef IOTQ_CALL_H
#define IOTQ_CALL_H

#include "directory.h"
#include "guest_ends.h"

const volatile struct iotq_table iotq_syscall_start ON_A_LINE;
const volatile struct iotq_table iotq_syscall_at[IOTQ_SYSCALL_POINTS] ON_A_LINE;

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

/* Fills what is known of an inode. False: it is not storage. */
static __always_inline bool describe_inode(struct iotq_syscall *record, struct inode *inode)
{
	__u16 mode = BPF_CORE_READ(inode, i_mode);

	if ((mode & S_IFMT) == S_IFREG)
		record->kind = IOTQ_FILE_KIND_FILE;
	else if ((mode & S_IFMT) == S_IFBLK)
		record->kind = IOTQ_FILE_KIND_DEVICE;
	else if ((mode & S_IFMT) == S_IFDIR)
		record->kind = IOTQ_FILE_KIND_DIRECTORY;
	else
		return false;
	record->inode = BPF_CORE_READ(inode, i_ino);
	record->dev = inode_dev(inode, mode);
	return true;
}

/* The same of an open file, with its name. */
static __noinline bool describe_file(struct iotq_syscall *record, struct file *file, bool position)
{
	const unsigned char *name;

	if (!file || !record || !describe_inode(record, BPF_CORE_READ(file, f_inode)))
		return false;
	if (position)
		record->offset = BPF_CORE_READ(file, f_pos);
	if (iotq_config.directory_count)
		record->task.members |= directories_of((__u64)file);
	if (iotq_config.want_name) {
		name = BPF_CORE_READ(file, f_path.dentry, d_name.name);
		bpf_probe_read_kernel_str(record->name, sizeof(record->name), name);
	}
	return true;
}

/* Whether a term asks for what is known of a call before its file is looked at: who makes it, and what it is. */
static __always_inline bool is_known_early(const volatile struct iotq_term *term)
{
	const __u32 task = __builtin_offsetof(struct iotq_syscall, task), at = term->offset;

	if (at == __builtin_offsetof(struct iotq_syscall, number) || at == __builtin_offsetof(struct iotq_syscall, op))
		return true;
	/* Directories are told by the file. */
	if (at == task + __builtin_offsetof(struct iotq_task, members))
		return !iotq_config.directory_count;
	return at >= task && at < task + sizeof(struct iotq_task);
}

/*
 * Describes what is known early. False: by this alone no statement wants the call. Apart, so that what follows has the stack
 * for itself.
 */
static __noinline bool describe_caller(struct iotq_syscall *record, __u32 number, __u8 op)
{
	if (!record)
		return false;
	record->number = number;
	record->op = op;
	record->kind = IOTQ_FILE_KIND_NONE;
	record->fd = record->dev = IOTQ_NULL32;
	record->inode = record->offset = record->size = IOTQ_NULL64;
	describe_task(&record->task);
	return may_pass(&iotq_syscall_start, record, is_known_early);
}

/* The statements that want a call, by its start. */
static __noinline __u32 judge_call(struct iotq_syscall *record)
{
	record->head.queries = 0;
	if (!is_told(&record->task, IOTQ_LAYER_SYSCALL))
		return 0;
	record->head.queries = filter(&iotq_syscall_start, record);
	if (!record->head.queries && wants_any(IOTQ_LAYER_SYSCALL))
		COUNT(IOTQ_LAYER_SYSCALL, rejected);
	return record->head.queries;
}

/* It begins, and is followed by this key. Its owner, for what it causes; zero if there is no room for it. */
static __always_inline __u64 begin_call(__u64 key, const struct iotq_syscall *record, enum caller caller)
{
	__u32 index = take_root(key);
	struct root *root = root_at(index);
	__u64 now = bpf_ktime_get_ns();

	if (!root)
		return 0;
	if (iotq_config.follow) {
		start_root(root, now, caller);
		if (iotq_config.joined[IOTQ_LAYER_FS])
			keep_calls(root, index, record->task.tid);
	} else {
		root->entered = now;
		root->active = 1;
	}
	root->record.call = *record;
	if (wants(IOTQ_LAYER_SYSCALL, IOTQ_SYSCALL_ENTER))
		deliver(&root->record.call.head, CALL_SIZE, IOTQ_LAYER_SYSCALL, IOTQ_SYSCALL_ENTER, record->head.queries,
			filter_rare(&iotq_syscall_at[IOTQ_SYSCALL_ENTER], record), now);
	return OWNER(index, root->seq, 0);
}

/* A root is over: a call of this number has returned this. */
static __noinline int end_call(struct root *root, __u32 index, __u32 number, long ret)
{
	struct iotq_syscall *call;
	__u32 passed = 0;
	__u64 now;

	if (!root)
		return 0;
	now = bpf_ktime_get_ns();
	call = &root->record.call;
	call->ret = ret;
	call->error = ret < 0 && ret >= -4095 ? -ret : 0;
	call->lat = iotq_config.follow ? stop_root(root, now) : now - root->entered;
	if (wants(IOTQ_LAYER_SYSCALL, IOTQ_SYSCALL_EXIT) && call->number == number)
		passed = filter(&iotq_syscall_at[IOTQ_SYSCALL_EXIT], &root->record) & call->head.queries;
	if (iotq_config.follow_guests && root->parent)
		end_work(index, root->caller != CALLER_AWAY, now);
	if (iotq_config.follow)
		end_root(root, index, passed & iotq_config.roots);
	else
		root->active = 0;
	if (wants(IOTQ_LAYER_SYSCALL, IOTQ_SYSCALL_EXIT) && call->number == number)
		deliver(&call->head, CALL_SIZE, IOTQ_LAYER_SYSCALL, IOTQ_SYSCALL_EXIT, call->head.queries, passed, now);
	release_root(root);
	return 0;
}

/* The end of a root was not seen. */
static __always_inline void give_up_unseen(struct root *root, __u32 index)
{
	if (iotq_config.follow_guests && root->parent)
		end_work(index, root->caller != CALLER_AWAY, bpf_ktime_get_ns());
	abandon(root);
	COUNT(IOTQ_LAYER_SYSCALL, unmatched);
}

/* That of what had this key. */
static __always_inline void close_unseen(__u64 key)
{
	__u32 index;
	struct root *root = held_root(key, &index);

	if (root)
		give_up_unseen(root, index);
}

#endif

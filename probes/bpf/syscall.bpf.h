/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * System calls of storage. Each is a root, found by its thread.
 *
 * What a call's arguments mean comes from the catalogue, as a table by number: so an unrelated call costs one load.
 */
#include "async.bpf.h"

const volatile struct iotq_call iotq_calls[IOTQ_MAX_SYSCALLS];

/* x86-64 only: a 32-bit call has the same numbers for other things. */
#define TS_COMPAT 2

static __always_inline __u64 argument(struct pt_regs *regs, __u8 number)
{
	switch (number) {
	case 0:
		return regs->di;
	case 1:
		return regs->si;
	case 2:
		return regs->dx;
	case 3:
		return regs->r10;
	case 4:
		return regs->r8;
	default:
		return regs->r9;
	}
}

/* False: not a call on storage. */
static __always_inline bool describe_call(struct iotq_syscall *record, struct pt_regs *regs, __u32 number)
{
	const volatile struct iotq_call *call = &iotq_calls[number & (IOTQ_MAX_SYSCALLS - 1)];

	describe_nothing(record);
	record->number = number;
	record->op = call->op;
	if (call->flags & IOTQ_CALL_FD) {
		record->fd = argument(regs, call->fd);
		if (!describe_file(record, open_file(record->fd), call->flags & IOTQ_CALL_POSITION))
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

/* The number of a call that is traced, else IOTQ_MAX_SYSCALLS. */
static __always_inline __u32 traced(__u32 number)
{
	if (number >= IOTQ_MAX_SYSCALLS)
		return IOTQ_MAX_SYSCALLS;
	barrier_var(number);
	number &= IOTQ_MAX_SYSCALLS - 1;
	return iotq_calls[number].op ? number : IOTQ_MAX_SYSCALLS;
}

/* Apart, so that unrelated calls do not pay for clearing its record. */
static __noinline int enter(struct pt_regs *regs, __u32 number)
{
	struct iotq_syscall record = {};
	__u32 tid = CURRENT(pid), index;
	struct root *root;

	if ((__u32)CURRENT(tgid) == iotq_config.self_tgid || CURRENT(thread_info.status) & TS_COMPAT)
		return 0;
	close_unseen(tid);
	if (!describe_call(&record, regs, number) || (!judge_call(&record) && !iotq_config.callers))
		return 0;
	index = take_root(tid);
	root = root_at(index);
	if (root)
		start_call(root, index, &record, CALLER_RUNS);
	return 0;
}

/* A thread that is killed does not come back from its call. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(iotq_caller_exit, struct task_struct *task)
{
	__u32 tid = task->pid;
	struct root *root = root_at(find_root(tid));

	if (root && root->place.holder == tid)
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

	if (number < IOTQ_MAX_SYSCALLS)
		return end_call((__u32)CURRENT(pid), number, ret);
	if (iotq_config.has_async && submits(regs->orig_ax))
		submit_for(0);
	return 0;
}

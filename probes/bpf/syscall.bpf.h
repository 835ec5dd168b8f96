/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * System calls of storage. Each is a root, found by its thread.
 *
 * What a call's arguments mean comes from the catalogue, as a table by number (arguments.h): so an unrelated call costs one load.
 */
#include "arguments.h"
#include "async.bpf.h"
#include "cache.bpf.h"

/* x86-64 only: a 32-bit call has the same numbers for other things. */
#define TS_COMPAT 2

/* False: not a call on storage. */
static __always_inline bool describe_call(struct iotq_syscall *record, struct pt_regs *regs, __u32 number)
{
	const volatile struct iotq_call *call = &iotq_calls[number & (IOTQ_MAX_SYSCALLS - 1)];

	describe_nothing(record);
	record->number = number;
	record->op = call->op;
	if (call->flags & IOTQ_CALL_FD) {
		record->fd = argument(regs, call->fd);
		if (!describe_file(record, file_of(record->fd), call->flags & IOTQ_CALL_POSITION))
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

/* Apart, so that unrelated calls do not pay for clearing its record. */
static __noinline int enter(struct pt_regs *regs, __u32 number)
{
	struct iotq_syscall record = {};
	__u32 tid = CURRENT(pid);

	if ((__u32)CURRENT(tgid) == iotq_config.self_tgid || CURRENT(thread_info.status) & TS_COMPAT)
		return 0;
	close_unseen(tid);
	if (describe_call(&record, regs, number) && (judge_call(&record) || iotq_config.callers))
		begin_call(tid, &record, CALLER_RUNS);
	return 0;
}

/* A thread that is killed does not come back from its call. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(iotq_caller_exit, struct task_struct *task)
{
	__u32 index;
	struct root *root = held_root(task->pid, &index);

	if (root)
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
	__u32 number = traced(regs->orig_ax), index;
	struct root *root;

	if (iotq_config.joined[IOTQ_LAYER_CACHE])
		end_lookups(regs, ret);
	if (number < IOTQ_MAX_SYSCALLS) {
		root = held_root((__u32)CURRENT(pid), &index);
		return root ? end_call(root, index, number, ret) : 0;
	}
	if (iotq_config.has_async && submits(regs->orig_ax))
		submit_for(0);
	return 0;
}

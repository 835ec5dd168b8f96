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

/* The file that an argument names, and the position there if that is the call's. False: it is not storage. */
static __always_inline bool describe_argument(struct iotq_syscall *record, struct pt_regs *regs,
					      const volatile struct iotq_call *call, __u8 end)
{
	bool position = call->flags & IOTQ_CALL_POSITION;

	if (call->flags & IOTQ_CALL_POINTED)
		position = !argument(regs, call->offset + end);
	record->fd = argument(regs, call->fd + end);
	return describe_file(record, file_of(record->fd), position);
}

/* False: not a call on storage. */
static __always_inline bool describe_call(struct iotq_syscall *record, struct pt_regs *regs,
					  const volatile struct iotq_call *call)
{
	struct range range;
	__u8 end = 0;

	if (call->flags & IOTQ_CALL_FD && !describe_argument(record, regs, call, end)) {
		end = 2;
		if (!(call->flags & IOTQ_CALL_EITHER) || !describe_argument(record, regs, call, end))
			return false;
	}
	range = range_of(regs, call, end);
	if (range.offset != IOTQ_NULL64)
		record->offset = range.offset;
	record->size = range.size;
	if (call->flags & IOTQ_CALL_VECTOR)
		record->size = vector_size(argument(regs, call->size), argument(regs, call->count));
	return true;
}

/* Whether any call is of interest by itself. */
#define CALLS_WANTED (wants_any(IOTQ_LAYER_SYSCALL) || iotq_config.callers || !iotq_config.follow_guests)

/* Apart, so that unrelated calls do not pay for clearing its record. */
static __noinline int enter(struct pt_regs *regs, __u32 number)
{
	const volatile struct iotq_call *call = &iotq_calls[number & (IOTQ_MAX_SYSCALLS - 1)];
	struct iotq_syscall record = {};
	__u32 tid = CURRENT(pid);
	__u64 parent = 0, owner;

	if ((__u32)CURRENT(tgid) == iotq_config.self_tgid || CURRENT(thread_info.status) & TS_COMPAT)
		return 0;
	close_unseen(tid);
	if (iotq_config.follow_guests)
		parent = guest_of_call(regs, number);
	if (!parent && !CALLS_WANTED)
		return 0;
	if (!describe_caller(&record, number, operation_of(regs, number)) && !parent && !iotq_config.callers)
		return 0;
	if (!describe_call(&record, regs, call) || !(judge_call(&record) || iotq_config.callers || parent))
		return 0;
	owner = begin_call(tid, &record, CALLER_RUNS);
	if (parent)
		begin_work(owner, parent, bpf_ktime_get_ns());
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
	if (iotq_config.follow_guests)
		forget_guest(task->pid, task->tgid, !task->signal->live.counter);
	return 0;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(iotq_sys_enter, struct pt_regs *regs, long id)
{
	__u32 number = traced(id);

	if (iotq_config.follow_guests) {
		end_guests();
		if (id == NR_IO_SUBMIT)
			miss_syncs(regs);
	}
	if (number >= IOTQ_MAX_SYSCALLS || !operation_of(regs, number))
		return 0;
	if (!CALLS_WANTED && !serves_guests(&iotq_calls[number & (IOTQ_MAX_SYSCALLS - 1)]))
		return 0;
	return enter(regs, number);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(iotq_sys_exit, struct pt_regs *regs, long ret)
{
	__u32 number = traced(regs->orig_ax), index;
	struct root *root;

	if (iotq_config.has_lookups && looks_up())
		end_lookups(regs, ret);
	if (number < IOTQ_MAX_SYSCALLS && operation_of(regs, number)) {
		root = held_root((__u32)CURRENT(pid), &index);
		return root ? end_call(root, index, number, ret) : 0;
	}
	if (iotq_config.has_async && submits(regs->orig_ax))
		submit_for(0);
	return 0;
}

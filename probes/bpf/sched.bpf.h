/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* The scheduler: when the callers of roots run, wait for a CPU, and sleep. */
#include "root.h"

#define TASK_RUNNING 0

static __always_inline __u32 task_state(struct task_struct *task)
{
	struct task_struct___state *old = (void *)task;

	if (bpf_core_field_exists(task->__state))
		return task->__state;
	return old->state;
}

static __always_inline int switched(bool preempted, struct task_struct *from, struct task_struct *to)
{
	__u32 out = find_root((__u32)from->pid), in = find_root((__u32)to->pid);
	__u64 now;

	if (out == IOTQ_NULL32 && in == IOTQ_NULL32)
		return 0;
	now = bpf_ktime_get_ns();
	if (out != IOTQ_NULL32)
		caller_does(out, preempted || task_state(from) == TASK_RUNNING ? CALLER_WAITS_FOR_CPU : CALLER_SLEEPS,
			    now);
	if (in != IOTQ_NULL32)
		caller_does(in, CALLER_RUNS, now);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(iotq_sched_switch, bool preempted, struct task_struct *from, struct task_struct *to)
{
	return switched(preempted, from, to);
}

/* It is on a run queue now. (sched_waking comes earlier, and may come before its task has left the CPU to sleep.) */
SEC("tp_btf/sched_wakeup")
int BPF_PROG(iotq_sched_wakeup, struct task_struct *task)
{
	__u32 index = find_root((__u32)task->pid);

	if (index != IOTQ_NULL32)
		caller_does(index, CALLER_WOKEN, bpf_ktime_get_ns());
	return 0;
}

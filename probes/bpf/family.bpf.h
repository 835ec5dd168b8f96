/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* `pid under …`: children belong to the families of their parents, from their first instruction on. */
#include "ship.h"

SEC("tp_btf/sched_process_fork")
int BPF_PROG(iotq_family_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 from = parent->tgid, to = child->tgid;
	__u64 *families;

	if (from == to)
		return 0;
	families = bpf_map_lookup_elem(&iotq_families, &from);
	if (families && bpf_map_update_elem(&iotq_families, &to, families, BPF_ANY))
		COUNT(0, lost_slot);
	return 0;
}

/* The number may be used again once the last thread is gone. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(iotq_family_exit, struct task_struct *task)
{
	__u32 pid = task->tgid;

	if (!task->signal->live.counter)
		bpf_map_delete_elem(&iotq_families, &pid);
	return 0;
}

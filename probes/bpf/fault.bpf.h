/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Page faults of mapped files that go to the page cache's own function: those whose page is not mapped with its neighbours.
 * The thread waits for them, as in a call; one inside a call that is followed is a part of that. Having waited for a page, the
 * function has the fault tried again, and then the page is mapped with its neighbours, or it comes here once more.
 */
#include "call.h"

#define PAGE_SIZE 4096

enum vm_fault_reason { VM_FAULT_OOM, VM_FAULT_SIGBUS };

#define ENOMEM 12
#define EIO 5

static __noinline int begin_fault(struct file *file, __u64 offset)
{
	struct iotq_syscall record = {};
	__u32 tid = CURRENT(pid), index;
	struct root *root = followed(tid, &index);

	if (root && root->record.call.number != IOTQ_NUMBER_FAULT)
		return 0;
	if ((__u32)CURRENT(tgid) == iotq_config.self_tgid)
		return 0;
	close_unseen(tid);
	if (!describe_caller(&record, IOTQ_NUMBER_FAULT, IOTQ_SYSCALL_OP_READ))
		return 0;
	if (!describe_file(&record, file, false))
		return 0;
	record.offset = offset;
	record.size = PAGE_SIZE;
	if (judge_call(&record))
		begin_call(tid, &record, CALLER_RUNS);
	return 0;
}

SEC("fentry/filemap_fault")
int BPF_PROG(iotq_fault_begin, struct vm_fault *fault)
{
	struct vm_area_struct *area = fault->vma;

	return begin_fault((void *)number(area->vm_file), (__u64)fault->pgoff * PAGE_SIZE);
}

SEC("fexit/filemap_fault")
int BPF_PROG(iotq_fault_end, struct vm_fault *fault, unsigned int result)
{
	__u32 index;
	struct root *root = followed(CURRENT(pid), &index);
	long ret = PAGE_SIZE;

	if (!root || root->record.call.number != IOTQ_NUMBER_FAULT)
		return 0;
	if (result & bpf_core_enum_value(enum vm_fault_reason, VM_FAULT_OOM))
		ret = -ENOMEM;
	if (result & bpf_core_enum_value(enum vm_fault_reason, VM_FAULT_SIGBUS))
		ret = -EIO;
	return end_call(root, index, IOTQ_NUMBER_FAULT, ret);
}

/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* What a thread is about to hand to QEMU's block layer, which is not told for which request of a guest it is. */
#ifndef IOTQ_QEMU_GIVEN_H
#define IOTQ_QEMU_GIVEN_H

#include "qemu_request.h"

struct qemu_given {
	__u64 element;    /* of a SCSI request; or zero, and */
	__u64 command;    /* where an NVMe command is, */
	__u64 controller; /* whose it is, */
	__u64 length;     /* of its data, */
	__u64 popped;     /* and since when it is known. */
};

/* By the number of the thread. Sized as the queues are. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct qemu_given);
} iotq_qemu_given SEC(".maps");

static __always_inline void give(const struct qemu_given *given)
{
	__u32 tid = bpf_get_current_pid_tgid();

	if (bpf_map_update_elem(&iotq_qemu_given, &tid, given, BPF_ANY))
		COUNT(IOTQ_LAYER_QEMU, lost_slot);
}

static __always_inline struct qemu_given *given_here(void)
{
	__u32 tid = bpf_get_current_pid_tgid();

	return bpf_map_lookup_elem(&iotq_qemu_given, &tid);
}

static __always_inline void forget_given(void)
{
	__u32 tid = bpf_get_current_pid_tgid();

	bpf_map_delete_elem(&iotq_qemu_given, &tid);
}

#endif

/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Whether requests go on where the last one ended, for each disk and direction, in the order in which they are issued.
 *
 * It is asked of all requests, those too that nobody wants: what a filter lets pass must not change what they are.
 */
#ifndef IOTQ_BLOCK_SEQUENCE_H
#define IOTQ_BLOCK_SEQUENCE_H

#include "block_request.h"

/* disk and direction -> the sector behind the last request. Sized by the installer, if a plan asks for it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, __u64);
} iotq_ends SEC(".maps");

enum sequence { STARTS_ANEW, GOES_ON, NOT_KNOWN };

/* What is said of a request that is issued now; not known where there is no room. Two at the same time have no order. */
__noinline __u32 sequence(__u32 dev, __u32 op, __u64 sector, __u32 size)
{
	__u64 key = (__u64)dev << 8 | op, end = sector + size / 512, was;
	__u64 *last;

	if (!size || (op != IOTQ_BLOCK_OP_READ && op != IOTQ_BLOCK_OP_WRITE))
		return STARTS_ANEW;
	last = bpf_map_lookup_elem(&iotq_ends, &key);
	if (!last)
		return bpf_map_update_elem(&iotq_ends, &key, &end, BPF_ANY) ? NOT_KNOWN : STARTS_ANEW;
	was = *last;
	*last = end;
	return was == sector ? GOES_ON : STARTS_ANEW;
}

/* The same, told in the record. One that comes again keeps what was told of it first. */
static __always_inline void tell_sequence(struct iotq_block_slot *slot, __u32 sequence)
{
	if (slot->issued)
		return;
	slot->record.sequential = sequence == GOES_ON;
	if (sequence == NOT_KNOWN)
		slot->record.head.marks |= IOTQ_MARK_APPROX_ISSUE;
}

#endif

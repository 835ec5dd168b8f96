/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * What belongs to guests' requests that are kept: the trail, the calls that QEMU made, the requests to disks. It lies in one
 * array for all, in which the oldest are written over; the request, which is kept last, says where.
 */
#ifndef IOTQ_GUEST_KEPT_H
#define IOTQ_GUEST_KEPT_H

#include "guest_calls.h"
#include "qemu_kept.h"

/* Sized by the installer, a power of two. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct child);
} iotq_kept_parts SEC(".maps");

/* How many were given away, ever. Whoever has read parts sees by it whether they were written over meanwhile. */
struct parts_given {
	struct bpf_spin_lock lock; /* atomic additions that answer are newer than some kernels */
	__u32 pad;
	__u64 count;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct parts_given);
} iotq_kept_given SEC(".maps");

/* The number of the first of so many. */
static __always_inline __u64 give_parts(__u32 count)
{
	__u32 only = 0;
	struct parts_given *given = bpf_map_lookup_elem(&iotq_kept_given, &only);
	__u64 first;

	if (!given)
		return 0;
	bpf_spin_lock(&given->lock);
	first = given->count;
	given->count += count;
	bpf_spin_unlock(&given->lock);
	return first;
}

static __always_inline struct child *part_at(__u64 number)
{
	__u32 at = number & iotq_config.parts_mask;

	return bpf_map_lookup_elem(&iotq_kept_parts, &at);
}

/* The calls that are kept of a root. */
__noinline int keep_calls_of(__u32 index, __u64 first)
{
	struct root *root = root_at(index);

	if (!iotq_config.follow_guests || !iotq_config.keep)
		return 0;
	if (!root)
		return 0;
#pragma clang loop unroll(disable)
	for (__u32 place = 0; place < IOTQ_ROOT_CALLS; place++) {
		struct iotq_syscall *call = kept_call(root, index, place);
		struct child *part = part_at(first + place);

		if (!call || !part)
			break;
		part->size = sizeof(*call);
		__builtin_memcpy(part->record, call, sizeof(*call));
		((struct iotq_syscall *)part->record)->task.root = 0;
	}
	return 0;
}

/* The requests that are kept of a root, each at its place; how many are not over. */
__noinline __u32 keep_requests_of(__u32 index, __u32 done, __u64 first)
{
	struct root *root = root_at(index);
	__u32 late = 0;

	if (!iotq_config.follow_guests || !iotq_config.keep)
		return 0;
	if (!root)
		return 0;
#pragma clang loop unroll(disable)
	for (__u32 place = 0; place < IOTQ_ROOT_CHILDREN; place++) {
		struct child *kept = child_at(index, place);
		struct child *part = part_at(first + place);
		bool is_over = done >> place & 1;

		if (!kept || !part || place >= root->record.trail.children)
			break;
		late += !is_over;
		part->size = is_over ? kept->size : 0;
		__builtin_memcpy(part->record, kept->record, sizeof(part->record));
		((struct iotq_block *)part->record)->task.root = 0;
	}
	return late;
}

/* Keeps a request with its trail; `root`: with what was done for it, of which `done` is over. */
static __always_inline void keep_followed(struct guest_request *request, struct root *root, __u32 index, __u32 done)
{
	struct iotq_qemu *record = &request->record.request;
	struct iotq_trail *trail = &request->record.trail;
	struct belongings has = { .count = 1 };
	struct child *part;
	__u32 children = 0;

	if (root) {
		children = trail->children < IOTQ_ROOT_CHILDREN ? trail->children : IOTQ_ROOT_CHILDREN;
		has.count += trail->calls + children;
	}
	has.first = give_parts(has.count);
	part = part_at(has.first);
	if (root) {
		keep_calls_of(index, has.first + 1);
		trail->late = keep_requests_of(index, done, has.first + 1 + trail->calls);
		/* What comes later is not waited for. */
		if (trail->late)
			record->head.marks |= IOTQ_MARK_CROWDED;
	}
	if (part) {
		part->size = sizeof(*trail);
		__builtin_memcpy(part->record, trail, sizeof(*trail));
	}
	keep_request(record, request->device, request->round, request->answered, &has);
}

#endif

/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* For which root the current thread works: its own call, or an operation for which no thread waits. */
#ifndef IOTQ_SUBMITTER_H
#define IOTQ_SUBMITTER_H

#include "root_table.h"

/*
 * What a thread submits without waiting for it: the root whose bios it queues now. At the place of its number; of two threads
 * with the same place, the one that comes later.
 */
struct submitter {
	__u64 owner; /* zero: none */
	__u32 tid;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct submitter);
} iotq_submitters SEC(".maps");

/* The key of a root that is found by the kernel's control block of it. Those of threads are short. */
#define ASYNC_KEY(identity) ((identity) | 1ull << 63)

/* The owner by the key of a root that is followed now; zero without one. */
static __always_inline __u64 owner_by_key(__u64 key)
{
	__u32 index;
	struct root *root = followed(key, &index);

	return root ? OWNER(index, root->seq, 0) : 0;
}

static __always_inline struct submitter *submitter(__u32 tid)
{
	__u32 place = tid & (iotq_config.roots_mask * IOTQ_PLACE_KEYS + IOTQ_PLACE_KEYS - 1);

	return bpf_map_lookup_elem(&iotq_submitters, &place);
}

/* Something that a root causes is not known to be its. */
static __always_inline void miss_child(__u64 owner)
{
	struct root *root = owning_root(owner);

	if (root && root->active && root->seq == OWNER_SEQ(owner))
		root->record.call.head.marks |= IOTQ_MARK_CROWDED;
}

/* What the current thread submits from now on is this root's; zero: nobody's. */
static __always_inline void submit_for(__u64 owner)
{
	__u32 tid = CURRENT(pid);
	struct submitter *place;

	if (!iotq_config.follow)
		return;
	place = submitter(tid);
	if (!place || (place->tid != tid && !owner))
		return;
	if (place->tid != tid && place->owner)
		miss_child(place->owner); /* what that thread still submits */
	place->owner = owner;
	place->tid = tid;
}

/* A worker of io_uring tells what it works on. */
static __always_inline __u64 worker_owner(void)
{
	struct io_worker *worker = NULL;
	__u64 work;

	if (!bpf_core_field_exists(worker->cur_work) || !(CURRENT(flags) & PF_IO_WORKER))
		return 0;
	worker = (void *)CURRENT(worker_private);
	work = (__u64)BPF_CORE_READ(worker, cur_work);
	if (!work)
		return 0;
	return owner_by_key(ASYNC_KEY(identity_at(work - bpf_core_field_offset(struct io_kiocb, work))));
}

/* The request of a guest that an operation is for; zero without one. */
__noinline __u64 parent_of(__u64 owner)
{
	struct root *root = owning_root(owner);

	return root && root->seq == OWNER_SEQ(owner) ? root->parent : 0;
}

/* An operation that only a guest's request wants has nothing of its own: what it causes is the request's. */
static __always_inline __u64 bearer(__u64 owner)
{
	struct root *root = iotq_config.follow_guests && owner ? owning_root(owner) : NULL;

	return root && root->parent && !root->record.call.head.queries ? root->parent : owner;
}

/* The root that the current thread works for; zero without one that is followed. */
static __always_inline __u64 current_owner(void)
{
	__u32 tid = CURRENT(pid);
	__u64 owner = owner_by_key(tid);
	struct submitter *place;

	if (owner || !iotq_config.has_async)
		return bearer(owner);
	place = submitter(tid);
	return bearer(place && place->tid == tid && place->owner ? place->owner : worker_owner());
}

#endif

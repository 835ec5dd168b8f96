/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The table of roots: where they are kept, and how they are found.
 *
 * Functions that take numbers alone are not static: so the verifier walks each once, and not from every place that calls
 * it, in every round of a loop.
 */
#ifndef IOTQ_ROOT_TABLE_H
#define IOTQ_ROOT_TABLE_H

#include "identity.h"
#include "places.h"
#include "ship.h"

/* What a root's caller does. Away: nobody waits for this root. */
enum caller { CALLER_RUNS, CALLER_WAITS_FOR_CPU, CALLER_SLEEPS, CALLER_AWAY };

/* A caller has fallen asleep: since when, and what the commit of a journal had done by then, by the use of its root. */
struct sleep {
	__u64 since;
	__u64 queue, device;
	__u32 commit; /* zero: there was none */
	__u32 pad;
};

struct root {
	struct bpf_spin_lock lock;
	__u32 seq;      /* of its uses: tells those that come late */
	__u32 done;     /* children that are kept, a bit each */
	__u32 pad0;
	struct place place;
	__u64 verdicts; /* of the uses before, a bit each, the last one lowest: the root was shipped */
	__u64 entered;
	__u64 since; /* the last change of its state */
	__u32 queued, at_device;
	__u64 pending; /* bytes that it has submitted and no device has yet, of one whose owners are counted */
	__u8 caller;     /* enum caller */
	__u8 submitting; /* its caller has submitted a bio that has no request yet */
	__u8 active;     /* between its start and its end */
	__u8 shipped;    /* this use; not active any more */
	__u8 last;       /* it is over with the last of its children */
	__u8 calling;    /* of a guest's request: calls under way whose threads wait for them */
	__u8 pad[2];
	__u64 parent; /* of a call for a guest's request: the owner that this is; else zero */
	__u64 left;  /* its CPU; zero: it has not */
	__u64 woken; /* since then; zero: it was not */
	struct sleep slept;
	struct iotq_sched wait; /* the time off the CPU that has begun */
	struct iotq_call_root record; /* record.call.head.queries is zero while no statement wants it */
};

#define NO_PLACE 0xff

struct child {
	__u64 size;
	__u8 record[8 * IOTQ_PART_WORDS]; /* that of a ring is the longest */
};

/* Sized by the installer, powers of two. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct place_keys);
	__uint(map_flags, BPF_F_MMAPABLE); /* so the first entry is aligned, to a page */
} iotq_root_keys SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct root);
} iotq_roots SEC(".maps");

/* IOTQ_ROOT_CHILDREN for each root. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct child);
} iotq_children SEC(".maps");

/* IOTQ_ROOT_WAITS for each root, if a join has them. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct iotq_sched);
} iotq_waits SEC(".maps");

/* The calls into filesystems that a root's caller makes, each after the other. Apart, since kprobes may not see locks. */
struct root_calls {
	__u64 caller; /* its thread; zero while the root is not followed */
	__u32 kept, crowded;
	struct iotq_fs calls[IOTQ_ROOT_CALLS];
};

/* One for each root, if a join has them. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct root_calls);
} iotq_root_calls SEC(".maps");

/* IOTQ_CACHE_EVENTS for each root, if a join has them. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct iotq_cache);
} iotq_cached SEC(".maps");

/*
 * How a child knows its root: the place in the table, the use of it, and the child's own place there. Counted: the root is
 * over when all that it has submitted is.
 */
#define OWNER(index, seq, place) ((__u64)(seq) << 32 | (__u64)(place) << 16 | (index))
#define OWNER_COUNTED (1ull << 24)
#define OWNER_INDEX(owner) ((__u32)(owner) & 0xffff)
#define OWNER_PLACE(owner) ((__u32)(owner) >> 16 & 0xff)
#define OWNER_ROOT(owner) ((owner) & ~(OWNER(0, 0, 0xff) | OWNER_COUNTED))
#define OWNER_SEQ(owner) ((__u32)((owner) >> 32))

static __always_inline struct root *root_at(__u32 index)
{
	return bpf_map_lookup_elem(&iotq_roots, &index);
}

/* None where nothing is followed, so that the verifier needs not allow what is done with it. */
static __always_inline struct root *owning_root(__u64 owner)
{
	return iotq_config.follow ? root_at(OWNER_INDEX(owner)) : NULL;
}

#define ROOT_PLACES                                                                       \
	((struct places){ .keys = &iotq_root_keys, .values = &iotq_roots, .mask = iotq_config.roots_mask, \
			  .offset = __builtin_offsetof(struct root, place) })

/* The index of the root with this key, which is not zero; IOTQ_NULL32 without one. */
static __always_inline __u32 find_root(__u64 key)
{
	return find_place(ROOT_PLACES, key);
}

/* The root with this key, whether it is followed or not. */
static __always_inline struct root *held_root(__u64 key, __u32 *index)
{
	struct root *root;

	*index = find_root(key);
	root = root_at(*index);
	return root && root->place.holder == key ? root : NULL;
}

/* The same, if it is followed now. */
static __always_inline struct root *followed(__u64 key, __u32 *index)
{
	struct root *root = held_root(key, index);

	return root && root->active ? root : NULL;
}

/* A place for this key. */
__noinline __u32 take_root(__u64 key)
{
	__u32 index = take_place(ROOT_PLACES, key);

	if (index == IOTQ_NULL32)
		COUNT(IOTQ_LAYER_SYSCALL, lost_slot);
	return index;
}

static __always_inline void release_root(struct root *root)
{
	release(ROOT_PLACES, &root->place);
}

/* The end of what had this place was not seen, and will not be. */
static __always_inline void abandon(struct root *root)
{
	root->active = 0;
	release_root(root);
}

#endif

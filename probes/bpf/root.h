/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Roots: what a request is followed from, such as a system call. A thread's root is found by the thread, so whatever the
 * thread submits belongs to it.
 *
 * Stages are cut by integration. A root has a state (what its caller does; how many of its children are queued, and at
 * their devices) and the time of its last change. Each event adds the time since then to the stage that the state names,
 * and changes the state: so the stages add up to the latency, whatever overlaps. Events come from several CPUs, and take
 * the root's lock for it.
 *
 * Functions that take numbers alone are not static: so the verifier walks each once, and not from every place that calls
 * it, in every round of a loop.
 */
#ifndef IOTQ_ROOT_H
#define IOTQ_ROOT_H

#include "ship.h"

/* What a root's caller does; woken: waits for a CPU, if it slept. Away: nobody waits for this root. */
enum caller { CALLER_RUNS, CALLER_WAITS_FOR_CPU, CALLER_SLEEPS, CALLER_AWAY, CALLER_WOKEN };

/* Its caller has submitted a bio that has no request yet. A flush waits for the device at once. */
enum submission { SUBMITS_NOTHING, SUBMITS, SUBMITS_FLUSH };

struct root {
	struct bpf_spin_lock lock;
	__u32 seq;      /* of its uses: tells those that come late */
	__u32 claims;
	__u32 done;     /* children that are kept, a bit each */
	__u64 holder;   /* the key of whose this place is, from its claim to its release */
	__u64 verdicts; /* of the uses before, a bit each, the last one lowest: the root was shipped */
	__u64 entered;
	__u64 since; /* the last change of its state */
	__u32 queued, at_device;
	__u8 caller;     /* enum caller */
	__u8 submitting; /* enum submission */
	__u8 active;     /* between its start and its end */
	__u8 shipped;    /* this use; not active any more */
	__u8 pad[4];
	__u64 left;  /* its CPU; zero: it has not */
	__u64 woken; /* since then; zero: it was not */
	struct iotq_sched wait; /* the time off the CPU that has begun */
	struct iotq_call_root record; /* record.call.head.queries is zero while no statement wants it */
};

#define NO_PLACE 0xff

struct child {
	__u64 size;
	__u8 record[280]; /* that of a ring is the longest */
};

/* A root is in one of so many places, which lie in one cache line. */
struct root_keys {
	__u64 key[IOTQ_ROOT_KEYS];
};

/* Sized by the installer, powers of two. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct root_keys);
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

/* IOTQ_CACHE_EVENTS for each root, if a join has them. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct iotq_cache);
} iotq_cached SEC(".maps");

/* How a child knows its root: the place in the table, the use of it, and the child's own place there. */
#define OWNER(index, seq, place) ((__u64)(seq) << 32 | (__u64)(place) << 16 | (index))
#define OWNER_INDEX(owner) ((__u32)(owner) & 0xffff)
#define OWNER_PLACE(owner) ((__u32)(owner) >> 16 & 0xff)
#define OWNER_ROOT(owner) ((owner) & ~OWNER(0, 0, 0xff))
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

static __always_inline __u32 root_bucket(__u64 key)
{
	return (__u32)(key * 0x9e3779b97f4a7c15ull >> 40) & iotq_config.roots_mask;
}

/* The index of the root with this key, which is not zero; IOTQ_NULL32 without one. */
static __always_inline __u32 find_root(__u64 key)
{
	__u32 bucket = root_bucket(key);
	struct root_keys *keys = bpf_map_lookup_elem(&iotq_root_keys, &bucket);

	if (!keys || !key)
		return IOTQ_NULL32;
#pragma unroll
	for (__u32 i = 0; i < IOTQ_ROOT_KEYS; i++) {
		if (keys->key[i] == key)
			return bucket * IOTQ_ROOT_KEYS + i;
	}
	return IOTQ_NULL32;
}

/*
 * A place belongs to one key from its claim to its release. Without locks, which older kernels do not have here: of two
 * that add themselves to the claims, at most one finds itself alone.
 */
static __always_inline bool claim(struct root *root, __u64 key)
{
	__sync_fetch_and_add(&root->claims, 1);
	if (*(volatile __u32 *)&root->claims == 1) {
		root->holder = key;
		return true;
	}
	__sync_fetch_and_add(&root->claims, -1);
	return false;
}

static __always_inline void release(struct root *root)
{
	root->holder = 0;
	__sync_fetch_and_add(&root->claims, -1);
}

/* A place that nobody uses now, for this key. */
static __noinline __u32 make_root(__u64 key)
{
	__u32 bucket = root_bucket(key);
	struct root_keys *keys = bpf_map_lookup_elem(&iotq_root_keys, &bucket);

	if (!keys)
		return IOTQ_NULL32;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < IOTQ_ROOT_KEYS; i++) {
		struct root *root = root_at(bucket * IOTQ_ROOT_KEYS + i);

		if (!root)
			return IOTQ_NULL32;
		if (root->holder || !claim(root, key))
			continue;
		keys->key[i] = key;
		return bucket * IOTQ_ROOT_KEYS + i;
	}
	COUNT(IOTQ_LAYER_SYSCALL, lost_slot);
	return IOTQ_NULL32;
}

/* The same; if possible, the place that it had before. Somebody else may take that at the same time. */
static __always_inline __u32 take_root(__u64 key)
{
	__u32 index = find_root(key);
	struct root *root = root_at(index);

	if (root && claim(root, key)) {
		if (find_root(key) == index)
			return index;
		release(root);
	}
	return make_root(key);
}

/* The end of what had this place was not seen, and will not be. */
static __always_inline void abandon(struct root *root)
{
	root->active = 0;
	release(root);
}

static __always_inline __u32 stage_of(const struct root *root)
{
	if (root->caller == CALLER_RUNS)
		return IOTQ_STAGE_CPU;
	if (root->caller == CALLER_WAITS_FOR_CPU)
		return IOTQ_STAGE_RUNQUEUE;
	if (root->at_device || root->submitting == SUBMITS_FLUSH)
		return IOTQ_STAGE_DEVICE;
	if (root->queued || root->submitting == SUBMITS)
		return IOTQ_STAGE_QUEUE;
	return root->caller == CALLER_SLEEPS ? IOTQ_STAGE_BLOCKED : IOTQ_STAGE_OTHER;
}

/* Adds the time until now to the stage that has lasted so long. The lock is held. */
static __always_inline void advance(struct root *root, __u64 now)
{
	__u64 *stages = root->record.trail.stages;
	/* The clocks of two CPUs may differ by a little, and the lock may have been waited for. */
	__u64 passed = now > root->since ? now - root->since : 0;

	root->since += passed;
	switch (stage_of(root)) {
	case IOTQ_STAGE_CPU:
		stages[IOTQ_STAGE_CPU] += passed;
		break;
	case IOTQ_STAGE_RUNQUEUE:
		stages[IOTQ_STAGE_RUNQUEUE] += passed;
		break;
	case IOTQ_STAGE_DEVICE:
		stages[IOTQ_STAGE_DEVICE] += passed;
		break;
	case IOTQ_STAGE_QUEUE:
		stages[IOTQ_STAGE_QUEUE] += passed;
		break;
	case IOTQ_STAGE_BLOCKED:
		stages[IOTQ_STAGE_BLOCKED] += passed;
		break;
	default:
		stages[IOTQ_STAGE_OTHER] += passed;
	}
}

/* A root starts; what it has left from its last use is over. `record` has no trail yet. */
static __always_inline void start_root(struct root *root, __u64 now, enum caller caller)
{
	bpf_spin_lock(&root->lock);
	root->verdicts = root->verdicts << 1 | root->shipped;
	root->seq++;
	root->entered = root->since = now;
	root->queued = root->at_device = root->done = 0;
	root->caller = caller;
	root->submitting = SUBMITS_NOTHING;
	root->shipped = 0;
	root->left = 0;
	__builtin_memset(&root->record.trail, 0, sizeof(root->record.trail));
	root->active = 1;
	bpf_spin_unlock(&root->lock);
}

/* What a root's caller does from now on; `waker`: by whom it is woken. */
static __always_inline void caller_does(struct root *root, enum caller what, __u32 waker, __u64 now)
{
	bpf_spin_lock(&root->lock);
	/* A task may be woken that has not gone to sleep yet. */
	if (root->caller != CALLER_AWAY && (what != CALLER_WOKEN || root->caller == CALLER_SLEEPS)) {
		advance(root, now);
		root->caller = what == CALLER_WOKEN ? CALLER_WAITS_FOR_CPU : what;
		if (what == CALLER_WOKEN) {
			root->woken = now;
			root->wait.waker = waker;
		}
	}
	bpf_spin_unlock(&root->lock);
}

/* The root of the current thread; zero without one that is followed. */
static __always_inline __u64 current_owner(void)
{
	__u32 index = find_root((__u32)CURRENT(pid));
	struct root *root;

	if (index == IOTQ_NULL32)
		return 0;
	root = root_at(index);
	return root && root->active ? OWNER(index, root->seq, 0) : 0;
}

/* The current thread has submitted a bio, which waits for a request. */
static __always_inline void note_submission(__u64 owner, bool flush, __u64 now)
{
	struct root *root = owning_root(owner);

	if (!root)
		return;
	bpf_spin_lock(&root->lock);
	if (root->active && root->seq == OWNER_SEQ(owner)) {
		advance(root, now);
		root->submitting = flush ? SUBMITS_FLUSH : SUBMITS;
	}
	bpf_spin_unlock(&root->lock);
}

static __always_inline __u32 root_id(__u32 index, __u32 seq)
{
	return (index + 1) << 16 | (seq & 0xffff);
}

static __always_inline struct child *child_at(__u32 index, __u32 place)
{
	__u32 at = index * IOTQ_ROOT_CHILDREN + place;

	return bpf_map_lookup_elem(&iotq_children, &at);
}

/* A child begins. Its place among the root's children; zero if the root is over. */
__noinline __u64 add_child(__u64 owner, bool issued, __u64 now)
{
	struct root *root = owning_root(owner);
	__u32 place = NO_PLACE;
	bool over = true;

	if (!root)
		return 0;
	bpf_spin_lock(&root->lock);
	if (root->active && root->seq == OWNER_SEQ(owner)) {
		over = false;
		advance(root, now);
		root->submitting = SUBMITS_NOTHING;
		if (issued)
			root->at_device++;
		else
			root->queued++;
		if (root->record.trail.children < IOTQ_ROOT_CHILDREN)
			place = root->record.trail.children;
		else
			root->record.trail.crowded++;
		root->record.trail.children++;
	}
	bpf_spin_unlock(&root->lock);
	return over ? 0 : OWNER(OWNER_INDEX(owner), OWNER_SEQ(owner), place);
}

/* A child goes from the queue to the device, or back. */
__noinline int move_child(__u64 owner, bool issued, __u64 now)
{
	struct root *root = owning_root(owner);

	if (!root)
		return 0;
	bpf_spin_lock(&root->lock);
	if (root->active && root->seq == OWNER_SEQ(owner)) {
		advance(root, now);
		root->queued -= issued ? 1 : -1;
		root->at_device += issued ? 1 : -1;
	}
	bpf_spin_unlock(&root->lock);
	return 0;
}

/* A queued child went into another request. */
__noinline int drop_child(__u64 owner, __u64 now)
{
	__u32 place = OWNER_PLACE(owner);
	struct root *root = owning_root(owner);
	struct child *kept = child_at(OWNER_INDEX(owner), place & (IOTQ_ROOT_CHILDREN - 1));

	if (!root || !kept)
		return 0;
	bpf_spin_lock(&root->lock);
	if (root->active && root->seq == OWNER_SEQ(owner)) {
		advance(root, now);
		root->queued--;
		root->record.trail.gone++;
		if (place < IOTQ_ROOT_CHILDREN) {
			root->done |= 1u << place;
			kept->size = 0;
		} else {
			root->record.trail.crowded--;
		}
	}
	bpf_spin_unlock(&root->lock);
	return 0;
}

/* The record of a child on its way; not in the books, which count roots. */
static __always_inline void ship_child(const void *record, __u64 size, __u32 layer)
{
	/* Apart from other comparisons of it, or older verifiers lose its bound. */
	barrier_var(size);
	if (size <= sizeof(((struct child *)0)->record) &&
	    bpf_ringbuf_output(&iotq_ring, (void *)record, size, BPF_RB_NO_WAKEUP))
		COUNT(layer, lost_ring);
}

/* A root's caller goes on: no time is added from here on. Its latency. */
static __always_inline __u64 stop_root(struct root *root, __u64 now)
{
	__u64 lat;

	bpf_spin_lock(&root->lock);
	advance(root, now);
	lat = root->since - root->entered;
	root->since = IOTQ_NULL64;
	/* The request of what it has submitted was not seen. */
	if (root->submitting && !root->record.trail.children)
		root->record.call.head.marks |= IOTQ_MARK_CROWDED;
	bpf_spin_unlock(&root->lock);
	return lat;
}

/* The times off the CPU that are kept of a root. */
__noinline int ship_waits(__u32 index, __u32 id)
{
	struct root *root = owning_root(OWNER(index, 0, 0));

	if (!root)
		return 0;
#pragma clang loop unroll(disable)
	for (__u32 place = 0; place < IOTQ_ROOT_WAITS; place++) {
		__u32 at = index * IOTQ_ROOT_WAITS + place;
		struct iotq_sched *wait = bpf_map_lookup_elem(&iotq_waits, &at);

		if (!wait || place >= root->record.trail.waits)
			break;
		wait->task.root = id;
		ship_child(wait, sizeof(*wait), IOTQ_LAYER_SCHED);
	}
	return 0;
}

/* What has happened in the page cache for a root, by events. */
__noinline int ship_events(__u32 index, __u32 id)
{
	struct root *root = owning_root(OWNER(index, 0, 0));

	if (!root)
		return 0;
#pragma clang loop unroll(disable)
	for (__u32 event = 0; event < IOTQ_CACHE_EVENTS; event++) {
		__u32 at = index * IOTQ_CACHE_EVENTS + event;
		struct iotq_cache *kept = bpf_map_lookup_elem(&iotq_cached, &at);

		if (!kept || !(root->record.trail.events >> event & 1))
			continue;
		kept->task.root = id;
		ship_child(kept, sizeof(*kept), IOTQ_LAYER_CACHE);
	}
	return 0;
}

/* A root is over; `shipped`: with what is kept of its children, which go before it. */
static __always_inline void end_root(struct root *root, __u32 index, bool shipped)
{
	__u32 done, children;

	bpf_spin_lock(&root->lock);
	root->active = 0;
	root->shipped = shipped;
	done = root->done;
	bpf_spin_unlock(&root->lock);
	if (!shipped)
		return;
	children = root->record.trail.children;
	root->record.trail.late = 0;
	root->record.call.task.root = root_id(index, root->seq);
#pragma clang loop unroll(disable)
	for (__u32 place = 0; place < IOTQ_ROOT_CHILDREN; place++) {
		struct child *kept;

		if (place >= children)
			break;
		if (!(done >> place & 1)) {
			root->record.trail.late++;
			continue;
		}
		kept = child_at(index, place);
		if (kept && kept->size)
			ship_child(kept->record, kept->size, IOTQ_LAYER_BLOCK);
	}
	if (iotq_config.joined[IOTQ_LAYER_SCHED])
		ship_waits(index, root_id(index, root->seq));
	if (iotq_config.joined[IOTQ_LAYER_CACHE])
		ship_events(index, root_id(index, root->seq));
	if (root->record.trail.crowded || root->record.trail.waits_crowded)
		root->record.call.head.marks |= IOTQ_MARK_CROWDED;
}

#endif

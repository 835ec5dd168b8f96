/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Roots: what a request is followed from, such as a system call. A thread's root is found by the thread, so whatever the
 * thread submits belongs to it.
 *
 * Stages are cut by integration. A root has a state (what its caller does; how many of its children are queued, and at
 * their devices) and the time of its last change. Each event adds the time since then to the stage that the state names,
 * and changes the state: so the stages add up to the latency, whatever overlaps. Events come from several CPUs, and take
 * the root's lock for it.
 */
#ifndef IOTQ_ROOT_H
#define IOTQ_ROOT_H

#include "submitter.h"

static __always_inline __u32 stage_of(const struct root *root)
{
	if (root->caller == CALLER_RUNS)
		return IOTQ_STAGE_CPU;
	if (root->caller == CALLER_WAITS_FOR_CPU)
		return IOTQ_STAGE_RUNQUEUE;
	if (root->at_device)
		return IOTQ_STAGE_DEVICE;
	if (root->queued || root->submitting)
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
	root->pending = 0;
	root->caller = caller;
	root->calling = 0;
	root->parent = 0;
	root->submitting = 0;
	root->shipped = root->last = 0;
	root->left = 0;
	__builtin_memset(&root->record.trail, 0, sizeof(root->record.trail));
	root->active = 1;
	bpf_spin_unlock(&root->lock);
}

/* A root of no call: its number says what it is of. Nobody waits in it. */
static __always_inline void start_other_root(struct root *root, __u32 number, __u64 now)
{
	start_root(root, now, CALLER_AWAY);
	__builtin_memset(&root->record.call, 0, sizeof(root->record.call));
	root->record.call.number = number;
}

/* When the state that has begun did so; of a root whose time has stopped, now. */
static __always_inline __u64 moment(const struct root *root, __u64 now)
{
	return root->since == IOTQ_NULL64 ? now : root->since;
}

/*
 * What a root's caller does from now on. It leaves a CPU, or comes to one: else what was before went by unseen. Since when:
 * later than `now` where another CPU was faster, so that the time off the CPU is that of the stages.
 */
static __always_inline __u64 caller_does(struct root *root, enum caller what, __u64 now)
{
	bpf_spin_lock(&root->lock);
	if (root->caller != CALLER_AWAY) {
		advance(root, now);
		if ((root->caller == CALLER_RUNS) == (what == CALLER_RUNS))
			root->record.call.head.marks |= IOTQ_MARK_CROWDED;
		root->caller = what;
		now = moment(root, now);
		if (what != CALLER_RUNS)
			root->left = now;
	}
	bpf_spin_unlock(&root->lock);
	return now;
}

/* It is woken, by a task. That may be before it has gone to sleep. Since when it is. */
static __always_inline __u64 wake_caller(struct root *root, struct task_struct *waker, __u64 now)
{
	bpf_spin_lock(&root->lock);
	if (root->caller == CALLER_SLEEPS) {
		advance(root, now);
		root->caller = CALLER_WAITS_FOR_CPU;
		now = moment(root, now);
		root->woken = now;
		root->wait.waker = waker->tgid;
		__builtin_memcpy(root->wait.waker_comm, waker->comm, sizeof(root->wait.waker_comm));
	}
	bpf_spin_unlock(&root->lock);
	return now;
}

/* The current thread has submitted a bio, which waits for a request. */
static __always_inline void note_submission(__u64 owner, __u32 bytes, __u64 now)
{
	struct root *root = owning_root(owner);

	if (!root)
		return;
	bpf_spin_lock(&root->lock);
	if (root->active && root->seq == OWNER_SEQ(owner)) {
		advance(root, now);
		root->submitting = 1;
		root->pending += bytes;
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
		root->submitting = 0;
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
	return over ? 0 : OWNER(OWNER_INDEX(owner), OWNER_SEQ(owner), place) | (owner & OWNER_COUNTED);
}

/* A device has bytes that a root has submitted. */
__noinline int take_pending(__u64 owner, __u32 bytes)
{
	struct root *root = owning_root(owner);

	if (!root || !(owner & OWNER_COUNTED))
		return 0;
	bpf_spin_lock(&root->lock);
	if (root->active && root->seq == OWNER_SEQ(owner))
		root->pending -= bytes;
	bpf_spin_unlock(&root->lock);
	return 0;
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
	/* The request of what it has submitted was not seen, or that its caller has a CPU again. */
	if ((root->submitting && !root->record.trail.children) || root->caller == CALLER_WAITS_FOR_CPU ||
	    root->caller == CALLER_SLEEPS)
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

/* The calls into filesystems that are kept of a root. */
__noinline int ship_calls(__u32 index, __u32 id)
{
	struct root_calls *all = bpf_map_lookup_elem(&iotq_root_calls, &index);

	if (!all)
		return 0;
#pragma clang loop unroll(disable)
	for (__u32 place = 0; place < IOTQ_ROOT_CALLS; place++) {
		struct iotq_fs *call = &all->calls[place];

		if (place >= all->kept)
			break;
		call->task.root = id;
		ship_child(call, sizeof(*call), IOTQ_LAYER_FS);
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

/* From here on, or no longer, a thread's calls into filesystems are kept for a root. */
static __always_inline void keep_calls(struct root *root, __u32 index, __u64 caller)
{
	struct root_calls *all = bpf_map_lookup_elem(&iotq_root_calls, &index);

	if (!all)
		return;
	if (caller) {
		all->kept = all->crowded = 0;
	} else {
		root->record.trail.calls = all->kept;
		root->record.trail.calls_crowded = all->crowded;
	}
	all->caller = caller;
}

/* From now on a root has no more children. Those that are kept, a bit each. */
static __always_inline __u32 close_root(struct root *root, bool shipped)
{
	__u32 done;

	bpf_spin_lock(&root->lock);
	root->active = 0;
	root->shipped = shipped;
	done = root->done;
	bpf_spin_unlock(&root->lock);
	return done;
}

/* The requests that are kept of a root. */
static __always_inline void ship_requests(struct root *root, __u32 index, __u32 done)
{
	__u32 children = root->record.trail.children;

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
		if (!kept || !kept->size)
			continue;
		((struct iotq_block *)kept->record)->task.root = root_id(index, root->seq);
		ship_child(kept->record, kept->size, IOTQ_LAYER_BLOCK);
	}
}

/* A root is over; `shipped`: with what is kept of its children, which go before it. */
static __always_inline void end_root(struct root *root, __u32 index, bool shipped)
{
	__u32 done = close_root(root, shipped);

	if (iotq_config.joined[IOTQ_LAYER_FS])
		keep_calls(root, index, 0);
	if (!shipped)
		return;
	ship_requests(root, index, done);
	if (iotq_config.joined[IOTQ_LAYER_SCHED])
		ship_waits(index, root_id(index, root->seq));
	if (iotq_config.joined[IOTQ_LAYER_FS])
		ship_calls(index, root_id(index, root->seq));
	if (iotq_config.joined[IOTQ_LAYER_CACHE])
		ship_events(index, root_id(index, root->seq));
	if (root->record.trail.crowded || root->record.trail.waits_crowded || root->record.trail.calls_crowded)
		root->record.call.head.marks |= IOTQ_MARK_CROWDED;
}

#endif

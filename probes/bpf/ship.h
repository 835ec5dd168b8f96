/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* What every template shares: the configuration, who the current task is, the ring, and the books. */
#ifndef IOTQ_SHIP_H
#define IOTQ_SHIP_H

#include "aggregate.h"
#include "catalogue.gen.h"
#include "config.h"
#include "filter.h"

/* Sized by the installer. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} iotq_ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, IOTQ_LAYERS);
	__type(key, __u32);
	__type(value, struct iotq_counts);
} iotq_counts SEC(".maps");

/* pid -> the families it belongs to, a bit each. Sized by the installer when a plan has families. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} iotq_families SEC(".maps");

/* Whether any statement asks for a point. */
static __always_inline bool wants(__u32 layer, __u32 point)
{
	return iotq_config.points[layer] & 1u << point;
}

/* Whether any statement reads a layer by itself. */
static __always_inline bool wants_any(__u32 layer)
{
	return iotq_config.points[layer];
}

static __always_inline struct iotq_counts *counts(__u32 layer)
{
	return bpf_map_lookup_elem(&iotq_counts, &layer);
}

/* Per CPU, and a program may interrupt another one there: the additions must be atomic. */
#define COUNT(layer, what)                                              \
	({                                                              \
		struct iotq_counts *_counts = counts(layer);            \
		if (_counts)                                            \
			__sync_fetch_and_add(&_counts->what, 1);        \
	})

static __always_inline __u64 members(__u32 tgid)
{
	__u64 bits = 0;

	if (iotq_config.families) {
		__u64 *families = bpf_map_lookup_elem(&iotq_families, &tgid);

		if (families)
			bits = *families;
	}
#pragma unroll
	for (__u32 i = 0; i < IOTQ_MAX_CGROUPS; i++) {
		if (i >= iotq_config.cgroup_count)
			break;
		if (bpf_get_current_ancestor_cgroup_id(iotq_config.cgroups[i].level) == iotq_config.cgroups[i].id)
			bits |= 1ull << (iotq_config.cgroups[i].bit & 63);
	}
	return bits;
}

static __always_inline void describe_typed(struct iotq_task *into)
{
	struct task_struct *task = bpf_get_current_task_btf();

	into->pid = task->tgid;
	into->tid = task->pid;
	into->uid = iotq_config.want_uid ? task->cred->uid.val : IOTQ_NULL32;
	into->cgroup = iotq_config.want_cgroup ? task->cgroups->dfl_cgrp->kn->id : IOTQ_NULL64;
	__builtin_memcpy(into->comm, task->comm, sizeof(into->comm));
}

static __always_inline void describe_by_helpers(struct iotq_task *into)
{
	__u64 both = bpf_get_current_pid_tgid();

	into->pid = both >> 32;
	into->tid = both;
	into->uid = iotq_config.want_uid ? (__u32)bpf_get_current_uid_gid() : IOTQ_NULL32;
	into->cgroup = iotq_config.want_cgroup ? bpf_get_current_cgroup_id() : IOTQ_NULL64;
	bpf_get_current_comm(into->comm, sizeof(into->comm));
}

static __always_inline void describe_task(struct iotq_task *into)
{
	if (TYPED_TASK)
		describe_typed(into);
	else
		describe_by_helpers(into);
	into->root = 0;
	into->members = members(into->pid);
}

static __always_inline void no_task(struct iotq_task *into)
{
	__builtin_memset(into, 0, sizeof(*into));
	into->pid = into->tid = into->uid = IOTQ_NULL32;
	into->cgroup = IOTQ_NULL64;
}

/*
 * Ships a record. A wakeup costs more than all the rest, so the reader is woken only when much waits; it also looks by
 * itself every few milliseconds. Asking how much waits costs a cache line that the reader writes, so it is asked now and
 * then.
 */
static __always_inline void ship(struct iotq_head *head, __u32 size, __u32 layer)
{
	struct iotq_counts *books = counts(layer);
	__u64 flags = BPF_RB_NO_WAKEUP;

	if (!books)
		return;
	if (!(books->shipped & iotq_config.wakeup_every) &&
	    bpf_ringbuf_query(&iotq_ring, BPF_RB_AVAIL_DATA) >= iotq_config.wakeup_bytes)
		flags = BPF_RB_FORCE_WAKEUP;
	if (bpf_ringbuf_output(&iotq_ring, head, size, flags)) {
		__sync_fetch_and_add(&books->lost_ring, 1);
		return;
	}
	__sync_fetch_and_add(&books->shipped, 1);
	if (head->marks & IOTQ_MARK_APPROX)
		__sync_fetch_and_add(&books->approx, 1);
}

/* Takes a record into the groups that are kept here, and returns the statements that are left. */
static __always_inline __u32 keep_and_count(struct iotq_head *head, __u32 layer, __u32 point, __u32 passed)
{
	__u32 left = passed & ~keep(head, layer, point, passed);
	struct iotq_counts *books = counts(layer);

	if (!books)
		return left;
	if (left & grouped_at(layer, point))
		__sync_fetch_and_add(&books->spilled, 1);
	if (left)
		return left;
	__sync_fetch_and_add(&books->grouped, 1);
	if (head->marks & IOTQ_MARK_APPROX)
		__sync_fetch_and_add(&books->approx, 1);
	return 0;
}

/*
 * A point is reached: the record goes to the statements whose end filters `passed`, of those on this layer that track
 * it: into their groups, or else into the ring.
 */
static __always_inline void deliver(struct iotq_head *head, __u32 size, __u32 layer, __u32 point, __u32 tracked,
				    __u32 passed, __u64 now)
{
	__u32 kept = head->queries;

	/* What only its root wants is not judged here. */
	tracked &= ~iotq_config.joined[layer];
	if (!tracked)
		return;
	passed &= tracked;
	if (!passed) {
		COUNT(layer, rejected);
		return;
	}
	if (iotq_config.grouped[layer] & 1u << point) {
		passed = keep_and_count(head, layer, point, passed);
		if (!passed)
			return;
	}
	head->at = now;
	head->layer = layer;
	head->point = point;
	head->queries = passed;
	ship(head, size, layer);
	head->queries = kept;
}

#endif

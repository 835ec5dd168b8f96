/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Requests of guests that are kept here instead of shipped: whoever knows the guest's side looks up those that matter, by
 * their places on the ring. So a host pays for its probes, and nothing for what nobody asks of.
 */
#ifndef IOTQ_QEMU_KEPT_H
#define IOTQ_QEMU_KEPT_H

#include "ship.h"

/* The oldest give way: most are never asked for. Sized by the installer, as is the next one. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct iotq_kept_key);
	__type(value, struct iotq_kept);
} iotq_kept SEC(".maps");

/* The processes whose guests are asked; all others' requests are left alone. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} iotq_keeping SEC(".maps");

static const struct iotq_kept nothing_kept;

static __always_inline bool is_left_alone(void)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;

	return iotq_config.keep && !bpf_map_lookup_elem(&iotq_keeping, &pid);
}

/* Begins anew under a key. */
static __always_inline struct iotq_kept *keep_anew(const struct iotq_kept_key *key)
{
	if (bpf_map_update_elem(&iotq_kept, key, &nothing_kept, BPF_ANY))
		return NULL;
	return bpf_map_lookup_elem(&iotq_kept, key);
}

/* Which of the parts belong to it: they are there already. */
struct belongings {
	__u64 first;
	__u32 count;
};

/* The request itself: its length, and all of it. It is there from when `used` says so. */
static __noinline int keep_request(struct iotq_qemu *record, __u64 device, __u32 round, __u64 now,
				   const struct belongings *has)
{
	struct iotq_kept_key key = { .device = device, .round = round };
	struct iotq_kept *kept;

	if (!record || !has)
		return 0;
	key.pid = record->task.pid;
	key.queue = record->queue;
	key.index = record->index;
	record->head.at = now;
	record->head.layer = IOTQ_LAYER_QEMU;
	record->head.point = IOTQ_QEMU_PUSH;
	record->head.queries = 0;
	kept = keep_anew(&key);
	if (!kept) {
		COUNT(IOTQ_LAYER_QEMU, lost_slot);
		return 0;
	}
	kept->words[0] = sizeof(*record);
	__builtin_memcpy(&kept->words[1], record, sizeof(*record));
	kept->first = has->first;
	kept->parts = has->count;
	*(volatile __u32 *)&kept->used = sizeof(__u64) + sizeof(*record);
	COUNT(IOTQ_LAYER_QEMU, shipped);
	if (record->head.marks & IOTQ_MARK_APPROX)
		COUNT(IOTQ_LAYER_QEMU, approx);
	return 0;
}

#endif

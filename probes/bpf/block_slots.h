/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Where requests are followed. blk-mq allocates requests once and uses them again and again, so a slot is given to the
 * identity of a request at its first use, and from then on only looked up: an array with open addressing, which costs a
 * third of a hash map's look-up. Bios to devices without requests come and go, and have a map of their own.
 */
#ifndef IOTQ_BLOCK_SLOTS_H
#define IOTQ_BLOCK_SLOTS_H

#include "block_bios.h"

/* With a quarter of the slots in use, a request finds none in two of 10^10 cases. */
#define SLOT_PROBES 16

/* Sized by the installer, powers of two: four times the requests of all devices. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct iotq_block_slot);
	__uint(map_flags, BPF_F_MMAPABLE); /* so the first entry is aligned, to a page */
} iotq_requests SEC(".maps");

/* Which slots are given away: decides between two CPUs that want the same one. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} iotq_claims SEC(".maps");

/* Sized by the installer, by the bio's identity. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct iotq_block_slot);
} iotq_bio_spans SEC(".maps");

static const struct iotq_block_slot empty_slot;

struct probe {
	__u32 index, step;
};

static __always_inline struct probe first_probe(__u64 rq)
{
	__u64 hash = (rq >> 6) * 0x9e3779b97f4a7c15ull;

	return (struct probe){ .index = hash >> 40, .step = (__u32)(hash >> 16) | 1 };
}

/* Of a request with roots; none where nothing is followed, so that the verifier needs not allow what is done with it. */
static __always_inline struct iotq_block_slot *slot_at(__u32 index)
{
	return iotq_config.follow ? bpf_map_lookup_elem(&iotq_requests, &index) : NULL;
}

static __always_inline struct iotq_block_slot *next_slot(struct probe *probe)
{
	__u32 index = probe->index & iotq_config.requests_mask;

	probe->index += probe->step;
	return bpf_map_lookup_elem(&iotq_requests, &index);
}

/* What comes after the first probe, which is the right one most of the time. */
static __noinline struct iotq_block_slot *find_further(__u64 rq)
{
	struct probe probe = first_probe(rq);
	struct iotq_block_slot *slot;

#pragma clang loop unroll(disable)
	for (int i = 0; i < SLOT_PROBES; i++) {
		slot = next_slot(&probe);
		if (!slot || !slot->request)
			return NULL;
		if (slot->request == rq)
			return slot;
	}
	return NULL;
}

static __always_inline struct iotq_block_slot *find_slot(__u64 rq)
{
	struct probe probe = first_probe(rq);
	struct iotq_block_slot *slot = next_slot(&probe);

	if (!slot || slot->request == rq)
		return slot;
	return find_further(rq);
}

static __noinline struct iotq_block_slot *make_slot(__u64 rq)
{
	struct probe probe = first_probe(rq);
	struct iotq_block_slot *slot;

#pragma clang loop unroll(disable)
	for (int i = 0; i < SLOT_PROBES; i++) {
		__u32 index = probe.index & iotq_config.requests_mask, one = 1;

		slot = next_slot(&probe);
		if (!slot)
			break;
		if (slot->request || bpf_map_update_elem(&iotq_claims, &index, &one, BPF_NOEXIST))
			continue;
		slot->index = index;
		slot->request = rq;
		return slot;
	}
	COUNT(IOTQ_LAYER_BLOCK, lost_slot);
	return NULL;
}

static __always_inline struct iotq_block_slot *slot_of(__u64 rq)
{
	struct iotq_block_slot *slot = find_slot(rq);

	return slot ? slot : make_slot(rq);
}

static __always_inline struct iotq_block_slot *find_bio_span(__u64 bio)
{
	return bpf_map_lookup_elem(&iotq_bio_spans, &bio);
}

static __always_inline struct iotq_block_slot *make_bio_span(__u64 bio)
{
	struct iotq_block_slot *slot;

	bpf_map_update_elem(&iotq_bio_spans, &bio, &empty_slot, BPF_ANY);
	slot = find_bio_span(bio);
	if (!slot)
		COUNT(IOTQ_LAYER_BLOCK, lost_slot);
	return slot;
}

#endif

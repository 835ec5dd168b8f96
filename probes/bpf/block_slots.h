/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Where requests are followed. blk-mq allocates requests once and uses them again and again, so a slot is given to the
 * identity of a request at its first use, and from then on only looked up: by keys with open addressing, which costs a
 * third of a hash map's look-up. Slots are large, and given away one after the other: so those in use lie together, and
 * what has none is found out among the keys, which are small. Bios to devices without requests come and go, and have a
 * map of their own.
 */
#ifndef IOTQ_BLOCK_SLOTS_H
#define IOTQ_BLOCK_SLOTS_H

#include "block_bios.h"

/* With a quarter of the keys in use, a request finds none in two of 10^10 cases. */
#define SLOT_PROBES 16

struct slot_key {
	__u64 request; /* identity of the kernel's `struct request`; zero: this key is free */
	__u32 slot;
	__u32 pad;
};

/* Sized by the installer, powers of two: four times the requests of all devices, and half as many slots. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct slot_key);
	__uint(map_flags, BPF_F_MMAPABLE); /* so the first entry is aligned, to a page */
} iotq_request_keys SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct iotq_block_slot);
	__uint(map_flags, BPF_F_MMAPABLE); /* so the first entry is aligned, to a page */
} iotq_requests SEC(".maps");

/* Which keys and slots are given away: decides between two CPUs that want the same one. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} iotq_claims SEC(".maps");

#define CLAIM_OF_SLOT (1u << 31)

/* The first slot that may not be given away yet. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} iotq_next_slot SEC(".maps");

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

static __always_inline struct slot_key *next_key(struct probe *probe)
{
	__u32 index = probe->index & iotq_config.requests_mask;

	probe->index += probe->step;
	return bpf_map_lookup_elem(&iotq_request_keys, &index);
}

static __always_inline struct iotq_block_slot *slot_by(const struct slot_key *key)
{
	__u32 index = key->slot;

	return bpf_map_lookup_elem(&iotq_requests, &index);
}

/* What comes after the first probe, which is the right one most of the time. */
static __noinline struct iotq_block_slot *find_further(__u64 rq)
{
	struct probe probe = first_probe(rq);
	struct slot_key *key;

#pragma clang loop unroll(disable)
	for (int i = 0; i < SLOT_PROBES; i++) {
		key = next_key(&probe);
		if (!key || !key->request)
			return NULL;
		if (key->request == rq)
			return slot_by(key);
	}
	return NULL;
}

static __always_inline struct iotq_block_slot *find_slot(__u64 rq)
{
	struct probe probe = first_probe(rq);
	struct slot_key *key = next_key(&probe);

	if (!key || !key->request)
		return NULL;
	return key->request == rq ? slot_by(key) : find_further(rq);
}

static __always_inline bool claim_place(__u32 place)
{
	__u32 one = 1;

	return !bpf_map_update_elem(&iotq_claims, &place, &one, BPF_NOEXIST);
}

/* The index of a slot that nobody has. */
__noinline __u32 new_slot(void)
{
	__u32 zero = 0, *next = bpf_map_lookup_elem(&iotq_next_slot, &zero);

	if (!next)
		return IOTQ_NULL32;
#pragma clang loop unroll(disable)
	for (int i = 0; i < SLOT_PROBES; i++) {
		__u32 index = *(volatile __u32 *)next;
		bool is_ours = claim_place(index | CLAIM_OF_SLOT);

		/* It has moved on if this CPU was held up meanwhile, and must not go back. */
		if (*(volatile __u32 *)next == index)
			*(volatile __u32 *)next = index + 1;
		if (is_ours)
			return index;
	}
	return IOTQ_NULL32;
}

/* The index of one that is the request's from now on. */
__noinline __u32 make_slot(__u64 rq)
{
	struct probe probe = first_probe(rq);
	__u32 made = new_slot();
	struct iotq_block_slot *slot = bpf_map_lookup_elem(&iotq_requests, &made);

#pragma clang loop unroll(disable)
	for (int i = 0; i < SLOT_PROBES; i++) {
		__u32 index = probe.index & iotq_config.requests_mask;
		struct slot_key *key = next_key(&probe);

		if (!key || !slot)
			break;
		if (key->request || !claim_place(index))
			continue;
		slot->request = rq;
		slot->index = made;
		key->slot = made;
		barrier();
		key->request = rq;
		return made;
	}
	COUNT(IOTQ_LAYER_BLOCK, lost_slot);
	return IOTQ_NULL32;
}

static __always_inline struct iotq_block_slot *slot_of(__u64 rq)
{
	struct iotq_block_slot *slot = find_slot(rq);
	__u32 made;

	if (slot)
		return slot;
	made = make_slot(rq);
	return bpf_map_lookup_elem(&iotq_requests, &made);
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

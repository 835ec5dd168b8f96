/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* When bios were queued: a small table by the bio's address, in which a bio waits until it has a request. */
#ifndef IOTQ_BLOCK_BIOS_H
#define IOTQ_BLOCK_BIOS_H

#include "ship.h"

/* Whether block_io_start is there: else the first bio remembers who submitted it. */
const volatile bool iotq_block_has_start;

struct bio_entry {
	__u64 bio;
	__u64 at;
	struct iotq_task task; /* without block_io_start only */
};

/* Two places for every bio: the older one gives way, so that bios which never get a request need no care. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bio_entry);
} iotq_bios SEC(".maps");

const volatile __u32 iotq_bios_mask;

/*
 * The verifier forbids arithmetic on kernel pointers. What was added up in memory is a number to it: the same address,
 * at a tenth of the price of reading it by a helper.
 */
static __always_inline __u64 address(const void *pointer)
{
	__u64 number = 0;

	asm volatile("lock *(u64 *)(%0 + 0) += %1" : : "r"(&number), "r"(pointer) : "memory");
	return number;
}

static __always_inline struct bio_entry *bio_place(__u64 bio, __u32 way)
{
	__u64 hash = (bio >> 4) * 0x9e3779b97f4a7c15ull;
	__u32 index = (((__u32)(hash >> 40)) & iotq_bios_mask) ^ way;

	return bpf_map_lookup_elem(&iotq_bios, &index);
}

static __always_inline struct bio_entry *find_bio(__u64 bio)
{
	struct bio_entry *entry = bio_place(bio, 0);

	if (entry && entry->bio == bio)
		return entry;
	entry = bio_place(bio, 1);
	return entry && entry->bio == bio ? entry : NULL;
}

static __always_inline void remember_bio(__u64 bio, __u64 now)
{
	struct bio_entry *entry = bio_place(bio, 0), *other = bio_place(bio, 1);

	if (!entry || !other)
		return;
	if (other->bio == bio || (entry->bio != bio && entry->bio && (!other->bio || other->at < entry->at)))
		entry = other;
	entry->at = now;
	if (!iotq_block_has_start)
		describe_task(&entry->task);
	entry->bio = bio;
}

#endif

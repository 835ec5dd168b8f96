/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* When bios were queued: a small table by the bio's identity, in which a bio waits until it has a request. */
#ifndef IOTQ_BLOCK_BIOS_H
#define IOTQ_BLOCK_BIOS_H

#include "root.h"

struct bio_entry {
	__u64 bio;
	__u64 at;
};

/* Two places for every bio: the older one gives way, so that bios which never get a request need no care. */
#define BIO_WAYS 2

struct bio_bucket {
	struct bio_entry way[BIO_WAYS];
};

struct bio_tasks {
	struct iotq_task way[BIO_WAYS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bio_bucket);
	__uint(map_flags, BPF_F_MMAPABLE); /* so the first entry is aligned, to a page */
} iotq_bios SEC(".maps");

/* Who submitted them, at the same places; without block_io_start only. Apart, so that the others stay close together. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bio_tasks);
} iotq_bio_tasks SEC(".maps");

/* The roots that submitted them, at the same places; zero for none. Only where roots are followed. */
struct bio_owners {
	__u64 way[BIO_WAYS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bio_owners);
} iotq_bio_owners SEC(".maps");

static __always_inline __u32 bio_index(__u64 bio)
{
	__u64 hash = (bio >> 4) * 0x9e3779b97f4a7c15ull;

	return (__u32)(hash >> 40) & iotq_config.bios_mask;
}

static __always_inline struct bio_entry *find_bio(__u64 bio)
{
	__u32 index = bio_index(bio);
	struct bio_bucket *bucket = bpf_map_lookup_elem(&iotq_bios, &index);

	if (!bucket)
		return NULL;
	if (bucket->way[0].bio == bio)
		return &bucket->way[0];
	return bucket->way[1].bio == bio ? &bucket->way[1] : NULL;
}

/* The task's place beside a bio that is there. */
static __always_inline struct iotq_task *bio_task(__u64 bio)
{
	__u32 index = bio_index(bio);
	struct bio_bucket *bucket = bpf_map_lookup_elem(&iotq_bios, &index);
	struct bio_tasks *tasks = bpf_map_lookup_elem(&iotq_bio_tasks, &index);

	if (!bucket || !tasks)
		return NULL;
	return bucket->way[0].bio == bio ? &tasks->way[0] : &tasks->way[1];
}

/* The root that submitted a bio; zero without one. */
__noinline __u64 bio_owner(__u64 bio)
{
	__u32 index = bio_index(bio);
	struct bio_bucket *bucket = bpf_map_lookup_elem(&iotq_bios, &index);
	struct bio_owners *owners = bpf_map_lookup_elem(&iotq_bio_owners, &index);

	if (!bucket || !owners)
		return 0;
	if (bucket->way[0].bio == bio)
		return owners->way[0];
	return bucket->way[1].bio == bio ? owners->way[1] : 0;
}

__noinline int own_bio(__u64 bio, __u64 owner)
{
	__u32 index = bio_index(bio);
	struct bio_bucket *bucket = bpf_map_lookup_elem(&iotq_bios, &index);
	struct bio_owners *owners = bpf_map_lookup_elem(&iotq_bio_owners, &index);

	if (!bucket || !owners)
		return 0;
	if (bucket->way[0].bio == bio)
		owners->way[0] = owner;
	else
		owners->way[1] = owner;
	return 0;
}

static __always_inline void forget_bio(__u64 bio)
{
	struct bio_entry *entry = find_bio(bio);

	if (entry)
		entry->bio = 0;
}

static __always_inline void remember_bio(__u64 bio, __u64 now)
{
	__u32 index = bio_index(bio);
	struct bio_bucket *bucket = bpf_map_lookup_elem(&iotq_bios, &index);
	struct bio_entry *entry, *other;
	struct iotq_task *task;

	if (!bucket)
		return;
	entry = &bucket->way[0];
	other = &bucket->way[1];
	if (other->bio == bio || (entry->bio != bio && entry->bio && (!other->bio || other->at < entry->at)))
		entry = other;
	entry->at = now;
	entry->bio = bio;
	if (iotq_config.has_start)
		return;
	task = bio_task(bio);
	if (task)
		describe_task(task);
}

#endif

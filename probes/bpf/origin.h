/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * For whom requests are. Who makes pages dirty is remembered by pieces of files; a bio that writes such pages back, whoever
 * submits it, is for who made its first page dirty. All others are for their submitters.
 */
#ifndef IOTQ_ORIGIN_H
#define IOTQ_ORIGIN_H

#include "block_kernel.h"
#include "pages.h"

/* 1 MiB. A piece that several processes write to is the last one's, and marked. */
#define PIECE_PAGES_SHIFT 8

struct piece {
	__u64 inode;
	__u64 number;
	__u32 dev;
	__u32 pad;
};

enum origin_kind { ORIGIN_SUBMITTER, ORIGIN_DIRTIER, ORIGIN_SEVERAL, ORIGIN_UNKNOWN };

struct bio_origin {
	struct iotq_origin who;
	__u64 members;
	__u32 kind;    /* enum origin_kind */
	__u32 written; /* of a piece: some of it, since it was made dirty */
};

/* Sized by the installer. What was not used for longest gives way: who made that dirty is unknown from then on. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct piece);
	__type(value, struct bio_origin);
} iotq_dirtiers SEC(".maps");

/* Those of bios, at the places of iotq_bios. */
struct bio_origins {
	struct bio_origin way[BIO_WAYS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bio_origins);
} iotq_bio_origins SEC(".maps");

/* None if the bio is not in the table. */
static __always_inline struct bio_origin *bio_origin(__u64 bio)
{
	__u32 index = bio_index(bio);
	struct bio_bucket *bucket = bpf_map_lookup_elem(&iotq_bios, &index);
	struct bio_origins *origins = bpf_map_lookup_elem(&iotq_bio_origins, &index);

	if (!bucket || !origins)
		return NULL;
	if (bucket->way[0].bio == bio)
		return &origins->way[0];
	return bucket->way[1].bio == bio ? &origins->way[1] : NULL;
}

static __always_inline struct piece piece_of(const struct pages *pages)
{
	return (struct piece){ .inode = pages->inode,
			       .number = pages->index >> PIECE_PAGES_SHIFT,
			       .dev = pages->dev };
}

static __always_inline void describe_dirtier(struct bio_origin *origin)
{
	struct iotq_task task;

	describe_task(&task);
	origin->who.pid = task.pid;
	origin->who.cgroup = task.cgroup;
	__builtin_memcpy(origin->who.comm, task.comm, sizeof(task.comm));
	origin->members = task.members;
}

/* The current task has made pages dirty that were clean. */
static __noinline int remember_dirtier(void *folio)
{
	struct bio_origin origin = { .kind = ORIGIN_DIRTIER }, *known;
	struct pages pages = {};
	struct piece piece;

	if (!describe_pages((__u64)folio, &pages))
		return 0;
	piece = piece_of(&pages);
	known = bpf_map_lookup_elem(&iotq_dirtiers, &piece);
	if (known && known->who.pid == (__u32)CURRENT(tgid)) {
		if (known->written)
			known->kind = ORIGIN_DIRTIER;
		known->written = 0;
		return 0;
	}
	if (known && !known->written)
		origin.kind = ORIGIN_SEVERAL;
	describe_dirtier(&origin);
	if (bpf_map_update_elem(&iotq_dirtiers, &piece, &origin, BPF_ANY))
		COUNT(IOTQ_LAYER_BLOCK, lost_slot);
	return 0;
}

SEC("tp_btf/writeback_dirty_folio")
int BPF_PROG(iotq_origin_dirty, void *folio)
{
	return remember_dirtier(folio);
}

/* Before 5.18. */
SEC("tp_btf/writeback_dirty_page")
int BPF_PROG(iotq_origin_dirty_page, void *page)
{
	return remember_dirtier(page);
}

/* For whom a bio is that was queued. */
static __noinline int remember_origin(struct bio *bio)
{
	struct bio_origin *origin, *known;
	struct pages pages = {};
	struct piece piece;

	if (!bio)
		return 0;
	origin = bio_origin(identity(bio));
	if (!origin)
		return 0;
	origin->kind = ORIGIN_SUBMITTER;
	if (!writes_back(bio, &pages))
		return 0;
	piece = piece_of(&pages);
	known = bpf_map_lookup_elem(&iotq_dirtiers, &piece);
	if (!known) {
		origin->kind = ORIGIN_UNKNOWN;
		return 0;
	}
	known->written = 1;
	*origin = *known;
	return 0;
}

/* The front part of a bio is for whom the whole is. */
static __noinline int share_origin(__u64 front, __u64 rest)
{
	struct bio_origin *origin = bio_origin(front), *known = bio_origin(rest);

	if (origin && known)
		*origin = *known;
	return 0;
}

/* Of a request, by what is known of its first bio. One that writes, and whose bio was not seen, may be for anybody. */
static __always_inline void describe_origin(struct iotq_block *record, const struct bio_origin *origin)
{
	bool unseen = record->head.marks & IOTQ_MARK_APPROX_QUEUE && record->op == IOTQ_BLOCK_OP_WRITE;
	__u32 kind = unseen ? ORIGIN_UNKNOWN : ORIGIN_SUBMITTER;
	struct iotq_task *task = &record->task;

	if (origin)
		kind = origin->kind;
	if (kind == ORIGIN_SUBMITTER) {
		record->origin.pid = task->pid;
		record->origin.cgroup = task->cgroup;
		__builtin_memcpy(record->origin.comm, task->comm, sizeof(task->comm));
		task->members |= task->members << IOTQ_MAX_MEMBERSHIPS;
		return;
	}
	if (kind != ORIGIN_DIRTIER)
		record->head.marks |= IOTQ_MARK_APPROX_ORIGIN;
	if (kind == ORIGIN_UNKNOWN || !origin) {
		record->origin = (struct iotq_origin){ .pid = IOTQ_NULL32, .cgroup = IOTQ_NULL64 };
		return;
	}
	record->origin = origin->who;
	task->members |= origin->members << IOTQ_MAX_MEMBERSHIPS;
}

#endif

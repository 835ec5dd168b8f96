/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Whose block requests are: the roots that submitted their bios. A request has several after a merge; a split keeps its
 * own. Only BTF tracepoints come here: the roots' lock is not for others.
 */
#ifndef IOTQ_BLOCK_OWNERS_H
#define IOTQ_BLOCK_OWNERS_H

#include "block_request.h"

/* What its roots count a request as: `owned` of its slot. */
enum { OWNED_NOT, OWNED_QUEUED, OWNED_AT_DEVICE };

static __always_inline bool has_owner(const struct iotq_block_slot *slot, __u64 owner)
{
	bool found = false;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < IOTQ_MAX_OWNERS; i++)
		found |= i < slot->owner_count && OWNER_INDEX(slot->owners[i]) == OWNER_INDEX(owner) &&
			 OWNER_SEQ(slot->owners[i]) == OWNER_SEQ(owner);
	return found;
}

/* The request becomes part of a root. */
static __noinline int add_owner(struct iotq_block_slot *slot, __u64 owner, __u64 now)
{
	__u32 count;

	if (!slot)
		return 0;
	count = slot->owner_count;
	if (has_owner(slot, owner))
		return 0;
	if (count >= IOTQ_MAX_OWNERS) {
		COUNT(IOTQ_LAYER_BLOCK, lost_slot);
		return 0;
	}
	owner = add_child(owner, slot->owned == OWNED_AT_DEVICE, now);
	slot->owners[count] = owner;
	if (owner)
		slot->owner_count = count + 1;
	return 0;
}

/* A request that has begun becomes part of the root of its bio. A flush is never issued: it waits for the device at once. */
static __always_inline void own(struct iotq_block_slot *slot, __u64 now)
{
	if (!is_followed(slot) || slot->owned)
		return;
	slot->owned = slot->record.op == IOTQ_BLOCK_OP_FLUSH ? OWNED_AT_DEVICE : OWNED_QUEUED;
	add_owner(slot, slot->owners[0], now);
}

/* The roots of the bios that were merged into the request. */
static __noinline int own_merged(struct iotq_block_slot *slot, __u64 bio, __u64 now)
{
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < 2 * IOTQ_MAX_OWNERS; i++) {
		__u64 owner;

		bio = (__u64)BPF_CORE_READ((struct bio *)bio, bi_next);
		if (!bio)
			break;
		owner = bio_owner(identity_at(bio));
		if (owner)
			add_owner(slot, owner, now);
	}
	return 0;
}

/* The request goes to the device, or comes back from it. */
static __noinline int move_owned(struct iotq_block_slot *slot, bool issued, __u64 now)
{
	if (!slot || slot->owned == (issued ? OWNED_AT_DEVICE : OWNED_QUEUED))
		return 0;
	slot->owned = issued ? OWNED_AT_DEVICE : OWNED_QUEUED;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < IOTQ_MAX_OWNERS; i++) {
		if (i >= slot->owner_count)
			break;
		move_child(slot->owners[i], issued, now);
	}
	return 0;
}

static __always_inline void issue_owned(struct iotq_block_slot *slot, struct request *rq, __u64 now)
{
	struct bio *bio;

	if (!iotq_config.follow)
		return;
	own(slot, now);
	move_owned(slot, true, now);
	bio = rq->bio;
	if (bio && bio->bi_next)
		own_merged(slot, number(&rq->bio), now);
}

/* Of the layers below that have answered, the one whose record is longest: it holds the others. */
static __always_inline __u32 deepest(const struct iotq_block_slot *slot)
{
	if (slot->answered & 1u << IOTQ_LAYER_VIRTIO)
		return IOTQ_LAYER_VIRTIO;
	if (slot->answered & 1u << IOTQ_LAYER_SCSI)
		return IOTQ_LAYER_SCSI;
	return slot->answered & 1u << IOTQ_LAYER_NVME ? IOTQ_LAYER_NVME : IOTQ_LAYER_BLOCK;
}

static __always_inline __u32 record_size(__u32 layer)
{
	if (layer == IOTQ_LAYER_BLOCK)
		return sizeof(struct iotq_block);
	return layer == IOTQ_LAYER_VIRTIO ? sizeof(struct iotq_virtio) : sizeof(struct iotq_nvme);
}

static __always_inline __u32 end_point(__u32 layer)
{
	if (layer == IOTQ_LAYER_BLOCK)
		return IOTQ_BLOCK_COMPLETE;
	if (layer == IOTQ_LAYER_VIRTIO)
		return IOTQ_VIRTIO_COMPLETE;
	return layer == IOTQ_LAYER_NVME ? IOTQ_NVME_COMPLETE : IOTQ_SCSI_COMPLETE;
}

/* The request is over for its roots. */
static __noinline int end_owned(struct iotq_block_slot *slot, __u64 now)
{
	struct iotq_head *head;
	__u32 layer, kept;

	if (!slot)
		return 0;
	head = &slot->record.head;
	layer = deepest(slot);
	kept = head->queries;
	head->at = now;
	head->layer = layer;
	head->point = end_point(layer);
	head->queries = iotq_config.joined[IOTQ_LAYER_BLOCK];
#pragma unroll
	for (__u32 i = 0; i < IOTQ_MAX_LAYERS; i++) {
		if (i != IOTQ_LAYER_BLOCK && slot->answered & 1u << i)
			head->queries |= iotq_config.joined[i];
	}
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < IOTQ_MAX_OWNERS; i++) {
		if (i >= slot->owner_count)
			break;
		end_child(slot->owners[i], &slot->record, record_size(layer), slot->owned == OWNED_AT_DEVICE);
	}
	head->queries = kept;
	slot->owner_count = slot->owned = 0;
	slot->owners[0] = 0;
	slot->record.task.root = 0;
	return 0;
}

/* The request went into another one, which takes over its roots with its bios. */
static __noinline int leave_owners(struct iotq_block_slot *slot, __u64 now)
{
	if (!slot)
		return 0;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < IOTQ_MAX_OWNERS; i++) {
		if (i >= slot->owner_count)
			break;
		drop_child(slot->owners[i], now);
	}
	slot->owner_count = slot->owned = 0;
	slot->owners[0] = 0;
	return 0;
}

#endif

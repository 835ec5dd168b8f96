/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Whose block requests are: the roots that submitted their bios. A request has several after a merge; a split keeps its
 * own. Only BTF tracepoints come here: the roots' lock is not for others.
 */
#ifndef IOTQ_BLOCK_OWNERS_H
#define IOTQ_BLOCK_OWNERS_H

#include "block_request.h"
#include "writeback.h"

/* Bios of a merged request whose owners are asked for: as many as a request has segments, on most devices. */
#define MERGED_BIOS 128

/* What its roots count a request as: `owned` of its slot. */
enum { OWNED_NOT, OWNED_QUEUED, OWNED_AT_DEVICE };

static __always_inline bool has_owner(const struct iotq_block_slot *slot, __u64 owner)
{
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < IOTQ_MAX_OWNERS; i++) {
		if (i >= slot->owner_count)
			break;
		if (OWNER_ROOT(slot->owners[i]) == OWNER_ROOT(owner))
			return true;
	}
	return false;
}

/* A root that the request will be part of. False: there is no room for it. */
__noinline int note_owner(__u32 index, __u64 owner)
{
	struct iotq_block_slot *slot = slot_at(index);

	if (!slot || !owner || has_owner(slot, owner))
		return true;
	if (slot->owner_count >= IOTQ_MAX_OWNERS) {
		miss_child(owner);
		return false;
	}
	slot->owners[slot->owner_count & (IOTQ_MAX_OWNERS - 1)] = owner;
	slot->owner_count++;
	return true;
}

/* A request that has begun becomes part of the root of its bio. A flush is never issued: it waits for the one that serves it. */
static __always_inline void own(struct iotq_block_slot *slot, __u64 now)
{
	__u64 parent;

	if (!is_followed(slot) || slot->owned)
		return;
	slot->owned = OWNED_QUEUED;
	parent = iotq_config.follow_guests ? parent_of(slot->owners[0]) : 0;
	slot->owners[0] = add_child(slot->owners[0], false, now);
	slot->owner_count = 1; /* zero in its place: that root is over */
	if (parent) {
		slot->owners[1] = add_child(parent, false, now);
		slot->owner_count = 2;
	}
}

/* A root of one of its bios, and where the next bio is: at zero, there is none. */
__noinline __u64 note_bio(__u32 index, __u64 bio, bool again)
{
	__u64 owner;
	bool noted;

	if (!iotq_config.follow)
		return 0;
	owner = bio_owner(identity_at(bio));
	noted = note_owner(index, owner);
	if (iotq_config.follow_guests && owner)
		note_owner(index, parent_of(owner));
	if (owner & OWNER_COUNTED && !again) {
		take_pending(owner, BPF_CORE_READ((struct bio *)bio, bi_iter.bi_size));
		if (!noted)
			end_writeback(OWNER_INDEX(owner), OWNER_SEQ(owner));
	}
	return (__u64)BPF_CORE_READ((struct bio *)bio, bi_next);
}

/* A root that was noted gets the request as a child. */
__noinline int own_noted(__u32 index, __u32 at, __u64 now)
{
	struct iotq_block_slot *slot = slot_at(index);
	__u64 *owner;

	if (!slot)
		return 0;
	owner = &slot->owners[at & (IOTQ_MAX_OWNERS - 1)];
	*owner = add_child(*owner, slot->owned == OWNED_AT_DEVICE, now);
	return 0;
}

/* The roots of the bios that were merged into the request. `again`: it was issued before. */
__noinline int own_merged(__u32 index, __u64 bio, bool again, __u64 now)
{
	struct iotq_block_slot *slot = slot_at(index);
	__u32 known;

	if (!slot)
		return 0;
	known = slot->owner_count;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < MERGED_BIOS && bio; i++)
		bio = note_bio(index, bio, again);
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < IOTQ_MAX_OWNERS; i++) {
		if (i >= slot->owner_count)
			break;
		if (i >= known)
			own_noted(index, i, now);
	}
	return 0;
}

/* The request goes to the device, or comes back from it. */
__noinline int move_owned(__u32 index, bool issued, __u64 now)
{
	struct iotq_block_slot *slot = slot_at(index);

	if (!slot || slot->owned == (issued ? OWNED_AT_DEVICE : OWNED_QUEUED))
		return 0;
	slot->owned = issued ? OWNED_AT_DEVICE : OWNED_QUEUED;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < IOTQ_MAX_OWNERS; i++) {
		if (i >= slot->owner_count)
			break;
		if (slot->owners[i])
			move_child(slot->owners[i], issued, now);
	}
	return 0;
}

/* The address of the request's first bio, if others were merged with it. */
static __always_inline __u64 merged_bios(struct request *rq)
{
	struct bio *bio;

	if (!iotq_config.follow)
		return 0;
	bio = LOADED(rq->bio);
	return bio && LOADED(bio->bi_next) ? number(&rq->bio) : 0;
}

static __always_inline void issue_owned(struct iotq_block_slot *slot, __u64 merged, bool again, __u64 now)
{
	if (!iotq_config.follow)
		return;
	own(slot, now);
	move_owned(slot->index, true, now);
	if (merged)
		own_merged(slot->index, merged, again, now);
	else if (slot->owners[0] & OWNER_COUNTED && !again)
		take_pending(slot->owners[0], slot->record.size);
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

/*
 * A child is over. Its record, whose head says which statements want it, is kept until its root ends; if that was before,
 * it follows the root.
 */
static __always_inline int keep_child(__u64 owner, struct iotq_block *record, __u32 size, bool issued)
{
	__u32 index = OWNER_INDEX(owner), seq = OWNER_SEQ(owner), place = OWNER_PLACE(owner), late;
	struct root *root = root_at(index);
	__u64 now = record->head.at;
	bool follows = false;
	struct child *kept;

	if (!root)
		return 0;
	record->task.root = root_id(index, seq);
	kept = child_at(index, place & (IOTQ_ROOT_CHILDREN - 1));
	if (!kept)
		return 0;
	bpf_spin_lock(&root->lock);
	if (root->active && root->seq == seq) {
		advance(root, now);
		if (record->head.marks & (IOTQ_MARK_UNENDED | IOTQ_MARK_APPROX_ISSUE))
			root->record.call.head.marks |= IOTQ_MARK_CROWDED;
		if (issued)
			root->at_device--;
		else
			root->queued--;
		if (place < IOTQ_ROOT_CHILDREN) {
			root->done |= 1u << place;
			kept->size = record->head.queries ? size : 0;
			__builtin_memcpy(kept->record, record, sizeof(kept->record));
		}
	} else {
		late = root->seq - seq;
		follows = late ? late <= 64 && root->verdicts >> (late - 1) & 1 : root->shipped;
	}
	bpf_spin_unlock(&root->lock);
	if (follows && place < IOTQ_ROOT_CHILDREN && record->head.queries)
		ship_child(record, size, record->head.layer);
	return iotq_config.has_writeback ? end_writeback(index, seq) : 0;
}

__noinline int end_child(__u64 owner, __u32 slot_index, __u32 size, bool issued)
{
	struct iotq_block_slot *slot = slot_at(slot_index);

	return slot ? keep_child(owner, &slot->record, size, issued) : 0;
}

/* A bio to a device without requests is at its device from the beginning on. */
static __always_inline void own_span(struct iotq_block_slot *slot, __u64 owner, __u64 now)
{
	slot->owners[0] = owner ? add_child(owner, true, now) : 0;
	if (iotq_config.follow_guests)
		slot->owners[1] = add_child(parent_of(owner), true, now);
}

static __always_inline void end_owned_span(struct iotq_block_slot *slot, __u64 now)
{
	struct iotq_head *head = &slot->record.head;

	head->at = now;
	head->layer = IOTQ_LAYER_BLOCK;
	head->point = IOTQ_BLOCK_COMPLETE;
	head->queries = iotq_config.joined[IOTQ_LAYER_BLOCK];
	keep_child(slot->owners[0], &slot->record, sizeof(slot->record), true);
	if (iotq_config.follow_guests && slot->owners[1])
		keep_child(slot->owners[1], &slot->record, sizeof(slot->record), true);
}

/* The request is over for its roots. */
__noinline int end_owned(__u32 index, __u64 now)
{
	struct iotq_block_slot *slot = slot_at(index);
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
		__u32 answered = slot->answered >> i & 1;

		/* A product, since verifiers walk both ways of a mask. */
		barrier_var(answered);
		if (i != IOTQ_LAYER_BLOCK)
			head->queries |= iotq_config.joined[i] * answered;
	}
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < IOTQ_MAX_OWNERS; i++) {
		if (i >= slot->owner_count)
			break;
		if (slot->owners[i])
			end_child(slot->owners[i], index, record_size(layer), slot->owned == OWNED_AT_DEVICE);
	}
	head->queries = kept;
	slot->owner_count = slot->owned = 0;
	slot->owners[0] = 0;
	slot->record.task.root = 0;
	return 0;
}

/* The request went into another one, which takes over its roots with its bios. */
__noinline int leave_owners(__u32 index, __u64 now)
{
	struct iotq_block_slot *slot = slot_at(index);

	if (!slot)
		return 0;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < IOTQ_MAX_OWNERS; i++) {
		if (i >= slot->owner_count)
			break;
		if (slot->owners[i])
			drop_child(slot->owners[i], now);
	}
	slot->owner_count = slot->owned = 0;
	slot->owners[0] = 0;
	return 0;
}

#endif

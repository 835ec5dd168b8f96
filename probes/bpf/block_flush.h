/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The block layer's own flush. Requests that ask for one wait until it is their turn; then one request of the queue's own
 * serves all of them. It has no bio, so its roots are those of the requests that it is for: they wait in a list until it
 * is done, and others in a second one.
 */
#ifndef IOTQ_BLOCK_FLUSH_H
#define IOTQ_BLOCK_FLUSH_H

#include "block_owners.h"

/* Requests that are flushed for at once, and are looked at: more than most queues have. */
#define FLUSHED 256

/* The flush is a part of this root, at its device from the beginning on. */
__noinline int flush_of(__u32 index, __u64 owner, __u64 now)
{
	struct iotq_block_slot *flush = slot_at(index);

	if (!flush || !owner || has_owner(flush, owner))
		return 0;
	if (flush->owner_count >= IOTQ_MAX_OWNERS) {
		miss_child(owner);
		return 0;
	}
	owner = add_child(owner & ~OWNER_COUNTED, true, now);
	if (!owner)
		return 0;
	flush->owners[flush->owner_count & (IOTQ_MAX_OWNERS - 1)] = owner;
	flush->owner_count++;
	return 0;
}

/* It is for the request at this address. One that was not seen to begin may have its bio's owner. */
static __always_inline void flush_for(__u32 index, __u64 asked, __u64 now)
{
	struct iotq_block_slot *slot = find_slot(identity_at(asked));
	__u64 bio, owner;

	if (slot && slot->queued && slot->owner_count) {
#pragma clang loop unroll(disable)
		for (__u32 i = 0; i < IOTQ_MAX_OWNERS; i++) {
			if (i >= slot->owner_count)
				break;
			flush_of(index, slot->owners[i], now);
		}
		return;
	}
	bio = (__u64)BPF_CORE_READ((struct request *)asked, bio);
	owner = bio ? bio_owner(identity_at(bio)) : 0;
	flush_of(index, owner, now);
	if (iotq_config.follow_guests && owner)
		flush_of(index, parent_of(owner), now);
}

/* Where a request that waits for a flush has its place in the list. */
static __always_inline __u64 flushed_link(void)
{
	struct request___flush *old = NULL;

	if (bpf_core_field_exists(old->flush.list))
		return bpf_core_field_offset(old->flush.list);
	return bpf_core_field_offset(struct request, queuelist);
}

/* It is for the request with this place in the list. Where the next place is. */
__noinline __u64 flush_for_place(__u32 index, __u64 place, __u64 now)
{
	if (!iotq_config.follow)
		return 0;
	flush_for(index, place - flushed_link(), now);
	return next_in_list(place);
}

/* It is for all requests of the list at this address. */
__noinline int flush_for_list(__u32 index, __u64 list, __u64 now)
{
	__u64 place;

	if (!iotq_config.follow)
		return 0;
	place = next_in_list(list);
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < FLUSHED && place && place != list; i++)
		place = flush_for_place(index, place, now);
	return 0;
}

/* The roots of the flush at this address, if it is the block layer's own. */
__noinline int own_flush(__u32 index, __u64 address, __u64 now)
{
	struct iotq_block_slot *flush = slot_at(index);
	struct request *rq = (void *)address;
	struct blk_flush_queue *queue;
	__u64 lists, running;

	/* Without joins nothing of the kernel's memory is to be copied. */
	if (!flush)
		return 0;
	queue = BPF_CORE_READ(rq, mq_hctx, fq);
	if (!queue || BPF_CORE_READ(queue, flush_rq) != rq)
		return 0;
	flush->owner_count = 0;
	flush->owned = OWNED_AT_DEVICE;
	lists = (__u64)queue + bpf_core_field_offset(struct blk_flush_queue, flush_queue);
	running = BPF_CORE_READ_BITFIELD_PROBED(queue, flush_running_idx);
	return flush_for_list(index, lists + running * bpf_core_type_size(struct list_head), now);
}

/* A request that is issued, or inserted: whose it is, if it is such a flush and that is not known yet. */
static __always_inline void own_if_flush(struct iotq_block_slot *slot, struct request *rq)
{
	if (!iotq_config.follow || slot->owned || !is_internal_flush(slot))
		return;
	own_flush(slot->index, number(rq), bpf_ktime_get_ns());
	if (is_followed(slot))
		slot->record.head.queries |= iotq_config.joined[IOTQ_LAYER_BLOCK];
}

#endif

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
static __always_inline void flush_of(struct iotq_block_slot *flush, __u64 owner, __u64 now)
{
	if (!owner || has_owner(flush, owner))
		return;
	if (flush->owner_count >= IOTQ_MAX_OWNERS) {
		miss_child(owner);
		return;
	}
	owner = add_child(owner & ~OWNER_COUNTED, true, now);
	if (!owner)
		return;
	flush->owners[flush->owner_count & (IOTQ_MAX_OWNERS - 1)] = owner;
	flush->owner_count++;
}

/* It is for the request at this address. One that was not seen to begin may have its bio's owner. */
__noinline int flush_for(__u32 index, __u64 asked, __u64 now)
{
	struct iotq_block_slot *flush = slot_at(index), *slot = find_slot(identity_at(asked));
	__u64 bio, owner;

	if (!flush)
		return 0;
	if (slot && slot->queued && slot->owner_count) {
#pragma clang loop unroll(disable)
		for (__u32 i = 0; i < IOTQ_MAX_OWNERS; i++) {
			if (i >= slot->owner_count)
				break;
			flush_of(flush, slot->owners[i], now);
		}
		return 0;
	}
	bio = (__u64)BPF_CORE_READ((struct request *)asked, bio);
	owner = bio ? bio_owner(identity_at(bio)) : 0;
	flush_of(flush, owner, now);
	if (iotq_config.follow_guests && owner)
		flush_of(flush, parent_of(owner), now);
	return 0;
}

/* Where a request that waits for a flush has its place in the list. */
static __always_inline __u64 flushed_link(void)
{
	struct request___flush *old = NULL;

	if (bpf_core_field_exists(old->flush.list))
		return bpf_core_field_offset(old->flush.list);
	return bpf_core_field_offset(struct request, queuelist);
}

/* The roots of the flush at this address, if it is the block layer's own. */
__noinline int own_flush(__u32 index, __u64 address, __u64 now)
{
	struct iotq_block_slot *flush = slot_at(index);
	struct request *rq = (void *)address;
	struct blk_flush_queue *queue;
	__u64 head, at;

	/* Without joins nothing of the kernel's memory is to be copied. */
	if (!flush)
		return 0;
	queue = BPF_CORE_READ(rq, mq_hctx, fq);
	if (!queue || BPF_CORE_READ(queue, flush_rq) != rq)
		return 0;
	flush->owner_count = 0;
	flush->owned = OWNED_AT_DEVICE;
	head = (__u64)queue + bpf_core_field_offset(struct blk_flush_queue, flush_queue) +
	       BPF_CORE_READ_BITFIELD_PROBED(queue, flush_running_idx) * bpf_core_type_size(struct list_head);
	at = head;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < FLUSHED; i++) {
		at = (__u64)BPF_CORE_READ((struct list_head *)at, next);
		if (!at || at == head)
			break;
		flush_for(index, at - flushed_link(), now);
	}
	return 0;
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

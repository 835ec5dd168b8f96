/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* How a request begins, reaches points, and is over: for the block layer, and for the drivers below it. */
#ifndef IOTQ_BLOCK_REQUEST_H
#define IOTQ_BLOCK_REQUEST_H

#include "block_kernel.h"
#include "block_slots.h"
#include "origin.h"

const volatile struct iotq_table iotq_block_start ON_A_LINE;
const volatile struct iotq_table iotq_block_at[IOTQ_BLOCK_POINTS] ON_A_LINE;

static __always_inline void describe_size(struct iotq_block *record, __u64 sector, __u32 size)
{
	record->size = size;
	record->sector = size ? sector : IOTQ_NULL64;
}

static __always_inline void no_times(struct iotq_block *record)
{
	record->queue = record->tag = IOTQ_NULL32;
	record->error = record->requeues = record->sequential = 0;
	record->q2i = record->i2d = record->q2d = record->d2c = record->lat = IOTQ_NULL64;
}

static __noinline int reach_rare(struct iotq_block *record, __u32 point, __u64 now)
{
	if (record && point < IOTQ_BLOCK_POINTS)
		deliver(&record->head, sizeof(*record), IOTQ_LAYER_BLOCK, point, record->head.queries,
			filter_rare(&iotq_block_at[point], record), now);
	return 0;
}

/* Evaluates the filters of a point on the record, and ships it if it passes any. */
static __always_inline void reach(struct iotq_block *record, __u32 point, __u64 now)
{
	if (wants(IOTQ_LAYER_BLOCK, point))
		reach_rare(record, point, now);
}

static __always_inline void complete(struct iotq_block *record, __u64 now)
{
	const volatile struct iotq_table *table = &iotq_block_at[IOTQ_BLOCK_COMPLETE];

	if (wants(IOTQ_LAYER_BLOCK, IOTQ_BLOCK_COMPLETE))
		deliver(&record->head, sizeof(*record), IOTQ_LAYER_BLOCK, IOTQ_BLOCK_COMPLETE, record->head.queries,
			filter(table, record), now);
}

/*
 * The request is used again, and its end was not seen: the kernel skips a program where it is running already, and may
 * have other reasons. What is known of it is shipped, without times of its end.
 */
static __noinline int close_unended(struct iotq_block_slot *slot)
{
	if (!slot)
		return 0;
	COUNT(IOTQ_LAYER_BLOCK, unmatched);
	if (slot->issued || !iotq_config.want_issue) {
		slot->record.head.marks |= IOTQ_MARK_UNENDED;
		reach(&slot->record, IOTQ_BLOCK_COMPLETE, bpf_ktime_get_ns());
	}
	return 0;
}

static __always_inline void describe_submitter(struct iotq_task *into)
{
	if (iotq_config.want_task)
		describe_task(into);
	else
		no_task(into);
}

/* The queue time that waits for a request's first bio; and without block_io_start, the submitter. */
static __always_inline void take_from_bio(struct iotq_block_slot *slot, __u64 bio, bool submitting)
{
	struct bio_entry *entry = find_bio(bio);
	struct iotq_task *task;

	if (entry) {
		slot->queued = entry->at;
		task = iotq_config.has_start ? NULL : bio_task(bio);
		/* Its owner may be asked for again. */
		if (!iotq_config.follow)
			entry->bio = 0;
		if (task) {
			slot->record.task = *task;
			return;
		}
	} else {
		slot->queued = bpf_ktime_get_ns();
		if (iotq_config.has_queue)
			slot->record.head.marks |= IOTQ_MARK_APPROX_QUEUE;
	}
	describe_submitter(&slot->record.task);
	if (!submitting)
		slot->record.head.marks |= IOTQ_MARK_APPROX_TASK;
}

/* Without a bio: of the submitter, or made by the block layer itself, which may be a while ago. */
static __always_inline void take_from_nobody(struct iotq_block_slot *slot, __u64 made, bool submitting)
{
	slot->queued = bpf_ktime_get_ns();
	if (submitting) {
		describe_submitter(&slot->record.task);
	} else {
		if (made && made < slot->queued)
			slot->queued = made;
		no_task(&slot->record.task);
		slot->record.head.marks |= IOTQ_MARK_INTERNAL;
	}
}

/* Whether nothing is asked of requests but what roots cause. */
static __always_inline bool only_owned(void)
{
	return iotq_config.follow && !wants_any(IOTQ_LAYER_BLOCK) && !wants_any(IOTQ_LAYER_NVME) &&
	       !wants_any(IOTQ_LAYER_SCSI) && !wants_any(IOTQ_LAYER_VIRTIO);
}

/* A request begins: fills the part of its record that is known now. */
static __always_inline void begin(struct iotq_block_slot *slot, const struct request_facts *facts, bool submitting)
{
	struct bio_origin *origin = iotq_config.want_origin && facts->bio ? bio_origin(facts->bio) : NULL;
	struct iotq_block *record = &slot->record;

	record->head.queries = 0;
	record->head.marks = 0;
	if (facts->bio)
		take_from_bio(slot, facts->bio, submitting);
	else
		take_from_nobody(slot, facts->made, submitting);
	record->dev = facts->dev;
	record->part = facts->part;
	record->flags = block_flags(facts->flags);
	record->op = operation(facts->flags, facts->size);
	describe_size(record, facts->sector, facts->size);
	no_times(record);
	if (iotq_config.want_origin)
		describe_origin(record, origin);
	slot->inserted = slot->issued = 0;
	/* Cache lines that only joins and drivers touch. */
	if (iotq_config.has_driver)
		slot->answered = 0;
	if (!iotq_config.follow)
		return;
	slot->owner_count = slot->owned = 0;
	slot->owners[0] = facts->bio ? bio_owner(facts->bio) : 0;
}

/* The block layer made it by itself, to flush the device. */
static __always_inline bool is_internal_flush(const struct iotq_block_slot *slot)
{
	return slot->record.op == IOTQ_BLOCK_OP_FLUSH && slot->record.head.marks & IOTQ_MARK_INTERNAL;
}

/* Whether the request is part of a root that is followed. */
static __always_inline bool is_followed(const struct iotq_block_slot *slot)
{
	return iotq_config.follow && slot->owners[0];
}

/* The same, or it may turn out to be: whose an internal flush is shows at its issue, which some drivers come before. */
static __always_inline bool may_be_followed(const struct iotq_block_slot *slot)
{
	return is_followed(slot) || (iotq_config.follow && is_internal_flush(slot));
}

/* The statements on this layer that want a request which has begun. Its driver may have others that do. */
static __always_inline void track(struct iotq_block_slot *slot, __u32 passed)
{
	if (iotq_block_start.count && !passed)
		COUNT(IOTQ_LAYER_BLOCK, rejected);
	if (is_followed(slot))
		passed |= iotq_config.joined[IOTQ_LAYER_BLOCK];
	slot->record.head.queries = passed;
	if (!passed && !iotq_config.has_driver)
		slot->queued = 0;
}

static __always_inline void forget(struct iotq_block_slot *slot)
{
	slot->record.head.queries = 0;
	slot->queued = 0;
	if (iotq_config.has_driver)
		slot->given = slot->added = 0;
}

/* The request's driver has it no more, and its end there was not seen: in unended.h, behind all drivers. */
static __noinline int close_below(struct iotq_block_slot *slot);
static __noinline int close_ring(struct iotq_block_slot *slot);

static __always_inline void finish(struct iotq_block_slot *slot)
{
	if (iotq_config.has_driver && (slot->given || slot->added))
		close_below(slot);
	forget(slot);
}

#endif

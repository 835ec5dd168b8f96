/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The block layer.
 *
 * A request is followed in a slot, found by the request's address. The time at which a bio was queued waits in a small
 * table by the bio's address until the bio has a request, which is soon, in the same thread.
 *
 *   block_bio_queue -> [block_split, block_bio_*merge] -> block_io_start -> [block_rq_insert] -> block_rq_issue
 *   -> [block_rq_requeue -> block_rq_issue] -> block_rq_complete
 */
#include "block_kernel.h"
#include "block_slots.h"

const volatile struct iotq_table iotq_block_start;
const volatile struct iotq_table iotq_block_at[IOTQ_BLOCK_POINTS];

/* Whether the plan hooks block_bio_queue, and the completions. */
const volatile bool iotq_block_has_queue;
const volatile bool iotq_block_has_end;

/* Whether bios to devices without requests (dm, md, zram, NVMe multipath heads) are followed. */
const volatile bool iotq_block_bio_spans;

static __always_inline void describe_size(struct iotq_block *record, __u64 sector, __u32 size)
{
	record->size = size;
	record->sector = size ? sector : IOTQ_NULL64;
}

static __always_inline void no_times(struct iotq_block *record)
{
	record->queue = record->tag = IOTQ_NULL32;
	record->error = record->requeues = record->pad2 = 0;
	record->q2i = record->i2d = record->q2d = record->d2c = record->lat = IOTQ_NULL64;
}

static __noinline int reach_rare(struct iotq_block *record, __u32 point, __u64 now)
{
	if (record && point < IOTQ_BLOCK_POINTS)
		deliver(&record->head, sizeof(*record), IOTQ_LAYER_BLOCK, point,
			filter_rare(&iotq_block_at[point], record), now);
	return 0;
}

/* Evaluates the filters of a point on the record, and ships it if it passes any. */
static __always_inline void reach(struct iotq_block *record, __u32 point, __u64 now)
{
	if (iotq_block_at[point].count)
		reach_rare(record, point, now);
}

static __always_inline void complete(struct iotq_block *record, __u64 now)
{
	const volatile struct iotq_table *table = &iotq_block_at[IOTQ_BLOCK_COMPLETE];

	if (table->count)
		deliver(&record->head, sizeof(*record), IOTQ_LAYER_BLOCK, IOTQ_BLOCK_COMPLETE, filter(table, record),
			now);
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
	if (slot->issued) {
		slot->record.head.marks |= IOTQ_MARK_UNENDED;
		reach(&slot->record, IOTQ_BLOCK_COMPLETE, bpf_ktime_get_ns());
	}
	slot->record.head.queries = 0;
	return 0;
}

/* The queue time that waits for a request's first bio; and without block_io_start, the submitter. */
static __always_inline void take_from_bio(struct iotq_block_slot *slot, struct bio *bio)
{
	struct bio_entry *entry = find_bio(address(bio));

	if (entry) {
		slot->queued = entry->at;
		if (!iotq_block_has_start)
			slot->record.task = entry->task;
		entry->bio = 0;
		return;
	}
	slot->queued = bpf_ktime_get_ns();
	if (iotq_block_has_queue)
		slot->record.head.marks = IOTQ_MARK_APPROX_QUEUE;
	if (!iotq_block_has_start) {
		describe_task(&slot->record.task);
		slot->record.head.marks |= IOTQ_MARK_APPROX_TASK;
	}
}

/* Made by the block layer itself. */
static __always_inline void take_from_nobody(struct iotq_block_slot *slot)
{
	slot->queued = bpf_ktime_get_ns();
	no_task(&slot->record.task);
	slot->record.head.marks = IOTQ_MARK_INTERNAL;
}

/*
 * A request begins: fills the part of its record that is known now, and tracks it if a statement's start filter lets it.
 */
static __always_inline struct iotq_block_slot *begin(struct request *rq, struct request_queue *queue, struct bio *bio,
						     struct iotq_block_slot *slot, bool submitting)
{
	struct iotq_block *record;

	if (!slot)
		slot = make_slot(address(rq));
	if (!slot)
		return NULL;
	record = &slot->record;
	if (record->head.queries && iotq_block_has_end)
		close_unended(slot);
	record->head.marks = 0;
	record->head.layer = IOTQ_LAYER_BLOCK;
	record->dev = record->part = disk_number(request_disk(rq, queue));
	if (bio) {
		take_from_bio(slot, bio);
		record->part = bio->bi_bdev->bd_dev;
	} else {
		take_from_nobody(slot);
	}
	if (submitting) {
		describe_task(&record->task);
		record->head.marks &= ~IOTQ_MARK_INTERNAL;
	}
	record->flags = block_flags(rq->cmd_flags);
	record->op = operation(rq->cmd_flags, rq->__data_len);
	describe_size(record, 0, 0);
	no_times(record);
	slot->inserted = slot->issued = 0;
	record->head.queries = submitting ? filter(&iotq_block_start, record) : filter_rare(&iotq_block_start, record);
	if (record->head.queries)
		return slot;
	COUNT(IOTQ_LAYER_BLOCK, rejected);
	return NULL;
}

static __always_inline void describe_bio(struct iotq_block *record, struct bio *bio)
{
	record->head.layer = IOTQ_LAYER_BLOCK;
	describe_task(&record->task);
	record->dev = disk_number(bio->bi_bdev->bd_disk);
	record->part = bio->bi_bdev->bd_dev;
	record->flags = block_flags(bio->bi_opf);
	record->op = operation(bio->bi_opf, bio->bi_iter.bi_size);
	describe_size(record, bio->bi_iter.bi_sector, bio->bi_iter.bi_size);
	no_times(record);
	record->head.queries = filter_rare(&iotq_block_start, record);
}

/* One event of a bio that has no request yet. */
static __noinline int ship_bio_event(struct bio *bio, __u32 point)
{
	struct iotq_block record = {};

	describe_bio(&record, bio);
	reach_rare(&record, point, bpf_ktime_get_ns());
	return 0;
}

static __always_inline void bio_event(struct bio *bio, __u32 point)
{
	if (iotq_block_at[point].count)
		ship_bio_event(bio, point);
}

/* A bio to a device without requests: the bio itself is followed, in a slot of its own. */
static __noinline int begin_bio(struct bio *bio, __u64 now)
{
	struct iotq_block_slot *slot;
	__u64 key = address(bio);

	slot = make_bio_span(key);
	if (!slot)
		return 0;
	slot->queued = now;
	describe_bio(&slot->record, bio);
	if (!slot->record.head.queries) {
		COUNT(IOTQ_LAYER_BLOCK, rejected);
		bpf_map_delete_elem(&iotq_bio_spans, &key);
	}
	return 0;
}

SEC("tp_btf/block_bio_queue")
int BPF_PROG(iotq_bio_queue, struct bio *bio)
{
	__u64 now = bpf_ktime_get_ns();

	remember_bio(address(bio), now);
	bio_event(bio, IOTQ_BLOCK_QUEUE);
	if (iotq_block_bio_spans && !bio->bi_bdev->bd_disk->queue->mq_ops)
		begin_bio(bio, now);
	return 0;
}

SEC("tp_btf/block_bio_complete")
int BPF_PROG(iotq_bio_complete, struct request_queue *queue, struct bio *bio)
{
	__u64 key = address(bio), now;
	struct iotq_block_slot *slot = find_bio_span(key);

	if (!slot || !slot->record.head.queries)
		return 0;
	now = bpf_ktime_get_ns();
	slot->record.lat = now - slot->queued;
	slot->record.error = status_errno(bio->bi_status);
	reach(&slot->record, IOTQ_BLOCK_COMPLETE, now);
	bpf_map_delete_elem(&iotq_bio_spans, &key);
	return 0;
}

/* `bio` is the front part; the rest, to which it is chained, keeps the entry and comes again. */
SEC("tp_btf/block_split")
int BPF_PROG(iotq_bio_split, struct bio *bio, unsigned int sector)
{
	struct bio_entry *rest = find_bio(address(bio->bi_private));

	if (rest)
		remember_bio(address(bio), rest->at);
	bio_event(bio, IOTQ_BLOCK_SPLIT);
	return 0;
}

SEC("tp_btf/block_bio_backmerge")
int BPF_PROG(iotq_bio_backmerge, struct bio *bio)
{
	bio_event(bio, IOTQ_BLOCK_MERGE);
	return 0;
}

SEC("tp_btf/block_bio_frontmerge")
int BPF_PROG(iotq_bio_frontmerge, struct bio *bio)
{
	bio_event(bio, IOTQ_BLOCK_MERGE);
	return 0;
}

SEC("tp_btf/block_io_start")
int BPF_PROG(iotq_rq_start, struct request *rq)
{
	struct request_queue *queue = LOADED(rq->q);
	struct bio *bio = LOADED(rq->bio);

	begin(rq, queue, bio, find_slot(rq), true);
	return 0;
}

/* The request went into another one, and will not complete by itself. */
SEC("tp_btf/block_rq_merge")
int BPF_PROG(iotq_rq_merge, struct request *rq)
{
	struct iotq_block_slot *slot = find_slot(rq);

	if (slot)
		slot->record.head.queries = 0;
	return 0;
}

/*
 * The slot of a request that is inserted or issued. Where block_io_start is missing, and for requests without a bio,
 * which have no such event, this is where they begin.
 */
static __always_inline struct iotq_block_slot *arrive(struct request *rq)
{
	struct request_queue *queue = LOADED(rq->q);
	struct bio *bio = LOADED(rq->bio);
	struct iotq_block_slot *slot = find_slot(rq);

	if (slot && slot->record.head.queries)
		return slot;
	if (iotq_block_has_start && bio)
		return NULL;
	return begin(rq, queue, bio, slot, false);
}

SEC("tp_btf/block_rq_insert")
int BPF_PROG(iotq_rq_insert, struct request *rq)
{
	struct iotq_block_slot *slot = arrive(rq);
	__u64 now;

	if (!slot)
		return 0;
	now = bpf_ktime_get_ns();
	if (!slot->inserted) {
		slot->inserted = now;
		slot->record.q2i = now - slot->queued;
	}
	describe_size(&slot->record, rq->__sector, rq->__data_len);
	reach(&slot->record, IOTQ_BLOCK_INSERT, now);
	return 0;
}

SEC("tp_btf/block_rq_issue")
int BPF_PROG(iotq_rq_issue, struct request *rq)
{
	struct blk_mq_hw_ctx *hctx = LOADED(rq->mq_hctx);
	struct iotq_block_slot *slot = arrive(rq);
	__u64 now;

	if (!slot)
		return 0;
	now = bpf_ktime_get_ns();
	slot->issued = now;
	slot->record.d2c = IOTQ_NULL64;
	slot->record.q2d = now - slot->queued;
	if (slot->inserted)
		slot->record.i2d = now - slot->inserted;
	describe_size(&slot->record, rq->__sector, rq->__data_len);
	slot->record.queue = hctx ? hctx->queue_num : IOTQ_NULL32;
	slot->record.tag = rq->tag;
	reach(&slot->record, IOTQ_BLOCK_ISSUE, now);
	return 0;
}

SEC("tp_btf/block_rq_requeue")
int BPF_PROG(iotq_rq_requeue, struct request *rq)
{
	struct iotq_block_slot *slot = find_slot(rq);

	if (!slot || !slot->record.head.queries)
		return 0;
	slot->record.requeues++;
	reach(&slot->record, IOTQ_BLOCK_REQUEUE, bpf_ktime_get_ns());
	return 0;
}

SEC("tp_btf/block_rq_complete")
int BPF_PROG(iotq_rq_complete, struct request *rq, int status, unsigned int bytes)
{
	struct iotq_block_slot *slot = find_slot(rq);
	__u64 now;

	if (!slot || !slot->record.head.queries) {
		/* With a start filter it may just as well have been turned away. */
		if (iotq_block_start.count == 1 && iotq_block_start.terms[0].test == IOTQ_TEST_TRUE)
			COUNT(IOTQ_LAYER_BLOCK, unmatched);
		return 0;
	}
	if (status && !slot->record.error)
		slot->record.error = status < 0 ? -status : status_errno(status & 0xff);
	/* A part of it: the rest will follow. */
	if (bytes < rq->__data_len)
		return 0;
	now = bpf_ktime_get_ns();
	if (slot->issued && slot->record.d2c == IOTQ_NULL64)
		slot->record.d2c = now - slot->issued;
	if (more_steps(rq))
		return 0;
	slot->record.lat = now - slot->queued;
	complete(&slot->record, now);
	slot->record.head.queries = 0;
	return 0;
}

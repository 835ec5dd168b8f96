/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The block layer.
 *
 * A request's slot is found by the request's address: blk-mq allocates requests once and uses them again and again, so a
 * slot is made at a request's first use, and from then on only looked up. The time at which a bio was queued waits in a
 * small table by the bio's address until the bio has a request, which is soon, in the same thread.
 *
 *   block_bio_queue -> [block_split, block_bio_*merge] -> block_io_start -> [block_rq_insert] -> block_rq_issue
 *   -> [block_rq_requeue -> block_rq_issue] -> block_rq_complete
 */
#include "block_bios.h"
#include "block_kernel.h"
#include "ship.h"

const volatile struct iotq_table iotq_block_start;
const volatile struct iotq_table iotq_block_at[IOTQ_BLOCK_POINTS];

/* Whether the plan hooks block_bio_queue, and the completions. */
const volatile bool iotq_block_has_queue;
const volatile bool iotq_block_has_end;

/* The part of a record that is known at the start: all that start filters may read. */
struct block_start {
	struct iotq_head head;
	struct iotq_task task;
	__u32 dev, part, flags;
	__u8 op, pad[3];
};

_Static_assert(sizeof(struct block_start) == __builtin_offsetof(struct iotq_block, sector), "prefix of the record");

/* Whether bios to devices without requests (dm, md, zram, NVMe multipath heads) are followed. */
const volatile bool iotq_block_bio_spans;

/* Sized by the installer: all requests of all devices. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64); /* struct request * */
	__type(value, struct iotq_block_slot);
} iotq_requests SEC(".maps");

static const struct iotq_block_slot empty_slot;

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

/* Evaluates the filters of a point on the record, and ships it if it passes any. */
static __always_inline void reach(struct iotq_block *record, __u32 tracked, __u32 point, __u64 now)
{
	const volatile struct iotq_table *table = &iotq_block_at[point];
	__u32 passed;

	if (!table->count)
		return;
	passed = tracked & filter(table, record);
	if (!passed) {
		COUNT(IOTQ_LAYER_BLOCK, rejected);
		return;
	}
	record->head.at = now;
	record->head.point = point;
	record->head.queries = passed;
	ship(&record->head, sizeof(*record), IOTQ_LAYER_BLOCK);
	record->head.queries = tracked;
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
		reach(&slot->record, slot->record.head.queries, IOTQ_BLOCK_COMPLETE, bpf_ktime_get_ns());
	}
	slot->record.head.queries = 0;
	return 0;
}

/*
 * A request begins: fills the part of its record that is known now, and tracks it if a statement's start filter lets it.
 */
static __always_inline struct iotq_block_slot *begin(struct request *rq, struct iotq_block_slot *slot, bool submitting)
{
	struct block_start start = {};
	struct bio *bio = rq->bio;
	__u32 flags = rq->cmd_flags;
	struct bio_entry *entry = NULL;
	__u64 key = (__u64)rq, queued;

	if (slot && slot->record.head.queries && iotq_block_has_end)
		close_unended(slot);
	if (bio)
		entry = find_bio(address(bio));
	if (entry) {
		queued = entry->at;
	} else {
		queued = bpf_ktime_get_ns();
		if (bio && iotq_block_has_queue)
			start.head.marks |= IOTQ_MARK_APPROX_QUEUE;
	}
	start.head.layer = IOTQ_LAYER_BLOCK;
	if (submitting)
		describe_task(&start.task);
	else if (entry && !iotq_block_has_start)
		start.task = entry->task;
	else if (bio) {
		describe_task(&start.task);
		start.head.marks |= IOTQ_MARK_APPROX_TASK;
	} else {
		no_task(&start.task);
		start.head.marks |= IOTQ_MARK_INTERNAL;
	}
	if (entry)
		entry->bio = 0;
	start.dev = disk_number(request_disk(rq));
	start.part = bio ? bio->bi_bdev->bd_dev : start.dev;
	start.flags = block_flags(flags);
	start.op = operation(flags, rq->__data_len);
	start.head.queries = filter(&iotq_block_start, &start);
	if (!start.head.queries) {
		COUNT(IOTQ_LAYER_BLOCK, rejected);
		if (slot)
			slot->record.head.queries = 0;
		return NULL;
	}
	if (!slot) {
		bpf_map_update_elem(&iotq_requests, &key, &empty_slot, BPF_NOEXIST);
		slot = bpf_map_lookup_elem(&iotq_requests, &key);
		if (!slot) {
			COUNT(IOTQ_LAYER_BLOCK, lost_slot);
			return NULL;
		}
	}
	*(struct block_start *)&slot->record = start;
	describe_size(&slot->record, 0, 0);
	no_times(&slot->record);
	slot->queued = queued;
	slot->inserted = slot->issued = 0;
	return slot;
}

static __always_inline struct iotq_block_slot *find_slot(struct request *rq)
{
	__u64 key = (__u64)rq;

	return bpf_map_lookup_elem(&iotq_requests, &key);
}

static __always_inline void describe_bio(struct block_start *start, struct bio *bio)
{
	start->head.layer = IOTQ_LAYER_BLOCK;
	describe_task(&start->task);
	start->dev = disk_number(bio->bi_bdev->bd_disk);
	start->part = bio->bi_bdev->bd_dev;
	start->flags = block_flags(bio->bi_opf);
	start->op = operation(bio->bi_opf, bio->bi_iter.bi_size);
}

/* One event of a bio that has no request yet. */
static __always_inline void bio_event(struct bio *bio, __u32 point)
{
	struct iotq_block record = {};
	__u32 tracked;

	if (!iotq_block_at[point].count)
		return;
	describe_bio((struct block_start *)&record, bio);
	tracked = filter(&iotq_block_start, &record);
	describe_size(&record, bio->bi_iter.bi_sector, bio->bi_iter.bi_size);
	no_times(&record);
	reach(&record, tracked, point, bpf_ktime_get_ns());
}

/* A bio to a device without requests: the bio itself is followed, in a slot of its own. */
static __always_inline void begin_bio(struct bio *bio, __u64 key, __u64 now)
{
	struct block_start start = {};
	struct iotq_block_slot *slot;

	describe_bio(&start, bio);
	start.head.queries = filter(&iotq_block_start, &start);
	if (!start.head.queries) {
		COUNT(IOTQ_LAYER_BLOCK, rejected);
		return;
	}
	bpf_map_update_elem(&iotq_requests, &key, &empty_slot, BPF_ANY);
	slot = bpf_map_lookup_elem(&iotq_requests, &key);
	if (!slot) {
		COUNT(IOTQ_LAYER_BLOCK, lost_slot);
		return;
	}
	*(struct block_start *)&slot->record = start;
	describe_size(&slot->record, bio->bi_iter.bi_sector, bio->bi_iter.bi_size);
	no_times(&slot->record);
	slot->queued = now;
}

SEC("tp_btf/block_bio_queue")
int BPF_PROG(iotq_bio_queue, struct bio *bio)
{
	__u64 now = bpf_ktime_get_ns(), key = address(bio);

	remember_bio(key, now);
	bio_event(bio, IOTQ_BLOCK_QUEUE);
	if (iotq_block_bio_spans && !bio->bi_bdev->bd_disk->queue->mq_ops)
		begin_bio(bio, key, now);
	return 0;
}

SEC("tp_btf/block_bio_complete")
int BPF_PROG(iotq_bio_complete, struct request_queue *queue, struct bio *bio)
{
	__u64 key = address(bio), now;
	struct iotq_block_slot *slot = bpf_map_lookup_elem(&iotq_requests, &key);

	if (!slot || !slot->record.head.queries)
		return 0;
	now = bpf_ktime_get_ns();
	slot->record.lat = now - slot->queued;
	slot->record.error = status_errno(bio->bi_status);
	reach(&slot->record, slot->record.head.queries, IOTQ_BLOCK_COMPLETE, now);
	bpf_map_delete_elem(&iotq_requests, &key);
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
	begin(rq, find_slot(rq), true);
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
	struct iotq_block_slot *slot = find_slot(rq);

	if (slot && slot->record.head.queries)
		return slot;
	if (iotq_block_has_start && rq->bio)
		return NULL;
	return begin(rq, slot, false);
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
	reach(&slot->record, slot->record.head.queries, IOTQ_BLOCK_INSERT, now);
	return 0;
}

SEC("tp_btf/block_rq_issue")
int BPF_PROG(iotq_rq_issue, struct request *rq)
{
	struct iotq_block_slot *slot = arrive(rq);
	struct blk_mq_hw_ctx *hctx;
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
	hctx = rq->mq_hctx;
	slot->record.queue = hctx ? hctx->queue_num : IOTQ_NULL32;
	slot->record.tag = rq->tag;
	reach(&slot->record, slot->record.head.queries, IOTQ_BLOCK_ISSUE, now);
	return 0;
}

SEC("tp_btf/block_rq_requeue")
int BPF_PROG(iotq_rq_requeue, struct request *rq)
{
	struct iotq_block_slot *slot = find_slot(rq);

	if (!slot || !slot->record.head.queries)
		return 0;
	slot->record.requeues++;
	reach(&slot->record, slot->record.head.queries, IOTQ_BLOCK_REQUEUE, bpf_ktime_get_ns());
	return 0;
}

SEC("tp_btf/block_rq_complete")
int BPF_PROG(iotq_rq_complete, struct request *rq, int status, unsigned int bytes)
{
	struct iotq_block_slot *slot = find_slot(rq);
	__u32 tracked;
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
	tracked = slot->record.head.queries;
	reach(&slot->record, tracked, IOTQ_BLOCK_COMPLETE, now);
	slot->record.head.queries = 0;
	return 0;
}

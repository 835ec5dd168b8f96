/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The block layer.
 *
 * A request is followed in a slot, found by the request's identity. The time at which a bio was queued waits in a small
 * table by the bio's until the bio has a request, which is soon, in the same thread.
 *
 *   block_bio_queue -> [block_split, block_bio_*merge] -> block_io_start -> [block_rq_insert] -> block_rq_issue
 *   -> [block_rq_requeue -> block_rq_issue] -> block_rq_complete
 */
#include "block_flush.h"
#include "block_sequence.h"
#include "stacked.h"

static __always_inline void describe_bio(struct iotq_block *record, struct bio *bio)
{
	describe_task(&record->task);
	record->dev = disk_number(bio_disk(bio));
	record->part = bio_part(bio);
	record->flags = block_flags(bio->bi_opf);
	record->op = operation(bio->bi_opf, bio->bi_iter.bi_size);
	describe_size(record, bio->bi_iter.bi_sector, bio->bi_iter.bi_size);
	no_times(record);
	if (iotq_config.want_origin)
		describe_origin(record, bio_origin(identity(bio)));
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
	if (wants(IOTQ_LAYER_BLOCK, point))
		ship_bio_event(bio, point);
}

/* A bio to a device without requests: the bio itself is followed, in a slot of its own. */
static __noinline int begin_bio(struct bio *bio, __u64 owner, __u64 now)
{
	struct iotq_block_slot *slot;
	__u64 key = identity(bio);

	slot = make_bio_span(key);
	if (!slot)
		return 0;
	slot->queued = now;
	describe_bio(&slot->record, bio);
	if (iotq_config.want_sequence)
		tell_sequence(slot, sequence(slot->record.dev, slot->record.op, bio->bi_iter.bi_sector, slot->record.size));
	if (iotq_config.follow)
		own_span(slot, owner, now);
	if (!slot->record.head.queries) {
		if (wants_any(IOTQ_LAYER_BLOCK))
			COUNT(IOTQ_LAYER_BLOCK, rejected);
		if (!slot->owners[0])
			bpf_map_delete_elem(&iotq_bio_spans, &key);
	}
	return 0;
}

/* What it writes back, for the page cache: in cache.bpf.h. */
static __noinline int tell_writeback(struct bio *bio);

static __always_inline int bio_queued(struct bio *bio)
{
	__u64 caller = iotq_config.follow ? current_owner() : 0, owner = caller, now;

	if (iotq_config.stacked && !owner)
		owner = stacked_owner(number(bio));
	if (iotq_config.tells_bios && (owner || wants(IOTQ_LAYER_CACHE, IOTQ_CACHE_ACCESS)))
		tell_writeback(bio);
	if (!owner && only_owned()) {
		forget_bio(identity(bio));
		return 0;
	}
	now = bpf_ktime_get_ns();
	remember_bio(identity(bio), now);
	if (iotq_config.want_origin)
		remember_origin(bio);
	if (iotq_config.follow) {
		own_bio(identity(bio), owner);
		/* A bio to a device without requests is a child itself. */
		if (caller && bio_disk(bio)->queue->mq_ops)
			note_submission(caller, bio->bi_iter.bi_size, now);
	}
	bio_event(bio, IOTQ_BLOCK_QUEUE);
	if (iotq_config.bio_spans && !bio_disk(bio)->queue->mq_ops)
		begin_bio(bio, owner, now);
	return 0;
}

SEC("tp_btf/block_bio_queue")
int BPF_PROG(iotq_bio_queue, struct bio *bio)
{
	return bio_queued(bio);
}

/* Before 5.11. */
SEC("tp_btf/block_bio_queue")
int BPF_PROG(iotq_bio_queue_2, struct request_queue *queue, struct bio *bio)
{
	return bio_queued(bio);
}

SEC("tp_btf/block_bio_complete")
int BPF_PROG(iotq_bio_complete, struct request_queue *queue, struct bio *bio)
{
	__u64 key = identity(bio), now;
	struct iotq_block_slot *slot = find_bio_span(key);

	if (!slot)
		return 0;
	now = bpf_ktime_get_ns();
	slot->record.lat = now - slot->queued;
	slot->record.error = status_errno(bio->bi_status);
	if (slot->record.head.queries)
		reach(&slot->record, IOTQ_BLOCK_COMPLETE, now);
	if (iotq_config.follow && slot->owners[0])
		end_owned_span(slot, now);
	bpf_map_delete_elem(&iotq_bio_spans, &key);
	return 0;
}

/* `bio` is the front part; the rest, to which it is chained, keeps the entry and comes again. */
static __always_inline int bio_was_split(struct bio *bio)
{
	__u64 from = identity_at(number(bio->bi_private));
	struct bio_entry *rest = find_bio(from);

	if (rest) {
		remember_bio(identity(bio), rest->at);
		if (iotq_config.want_origin)
			share_origin(identity(bio), from);
		if (iotq_config.follow)
			own_bio(identity(bio), bio_owner(from));
	}
	bio_event(bio, IOTQ_BLOCK_SPLIT);
	return 0;
}

SEC("tp_btf/block_split")
int BPF_PROG(iotq_bio_split, struct bio *bio, unsigned int sector)
{
	return bio_was_split(bio);
}

/* Before 5.11. */
SEC("tp_btf/block_split")
int BPF_PROG(iotq_bio_split_3, struct request_queue *queue, struct bio *bio, unsigned int sector)
{
	return bio_was_split(bio);
}

static __always_inline int bio_merged(struct bio *bio)
{
	bio_event(bio, IOTQ_BLOCK_MERGE);
	return 0;
}

SEC("tp_btf/block_bio_backmerge")
int BPF_PROG(iotq_bio_backmerge, struct bio *bio)
{
	return bio_merged(bio);
}

SEC("tp_btf/block_bio_frontmerge")
int BPF_PROG(iotq_bio_frontmerge, struct bio *bio)
{
	return bio_merged(bio);
}

/* Before 5.11. */
SEC("tp_btf/block_bio_backmerge")
int BPF_PROG(iotq_bio_backmerge_3, struct request_queue *queue, struct request *rq, struct bio *bio)
{
	return bio_merged(bio);
}

SEC("tp_btf/block_bio_frontmerge")
int BPF_PROG(iotq_bio_frontmerge_3, struct request_queue *queue, struct request *rq, struct bio *bio)
{
	return bio_merged(bio);
}

/* The request is used again: what it was before is over, if that was not seen. */
static __always_inline void close_former(struct iotq_block_slot *slot)
{
	if (slot->record.head.queries && iotq_config.has_end)
		close_unended(slot);
	if (iotq_config.has_driver && (slot->given || slot->added))
		close_below(slot);
	if (iotq_config.follow && slot->owner_count)
		end_owned(slot->index, bpf_ktime_get_ns());
}

/* A request that no root has caused, as the bio tells it, or the thread where that went by unseen. */
static __always_inline bool is_of_nobody(struct bio *bio)
{
	__u64 key = identity(bio);

	return find_bio(key) ? !bio_owner(key) : !current_owner();
}

SEC("tp_btf/block_io_start")
int BPF_PROG(iotq_rq_start, struct request *rq)
{
	struct request_queue *queue = LOADED(rq->q);
	struct bio *bio = LOADED(rq->bio);
	struct iotq_block_slot *slot;
	struct request_facts facts;

	if (only_owned() && bio && is_of_nobody(bio)) {
		slot = find_slot(identity(rq));
		if (slot && slot->queued) {
			close_former(slot);
			forget(slot);
		}
		return 0;
	}
	typed_facts(&facts, rq, queue, bio);
	slot = slot_of(identity(rq));
	if (!slot)
		return 0;
	close_former(slot);
	begin(slot, &facts, true);
	/* Its bio went by unseen, but the thread is the same. */
	if (iotq_config.follow && slot->record.head.marks & IOTQ_MARK_APPROX_QUEUE)
		slot->owners[0] = current_owner();
	track(slot, filter(&iotq_block_start, &slot->record));
	if (is_followed(slot))
		own(slot, bpf_ktime_get_ns());
	return 0;
}

/* The request went into another one, and will not complete by itself. */
SEC("tp_btf/block_rq_merge")
int BPF_PROG(iotq_rq_merge, struct request *rq)
{
	struct iotq_block_slot *slot = find_slot(identity(rq));

	if (!slot)
		return 0;
	if (iotq_config.follow && slot->owner_count)
		leave_owners(slot->index, bpf_ktime_get_ns());
	forget(slot);
	return 0;
}

/*
 * The slot of a request that is inserted or issued. Where block_io_start is missing, and for requests without a bio,
 * which have no such event, this is where they begin, unless their driver has taken them up already.
 */
static __noinline struct iotq_block_slot *arrive(struct request *rq)
{
	struct request_queue *queue = LOADED(rq->q);
	struct bio *bio = LOADED(rq->bio);
	struct iotq_block_slot *slot = find_slot(identity(rq));
	struct request_facts facts;

	if (slot && slot->queued) {
		own_if_flush(slot, rq);
		return slot->record.head.queries ? slot : NULL;
	}
	if (iotq_config.has_start && bio)
		return NULL;
	slot = slot_of(identity(rq));
	if (!slot)
		return NULL;
	typed_facts(&facts, rq, queue, bio);
	begin(slot, &facts, false);
	own_if_flush(slot, rq);
	track(slot, filter_rare(&iotq_block_start, &slot->record));
	return slot->record.head.queries ? slot : NULL;
}

SEC("tp_btf/block_rq_insert")
int BPF_PROG(iotq_rq_insert, struct request *rq)
{
	struct iotq_block_slot *slot = arrive(rq);
	__u64 now;

	if (!slot)
		return 0;
	now = bpf_ktime_get_ns();
	if (is_followed(slot))
		own(slot, now);
	if (!slot->inserted) {
		slot->inserted = now;
		slot->record.q2i = now - slot->queued;
	}
	describe_size(&slot->record, rq->__sector, rq->__data_len);
	reach(&slot->record, IOTQ_BLOCK_INSERT, now);
	return 0;
}

static __always_inline __u32 sequence_of(struct request *rq)
{
	struct request_queue *queue = LOADED(rq->q);
	struct request_facts facts;

	typed_facts(&facts, rq, queue, NULL);
	return sequence(facts.dev, operation(facts.flags, facts.size), facts.sector, facts.size);
}

SEC("tp_btf/block_rq_issue")
int BPF_PROG(iotq_rq_issue, struct request *rq)
{
	struct blk_mq_hw_ctx *hctx = LOADED(rq->mq_hctx);
	__u32 sequence = STARTS_ANEW;
	struct iotq_block_slot *slot;
	__u64 merged, now;
	bool again;

	if (iotq_config.want_sequence)
		sequence = sequence_of(rq);
	merged = merged_bios(rq);
	slot = arrive(rq);
	if (!slot)
		return 0;
	now = bpf_ktime_get_ns();
	if (iotq_config.want_sequence)
		tell_sequence(slot, sequence);
	again = slot->issued;
	slot->issued = now;
	slot->record.d2c = IOTQ_NULL64;
	slot->record.q2d = now - slot->queued;
	if (slot->inserted)
		slot->record.i2d = now - slot->inserted;
	describe_size(&slot->record, rq->__sector, rq->__data_len);
	slot->record.queue = hctx ? hctx->queue_num : IOTQ_NULL32;
	slot->record.tag = rq->tag;
	if (is_followed(slot))
		issue_owned(slot, merged, again, now);
	reach(&slot->record, IOTQ_BLOCK_ISSUE, now);
	return 0;
}

SEC("tp_btf/block_rq_requeue")
int BPF_PROG(iotq_rq_requeue, struct request *rq)
{
	struct iotq_block_slot *slot = find_slot(identity(rq));

	if (!slot || !slot->record.head.queries)
		return 0;
	if (iotq_config.follow && slot->owner_count)
		move_owned(slot->index, false, bpf_ktime_get_ns());
	if (slot->record.requeues < 0xffff)
		slot->record.requeues++;
	describe_size(&slot->record, rq->__sector, rq->__data_len);
	reach(&slot->record, IOTQ_BLOCK_REQUEUE, bpf_ktime_get_ns());
	return 0;
}

/*
 * Place and size of a request whose issue was not looked at. Completed parts come with advancing sectors; a request of
 * several steps completes the same ones more than once.
 */
static __always_inline void add_part(struct iotq_block *record, __u64 sector, __u32 bytes)
{
	if (!bytes)
		return;
	if (!(record->head.marks & IOTQ_MARK_PARTS))
		record->sector = sector;
	else if (record->sector != sector)
		bytes += record->size;
	record->head.marks |= IOTQ_MARK_PARTS;
	record->size = bytes;
}

/*
 * A flush that was asked for is neither inserted nor issued: the block layer serves it with one of its own. Without
 * block_io_start its end is all that tells of it. Its bio still waits, with the time and the submitter; and its bio alone
 * still says that it is a flush.
 */
static __always_inline bool is_asked_flush(struct request *rq, struct bio *bio)
{
	return !iotq_config.has_start && bio && !rq->__data_len && !more_steps(rq) &&
	       operation(bio->bi_opf, 0) == IOTQ_BLOCK_OP_FLUSH;
}

/* That one of its own. It has no bio, and begins at its issue, where issues are looked at. */
static __always_inline bool is_own_flush(struct request *rq, struct bio *bio)
{
	return !iotq_config.want_issue && !bio && operation(rq->cmd_flags, 0) == IOTQ_BLOCK_OP_FLUSH;
}

/* The slot of a flush of which nothing but the end is seen. */
static __noinline struct iotq_block_slot *flush_at_end(struct request *rq, struct iotq_block_slot *slot)
{
	struct request_queue *queue = LOADED(rq->q);
	struct bio *bio = LOADED(rq->bio);
	struct request_facts facts;

	if ((slot && slot->queued) || !(is_asked_flush(rq, bio) || is_own_flush(rq, bio)))
		return NULL;
	typed_facts(&facts, rq, queue, bio);
	if (bio)
		facts.flags = bio->bi_opf;
	slot = slot_of(identity(rq));
	if (!slot)
		return NULL;
	begin(slot, &facts, false);
	track(slot, filter_rare(&iotq_block_start, &slot->record));
	if (is_followed(slot))
		own(slot, bpf_ktime_get_ns());
	if (slot->record.head.queries)
		return slot;
	forget(slot);
	return NULL;
}

SEC("tp_btf/block_rq_complete")
int BPF_PROG(iotq_rq_complete, struct request *rq, int status, unsigned int bytes)
{
	bool goes_on = more_steps(rq);
	struct iotq_block_slot *slot = find_slot(identity(rq));
	__u64 now;

	if (!slot || !slot->record.head.queries) {
		bool unseen = !iotq_config.has_start || !iotq_config.want_issue;
		struct iotq_block_slot *flush = unseen ? flush_at_end(rq, slot) : NULL;

		if (!flush) {
			/* With a start filter it may just as well have been turned away. */
			if (takes_all(&iotq_block_start) && !iotq_config.follow)
				COUNT(IOTQ_LAYER_BLOCK, unmatched);
			if (iotq_config.has_driver && slot && bytes >= rq->__data_len && !goes_on)
				finish(slot);
			return 0;
		}
		slot = flush;
	}
	if (status && !slot->record.error)
		slot->record.error = status < 0 ? -status : status_errno(status & 0xff);
	if (!slot->issued)
		add_part(&slot->record, rq->__sector, bytes);
	/* A part of it: the rest will follow. */
	if (bytes < rq->__data_len)
		return 0;
	now = bpf_ktime_get_ns();
	if (slot->issued && slot->record.d2c == IOTQ_NULL64)
		slot->record.d2c = now - slot->issued;
	if (goes_on) {
		/* It waits for the flush behind it. */
		if (iotq_config.follow && slot->owner_count)
			move_owned(slot->index, false, now);
		return 0;
	}
	if (!slot->issued && slot->record.size && iotq_config.want_issue)
		slot->record.head.marks |= IOTQ_MARK_APPROX_ISSUE;
	slot->record.lat = now - slot->queued;
	complete(&slot->record, now);
	if (iotq_config.follow && slot->owner_count)
		end_owned(slot->index, now);
	finish(slot);
	return 0;
}

/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The page cache: what happens to runs of pages of files, an operation each.
 *
 * Pages are made dirty and given up one by one, or as many as lie together; a bio tells of those that are written back. What
 * reads find is in lookups.h.
 */
#ifndef IOTQ_CACHE_BPF_H
#define IOTQ_CACHE_BPF_H

#include "pages.h"
#include "root.h"

const volatile struct iotq_table iotq_cache_start ON_A_LINE;
const volatile struct iotq_table iotq_cache_at[IOTQ_CACHE_POINTS] ON_A_LINE;

/* For the request that it is part of: one of each event, with the bytes of all. */
static __noinline int keep_event(const struct iotq_cache *record, __u64 owner)
{
	struct root *root = owning_root(owner);
	struct iotq_cache *kept;
	__u32 event, at;

	if (!root || !record)
		return 0;
	event = record->event - 1;
	at = OWNER_INDEX(owner) * IOTQ_CACHE_EVENTS + event;
	kept = bpf_map_lookup_elem(&iotq_cached, &at);
	if (!kept || event >= IOTQ_CACHE_EVENTS)
		return 0;
	if (root->record.trail.events >> event & 1) {
		kept->size += record->size;
		return 0;
	}
	*kept = *record;
	kept->head.at = bpf_ktime_get_ns();
	kept->head.layer = IOTQ_LAYER_CACHE;
	kept->head.point = IOTQ_CACHE_ACCESS;
	kept->head.queries = iotq_config.joined[IOTQ_LAYER_CACHE];
	root->record.trail.events |= 1u << event;
	return 0;
}

/* Whether anybody asks what the current task does to pages. */
static __noinline bool is_asked_for(void)
{
	return wants(IOTQ_LAYER_CACHE, IOTQ_CACHE_ACCESS) || current_owner();
}

/* Something has happened to pages, by the current task. */
static __noinline int reach_cache(struct iotq_cache *record)
{
	__u64 owner;

	if (!record)
		return 0;
	describe_task(&record->task);
	if (record->task.pid == iotq_config.self_tgid)
		return 0;
	if (iotq_config.joined[IOTQ_LAYER_CACHE]) {
		owner = current_owner();
		if (owner)
			keep_event(record, owner);
	}
	if (!wants(IOTQ_LAYER_CACHE, IOTQ_CACHE_ACCESS))
		return 0;
	record->head.queries = filter_rare(&iotq_cache_start, record);
	if (!record->head.queries) {
		COUNT(IOTQ_LAYER_CACHE, rejected);
		return 0;
	}
	deliver(&record->head, sizeof(*record), IOTQ_LAYER_CACHE, IOTQ_CACHE_ACCESS, record->head.queries,
		filter_rare(&iotq_cache_at[IOTQ_CACHE_ACCESS], record), bpf_ktime_get_ns());
	return 0;
}

static __always_inline void describe_event(struct iotq_cache *record, const struct pages *pages)
{
	record->dev = pages->dev;
	record->inode = pages->inode;
	record->offset = pages->index << PAGE_SHIFT;
	if (iotq_config.want_name)
		name_of(pages->host, record->name);
}

/* Pages that lie together, by the first of them. */
static __noinline int tell_pages(void *head, __u8 event)
{
	struct iotq_cache record = { .event = event };
	struct pages pages = {};

	if (!is_asked_for() || !describe_pages((__u64)head, &pages))
		return 0;
	describe_event(&record, &pages);
	record.size = page_count((__u64)head, &pages) << PAGE_SHIFT;
	return reach_cache(&record);
}

SEC("tp_btf/writeback_dirty_folio")
int BPF_PROG(iotq_cache_dirty, void *folio)
{
	return tell_pages(folio, IOTQ_CACHE_EVENT_DIRTY);
}

/* Before 5.18. */
SEC("tp_btf/writeback_dirty_page")
int BPF_PROG(iotq_cache_dirty_page, void *page)
{
	return tell_pages(page, IOTQ_CACHE_EVENT_DIRTY);
}

SEC("tp_btf/mm_filemap_delete_from_page_cache")
int BPF_PROG(iotq_cache_delete, void *folio)
{
	return tell_pages(folio, IOTQ_CACHE_EVENT_EVICT);
}

/* Pages go to a disk. */
static __noinline int tell_writeback(struct bio *bio)
{
	struct iotq_cache record = { .event = IOTQ_CACHE_EVENT_WRITEBACK };
	struct pages pages = {};

	if (!bio || !writes_back(bio, &pages))
		return 0;
	describe_event(&record, &pages);
	record.offset += pages.inside;
	record.size = BPF_CORE_READ(bio, bi_iter.bi_size);
	return reach_cache(&record);
}

SEC("tp_btf/block_bio_queue")
int BPF_PROG(iotq_cache_bio, struct bio *bio)
{
	return is_asked_for() ? tell_writeback(bio) : 0;
}

/* Before 5.11. */
SEC("tp_btf/block_bio_queue")
int BPF_PROG(iotq_cache_bio_2, struct request_queue *queue, struct bio *bio)
{
	return is_asked_for() ? tell_writeback(bio) : 0;
}

#include "lookups.h"

#endif

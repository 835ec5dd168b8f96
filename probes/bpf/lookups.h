/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * What reads find in the page cache. That is known when a read is over: the pages that it brings in are added in its own
 * thread, before the look-up that wanted them is told; and one read may look up several times, each time from further on. So
 * its thread keeps what it has looked up and added, and it is judged when the call returns, or when the thread looks up
 * something else. Where functions can be hooked instead, they tell when a read begins and ends.
 *
 * A look-up that has found some pages, and has waited for the next one, is not told. The last one of a read always is, so
 * each read is known of; where it began, the call's arguments tell when it returns.
 */
#ifndef IOTQ_LOOKUPS_H
#define IOTQ_LOOKUPS_H

#include "arguments.h"

/* In the place of a call's number, where a thread is in no call. */
#define NO_CALL -1

/* A power of two. */
#define ADDED_RUNS 16

/* Pages that were added, of those from one number on up to another one. */
struct run {
	__u64 from, to;
	__u64 pages; /* fewer if the last run had to take in others */
};

/* What a thread looks up. */
struct lookup {
	__u64 mapping;           /* of the pages added, and of those looked up */
	__u64 first, last;       /* pages asked for */
	__u64 from;              /* where it has looked up last, */
	__u64 to;                /* and up to which page: that may lie behind the file's end */
	__u64 missed, missed_at; /* pages of them that had to be read, and the first one */
	__u64 ahead, ahead_at;   /* those that were read besides */
	__u32 open;              /* it has begun, and is not judged yet */
	__u32 added;             /* runs */
	__u32 lossy;             /* some of what was added may be missing there */
	__u32 counted;           /* among those that look something up */
	struct run runs[ADDED_RUNS]; /* added, and not judged yet */
	struct iotq_cache record; /* whose file it is */
};

/*
 * Threads that have looked something up which is not judged yet, counted by their numbers: most calls have not, and to ask
 * for that is cheaper than to ask for the look-up. One that gives way, or whose thread has ended, stays counted.
 */
#define LOOKING 1024

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LOOKING);
	__type(key, __u32);
	__type(value, __u64);
} iotq_looking SEC(".maps");

/* By thread. Sized by the installer. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lookup);
} iotq_lookups SEC(".maps");

static const struct lookup no_lookup;

static __always_inline struct lookup *find_lookup(void)
{
	__u32 tid = CURRENT(pid);

	return bpf_map_lookup_elem(&iotq_lookups, &tid);
}

static __always_inline __u64 *looking(void)
{
	__u32 place = CURRENT(pid) & (LOOKING - 1);

	return bpf_map_lookup_elem(&iotq_looking, &place);
}

/* Whether the current thread may have looked something up. */
static __always_inline bool looks_up(void)
{
	__u64 *count = looking();

	return count && *count;
}

/* That it has, or has not any more. */
static __always_inline void count_lookup(struct lookup *lookup, __u32 counted)
{
	__u64 *count = looking();

	if (!count || lookup->counted == counted)
		return;
	__sync_fetch_and_add(count, counted ? 1 : -1);
	lookup->counted = counted;
}

static __always_inline struct lookup *make_lookup(void)
{
	struct lookup *lookup = find_lookup();
	__u32 tid = CURRENT(pid);

	if (!lookup) {
		if (bpf_map_update_elem(&iotq_lookups, &tid, &no_lookup, BPF_ANY))
			COUNT(IOTQ_LAYER_CACHE, lost_slot);
		lookup = bpf_map_lookup_elem(&iotq_lookups, &tid);
	}
	if (lookup)
		count_lookup(lookup, 1);
	return lookup;
}

/*
 * The call that the current thread is in. None of threads that nobody would tell the end of: the kernel's own, io_uring's
 * workers. Nor where it has a page fault outside of calls.
 */
static __always_inline long current_call(void)
{
	struct task_struct *task;

	/* Kernels so old tell of no reads at all. */
	if (!TYPED_TASK)
		return NO_CALL;
	task = bpf_get_current_task_btf();
	if (task->flags & (PF_KTHREAD | PF_IO_WORKER) || (__u32)task->tgid == iotq_config.self_tgid)
		return NO_CALL;
	/* Without, reads are known from their beginning on, and what came before does not matter. */
	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return 0;
	return ((struct pt_regs *)bpf_task_pt_regs(task))->orig_ax;
}

/* Of added pages, those asked for are misses. */
static __always_inline void judge_run(struct lookup *lookup, const struct run *run)
{
	__u64 from = run->from > lookup->first ? run->from : lookup->first;
	__u64 to = run->to <= lookup->last ? run->to : lookup->last + 1;
	__u64 inside = from < to ? to - from : 0;

	/* Partly asked for, with pages in between that were there: how many of each cannot be told. */
	if (inside && inside < run->to - run->from && run->pages < run->to - run->from)
		lookup->record.head.marks |= IOTQ_MARK_CROWDED;
	if (inside > run->pages)
		inside = run->pages;
	if (inside && !lookup->missed)
		lookup->missed_at = from;
	if (inside < run->pages && !lookup->ahead)
		lookup->ahead_at = inside && run->from >= lookup->first ? lookup->last + 1 : run->from;
	lookup->missed += inside;
	lookup->ahead += run->pages - inside;
}

/* What was added for the current thread. */
__noinline int judge_added(void)
{
	struct lookup *lookup = find_lookup();

	if (!lookup)
		return 0;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < ADDED_RUNS; i++) {
		if (i >= lookup->added)
			break;
		judge_run(lookup, &lookup->runs[i]);
	}
	lookup->added = 0;
	return 0;
}

static __always_inline void tell_found(struct lookup *lookup, __u8 event, __u64 at, __u64 pages)
{
	if (!pages)
		return;
	lookup->record.event = event;
	lookup->record.offset = at << PAGE_SHIFT;
	lookup->record.size = pages << PAGE_SHIFT;
	reach_cache(&lookup->record);
}

/* A read is over. */
static __noinline int end_lookup(struct lookup *lookup)
{
	__u64 asked;

	if (!lookup || !lookup->open)
		return 0;
	if (lookup->added)
		judge_added();
	if (lookup->lossy)
		lookup->record.head.marks |= IOTQ_MARK_CROWDED;
	lookup->open = 0;
	asked = lookup->last + 1 - lookup->first;
	tell_found(lookup, IOTQ_CACHE_EVENT_MISS, lookup->missed_at, lookup->missed);
	tell_found(lookup, IOTQ_CACHE_EVENT_READAHEAD, lookup->ahead_at, lookup->ahead);
	if (lookup->missed < asked)
		tell_found(lookup, IOTQ_CACHE_EVENT_HIT, lookup->first, asked - lookup->missed);
	return 0;
}

/* A read begins. Behind the end of its file there is nothing to find. */
static __noinline int begin_lookup(struct lookup *lookup, __u64 mapping, __u64 first, __u64 last)
{
	struct pages pages = { .index = first };
	struct inode *host;
	__u64 size;

	if (!lookup || !describe_mapping(mapping, &pages))
		return 0;
	host = (void *)pages.host;
	size = BPF_CORE_READ(host, i_size);
	if (size <= first << PAGE_SHIFT)
		return 0;
	if (last > (size - 1) >> PAGE_SHIFT)
		last = (size - 1) >> PAGE_SHIFT;
	lookup->first = first;
	lookup->last = last;
	lookup->missed = lookup->ahead = 0;
	lookup->record.head.marks = 0;
	lookup->open = 1;
	describe_event(&lookup->record, &pages);
	return 0;
}

/* Pages are added, from the first to the last. */
static __noinline int add_pages(struct lookup *lookup, long call, __u64 mapping, __u64 from, __u64 count)
{
	struct run *run;

	if (!lookup)
		return 0;
	if (lookup->mapping != mapping) {
		/*
		 * The file's own pages come first, then those that its filesystem needs to find them on the disk; and what is
		 * read may be copied to another file. Of io_uring, the next read may begin.
		 */
		if ((lookup->open || lookup->added) && call != NR_IO_URING_ENTER)
			return 0;
		end_lookup(lookup);
		lookup->mapping = mapping;
		lookup->added = 0;
	}
	run = &lookup->runs[(lookup->added - 1) & (ADDED_RUNS - 1)];
	if (lookup->added && (run->to == from || lookup->added == ADDED_RUNS)) {
		if (run->from > from)
			run->from = from;
		if (run->to < from + count)
			run->to = from + count;
		run->pages += count;
		return 0;
	}
	run = &lookup->runs[lookup->added & (ADDED_RUNS - 1)];
	run->from = from;
	run->to = from + count;
	run->pages = count;
	lookup->added++;
	return 0;
}

SEC("tp_btf/mm_filemap_add_to_page_cache")
int BPF_PROG(iotq_cache_add, void *folio)
{
	long call = current_call();
	struct pages pages = {};

	if (call != NO_CALL && is_asked_for() && describe_pages((__u64)folio, &pages))
		add_pages(make_lookup(), call, pages.mapping, pages.index, page_count((__u64)folio, &pages));
	return 0;
}

/* Told from further on each time, until the read is over. */
SEC("tp_btf/mm_filemap_get_pages")
int BPF_PROG(iotq_cache_get_pages, void *mapping, unsigned long first, unsigned long last)
{
	long call = current_call();
	struct lookup *lookup;
	bool lossy;

	if (call == NO_CALL || !is_asked_for())
		return 0;
	lookup = make_lookup();
	if (!lookup)
		return 0;
	lossy = call == NR_IO_URING_ENTER;
	if (lookup->mapping != (__u64)mapping) {
		end_lookup(lookup);
		lossy |= lookup->added;
		lookup->mapping = (__u64)mapping;
		lookup->added = 0;
	}
	if (lookup->open && (last != lookup->to || first <= lookup->from)) {
		/* What was added since then is the next one's. */
		__u32 added = lookup->added;

		lookup->added = 0;
		end_lookup(lookup);
		lookup->added = added;
	}
	if (!lookup->open) {
		begin_lookup(lookup, (__u64)mapping, first, last);
		lookup->lossy = lossy;
		/* It may have begun before this. */
		if (first)
			lookup->record.head.marks = IOTQ_MARK_CROWDED;
	}
	lookup->from = first;
	lookup->to = last;
	return 0;
}

/* Where in its file a call has read; null if it does not say. */
static __always_inline __u64 read_from(struct pt_regs *regs, long ret, __u64 mapping)
{
	__u32 number = traced(regs->orig_ax);
	const volatile struct iotq_call *call;
	struct file *file;

	if (number >= IOTQ_MAX_SYSCALLS || ret <= 0)
		return IOTQ_NULL64;
	call = &iotq_calls[number];
	if (call->op != IOTQ_SYSCALL_OP_READ || !(call->flags & IOTQ_CALL_FD))
		return IOTQ_NULL64;
	file = file_of(argument(regs, call->fd));
	if (!file || (__u64)BPF_CORE_READ(file, f_mapping) != mapping)
		return IOTQ_NULL64;
	/* The position has moved on. preadv2 may be told to use it by an offset of -1. */
	if (call->flags & IOTQ_CALL_OFFSET && (long)argument(regs, call->offset) != -1)
		return argument(regs, call->offset);
	return BPF_CORE_READ(file, f_pos) - ret;
}

/* A call is over. A read that io_uring has begun goes on later. */
static __noinline int end_lookups(struct pt_regs *regs, long ret)
{
	struct lookup *lookup = find_lookup();
	__u64 from;

	if (!lookup || !regs)
		return 0;
	if (lookup->open) {
		from = read_from(regs, ret, lookup->mapping);
		if (from != IOTQ_NULL64) {
			lookup->record.head.marks = 0;
			lookup->first = from >> PAGE_SHIFT;
			lookup->last = (from + ret - 1) >> PAGE_SHIFT;
		}
		end_lookup(lookup);
	}
	if (regs->orig_ax != NR_IO_URING_ENTER) {
		lookup->added = 0;
		count_lookup(lookup, 0);
	}
	return 0;
}

/* Where no program on calls does it. */
SEC("tp_btf/sys_exit")
int BPF_PROG(iotq_cache_exit, struct pt_regs *regs, long ret)
{
	return looks_up() ? end_lookups(regs, ret) : 0;
}

/* Where look-ups are not told. */
SEC("fentry/filemap_read")
int BPF_PROG(iotq_cache_read, struct kiocb *iocb, struct iov_iter *iter)
{
	__u64 mapping, at, count;
	struct lookup *lookup;

	if (current_call() == NO_CALL || !is_asked_for())
		return 0;
	lookup = make_lookup();
	mapping = (__u64)BPF_CORE_READ(iocb, ki_filp, f_mapping);
	at = BPF_CORE_READ(iocb, ki_pos);
	count = BPF_CORE_READ(iter, count);
	if (!lookup || !count)
		return 0;
	lookup->open = lookup->added = 0;
	lookup->lossy = 0;
	lookup->mapping = mapping;
	begin_lookup(lookup, mapping, at >> PAGE_SHIFT, (at + count - 1) >> PAGE_SHIFT);
	return 0;
}

SEC("fexit/filemap_read")
int BPF_PROG(iotq_cache_read_end, struct kiocb *iocb)
{
	struct lookup *lookup = find_lookup();
	__u64 at;

	if (!lookup || !lookup->open)
		return 0;
	at = BPF_CORE_READ(iocb, ki_pos);
	if (at <= lookup->first << PAGE_SHIFT)
		lookup->open = 0;
	else if (lookup->last > (at - 1) >> PAGE_SHIFT)
		lookup->last = (at - 1) >> PAGE_SHIFT;
	end_lookup(lookup);
	return 0;
}

#endif

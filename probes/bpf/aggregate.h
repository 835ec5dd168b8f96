/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Groups that are kept in the kernel.
 *
 * What is kept, and where, lies in frozen .rodata, as the filters do. Each CPU has tables of its own, so nothing is shared
 * and additions need not be atomic; a program that interrupts another one at work on the same tables leaves the record to
 * user space, and so does one that finds no room. User space merges what it reads: of CPUs, and of the ring.
 */
#ifndef IOTQ_AGGREGATE_H
#define IOTQ_AGGREGATE_H

#include "config.h"
#include "filter.h"

/* How many places are tried for a group. */
#define GROUP_PROBES 16

const volatile struct iotq_grouping iotq_groupings[IOTQ_MAX_GROUPINGS] ON_A_LINE;

struct histogram {
	__u64 counts[IOTQ_HIST_BUCKETS];
};

/* Which generation is filled, for each stream with groups. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, IOTQ_MAX_GROUPINGS);
	__type(key, __u32);
	__type(value, __u32);
} iotq_generations SEC(".maps");

/* Sized by the installer, as the following two: by stream, generation, CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct iotq_group_head);
	__uint(map_flags, BPF_F_MMAPABLE); /* so the first entry is aligned, to a page */
} iotq_group_heads SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct iotq_group);
	__uint(map_flags, BPF_F_MMAPABLE);
} iotq_groups SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct histogram);
} iotq_hists SEC(".maps");

/* The generation and CPU at work: the number of its tables. */
static __always_inline __u32 tables_of(__u32 grouping)
{
	__u32 *generation = bpf_map_lookup_elem(&iotq_generations, &grouping);

	return (generation ? *generation & 1 : 0) * iotq_config.cpus + bpf_get_smp_processor_id();
}

/* The group of a key, which may be new; none if there is no room. Returns its number among all groups. */
static __always_inline struct iotq_group *find_group(const volatile struct iotq_grouping *it, struct iotq_group_head *head,
						     const __u64 *key, __u32 base, __u32 *number)
{
	struct iotq_group *group;
	__u64 hash = 0, differ;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < IOTQ_KEY_WORDS; i++) {
		if (i >= it->key_words)
			break;
		hash = (hash ^ key[i]) * 0x9e3779b97f4a7c15ull;
		hash ^= hash >> 32;
	}
#pragma clang loop unroll(disable)
	for (__u32 probe = 0; probe < GROUP_PROBES; probe++) {
		__u32 place = ((__u32)hash + probe) & it->groups_mask, index = base + place;

		*number = index;
		group = bpf_map_lookup_elem(&iotq_groups, &index);
		if (!group)
			return NULL;
		differ = 0;
#pragma clang loop unroll(disable)
		for (__u32 i = 0; i < IOTQ_KEY_WORDS; i++) {
			if (i >= it->key_words)
				break;
			differ |= group->words[i] ^ key[i];
		}
		if (group->rows && !differ)
			return group;
		if (group->rows)
			continue;
#pragma clang loop unroll(disable)
		for (__u32 i = 0; i < IOTQ_KEY_WORDS; i++) {
			if (i >= it->key_words)
				break;
			group->words[i] = key[i];
		}
		group->next = head->last;
		head->last = place + 1;
		return group;
	}
	return NULL;
}

/*
 * The number of a value's log-linear bucket: values below 32 have their own, and of each power of two above, the 16 buckets
 * have the numbers from 16 times its shift on. Without branches, each of which the verifier would walk both ways.
 */
static __always_inline __u32 bucket(__u64 value)
{
	__u32 shift = 0;

#pragma unroll
	for (int i = 5; i >= 0; i--) {
		__u64 above = -(value >> ((1 << i) + IOTQ_HIST_BITS));
		__u32 step;

		barrier_var(above);
		step = above >> 63 << i;
		value >>= step;
		shift += step;
	}
	return (shift << IOTQ_HIST_BITS) + (__u32)value;
}

/* The bucket of equal steps: the first is for what is below, the last for what is above. */
static __always_inline __u32 step_of(const volatile struct iotq_measure *measure, __u64 value)
{
	__u64 low = measure->term.a, high = measure->term.b, step = measure->step;

	if (value < low)
		return 0;
	if (value >= high)
		value = high - 1 + step;
	return step ? (value - low) / step + 1 : 0;
}

static __always_inline void keep_bucket(__u32 index, __u32 number)
{
	struct histogram *hist = bpf_map_lookup_elem(&iotq_hists, &index);

	barrier_var(number);
	if (hist && number < IOTQ_HIST_BUCKETS)
		hist->counts[number]++;
}

/* Adds the product of two numbers to a sum of two words. */
static __always_inline void add_square(__u64 *sum, __u64 value)
{
	__u64 upper = value >> 32, lower = value & 0xffffffff, mixed = upper * lower;
	__u64 low = lower * lower, high = upper * upper + (mixed >> 31);

	mixed <<= 33;
	low += mixed;
	high += below(low, mixed);
	sum[0] += low;
	sum[1] += high + below(sum[0], low);
}

static __always_inline void keep_number(const volatile struct iotq_measure *measure, struct iotq_group *group, __u64 value,
					__u32 hist)
{
	__u64 *cell = &group->words[measure->cell];
	__u32 keeps = measure->keeps;
	__u64 sign = measure->term.flags & IOTQ_SIGNED ? 1ull << 63 : 0;
	__u64 ordered = value ^ sign, first = *cell == 0;

	++*cell++;
	if (keeps & IOTQ_KEEP_SUM) {
		cell[0] += value;
		cell[1] += below(cell[0], value) + (sign ? (__u64)((__s64)value >> 63) : 0);
		cell += 2;
	}
	if (keeps & IOTQ_KEEP_MIN) {
		if (first || ordered < *cell)
			*cell = ordered;
		cell++;
	}
	if (keeps & IOTQ_KEEP_MAX) {
		if (first || ordered > *cell)
			*cell = ordered;
		cell++;
	}
	if (keeps & IOTQ_KEEP_SQUARES)
		add_square(cell, value);
	if (keeps & IOTQ_KEEP_HIST)
		keep_bucket(hist, bucket(value));
	if (keeps & IOTQ_KEEP_STEPS)
		keep_bucket(hist, step_of(measure, value));
}

static __always_inline void keep_measure(const volatile struct iotq_measure *measure, struct iotq_group *group,
					 const void *record, __u32 first_hist)
{
	const volatile struct iotq_term *term = &measure->term;
	__u32 width = term->width;
	__u64 value;

	if (measure->keeps & IOTQ_KEEP_TRUTH) {
		group->words[measure->cell] += holds(record, term->offset, width, term->test, term->flags, term->set, term->a,
						     term->b);
		return;
	}
	value = load(record, term->offset, width);
	if (term->flags & IOTQ_NULLABLE && value == (width == 4 ? IOTQ_NULL32 : IOTQ_NULL64))
		return;
	keep_number(measure, group, value, first_hist + measure->hist);
}

/* Takes a record into a stream's groups; false if it must go elsewhere. */
static __always_inline bool keep_in(const volatile struct iotq_grouping *it, __u32 grouping, const void *record)
{
	__u32 tables = tables_of(grouping), number = 0;
	__u32 at = grouping * IOTQ_GENERATIONS * iotq_config.cpus + tables;
	struct iotq_group_head *head = bpf_map_lookup_elem(&iotq_group_heads, &at);
	__u32 groups = it->groups_mask + 1;
	struct iotq_group *group;
	__u64 *key;

	if (!head || *(volatile __u64 *)&head->busy)
		return false;
	*(volatile __u64 *)&head->busy = 1;
	key = head->key;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < IOTQ_KEY_WORDS; i++) {
		if (i >= it->key_words)
			break;
		key[i] = load(record, it->key[i].offset, it->key[i].width) & it->key[i].mask;
	}
	group = find_group(it, head, key, it->first_group + tables * groups, &number);
	if (group) {
		__u32 hist = it->first_hist + (number - it->first_group) * it->hists;

		group->rows++;
#pragma clang loop unroll(disable)
		for (__u32 i = 0; i < IOTQ_MAX_MEASURES; i++) {
			if (i >= it->measures)
				break;
			keep_measure(&it->kept[i], group, record, hist);
		}
	}
	*(volatile __u64 *)&head->busy = 0;
	return group;
}

/* Takes a record into the groups of the statements that it passed, and returns those that need nothing more. */
static __noinline __u32 keep(struct iotq_head *record, __u32 layer, __u32 point, __u32 passed)
{
	__u32 kept = 0;

	if (!record)
		return 0;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < IOTQ_MAX_GROUPINGS; i++) {
		const volatile struct iotq_grouping *it = &iotq_groupings[i];

		if (i >= iotq_config.groupings)
			break;
		if (it->layer != layer || it->point != point || !(passed >> it->query & 1))
			continue;
		if (keep_in(it, i, record))
			kept |= 1u << it->query;
	}
	return kept;
}

/* The statements whose groups are kept here, of those at a point. */
static __always_inline __u32 grouped_at(__u32 layer, __u32 point)
{
	__u32 all = 0;

#pragma unroll
	for (__u32 i = 0; i < IOTQ_MAX_GROUPINGS; i++) {
		const volatile struct iotq_grouping *it = &iotq_groupings[i];

		if (i < iotq_config.groupings && it->layer == layer && it->point == point)
			all |= 1u << it->query;
	}
	return all;
}

#endif

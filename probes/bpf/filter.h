/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The walk over a filter table.
 *
 * Tables lie in frozen .rodata: the verifier knows every count, offset and test, and removes what a query does not use.
 * What depends on the record is computed without branches, so that verification is linear in the number of terms.
 */
#ifndef IOTQ_FILTER_H
#define IOTQ_FILTER_H

#include "config.h"

#define IOTQ_UNROLLED_TERMS 6

const volatile struct iotq_text iotq_texts[IOTQ_MAX_TEXTS];

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct iotq_set_key);
	__type(value, __u64); /* 1 */
} iotq_sets SEC(".maps");

/*
 * 1 if a < b, as unsigned numbers: the borrow of a - b. The barriers keep the compiler from seeing a comparison in it,
 * which it would make a branch of: then the verifier would walk two ways for every term, and give up.
 */
static __always_inline __u64 below(__u64 a, __u64 b)
{
	__u64 difference = a - b;

	barrier_var(difference);
	return ((~a & b) | ((~a | b) & difference)) >> 63;
}

static __always_inline __u64 is_zero(__u64 a)
{
	__u64 negative = -a;

	barrier_var(negative);
	return 1 ^ ((a | negative) >> 63);
}

static __always_inline __u64 load(const void *record, __u32 offset, __u32 width)
{
	const void *at = record + offset;

	switch (width) {
	case 1:
		return *(const __u8 *)at;
	case 2:
		return *(const __u16 *)at;
	case 4:
		return *(const __u32 *)at;
	default:
		return *(const __u64 *)at;
	}
}

static __always_inline __u64 matches_text(const void *record, __u32 offset, __u32 text, __u64 negate)
{
	const __u64 *words = record + offset;
	__u64 differ;

	if (text >= IOTQ_MAX_TEXTS)
		return 0;
	differ = (words[0] ^ iotq_texts[text].value[0]) & iotq_texts[text].mask[0];
	differ |= (words[1] ^ iotq_texts[text].value[1]) & iotq_texts[text].mask[1];
	/* Empty text is null, and null is neither equal nor different. */
	return (is_zero(differ) ^ negate) & (1 ^ is_zero(words[0] & 0xff));
}

static __always_inline __u64 in_set(__u32 set, __u64 value)
{
	struct iotq_set_key key = { .value = value, .set = set };
	__u64 *found = bpf_map_lookup_elem(&iotq_sets, &key);

	return found ? *found & 1 : 0;
}

static __always_inline __u64 holds(const void *record, __u32 offset, __u32 width, __u32 test, __u32 flags, __u32 set,
				   __u64 a, __u64 b)
{
	__u64 negate = flags & IOTQ_NEGATE ? 1 : 0;
	__u64 value, result;

	if (test == IOTQ_TEST_TRUE)
		return 1 ^ negate;
	if (test == IOTQ_TEST_TEXT)
		return matches_text(record, offset, set, negate);
	value = load(record, offset, width);
	result = negate;
	if (test == IOTQ_TEST_BITS)
		return is_zero(value & a) ^ 1 ^ negate;
	if (test == IOTQ_TEST_SET)
		result ^= in_set(set, value);
	else if (flags & IOTQ_SIGNED)
		result ^= 1 ^ below(b - a, (value ^ 1ull << 63) - a);
	else
		result ^= 1 ^ below(b - a, value - a);
	if (flags & IOTQ_NULLABLE)
		result &= 1 ^ is_zero(value ^ (width == 4 ? IOTQ_NULL32 : IOTQ_NULL64));
	return result;
}

struct verdict {
	__u64 clause, statement;
	__u32 passed;
};

static __always_inline void step(struct verdict *verdict, const volatile struct iotq_term *term, const void *record)
{
	__u32 flags = term->flags;

	verdict->clause |= holds(record, term->offset, term->width, term->test, flags, term->set, term->a, term->b);
	if (flags & IOTQ_END_CLAUSE) {
		verdict->statement &= verdict->clause;
		verdict->clause = 0;
	}
	if (flags & IOTQ_END_QUERY) {
		verdict->passed |= verdict->statement << term->query;
		verdict->statement = 1;
	}
}

/*
 * The statements of `table` whose predicates hold for the record. The first terms are unrolled, each trimmed by the
 * verifier to its one test; more of them, which are rare, share the code of a loop.
 */
static __always_inline __u32 filter(const volatile struct iotq_table *table, const void *record)
{
	struct verdict verdict = { .statement = 1 };
	__u32 count = table->count;

#pragma unroll
	for (__u32 i = 0; i < IOTQ_UNROLLED_TERMS; i++) {
		if (i < count)
			step(&verdict, &table->terms[i], record);
	}
	if (count > IOTQ_UNROLLED_TERMS) {
#pragma clang loop unroll(disable)
		for (__u32 i = IOTQ_UNROLLED_TERMS; i < IOTQ_MAX_TERMS; i++) {
			if (i < count)
				step(&verdict, &table->terms[i], record);
		}
	}
	return verdict.passed;
}

/*
 * Whether any statement of `table` may want a record of which only some fields are known: what the others ask for is taken
 * to hold. Of more terms than are unrolled it is not asked.
 */
static __always_inline bool may_pass(const volatile struct iotq_table *table, const void *record,
				     bool (*is_known)(const volatile struct iotq_term *))
{
	struct verdict verdict = { .statement = 1 };
	__u32 count = table->count;

	if (count > IOTQ_UNROLLED_TERMS)
		return true;
#pragma unroll
	for (__u32 i = 0; i < IOTQ_UNROLLED_TERMS; i++) {
		if (i < count) {
			verdict.clause |= !is_known(&table->terms[i]);
			step(&verdict, &table->terms[i], record);
		}
	}
	return verdict.passed;
}

/* The same for points that are rare: one copy of the code for all of them, slower by its decisions at run time. */
static __noinline __u32 filter_rare(const volatile struct iotq_table *table, const void *record)
{
	struct verdict verdict = { .statement = 1 };
	__u32 count;

	if (!table || !record)
		return 0;
	count = table->count;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < IOTQ_MAX_TERMS; i++) {
		if (i < count)
			step(&verdict, &table->terms[i], record);
	}
	return verdict.passed;
}

/* Whether the table is that of one statement which takes whatever comes. */
static __always_inline bool takes_all(const volatile struct iotq_table *table)
{
	return table->count == 1 && table->terms[0].test == IOTQ_TEST_TRUE;
}

#endif

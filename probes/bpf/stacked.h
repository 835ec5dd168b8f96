/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Whose the bios are that stacked devices (dm, md) submit by threads of their own: of the root that submitted the bio which
 * the device was given. What is called at the end of a bio tells who made it, and so where that one is.
 */
#ifndef IOTQ_STACKED_H
#define IOTQ_STACKED_H

#include "block_slots.h"

/* From a bio to the one that a device was given: a clone of a clone, and parts of it. */
#define STACKED_STEPS 4

const volatile struct iotq_stack iotq_stacks[IOTQ_MAX_STACKS];

static __always_inline __u64 word_at(__u64 address)
{
	__u64 word = 0;

	bpf_probe_read_kernel(&word, sizeof(word), (void *)address);
	return word;
}

/* The address of the bio that this one was made from; zero if that is not known. */
__noinline __u64 upper_bio(__u64 address)
{
	struct bio *bio = (struct bio *)address;
	__u64 ends, own;

	if (!iotq_config.stacked)
		return 0;
	ends = (__u64)BPF_CORE_READ(bio, bi_end_io);
	own = (__u64)BPF_CORE_READ(bio, bi_private);
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < IOTQ_MAX_STACKS; i++) {
		const volatile struct iotq_stack *stack = &iotq_stacks[i];

		if (!stack->ends || stack->ends != ends)
			continue;
		if (stack->kind == IOTQ_STACK_CHAIN)
			return own;
		if (stack->kind != IOTQ_STACK_PRIVATE)
			own = address - stack->clone;
		if (stack->kind == IOTQ_STACK_OWNED)
			own = word_at(own + stack->owner);
		return word_at(own + stack->upper);
	}
	return 0;
}

/* The root that a bio is for, which the current thread submits for somebody else; zero without one. */
__noinline __u64 stacked_owner(__u64 address)
{
	if (!iotq_config.stacked)
		return 0;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < STACKED_STEPS; i++) {
		struct iotq_block_slot *slot;

		address = upper_bio(address);
		if (!address)
			break;
		slot = find_bio_span(identity_at(address));
		if (slot)
			return OWNER_ROOT(slot->owners[0]);
	}
	return 0;
}

#endif

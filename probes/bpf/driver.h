/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * What the drivers' templates share. A driver's record is the block request's, with the driver's part behind it.
 *
 * Their tracepoints belong to modules, whose types the loader does not know: the programs are raw ones, arguments are
 * numbers, the kernel's fields are read by helper, and where those of the modules lie is told by the installer.
 */
#ifndef IOTQ_DRIVER_H
#define IOTQ_DRIVER_H

#include "block_request.h"

struct raw_args {
	__u64 args[6];
};

/* The driver's own data lie behind the request. */
static __always_inline __u64 driver_data(__u64 rq)
{
	return rq + bpf_core_type_size(struct request);
}

static __always_inline __u64 request_of_data(__u64 data)
{
	return data - bpf_core_type_size(struct request);
}

/* The request begins here if no event before has told of it. */
static __always_inline void begin_below(struct iotq_block_slot *slot, __u64 rq)
{
	struct request *request = (void *)rq;
	struct request_facts facts;

	if (!slot->queued) {
		raw_facts(&facts, request);
		begin(slot, &facts, false);
		track(slot, filter_rare(&iotq_block_start, &slot->record));
	}
	describe_size(&slot->record, BPF_CORE_READ(request, __sector), BPF_CORE_READ(request, __data_len));
	if (slot->record.op == IOTQ_BLOCK_OP_DRIVER_IN || slot->record.op == IOTQ_BLOCK_OP_DRIVER_OUT)
		slot->record.sector = IOTQ_NULL64;
}

/*
 * The slot of a request that its driver takes up. If its driver had it already, it is tried again; where nothing tells
 * when requests begin or end, it may be another one.
 */
static __always_inline struct iotq_block_slot *taken_up(__u64 rq, __u32 layer)
{
	struct iotq_block_slot *slot = slot_of(identity_at(rq));

	if (!slot)
		return NULL;
	if (slot->given) {
		close_below(slot);
		if (!iotq_config.has_start && !iotq_config.has_end)
			forget(slot);
	}
	begin_below(slot, rq);
	slot->driver_layer = layer;
	return slot;
}

/* The slot of a request whose driver is followed. */
static __always_inline struct iotq_block_slot *given(__u64 rq, __u32 layer)
{
	struct iotq_block_slot *slot = find_slot(identity_at(rq));

	return slot && slot->given && slot->driver_layer == layer ? slot : NULL;
}

/* The same where its driver is done with it. With a start filter it may just as well have been turned away. */
static __always_inline struct iotq_block_slot *ended(__u64 rq, __u32 layer, const volatile struct iotq_table *start)
{
	struct iotq_block_slot *slot = given(rq, layer);

	if (!slot && takes_all(start))
		COUNT(layer, unmatched);
	return slot;
}

/*
 * The statements on the driver's layer whose start filter passed. Without any, and where nothing else tells when the
 * request begins or ends, it is forgotten: what is known of it would pass for its next use.
 */
static __always_inline void track_below(struct iotq_block_slot *slot, __u32 layer, __u32 passed, __u64 now)
{
	bool wanted = passed;

	if (may_be_followed(slot))
		passed |= iotq_config.joined[layer];
	slot->given = passed ? now : 0;
	slot->driver_queries = passed;
	if (!wanted && wants_any(layer))
		COUNT(layer, rejected);
	if (passed)
		return;
	if (!iotq_config.has_start && !iotq_config.has_end)
		forget(slot);
}

/* The driver is done with it. Without statements on the block layer it is over. */
static __always_inline void give_back(struct iotq_block_slot *slot)
{
	slot->given = 0;
	slot->answered |= 1u << slot->driver_layer;
	if (!iotq_config.has_end && !slot->added)
		forget(slot);
}

#endif

/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Virtio disks: a request is added to a ring, the host is told, the answer is taken from the ring.
 *
 *   virtqueue_add_sgs -> [virtqueue_notify] -> blk_mq_complete_request, scsi_dispatch_cmd_done
 *
 * Rings have no tracepoints, so these are functions: typed (fentry, fexit) where the kernel itself has them, else kprobes.
 * What follows directly when an answer is taken from the ring is seen without either. A request may be on the way through another driver as well
 * (SCSI over virtio), so what a ring adds has a place of its own in the slot.
 */
#include "driver.h"
#include "virtio_op.h"

const volatile struct iotq_table iotq_virtio_start ON_A_LINE;
const volatile struct iotq_table iotq_virtio_at[IOTQ_VIRTIO_POINTS] ON_A_LINE;
const volatile struct iotq_virtio_layout iotq_virtio_layout;

#define DEVICE_BLOCK 2
#define DEVICE_SCSI 8
#define UNSUPPORTED 2
#define OF_THE_RING __builtin_offsetof(struct iotq_virtio, lat) /* from here on */

/* What is being added on this CPU: the queue's lock keeps interrupts away until it is done. */
struct adding {
	__u64 request; /* address; zero: not a disk's */
	__u64 queue;
	__u64 at;
	struct iotq_virtio record; /* only what the ring tells */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct adding);
} iotq_adding SEC(".maps");

/* By queue; one that finds no room has no times of being told. Sized by the installer. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct iotq_untold);
} iotq_untold SEC(".maps");

static const struct iotq_untold none_untold;

static __always_inline struct iotq_virtio *virtio_record(struct iotq_block_slot *slot)
{
	return (void *)&slot->record;
}

static __noinline int reach_rare_virtio(struct iotq_block_slot *slot, __u32 point, __u64 now)
{
	if (slot && point < IOTQ_VIRTIO_POINTS)
		deliver(&slot->record.head, sizeof(struct iotq_virtio), IOTQ_LAYER_VIRTIO, point,
			slot->ring_queries, filter_rare(&iotq_virtio_at[point], &slot->record), now);
	return 0;
}

static __always_inline void reach_virtio(struct iotq_block_slot *slot, __u32 point, __u64 now)
{
	if (wants(IOTQ_LAYER_VIRTIO, point))
		reach_rare_virtio(slot, point, now);
}

/* Of a command that has no word for it in the ring. */
static __noinline __u32 ring_operation(__u32 op)
{
	switch (op) {
	case IOTQ_BLOCK_OP_READ:
		return IOTQ_VIRTIO_OP_READ;
	case IOTQ_BLOCK_OP_WRITE:
		return IOTQ_VIRTIO_OP_WRITE;
	case IOTQ_BLOCK_OP_FLUSH:
		return IOTQ_VIRTIO_OP_FLUSH;
	case IOTQ_BLOCK_OP_DISCARD:
		return IOTQ_VIRTIO_OP_DISCARD;
	case IOTQ_BLOCK_OP_WRITE_ZEROES:
		return IOTQ_VIRTIO_OP_WRITE_ZEROES;
	default:
		return IOTQ_VIRTIO_OP_OTHER;
	}
}

/* The request of a SCSI command that a ring carries; zero for what is not a request. */
static __always_inline __u64 scsi_request(__u64 data)
{
	__u64 cmnd = iotq_virtio_layout.scsi_known ? READ(__u64, data + iotq_virtio_layout.scsi_command) : 0;

	return cmnd ? request_of_data(cmnd) : 0;
}

/* Where it goes to, read before the ring moves on. */
static __always_inline void describe_place(struct adding *adding, __u64 device)
{
	const volatile struct iotq_virtio_layout *layout = &iotq_virtio_layout;
	struct iotq_virtio *record = &adding->record;
	__u64 ring = adding->queue - layout->ring_queue;
	bool packed = READ(__u8, ring + layout->ring_packed) & 1;

	record->device = READ(__u32, device + layout->device_index);
	record->queue = READ(__u32, adding->queue + layout->queue_index);
	record->head = READ(__u32, ring + layout->ring_free);
	record->index = READ(__u16, ring + (packed ? layout->packed_index : layout->split_index));
	record->format = packed ? IOTQ_RING_FORMAT_PACKED : IOTQ_RING_FORMAT_SPLIT;
}

static __noinline int add(__u64 queue, __u64 data)
{
	__u64 device = READ(__u64, queue + iotq_virtio_layout.queue_device);
	__u32 id = READ(__u32, device + iotq_virtio_layout.device_id), zero = 0;
	struct adding *adding = bpf_map_lookup_elem(&iotq_adding, &zero);

	if (!adding)
		return 0;
	adding->request = 0;
	adding->queue = queue;
	if (id == DEVICE_BLOCK && iotq_virtio_layout.blk_known) {
		adding->request = request_of_data(data);
		adding->record.op = blk_operation(READ(__u32, data + iotq_virtio_layout.blk_type));
	} else if (id == DEVICE_SCSI) {
		adding->request = scsi_request(data);
		adding->record.op = 0;
	}
	if (!adding->request)
		return 0;
	adding->at = bpf_ktime_get_ns();
	describe_place(adding, device);
	return 0;
}

SEC("fentry")
int iotq_virtio_add(struct raw_args *ctx)
{
	return add(number((void *)ctx->args[0]), number((void *)ctx->args[4]));
}

SEC("kprobe")
int iotq_virtio_add_probe(struct pt_regs *ctx)
{
	return add(ctx->di, ctx->r8);
}

/* Remembers that the host has not been told. The queue's lock is held. */
static __always_inline void add_untold(__u64 queue, __u64 request)
{
	struct iotq_untold *untold = bpf_map_lookup_elem(&iotq_untold, &queue);

	if (!untold) {
		bpf_map_update_elem(&iotq_untold, &queue, &none_untold, BPF_NOEXIST);
		untold = bpf_map_lookup_elem(&iotq_untold, &queue);
	}
	if (!untold)
		return;
	untold->requests[untold->added & (IOTQ_UNTOLD - 1)] = request;
	untold->added++;
}

static __noinline int added(__s32 result)
{
	__u32 zero = 0, passed;
	struct adding *adding = bpf_map_lookup_elem(&iotq_adding, &zero);
	struct iotq_block_slot *slot;
	struct iotq_virtio *virtio;
	__u64 request;

	if (!adding || !adding->request)
		return 0;
	request = adding->request;
	adding->request = 0;
	/* No room on the ring: it will be tried again. */
	if (result)
		return 0;
	slot = slot_of(identity_at(request));
	if (!slot)
		return 0;
	if (slot->added)
		close_ring(slot);
	begin_below(slot, request);
	virtio = virtio_record(slot);
	__builtin_memcpy(slot->ring, &adding->record.lat, sizeof(adding->record) - OF_THE_RING);
	if (!virtio->op)
		virtio->op = ring_operation(slot->record.op);
	virtio->lat = virtio->a2n = IOTQ_NULL64;
	virtio->status = virtio->pad = 0;
	virtio->error = 0;
	passed = filter(&iotq_virtio_start, virtio);
	if (!passed && wants_any(IOTQ_LAYER_VIRTIO))
		COUNT(IOTQ_LAYER_VIRTIO, rejected);
	if (is_followed(slot))
		passed |= iotq_config.joined[IOTQ_LAYER_VIRTIO];
	slot->added = passed ? adding->at : 0;
	slot->ring_queries = passed;
	if (!passed) {
		if (!iotq_config.has_start && !iotq_config.has_end && !slot->given)
			forget(slot);
		return 0;
	}
	if (iotq_config.has_notify)
		add_untold(adding->queue, slot->request);
	reach_virtio(slot, IOTQ_VIRTIO_ADD, adding->at);
	return 0;
}

SEC("fexit")
int iotq_virtio_added(struct raw_args *ctx)
{
	return added(ctx->args[6]);
}

SEC("kretprobe")
int iotq_virtio_added_probe(struct pt_regs *ctx)
{
	return added(ctx->ax);
}

/* The host is told of whatever was added to the queue since it was told before. */
static __noinline int notify(__u64 queue)
{
	__u64 now;
	struct iotq_untold *untold = bpf_map_lookup_elem(&iotq_untold, &queue);
	__u32 from, to;

	if (!untold || untold->told == untold->added)
		return 0;
	now = bpf_ktime_get_ns();
	to = untold->added;
	from = to - untold->told > IOTQ_UNTOLD ? to - IOTQ_UNTOLD : untold->told;
	untold->told = to;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < IOTQ_UNTOLD; i++) {
		struct iotq_block_slot *slot;
		__u64 added;

		if (from + i == to)
			break;
		slot = find_slot(untold->requests[(from + i) & (IOTQ_UNTOLD - 1)]);
		added = slot ? slot->added : 0;
		/* It may be over by now, and on the ring again: then the host will be told of it anew. */
		if (!added || added > now || virtio_record(slot)->a2n != IOTQ_NULL64)
			continue;
		virtio_record(slot)->a2n = now - added;
		reach_virtio(slot, IOTQ_VIRTIO_NOTIFY, now);
	}
	return 0;
}

SEC("fentry")
int iotq_virtio_notify(struct raw_args *ctx)
{
	return notify(number((void *)ctx->args[0]));
}

SEC("kprobe")
int iotq_virtio_notify_probe(struct pt_regs *ctx)
{
	return notify(ctx->di);
}

/* The answer has been taken from the ring: its status lies at this address. */
static __noinline int taken(struct iotq_block_slot *slot, __u64 status, bool scsi)
{
	const volatile struct iotq_table *table = &iotq_virtio_at[IOTQ_VIRTIO_COMPLETE];
	__u64 now = bpf_ktime_get_ns();
	struct iotq_virtio *virtio;

	if (!slot)
		return 0;
	virtio = virtio_record(slot);
	virtio->status = READ(__u8, status);
	if (virtio->status)
		virtio->error = virtio->status == UNSUPPORTED && !scsi ? 95 : 5;
	virtio->lat = now - slot->added;
	if (wants(IOTQ_LAYER_VIRTIO, IOTQ_VIRTIO_COMPLETE))
		deliver(&virtio->block.head, sizeof(*virtio), IOTQ_LAYER_VIRTIO, IOTQ_VIRTIO_COMPLETE,
			slot->ring_queries, filter(table, virtio), now);
	slot->added = 0;
	slot->answered |= 1u << IOTQ_LAYER_VIRTIO;
	if (!iotq_config.has_end && !slot->given)
		forget(slot);
	return 0;
}

static __always_inline int blk_done(struct request *rq)
{
	struct iotq_block_slot *slot = find_slot(identity(rq));

	/* That of a SCSI command is over before. */
	if (!slot || !slot->added)
		return 0;
	return taken(slot, driver_data(number(rq)) + iotq_virtio_layout.blk_status, false);
}

SEC("fentry")
int BPF_PROG(iotq_virtio_blk_done, struct request *rq)
{
	return blk_done(rq);
}

/* Where the one does not call the other. */
SEC("fentry")
int BPF_PROG(iotq_virtio_blk_done_remote, struct request *rq)
{
	return blk_done(rq);
}

SEC("raw_tp/scsi_dispatch_cmd_done")
int iotq_virtio_scsi_done(struct raw_args *ctx)
{
	__u64 cmnd = ctx->args[0];
	struct iotq_block_slot *slot = find_slot(identity_at(request_of_data(cmnd)));

	if (!slot || !slot->added)
		return 0;
	/* The ring's command lies behind the layer's. */
	return taken(slot, cmnd + iotq_virtio_layout.scsi_size + iotq_virtio_layout.scsi_response, true);
}

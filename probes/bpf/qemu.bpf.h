/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Requests of guests inside QEMU, on the host: taken off the ring, handed to QEMU's block layer, answered on the ring.
 *
 *   virtio_blk_handle_vq: virtqueue_pop -> [blk_aio_*] -> virtqueue_push
 *
 * Programs sit in QEMU's executable (uprobes). Where it keeps things is read from its code by the installer, for each
 * executable by itself. All that is read is the process's own memory, and its guest's: it is believed in nothing but what
 * is told of this guest.
 */
#include "guest_seen.h"
#include "qemu_kept.h"
#include "virtio_op.h"

const volatile struct iotq_table iotq_qemu_start ON_A_LINE;
const volatile struct iotq_qemu_layout iotq_qemu_layouts[IOTQ_MAX_QEMUS];

/* As it lies on the ring (virtio 1.2, 5.2.6). */
#define SECTOR_SIZE 512
#define BARRIER (1u << 31)
#define STATUS_UNSUPPORTED 2

struct asked {
	__u32 type;
	__u32 priority;
	__u64 sector;
};

struct discarded {
	__u64 sector;
	__u32 sectors;
	__u32 flags;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct iotq_qemu_key);
	__type(value, struct iotq_qemu_queue);
} iotq_qemu_queues SEC(".maps");

/* Where a request is described: the stack has no room for it. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct qemu_request);
} iotq_qemu_popped SEC(".maps");

static const struct iotq_qemu_queue new_queue;
static const struct qemu_request new_request;

typedef const volatile struct iotq_qemu_layout qemu_layout;

static __always_inline __u32 qemu_of(void *ctx)
{
	return bpf_get_attach_cookie(ctx) & (IOTQ_MAX_QEMUS - 1);
}

/* By its number, enum iotq_register: the verifier allows no other way to choose one. */
static __always_inline __u64 kept_register(struct pt_regs *ctx, __u32 which)
{
	volatile __u64 all[] = { ctx->bx, ctx->bp, ctx->r12, ctx->r13, ctx->r14, ctx->r15 };

	return which < sizeof(all) / sizeof(*all) ? all[which] : 0;
}

/* The bytes of so many vectors. One at a time: the verifier walks all ways of a loop that reads more. */
__noinline __u64 iotq_vectors_size(__u64 at, __u32 count)
{
	__u64 size = 0;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < MOST_VECTORS; i++) {
		if (i >= count)
			break;
		size += READ_USER(__u64, at + i * sizeof(struct vector) + __builtin_offsetof(struct vector, len));
	}
	return size;
}

/* The beginning of an element. Of several reads, each costs as much as the one of all. */
struct element {
	__u8 bytes[IOTQ_ELEMENT_WINDOW] __attribute__((aligned(8)));
};

/* A number in it; the mask tells the verifier that it lies within. */
#define OF_ELEMENT(type, element, offset) \
	(*(type *)&(element)->bytes[(offset) & (IOTQ_ELEMENT_WINDOW - sizeof(type))])

/* Where in the ring it was. The queue has moved on. */
static __always_inline void describe_ring(struct iotq_qemu *record, qemu_layout *layout, const struct element *element,
					  __u64 queue, __u64 device)
{
	__u32 last = READ_USER(__u16, queue + layout->queue_last), count;

	record->queue = READ_USER(__u16, queue + layout->queue_index);
	record->first = OF_ELEMENT(__u32, element, 0);
	record->format = IOTQ_RING_FORMAT_SPLIT;
	record->index = (last - 1) & 0xffff;
	if (!(READ_USER(__u8, device + layout->device_packed) & layout->packed_mask))
		return;
	record->format = IOTQ_RING_FORMAT_PACKED;
	count = OF_ELEMENT(__u32, element, layout->element_count);
	if (last < count)
		last += READ_USER(__u32, queue + layout->queue_size);
	record->index = (last - count) & 0xffff;
}

/* What the guest asks for, as it stands in its memory. */
static __always_inline void describe_asked(struct qemu_request *request, qemu_layout *layout,
					   const struct element *element)
{
	struct iotq_qemu *record = &request->record;
	__u32 outs = OF_ELEMENT(__u32, element, layout->element_outs);
	__u32 ins = OF_ELEMENT(__u32, element, layout->element_ins);
	__u64 out = OF_ELEMENT(__u64, element, layout->element_out);
	__u64 in = OF_ELEMENT(__u64, element, layout->element_in);
	struct vector head = {}, last = {};
	struct discarded discarded = {};
	struct asked asked = {};

	record->offset = IOTQ_NULL64;
	record->op = IOTQ_VIRTIO_OP_OTHER;
	if (ins && ins <= MOST_VECTORS)
		bpf_probe_read_user(&last, sizeof(last), (void *)(in + (ins - 1) * sizeof(last)));
	request->status = last.base + last.len - 1;
	if (bpf_probe_read_user(&head, sizeof(head), (void *)out) || head.len < sizeof(asked) ||
	    bpf_probe_read_user(&asked, sizeof(asked), (void *)head.base)) {
		record->head.marks |= IOTQ_MARK_APPROX_ASKED;
		return;
	}
	record->op = blk_operation(asked.type & ~BARRIER);
	switch (record->op) {
	case IOTQ_VIRTIO_OP_READ:
		if (iotq_config.follow_guests)
			expect_at(request, in, READ_USER(__u64, in));
		record->offset = asked.sector * SECTOR_SIZE;
		record->size = iotq_vectors_size(in, ins) - 1;
		break;
	case IOTQ_VIRTIO_OP_WRITE:
		/* Behind the head, in the same vector or the next one. */
		if (iotq_config.follow_guests && head.len > sizeof(asked))
			expect_at(request, out, head.base + sizeof(asked));
		else if (iotq_config.follow_guests)
			expect_at(request, out + sizeof(head), READ_USER(__u64, out + sizeof(head)));
		record->offset = asked.sector * SECTOR_SIZE;
		record->size = iotq_vectors_size(out, outs) - sizeof(asked);
		break;
	case IOTQ_VIRTIO_OP_DISCARD:
	case IOTQ_VIRTIO_OP_WRITE_ZEROES:
		if (head.len == sizeof(asked))
			bpf_probe_read_user(&head, sizeof(head), (void *)(out + sizeof(head)));
		else
			head.base += sizeof(asked);
		if (bpf_probe_read_user(&discarded, sizeof(discarded), (void *)head.base)) {
			record->head.marks |= IOTQ_MARK_APPROX_ASKED;
			break;
		}
		record->offset = discarded.sector * SECTOR_SIZE;
		record->size = (__u64)discarded.sectors * SECTOR_SIZE;
	}
}

static __always_inline void describe_request(struct qemu_request *request, qemu_layout *layout, __u64 address)
{
	struct element element = {};

	/* All zero where it cannot be read, which is told of the head. */
	bpf_probe_read_user(&element, sizeof(element), (void *)address);
	request->device = READ_USER(__u64, request->queue + layout->queue_device);
	describe_ring(&request->record, layout, &element, request->queue, request->device);
	describe_asked(request, layout, &element);
}

static __noinline int reach_rare_qemu(struct iotq_qemu *record, __u32 point, __u64 now)
{
	if (record && point < IOTQ_QEMU_POINTS)
		deliver(&record->head, sizeof(*record), IOTQ_LAYER_QEMU, point, record->head.queries,
			filter_rare(&iotq_qemu_at[point], record), now);
	return 0;
}

static __always_inline void reach_qemu(struct iotq_qemu *record, __u32 point, __u64 now)
{
	if (wants(IOTQ_LAYER_QEMU, point))
		reach_rare_qemu(record, point, now);
}

/*
 * Notes the queue of a disk, and in which round of its indices a request is: they are used again and again, those of a packed
 * ring after some hundred requests. A queue's requests are popped by one thread at a time.
 */
static __always_inline void note_queue(const struct iotq_qemu_key *key, struct qemu_request *request)
{
	struct iotq_qemu_queue *queue = bpf_map_lookup_elem(&iotq_qemu_queues, key);
	struct iotq_qemu *record = &request->record;

	if (!queue) {
		bpf_map_update_elem(&iotq_qemu_queues, key, &new_queue, BPF_NOEXIST);
		queue = bpf_map_lookup_elem(&iotq_qemu_queues, key);
	}
	if (!queue)
		return;
	queue->device = request->device;
	queue->queue = record->queue;
	if (record->index <= queue->index)
		queue->round++;
	queue->index = record->index;
	request->round = queue->round;
}

static __always_inline int pop(struct pt_regs *ctx, qemu_layout *layout, __u64 element)
{
	__u64 queue = kept_register(ctx, layout->pop_register), name;
	struct iotq_qemu_key key = qemu_key(queue);
	__u32 only = 0;
	struct qemu_request *request = bpf_map_lookup_elem(&iotq_qemu_popped, &only), *before;
	struct iotq_qemu *record;
	__u64 popped = 0;

	if (!request)
		return 0;
	*request = new_request;
	request->queue = queue;
	request->popped = bpf_ktime_get_ns();
	record = &request->record;
	describe_task(&record->task);
	describe_request(request, layout, element);
	record->p2s = record->s2p = record->lat = record->kick = record->inject = IOTQ_NULL64;
	if (iotq_config.want_guest && layout->name != IOTQ_NULL64) {
		name = READ_USER(__u64, ctx->ip + layout->name);
		bpf_probe_read_user_str(record->guest, sizeof(record->guest), (void *)name);
	}
	note_queue(&key, request);
	key.address = element;
	/* One with this address that was not answered: the device was reset. */
	before = bpf_map_lookup_elem(&iotq_qemu_requests, &key);
	if (before) {
		COUNT(IOTQ_LAYER_QEMU, unmatched);
		popped = before->popped;
	}
	record->head.queries = filter(&iotq_qemu_start, record);
	if (!record->head.queries) {
		COUNT(IOTQ_LAYER_QEMU, rejected);
		bpf_map_delete_elem(&iotq_qemu_requests, &key);
		return 0;
	}
	if (bpf_map_update_elem(&iotq_qemu_requests, &key, request, BPF_ANY) ||
	    (iotq_config.follow_guests && !expect_calls(request, element, popped))) {
		COUNT(IOTQ_LAYER_QEMU, lost_slot);
		bpf_map_delete_elem(&iotq_qemu_requests, &key);
		return 0;
	}
	reach_qemu(record, IOTQ_QEMU_POP, request->popped);
	return 0;
}

/* Behind the call of virtqueue_pop. */
SEC("uprobe")
int iotq_qemu_pop(struct pt_regs *ctx)
{
	/* The ring was empty. */
	if (!ctx->ax || is_left_alone())
		return 0;
	return pop(ctx, &iotq_qemu_layouts[qemu_of(ctx)], ctx->ax);
}

/* What people call a disk: the name of its drive, or that of its device. The device of a virtio disk is a part of the one that has it. */
static __always_inline void name_disk(char *name, qemu_layout *layout, __u64 disk)
{
	__u64 device, at = layout->blk_name == IOTQ_NULL32 ? 0 : READ_USER(__u64, disk + layout->blk_name);

	bpf_probe_read_user_str(name, IOTQ_NAME_LEN, (void *)at);
	if (name[0] || layout->blk_device == IOTQ_NULL32)
		return;
	device = READ_USER(__u64, disk + layout->blk_device);
	at = READ_USER(__u64, device + layout->device_id);
	if (!at) {
		device = READ_USER(__u64, device + layout->device_parent);
		at = READ_USER(__u64, device + layout->device_id);
	}
	bpf_probe_read_user_str(name, IOTQ_NAME_LEN, (void *)at);
}

/* Those of a queue are for one disk: its name is asked for once. */
static __always_inline void describe_disk(struct qemu_request *request, qemu_layout *layout, __u64 disk)
{
	struct iotq_qemu_key key = qemu_key(request->queue);
	struct iotq_qemu_queue *queue = bpf_map_lookup_elem(&iotq_qemu_queues, &key);

	if (!queue)
		return;
	if (disk && queue->disk != disk) {
		name_disk(queue->name, layout, disk);
		queue->disk = disk;
	}
	__builtin_memcpy(request->record.disk, queue->name, sizeof(queue->name));
}

static __noinline int submit(__u64 element, __u64 disk, __u32 qemu)
{
	struct iotq_qemu_key key = qemu_key(element);
	struct qemu_request *request = bpf_map_lookup_elem(&iotq_qemu_requests, &key);

	/* Not a virtio disk's, or one that is tried again. */
	if (!request || request->submitted)
		return 0;
	request->submitted = bpf_ktime_get_ns();
	request->record.p2s = request->submitted - request->popped;
	if (iotq_config.want_disk)
		describe_disk(request, &iotq_qemu_layouts[qemu & (IOTQ_MAX_QEMUS - 1)], disk);
	reach_qemu(&request->record, IOTQ_QEMU_SUBMIT, request->submitted);
	return 0;
}

/* The request is the last argument: of six, */
SEC("uprobe")
int iotq_qemu_submit(struct pt_regs *ctx)
{
	return submit(ctx->r9, ctx->di, qemu_of(ctx));
}

/* of five, */
SEC("uprobe")
int iotq_qemu_submit_discard(struct pt_regs *ctx)
{
	return submit(ctx->r8, ctx->di, qemu_of(ctx));
}

/* and of three. */
SEC("uprobe")
int iotq_qemu_submit_flush(struct pt_regs *ctx)
{
	return submit(ctx->dx, ctx->di, qemu_of(ctx));
}

/* An answer without a request that was seen; of a disk, and of interest. */
static __noinline int note_unmatched(__u64 queue)
{
	struct iotq_qemu_key key = qemu_key(queue);

	if (takes_all(&iotq_qemu_start) && bpf_map_lookup_elem(&iotq_qemu_queues, &key))
		COUNT(IOTQ_LAYER_QEMU, unmatched);
	return 0;
}

static __always_inline void describe_end(struct qemu_request *request, __u64 now)
{
	struct iotq_qemu *record = &request->record;
	bool data = record->op == IOTQ_VIRTIO_OP_READ || record->op == IOTQ_VIRTIO_OP_WRITE;

	record->status = READ_USER(__u8, request->status);
	if (record->status)
		record->error = record->status == STATUS_UNSUPPORTED ? 95 : 5;
	record->lat = now - request->popped;
	if (request->submitted)
		record->s2p = now - request->submitted;
	else if (iotq_config.want_disk)
		describe_disk(request, NULL, 0);
	record->merged = data && !request->submitted && !record->status;
}

SEC("uprobe")
int iotq_qemu_push(struct pt_regs *ctx)
{
	struct iotq_qemu_key key = qemu_key(ctx->si);
	struct qemu_request *request = bpf_map_lookup_elem(&iotq_qemu_requests, &key);
	struct belongings none = {};
	struct iotq_qemu *record;
	__u64 now;

	/* Most are of other devices. */
	if (!request || request->queue != ctx->di)
		return note_unmatched(ctx->di);
	now = bpf_ktime_get_ns();
	record = &request->record;
	describe_end(request, now);
	if (iotq_config.follow_guests && answer(request, key.address, now)) {
		/* It is told with the next call of this thread. */
	} else if (iotq_config.keep) {
		/* What was done for one that has no place is not known. */
		if (iotq_config.follow_guests)
			record->head.marks |= IOTQ_MARK_CROWDED;
		keep_request(record, request->device, request->round, now, &none);
	} else if (iotq_config.follow_guests) {
		COUNT(IOTQ_LAYER_QEMU, lost_slot);
	} else if (wants(IOTQ_LAYER_QEMU, IOTQ_QEMU_PUSH)) {
		deliver(&record->head, sizeof(*record), IOTQ_LAYER_QEMU, IOTQ_QEMU_PUSH, record->head.queries,
			filter(&iotq_qemu_at[IOTQ_QEMU_PUSH], record), now);
	}
	bpf_map_delete_elem(&iotq_qemu_requests, &key);
	return 0;
}

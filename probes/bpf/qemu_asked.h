/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* What a guest asks of a virtio disk, and where on its ring: as it stands in the memory of its QEMU. */
#ifndef IOTQ_QEMU_ASKED_H
#define IOTQ_QEMU_ASKED_H

#include "guest_seen.h"
#include "virtio_op.h"

const volatile struct iotq_qemu_layout iotq_qemu_layouts[IOTQ_MAX_QEMUS];

typedef const volatile struct iotq_qemu_layout qemu_layout;

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

static __always_inline struct vector vector_at(__u64 address)
{
	struct vector vector = {};

	bpf_probe_read_user(&vector, sizeof(vector), (void *)address);
	return vector;
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
			expect_behind(request, in, vector_at(in), 0);
		record->offset = asked.sector * SECTOR_SIZE;
		record->size = iotq_vectors_size(in, ins) - 1;
		break;
	case IOTQ_VIRTIO_OP_WRITE:
		if (iotq_config.follow_guests)
			expect_behind(request, out, head, sizeof(asked));
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

#endif

/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* What a guest asks of a SCSI disk behind a virtio host adapter: a command, between the heads of the request. */
#ifndef IOTQ_QEMU_SCSI_H
#define IOTQ_QEMU_SCSI_H

#include "qemu_asked.h"
#include "scsi_op.h"

/*
 * As it lies on the ring (virtio 1.2, 5.6.6), with the sizes that a device begins with and drivers leave: 32 bytes for the
 * command, 96 for sense data.
 */
#define SCSI_HEAD (19 + 32)
#define SCSI_ANSWER (12 + 96)
#define SCSI_STATUS 10 /* in the answer: two bytes, the second is the host adapter's response */
#define COMMAND_SIZE 16
#define LARGEST_BLOCK (64 << 10)

_Static_assert((int)IOTQ_SCSI_OP_READ == IOTQ_VIRTIO_OP_READ && (int)IOTQ_SCSI_OP_WRITE == IOTQ_VIRTIO_OP_WRITE &&
		       (int)IOTQ_SCSI_OP_FLUSH == IOTQ_VIRTIO_OP_FLUSH &&
		       (int)IOTQ_SCSI_OP_DISCARD == IOTQ_VIRTIO_OP_DISCARD &&
		       (int)IOTQ_SCSI_OP_WRITE_ZEROES == IOTQ_VIRTIO_OP_WRITE_ZEROES,
	       "operations");

/* A number of so many bytes, the first one the highest. */
static __always_inline __u64 big_endian(const __u8 *bytes, __u32 count)
{
	__u64 number = 0;

#pragma unroll
	for (__u32 i = 0; i < count; i++)
		number = number << 8 | bytes[i];
	return number;
}

struct blocks {
	__u64 first;
	__u64 count;
};

/* The blocks that a command is for: the highest bits of its first byte tell how it is laid out. */
static __always_inline struct blocks blocks_of(const __u8 *command)
{
	switch (command[0] >> 5) {
	case 0:
		return (struct blocks){ big_endian(command + 1, 3) & 0x1fffff, command[4] ? command[4] : 256 };
	case 1:
	case 2:
		return (struct blocks){ big_endian(command + 2, 4), big_endian(command + 7, 2) };
	case 4:
		return (struct blocks){ big_endian(command + 2, 8), big_endian(command + 10, 4) };
	case 5:
		return (struct blocks){ big_endian(command + 2, 4), big_endian(command + 6, 4) };
	default:
		return (struct blocks){};
	}
}

/* So many bytes of data are for so many blocks: that tells the size of one. */
static __always_inline void describe_blocks(struct iotq_qemu *record, struct blocks blocks, __u64 data, __u64 data_blocks)
{
	__u64 block = data_blocks ? data / data_blocks : 0;

	if (block < SECTOR_SIZE || block > LARGEST_BLOCK || block & (block - 1) || block * data_blocks != data) {
		record->head.marks |= IOTQ_MARK_APPROX_ASKED;
		return;
	}
	record->offset = blocks.first * block;
	record->size = blocks.count * block;
}

/* The data of UNMAP, behind eight bytes; one range, in blocks. */
struct unmapped {
	__u8 lengths[8];
	__u8 first[8];
	__u8 count[4];
	__u8 reserved[4];
};
#define UNMAP_RANGE 16

/* The first range. What is handed to the block layer tells the size of its blocks: until then, the usual one. */
static __always_inline void describe_unmapped(struct iotq_qemu *record, __u64 data)
{
	struct unmapped unmapped = {};

	if (bpf_probe_read_user(&unmapped, sizeof(unmapped), (void *)data) ||
	    big_endian(unmapped.lengths + 2, 2) != UNMAP_RANGE)
		record->head.marks |= IOTQ_MARK_APPROX_ASKED;
	record->offset = big_endian(unmapped.first, 8) * SECTOR_SIZE;
	record->size = big_endian(unmapped.count, 4) * SECTOR_SIZE;
}

/* Its element has the device and the queue behind it: another host adapter's has not. */
static __always_inline __u64 scsi_queue(qemu_layout *layout, __u64 element)
{
	__u64 behind = element + layout->element_out + sizeof(__u64);
	__u64 device = READ_USER(__u64, behind), queue = READ_USER(__u64, behind + sizeof(__u64));

	return device && READ_USER(__u64, queue + layout->queue_device) == device ? queue : 0;
}

/* The host adapter's answer to a request that is answered. */
static __always_inline __u8 scsi_response(qemu_layout *layout, __u64 element)
{
	struct vector answer = vector_at(READ_USER(__u64, element + layout->element_in));

	return READ_USER(__u8, answer.base + SCSI_STATUS + 1);
}

static __always_inline void describe_scsi_asked(struct qemu_request *request, qemu_layout *layout,
						const struct element *element, __u64 at)
{
	struct iotq_qemu *record = &request->record;
	__u64 in = OF_ELEMENT(__u64, element, layout->element_in);
	struct vector first = vector_at(in);
	__u8 command[COMMAND_SIZE] = {};
	__u32 count, head = SCSI_ANSWER;
	__u64 vectors = in, data;
	struct blocks blocks;

	request->kind = IOTQ_QEMU_KIND_SCSI;
	request->status = first.base + SCSI_STATUS;
	record->offset = IOTQ_NULL64;
	record->op = IOTQ_VIRTIO_OP_OTHER;
	if (bpf_probe_read_user(command, sizeof(command), (void *)at)) {
		record->head.marks |= IOTQ_MARK_APPROX_ASKED;
		return;
	}
	record->op = scsi_operation(command[0], command[1]);
	if (record->op > IOTQ_VIRTIO_OP_OTHER)
		record->op = IOTQ_VIRTIO_OP_OTHER;
	if (record->op == IOTQ_VIRTIO_OP_OTHER || record->op == IOTQ_VIRTIO_OP_FLUSH)
		return;
	count = OF_ELEMENT(__u32, element, layout->element_ins);
	if (record->op != IOTQ_VIRTIO_OP_READ) {
		vectors = OF_ELEMENT(__u64, element, layout->element_out);
		count = OF_ELEMENT(__u32, element, layout->element_outs);
		first = vector_at(vectors);
		head = SCSI_HEAD;
	}
	if (iotq_config.follow_guests || command[0] == UNMAP)
		expect_behind(request, vectors, first, head);
	if (command[0] == UNMAP) {
		describe_unmapped(record, request->data);
		return;
	}
	blocks = blocks_of(command);
	data = iotq_vectors_size(vectors, count) - head;
	/* Where the blocks are to be alike, the data are one of them. */
	describe_blocks(record, blocks, data, record->op > IOTQ_VIRTIO_OP_WRITE ? 1 : blocks.count);
}

#endif

/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * What a guest asks of an emulated NVMe drive. Its commands are fetched where no program can sit: what is known of one begins
 * where its data are looked up, and of one without data where it is handed to the block layer.
 */
#ifndef IOTQ_QEMU_NVME_H
#define IOTQ_QEMU_NVME_H

#include "qemu_given.h"

/* A command's head, as the specification has it, and the number of ranges of a discard. */
struct nvme_asked {
	__u8 opcode;
	__u8 flags;
	__u16 id;
	__u32 namespace;
};
#define NVME_RANGES 40

#define NVME_FLUSH 0x00
#define NVME_WRITE 0x01
#define NVME_READ 0x02
#define NVME_ZEROES 0x08
#define NVME_DISCARD 0x09
#define NVME_APPEND 0x7d

/* A request begins with its queue, and this with its controller: its number follows. */
#define QUEUE_NUMBER 8
/* Before the command, in the order of struct NvmeRequest: the status that it will be answered with. */
#define STATUS_BEFORE 32

/* A call of the block layer. */
struct blk_call {
	__u64 opaque;
	__u64 disk;
	__u64 offset;
	__u64 more; /* of a read or write its vectors, else its length */
	__u64 ip; /* of the program there, */
	__u64 cookie; /* and its cookie */
};

static __noinline __u32 nvme_operation(__u32 opcode)
{
	switch (opcode) {
	case NVME_FLUSH:
		return IOTQ_VIRTIO_OP_FLUSH;
	case NVME_WRITE:
	case NVME_APPEND:
		return IOTQ_VIRTIO_OP_WRITE;
	case NVME_READ:
		return IOTQ_VIRTIO_OP_READ;
	case NVME_ZEROES:
		return IOTQ_VIRTIO_OP_WRITE_ZEROES;
	case NVME_DISCARD:
		return IOTQ_VIRTIO_OP_DISCARD;
	default:
		return IOTQ_VIRTIO_OP_OTHER;
	}
}

/* Whether something is a request: its data were looked up just now. */
static __always_inline bool is_given(__u64 at, __u64 controller, qemu_layout *layout, const struct qemu_given *given)
{
	return given && given->command == at + layout->nvme_command && given->controller == controller;
}

/* Whether something is a request without data: of a controller that is known. */
static __always_inline bool is_without_data(__u64 at, __u64 controller, qemu_layout *layout)
{
	struct iotq_qemu_key key = qemu_key(controller);
	struct iotq_qemu_queue *known;
	__u8 opcode;

	if (!controller)
		return false;
	known = bpf_map_lookup_elem(&iotq_qemu_queues, &key);
	opcode = READ_USER(__u8, at + layout->nvme_command);
	return known && known->kind == IOTQ_QEMU_KIND_NVME && (opcode == NVME_FLUSH || opcode == NVME_ZEROES);
}

static __noinline bool is_nvme_request(__u64 at, __u32 qemu, const struct qemu_given *given)
{
	qemu_layout *layout = layout_of(qemu);
	__u64 controller = READ_USER(__u64, READ_USER(__u64, at));

	return is_given(at, controller, layout, given) || is_without_data(at, controller, layout);
}

/* The block layer is told of the request, or of something that was made for it. */
static __always_inline __u64 nvme_request(const struct blk_call *call, const struct qemu_given *given)
{
	__u64 behind = READ_USER(__u64, call->opaque + layout_of(call->cookie)->nvme_made_for);

	if (is_nvme_request(behind, call->cookie, given))
		return behind;
	return is_nvme_request(call->opaque, call->cookie, given) ? call->opaque : 0;
}

/* Commands without data are known by their controllers. */
static __always_inline void note_controller(__u64 controller)
{
	struct iotq_qemu_key key = qemu_key(controller);
	struct iotq_qemu_queue *known = queue_at(&key);

	if (!known || known->device)
		return;
	known->kind = IOTQ_QEMU_KIND_NVME;
	known->device = controller;
}

static __always_inline void describe_nvme_asked(struct qemu_request *request, const struct nvme_asked *asked,
						const struct blk_call *call, __u64 length)
{
	struct iotq_qemu *record = &request->record;

	request->kind = IOTQ_QEMU_KIND_NVME;
	record->format = IOTQ_RING_FORMAT_NVME;
	record->index = asked->id;
	record->first = asked->namespace;
	record->op = nvme_operation(asked->opcode);
	record->offset = record->op == IOTQ_VIRTIO_OP_FLUSH ? IOTQ_NULL64 : call->offset;
	if (record->op > IOTQ_VIRTIO_OP_WRITE) {
		record->size = call->more;
		return;
	}
	record->size = length;
	if (!iotq_config.follow_guests)
		return;
	request->vectors = READ_USER(__u64, call->more);
	request->data = READ_USER(__u64, request->vectors);
}

/* What an administrator asks for is none of a disk's requests, and what will not be seen to end is left alone. */
static __always_inline void take_up_nvme(struct qemu_request *request, __u64 at, bool ends)
{
	struct iotq_qemu *record = &request->record;

	note_controller(request->device);
	if (record->queue && record->op < IOTQ_VIRTIO_OP_OTHER && (ends || record->op <= IOTQ_VIRTIO_OP_WRITE))
		take_up(request, at);
}

/* A request of an NVMe drive begins, if this call is for one that is not known yet: where it is. */
static __noinline __u64 begin_nvme(const struct blk_call *call)
{
	struct qemu_given *given = given_here();
	struct qemu_request *request;
	struct nvme_asked asked = {};
	__u64 at, queue, command, length = 0, popped = bpf_ktime_get_ns();

	if (!call || layout_of(call->cookie)->nvme_command == IOTQ_NULL32)
		return 0;
	at = nvme_request(call, given);
	if (!at)
		return 0;
	command = at + layout_of(call->cookie)->nvme_command;
	if (given && given->command == command) {
		popped = given->popped;
		length = given->length;
		forget_given();
	}
	queue = READ_USER(__u64, at);
	request = request_anew(queue, popped);
	if (!request)
		return 0;
	request->device = READ_USER(__u64, queue);
	request->disk = call->disk;
	request->status = command - STATUS_BEFORE;
	request->record.queue = READ_USER(__u16, queue + QUEUE_NUMBER);
	bpf_probe_read_user(&asked, sizeof(asked), (void *)command);
	describe_nvme_asked(request, &asked, call, length);
	/* Of several ranges, each is a call. */
	if (asked.opcode == NVME_DISCARD && READ_USER(__u8, command + NVME_RANGES))
		request->record.head.marks |= IOTQ_MARK_APPROX_ASKED;
	name_guest(&request->record, name_from(call->ip, call->cookie));
	take_up_nvme(request, at, layout_of(call->cookie)->nvme_ends);
	return at;
}

#endif

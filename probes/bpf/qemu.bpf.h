/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Requests of guests inside QEMU, on the host: taken off the ring, handed to QEMU's block layer, answered on the ring.
 *
 *   virtio_blk_handle_vq: virtqueue_pop -> [blk_aio_*] -> virtqueue_push
 *   [virtqueue_pop] -> scsi_req_new -> scsi_req_enqueue: [blk_aio_*] -> virtqueue_push
 *   nvme_map_dptr -> [blk_aio_*] -> nvme_rw_complete_cb
 *                    [blk_aio_*] -> qemu_aio_unref
 *
 * Programs sit in QEMU's executable (uprobes). Where it keeps things is read from its code by the installer, for each
 * executable by itself. All that is read is the process's own memory, and its guest's: it is believed in nothing but what
 * is told of this guest.
 */
#include "qemu_nvme.h"
#include "qemu_scsi.h"

/* By its number, enum iotq_register: the verifier allows no other way to choose one. */
static __always_inline __u64 kept_register(struct pt_regs *ctx, __u32 which)
{
	volatile __u64 all[] = { ctx->bx, ctx->bp, ctx->r12, ctx->r13, ctx->r14, ctx->r15 };

	return which < sizeof(all) / sizeof(*all) ? all[which] : 0;
}

static __always_inline void describe_popped(struct qemu_request *request, qemu_layout *layout, __u64 address,
					    __u64 command)
{
	struct element element = {};

	/* All zero where it cannot be read, which is told of the head. */
	bpf_probe_read_user(&element, sizeof(element), (void *)address);
	request->device = READ_USER(__u64, request->queue + layout->queue_device);
	describe_ring(&request->record, layout, &element, request->queue, request->device);
	if (command)
		describe_scsi_asked(request, layout, &element, command);
	else
		describe_asked(request, layout, &element);
}

/*
 * `name`: where the pointer to the guest's name is. `from`: of a request with a SCSI command the disk, of another one the
 * queue.
 */
__noinline int pop_request(__u64 element, __u64 from, __u32 qemu, __u64 name, __u64 command)
{
	qemu_layout *layout = layout_of(qemu);
	__u64 queue = command ? scsi_queue(layout, element) : from;
	struct qemu_request *request = queue ? request_anew(queue, bpf_ktime_get_ns()) : NULL;

	if (!request)
		return 0;
	describe_popped(request, layout, element, command);
	request->disk = command ? from : request->device;
	name_guest(&request->record, name);
	take_up(request, element);
	return 0;
}

/* Behind the call of virtqueue_pop. */
SEC("uprobe")
int iotq_qemu_pop(struct pt_regs *ctx)
{
	qemu_layout *layout = layout_of(qemu_of(ctx));

	/* The ring was empty. */
	if (!ctx->ax || is_left_alone())
		return 0;
	return pop_request(ctx->ax, kept_register(ctx, layout->pop_register), qemu_of(ctx), name_here(ctx), 0);
}

/* Each request is made right after it was popped: of which disk, with which command, for which element. */
SEC("uprobe")
int iotq_qemu_scsi_pop(struct pt_regs *ctx)
{
	if (!ctx->cx || is_left_alone())
		return 0;
	return pop_request(ctx->r9, ctx->di, qemu_of(ctx), name_here(ctx), ctx->cx);
}

/* What the thread does next for the block layer is for this request. */
SEC("uprobe")
int iotq_qemu_scsi_given(struct pt_regs *ctx)
{
	qemu_layout *layout = layout_of(qemu_of(ctx));
	struct qemu_given given = {};
	struct qemu_request *request;

	if (layout->scsi_element == IOTQ_NULL32 || is_left_alone())
		return 0;
	given.element = READ_USER(__u64, ctx->di + layout->scsi_element);
	request = request_of(given.element);
	if (request && request->kind == IOTQ_QEMU_KIND_SCSI)
		give(&given);
	return 0;
}

/* The data of a command are looked up: for this controller, so many bytes. */
SEC("uprobe")
int iotq_qemu_nvme_pop(struct pt_regs *ctx)
{
	struct qemu_given given = {
		.command = ctx->cx,
		.controller = ctx->di,
		.length = ctx->dx,
		.popped = bpf_ktime_get_ns(),
	};

	if (layout_of(qemu_of(ctx))->nvme_command != IOTQ_NULL32 && !is_left_alone())
		give(&given);
	return 0;
}

/* A SCSI request is not told to the block layer. */
static __always_inline struct qemu_request *scsi_given_here(void)
{
	struct qemu_given *given = given_here();

	return given && given->element ? request_of(given->element) : NULL;
}

static __noinline int submit(const struct blk_call *call)
{
	struct qemu_request *request;

	if (!call)
		return 0;
	request = request_of(call->opaque);
	if (!request)
		request = scsi_given_here();
	if (!request && !is_left_alone())
		request = request_of(begin_nvme(call));
	/* Of another disk, or tried again. */
	if (!request || request->submitted)
		return 0;
	if (request->kind == IOTQ_QEMU_KIND_SCSI)
		forget_given();
	request->submitted = bpf_ktime_get_ns();
	request->record.p2s = request->submitted - request->popped;
	if (iotq_config.want_disk)
		describe_disk(request, layout_of(call->cookie), call->disk);
	reach_qemu(&request->record, IOTQ_QEMU_SUBMIT, request->submitted);
	return 0;
}

/* Where it is on the disk is known of a SCSI request now. */
static __always_inline void place_discard(__u64 offset, __u64 size)
{
	struct qemu_request *request = scsi_given_here();

	if (!request || request->record.op != IOTQ_VIRTIO_OP_DISCARD)
		return;
	request->record.offset = offset;
	request->record.size = size;
}

static __always_inline struct blk_call call_of(struct pt_regs *ctx, __u64 opaque)
{
	return (struct blk_call){
		.opaque = opaque,
		.disk = ctx->di,
		.offset = ctx->si,
		.more = ctx->dx,
		.ip = ctx->ip,
		.cookie = bpf_get_attach_cookie(ctx),
	};
}

/* The request is the last argument: of six, */
SEC("uprobe")
int iotq_qemu_submit(struct pt_regs *ctx)
{
	struct blk_call call = call_of(ctx, ctx->r9);

	return submit(&call);
}

/* of five, */
SEC("uprobe")
int iotq_qemu_submit_discard(struct pt_regs *ctx)
{
	struct blk_call call = call_of(ctx, ctx->r8);

	place_discard(ctx->si, ctx->dx);
	return submit(&call);
}

/* Of a disk of the host's own, commands are passed on. */
SEC("uprobe")
int iotq_qemu_submit_command(struct pt_regs *ctx)
{
	struct blk_call call = call_of(ctx, ctx->r8);

	return submit(&call);
}

/* and of three. */
SEC("uprobe")
int iotq_qemu_submit_flush(struct pt_regs *ctx)
{
	struct blk_call call = call_of(ctx, ctx->dx);

	call.more = 0;
	return submit(&call);
}

/* An answer without a request that was seen; of a disk, and of interest. */
static __noinline int note_unmatched(__u64 queue, __u64 element, __u32 qemu)
{
	struct iotq_qemu_key key = qemu_key(queue);
	struct iotq_qemu_queue *known = bpf_map_lookup_elem(&iotq_qemu_queues, &key);

	if (!takes_all(&iotq_qemu_start) || !known)
		return 0;
	/* What is for a disk that is not there is refused before it becomes a request. */
	if (known->kind == IOTQ_QEMU_KIND_SCSI && scsi_response(layout_of(qemu), element))
		return 0;
	COUNT(IOTQ_LAYER_QEMU, unmatched);
	return 0;
}

static __always_inline void describe_answer(struct qemu_request *request)
{
	struct iotq_qemu *record = &request->record;
	__u32 answer;

	if (request->kind == IOTQ_QEMU_KIND_SCSI) {
		answer = READ_USER(__u16, request->status);
		record->status = answer >> 8;
		record->error = answer ? 5 : 0;
		return;
	}
	record->status = READ_USER(__u8, request->status);
	if (record->status)
		record->error = record->status == STATUS_UNSUPPORTED ? 95 : 5;
}

/* A virtio disk's neighbours are submitted with the first of them. */
static __always_inline void describe_uncalled(struct qemu_request *request)
{
	struct iotq_qemu *record = &request->record;
	bool data = record->op == IOTQ_VIRTIO_OP_READ || record->op == IOTQ_VIRTIO_OP_WRITE;

	if (request->kind == IOTQ_QEMU_KIND_SCSI) {
		forget_given();
		return;
	}
	if (iotq_config.want_disk)
		describe_disk(request, NULL, 0);
	record->merged = data && !record->status;
}

SEC("uprobe")
int iotq_qemu_push(struct pt_regs *ctx)
{
	struct qemu_request *request = request_of(ctx->si);

	/* Most are of other devices. */
	if (!request || request->queue != ctx->di)
		return note_unmatched(ctx->di, ctx->si, qemu_of(ctx));
	describe_answer(request);
	if (!request->submitted)
		describe_uncalled(request);
	return end_request(request, ctx->si, bpf_ktime_get_ns());
}

static __always_inline struct qemu_request *nvme_request_of(__u64 at)
{
	struct qemu_request *request = request_of(at);

	return request && request->kind == IOTQ_QEMU_KIND_NVME ? request : NULL;
}

/* A read or write is over, by this errno. */
SEC("uprobe")
int iotq_qemu_nvme_push(struct pt_regs *ctx)
{
	struct qemu_request *request = nvme_request_of(ctx->di);
	__s32 result = ctx->si;

	if (!request)
		return note_unmatched(READ_USER(__u64, ctx->di), 0, qemu_of(ctx));
	request->record.error = -result;
	request->record.status = !!result;
	return end_request(request, ctx->di, bpf_ktime_get_ns());
}

/* Something that was made for a request is not needed any more: so all others end. */
SEC("uprobe")
int iotq_qemu_nvme_end(struct pt_regs *ctx)
{
	__u64 at = READ_USER(__u64, ctx->di + layout_of(qemu_of(ctx))->nvme_made_for);
	struct qemu_request *request = nvme_request_of(at);

	if (!request || request->record.op <= IOTQ_VIRTIO_OP_WRITE)
		return 0;
	request->record.status = !!READ_USER(__u16, request->status);
	request->record.error = request->record.status ? 5 : 0;
	return end_request(request, at, bpf_ktime_get_ns());
}

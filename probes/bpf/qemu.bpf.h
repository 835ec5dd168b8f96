/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Requests of guests inside QEMU, on the host: taken off the ring, handed to QEMU's block layer, answered on the ring.
 *
 *   virtio_blk_handle_vq: virtqueue_pop -> [blk_aio_*] -> virtqueue_push
 *   [virtqueue_pop] -> scsi_req_new -> scsi_req_enqueue: [blk_aio_*] -> virtqueue_push
 *
 * Programs sit in QEMU's executable (uprobes). Where it keeps things is read from its code by the installer, for each
 * executable by itself. All that is read is the process's own memory, and its guest's: it is believed in nothing but what
 * is told of this guest.
 */
#include "qemu_kept.h"
#include "qemu_scsi.h"

const volatile struct iotq_table iotq_qemu_start ON_A_LINE;

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

/* The SCSI request that a thread is about to hand on, by the number of the thread: its element. Sized as the queues are. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} iotq_qemu_given SEC(".maps");

static const struct iotq_qemu_queue new_queue;
static const struct qemu_request new_request;

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
	queue->scsi = request->scsi;
	if (record->index <= queue->index)
		queue->round++;
	queue->index = record->index;
	request->round = queue->round;
}

static __always_inline void name_guest(struct iotq_qemu *record, __u64 at)
{
	if (iotq_config.want_guest && at)
		bpf_probe_read_user_str(record->guest, sizeof(record->guest), (void *)READ_USER(__u64, at));
}

static __always_inline void describe_request(struct qemu_request *request, qemu_layout *layout, __u64 address,
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
	qemu_layout *layout = &iotq_qemu_layouts[qemu & (IOTQ_MAX_QEMUS - 1)];
	__u64 queue = command ? scsi_queue(layout, element) : from, popped = 0;
	struct iotq_qemu_key key = qemu_key(queue);
	__u32 only = 0;
	struct qemu_request *request = bpf_map_lookup_elem(&iotq_qemu_popped, &only), *before;
	struct iotq_qemu *record;

	if (!request || !queue)
		return 0;
	*request = new_request;
	request->queue = queue;
	request->popped = bpf_ktime_get_ns();
	record = &request->record;
	describe_task(&record->task);
	describe_request(request, layout, element, command);
	request->disk = command ? from : request->device;
	record->p2s = record->s2p = record->lat = record->kick = record->inject = IOTQ_NULL64;
	name_guest(record, name);
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

static __always_inline __u64 from_here(struct pt_regs *ctx, __u64 distance)
{
	return distance == IOTQ_NULL64 ? 0 : ctx->ip + distance;
}

/* Behind the call of virtqueue_pop. */
SEC("uprobe")
int iotq_qemu_pop(struct pt_regs *ctx)
{
	qemu_layout *layout = &iotq_qemu_layouts[qemu_of(ctx)];

	/* The ring was empty. */
	if (!ctx->ax || is_left_alone())
		return 0;
	return pop_request(ctx->ax, kept_register(ctx, layout->pop_register), qemu_of(ctx),
			   from_here(ctx, layout->name), 0);
}

/* Each request is made right after it was popped: of which disk, with which command, for which element. */
SEC("uprobe")
int iotq_qemu_scsi_pop(struct pt_regs *ctx)
{
	qemu_layout *layout = &iotq_qemu_layouts[qemu_of(ctx)];

	if (!ctx->cx || is_left_alone())
		return 0;
	return pop_request(ctx->r9, ctx->di, qemu_of(ctx), from_here(ctx, layout->scsi_name), ctx->cx);
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

static __noinline struct qemu_request *request_of(__u64 element)
{
	struct iotq_qemu_key key = qemu_key(element);

	return bpf_map_lookup_elem(&iotq_qemu_requests, &key);
}

/* What the thread does next for the block layer is for this request. */
SEC("uprobe")
int iotq_qemu_scsi_given(struct pt_regs *ctx)
{
	qemu_layout *layout = &iotq_qemu_layouts[qemu_of(ctx)];
	__u32 tid = bpf_get_current_pid_tgid();
	struct qemu_request *request;
	__u64 element;

	if (layout->scsi_element == IOTQ_NULL32 || is_left_alone())
		return 0;
	element = READ_USER(__u64, ctx->di + layout->scsi_element);
	request = request_of(element);
	if (request && request->scsi && bpf_map_update_elem(&iotq_qemu_given, &tid, &element, BPF_ANY))
		COUNT(IOTQ_LAYER_QEMU, lost_slot);
	return 0;
}

/* A SCSI request is not told to the block layer. */
static __always_inline struct qemu_request *given_here(void)
{
	__u32 tid = bpf_get_current_pid_tgid();
	__u64 *given = bpf_map_lookup_elem(&iotq_qemu_given, &tid);

	return given ? request_of(*given) : NULL;
}

static __always_inline void forget_given(void)
{
	__u32 tid = bpf_get_current_pid_tgid();

	bpf_map_delete_elem(&iotq_qemu_given, &tid);
}

static __noinline int submit(__u64 element, __u64 disk, __u32 qemu)
{
	struct qemu_request *request = request_of(element);

	if (!request)
		request = given_here();
	/* Not a virtio disk's, or one that is tried again. */
	if (!request || request->submitted)
		return 0;
	if (request->scsi)
		forget_given();
	request->submitted = bpf_ktime_get_ns();
	request->record.p2s = request->submitted - request->popped;
	if (iotq_config.want_disk)
		describe_disk(request, &iotq_qemu_layouts[qemu & (IOTQ_MAX_QEMUS - 1)], disk);
	reach_qemu(&request->record, IOTQ_QEMU_SUBMIT, request->submitted);
	return 0;
}

/* Where it is on the disk is known of a SCSI request now. */
static __always_inline void place_discard(__u64 offset, __u64 size)
{
	struct qemu_request *request = given_here();

	if (!request || request->record.op != IOTQ_VIRTIO_OP_DISCARD)
		return;
	request->record.offset = offset;
	request->record.size = size;
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
	place_discard(ctx->si, ctx->dx);
	return submit(ctx->r8, ctx->di, qemu_of(ctx));
}

/* Of a disk of the host's own, commands are passed on. */
SEC("uprobe")
int iotq_qemu_submit_command(struct pt_regs *ctx)
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
static __noinline int note_unmatched(__u64 queue, __u64 element, __u32 qemu)
{
	struct iotq_qemu_key key = qemu_key(queue);
	struct iotq_qemu_queue *known = bpf_map_lookup_elem(&iotq_qemu_queues, &key);

	if (!takes_all(&iotq_qemu_start) || !known)
		return 0;
	/* What is for a disk that is not there is refused before it becomes a request. */
	if (known->scsi && scsi_response(&iotq_qemu_layouts[qemu & (IOTQ_MAX_QEMUS - 1)], element))
		return 0;
	COUNT(IOTQ_LAYER_QEMU, unmatched);
	return 0;
}

static __always_inline void describe_answer(struct qemu_request *request)
{
	struct iotq_qemu *record = &request->record;
	__u32 answer;

	if (request->scsi) {
		answer = READ_USER(__u16, request->status);
		record->status = answer >> 8;
		record->error = answer ? 5 : 0;
		return;
	}
	record->status = READ_USER(__u8, request->status);
	if (record->status)
		record->error = record->status == STATUS_UNSUPPORTED ? 95 : 5;
}

static __always_inline void describe_end(struct qemu_request *request, __u64 now)
{
	struct iotq_qemu *record = &request->record;
	bool data = record->op == IOTQ_VIRTIO_OP_READ || record->op == IOTQ_VIRTIO_OP_WRITE;

	describe_answer(request);
	record->lat = now - request->popped;
	if (request->submitted)
		record->s2p = now - request->submitted;
	else if (request->scsi)
		forget_given();
	else if (iotq_config.want_disk)
		describe_disk(request, NULL, 0);
	record->merged = data && !request->submitted && !request->scsi && !record->status;
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
		return note_unmatched(ctx->di, ctx->si, qemu_of(ctx));
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

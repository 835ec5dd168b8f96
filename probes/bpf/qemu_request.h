/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* A request of a guest inside QEMU, of whatever disk it is: taken up, named, answered. */
#ifndef IOTQ_QEMU_REQUEST_H
#define IOTQ_QEMU_REQUEST_H

#include "qemu_asked.h"
#include "qemu_kept.h"

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

static const struct iotq_qemu_queue new_queue;
static const struct qemu_request new_request;

static __always_inline __u32 qemu_of(void *ctx)
{
	return bpf_get_attach_cookie(ctx) & (IOTQ_MAX_QEMUS - 1);
}

static __always_inline qemu_layout *layout_of(__u32 qemu)
{
	return &iotq_qemu_layouts[qemu & (IOTQ_MAX_QEMUS - 1)];
}

/* Where the pointer to the guest's name is, seen from a program with this cookie. */
static __always_inline __u64 name_from(__u64 ip, __u64 cookie)
{
	__u64 name = layout_of(cookie)->name;

	return name == IOTQ_NULL64 ? 0 : ip - (cookie >> IOTQ_QEMU_SITE_SHIFT) + name;
}

static __always_inline __u64 name_here(struct pt_regs *ctx)
{
	return name_from(ctx->ip, bpf_get_attach_cookie(ctx));
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

static __always_inline struct iotq_qemu_queue *queue_at(const struct iotq_qemu_key *key)
{
	struct iotq_qemu_queue *queue = bpf_map_lookup_elem(&iotq_qemu_queues, key);

	if (queue)
		return queue;
	bpf_map_update_elem(&iotq_qemu_queues, key, &new_queue, BPF_NOEXIST);
	return bpf_map_lookup_elem(&iotq_qemu_queues, key);
}

/*
 * Notes the queue of a disk, and in which round of its indices a request is: they are used again and again, those of a packed
 * ring after some hundred requests. A queue's requests are popped by one thread at a time. The ids of NVMe commands come in
 * no order: what tells apart those with the same id is the time.
 */
static __always_inline void note_queue(struct qemu_request *request)
{
	struct iotq_qemu_key key = qemu_key(request->queue);
	struct iotq_qemu_queue *queue = queue_at(&key);
	struct iotq_qemu *record = &request->record;

	request->round = request->popped >> IOTQ_NVME_ROUND_SHIFT;
	if (!queue)
		return;
	queue->device = request->device;
	queue->queue = record->queue;
	queue->kind = request->kind;
	if (request->kind == IOTQ_QEMU_KIND_NVME)
		return;
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

/* An empty one, to be described. */
static __always_inline struct qemu_request *request_anew(__u64 queue, __u64 popped)
{
	__u32 only = 0;
	struct qemu_request *request = bpf_map_lookup_elem(&iotq_qemu_popped, &only);

	if (!request)
		return NULL;
	*request = new_request;
	request->queue = queue;
	request->popped = popped;
	describe_task(&request->record.task);
	request->record.p2s = request->record.s2p = request->record.lat = IOTQ_NULL64;
	request->record.kick = request->record.inject = IOTQ_NULL64;
	return request;
}

/* It is described: if somebody wants it, it is under way from now on, at this address. */
static __noinline int take_up(struct qemu_request *request, __u64 element)
{
	struct iotq_qemu_key key = qemu_key(element);
	struct qemu_request *before;
	struct iotq_qemu *record;
	__u64 popped = 0;

	if (!request)
		return 0;
	record = &request->record;
	note_queue(request);
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

/* It is answered, and its answer described. */
static __noinline int end_request(struct qemu_request *request, __u64 element, __u64 now)
{
	struct iotq_qemu_key key = qemu_key(element);
	struct belongings none = {};
	struct iotq_qemu *record;

	if (!request)
		return 0;
	record = &request->record;
	record->lat = now - request->popped;
	if (request->submitted)
		record->s2p = now - request->submitted;
	if (iotq_config.follow_guests && answer(request, element, now)) {
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

#endif

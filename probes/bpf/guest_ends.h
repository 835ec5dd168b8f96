/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Guests' requests that were answered: what is known of them is put together, judged and told. That is with the next call
 * of the thread that has answered them, whichever it is, for programs in QEMU cannot touch roots.
 */
#ifndef IOTQ_GUEST_ENDS_H
#define IOTQ_GUEST_ENDS_H

#include "guest_kept.h"

/* Requests that are told at one call; the others at the next. */
#define GUEST_ENDS 64

/* What belongs to time behind the answer, by the event of a child that was not over, is taken back. The lock is held. */
static __always_inline void take_back(struct root *root, __u64 over)
{
	__u64 *stages = root->record.trail.stages;

	root->record.call.head.marks |= IOTQ_MARK_CROWDED;
#pragma unroll
	for (__u32 i = 0; i < IOTQ_STAGES; i++) {
		__u64 part = stages[i] < over ? stages[i] : over;

		stages[i] -= part;
		over -= part;
	}
}

/* No time is added from here on. */
static __always_inline void stop_guest(struct root *root, __u64 at)
{
	bpf_spin_lock(&root->lock);
	advance(root, at);
	if (root->since > at)
		take_back(root, root->since - at);
	root->since = IOTQ_NULL64;
	if (root->submitting && !root->record.trail.children)
		root->record.call.head.marks |= IOTQ_MARK_CROWDED;
	bpf_spin_unlock(&root->lock);
}

/* The calls that are kept of a root. */
__noinline int ship_guest_calls(__u32 index, __u32 id)
{
	struct root *root = root_at(index);

	if (!iotq_config.follow_guests)
		return 0;
	if (!root)
		return 0;
#pragma clang loop unroll(disable)
	for (__u32 place = 0; place < IOTQ_ROOT_CALLS; place++) {
		struct iotq_syscall *call = kept_call(root, index, place);

		if (!call)
			break;
		call->task.root = id;
		ship_child(call, sizeof(*call), IOTQ_LAYER_SYSCALL);
	}
	return 0;
}

/* The statements that want a request as it is. */
static __noinline __u32 judge_guest(struct guest_request *request)
{
	if (!request)
		return 0;
	return filter_rare(&iotq_qemu_at[IOTQ_QEMU_PUSH], &request->record) & request->record.request.head.queries;
}

static __always_inline void tell_guest(struct guest_request *request, __u32 passed)
{
	struct iotq_head *head = &request->record.request.head;

	if (wants(IOTQ_LAYER_QEMU, IOTQ_QEMU_PUSH))
		deliver(head, sizeof(request->record), IOTQ_LAYER_QEMU, IOTQ_QEMU_PUSH, head->queries, passed,
			request->answered);
}

/* What the root knows goes into the record; and if somebody wants it, what belongs to it before. */
static __always_inline void tell_followed(struct guest_request *request, struct root *root, __u32 index)
{
	struct iotq_qemu_root *record = &request->record;
	__u32 passed, done, id;

	record->trail = root->record.trail;
	record->request.head.marks |= root->record.call.head.marks;
	if (record->trail.crowded || record->trail.calls_crowded)
		record->request.head.marks |= IOTQ_MARK_CROWDED;
	if (iotq_config.keep) {
		done = close_root(root, false);
		keep_followed(request, root, index, done);
		return;
	}
	passed = judge_guest(request);
	done = close_root(root, passed & iotq_config.roots);
	if (passed & iotq_config.roots) {
		id = root_id(index, root->seq);
		ship_requests(root, index, done);
		if (iotq_config.joined[IOTQ_LAYER_SYSCALL])
			ship_guest_calls(index, id);
		record->request.task.root = id;
		record->trail.late = root->record.trail.late;
	}
	tell_guest(request, passed);
}

/* Whether what the call for the one before has moved goes on with this one. */
static __always_inline bool is_neighbour(const struct guest_lead *lead, const struct guest_request *request)
{
	const struct iotq_qemu *record = &request->record.request;

	return lead->owner && lead->disk == request->disk && lead->op == record->op &&
	       lead->end == record->offset && record->size <= lead->left;
}

/* The root of the request before is not needed any more. */
static __always_inline void drop_lead(struct guest_answers *place)
{
	struct root *root = place->lead.owner ? owning_root(place->lead.owner) : NULL;

	place->lead.owner = 0;
	if (root)
		release_root(root);
}

/*
 * Less was done for it than it asks for. A read may have found nothing to read, and a flush nothing to sync, but if there
 * were calls meanwhile of which it is not known for whom they were, or nothing was ever seen of this disk.
 */
static __noinline bool is_doubtful(struct guest_request *request)
{
	struct guest *guest;
	struct iotq_qemu_key key;
	__u32 pid;

	if (!request)
		return true;
	pid = request->record.request.task.pid;
	guest = bpf_map_lookup_elem(&iotq_guests, &pid);
	if (!guest || guest->strays != request->strays)
		return true;
	key = disk_key(request->disk, 1);
	switch (request->op) {
	case IOTQ_VIRTIO_OP_READ:
		return !bpf_map_lookup_elem(&iotq_guest_files, &key);
	case IOTQ_VIRTIO_OP_WRITE:
	case IOTQ_VIRTIO_OP_DISCARD:
	case IOTQ_VIRTIO_OP_WRITE_ZEROES:
		return !request->owner || request->op == IOTQ_VIRTIO_OP_WRITE;
	default:
		return false;
	}
}

static __always_inline void note_doubt(struct guest_request *request)
{
	if (request->record.request.status == 0 && is_doubtful(request))
		request->record.request.head.marks |= IOTQ_MARK_CROWDED;
}

/* A request for which no call was seen. */
static __always_inline void end_uncalled(struct guest_request *request)
{
	struct iotq_qemu *record = &request->record.request;

	request->record.trail.stages[IOTQ_STAGE_OTHER] = record->lat;
	note_doubt(request);
	if (iotq_config.keep)
		keep_followed(request, NULL, 0, 0);
	else
		tell_guest(request, judge_guest(request));
}

/* A request for which calls were made. What they moved beyond it is for its neighbours, which are answered next. */
static __always_inline void end_called(struct guest_answers *place, struct guest_request *request)
{
	struct root *root = guest_root(request->owner);
	struct iotq_qemu *record = &request->record.request;
	__u64 moved;

	if (!root) {
		record->head.marks |= IOTQ_MARK_CROWDED;
		end_uncalled(request);
		return;
	}
	stop_guest(root, request->answered);
	moved = root->record.call.ret;
	/* A part of the call before was for it, too. */
	if (is_neighbour(&place->lead, request))
		record->head.marks |= IOTQ_MARK_CROWDED;
	if (record->op > IOTQ_VIRTIO_OP_WRITE || moved < record->size)
		note_doubt(request);
	drop_lead(place);
	tell_followed(request, root, OWNER_INDEX(request->owner));
	place->lead.owner = request->owner;
	place->lead.disk = request->disk;
	place->lead.op = record->op;
	place->lead.end = record->offset + record->size;
	place->lead.left = record->op <= IOTQ_VIRTIO_OP_WRITE && moved > record->size ? moved - record->size : 0;
	place->lead.lat = record->lat;
}

/*
 * A request that was read or written by the call for the one before. Both were in QEMU alone before that call and behind
 * it, so by this they differ.
 */
static __always_inline void end_neighbour(struct guest_answers *place, struct guest_request *request)
{
	struct root *root = owning_root(place->lead.owner);
	__u64 *other;
	__s64 more;

	if (!root)
		return;
	bpf_spin_lock(&root->lock);
	root->verdicts = root->verdicts << 1 | root->shipped;
	root->seq++;
	other = &root->record.trail.stages[IOTQ_STAGE_OTHER];
	more = request->record.request.lat - place->lead.lat;
	if (more < 0 && *other < (__u64)-more)
		take_back(root, -more);
	else
		*other += more;
	/* What was not over will not be known to be its. */
	if (root->record.trail.late)
		root->record.call.head.marks |= IOTQ_MARK_CROWDED;
	bpf_spin_unlock(&root->lock);
	place->lead.lat = request->record.request.lat;
	place->lead.end += request->record.request.size;
	place->lead.left -= request->record.request.size;
	tell_followed(request, root, OWNER_INDEX(place->lead.owner));
}

/* The first of what a thread has answered. */
__noinline int end_guest(__u32 at)
{
	struct guest_answers *place = answers_at(at);
	struct guest_request *request;
	struct guest_key key;
	struct root *stale;

	if (!iotq_config.follow_guests)
		return 0;
	if (!place || !place->first.element)
		return 0;
	key = guest_key(place->first);
	request = bpf_map_lookup_elem(&iotq_guest_requests, &key);
	place->first.element = 0;
	/* It gave way to others. */
	if (!request) {
		COUNT(IOTQ_LAYER_QEMU, lost_slot);
		return 0;
	}
	place->first = request->next;
	stale = guest_root(request->stale);
	if (stale)
		abandon(stale);
	if (request->unclear)
		request->record.request.head.marks |= IOTQ_MARK_CROWDED;
	if (request->owner) {
		end_called(place, request);
	} else if (is_neighbour(&place->lead, request)) {
		end_neighbour(place, request);
	} else {
		drop_lead(place);
		end_uncalled(request);
	}
	bpf_map_delete_elem(&iotq_guest_requests, &key);
	return 0;
}

/*
 * The current thread makes a call: what it has answered before is told. The last one may have neighbours that it will
 * answer next.
 */
static __noinline int end_guests(void)
{
	__u32 tid = CURRENT(pid);
	struct guest_answers *place = answers_at(tid);

	if (!place || place->tid != tid || !place->first.element)
		return 0;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < GUEST_ENDS; i++) {
		if (!place->first.element)
			break;
		end_guest(tid);
	}
	if (place->first.element || (place->lead.owner && place->lead.left))
		return 0;
	drop_lead(place);
	*(volatile __u32 *)&place->tid = 0;
	return 0;
}

/* Roots are looked through so many at a time: older verifiers follow a loop round by round. */
#define GUEST_SWEEP 64

/* Those of a process that is gone are given up, of the roots from here on. */
__noinline int forget_roots(__u32 pid, __u32 from)
{
	if (!iotq_config.follow_guests)
		return 0;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < GUEST_SWEEP; i++) {
		struct root *root = root_at(from + i);

		if (root && root->place.holder && root->record.call.number == IOTQ_NUMBER_GUEST &&
		    root->record.call.task.pid == pid)
			abandon(root);
	}
	return 0;
}

/* A thread is gone, and with it what it has answered; and with the last one, all that the process was asked for. */
__noinline int forget_guest(__u32 tid, __u32 pid, bool last)
{
	struct guest_answers *place = answers_at(tid);

	if (!iotq_config.follow_guests)
		return 0;
	if (place && place->tid == tid) {
		drop_lead(place);
		place->tid = 0;
	}
	if (!last || bpf_map_delete_elem(&iotq_guests, &pid))
		return 0;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < IOTQ_MOST_ROOTS / GUEST_SWEEP; i++)
		forget_roots(pid, i * GUEST_SWEEP);
	return 0;
}

#endif

/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* What programs in QEMU tell of requests that are followed: how their calls will be recognised, and that they are answered. */
#ifndef IOTQ_GUEST_SEEN_H
#define IOTQ_GUEST_SEEN_H

#include "guest_table.h"

/* QEMU takes no more descriptors. */
#define MOST_VECTORS 1024

struct vector {
	__u64 base;
	__u64 len;
};

static const struct guest new_guest;
static const struct guest_request new_guest_request;

/* Its data lie behind a head, in the same vector or the next one. `first`: the one at the address. */
static __always_inline void expect_behind(struct qemu_request *request, __u64 vectors, struct vector first, __u64 head)
{
	request->vectors = vectors;
	request->data = first.base + head;
	if (first.len > head)
		return;
	request->vectors += sizeof(first);
	request->data = READ_USER(__u64, request->vectors);
}

/* A call for data there is its. A later request with the same data makes calls for either of them unclear. */
__noinline int expect_data(__u64 element, __u64 popped, __u64 data)
{
	struct iotq_qemu_key key = qemu_key(data);
	struct guest_buffer buffer = { .request = { element, popped } }, *known;
	struct guest_request *request = guest_request(buffer.request), *other;

	if (!iotq_config.follow_guests)
		return 0;
	if (!request)
		return 0;
	known = bpf_map_lookup_elem(&iotq_guest_buffers, &key);
	if (known) {
		buffer.other = known->other;
		other = pending_request(known->other);
		if (!other) {
			buffer.other = known->request;
			other = pending_request(known->request);
		}
		if (other)
			other->unclear = request->unclear = 1;
		else
			buffer.other.element = 0;
	}
	if (bpf_map_update_elem(&iotq_guest_buffers, &key, &buffer, BPF_ANY))
		request->unclear = 1;
	return 0;
}

/* An image may have its disk in pieces, of which this is the smallest: a format that has smaller ones is not known here. */
#define PIECE (64 << 10)
#define MOST_PIECES 64

/* Also where the disk's pieces meet, calls for its data may begin. `data`: of the first vector. */
__noinline int expect_pieces(__u64 element, __u64 data)
{
	struct iotq_qemu_key key = qemu_key(element);
	struct qemu_request *request = bpf_map_lookup_elem(&iotq_qemu_requests, &key);
	__u64 at, end, piece, vectors, popped;
	struct vector vector = {};

	if (!iotq_config.follow_guests)
		return 0;
	if (!request)
		return 0;
	popped = request->popped;
	vectors = request->vectors;
	/* On the disk: where the vector begins, the request ends, and the next piece begins. */
	at = request->record.offset;
	end = request->record.size;
	end = at + (end < MOST_PIECES * PIECE ? end : MOST_PIECES * PIECE);
	piece = (at & -(__u64)PIECE) + PIECE;
	bpf_probe_read_user(&vector, sizeof(vector), (void *)vectors);
	/* The head of the request may be in the first one. */
	vector.len -= data - vector.base;
	vector.base = data;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < MOST_VECTORS + MOST_PIECES; i++) {
		if (piece >= end)
			break;
		if (piece - at < vector.len) {
			expect_data(element, popped, vector.base + (piece - at));
			piece += PIECE;
			continue;
		}
		at += vector.len;
		vectors += sizeof(vector);
		bpf_probe_read_user(&vector, sizeof(vector), (void *)vectors);
	}
	return 0;
}

/* A call is its by their order. */
static __noinline int expect_order(struct guest *guest, struct qemu_request *request, __u64 element)
{
	struct guest_request *known;

	if (!guest || !request)
		return 0;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < GUEST_ORDERS; i++) {
		struct guest_order *order = &guest->orders[i];

		if (order->element || !TAKE(order->element, element, order->claims))
			continue;
		order->disk = request->disk;
		order->op = request->record.op;
		order->offset = request->record.offset;
		order->size = request->record.size;
		order->begun = 0;
		*(volatile __u64 *)&order->at = request->popped;
		return 0;
	}
	known = guest_request((struct guest_name){ element, request->popped });
	if (known)
		known->unclear = 1;
	return 0;
}

static __always_inline struct guest *guest_here(void)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct guest *guest = bpf_map_lookup_elem(&iotq_guests, &pid);

	if (guest)
		return guest;
	bpf_map_update_elem(&iotq_guests, &pid, &new_guest, BPF_NOEXIST);
	return bpf_map_lookup_elem(&iotq_guests, &pid);
}

/* It will be in the table: how its calls will be recognised. False: there is no room. */
static __noinline int expect_calls(struct qemu_request *request, __u64 element, __u64 before)
{
	struct guest_request *known;
	struct guest_key key = {};
	struct guest *guest = guest_here();
	__u64 offset, size;

	if (!request)
		return 0;
	known = before ? guest_request((struct guest_name){ element, before }) : NULL;
	before = known ? known->owner : 0;
	key = guest_key((struct guest_name){ element, request->popped });
	bpf_map_update_elem(&iotq_guest_requests, &key, &new_guest_request, BPF_ANY);
	known = bpf_map_lookup_elem(&iotq_guest_requests, &key);
	if (!known)
		return 0;
	known->device = request->device;
	known->disk = request->disk;
	known->stale = before;
	known->op = request->record.op;
	known->round = request->round;
	known->strays = guest ? guest->strays : IOTQ_NULL64;
	offset = request->record.offset;
	size = request->record.size;
	switch (request->record.op) {
	case IOTQ_VIRTIO_OP_READ:
	case IOTQ_VIRTIO_OP_WRITE:
		if (!request->data || !size)
			break;
		expect_data(element, request->popped, request->data);
		if (offset / PIECE != (offset + size - 1) / PIECE)
			expect_pieces(element, request->data);
		break;
	case IOTQ_VIRTIO_OP_FLUSH:
	case IOTQ_VIRTIO_OP_DISCARD:
	case IOTQ_VIRTIO_OP_WRITE_ZEROES:
		expect_order(guest, request, element);
	}
	return 1;
}

/* Calls that come from now on are not for it. */
static __always_inline void forget_order(__u64 element)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct guest *guest = bpf_map_lookup_elem(&iotq_guests, &pid);

	if (!guest)
		return;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < GUEST_ORDERS; i++) {
		struct guest_order *order = &guest->orders[i];

		if (order->element != element)
			continue;
		*(volatile __u64 *)&order->at = 0;
		*(volatile __u64 *)&order->element = 0;
		return;
	}
}

/* The place where the current thread keeps what it has answered; none if another one has it now. */
static __always_inline struct guest_answers *own_answers(void)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct guest_answers *place = answers_at(tid);

	if (!place || place->tid == tid)
		return place;
	if (place->tid || !TAKE(place->tid, tid, place->claims))
		return NULL;
	place->first.element = place->lead.owner = 0;
	return place;
}

/* It is answered, and told with the next call of this thread. False: there is no room for that. */
static __noinline int answer(struct qemu_request *seen, __u64 element, __u64 now)
{
	struct guest_request *request, *before;
	struct guest_answers *place = own_answers();
	struct guest_name name = { .element = element, .popped = 0 };

	if (!seen)
		return 0;
	name.popped = seen->popped;
	request = guest_request(name);
	if (!request)
		return 0;
	if (request->op > IOTQ_VIRTIO_OP_WRITE)
		forget_order(element);
	request->answered = now;
	if (!place)
		return 0;
	request->record.request = seen->record;
	before = place->first.element ? guest_request(place->last) : NULL;
	if (before)
		before->next = name;
	else
		place->first = name;
	place->last = name;
	return 1;
}

#endif

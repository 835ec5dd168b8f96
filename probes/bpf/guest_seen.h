/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* What programs in QEMU tell of requests that are followed: how their calls will be recognised, and that they are answered. */
#ifndef IOTQ_GUEST_SEEN_H
#define IOTQ_GUEST_SEEN_H

#include "guest_table.h"

static const struct guest new_guest;

/* By whose data it is: a later request with the same data makes calls for either of them unclear. */
static __always_inline void expect_data(struct qemu_request *request, __u64 element)
{
	struct qemu_key key = qemu_key(request->data);
	struct guest_buffer buffer = { .element = element, .popped = request->popped }, *known;
	struct qemu_request *other;

	known = bpf_map_lookup_elem(&iotq_guest_buffers, &key);
	if (known) {
		other = pending_request(known->other, known->other_popped);
		if (other) {
			buffer.other = known->other;
		} else {
			other = pending_request(known->element, known->popped);
			buffer.other = other ? known->element : 0;
		}
		if (other) {
			buffer.other_popped = other->popped;
			other->unclear = request->unclear = 1;
		}
	}
	if (bpf_map_update_elem(&iotq_guest_buffers, &key, &buffer, BPF_ANY))
		request->unclear = 1;
}

/* By its order. */
static __noinline int expect_order(struct guest *guest, struct qemu_request *request, __u64 element)
{
	if (!guest || !request)
		return 0;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < GUEST_ORDERS; i++) {
		struct guest_order *order = &guest->orders[i];

		if (order->element || __sync_val_compare_and_swap(&order->element, 0, element))
			continue;
		order->device = request->device;
		order->op = request->record.op;
		order->offset = request->record.offset;
		order->size = request->record.size;
		order->begun = 0;
		*(volatile __u64 *)&order->at = request->popped;
		return 0;
	}
	__sync_fetch_and_add(&guest->unclear, 1);
	request->unclear = 1;
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

/* It is in the table now. */
static __noinline int expect_calls(__u64 element, __u64 stale)
{
	struct qemu_key key = qemu_key(element);
	struct qemu_request *request = bpf_map_lookup_elem(&iotq_qemu_requests, &key);
	struct guest *guest = guest_here();

	if (!request)
		return 0;
	request->stale = stale;
	if (!guest) {
		request->unclear = 1;
		return 0;
	}
	switch (request->record.op) {
	case IOTQ_VIRTIO_OP_READ:
	case IOTQ_VIRTIO_OP_WRITE:
		if (request->data)
			expect_data(request, element);
		break;
	case IOTQ_VIRTIO_OP_FLUSH:
	case IOTQ_VIRTIO_OP_DISCARD:
	case IOTQ_VIRTIO_OP_WRITE_ZEROES:
		expect_order(guest, request, element);
	}
	return 0;
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
	if (__sync_val_compare_and_swap(&place->tid, 0, tid))
		return NULL;
	place->first = place->last = 0;
	return place;
}

/* It is answered, and told with the next call of this thread. False: there is no room for that. */
static __noinline int answer(__u64 element, __u64 now)
{
	struct qemu_key key = qemu_key(element);
	struct qemu_request *request = bpf_map_lookup_elem(&iotq_qemu_requests, &key), *before;
	struct guest_answers *place = own_answers();

	if (!request)
		return 0;
	if (request->record.op > IOTQ_VIRTIO_OP_WRITE)
		forget_order(element);
	request->answered = now;
	if (!place)
		return 0;
	key.address = place->last;
	before = place->first ? bpf_map_lookup_elem(&iotq_qemu_requests, &key) : NULL;
	if (before)
		before->next = element;
	else
		place->first = element;
	place->last = element;
	return 1;
}

#endif

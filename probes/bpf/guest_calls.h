/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * For which guest's request a call of QEMU is, and what becomes of that request's root by it.
 *
 * The call is a root itself, as all calls that are followed, and has the request's as its parent. While one call is made for
 * a request, its thread is the caller that the request has; of several at the same time nobody is.
 */
#ifndef IOTQ_GUEST_CALLS_H
#define IOTQ_GUEST_CALLS_H

#include "arguments.h"
#include "guest_table.h"
#include "root.h"

/* Calls that QEMU has made for a request: IOTQ_ROOT_CALLS for each root, if a join has them. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct iotq_syscall);
} iotq_guest_calls SEC(".maps");

/* The roots of guests' requests are not looked for by their keys. Those of threads are short, the others have the upper bit. */
#define GUEST_KEY(now) ((now) | 1ull << 62)

/* How often it is asked again who makes a root, by those who do not. */
#define GUEST_PATIENCE 64

/* Functions that are not static are verified whether they are called or not: where no guest is followed, all do nothing. */

static __always_inline struct root *guest_root(__u64 owner)
{
	struct root *root = owner ? owning_root(owner) : NULL;

	return root && root->active && root->seq == OWNER_SEQ(owner) ? root : NULL;
}

static __always_inline __u64 make_guest_root(struct guest_request *request, __u64 popped)
{
	__u32 index = make_place(ROOT_PLACES, GUEST_KEY(popped));
	struct root *root = index == IOTQ_NULL32 ? NULL : owning_root(OWNER(index, 0, 0));

	if (!root) {
		request->unclear = 1;
		return 0;
	}
	start_other_root(root, IOTQ_NUMBER_GUEST, popped);
	root->record.call.task.pid = CURRENT(tgid);
	return OWNER(index, root->seq, 0);
}

/* A request's root: it begins with the first call. Of two at the same time, one makes it. */
static __noinline __u64 root_of(struct guest_request *request, __u64 popped)
{
	if (!request)
		return 0;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < GUEST_PATIENCE; i++) {
		__u64 owner = *(volatile __u64 *)&request->owner;

		if (owner)
			return owner;
		__sync_fetch_and_add(&request->claims, 1);
		if (*(volatile __u32 *)&request->claims == 1) {
			request->owner = make_guest_root(request, popped);
			if (!request->owner)
				__sync_fetch_and_add(&request->claims, -1);
			return request->owner;
		}
		__sync_fetch_and_add(&request->claims, -1);
	}
	request->unclear = 1;
	return 0;
}

/* The key of a disk of which calls have been seen; without the mark, of one whose file is known. */
static __always_inline struct iotq_qemu_key disk_key(__u64 disk, __u32 mark)
{
	struct iotq_qemu_key key = qemu_key(disk);

	key.pad = mark;
	return key;
}

/* From now on it is known whose data are behind this descriptor, if it is known itself. */
static __always_inline void learn_file(__u32 fd, __u64 disk)
{
	struct iotq_qemu_key key = fd == IOTQ_NULL32 ? disk_key(disk, 1) : qemu_key(fd);
	__u64 *known = bpf_map_lookup_elem(&iotq_guest_files, &key);

	if (known && *known == disk)
		return;
	bpf_map_update_elem(&iotq_guest_files, &key, &disk, BPF_ANY);
	if (fd == IOTQ_NULL32)
		return;
	key = disk_key(disk, 0);
	bpf_map_update_elem(&iotq_guest_files, &key, &disk, BPF_ANY);
	key.pad = 1;
	bpf_map_update_elem(&iotq_guest_files, &key, &disk, BPF_ANY);
}

/* The request whose data begin there. */
__noinline __u64 guest_of_data(__u64 data, __u32 op, __u32 fd)
{
	struct iotq_qemu_key key = qemu_key(data);
	struct guest_buffer *buffer = bpf_map_lookup_elem(&iotq_guest_buffers, &key);
	struct guest_request *request;

	if (!iotq_config.follow_guests)
		return 0;
	if (!buffer || buffer->other.element)
		return 0;
	request = pending_request(buffer->request);
	if (!request || request->op != op)
		return 0;
	learn_file(fd, request->disk);
	return root_of(request, buffer->request.popped);
}

/* The order at a place of the current process, if a call may be for it: when it came, above its place; else all ones. */
__noinline __u64 suiting_order(__u32 place, __u64 disk, __u32 op, __u64 offset, __u64 size)
{
	__u32 pid = CURRENT(tgid);
	struct guest *guest = bpf_map_lookup_elem(&iotq_guests, &pid);
	struct guest_order *order;

	if (!iotq_config.follow_guests)
		return 0;
	if (!guest || place >= GUEST_ORDERS)
		return IOTQ_NULL64;
	order = &guest->orders[place];
	if (!order->at || order->begun || (disk && order->disk != disk))
		return IOTQ_NULL64;
	if (op == IOTQ_SYSCALL_OP_FSYNC) {
		if (order->op != IOTQ_VIRTIO_OP_FLUSH)
			return IOTQ_NULL64;
	} else if (order->op == IOTQ_VIRTIO_OP_FLUSH || order->offset != offset || order->size != size) {
		return IOTQ_NULL64;
	}
	return (order->at & -(__u64)GUEST_ORDERS) | place;
}

/*
 * The request without data that a call is for: QEMU serves the flushes of a disk one after the other, in their order. Of a
 * file whose disk is not known it is the only disk that has such requests.
 */
__noinline __u64 guest_of_order(__u32 fd, __u32 op, __u64 offset, __u64 size)
{
	struct iotq_qemu_key key = qemu_key(fd);
	__u64 *known = bpf_map_lookup_elem(&iotq_guest_files, &key);
	__u64 disk = known ? *known : 0, oldest = IOTQ_NULL64, count = 0;
	struct guest *guest = bpf_map_lookup_elem(&iotq_guests, &key.pid);
	struct guest_request *request;
	struct guest_order *order;

	if (!iotq_config.follow_guests)
		return 0;
	if (!guest)
		return 0;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < GUEST_ORDERS; i++) {
		__u64 at = suiting_order(i, disk, op, offset, size);

		oldest = at < oldest ? at : oldest;
	}
	if (oldest == IOTQ_NULL64)
		return 0;
	order = &guest->orders[oldest & (GUEST_ORDERS - 1)];
	if (!known) {
		disk = order->disk;
#pragma clang loop unroll(disable)
		for (__u32 i = 0; i < GUEST_ORDERS; i++)
			count += suiting_order(i, 0, op, offset, size) != suiting_order(i, disk, op, offset, size);
		/* Or it is another file, of a disk whose own is known. */
		key = disk_key(disk, 0);
		if (count || bpf_map_lookup_elem(&iotq_guest_files, &key))
			return 0;
	}
	request = pending_request((struct guest_name){ order->element, order->at });
	if (!request)
		return 0;
	order->begun = 1;
	return root_of(request, order->at);
}

/* The root of the guest's request that an operation of the current process is for; zero without one. `data`: where they lie. */
static __always_inline __u64 guest_of(__u8 op, __u64 data, __u32 fd, __u64 offset, __u64 size)
{
	__u32 pid = CURRENT(tgid);
	struct guest *guest = bpf_map_lookup_elem(&iotq_guests, &pid);
	__u64 owner = 0;

	if (!guest)
		return 0;
	if (op == IOTQ_SYSCALL_OP_READ)
		owner = guest_of_data(data, IOTQ_VIRTIO_OP_READ, fd);
	else if (op == IOTQ_SYSCALL_OP_WRITE)
		owner = guest_of_data(data, IOTQ_VIRTIO_OP_WRITE, fd);
	else if (op == IOTQ_SYSCALL_OP_FSYNC || op == IOTQ_SYSCALL_OP_ALLOCATE || op == IOTQ_SYSCALL_OP_DISCARD)
		owner = guest_of_order(fd, op, offset, size);
	if (!owner)
		__sync_fetch_and_add(&guest->strays, 1);
	return owner;
}

/* Whether a system call may be for a request. Those at the file's position, by which QEMU's threads wake one another, are not. */
static __always_inline bool serves_guests(const volatile struct iotq_call *call)
{
	return call->op > IOTQ_SYSCALL_OP_WRITE || call->flags & IOTQ_CALL_OFFSET;
}

/* The root of the request that it is for; zero without one. */
static __noinline __u64 guest_of_call(struct pt_regs *regs, __u32 number)
{
	const volatile struct iotq_call *call = &iotq_calls[number & (IOTQ_MAX_SYSCALLS - 1)];
	struct range range = {};
	__u32 pid = CURRENT(tgid);
	__u64 data = 0;

	if (!bpf_map_lookup_elem(&iotq_guests, &pid) || !serves_guests(call))
		return 0;
	if (call->op <= IOTQ_SYSCALL_OP_WRITE)
		data = call->flags & IOTQ_CALL_VECTOR ? READ_USER(__u64, regs->si) : regs->si;
	else
		range = range_of(regs, call, 0);
	return guest_of(operation_of(regs, number), data, regs->di, range.offset, range.size);
}

/* Of what libaio is asked for in one call, those that are looked at. */
#define SUBMITTED 128

/* A sync that QEMU leaves to the kernel: nothing tells when it ends, nor which thread makes it. */
__noinline int miss_sync(__u64 iocb)
{
	__u16 operation;
	__u32 fd;

	if (!iotq_config.follow_guests)
		return 0;
	operation = READ_USER(__u16, iocb + bpf_core_field_offset(struct iocb, aio_lio_opcode));
	if (operation != AIO_FSYNC && operation != AIO_FDSYNC)
		return 0;
	fd = READ_USER(__u32, iocb + bpf_core_field_offset(struct iocb, aio_fildes));
	miss_child(guest_of(IOTQ_SYSCALL_OP_FSYNC, 0, fd, 0, 0));
	return 0;
}

static __noinline int miss_syncs(struct pt_regs *regs)
{
	__u32 pid = CURRENT(tgid);
	__u64 count = regs->si, array = regs->dx;

	if (!bpf_map_lookup_elem(&iotq_guests, &pid))
		return 0;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < SUBMITTED; i++) {
		if (i >= count)
			break;
		miss_sync(READ_USER(__u64, array + i * sizeof(__u64)));
	}
	return 0;
}

/* A call begins for a request, whose caller its thread is if it is the only one, and waits for it. */
__noinline int begin_work(__u64 owner, __u64 parent, __u64 now)
{
	struct root *call = owning_root(owner), *root = owning_root(parent);

	if (!iotq_config.follow_guests)
		return 0;
	/* There was no room for the call. */
	if (!owner)
		miss_child(parent);
	if (!owner || !call || !root)
		return 0;
	call->parent = parent;
	if (call->caller == CALLER_AWAY)
		return 0;
	bpf_spin_lock(&root->lock);
	if (root->active && root->seq == OWNER_SEQ(parent)) {
		advance(root, now);
		root->calling++;
		root->caller = root->calling == 1 ? CALLER_RUNS : CALLER_SLEEPS;
	}
	bpf_spin_unlock(&root->lock);
	return 0;
}

/* Its caller goes on, for the request that it works for. */
__noinline int pass_on(__u64 parent, __u32 caller, __u64 now)
{
	struct root *root = owning_root(parent);

	if (!iotq_config.follow_guests)
		return 0;
	if (!root)
		return 0;
	bpf_spin_lock(&root->lock);
	if (root->active && root->seq == OWNER_SEQ(parent) && root->calling == 1) {
		advance(root, now);
		root->caller = caller;
	}
	bpf_spin_unlock(&root->lock);
	return 0;
}

/* A place for the record of a call that is over. */
static __always_inline struct iotq_syscall *guest_call_at(__u32 index, __u32 place)
{
	__u32 at = index * IOTQ_ROOT_CALLS + place;

	return place < IOTQ_ROOT_CALLS ? bpf_map_lookup_elem(&iotq_guest_calls, &at) : NULL;
}

/* A record of a call that is kept of a root; none behind the last one. */
static __always_inline struct iotq_syscall *kept_call(const struct root *root, __u32 index, __u32 place)
{
	return place < root->record.trail.calls ? guest_call_at(index, place) : NULL;
}

/* A call is over that was made for a request. `waited`: by its thread. */
__noinline int end_work(__u32 index, bool waited, __u64 now)
{
	struct root *call = root_at(index), *root;
	__u32 place = IOTQ_NULL32;
	struct iotq_syscall *kept;
	__s64 moved;

	if (!iotq_config.follow_guests)
		return 0;
	if (!call)
		return 0;
	root = owning_root(call->parent);
	if (!root)
		return 0;
	moved = call->record.call.op <= IOTQ_SYSCALL_OP_WRITE && call->record.call.ret > 0 ? call->record.call.ret : 0;
	bpf_spin_lock(&root->lock);
	if (root->active && root->seq == OWNER_SEQ(call->parent)) {
		advance(root, now);
		root->record.call.ret += moved;
		if (waited && root->calling) {
			root->calling--;
			root->caller = root->calling ? CALLER_SLEEPS : CALLER_AWAY;
		}
		place = root->record.trail.calls + root->record.trail.calls_crowded;
		if (!iotq_config.joined[IOTQ_LAYER_SYSCALL])
			place = IOTQ_NULL32;
		else if (place < IOTQ_ROOT_CALLS)
			root->record.trail.calls++;
		else
			root->record.trail.calls_crowded++;
	}
	bpf_spin_unlock(&root->lock);
	kept = guest_call_at(OWNER_INDEX(call->parent), place);
	if (!kept)
		return 0;
	*kept = call->record.call;
	kept->head.at = now;
	kept->head.layer = IOTQ_LAYER_SYSCALL;
	kept->head.point = IOTQ_SYSCALL_EXIT;
	kept->head.queries = iotq_config.joined[IOTQ_LAYER_SYSCALL];
	return 0;
}

#endif

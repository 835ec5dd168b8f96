/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Requests of guests under way, and how the calls are recognised that QEMU makes for them: by the place of the data in its
 * memory; what has no data, by its kind and the order of things.
 *
 * Two kinds of programs meet here. Those in QEMU (uprobes) see requests come and go, and the kernel forbids them the locks
 * of roots. Those at system calls may take them: they begin a request's root with the first call that is made for it, and
 * end it with the next call of the thread that has answered it.
 */
#ifndef IOTQ_GUEST_TABLE_H
#define IOTQ_GUEST_TABLE_H

#include "ship.h"

const volatile struct iotq_table iotq_qemu_at[IOTQ_QEMU_POINTS] ON_A_LINE;

struct qemu_request {
	__u64 popped;
	__u64 submitted; /* zero until then */
	__u64 queue;
	__u64 status; /* where the answer will be */
	__u64 device;
	__u64 disk;  /* a device may have several */
	__u32 round; /* of the ring */
	__u32 kind;  /* enum iotq_qemu_kind */
	/* Where requests of guests are followed: */
	__u64 data;    /* in the process; zero without */
	__u64 vectors; /* of the data: where they are told */
	struct iotq_qemu record;
};

/*
 * By element. A QEMU may end with requests under way, which nothing tells: so the oldest give way. What gave way in vain is
 * counted when it is answered. Sized by the installer, as are the others.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct iotq_qemu_key);
	__type(value, struct qemu_request);
} iotq_qemu_requests SEC(".maps");

/* A request, by its element and the time when it was popped: QEMU uses an element again while the one before is not told. */
struct guest_name {
	__u64 element;
	__u64 popped;
};

/* What is known besides of a request that is followed, by its name. */
struct guest_request {
	struct guest_name next; /* answered by the same thread behind this one */
	__u64 device;
	__u64 disk;
	__u64 answered; /* zero until then */
	__u64 owner;    /* its root; zero until a call for it is seen */
	__u64 stale;    /* the root of what was here before, and was not answered */
	__u64 strays;   /* of the process, when it was popped */
	__u32 op;       /* enum iotq_virtio_op */
	__u32 claims;   /* who makes the root */
	__u32 unclear;  /* not all is known of what is done for it */
	__u32 round;    /* of the ring */
	struct iotq_qemu_root record; /* when it is answered */
};

struct guest_key {
	struct guest_name name;
	__u32 pid;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct guest_key);
	__type(value, struct guest_request);
} iotq_guest_requests SEC(".maps");

/*
 * Whose data begin at an address, or go on there with another piece of the disk. It stays when that is over: a request is
 * the one that is meant if it was popped then.
 */
struct guest_buffer {
	struct guest_name request;
	struct guest_name other; /* one more with the same data: then calls for them are nobody's */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct iotq_qemu_key);
	__type(value, struct guest_buffer);
} iotq_guest_buffers SEC(".maps");

/* A request without data, from pop to push. */
struct guest_order {
	__u64 element; /* zero: this place is free */
	__u64 disk;
	__u64 at; /* zero until the rest is filled */
	__u64 offset;
	__u64 size;
	__u32 op;    /* enum iotq_virtio_op */
	__u32 begun; /* a call was made for it */
	__u32 claims; /* who takes this place */
	__u32 pad;
};

#define GUEST_ORDERS 16

/* A process of QEMU. */
struct guest {
	struct guest_order orders[GUEST_ORDERS];
	__u64 strays; /* calls of which it is not known for whom they are: for any request that is under way then */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct guest);
} iotq_guests SEC(".maps");

/* The guest's disk whose data are behind a file descriptor, as the last call for it has shown; and those disks. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct iotq_qemu_key);
	__type(value, __u64);
} iotq_guest_files SEC(".maps");

/* The request that was told last, whose call may have been for its neighbours as well. */
struct guest_lead {
	__u64 owner; /* its root; zero: it has none, or its time is over */
	__u64 disk;
	__u64 end;  /* where the next neighbour begins */
	__u64 left; /* bytes of the call that are of neighbours */
	__u64 lat;
	__u32 op;
	__u32 pad;
};

/* What a thread has answered and is not told yet; at the place of its number. */
struct guest_answers {
	__u32 tid; /* zero: this place is free */
	__u32 claims; /* who takes it */
	struct guest_name first, last;
	struct guest_lead lead;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct guest_answers);
} iotq_guest_answers SEC(".maps");

static __always_inline struct iotq_qemu_key qemu_key(__u64 address)
{
	return (struct iotq_qemu_key){ .address = address, .pid = bpf_get_current_pid_tgid() >> 32 };
}

/*
 * Takes a word that is zero, if nobody else is about to: of two at the same time, none may get it. Additions that answer, and
 * comparing exchanges, are newer than some kernels.
 */
#define TAKE(word, value, claims)                                      \
	({                                                             \
		volatile typeof(word) *_word = &(word);                \
		bool _taken;                                           \
		__sync_fetch_and_add(&(claims), 1);                    \
		_taken = *(volatile __u32 *)&(claims) == 1 && !*_word; \
		if (_taken)                                            \
			*_word = (value);                              \
		__sync_fetch_and_add(&(claims), -1);                   \
		_taken;                                                \
	})

static __always_inline struct guest_answers *answers_at(__u32 place)
{
	place &= IOTQ_GUEST_ANSWERS - 1;
	return bpf_map_lookup_elem(&iotq_guest_answers, &place);
}

static __always_inline struct guest_key guest_key(struct guest_name name)
{
	return (struct guest_key){ .name = name, .pid = bpf_get_current_pid_tgid() >> 32 };
}

static __always_inline struct guest_request *guest_request(struct guest_name name)
{
	struct guest_key key = guest_key(name);

	return name.element ? bpf_map_lookup_elem(&iotq_guest_requests, &key) : NULL;
}

/* A request of this process that is not answered. */
static __always_inline struct guest_request *pending_request(struct guest_name name)
{
	struct guest_request *request = guest_request(name);

	return request && !request->answered ? request : NULL;
}

#endif

/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* What the kernel's bios and requests say, in the words of our records. */
#ifndef IOTQ_BLOCK_KERNEL_H
#define IOTQ_BLOCK_KERNEL_H

#include "block_bios.h"

/* REQ_OP_READ and REQ_OP_WRITE have been 0 and 1 for ever; the others have moved. */
static __always_inline __u8 operation(__u32 flags, __u32 size)
{
	__u32 op = flags & 0xff;

	if (op == 0)
		return IOTQ_BLOCK_OP_READ;
	if (op == 1) {
		bool preflush = flags & 1u << bpf_core_enum_value(enum req_flag_bits, __REQ_PREFLUSH);

		return preflush && !size ? IOTQ_BLOCK_OP_FLUSH : IOTQ_BLOCK_OP_WRITE;
	}
#define KERNEL_OP(type, kernel) (bpf_core_enum_value_exists(enum type, kernel) && op == bpf_core_enum_value(enum type, kernel))
#define IS(kernel, ours)                                                        \
	if (KERNEL_OP(req_op, kernel) || KERNEL_OP(req_opf, kernel##___opf))    \
		return ours;
	IS(REQ_OP_FLUSH, IOTQ_BLOCK_OP_FLUSH)
	IS(REQ_OP_DISCARD, IOTQ_BLOCK_OP_DISCARD)
	IS(REQ_OP_SECURE_ERASE, IOTQ_BLOCK_OP_SECURE_ERASE)
	IS(REQ_OP_WRITE_ZEROES, IOTQ_BLOCK_OP_WRITE_ZEROES)
	IS(REQ_OP_ZONE_APPEND, IOTQ_BLOCK_OP_ZONE_APPEND)
	IS(REQ_OP_ZONE_OPEN, IOTQ_BLOCK_OP_ZONE_OPEN)
	IS(REQ_OP_ZONE_CLOSE, IOTQ_BLOCK_OP_ZONE_CLOSE)
	IS(REQ_OP_ZONE_FINISH, IOTQ_BLOCK_OP_ZONE_FINISH)
	IS(REQ_OP_ZONE_RESET, IOTQ_BLOCK_OP_ZONE_RESET)
	IS(REQ_OP_ZONE_RESET_ALL, IOTQ_BLOCK_OP_ZONE_RESET_ALL)
	IS(REQ_OP_DRV_IN, IOTQ_BLOCK_OP_DRIVER_IN)
	IS(REQ_OP_DRV_OUT, IOTQ_BLOCK_OP_DRIVER_OUT)
#undef IS
#undef KERNEL_OP
	return IOTQ_BLOCK_OP_OTHER;
}

/* The kernel's flags move between versions, ours do not. Without branches: verifiers walk both ways of each. */
static __always_inline __u32 block_flags(__u32 flags)
{
	__u32 ours = 0;

	if (!iotq_config.want_flags)
		return 0;
#define FLAG(kernel, bit)                                                                        \
	if (bpf_core_enum_value_exists(enum req_flag_bits, kernel)) {                            \
		__u32 set = flags >> bpf_core_enum_value(enum req_flag_bits, kernel) & 1;        \
		barrier_var(set);                                                                \
		ours |= set * bit;                                                               \
	}
	FLAG(__REQ_SYNC, IOTQ_BLOCK_SYNC)
	FLAG(__REQ_META, IOTQ_BLOCK_META)
	FLAG(__REQ_PRIO, IOTQ_BLOCK_PRIO)
	FLAG(__REQ_FUA, IOTQ_BLOCK_FUA)
	FLAG(__REQ_PREFLUSH, IOTQ_BLOCK_PREFLUSH)
	FLAG(__REQ_RAHEAD, IOTQ_BLOCK_AHEAD)
	FLAG(__REQ_BACKGROUND, IOTQ_BLOCK_BACKGROUND)
	FLAG(__REQ_NOWAIT, IOTQ_BLOCK_NOWAIT)
	FLAG(__REQ_POLLED, IOTQ_BLOCK_POLLED)
	FLAG(__REQ_SWAP, IOTQ_BLOCK_SWAP)
#undef FLAG
	return ours;
}

static __always_inline __u32 disk_number(struct gendisk *disk)
{
	return (__u32)disk->major << 20 | (__u32)disk->first_minor;
}

static __always_inline struct gendisk *bio_disk(struct bio *bio)
{
	struct bio___bi_disk *old = (void *)bio;

	if (bpf_core_field_exists(bio->bi_bdev))
		return bio->bi_bdev->bd_disk;
	return old->bi_disk;
}

/* Null where the bio has forgotten it. */
static __always_inline __u32 bio_part(struct bio *bio)
{
	return bpf_core_field_exists(bio->bi_bdev) ? bio->bi_bdev->bd_dev : IOTQ_NULL32;
}

/* What a request tells at its start. */
struct request_facts {
	__u64 bio;   /* the identity of the first one; zero: it has none */
	__u32 dev;   /* null: the queue has no disk, such as one for a controller's own commands */
	__u32 part;
	__u32 flags; /* enum req_op, enum req_flag_bits */
	__u32 size;
	__u64 sector;
	__u64 made; /* of one without a bio: when the block layer made it; zero: it does not say */
};

/* Of a tracepoint's argument, with its type. `queue` and `bio` are the request's. */
static __always_inline void typed_facts(struct request_facts *facts, struct request *rq, struct request_queue *queue,
					struct bio *bio)
{
	struct request___rq_disk *old = (void *)rq;
	struct gendisk *disk = bpf_core_field_exists(queue->disk) ? queue->disk : old->rq_disk;

	facts->dev = disk ? disk_number(disk) : IOTQ_NULL32;
	facts->part = facts->dev;
	facts->bio = facts->made = 0;
	if (bio) {
		facts->bio = identity(bio);
		facts->part = bio_part(bio);
	} else {
		facts->made = rq->start_time_ns;
	}
	facts->flags = rq->cmd_flags;
	facts->size = rq->__data_len;
	facts->sector = rq->__sector;
}

/* Of an address: the tracepoints of modules have no types here. */
static __always_inline void raw_facts(struct request_facts *facts, struct request *rq)
{
	struct request___rq_disk *old = (void *)rq;
	struct bio *bio = BPF_CORE_READ(rq, bio);
	struct gendisk *disk;

	if (bpf_core_field_exists(rq->q->disk))
		disk = BPF_CORE_READ(rq, q, disk);
	else
		disk = BPF_CORE_READ(old, rq_disk);
	facts->dev = IOTQ_NULL32;
	if (disk)
		facts->dev = (__u32)BPF_CORE_READ(disk, major) << 20 | (__u32)BPF_CORE_READ(disk, first_minor);
	facts->bio = bio ? identity_at((__u64)bio) : 0;
	facts->made = bio ? 0 : BPF_CORE_READ(rq, start_time_ns);
	facts->part = facts->dev;
	if (bio)
		facts->part = bpf_core_field_exists(bio->bi_bdev) ? BPF_CORE_READ(bio, bi_bdev, bd_dev) : IOTQ_NULL32;
	facts->flags = BPF_CORE_READ(rq, cmd_flags);
	facts->size = BPF_CORE_READ(rq, __data_len);
	facts->sector = BPF_CORE_READ(rq, __sector);
}

/* blk_status_t as errno: blk_errors[] of block/blk-core.c. Rare, so it need not be fast. */
static __noinline __u32 status_errno(__u32 status)
{
	switch (status) {
	case 0:
		return 0;
	case 1: /* NOTSUPP */
		return 95;
	case 2: /* TIMEOUT */
		return 110;
	case 3: /* NOSPC */
		return 28;
	case 4: /* TRANSPORT */
		return 67;
	case 5: /* TARGET */
		return 121;
	case 6: /* RESV_CONFLICT */
		return 52;
	case 7: /* MEDIUM */
		return 61;
	case 8: /* PROTECTION */
		return 84;
	case 9: /* RESOURCE */
		return 12;
	case 12: /* AGAIN */
		return 11;
	case 13: /* DEV_RESOURCE */
		return 16;
	case 14: /* ZONE_OPEN_RESOURCE, ZONE_ACTIVE_RESOURCE */
	case 15:
		return 75;
	case 16: /* OFFLINE */
		return 19;
	case 17: /* DURATION_LIMIT */
		return 62;
	default:
		return 5;
	}
}

/*
 * A write with PREFLUSH or FUA goes through several steps, each of which completes the request. Its bio ends with the
 * last one, when the mark is gone; the device's own flush request has the mark as well, but no bio.
 */
static __always_inline bool more_steps(struct request *rq)
{
	__u32 bit = 4; /* a constant before the enum of 6.11 */

	if (bpf_core_enum_value_exists(enum rqf_flags, __RQF_FLUSH_SEQ))
		bit = bpf_core_enum_value(enum rqf_flags, __RQF_FLUSH_SEQ);
	return rq->bio && rq->rq_flags & 1u << bit;
}

#endif

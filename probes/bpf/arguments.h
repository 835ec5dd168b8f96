/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* System calls: what their arguments mean, by number, and which files they are about. */
#ifndef IOTQ_ARGUMENTS_H
#define IOTQ_ARGUMENTS_H

#include "config.h"

const volatile struct iotq_call iotq_calls[IOTQ_MAX_SYSCALLS];

/* libaio: opcodes, of the interface to programs. */
enum { AIO_PREAD = 0, AIO_PWRITE = 1, AIO_FSYNC = 2, AIO_FDSYNC = 3, AIO_PREADV = 7, AIO_PWRITEV = 8 };

static __always_inline __u64 argument(struct pt_regs *regs, __u8 number)
{
	switch (number) {
	case 0:
		return regs->di;
	case 1:
		return regs->si;
	case 2:
		return regs->dx;
	case 3:
		return regs->r10;
	case 4:
		return regs->r8;
	default:
		return regs->r9;
	}
}

/* Requests of ioctl: BLKDISCARD, BLKSECDISCARD, BLKZEROOUT on block devices, FITRIM on filesystems. */
enum { NR_IOCTL = 16, DISCARD = 0x1277, DISCARD_SECURELY = 0x127d, ZERO_OUT = 0x127f, TRIM = 0xc0185879 };
enum { NR_FADVISE64 = 221, ADVICE_WILL_NEED = 3 };

/* What a call does, an enum iotq_syscall_op; zero if its arguments say that it is none of storage. */
static __always_inline __u8 operation_of(struct pt_regs *regs, __u32 number)
{
	if (number == NR_IOCTL) {
		switch ((__u32)regs->si) {
		case DISCARD:
		case DISCARD_SECURELY:
		case TRIM:
			return IOTQ_SYSCALL_OP_DISCARD;
		case ZERO_OUT:
			return IOTQ_SYSCALL_OP_ALLOCATE;
		default:
			return 0;
		}
	}
	if (number == NR_FADVISE64 && (__u32)regs->r10 != ADVICE_WILL_NEED)
		return 0;
	return iotq_calls[number & (IOTQ_MAX_SYSCALLS - 1)].op;
}

/* The number of a call that is traced, else IOTQ_MAX_SYSCALLS. */
static __always_inline __u32 traced(__u32 number)
{
	if (number >= IOTQ_MAX_SYSCALLS)
		return IOTQ_MAX_SYSCALLS;
	barrier_var(number);
	number &= IOTQ_MAX_SYSCALLS - 1;
	return iotq_calls[number].op ? number : IOTQ_MAX_SYSCALLS;
}

/* Where a call works, and on how much, in bytes; null where its arguments do not say it. */
struct range {
	__u64 offset, size;
};

/* `end`: 2 for the second descriptor of two, and its place. The sum of an array is told elsewhere (vector_size). */
static __always_inline struct range range_of(struct pt_regs *regs, const volatile struct iotq_call *call, __u8 end)
{
	struct range range = { IOTQ_NULL64, IOTQ_NULL64 };
	void *at = (void *)argument(regs, call->offset + end);

	if (call->flags & IOTQ_CALL_RANGE) {
		/* It is one of the filesystem, not of the file, and may be all of it. */
		if ((__u32)regs->si == TRIM || bpf_probe_read_user(&range, sizeof(range), at))
			range = (struct range){ IOTQ_NULL64, IOTQ_NULL64 };
		return range;
	}
	if (call->flags & IOTQ_CALL_OFFSET)
		range.offset = (__u64)at;
	if (call->flags & IOTQ_CALL_POINTED && at && bpf_probe_read_user(&range.offset, sizeof(range.offset), at))
		range.offset = IOTQ_NULL64;
	if (call->flags & IOTQ_CALL_SIZE)
		range.size = argument(regs, call->size);
	return range;
}

/* The file behind a descriptor of the current task; none if it is not open. */
static __always_inline struct file *file_of(__u32 fd)
{
	struct files_struct *files = CURRENT(files);
	struct file **array, *file = NULL;
	struct fdtable *table;

	if (!files)
		return NULL;
	table = FOLLOW(files, fdt);
	if (fd >= FOLLOW(table, max_fds))
		return NULL;
	array = FOLLOW(table, fd);
	bpf_probe_read_kernel(&file, sizeof(file), array + fd);
	return file;
}

#endif

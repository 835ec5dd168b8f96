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

/* The number of a call that is traced, else IOTQ_MAX_SYSCALLS. */
static __always_inline __u32 traced(__u32 number)
{
	if (number >= IOTQ_MAX_SYSCALLS)
		return IOTQ_MAX_SYSCALLS;
	barrier_var(number);
	number &= IOTQ_MAX_SYSCALLS - 1;
	return iotq_calls[number].op ? number : IOTQ_MAX_SYSCALLS;
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

/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* What objects of the kernel are known by. */
#ifndef IOTQ_IDENTITY_H
#define IOTQ_IDENTITY_H

#include "config.h"

/*
 * What an object of the kernel is known by: how far it lies from our constants. The verifier forbids all arithmetic on
 * kernel pointers but their difference, which is a number to it, and as good as the address.
 */
static __always_inline __u64 identity(const void *pointer)
{
	__u64 distance = (__u64)pointer;

	asm volatile("%0 -= %1" : "+r"(distance) : "r"(&iotq_config));
	return distance;
}

/* What was added up in memory is a number to the verifier, too, whatever it was before. Dearer. */
static __always_inline __u64 number(const volatile void *pointer)
{
	__u64 sum = 0;

	asm volatile("lock *(u64 *)(%0 + 0) += %1" : : "r"(&sum), "r"(pointer) : "memory");
	return sum;
}

/* The device that an inode is on; a block device is its own. */
static __always_inline __u32 inode_dev(struct inode *inode, __u16 mode)
{
	return (mode & S_IFMT) == S_IFBLK ? BPF_CORE_READ(inode, i_rdev) : BPF_CORE_READ(inode, i_sb, s_dev);
}

/* The identity of what lies at an address that is a number. */
static __always_inline __u64 identity_at(__u64 address)
{
	return address - number(&iotq_config);
}

/* The address behind this one in a list of the kernel's; zero where it cannot be read. */
static __always_inline __u64 next_in_list(__u64 address)
{
	return (__u64)BPF_CORE_READ((struct list_head *)address, next);
}

#endif

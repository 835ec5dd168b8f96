/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* The fixed-width types, without the kernel's headers. */
#ifndef IOTQ_TYPES_H
#define IOTQ_TYPES_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed int __s32;
typedef signed long long __s64;

#endif

/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * `file under …`: in which of the named directories a file lies.
 *
 * From the file up to the root of its filesystem, then from where that is mounted, and so on to the top: so it lies in what
 * holds it, however it was reached, and in what holds the mount through which it was opened. A filesystem on which none of
 * the directories is has no need to be walked.
 *
 * The steps are cut into stretches, each a global function of numbers: the verifier walks a stretch once.
 */
#ifndef IOTQ_DIRECTORY_H
#define IOTQ_DIRECTORY_H

#include "config.h"
#include "filter.h"

const volatile struct iotq_btrfs_layout iotq_btrfs_layout;

/* 2048 steps: more than the names in the longest path that a call may be given. */
#define STRETCH 64
#define STRETCHES 32
/* Mounts within mounts. */
#define MOUNTS 32

/* It could not be told: the way to the top is longer than that. */
#define TOO_FAR IOTQ_NULL64

/* An address in the kernel begins with eight ones; the directories that were found on the way stand in their place. */
#define ADDRESS_ONES (0xffull << 56)
_Static_assert(IOTQ_MAX_DIRECTORIES <= 8, "a bit each");

/* The first cache line of something of the kernel's: most of what a step asks of it lies there, and one read is enough. */
struct line {
	__u64 words[8];
};

/* A word of what a line was read of. The verifier knows where it lies, and keeps one of the two ways. */
#define WORD(line, address, type, field)                                                             \
	({                                                                                           \
		__u64 _word = 0;                                                                     \
		__u32 _at = bpf_core_field_offset(type, field);                                      \
		if (_at <= sizeof(struct line) - sizeof(_word))                                      \
			_word = *(__u64 *)((void *)&(line) + _at);                                   \
		else                                                                                 \
			bpf_probe_read_kernel(&_word, sizeof(_word), (void *)((address) + _at));     \
		_word;                                                                               \
	})

/* Whether an inode of btrfs is of a subvolume: each numbers its inodes from the same number on. */
static __always_inline __u64 is_of_volume(__u64 inode, __u32 volume)
{
	__u64 root = 0;
	__u32 own = 0;

	bpf_probe_read_kernel(&root, sizeof(root), (void *)(inode - iotq_btrfs_layout.inode + iotq_btrfs_layout.root));
	bpf_probe_read_kernel(&own, sizeof(own), (void *)(root + iotq_btrfs_layout.device));
	return is_zero(own ^ volume);
}

/* The directories, a bit each, that have the number of this inode. */
static __always_inline __u64 same_inode(struct inode *inode)
{
	__u64 number = BPF_CORE_READ(inode, i_ino), same = 0;

#pragma unroll
	for (__u32 i = 0; i < IOTQ_MAX_DIRECTORIES; i++) {
		const volatile struct iotq_directory *directory = &iotq_config.directories[i];
		__u64 is_it;

		if (i >= iotq_config.directory_count)
			break;
		is_it = is_zero(number ^ directory->inode);
		if (directory->volume)
			is_it &= is_of_volume((__u64)inode, directory->volume);
		same |= is_it << i;
	}
	return same;
}

/* Those that are on the filesystem of this device. */
static __always_inline __u64 on_filesystem(__u32 dev)
{
	__u64 here = 0;

#pragma unroll
	for (__u32 i = 0; i < IOTQ_MAX_DIRECTORIES; i++) {
		if (i >= iotq_config.directory_count)
			break;
		here |= is_zero(dev ^ iotq_config.directories[i].dev) << i;
	}
	return here;
}

/* A stretch of the way: those of `wanted` that were met, and where it goes on; no address at the filesystem's root. */
__noinline __u64 climb(__u64 dentry, __u64 wanted)
{
	__u64 met = 0;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < STRETCH; i++) {
		struct line line = {};
		__u64 parent;

		bpf_probe_read_kernel(&line, sizeof(line), (void *)dentry);
		parent = WORD(line, dentry, struct dentry, d_parent);
		met |= same_inode((void *)WORD(line, dentry, struct dentry, d_inode)) & wanted;
		if (parent == dentry)
			return met << 56;
		dentry = parent;
	}
	return met << 56 | (dentry & ~ADDRESS_ONES);
}

/* The way to the root of a filesystem. */
__noinline __u64 climb_filesystem(__u64 dentry, __u64 wanted)
{
	__u64 met = 0;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < STRETCHES; i++) {
		__u64 way = climb(dentry, wanted);

		met |= way >> 56;
		dentry = way | ADDRESS_ONES;
		if (dentry == ADDRESS_ONES)
			return met;
	}
	return TOO_FAR;
}

/* The way to the top, from mount to mount: the bits of the directories in which a file lies. */
__noinline __u64 directories_of(__u64 address)
{
	struct file *file = (void *)address;
	__u64 dentry = (__u64)BPF_CORE_READ(file, f_path.dentry), parent;
	__u64 mount = (__u64)BPF_CORE_READ(file, f_path.mnt) - bpf_core_field_offset(struct mount, mnt);
	__u64 met = 0, members = 0;
	bool at_top = false;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < MOUNTS && !at_top; i++) {
		struct super_block *filesystem;
		struct line line = {};
		__u64 wanted;

		bpf_probe_read_kernel(&line, sizeof(line), (void *)mount);
		filesystem = (void *)WORD(line, mount, struct mount, mnt.mnt_sb);
		wanted = on_filesystem(BPF_CORE_READ(filesystem, s_dev));
		if (wanted)
			met |= climb_filesystem(dentry, wanted);
		dentry = WORD(line, mount, struct mount, mnt_mountpoint);
		parent = WORD(line, mount, struct mount, mnt_parent);
		at_top = parent == mount;
		mount = parent;
	}
	if (!at_top || met == TOO_FAR)
		return TOO_FAR;
#pragma unroll
	for (__u32 i = 0; i < IOTQ_MAX_DIRECTORIES; i++)
		members |= (met >> i & 1) << (iotq_config.directories[i].bit & 63);
	return members;
}

#endif

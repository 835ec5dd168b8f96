/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * `file under …`: in which of the named directories a file lies.
 *
 * From the file up to the root of its filesystem, then from where that is mounted, and so on to the top: so it lies in what
 * holds it, however it was reached, and in what holds the mount through which it was opened. A filesystem on which none of
 * the directories is has no need to be walked.
 *
 * The steps are cut into stretches, each a global function of numbers: the verifier walks a stretch once, and none where
 * nobody asks for a directory.
 */
#ifndef IOTQ_DIRECTORY_H
#define IOTQ_DIRECTORY_H

#include "config.h"
#include "filter.h"
#include "ship.h"

const volatile struct iotq_btrfs_layout iotq_btrfs_layout;

/* The steps of a stretch, and stretches and mounts together: a path of 2048 names over 32 mounts is walked. */
#define STRETCH 64
#define LEGS 64

/* It could not be told: the way to the top is longer than that. */
#define TOO_FAR IOTQ_NULL64

/* An address in the kernel begins with eight ones; the directories that were found on the way stand in their place. */
#define ADDRESS_ONES (0xffull << 56)
_Static_assert(IOTQ_MAX_DIRECTORIES <= 8, "a bit each");

/* What a step asks of something lies close together: one read is enough. */
struct window {
	__u64 words[4];
};

#define LOOK(window, address, type, first) \
	bpf_probe_read_kernel(&(window), sizeof(window), (void *)((address) + bpf_core_field_offset(type, first)))

/* A word of a window on what begins with `first`. The verifier knows where it lies, and keeps one of the two ways. */
#define WORD(window, address, type, first, field)                                                    \
	({                                                                                           \
		__u32 _from = bpf_core_field_offset(type, first);                                    \
		__u32 _at = bpf_core_field_offset(type, field);                                      \
		__u64 _word = 0;                                                                     \
		if (_at - _from <= sizeof(window) - sizeof(_word))                                   \
			_word = *(__u64 *)((void *)&(window) + (_at - _from));                       \
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

/* Those that are on a filesystem. */
static __always_inline __u64 wanted_on(__u64 address)
{
	struct super_block *filesystem = (void *)address;
	__u32 dev = BPF_CORE_READ(filesystem, s_dev);
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

	if (!iotq_config.directory_count)
		return 0;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < STRETCH; i++) {
		struct window window;
		__u64 parent;

		LOOK(window, dentry, struct dentry, d_parent);
		parent = WORD(window, dentry, struct dentry, d_parent, d_parent);
		met |= same_inode((void *)WORD(window, dentry, struct dentry, d_parent, d_inode)) & wanted;
		if (parent == dentry)
			return met << 56;
		dentry = parent;
	}
	return met << 56 | (dentry & ~ADDRESS_ONES);
}

__noinline __u64 members_of(__u64 met)
{
	__u64 members = 0;

#pragma unroll
	for (__u32 i = 0; i < IOTQ_MAX_DIRECTORIES; i++)
		members |= (met >> i & 1) << (iotq_config.directories[i].bit & 63);
	return members;
}

/* The way to the top, over the mounts: the bits of the directories in which a file lies. */
__noinline __u64 directories_of(__u64 address)
{
	struct file *file = (void *)address;
	__u64 met = 0, dentry, mount, wanted, way, parent;
	struct window window;

	if (!iotq_config.directory_count)
		return 0;
	dentry = (__u64)BPF_CORE_READ(file, f_path.dentry);
	mount = (__u64)BPF_CORE_READ(file, f_path.mnt) - bpf_core_field_offset(struct mount, mnt);
	LOOK(window, mount, struct mount, mnt_parent);
	wanted = wanted_on(WORD(window, mount, struct mount, mnt_parent, mnt.mnt_sb));
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < LEGS; i++) {
		way = wanted ? climb(dentry, wanted) : 0;
		met |= way >> 56;
		dentry = way | ADDRESS_ONES;
		if (dentry != ADDRESS_ONES)
			continue;
		dentry = WORD(window, mount, struct mount, mnt_parent, mnt_mountpoint);
		parent = WORD(window, mount, struct mount, mnt_parent, mnt_parent);
		if (parent == mount)
			return members_of(met);
		mount = parent;
		LOOK(window, mount, struct mount, mnt_parent);
		wanted = wanted_on(WORD(window, mount, struct mount, mnt_parent, mnt.mnt_sb));
	}
	return TOO_FAR;
}

/* Whether it is known in which directories an operation's file lies; they are among the members of its task. */
static __always_inline bool is_told(const struct iotq_task *task, __u32 layer)
{
	if (!iotq_config.directory_count || task->members != TOO_FAR)
		return true;
	COUNT(layer, lost_slot);
	return false;
}

#endif

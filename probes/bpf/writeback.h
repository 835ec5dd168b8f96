/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Writeback: what the kernel writes back of one file's pages, by itself, at one time. No thread waits for it; it is over when
 * the last of its requests is done. What a system call writes back is a part of the call.
 */
#ifndef IOTQ_WRITEBACK_H
#define IOTQ_WRITEBACK_H

#include "call.h"
#include "pages.h"

/* The next time a file is written back, the requests of the last one may still be under way: so time makes the key. */
#define WRITEBACK_KEY(now) ((now) | 3ull << 62)

/* The root that the current thread writes back for. */
static __always_inline struct root *written_back(__u32 *index)
{
	__u32 tid = CURRENT(pid);
	struct submitter *place = submitter(tid);
	struct root *root;

	if (!place || place->tid != tid || !place->owner)
		return NULL;
	*index = OWNER_INDEX(place->owner);
	root = owning_root(place->owner);
	if (!root || !root->active || root->seq != OWNER_SEQ(place->owner))
		return NULL;
	return root->record.call.number == IOTQ_NUMBER_WRITEBACK ? root : NULL;
}

/* The last of its requests is done, if there is none left and all are submitted. */
__noinline int end_writeback(__u32 index, __u32 seq)
{
	struct root *root = owning_root(OWNER(index, 0, 0));
	bool over;

	if (!root)
		return 0;
	bpf_spin_lock(&root->lock);
	over = root->active && root->seq == seq && root->last && !root->pending && !root->queued &&
	       !root->at_device;
	if (over)
		root->last = 0;
	bpf_spin_unlock(&root->lock);
	return over ? end_call(root, index, IOTQ_NUMBER_WRITEBACK, root->record.call.ret) : 0;
}

static __noinline int begin_writeback(__u64 address)
{
	struct iotq_syscall record = {};
	__u32 index;
	struct root *root = written_back(&index);
	__u64 owner;

	/* The end of what this thread did before was not seen. */
	if (root) {
		abandon(root);
		COUNT(IOTQ_LAYER_SYSCALL, unmatched);
	}
	submit_for(0);
	if (followed(CURRENT(pid), &index))
		return 0;
	if (!describe_caller(&record, IOTQ_NUMBER_WRITEBACK, IOTQ_SYSCALL_OP_WRITE))
		return 0;
	if (!describe_inode(&record, (void *)address))
		return 0;
	if (iotq_config.want_name)
		name_of(address, record.name);
	if (!judge_call(&record))
		return 0;
	owner = begin_call(WRITEBACK_KEY(bpf_ktime_get_ns()), &record, CALLER_AWAY);
	submit_for(owner ? owner | OWNER_COUNTED : 0);
	return 0;
}

/* All is submitted. Often there was nothing to write. */
static __noinline int submit_writeback(__u64 bytes)
{
	__u32 index;
	struct root *root = written_back(&index);

	if (!root)
		return 0;
	submit_for(0);
	if (!root->record.trail.children && !root->pending) {
		abandon(root);
		return 0;
	}
	root->record.call.ret = bytes;
	root->last = 1;
	return end_writeback(index, root->seq);
}

#endif

/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Commits of a journal, that of ext4. Calls wait for one together, asleep, and the journal's own thread submits its
 * requests. So a commit is a root by itself, which no statement asks for; and what its requests did while a call slept until
 * it was over is a part of that call.
 */
#ifndef IOTQ_JOURNAL_H
#define IOTQ_JOURNAL_H

#include "root.h"

/* A journal has one commit at a time. Other keys are threads, which are short, or have one of the two upper bits. */
#define COMMIT_KEY(dev) ((dev) | 1ull << 61)

/* Calls that wait for one commit, and are looked at. */
#define COMMIT_WAITERS 256

static __always_inline __u64 commit_key(__u64 journal)
{
	return COMMIT_KEY((__u64)BPF_CORE_READ((struct journal_s *)journal, j_fs_dev, bd_dev));
}

__noinline int begin_commit(__u64 journal)
{
	struct root *commit;
	__u32 index;
	__u64 key;

	if (!iotq_config.has_commits)
		return 0;
	key = commit_key(journal);
	commit = held_root(key, &index);
	if (commit)
		abandon(commit);
	index = take_root(key);
	commit = root_at(index);
	if (!commit)
		return 0;
	start_other_root(commit, IOTQ_NUMBER_COMMIT, bpf_ktime_get_ns());
	submit_for(OWNER(index, commit->seq, 0));
	return 0;
}

/* A root's caller falls asleep, on a file of this device: what a commit has done until now is not for it. */
__noinline int watch_commit(__u32 index, __u32 dev, __u64 now)
{
	struct root *root = root_at(index), *commit;
	__u64 queue = 0, device = 0;
	__u32 at, seq = 0;

	if (!iotq_config.has_commits || !root)
		return 0;
	commit = followed(COMMIT_KEY(dev), &at);
	if (commit) {
		bpf_spin_lock(&commit->lock);
		advance(commit, now);
		seq = commit->seq;
		queue = commit->record.trail.stages[IOTQ_STAGE_QUEUE];
		device = commit->record.trail.stages[IOTQ_STAGE_DEVICE];
		bpf_spin_unlock(&commit->lock);
	}
	bpf_spin_lock(&root->lock);
	root->slept.since = root->since;
	root->slept.commit = seq;
	root->slept.queue = queue;
	root->slept.device = device;
	bpf_spin_unlock(&root->lock);
	return 0;
}

/* A request of a commit becomes one of the root that waits for it; if it was over before, that has not waited for it. */
__noinline int adopt(__u32 index, __u32 from, __u32 place)
{
	struct root *root = root_at(index), *commit = root_at(from);
	struct child *child = child_at(from, place), *own;
	__u32 at;

	if (!iotq_config.has_commits || !root || !commit || !child)
		return 0;
	if (!(commit->done >> place & 1) || !child->size || ((struct iotq_head *)child->record)->at <= root->slept.since)
		return 0;
	at = root->record.trail.children;
	own = child_at(index, at & (IOTQ_ROOT_CHILDREN - 1));
	if (!own)
		return 0;
	bpf_spin_lock(&root->lock);
	root->record.trail.children++;
	if (at < IOTQ_ROOT_CHILDREN) {
		root->done |= 1u << at;
		*own = *child;
	} else {
		root->record.trail.crowded++;
	}
	bpf_spin_unlock(&root->lock);
	return 0;
}

/* How long a commit's requests took while the root slept. False: it did something else, too. The root's lock is held. */
static __always_inline bool waited(struct root *root, const struct root *commit, __u64 now)
{
	const __u64 *done = commit->record.trail.stages;
	__u64 queue = done[IOTQ_STAGE_QUEUE], device = done[IOTQ_STAGE_DEVICE];
	__u64 *stages = root->record.trail.stages;
	__u64 passed = now > root->since ? now - root->since : 0;

	if (!root->active || stage_of(root) != IOTQ_STAGE_BLOCKED || root->since != root->slept.since)
		return false;
	if (root->slept.commit == commit->seq) {
		queue -= root->slept.queue;
		device -= root->slept.device;
	}
	/* Clocks of two CPUs may differ by a little. */
	if (device > passed)
		device = passed;
	if (queue > passed - device)
		queue = passed - device;
	stages[IOTQ_STAGE_DEVICE] += device;
	stages[IOTQ_STAGE_QUEUE] += queue;
	stages[IOTQ_STAGE_BLOCKED] += passed - device - queue;
	root->since += passed;
	return true;
}

/* A root that waits for a commit which is over. */
__noinline int end_waiter(__u32 index, __u32 from, __u64 now)
{
	struct root *root = root_at(index), *commit = root_at(from);
	bool slept;

	if (!iotq_config.has_commits || !root || !commit)
		return 0;
	bpf_spin_lock(&root->lock);
	slept = waited(root, commit, now);
	if (slept) {
		root->record.trail.children += commit->record.trail.crowded;
		root->record.trail.crowded += commit->record.trail.crowded;
		/* The end of one of its requests was not seen, or something else of it. */
		if (commit->queued || commit->at_device)
			root->record.call.head.marks |= IOTQ_MARK_CROWDED;
		root->record.call.head.marks |= commit->record.call.head.marks;
	}
	bpf_spin_unlock(&root->lock);
	if (!slept)
		return 0;
#pragma clang loop unroll(disable)
	for (__u32 place = 0; place < IOTQ_ROOT_CHILDREN; place++)
		adopt(index, from, place);
	return 0;
}

/*
 * The thread of a place in the list of those that wait, if it is followed; and the guest's request that it works for.
 * Where the next place is.
 */
__noinline __u64 end_thread_waiter(__u64 place, __u32 from, __u64 now)
{
	struct wait_queue_entry *entry = (void *)(place - bpf_core_field_offset(struct wait_queue_entry, entry));
	struct root *root;
	__u32 index;

	if (!iotq_config.has_commits)
		return 0;
	root = followed((__u32)BPF_CORE_READ(entry, private, pid), &index);
	if (root) {
		end_waiter(index, from, now);
		if (iotq_config.follow_guests && root->parent)
			end_waiter(OWNER_INDEX(root->parent), from, now);
	}
	return next_in_list(place);
}

/* All that wait in the list at this address. */
__noinline int end_waiters(__u64 list, __u32 from, __u64 now)
{
	__u64 place;

	if (!iotq_config.has_commits)
		return 0;
	place = next_in_list(list);
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < COMMIT_WAITERS && place && place != list; i++)
		place = end_thread_waiter(place, from, now);
	return 0;
}

/* The commit is over. Whoever waits for it is woken behind this. */
__noinline int end_commit(__u64 journal)
{
	__u64 now = bpf_ktime_get_ns();
	struct root *commit;
	__u32 index;

	if (!iotq_config.has_commits)
		return 0;
	submit_for(0);
	commit = followed(commit_key(journal), &index);
	if (!commit)
		return 0;
	bpf_spin_lock(&commit->lock);
	advance(commit, now);
	bpf_spin_unlock(&commit->lock);
	end_waiters(journal + bpf_core_field_offset(struct journal_s, j_wait_done_commit.head), index, now);
	close_root(commit, false);
	release_root(commit);
	return 0;
}

#endif

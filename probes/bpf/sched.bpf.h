/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The scheduler: when the callers of roots run, wait for a CPU, and sleep. Each time off the CPU is an operation of the
 * layer, kept in its root: it begins and ends in the caller's own thread.
 */
#include "guest_calls.h"
#include "journal.h"

const volatile struct iotq_table iotq_sched_start ON_A_LINE;
const volatile struct iotq_table iotq_sched_at[IOTQ_SCHED_POINTS] ON_A_LINE;

#define TASK_RUNNING 0

/* Whether anybody asks for times off the CPU by themselves, or within requests. */
#define WAITS_WANTED (wants_any(IOTQ_LAYER_SCHED) || iotq_config.joined[IOTQ_LAYER_SCHED])

static __always_inline __u32 task_state(struct task_struct *task)
{
	struct task_struct___state *old = (void *)task;

	if (bpf_core_field_exists(task->__state))
		return task->__state;
	return old->state;
}

static __noinline int reach_sched(struct iotq_sched *wait, __u32 point, __u64 now)
{
	if (wait && point < IOTQ_SCHED_POINTS)
		deliver(&wait->head, sizeof(*wait), IOTQ_LAYER_SCHED, point, wait->head.queries,
			filter_rare(&iotq_sched_at[point], wait), now);
	return 0;
}

/* The caller leaves its CPU. Until its state says so, nobody else looks at what is written here. */
static __always_inline void begin_wait(struct root *root, __u8 state, struct task_struct *next, __u64 now)
{
	struct iotq_sched *wait = &root->wait;

	root->left = now;
	root->woken = 0;
	wait->head.marks = 0;
	wait->task = root->record.call.task;
	wait->cpu = bpf_get_smp_processor_id();
	wait->next_pid = next->tgid;
	__builtin_memcpy(wait->next_comm, next->comm, sizeof(wait->next_comm));
	wait->waker = IOTQ_NULL32;
	wait->waker_comm[0] = 0;
	wait->state = state;
	wait->blocked = wait->runqueue = wait->lat = IOTQ_NULL64;
	wait->prev_pid = IOTQ_NULL32;
	wait->prev_comm[0] = 0;
	wait->head.queries = filter_rare(&iotq_sched_start, wait);
	if (wants_any(IOTQ_LAYER_SCHED) && !wait->head.queries)
		COUNT(IOTQ_LAYER_SCHED, rejected);
	if (wants(IOTQ_LAYER_SCHED, IOTQ_SCHED_OUT))
		reach_sched(wait, IOTQ_SCHED_OUT, now);
}

/* For the request that it is part of. */
static __noinline int keep_wait(__u32 index, __u64 now)
{
	struct root *root = root_at(index);
	struct iotq_sched *kept;
	__u32 at;

	if (!root)
		return 0;
	at = index * IOTQ_ROOT_WAITS + root->record.trail.waits;
	kept = bpf_map_lookup_elem(&iotq_waits, &at);
	if (!kept || root->record.trail.waits >= IOTQ_ROOT_WAITS) {
		root->record.trail.waits_crowded++;
		return 0;
	}
	*kept = root->wait;
	kept->head.at = now;
	kept->head.layer = IOTQ_LAYER_SCHED;
	kept->head.point = IOTQ_SCHED_IN;
	kept->head.queries = iotq_config.joined[IOTQ_LAYER_SCHED];
	root->record.trail.waits++;
	return 0;
}

/* The caller has a CPU again. */
static __noinline int end_wait(__u32 index, __u64 now)
{
	struct root *root = root_at(index);
	struct iotq_sched *wait;

	if (!root || !root->left)
		return 0;
	wait = &root->wait;
	wait->cpu = bpf_get_smp_processor_id();
	wait->lat = now - root->left;
	wait->blocked = 0;
	if (wait->state == IOTQ_SCHED_STATE_ASLEEP)
		wait->blocked = root->woken ? root->woken - root->left : wait->lat;
	/* Clocks of two CPUs may differ by a little. */
	if ((__s64)wait->blocked < 0)
		wait->blocked = 0;
	if (wait->blocked > wait->lat)
		wait->blocked = wait->lat;
	wait->runqueue = wait->lat - wait->blocked;
	root->left = 0;
	if (iotq_config.joined[IOTQ_LAYER_SCHED])
		keep_wait(index, now);
	if (wants(IOTQ_LAYER_SCHED, IOTQ_SCHED_IN))
		reach_sched(wait, IOTQ_SCHED_IN, now);
	return 0;
}

/* A caller has fallen asleep. Until a commit is over only changes wait. */
static __always_inline void note_sleep(struct root *root, __u32 index, __u64 now)
{
	const struct iotq_syscall *call = &root->record.call;

	if (!iotq_config.has_commits || call->op == IOTQ_SYSCALL_OP_READ)
		return;
	watch_commit(index, call->dev, now);
	if (iotq_config.follow_guests && root->parent)
		watch_commit(OWNER_INDEX(root->parent), call->dev, now);
}

static __always_inline int switched(bool preempted, struct task_struct *from, struct task_struct *to)
{
	__u32 out_index, in_index;
	struct root *out = followed((__u32)from->pid, &out_index);
	struct root *in = followed((__u32)to->pid, &in_index);
	__u64 now;

	if (!out && !in)
		return 0;
	now = bpf_ktime_get_ns();
	if (out) {
		bool runnable = preempted || task_state(from) == TASK_RUNNING;
		__u8 state = runnable ? IOTQ_SCHED_STATE_RUNNABLE : IOTQ_SCHED_STATE_ASLEEP;

		if (WAITS_WANTED)
			begin_wait(out, preempted ? IOTQ_SCHED_STATE_PREEMPTED : state, to, now);
		caller_does(out, runnable ? CALLER_WAITS_FOR_CPU : CALLER_SLEEPS, now);
		if (iotq_config.follow_guests && out->parent)
			pass_on(out->parent, runnable ? CALLER_WAITS_FOR_CPU : CALLER_SLEEPS, now);
		if (!runnable)
			note_sleep(out, out_index, now);
	}
	if (in) {
		__u64 came = caller_does(in, CALLER_RUNS, now);

		if (iotq_config.follow_guests && in->parent)
			pass_on(in->parent, CALLER_RUNS, now);
		if (WAITS_WANTED) {
			in->wait.prev_pid = from->tgid;
			__builtin_memcpy(in->wait.prev_comm, from->comm, sizeof(in->wait.prev_comm));
			end_wait(in_index, came);
		}
	}
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(iotq_sched_switch, bool preempted, struct task_struct *from, struct task_struct *to)
{
	return switched(preempted, from, to);
}

/* What is known when it is woken; a copy, for it may run at any moment. */
static __noinline int tell_woken(__u32 index, __u64 now)
{
	struct root *root = root_at(index);
	struct iotq_sched wait;

	if (!root)
		return 0;
	bpf_spin_lock(&root->lock);
	wait = root->wait;
	bpf_spin_unlock(&root->lock);
	if (root->woken == now)
		reach_sched(&wait, IOTQ_SCHED_WAKE, now);
	return 0;
}

/* It is on a run queue now. (sched_waking comes earlier, and may come before its task has left the CPU to sleep.) */
SEC("tp_btf/sched_wakeup")
int BPF_PROG(iotq_sched_wakeup, struct task_struct *task)
{
	__u32 index;
	struct root *root = followed((__u32)task->pid, &index);
	__u64 now;

	if (!root)
		return 0;
	now = bpf_ktime_get_ns();
	now = wake_caller(root, bpf_get_current_task_btf(), now);
	if (iotq_config.follow_guests && root->parent)
		pass_on(root->parent, root->caller, now);
	if (wants(IOTQ_LAYER_SCHED, IOTQ_SCHED_WAKE))
		tell_woken(index, now);
	return 0;
}

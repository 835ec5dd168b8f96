/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The NVMe driver: a command is set up from a request, the drive answers, the command completes, perhaps to be tried
 * again.
 *
 *   nvme_setup_cmd -> [block_rq_issue] -> nvme_sq -> nvme_complete_rq -> [nvme_setup_cmd …] -> [block_rq_complete]
 */
#include "driver.h"

const volatile struct iotq_table iotq_nvme_start ON_A_LINE;
const volatile struct iotq_table iotq_nvme_at[IOTQ_NVME_POINTS] ON_A_LINE;
const volatile struct iotq_nvme_layout iotq_nvme_layout;

/* The head of every command, as the specification has it. */
struct nvme_command_head {
	__u8 opcode;
	__u8 flags;
	__u16 command_id;
	__u32 nsid;
};

#define ADMIN 0x100

static __always_inline struct iotq_nvme *nvme_record(struct iotq_block_slot *slot)
{
	return (void *)&slot->record;
}

static __noinline int reach_rare_nvme(struct iotq_block_slot *slot, __u32 point, __u64 now)
{
	if (slot && point < IOTQ_NVME_POINTS)
		deliver(&slot->record.head, sizeof(struct iotq_nvme), IOTQ_LAYER_NVME, point,
			slot->driver_queries, filter_rare(&iotq_nvme_at[point], &slot->record), now);
	return 0;
}

static __always_inline void reach_nvme(struct iotq_block_slot *slot, __u32 point, __u64 now)
{
	if (wants(IOTQ_LAYER_NVME, point))
		reach_rare_nvme(slot, point, now);
}

/* nvme_error_status() of the kernel, as errno. */
static __noinline __u32 nvme_errno(__u32 status)
{
	switch (status & 0x7ff) {
	case 0x000:
		return 0;
	case 0x081: /* capacity exceeded */
		return 28;
	case 0x080: /* out of range */
	case 0x021: /* interrupted */
	case 0x082: /* namespace not ready */
		return 121;
	case 0x001: /* opcode */
	case 0x002: /* field */
	case 0x00b: /* namespace */
	case 0x180: /* attributes */
		return 95;
	case 0x280: /* write fault */
	case 0x281: /* unrecovered read */
	case 0x285: /* compare */
	case 0x286: /* denied */
	case 0x287: /* unwritten */
	case 0x182: /* read only */
		return 61;
	case 0x282: /* guard */
	case 0x283: /* application tag */
	case 0x284: /* reference tag */
	case 0x181: /* protection information */
		return 84;
	case 0x083: /* reservation */
		return 52;
	case 0x370: /* host path */
		return 67;
	case 0x1bd: /* too many active zones */
	case 0x1be: /* too many open zones */
		return 75;
	default:
		return 5;
	}
}

SEC("raw_tp/nvme_setup_cmd")
int iotq_nvme_setup(struct raw_args *ctx)
{
	__u64 rq = ctx->args[0], now = bpf_ktime_get_ns();
	struct iotq_block_slot *slot = taken_up(rq, IOTQ_LAYER_NVME);
	struct request *request = (void *)rq;
	struct nvme_command_head head = {};
	struct iotq_nvme *nvme;

	if (!slot)
		return 0;
	nvme = nvme_record(slot);
	bpf_probe_read_kernel(&head, sizeof(head), (void *)ctx->args[1]);
	nvme->opcode = head.opcode;
	nvme->cid = head.command_id;
	nvme->nsid = head.nsid;
	nvme->qid = BPF_CORE_READ(request, q, queuedata) ? BPF_CORE_READ(request, mq_hctx, queue_num) + 1 : 0;
	nvme->op = nvme->qid ? head.opcode : ADMIN | head.opcode;
	nvme->ctrl = READ(__u32, READ(__u64, driver_data(rq) + iotq_nvme_layout.request_ctrl) +
			      iotq_nvme_layout.ctrl_instance);
	nvme->lat = IOTQ_NULL64;
	nvme->sq_head = nvme->sq_tail = IOTQ_NULL32;
	nvme->status = nvme->error = nvme->retries = 0;
	track_below(slot, IOTQ_LAYER_NVME, filter(&iotq_nvme_start, nvme), now);
	if (slot->given)
		reach_nvme(slot, IOTQ_NVME_SETUP, now);
	return 0;
}

SEC("raw_tp/nvme_sq")
int iotq_nvme_answer(struct raw_args *ctx)
{
	struct iotq_block_slot *slot = given(ctx->args[0], IOTQ_LAYER_NVME);

	if (!slot)
		return 0;
	nvme_record(slot)->sq_head = (__u16)ctx->args[1];
	nvme_record(slot)->sq_tail = ctx->args[2];
	reach_nvme(slot, IOTQ_NVME_ANSWER, bpf_ktime_get_ns());
	return 0;
}

SEC("raw_tp/nvme_complete_rq")
int iotq_nvme_complete(struct raw_args *ctx)
{
	const volatile struct iotq_table *table = &iotq_nvme_at[IOTQ_NVME_COMPLETE];
	__u64 rq = ctx->args[0], data = driver_data(rq), now;
	struct iotq_block_slot *slot = ended(rq, IOTQ_LAYER_NVME, &iotq_nvme_start);
	struct iotq_nvme *nvme;

	if (!slot)
		return 0;
	now = bpf_ktime_get_ns();
	nvme = nvme_record(slot);
	nvme->status = READ(__u16, data + iotq_nvme_layout.request_status);
	nvme->retries = READ(__u8, data + iotq_nvme_layout.request_retries);
	nvme->error = nvme->status ? nvme_errno(nvme->status) : 0;
	nvme->lat = now - slot->given;
	if (wants(IOTQ_LAYER_NVME, IOTQ_NVME_COMPLETE))
		deliver(&nvme->block.head, sizeof(*nvme), IOTQ_LAYER_NVME, IOTQ_NVME_COMPLETE,
			slot->driver_queries, filter(table, nvme), now);
	give_back(slot);
	return 0;
}

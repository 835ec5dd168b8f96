/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * The SCSI layer: a command is handed to the host adapter, which refuses it for now, or answers, or takes too long.
 *
 *   scsi_dispatch_cmd_start -> scsi_dispatch_cmd_error -> [scsi_dispatch_cmd_start …]
 *   scsi_dispatch_cmd_start -> [scsi_dispatch_cmd_timeout] -> scsi_dispatch_cmd_done
 */
#include "driver.h"
#include "scsi_op.h"

const volatile struct iotq_table iotq_scsi_start ON_A_LINE;
const volatile struct iotq_table iotq_scsi_at[IOTQ_SCSI_POINTS] ON_A_LINE;
const volatile struct iotq_scsi_layout iotq_scsi_layout;

#define CHECK_CONDITION 0x02
#define RESERVATION_CONFLICT 0x18

static __always_inline struct iotq_scsi *scsi_record(struct iotq_block_slot *slot)
{
	return (void *)&slot->record;
}

static __noinline int reach_rare_scsi(struct iotq_block_slot *slot, __u32 point, __u64 now)
{
	if (slot && point < IOTQ_SCSI_POINTS)
		deliver(&slot->record.head, sizeof(struct iotq_scsi), IOTQ_LAYER_SCSI, point,
			slot->driver_queries, filter_rare(&iotq_scsi_at[point], &slot->record), now);
	return 0;
}

static __always_inline void reach_scsi(struct iotq_block_slot *slot, __u32 point, __u64 now)
{
	if (wants(IOTQ_LAYER_SCSI, point))
		reach_rare_scsi(slot, point, now);
}

/* Key, code and qualifier of sense data, in either format; null if there are none. */
static __noinline __u32 sense_of(__u64 cmnd)
{
	__u64 at = READ(__u64, cmnd + iotq_scsi_layout.cmnd_sense);
	__u8 sense[16] = {};

	if (!at || bpf_probe_read_kernel(sense, sizeof(sense), (void *)at) || (sense[0] & 0x70) != 0x70)
		return IOTQ_NULL32;
	if (sense[0] & 2)
		return (sense[1] & 0xfu) << 16 | (__u32)sense[2] << 8 | sense[3];
	return (sense[2] & 0xfu) << 16 | (__u32)sense[12] << 8 | sense[13];
}

/* What the block layer will make of it, as errno: scsi_check_sense() and scsi_result_to_blk_status() of the kernel. */
static __noinline __u32 scsi_errno(__u32 result, __u32 sense)
{
	__u32 status = result & 0xfe;

	if (result >> 16 & 0xff)
		return 5;
	if (status == RESERVATION_CONFLICT)
		return 52;
	if (status != CHECK_CONDITION)
		return status ? 5 : 0;
	switch (sense >> 16) {
	case 0: /* no sense, recovered */
	case 1:
		return 0;
	case 3: /* medium */
		return 61;
	case 4: /* hardware, illegal request, blank check, copy aborted, volume overflow, miscompare */
	case 5:
	case 8:
	case 10:
	case 13:
	case 14:
		return 121;
	default:
		return 5;
	}
}

static __always_inline void describe_command(struct iotq_scsi *scsi, __u64 cmnd)
{
	__u64 device = READ(__u64, cmnd + iotq_scsi_layout.cmnd_device), at = cmnd + iotq_scsi_layout.cmnd_cdb;
	__u8 cdb[2] = {};

	if (iotq_scsi_layout.cmnd_cdb_points)
		at = READ(__u64, at);
	bpf_probe_read_kernel(cdb, sizeof(cdb), (void *)at);
	scsi->opcode = cdb[0];
	scsi->op = scsi_operation(cdb[0], cdb[1]);
	scsi->host = READ(__u32, READ(__u64, device + iotq_scsi_layout.device_host) + iotq_scsi_layout.host_number);
	scsi->channel = READ(__u32, device + iotq_scsi_layout.device_channel);
	scsi->target = READ(__u32, device + iotq_scsi_layout.device_id);
	scsi->lun = READ(__u32, device + iotq_scsi_layout.device_lun);
	scsi->lat = IOTQ_NULL64;
	scsi->result = scsi->error = 0;
	scsi->sense = IOTQ_NULL32;
}

SEC("raw_tp/scsi_dispatch_cmd_start")
int iotq_scsi_dispatch(struct raw_args *ctx)
{
	__u64 cmnd = ctx->args[0], rq = request_of_data(cmnd), now = bpf_ktime_get_ns();
	struct iotq_block_slot *slot = taken_up(rq, IOTQ_LAYER_SCSI);
	struct iotq_scsi *scsi;

	if (!slot)
		return 0;
	scsi = scsi_record(slot);
	scsi->tag = BPF_CORE_READ((struct request *)rq, tag);
	describe_command(scsi, cmnd);
	track_below(slot, IOTQ_LAYER_SCSI, filter(&iotq_scsi_start, scsi), now);
	if (slot->given)
		reach_scsi(slot, IOTQ_SCSI_DISPATCH, now);
	return 0;
}

/* The host adapter refused it: it will be dispatched again. */
SEC("raw_tp/scsi_dispatch_cmd_error")
int iotq_scsi_error(struct raw_args *ctx)
{
	struct iotq_block_slot *slot = given(request_of_data(ctx->args[0]), IOTQ_LAYER_SCSI);

	if (!slot)
		return 0;
	reach_scsi(slot, IOTQ_SCSI_ERROR, bpf_ktime_get_ns());
	slot->given = 0;
	return 0;
}

SEC("raw_tp/scsi_dispatch_cmd_timeout")
int iotq_scsi_timeout(struct raw_args *ctx)
{
	struct iotq_block_slot *slot = given(request_of_data(ctx->args[0]), IOTQ_LAYER_SCSI);

	if (slot)
		reach_scsi(slot, IOTQ_SCSI_TIMEOUT, bpf_ktime_get_ns());
	return 0;
}

SEC("raw_tp/scsi_dispatch_cmd_done")
int iotq_scsi_complete(struct raw_args *ctx)
{
	const volatile struct iotq_table *table = &iotq_scsi_at[IOTQ_SCSI_COMPLETE];
	struct iotq_block_slot *slot = ended(request_of_data(ctx->args[0]), IOTQ_LAYER_SCSI, &iotq_scsi_start);
	struct iotq_scsi *scsi;
	__u64 now;

	if (!slot)
		return 0;
	now = bpf_ktime_get_ns();
	scsi = scsi_record(slot);
	scsi->result = READ(__u32, ctx->args[0] + iotq_scsi_layout.cmnd_result);
	if ((scsi->result & 0xfe) == CHECK_CONDITION)
		scsi->sense = sense_of(ctx->args[0]);
	scsi->error = scsi->result ? scsi_errno(scsi->result, scsi->sense) : 0;
	scsi->lat = now - slot->given;
	if (wants(IOTQ_LAYER_SCSI, IOTQ_SCSI_COMPLETE))
		deliver(&scsi->block.head, sizeof(*scsi), IOTQ_LAYER_SCSI, IOTQ_SCSI_COMPLETE,
			slot->driver_queries, filter(table, scsi), now);
	give_back(slot);
	return 0;
}

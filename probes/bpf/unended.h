/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/*
 * Commands of drivers whose end was not seen: their request is over, begins anew, or is given to the driver again. So it
 * is with a SCSI command that timed out; and the kernel skips a program where it is running already. Included behind all
 * drivers.
 */
#ifndef IOTQ_UNENDED_H
#define IOTQ_UNENDED_H

/* What is known is shipped, without a latency. */
static __noinline int close_ring(struct iotq_block_slot *slot)
{
	if (!slot)
		return 0;
	slot->record.head.marks |= IOTQ_MARK_UNENDED;
	if (wants(IOTQ_LAYER_VIRTIO, IOTQ_VIRTIO_COMPLETE)) {
		COUNT(IOTQ_LAYER_VIRTIO, unmatched);
		reach_rare_virtio(slot, IOTQ_VIRTIO_COMPLETE, bpf_ktime_get_ns());
	}
	slot->record.head.marks &= ~IOTQ_MARK_UNENDED;
	slot->added = 0;
	return 0;
}

static __noinline int close_below(struct iotq_block_slot *slot)
{
	__u64 now = bpf_ktime_get_ns();

	if (!slot)
		return 0;
	if (slot->added)
		close_ring(slot);
	if (!slot->given)
		return 0;
	slot->record.head.marks |= IOTQ_MARK_UNENDED;
	if (slot->driver_layer == IOTQ_LAYER_NVME && wants(IOTQ_LAYER_NVME, IOTQ_NVME_COMPLETE)) {
		COUNT(IOTQ_LAYER_NVME, unmatched);
		reach_rare_nvme(slot, IOTQ_NVME_COMPLETE, now);
	} else if (slot->driver_layer == IOTQ_LAYER_SCSI && wants(IOTQ_LAYER_SCSI, IOTQ_SCSI_COMPLETE)) {
		COUNT(IOTQ_LAYER_SCSI, unmatched);
		reach_rare_scsi(slot, IOTQ_SCSI_COMPLETE, now);
	}
	slot->record.head.marks &= ~IOTQ_MARK_UNENDED;
	slot->given = 0;
	return 0;
}

#endif

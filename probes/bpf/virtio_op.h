/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* What a guest asks of a virtio disk, by the word on the ring: on both sides of it. */
#ifndef IOTQ_VIRTIO_OP_H
#define IOTQ_VIRTIO_OP_H

#include "catalogue.gen.h"
#include "kernel.h"

static __noinline __u32 blk_operation(__u32 type)
{
	switch (type) {
	case 0:
		return IOTQ_VIRTIO_OP_READ;
	case 1:
		return IOTQ_VIRTIO_OP_WRITE;
	case 4:
		return IOTQ_VIRTIO_OP_FLUSH;
	case 11:
		return IOTQ_VIRTIO_OP_DISCARD;
	case 13:
		return IOTQ_VIRTIO_OP_WRITE_ZEROES;
	default:
		return IOTQ_VIRTIO_OP_OTHER;
	}
}

#endif

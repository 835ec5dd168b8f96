/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* What is asked of a SCSI disk, by a command's first two bytes: on both sides of a guest's border. */
#ifndef IOTQ_SCSI_OP_H
#define IOTQ_SCSI_OP_H

#include "catalogue.gen.h"
#include "kernel.h"

#define UNMAP 0x42
#define UNMAP_BIT 0x08

static __noinline __u32 scsi_operation(__u32 opcode, __u32 second)
{
	switch (opcode) {
	case 0x08:
	case 0x28:
	case 0x88:
	case 0xa8:
		return IOTQ_SCSI_OP_READ;
	case 0x0a:
	case 0x2a:
	case 0x2e:
	case 0x8a:
	case 0xaa:
		return IOTQ_SCSI_OP_WRITE;
	case 0x35:
	case 0x91:
		return IOTQ_SCSI_OP_FLUSH;
	case UNMAP:
		return IOTQ_SCSI_OP_DISCARD;
	case 0x41:
	case 0x93:
		return second & UNMAP_BIT ? IOTQ_SCSI_OP_DISCARD : IOTQ_SCSI_OP_WRITE_ZEROES;
	case 0x00:
		return IOTQ_SCSI_OP_TEST_UNIT_READY;
	case 0x12:
		return IOTQ_SCSI_OP_INQUIRY;
	default:
		return IOTQ_SCSI_OP_OTHER;
	}
}

#endif

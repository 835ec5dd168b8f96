/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* All templates in one object, so that they share maps and constants. Only the programs that a plan names are loaded. */
#include "block.bpf.h"
#include "cache.bpf.h"
#include "family.bpf.h"
#include "fault.bpf.h"
#include "fs.bpf.h"
#include "journal.bpf.h"
#include "nvme.bpf.h"
#include "qemu.bpf.h"
#include "sched.bpf.h"
#include "scsi.bpf.h"
#include "syscall.bpf.h"
#include "virtio.bpf.h"
#include "writeback.bpf.h"
#include "unended.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Where the kernel begins to write a file back, and where it has submitted that. */
#include "writeback.h"

SEC("tp_btf/writeback_single_inode_start")
int BPF_PROG(iotq_writeback_begin, struct inode *inode, struct writeback_control *control, unsigned long pages)
{
	return begin_writeback(number(inode));
}

SEC("tp_btf/writeback_single_inode")
int BPF_PROG(iotq_writeback_submitted, struct inode *inode, struct writeback_control *control, unsigned long pages)
{
	return submit_writeback((pages - control->nr_to_write) << PAGE_SHIFT);
}

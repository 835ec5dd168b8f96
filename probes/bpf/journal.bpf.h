/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* Where the journal of ext4 begins to commit what was done until then, and where that is over. */
#include "driver.h"
#include "journal.h"

SEC("tp_btf/jbd2_start_commit")
int iotq_commit_begin(struct raw_args *ctx)
{
	return begin_commit(number((void *)ctx->args[0]));
}

SEC("tp_btf/jbd2_end_commit")
int iotq_commit_end(struct raw_args *ctx)
{
	return end_commit(number((void *)ctx->args[0]));
}

/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* A program that does nothing: whether a kernel lets programs sit at its functions is found out by trying. */
#include "kernel.h"

SEC("fentry")
int iotq_trial(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* What the installer tells every template, in frozen .rodata: the verifier knows it. */
#ifndef IOTQ_CONFIG_H
#define IOTQ_CONFIG_H

#include "abi.h"
#include "kernel.h"

#define ON_A_LINE __attribute__((aligned(IOTQ_CACHE_LINE)))

const volatile struct iotq_config iotq_config ON_A_LINE;

#endif

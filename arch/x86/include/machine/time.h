/* SPDX-License-Identifier: GPL-2.0-only */
/* The clock (arch/x86/time.c). */
#ifndef MACHINE_TIME_H
#define MACHINE_TIME_H

#include "common/types.h"

/* Nanoseconds since Keel started; never goes back, on any CPU. Any context. */
u64 now(void);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* What vcpu_op needs from the arch. */
#ifndef COMMON_VCPU_OP_H
#define COMMON_VCPU_OP_H

#include "common/domain.h"

/*
 * VCPUOP_initialise: copies a struct vcpu_hvm_context from gva, checks it, and makes it v's start
 * state. 0, -EFAULT, -EINVAL.
 */
int arch_vcpu_op_initialise(struct vcpu *v, u64 gva);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Dispatch of sub-operations that not everybody may call, or that have an argument. */
#include "common/op.h"

long op_run_special(const struct op *op, u64 gva, unsigned long more)
{
	u8 arg[OP_ARG_MAX] __aligned(8);
	struct domain *d;
	long err = op_get(op, gva, arg, &d);

	return err ? err : op->fn(d, arg, gva, more);
}

long op_not_supported(struct domain *d, void *arg, u64 gva, unsigned long more)
{
	return -EOPNOTSUPP;
}

bool op_allowed_slow(const struct op *op)
{
	return hypercall_allowed(op->who);
}

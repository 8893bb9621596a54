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

long op_answer(const struct op *table, unsigned int n, unsigned long cmd)
{
	const struct op *op = &table[index_nospec(cmd, n)];

	if (cmd >= n || !op->answer)
		return -ENOSYS;
	return hypercall_allowed(op->who) ? op->answer : -EPERM;
}

bool op_allowed_slow(const struct op *op)
{
	return hypercall_allowed(op->who);
}

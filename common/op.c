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

long op_copy(const struct op *table, unsigned int n, u64 gva, void *copy, size_t size, u32 version,
	     const struct op **row)
{
	const u32 *head = copy;

	if (copy_from_guest(copy, gva, size))
		return -EFAULT;
	if (head[1] != version)
		return -EACCES;
	*row = op_find(table, n, head[0]);
	return !*row ? op_answer(table, n, head[0]) : hypercall_allowed((*row)->who) ? 0 : -EPERM;
}

bool op_allowed_slow(const struct op *op)
{
	return hypercall_allowed(op->who);
}

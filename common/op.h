/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sub-operations. A hypercall that has some has a table of them, indexed by their numbers. A row
 * holds everything about an operation that is data, including who may call it. Its documentation is
 * the row with its name in the hypercall's section of docs/abi.md; `make check-ops` compares the
 * two.
 */
#ifndef COMMON_OP_H
#define COMMON_OP_H

#include <machine/nospec.h>

#include "common/guest_access.h"
#include "common/hypercall.h"

struct xen_domctl;
struct xen_platform_op;
struct xen_sysctl;

/*
 * d: the domain concerned. arg: a copy of the argument at gva, if the row gives its size. more:
 * what the hypercall passes to all its operations.
 */
typedef long (*op_fn)(struct domain *d, void *arg, u64 gva, unsigned long more);

struct op {
	union {		/* in the form of the hypercall; NULL: see answer */
		op_fn fn;
		long (*version)(unsigned long cmd, u64 gva);
		long (*vcpu)(struct vcpu *v, void *arg, u64 gva);
		long (*domctl)(struct domain *d, struct xen_domctl *op);
		long (*sysctl)(struct xen_sysctl *op);
		long (*platform)(struct xen_platform_op *op);
		long (*hypfs)(u64 path_gva, u64 path_len, u64 gva, u64 size);
	};
	union {
		struct {
			u8 size;	/* of the argument to copy; 0: none, or the handler or the hypercall copies it */
			u8 domid;	/* offset of the id of the domain concerned, + 1; 0: the caller's own */
			u8 who;		/* enum hypercall_perm */
			u8 flags;
		};
		u32 special;		/* 0: for any caller, about itself, nothing is copied */
	};
	u16 most;	/* > 0: handles up to so many arguments at gva by itself; `more` says how many */
	s16 answer;	/* without a handler: all that the operation answers; 0: there is no such operation */
};

#define OP_OUT 1	/* the argument is also output */
#define OP_OTHER 2	/* not on the caller itself: -EINVAL */
#define OP_PAUSED 4	/* with OP_OTHER: the domain is paused meanwhile */

#define OP_FORM(nr, form, handler, perm, ...) [nr] = { .form = handler, .who = perm, ##__VA_ARGS__ }
#define OP(nr, handler, perm, ...) OP_FORM(nr, fn, handler, perm, ##__VA_ARGS__)
#define OP_ARG_MAX 64
/* a larger one does not compile */
#define OP_ARG(type) .size = sizeof(type) / (sizeof(type) <= OP_ARG_MAX)
#define OP_ARG_DOMAIN(type, field) OP_ARG(type), .domid = offsetof(type, field) + 1

bool op_allowed_slow(const struct op *op);

/* May the caller call it? For anybody it costs a comparison. */
static inline bool op_allowed(const struct op *op)
{
	return likely(op->who == HC_ANY) || op_allowed_slow(op);
}

/* The row of an operation that has a handler. NULL: op_answer(). */
static inline const struct op *op_find(const struct op *table, unsigned int n, unsigned long cmd)
{
	if (cmd >= n)
		return NULL;
	table += index_nospec(cmd, n);
	return table->fn ? table : NULL;
}

/*
 * Copies the argument at gva to copy, which has OP_ARG_MAX bytes, and finds its domain. 0, -EPERM,
 * -EFAULT, -ESRCH.
 */
static inline long op_get(const struct op *op, u64 gva, void *copy, struct domain **d)
{
	long err = 0;

	*d = current->domain;
	if (!hypercall_allowed(op->who))
		return -EPERM;
	if (op->size && copy_from_guest(copy, gva, op->size))
		return -EFAULT;
	if (op->domid)
		*d = domain_resolve(*(domid_t *)((u8 *)copy + op->domid - 1), &err);
	return err;
}

/*
 * Runs an operation whose row is special: checks the caller, copies, finds the domain, and calls
 * its op_fn.
 */
long op_run_special(const struct op *op, u64 gva, unsigned long more);

/*
 * For hypercalls whose argument at gva begins with the operation and the version of its interface:
 * copies it, and finds the row. 0, or what the hypercall returns.
 */
long op_copy(const struct op *table, unsigned int n, u64 gva, void *copy, size_t size, u32 version,
	     const struct op **row);

/* What an operation without a handler answers: what its row says, -EPERM, or -ENOSYS. */
long op_answer(const struct op *table, unsigned int n, unsigned long cmd);

/* Runs an operation of a table whose handlers are op_fn. */
static inline long op_run(const struct op *table, unsigned int n, unsigned long cmd, u64 gva,
			  unsigned long more)
{
	const struct op *op = op_find(table, n, cmd);

	if (!op)
		return op_answer(table, n, cmd);
	return op->special ? op_run_special(op, gva, more) : op->fn(current->domain, NULL, gva, more);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The arguments of sub-operations: structures in guest memory, of which the handlers get copies.
 * The tables of operations say how large each is, and which domain it is about.
 */
#ifndef COMMON_OP_ARG_H
#define COMMON_OP_ARG_H

#include <public/errno.h>

#include "common/guest_access.h"

struct op_arg {
	u8 size;	/* 0: none, or the handler itself reads it */
	u8 domid;	/* offset of the id of the domain that it is about, + 1; 0: the caller's own */
	bool control;	/* only a control domain may call */
};

#define OP_ARG_MAX 64
#define OP_ARG_SIZE(type) (sizeof(type) / (sizeof(type) <= OP_ARG_MAX)) /* a larger one does not compile */
#define OP_ARG(type) { OP_ARG_SIZE(type), 0, false }
#define OP_ARG_DOMAIN(type, field) { OP_ARG_SIZE(type), offsetof(type, field) + 1, false }
#define OP_CONTROL(type) { OP_ARG_SIZE(type), 0, true }
#define OP_CONTROL_DOMAIN(type, field) { OP_ARG_SIZE(type), offsetof(type, field) + 1, true }

/* Copies the argument at gva to copy, which has OP_ARG_MAX bytes, and finds its domain. 0, -EPERM, -EFAULT, -ESRCH. */
static inline long op_arg_get(const struct op_arg *a, u64 gva, void *copy, struct domain **d)
{
	long err = 0;

	*d = current->domain;
	if (a->control && !(*d)->control)
		return -EPERM;
	if (a->size && copy_from_guest(copy, gva, a->size))
		return -EFAULT;
	if (a->domid)
		*d = domain_resolve(*(domid_t *)((u8 *)copy + a->domid - 1), &err);
	return err;
}

#endif

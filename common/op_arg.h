/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The arguments of sub-operations: structures in guest memory, of which the handlers get copies.
 * The tables of operations say how large each is, and which domain it is about.
 */
#ifndef COMMON_OP_ARG_H
#define COMMON_OP_ARG_H

#include "common/guest_access.h"

struct op_arg {
	u8 size;	/* 0: none, or the handler itself reads it */
	u8 domid;	/* offset of the id of the domain that it is about, + 1; 0: the caller's own */
};

#define OP_ARG(type) { sizeof(type), 0 }
#define OP_ARG_DOMAIN(type, field) { sizeof(type), offsetof(type, field) + 1 }
#define OP_ARG_MAX 64

/* Copies the argument at gva to copy, which has OP_ARG_MAX bytes, and finds its domain. 0, -EFAULT, or as domain_resolve(). */
static inline long op_arg_get(const struct op_arg *a, u64 gva, void *copy, struct domain **d)
{
	long err = a->size ? copy_from_guest(copy, gva, a->size) : 0;

	*d = current->domain;
	if (!err && a->domid)
		*d = domain_resolve(*(domid_t *)((u8 *)copy + a->domid - 1), &err);
	return err;
}

#endif

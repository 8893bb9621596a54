/* SPDX-License-Identifier: GPL-2.0-only */
/* Hypercalls for saving, restoring and moving a guest. */
#include "lib/hyper.h"

#include <errno.h>

#include <public/hvm/hvm_op.h>
#include <public/memory.h>

int hyper_get_tsc(struct keel *k, unsigned int domid, struct xen_domctl_tsc_info *t)
{
	struct xen_domctl d = { .cmd = XEN_DOMCTL_gettscinfo, .domain = domid };
	int rc = hyper_domctl(k, &d);

	if (!rc)
		*t = d.u.tsc_info;
	return rc;
}

int hyper_put_tsc(struct keel *k, unsigned int domid, const struct xen_domctl_tsc_info *t)
{
	struct xen_domctl d = { .cmd = XEN_DOMCTL_settscinfo, .domain = domid };

	d.u.tsc_info = *t;
	return hyper_domctl(k, &d);
}

int hyper_get_param(struct keel *k, unsigned int domid, unsigned int index, uint64_t *value)
{
	struct xen_hvm_param p = { .domid = domid, .index = index };
	int rc = hyper_call2(k, __HYPERVISOR_hvm_op, HVMOP_get_param, &p, sizeof(p));

	if (!rc)
		*value = p.value;
	return rc;
}

int hyper_resume(struct keel *k, unsigned int domid)
{
	struct xen_domctl d = { .cmd = XEN_DOMCTL_resumedomain, .domain = domid };

	return hyper_domctl(k, &d);
}

long hyper_give_back(struct keel *k, unsigned int domid, const uint64_t *gfns, unsigned long n)
{
	struct xen_memory_reservation r = { .nr_extents = n, .domid = domid };
	uint64_t *buf = hyper_buffer(k, n * sizeof(*gfns));
	long rc;

	if (!buf)
		return -ENOMEM;
	memcpy(buf, gfns, n * sizeof(*gfns));
	SET_HANDLE(r.extent_start, buf);
	rc = hyper_call2(k, __HYPERVISOR_memory_op, XENMEM_decrease_reservation, &r, sizeof(r));
	hyper_buffer_free(k, buf);
	return rc;
}

int hyper_log_start(struct keel *k, unsigned int domid)
{
	struct xen_domctl d = { .cmd = XEN_DOMCTL_shadow_op, .domain = domid };

	d.u.shadow_op.op = XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY;
	return hyper_domctl(k, &d);
}

void hyper_log_stop(struct keel *k, unsigned int domid)
{
	struct xen_domctl d = { .cmd = XEN_DOMCTL_shadow_op, .domain = domid };

	d.u.shadow_op.op = XEN_DOMCTL_SHADOW_OP_OFF;
	hyper_domctl(k, &d);
}

int hyper_log_read(struct keel *k, unsigned int domid, unsigned char *bits, uint64_t pages)
{
	struct xen_domctl d = { .cmd = XEN_DOMCTL_shadow_op, .domain = domid };
	size_t size = (pages + 7) / 8;
	void *buf = hyper_buffer(k, size);
	int rc;

	if (!buf)
		return -ENOMEM;
	d.u.shadow_op.op = XEN_DOMCTL_SHADOW_OP_CLEAN;
	d.u.shadow_op.pages = pages;
	SET_HANDLE(d.u.shadow_op.dirty_bitmap, buf);
	rc = hyper_domctl(k, &d);
	if (!rc && d.u.shadow_op.pages != pages)
		rc = -ERANGE;
	if (!rc)
		memcpy(bits, buf, size);
	hyper_buffer_free(k, buf);
	return rc;
}

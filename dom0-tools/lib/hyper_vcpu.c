/* SPDX-License-Identifier: GPL-2.0-only */
/* Hypercalls on single vCPUs. */
#include "lib/hyper.h"

#include <errno.h>

int hyper_vcpu_info(struct keel *k, unsigned int domid, unsigned int vcpu,
		    struct xen_domctl_getvcpuinfo *info)
{
	struct xen_domctl d = { .cmd = XEN_DOMCTL_getvcpuinfo, .domain = domid };
	int rc;

	d.u.getvcpuinfo.vcpu = vcpu;
	rc = hyper_domctl(k, &d);
	if (!rc)
		*info = d.u.getvcpuinfo;
	return rc;
}

static void set_map(struct xenctl_bitmap *map, void *buf)
{
	map->nr_bits = GUEST_MAX_CPUS;
	SET_HANDLE(map->bitmap, buf);
}

static int affinity(struct keel *k, struct xen_domctl *d, struct guest_cpus *hard,
		    struct guest_cpus *soft)
{
	struct guest_cpus *buf = hyper_buffer(k, 2 * sizeof(*buf));
	int rc;

	if (!buf)
		return -ENOMEM;
	if (hard)
		buf[0] = *hard;
	if (soft)
		buf[1] = *soft;
	d->u.vcpuaffinity.flags = (hard ? XEN_VCPUAFFINITY_HARD : 0) | (soft ? XEN_VCPUAFFINITY_SOFT : 0);
	set_map(&d->u.vcpuaffinity.cpumap_hard, &buf[0]);
	set_map(&d->u.vcpuaffinity.cpumap_soft, &buf[1]);
	rc = hyper_domctl(k, d);
	if (hard)
		*hard = buf[0];
	if (soft)
		*soft = buf[1];
	hyper_buffer_free(k, buf);
	return rc;
}

int hyper_set_affinity(struct keel *k, unsigned int domid, unsigned int vcpu,
		       const struct guest_cpus *hard, const struct guest_cpus *soft)
{
	struct xen_domctl d = { .cmd = XEN_DOMCTL_setvcpuaffinity, .domain = domid };
	struct guest_cpus h, s;

	d.u.vcpuaffinity.vcpu = vcpu;
	if (hard)
		h = *hard;
	if (soft)
		s = *soft;
	return affinity(k, &d, hard ? &h : NULL, soft ? &s : NULL);
}

int hyper_get_affinity(struct keel *k, unsigned int domid, unsigned int vcpu,
		       struct guest_cpus *hard, struct guest_cpus *soft)
{
	struct xen_domctl d = { .cmd = XEN_DOMCTL_getvcpuaffinity, .domain = domid };

	d.u.vcpuaffinity.vcpu = vcpu;
	return affinity(k, &d, hard, soft);
}

/* Sets what @in has, or reads into @out. */
static int vcpu_context(struct keel *k, uint32_t cmd, unsigned int domid, unsigned int vcpu,
			const struct vcpu_guest_context *in, struct vcpu_guest_context *out)
{
	struct xen_domctl d = { .cmd = cmd, .domain = domid };
	struct vcpu_guest_context *buf = hyper_buffer(k, sizeof(*buf));
	int rc;

	if (!buf)
		return -ENOMEM;
	if (in)
		*buf = *in;
	d.u.vcpucontext.vcpu = vcpu;
	SET_HANDLE(d.u.vcpucontext.ctxt, buf);
	rc = hyper_domctl(k, &d);
	if (out)
		*out = *buf;
	hyper_buffer_free(k, buf);
	return rc;
}

int hyper_vcpu_context(struct keel *k, unsigned int domid, unsigned int vcpu,
		       struct vcpu_guest_context *out)
{
	return vcpu_context(k, XEN_DOMCTL_getvcpucontext, domid, vcpu, NULL, out);
}

int hyper_set_vcpu_context(struct keel *k, unsigned int domid, unsigned int vcpu,
			   const struct vcpu_guest_context *in)
{
	return vcpu_context(k, XEN_DOMCTL_setvcpucontext, domid, vcpu, in, NULL);
}

int hyper_trigger(struct keel *k, unsigned int domid, unsigned int trigger, unsigned int vcpu)
{
	struct xen_domctl d = { .cmd = XEN_DOMCTL_sendtrigger, .domain = domid };

	d.u.sendtrigger.trigger = trigger;
	d.u.sendtrigger.vcpu = vcpu;
	return hyper_domctl(k, &d);
}

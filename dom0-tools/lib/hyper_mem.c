/* SPDX-License-Identifier: GPL-2.0-only */
/* Hypercalls on a domain's memory, its CPUID policy and its saved state. */
#include "lib/hyper.h"

#include <errno.h>
#include <public/memory.h>

long hyper_populate(struct keel *k, unsigned int domid, const uint64_t *gfns, unsigned long n,
		    unsigned int order)
{
	struct xen_memory_reservation r = {
		.nr_extents = n, .extent_order = order, .domid = domid,
	};
	uint64_t *buf = hyper_buffer(k, n * sizeof(*gfns));
	long rc;

	if (!buf)
		return -ENOMEM;
	memcpy(buf, gfns, n * sizeof(*gfns));
	SET_HANDLE(r.extent_start, buf);
	rc = hyper_call2(k, __HYPERVISOR_memory_op, XENMEM_populate_physmap, &r, sizeof(r));
	hyper_buffer_free(k, buf);
	return rc;
}

long hyper_max_gfn(struct keel *k, unsigned int domid)
{
	struct xen_memory_domain m = { .domid = domid };

	return hyper_call2(k, __HYPERVISOR_memory_op, XENMEM_maximum_gpfn, &m, sizeof(m));
}

int hyper_frame_types(struct keel *k, unsigned int domid, uint64_t *gfns, unsigned int n)
{
	struct xen_domctl d = { .cmd = XEN_DOMCTL_getpageframeinfo3, .domain = domid };
	uint64_t *buf = hyper_buffer(k, n * sizeof(*gfns));
	int rc;

	if (!buf)
		return -ENOMEM;
	memcpy(buf, gfns, n * sizeof(*gfns));
	d.u.getpageframeinfo3.num = n;
	SET_HANDLE(d.u.getpageframeinfo3.array, buf);
	rc = hyper_domctl(k, &d);
	memcpy(gfns, buf, n * sizeof(*gfns));
	hyper_buffer_free(k, buf);
	return rc;
}

int hyper_claim(struct keel *k, unsigned int domid, uint64_t pages)
{
	struct xen_memory_reservation r = { .nr_extents = pages, .domid = domid };

	return hyper_call2(k, __HYPERVISOR_memory_op, XENMEM_claim_pages, &r, sizeof(r));
}

int hyper_set_memory_map(struct keel *k, unsigned int domid, const struct hyper_e820 *map,
			 unsigned int n)
{
	struct xen_foreign_memory_map f = { .domid = domid };
	void *buf = hyper_buffer(k, n * sizeof(*map));
	int rc;

	if (!buf)
		return -ENOMEM;
	memcpy(buf, map, n * sizeof(*map));
	f.map.nr_entries = n;
	SET_HANDLE(f.map.buffer, buf);
	rc = hyper_call2(k, __HYPERVISOR_memory_op, XENMEM_set_memory_map, &f, sizeof(f));
	hyper_buffer_free(k, buf);
	return rc;
}

/* What was read into @buf, which is released, goes to @p. */
static int take_policy(struct keel *k, struct hyper_policy *p, struct hyper_policy *buf, int rc,
		       unsigned int nr_leaves, unsigned int nr_msrs)
{
	if (!rc && (nr_leaves > HYPER_MAX_LEAVES || nr_msrs > HYPER_MAX_MSRS))
		rc = -EOVERFLOW;
	if (!rc) {
		*p = *buf;
		p->nr_leaves = nr_leaves;
		p->nr_msrs = nr_msrs;
	}
	hyper_buffer_free(k, buf);
	return rc;
}

int hyper_default_policy(struct keel *k, struct hyper_policy *p)
{
	struct xen_sysctl s = { .cmd = XEN_SYSCTL_get_cpu_policy };
	struct hyper_policy *buf = hyper_buffer(k, sizeof(*buf));
	int rc;

	if (!buf)
		return -ENOMEM;
	s.u.cpu_policy.index = XEN_SYSCTL_cpu_policy_hvm_default;
	s.u.cpu_policy.nr_leaves = HYPER_MAX_LEAVES;
	s.u.cpu_policy.nr_msrs = HYPER_MAX_MSRS;
	SET_HANDLE(s.u.cpu_policy.leaves, buf->leaves);
	SET_HANDLE(s.u.cpu_policy.msrs, buf->msrs);
	rc = hyper_sysctl(k, &s);
	return take_policy(k, p, buf, rc, s.u.cpu_policy.nr_leaves, s.u.cpu_policy.nr_msrs);
}

int hyper_get_policy(struct keel *k, unsigned int domid, struct hyper_policy *p)
{
	struct xen_domctl d = { .cmd = XEN_DOMCTL_get_cpu_policy, .domain = domid };
	struct hyper_policy *buf = hyper_buffer(k, sizeof(*buf));
	int rc;

	if (!buf)
		return -ENOMEM;
	d.u.cpu_policy.nr_leaves = HYPER_MAX_LEAVES;
	d.u.cpu_policy.nr_msrs = HYPER_MAX_MSRS;
	SET_HANDLE(d.u.cpu_policy.leaves, buf->leaves);
	SET_HANDLE(d.u.cpu_policy.msrs, buf->msrs);
	rc = hyper_domctl(k, &d);
	return take_policy(k, p, buf, rc, d.u.cpu_policy.nr_leaves, d.u.cpu_policy.nr_msrs);
}

int hyper_set_policy(struct keel *k, unsigned int domid, struct hyper_policy *p,
		     uint32_t *bad_leaf, uint32_t *bad_msr)
{
	struct xen_domctl d = { .cmd = XEN_DOMCTL_set_cpu_policy, .domain = domid };
	struct hyper_policy *buf = hyper_buffer(k, sizeof(*buf));
	int rc;

	if (!buf)
		return -ENOMEM;
	*buf = *p;
	d.u.cpu_policy.nr_leaves = p->nr_leaves;
	d.u.cpu_policy.nr_msrs = p->nr_msrs;
	SET_HANDLE(d.u.cpu_policy.leaves, buf->leaves);
	SET_HANDLE(d.u.cpu_policy.msrs, buf->msrs);
	d.u.cpu_policy.err_leaf = ~0u;
	d.u.cpu_policy.err_subleaf = ~0u;
	d.u.cpu_policy.err_msr = ~0u;
	rc = hyper_domctl(k, &d);
	*bad_leaf = d.u.cpu_policy.err_leaf;
	*bad_msr = d.u.cpu_policy.err_msr;
	hyper_buffer_free(k, buf);
	return rc;
}

long hyper_get_context(struct keel *k, unsigned int domid, void *out, size_t size)
{
	struct xen_domctl d = { .cmd = XEN_DOMCTL_gethvmcontext, .domain = domid };
	void *buf = NULL;
	long rc;

	if (out) {
		buf = hyper_buffer(k, size);
		if (!buf)
			return -ENOMEM;
	}
	d.u.hvmcontext.size = size;
	SET_HANDLE(d.u.hvmcontext.buffer, buf);
	rc = hyper_domctl(k, &d);
	if (!rc) {
		rc = d.u.hvmcontext.size;
		if (out)
			memcpy(out, buf, (size_t)rc < size ? (size_t)rc : size);
	}
	hyper_buffer_free(k, buf);
	return rc;
}

int hyper_set_context(struct keel *k, unsigned int domid, const void *data, size_t size)
{
	struct xen_domctl d = { .cmd = XEN_DOMCTL_sethvmcontext, .domain = domid };
	void *buf = hyper_buffer(k, size);
	int rc;

	if (!buf)
		return -ENOMEM;
	memcpy(buf, data, size);
	d.u.hvmcontext.size = size;
	SET_HANDLE(d.u.hvmcontext.buffer, buf);
	rc = hyper_domctl(k, &d);
	hyper_buffer_free(k, buf);
	return rc;
}

long hyper_read_console(struct keel *k, char *out, size_t size, bool clear)
{
	struct xen_sysctl s = { .cmd = XEN_SYSCTL_readconsole };
	char *buf = hyper_buffer(k, size);
	long rc;

	if (!buf)
		return -ENOMEM;
	s.u.readconsole.clear = clear;
	s.u.readconsole.count = size;
	SET_HANDLE(s.u.readconsole.buffer, buf);
	rc = hyper_sysctl(k, &s);
	if (!rc) {
		rc = s.u.readconsole.count;
		memcpy(out, buf, rc);
	}
	hyper_buffer_free(k, buf);
	return rc;
}

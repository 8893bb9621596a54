/* SPDX-License-Identifier: GPL-2.0-only */
#include "lib/hyper.h"

#include <errno.h>
#include <stdlib.h>

#include <public/event_channel.h>
#include <public/hvm/hvm_op.h>
#include <public/memory.h>
#include <public/sched.h>
#include <public/version.h>

void *hyper_buffer(struct keel *k, size_t size)
{
	void *p = xencall_alloc_buffer(k->call, size ? size : 1);

	if (p)
		memset(p, 0, size);
	return p;
}

void hyper_buffer_free(struct keel *k, void *p)
{
	if (p)
		xencall_free_buffer(k->call, p);
}

long hyper_call2(struct keel *k, unsigned int op, unsigned long cmd, void *arg, size_t size)
{
	void *buf = hyper_buffer(k, size);
	long rc;

	if (!buf)
		return -ENOMEM;
	if (size)
		memcpy(buf, arg, size);
	rc = xencall2L(k->call, op, cmd, (uintptr_t)buf);
	if (rc < 0)
		rc = -errno;
	if (size)
		memcpy(arg, buf, size);
	hyper_buffer_free(k, buf);
	return rc;
}

/* domctl and sysctl take their structure as the only argument. */
static int call1(struct keel *k, unsigned int op, void *arg, size_t size)
{
	void *buf = hyper_buffer(k, size);
	int rc;

	if (!buf)
		return -ENOMEM;
	memcpy(buf, arg, size);
	rc = xencall1(k->call, op, (uintptr_t)buf);
	if (rc < 0)
		rc = -errno;
	memcpy(arg, buf, size);
	hyper_buffer_free(k, buf);
	return rc;
}

int hyper_domctl(struct keel *k, struct xen_domctl *d)
{
	d->interface_version = k->domctl_version;
	return call1(k, __HYPERVISOR_domctl, d, sizeof(*d));
}

int hyper_sysctl(struct keel *k, struct xen_sysctl *s)
{
	s->interface_version = k->sysctl_version;
	return call1(k, __HYPERVISOR_sysctl, s, sizeof(*s));
}

int hyper_version(struct keel *k)
{
	int rc = xencall2(k->call, __HYPERVISOR_xen_version, XENVER_version, 0);

	if (rc < 0)
		return keel_fail_errno(&k->err, "the hypervisor does not tell its version");
	k->version = rc;
	return 0;
}

int hyper_xen_version(struct keel *k, unsigned int cmd, void *out, size_t size)
{
	return hyper_call2(k, __HYPERVISOR_xen_version, cmd, out, size);
}

/* createdomain as 4.17 and 4.18 lay it out, and as 4.19 and later do. */
struct create_head {
	uint32_t ssidref;
	uint8_t handle[16];
	uint32_t flags, iommu_opts, max_vcpus;
	int32_t max_evtchn_port, max_grant_frames, max_maptrack_frames;
	uint32_t grant_opts;
};

struct create_417 {
	struct create_head h;
	uint32_t vmtrace_size, cpupool_id, emulation_flags, misc_flags;
};

struct create_420 {
	struct create_head h;
	uint32_t altp2m_opts, vmtrace_size, cpupool_id, emulation_flags, misc_flags;
};

_Static_assert(sizeof(struct create_417) == 64, "createdomain of interface 0x15");
_Static_assert(sizeof(struct create_420) == 68, "createdomain of interface 0x17");

#define CREATE_HVM	1
#define CREATE_HAP	2
#define CREATE_OOS_OFF	8
#define CREATE_IOMMU	(1 << 5)
#define EMULATE_LAPIC	1

int hyper_create_domain(struct keel *k, const struct hyper_create *c)
{
	struct xen_domctl d = { .cmd = XEN_DOMCTL_createdomain, .domain = DOMID_INVALID };
	struct create_head h = {
		.flags = CREATE_HVM | CREATE_HAP | CREATE_OOS_OFF | (c->iommu ? CREATE_IOMMU : 0),
		.max_vcpus = c->max_vcpus,
		.max_evtchn_port = c->max_evtchn_port,
		.max_grant_frames = c->max_grant_frames,
		.max_maptrack_frames = c->max_maptrack_frames,
		.grant_opts = 1,	/* version 1 entries */
	};
	int rc;

	memcpy(h.handle, c->handle, sizeof(h.handle));
	if (k->domctl_version >= 0x17) {
		struct create_420 n = { .h = h, .cpupool_id = c->cpupool, .emulation_flags = EMULATE_LAPIC };

		memcpy(&d.u, &n, sizeof(n));
	} else {
		struct create_417 n = { .h = h, .cpupool_id = c->cpupool, .emulation_flags = EMULATE_LAPIC };

		memcpy(&d.u, &n, sizeof(n));
	}
	rc = hyper_domctl(k, &d);
	return rc ? rc : d.domain;
}

static int simple(struct keel *k, unsigned int cmd, unsigned int domid)
{
	struct xen_domctl d = { .cmd = cmd, .domain = domid };

	return hyper_domctl(k, &d);
}

int hyper_destroy_domain(struct keel *k, unsigned int domid)
{
	return simple(k, XEN_DOMCTL_destroydomain, domid);
}

int hyper_pause(struct keel *k, unsigned int domid)
{
	return simple(k, XEN_DOMCTL_pausedomain, domid);
}

int hyper_unpause(struct keel *k, unsigned int domid)
{
	return simple(k, XEN_DOMCTL_unpausedomain, domid);
}

int hyper_max_mem(struct keel *k, unsigned int domid, uint64_t kib)
{
	struct xen_domctl d = { .cmd = XEN_DOMCTL_max_mem, .domain = domid };

	d.u.max_mem.max_memkb = kib;
	return hyper_domctl(k, &d);
}

int hyper_max_vcpus(struct keel *k, unsigned int domid, unsigned int n)
{
	struct xen_domctl d = { .cmd = XEN_DOMCTL_max_vcpus, .domain = domid };

	d.u.max_vcpus.max = n;
	return hyper_domctl(k, &d);
}

int hyper_paging_pool(struct keel *k, unsigned int domid, uint64_t bytes)
{
	struct xen_domctl d = { .cmd = XEN_DOMCTL_set_paging_mempool_size, .domain = domid };

	d.u.paging_mempool.size = bytes;
	return hyper_domctl(k, &d);
}

int hyper_set_tsc(struct keel *k, unsigned int domid, unsigned int mode)
{
	struct xen_domctl d = { .cmd = XEN_DOMCTL_settscinfo, .domain = domid };

	d.u.tsc_info.tsc_mode = mode;
	return hyper_domctl(k, &d);
}

int hyper_domain_info(struct keel *k, unsigned int domid, struct xen_domctl_getdomaininfo *i)
{
	struct xen_domctl d = { .cmd = XEN_DOMCTL_getdomaininfo, .domain = domid };
	int rc = hyper_domctl(k, &d);

	if (rc)
		return rc;
	/* 4.17 answers with the next domain when there is none of this id. */
	if (d.domain != domid)
		return -ESRCH;
	*i = d.u.getdomaininfo;
	return 0;
}

int hyper_list(struct keel *k, unsigned int first, struct xen_domctl_getdomaininfo *out,
	       unsigned int max)
{
	struct xen_sysctl s = { .cmd = XEN_SYSCTL_getdomaininfolist };
	size_t size = max * sizeof(*out);
	void *buf = hyper_buffer(k, size);
	int rc;

	if (!buf)
		return -ENOMEM;
	s.u.getdomaininfolist.first_domain = first;
	s.u.getdomaininfolist.max_domains = max;
	SET_HANDLE(s.u.getdomaininfolist.buffer, buf);
	rc = hyper_sysctl(k, &s);
	if (!rc) {
		rc = s.u.getdomaininfolist.num_domains;
		memcpy(out, buf, rc * sizeof(*out));
	}
	hyper_buffer_free(k, buf);
	return rc;
}

int hyper_physinfo(struct keel *k, struct xen_sysctl_physinfo *info)
{
	struct xen_sysctl s = { .cmd = XEN_SYSCTL_physinfo };
	int rc = hyper_sysctl(k, &s);

	if (!rc)
		*info = s.u.physinfo;
	return rc;
}

int hyper_debug_keys(struct keel *k, const char *keys)
{
	struct xen_sysctl s = { .cmd = XEN_SYSCTL_debug_keys };
	size_t n = strlen(keys);
	char *buf = hyper_buffer(k, n);
	int rc;

	if (!buf)
		return -ENOMEM;
	memcpy(buf, keys, n);
	SET_HANDLE(s.u.debug_keys.keys, buf);
	s.u.debug_keys.nr_keys = n;
	rc = hyper_sysctl(k, &s);
	hyper_buffer_free(k, buf);
	return rc;
}

int hyper_sched_id(struct keel *k, unsigned int *id)
{
	struct xen_sysctl s = { .cmd = XEN_SYSCTL_sched_id };
	int rc = hyper_sysctl(k, &s);

	if (!rc)
		*id = s.u.sched_id.sched_id;
	return rc;
}

int hyper_sched_get(struct keel *k, unsigned int domid, unsigned int sched, unsigned int *weight,
		    unsigned int *cap)
{
	struct xen_domctl d = { .cmd = XEN_DOMCTL_scheduler_op, .domain = domid };
	int rc;

	d.u.scheduler_op.sched_id = sched;
	d.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_getinfo;
	rc = hyper_domctl(k, &d);
	if (!rc) {
		*weight = d.u.scheduler_op.u.credit2.weight;
		*cap = d.u.scheduler_op.u.credit2.cap;
	}
	return rc;
}

int hyper_ratelimit(struct keel *k, unsigned int sched, unsigned int *us, bool set)
{
	struct xen_sysctl s = { .cmd = XEN_SYSCTL_scheduler_op };
	int rc;

	s.u.scheduler_op.sched_id = sched;
	s.u.scheduler_op.cmd = set ? XEN_SYSCTL_SCHEDOP_putinfo : XEN_SYSCTL_SCHEDOP_getinfo;
	if (set)
		s.u.scheduler_op.u.sched_credit2.ratelimit_us = *us;
	rc = hyper_sysctl(k, &s);
	if (!rc && !set)
		*us = s.u.scheduler_op.u.sched_credit2.ratelimit_us;
	return rc;
}

int hyper_set_time_offset(struct keel *k, unsigned int domid, int seconds)
{
	struct xen_domctl d = { .cmd = XEN_DOMCTL_settimeoffset, .domain = domid };

	d.u.settimeoffset.time_offset_seconds = seconds;
	return hyper_domctl(k, &d);
}

int hyper_sched_set(struct keel *k, unsigned int domid, unsigned int sched, unsigned int weight,
		    unsigned int cap)
{
	struct xen_domctl d = { .cmd = XEN_DOMCTL_scheduler_op, .domain = domid };
	uint16_t u16[2] = { weight, cap };

	d.u.scheduler_op.sched_id = sched;
	d.u.scheduler_op.cmd = 1;	/* getinfo: what the caller leaves alone stays as it is */
	if (!weight) {
		int rc = hyper_domctl(k, &d);

		if (rc)
			return rc;
		memcpy(u16, &d.u.scheduler_op.u, sizeof(uint16_t));
	}
	d.cmd = XEN_DOMCTL_scheduler_op;
	d.u.scheduler_op.sched_id = sched;
	d.u.scheduler_op.cmd = 0;	/* putinfo */
	memcpy(&d.u.scheduler_op.u, u16, sizeof(u16));
	return hyper_domctl(k, &d);
}

int hyper_alloc_unbound(struct keel *k, unsigned int domid)
{
	struct evtchn_alloc_unbound a = { .dom = domid, .remote_dom = 0 };
	int rc = hyper_call2(k, __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, &a,
			     sizeof(a));

	return rc < 0 ? rc : (int)a.port;
}

int hyper_set_param(struct keel *k, unsigned int domid, unsigned int index, uint64_t value)
{
	struct xen_hvm_param p = { .domid = domid, .index = index, .value = value };

	return hyper_call2(k, __HYPERVISOR_hvm_op, HVMOP_set_param, &p, sizeof(p));
}

int hyper_remote_shutdown(struct keel *k, unsigned int domid, unsigned int reason)
{
	struct sched_remote_shutdown s = { .domain_id = domid, .reason = reason };

	return hyper_call2(k, __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, &s, sizeof(s));
}

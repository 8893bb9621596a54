/* SPDX-License-Identifier: GPL-2.0-only */
/* sysctl: the machine, its CPUs and memory, all domains. Errnos: docs/abi.md, sysctl. */
#include <public/sysctl.h>

#include "common/console.h"
#include "common/cpupool.h"
#include "common/domctl.h"
#include "common/dump.h"
#include "common/heap.h"
#include "common/op.h"
#include "common/pci.h"
#include "common/printk.h"
#include "common/sched.h"
#include "common/time.h"

#define DOMAINS_MAX 1024
#define DEBUG_KEYS_MAX 16
#define PCI_DEVS_MAX 64		/* per call; the caller continues with the next */
#define LOCAL_DISTANCE 10	/* as ACPI's SLIT counts */

static long op_readconsole(struct xen_sysctl *op)
{
	struct xen_sysctl_readconsole *c = &op->u.readconsole;
	int err;

	c->count = (u32)console_read_ring(&c->index, c->incremental, c->clear, c->buffer, c->count, &err);
	return err;
}

static long op_physinfo(struct xen_sysctl *op)
{
	struct xen_sysctl_physinfo *p = &op->u.physinfo;
	u32 core, socket, sockets = 1;

	for (unsigned int i = 0; i < nr_cpus; i++) {
		arch_cpu_topology(i, &core, &socket);
		sockets = max(sockets, socket + 1);
	}
	*p = (struct xen_sysctl_physinfo){
		.threads_per_core = 1,
		.cores_per_socket = max(nr_cpus / sockets, 1u),
		.nr_cpus = nr_cpus,
		.max_cpu_id = nr_cpus - 1,
		.nr_nodes = nr_nodes,
		.max_node_id = nr_nodes - 1,
		.cpu_khz = arch_tsc_khz(),
		.capabilities = XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_hap | XEN_SYSCTL_PHYSCAP_gnttab_v1,
		.total_pages = heap_total_pages(),
		.free_pages = heap_free_pages(),
		.outstanding_pages = heap_claimed_pages(),
		.max_mfn = max_mfn - 1,
	};
	arch_hw_cap(p->hw_cap);
	return 0;
}

static long op_sched_id(struct xen_sysctl *op)
{
	op->u.sched_id.sched_id = sched_id();
	return 0;
}

static long op_getdomaininfolist(struct xen_sysctl *op)
{
	struct xen_sysctl_getdomaininfolist *l = &op->u.getdomaininfolist;
	struct xen_domctl_getdomaininfo info;
	struct domain *d = domain_find_from(l->first_domain);
	u32 n = 0;

	for (; d && n < min(l->max_domains, (u32)DOMAINS_MAX); n++) {
		domain_info_get(d, &info);
		if (copy_elem_to_guest(l->buffer, n, &info, sizeof(info)))
			return -EFAULT;
		if (n % 16 == 15)
			irq_window();
		d = domain_find_from((domid_t)(info.domain + 1));
	}
	l->num_domains = n;
	return 0;
}

static void print_memory(void)
{
	pr_info("memory: %lu pages, %lu free, %lu claimed", heap_total_pages(), heap_free_pages(),
		heap_claimed_pages());
}

static void print_time(void)
{
	pr_info("time: %lu ns since the start, %lu s since 1970, TSC %u kHz", now(), wallclock_sec(),
		arch_tsc_khz());
}

static const struct { char key; void (*fn)(void); const char *help; } debug_keys[] = {
	{ 'm', print_memory, "memory" },
	{ 'q', dump_machine, "domains and their vCPUs" },
	{ 't', print_time, "time" },
};

static long op_debug_keys(struct xen_sysctl *op)
{
	char keys[DEBUG_KEYS_MAX];
	u32 n = op->u.debug_keys.nr_keys;

	if (n > sizeof(keys))
		return -E2BIG;
	if (copy_from_guest(keys, op->u.debug_keys.keys, n))
		return -EFAULT;
	for (u32 i = 0; i < n; i++)
		for (unsigned int k = 0; k < ARRAY_SIZE(debug_keys); k++) {
			if (keys[i] == 'h')
				pr_info("key %c: %s", debug_keys[k].key, debug_keys[k].help);
			else if (keys[i] == debug_keys[k].key)
				debug_keys[k].fn();
		}
	return 0;
}

static long op_availheap(struct xen_sysctl *op)
{
	op->u.availheap.avail_bytes = heap_free_pages() << PAGE_SHIFT;
	return 0;
}

static long op_cputopoinfo(struct xen_sysctl *op)
{
	struct xen_sysctl_cputopoinfo *t = &op->u.cputopoinfo;
	struct xen_sysctl_cputopo topo = { 0 };
	u32 n = t->cputopo ? min(t->num_cpus, nr_cpus) : nr_cpus;

	for (u32 i = 0; t->cputopo && i < n; i++) {
		arch_cpu_topology(i, &topo.core, &topo.socket);
		topo.node = pcpus[i]->node;
		if (copy_elem_to_guest(t->cputopo, i, &topo, sizeof(topo)))
			return -EFAULT;
		if (i % 16 == 15)
			irq_window();
	}
	t->num_cpus = n;
	return 0;
}

static long op_numainfo(struct xen_sysctl *op)
{
	struct xen_sysctl_numainfo *ni = &op->u.numainfo;
	u32 n = ni->meminfo || ni->distance ? min(ni->num_nodes, nr_nodes) : nr_nodes;

	for (u32 i = 0; i < n; i++) {
		u64 all = nr_nodes == 1 ? heap_total_pages() : node_pages[i];
		u64 free = nr_nodes == 1 ? heap_free_pages() : READ_ONCE(node_free[i]);
		struct xen_sysctl_meminfo mem = { all << PAGE_SHIFT, free << PAGE_SHIFT };

		if (ni->meminfo && copy_elem_to_guest(ni->meminfo, i, &mem, sizeof(mem)))
			return -EFAULT;
		for (u32 j = 0; ni->distance && j < n; j++) {
			u32 distance = nr_nodes == 1 ? LOCAL_DISTANCE : node_distance[i][j];

			if (copy_elem_to_guest(ni->distance, i * n + j, &distance, sizeof(distance)))
				return -EFAULT;
		}
		irq_window();
	}
	ni->num_nodes = n;
	return 0;
}

/* Which node an existing function is near to, firmware says in AML only. */
static long op_pcitopoinfo(struct xen_sysctl *op)
{
	struct xen_sysctl_pcitopoinfo *t = &op->u.pcitopoinfo;
	u32 n = min(t->num_devs, (u32)PCI_DEVS_MAX), node, any;
	struct physdev_pci_device f;

	if (!t->devs || !t->nodes)
		return -EINVAL;
	for (u32 i = 0; i < n; i++) {
		if (copy_elem_from_guest(&f, t->devs, i, sizeof(f)))
			return -EFAULT;
		node = nr_nodes == 1 ? 0 : XEN_INVALID_NODE_ID;
		if (!arch_pci_group((u32)f.seg << 16 | (u32)f.bus << 8 | f.devfn, &any, 1))
			node = XEN_INVALID_DEV;
		if (copy_elem_to_guest(t->nodes, i, &node, sizeof(node)))
			return -EFAULT;
		irq_window();
	}
	t->num_devs = n;
	return 0;
}

static long op_scheduler(struct xen_sysctl *op)
{
	struct xen_sysctl_scheduler_op *s = &op->u.scheduler_op;

	if (!cpupool_exists(s->cpupool_id))
		return -ESRCH;
	if (s->sched_id != sched_id())
		return -EINVAL;
	if (s->cmd == XEN_SYSCTL_SCHEDOP_getinfo) {
		s->u.sched_credit2.ratelimit_us = sched_ratelimit_us();
		return 0;
	}
	if (s->cmd != XEN_SYSCTL_SCHEDOP_putinfo)
		return -ENOSYS;
	return sched_set_ratelimit(s->u.sched_credit2.ratelimit_us);
}

/* By -ENODEV the tools report that there is no power management, or no cache monitoring. */
#define SYSCTL(name, fn, ...) OP_FORM(XEN_SYSCTL_##name, sysctl, fn, HC_CONTROL, ##__VA_ARGS__)

static const struct op ops[] = {
	SYSCTL(readconsole, op_readconsole),
	SYSCTL(tbuf_op, NULL, .answer = -EOPNOTSUPP),
	SYSCTL(physinfo, op_physinfo),
	SYSCTL(sched_id, op_sched_id),
	SYSCTL(perfc_op, NULL, .answer = -EOPNOTSUPP),
	SYSCTL(getdomaininfolist, op_getdomaininfolist),
	SYSCTL(debug_keys, op_debug_keys),
	SYSCTL(availheap, op_availheap),
	SYSCTL(get_pmstat, NULL, .answer = -ENODEV),
	SYSCTL(cpu_hotplug, NULL, .answer = -EOPNOTSUPP),
	SYSCTL(pm_op, NULL, .answer = -ENODEV),
	SYSCTL(cputopoinfo, op_cputopoinfo),
	SYSCTL(numainfo, op_numainfo),
	SYSCTL(cpupool_op, cpupool_op),
	SYSCTL(scheduler_op, op_scheduler),
	SYSCTL(psr_cmt_op, NULL, .answer = -ENODEV),
	SYSCTL(pcitopoinfo, op_pcitopoinfo),
	SYSCTL(psr_alloc, NULL, .answer = -ENODEV),
	SYSCTL(get_cpu_featureset, arch_sysctl_featureset),
	SYSCTL(get_cpu_policy, arch_sysctl_cpu_policy),
};

long do_sysctl(u64 gva, u64 a2, u64 a3, u64 a4, u64 a5)
{
	struct xen_sysctl op;
	const struct op *row;
	long rc = op_copy(ops, ARRAY_SIZE(ops), gva, &op, sizeof(op), XEN_SYSCTL_INTERFACE_VERSION, &row);

	if (rc)
		return rc;
	rc = row->sysctl(&op);
	/* If a buffer is too short, the argument returns how long it must be. */
	if ((!rc || rc == -ENOBUFS) && copy_to_guest(gva, &op, sizeof(op)))
		return -EFAULT;
	return rc == -ERESTART ? hypercall_continue(__HYPERVISOR_sysctl, gva, 0, 0, 0) : rc;
}

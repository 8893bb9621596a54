/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_HYPER_H
#define KEEL_LIB_HYPER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/guest.h"
#include "lib/keel.h"

#include <public/xen.h>
#include <public/domctl.h>
#include <public/sysctl.h>
#include <public/vcpu_context.h>

/*
 * Hypercalls through libxencall. All return 0 (or a count, where said) or a negative errno, and
 * do not touch k->err: the caller knows what the failure means.
 */

/* Puts a pointer into a field of any guest handle type (64 bits wide in control structures). */
#define SET_HANDLE(field, pointer) do {						\
	uint64_t handle_ = (uintptr_t)(pointer);				\
	_Static_assert(sizeof(field) == sizeof(handle_), "handle width");	\
	memcpy(&(field), &handle_, sizeof(handle_));				\
} while (0)

/* Memory that the hypervisor may read and write during a hypercall. */
void *hyper_buffer(struct keel *k, size_t size);
void hyper_buffer_free(struct keel *k, void *p);

/* Fills in k->version; this one does set k->err. */
int hyper_version(struct keel *k);
int hyper_domctl(struct keel *k, struct xen_domctl *d);
int hyper_sysctl(struct keel *k, struct xen_sysctl *s);
/* @arg is copied in and out; a positive result is passed on. */
long hyper_call2(struct keel *k, unsigned int op, unsigned long cmd, void *arg, size_t size);

/* One string or structure of XENVER_*. */
int hyper_xen_version(struct keel *k, unsigned int cmd, void *out, size_t size);

/* An option that can change while the hypervisor runs. -ENOENT: it has no such option. */
int hyper_set_option(const char *name, const char *value);

struct hyper_create {
	unsigned char handle[16];
	unsigned int max_vcpus;
	int max_evtchn_port;
	int max_grant_frames;
	int max_maptrack_frames;
	bool iommu;			/* it may have PCI functions */
	unsigned int cpupool;
};

/* The new domain's id, or a negative errno. */
int hyper_create_domain(struct keel *k, const struct hyper_create *c);
int hyper_destroy_domain(struct keel *k, unsigned int domid);
int hyper_pause(struct keel *k, unsigned int domid);
int hyper_unpause(struct keel *k, unsigned int domid);
int hyper_max_mem(struct keel *k, unsigned int domid, uint64_t kib);
int hyper_max_vcpus(struct keel *k, unsigned int domid, unsigned int n);
int hyper_paging_pool(struct keel *k, unsigned int domid, uint64_t bytes);
int hyper_set_tsc(struct keel *k, unsigned int domid, unsigned int mode);
int hyper_domain_info(struct keel *k, unsigned int domid, struct xen_domctl_getdomaininfo *i);
/* At most @max domains from @first on; returns how many. */
int hyper_list(struct keel *k, unsigned int first, struct xen_domctl_getdomaininfo *out,
	       unsigned int max);
int hyper_physinfo(struct keel *k, struct xen_sysctl_physinfo *info);
/* Prints into the hypervisor's log what each key stands for. */
int hyper_debug_keys(struct keel *k, const char *keys);
int hyper_sched_id(struct keel *k, unsigned int *id);
int hyper_sched_set(struct keel *k, unsigned int domid, unsigned int sched, unsigned int weight,
		    unsigned int cap);

/* Credit2's share of @domid. */
int hyper_sched_get(struct keel *k, unsigned int domid, unsigned int sched, unsigned int *weight,
		    unsigned int *cap);
/* Its rate limit, in all pools' CPUs: microseconds that a vCPU runs at least. */
int hyper_ratelimit(struct keel *k, unsigned int sched, unsigned int *us, bool set);
int hyper_set_time_offset(struct keel *k, unsigned int domid, int seconds);

/* hyper_vcpu.c */
int hyper_vcpu_info(struct keel *k, unsigned int domid, unsigned int vcpu,
		    struct xen_domctl_getvcpuinfo *info);
/* Where a vCPU may run, and where it prefers to run; NULL leaves either unchanged. */
int hyper_set_affinity(struct keel *k, unsigned int domid, unsigned int vcpu,
		       const struct guest_cpus *hard, const struct guest_cpus *soft);
int hyper_get_affinity(struct keel *k, unsigned int domid, unsigned int vcpu,
		       struct guest_cpus *hard, struct guest_cpus *soft);
/* Its registers; -ENODATA if it has none yet. */
int hyper_vcpu_context(struct keel *k, unsigned int domid, unsigned int vcpu,
		       struct vcpu_guest_context *out);
int hyper_set_vcpu_context(struct keel *k, unsigned int domid, unsigned int vcpu,
			   const struct vcpu_guest_context *in);
int hyper_trigger(struct keel *k, unsigned int domid, unsigned int trigger, unsigned int vcpu);

/* hyper_numa.c: the machine's nodes; those that a domain's memory is to come from, a bit each. */
int hyper_nodes(struct keel *k, struct guest_nodes *nodes);
int hyper_set_nodes(struct keel *k, unsigned int domid, uint64_t nodes);
/* As guest_parse_cpus(), with the machine's own nodes; this one does set k->err. */
int hyper_parse_cpus(struct keel *k, struct guest_cpus *cpus, const char *list);

/* hyper_pool.c: CPU pools. */
struct hyper_pool {
	unsigned int id, scheduler, domains;
	struct guest_cpus cpus;
};

/* The first pool from p->id on; -ENOENT if there is none. */
int hyper_pool_info(struct keel *k, struct hyper_pool *p);
int hyper_pool_free(struct keel *k, struct guest_cpus *cpus);
int hyper_pool_create(struct keel *k, unsigned int scheduler, unsigned int *id);
/*
 * @op: XEN_SYSCTL_CPUPOOL_OP_DESTROY, _ADDCPU, _RMCPU or _MOVEDOMAIN; @what: the CPU, or the
 * domain.
 */
int hyper_pool_change(struct keel *k, unsigned int op, unsigned int id, unsigned int what);

/* A port of @domid that Dom0 may bind to. Returns it, or a negative errno. */
int hyper_alloc_unbound(struct keel *k, unsigned int domid);
int hyper_set_param(struct keel *k, unsigned int domid, unsigned int index, uint64_t value);
int hyper_remote_shutdown(struct keel *k, unsigned int domid, unsigned int reason);

/* hyper_pci.c. Assigns the machine's function to @domid (DOMID_IO: nobody), or takes it away. */
int hyper_assign(struct keel *k, unsigned int domid, uint32_t sbdf);
int hyper_deassign(struct keel *k, unsigned int domid, uint32_t sbdf);
/*
 * Could it be @domid's? 0; -EEXIST: it is; -ENODEV: unknown; else a reason of
 * public/pci_refused.inc.
 */
int hyper_test_assign(struct keel *k, unsigned int domid, uint32_t sbdf);
/*
 * Lists the functions that can be assigned only together with it, including itself. Returns how
 * many, at most @max.
 */
int hyper_device_group(struct keel *k, uint32_t sbdf, uint32_t *list, unsigned int max);

/* Memory that firmware reserves for a function: first and last byte. */
struct hyper_range {
	uint64_t first, last;
};

/* Returns how many there are, at most @max. */
int hyper_reserved(struct keel *k, uint32_t sbdf, struct hyper_range *list, unsigned int max);

/* Memory: frames of 1 << @order pages at the guest frames @gfns; returns how many were made. */
long hyper_populate(struct keel *k, unsigned int domid, const uint64_t *gfns, unsigned long n,
		    unsigned int order);
/* The highest frame that @domid has, or had. */
long hyper_max_gfn(struct keel *k, unsigned int domid);
/* Each of @gfns (at most 1024) becomes PFINFO_NOTAB if it is memory, else another type. */
int hyper_frame_types(struct keel *k, unsigned int domid, uint64_t *gfns, unsigned int n);
/* Reserves @pages of the heap for @domid; 0 gives the reservation back. */
int hyper_claim(struct keel *k, unsigned int domid, uint64_t pages);

struct hyper_e820 {
	uint64_t addr;
	uint64_t size;
	uint32_t type;
} __attribute__((packed));

int hyper_set_memory_map(struct keel *k, unsigned int domid, const struct hyper_e820 *map,
			 unsigned int n);

struct hyper_leaf {
	uint32_t leaf, subleaf, a, b, c, d;
};

struct hyper_msr {
	uint32_t idx, flags;
	uint64_t val;
};

#define HYPER_MAX_LEAVES 256
#define HYPER_MAX_MSRS 32

struct hyper_policy {
	unsigned int nr_leaves, nr_msrs;
	struct hyper_leaf leaves[HYPER_MAX_LEAVES];
	struct hyper_msr msrs[HYPER_MAX_MSRS];
};

int hyper_default_policy(struct keel *k, struct hyper_policy *p);
int hyper_get_policy(struct keel *k, unsigned int domid, struct hyper_policy *p);
/* On failure @bad_leaf and @bad_msr say what was refused, or are ~0. */
int hyper_set_policy(struct keel *k, unsigned int domid, struct hyper_policy *p,
		     uint32_t *bad_leaf, uint32_t *bad_msr);

/* The saved state of the virtual machine: returns its size; with @out NULL asks for the size. */
long hyper_get_context(struct keel *k, unsigned int domid, void *out, size_t size);
int hyper_set_context(struct keel *k, unsigned int domid, const void *data, size_t size);

/* hyper_save.c. A guest's TSC, as it was set, or as it is on this machine. */
int hyper_get_tsc(struct keel *k, unsigned int domid, struct xen_domctl_tsc_info *t);
int hyper_put_tsc(struct keel *k, unsigned int domid, const struct xen_domctl_tsc_info *t);
int hyper_get_param(struct keel *k, unsigned int domid, unsigned int index, uint64_t *value);
/* A domain that has suspended runs again. */
int hyper_resume(struct keel *k, unsigned int domid);
/* Frames that are no memory of @domid's any more; returns how many. */
long hyper_give_back(struct keel *k, unsigned int domid, const uint64_t *gfns, unsigned long n);
/* From now on it is logged which pages are written to; all are clean. -EINVAL: it is already. */
int hyper_log_start(struct keel *k, unsigned int domid);
void hyper_log_stop(struct keel *k, unsigned int domid);
/* Which of the first @pages have been written to since, a bit each in @bits; they become clean. */
int hyper_log_read(struct keel *k, unsigned int domid, unsigned char *bits, uint64_t pages);

/* The hypervisor's log: up to @size bytes; returns how many. @clear empties it. */
long hyper_read_console(struct keel *k, char *out, size_t size, bool clear);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* memory_op: reservations, claims, memory maps and figures. Errnos: docs/abi.md, memory_op. */
#include <public/memory.h>

#include "common/heap.h"
#include "common/memory_internal.h"
#include "common/op.h"
#include "common/pci.h"
#include "common/platform.h"

#define BATCH 32
#define CLEAR_CHUNK 8u		/* frames between two checks for pending interrupts */
#define ANY_NODE 0xffu		/* in mem_flags: none is named */
#define RELEASE_CHUNK 32u	/* frames removed while the lock is held once */

/* As the BIOS, libxc and Linux lay it out: 20 bytes. */
struct e820_entry {
	u64 addr, size;
	u32 type;
} __packed;

long memory_continue(unsigned int op, u64 start, u64 gva)
{
	return hypercall_continue(__HYPERVISOR_memory_op, op | start << MEMOP_EXTENT_SHIFT, gva, 0, 0);
}

static bool order_ok(const struct domain *d, unsigned int order)
{
	if (order != 0 && order != 9 && (order != 18 || !current->domain->control))
		return false;
	return order <= p2m_max_order(d);
}

/* The number of items must fit beside the operation. */
static bool extents_ok(const struct xen_memory_reservation *r, u64 start)
{
	return start <= r->nr_extents && !(r->nr_extents >> (63 - MEMOP_EXTENT_SHIFT));
}

/*
 * No guest may see the old contents. No locks held: takes interrupts, since a gigabyte takes a
 * while.
 */
static void clear_frames(struct page_info *pg, unsigned int order)
{
	for (u64 i = 0; i < BIT(order); i++) {
		memset(page_to_virt(pg + i), 0, PAGE_SIZE);
		if (i % CLEAR_CHUNK == CLEAR_CHUNK - 1)
			irq_window();
	}
}

static void put_frames(struct page_info *pg, unsigned int order)
{
	for (u64 i = 0; i < BIT(order); i += 512) {
		put_pages(pg + i, min(order, 9u));
		irq_window();
	}
}

/*
 * The frame of a hole in Dom0's identity map. With iommu=off it waits for its gfn, since devices
 * reach it at that address (docs/abi.md, memory_op). *pinned: it is such a gfn.
 */
static struct page_info *take_pinned(struct domain *d, gfn_t gfn, bool *pinned)
{
	struct page_info *pg;
	u32 free = 0;

	*pinned = d->direct_mapped && mfn_valid(gfn) && (mfn_to_page(gfn)->flags & PGF_PINNED_GFN) &&
		  READ_ONCE(mfn_to_page(gfn)->owner) == d->id;
	if (!*pinned)
		return NULL;
	pg = mfn_to_page(gfn);
	if (READ_ONCE(d->tot_pages) >= d->max_pages)
		return NULL;
	if (!cas(&pg->ref, &free, 1))
		return NULL;
	__atomic_fetch_add(&d->tot_pages, 1, __ATOMIC_SEQ_CST);
	return pg;
}

/* Only control domains choose nodes. Others get no memory if they insist. */
static struct page_info *alloc_on_node(struct domain *d, const struct xen_memory_reservation *r)
{
	bool may = current->domain->control && !(r->mem_flags & XENMEMF_vnode);
	bool exact = r->mem_flags & (XENMEMF_exact_node_request | XENMEMF_vnode);
	u32 node = XENMEMF_get_node(r->mem_flags);

	if (node == ANY_NODE || (!may && !exact))
		return alloc_domain_pages(d, r->extent_order);
	return alloc_domain_pages_on(d, r->extent_order, may && node < nr_nodes ? BIT(node) : 0,
				     exact ? 0 : ~0ull);
}

static struct page_info *alloc_extent(struct domain *d, gfn_t gfn,
				      const struct xen_memory_reservation *r)
{
	bool pinned;
	struct page_info *pg = take_pinned(d, gfn, &pinned);

	if (!pinned)
		pg = alloc_on_node(d, r);
	else if (pg && r->extent_order) {	/* only single frames return to the identity map */
		put_page(pg);
		pg = NULL;
	}
	return pg;
}

int physmap_set(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned int order, enum p2m_type t)
{
	enum p2m_type old;
	int rc = -ESRCH;

	p2m_write_lock(&d->p2m);
	/* Under the lock, so that nothing is mapped while the destruction runs. */
	if (READ_ONCE(d->state) == DOMAIN_ALIVE) {
		p2m_get(d, gfn, &old, NULL);
		rc = old == P2M_GRANT_RW || old == P2M_GRANT_RO ? -EINVAL : p2m_set(d, gfn, mfn, order, t);
	}
	p2m_write_unlock(d);
	return rc;
}

static bool populate_one(struct domain *d, gfn_t gfn, const struct xen_memory_reservation *r)
{
	struct page_info *pg = alloc_extent(d, gfn, r);
	unsigned int order = r->extent_order;

	if (!pg)
		return false;
	clear_frames(pg, order);
	if (physmap_set(d, gfn, page_to_mfn(pg), order, P2M_RAM)) {
		put_frames(pg, order);
		return false;
	}
	return true;
}

/* 1 MiB beside a guest's memory, as libxl gives it, for pages that are added afterwards. */
#define TOOLSTACK_PAGES 256

/*
 * What a toolstack has populated on demand, for a guest that begins with less memory than its map
 * says, is there at once: the guest's limit grows by what does not fit, and the guest gives back
 * when it starts to balloon. A limit that was set meanwhile stays.
 */
static bool populate_beyond(struct domain *d, gfn_t gfn, const struct xen_memory_reservation *r)
{
	u64 limit = READ_ONCE(d->max_pages);
	u64 raised = max(limit, READ_ONCE(d->tot_pages) + BIT(r->extent_order) + TOOLSTACK_PAGES);

	WRITE_ONCE(d->max_pages, raised);
	if (populate_one(d, gfn, r))
		return true;
	cas(&d->max_pages, &raised, limit);
	return false;
}

/*
 * Passes each gfn of a reservation to one(), reading them in batches. Returns the number done when
 * one fails or the list cannot be read, as the ABI requires.
 */
static long for_each_extent(unsigned int op, struct domain *d,
			    const struct xen_memory_reservation *r, u64 gva, u64 start,
			    bool (*one)(struct domain *, gfn_t, const struct xen_memory_reservation *))
{
	u64 gfns[BATCH];
	u64 n;

	for (u64 i = start; i < r->nr_extents; i += n) {
		n = min(r->nr_extents - i, (u64)BATCH);
		if (copy_from_guest(gfns, r->extent_start + i * sizeof(gfns[0]), n * sizeof(gfns[0])))
			return (long)i;
		for (u64 j = 0; j < n; j++) {
			if (i + j > start && (r->extent_order || hypercall_preempt_check()))
				return memory_continue(op, i + j, gva);
			if (!IS_ALIGNED(gfns[j], BIT(r->extent_order)) || !one(d, gfns[j], r))
				return (long)(i + j);
		}
	}
	return (long)r->nr_extents;
}

static long op_populate(struct domain *d, void *arg, u64 gva, unsigned long start)
{
	const struct xen_memory_reservation *r = arg;

	if (!extents_ok(r, start) || !order_ok(d, r->extent_order))
		return -EINVAL;
	if (!(r->mem_flags & XENMEMF_populate_on_demand))
		return for_each_extent(XENMEM_populate_physmap, d, r, gva, start, populate_one);
	if (d == current->domain || !current->domain->control)
		return -EOPNOTSUPP;
	return for_each_extent(XENMEM_populate_physmap, d, r, gva, start, populate_beyond);
}

/* The domain's own memory, from the first frame on: a superpage as a whole, else in chunks. */
static bool release_one(struct domain *d, gfn_t gfn, const struct xen_memory_reservation *r)
{
	unsigned int have, step, order = r->extent_order;
	enum p2m_type t;
	bool ok = true;

	for (u64 done = 0; ok && done < BIT(order);) {
		if (done)
			irq_window();
		p2m_write_lock(&d->p2m);
		for (unsigned int n = 0; ok && n < RELEASE_CHUNK && done < BIT(order); n++) {
			p2m_get(d, gfn + done, &t, &have);
			step = !done && have >= order && p2m_max_order(d) >= order ? order : 0;
			ok = p2m_is_ram(t) && p2m_set(d, gfn + done, INVALID_MFN, step, P2M_HOLE) == 0;
			done += BIT(step);
		}
		p2m_write_unlock(d);
	}
	return ok;
}

static long op_decrease(struct domain *d, void *arg, u64 gva, unsigned long start)
{
	const struct xen_memory_reservation *r = arg;

	if (!extents_ok(r, start) || (r->extent_order != 0 && r->extent_order != 9))
		return -EINVAL;
	return for_each_extent(XENMEM_decrease_reservation, d, r, gva, start, release_one);
}

static long op_claim(struct domain *d, void *arg, u64 gva, unsigned long start)
{
	const struct xen_memory_reservation *r = arg;
	long rc = -EINVAL;

	if (!extents_ok(r, 0) || r->extent_start || r->extent_order || r->mem_flags)
		return -EINVAL;
	spin_lock(&d->lock);
	if (!r->nr_extents ||
	    (r->nr_extents >= d->tot_pages && r->nr_extents <= d->max_pages && !d->claimed))
		rc = claim_pages(d, r->nr_extents);
	spin_unlock(&d->lock);
	return rc;
}

static long op_current_reservation(struct domain *d, void *arg, u64 gva, unsigned long start)
{
	return (long)READ_ONCE(d->tot_pages);
}

static long op_maximum_reservation(struct domain *d, void *arg, u64 gva, unsigned long start)
{
	return (long)READ_ONCE(d->max_pages);
}

static long op_maximum_gpfn(struct domain *d, void *arg, u64 gva, unsigned long start)
{
	return (long)READ_ONCE(d->p2m.max_gfn);
}

static long op_maximum_ram_page(struct domain *d, void *arg, u64 gva, unsigned long start)
{
	return (long)max_mfn;
}

/* Holds d->lock, so that set_memory_map does not change it meanwhile. */
static long copy_map_out(struct domain *d, u64 buffer, u32 room, u32 *done)
{
	struct e820_entry e;

	for (*done = 0; *done < min(room, d->nr_e820); (*done)++) {
		e = (struct e820_entry){ d->e820[*done].addr, d->e820[*done].size, d->e820[*done].type };
		if (copy_elem_to_guest(buffer, *done, &e, sizeof(e)))
			return -EFAULT;
	}
	return 0;
}

long memory_map_copy(struct domain *d, u64 buffer, u32 *nr)
{
	long rc = -ENOSYS; /* Xen's errno if there is no map */

	spin_lock(&d->lock);
	if (d->e820)
		rc = copy_map_out(d, buffer, *nr, nr);
	spin_unlock(&d->lock);
	return rc;
}

static long op_memory_map(struct domain *d, void *arg, u64 gva, unsigned long start)
{
	struct xen_memory_map *map = arg;
	long rc = memory_map_copy(d, map->buffer, &map->nr_entries);

	return rc ? rc : copy_to_guest(gva, map, sizeof(*map));
}

static long op_set_memory_map(struct domain *d, void *arg, u64 gva, unsigned long start)
{
	const struct xen_foreign_memory_map *op = arg;
	struct e820_entry e;
	__typeof__(d->e820) map, old;

	if (op->map.nr_entries > MAX_E820)
		return -EINVAL;
	map = alloc_page();
	if (!map)
		return -ENOMEM;
	for (u32 i = 0; i < op->map.nr_entries; i++) {
		if (copy_elem_from_guest(&e, op->map.buffer, i, sizeof(e))) {
			free_page(map);
			return -EFAULT;
		}
		map[i].addr = e.addr;
		map[i].size = e.size;
		map[i].type = e.type;
	}
	spin_lock(&d->lock);
	old = d->e820;
	d->e820 = map;
	d->nr_e820 = op->map.nr_entries;
	spin_unlock(&d->lock);
	free_page(old);
	return 0;
}

/* The host's own map. */
static long op_machine_memory_map(struct domain *d, void *arg, u64 gva, unsigned long start)
{
	const struct boot_range *r = boot_info.ranges;
	struct xen_memory_map *map = arg;
	struct e820_entry e;

	if (!boot_info.nr_ranges)
		return -ENODATA;
	map->nr_entries = min(map->nr_entries, boot_info.nr_ranges);
	for (u32 i = 0; i < map->nr_entries; i++, r++) {
		e = (struct e820_entry){ r->base, r->size, r->type };
		if (copy_elem_to_guest(map->buffer, i, &e, sizeof(e)))
			return -EFAULT;
	}
	return copy_to_guest(gva, map, sizeof(*map));
}

/* Nothing is populated on demand, but xl mem-set asks anyway. */
static long op_pod_target(struct domain *d, void *arg, u64 gva, unsigned long start)
{
	struct xen_pod_target *op = arg;

	op->tot_pages = READ_ONCE(d->tot_pages);
	op->pod_cache_pages = op->pod_entries = 0;
	return copy_to_guest(gva, op, sizeof(*op));
}

/* Memory that firmware reserves for devices (RMRR, IVMD): for one function, or for all. */
static long op_reserved_device_memory_map(struct domain *d, void *arg, u64 gva, unsigned long start)
{
	struct xen_reserved_device_memory_map *op = arg;
	struct xen_reserved_device_memory e;
	u64 first, last;
	u32 id, sbdf, n = 0;
	bool short_of_room;

	if (op->flags & ~XENMEM_RDM_ALL)
		return -EINVAL;
	sbdf = (u32)op->dev.pci.seg << 16 | (u32)op->dev.pci.bus << 8 | op->dev.pci.devfn;
	for (unsigned int i = 0; arch_reserved_memory(i, &first, &last, &id); i++) {
		if (i % 1024 == 1023)
			irq_window();
		if (!(op->flags & XENMEM_RDM_ALL) && id != sbdf && id != RESERVED_FOR_ALL)
			continue;
		e.start_pfn = first >> PAGE_SHIFT;
		e.nr_pages = (last >> PAGE_SHIFT) - e.start_pfn + 1;
		if (n < op->nr_entries && copy_elem_to_guest(op->buffer, n, &e, sizeof(e)))
			return -EFAULT;
		n++;
	}
	short_of_room = n > op->nr_entries;
	op->nr_entries = n;
	if (copy_to_guest(gva, op, sizeof(*op)))
		return -EFAULT;
	return short_of_room ? -ERANGE : 0;
}

#define RESERVATION OP_ARG_DOMAIN(struct xen_memory_reservation, domid)
#define DOMID OP_ARG_DOMAIN(struct xen_memory_domain, domid)

static const struct op ops[] = {
	/* memory without a gfn is of no use to a translated guest */
	OP(XENMEM_increase_reservation, NULL, HC_ANY, .answer = -EOPNOTSUPP),
	OP(XENMEM_decrease_reservation, op_decrease, HC_ANY, RESERVATION),
	OP(XENMEM_maximum_ram_page, op_maximum_ram_page, HC_ANY),
	OP(XENMEM_current_reservation, op_current_reservation, HC_ANY, DOMID),
	OP(XENMEM_maximum_reservation, op_maximum_reservation, HC_ANY, DOMID),
	OP(XENMEM_populate_physmap, op_populate, HC_ANY, RESERVATION),
	OP(XENMEM_add_to_physmap, memory_add_to_physmap, HC_ANY,
	   OP_ARG_DOMAIN(struct xen_add_to_physmap, domid)),
	OP(XENMEM_memory_map, op_memory_map, HC_ANY, OP_ARG(struct xen_memory_map)),
	OP(XENMEM_machine_memory_map, op_machine_memory_map, HC_CONTROL, OP_ARG(struct xen_memory_map)),
	OP(XENMEM_exchange, NULL, HC_ANY, .answer = -EOPNOTSUPP),
	OP(XENMEM_set_memory_map, op_set_memory_map, HC_CONTROL,
	   OP_ARG_DOMAIN(struct xen_foreign_memory_map, domid)),
	OP(XENMEM_maximum_gpfn, op_maximum_gpfn, HC_ANY, DOMID),
	OP(XENMEM_remove_from_physmap, memory_remove_from_physmap, HC_ANY,
	   OP_ARG_DOMAIN(struct xen_remove_from_physmap, domid)),
	OP(XENMEM_set_pod_target, op_pod_target, HC_CONTROL, OP_ARG_DOMAIN(struct xen_pod_target, domid)),
	OP(XENMEM_get_pod_target, op_pod_target, HC_CONTROL, OP_ARG_DOMAIN(struct xen_pod_target, domid)),
	OP(XENMEM_add_to_physmap_batch, memory_add_to_physmap_batch, HC_ANY,
	   OP_ARG_DOMAIN(struct xen_add_to_physmap_batch, domid)),
	OP(XENMEM_claim_pages, op_claim, HC_CONTROL, RESERVATION),
	/* libxl: "no vNUMA" only by this errno */
	OP(XENMEM_get_vnumainfo, NULL, HC_ANY, .answer = -EOPNOTSUPP),
	OP(XENMEM_reserved_device_memory_map, op_reserved_device_memory_map, HC_CONTROL,
	   OP_ARG(struct xen_reserved_device_memory_map)),
	OP(XENMEM_acquire_resource, memory_acquire_resource, HC_CONTROL,
	   OP_ARG_DOMAIN(struct xen_mem_acquire_resource, domid)),
	/* get_sharing_freed_pages, get_sharing_shared_pages: libxl takes only -ENOSYS for "no sharing" */
};

/* The handlers get how many of the items are done already. */
long do_memory_op(u64 cmd, u64 gva, u64 a3, u64 a4, u64 a5)
{
	return op_run(ops, ARRAY_SIZE(ops), cmd & (BIT(MEMOP_EXTENT_SHIFT) - 1), gva,
		      cmd >> MEMOP_EXTENT_SHIFT);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dom0's part: it builds guests from its own image, makes random control calls on them, and
 * destroys them.
 */
#include "pairs.h"

#include <public/event_channel.h>
#include <public/hvm/save.h>
#include <public/memory.h>
#include <public/sysctl.h>
#include <public/vcpu.h>

extern u8 _edata[], _end[];
extern const u8 entry[];
#define IMAGE      ((u64)IMAGE_FRAME << PAGE_SHIFT)
#define IMAGE_SIZE ((u64)IMAGE_FRAMES << PAGE_SHIFT)

u64 window;
static u8 *window_va;
/*
 * Memory behind the program: a copy of its code and data as they were at the start, and the saved
 * state of some guest, whose header fits any.
 */
static u8 *const image = (u8 *)(IMAGE + 2 * IMAGE_SIZE);
#define STATE_SIZE (64 * PAGE_SIZE)
static u8 *const state = (u8 *)(IMAGE + 3 * IMAGE_SIZE);
static u32 state_size;
static struct vcpu_guest_context registers; /* of some vCPU */

void dom0_init(void)
{
	unsigned int i;

	if ((u64)_end > IMAGE + IMAGE_SIZE || (u64)entry != IMAGE)
		error_stop("a guest has too little memory for this program");
	memcpy(image, (void *)IMAGE, (u64)_edata - IMAGE);
	window = find_hole();
	window_va = (u8 *)find_va();
	for (i = 0; i <= WINDOW; i++) /* the last one is for building guests */
		map_page((u64)window_va + i * PAGE_SIZE, (window + i) << PAGE_SHIFT, PTE_P | PTE_W);
}

/* --- Building --- */

static long populate(domid_t id, u64 first, u32 count, unsigned int order)
{
	u64 gfns[64], done, i;
	long rc;

	for (done = 0; done < count; done += rc) {
		struct xen_memory_reservation r = { (u64)gfns, count - done < 64 ? count - done : 64, order, 0,
						    id };

		for (i = 0; i < r.nr_extents; i++)
			gfns[i] = first + ((done + i) << order);
		rc = memory_op(populate_physmap, &r);
		if (rc <= 0)
			return rc ? rc : -ENOMEM;
	}
	return 0;
}

/* Maps one page of a guest at the last page of the window. */
static long page_map(domid_t id, u64 gfn)
{
	u64 to = window + WINDOW;
	int err = 0;
	struct xen_add_to_physmap_batch b = { DOMID_SELF, XENMAPSPACE_gmfn_foreign, 1, { id },
					      (u64)&gfn, (u64)&to, (u64)&err };
	long rc = memory_op(add_to_physmap_batch, &b);

	return rc ? rc : err;
}

static void page_unmap(void)
{
	struct xen_remove_from_physmap rem = { DOMID_SELF, window + WINDOW };

	memory_op(remove_from_physmap, &rem);
}

static long copy_in(domid_t id, u64 first, const u8 *data, size_t len)
{
	size_t done, n;
	long rc;

	for (done = 0; done < len; done += n) {
		rc = page_map(id, first + (done >> PAGE_SHIFT));
		if (rc)
			return rc;
		n = len - done < PAGE_SIZE ? len - done : PAGE_SIZE;
		memcpy(window_va + WINDOW * PAGE_SIZE, data + done, n);
		page_unmap();
	}
	return 0;
}

struct pairs_sum guest_sum(domid_t id)
{
	const struct pairs_cpu *c = (void *)(window_va + WINDOW * PAGE_SIZE);
	struct pairs_sum sum = { 0 };
	unsigned int i;

	if (page_map(id, gfn_of(pairs_cpus)))
		return sum;
	for (i = 0; i < VCPUS; i++) {
		sum.calls += c[i].calls;
		sum.given_up += c[i].given_up;
		sum.changed += c[i].changed;
	}
	page_unmap();
	return sum;
}

/* Fills the first pages: start_info, command line, memory map, and code that spins. */
static long fill_low(domid_t id, u64 seed)
{
	/* counts, then halts */
	static const u8 spin[] = { 0xb9, 0x00, 0x40, 0xe2, 0xfe, 0xf4, 0xeb, 0xf8 };
	static struct {
		struct hvm_start_info info;
		struct hvm_memmap_table_entry map[2];
		char line[64];
	} low;
	long rc;

	memset(&low, 0, sizeof(low));
	low.info = (struct hvm_start_info){ .magic = XEN_HVM_START_MAGIC_VALUE, .version = 1,
					    .memmap_entries = 2 };
	low.info.memmap_paddr = (u64)low.map - (u64)&low;
	low.info.cmdline_paddr = (u64)low.line - (u64)&low;
	low.map[0] = (struct hvm_memmap_table_entry){ 0, LOW_FRAMES << PAGE_SHIFT, XEN_HVM_MEMMAP_TYPE_RAM,
						      0 };
	low.map[1] = (struct hvm_memmap_table_entry){ IMAGE, IMAGE_FRAMES << PAGE_SHIFT,
						      XEN_HVM_MEMMAP_TYPE_RAM, 0 };
	snprintk(low.line, sizeof(low.line), "quiet=1 ids=%u seed=%lu", nr_ids, seed);
	rc = copy_in(id, 0, (u8 *)&low, sizeof(low));
	return rc ? rc : copy_in(id, SPIN_FRAME, spin, sizeof(spin));
}

static long save_state(domid_t id)
{
	long rc;

	domctl_arg()->u.hvmcontext.size = STATE_SIZE;
	domctl_arg()->u.hvmcontext.buffer = (u64)state;
	rc = domctl(XEN_DOMCTL_gethvmcontext, id);
	if (!rc)
		state_size = domctl_arg()->u.hvmcontext.size;
	return rc;
}

static long guest_build(domid_t id, u64 seed)
{
	long rc;

	domctl_arg()->u.max_mem.max_memkb = one_in(8) ? 1 << 20 : 2300 + rnd(8000);
	rc = domctl(XEN_DOMCTL_max_mem, id);
	if (!rc && !state_size)
		rc = save_state(id);
	if (!rc)
		rc = populate(id, 0, LOW_FRAMES, 0);
	if (!rc)
		rc = populate(id, SCRATCH_FRAME, SCRATCH_FRAMES, 0);
	if (!rc)
		rc = one_in(2) ? populate(id, IMAGE_FRAME, 1, 9) : -ENOMEM;
	if (rc == -ENOMEM)
		rc = populate(id, IMAGE_FRAME, IMAGE_FRAMES, 0);
	if (!rc)
		rc = copy_in(id, IMAGE_FRAME, image, (u64)_edata - IMAGE);
	if (!rc)
		rc = fill_low(id, seed);
	if (!rc)
		rc = set_start(id, IMAGE, state);
	return rc ? rc : domctl(XEN_DOMCTL_unpausedomain, id);
}

long guest_make(domid_t id, u64 seed)
{
	long rc = create_domain(&id, VCPUS, one_in(3) ? 40 + rnd(100) : 1023 + rnd(2) * 3072);

	if (rc)
		return rc;
	rc = guest_build(id, seed);
	if (rc)
		domctl(XEN_DOMCTL_destroydomain, id);
	return rc;
}

/* --- Random control calls --- */

/* Commands that end most guests are rare, so that guests get somewhere. */
static u32 any_cmd(void)
{
	static const u8 life[] = { XEN_DOMCTL_pausedomain, XEN_DOMCTL_unpausedomain,
				   XEN_DOMCTL_unpausedomain,
		XEN_DOMCTL_unpausedomain, XEN_DOMCTL_resumedomain, XEN_DOMCTL_getdomaininfo,
		XEN_DOMCTL_getvcpuinfo, XEN_DOMCTL_max_mem, XEN_DOMCTL_setvcpuaffinity, XEN_DOMCTL_gethvmcontext,
		XEN_DOMCTL_scheduler_op, XEN_DOMCTL_getvcpucontext, XEN_DOMCTL_setvcpucontext,
		XEN_DOMCTL_sendtrigger, XEN_DOMCTL_set_paging_mempool_size, XEN_DOMCTL_get_paging_mempool_size };
	static const u8 fatal[] = { XEN_DOMCTL_createdomain, XEN_DOMCTL_destroydomain,
				    XEN_DOMCTL_destroydomain,
		XEN_DOMCTL_destroydomain, XEN_DOMCTL_sethvmcontext, XEN_DOMCTL_soft_reset,
		XEN_DOMCTL_set_cpu_policy };

	if (one_in(100))
		return fatal[rnd(ARRAY_SIZE(fatal))];
	return one_in(20) ? 36 + rnd(45) : life[rnd(ARRAY_SIZE(life))];
}

static void domctl_arguments(struct xen_domctl *c)
{
	u64 mask = 1 + rnd(15), map = put(&mask, 8), gfn = any_gfn(1), i;

	switch (c->cmd) {
	case XEN_DOMCTL_createdomain:
		c->u.createdomain_v15 = (struct xen_domctl_createdomain_v15){
			.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap, .max_vcpus = 1 + rnd(4),
			.max_evtchn_port = one_in(3) ? 40 + rnd(100) : 4095,
			.max_grant_frames = one_in(4) ? -1 : (int)rnd(4),
			.max_maptrack_frames = one_in(4) ? -1 : (int)rnd(4), .arch.emulation_flags = XEN_X86_EMU_LAPIC };
		break;
	case XEN_DOMCTL_max_mem:
		c->u.max_mem.max_memkb = one_in(2) ? 2000 + rnd(8000) : any() >> rnd(64);
		break;
	case XEN_DOMCTL_setvcpuaffinity:
	case XEN_DOMCTL_getvcpuaffinity:
		c->u.vcpuaffinity = (struct xen_domctl_vcpuaffinity){ rnd(4), 1 + rnd(3), { map, 64 },
				{ map, 64 } };
		break;
	case XEN_DOMCTL_scheduler_op:
		c->u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
		c->u.scheduler_op.cmd = rnd(2);
		c->u.scheduler_op.u.credit2.weight = (u16)rnd(1000);
		c->u.scheduler_op.u.credit2.cap = rnd(4) ? 0 : (u16)(50 + rnd(200));
		break;
	case XEN_DOMCTL_getpageframeinfo3:
		c->u.getpageframeinfo3.num = 1;
		c->u.getpageframeinfo3.array = put(&gfn, 8);
		break;
	case XEN_DOMCTL_gethvmcontext:
	case XEN_DOMCTL_sethvmcontext:
		c->u.hvmcontext.size = c->cmd == XEN_DOMCTL_gethvmcontext ? STATE_SIZE : state_size;
		c->u.hvmcontext.buffer = (u64)state;
		break;
	case XEN_DOMCTL_getvcpucontext:
	case XEN_DOMCTL_setvcpucontext:
		c->u.vcpucontext.vcpu = rnd(VCPUS + 1);
		c->u.vcpucontext.ctxt = (u64)&registers;
		break;
	case XEN_DOMCTL_set_paging_mempool_size:
		c->u.paging_mempool.size = (u64)rnd(one_in(2) ? 64 : 4096) << PAGE_SHIFT;
		break;
	default:
		for (i = 0; i < 4; i++)
			((u32 *)&c->u)[i] = rnd(8);
	}
}

void gen_domctl(struct shot *s)
{
	struct xen_domctl c = { .cmd = any_cmd(), .interface_version = XEN_DOMCTL_INTERFACE_VERSION_V15,
				.domain = (domid_t)(1 + rnd(nr_ids)) };

	domctl_arguments(&c);
	s->nr = __HYPERVISOR_domctl;
	s->a[0] = put(&c, sizeof(c));
}

/* --- Destroying everything --- */

void dom0_end_all(void)
{
	static struct xen_domctl_getdomaininfo infos[64];
	struct xen_sysctl list = { .cmd = XEN_SYSCTL_getdomaininfolist,
				   .interface_version = XEN_SYSCTL_INTERFACE_VERSION };
	struct evtchn_reset reset = { DOMID_SELF };
	u64 deadline = now_ns() + 20000000000ull, i;

	grants_unmap_all();
	for (i = 0; i < WINDOW; i++) {
		struct xen_remove_from_physmap rem = { DOMID_SELF, window + i };

		memory_op(remove_from_physmap, &rem);
	}
	evtchn_op(reset, &reset);
	do {
		list.u.getdomaininfolist = (struct xen_sysctl_getdomaininfolist){ .first_domain = 1,
			.max_domains = ARRAY_SIZE(infos), .buffer = (u64)infos };
		EXPECT_EQ(hypercall(sysctl, &list, 0, 0), 0);
		for (i = 0; i < list.u.getdomaininfolist.num_domains; i++)
			domctl(XEN_DOMCTL_destroydomain, infos[i].domain);
	} while (list.u.getdomaininfolist.num_domains && now_ns() < deadline);
	for (i = 0; i < list.u.getdomaininfolist.num_domains; i++)
		EXPECT(false, "domain %u does not go: flags %#x, %lu pages", infos[i].domain, infos[i].flags,
		       infos[i].tot_pages);
}

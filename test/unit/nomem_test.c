/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SOURCES: common/domctl.c common/domctl_vcpu.c common/domctl_misc.c common/domctl_pci.c
 * common/sysctl.c common/cpupool.c SOURCES: common/hypfs.c common/option.c common/vsnprintf.c
 * common/evtchn.c common/evtchn_deliver.c common/evtchn_fifo.c SOURCES: common/grant.c
 * common/grant_map.c common/grant_copy.c common/memory_op.c common/physmap.c common/vcpu_op.c
 * SOURCES: common/hvm_op.c common/sched.c common/sched_fair.c common/sched_null.c common/sched_op.c
 * common/timer.c SOURCES: common/pqueue.c common/pcpu.c common/spinlock.c common/physdev_op.c
 * common/platform_op.c common/hypercall.c SOURCES: common/efi.c common/version.c
 * SOURCES: common/console_io.c
 * common/time.c common/clock.c arch/x86/p2m.c arch/x86/p2m_log.c arch/x86/hvm/cpuid.c SOURCES:
 * arch/x86/hvm/cpuid_policy.c SOURCES: arch/x86/hvm/cpuid_serialise.c arch/x86/hvm/guest_context.c
 * arch/x86/hvm/hvmcontext.c arch/x86/hvm/regs.c arch/x86/hvm/msr.c SOURCES: arch/x86/hvm/vcpu.c
 * arch/x86/hvm/vmce.c arch/x86/hvm/vcpu_context.c arch/x86/hvm/vcpu_start.c SOURCES:
 * arch/x86/hvm/vlapic.c
 * arch/x86/hvm/vlapic_regs.c arch/x86/hvm/vlapic_timer.c arch/x86/hvm/upcall.c
 * arch/x86/hvm/vioapic.c SOURCES: arch/x86/spec.c arch/x86/hvm/portio.c arch/x86/mitigations.c
 * arch/x86/features.c
 * arch/x86/iommu/iommu.c arch/x86/mca_op.c SOURCES: arch/x86/pci/vpci.c arch/x86/pci/vpci_dev.c
 * arch/x86/pci/vpci_msi.c arch/x86/pci/vpci_msix.c SOURCES: arch/x86/pci/guest_fn.c
 * arch/x86/pci/guest_bus.c arch/x86/pci/assign.c arch/x86/pci/reset.c arch/x86/vmx/caps.c
 */
/*
 * Hypercalls without memory: a machine of real sources down to the free lists, a Domain 0 and a
 * guest that has a virtual function. Each operation succeeds once. Then each of its allocations
 * fails, alone and with all that come after it: the hypercall returns -ENOMEM, Keel's data is
 * unchanged, nothing is missing from the heap, and once there is memory the operation succeeds.
 * Each try is a process of its own, so all start with the same machine. (Memory and grant
 * operations: unit-frames.)
 */
#include "test/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sanitizer/asan_interface.h>

#include <public/errno.h>
#include <public/hvm/hvm_op.h>
#include <public/hvm/hvm_vcpu.h>
#include <public/hypfs.h>
#include <public/mca.h>
#include <public/memory.h>
#include <public/physdev.h>
#include <public/platform.h>
#include <public/sched.h>
#include <public/sysctl.h>
#include <public/vcpu.h>
#include <public/version.h>

#include "arch/x86/hvm/cpuid.h"
#include "arch/x86/pci/guest_bus_internal.h"
#include "common/console.h"
#include "common/domctl.h"
#include "common/efi.h"
#include "common/grant_internal.h"
#include "common/hypercall.h"
#include "common/option.h"
#include "common/pci.h"
#include "common/platform.h"
#include "common/sched_internal.h"
#include "common/time.h"
#include "common/version.h"

#pragma GCC diagnostic ignored "-Wmissing-field-initializers" /* what an operation answers */

#include "test/unit/formats.h"
#include "test/unit/real_heap.h"
#include "common/domain.c"

#include "test/unit/vendors.h"
#include "test/unit/pci_machine.h"

#define NR_FRAMES (FAKE_RAM >> PAGE_SHIFT)
#define HEAP_FIRST 256
#define GUEST 1
#define GO_ON 42 /* exit status of a try: an allocation failed, and all checks passed */

static struct page_info frames[NR_FRAMES];
static struct domain *dom0, *guest;

/* --- What the sources need beside the fake arch --- */

bool mfn_valid(mfn_t mfn)
{
	return mfn >= HEAP_FIRST && mfn < NR_FRAMES;
}

static const struct p2m_format format = NESTED_FORMAT;

/* An IOMMU that needs a new table for each device that it sees for the first time. */
static struct { u32 sbdf; struct domain *d; } reaches[16];

static int model_attach(u32 sbdf, struct domain *d)
{
	unsigned int i = 0;

	while (i < ARRAY_LEN(reaches) - 1 && reaches[i].sbdf && reaches[i].sbdf != sbdf)
		i++;
	if (!reaches[i].sbdf && fake_alloc_fails())
		return -ENOMEM;
	reaches[i].sbdf = sbdf;
	reaches[i].d = d;
	return 0;
}

static int no_irq_map(struct irq_desc *desc) { return 0; }
static void no_irq_unmap(struct irq_desc *desc) { }
static void irq_message(const struct irq_desc *desc, u64 *addr, u32 *data) { *addr = 0xfee00000;
		*data = desc->vector; }
static void no_flush(const struct domain *d) { }
static int no_unit(void) { return -ENODEV; }

const struct iommu_ops vtd_ops = { .name = "model", .probe = no_unit, .attach = model_attach,
				   .flush = no_flush,
	.irq_map = no_irq_map, .irq_unmap = no_irq_unmap, .irq_message = irq_message };
const struct iommu_ops amdvi_ops = { .name = "none", .probe = no_unit };

u16 uart_port(void) { return 0; }


void console_start_sync(void) { }
void console_line_write(const char *s, size_t len) { }
size_t console_line_room(void) { return 100; }
void console_guest_write(struct domain *d, const char *s, size_t len) { }
size_t console_read_input(char *buf, size_t len) { return 0; }
size_t console_read_ring(u32 *index, bool incremental, bool clear, u64 gva, u32 count,
			 int *err) { *err = 0; return 0; }
void boot_console_end(struct domain *d) { }
void arch_machine_down(u8 reason) { abort(); }
bool ioapic_reserved(u32 gsi) { return false; }
int ioapic_program(u32 gsi, struct irq_desc *desc, bool level, bool active_low) { return 0; }
void arch_cpu_ids(unsigned int cpu, struct xenpf_pcpuinfo *info) { }
void branches_init(bool retpoline, bool aligned) { }
void clear_branch_history(void) { }


/* --- The machine --- */

static long domctl(u32 cmd, domid_t id, struct xen_domctl *op)
{
	op->cmd = cmd;
	op->interface_version = XEN_DOMCTL_INTERFACE_VERSION_V17;
	op->domain = id;
	return do_domctl((u64)op, 0, 0, 0, 0);
}

static long create(domid_t id)
{
	struct xen_domctl op = { .u.createdomain_v17 = {
		.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap | XEN_DOMCTL_CDF_iommu, .max_vcpus = 2,
		.max_evtchn_port = 1023,
		.max_grant_frames = 4, .max_maptrack_frames = 4, .arch.emulation_flags = XEN_X86_EMU_LAPIC } };

	return domctl(XEN_DOMCTL_createdomain, id, &op);
}

static void give_ram(struct domain *d)
{
	for (gfn_t gfn = 0; gfn < 16; gfn++) {
		struct page_info *pg = heap_alloc_domain_pages(d, 0);

		assert_non_null(pg);
		p2m_write_lock(&d->p2m);
		assert_int_equal(p2m_set(d, gfn, page_to_mfn(pg), 0, P2M_RAM), 0);
		p2m_write_unlock(d);
	}
}

static evtchn_port_t unbound(domid_t dom, domid_t remote)
{
	struct evtchn_alloc_unbound op = { .dom = dom, .remote_dom = remote };

	assert_int_equal(do_event_channel_op(EVTCHNOP_alloc_unbound, (u64)&op, 0, 0, 0), 0);
	return op.port;
}

static void start_heap(void)
{
	static const struct efi_system st;

	option_init("xen_version=4.20");
	version_init();
	boot_info.nr_ranges = 1;
	boot_info.fb.present = true;
	efi_system = &st;
	fake_reset();
	ASAN_UNPOISON_MEMORY_REGION(fake_ram, FAKE_RAM);
	for (mfn_t m = 0; m < NR_FRAMES; m++)
		frames[m] = (struct page_info){ .owner = OWNER_NONE };
	frame_table = frames;
	max_mfn = NR_FRAMES;
	heap_add_range(HEAP_FIRST << PAGE_SHIFT, FAKE_RAM);
}

static void start_cpus(const struct hvm_ops *vendor)
{
	const u64 all = 0xffffffffull << 32;
	const struct vmx_msrs m = { .basic = VMX_BASIC_TRUE, .pin = all, .proc = all, .exit = all,
				    .entry = all,
		.proc2 = (PROC2_EPT | PROC2_VPID | PROC2_UNRESTRICTED | PROC2_WBINVD) << 32,
		.ept_vpid = 0xf0106734141ull, .cr4_fixed0 = X86_CR4_VMXE };
	const char *why;

	hvm_ops = vendor;
	cpu_features.xsave_size = 832;
	assert_int_equal(vendor == &vmx_ops ? init_bitmaps() : svm_init_bitmaps(), 0);
	assert_int_equal(vmx_caps_choose(&m, &vmx, &why), 0);
	sched_init();
	for (unsigned int i = 1; i < FAKE_CPUS; i++) {
		fake_run_on(i, NULL);
		sched_init_cpu(pcpus[i]);
	}
	fake_run_on(0, NULL);
}

/* Each domain may have one page of ports, no more. One function is not known yet. */
static void start(const struct hvm_ops *vendor)
{
	struct domain_config cfg = { .id = 0, .control = true, .hardware = true, .max_vcpus = 1,
				     .max_evtchn_port = 1023,
		.max_grant_frames = 4, .max_maptrack_frames = 4, .max_pages = ~0u };

	start_heap();
	new_machine();
	p2m_format = &format;
	iommu_ops = &vtd_ops;
	iommu_caps = (struct iommu_caps){ .irq_remap = true, .levels = 4, .nr_ids = 16,
					  .format = MIRROR_FORMAT(9) };
	start_cpus(vendor);
	assert_int_equal(domain_create(&cfg, &dom0), 0);
	give_ram(dom0);
	fake_run_on(0, dom0->vcpu[0]);
	assert_int_equal(create(GUEST), 0);
	guest = domain_find(GUEST);
	guest->max_pages = 64;
	give_ram(guest);
	for (unsigned int i = 1; i < EVTCHN_PER_PAGE; i++) {
		unbound(0, GUEST);
		unbound(GUEST, 0);
	}
	pci_conf_write(PF, 0x148, 2, SRIOV_CTRL_VFE | SRIOV_CTRL_MSE);
	assert_int_equal(arch_pci_device_add(0, 2, 1, XEN_PCI_DEV_VIRTFN, 0x200), 0);
	assert_int_equal(arch_pci_assign(NULL, VF(0)), 0);
	fake_advance(200000000);
	assert_false(vpci_reset_runs(vpci_find(vpci_machine, VF(0)))); /* its reset is over */
	arch_pci_device_remove(0, 1, 0);
	fake_rcu_run();
}

/* --- What is compared --- */

static u8 before[FAKE_RAM];
static struct page_info frames_before[NR_FRAMES];
static u64 free_before;
static struct { const u8 *from, *to; } noise[32];
static unsigned int nr_noise;

static void add_noise(const void *p, size_t len)
{
	assert_true(nr_noise < ARRAY_LEN(noise));
	noise[nr_noise].from = p;
	noise[nr_noise++].to = (const u8 *)p + len;
}

static bool is_noise(const u8 *p)
{
	for (unsigned int i = 0; i < nr_noise; i++)
		if (p >= noise[i].from && p < noise[i].to)
			return true;
	return false;
}

#define NOISE(field) add_noise(&(field), sizeof(field))

/*
 * What a failing operation may change: counters of locks, hints, flushes, and pages that stay with
 * the domain.
 */
static void mark_noise(struct domain *d)
{
	NOISE(d->lock);
	NOISE(d->p2m.lock);
	NOISE(d->p2m.generation);
	NOISE(d->p2m.arch.hint);
	NOISE(d->evtchn.lock);
	NOISE(d->grant->lock);
	NOISE(d->evtchn.pages);
	NOISE(d->evtchn.full);
	if (x86_domain(d)->vpci)
		NOISE(x86_domain(d)->vpci->lock);
	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		NOISE(pcpus[i]->runq->lock);
}

/* Pages that stay with their domain or with Keel, for the next operation. */
static u64 kept(void)
{
	struct domain *ds[] = { dom0, guest };
	u64 n = 0;

	for (unsigned int i = 0; i < 2; i++)
		for (unsigned int p = 0; p < ARRAY_LEN(ds[i]->evtchn.pages); p++)
			n += ds[i]->evtchn.pages[p] != NULL;
	n += (dom0->evtchn.fifo != NULL) + (guest->evtchn.fifo != NULL);
	for (unsigned int i = 0; i < ARRAY_LEN(domain_table); i++)
		n += domain_table[i] != NULL;
	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		n += tables[i] ? BIT(size_to_order(sizeof(*tables[i]))) : 0;
	return n;
}

static void snapshot(void)
{
	for (mfn_t m = HEAP_FIRST; m < NR_FRAMES; m++)
		if (frames[m].owner != OWNER_FREE)
			memcpy(before + (m << PAGE_SHIFT), mfn_to_virt(m), PAGE_SIZE);
	memcpy(frames_before, frames, sizeof(frames));
	free_before = heap_free_pages() + kept();
	mark_noise(dom0);
	mark_noise(guest);
}

static int differences(void)
{
	int n = 0;

	if (heap_free_pages() + kept() != free_before)
		n += fprintf(stderr, "%ld pages are missing\n", (long)(free_before - heap_free_pages() - kept()));
	for (mfn_t m = HEAP_FIRST; m < NR_FRAMES && n < 400; m++) {
		if (frames_before[m].owner == OWNER_FREE)
			continue;
		if (frames[m].owner != frames_before[m].owner || frames[m].ref != frames_before[m].ref)
			n += fprintf(stderr, "frame %#lx has another owner, or number of references\n", m);
		for (u64 at = m << PAGE_SHIFT; at < (m + 1) << PAGE_SHIFT && n < 400; at++)
			if (fake_ram[at] != before[at] && !is_noise(fake_ram + at))
				n += fprintf(stderr, "frame %#lx, byte %#lx: %#x, was %#x (dom0 %#lx, guest %#lx)\n", m,
					     at % PAGE_SIZE, fake_ram[at], before[at], virt_to_mfn(dom0), virt_to_mfn(guest));
	}
	return n;
}

/* --- Operations: 0 or more is success --- */

static struct xen_domctl dc;
static struct xen_sysctl sc;
static struct xen_cpuid_leaf leaves[1000];
static struct xen_msr_entry msrs[10];
static u8 buffer[65536];
static evtchn_port_t a_port = 1;

#define DOMCTL(cmd, ...) ({								\
	dc = (struct xen_domctl){ __VA_ARGS__ };					\
	domctl(XEN_DOMCTL_##cmd, GUEST, &dc);						\
})
#define SHADOW(name) \
	DOMCTL(shadow_op, \
	       .u.shadow_op = { .op = XEN_DOMCTL_SHADOW_OP_##name, .pages = 64, \
				.dirty_bitmap = (u64)buffer })
#define SYSCTL(name, ...) ({								\
	sc = (struct xen_sysctl){ .cmd = XEN_SYSCTL_##name, \
				  .interface_version = XEN_SYSCTL_INTERFACE_VERSION, __VA_ARGS__ }; \
	do_sysctl((u64)&sc, 0, 0, 0, 0);						\
})
#define PLATFORM(name, ...) ({								\
	struct xen_platform_op _op = { .cmd = XENPF_##name, .interface_version = XENPF_INTERFACE_VERSION, \
				       __VA_ARGS__ }; \
	do_platform_op((u64)&_op, 0, 0, 0, 0);						\
})
#define MCA(name, ...) ({								\
	struct xen_mc _op = { .cmd = XEN_MC_##name, .interface_version = XEN_MCA_INTERFACE_VERSION, \
			      __VA_ARGS__ };						\
	do_arch_0((u64)&_op, 0, 0, 0, 0);						\
})
/* An operation of one structure. */
#define CALL(fn, cmd, type, ...) \
	({ struct type _op = { __VA_ARGS__ }; fn(cmd, (u64)&_op, 0, 0, 0); })
#define EVTCHN(cmd, type, ...) CALL(do_event_channel_op, EVTCHNOP_##cmd, type, __VA_ARGS__)
#define HVM(cmd, type, ...) CALL(do_hvm_op, HVMOP_##cmd, type, __VA_ARGS__)
#define PHYSDEV(cmd, type, ...) CALL(do_physdev_op, PHYSDEVOP_##cmd, type, __VA_ARGS__)
#define VCPU(cmd, id, type, ...) \
	({ struct type _op = { __VA_ARGS__ }; do_vcpu_op(VCPUOP_##cmd, id, (u64)&_op, 0, 0); })
#define VERSION(name, gva) do_xen_version(XENVER_##name, gva, 0, 0, 0)
#define MEMORY(name, type, ...) CALL(do_memory_op, XENMEM_##name, type, __VA_ARGS__)
#define GRANT(name, ...) \
	({ struct gnttab_##name _op = { __VA_ARGS__ }; \
	   do_grant_table_op(GNTTABOP_##name, (u64)&_op, 1, 0, 0); })
#define VCPU_PLAIN(cmd, id) do_vcpu_op(VCPUOP_##cmd, id, 0, 0, 0)

static long set_policy(void)
{
	long rc = DOMCTL(get_cpu_policy, .u.cpu_policy = { 1000, 10, (u64)leaves, (u64)msrs });

	return rc ?: domctl(XEN_DOMCTL_set_cpu_policy, GUEST, &dc);
}

static long set_context(void)
{
	long rc = DOMCTL(gethvmcontext, .u.hvmcontext = { sizeof(buffer), (u64)buffer });

	return rc ?: domctl(XEN_DOMCTL_sethvmcontext, GUEST, &dc);
}

static long vcpu_context(void)
{
	long rc;

	hvm_vcpu_set_pvh_entry(guest->vcpu[0], 0x1000, 0);
	rc = DOMCTL(getvcpucontext, .u.vcpucontext.ctxt = (u64)buffer);
	return rc ?: domctl(XEN_DOMCTL_setvcpucontext, GUEST, &dc);
}

static long sysctl_policy(u32 index)
{
	return SYSCTL(get_cpu_policy, .u.cpu_policy = { index, 1000, 10, 0, (u64)leaves, (u64)msrs });
}

static long assign(void)
{
	return DOMCTL(assign_device, .u.assign_device.u.pci.machine_sbdf = VF(0));
}

static long assign_and_back(void)
{
	long rc = assign();

	return rc ?: DOMCTL(deassign_device, .u.assign_device.u.pci.machine_sbdf = VF(0));
}

static long affinity(void)
{
	u8 all = 0xff;
	long rc = DOMCTL(setvcpuaffinity,
			 .u.vcpuaffinity = { 0, XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT,
							      { (u64)&all, 8 }, { (u64)&all, 8 } });

	rc = rc ?: domctl(XEN_DOMCTL_getvcpuaffinity, GUEST, &dc);
	rc = rc ?: DOMCTL(setnodeaffinity, .u.nodeaffinity.nodemap = { (u64)&all, 8 });
	return rc ?: domctl(XEN_DOMCTL_getnodeaffinity, GUEST, &dc);
}

static long initialise(void)
{
	struct vcpu_hvm_context c = { .mode = VCPU_HVM_MODE_32B,
				      .cpu_regs.x86_32 = { .cr0 = 1, .cs_ar = 0xc09b,
		.ss_ar = 0xc093, .tr_ar = 0x8b, .cs_limit = ~0u, .ss_limit = ~0u, .tr_limit = 0x67 } };

	return do_vcpu_op(VCPUOP_initialise, 1, (u64)&c, 0, 0);
}

static long fifo_words(void)
{
	long rc = EVTCHN(init_control, evtchn_init_control, 2, 0, 0) ?: EVTCHN(expand_array,
			evtchn_expand_array, 3);

	return rc ?: EVTCHN(set_priority, evtchn_set_priority, 1, 2);
}

static long multicall(void)
{
	struct evtchn_bind_ipi ipi = { .vcpu = 0 };
	struct multicall_entry m = { .op = __HYPERVISOR_event_channel_op,
				     .args = { EVTCHNOP_bind_ipi, (u64)&ipi } };
	long rc = do_multicall((u64)&m, 1, 0, 0, 0);

	return rc ?: (long)m.result;
}

static long hypfs(void)
{
	static const char path[] = "/params";

	return do_hypfs_op(XEN_HYPFS_OP_read, (u64)path, sizeof(path), (u64)buffer, sizeof(buffer));
}

static long pool_op(u32 op, u32 id, u32 what)
{
	return SYSCTL(cpupool_op, .u.cpupool_op = { op, id, XEN_SCHEDULER_CREDIT2, what, what });
}

/* A pool is made, gets a CPU and a domain, and is removed again. */
static long pools(void)
{
	return pool_op(XEN_SYSCTL_CPUPOOL_OP_CREATE, 1, 0) ?: pool_op(XEN_SYSCTL_CPUPOOL_OP_RMCPU, 0, 2) ?:
		pool_op(XEN_SYSCTL_CPUPOOL_OP_ADDCPU, 1, 2) ?: pool_op(XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN, 1,
				GUEST) ?:
		pool_op(XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN, 0, GUEST) ?: pool_op(XEN_SYSCTL_CPUPOOL_OP_RMCPU, 1,
				2) ?:
		pool_op(XEN_SYSCTL_CPUPOOL_OP_ADDCPU, 0, 2) ?: pool_op(XEN_SYSCTL_CPUPOOL_OP_DESTROY, 1, 0);
}

static long info_list(void)
{
	return SYSCTL(getdomaininfolist, .u.getdomaininfolist = { 0, 4, (u64)buffer, 0 });
}

static long memory_map(void)
{
	long rc = MEMORY(set_memory_map, xen_foreign_memory_map, .domid = DOMID_SELF,
			 .map = { 1, (u64)buffer });

	return rc ?: MEMORY(memory_map, xen_memory_map, 4, (u64)buffer);
}

enum allocates { NEVER, ONCE, OFTEN };

/*
 * Operations that guests may call come first, and a guest calls them. Those that allocate are at
 * the top.
 */
#define OPERATIONS(X) \
	X(GUEST, ONCE, EVTCHN(alloc_unbound, evtchn_alloc_unbound, DOMID_SELF, 0)) \
	X(GUEST, ONCE, EVTCHN(bind_interdomain, evtchn_bind_interdomain, 0, 1)) \
	X(GUEST, ONCE, EVTCHN(bind_virq, evtchn_bind_virq, VIRQ_TIMER, 0)) \
	X(GUEST, ONCE, EVTCHN(bind_ipi, evtchn_bind_ipi, 1)) \
	X(GUEST, ONCE, EVTCHN(init_control, evtchn_init_control, 2, 0, 1)) \
	X(GUEST, ONCE, multicall()) \
	X(GUEST, ONCE, fifo_words()) \
	X(GUEST, NEVER, EVTCHN(bind_vcpu, evtchn_bind_vcpu, 1, 1)) \
	X(GUEST, NEVER, EVTCHN(close, evtchn_close, 1)) \
	X(GUEST, NEVER, EVTCHN(send, evtchn_send, 1)) \
	X(GUEST, NEVER, EVTCHN(status, evtchn_status, DOMID_SELF, 1)) \
	X(GUEST, NEVER, EVTCHN(unmask, evtchn_unmask, 1)) \
	X(GUEST, NEVER, EVTCHN(reset, evtchn_reset, DOMID_SELF)) \
	X(GUEST, NEVER, initialise()) \
	X(GUEST, NEVER, initialise() ?: VCPU_PLAIN(up, 1)) \
	X(GUEST, NEVER, VCPU_PLAIN(down, 1)) \
	X(GUEST, NEVER, VCPU_PLAIN(is_up, 0)) \
	X(GUEST, NEVER, VCPU(get_runstate_info, 0, vcpu_runstate_info, 0)) \
	X(GUEST, NEVER, \
	  VCPU(register_runstate_memory_area, 0, vcpu_register_runstate_memory_area, \
	       .addr = { .v = (u64)buffer })) \
	X(GUEST, NEVER, \
	  VCPU(register_vcpu_time_memory_area, 0, vcpu_register_time_memory_area, \
	       .addr = { .v = (u64)buffer })) \
	X(GUEST, NEVER, VCPU(register_vcpu_info, 1, vcpu_register_vcpu_info, 3, 64)) \
	X(GUEST, NEVER, VCPU(set_periodic_timer, 0, vcpu_set_periodic_timer, 10000000)) \
	X(GUEST, NEVER, VCPU_PLAIN(stop_periodic_timer, 0)) \
	X(GUEST, NEVER, VCPU(set_singleshot_timer, 0, vcpu_set_singleshot_timer, 1ull << 40)) \
	X(GUEST, NEVER, VCPU_PLAIN(stop_singleshot_timer, 0)) \
	X(GUEST, NEVER, VCPU_PLAIN(send_nmi, 0)) \
	X(GUEST, NEVER, do_set_timer_op(1ull << 40, 0, 0, 0, 0)) \
	X(GUEST, NEVER, do_sched_op(SCHEDOP_yield, 0, 0, 0, 0)) \
	X(GUEST, NEVER, do_sched_op(SCHEDOP_block, 0, 0, 0, 0)) \
	X(GUEST, NEVER, CALL(do_sched_op, SCHEDOP_poll, sched_poll, (u64)&a_port, 1, 1)) \
	X(GUEST, NEVER, CALL(do_sched_op, SCHEDOP_shutdown, sched_shutdown, SHUTDOWN_suspend)) \
	X(GUEST, NEVER, CALL(do_sched_op, SCHEDOP_watchdog, sched_watchdog, 0, 100)) \
	X(GUEST, NEVER, VERSION(version, 0)) \
	X(GUEST, NEVER, VERSION(pagesize, 0)) \
	X(GUEST, NEVER, VERSION(extraversion, (u64)buffer) ?: VERSION(extraversion2, 0)) \
	X(GUEST, NEVER, VERSION(capabilities, (u64)buffer) ?: VERSION(capabilities2, 0)) \
	X(GUEST, NEVER, VERSION(changeset, (u64)buffer) ?: VERSION(changeset2, 0)) \
	X(GUEST, NEVER, VERSION(commandline, (u64)buffer) ?: VERSION(commandline2, 0)) \
	X(GUEST, NEVER, VERSION(get_features, (u64)buffer) ?: VERSION(compile_info, (u64)buffer)) \
	X(GUEST, NEVER, VERSION(platform_parameters, (u64)buffer) ?: VERSION(guest_handle, (u64)buffer)) \
	X(GUEST, NEVER, MEMORY(current_reservation, xen_memory_domain, DOMID_SELF)) \
	X(GUEST, NEVER, MEMORY(maximum_reservation, xen_memory_domain, DOMID_SELF)) \
	X(GUEST, NEVER, MEMORY(maximum_gpfn, xen_memory_domain, DOMID_SELF)) \
	X(GUEST, NEVER, do_memory_op(XENMEM_maximum_ram_page, 0, 0, 0, 0)) \
	X(GUEST, NEVER, \
	  GRANT(copy, .source = { .u.gmfn = 3, .domid = DOMID_SELF }, \
		.dest = { .u.gmfn = 4, .domid = DOMID_SELF })) \
	X(GUEST, NEVER, GRANT(query_size, DOMID_SELF)) \
	X(GUEST, NEVER, GRANT(get_version, DOMID_SELF) ?: GRANT(set_version, 1)) \
	X(GUEST, NEVER, GRANT(swap_grant_ref, 8, 9)) \
	X(GUEST, NEVER, GRANT(unmap_and_replace, .handle = 1)) \
	X(GUEST, NEVER, do_vm_assist(VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag, 0, 0, 0)) \
	X(GUEST, NEVER, do_vm_assist(VMASST_CMD_disable, VMASST_TYPE_runstate_update_flag, 0, 0, 0)) \
	X(GUEST, NEVER, do_console_io(CONSOLEIO_write, 5, (u64)buffer, 0, 0)) \
	X(GUEST, NEVER, HVM(set_param, xen_hvm_param, DOMID_SELF, 0, HVM_PARAM_CALLBACK_IRQ, 0)) \
	X(GUEST, NEVER, HVM(get_param, xen_hvm_param, DOMID_SELF, 0, HVM_PARAM_STORE_PFN, 0)) \
	X(GUEST, NEVER, HVM(get_mem_type, xen_hvm_get_mem_type, .domid = DOMID_SELF, .pfn = 3)) \
	X(GUEST, NEVER, HVM(set_evtchn_upcall_vector, xen_hvm_evtchn_upcall_vector, 0, 0x30)) \
	X(GUEST, NEVER, HVM(get_time, xen_hvm_get_time, 0)) \
	X(GUEST, NEVER, do_hvm_op(HVMOP_flush_tlbs, 0, 0, 0, 0)) \
	X(0, OFTEN, create(7)) \
	X(0, OFTEN, create(DOMID_INVALID)) \
	X(0, OFTEN, create(600)) \
	X(0, OFTEN, assign()) \
	X(0, OFTEN, assign_and_back()) \
	X(0, ONCE, set_policy()) \
	X(0, ONCE, sysctl_policy(XEN_SYSCTL_cpu_policy_hvm_default)) \
	X(0, ONCE, hypfs()) \
	X(0, ONCE, PHYSDEV(pci_device_add, physdev_pci_device_add, .bus = 1)) \
	X(0, OFTEN, PHYSDEV(pci_device_add, physdev_pci_device_add, 0, 2, 2, XEN_PCI_DEV_VIRTFN, \
			    { 2, 0 })) \
	X(0, ONCE, EVTCHN(bind_interdomain, evtchn_bind_interdomain, GUEST, 1)) \
	X(0, ONCE, EVTCHN(alloc_unbound, evtchn_alloc_unbound, GUEST, 0)) \
	X(0, ONCE, EVTCHN(bind_virq, evtchn_bind_virq, VIRQ_DOM_EXC, 0)) \
	X(0, ONCE, memory_map()) \
	X(0, NEVER, MEMORY(machine_memory_map, xen_memory_map, 4, (u64)buffer)) \
	X(0, NEVER, MEMORY(claim_pages, xen_memory_reservation, .nr_extents = 32, .domid = GUEST)) \
	X(0, NEVER, MEMORY(set_pod_target, xen_pod_target, .domid = GUEST)) \
	X(0, NEVER, MEMORY(get_pod_target, xen_pod_target, .domid = GUEST)) \
	X(0, NEVER, MEMORY(reserved_device_memory_map, xen_reserved_device_memory_map, XENMEM_RDM_ALL, 4, \
			   (u64)buffer)) \
	X(0, NEVER, do_console_io(CONSOLEIO_read, 5, (u64)buffer, 0, 0)) \
	X(0, NEVER, DOMCTL(get_cpu_policy, .u.cpu_policy = { 1000, 10, (u64)leaves, (u64)msrs })) \
	X(0, NEVER, sysctl_policy(XEN_SYSCTL_cpu_policy_raw)) \
	X(0, NEVER, sysctl_policy(XEN_SYSCTL_cpu_policy_hvm_max)) \
	X(0, NEVER, set_context()) \
	X(0, NEVER, vcpu_context()) \
	X(0, NEVER, affinity()) \
	X(0, NEVER, DOMCTL(max_vcpus, .u.max_vcpus.max = 2)) \
	X(0, NEVER, DOMCTL(max_mem, .u.max_mem.max_memkb = 4096)) \
	X(0, NEVER, DOMCTL(set_paging_mempool_size, .u.paging_mempool.size = MiB(1))) \
	X(0, NEVER, DOMCTL(get_paging_mempool_size, .u.paging_mempool.size = 0)) \
	X(0, NEVER, DOMCTL(pausedomain, .domain = 0)) \
	X(0, NEVER, DOMCTL(unpausedomain, .domain = 0)) \
	X(0, NEVER, DOMCTL(resumedomain, .domain = 0)) \
	X(0, NEVER, DOMCTL(getdomaininfo, .domain = 0)) \
	X(0, NEVER, DOMCTL(getvcpuinfo, .domain = 0)) \
	X(0, NEVER, DOMCTL(setdomainhandle, .domain = 0)) \
	X(0, NEVER, DOMCTL(settimeoffset, .u.settimeoffset.time_offset_seconds = 5)) \
	X(0, NEVER, DOMCTL(settscinfo, .domain = 0)) \
	X(0, NEVER, DOMCTL(gettscinfo, .domain = 0)) \
	X(0, NEVER, DOMCTL(getpageframeinfo3, .u.getpageframeinfo3 = { 100, (u64)buffer })) \
	X(0, NEVER, DOMCTL(subscribe, .u.subscribe.port = 3)) \
	X(0, NEVER, DOMCTL(shadow_op, .u.shadow_op.op = XEN_DOMCTL_SHADOW_OP_OFF)) \
	X(0, NEVER, SHADOW(ENABLE_LOGDIRTY)) \
	X(0, NEVER, SHADOW(ENABLE_LOGDIRTY) ?: SHADOW(PEEK) ?: SHADOW(CLEAN)) \
	X(0, NEVER, SHADOW(SET_ALLOCATION)) \
	X(0, NEVER, DOMCTL(sendtrigger, .u.sendtrigger = { XEN_DOMCTL_SENDTRIGGER_NMI, 0 })) \
	X(0, NEVER, DOMCTL(sendtrigger, .u.sendtrigger = { XEN_DOMCTL_SENDTRIGGER_RESET, 0 })) \
	X(0, NEVER, DOMCTL(iomem_permission, .u.iomem_permission.nr_mfns = 1)) \
	X(0, NEVER, DOMCTL(irq_permission, .u.irq_permission.pirq = 1)) \
	X(0, NEVER, DOMCTL(ioport_permission, .u.ioport_permission.nr_ports = 1)) \
	X(0, NEVER, DOMCTL(test_assign_device, .u.assign_device.u.pci.machine_sbdf = VF(0))) \
	X(0, NEVER, DOMCTL(get_device_group, .u.get_device_group = { VF(0), 4, 0, (u64)buffer })) \
	X(0, NEVER, DOMCTL(scheduler_op, \
			   .u.scheduler_op = { XEN_SCHEDULER_CREDIT2, XEN_DOMCTL_SCHEDOP_putinfo, { { 300, 0 } } })) \
	X(0, NEVER, DOMCTL(destroydomain, .domain = 0)) \
	X(0, NEVER, SYSCTL(physinfo, .u.pad = { 0 })) \
	X(0, NEVER, SYSCTL(sched_id, .u.pad = { 0 })) \
	X(0, NEVER, SYSCTL(availheap, .u.pad = { 0 })) \
	X(0, NEVER, SYSCTL(cputopoinfo, .u.cputopoinfo = { 4, (u64)buffer })) \
	X(0, NEVER, SYSCTL(numainfo, .u.pad = { 0 })) \
	X(0, NEVER, SYSCTL(cpupool_op, \
			   .u.cpupool_op = { .op = XEN_SYSCTL_CPUPOOL_OP_INFO, .cpumap = { (u64)buffer, 8 } })) \
	X(0, NEVER, pools()) \
	X(0, NEVER, SYSCTL(get_cpu_featureset, \
			   .u.cpu_featureset = { XEN_SYSCTL_cpu_featureset_hvm, 0, 0 })) \
	X(0, NEVER, info_list()) \
	X(0, NEVER, SYSCTL(readconsole, .u.readconsole = { .buffer = (u64)buffer, .count = 100 })) \
	X(0, NEVER, SYSCTL(debug_keys, .u.debug_keys = { (u64)"h", 1 })) \
	X(0, NEVER, SYSCTL(scheduler_op, \
			   .u.scheduler_op = { 0, XEN_SCHEDULER_CREDIT2, XEN_SYSCTL_SCHEDOP_getinfo, { { 0 } } })) \
	X(0, NEVER, SYSCTL(scheduler_op, \
			   .u.scheduler_op = { 0, XEN_SCHEDULER_CREDIT2, XEN_SYSCTL_SCHEDOP_putinfo, \
					       { .sched_credit2 = { 500 } } })) \
	X(0, NEVER, SYSCTL(pcitopoinfo, .u.pcitopoinfo = { 4, (u64)buffer, (u64)buffer })) \
	X(0, NEVER, do_hypfs_op(XEN_HYPFS_OP_get_version, 0, 0, 0, 0)) \
	X(0, NEVER, do_hypfs_op(XEN_HYPFS_OP_write_contents, (u64)"/params/loglvl", 15, (u64)"warning", \
				8)) \
	X(0, NEVER, PLATFORM(settime64, .u.settime64.secs = 1000)) \
	X(0, NEVER, PLATFORM(get_dom0_console, .u.pad = { 0 })) \
	X(0, NEVER, PLATFORM(get_cpuinfo, .u.pad = { 0 })) \
	X(0, NEVER, PLATFORM(firmware_info, .u.firmware_info.type = XEN_FW_EFI_INFO)) \
	X(0, NEVER, PLATFORM(efi_runtime_call, .u.efi_runtime_call.function = XEN_EFI_get_time)) \
	X(0, NEVER, PLATFORM(microcode_update, .u.microcode = { (u64)buffer, sizeof(buffer) })) \
	X(0, NEVER, PLATFORM(microcode_update2, .u.microcode2 = { 0, sizeof(buffer), (u64)buffer })) \
	X(0, NEVER, MCA(fetch, .u.mc_fetch = { .flags = XEN_MC_URGENT, .data = (u64)buffer })) \
	X(0, NEVER, MCA(physcpuinfo, .u.mc_physcpuinfo = { .ncpus = 4, .info = (u64)buffer })) \
	X(0, NEVER, PHYSDEV(manage_pci_add, physdev_manage_pci, 2, 8) ?: PHYSDEV(manage_pci_remove, \
			physdev_manage_pci, 2, 8)) \
	X(0, NEVER, PHYSDEV(setup_gsi, physdev_setup_gsi, 0)) \
	X(0, NEVER, PHYSDEV(pci_mmcfg_reserved, physdev_pci_mmcfg_reserved, 0)) \
	X(0, NEVER, PHYSDEV(pci_device_remove, physdev_pci_device, 0, 2, 1)) \
	X(0, NEVER, CALL(do_sched_op, SCHEDOP_remote_shutdown, sched_remote_shutdown, GUEST, \
			 SHUTDOWN_poweroff))

#define NAME(by, often, expression) { #expression, by, often },
static const struct {
	const char *name;
	domid_t by;
	enum allocates often;
} operations[] = { OPERATIONS(NAME) };

static long operate(unsigned int which)
{
	unsigned int i = 0;

#define TRY(by, often, expression) if (i++ == which) return expression;
	OPERATIONS(TRY)
	return -ENOSYS;
}

/* --- --- */

/*
 * One try, in a process of its own: the nth allocation fails and, with `from`, all after it. 0:
 * there is no nth allocation.
 */
static int one_try(unsigned int i, unsigned int n, bool from)
{
	long good, rc;

	fake_run_on(0, operations[i].by ? guest->vcpu[0] : dom0->vcpu[0]);
	snapshot();
	(from ? fake_fail_from : fake_fail_nth)(n);
	rc = operate(i);
	fake_fail_nth(0);
	fake_rcu_run();
	fake_check_quiet();
	if (!fake_failure_happened())
		return rc < 0 ? fprintf(stderr, "it fails with memory, too: %ld\n", rc) : 0;
	if (rc != -ENOMEM && fprintf(stderr, "the answer is %ld\n", rc))
		return 2;
	if (differences())
		return 2;
	good = operate(i);
	return good < 0 ? fprintf(stderr, "with memory again it fails: %ld\n", good) : GO_ON;
}

/*
 * Each allocation fails in turn. Returns 0 if each try passes and there are as many allocations as
 * the table says.
 */
static int each_allocation(unsigned int i, bool from)
{
	int status = GO_ON << 8;
	unsigned int n;

	for (n = 1; WIFEXITED(status) && WEXITSTATUS(status) == GO_ON; n++) {
		pid_t pid = fork();

		if (!pid)
			_exit(one_try(i, n, from));
		if (waitpid(pid, &status, 0) != pid)
			return 1;
	}
	if (status)
		return fprintf(stderr, "%s: allocation %u%s: status %#x\n", operations[i].name, n - 1,
			       from ? " and all after it" : "", status);
	if (min(n - 2, 2u) != operations[i].often)
		return fprintf(stderr, "%s: %u allocations\n", operations[i].name, n - 2);
	return 0;
}

static void try_all(const struct hvm_ops *vendor, enum allocates least)
{
	pid_t pid = fork();
	int status = 0;

	if (!pid) {
		start(vendor);
		for (unsigned int i = 0; i < ARRAY_LEN(operations) && !status; i++)
			if (operations[i].often >= least)
				status = each_allocation(i, true) || (operations[i].often && each_allocation(i, false));
		_exit(status);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void on_svm(void **state) { try_all(&svm_ops, NEVER); }
/* The vendor matters where vCPUs are made. */
static void on_vmx(void **state) { try_all(&vmx_ops, OFTEN); }

static const struct CMUnitTest tests[] = { cmocka_unit_test(on_svm), cmocka_unit_test(on_vmx) };
UNIT_MAIN(tests)

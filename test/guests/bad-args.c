/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every hypercall and sub-operation with wrong arguments: numbers that do not exist, bad pointers
 * (unmapped, across the end of a mapping, to read-only pages), wrong versions, domains and sizes.
 * Each call must return an errno that docs/abi.md names, and afterwards the domain must still run.
 */
#include "lib/guest.h"

#include <public/domctl.h>
#include <public/event_channel.h>
#include <public/grant_table.h>
#include <public/hvm/hvm_op.h>
#include <public/hvm/params.h>
#include <public/hypfs.h>
#include <public/memory.h>
#include <public/physdev.h>
#include <public/platform.h>
#include <public/sched.h>
#include <public/sysctl.h>
#include <public/vcpu.h>
#include <public/version.h>

const char test_title[] = "bad-args";

/* Which argument of a sub-operation is its pointer. */
enum where { ARG2, ARG3 };

static const struct call {
	const char *name;
	u32 nr, op, where;
	int wanted;
} calls[] = {
	{ "evtchn.bind_interdomain", __HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, ARG2,
	  -EFAULT },
	{ "evtchn.bind_virq", __HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, ARG2, -EFAULT },
	{ "evtchn.close", __HYPERVISOR_event_channel_op, EVTCHNOP_close, ARG2, -EFAULT },
	{ "evtchn.send", __HYPERVISOR_event_channel_op, EVTCHNOP_send, ARG2, -EFAULT },
	{ "evtchn.status", __HYPERVISOR_event_channel_op, EVTCHNOP_status, ARG2, -EFAULT },
	{ "evtchn.alloc_unbound", __HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, ARG2, -EFAULT },
	{ "evtchn.bind_ipi", __HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, ARG2, -EFAULT },
	{ "evtchn.bind_vcpu", __HYPERVISOR_event_channel_op, EVTCHNOP_bind_vcpu, ARG2, -EFAULT },
	{ "evtchn.unmask", __HYPERVISOR_event_channel_op, EVTCHNOP_unmask, ARG2, -EFAULT },
	{ "evtchn.init_control", __HYPERVISOR_event_channel_op, EVTCHNOP_init_control, ARG2, -EFAULT },
	{ "evtchn.expand_array", __HYPERVISOR_event_channel_op, EVTCHNOP_expand_array, ARG2, -EFAULT },
	{ "evtchn.set_priority", __HYPERVISOR_event_channel_op, EVTCHNOP_set_priority, ARG2, -EFAULT },
	{ "evtchn.reset", __HYPERVISOR_event_channel_op, EVTCHNOP_reset, ARG2, -EFAULT },
	{ "memory.current_reservation", __HYPERVISOR_memory_op, XENMEM_current_reservation, ARG2,
	  -EFAULT },
	{ "memory.maximum_reservation", __HYPERVISOR_memory_op, XENMEM_maximum_reservation, ARG2,
	  -EFAULT },
	{ "memory.add_to_physmap", __HYPERVISOR_memory_op, XENMEM_add_to_physmap, ARG2, -EFAULT },
	{ "memory.memory_map", __HYPERVISOR_memory_op, XENMEM_memory_map, ARG2, -EFAULT },
	{ "memory.maximum_gpfn", __HYPERVISOR_memory_op, XENMEM_maximum_gpfn, ARG2, -EFAULT },
	{ "memory.remove_from_physmap", __HYPERVISOR_memory_op, XENMEM_remove_from_physmap, ARG2,
	  -EFAULT },
	{ "memory.add_to_physmap_batch", __HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch, ARG2,
	  -EFAULT },
	{ "memory.acquire_resource", __HYPERVISOR_memory_op, XENMEM_acquire_resource, ARG2, -EFAULT },
	{ "memory.machine_memory_map", __HYPERVISOR_memory_op, XENMEM_machine_memory_map, ARG2, -EFAULT },
	{ "vcpu.get_runstate_info", __HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, ARG3, -EFAULT },
	{ "vcpu.set_singleshot_timer", __HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, ARG3, -EFAULT },
	{ "vcpu.register_vcpu_info", __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, ARG3, -EFAULT },
	{ "vcpu.register_runstate_memory_area", __HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area,
	  ARG3, -EFAULT },
	{ "vcpu.register_vcpu_time_memory_area", __HYPERVISOR_vcpu_op,
	  VCPUOP_register_vcpu_time_memory_area, ARG3, -EFAULT },
	{ "hvm.set_param", __HYPERVISOR_hvm_op, HVMOP_set_param, ARG2, -EFAULT },
	{ "hvm.get_param", __HYPERVISOR_hvm_op, HVMOP_get_param, ARG2, -EFAULT },
	{ "hvm.set_evtchn_upcall_vector", __HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector, ARG2,
	  -EFAULT },
	{ "version.extraversion", __HYPERVISOR_xen_version, XENVER_extraversion, ARG2, -EFAULT },
	{ "version.compile_info", __HYPERVISOR_xen_version, XENVER_compile_info, ARG2, -EFAULT },
	{ "version.capabilities", __HYPERVISOR_xen_version, XENVER_capabilities, ARG2, -EFAULT },
	{ "version.changeset", __HYPERVISOR_xen_version, XENVER_changeset, ARG2, -EFAULT },
	{ "version.platform_parameters", __HYPERVISOR_xen_version, XENVER_platform_parameters, ARG2,
	  -EFAULT },
	{ "version.get_features", __HYPERVISOR_xen_version, XENVER_get_features, ARG2, -EFAULT },
	{ "version.guest_handle", __HYPERVISOR_xen_version, XENVER_guest_handle, ARG2, -EFAULT },
	{ "version.commandline", __HYPERVISOR_xen_version, XENVER_commandline, ARG2, -EFAULT },
	{ "sched.shutdown", __HYPERVISOR_sched_op, SCHEDOP_shutdown, ARG2, -EFAULT },
	{ "sched.poll", __HYPERVISOR_sched_op, SCHEDOP_poll, ARG2, -EFAULT },
	{ "sched.remote_shutdown", __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, ARG2, -EFAULT },
	{ "sched.watchdog", __HYPERVISOR_sched_op, SCHEDOP_watchdog, ARG2, -EFAULT },
	{ "grant.map_grant_ref", __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, ARG2, -EFAULT },
	{ "grant.unmap_grant_ref", __HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, ARG2, -EFAULT },
	{ "grant.setup_table", __HYPERVISOR_grant_table_op, GNTTABOP_setup_table, ARG2, -EFAULT },
	{ "grant.copy", __HYPERVISOR_grant_table_op, GNTTABOP_copy, ARG2, -EFAULT },
	{ "grant.query_size", __HYPERVISOR_grant_table_op, GNTTABOP_query_size, ARG2, -EFAULT },
	{ "grant.set_version", __HYPERVISOR_grant_table_op, GNTTABOP_set_version, ARG2, -EFAULT },
	{ "grant.get_version", __HYPERVISOR_grant_table_op, GNTTABOP_get_version, ARG2, -EFAULT },
	{ "physdev.pci_mmcfg_reserved", __HYPERVISOR_physdev_op, PHYSDEVOP_pci_mmcfg_reserved, ARG2,
	  -EFAULT },
	{ "physdev.pci_device_add", __HYPERVISOR_physdev_op, PHYSDEVOP_pci_device_add, ARG2, -EFAULT },
	{ "physdev.pci_device_remove", __HYPERVISOR_physdev_op, PHYSDEVOP_pci_device_remove, ARG2,
	  -EFAULT },
};

static long call(u32 nr, u32 op, u32 where, u64 pointer)
{
	/* The other argument is a vCPU (0) or a count (1). */
	if (where == ARG3)
		return hypercall5(nr, op, 0, pointer, 0, 0);
	return hypercall5(nr, op, pointer, 1, 0, 0);
}

static u64 hole_va; /* not mapped */
static u64 edge_va; /* the last byte before an unmapped page */

static void test_pointers(void)
{
	const u64 pointers[] = { hole_va, edge_va, 0xffffffffffffff00, 0x0000800000000000 - 1 };
	const struct call *c;
	unsigned int i;

	for (c = calls; c < calls + ARRAY_SIZE(calls); c++)
		for (i = 0; i < ARRAY_SIZE(pointers); i++) {
			long ret = call(c->nr, c->op, c->where, pointers[i]);

			EXPECT(ret == c->wanted || ret == -ENOSYS, "%s with %#lx: %ld, expected %d", c->name,
			       pointers[i], ret, c->wanted);
		}
}

/* Hypercalls that exist; all others must be refused as unknown. */
static bool exists(u32 nr)
{
	switch (nr) {
	case __HYPERVISOR_platform_op:
	case __HYPERVISOR_memory_op:
	case __HYPERVISOR_multicall:
	case __HYPERVISOR_set_timer_op:
	case __HYPERVISOR_xen_version:
	case __HYPERVISOR_console_io:
	case __HYPERVISOR_grant_table_op:
	case __HYPERVISOR_vm_assist:
	case __HYPERVISOR_vcpu_op:
	case __HYPERVISOR_mmuext_op:
	case __HYPERVISOR_xsm_op:
	case __HYPERVISOR_sched_op:
	case __HYPERVISOR_event_channel_op:
	case __HYPERVISOR_physdev_op:
	case __HYPERVISOR_hvm_op:
	case __HYPERVISOR_sysctl:
	case __HYPERVISOR_domctl:
	case __HYPERVISOR_argo_op:
	case __HYPERVISOR_xenpmu_op:
	case __HYPERVISOR_dm_op:
	case __HYPERVISOR_hypfs_op:
	case __HYPERVISOR_arch_0:
	case __HYPERVISOR_arch_0 + 1: /* Xen's paging_domctl_cont, which is for Xen itself */
		return true;
	}
	return false;
}

static void test_numbers(void)
{
	static const u32 families[] = { __HYPERVISOR_event_channel_op, __HYPERVISOR_grant_table_op,
		__HYPERVISOR_hvm_op, __HYPERVISOR_physdev_op, __HYPERVISOR_sched_op, __HYPERVISOR_vcpu_op,
		__HYPERVISOR_xen_version };
	static const u64 far[] = { 64, 100, 4096, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000011,
				   0x8000000000000011, ~0ull };
	unsigned int i, op;

	for (i = 0; i < 64; i++)
		if (!exists(i))
			EXPECT(hypercall5(i, 0, 0, 0, 0, 0) == -ENOSYS, "hypercall %u: %ld", i,
			       hypercall5(i, 0, 0, 0, 0, 0));
	for (i = 0; i < ARRAY_SIZE(far); i++)
		if (on_keel || (u32)far[i] > 64) /* Xen only looks at the lower half */
			EXPECT(hypercall5(far[i], 0, 0, 0, 0, 0) == -ENOSYS, "hypercall %#lx", far[i]);
	for (i = 0; i < ARRAY_SIZE(families); i++)
		for (op = 48; op < 64; op++)
			EXPECT(hypercall5(families[i], op, 0, 0, 0, 0) == -ENOSYS, "hypercall %u, operation %u: %ld",
			       families[i], op, hypercall5(families[i], op, 0, 0, 0, 0));
	EXPECT_EQ(hypercall5(__HYPERVISOR_memory_op, 62, 0, 0, 0, 0), -ENOSYS);
	EXPECT_EQ(hypercall5(__HYPERVISOR_console_io, 99, 0, 0, 0, 0), -ENOSYS);
}

/* Calls for control domains only, with meaningless arguments. */
static void test_control(void)
{
	static struct xen_domctl domctl;
	static struct xen_sysctl sysctl;
	static struct xen_platform_op platform;
	long other = is_dom0 ? 0 : -EPERM;

	EXPECT_EQ(hypercall(domctl, hole_va, 0, 0), -EFAULT);
	EXPECT_EQ(hypercall(sysctl, hole_va, 0, 0), -EFAULT);
	EXPECT_IN(hypercall(platform_op, hole_va, 0, 0), -EFAULT, -ENOSYS);
	domctl.cmd = XEN_DOMCTL_getdomaininfo;
	domctl.interface_version = 0x14;
	EXPECT_EQ(hypercall(domctl, &domctl, 0, 0), -EACCES);
	domctl.interface_version = 0xffffffff;
	EXPECT_EQ(hypercall(domctl, &domctl, 0, 0), -EACCES);
	sysctl.cmd = XEN_SYSCTL_physinfo;
	sysctl.interface_version = 0x14;
	EXPECT_EQ(hypercall(sysctl, &sysctl, 0, 0), -EACCES);
	platform.cmd = XENPF_settime64;
	platform.interface_version = 1;
	if (is_dom0)
		EXPECT_EQ(hypercall(platform_op, &platform, 0, 0), -EACCES);
	domctl.interface_version = XEN_DOMCTL_INTERFACE_VERSION_V15;
	sysctl.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	platform.interface_version = XENPF_INTERFACE_VERSION;
	if (!is_dom0) {
		EXPECT_EQ(hypercall(domctl, &domctl, 0, 0), other);
		EXPECT_EQ(hypercall(sysctl, &sysctl, 0, 0), other);
		return;
	}
	EXPECT_EQ(hypercall(sysctl, &sysctl, 0, 0), 0);
	EXPECT(sysctl.u.physinfo.nr_cpus > 0, "%u CPUs", sysctl.u.physinfo.nr_cpus);
	domctl.cmd = 999;
	EXPECT_EQ(hypercall(domctl, &domctl, 0, 0), -ENOSYS);
	sysctl.cmd = 999;
	EXPECT_EQ(hypercall(sysctl, &sysctl, 0, 0), -ENOSYS);
	platform.cmd = 999;
	EXPECT_EQ(hypercall(platform_op, &platform, 0, 0), -ENOSYS);
	domctl.cmd = XEN_DOMCTL_pausedomain;
	domctl.domain = 77;
	EXPECT_EQ(hypercall(domctl, &domctl, 0, 0), -ESRCH);
	domctl.domain = DOMID_SELF; /* no domain pauses or destroys itself */
	EXPECT(hypercall(domctl, &domctl, 0, 0) < 0, "paused itself");
	domctl.cmd = XEN_DOMCTL_destroydomain;
	EXPECT(hypercall(domctl, &domctl, 0, 0) < 0, "destroyed itself");
	domctl.domain = own_domid();
	EXPECT_EQ(hypercall(domctl, &domctl, 0, 0), -EINVAL);
}

static void test_values(void)
{
	struct xen_hvm_param param = { DOMID_SELF, 0, HVM_NR_PARAMS, 0 };
	struct vcpu_register_vcpu_info info = { gfn_of(alloc_page()), PAGE_SIZE - 8, 0 };
	struct sched_poll poll = { hole_va, 1, 0 };
	struct evtchn_bind_virq virq = { VIRQ_TIMER, 0x80000000, 0 };

	EXPECT_EQ(hvm_op(get_param, &param), -EINVAL);
	EXPECT_EQ(hvm_op(set_param, &param), -EINVAL);
	param.index = ~0u;
	EXPECT_EQ(hvm_op(get_param, &param), -EINVAL);
	param.index = HVM_PARAM_STORE_EVTCHN;
	EXPECT_EQ(hvm_op(get_param, &param), 0);
	param.domid = 77;
	EXPECT_EQ(hvm_op(get_param, &param), -ESRCH);
	/* vcpu_info across the end of its page, in a hole, and for a vCPU that does not exist. */
	EXPECT(vcpu_op(register_vcpu_info, 0, &info) < 0, "vcpu_info across a page's end");
	info.offset = 0;
	info.mfn = find_hole();
	EXPECT(vcpu_op(register_vcpu_info, 0, &info) < 0, "vcpu_info in a hole");
	EXPECT_EQ(vcpu_op(register_vcpu_info, 4000, &info), -ENOENT);
	EXPECT_EQ(vcpu_op(is_up, 4000, 0), -ENOENT);
	EXPECT_EQ(vcpu_op(up, 4000, 0), -ENOENT);
	EXPECT_EQ(vcpu_op(is_up, 0, 0), 1);
	EXPECT_EQ(sched_op(poll, &poll), -EFAULT);
	EXPECT_EQ(evtchn_op(bind_virq, &virq), -ENOENT);
	EXPECT(hypercall(vm_assist, 99, 0, 0) < 0, "vm_assist command 99");
	EXPECT(hypercall(vm_assist, VMASST_CMD_enable, 99, 0) < 0, "vm_assist type 99");
	EXPECT(hvm_op(pagetable_dying, hole_va) < 0, "pagetable_dying");
	/* Console writes from unmapped memory, and with a huge length. */
	if (is_dom0)
		EXPECT_EQ(hypercall(console_io, CONSOLEIO_write, 16, hole_va), -EFAULT);
	EXPECT(hypercall(console_io, CONSOLEIO_write, 0x7fffffff, hole_va) < 0, "console from nowhere");
	if (is_dom0)
		EXPECT_IN(hypercall(console_io, CONSOLEIO_read, 0, hole_va), 0, -EFAULT);
	EXPECT(hypercall5(__HYPERVISOR_hypfs_op, XEN_HYPFS_OP_read, hole_va, 5, hole_va, 5) < 0, "hypfs");
	EXPECT(hypercall5(__HYPERVISOR_hypfs_op, XEN_HYPFS_OP_read, hole_va, ~0ul, hole_va, ~0ul) < 0,
	       "hypfs");
	EXPECT(hypercall5(__HYPERVISOR_hypfs_op, 99, 0, 0, 0, 0) < 0, "hypfs operation 99");
}

/* Write protection only matters for structures that the call writes back. */
static void test_read_only(void)
{
	u64 va = find_va();
	struct xen_feature_info *info = alloc_page();
	struct evtchn_close *close = (void *)(va + 64);

	map_page(va, (u64)info, PTE_P);
	EXPECT_EQ(evtchn_op(close, close), -EINVAL); /* only reads: port 0 is invalid */
	if (on_keel)
		EXPECT_EQ(xen_version(get_features, va), -EFAULT);
	EXPECT_EQ(info->submap, on_keel ? 0 : info->submap);
	map_page(va, (u64)info, PTE_P | PTE_W | PTE_NX);
	EXPECT_EQ(xen_version(get_features, va), 0);
	EXPECT(info->submap, "no features");
	map_page(va, 0, 0);
}

extern const u8 user_code[], user_code_end[];
asm(".pushsection .text; .globl user_code, user_code_end\n"
    "user_code: movl $17, %eax; xorl %edi, %edi; xorl %esi, %esi\n"
    "cmpb $0, on_amd; je 1f; vmmcall; jmp 2f; 1: vmcall; 2: int $0x80; user_code_end:\n"
    ".popsection");

static void test_user_mode(void)
{
	static u8 stack[4096] __attribute__((aligned(16)));

	EXPECT_EQ(run_user(user_code, stack + sizeof(stack)), -EPERM);
	EXPECT(xen_version(version, 0) > 0, "and in ring 0 again");
}

void test_main(void)
{
	hole_va = find_va() + 8 * PAGE_SIZE;
	map_page(hole_va - PAGE_SIZE, (u64)alloc_page(), PTE_P | PTE_W);
	edge_va = hole_va - 1;
	test_numbers();
	test_pointers();
	test_control();
	test_values();
	test_read_only();
	test_user_mode();
	EXPECT(xen_version(version, 0) > 0, "still here");
}

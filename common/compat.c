/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hypercalls of 32-bit code, usually a boot loader such as GRUB that starts a 64-bit kernel. The
 * list is closed. Arguments with the same layout in both modes are passed on; all others are read
 * once and converted to what a 64-bit caller would have passed.
 */
#include "common/compat.h"

#include <public/hvm/hvm_op.h>
#include <public/memory.h>
#include <public/sched.h>
#include <public/vcpu.h>
#include <public/version.h>
#include <public/x86_32.h>

#include "common/grant.h"
#include "common/guest_access.h"
#include "common/hypercall.h"
#include "common/memory_internal.h"
#include "common/time.h"

/*
 * Operations whose arguments contain no long and no pointer. All of these calls have the operation
 * as their first argument.
 */
static const u32 same[] = {
	[__HYPERVISOR_memory_op] = BIT(XENMEM_current_reservation) | BIT(XENMEM_maximum_reservation) |
				   BIT(XENMEM_maximum_gpfn),
	[__HYPERVISOR_xen_version] = BIT(XENVER_version) | BIT(XENVER_extraversion) |
				     BIT(XENVER_compile_info) | BIT(XENVER_capabilities) | BIT(XENVER_changeset) |
				     BIT(XENVER_get_features) | BIT(XENVER_pagesize) | BIT(XENVER_guest_handle) |
				     BIT(XENVER_commandline),
	[__HYPERVISOR_console_io] = BIT(CONSOLEIO_write) | BIT(CONSOLEIO_read),
	[__HYPERVISOR_grant_table_op] = BIT(GNTTABOP_map_grant_ref) | BIT(GNTTABOP_unmap_grant_ref) |
					BIT(GNTTABOP_query_size) | BIT(GNTTABOP_set_version) | BIT(GNTTABOP_get_version),
	[__HYPERVISOR_vcpu_op] = BIT(VCPUOP_is_up) | BIT(VCPUOP_register_vcpu_info),
	[__HYPERVISOR_sched_op] = BIT(SCHEDOP_yield) | BIT(SCHEDOP_block) | BIT(SCHEDOP_shutdown),
	[__HYPERVISOR_event_channel_op] = BIT(EVTCHNOP_bind_interdomain) | BIT(EVTCHNOP_bind_virq) |
					  BIT(EVTCHNOP_close) | BIT(EVTCHNOP_send) | BIT(EVTCHNOP_status) |
					  BIT(EVTCHNOP_alloc_unbound) | BIT(EVTCHNOP_bind_ipi) |
					  BIT(EVTCHNOP_bind_vcpu) | BIT(EVTCHNOP_unmask),
	[__HYPERVISOR_hvm_op] = BIT(HVMOP_set_param) | BIT(HVMOP_get_param) | BIT(HVMOP_get_time) |
				BIT(HVMOP_set_evtchn_upcall_vector),
};

static long add_to_physmap(u32 gva)
{
	struct xen_add_to_physmap_32 arg;
	struct xen_add_to_physmap op;
	struct domain *d;
	long err = 0;

	if (copy_from_guest(&arg, gva, sizeof(arg)))
		return -EFAULT;
	d = domain_resolve(arg.domid, &err);
	op = (struct xen_add_to_physmap){ arg.domid, arg.size, arg.space, arg.idx, arg.gpfn };
	return d ? memory_add_to_physmap(d, &op, gva, 0) : err;
}

static long memory_map(u32 gva)
{
	struct xen_memory_map_32 arg;
	long err;

	if (copy_from_guest(&arg, gva, sizeof(arg)))
		return -EFAULT;
	err = memory_map_copy(current->domain, arg.buffer, &arg.nr_entries);
	return err ? err : copy_to_guest(gva, &arg, sizeof(arg));
}

static long setup_table(u32 gva, u32 count)
{
	struct gnttab_setup_table_32 arg;
	struct gnttab_setup_table op;

	if (count != 1)
		return -EINVAL;
	if (copy_from_guest(&arg, gva, sizeof(arg)))
		return -EFAULT;
	op = (struct gnttab_setup_table){ .dom = arg.dom, .nr_frames = arg.nr_frames,
					  .frame_list = arg.frame_list };
	grant_setup_table(&op, sizeof(u32));
	arg.status = op.status;
	return copy_to_guest(gva, &arg, sizeof(arg));
}

long hypercall_dispatch_32bit(u32 nr, const u32 a[5])
{
	if (nr < ARRAY_SIZE(same) && a[0] < 32 && same[index_nospec(nr, ARRAY_SIZE(same))] & BIT(a[0]))
		return hypercall_dispatch(nr, a[0], a[1], a[2], a[3], a[4]);
	this_cpu()->nr_hypercalls++;
	if (nr == __HYPERVISOR_memory_op && a[0] == XENMEM_add_to_physmap)
		return add_to_physmap(a[1]);
	if (nr == __HYPERVISOR_memory_op && a[0] == XENMEM_memory_map)
		return memory_map(a[1]);
	if (nr == __HYPERVISOR_grant_table_op && a[0] == GNTTABOP_setup_table)
		return setup_table(a[1], a[2]);
	if (nr == __HYPERVISOR_set_timer_op) /* a number of 64 bits in two registers */
		return do_set_timer_op(a[0] | (u64)a[1] << 32, 0, 0, 0, 0);
	return -ENOSYS;
}

int compat_latch(void)
{
	struct domain *d = current->domain;
	bool is_32bit = arch_runs_32bit();
	int err;

	if (is_32bit == evtchn_is_32bit(&d->evtchn))
		return 0;
	err = evtchn_set_layout(d, is_32bit);
	if (!err)
		domain_wallclock_update(d); /* it has another place now */
	return err;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* vcpu_op: a guest's own vCPUs, the areas that Keel writes for them, and their timers. */
#include <public/vcpu.h>

#include "common/guest_access.h"
#include "common/heap.h"
#include "common/hypercall.h"
#include "common/sched.h"
#include "common/time.h"
#include "common/vcpu_op.h"

static long op_initialise(struct vcpu *v, u64 gva)
{
	struct domain *d = v->domain;
	int rc;

	if (v->domain->shut_down)
		return -EINVAL;
	spin_lock(&d->lock);
	rc = v->initialised ? -EEXIST : 0;
	spin_unlock(&d->lock);
	return rc ? rc : arch_vcpu_op_initialise(v, gva);
}

static long op_up(struct vcpu *v, u64 gva)
{
	if (!v->initialised)
		return -EINVAL;
	if (test_and_clear_bit(VPF_DOWN, &v->wait_flags))
		vcpu_wake(v);
	return 0;
}

static long op_down(struct vcpu *v, u64 gva)
{
	if (!test_and_set_bit(VPF_DOWN, &v->wait_flags)) {
		vcpu_sleep_nosync(v);
		vcpu_went_down(v);
	}
	return 0;
}

static long op_is_up(struct vcpu *v, u64 gva)
{
	return !test_bit(VPF_DOWN, &v->wait_flags);
}

static long op_get_runstate(struct vcpu *v, u64 gva)
{
	struct vcpu_runstate_info rs;

	vcpu_runstate_get(v, &rs);
	return copy_to_guest(gva, &rs, sizeof(rs));
}

/*
 * The area is given by virtual address. It is translated once, here, because at a context
 * switch the guest's page tables may be another process's (abi.md 2.4 item 18).
 */
static long set_runstate_area(struct vcpu *v, u64 area)
{
	const size_t size = sizeof(struct vcpu_runstate_info);
	struct vcpu_runstate_info rs;
	u64 first, last;

	if (!area) {
		WRITE_ONCE(v->runstate_area.on, false);
		return 0;
	}
	if (area & 7 || gva_to_gpa(area, true, &first) || gva_to_gpa(area + size - 1, true, &last))
		return -EFAULT;
	vcpu_runstate_get(v, &rs);
	if (copy_to_guest(area, &rs, size))
		return -EFAULT;
	WRITE_ONCE(v->runstate_area.on, false);
	barrier();
	v->runstate_area.gfn[0] = PFN_DOWN(first);
	v->runstate_area.gfn[1] = PFN_DOWN(last);
	v->runstate_area.offset = first & (PAGE_SIZE - 1);
	barrier();
	WRITE_ONCE(v->runstate_area.on, true);
	return 0;
}

/*
 * Another vCPU may be switched meanwhile, and find half of its new area: then it writes to a place that is
 * neither, but its guest's. Waiting until it does not run could be mutual, and would then never end.
 */
static long op_register_runstate(struct vcpu *v, u64 gva)
{
	struct vcpu_register_runstate_memory_area area;

	if (copy_from_guest(&area, gva, sizeof(area)))
		return -EFAULT;
	return set_runstate_area(v, area.addr.v);
}

static long op_set_periodic(struct vcpu *v, u64 gva)
{
	struct vcpu_set_periodic_timer set;

	if (copy_from_guest(&set, gva, sizeof(set)))
		return -EFAULT;
	return vcpu_set_periodic(v, set.period_ns);
}

static long op_stop_periodic(struct vcpu *v, u64 gva)
{
	vcpu_stop_periodic(v);
	return 0;
}

/* For the calling vCPU only, whose CPU this is. abi.md 11.8. */
static long op_set_singleshot(struct vcpu *v, u64 gva)
{
	struct vcpu_set_singleshot_timer set;

	if (v != current)
		return -EINVAL;
	if (copy_from_guest(&set, gva, sizeof(set)))
		return -EFAULT;
	return vcpu_set_singleshot(v, set.timeout_abs_ns, set.flags);
}

static long op_stop_singleshot(struct vcpu *v, u64 gva)
{
	if (v != current)
		return -EINVAL;
	vcpu_stop_singleshot(v);
	return 0;
}

/*
 * Moves v's vcpu_info to a page of the guest, which keeps a reference; once in a vCPU's life
 * (abi.md 2.3 item 12).
 */
static int move_vcpu_info(struct vcpu *v, struct page_info *pg, unsigned int offset)
{
	static const struct vcpu_info none;
	struct domain *d = v->domain;
	struct vcpu_info *info = (struct vcpu_info *)((char *)page_to_virt(pg) + offset);

	spin_lock(&d->lock);
	if (v->info_page) {
		spin_unlock(&d->lock);
		return -EINVAL;
	}
	memcpy(info, v->info ? v->info : &none, sizeof(*info));
	v->info_page = pg;
	__atomic_store_n(&v->info, info, __ATOMIC_SEQ_CST);
	spin_unlock(&d->lock);
	evtchn_vcpu_info_moved(v);
	return 0;
}

static long op_register_info(struct vcpu *v, u64 gva)
{
	struct vcpu_register_vcpu_info reg;
	struct page_info *pg;
	enum p2m_type t;
	int rc;

	if (copy_from_guest(&reg, gva, sizeof(reg)))
		return -EFAULT;
	if (reg.offset > PAGE_SIZE - sizeof(struct vcpu_info) || reg.offset % 8 || reg.rsvd)
		return -EINVAL;
	if (v != current && !test_bit(VPF_DOWN, &v->wait_flags))
		return -EINVAL;
	pg = p2m_get_page(v->domain, reg.mfn, &t);
	if (!pg)
		return -EINVAL;
	rc = p2m_is_ram(t) ? move_vcpu_info(v, pg, reg.offset) : -EINVAL;
	if (rc)
		put_page(pg);
	return rc;
}

static long op_send_nmi(struct vcpu *v, u64 gva)
{
	arch_vcpu_send_nmi(v);
	return 0;
}

/* Known only for pinned vCPUs in Xen; a guest has no use for it. */
static long op_get_physid(struct vcpu *v, u64 gva)
{
	return -EINVAL;
}

/* The vDSO's clock page (abi.md 2.4 item 17), by virtual address, in one page. */
static long op_register_time(struct vcpu *v, u64 gva)
{
	struct vcpu_register_time_memory_area area;
	u64 gpa;

	if (copy_from_guest(&area, gva, sizeof(area)))
		return -EFAULT;
	if (!area.addr.v) {
		WRITE_ONCE(v->time_area_gpa, 0);
		return 0;
	}
	if (area.addr.v % 8 || (area.addr.v & (PAGE_SIZE - 1)) > PAGE_SIZE - sizeof(struct vcpu_time_info))
		return -EINVAL;
	if (gva_to_gpa(area.addr.v, true, &gpa))
		return -EFAULT;
	WRITE_ONCE(v->time_area_gpa, gpa);
	WRITE_ONCE(v->time_version, 0);
	if (v == current)
		vcpu_time_update(v);
	return 0;
}

static long (*const ops[])(struct vcpu *v, u64 gva) = {
	[VCPUOP_initialise] = op_initialise,
	[VCPUOP_up] = op_up,
	[VCPUOP_down] = op_down,
	[VCPUOP_is_up] = op_is_up,
	[VCPUOP_get_runstate_info] = op_get_runstate,
	[VCPUOP_register_runstate_memory_area] = op_register_runstate,
	[VCPUOP_set_periodic_timer] = op_set_periodic,
	[VCPUOP_stop_periodic_timer] = op_stop_periodic,
	[VCPUOP_set_singleshot_timer] = op_set_singleshot,
	[VCPUOP_stop_singleshot_timer] = op_stop_singleshot,
	[VCPUOP_register_vcpu_info] = op_register_info,
	[VCPUOP_send_nmi] = op_send_nmi,
	[VCPUOP_get_physid] = op_get_physid,
	[VCPUOP_register_vcpu_time_memory_area] = op_register_time,
};

long do_vcpu_op(unsigned long cmd, unsigned long id, unsigned long gva, unsigned long a4, unsigned long a5)
{
	struct vcpu *v = id < MAX_VCPUS ? domain_vcpu(current->domain, (unsigned int)id) : NULL;

	if (!v)
		return -ENOENT;
	if (cmd >= ARRAY_SIZE(ops) || !ops[cmd])
		return -ENOSYS;
	return ops[cmd](v, gva);
}

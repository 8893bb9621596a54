/* SPDX-License-Identifier: GPL-2.0-only */
/* vcpu_op: a guest's own vCPUs, the areas that Keel writes for them, and their timers. */
#include <public/vcpu.h>

#include "common/heap.h"
#include "common/op.h"
#include "common/sched.h"
#include "common/time.h"
#include "common/vcpu_op.h"

static long op_initialise(struct vcpu *v, void *arg, u64 gva)
{
	return v->domain->shut_down ? -EINVAL : arch_vcpu_op_initialise(v, gva);
}

static long op_up(struct vcpu *v, void *arg, u64 gva)
{
	long rc = 0;

	spin_lock(&v->domain->lock);
	if (!v->initialised)
		rc = -EINVAL;
	else if (test_and_clear_bit(VPF_DOWN, &v->wait_flags))
		vcpu_wake(v);
	spin_unlock(&v->domain->lock);
	return rc;
}

static long op_down(struct vcpu *v, void *arg, u64 gva)
{
	if (!test_bit(VPF_DOWN, &v->wait_flags))
		vcpu_went_down(v);
	return 0;
}

static long op_is_up(struct vcpu *v, void *arg, u64 gva)
{
	return !test_bit(VPF_DOWN, &v->wait_flags);
}

static long op_get_runstate(struct vcpu *v, void *arg, u64 gva)
{
	struct vcpu_runstate_info rs;

	vcpu_runstate_get(v, &rs);
	return copy_to_guest(gva, &rs, sizeof(rs));
}

/*
 * The area is given by virtual address. It is translated once, here, because at a context switch
 * the guest may use the page tables of another process.
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
	smp_wmb();
	v->runstate_area.gfn[0] = PFN_DOWN(first);
	v->runstate_area.gfn[1] = PFN_DOWN(last);
	v->runstate_area.offset = first & (PAGE_SIZE - 1);
	smp_wmb();
	WRITE_ONCE(v->runstate_area.on, true);
	return 0;
}

/*
 * Another vCPU may be switched meanwhile, and see half of its new area. Then it writes to a wrong
 * place, but in its own guest. Waiting until it stops could be mutual, and would then never end.
 */
static long op_register_runstate(struct vcpu *v, void *arg, u64 gva)
{
	return set_runstate_area(v, ((struct vcpu_register_runstate_memory_area *)arg)->addr.v);
}

static long op_set_periodic(struct vcpu *v, void *arg, u64 gva)
{
	return vcpu_set_periodic(v, ((struct vcpu_set_periodic_timer *)arg)->period_ns);
}

static long op_stop_periodic(struct vcpu *v, void *arg, u64 gva)
{
	vcpu_stop_periodic(v);
	return 0;
}

/* For the calling vCPU only, whose CPU this is. */
static long op_set_singleshot(struct vcpu *v, void *arg, u64 gva)
{
	const struct vcpu_set_singleshot_timer *set = arg;

	return v == current ? vcpu_set_singleshot(v, set->timeout_abs_ns, set->flags) : -EINVAL;
}

static long op_stop_singleshot(struct vcpu *v, void *arg, u64 gva)
{
	if (v != current)
		return -EINVAL;
	vcpu_stop_singleshot(v);
	return 0;
}

/* Moves v's vcpu_info to a page of the guest, with a reference on it; once in a vCPU's life. */
static int move_vcpu_info(struct vcpu *v, struct page_info *pg, gfn_t gfn, unsigned int offset)
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
	v->info_gfn = gfn;
	v->info_page = pg;
	__atomic_store_n(&v->info, info, __ATOMIC_SEQ_CST);
	spin_unlock(&d->lock);
	evtchn_vcpu_info_moved(v);
	return 0;
}

static long op_register_info(struct vcpu *v, void *arg, u64 gva)
{
	const struct vcpu_register_vcpu_info *reg = arg;
	struct page_info *pg;
	int rc;

	if (reg->offset > PAGE_SIZE - sizeof(struct vcpu_info) || reg->offset % 8 || reg->rsvd)
		return -EINVAL;
	if (v != current && !test_bit(VPF_DOWN, &v->wait_flags))
		return -EINVAL;
	pg = p2m_get_page(v->domain, reg->mfn, false);
	if (!pg)
		return -EINVAL;
	rc = move_vcpu_info(v, pg, reg->mfn, reg->offset);
	if (rc)
		put_page(pg);
	return rc;
}

static long op_send_nmi(struct vcpu *v, void *arg, u64 gva)
{
	arch_vcpu_send_nmi(v);
	return 0;
}

/* The vDSO's clock page, by virtual address, in one page. */
static long op_register_time(struct vcpu *v, void *arg, u64 gva)
{
	u64 area = ((struct vcpu_register_time_memory_area *)arg)->addr.v, gpa;

	if (!area) {
		WRITE_ONCE(v->time_area_gpa, 0);
		return 0;
	}
	if (area % 8 || (area & (PAGE_SIZE - 1)) > PAGE_SIZE - sizeof(struct vcpu_time_info))
		return -EINVAL;
	if (gva_to_gpa(area, true, &gpa))
		return -EFAULT;
	WRITE_ONCE(v->time_area_gpa, gpa);
	WRITE_ONCE(v->time_version, 0);
	if (v == current)
		vcpu_time_update(v);
	return 0;
}

#define VCPU(name, handler, ...) OP_FORM(VCPUOP_##name, vcpu, handler, HC_ANY, ##__VA_ARGS__)

static const struct op ops[] = {
	VCPU(initialise, op_initialise),
	VCPU(up, op_up),
	VCPU(down, op_down),
	VCPU(is_up, op_is_up),
	VCPU(get_runstate_info, op_get_runstate),
	VCPU(register_runstate_memory_area, op_register_runstate,
	     OP_ARG(struct vcpu_register_runstate_memory_area)),
	VCPU(set_periodic_timer, op_set_periodic, OP_ARG(struct vcpu_set_periodic_timer)),
	VCPU(stop_periodic_timer, op_stop_periodic),
	VCPU(set_singleshot_timer, op_set_singleshot, OP_ARG(struct vcpu_set_singleshot_timer)),
	VCPU(stop_singleshot_timer, op_stop_singleshot),
	VCPU(register_vcpu_info, op_register_info, OP_ARG(struct vcpu_register_vcpu_info)),
	VCPU(send_nmi, op_send_nmi),
	VCPU(get_physid, NULL, .answer = -EINVAL), /* in Xen known only for pinned vCPUs */
	VCPU(register_vcpu_time_memory_area, op_register_time,
	     OP_ARG(struct vcpu_register_time_memory_area)),
};

long do_vcpu_op(u64 cmd, u64 id, u64 gva, u64 a4, u64 a5)
{
	struct vcpu *v = id < MAX_VCPUS ? domain_vcpu(current->domain, (unsigned int)id) : NULL;
	const struct op *op = op_find(ops, ARRAY_SIZE(ops), cmd);
	u8 arg[OP_ARG_MAX] __aligned(8);
	struct domain *d;
	long err;

	if (!v)
		return -ENOENT;
	if (!op)
		return op_answer(ops, ARRAY_SIZE(ops), cmd);
	err = op_get(op, gva, arg, &d);
	return err ? err : op->vcpu(v, arg, gva);
}

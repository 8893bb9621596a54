/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Accesses that the nested tables do not allow: device registers, and memory that is not there. A
 * hole behaves like an empty bus: reads return ones, writes are dropped, and code fetched there is
 * no instruction.
 */
#include <public/errno.h>

#include "arch/x86/hvm/mmio.h"
#include "arch/x86/hvm/ops.h"
#include "arch/x86/mm.h"
#include "common/heap.h"

/*
 * Exceptions that become a double fault if another comes while they are delivered (SDM vol. 3,
 * table 6-5), and the double fault itself.
 */
#define CONTRIBUTORY (BIT(X86_EXC_DE) | BIT(X86_EXC_DF) | 0x1full << X86_EXC_TS)

/* Is it firmware memory, better cached than treated as registers? */
static enum p2m_type device_type(u64 gpa)
{
	for_each_boot_range(r)
		if (gpa - r->base < r->size && (r->type == BOOT_RANGE_ACPI || r->type == BOOT_RANGE_NVS ||
						r->flags & BOOT_RANGE_EFI_RUNTIME))
			return P2M_MMIO_RAMLIKE;
	return P2M_MMIO;
}

/*
 * First touch: whoever owns the devices gets device memory one to one when it
 * first looks there, and only where the host has no RAM. What Keel emulates stays out.
 */
static bool map_device_page(struct domain *d, u64 gpa)
{
	gfn_t gfn = gpa >> PAGE_SHIFT;
	enum p2m_type t;
	int rc = 0;

	if (!d->hardware || is_host_ram(gpa) || gpa >> cpu_features.phys_bits)
		return false;
	p2m_write_lock(&d->p2m);
	p2m_get(d, gfn, &t, NULL);
	if (hvm_mmio_is_trapped(d, gfn)) /* since now: whoever traps a page unmaps it next */
		rc = -EBUSY;
	else if (t == P2M_HOLE) /* another vCPU may have been faster */
		rc = p2m_set(d, gfn, gfn, 0, device_type(gpa));
	p2m_write_unlock(d);
	return rc == 0;
}

static enum p2m_type type_at(struct domain *d, gfn_t gfn)
{
	enum p2m_type t;

	p2m_read_lock(&d->p2m);
	p2m_get(d, gfn, &t, NULL);
	p2m_read_unlock(&d->p2m);
	return t;
}

/* Then something else has changed it since, or the CPU's translation was old. */
static bool allowed(enum p2m_type t, const struct exit_info *e)
{
	if (e->npf.exec)
		return t == P2M_RAM || t == P2M_MMIO_RAMLIKE || t == P2M_RESERVED;
	return !e->npf.write || t != P2M_GRANT_RO;
}

static bool show_ones(struct domain *d, gfn_t gfn)
{
	int rc;

	p2m_write_lock(&d->p2m);
	rc = p2m_show_ones(d, gfn, PFN_DOWN(APIC_DEFAULT_PHYS_BASE));
	p2m_write_unlock(d);
	return rc == 0;
}

/*
 * The event whose delivery failed counts as the first of two faults. So a guest that would loop
 * ends with a triple fault, as on a real CPU.
 */
static void fault(struct x86_vcpu *v, u8 vector, s32 error)
{
	struct hvm_state s;

	hvm_ops->get_state(v, &s);
	if (s.pending_event && s.pending_type == HEV_EXCEPTION && CONTRIBUTORY >> s.pending_vector & 1) {
		v->exception_pending = true;
		v->exc_vector = s.pending_vector;
	}
	hvm_inject_exception(&v->v, vector, error);
}

void hvm_nested_fault(struct x86_vcpu *v, const struct exit_info *e)
{
	struct domain *d = v->v.domain;
	u64 gpa = e->npf.gpa;
	gfn_t gfn = PFN_DOWN(gpa);
	bool trapped = hvm_mmio_is_trapped(d, gfn);
	enum p2m_type t = trapped && d->hardware ? P2M_HOLE : type_at(d, gfn);

	if (t != P2M_HOLE) {
		if (!allowed(t, e))
			fault(v, X86_EXC_GP, 0);
		else if (e->npf.exec)
			p2m_exec_fault(d, gfn);
		else if (t == P2M_RAM)
			p2m_log_fault(d, gfn);
		return;
	}
	if (!trapped && map_device_page(d, gpa))
		return;
	if (e->npf.exec)
		fault(v, X86_EXC_UD, -1);
	else if (!trapped && !e->npf.write && show_ones(d, gfn))
		return;
	else if (!e->npf.operand || !hvm_emulate_mmio(v, gpa, e->npf.write))
		fault(v, X86_EXC_GP, 0);
}

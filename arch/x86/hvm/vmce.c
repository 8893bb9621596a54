/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest's own machine checks (docs/hardware.md). Each vCPU has two virtual banks, as on Xen: the
 * second one tells which page of the guest has lost its data, the first one stays empty.
 */
#include <public/errno.h>

#include "arch/x86/hvm/io.h"
#include "arch/x86/hvm/ops.h"
#include "arch/x86/p2m_format.h"
#include "common/printk.h"

#define BANKS 2
#define BANK 1
#define STATUS (4 * BANK + 1)	/* behind CTL; ADDR and MISC follow */
#define STEP 64			/* entries, of which some lead to 1 GiB */
#define MOST 32

u64 vmce_cap(void)
{
	return BANKS | (cpu_features.amd ? 0 : MCG_SER_P | MCG_LMCE_P);
}

/* NULL: MCG_CAP, and what the vendor's CPUs do not have. */
static u64 *reg_of(struct x86_vcpu *x, u32 msr)
{
	switch (msr) {
	case MSR_MCG_CAP:
		return NULL;
	case MSR_MCG_STATUS:
		return &x->vmce.gstatus;
	case MSR_MCG_EXT_CTL:
		return cpu_features.amd ? NULL : &x->vmce.ext_ctl;
	}
	return &x->vmce.bank[msr & (4 * BANKS - 1)];
}

int vmce_read(struct vcpu *v, u32 msr, u64 *val)
{
	const u64 *reg = reg_of(x86_vcpu(v), msr);

	*val = reg ? *reg : vmce_cap();
	return reg || msr == MSR_MCG_CAP ? 0 : -EINVAL;
}

int vmce_write(struct vcpu *v, u32 msr, u64 val)
{
	u64 *reg = reg_of(x86_vcpu(v), msr), allowed = 0; /* what tells of an error can only be cleared */

	if (msr == MSR_MCG_EXT_CTL)
		allowed = MCG_LMCE_EN;
	else if (msr >= MSR_MC_CTL(0) && !(msr & 3))
		allowed = ~0ull;
	if (!reg || val & ~allowed)
		return -EINVAL;
	*reg = val;
	return 0;
}

/* Where the guest has the frame. There is no table for this, so it looks at its whole memory. */
static gfn_t gfn_of(struct domain *d, mfn_t mfn)
{
	gfn_t gfn = 0, found = INVALID_GFN;

	while (found == INVALID_GFN && gfn <= READ_ONCE(d->p2m.max_gfn)) {
		p2m_read_lock(&d->p2m);
		for (unsigned int n = 0; n < STEP && found == INVALID_GFN; n++) {
			unsigned int order;
			u64 e = *p2m_entry_at(&d->p2m, gfn, &order);
			mfn_t first = (e & P2M_ADDR) >> PAGE_SHIFT;

			if (p2m_is_readable(p2m_entry_type(e)) && mfn - first < BIT(order))
				found = gfn + (mfn - first);
			gfn = (gfn | (BIT(order) - 1)) + 1;
		}
		p2m_read_unlock(&d->p2m);
		irq_window();
	}
	return found;
}

bool vmce_inject(struct vcpu *v, const struct mce_record *r)
{
	struct x86_vcpu *x = x86_vcpu(v);
	struct hvm_state s;
	gfn_t gfn;

	hvm_ops->get_state(x, &s);
	if (!(s.cr4 & X86_CR4_MCE) || s.pending_event || x->vmce.gstatus & MCG_MCIP ||
	    (!cpu_features.amd && !x->vmce.ext_ctl) || x->vmce.injected == MOST)
		return false;
	gfn = gfn_of(v->domain, r->frame);
	if (gfn == INVALID_GFN)
		return false;
	pr_warn("d%u: machine check in vCPU %u for its frame %#lx\n", v->domain->id, v->id, gfn);
	x->vmce.injected++;
	x->vmce.gstatus = (r->gstatus & (MCG_RIPV | MCG_EIPV)) | MCG_MCIP |
			  (cpu_features.amd ? 0 : MCG_LMCE_S);
	x->vmce.bank[STATUS] = r->status;
	x->vmce.bank[STATUS + 1] = gfn << PAGE_SHIFT | (r->addr & (PAGE_SIZE - 1));
	x->vmce.bank[STATUS + 2] = r->misc;
	hvm_inject_exception(v, X86_EXC_MC, -1);
	return true;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reaching guest memory: a walk of the guest's own page tables (APM vol. 2,
 * chapter 5), each step through the p2m. One read lock spans one copy, so that
 * no page on the way can be freed meanwhile; nothing is remembered afterwards.
 */
#include "common/guest_access.h"

#include "arch/x86/hvm/ops.h"
#include "arch/x86/mm.h"
#include "common/heap.h"
#include <public/errno.h>

struct walk {
	struct domain *d;
	u64 cr3;
	unsigned int levels; /* 4 or 5; 0: paging is off */
	bool nx, wp, smap;
	bool write;
};

/* The machine address behind gpa, for reading or writing, or 0. p2m lock held. */
static void *gpa_ptr(struct domain *d, u64 gpa, bool write)
{
	enum p2m_type t;
	mfn_t mfn = p2m_get(d, gpa >> PAGE_SHIFT, &t, NULL);

	if (!(write ? p2m_is_writable(t) : p2m_is_readable(t)))
		return NULL;
	return (u8 *)mfn_to_virt(mfn) + (gpa & ~PAGE_MASK);
}

/* What the vCPU's mode means for supervisor accesses. false: a mode that hypercalls are not made in. */
static bool walk_init(struct walk *w, struct vcpu *v, bool write)
{
	struct x86_vcpu *x = x86_vcpu(v);
	u64 cr0 = hvm_ops->get_reg(x, HREG_CR0), cr4, efer;

	w->d = v->domain;
	w->write = write;
	w->levels = 0;
	if (!(cr0 & X86_CR0_PG))
		return true;
	efer = hvm_ops->get_reg(x, HREG_EFER);
	if (!(efer & EFER_LMA))
		return false;
	cr4 = hvm_ops->get_reg(x, HREG_CR4);
	w->cr3 = hvm_ops->get_reg(x, HREG_CR3) & PTE_ADDR;
	w->levels = cr4 & X86_CR4_LA57 ? 5 : 4;
	w->nx = efer & EFER_NX;
	w->wp = cr0 & X86_CR0_WP;
	w->smap = cr4 & X86_CR4_SMAP && !(hvm_ops->get_reg(x, HREG_RFLAGS) & X86_EFLAGS_AC);
	return true;
}

/* Accessed and dirty as the CPU would set them. */
static void set_used(u64 *pte, u64 e, u64 bits)
{
	if ((e & bits) != bits)
		__atomic_fetch_or(pte, bits, __ATOMIC_RELAXED);
}

/* gva -> gpa by the tables. p2m lock held. -EFAULT: not present or not allowed. */
static int walk(const struct walk *w, u64 gva, u64 *gpa)
{
	u64 table = w->cr3, rights = PTE_RW | PTE_US;
	unsigned int top = w->levels * 9 + 11;

	if (!w->levels) {
		*gpa = gva & 0xffffffff;
		return 0;
	}
	if ((s64)gva >> top != 0 && (s64)gva >> top != -1)
		return -EFAULT;
	for (unsigned int level = w->levels;; level--) {
		unsigned int shift = PAGE_SHIFT + 9 * (level - 1);
		u64 *pte = gpa_ptr(w->d, table + (gva >> shift & 511) * 8, true), e;

		if (!pte)
			return -EFAULT;
		e = READ_ONCE(*pte);
		if (!(e & PTE_P) || (!w->nx && e & PTE_NX))
			return -EFAULT;
		rights &= e;
		if (level == 1 || (level <= 3 && e & PTE_PS)) {
			u64 mask = BIT(shift) - 1;

			if ((w->write && w->wp && !(rights & PTE_RW)) || (w->smap && rights & PTE_US))
				return -EFAULT;
			set_used(pte, e, w->write ? PTE_A | PTE_D : PTE_A);
			*gpa = (e & PTE_ADDR & ~mask) | (gva & mask);
			return 0;
		}
		set_used(pte, e, PTE_A);
		table = e & PTE_ADDR;
	}
}

/* One copy, page by page. from: into Keel; else to the guest, zeros if buf is NULL. */
static int copy_guest(void *buf, u64 gva, size_t len, bool from)
{
	struct vcpu *v = current;
	struct walk w;
	int rc = 0;

	if (!walk_init(&w, v, !from) || gva + len < gva)
		return -EFAULT;
	p2m_read_lock(&v->domain->p2m);
	while (len) {
		size_t n = min(len, (size_t)(PAGE_SIZE - (gva & ~PAGE_MASK)));
		u64 gpa;
		void *p;

		rc = walk(&w, gva, &gpa);
		p = rc ? NULL : gpa_ptr(v->domain, gpa, !from);
		if (!p) {
			rc = -EFAULT;
			break;
		}
		if (from)
			memcpy(buf, p, n);
		else if (buf)
			memcpy(p, buf, n);
		else
			memset(p, 0, n);
		if (buf)
			buf = (u8 *)buf + n;
		gva += n;
		len -= n;
	}
	p2m_read_unlock(&v->domain->p2m);
	return rc;
}

int copy_from_guest(void *dst, u64 gva, size_t len)
{
	return copy_guest(dst, gva, len, true);
}

int copy_to_guest(u64 gva, const void *src, size_t len)
{
	return copy_guest((void *)src, gva, len, false);
}

int clear_guest(u64 gva, size_t len)
{
	return copy_guest(NULL, gva, len, false);
}

int gva_to_gpa(u64 gva, bool write, u64 *gpa)
{
	struct vcpu *v = current;
	struct walk w;
	int rc;

	if (!walk_init(&w, v, write))
		return -EFAULT;
	p2m_read_lock(&v->domain->p2m);
	rc = walk(&w, gva, gpa);
	p2m_read_unlock(&v->domain->p2m);
	return rc;
}

static int copy_gpa(struct domain *d, void *buf, u64 gpa, size_t len, bool from)
{
	int rc = 0;

	if (gpa + len < gpa)
		return -EFAULT;
	p2m_read_lock(&d->p2m);
	while (len) {
		size_t n = min(len, (size_t)(PAGE_SIZE - (gpa & ~PAGE_MASK)));
		void *p = gpa_ptr(d, gpa, !from);

		if (!p) {
			rc = -EFAULT;
			break;
		}
		if (from)
			memcpy(buf, p, n);
		else
			memcpy(p, buf, n);
		buf = (u8 *)buf + n;
		gpa += n;
		len -= n;
	}
	p2m_read_unlock(&d->p2m);
	return rc;
}

int copy_from_gpa(struct domain *d, void *dst, u64 gpa, size_t len)
{
	return copy_gpa(d, dst, gpa, len, true);
}

int copy_to_gpa(struct domain *d, u64 gpa, const void *src, size_t len)
{
	return copy_gpa(d, (void *)src, gpa, len, false);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reaching guest memory: a walk of the guest's own page tables (APM vol. 2, chapter 5), each step
 * through the p2m. One read lock spans one copy, so that no page along the path can be freed
 * meanwhile.
 *
 * A vCPU caches its last walks to a few pages, because hypercalls use the same buffers again and
 * again. The guest may change its tables at any time without Keel noticing (INVLPG does not exit
 * under nested paging), so each use reads each entry again; only the entries' addresses are cached,
 * until the p2m changes.
 */
#include "common/guest_access.h"

#include "arch/x86/hvm/ops.h"
#include "arch/x86/mm.h"
#include "common/heap.h"
#include <public/errno.h>

#define PAE_CR3_ADDR 0xffffffe0

struct walk {
	struct domain *d;
	u64 cr3;
	unsigned int levels; /* 3 to 5; 0: paging is off */
	bool nx, write;
	u64 care, want;	     /* rights that the access is about, and what they must be */
};

/*
 * The kind of access: Keel's own data and the guest's code with the kernel's rights, or with those
 * of the guest's CPL.
 */
enum access { DATA, CODE, OPERAND };

/* Keel's pointer to the byte at gpa, for reading or writing, or NULL. p2m lock held. */
static void *gpa_ptr(struct domain *d, u64 gpa, bool write)
{
	enum p2m_type t;
	mfn_t mfn = p2m_get(d, gpa >> PAGE_SHIFT, &t, NULL);

	if (!(write ? p2m_is_writable(t) : p2m_is_readable(t)))
		return NULL;
	if (write)
		p2m_log_write(&d->p2m, gpa >> PAGE_SHIFT);
	return (u8 *)mfn_to_virt(mfn) + (gpa & ~PAGE_MASK);
}

/*
 * How the vCPU's mode affects the access (SDM vol. 3, 4.6.1). false: a mode in which no hypercalls
 * are made.
 */
static inline bool walk_init(struct walk *w, struct vcpu *v, bool write, enum access as)
{
	struct hvm_paging p;

	hvm_ops->get_paging(x86_vcpu(v), &p);
	*w = (struct walk){ .d = v->domain, .write = write };
	if (!(p.cr0 & X86_CR0_PG))
		return true;
	if (unlikely(!(p.efer & EFER_LMA))) {
		w->cr3 = p.cr3 & PAE_CR3_ADDR;
		w->levels = 3;
		if (!(p.cr4 & X86_CR4_PAE))
			return false;
	} else {
		w->cr3 = p.cr3 & PTE_ADDR;
		w->levels = p.cr4 & X86_CR4_LA57 ? 5 : 4;
	}
	w->nx = p.efer & EFER_NX;
	if (unlikely(as == OPERAND && hvm_cpl(x86_vcpu(v)) == 3))
		w->care = w->want = PTE_US | (write ? PTE_RW : 0);
	else if (write && p.cr0 & X86_CR0_WP)
		w->care = w->want = PTE_RW;
	if (as != CODE && p.cr4 & X86_CR4_SMAP && !(p.rflags & X86_EFLAGS_AC))
		w->care |= PTE_US;
	return true;
}

/* Accessed and dirty as the CPU would set them. */
static void set_used(u64 *pte, u64 e, u64 bits)
{
	if ((e & bits) != bits)
		__atomic_fetch_or(pte, bits, __ATOMIC_RELAXED);
}

/*
 * gva -> gpa by the tables; records the entries along the path in slot. p2m lock held. -EFAULT: not
 * present or not allowed.
 */
static int walk(const struct walk *w, u64 gva, u64 *gpa, struct walk_slot *slot)
{
	u64 table = w->cr3, rights = PTE_RW | PTE_US;
	unsigned int top = w->levels * 9 + 11;

	slot->levels = slot->nr = 0;
	if (w->levels <= 3)
		gva = (u32)gva;
	if (!w->levels) {
		*gpa = gva;
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
		slot->pte[slot->nr] = pte;
		slot->entry[slot->nr++] = e;
		if (w->levels == 3 && level == 3) { /* has no rights, and no accessed bit */
			table = e & PTE_ADDR;
			continue;
		}
		rights &= e;
		if (level == 1 || (level <= 3 && e & PTE_PS)) {
			u64 mask = BIT(shift) - 1;

			if ((rights ^ w->want) & w->care)
				return -EFAULT;
			set_used(pte, e, w->write ? PTE_A | PTE_D : PTE_A);
			*gpa = (e & PTE_ADDR & ~mask) | (gva & mask);
			return 0;
		}
		set_used(pte, e, PTE_A);
		table = e & PTE_ADDR;
	}
}

/* The page, by the cached walk, if every entry is unchanged and allows the access; else NULL. */
static void *walk_again(const struct walk *w, const struct walk_slot *s, u64 vpn)
{
	u64 rights = PTE_RW | PTE_US | PTE_A, e = 0;

	if (s->vpn != vpn || s->levels != w->levels || s->cr3 != w->cr3 || s->nx != w->nx ||
	    s->generation != READ_ONCE(w->d->p2m.generation))
		return NULL;
	for (unsigned int i = 0; i < s->nr; i++) {
		e = READ_ONCE(*s->pte[i]);
		if ((e ^ s->entry[i]) & ~(PTE_A | PTE_D))
			return NULL;
		rights &= e;
	}
	if ((rights ^ (w->want | PTE_A)) & (w->care | PTE_A))
		return NULL;
	if (w->write && (!s->writable || !(e & PTE_D)))
		return NULL;
	return s->page;
}

/* The byte at gva, or NULL: -EFAULT. p2m lock held. */
static void *gva_ptr(const struct walk *w, struct vcpu *v, u64 gva)
{
	u64 vpn = gva >> PAGE_SHIFT, gpa, offset = gva & ~PAGE_MASK;
	struct walk_slot *slot = &x86_vcpu(v)->walks[vpn % WALK_SLOTS];
	enum p2m_type t;
	u8 *page = w->levels ? walk_again(w, slot, vpn) : NULL;
	mfn_t mfn;

	if (likely(page))
		return page + offset;
	if (walk(w, gva, &gpa, slot))
		return NULL;
	mfn = p2m_get(w->d, gpa >> PAGE_SHIFT, &t, NULL);
	if (!(w->write ? p2m_is_writable(t) : p2m_is_readable(t)))
		return NULL;
	if (w->write)
		p2m_log_write(&w->d->p2m, gpa >> PAGE_SHIFT);
	page = mfn_to_virt(mfn);
	slot->vpn = vpn;
	slot->cr3 = w->cr3;
	slot->generation = READ_ONCE(w->d->p2m.generation);
	slot->nx = w->nx;
	/* In log-dirty mode, a write after a read comes here again, to be logged. */
	slot->writable = w->write || (p2m_is_writable(t) && !w->d->p2m.log_dirty);
	slot->page = page;
	slot->levels = (u8)w->levels;
	return page + offset;
}

/* One copy, page by page. from: into Keel; else to the guest, zeros if buf is NULL. */
static int copy_guest(void *buf, u64 gva, size_t len, bool from, enum access as)
{
	struct vcpu *v = current;
	struct walk w;
	int rc = 0;

	if (!walk_init(&w, v, !from, as) || gva + len < gva)
		return -EFAULT;
	p2m_read_lock(&v->domain->p2m);
	while (len) {
		size_t n = min(len, (size_t)(PAGE_SIZE - (gva & ~PAGE_MASK)));
		void *p = gva_ptr(&w, v, gva);

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
	return copy_guest(dst, gva, len, true, DATA);
}

int copy_insn_from_guest(void *dst, u64 ip, size_t len)
{
	return copy_guest(dst, ip, len, true, CODE);
}

int copy_to_guest(u64 gva, const void *src, size_t len)
{
	return copy_guest((void *)src, gva, len, false, DATA);
}

int clear_guest(u64 gva, size_t len)
{
	return copy_guest(NULL, gva, len, false, DATA);
}

int copy_operand(void *buf, u64 gva, size_t len, bool from)
{
	return copy_guest(buf, gva, len, from, OPERAND);
}

static int translate(u64 gva, bool write, enum access as, u64 *gpa)
{
	struct vcpu *v = current;
	struct walk_slot way;
	struct walk w;
	int rc;

	if (!walk_init(&w, v, write, as))
		return -EFAULT;
	p2m_read_lock(&v->domain->p2m);
	rc = walk(&w, gva, gpa, &way);
	p2m_read_unlock(&v->domain->p2m);
	return rc;
}

int gva_to_gpa(u64 gva, bool write, u64 *gpa)
{
	return translate(gva, write, DATA, gpa);
}

bool operand_is_mapped(u64 gva, bool write)
{
	u64 gpa;

	return !translate(gva, write, OPERAND, &gpa);
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

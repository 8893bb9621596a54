/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest memory, and a p2m that is a plain table of 4 KiB entries per domain. It treats references
 * as the real one does: an entry's reference is dropped after the flush, at p2m_write_unlock().
 */
#include <stdlib.h>
#include <string.h>

#include <public/errno.h>

#include "common/compat.h"
#include "common/guest_access.h"
#include "common/hypercall.h"

#include "fake_internal.h"

#define FAKE_GFNS 16384
#define HIGH_GFN 0xdc000	/* and some more below 4 GiB, for PCI functions */
#define HIGH_GFNS 8192
#define GUEST_FIRST_VALID KiB(64)

struct entry {
	mfn_t mfn;
	enum p2m_type type;
};

void (*fake_on_guest_access)(u64 gva, size_t len, bool write);
__typeof__(fake_continuation) fake_continuation;
FAKE gfn_t p2m_gfn_limit = FAKE_GFNS;
static unsigned int fault_countdown, preempt_countdown;

/* All tables of the fake p2m, to be freed by fake_reset(). */
static struct table {
	struct table *next;
	struct entry entry[FAKE_GFNS + HIGH_GFNS];
} *tables;

void fake_reset_guest(void)
{
	fake_on_guest_access = NULL;
	memset(&fake_continuation, 0, sizeof(fake_continuation));
	fault_countdown = preempt_countdown = 0;
	while (tables) {
		struct table *t = tables;

		tables = t->next;
		free(t);
	}
}

void fake_guest_fault_nth(unsigned int nth)
{
	fault_countdown = nth;
}

static int access(u64 gva, size_t len, bool write)
{
	if (fake_on_guest_access)
		fake_on_guest_access(gva, len, write);
	if (fault_countdown && --fault_countdown == 0)
		return -EFAULT;
	return gva < GUEST_FIRST_VALID || gva + len < gva ? -EFAULT : 0;
}

FAKE int copy_from_guest(void *dst, u64 gva, size_t len)
{
	int rc = access(gva, len, false);

	if (!rc)
		memcpy(dst, (void *)gva, len);
	return rc;
}

FAKE int copy_to_guest(u64 gva, const void *src, size_t len)
{
	int rc = access(gva, len, true);

	if (!rc)
		memcpy((void *)gva, src, len);
	return rc;
}

FAKE int clear_guest(u64 gva, size_t len)
{
	int rc = access(gva, len, true);

	if (!rc)
		memset((void *)gva, 0, len);
	return rc;
}

FAKE int gva_to_gpa(u64 gva, bool write, u64 *gpa)
{
	*gpa = gva;
	return 0;
}

static int copy_gpa(struct domain *d, u64 gpa, void *buf, size_t len, bool write)
{
	while (len) {
		size_t n = min_t(size_t, len, PAGE_SIZE - (gpa & ~PAGE_MASK));
		enum p2m_type type;
		mfn_t mfn = p2m_get(d, PFN_DOWN(gpa), &type, NULL);
		u8 *page;

		if (!(write ? p2m_is_writable(type) : p2m_is_readable(type)))
			return -EFAULT;
		page = (u8 *)mfn_to_virt(mfn) + (gpa & ~PAGE_MASK);
		if (write)
			memcpy(page, buf, n);
		else
			memcpy(buf, page, n);
		gpa += n;
		buf = (u8 *)buf + n;
		len -= n;
	}
	return 0;
}

FAKE int copy_from_gpa(struct domain *d, void *dst, u64 gpa, size_t len)
{
	return copy_gpa(d, gpa, dst, len, false);
}

FAKE int copy_to_gpa(struct domain *d, u64 gpa, const void *src, size_t len)
{
	return copy_gpa(d, gpa, (void *)src, len, true);
}

/* The fake p2m. */
static struct entry *entries(struct domain *d)
{
	return (struct entry *)d->p2m.arch.root;
}

FAKE int p2m_init(struct domain *d)
{
	struct table *t;

	rwlock_init(&d->p2m.lock, RANK_P2M);
	if (fake_alloc_fails())
		return -ENOMEM;
	t = calloc(1, sizeof(*t));
	t->next = tables;
	tables = t;
	d->p2m.arch.root = (u64 *)t->entry;
	return 0;
}

FAKE void p2m_write_lock(struct p2m *p)
{
	write_lock(&p->lock);
}

FAKE void p2m_flush(struct domain *d)
{
	fake_events.p2m_flushes++;
}

static void drop_collected(struct domain *d)
{
	struct p2m *p = &d->p2m;

	if (p->need_flush)
		p2m_flush(d);
	p->need_flush = false;
	for (unsigned int i = 0; i < p->nr_put; i++)
		put_page(mfn_to_page(p->put[i]));
	p->nr_put = 0;
}

FAKE void p2m_write_unlock(struct domain *d)
{
	drop_collected(d);
	write_unlock(&d->p2m.lock);
}

FAKE void p2m_write_relax(struct domain *d)
{
	write_unlock(&d->p2m.lock);
	irq_window();
	write_lock(&d->p2m.lock);
}

/* NULL: the fake table has no room for gfn. */
static struct entry *entry_of(struct domain *d, gfn_t gfn)
{
	return gfn < FAKE_GFNS ? &entries(d)[gfn] :
	       gfn - HIGH_GFN < HIGH_GFNS ? &entries(d)[FAKE_GFNS + gfn - HIGH_GFN] : NULL;
}

static void replace(struct domain *d, gfn_t gfn, mfn_t mfn, enum p2m_type t)
{
	struct entry *e = entry_of(d, gfn);

	if (e->type != P2M_HOLE)
		d->p2m.need_flush = true;
	if (p2m_has_ref(e->type)) {
		if (d->p2m.nr_put == P2M_BATCH)
			drop_collected(d);
		d->p2m.put[d->p2m.nr_put++] = e->mfn;
	}
	*e = (struct entry){ t == P2M_HOLE ? INVALID_MFN : mfn, t };
	d->p2m.generation++;
	if (t != P2M_HOLE && gfn > d->p2m.max_gfn)
		d->p2m.max_gfn = gfn;
}

FAKE int p2m_set(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned int order, enum p2m_type t)
{
	if (!(d->p2m.lock.cnt & RWLOCK_WRITER))
		fake_fail("p2m_set() without the write lock");
	if (!entry_of(d, gfn) || !entry_of(d, gfn + (1ull << order) - 1))
		return -EINVAL;
	if (t != P2M_HOLE && fake_alloc_fails())
		return -ENOMEM;
	for (u64 i = 0; i < 1ull << order; i++)
		replace(d, gfn + i, mfn + i, t);
	return 0;
}

FAKE unsigned int p2m_max_order(const struct domain *d)
{
	return 18;
}

FAKE u64 p2m_max_tables(const struct domain *d)
{
	return d->paging_mempool >> PAGE_SHIFT ?: 1024;
}

FAKE int p2m_split(struct domain *d, gfn_t gfn)
{
	return 0;
}

/* There is no log-dirty mode. */
FAKE void p2m_log_written(struct p2m *p, gfn_t gfn)
{
}

FAKE void p2m_log_fault(struct domain *d, gfn_t gfn)
{
}

FAKE int p2m_log_start(struct domain *d)
{
	return -EINVAL;
}

FAKE void p2m_log_stop(struct domain *d)
{
}

FAKE unsigned int p2m_log_read(struct domain *d, gfn_t gfn, unsigned int n, u64 *bits)
{
	return 0;
}

FAKE void p2m_log_protect(struct domain *d, gfn_t gfn, const u64 *bits)
{
}

FAKE mfn_t p2m_get(struct domain *d, gfn_t gfn, enum p2m_type *t, unsigned int *order)
{
	struct entry e = { INVALID_MFN, P2M_HOLE }, *there = entry_of(d, gfn);

	if (there && there->type != P2M_HOLE)
		e = *there;
	if (t)
		*t = e.type;
	if (order)
		*order = 0;
	return e.mfn;
}

FAKE struct page_info *p2m_get_page(struct domain *d, gfn_t gfn, bool shared)
{
	struct page_info *pg = NULL;
	enum p2m_type t;
	mfn_t mfn;

	p2m_read_lock(&d->p2m);
	mfn = p2m_get(d, gfn, &t, NULL);
	if ((t == P2M_RAM || (shared && t == P2M_SHARED)) && get_page(mfn_to_page(mfn), OWNER_NONE))
		pg = mfn_to_page(mfn);
	p2m_read_unlock(&d->p2m);
	return pg;
}

FAKE int p2m_teardown_step(struct domain *d)
{
	p2m_write_lock(&d->p2m);
	for (gfn_t gfn = 0; gfn < HIGH_GFN + HIGH_GFNS; gfn = gfn + 1 == FAKE_GFNS ? HIGH_GFN : gfn + 1)
		if (entry_of(d, gfn)->type != P2M_HOLE)
			replace(d, gfn, INVALID_MFN, P2M_HOLE);
	p2m_write_unlock(d);
	return 0;
}

FAKE void p2m_free(struct domain *d)
{
	d->p2m.arch.root = NULL; /* fake_reset() frees it */
}

mfn_t fake_populate(struct domain *d, gfn_t gfn)
{
	struct page_info *pg = alloc_domain_pages(d, 0);

	if (!pg)
		fake_fail("fake_populate: no page for d%u", d->id);
	p2m_write_lock(&d->p2m);
	if (p2m_set(d, gfn, page_to_mfn(pg), 0, P2M_RAM))
		fake_fail("fake_populate: p2m_set(%#lx)", gfn);
	p2m_write_unlock(d);
	return page_to_mfn(pg);
}

/* Continuations. */
void fake_preempt_nth(unsigned int nth)
{
	preempt_countdown = nth;
}

FAKE bool hypercall_preempt_check(void)
{
	return preempt_countdown && --preempt_countdown == 0;
}

FAKE long hypercall_continue(unsigned long nr, unsigned long a1, unsigned long a2, unsigned long a3,
			     unsigned long a4)
{
	fake_continuation.continued = true;
	fake_continuation.nr = nr;
	fake_continuation.args[0] = a1;
	fake_continuation.args[1] = a2;
	fake_continuation.args[2] = a3;
	fake_continuation.args[3] = a4;
	return -ERESTART;
}

FAKE bool arch_runs_32bit(void)
{
	return false;
}

FAKE int compat_latch(void)
{
	return 0;
}

FAKE void arch_hypercall_rewrite(unsigned long nr, const unsigned long args[5])
{
	fake_continuation.continued = true;
	fake_continuation.nr = nr;
	memcpy(fake_continuation.args, args, sizeof(fake_continuation.args));
}

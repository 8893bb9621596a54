/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Log-dirty mode: which pages have been written since the last look, by the domain, by Keel on its
 * behalf, or through grant mappings.
 *
 * The nested table itself is the log: a page of RAM is dirty while its entry allows writes. So the
 * log takes no memory, new pages are dirty automatically, and removed ones are not. A write to a
 * clean page faults, and makes the page dirty; a write to a clean superpage splits it. Without
 * memory for the split, the whole superpage becomes dirty, or stays dirty when it should become
 * clean: the log reports too much, never too little.
 */
#include <public/errno.h>

#include "arch/x86/p2m_format.h"
#include "common/domain.h"
#include "common/heap.h"

static bool is_dirty(u64 e) { return p2m_entry_type(e) == P2M_RAM && e & P2M_WRITE; }

static void protect(u64 *slot)
{
	if (is_dirty(*slot))
		WRITE_ONCE(*slot, *slot & ~P2M_WRITE);
}

void p2m_log_written(struct p2m *p, gfn_t gfn)
{
	unsigned int order;
	u64 *slot = p2m_entry_at(p, gfn, &order);

	/* Other readers may do the same at the same time. */
	if (p2m_entry_type(*slot) == P2M_RAM && !is_dirty(*slot))
		__atomic_fetch_or(slot, P2M_WRITE, __ATOMIC_RELAXED);
}

void p2m_log_fault(struct domain *d, gfn_t gfn)
{
	struct p2m *p = &d->p2m;

	p2m_write_lock(p);
	if (p->log_dirty) {
		__atomic_fetch_add(&p->log_faults, 1, __ATOMIC_RELAXED);
		p2m_split(d, gfn);
	}
	p2m_log_written(p, gfn);
	p2m_write_unlock(d);
}

/* Without memory for the split the whole page may be executed: nobody ends for want of memory. */
void p2m_exec_fault(struct domain *d, gfn_t gfn)
{
	unsigned int order;
	u64 *slot;

	if (!p2m_large_noexec)
		return;
	p2m_write_lock(&d->p2m);
	if (p2m_split(d, gfn)) {
		slot = p2m_entry_at(&d->p2m, gfn, &order);
		*slot |= p2m_format->leaf[p2m_entry_type(*slot)] & p2m_format->exec;
	}
	p2m_write_unlock(d);
}

int p2m_log_start(struct domain *d)
{
	struct p2m *p = &d->p2m;
	int rc = 0;

	p2m_write_lock(p);
	if (p->log_dirty)
		rc = -EINVAL;
	else if (READ_ONCE(d->state) != DOMAIN_ALIVE)
		rc = -ESRCH;
	if (!rc) {
		p->log_dirty = true;
		p->log_faults = 0;
	}
	p2m_write_unlock(d);
	return rc;
}

void p2m_log_stop(struct domain *d)
{
	p2m_write_lock(&d->p2m);
	d->p2m.log_dirty = false;
	p2m_write_unlock(d);
}

unsigned int p2m_log_read(struct domain *d, gfn_t gfn, unsigned int n, u64 *bits)
{
	unsigned int order, dirty = 0;
	const u64 *slot;

	p2m_read_lock(&d->p2m);
	slot = p2m_entry_at(&d->p2m, gfn, &order);
	for (unsigned int i = 0; i < n && (!order || is_dirty(*slot)); i++)
		if (is_dirty(READ_ONCE(slot[!order ? i : 0]))) {
			bits[i / 64] |= BIT(i % 64);
			dirty++;
		}
	p2m_read_unlock(&d->p2m);
	return dirty;
}

void p2m_log_protect(struct domain *d, gfn_t gfn, const u64 *bits)
{
	struct p2m *p = &d->p2m;
	unsigned int order;
	u64 *slot;

	p2m_write_lock(p);
	slot = p2m_entry_at(p, gfn, &order);
	if (order && bits && is_dirty(*slot) && p2m_split(d, gfn) == 0)
		slot = p2m_entry_at(p, gfn, &order);
	if (order && !bits)
		protect(slot);
	for (unsigned int i = 0; i < P2M_LOG_STEP && !order; i++)
		if (!bits || bits[i / 64] & BIT(i % 64))
			protect(&slot[i]);
	p->need_flush = true;	/* which also invalidates Keel's cached walks */
	write_unlock(&p->lock);
}

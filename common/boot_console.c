/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The console of a guest that was started at boot: a PV console ring (public/io/console.h) whose
 * other end is Keel, which prints the guest's output until Dom0 binds the event channel.
 */
#include "common/console.h"

#include "common/heap.h"
#include "common/p2m.h"
#include "common/printk.h"
#include <public/errno.h>
#include <public/hvm/params.h>
#include <public/io/console.h>

#define DRAIN_CHUNK 128

/*
 * The guest may write the ring while Keel reads it: read each index once, and bound it by the
 * ring's size.
 */
static void drain(struct domain *d, evtchn_port_t port)
{
	struct xencons_interface *ring = d->boot_console;
	u32 cons = READ_ONCE(ring->out_cons);
	u32 prod = __atomic_load_n(&ring->out_prod, __ATOMIC_ACQUIRE);

	if (prod - cons > sizeof(ring->out)) /* nonsense: discard what is in the ring */
		cons = prod;
	while (cons != prod) {
		char buf[DRAIN_CHUNK];
		unsigned int n = 0;

		while (cons != prod && n < sizeof(buf))
			buf[n++] = ring->out[MASK_XENCONS_IDX(cons++, ring->out)];
		console_guest_write(d, buf, n);
	}
	__atomic_store_n(&ring->out_cons, cons, __ATOMIC_RELEASE);
	evtchn_raise(d, port);
}

int boot_console_init(struct domain *d, evtchn_port_t port)
{
	struct page_info *pg = alloc_domain_pages(d, 0);
	int rc;

	if (!pg)
		return -ENOMEM;
	memset(page_to_virt(pg), 0, PAGE_SIZE);
	p2m_write_lock(&d->p2m);
	rc = p2m_set(d, PVH_CONSOLE_GFN, page_to_mfn(pg), 0, P2M_RAM);
	p2m_write_unlock(d);
	if (rc) {
		put_page(pg);
		return rc;
	}
	if (!get_page(pg, d->id))
		BUG();
	d->boot_console = page_to_virt(pg);
	d->hvm_params[HVM_PARAM_CONSOLE_PFN] = PVH_CONSOLE_GFN;
	d->hvm_params[HVM_PARAM_CONSOLE_EVTCHN] = port;
	return evtchn_attach(d, port, 0, drain);
}

void boot_console_end(struct domain *d)
{
	struct xencons_interface *ring = d->boot_console;

	console_guest_end(d);
	if (!ring)
		return;
	d->boot_console = NULL;
	put_page(virt_to_page(ring));
}

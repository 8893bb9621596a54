/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SOURCES: arch/x86/p2m.c arch/x86/p2m_log.c common/domctl.c common/domctl_misc.c common/grant.c
 * common/grant_map.c
 */
/* SOURCES: common/grant_copy.c common/spinlock.c */
/*
 * Log-dirty mode on the real tables, from the hypercall down. A simulated CPU runs the guest: it
 * walks the tables, caches translations until they are flushed, and faults where an entry allows no
 * write. migrate() does what a toolstack does: it copies each page that is reported dirty. In the
 * end the copy must equal the guest.
 */
#include "test/unit/unit.h"

#include <stdlib.h>

#include <public/errno.h>

#include "arch/x86/iommu/iommu.h"
#include "common/domctl.h"
#include "common/grant_internal.h"
#include "common/hypercall.h"
#include "common/pci.h"
#include "test/unit/formats.h"

#define SMALL 64			/* pages of 4 KiB, from gfn 0 on */
#define SUPER 0x400			/* two pages of 2 MiB */
#define PAGES 0x800			/* what the toolstack asks for */
#define GIGA 0x40000			/* a page of 1 GiB; nothing accesses it */
#define REFS 16				/* grants of the first pages to Dom0 */

static const struct p2m_format format = NESTED_FORMAT;
struct iommu_caps iommu_caps;
const struct iommu_ops *iommu_ops;
void iommu_flush(const struct domain *d) { }

static bool has_functions;
bool arch_pci_has_functions(const struct domain *d) { return has_functions; }
int arch_pci_log_start(struct domain *d) { return has_functions ? -EOPNOTSUPP : p2m_log_start(d); }

/* Tables of domctl.c that this test leaves empty. */
const struct op domctl_vcpu[NR_DOMCTLS], domctl_pci[NR_DOMCTLS];
int domain_create(const struct domain_config *cfg, struct domain **out) { return -ENOMEM; }
int domain_destroy(struct domain *d) { return 0; }
void domain_resume(struct domain *d) { }
int domain_controller_pause(struct domain *d) { return 0; }
int domain_controller_unpause(struct domain *d) { return 0; }
u64 vcpu_cputime(struct vcpu *v) { return 0; }
unsigned int arch_gpaddr_bits(void) { return 48; }
bool arch_pci_assignable(void) { return false; }
long arch_get_hvmcontext(struct domain *d, u64 buffer, u32 *size) { return 0; }
long arch_set_hvmcontext(struct domain *d, u64 buffer, u32 size) { return 0; }
long arch_get_cpu_policy(struct domain *d, struct xen_domctl_cpu_policy *op) { return 0; }
long arch_set_cpu_policy(struct domain *d, struct xen_domctl_cpu_policy *op) { return 0; }
u64 arch_tsc_khz(void) { return 1000000; }
void domain_wallclock_update(struct domain *d) { }

static struct domain *dom0, *guest;
static u64 copy[PAGES];			/* the first word of each page, as the toolstack saw it */
static u64 bitmap[PAGES / 64 + 1];
static struct { mfn_t mfn; bool valid, writable; } tlb[PAGES];
static struct page_info *pinned[REFS];
static unsigned long faults, stale;

static unsigned int any(unsigned int n)
{
	return (unsigned int)rand() % n;
}

static gfn_t any_gfn(void)
{
	return any(2) ? any(SMALL) : SUPER + any(31) * 33;
}

/* --- The guest's simulated CPU --- */

static u64 walk(gfn_t gfn)
{
	u64 *table = guest->p2m.arch.root;

	for (unsigned int level = 4;; level--) {
		u64 e = table[gfn >> 9 * (level - 1) & 511];

		if (!(e & 1))
			return 0;
		if (level == 1 || e & format.superpage)
			return (e & ~format.superpage) + ((gfn & (BIT(9 * (level - 1)) - 1)) << PAGE_SHIFT);
		table = mfn_to_virt((e & 0xffffffffff000ull) >> PAGE_SHIFT);
	}
}

static void guest_writes(gfn_t gfn)
{
	for (unsigned int tries = 0; !tlb[gfn].valid || !tlb[gfn].writable; tries++) {
		u64 e = walk(gfn);

		if (!e || fake_locks_held())
			return;
		assert_in_range(tries, 0, 2);
		if (!(e & 2)) {
			p2m_log_fault(guest, gfn);
			faults++;
			continue;
		}
		tlb[gfn].valid = tlb[gfn].writable = true;
		tlb[gfn].mfn = (e & 0xffffffffff000ull) >> PAGE_SHIFT;
	}
	++*(u64 *)mfn_to_virt(tlb[gfn].mfn);
	stale += !(walk(gfn) & 2);
}

static bool asleep;

static void guest_runs(void)
{
	for (unsigned int i = 0; i < 8 && !asleep; i++)
		guest_writes(any_gfn());
}

static void other_cpus(u64 gva, size_t len, bool write)
{
	guest_runs();
}

void pcpu_wait_exit(const cpumask_t *mask)
{
	guest_runs();
	if (cpumask_test(mask, 1))
		memset(tlb, 0, sizeof(tlb));
}

/* --- Who else writes --- */

static void keel_writes(gfn_t gfn)
{
	enum p2m_type t;
	mfn_t mfn;

	p2m_read_lock(&guest->p2m);
	mfn = p2m_get(guest, gfn, &t, NULL);
	if (p2m_is_ram(t)) {
		p2m_log_write(&guest->p2m, gfn);
		++*(u64 *)mfn_to_virt(mfn);
	}
	p2m_read_unlock(&guest->p2m);
}

static void unpin(grant_ref_t ref)
{
	if (pinned[ref])
		grant_unpin(guest, ref, false);
	pinned[ref] = NULL;
}

static void backend_writes(grant_ref_t ref)
{
	if (!pinned[ref] && grant_pin(guest, ref, 0, false, &pinned[ref]) != GNTST_okay)
		pinned[ref] = NULL;
	else
		++*(u64 *)page_to_virt(pinned[ref]);
}

static void set(gfn_t gfn, unsigned int order)
{
	struct page_info *pg = alloc_domain_pages(guest, order);

	assert_non_null(pg);
	p2m_write_lock(&guest->p2m);
	assert_int_equal(p2m_set(guest, gfn, page_to_mfn(pg), order, P2M_RAM), 0);
	p2m_write_unlock(guest);
}

static void unset(gfn_t gfn)
{
	p2m_write_lock(&guest->p2m);
	assert_int_equal(p2m_set(guest, gfn, INVALID_MFN, 0, P2M_HOLE), 0);
	p2m_write_unlock(guest);
}

/* --- The toolstack --- */

static struct xen_domctl op;

static void make(u32 what, u64 pages)
{
	op = (struct xen_domctl){ .cmd = XEN_DOMCTL_shadow_op,
				  .interface_version = XEN_DOMCTL_INTERFACE_VERSION_V15, .domain = 1,
				  .u.shadow_op = { .op = what, .dirty_bitmap = (u64)bitmap, .pages = pages } };
}

static long call_once(void)
{
	fake_continuation.continued = false;
	return do_domctl((u64)&op, 0, 0, 0, 0);
}

static unsigned int continuations;

static long call(u32 what, u64 pages)
{
	long rc;

	make(what, pages);
	continuations = 0;
	for (;;) {
		rc = call_once();
		if (!fake_continuation.continued)
			break;
		assert_int_equal(fake_continuation.args[0], (u64)&op);
		assert_true(++continuations < 10000);
		fake_preempt_nth(any(3) + 1);
	}
	assert_int_equal(op.u.shadow_op.mode, 0);
	return rc;
}

static bool bit(gfn_t gfn)
{
	return bitmap[gfn / 64] >> gfn % 64 & 1;
}

/* The number of pages that the call reports dirty. The bitmap and the counts must agree. */
static unsigned int dirty(u32 what)
{
	unsigned int n = 0;

	memset(bitmap, 0xff, sizeof(bitmap));
	assert_int_equal(call(what, PAGES), 0);
	assert_int_equal(op.u.shadow_op.pages, PAGES);
	assert_true(bitmap[PAGES / 64] == ~0ull);
	for (gfn_t gfn = 0; gfn < PAGES; gfn++)
		n += bit(gfn);
	assert_int_equal(op.u.shadow_op.stats.dirty_count, n);
	return n;
}

static unsigned int clean(void)
{
	return dirty(XEN_DOMCTL_SHADOW_OP_CLEAN);
}

static unsigned int peek(void)
{
	return dirty(XEN_DOMCTL_SHADOW_OP_PEEK);
}

static void send_dirty(void)
{
	enum p2m_type t;
	mfn_t mfn;

	for (gfn_t gfn = 0; gfn < PAGES; gfn++)
		if (bit(gfn)) {
			mfn = p2m_get(guest, gfn, &t, NULL);
			if (p2m_is_ram(t))
				copy[gfn] = *(u64 *)mfn_to_virt(mfn);
			guest_runs();
		}
}

static int setup(void **state)
{
	fake_reset();
	srand(1);
	p2m_format = &format;
	memset(tlb, 0, sizeof(tlb));
	memset(pinned, 0, sizeof(pinned));
	has_functions = false;
	asleep = true;
	faults = 0;
	dom0 = fake_domain(0, 1);
	guest = fake_domain(1, 2);
	assert_int_equal(grant_init(guest, 1, 1), 0);
	guest->max_pages = ~0u;
	for (gfn_t gfn = 0; gfn < SMALL; gfn++)
		set(gfn, 0);
	set(SUPER, 9);
	set(SUPER + 512, 9);
	for (grant_ref_t ref = 0; ref < REFS; ref++)
		assert_int_equal(grant_seed(guest, ref, 0, ref, false), 0);
	cpumask_set(&guest->p2m.dirty, 1);
	fake_run_on(0, dom0->vcpu[0]);
	return 0;
}

static int setup_on(void **state)
{
	setup(state);
	assert_int_equal(call(XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, 0), 0);
	return 0;
}

static void each_write_is_one_page(void **state)
{
	static const gfn_t gfns[] = { 3, SUPER + 7, SUPER + 8, SUPER + 1023 };
	u64 tables = guest->p2m.nr_tables;

	assert_int_equal(clean(), 0);
	assert_int_equal(guest->p2m.nr_tables, tables);
	for (unsigned int i = 0; i < ARRAY_LEN(gfns); i++) {
		guest_writes(gfns[i]);
		guest_writes(gfns[i]);
	}
	assert_int_equal(faults, 4);
	for (unsigned int round = 0; round < 2; round++) {
		assert_int_equal(peek(), 4);
		assert_int_equal(op.u.shadow_op.stats.fault_count, 4);
		for (unsigned int i = 0; i < ARRAY_LEN(gfns); i++)
			assert_true(bit(gfns[i]));
	}
	assert_int_equal(clean(), 4);
	assert_int_equal(op.u.shadow_op.stats.fault_count, 4);
	assert_int_equal(clean(), 0);
	assert_int_equal(op.u.shadow_op.stats.fault_count, 0);
	guest_writes(SUPER + 7);
	assert_int_equal(faults, 5);
	assert_int_equal(clean(), 1);
	/* Without a bitmap the call returns only the counts. */
	guest_writes(2);
	make(XEN_DOMCTL_SHADOW_OP_CLEAN, PAGES);
	op.u.shadow_op.dirty_bitmap = 0;
	assert_int_equal(call_once(), 0);
	assert_int_equal(op.u.shadow_op.stats.dirty_count, 1);
	assert_int_equal(peek(), 0);
}

static void who_else_writes(void **state)
{
	struct page_info *pg;

	keel_writes(4);
	assert_int_equal(clean(), 1);
	assert_true(bit(4));
	assert_int_equal(grant_pin(guest, 5, 0, true, &pg), GNTST_okay);
	grant_unpin(guest, 5, true);
	assert_int_equal(clean(), 0);
	backend_writes(5);
	unpin(5);
	assert_int_equal(clean(), 1);
	assert_true(bit(5));
	/* A page that goes is not reported; a page that comes is dirty. */
	unset(6);
	assert_int_equal(clean(), 0);
	set(6, 0);
	set(0x300, 0);
	assert_int_equal(clean(), 2);
	/* The first write of Keel's to a superpage makes all of it dirty. */
	keel_writes(SUPER + 5);
	assert_int_equal(clean(), 512);
	keel_writes(SUPER + 5);
	assert_int_equal(clean(), 1);
	/* Only RAM counts. */
	p2m_write_lock(&guest->p2m);
	assert_int_equal(p2m_set(guest, 7, 0x1000, 0, P2M_MMIO), 0);
	p2m_log_written(&guest->p2m, 7);
	p2m_log_written(&guest->p2m, 0x380);
	p2m_write_unlock(guest);
	assert_int_equal(clean(), 0);
	/* Keel writes to shared pages without logging, so each call reports them dirty. */
	guest->vcpu[1]->info_page = (void *)1;
	guest->vcpu[1]->info_gfn = 9;
	assert_int_equal(clean(), 1);
	assert_int_equal(clean(), 1);
	assert_true(bit(9));
	guest->vcpu[1]->info_page = NULL;
	guest->boot_console = (void *)1;
	guest->hvm_params[HVM_PARAM_CONSOLE_PFN] = 10;
	assert_int_equal(clean(), 1);
	assert_true(bit(10));
	guest->boot_console = NULL;
}

/* Without memory to split a superpage, too much is dirty, never too little. */
static void no_memory_for_tables(void **state)
{
	guest->paging_mempool = PAGE_SIZE;
	guest_writes(SUPER + 1);
	assert_int_equal(clean(), 512);
	assert_int_equal(clean(), 512);
	guest->paging_mempool = 0;
	assert_int_equal(clean(), 512);
	assert_int_equal(clean(), 0);
	guest_writes(SUPER + 1);
	assert_int_equal(clean(), 1);
}

static void a_gigabyte(void **state)
{
	static u64 bits[BIT(18) / 64];
	u64 n = 0;

	p2m_write_lock(&guest->p2m);
	assert_int_equal(p2m_set(guest, GIGA, GIGA, 18, P2M_RAM), 0);
	p2m_write_unlock(guest);
	make(XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, 0);
	assert_int_equal(call_once(), 0);
	assert_false(walk(GIGA) & 2);
	p2m_log_fault(guest, GIGA + 0x1234);
	assert_true(walk(GIGA + 0x1234) & 2);
	for (gfn_t gfn = 0; gfn < BIT(18); gfn += P2M_LOG_STEP)
		n += p2m_log_read(guest, GIGA + gfn, P2M_LOG_STEP, bits + gfn / 64);
	assert_int_equal(n, 1);
	assert_int_equal(bits[0x1234 / 64], BIT(0x1234 % 64));
	assert_int_equal(guest->p2m.max_gfn, GIGA + BIT(18) - 1);
	p2m_write_lock(&guest->p2m);
	p2m_split(guest, GIGA);
	p2m_write_unlock(guest);
}

static void what_is_refused(void **state)
{
	assert_int_equal(call(XEN_DOMCTL_SHADOW_OP_CLEAN, PAGES), -EINVAL);
	assert_int_equal(call(XEN_DOMCTL_SHADOW_OP_PEEK, PAGES), -EINVAL);
	has_functions = true;
	assert_int_equal(call(XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, 0), -EOPNOTSUPP);
	assert_false(guest->p2m.log_dirty);
	has_functions = false;
	guest->state = DOMAIN_DYING;
	assert_int_equal(p2m_log_start(guest), -ESRCH);
	guest->state = DOMAIN_ALIVE;
	make(XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, 0);
	op.domain = 0;
	assert_int_equal(call_once(), -EINVAL); /* not the caller itself */
	assert_int_equal(call(XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, 0), 0);
	assert_int_equal(call(XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, 0), -EINVAL);
	assert_int_equal(call(1, 0), -EOPNOTSUPP);
	assert_int_equal(call(32, 0), -EOPNOTSUPP);
	/* Off and on again, as libxc does when it finds the mode on. */
	guest_writes(1);
	assert_int_equal(call(XEN_DOMCTL_SHADOW_OP_OFF, 0), 0);
	assert_int_equal(call(XEN_DOMCTL_SHADOW_OP_CLEAN, PAGES), -EINVAL);
	guest_writes(2);
	guest_writes(SUPER);
	assert_int_equal(guest->p2m.log_faults, 1);
	assert_int_equal(call(XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, 0), 0);
	assert_int_equal(clean(), 0);
	assert_int_equal(op.u.shadow_op.stats.fault_count, 0);
	/* A domain dies while a grant of its is in use. */
	backend_writes(3);
	guest->state = DOMAIN_DYING;
	while (p2m_teardown_step(guest))
		;
	p2m_free(guest);
	unpin(3);
}

/*
 * The caller states how far enabling has come. A made-up value skips no check, and switching the
 * log off ends the operation.
 */
static void made_up_progress_of_enabling(void **state)
{
	struct xen_domctl going;

	for (unsigned int i = 0; i < 2; i++) {
		has_functions = i;
		make(XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, 0);
		op.u.shadow_op.mode = 2 << 1;
		assert_int_equal(call_once(), -EINVAL);
		assert_true(walk(SUPER) & 2);
		assert_false(guest->p2m.log_dirty);
	}
	has_functions = false;
	fake_preempt_nth(1);
	make(XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, 0);
	call_once();
	assert_true(fake_continuation.continued);
	going = op;
	assert_int_equal(call(XEN_DOMCTL_SHADOW_OP_OFF, 0), 0);
	op = going;
	assert_int_equal(call_once(), -EINVAL);
	assert_true(walk(SUPER) & 2);
	assert_false(guest->p2m.log_dirty);
}

static unsigned int windows;

/* Keel writes to page 9 by itself; it is dirty, reported or not. */
static void window_of_a_step(void)
{
	assert_true(walk(9) & 2);
	assert_int_equal(bit(9), windows++ > 0);
}

/* A step is long, so interrupts are let in between its parts. */
static void a_step_has_windows(void **state)
{
	guest->vcpu[1]->info_page = (void *)1;
	guest->vcpu[1]->info_gfn = 9;
	memset(bitmap, 0, sizeof(bitmap));
	windows = 0;
	make(XEN_DOMCTL_SHADOW_OP_CLEAN, P2M_LOG_STEP);
	fake_on_wait = window_of_a_step;
	assert_int_equal(call_once(), 0);
	fake_on_wait = NULL;
	assert_int_equal(windows, 2);
	assert_false(walk(9) & 2);
	guest->vcpu[1]->info_page = NULL;
}

static void allocation(void **state)
{
	assert_int_equal(call(XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION, 0), 0);
	assert_int_equal(op.u.shadow_op.mb, (p2m_max_tables(guest) + 255) / 256);
	make(XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION, 0);
	op.u.shadow_op.mb = 3;
	assert_int_equal(call_once(), 0);
	assert_int_equal(guest->paging_mempool, MiB(3));
	make(XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION, 0);
	assert_int_equal(call_once(), 0);
	assert_int_equal(guest->paging_mempool, guest->p2m.nr_tables << PAGE_SHIFT);
}

static void part_of_a_word(void **state)
{
	u8 *byte = (u8 *)bitmap;

	guest_writes(1);
	guest_writes(11);
	guest_writes(14);
	memset(bitmap, 0xff, sizeof(bitmap));
	assert_int_equal(call(XEN_DOMCTL_SHADOW_OP_CLEAN, 12), 0);
	assert_int_equal(op.u.shadow_op.stats.dirty_count, 2);
	assert_int_equal(byte[0], 2);
	assert_int_equal(byte[1], 8);
	assert_int_equal(byte[2], 0xff);
	assert_int_equal(clean(), 1);	/* what was not asked for is dirty still */
	assert_true(bit(14));
	/* More pages than can exist. */
	make(XEN_DOMCTL_SHADOW_OP_CLEAN, ~0ull);
	op.u.shadow_op.dirty_bitmap = 0;
	op.u.shadow_op.mode = ~1u;
	assert_int_equal(call_once(), 0);
	assert_int_equal(op.u.shadow_op.pages, p2m_gfn_limit);
}

/*
 * Pages stay dirty if they cannot be reported, because the bitmap is invalid or made-up progress
 * skips them.
 */
static void what_is_not_told_stays(void **state)
{
	guest_writes(1);
	guest_writes(SUPER + 600);
	make(XEN_DOMCTL_SHADOW_OP_CLEAN, PAGES);
	op.u.shadow_op.dirty_bitmap = 0x1000;
	assert_int_equal(call_once(), -EFAULT);
	assert_int_equal(op.u.shadow_op.mode, 0);
	assert_int_equal(peek(), 2);
	make(XEN_DOMCTL_SHADOW_OP_CLEAN, PAGES);
	op.u.shadow_op.mode = 2 << 1;
	assert_int_equal(call_once(), 0);
	assert_int_equal(op.u.shadow_op.stats.dirty_count, 1);
	assert_int_equal(clean(), 1);
	assert_true(bit(1));
	/* An operation that is never finished: reported pages are clean, the others stay dirty. */
	guest_writes(1);
	guest_writes(SUPER + 600);
	fake_preempt_nth(1);
	make(XEN_DOMCTL_SHADOW_OP_CLEAN, PAGES);
	call_once();
	assert_true(fake_continuation.continued);
	assert_int_equal(op.u.shadow_op.mode >> 1, 1);
	assert_false(guest->p2m.need_flush);
	assert_int_equal(clean(), 1);
	assert_true(bit(SUPER + 600));
}

static void anything(void)
{
	gfn_t gfn = any_gfn();

	switch (any(8)) {
	case 0:
		keel_writes(any(4) ? any(SMALL) : gfn);
		break;
	case 1:
		backend_writes(any(REFS));
		break;
	case 2:
		unpin(any(REFS));
		break;
	case 3:
		unset(gfn);
		break;
	case 4:
		if (walk(gfn))
			unset(gfn);
		set(gfn, 0);
		break;
	default:
		guest_runs();
	}
}

static void migrate(unsigned int seed)
{
	enum p2m_type t;
	mfn_t mfn;

	setup(NULL);
	srand(seed);
	asleep = false;
	fake_on_guest_access = other_cpus;
	fake_on_wait = guest_runs;
	fake_preempt_nth(any(4) + 1);
	assert_int_equal(call(XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, 0), 0);
	memset(bitmap, 0xff, sizeof(bitmap));
	for (unsigned int round = 0; round < 5; round++) {
		send_dirty();
		for (unsigned int i = 0; i < 60; i++)
			anything();
		guest->paging_mempool = any(3) ? 0 : PAGE_SIZE;
		fake_preempt_nth(any(6));
		clean();
	}
	send_dirty();
	/* The guest is suspended. */
	asleep = true;
	for (grant_ref_t ref = 0; ref < REFS; ref++)
		unpin(ref);
	clean();
	send_dirty();
	for (gfn_t gfn = 0; gfn < PAGES; gfn++) {
		mfn = p2m_get(guest, gfn, &t, NULL);
		if (p2m_is_ram(t) && *(u64 *)mfn_to_virt(mfn) != copy[gfn])
			fail_msg("seed %u: page %#lx is %#lx, was sent as %#lx", seed, gfn, *(u64 *)mfn_to_virt(mfn),
				 copy[gfn]);
	}
}

static void the_copy_is_the_guest(void **state)
{
	for (unsigned int seed = 1; seed <= 40; seed++)
		migrate(seed);
	/* The guest was active: it also wrote between a change of the tables and the flush. */
	assert_true(stale > 100);
	assert_true(faults > 100);
}

#define ON(fn) cmocka_unit_test_setup_teardown(fn, setup_on, unit_teardown)
#define OFF(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

static const struct CMUnitTest tests[] = {
	ON(each_write_is_one_page),
	ON(who_else_writes),
	ON(no_memory_for_tables),
	OFF(a_gigabyte),
	OFF(what_is_refused),
	OFF(made_up_progress_of_enabling),
	ON(a_step_has_windows),
	OFF(allocation),
	ON(part_of_a_word),
	ON(what_is_not_told_stays),
	OFF(the_copy_is_the_guest),
};

UNIT_MAIN(tests)

/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: arch/x86/hvm/guest_access.c arch/x86/p2m.c arch/x86/p2m_log.c common/spinlock.c */
/*
 * Copies through the guest's own page tables, compared with a plain walk that the test does.
 * Between copies the guest changes its tables, and Keel the p2m: a cached walk must not be used
 * then.
 */
#include "test/unit/unit.h"
#include "test/unit/x86.h"

#include "arch/x86/mm.h"
#include "arch/x86/p2m_format.h"
#include "common/guest_access.h"

#define TABLES 0x100	/* gfns of tables: 0x100.., the first two are roots */
#define DATA 0x180	/* gfns of data */
#define NR_TABLES 16
#define NR_DATA 12
#define LINEAR 0xffff888000000000ull

static const struct p2m_format format = {
	.leaf = { [P2M_RAM] = 3, [P2M_SHARED] = 3, [P2M_GRANT_RW] = 3, [P2M_GRANT_RO] = 1,
		  [P2M_FOREIGN] = 3, [P2M_MMIO] = 3, [P2M_MMIO_RAMLIKE] = 1 },
	.table = 7, .superpage = 0x80, .superpage_mask = 0x80, .max_order = 18, .types = true,
};

static struct hvm_paging paging;

static void get_paging(struct x86_vcpu *v, struct hvm_paging *p)
{
	*p = paging;
}

static u64 cpl;

static u64 get_cpl(struct x86_vcpu *v, unsigned int reg)
{
	assert_int_equal(reg, HREG_CS_ATTR);
	return cpl << 5;
}

static const struct hvm_ops ops = { .get_paging = get_paging, .get_reg = get_cpl };
static struct x86_domain *x;
static struct domain *d;

static u64 *table(unsigned int n)
{
	enum p2m_type t;
	mfn_t mfn = p2m_get(d, TABLES + n, &t, NULL);

	return mfn == INVALID_MFN ? NULL : mfn_to_virt(mfn);
}

static u8 *data(unsigned int n)
{
	enum p2m_type t;

	return mfn_to_virt(p2m_get(d, DATA + n, &t, NULL));
}

static u64 pte(gfn_t gfn, u64 flags)
{
	return gfn << PAGE_SHIFT | flags;
}

#define KERNEL (PTE_P | PTE_RW)

/* Root 0 maps LINEAR + n pages to data page n by tables 2, 3, 4. */
static int setup(void **state)
{
	fake_reset();
	hvm_ops = &ops;
	p2m_format = &format;
	x = x86_domain_new(1, 1);
	d = &x->d;
	d->max_pages = ~0ull;
	for (unsigned int i = 0; i < NR_TABLES; i++) {
		fake_populate(d, TABLES + i);
		memset(table(i), 0, PAGE_SIZE);
	}
	for (unsigned int i = 0; i < NR_DATA; i++) {
		fake_populate(d, DATA + i);
		memset(data(i), 0x10 + (int)i, PAGE_SIZE);
	}
	table(0)[LINEAR >> 39 & 511] = pte(TABLES + 2, KERNEL);
	table(2)[0] = pte(TABLES + 3, KERNEL);
	table(3)[0] = pte(TABLES + 4, KERNEL);
	for (unsigned int i = 0; i < NR_DATA; i++)
		table(4)[i] = pte(DATA + i, KERNEL | PTE_NX);
	paging = (struct hvm_paging){ .cr0 = X86_CR0_PG | X86_CR0_PE | X86_CR0_WP,
				      .cr3 = TABLES << PAGE_SHIFT, .cr4 = X86_CR4_PAE, .efer = EFER_LMA | EFER_LME | EFER_NX,
				      .rflags = 2 };
	return 0;
}

static int teardown(void **state)
{
	x86_free(x);
	return unit_teardown(state);
}

static int get(u64 gva)
{
	u8 byte;

	return copy_from_guest(&byte, gva, 1) ? -1 : byte;
}

static void put_p2m(gfn_t gfn, mfn_t mfn, enum p2m_type t)
{
	p2m_write_lock(&d->p2m);
	assert_int_equal(p2m_set(d, gfn, mfn, 0, t), 0);
	p2m_write_unlock(d);
}

static void copies_cross_pages(void **state)
{
	u8 buf[3 * PAGE_SIZE];

	assert_int_equal(copy_from_guest(buf, LINEAR + 100, 2 * PAGE_SIZE), 0);
	assert_int_equal(buf[0], 0x10);
	assert_int_equal(buf[PAGE_SIZE], 0x11);
	assert_int_equal(buf[2 * PAGE_SIZE - 1], 0x12);
	memset(buf, 7, sizeof(buf));
	assert_int_equal(copy_to_guest(LINEAR + PAGE_SIZE - 1, buf, 2), 0);
	assert_int_equal(data(0)[PAGE_SIZE - 1], 7);
	assert_int_equal(data(1)[0], 7);
	assert_int_equal(data(1)[1], 0x11);
	assert_int_equal(clear_guest(LINEAR, PAGE_SIZE + 1), 0);
	assert_int_equal(data(0)[0] + data(1)[0], 0);
	assert_int_equal(copy_from_guest(buf, LINEAR + NR_DATA * PAGE_SIZE - 1, 2), -EFAULT);
	assert_int_equal(copy_from_guest(buf, ~0ull - 1, 3), -EFAULT);
	assert_int_equal(copy_from_guest(buf, 1ull << 47, 1), -EFAULT); /* not canonical */
}

static void the_guest_maps_another_page(void **state)
{
	assert_int_equal(get(LINEAR), 0x10);
	assert_int_equal(get(LINEAR), 0x10);
	table(4)[0] = pte(DATA + 5, KERNEL);
	assert_int_equal(get(LINEAR), 0x15);
	table(4)[0] = 0;
	assert_int_equal(get(LINEAR), -1);
	table(4)[0] = pte(DATA + 5, KERNEL);
	assert_int_equal(get(LINEAR), 0x15);
	/* A table higher up. */
	table(5)[0] = pte(DATA + 7, KERNEL);
	table(3)[0] = pte(TABLES + 5, KERNEL);
	assert_int_equal(get(LINEAR), 0x17);
	/* Another root. */
	table(1)[LINEAR >> 39 & 511] = pte(TABLES + 6, KERNEL);
	table(6)[0] = pte(TABLES + 7, KERNEL);
	table(7)[0] = pte(TABLES + 4, KERNEL);
	paging.cr3 = (TABLES + 1) << PAGE_SHIFT;
	assert_int_equal(get(LINEAR), 0x15);
	paging.cr3 |= 0xfff; /* PCID and flags are not part of the address */
	assert_int_equal(get(LINEAR), 0x15);
}

static void the_guest_gives_a_page_away(void **state)
{
	mfn_t mfn;

	assert_int_equal(get(LINEAR), 0x10);
	put_p2m(DATA, INVALID_MFN, P2M_HOLE);
	assert_int_equal(get(LINEAR), -1);
	mfn = fake_populate(d, DATA);
	memset(mfn_to_virt(mfn), 0x77, PAGE_SIZE);
	assert_int_equal(get(LINEAR), 0x77);
	/* A table. */
	put_p2m(TABLES + 3, INVALID_MFN, P2M_HOLE);
	assert_int_equal(get(LINEAR), -1);
	mfn = fake_populate(d, TABLES + 3);
	memset(mfn_to_virt(mfn), 0, PAGE_SIZE);
	assert_int_equal(get(LINEAR), -1);
	table(3)[0] = pte(TABLES + 4, KERNEL);
	assert_int_equal(get(LINEAR), 0x77);
	/* The page becomes read-only. */
	assert_int_equal(copy_to_guest(LINEAR, "x", 1), 0);
	assert_true(get_page(mfn_to_page(p2m_get(d, DATA, &(enum p2m_type){ 0 }, NULL)), OWNER_NONE));
	put_p2m(DATA, p2m_get(d, DATA, &(enum p2m_type){ 0 }, NULL), P2M_GRANT_RO);
	assert_int_equal(copy_to_guest(LINEAR, "y", 1), -EFAULT);
	assert_int_equal(get(LINEAR), 'x');
	assert_int_equal(copy_to_guest(LINEAR, "y", 1), -EFAULT);
}

static void rights(void **state)
{
	for (unsigned int remembered = 0; remembered < 2; remembered++) {
		x86_free(x);
		setup(state);
		if (remembered) {
			assert_int_equal(get(LINEAR), 0x10);
			assert_int_equal(copy_to_guest(LINEAR, "\x10", 1), 0);
		}
		table(4)[0] &= ~PTE_RW;
		assert_int_equal(copy_to_guest(LINEAR, "x", 1), -EFAULT);
		assert_int_equal(get(LINEAR), 0x10);
		paging.cr0 &= ~X86_CR0_WP;
		assert_int_equal(copy_to_guest(LINEAR, "\x10", 1), 0);
		table(4)[0] |= PTE_US;
		paging.cr4 |= X86_CR4_SMAP; /* SMAP matters only if all levels are user-accessible */
		assert_int_equal(get(LINEAR), 0x10);
		table(0)[LINEAR >> 39 & 511] |= PTE_US;
		table(2)[0] |= PTE_US;
		table(3)[0] |= PTE_US;
		assert_int_equal(get(LINEAR), -1);
		paging.rflags |= X86_EFLAGS_AC;
		assert_int_equal(get(LINEAR), 0x10);
		paging.rflags &= ~X86_EFLAGS_AC;
		assert_int_equal(get(LINEAR), -1);
		paging.cr4 &= ~X86_CR4_SMAP;
		paging.efer &= ~EFER_NX; /* then the bit is reserved */
		assert_int_equal(get(LINEAR), -1);
	}
}

/*
 * What an instruction of user code may access: no kernel page, and no read-only page even without
 * WP.
 */
static void operands_of_user_code(void **state)
{
	u8 byte = 0x10;

	for (unsigned int remembered = 0; remembered < 2; remembered++) {
		x86_free(x);
		setup(state);
		cpl = 3;
		paging.cr4 |= X86_CR4_SMAP;
		if (remembered)
			assert_int_equal(copy_to_guest(LINEAR, "\x10", 1), 0);
		assert_int_equal(copy_operand(&byte, LINEAR, 1, true), -EFAULT);
		assert_int_equal(copy_operand(&byte, LINEAR, 1, false), -EFAULT);
		assert_false(operand_is_mapped(LINEAR, false));
		table(0)[LINEAR >> 39 & 511] |= PTE_US;
		table(2)[0] |= PTE_US;
		table(3)[0] |= PTE_US;
		assert_int_equal(copy_operand(&byte, LINEAR, 1, true), -EFAULT);
		table(4)[0] |= PTE_US;
		assert_int_equal(copy_operand(&byte, LINEAR, 1, true), 0);
		assert_int_equal(byte, 0x10);
		assert_true(operand_is_mapped(LINEAR, true));
		assert_int_equal(copy_operand(&byte, LINEAR, 1, false), 0);
		assert_int_equal(copy_from_guest(&byte, LINEAR, 1), -EFAULT); /* SMAP is for the kernel */
		cpl = 0;
		assert_int_equal(copy_operand(&byte, LINEAR, 1, true), -EFAULT);
		cpl = 3;
		table(4)[0] &= ~PTE_RW;
		paging.cr0 &= ~X86_CR0_WP;
		assert_int_equal(copy_operand(&byte, LINEAR, 1, true), 0);
		assert_int_equal(copy_operand(&byte, LINEAR, 1, false), -EFAULT);
		cpl = 0;
	}
}

static void accessed_and_dirty(void **state)
{
	assert_int_equal(get(LINEAR), 0x10);
	assert_true(table(0)[LINEAR >> 39 & 511] & PTE_A);
	assert_int_equal(table(4)[0] & (PTE_A | PTE_D), PTE_A);
	assert_int_equal(copy_to_guest(LINEAR, "x", 1), 0);
	assert_true(table(4)[0] & PTE_D);
	/* The guest clears the bits, to see what is used from then on. */
	table(4)[0] &= ~(PTE_A | PTE_D);
	table(3)[0] &= ~PTE_A;
	assert_int_equal(copy_to_guest(LINEAR, "x", 1), 0);
	assert_int_equal(table(4)[0] & (PTE_A | PTE_D), PTE_A | PTE_D);
	assert_true(table(3)[0] & PTE_A);
	table(3)[0] &= ~PTE_A;
	assert_int_equal(get(LINEAR), 'x');
	assert_true(table(3)[0] & PTE_A);
}

static void large_pages_and_five_levels(void **state)
{
	table(3)[1] = pte(0, KERNEL | PTE_PS);	/* 2 MiB at gfn 0 */
	assert_int_equal(get(LINEAR + MiB(2) + ((DATA + 3) << PAGE_SHIFT)), 0x13);
	table(2)[1] = pte(0, KERNEL | PTE_PS);	/* 1 GiB at gfn 0 */
	assert_int_equal(get(LINEAR + GiB(1) + ((DATA + 4) << PAGE_SHIFT)), 0x14);
	assert_int_equal(get(LINEAR + GiB(1) + ((DATA + 4) << PAGE_SHIFT)), 0x14);
	/* Root 1 over root 0. */
	table(1)[3] = pte(TABLES, KERNEL);
	paging.cr4 |= X86_CR4_LA57;
	paging.cr3 = (TABLES + 1) << PAGE_SHIFT;
	assert_int_equal(get(3ull << 48 | (LINEAR & 0xffffffffffffull)), 0x10);
	assert_int_equal(get(3ull << 48 | (LINEAR & 0xffffffffffffull)), 0x10);
	assert_int_equal(get(LINEAR), -1);
}

static void other_modes(void **state)
{
	paging.cr0 = X86_CR0_PE;	/* paging off */
	assert_int_equal(get((DATA + 2) << PAGE_SHIFT), 0x12);
	assert_int_equal(get((DATA + 2) << PAGE_SHIFT), 0x12);
	assert_int_equal(get(0), -1);
	paging.cr0 |= X86_CR0_PG;	/* two levels: no hypercalls */
	paging.cr4 = 0;
	paging.efer = 0;
	assert_int_equal(get((DATA + 2) << PAGE_SHIFT), -1);
}

/*
 * The four top-level entries have no rights, and some of their bits are reserved. They may lie in
 * the middle of a page.
 */
static void three_levels(void **state)
{
	u64 *top = table(5) + 4;

	top[3] = pte(TABLES + 3, PTE_P);
	table(3)[2] = pte(0, KERNEL | PTE_PS);
	paging.efer = EFER_NX;
	paging.cr3 = ((TABLES + 5) << PAGE_SHIFT) + 32;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(get(GiB(3) + PAGE_SIZE), 0x11);
		assert_int_equal(get(GiB(3) + MiB(4) + ((DATA + 3) << PAGE_SHIFT)), 0x13);
	}
	assert_int_equal(copy_to_guest(GiB(3), "x", 1), 0);
	assert_int_equal(data(0)[0], 'x');
	assert_int_equal(top[3], pte(TABLES + 3, PTE_P));
	assert_true(table(3)[0] & PTE_A);
	assert_int_equal(get(GiB(2)), -1);
	assert_int_equal(get(GiB(7) + PAGE_SIZE), 0x11); /* addresses wrap */
	table(3)[0] &= ~PTE_RW;
	assert_int_equal(copy_to_guest(GiB(3), "x", 1), -EFAULT);
	paging.cr4 = 0;	/* two levels */
	assert_int_equal(get(GiB(3) + PAGE_SIZE), -1);
	paging.cr4 = X86_CR4_PAE;
	assert_int_equal(get(GiB(3) + PAGE_SIZE), 0x11);
	top[3] = 0;
	assert_int_equal(get(GiB(3) + PAGE_SIZE), -1);
}

/* --- Any sequence of changes --- */

/* The same by the book, without a cache. */
static u8 *reference(u64 gva, bool write)
{
	u64 at = paging.cr3 & PTE_ADDR, all = PTE_RW | PTE_US;
	enum p2m_type t;
	mfn_t mfn;

	for (int shift = 39;; shift -= 9) {
		u64 e;

		mfn = p2m_get(d, at >> PAGE_SHIFT, &t, NULL);
		if (!p2m_is_writable(t))
			return NULL;
		e = ((u64 *)mfn_to_virt(mfn))[gva >> shift & 511];
		if (!(e & PTE_P) || (e & PTE_NX && !(paging.efer & EFER_NX)))
			return NULL;
		all &= e;
		at = e & PTE_ADDR;
		if (shift == 12 || (shift < 39 && e & PTE_PS)) {
			at = (at & ~(BIT(shift) - 1)) | (gva & (BIT(shift) - 1));
			break;
		}
	}
	if (write && paging.cr0 & X86_CR0_WP && !(all & PTE_RW))
		return NULL;
	if (paging.cr4 & X86_CR4_SMAP && all & PTE_US && !(paging.rflags & X86_EFLAGS_AC))
		return NULL;
	mfn = p2m_get(d, at >> PAGE_SHIFT, &t, NULL);
	if (!(write ? p2m_is_writable(t) : p2m_is_readable(t)))
		return NULL;
	return (u8 *)mfn_to_virt(mfn) + (at & ~PAGE_MASK);
}

static unsigned int any(unsigned int n)
{
	return (unsigned int)rand() % n;
}

static u64 any_flags(void)
{
	u64 flags = KERNEL;

	if (!any(12))
		flags &= ~PTE_P;
	if (!any(4))
		flags &= ~PTE_RW;
	if (any(2))
		flags |= PTE_US;
	if (!any(4))
		flags |= PTE_NX;
	return flags;
}

static void change_something(void)
{
	unsigned int n = 2 + any(6);
	gfn_t gfn = any(2) ? DATA + any(NR_DATA) : TABLES + any(8);

	switch (any(10)) {
	case 0:
		for (unsigned int root = 0; root < 2; root++)
			if (table(root))
				table(root)[LINEAR >> 39 & 511] = pte(TABLES + 2 + any(2), any_flags());
		break;
	case 1:
	case 2: /* any table may serve on any level, even on two at once */
		if (table(n))
			table(n)[any(2)] = pte(TABLES + 2 + any(6), any_flags());
		break;
	case 3:
	case 4:
	case 5:
		if (table(n))
			table(n)[any(4)] = pte(DATA + any(NR_DATA), any_flags());
		break;
	case 6:
		if (any(2))
			break;
		put_p2m(gfn, INVALID_MFN, P2M_HOLE);
		break;
	case 7:
		if (p2m_get(d, gfn, &(enum p2m_type){ 0 }, NULL) == INVALID_MFN) {
			mfn_t mfn = fake_populate(d, gfn);

			memset(mfn_to_virt(mfn), gfn < DATA ? 0 : (int)any(256), PAGE_SIZE);
		}
		break;
	case 8:
		paging.cr3 = (TABLES + any(2)) << PAGE_SHIFT;
		break;
	default:
		paging.cr0 ^= any(2) ? X86_CR0_WP : 0;
		paging.cr4 ^= any(2) ? X86_CR4_SMAP : 0;
		paging.rflags ^= any(2) ? X86_EFLAGS_AC : 0;
		paging.efer ^= any(4) ? 0 : EFER_NX;
	}
}

/* One byte at the end of a page: if the page is a table, no walk uses that entry. */
static void compare(u64 gva)
{
	u8 byte = 0, *want = reference(gva, false);
	int rc = copy_from_guest(&byte, gva, 1);

	assert_int_equal(rc, want ? 0 : -EFAULT);
	if (want)
		assert_int_equal(byte, *want);
	want = reference(gva, true);
	byte = (u8)any(256);
	rc = copy_to_guest(gva, &byte, 1);
	assert_int_equal(rc, want ? 0 : -EFAULT);
	if (want)
		assert_int_equal(*want, byte);
}

static void what_is_remembered_never_shows(void **state)
{
	unsigned long worked = 0;

	srand(7);
	for (unsigned int i = 0; i < 40000; i++) {
		u64 gva = LINEAR + any(6) * PAGE_SIZE + (any(4) ? 0 : MiB(2)) + 4095;

		if (i % 100 == 0) {
			x86_free(x);
			setup(state);
		}
		if (!any(3))
			change_something();
		worked += reference(gva, false) != NULL;
		compare(gva);
	}
	assert_true(worked > 5000);
}

/* Bit n: data page n was written; bit 32 + n: table n. Afterwards all are clean. */
static u64 written(void)
{
	u64 tables[8] = { 0 }, bits = 0;

	p2m_log_read(d, 0, P2M_LOG_STEP, tables);
	for (unsigned int i = 0; i < NR_DATA; i++)
		bits |= (tables[(DATA + i) / 64] >> (DATA + i) % 64 & 1) << i;
	for (unsigned int i = 0; i < NR_TABLES; i++)
		bits |= (tables[(TABLES + i) / 64] >> (TABLES + i) % 64 & 1) << (32 + i);
	p2m_log_protect(d, 0, NULL);
	p2m_write_lock(&d->p2m);
	p2m_write_unlock(d);
	return bits;
}

/* In log-dirty mode each write is logged, even if the walk is cached. */
static void what_is_written_is_logged(void **state)
{
	const u64 way = 0x1dull << 32;	/* the tables whose accessed and dirty bits change */
	u8 byte = 1;

	assert_int_equal(copy_to_guest(LINEAR + PAGE_SIZE, &byte, 1), 0);
	assert_int_equal(p2m_log_start(d), 0);
	written();
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(copy_to_guest(LINEAR + PAGE_SIZE, &byte, 1), 0);
		assert_int_equal(written(), way | 2);
	}
	assert_int_equal(copy_from_guest(&byte, LINEAR + 2 * PAGE_SIZE, 1), 0);
	assert_int_equal(written() & 0xffffffff, 0);
	/*
	 * An argument that is read, then written: the guest's entry has its dirty bit already, and
	 * the read has cached the walk.
	 */
	assert_int_equal(copy_from_guest(&byte, LINEAR + PAGE_SIZE, 1), 0);
	assert_int_equal(copy_to_guest(LINEAR + PAGE_SIZE, &byte, 1), 0);
	assert_int_equal(copy_from_guest(&byte, LINEAR + PAGE_SIZE, 1), 0);
	assert_int_equal(copy_to_guest(LINEAR + PAGE_SIZE, &byte, 1), 0);
	assert_int_equal(written(), way | 2);
	assert_int_equal(clear_guest(LINEAR + 3 * PAGE_SIZE - 1, 2), 0);
	assert_int_equal(written() & 0xffffffff, 0xc);
	assert_int_equal(copy_to_gpa(d, (DATA + 5) << PAGE_SHIFT, &byte, 1), 0);
	assert_int_equal(written(), 0x20);
	assert_int_equal(copy_from_gpa(d, &byte, (DATA + 5) << PAGE_SHIFT, 1), 0);
	assert_int_equal(written(), 0);
}

#define ACCESS_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
static const struct CMUnitTest tests[] = {
	ACCESS_TEST(copies_cross_pages),
	ACCESS_TEST(the_guest_maps_another_page),
	ACCESS_TEST(the_guest_gives_a_page_away),
	ACCESS_TEST(rights),
	ACCESS_TEST(operands_of_user_code),
	ACCESS_TEST(accessed_and_dirty),
	ACCESS_TEST(large_pages_and_five_levels),
	ACCESS_TEST(other_modes),
	ACCESS_TEST(three_levels),
	ACCESS_TEST(what_is_remembered_never_shows),
	ACCESS_TEST(what_is_written_is_logged),
};

UNIT_MAIN(tests)

/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: arch/x86/iommu/ivrs.c */
/*
 * AMD-Vi with two units. Their registers are memory. The test plays the hardware while Keel waits:
 * it takes commands from the rings and remembers them.
 */
#include "test/unit/unit.h"

#include <public/errno.h>

#include "arch/x86/iommu/amdvi.c" /* the source itself: a boot starts with its state */

#define NR_UNITS 2
#define IOAPIC_ID 0xa0
#define DEV 0x18	/* of unit 0 */
#define ALIASED 0x208	/* of unit 1; its requests arrive as ALIAS */
#define ALIAS 0x200

struct acpi_info acpi;
static struct acpi_ioapic ioapic;
static u64 regs[NR_UNITS][AMDVI_REGS_LEN / 8];
static u8 table[256];
static int table_rc;		/* what the search for the IVRS returns */
static u32 capability, conf_writes[NR_UNITS][8];
static bool overflows;		/* unit 0's log, with the next fault */
static bool stuck;		/* unit 1 does not respond */
static struct { unsigned int unit; struct amdvi_cmd cmd; u64 dte[4]; u32 irte; } done[4096];
static unsigned int nr_done;
static struct { u32 sbdf; u64 addr; bool write; const char *reason; } faults[600];
static unsigned int nr_faults, nr_reserved, hidden;
static struct { u64 first, last; u32 sbdf; unsigned int access; } reserved[8];
static struct irq_desc msi;
static struct ioapic_info the_ioapic = { .id = 3, .nr_pins = 24 };

static bool quiet;		/* the limit of messages of each kind is reached */

bool ratelimit_ok(struct ratelimit *rl)
{
	return !quiet;
}

int acpi_find(const char *sig, unsigned int n, const struct acpi_table **t)
{
	assert_string_equal(sig, "IVRS");
	assert_int_equal(n, 0);
	*t = table_rc ? NULL : (const void *)table;
	return table_rc;
}

void *map_mmio(paddr_t pa, size_t size)
{
	return regs[(pa - 0xfed80000) / 0x10000];
}

u32 pci_conf_read(u32 sbdf, unsigned int reg, unsigned int size)
{
	if (reg == PCI_VENDOR_ID)
		return sbdf == 0x20 || sbdf == 0x23 ? 0x8086 : 0xffff;
	return reg == 0x40 ? capability : 0;
}

void pci_conf_write(u32 sbdf, unsigned int reg, unsigned int size, u32 val)
{
	conf_writes[sbdf == 2 ? 0 : 1][(reg - 0x60) / 2] = val;
}

u8 pci_find_cap(u32 sbdf, u8 id)
{
	return sbdf == 2 ? 0x60 : 0; /* unit 1 has none */
}

struct irq_desc *irq_alloc(enum irq_kind kind, u32 source, unsigned int cpu, struct irq_user *user)
{
	msi = (struct irq_desc){ .kind = kind, .vector = 0x31, .user = user };
	return &msi;
}

void irq_msi_message(const struct irq_desc *desc, u64 *addr, u32 *data)
{
	*addr = 0xfee07000;
	*data = desc->vector;
}

const struct ioapic_info *ioapic_of(u32 gsi)
{
	return gsi < 24 ? &the_ioapic : NULL;
}

void iommu_add_reserved(u64 first, u64 last, u32 sbdf, unsigned int access)
{
	reserved[nr_reserved].first = first;
	reserved[nr_reserved].last = last;
	reserved[nr_reserved].access = access;
	reserved[nr_reserved++].sbdf = sbdf;
}

void iommu_hide(paddr_t first, size_t size)
{
	assert_int_equal(size, AMDVI_REGS_LEN);
	hidden |= 1u << (first - 0xfed80000) / 0x10000;
}

void iommu_fault(u32 sbdf, u64 addr, bool write, const char *reason)
{
	if (overflows)
		regs[0][AMDVI_STATUS / 8] |= AMDVI_STATUS_OVERFLOW;
	faults[nr_faults].sbdf = sbdf;
	faults[nr_faults].addr = addr;
	faults[nr_faults].write = write;
	faults[nr_faults++].reason = reason;
}

/* One unit executes the commands in its ring. */
static void play(unsigned int i)
{
	u64 *r = regs[i], head = r[AMDVI_CMD_HEAD / 8];
	struct amdvi_cmd *ring = pa_to_virt(r[AMDVI_CMD_BASE / 8] & 0xffffffffff000);

	if ((r[AMDVI_CONTROL / 8] & (AMDVI_CTRL_ON | AMDVI_CTRL_COMMANDS)) !=
	    (AMDVI_CTRL_ON | AMDVI_CTRL_COMMANDS))
		return;
	for (; head != r[AMDVI_CMD_TAIL / 8]; head = (head + 16) % 4096) {
		struct amdvi_cmd c = ring[head / 16];
		u16 id = (u16)c.lo;

		if (c.lo >> 60 == 1) {
			*(u64 *)pa_to_virt(c.lo & 0xffffffffffff8) = c.hi;
		} else if (nr_done < ARRAY_LEN(done)) {
			done[nr_done].unit = i;
			done[nr_done].cmd = c;
			memcpy(done[nr_done].dte, device_table[id], 32);
			if (c.lo >> 60 == 5 && done[nr_done].dte[2] & BIT(61))
				done[nr_done].irte = *(u32 *)pa_to_virt(done[nr_done].dte[2] & 0xfffffffffffc0);
			nr_done++;
		}
	}
	r[AMDVI_CMD_HEAD / 8] = head;
}

void fake_cpu_relax(void);
void fake_cpu_relax(void)
{
	play(0);
	if (!stuck)
		play(1);
	for (unsigned int i = 0; i < NR_UNITS; i++)
		if (!(regs[i][AMDVI_CONTROL / 8] & AMDVI_CTRL_EVENTS))
			regs[i][AMDVI_STATUS / 8] &= ~AMDVI_STATUS_EVENTS_ON;
}

/* --- The machine --- */

static void entry(u8 **p, u8 type, u16 id, u8 flags, u8 handle, u16 source, u8 variety)
{
	u8 e[8] = { type, (u8)id, (u8)(id >> 8), flags, handle, (u8)source, (u8)(source >> 8), variety };

	memcpy(*p, e, type < 64 ? 4 : 8);
	*p += type < 64 ? 4 : 8;
}

static u8 *unit_block(u8 *p, u16 id, u8 flags, u64 base, u8 len)
{
	memset(p, 0, 24);
	p[0] = 0x10;
	p[1] = flags;
	p[2] = len;
	p[4] = (u8)id;
	p[6] = 0x40;
	memcpy(p + 8, &base, 8);
	return p + 24;
}

static void memory_block(u8 *p, u8 type, u8 flags, u16 first, u16 last, u64 start)
{
	u64 size = 0x1000;

	memset(p, 0, 32);
	p[0] = type;
	p[1] = flags;
	p[2] = 32;
	memcpy(p + 4, &first, 2);
	memcpy(p + 6, &last, 2);
	memcpy(p + 16, &start, 8);
	memcpy(p + 24, &size, 8);
}

static u16 segment;	/* of the second unit */

static int probe(void)
{
	u8 *p = unit_block(table + 48, 0x02, 0x21, 0xfed80000, 40);

	memset(regs, 0, sizeof(regs));
	units = NULL;
	memset(&ivrs, 0, sizeof(ivrs));
	memset(&iommu_caps, 0, sizeof(iommu_caps));
	nr_done = nr_faults = nr_reserved = hidden = 0;
	stuck = false;
	entry(&p, 2, DEV, 0, 0, 0, 0);
	entry(&p, 2, 0x20, 0, 0, 0, 0);
	entry(&p, 0x48, 0, 0xd7, 3, IOAPIC_ID, 1);
	p = unit_block(p, 0x03, 0x0e, 0xfed90000, 32);
	memcpy(p - 8, &segment, 2);
	entry(&p, 0x42, ALIASED, 0, 0, ALIAS, 0);
	memory_block(p, 0x22, 3, 0x20, 0x2f, 0xb0000);
	memory_block(p + 32, 0x20, 7, 0, 0, 0xc0000);
	table[4] = (u8)(p + 64 - table); /* the length */
	acpi.nr_ioapics = 1;
	acpi.ioapics = &ioapic;
	ioapic.id = 3;
	capability = 0x0c03000f;
	regs[0][AMDVI_FEATURES / 8] = regs[1][AMDVI_FEATURES / 8] = BIT(6) | 2 << 10;
	for (unsigned int i = 0; i < NR_UNITS; i++)
		regs[i][AMDVI_CONTROL / 8] = 1; /* firmware left it on */
	return amdvi_ops.probe();
}

static void boot(void)
{
	assert_int_equal(probe(), 0);
	assert_int_equal(amdvi_ops.init(), 0);
	nr_done = 0;
}

static struct domain *domain_with_table(domid_t id)
{
	struct domain *d = fake_domain(id, 1);

	d->p2m.arch.iommu_root = alloc_page();
	d->p2m.arch.iommu_id = id + 1;
	return d;
}

/* --- Tests --- */

static void what_probe_finds(void **state)
{
	const struct p2m_format *f = &iommu_caps.format;

	assert_int_equal(probe(), 0);
	assert_int_equal(iommu_caps.nr_units, 2);
	assert_int_equal(iommu_caps.levels, 4);
	assert_int_equal(hidden, 3); /* neither unit's registers are left to anybody */
	assert_true(iommu_caps.irq_remap && iommu_caps.caches_holes && !iommu_caps.wide_dest);
	assert_true(f->leaf[P2M_RAM] == (1 | 7ull << 60) && f->leaf[P2M_GRANT_RO] == (1 | 3ull << 60));
	assert_true(f->leaf[P2M_FOREIGN] == f->leaf[P2M_RAM] && f->leaf[P2M_GRANT_RW] == f->leaf[P2M_RAM]);
	assert_true(!f->leaf[P2M_SHARED] && !f->leaf[P2M_MMIO] && !f->leaf[P2M_HOLE]);
	assert_true(f->table == (1 | 3ull << 61) && f->table_level == 0x200 && f->superpage_mask == 0xe00);
	assert_true(!f->superpage && !f->types && !f->noncoherent && f->max_order == 18);
	assert_int_equal(nr_reserved, 3); /* the range's two functions that exist, and the entry for all */
	assert_int_equal(reserved[0].sbdf, 0x20);
	assert_int_equal(reserved[1].sbdf, 0x23);
	assert_true(reserved[1].first == 0xb0000 && reserved[1].last == 0xb0fff);
	assert_int_equal(reserved[2].sbdf, ~0u);
	assert_true(reserved[1].access == 1 && reserved[2].access == 3); /* as the flags say */
	assert_true(f->reserved[1] == (1 | 3ull << 60) && f->reserved[2] == (1 | 5ull << 60));
	assert_true(f->reserved[3] == (1 | 7ull << 60) && !f->reserved[0] && !f->leaf[P2M_RESERVED]);
	ioapic.id = 4; /* no entry says with which id this IO-APIC sends */
	set_caps();
	assert_false(iommu_caps.irq_remap);
}

static void what_probe_refuses(void **state)
{
	int rc;

	assert_int_equal(probe(), 0);
	table_rc = -ENODEV;
	assert_int_equal(amdvi_ops.probe(), -ENODEV);
	table_rc = -EINVAL; /* it is broken */
	assert_int_equal(amdvi_ops.probe(), -EINVAL);
	table_rc = 0;
	regs[1][AMDVI_FEATURES / 8] = 2 << 10;
	assert_int_equal(amdvi_ops.probe(), -ENXIO);
	assert_non_null(strstr(fake_last_message, "00:00.3"));
	regs[1][AMDVI_FEATURES / 8] = BIT(6) | 3 << 10;
	assert_int_equal(amdvi_ops.probe(), -ENXIO);
	regs[1][AMDVI_FEATURES / 8] = BIT(6);
	capability = 0x0c02000f;
	assert_int_equal(amdvi_ops.probe(), -ENXIO);
	capability = 0x0403000f; /* without the register of features */
	assert_int_equal(amdvi_ops.probe(), -ENXIO);
	capability = 0x0c03000f;
	table[4] -= 5;
	assert_int_equal(amdvi_ops.probe(), -EINVAL);
	assert_non_null(strstr(fake_last_message, "offset 0x98"));
	FAKE_EACH_FAILURE(n) {
		assert_int_equal(probe(), 0);
		fake_fail_nth(n);
		rc = amdvi_ops.init();
		fake_fail_nth(0);
		assert_int_equal(rc, fake_failure_happened() ? -ENOMEM : 0);
	}
}

static void init_shuts_everyone_out(void **state)
{
	assert_int_equal(probe(), 0);
	assert_int_equal(amdvi_ops.init(), 0);
	for (u32 id = 0; id < 0x10000; id++) {
		u64 *e = device_table[id];

		assert_true(e[0] == 3 && !e[3]);
		if (id != IOAPIC_ID)
			assert_true(e[1] == BIT(33) && e[2] == 1);
	}
	assert_true(device_table[IOAPIC_ID][1] == (BIT(33) | BIT(40)));
	assert_true(device_table[IOAPIC_ID][2] == (1 | 0xc7ull << 56));
	for (unsigned int i = 0; i < NR_UNITS; i++) {
		assert_true(regs[i][0] == (virt_to_pa(device_table) | 511));
		assert_true(regs[i][1] == (virt_to_pa(units[i].rings->commands) | 8ull << 56));
		assert_true(regs[i][2] == (virt_to_pa(units[i].rings->events) | 8ull << 56));
		assert_int_equal(done[i].unit, i);
		assert_true(done[i].cmd.lo == 8ull << 60 && !done[i].cmd.hi);
	}
	assert_int_equal(regs[0][3], 0x1407);	/* HtTunEn from the flags */
	assert_int_equal(regs[1][3], 0x1f05);	/* PassPW, ResPassPW, Isoc */
	assert_int_equal(nr_done, 2);
}

static void a_device_changes_hands(void **state)
{
	struct domain *d1, *d2;

	boot();
	d1 = domain_with_table(1);
	d2 = domain_with_table(2);
	assert_int_equal(amdvi_ops.attach(0x19, d1), -ENOENT);
	assert_int_equal(amdvi_ops.attach(0x10000 | DEV, d1), -ENOENT);
	assert_int_equal(nr_done, 0);
	assert_int_equal(amdvi_ops.attach(DEV, d1), 0);
	assert_true(device_table[DEV][0] ==
		    (3 | 4 << 9 | 3ull << 61 | virt_to_pa(d1->p2m.arch.iommu_root)));
	assert_true(device_table[DEV][1] == 2 && device_table[DEV][2] == 1);
	nr_done = 0;
	assert_int_equal(amdvi_ops.attach(DEV, d2), 0);
	assert_int_equal(nr_done, 4); /* in each unit: flush the entry, then the old domain's id */
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(done[i].unit, i / 2);
		assert_true(done[i].cmd.lo == (i & 1 ? 3ull << 60 | 2ull << 32 : 2ull << 60 | DEV));
		assert_true(done[i].cmd.hi == (i & 1 ? 0x7ffffffffffff003 : 0));
		if (!(i & 1))
			assert_true((done[i].dte[0] & 0xffffffffff000) == virt_to_pa(d2->p2m.arch.iommu_root) &&
				    done[i].dte[1] == 3);
	}
	nr_done = 0;
	assert_int_equal(amdvi_ops.attach(DEV, NULL), 0);
	assert_true(done[0].dte[0] == 3 && done[0].dte[1] == BIT(33));
	assert_true(done[1].cmd.lo == (3ull << 60 | 3ull << 32));
}

static void an_alias_goes_along(void **state)
{
	struct domain *d;

	boot();
	d = domain_with_table(1);
	assert_int_equal(amdvi_ops.alias(ALIASED, ALIASED, ALIASED), ALIAS);
	assert_int_equal(amdvi_ops.alias(ALIAS, ALIAS, ALIAS), ALIAS);
	assert_int_equal(amdvi_ops.alias(DEV, DEV, DEV), DEV);
	assert_int_equal(amdvi_ops.alias(1 << 16 | ALIASED, 1 << 16 | ALIASED, 1 << 16 | ALIASED),
			 1 << 16 | ALIASED);
	/* What is known of the device counts where IVRS has no alias, and its unit is the device's. */
	assert_int_equal(amdvi_ops.alias(ALIASED, ALIASED, ALIASED + 1), ALIAS);
	assert_int_equal(amdvi_ops.attach(DEV + 1, d), -ENOENT);
	assert_int_equal(amdvi_ops.alias(DEV, DEV, DEV + 1), DEV + 1);
	assert_int_equal(amdvi_ops.attach(DEV + 1, d), 0);
	assert_int_equal(amdvi_ops.alias(0x999, 0x999, 0x998), 0x999); /* no unit has it */
	/* Each id is checked by itself: another device may have the same alias. */
	assert_int_equal(amdvi_ops.attach(ALIASED, d), 0);
	assert_true(device_table[ALIASED][1] == 2 && device_table[ALIAS][0] == 3);
	assert_int_equal(amdvi_ops.attach(ALIAS, d), 0);
	assert_true(device_table[ALIASED][0] == device_table[ALIAS][0]);
	assert_int_equal(amdvi_ops.attach(ALIASED, NULL), 0);
	assert_true(device_table[ALIASED][0] == 3 && device_table[ALIAS][1] == 2);
}

static u32 *irqs_of(u16 id)
{
	/* IV, 512 entries */
	assert_true((device_table[id][2] & (3ull << 60 | 0x1f)) == (2ull << 60 | 0x13));
	return pa_to_virt(device_table[id][2] & 0xfffffffffffc0);
}

/*
 * Firmware lets NMIs and system management messages of DEV pass. The domains are Dom0 and a guest.
 */
static void boot_with_exceptions(struct domain **dom0, struct domain **d)
{
	assert_int_equal(probe(), 0);
	ivrs.dev[DEV].flags = 0xd7;
	assert_int_equal(amdvi_ops.init(), 0);
	*dom0 = domain_with_table(0);
	(*dom0)->hardware = true;
	*d = domain_with_table(1);
}

/*
 * IVRS names only the functions that exist at power-on. A virtual function follows its physical
 * one.
 */
static void a_virtual_function_is_as_its_physical_one(void **state)
{
	const u32 vf = DEV + 0x101, aliased_vf = ALIASED + 1;
	struct irq_desc desc = { .kind = IRQ_MSI, .source = vf, .vector = 0x45 };
	struct domain *dom0, *d;

	boot_with_exceptions(&dom0, &d);
	assert_int_equal(amdvi_ops.attach(vf, d), -ENOENT);
	assert_int_equal(amdvi_ops.irq_map(&desc), -ENODEV);
	/*
	 * A virtual function whose physical one is not named, or is in another segment, stays
	 * unknown.
	 */
	assert_int_equal(amdvi_ops.alias(vf, 0x19, vf), vf);
	assert_int_equal(amdvi_ops.alias(1 << 16 | vf, 1 << 16 | DEV, 1 << 16 | vf), 1 << 16 | vf);
	assert_int_equal(amdvi_ops.attach(vf, d), -ENOENT);
	assert_int_equal(amdvi_ops.alias(vf, DEV, vf), vf);
	assert_int_equal(amdvi_ops.attach(vf, dom0), 0);
	/* firmware's exceptions */
	assert_true(device_table[vf][2] >> 56 == 0xc7 && device_table[vf][1] & BIT(40));
	assert_int_equal(amdvi_ops.attach(vf, d), 0);
	assert_true(device_table[vf][0] == (3 | 4 << 9 | 3ull << 61 | virt_to_pa(d->p2m.arch.iommu_root)));
	assert_true(device_table[DEV][0] == 3);
	assert_int_equal(amdvi_ops.irq_map(&desc), 0);
	assert_int_equal(irqs_of((u16)vf)[0] >> 16, 0x45);
	/*
	 * If requests of the physical function arrive with an alias, those of its virtual function
	 * may, too. A function that IVRS names keeps its own entry.
	 */
	assert_int_equal(amdvi_ops.alias(aliased_vf, ALIASED, aliased_vf), ALIAS);
	assert_int_equal(amdvi_ops.attach(aliased_vf, d), 0);
	assert_int_equal(amdvi_ops.alias(0x20, ALIASED, 0x20), 0x20);
}

/*
 * More flushes than the ring has room for: each unit executes each of them once before the call
 * returns.
 */
static void flushes_wrap_around(void **state)
{
	struct domain *d;

	boot();
	d = domain_with_table(6);
	d->p2m.arch.stale_end = BIT(19);
	for (unsigned int n = 0; n < 300; n++) {
		nr_done = 0;
		amdvi_ops.flush(d);
		assert_int_equal(nr_done, 2);
		for (unsigned int i = 0; i < 2; i++) {
			assert_int_equal(done[i].unit, i);
			assert_true(done[i].cmd.lo == (3ull << 60 | 7ull << 32));
			assert_true(done[i].cmd.hi == 0x7ffffffffffff003);
		}
	}
	assert_int_equal(regs[0][AMDVI_CMD_TAIL / 8], (2 + 300 * 2) * 16 % 4096);
}

/* The smallest block that holds what changed; by the specification's encoding of its size. */
static void only_what_changed_is_forgotten(void **state)
{
	static const struct { gfn_t first, end; u64 hi; } cases[] = {
		{ 0x12345, 0x12346, 0x12345002 },
		{ 0x12344, 0x12346, 0x12344003 },	/* 8 KiB */
		{ 0x12345, 0x12347, 0x12345003 },	/* 16 KiB from 0x12344 on */
		{ 0x12400, 0x12600, 0x124ff003 },	/* 2 MiB */
		{ 0x40000, 0x80000, 0x5ffff003 },	/* 1 GiB */
		{ 0x3ffff, 0x40001, 0x7ffffffffffff003 },
	};
	struct domain *d;

	boot();
	d = domain_with_table(6);
	for (unsigned int i = 0; i < ARRAY_LEN(cases); i++) {
		nr_done = 0;
		d->p2m.arch.stale = cases[i].first;
		d->p2m.arch.stale_end = cases[i].end;
		amdvi_ops.flush(d);
		assert_int_equal(nr_done, 2);
		assert_true(done[0].cmd.lo == (3ull << 60 | 7ull << 32));
		assert_int_equal(done[0].cmd.hi, cases[i].hi);
	}
}

static void a_unit_that_hangs_is_named(void **state)
{
	struct domain *d;

	boot();
	d = domain_with_table(1);
	d->p2m.arch.stale_end = 1;
	stuck = true;
	assert_true(FAKE_PANICS(amdvi_ops.flush(d)));
	assert_non_null(strstr(fake_panic_message, "00:00.3"));
	assert_non_null(strstr(fake_panic_message, "forget a domain's pages"));
	spin_unlock(&lock);
}

static void interrupts_have_entries(void **state)
{
	struct irq_desc a = { .kind = IRQ_MSI, .source = DEV, .vector = 0x45, .cpu = 1 };
	struct irq_desc b = { .kind = IRQ_MSI, .source = DEV, .vector = 0x46 };
	u64 addr;
	u32 data;

	boot();
	x86_pcpu(pcpus[1])->apic_id = 7;
	assert_int_equal(amdvi_ops.irq_map(&a), 0);
	assert_int_equal(amdvi_ops.irq_map(&b), 0);
	assert_true(a.remapped && b.remapped && a.remap == 0 && b.remap == 1);
	assert_int_equal(irqs_of(DEV)[0], 0x00450701);
	assert_int_equal(irqs_of(DEV)[1] >> 16, 0x46);
	amdvi_ops.irq_message(&b, &addr, &data);
	assert_true(addr == 0xfee00000 && data == 1);
	nr_done = 0;
	a.vector = 0x50;
	assert_int_equal(amdvi_ops.irq_map(&a), 0); /* the same entry says something else */
	assert_int_equal(a.remap, 0);
	assert_true(done[0].cmd.lo == (2ull << 60 | DEV) && done[1].cmd.lo == (5ull << 60 | DEV));
	assert_int_equal(done[1].irte, 0x00500701);
	nr_done = 0;
	amdvi_ops.irq_unmap(&a);
	assert_false(a.remapped);
	assert_true(done[1].cmd.lo == (5ull << 60 | DEV) && !done[1].irte);
	b = (struct irq_desc){ .kind = IRQ_MSI, .source = DEV, .vector = 0x47 };
	assert_int_equal(amdvi_ops.irq_map(&b), 0);
	assert_int_equal(b.remap, 0);
	/* They stay when the device changes its owner. */
	assert_int_equal(amdvi_ops.attach(DEV, NULL), 0);
	assert_int_equal(irqs_of(DEV)[0] >> 16, 0x47);
}

static void interrupts_of_pins_and_aliases(void **state)
{
	struct irq_desc pin = { .kind = IRQ_GSI, .gsi = 5, .vector = 0x60 };
	struct irq_desc uart = { .kind = IRQ_KEEL, .gsi = 4, .vector = 0x61 };
	struct irq_desc nowhere = { .kind = IRQ_GSI, .gsi = 30 };
	struct irq_desc unknown = { .kind = IRQ_MSI, .source = 0x19 };
	struct irq_desc aliased = { .kind = IRQ_MSI, .source = ALIASED, .vector = 0x62 };

	boot();
	assert_int_equal(amdvi_ops.irq_map(&pin), 0);
	assert_int_equal(amdvi_ops.irq_map(&uart), 0);
	assert_int_equal(irqs_of(IOAPIC_ID)[1] >> 16, 0x61);
	assert_true(device_table[IOAPIC_ID][2] >> 56 == 0xe7); /* what firmware lets pass still passes */
	assert_true(amdvi_ops.irq_redirection(&uart) == 1);
	assert_int_equal(amdvi_ops.irq_map(&nowhere), -ENODEV);
	assert_int_equal(amdvi_ops.irq_map(&unknown), -ENODEV);
	assert_int_equal(amdvi_ops.irq_map(&aliased), 0);
	assert_ptr_equal(irqs_of(ALIASED), irqs_of(ALIAS));
	assert_int_equal(irqs_of(ALIAS)[0] >> 16, 0x62);
}

static void a_full_table_and_no_memory(void **state)
{
	struct irq_desc desc = { .kind = IRQ_MSI, .source = DEV, .vector = 0x45 };

	boot();
	fake_fail_nth(1);
	assert_int_equal(amdvi_ops.irq_map(&desc), -ENOMEM);
	fake_fail_nth(0);
	assert_true(!desc.remapped && device_table[DEV][2] == 1);
	for (unsigned int i = 0; i < 512; i++) {
		desc.remapped = false;
		assert_int_equal(amdvi_ops.irq_map(&desc), 0);
		assert_int_equal(desc.remap, i);
	}
	assert_true(amdvi_ops.irq_redirection(&desc) == 0x1ff); /* bit 8 in the delivery mode's place */
	desc.remapped = false;
	assert_int_equal(amdvi_ops.irq_map(&desc), -ENOSPC);
}

static void event(unsigned int slot, u64 lo, u64 hi)
{
	units[0].rings->events[slot * 2] = lo;
	units[0].rings->events[slot * 2 + 1] = hi;
	regs[0][AMDVI_EVENT_TAIL / 8] = (slot + 1) * 16 % 4096;
}

/* The second unit is of segment 3, and its devices' ids are others' in segment 0, too. */
static void segments_are_apart(void **state)
{
	struct irq_desc desc = { .kind = IRQ_MSI, .source = 3 << 16 | ALIASED, .vector = 0x45 };
	struct domain *d;

	segment = 3;
	boot();
	segment = 0;
	d = domain_with_table(1);
	assert_true(regs[0][0] == (virt_to_pa(device_table) | 511));
	assert_true(regs[1][0] == (virt_to_pa(device_table + 0x10000) | 511));
	assert_int_equal(amdvi_ops.alias(3 << 16 | ALIASED, 3 << 16 | ALIASED, 3 << 16 | ALIASED),
			 3 << 16 | ALIAS);
	assert_int_equal(amdvi_ops.alias(ALIASED, ALIASED, ALIASED), ALIASED);
	assert_int_equal(amdvi_ops.attach(ALIASED, d), -ENOENT);
	assert_int_equal(amdvi_ops.attach(1 << 16 | ALIASED, d), -ENOENT);
	assert_int_equal(amdvi_ops.attach(3 << 16 | DEV, d), -ENOENT);
	assert_int_equal(amdvi_ops.attach(3 << 16 | ALIASED, d), 0);
	assert_true(device_table[0x10000 + ALIASED][1] == 2 && device_table[ALIASED][0] == 3);
	assert_int_equal(device_table[ALIASED][1], BIT(33));
	assert_int_equal(amdvi_ops.irq_map(&desc), 0);
	assert_true(device_table[0x10000 + ALIAS][2] & BIT(61) && !(device_table[ALIAS][2] & BIT(61)));
	desc.source = ALIASED;
	assert_int_equal(amdvi_ops.irq_map(&desc), -ENODEV);
	report(&units[1], 2ull << 60 | ALIASED, 0x1000);
	report(&units[0], 2ull << 60 | ALIASED, 0x1000);
	assert_true(faults[0].sbdf == (3 << 16 | ALIASED) && faults[1].sbdf == ALIASED);
}

static void faults_are_told(void **state)
{
	boot();
	amdvi_ops.enable_faults();
	assert_non_null(strstr(fake_last_message, "00:00.3")); /* has no message */
	assert_true(conf_writes[0][2] == 0xfee07000 && conf_writes[0][4] == 0 &&
		    conf_writes[0][6] == 0x31);
	assert_int_equal(conf_writes[0][1], MSI_CTRL_ENABLE);
	assert_true(regs[0][3] & AMDVI_CTRL_EVENT_IRQ && !(regs[1][3] & AMDVI_CTRL_EVENT_IRQ));
	event(0, 2ull << 60 | BIT(53) | DEV, 0x1234000);
	event(1, 2ull << 60 | BIT(52) | DEV, 0x5000);
	event(2, 2ull << 60 | BIT(51) | 0x19, 0xfee00000);
	event(3, 2ull << 60 | BIT(52) | BIT(55) | DEV, 0);
	event(4, 1ull << 60 | DEV, 0x40);
	event(5, 5ull << 60, 0x77);
	event(6, 8ull << 60 | ALIAS, 0x99);
	msi.user->handler(msi.user);
	assert_int_equal(nr_faults, 6);
	assert_true(faults[0].sbdf == DEV && faults[0].addr == 0x1234000 && faults[0].write);
	assert_non_null(strstr(faults[0].reason, "nothing"));
	assert_true(!faults[1].write && strstr(faults[1].reason, "permit"));
	assert_true(faults[2].sbdf == 0x19 && strstr(faults[2].reason, "interrupt"));
	assert_non_null(strstr(faults[3].reason, "reserved"));
	assert_non_null(strstr(faults[4].reason, "illegal"));
	assert_true(faults[5].sbdf == ALIAS && faults[5].addr == 0x99);
	assert_non_null(strstr(fake_last_message, "a command failed"));
	assert_int_equal(regs[0][AMDVI_EVENT_HEAD / 8], 7 * 16);
	msi.user->handler(msi.user);
	assert_int_equal(nr_faults, 6);
}

static void the_log_wraps_and_overflows(void **state)
{
	boot();
	amdvi_ops.enable_faults();
	for (unsigned int i = 0; i < 300; i++) {
		event(i % 256, 2ull << 60 | DEV, i);
		if (i % 7 == 6)
			msi.user->handler(msi.user);
	}
	msi.user->handler(msi.user);
	assert_int_equal(nr_faults, 300);
	for (unsigned int i = 0; i < 300; i++)
		assert_true(faults[i].addr == i);
	regs[0][AMDVI_STATUS / 8] = AMDVI_STATUS_OVERFLOW | AMDVI_STATUS_EVENTS_ON;
	units[0].regs = regs[0];
	event(300 % 256, 2ull << 60 | DEV, 300);
	regs[0][AMDVI_STATUS / 8] |= AMDVI_STATUS_OVERFLOW;
	restart_log(&units[0]);
	/* written to clear it; the log was off before */
	assert_true(regs[0][AMDVI_STATUS / 8] == AMDVI_STATUS_OVERFLOW);
	assert_true(regs[0][3] & AMDVI_CTRL_EVENTS);
	msi.user->handler(msi.user);
	assert_int_equal(nr_faults, 301);
}

/*
 * A device floods the log. Each interrupt handles a few events and takes none while the rest waits,
 * and no message repeats for ever.
 */
static void a_flood_leaves_time(void **state)
{
	boot();
	amdvi_ops.enable_faults();
	for (unsigned int i = 0; i < 200; i++)
		event(i, 2ull << 60 | DEV, i);
	overflows = true;
	msi.user->handler(msi.user);
	assert_int_equal(nr_faults, 64);
	assert_int_equal(regs[0][3] & (AMDVI_CTRL_EVENT_IRQ | AMDVI_CTRL_EVENTS), AMDVI_CTRL_EVENTS);
	assert_non_null(strstr(fake_last_message, "some are lost"));
	overflows = false;
	fake_advance(IOMMU_FAULT_REST_NS);
	assert_int_equal(nr_faults, 128);
	fake_advance(IOMMU_FAULT_REST_NS);
	assert_false(regs[0][3] & AMDVI_CTRL_EVENT_IRQ);
	fake_advance(IOMMU_FAULT_REST_NS);
	assert_int_equal(nr_faults, 200);
	assert_true(regs[0][3] & AMDVI_CTRL_EVENT_IRQ);
	quiet = overflows = true;
	fake_last_message[0] = 0;
	event(200, 2ull << 60 | DEV, 200);
	msi.user->handler(msi.user);
	quiet = overflows = false;
	assert_int_equal(nr_faults, 201);
	assert_null(strstr(fake_last_message, "some are lost"));
}

static void firmwares_exceptions_are_not_a_guests(void **state)
{
	const u64 pass = 0xc7ull << 56, messages = BIT(40);
	struct irq_desc desc = { .kind = IRQ_MSI, .source = DEV, .vector = 0x45 };
	struct domain *dom0, *d;

	boot_with_exceptions(&dom0, &d);
	assert_int_equal(amdvi_ops.attach(DEV, dom0), 0);
	assert_int_equal(amdvi_ops.attach(DEV, NULL), 0);
	assert_int_equal(amdvi_ops.irq_map(&desc), 0);
	assert_true((device_table[DEV][2] & pass) == pass && device_table[DEV][1] & messages);
	nr_done = 0;
	assert_int_equal(amdvi_ops.attach(DEV, d), 0);
	assert_true(!(done[0].dte[2] & pass) && !(done[0].dte[1] & messages));
	assert_int_equal(irqs_of(DEV)[0] >> 16, 0x45);
	amdvi_ops.irq_unmap(&desc);
	assert_int_equal(amdvi_ops.irq_map(&desc), 0);
	assert_int_equal(amdvi_ops.attach(DEV, NULL), 0); /* cut off, or not reset yet */
	assert_true(!(device_table[DEV][2] & pass) && !(device_table[DEV][1] & messages));
	assert_int_equal(amdvi_ops.attach(DEV, dom0), 0);
	assert_true((device_table[DEV][2] & pass) == pass && device_table[DEV][1] & messages);
	assert_int_equal(irqs_of(DEV)[0] >> 16, 0x45);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(what_probe_finds), UNIT_TEST(what_probe_refuses), UNIT_TEST(init_shuts_everyone_out),
		UNIT_TEST(a_device_changes_hands), UNIT_TEST(an_alias_goes_along),
		UNIT_TEST(a_virtual_function_is_as_its_physical_one), UNIT_TEST(flushes_wrap_around),
		UNIT_TEST(only_what_changed_is_forgotten), UNIT_TEST(a_unit_that_hangs_is_named),
		UNIT_TEST(interrupts_have_entries),
		UNIT_TEST(interrupts_of_pins_and_aliases), UNIT_TEST(a_full_table_and_no_memory),
		UNIT_TEST(segments_are_apart), UNIT_TEST(faults_are_told), UNIT_TEST(the_log_wraps_and_overflows),
		UNIT_TEST(a_flood_leaves_time), UNIT_TEST(firmwares_exceptions_are_not_a_guests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

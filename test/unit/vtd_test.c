/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SOURCES: arch/x86/p2m.c arch/x86/iommu/dmar.c common/spinlock.c common/memory_op.c
 * common/physmap.c
 */
/*
 * VT-d with a model of its hardware: registers in memory, two units, devices that do DMA whenever
 * the code waits. The model is as lazy as the specification allows: it executes commands and
 * invalidations only while somebody waits for them, and caches everything that may be cached. The
 * rules, checked when a frame is freed and at each access:
 *
 *   No frame and no table is freed while a unit has it in a cache or could read it.
 *   A device that belongs to a domain reaches that domain's frames and no others.
 */
#include "test/unit/unit.h"

#include <stdlib.h>

#include <public/memory.h>

#include "common/hypercall.h"
#include "arch/x86/iommu/vtd.c" /* includes the source: each test starts with fresh units */

#define VTD_IQH 0x80	/* Keel itself need not know how far the unit is */
#define UNITS 2
#define BASE(i) (0xfed90000ull + (i) * PAGE_SIZE)
#define IDLE 1u			/* in GCMD: no command is under way (bit 0 is unused) */
#define DOMAINS 3
#define DEVICES 4
#define GFNS 24
#define SUPER 0x400		/* two places for a page of 2 MiB */
#define CACHE 64

/* The devices: two of unit 0 (by endpoint, behind a bridge), two of unit 1 (the rest). */
static const u32 sbdfs[DEVICES] = { PCI_SBDF(0, 0, 2 << 3), PCI_SBDF(0, 4, 1),
				    PCI_SBDF(0, 0, 3 << 3), PCI_SBDF(0, 9, 0) };
static const unsigned int unit_of[DEVICES] = { 0, 0, 1, 1 };

struct model {
	u64 reg[PAGE_SIZE / 8];
	bool stuck, context_stale, iotlb_stale, irq_stale;
	u64 root, irta;
	struct { bool valid; u16 sid, domain; u64 table; } context[CACHE];
	struct { bool valid; u16 domain; u64 gfn, n; mfn_t mfn, table[4]; bool read, write; } iotlb[CACHE];
	struct { bool valid; u16 index; struct vtd_entry e; } irq[CACHE];
	unsigned int buffer_flushes, executed, accesses, by_frames;
};

static struct model hw[UNITS];
static struct domain *domains[DOMAINS];
static struct domain *owner[DEVICES], *owner_before[DEVICES];
static struct { u32 sbdf; u64 addr; bool write; const char *reason; } faults[300];
static unsigned int nr_faults, nr_reserved_seen;
static unsigned long checks, hits, blocked;
static bool asleep;		/* the devices do nothing */
static u8 firmware[256];
static int firmware_rc;		/* what the search for the DMAR returns */
static struct irq_desc fault_desc;

struct acpi_info acpi;
struct cpu_features cpu_features;

static const struct p2m_format nested = {
	.leaf = { [P2M_RAM] = 3, [P2M_GRANT_RO] = 1, [P2M_RESERVED] = 3 }, .table = 7, .superpage = 0x80,
	.superpage_mask = 0x80,
	.max_order = 18, .types = true,
};

/* --- The model --- */

static u32 *reg32(struct model *m, unsigned int reg) { return (u32 *)((u8 *)m->reg + reg); }
static u64 *reg64(struct model *m, unsigned int reg) { return (u64 *)((u8 *)m->reg + reg); }
static unsigned int any(unsigned int n) { return (unsigned int)rand() % n; }

static void one_shot(struct model *m, u32 cmd)
{
	if (cmd & GCMD_SRTP) {
		m->root = *reg64(m, VTD_RTADDR);
		m->context_stale = m->iotlb_stale = true;
		*reg32(m, VTD_GSTS) |= GCMD_SRTP;
	}
	if (cmd & GCMD_SIRTP) {
		m->irta = *reg64(m, VTD_IRTA);
		m->irq_stale = true;
		*reg32(m, VTD_GSTS) |= GCMD_SIRTP;
	}
	if (cmd & GCMD_WBF)
		m->buffer_flushes++;
}

static void sticky(struct model *m, u32 cmd)
{
	u32 *status = reg32(m, VTD_GSTS), changed = (*status ^ cmd) & GCMD_STICKY;

	if (cmd & changed & GCMD_TE)	/* 6.6: entries cached from an old table are gone */
		assert_false(!m->root || m->context_stale || m->iotlb_stale);
	if (cmd & changed & GCMD_IRE)
		assert_false(!m->irta || m->irq_stale);
	if (cmd & changed & GCMD_QIE) {
		assert_int_equal(*reg64(m, VTD_IQT), 0);
		*reg64(m, VTD_IQH) = 0;
	}
	assert_true(__builtin_popcount(changed) +
		    __builtin_popcount(cmd & (GCMD_SRTP | GCMD_SIRTP | GCMD_WBF)) <= 1);
	*status = (*status & ~(u32)GCMD_STICKY) | (cmd & GCMD_STICKY);
}

static void invalidate_context(struct model *m, u64 lo)
{
	unsigned int g = lo >> 4 & 3;

	if (g == 1)
		m->context_stale = false;
	for (unsigned int i = 0; i < CACHE; i++)
		if (g == 1 ||
		    (g == 3 && m->context[i].domain == (u16)(lo >> 16) && m->context[i].sid == (u16)(lo >> 32)))
			m->context[i].valid = false;
}

static void invalidate_iotlb(struct model *m, u64 lo, u64 hi)
{
	u64 cap = *reg64(m, VTD_CAP), gfn = hi >> 12, n = BIT(hi & 63);
	unsigned int g = lo >> 4 & 3;

	if (g == 3)
		assert_true(cap & CAP_PSI && (hi & 63) <= CAP_MAMV(cap) && !(gfn & (n - 1)) && !(hi & 0xfc0));
	else
		assert_int_equal(hi, 0);
	m->by_frames += g == 3;

	assert_int_equal(lo >> 6 & 3, 3); /* the model can drain */
	if (g == 1)
		m->iotlb_stale = m->context_stale;
	for (unsigned int i = 0; i < CACHE; i++)
		if (g == 1 || (m->iotlb[i].domain == (u16)(lo >> 16) &&
			       (g == 2 || (m->iotlb[i].gfn < gfn + n && gfn < m->iotlb[i].gfn + m->iotlb[i].n))))
			m->iotlb[i].valid = false;
}

static void execute(struct model *m)
{
	const struct vtd_entry *queue = pa_to_virt(*reg64(m, VTD_IQA) & PAGE_MASK);
	struct vtd_entry e = queue[*reg64(m, VTD_IQH) / 16];

	assert_int_equal(*reg64(m, VTD_IQA) & 0xfff, 0); /* one page of 16-byte descriptors */
	assert_true(*reg64(m, VTD_IQT) < PAGE_SIZE && !(*reg64(m, VTD_IQT) & 15));
	switch (e.lo & 15) {
	case 1:
		invalidate_context(m, e.lo);
		break;
	case 2:
		invalidate_iotlb(m, e.lo, e.hi);
		break;
	case 4:
		if (!(e.lo & BIT(4)))
			m->irq_stale = false;
		for (unsigned int i = 0; i < CACHE; i++)
			if (!(e.lo & BIT(4)) || m->irq[i].index == (u16)(e.lo >> 32))
				m->irq[i].valid = false;
		break;
	case 5:
		assert_int_equal(e.lo & 0x70, 0x20);
		*(u32 *)pa_to_virt(e.hi) = e.lo >> 32;
		break;
	default:
		fail_msg("descriptor %#lx", e.lo);
	}
	m->executed++;
	*reg64(m, VTD_IQH) = (*reg64(m, VTD_IQH) + 16) % PAGE_SIZE;
}

/* Fault records and the overflow bit go when a 1 is written to them. */
static void clear_faults(struct model *m)
{
	u32 *status = reg32(m, VTD_FSTS);
	bool pending = false;

	for (unsigned int i = 0; i < CAP_NFR(*reg64(m, VTD_CAP)); i++) {
		u32 *top = reg32(m, CAP_FRO(*reg64(m, VTD_CAP)) + i * 16 + 12);

		if (*top == BIT(31))
			*top = 0;
		pending |= *top >> 31;
	}
	if (*status == FSTS_PFO)
		*status = 0;
	*status = (*status & ~(u32)FSTS_PPF) | (pending ? FSTS_PPF : 0);
}

static void work(struct model *m)
{
	u32 cmd = *reg32(m, VTD_GCMD);

	clear_faults(m);
	if (m->stuck)
		return;
	if (cmd != IDLE) {
		sticky(m, cmd);
		one_shot(m, cmd);
		*reg32(m, VTD_GCMD) = IDLE;
	}
	*reg32(m, VTD_PMEN) &= *reg32(m, VTD_PMEN) & BIT(31) ? ~0u : ~1u;
	if (*reg32(m, VTD_GSTS) & GCMD_QIE && *reg64(m, VTD_IQH) != *reg64(m, VTD_IQT))
		execute(m);
}

/* --- Devices --- */

static bool cached_context(struct model *m, u16 sid, u16 *domain, u64 *table)
{
	const struct vtd_entry *e;
	unsigned int i;

	for (i = 0; i < CACHE; i++)
		if (m->context[i].valid && m->context[i].sid == sid) {
			*domain = m->context[i].domain;
			*table = m->context[i].table;
			return true;
		}
	e = &((struct vtd_entry *)pa_to_virt(m->root))[sid >> 8];
	if (!(e->lo & ENTRY_P))
		return false;
	e = &((struct vtd_entry *)pa_to_virt(e->lo & PAGE_MASK))[sid & 0xff];
	if (!(e->lo & ENTRY_P))
		return false;
	assert_int_equal(e->lo & 0xfff, ENTRY_P);
	assert_int_equal(e->hi & 7, iommu_caps.levels - 2);
	i = any(CACHE);
	m->context[i].valid = true;
	m->context[i].sid = sid;
	m->context[i].domain = *domain = (u16)(e->hi >> 8);
	m->context[i].table = *table = e->lo & PAGE_MASK;
	return true;
}

/* Walks the tables and records the way. Returns -1 if nothing is mapped. */
static int walk(struct model *m, u16 domain, u64 table, u64 gfn)
{
	unsigned int i = any(CACHE);

	m->iotlb[i].valid = false;
	memset(m->iotlb[i].table, 0, sizeof(m->iotlb[i].table));
	for (unsigned int level = iommu_caps.levels; level; level--) {
		u64 e = ((u64 *)pa_to_virt(table))[gfn >> 9 * (level - 1) & 511];

		m->iotlb[i].table[level - 1] = PFN_DOWN(table);
		if (!(e & 3))
			return -1;
		/* no reserved bit and no type */
		assert_int_equal(e & ~(0xfffffffff000ull | SS_READ | SS_WRITE | SS_PAGE), 0);
		table = e & 0xfffffffff000ull;
		if (level > 1 && !(e & SS_PAGE))
			continue;
		m->iotlb[i].n = BIT(9 * (level - 1));
		m->iotlb[i].mfn = PFN_DOWN(table);
		if (level > 1 && any(2)) { /* part of a superpage */
			m->iotlb[i].mfn += gfn & (m->iotlb[i].n - 1);
			m->iotlb[i].n = 1;
		}
		m->iotlb[i].gfn = gfn & ~(m->iotlb[i].n - 1);
		m->iotlb[i].read = e & SS_READ;
		m->iotlb[i].write = e & SS_WRITE;
		m->iotlb[i].domain = domain;
		m->iotlb[i].valid = true;
		return (int)i;
	}
	return -1;
}

/* One DMA access. Returns the frame, or INVALID_MFN if it is blocked. */
static mfn_t dma(unsigned int dev, u64 gfn, bool write)
{
	struct model *m = &hw[unit_of[dev]];
	int found = -1;
	u16 domain;
	u64 table;

	m->accesses++;
	assert_true(*reg32(m, VTD_GSTS) & GCMD_TE);
	if (!cached_context(m, (u16)sbdfs[dev], &domain, &table))
		return INVALID_MFN;
	for (int i = 0; i < CACHE; i++)
		if (m->iotlb[i].valid && m->iotlb[i].domain == domain && gfn - m->iotlb[i].gfn < m->iotlb[i].n)
			found = i;
	if (found < 0)
		found = walk(m, domain, table, gfn);
	if (found < 0 || !(write ? m->iotlb[found].write : m->iotlb[found].read))
		return INVALID_MFN;
	return m->iotlb[found].mfn + gfn - m->iotlb[found].gfn;
}

static u64 any_gfn(void)
{
	return any(3) ? any(GFNS) : SUPER + any(2) * 512 + any(512);
}

static void devices_run(void)
{
	for (unsigned int n = 0; n < 6 && !asleep; n++) {
		unsigned int dev = any(DEVICES);
		mfn_t mfn = dma(dev, any_gfn(), any(2));
		u16 of = mfn == INVALID_MFN ? 0 : mfn_to_page(mfn)->owner;

		if (mfn == INVALID_MFN) {
			blocked++;
			continue;
		}
		hits++;
		if (!mfn_to_page(mfn)->ref)
			fail_msg("device %u reaches frame %#lx, which is free", dev, mfn);
		if (!(owner[dev] && owner[dev]->id == of) && !(owner_before[dev] && owner_before[dev]->id == of))
			fail_msg("device %u reaches frame %#lx of d%u", dev, mfn, of);
	}
}

/* All waiting in the code calls this. */
void fake_cpu_relax(void)
{
	for (unsigned int i = 0; i < UNITS; i++) {
		devices_run();
		work(&hw[i]);
	}
	devices_run();
}

static void check_free(mfn_t mfn, u64 n)
{
	devices_run();
	for (unsigned int u = 0; u < UNITS; u++)
		for (unsigned int i = 0; i < CACHE; i++) {
			checks++;
			if (hw[u].context[i].valid && PFN_DOWN(hw[u].context[i].table) - mfn < n)
				fail_msg("table %#lx is freed, unit %u has it in its context cache", mfn, u);
			if (!hw[u].iotlb[i].valid)
				continue;
			if (mfn < hw[u].iotlb[i].mfn + hw[u].iotlb[i].n && hw[u].iotlb[i].mfn < mfn + n)
				fail_msg("frame %#lx is freed, unit %u can still reach it", mfn, u);
			for (unsigned int j = 0; j < 4; j++)
				if (hw[u].iotlb[i].table[j] && hw[u].iotlb[i].table[j] - mfn < n)
					fail_msg("table %#lx is freed, unit %u can still walk it", mfn, u);
		}
}

/* --- The machine around it --- */

void *map_mmio(paddr_t pa, size_t len)
{
	assert_true(pa == BASE(0) || pa == BASE(1));
	return hw[(pa - BASE(0)) / PAGE_SIZE].reg;
}

int acpi_find(const char *sig, unsigned int n, const struct acpi_table **t)
{
	assert_string_equal(sig, "DMAR");
	assert_int_equal(n, 0);
	*t = firmware_rc ? NULL : (const void *)firmware;
	return firmware_rc;
}

u32 pci_conf_read(u32 sbdf, unsigned int reg, unsigned int size)
{
	if (reg == PCI_VENDOR_ID)	/* the reserved region's devices, but for the third */
		return sbdf == sbdfs[0] || sbdf == PCI_SBDF(0, 3, 0) ? 0x8086 : 0xffff;
	if (sbdf != PCI_SBDF(0, 0, 0x1c << 3))
		return size == 1 ? 0xff : ~0u;
	assert_int_equal(size, 1);
	return reg == PCI_PRIMARY_BUS + 1 ? 3 : reg == PCI_PRIMARY_BUS + 2 ? 5 : 0;
}

const struct ioapic_info *ioapic_of(u32 gsi)
{
	static const struct ioapic_info io[2] = { { .id = 8, .nr_pins = 24 },
						  { .id = 9, .gsi_base = 24, .nr_pins = 24 } };

	return gsi < 48 ? &io[gsi / 24] : NULL;
}

struct irq_desc *irq_alloc(enum irq_kind kind, u32 source, unsigned int cpu, struct irq_user *user)
{
	fault_desc = (struct irq_desc){ .kind = kind, .vector = 0x31, .user = user };
	return &fault_desc;
}

void irq_msi_message(const struct irq_desc *desc, u64 *addr, u32 *data)
{
	*addr = 0x1fee01000;
	*data = desc->vector;
}

void iommu_fault(u32 sbdf, u64 addr, bool write, const char *reason)
{
	assert_true(nr_faults < ARRAY_LEN(faults));
	faults[nr_faults].sbdf = sbdf;
	faults[nr_faults].addr = addr;
	faults[nr_faults].write = write;
	faults[nr_faults++].reason = reason;
	clear_faults(&hw[0]);
	clear_faults(&hw[1]);
}

void iommu_add_reserved(u64 first, u64 last, u32 sbdf, unsigned int access)
{
	assert_int_equal(access, 3);
	assert_int_equal(first, 0x7f000000);
	assert_int_equal(last, 0x7f000fff);
	assert_int_equal(sbdf, nr_reserved_seen++ % 2 ? PCI_SBDF(0, 3, 0) : sbdfs[0]);
}

static size_t scope(size_t n, u8 type, u8 id, u8 bus, const char *path, size_t depth)
{
	firmware[n] = type;
	firmware[n + 1] = (u8)(6 + 2 * depth);
	firmware[n + 4] = id;
	firmware[n + 5] = bus;
	memcpy(firmware + n + 6, path, 2 * depth);
	return n + 6 + 2 * depth;
}

static size_t entry(size_t n, u16 type, u8 flags, u64 base)
{
	memcpy(firmware + n, &type, 2);
	firmware[n + 4] = flags;
	memcpy(firmware + n + 8, &base, 8);
	return n + 16;
}

static void make_dmar(void)
{
	size_t at = 48, n;
	u64 last = 0x7f000fff;

	memset(firmware, 0, sizeof(firmware));
	firmware[37] = 1;
	n = entry(at, 0, 0, BASE(0));
	n = scope(n, DMAR_SCOPE_ENDPOINT, 0, 0, "\2\0", 1);
	n = scope(n, DMAR_SCOPE_BRIDGE, 0, 0, "\x1c\0", 1);
	n = scope(n, DMAR_SCOPE_IOAPIC, 9, 0xf1, "\x1f\7", 1);
	firmware[at + 2] = (u8)(n - at);
	at = n;
	n = entry(at, 0, 1, BASE(1));
	n = scope(n, DMAR_SCOPE_IOAPIC, 8, 0xf0, "\x1e\0", 1);
	firmware[at + 2] = (u8)(n - at);
	at = n;
	n = entry(at, 1, 0, 0x7f000000);
	memcpy(firmware + n, &last, 8);
	n = scope(n + 8, DMAR_SCOPE_ENDPOINT, 0, 0, "\2\0", 1);
	n = scope(n, DMAR_SCOPE_ENDPOINT, 0, 0, "\x1c\0\0\0", 2);
	n = scope(n, DMAR_SCOPE_ENDPOINT, 0, 0, "\x1f\2", 1);
	firmware[at + 2] = (u8)(n - at);
	acpi = (struct acpi_info){ .nr_cpus = FAKE_CPUS };
	firmware[4] = (u8)n; /* the length */
}

#define CAPS (2 | CAP_RWBF | CAP_PMR | CAP_39_BIT | CAP_48_BIT | 0x20ull << 24 | CAP_2M | \
	      3ull << 40 | \
	      CAP_DRAIN_WRITE | CAP_DRAIN_READ)
#define ECAPS (ECAP_C | ECAP_QI | ECAP_IR | ECAP_EIM)

static void power_on(void)
{
	memset(hw, 0, sizeof(hw));
	memset(irt_used, 0, sizeof(irt_used));
	nr_segments = 0;
	memset(owner, 0, sizeof(owner));
	memset(owner_before, 0, sizeof(owner_before));
	nr_faults = nr_reserved_seen = 0;
	asleep = true;
	iommu_ops = &vtd_ops;
	patience = 100000;
	iommu_caps = (struct iommu_caps){ 0 };
	cpu_features = (struct cpu_features){ 0 };
	make_dmar();
	for (unsigned int i = 0; i < UNITS; i++) {
		*reg64(&hw[i], VTD_CAP) = CAPS | (i ? 0 : CAP_PSI | 9ull << 48);
		*reg64(&hw[i], VTD_ECAP) = ECAPS;
		*reg32(&hw[i], VTD_GCMD) = IDLE;
		*reg32(&hw[i], VTD_GSTS) = (u32)(GCMD_TE | BIT(23)); /* left on by firmware */
		*reg32(&hw[i], VTD_PMEN) = BIT(31) | 1;
	}
}

static void start(void)
{
	power_on();
	p2m_format = &nested;
	assert_int_equal(vtd_ops.probe(), 0);
	assert_int_equal(vtd_ops.init(), 0);
	for (domid_t id = 0; id < DOMAINS; id++) {
		domains[id] = fake_domain(id, 1);
		domains[id]->max_pages = 1 << 16;
		if (!domains[id]->p2m.arch.iommu_root)
			domains[id]->p2m.arch.iommu_root = alloc_page();
		domains[id]->p2m.arch.iommu_id = id + 1;
	}
	fake_run_on(0, domains[0]->vcpu[0]);
	fake_on_free = check_free;
}

/* --- Tests --- */

static void starts_in_order(void **state)
{
	start(); /* the model checks each step */
	assert_int_equal(nr_reserved_seen, 2);
	assert_int_equal(iommu_caps.levels, 4);
	assert_int_equal(iommu_caps.format.max_order, 9);
	assert_int_equal(iommu_caps.nr_ids, 256);
	assert_int_equal(iommu_caps.nr_units, UNITS);
	assert_true(iommu_caps.irq_remap && !iommu_caps.wide_dest && !iommu_caps.caches_holes &&
		    !iommu_caps.posted);
	for (unsigned int i = 0; i < UNITS; i++) {
		assert_int_equal(*reg32(&hw[i], VTD_GSTS) & (GCMD_STICKY | BIT(23)), GCMD_STICKY | BIT(23));
		assert_int_equal(*reg32(&hw[i], VTD_PMEN), 0);
		assert_int_equal(*reg32(&hw[i], VTD_FECTL), FECTL_IM);
		assert_int_equal(hw[i].root, virt_to_pa(segments[0].root));
		assert_int_equal(hw[i].irta, virt_to_pa(segments[0].irt) | 9); /* 1024 entries */
		assert_true(hw[i].buffer_flushes >= 3);
	}
	for (unsigned int dev = 0; dev < DEVICES; dev++)
		assert_int_equal(dma(dev, 0, false), INVALID_MFN);
}

static void capabilities_are_what_all_have(void **state)
{
	power_on();
	*reg64(&hw[1], VTD_CAP) = (CAPS & ~(CAP_48_BIT | CAP_2M)) | CAP_CM | CAP_PI;
	*reg64(&hw[1], VTD_ECAP) = ECAP_QI | ECAP_IR;
	cpu_features.x2apic = true;
	assert_int_equal(vtd_ops.probe(), 0);
	assert_int_equal(iommu_caps.levels, 3);
	assert_int_equal(iommu_caps.format.max_order, 0);
	assert_true(!iommu_caps.irq_remap && !iommu_caps.wide_dest && iommu_caps.caches_holes &&
		    !iommu_caps.posted);
	assert_true(iommu_caps.format.noncoherent);
	*reg64(&hw[1], VTD_CAP) = CAPS | CAP_1G;
	*reg64(&hw[1], VTD_ECAP) = ECAPS;
	assert_int_equal(vtd_ops.probe(), 0);
	assert_true(iommu_caps.irq_remap && iommu_caps.wide_dest);
	*reg64(&hw[0], VTD_ECAP) = ECAPS | ECAP_SC;
	assert_int_equal(vtd_ops.probe(), 0);
	assert_int_equal(iommu_caps.format.leaf[P2M_RAM] & SS_SNP, 0);
	*reg64(&hw[1], VTD_ECAP) = ECAPS | ECAP_SC;
	assert_int_equal(vtd_ops.probe(), 0);
	for (unsigned int t = 0; t < ARRAY_SIZE(iommu_caps.format.leaf); t++)
		assert_int_equal(!iommu_caps.format.leaf[t], !(iommu_caps.format.leaf[t] & SS_SNP));
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(!i, !(iommu_caps.format.reserved[i] & SS_SNP));
	firmware[37] = 0; /* firmware's flag: no interrupt remapping */
	assert_int_equal(vtd_ops.probe(), 0);
	assert_false(iommu_caps.irq_remap || iommu_caps.wide_dest);
}

static void what_cannot_work_is_refused(void **state)
{
	power_on();
	*reg64(&hw[1], VTD_ECAP) = ECAP_C | ECAP_IR;
	assert_int_equal(vtd_ops.probe(), -EINVAL);
	assert_non_null(strstr(fake_last_message, "0xfed91000 has no queued invalidation"));
	*reg64(&hw[1], VTD_CAP) = *reg64(&hw[1], VTD_ECAP) = ~0ull;
	assert_int_equal(vtd_ops.probe(), -EINVAL);
	assert_non_null(strstr(fake_last_message, "does not answer"));
	*reg64(&hw[1], VTD_CAP) = CAPS & ~(CAP_39_BIT | CAP_48_BIT);
	*reg64(&hw[1], VTD_ECAP) = ECAPS;
	assert_int_equal(vtd_ops.probe(), -EINVAL);
	firmware[50] = 5;
	assert_int_equal(vtd_ops.probe(), -EINVAL);
	assert_non_null(strstr(fake_last_message, "at offset 0x30"));
	for (firmware_rc = -ENODEV; firmware_rc; firmware_rc = firmware_rc == -ENODEV ? -EINVAL : 0)
		assert_int_equal(vtd_ops.probe(), firmware_rc);
}

static void memory_is_missing(void **state)
{
	int rc;

	FAKE_EACH_FAILURE(n) {
		fake_reset();
		power_on();
		assert_int_equal(vtd_ops.probe(), 0);
		fake_fail_nth(n);
		rc = vtd_ops.init();
		assert_int_equal(rc, fake_failure_happened() ? -ENOMEM : 0);
		if (fake_failure_happened())	/* nothing was switched on */
			assert_int_equal(*reg32(&hw[0], VTD_GCMD), IDLE);
	}
	fake_fail_nth(0);
	fake_reset();
	start();
	fake_fail_nth(1);
	assert_int_equal(vtd_ops.attach(sbdfs[0], domains[1]), -ENOMEM);
	assert_int_equal(dma(0, 0, false), INVALID_MFN);
}

static void set(struct domain *d, gfn_t gfn, unsigned int order, bool ram)
{
	struct page_info *pg = ram ? alloc_domain_pages(d, order) : NULL;

	p2m_write_lock(&d->p2m);
	for (u64 i = 0; order && i < BIT(order); i++)	/* superpages cannot replace small pages */
		assert_int_equal(p2m_set(d, gfn + i, INVALID_MFN, 0, P2M_HOLE), 0);
	assert_int_equal(p2m_set(d, gfn, pg ? page_to_mfn(pg) : INVALID_MFN, order,
				 pg ? P2M_RAM : P2M_HOLE), 0);
	p2m_write_unlock(d);
}

static void attach(unsigned int dev, struct domain *d)
{
	owner_before[dev] = owner[dev];
	owner[dev] = d;
	assert_int_equal(vtd_ops.attach(sbdfs[dev], d), 0);
	owner_before[dev] = NULL;
	devices_run();
}

static void each_device_reaches_its_domain(void **state)
{
	start();
	for (unsigned int i = 0; i < DOMAINS; i++)
		set(domains[i], 5, 0, true);
	for (unsigned int dev = 0; dev < DEVICES; dev++)
		for (unsigned int i = 0; i <= DOMAINS; i++) {
			attach(dev, i < DOMAINS ? domains[i] : NULL);
			assert_int_equal(dma(dev, 5, true),
					 i < DOMAINS ? p2m_get(domains[i], 5, &(enum p2m_type){ 0 }, NULL) : INVALID_MFN);
			assert_int_equal(dma(dev, 6, false), INVALID_MFN);
			for (unsigned int j = 0; j < CACHE; j++)
				assert_false(hw[unit_of[dev]].iotlb[j].valid && hw[unit_of[dev]].iotlb[j].domain == i);
		}
	/* A device without a domain reports no more faults. */
	assert_int_equal(context_of(&segments[0], sbdfs[0])->lo, ENTRY_FPD);
	assert_int_equal(vtd_ops.attach(PCI_SBDF(1, 0, 0), domains[0]), -ENOENT);
	p2m_write_lock(&domains[0]->p2m);
	assert_int_equal(p2m_set(domains[0], 6, 300, 0, P2M_MMIO), 0); /* not for other devices */
	p2m_write_unlock(domains[0]);
	attach(0, domains[0]);
	assert_int_equal(dma(0, 6, false), INVALID_MFN);
}

/*
 * Frame 300 is reserved memory, which firmware lets devices read, write, both, or neither. CPUs see
 * no difference.
 */
static void reserved_memory_is_used_as_told(void **state)
{
	enum p2m_type t;

	start();
	attach(0, domains[0]);
	for (unsigned int access = 0; access <= 3; access++) {
		p2m_write_lock(&domains[0]->p2m);
		assert_int_equal(p2m_set_reserved(domains[0], 5, 300, access), 0);
		p2m_write_unlock(domains[0]);
		assert_int_equal(p2m_get(domains[0], 5, &t, NULL), 300);
		assert_int_equal(t, P2M_RESERVED);
		assert_int_equal(dma(0, 5, false), access & 1 ? 300 : INVALID_MFN);
		assert_int_equal(dma(0, 5, true), access & 2 ? 300 : INVALID_MFN);
	}
}

/* A unit that can forgets only what changed, as long as that lies close together. */
static void only_what_changed_is_forgotten(void **state)
{
	struct domain *d;
	mfn_t mfn;

	start();
	d = domains[1];
	for (gfn_t gfn = 0; gfn < 8; gfn++)
		set(d, gfn, 0, true);
	set(d, SUPER, 0, true);
	attach(0, d);
	assert_int_equal(hw[0].by_frames, 0);
	mfn = dma(0, 7, false);
	for (unsigned int i = 0; i < CACHE; i++)
		if (hw[0].iotlb[i].valid)
			hw[0].iotlb[i].mfn ^= 1; /* to see whether it is still in use */
	set(d, 2, 0, false);
	assert_int_equal(dma(0, 7, false), mfn ^ 1);
	assert_int_equal(hw[0].by_frames, 1);
	assert_int_not_equal(dma(0, 4, false), INVALID_MFN);
	p2m_write_lock(&d->p2m);
	assert_int_equal(p2m_set(d, 4, INVALID_MFN, 0, P2M_HOLE), 0);
	assert_int_equal(p2m_set(d, 3, INVALID_MFN, 0, P2M_HOLE), 0); /* the block is 0 to 7 */
	p2m_write_unlock(d);
	assert_int_equal(dma(0, 4, false), INVALID_MFN);
	assert_int_equal(dma(0, 7, false), mfn);
	assert_int_equal(hw[0].by_frames, 2);
	p2m_write_lock(&d->p2m);
	assert_int_equal(p2m_set(d, 5, INVALID_MFN, 0, P2M_HOLE), 0);
	assert_int_equal(p2m_set(d, SUPER, INVALID_MFN, 0, P2M_HOLE), 0); /* too far away */
	p2m_write_unlock(d);
	assert_int_equal(hw[0].by_frames, 2);
	assert_int_equal(hw[1].by_frames, 0);
	/* A superpage goes at once: the unit has some of its pages. */
	set(d, SUPER + 512, 9, true);
	for (gfn_t gfn = 1; gfn < 32; gfn++)
		assert_int_not_equal(dma(0, SUPER + 512 + gfn, false), INVALID_MFN);
	p2m_write_lock(&d->p2m);
	assert_int_equal(p2m_set(d, SUPER + 512, INVALID_MFN, 9, P2M_HOLE), 0);
	p2m_write_unlock(d);
	for (gfn_t gfn = 1; gfn < 32; gfn++)
		assert_int_equal(dma(0, SUPER + 512 + gfn, false), INVALID_MFN);
}

static void random_step(void)
{
	struct domain *d = domains[any(DOMAINS)];

	switch (any(8)) {
	case 0:
		attach(any(DEVICES), any(4) ? d : NULL);
		break;
	case 1:
		set(d, SUPER + any(2) * 512, 9, any(2));
		break;
	case 2:
		set(d, SUPER + any(1024), 0, false);
		break;
	default:
		set(d, any(GFNS), 0, any(3));
	}
	devices_run();
	assert_int_equal(fake_locks_held(), 0);
}

/* Each domain loses its devices, then its memory: no device walks its tables any more. */
static void domains_end(void)
{
	for (unsigned int dev = 0; dev < DEVICES; dev++)
		attach(dev, NULL);
	for (unsigned int i = 0; i < DOMAINS; i++) {
		while (p2m_teardown_step(domains[i]) == -ERESTART)
			devices_run();
		p2m_free(domains[i]);
	}
}

static void nothing_is_freed_too_early(void **state)
{
	for (unsigned int seed = 1; seed <= 6; seed++) {
		fake_reset();
		srand(seed);
		start();
		asleep = false;
		for (unsigned int i = 0; i < 500; i++)
			random_step();
		domains_end();
		/* The queue of 256 descriptors wrapped around. */
		assert_true(hw[0].executed > 512 && hw[1].executed > 512);
		assert_true(hw[0].by_frames > 50 && !hw[1].by_frames);
	}
	assert_true(checks > 50000 && hits > 10000 && blocked > 10000);
}

/* --- The ways in which a guest loses a page --- */

void *grant_table_frame(struct domain *d, unsigned int idx) { return NULL; }
void grant_table_mapped(struct domain *d, unsigned int idx, gfn_t gfn) { }

static long by_decrease(gfn_t gfn)
{
	u64 gfns[1] = { gfn };
	struct xen_memory_reservation r = { .extent_start = (u64)gfns, .nr_extents = 1,
					    .domid = DOMID_SELF };

	return do_memory_op(XENMEM_decrease_reservation, (u64)&r, 0, 0, 0) - 1;
}

static long by_remove(gfn_t gfn)
{
	struct xen_remove_from_physmap op = { .domid = DOMID_SELF, .gpfn = gfn };

	return do_memory_op(XENMEM_remove_from_physmap, (u64)&op, 0, 0, 0);
}

/* Another page of the domain, or a page that Keel shares with it, is mapped there. */
static long by_page_over_it(gfn_t gfn)
{
	struct xen_add_to_physmap op = { .domid = DOMID_SELF, .space = XENMAPSPACE_gmfn, .idx = GFNS - 1,
					 .gpfn = gfn };

	set(current->domain, GFNS - 1, 0, true);
	return do_memory_op(XENMEM_add_to_physmap, (u64)&op, 0, 0, 0);
}

static long by_shared_info(gfn_t gfn)
{
	struct xen_add_to_physmap op = { .domid = DOMID_SELF, .space = XENMAPSPACE_shared_info,
					 .gpfn = gfn };

	return do_memory_op(XENMEM_add_to_physmap, (u64)&op, 0, 0, 0);
}

static long by_teardown(gfn_t gfn)
{
	struct domain *d = current->domain;
	int rc;

	do
		rc = p2m_teardown_step(d);
	while (rc == -ERESTART);
	return rc;
}

/*
 * A device has the page in the unit's cache: check_free() must see the frame freed after the flush,
 * not before.
 */
static void a_page_leaves_a_guest_with_a_device(void **state)
{
	static long (*const ways[])(gfn_t) = { by_decrease, by_remove, by_page_over_it, by_shared_info,
					       by_teardown };

	for (unsigned int i = 0; i < ARRAY_LEN(ways); i++) {
		unsigned long before;
		u64 frames;

		fake_reset();
		start();
		asleep = false;
		set(domains[1], 5, 0, true);
		attach(0, domains[1]);
		fake_run_on(0, domains[1]->vcpu[0]);
		for (unsigned int n = 0; n < 4; n++)
			assert_int_not_equal(dma(0, 5, true), INVALID_MFN);
		before = checks;
		frames = heap_free_pages();
		assert_int_equal(ways[i](5), 0);
		assert_true(checks > before);
		assert_true(heap_free_pages() >= frames + (ways[i] != by_page_over_it));
		if (ways[i] != by_page_over_it)
			assert_int_equal(dma(0, 5, true), INVALID_MFN);
	}
}

static void a_unit_that_does_not_answer(void **state)
{
	start();
	hw[1].stuck = true;
	domains[1]->p2m.arch.stale_end = 1;
	assert_true(FAKE_PANICS(vtd_ops.flush(domains[1])));
	assert_non_null(strstr(fake_panic_message, "0xfed91000: the flush of a domain's translations"));
	assert_int_equal(fake_locks_held(), 0);
	power_on();
	assert_int_equal(vtd_ops.probe(), 0);
	hw[0].stuck = true;
	assert_true(FAKE_PANICS(vtd_ops.init()));
	assert_non_null(strstr(fake_panic_message, "0xfed90000: switching translation off"));
}

/* --- Interrupts --- */

/*
 * The source sends the message. Returns what arrives, as destination << 8 | vector; 0 is a fault.
 */
static u32 interrupt(unsigned int unit, u16 sid, u64 addr)
{
	u16 index = (u16)((addr >> 5 & 0x7fff) | (addr >> 2 & 1) << 15);
	struct model *m = &hw[unit];
	unsigned int i;

	assert_int_equal(addr & ~0xfffe4ull, 0xfee00010);
	for (i = 0; i < CACHE && !(m->irq[i].valid && m->irq[i].index == index); i++)
		;
	if (i == CACHE) {
		i = any(CACHE);
		m->irq[i].index = index;
		m->irq[i].e = ((struct vtd_entry *)pa_to_virt(m->irta & PAGE_MASK))[index];
		m->irq[i].valid = m->irq[i].e.lo & ENTRY_P;
	}
	if (!m->irq[i].valid)
		return 0;
	assert_true(m->irq[i].e.hi >> 16 == 4 || m->irq[i].e.hi >> 16 == 7); /* SVT 1, SQ 0 or 3 */
	if ((u16)m->irq[i].e.hi != sid && (m->irq[i].e.hi >> 16 == 4 || ((m->irq[i].e.hi ^ sid) & 0xfff8)))
		return 0;
	return (u32)(m->irq[i].e.lo >> 40) << 8 | (u8)(m->irq[i].e.lo >> 16);
}

static void messages_go_where_they_should(void **state)
{
	struct irq_desc a = { .kind = IRQ_MSI, .source = sbdfs[2], .vector = 0x55, .cpu = 1 }, b = a;
	u64 addr_a, addr_b;
	u32 data, to = x86_pcpu(pcpus[1])->apic_id << 8 | 0x55;

	start();
	b.vector = 0x66;
	assert_int_equal(vtd_ops.irq_map(&b), 0);
	assert_int_equal(vtd_ops.irq_map(&a), 0);
	assert_true(a.remapped && b.remapped && a.remap != b.remap);
	vtd_ops.irq_message(&a, &addr_a, &data);
	assert_int_equal(data, 0);
	vtd_ops.irq_message(&b, &addr_b, &data);
	for (unsigned int unit = 0; unit < UNITS; unit++) {
		assert_int_equal(interrupt(unit, (u16)sbdfs[2], addr_a), to);
		assert_int_equal(interrupt(unit, (u16)sbdfs[2], addr_b) & 0xff, 0x66);
		assert_int_equal(interrupt(unit, (u16)sbdfs[3], addr_a), 0); /* sent by another device */
	}
	a.vector = 0x57;
	a.cpu = 3;
	assert_int_equal(vtd_ops.irq_map(&a), 0);
	for (unsigned int unit = 0; unit < UNITS; unit++)
		assert_int_equal(interrupt(unit, (u16)sbdfs[2], addr_a), x86_pcpu(pcpus[3])->apic_id << 8 | 0x57);
	vtd_ops.irq_unmap(&a);
	assert_false(a.remapped);
	for (unsigned int unit = 0; unit < UNITS; unit++) {
		assert_int_equal(interrupt(unit, (u16)sbdfs[2], addr_a), 0);
		assert_int_equal(interrupt(unit, (u16)sbdfs[2], addr_b) & 0xff, 0x66);
	}
	vtd_ops.irq_unmap(&a); /* a second call does nothing */
	/* A device that uses two functions' ids, and no other's. */
	a.kind = IRQ_MSI_SLOT;
	assert_int_equal(vtd_ops.irq_map(&a), 0);
	vtd_ops.irq_message(&a, &addr_a, &data);
	assert_int_equal(interrupt(1, (u16)sbdfs[2], addr_a) & 0xff, 0x57);
	assert_int_equal(interrupt(1, (u16)sbdfs[2] + 1, addr_a) & 0xff, 0x57);
	assert_int_equal(interrupt(1, (u16)sbdfs[2] + 8, addr_a), 0);
	vtd_ops.irq_unmap(&a);
	a.kind = IRQ_MSI;
	b.remapped = false;
	a.source = sbdfs[0];
	assert_int_equal(vtd_ops.irq_map(&a), 0);
	for (unsigned int i = 2; i < 1024; i++) {
		b.remapped = false;
		assert_int_equal(vtd_ops.irq_map(&b), 0);
	}
	b.remapped = false;
	assert_int_equal(vtd_ops.irq_map(&b), -ENOSPC);
}

static void pins_go_where_they_should(void **state)
{
	struct irq_desc a = { .kind = IRQ_GSI, .gsi = 3, .vector = 0x71, .cpu = 2, .level = true };
	u64 rte;

	start();
	assert_int_equal(vtd_ops.irq_map(&a), 0);
	assert_int_equal(segments[0].irt[a.remap].hi, BIT(18) | 0xf0f0);
	assert_int_equal(segments[0].irt[a.remap].lo,
			 BIT(0) | BIT(4) | 0x71 << 16 | (u64)x86_pcpu(pcpus[2])->apic_id << 40);
	rte = vtd_ops.irq_redirection(&a);
	assert_int_equal(rte, (u64)a.remap << 49 | BIT(48) | 0x71);
	a.gsi = 30;
	a.kind = IRQ_KEEL;
	assert_int_equal(vtd_ops.irq_map(&a), 0);
	assert_int_equal(segments[0].irt[a.remap].hi, BIT(18) | 0xf1ff);
	a.gsi = 50;
	assert_int_equal(vtd_ops.irq_map(&a), -ENODEV);
}

static void formats(void **state)
{
	struct vtd_entry e = vtd_irte(0x41, 0x12345678, false, true, 0x1234, false);

	assert_int_equal(e.lo, 0x1234567800410001);
	assert_int_equal(e.hi, 0x41234);
	assert_int_equal(vtd_irte(0x41, 0, false, true, 0x1234, true).hi, 0x71234);
	assert_int_equal(vtd_message_address(0x8001), 0xfee00034);
	assert_int_equal(vtd_redirection(0x8001, 0x20), BIT(49) | BIT(48) | BIT(11) | 0x20);
	e = vtd_context(0x12345000, 3, 0xabcd);
	assert_int_equal(e.lo, 0x12345001);
	assert_int_equal(e.hi, 0xabcd01);
	assert_int_equal(vtd_context_domain(e), 0xabcd);
	assert_int_equal(VTD_INV_CONTEXT(0x1234, 0x5678).lo, 0x567812340031);
	assert_int_equal(VTD_INV_CONTEXT_ALL.lo, 0x11);
	assert_int_equal(VTD_INV_IOTLB(CAP_DRAIN_READ, 0x1234).lo, 0x123400a2);
	assert_int_equal(VTD_INV_IOTLB_ALL(0).lo, 0x12);
	assert_int_equal(VTD_INV_IRQ(0x1234).lo, 0x123400000014);
	assert_int_equal(VTD_INV_IRQ_ALL.lo, 4);
	e = VTD_INV_WAIT(0x123456780, 7);
	assert_int_equal(e.lo, 0x700000025);
	assert_int_equal(e.hi, 0x123456780);
}

/* --- Faults --- */

static void record(unsigned int unit, unsigned int i, u16 sid, u64 lo, u8 code, bool read)
{
	u64 *r = reg64(&hw[unit], 0x200 + i * 16);

	r[0] = lo;
	r[1] = BIT(63) | (read ? BIT(62) : 0) | (u64)code << 32 | sid;
	*reg32(&hw[unit], VTD_FSTS) |= FSTS_PPF;
}

/* The second unit is of segment 2: functions there have the numbers of others in segment 0. */
static void segments_are_apart(void **state)
{
	struct irq_desc a = { .kind = IRQ_MSI, .source = PCI_SBDF(2, 0, 3 << 3), .vector = 0x55,
			      .cpu = 1 };
	struct irq_desc pin = { .kind = IRQ_GSI, .gsi = 3, .vector = 0x71, .cpu = 2 };
	struct irq_desc nowhere = { .kind = IRQ_MSI, .source = PCI_SBDF(1, 0, 3 << 3) };
	u64 addr;
	u32 data;

	power_on();
	firmware[48 + firmware[50] + 6] = 2;
	assert_int_equal(vtd_ops.probe(), 0);
	assert_int_equal(vtd_ops.init(), 0);
	assert_int_equal(nr_segments, 2);
	assert_true(hw[0].root != hw[1].root && hw[0].irta != hw[1].irta);
	domains[0] = fake_domain(0, 1);
	domains[0]->max_pages = 1 << 16;
	domains[0]->p2m.arch.iommu_root = alloc_page();
	domains[0]->p2m.arch.iommu_id = 1;
	set(domains[0], 5, 0, true);
	assert_int_equal(vtd_ops.attach(PCI_SBDF(2, 0, 3 << 3), domains[0]), 0);
	assert_true(dma(2, 5, true) != INVALID_MFN);
	assert_int_equal(vtd_ops.attach(PCI_SBDF(2, 0, 3 << 3), NULL), 0);
	assert_int_equal(dma(2, 5, true), INVALID_MFN);
	assert_int_equal(vtd_ops.attach(PCI_SBDF(0, 0, 3 << 3), domains[0]), -ENOENT);
	assert_int_equal(vtd_ops.attach(PCI_SBDF(1, 0, 3 << 3), domains[0]), -ENOENT);
	assert_int_equal(vtd_ops.irq_map(&a), 0);
	assert_int_equal(vtd_ops.irq_map(&pin), 0);
	assert_int_not_equal(pin.remap, a.remap);
	vtd_ops.irq_message(&a, &addr, &data);
	assert_int_equal(interrupt(1, 3 << 3, addr) & 0xff, 0x55);
	assert_int_equal(interrupt(0, 3 << 3, addr), 0);	/* the same number, in the other segment */
	assert_int_equal(segments[1].irt[pin.remap].hi, BIT(18) | 0xf0f0);
	assert_int_equal(segments[0].irt[pin.remap].lo, 0);
	vtd_ops.irq_unmap(&a);
	assert_int_equal(interrupt(1, 3 << 3, addr), 0);
	assert_int_equal(vtd_ops.irq_map(&nowhere), -ENODEV);
	vtd_ops.enable_faults();
	record(1, 0, 3 << 3, 0x1000, 5, false);
	fault_desc.user->handler(fault_desc.user);
	assert_int_equal(faults[0].sbdf, PCI_SBDF(2, 0, 3 << 3));
}

static void faults_are_told(void **state)
{
	start();
	record(1, 0, 1, 0x1000, 5, false); /* before the interrupt is enabled */
	vtd_ops.enable_faults();
	assert_int_equal(nr_faults, 1);
	for (unsigned int i = 0; i < UNITS; i++) {
		assert_int_equal(*reg32(&hw[i], VTD_FECTL), 0);
		assert_int_equal(*reg32(&hw[i], VTD_FEDATA), 0x31);
		assert_int_equal(*reg32(&hw[i], VTD_FEADDR), 0xfee01000);
		assert_int_equal(*reg32(&hw[i], VTD_FEUADDR), 1);
	}
	nr_faults = 0;
	*reg32(&hw[0], VTD_FSTS) = 3 << 8; /* the oldest record is the last; then the index wraps */
	record(0, 3, 0x1234, 0xabcdef123, 6, true);
	record(0, 0, 0x1235, 0xabc000fff, 5, false);
	record(0, 1, 0x1236, 7ull << 48, 0x22, false);
	record(0, 2, 0x1237, 0, 0x7f, false);
	fault_desc.user->handler(fault_desc.user);
	assert_int_equal(nr_faults, 4);
	assert_int_equal(faults[0].sbdf, 0x1234);
	assert_int_equal(faults[0].addr, 0xabcdef000);
	assert_false(faults[0].write);
	assert_string_equal(faults[0].reason, "not readable");
	assert_true(faults[1].write);
	assert_string_equal(faults[1].reason, "not writable");
	assert_int_equal(faults[2].addr, 7);
	assert_string_equal(faults[2].reason, "interrupt: nobody asked for it");
	assert_string_equal(faults[3].reason, "unknown reason");
	assert_int_equal(*reg32(&hw[0], VTD_FSTS) & FSTS_PPF, 0);
}

static void every_code_has_a_reason(void **state)
{
	for (unsigned int code = 0; code < 256; code++) {
		bool known = (code >= 1 && code <= 0xd) || (code >= 0x20 && code <= 0x28);

		assert_int_equal(strcmp(fault_reason((u8)code), "unknown reason") != 0, known);
	}
}

static void lost_faults_do_not_end_it(void **state)
{
	start();
	vtd_ops.enable_faults();
	record(0, 0, 1, 0x1000, 5, false);
	*reg32(&hw[0], VTD_FSTS) |= FSTS_PFO;
	fault_desc.user->handler(fault_desc.user);
	assert_int_equal(nr_faults, 1);
	assert_int_equal(*reg32(&hw[0], VTD_FSTS), FSTS_PFO); /* written; the unit clears it */
	clear_faults(&hw[0]);
	assert_int_equal(*reg32(&hw[0], VTD_FSTS), 0);
	/* There was only one interrupt; the timer finds later faults. */
	record(0, 1, 2, 0x1000, 5, false);
	fake_advance(IOMMU_FAULT_REST_NS);
	assert_int_equal(nr_faults, 2);
	/* Nothing more came, so interrupts are enabled again. */
	fake_advance(10 * IOMMU_FAULT_REST_NS);
	assert_int_equal(*reg32(&hw[0], VTD_FSTS), 0);
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(starts_in_order),
	UNIT_TEST(capabilities_are_what_all_have),
	UNIT_TEST(what_cannot_work_is_refused),
	UNIT_TEST(memory_is_missing),
	UNIT_TEST(each_device_reaches_its_domain),
	UNIT_TEST(reserved_memory_is_used_as_told),
	UNIT_TEST(only_what_changed_is_forgotten), UNIT_TEST(nothing_is_freed_too_early),
	UNIT_TEST(a_page_leaves_a_guest_with_a_device),
	UNIT_TEST(a_unit_that_does_not_answer),
	UNIT_TEST(messages_go_where_they_should),
	UNIT_TEST(pins_go_where_they_should), UNIT_TEST(segments_are_apart),
	UNIT_TEST(formats),
	UNIT_TEST(faults_are_told),
	UNIT_TEST(every_code_has_a_reason),
	UNIT_TEST(lost_faults_do_not_end_it),
};

UNIT_MAIN(tests)

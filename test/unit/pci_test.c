/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SOURCES: arch/x86/pci/vpci.c arch/x86/pci/vpci_dev.c arch/x86/pci/vpci_msi.c
 *	arch/x86/pci/vpci_msix.c arch/x86/hvm/vlapic.c arch/x86/hvm/vlapic_regs.c
 *	arch/x86/hvm/vlapic_timer.c arch/x86/hvm/upcall.c arch/x86/pci/guest_fn.c
 *	arch/x86/pci/guest_bus.c arch/x86/pci/assign.c arch/x86/pci/reset.c
 */
#include "test/abi/refused.h"
#include "test/unit/x86.h"

#include <public/physdev.h>

#include "common/pci.h"
#include "test/unit/pci_machine.h"

/* --- The guest --- */

static struct x86_domain *x;
static struct vcpu *v0;

static int setup(void **state)
{
	fake_reset();
	new_machine();
	x = x86_domain_new(0, 4);
	v0 = x->d.vcpu[0];
	for (unsigned int i = 0; i < 4; i++) {
		vlapic_init(x->d.vcpu[i]);
		apic(x, i)->svr = 0x1ff;
	}
	assert_int_equal(vpci_init(&x->d), 0);
	return 0;
}

static int teardown(void **state)
{
	forget_machine(&x->d);
	fake_rcu_run();
	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		assert_true(!tables[i] || tables[i]->used == 0); /* no vector is lost */
	fake_check_quiet();
	x86_free(x);
	return 0;
}

static u64 ecam(u32 sbdf, unsigned int reg)
{
	return MMCFG + ((u64)(sbdf & 0xffff) << 12) + reg;
}

static u32 get(u32 sbdf, unsigned int reg, unsigned int size)
{
	u64 val = 0;

	assert_true(vpci_config_mmio.match(v0, ecam(sbdf, reg)));
	vpci_config_mmio.read(v0, ecam(sbdf, reg), size, &val);
	return (u32)val;
}

static void put(u32 sbdf, unsigned int reg, unsigned int size, u32 val)
{
	vpci_config_mmio.write(v0, ecam(sbdf, reg), size, val);
}

static bool pending(unsigned int vcpu, u8 vector)
{
	return test_and_clear_bit(vector, apic(x, vcpu)->irr);
}

static void send_msi(u32 sbdf, unsigned int cap, bool wide)
{
	assert_true(pci_conf_read(sbdf, cap + 2, 2) & MSI_CTRL_ENABLE);
	send(v0, pci_conf_read(sbdf, cap + 4, 4), pci_conf_read(sbdf, cap + (wide ? 12 : 8), 2));
}

static void table_write(u64 gpa, unsigned int size, u64 val)
{
	assert_true(vpci_msix_mmio.match(v0, gpa));
	vpci_msix_mmio.write(v0, gpa, size, val);
}

static u64 table_read(u64 gpa, unsigned int size)
{
	u64 val = 0;

	assert_true(vpci_msix_mmio.match(v0, gpa));
	vpci_msix_mmio.read(v0, gpa, size, &val);
	return val;
}

static void set_entry(u64 table, unsigned int i, u32 addr, u32 data, u32 ctrl)
{
	table_write(table + i * 16, 4, addr);
	table_write(table + i * 16 + 4, 4, 0);
	table_write(table + i * 16 + 8, 4, data);
	table_write(table + i * 16 + 12, 4, ctrl);
}

static void scan_finds_functions(void **state)
{
	static const u32 known[] = { NVME, BRIDGE, NIC, PF, PLAIN - 1, PLAIN };

	for (unsigned int i = 0; i < ARRAY_LEN(known); i++)
		assert_non_null(vpci_find(x->vpci, known[i]));
	assert_null(vpci_find(x->vpci, VF(0)));
	/* What firmware left on was switched off. */
	assert_int_equal(pci_conf_read(NVME, 0x42, 2), 7);
	assert_int_equal(pci_conf_read(NVME, 0x52, 2) & MSI_CTRL_ENABLE, 0);
}

static void most_registers_pass_through(void **state)
{
	assert_int_equal(get(NVME, 0, 4), 0x00101b36);
	assert_int_equal(get(NVME, 1, 1), 0x1b);
	assert_int_equal(get(NVME, 1, 2), 0x101b);
	put(NVME, 0x3c, 1, 0x0b);
	assert_int_equal(pci_conf_read(NVME, 0x3c, 1), 0x0b);
	assert_int_equal(get(PCI_SBDF(0, 5, 0), 0, 4), 0xffffffff);
	put(PCI_SBDF(0, 5, 0), 4, 2, 6); /* no such function */
	assert_int_equal(get(NVME, 4094, 4), 0xffffffff); /* crosses the end */
	assert_false(vpci_config_mmio.match(v0, MMCFG + MiB(8)));
	put(NIC, 0xdc, 4, 1); /* mask bits are the device's own */
	assert_int_equal(pci_conf_read(NIC, 0xdc, 4), 1);
	u64 both = 0;

	vpci_config_mmio.read(v0, ecam(NVME, 0), 8, &both);
	assert_int_equal(both, 0x0010000000101b36ull);
}

static void ports(void **state)
{
	assert_int_equal(vpci_port_in(v0, 0xcfc, 4), 0xffffffff); /* not enabled */
	vpci_port_out(v0, 0xcf8, 4, BIT(31) | NVME << 8);
	assert_int_equal(vpci_port_in(v0, 0xcf8, 4), BIT(31) | NVME << 8);
	assert_int_equal(vpci_port_in(v0, 0xcfc, 4), 0x00101b36);
	assert_int_equal(vpci_port_in(v0, 0xcfe, 2), 0x0010);
	assert_int_equal(vpci_port_in(v0, 0xcfd, 1), 0x1b);
	assert_int_equal(vpci_port_in(v0, 0xcfe, 4), 0xffffffff); /* crosses the end of the ports */
	vpci_port_out(v0, 0xcf8, 4, BIT(31) | NVME << 8 | 0x3c);
	vpci_port_out(v0, 0xcfc, 1, 5);
	assert_int_equal(pci_conf_read(NVME, 0x3c, 1), 5);
	vpci_port_out(v0, 0xcf8, 1, 0); /* a byte access there is another register */
	assert_int_equal(vpci_port_in(v0, 0xcfc, 1), 5);
	vpci_port_out(v0, 0xcf8, 4, BIT(31) | BIT(24) | NVME << 8);
	assert_int_equal(vpci_port_in(v0, 0xcfc, 4), 0xffffffff);
}

static void msi(void **state)
{
	put(NVME, 0x54, 4, 0xfee02000); /* vCPU 1 */
	put(NVME, 0x58, 4, 0);
	put(NVME, 0x5c, 2, 0x4041);
	assert_int_equal(pci_conf_read(NVME, 0x54, 4), 0); /* the device does not see it */
	assert_int_equal(get(NVME, 0x52, 2), MSI_CTRL_64); /* one vector, off */
	put(NVME, 0x52, 2, get(NVME, 0x52, 2) | MSI_CTRL_ENABLE | 2 << 4);
	assert_int_equal(get(NVME, 0x52, 2), MSI_CTRL_64 | MSI_CTRL_ENABLE);
	assert_int_equal(get(NVME, 0x54, 4), 0xfee02000);
	assert_int_equal(get(NVME, 0x5c, 2), 0x4041);
	assert_int_equal(pci_conf_read(NVME, 0x52, 2), MSI_CTRL_64 | 2 << 1 | MSI_CTRL_ENABLE);
	send_msi(NVME, 0x50, true);
	assert_true(pending(1, 0x41));
	put(NVME, 0x54, 4, 0xfee06000); /* moves to vCPU 3 */
	send_msi(NVME, 0x50, true);
	assert_true(pending(3, 0x41));
	put(NVME, 0x54, 4, 0x12345000); /* a DMA write, not an interrupt: it is not delivered */
	send_msi(NVME, 0x50, true);
	for (unsigned int i = 0; i < 4; i++)
		assert_false(pending(i, 0x41));
	/* A reset clears the registers; when the guest restores them, they are programmed again. */
	pci_conf_write(NVME, 0x52, 2, 0);
	pci_conf_write(NVME, 0x54, 4, 0);
	put(NVME, 0x54, 4, 0xfee00000);
	put(NVME, 0x50, 4, MSI_CTRL_ENABLE << 16);
	send_msi(NVME, 0x50, true);
	assert_true(pending(0, 0x41));
	put(NVME, 0x52, 1, 0);
	assert_int_equal(pci_conf_read(NVME, 0x52, 2) & MSI_CTRL_ENABLE, 0);
}

static void msi_32_bit_by_bytes(void **state)
{
	for (unsigned int i = 0; i < 4; i++)
		put(NIC, 0xd4 + i, 1, 0xfee04000 >> 8 * i & 0xff);
	put(NIC, 0xd8, 1, 0x33);
	put(NIC, 0xd9, 1, 0x01); /* lowest priority */
	put(NIC, 0xd2, 1, 1);
	send_msi(NIC, 0xd0, false);
	assert_true(pending(2, 0x33));
}

static void decode(bool on)
{
	put(NVME, PCI_COMMAND, 2, on ? 6 : 4);
}

static void msix_table_is_trapped_where_it_is(void **state)
{
	assert_false(vpci_mmio_is_trapped(&x->d, 0x22));
	assert_true(vpci_mmio_is_trapped(&x->d, PFN_DOWN(MMCFG)));
	/* Mapped by a first access, before the BAR was known. */
	p2m_write_lock(&x->d.p2m);
	assert_int_equal(p2m_set(&x->d, 0x22, 0x22, 0, P2M_MMIO), 0);
	assert_int_equal(p2m_set(&x->d, 0x23, 0x23, 0, P2M_MMIO), 0);
	p2m_write_unlock(&x->d);
	decode(true);
	for (gfn_t gfn = 0x20; gfn < 0x24; gfn++) {
		enum p2m_type t;

		assert_int_equal(vpci_mmio_is_trapped(&x->d, gfn), gfn == 0x22);
		p2m_get(&x->d, gfn, &t, NULL);
		assert_int_equal(t, gfn == 0x23 ? P2M_MMIO : P2M_HOLE);
	}
	decode(false);
	assert_false(vpci_mmio_is_trapped(&x->d, 0x22));
	/* The guest sizes the BAR, then moves it. */
	put(NVME, PCI_BAR(0), 4, 0xffffffff);
	assert_int_equal(get(NVME, PCI_BAR(0), 4), 0xffffc004);
	put(NVME, PCI_BAR(0), 4, 0x60000);
	decode(true);
	assert_false(vpci_mmio_is_trapped(&x->d, 0x22));
	assert_true(vpci_mmio_is_trapped(&x->d, 0x62));
	put(NVME, PCI_BAR(0), 4, 0x80000); /* with decoding on */
	assert_true(vpci_mmio_is_trapped(&x->d, 0x82));
	assert_int_equal(mappings, 0); /* no interrupt is set up yet */
}

static void msix(void **state)
{
	decode(true);
	assert_int_equal(get(NVME, 0x42, 2), 7);
	put(NVME, 0x42, 2, MSIX_CTRL_ENABLE | MSIX_CTRL_MASKALL);
	assert_int_equal(pci_conf_read(NVME, 0x42, 2), 7 | MSIX_CTRL_ENABLE | MSIX_CTRL_MASKALL);
	for (unsigned int i = 0; i < 8; i++) {
		assert_int_equal(table_read(0x2200c + i * 16, 4), 1);
		table_write(0x2200c + i * 16, 4, 1); /* as Linux begins */
		assert_int_equal(host_table(0x22000)[i * 4 + 3], 1);
	}
	set_entry(0x22000, 2, 0xfee02000, 0x52, 1);
	assert_int_equal(host_table(0x22000)[2 * 4 + 3], 1);
	assert_int_equal(host_table(0x22000)[2 * 4], 0);
	table_write(0x2202c, 4, 0);
	put(NVME, 0x42, 2, MSIX_CTRL_ENABLE);
	assert_int_equal(get(NVME, 0x42, 2), 7 | MSIX_CTRL_ENABLE);
	assert_int_equal(pci_conf_read(NVME, 0x42, 2), 7 | MSIX_CTRL_ENABLE);
	send_msix(v0, 0x22000, 2);
	assert_true(pending(1, 0x52));
	assert_int_equal(table_read(0x22020, 4), 0xfee02000); /* the guest reads back what it wrote */
	assert_int_equal(table_read(0x22028, 8), 0x52);
	/* Another vCPU, by accesses of 8 bytes. */
	table_write(0x2202c, 4, 1);
	assert_int_equal(host_table(0x22000)[2 * 4 + 3], 1);
	table_write(0x22020, 8, 0xfee06000);
	table_write(0x22028, 8, 0x53);
	send_msix(v0, 0x22000, 2);
	assert_true(pending(3, 0x53));
	/* Accesses that a table does not support. */
	table_write(0x22020, 2, 0);
	table_write(0x22022, 4, 0);
	assert_int_equal(table_read(0x22022, 4) & 0xffffffff, 0xffffffff);
	assert_int_equal(table_read(0x22020, 4), 0xfee06000);
	/* All vectors. */
	for (unsigned int i = 0; i < 8; i++)
		set_entry(0x22000, i, 0xfee00000, 0x60 + i, 0);
	for (unsigned int i = 0; i < 8; i++) {
		send_msix(v0, 0x22000, i);
		assert_true(pending(0, 0x60 + i));
	}
	put(NVME, 0x42, 2, 0);
	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		assert_true(!tables[i] || tables[i]->used == 0);
	assert_int_equal(mappings, 1);
}

static void msix_after_a_function_reset(void **state)
{
	decode(true);
	set_entry(0x22000, 0, 0xfee00000, 0x61, 0); /* before it is enabled: only kept */
	assert_int_equal(host_table(0x22000)[3] & 1, 1);
	put(NVME, 0x42, 2, MSIX_CTRL_ENABLE);
	send_msix(v0, 0x22000, 0);
	assert_true(pending(0, 0x61));
	pci_conf_write(NVME, 0x42, 2, 0);
	memset(device_memory + 0x22000, 0, 128);
	put(NVME, 0x42, 2, MSIX_CTRL_ENABLE | MSIX_CTRL_MASKALL);
	send_msix(v0, 0x22000, 0);
	assert_true(pending(0, 0x61));
	/* The BAR is moved while MSI-X is on. */
	put(NVME, PCI_BAR(0), 4, 0x60000);
	send_msix(v0, 0x62000, 0);
	assert_true(pending(0, 0x61));
}

static void beside_the_table(void **state)
{
	u32 val = 0x11223344;

	set(function(NVME), 0x44, 4, 0x2100, 0); /* table and other registers on one page */
	arch_pci_device_remove(0, 0, 3 << 3);
	decode(true);
	memcpy(device_memory + 0x22010, &val, 4);
	assert_int_equal(table_read(0x22010, 4), 0x11223344);
	assert_int_equal(table_read(0x22012, 1), 0x22);
	assert_int_equal(table_read(0x22012, 2), 0x1122);
	table_write(0x22080, 2, 0xbeef);
	assert_int_equal(device_memory[0x22080] | device_memory[0x22081] << 8, 0xbeef);
	table_write(0x22180, 8, 0x0102030405060708ull); /* behind the 8 entries */
	assert_int_equal(device_memory[0x22180], 8);
	assert_int_equal(device_memory[0x22187], 1);
	table_write(0x22083, 2, 0x5555); /* not aligned */
	assert_int_equal(device_memory[0x22083], 0);
	set_entry(0x22100, 0, 0xfee00000, 0x61, 0);
	put(NVME, 0x42, 2, MSIX_CTRL_ENABLE);
	send_msix(v0, 0x22100, 0);
	assert_true(pending(0, 0x61));
}

bool iommu_hides(mfn_t mfn)
{
	return mfn == 0xfed90;
}


static void set_bar_high(u32 high)
{
	put(NVME, PCI_BAR(0), 4, MiB(4));
	put(NVME, PCI_BAR(1), 4, high);
	assert_false(vpci_mmio_is_trapped(&x->d, ((u64)high << 20) + PFN_DOWN(MiB(4)) + 2));
	put(NVME, PCI_BAR(1), 4, 0);
}

static void a_bar_over_ram_is_not_written_to(void **state)
{
	put(NVME, PCI_BAR(0), 4, MiB(4));
	decode(true);
	assert_false(vpci_mmio_is_trapped(&x->d, PFN_DOWN(MiB(4)) + 2));
	put(NVME, 0x42, 2, MSIX_CTRL_ENABLE);
	set_bar_high(0x100000); /* beyond what any CPU addresses */
	assert_int_equal(mappings, 0);
	set(function(NVME), 0x44, 4, 0, 0); /* the table at the BAR's start */
	arch_pci_device_remove(0, 0, 3 << 3);
	put(NVME, PCI_BAR(0), 4, 0xfee00000);
	put(NVME, 0x42, 2, MSIX_CTRL_ENABLE);
	assert_false(vpci_mmio_is_trapped(&x->d, 0xfee00));
	put(NVME, PCI_BAR(0), 4, 0xfec00000);
	assert_false(vpci_mmio_is_trapped(&x->d, 0xfec00));
	put(NVME, PCI_BAR(0), 4, MMCFG);
	/* The table's last page has an IOMMU's registers, or lies beyond the reach of the CPU. */
	put(NVME, PCI_BAR(0), 4, 0xfed90000);
	put(NVME, 0x42, 2, MSIX_CTRL_ENABLE);
	assert_false(vpci_mmio_is_trapped(&x->d, 0xfed90));
	cpu_features.phys_bits = 40;
	set_bar_high(0x100);
	cpu_features.phys_bits = 46;
	set_bar_high(0x4000);
	assert_int_equal(mappings, 0);
	put(NVME, PCI_BAR(0), 4, 0x60000);
	assert_true(vpci_mmio_is_trapped(&x->d, 0x60));
}

static struct vpci_dev *found_anew(u32 sbdf)
{
	arch_pci_device_remove(0, (u8)(sbdf >> 8), (u8)sbdf);
	assert_int_equal(arch_pci_device_add(0, (u8)(sbdf >> 8), (u8)sbdf, 0, 0), 0);
	return vpci_find(x->vpci, sbdf);
}

static u32 firmware_says(u32 sbdf, u32 physfn, u32 known)
{
	return sbdf == LEAF ? DEEP : sbdf;
}

/* The id with which requests from behind a bridge arrive, by the kind of bridge. */
static void bridges_send_in_their_own_name(void **state)
{
	static const struct { bool express; u32 type, alias; } kinds[] = {
		{ false, 0, BRIDGE }, { true, 4, LEAF }, { true, 7, LEAF & ~0xffu }, { true, 8, BRIDGE },
	};
	struct function *b = function(BRIDGE), *inner = new_function(INNER, 0x000e1b36, 1);

	put(NIC, 0xd4, 4, 0xfee00000);
	put(NIC, 0xd8, 2, 0x33);
	put(NIC, 0xd2, 2, 1);
	assert_int_equal(vpci_find(x->vpci, NIC)->msi_msg.desc->source, BRIDGE); /* messages as well */
	new_function(LEAF, 0x100e8086, 0);
	new_function(DEEP, 0x100e8086, 0);
	set(inner, PCI_PRIMARY_BUS, 4, 0x00060601, 0);
	set(b, 0x40, 2, PCI_CAP_EXPRESS, 0);
	for (unsigned int i = 0; i < ARRAY_LEN(kinds); i++) {
		if (kinds[i].express)
			capabilities(b, 0x40);
		set(b, 0x42, 2, 2 | kinds[i].type << 4, 0);
		assert_int_equal(found_anew(BRIDGE)->iommu.alias, BRIDGE);
		assert_int_equal(found_anew(LEAF)->iommu.alias, kinds[i].alias);
		found_anew(INNER);
		/*
		 * A conventional bridge sends with its own id, too, unless a bridge above it
		 * decides.
		 */
		assert_int_equal(found_anew(DEEP)->iommu.alias, kinds[i].type == 4 ? INNER : kinds[i].alias);
	}
	/* A bridge that claims its own bus, or one above it, is ignored. */
	set(b, PCI_PRIMARY_BUS, 4, 0x00020200, 0);
	for (unsigned int bus = 0; bus < 2; bus++) {
		set(inner, PCI_PRIMARY_BUS, 4, bus << 8, 0);
		assert_int_equal(found_anew(INNER)->iommu.alias, INNER);
		assert_int_equal(found_anew(NVME)->iommu.alias, NVME);
		assert_int_equal(found_anew(LEAF)->iommu.alias, LEAF);
	}
	/* If firmware names an alias, it is used instead. */
	set(b, PCI_PRIMARY_BUS, 4, 0x00010100, 0);
	assert_int_equal(found_anew(LEAF)->iommu.alias, BRIDGE);
	iommu_ops = &(const struct iommu_ops){ .alias = firmware_says };
	assert_int_equal(found_anew(LEAF)->iommu.alias, DEEP);
	assert_int_equal(iommu_msi_source(&vpci_find(x->vpci, LEAF)->iommu), LEAF);
	iommu_ops = NULL;
}

static u32 nothing_is_said(u32 sbdf, u32 physfn, u32 known) { return known; }

/* Some devices' requests come with the id of a function that they may not even have. */
static void devices_with_the_wrong_id(void **state)
{
	static const struct { u32 id, where, alias; } c[] = {
		{ 0x91231b4b, LEAF & ~7u, (LEAF & ~7u) + 1 }, { 0x92351b4b, LEAF & ~7u, (LEAF & ~7u) + 1 },
		{ 0x91231b4b, LEAF, LEAF }, { 0x06421103, LEAF & ~7u, (LEAF & ~7u) + 1 },
		{ 0xe4761180, (LEAF & ~7u) + 3, LEAF & ~7u }, { 0x91241b4b, LEAF & ~7u, LEAF & ~7u },
	};
	struct function *f;

	set(function(BRIDGE), 0x40, 2, PCI_CAP_EXPRESS, 0);
	capabilities(function(BRIDGE), 0x40);
	set(function(BRIDGE), 0x42, 2, 0x42, 0);	/* a root port: ids are what they were */
	found_anew(BRIDGE);
	for (unsigned int i = 0; i < ARRAY_LEN(c); i++) {
		const struct vpci_dev *dev;

		f = new_function(c[i].where, c[i].id, 0);
		dev = found_anew(c[i].where);
		assert_int_equal(dev->iommu.alias, c[i].alias);
		assert_int_equal(iommu_two_functions(&dev->iommu), c[i].alias != c[i].where);
		iommu_ops = &(const struct iommu_ops){ .alias = nothing_is_said };
		assert_int_equal(found_anew(c[i].where)->iommu.alias, c[i].alias);
		iommu_ops = NULL;
		assert_int_equal(arch_pci_device_remove(0, 1, (u8)c[i].where), 0);
		f->present = false;
	}
	/* behind a conventional bridge requests have the bridge's */
	set(function(BRIDGE), 0x42, 2, 0x82, 0);
	new_function(LEAF & ~7u, 0x91231b4b, 0);
	assert_int_equal(found_anew(LEAF & ~7u)->iommu.alias, BRIDGE);
	assert_false(iommu_two_functions(&vpci_find(x->vpci, LEAF & ~7u)->iommu));
}

static void buses_get_other_numbers(void **state)
{
	put(NIC, 0xd4, 4, 0xfee00000);
	put(NIC, 0xd8, 2, 0x33);
	put(NIC, 0xd2, 2, 1);
	put(BRIDGE, PCI_PRIMARY_BUS + 1, 1, 5); /* secondary */
	assert_null(vpci_find(x->vpci, NIC));
	assert_int_equal(pci_conf_read(NIC, 0xd2, 2) & 1, 0);
	put(BRIDGE, PCI_PRIMARY_BUS + 2, 1, 5);
	function(NIC)->sbdf = PCI_SBDF(0, 5, 0);
	put(PCI_SBDF(0, 5, 0), PCI_COMMAND, 2, 4);
	assert_non_null(vpci_find(x->vpci, PCI_SBDF(0, 5, 0)));
	assert_non_null(vpci_find(x->vpci, BRIDGE));
	assert_non_null(vpci_find(x->vpci, PF));
	put(PCI_SBDF(0, 5, 0), 0xd4, 4, 0xfee00000);
	put(PCI_SBDF(0, 5, 0), 0xd8, 2, 0x34);
	put(PCI_SBDF(0, 5, 0), 0xd2, 2, 1);
	send_msi(PCI_SBDF(0, 5, 0), 0xd0, false);
	assert_true(pending(0, 0x34));
}

static void virtual_functions(void **state)
{
	assert_int_equal(arch_pci_device_add(0, 2, 0, 0, 0), 0);
	assert_int_equal(arch_pci_device_add(0, 6, 0, 0, 0), -ENODEV);
	assert_int_equal(arch_pci_device_add(0, 0, 3 << 3 | 1, XEN_PCI_DEV_VIRTFN, NVME), -EINVAL);
	assert_int_equal(arch_pci_device_add(0, 2, 1, XEN_PCI_DEV_VIRTFN, 0x700), -ENODEV);
	put(PF, 0x148, 2, SRIOV_CTRL_VFE | SRIOV_CTRL_MSE);
	assert_int_equal(get(PF, 0x164, 4), 0x40004);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(arch_pci_device_add(0, 2, 1 + i, XEN_PCI_DEV_VIRTFN | XEN_PCI_DEV_EXTFN, 0x200),
				 0);
	assert_true(vpci_mmio_is_trapped(&x->d, 0x43));
	assert_true(vpci_mmio_is_trapped(&x->d, 0x47));
	assert_false(vpci_mmio_is_trapped(&x->d, 0x44));
	set_entry(0x47000, 1, 0xfee04000, 0x71, 0);
	put(VF(1), 0x72, 2, MSIX_CTRL_ENABLE);
	send_msix(v0, 0x47000, 1);
	assert_true(pending(2, 0x71));
	/* The physical function's registers move them. */
	put(PF, 0x148, 2, SRIOV_CTRL_VFE);
	assert_false(vpci_mmio_is_trapped(&x->d, 0x47));
	put(PF, 0x164, 4, 0x80000);
	put(PF, 0x148, 2, SRIOV_CTRL_VFE | SRIOV_CTRL_MSE);
	assert_true(vpci_mmio_is_trapped(&x->d, 0x87));
	send_msix(v0, 0x87000, 1);
	assert_int_equal(arch_pci_device_remove(0, 2, 2), 0);
	assert_false(vpci_mmio_is_trapped(&x->d, 0x87));
	assert_true(vpci_mmio_is_trapped(&x->d, 0x83));
	assert_int_equal(arch_pci_device_remove(0, 2, 2), -ENODEV);
}

static void removed_and_added_again(void **state)
{
	decode(true);
	set_entry(0x22000, 0, 0xfee00000, 0x61, 0);
	put(NVME, 0x42, 2, MSIX_CTRL_ENABLE);
	assert_int_equal(arch_pci_device_remove(0, 0, 3 << 3), 0);
	assert_int_equal(pci_conf_read(NVME, 0x42, 2), 7);
	assert_false(vpci_mmio_is_trapped(&x->d, 0x22));
	assert_int_equal(arch_pci_device_add(0, 0, 3 << 3, 0, 0), 0);
	assert_true(vpci_mmio_is_trapped(&x->d, 0x22));
	assert_int_equal(table_read(0x2200c, 4), 1);
}

/* Circular lists of capabilities end. */
static void capability_loops(void **state)
{
	struct function *f = new_function(PCI_SBDF(0, 3, 0), 0x12345678, 0);

	capabilities(f, 0x40);
	set(f, 0x40, 2, 0x4001, 0); /* points to itself */
	set(f, 0x100, 4, 0x10010001, 0);
	put(PCI_SBDF(0, 3, 0), PCI_COMMAND, 2, 0);
	assert_non_null(vpci_find(x->vpci, PCI_SBDF(0, 3, 0)));
	f = new_function(PCI_SBDF(0, 3, 8), 0x12345678, 0);
	capabilities(f, 0x40);
	set(f, 0x40, 2, 0x0011, 0);
	set(f, 0x42, 2, 0x7ff, 0xc000); /* 2,048 entries in a BAR that does not exist */
	set(f, 0x44, 4, 7, 0);
	put(PCI_SBDF(0, 3, 8), PCI_COMMAND, 2, 6);
	put(PCI_SBDF(0, 3, 8), 0x42, 2, MSIX_CTRL_ENABLE);
	assert_int_equal(vpci_find(x->vpci, PCI_SBDF(0, 3, 8))->msix, 0);
}

static void no_memory_for_a_function(void **state)
{
	assert_int_equal(arch_pci_device_remove(0, 0, 3 << 3), 0);
	fake_fail_nth(1);
	assert_int_equal(arch_pci_device_add(0, 0, 3 << 3, 0, 0), -ENOMEM);
	assert_true(fake_failure_happened());
	assert_int_equal(arch_pci_device_add(0, 0, 3 << 3, 0, 0), 0);
}

static void no_vector_left(void **state)
{
	struct irq_desc *all[FAKE_CPUS * 176];

	for (unsigned int i = 0; i < ARRAY_LEN(all); i++)
		all[i] = irq_alloc(IRQ_MSI, 0, ~0u, NULL);
	put(NIC, 0xd4, 4, 0xfee00000);
	put(NIC, 0xd2, 2, 1);
	assert_int_equal(pci_conf_read(NIC, 0xd2, 2) & 1, 0);
	decode(true);
	put(NVME, 0x42, 2, MSIX_CTRL_ENABLE);
	set_entry(0x22000, 0, 0xfee00000, 0x61, 0);
	assert_int_equal(host_table(0x22000)[3], 1); /* masked, so that no message goes to address 0 */
	for (unsigned int i = 0; i < ARRAY_LEN(all); i++)
		irq_free(all[i]);
	table_write(0x2200c, 4, 0);
	send_msix(v0, 0x22000, 0);
	assert_true(pending(0, 0x61));
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
static const struct CMUnitTest tests[] = {
	T(scan_finds_functions), T(most_registers_pass_through), T(ports), T(msi), T(msi_32_bit_by_bytes),
	T(msix_table_is_trapped_where_it_is), T(msix), T(msix_after_a_function_reset), T(beside_the_table),
	T(a_bar_over_ram_is_not_written_to), T(bridges_send_in_their_own_name),
	T(devices_with_the_wrong_id), T(buses_get_other_numbers),
	T(virtual_functions), T(removed_and_added_again), T(capability_loops), T(no_memory_for_a_function),
	T(no_vector_left),
};

UNIT_MAIN(tests)

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SOURCES: arch/x86/pci/vpci.c arch/x86/pci/vpci_dev.c arch/x86/pci/vpci_msi.c
 *	arch/x86/pci/vpci_msix.c arch/x86/hvm/vlapic.c arch/x86/hvm/vlapic_regs.c
 *	arch/x86/hvm/vlapic_timer.c arch/x86/hvm/upcall.c arch/x86/pci/guest_fn.c
 *	arch/x86/pci/guest_bus.c arch/x86/pci/assign.c arch/x86/pci/reset.c
 */
/*
 * Functions of the machine in a guest: who owns them, what the guest sees and can reach, and what
 * it cannot.
 */
#include "test/unit/x86.h"

#include <public/physdev.h>

#include "arch/x86/pci/guest_bus_internal.h"
#include "common/pci.h"
#include "test/unit/pci_machine.h"

#define BITS	26		/* what the fake p2m has room for */
#define WINDOW	PVH_PCI_WINDOW_BASE(BITS)
#define WINDOW32 PVH_PCI_WINDOW32_BASE
#define PORT	0		/* the first port, and what is behind it */
#define SLOT	0x100
#define VF_CONTROL 0x98

static struct x86_domain *dom0, *x;
static struct vcpu *v0;

/* Which domain's table translates the requests of an id. */
static struct { u32 sbdf; struct domain *d; } reaches[8];
static u32 no_unit;	/* firmware names no IOMMU for this function */

int iommu_attach(struct iommu_device *dev, struct domain *d)
{
	unsigned int i = 0;

	if (fake_alloc_fails())
		return -ENOMEM;
	if (dev->sbdf == no_unit)
		return -ENOENT;
	while (i < ARRAY_LEN(reaches) - 1 && reaches[i].sbdf && reaches[i].sbdf != dev->sbdf)
		i++;
	reaches[i].sbdf = dev->sbdf;
	reaches[i].d = d;
	dev->owner = d;
	return 0;
}

void iommu_detach(struct iommu_device *dev)
{
	for (unsigned int i = 0; i < ARRAY_LEN(reaches); i++)
		if (reaches[i].sbdf == dev->sbdf)
			reaches[i].d = NULL;
	dev->owner = NULL;
}

static struct domain *reaches_memory_of(u32 sbdf)
{
	for (unsigned int i = 0; i < ARRAY_LEN(reaches); i++)
		if (reaches[i].sbdf == sbdf)
			return reaches[i].d;
	return NULL;
}

unsigned int cpu_policy_phys_bits(void)
{
	return BITS;
}

static int irq_map(struct irq_desc *desc) { return 0; }
static const struct iommu_ops ops = { .name = "test", .irq_map = irq_map };

static int setup(void **state)
{
	fake_reset();
	new_machine();
	memset(reaches, 0, sizeof(reaches));
	iommu_nr_reserved = no_unit = 0;
	iommu_ops = &ops;
	iommu_caps.irq_remap = true;
	dom0 = x86_domain_new(0, 1);
	hardware_domain = &dom0->d;
	assert_int_equal(vpci_init(&dom0->d), 0);
	pci_conf_write(PF, 0x148, 2, SRIOV_CTRL_VFE | SRIOV_CTRL_MSE);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(arch_pci_device_add(0, 2, 1 + i, XEN_PCI_DEV_VIRTFN, 0x200), 0);
	x = x86_domain_new(1, 2);
	x->d.max_pages = 16;
	v0 = x->d.vcpu[0];
	for (unsigned int i = 0; i < 2; i++) {
		vlapic_init(x->d.vcpu[i]);
		apic(x, i)->svr = 0x1ff;
	}
	assert_int_equal(vpci_guest_init(&x->d), 0);
	return 0;
}

static int teardown(void **state)
{
	vpci_guest_close(&x->d);
	forget_machine(&dom0->d);
	fake_rcu_run();
	vpci_guest_free(&x->d);
	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		assert_true(!tables[i] || tables[i]->used == 0); /* no vector is lost */
	fake_check_quiet();
	x86_free(x);
	x86_free(dom0);
	iommu_ops = NULL;
	iommu_caps.irq_remap = false;
	return 0;
}

/* As a control domain calls it: again and again while a reset is under way. */
static long insist(long (*op)(struct domain *, u32), struct domain *d, u32 sbdf)
{
	unsigned int again = 0;
	long rc;

	while ((rc = op(d, sbdf)) == -ERESTART && again++ < 5000)
		fake_advance(1000000);
	return rc;
}

static long assign(struct domain *d, u32 sbdf)
{
	return insist(arch_pci_assign, d, sbdf);
}

static long deassign(struct domain *d, u32 sbdf)
{
	return insist(arch_pci_deassign, d, sbdf);
}

static u64 ecam(u32 bdf, unsigned int reg)
{
	return PVH_PCI_ECAM_BASE + ((u64)bdf << 12) + reg;
}

static u32 get(u32 bdf, unsigned int reg, unsigned int size)
{
	u64 val = ~0u;

	assert_true(vpci_config_mmio.match(v0, ecam(bdf, reg)));
	vpci_config_mmio.read(v0, ecam(bdf, reg), size, &val);
	return (u32)val;
}

static void put(u32 bdf, unsigned int reg, unsigned int size, u32 val)
{
	vpci_config_mmio.write(v0, ecam(bdf, reg), size, val);
}

/* What the guest reads at an address. */
static enum p2m_type type_at(u64 gpa, u64 *host)
{
	enum p2m_type t;

	*host = p2m_get(&x->d, PFN_DOWN(gpa), &t, NULL) << PAGE_SHIFT;
	return t;
}

static bool mapped(u64 gpa)
{
	u64 host;

	return type_at(gpa, &host) == P2M_MMIO;
}

static void put_bar(u64 gpa)
{
	put(SLOT, 0x10, 4, (u32)gpa);
	put(SLOT, 0x14, 4, (u32)(gpa >> 32));
}

static void nothing_without_a_function(void **state)
{
	assert_int_equal(get(PORT, 0, 4), 0xcf005853);
	assert_int_equal(get(PORT, 0x18, 4), 0x00010100);
	assert_int_equal(get(GUEST_PORTS << 3, 0, 4), 0xffffffff);
	assert_int_equal(get(SLOT, 0, 4), 0xffffffff);
	put(SLOT, 4, 2, 7);
	assert_int_equal(get(PORT, 0x5a, 2) & BIT(6), 0); /* no presence */
	assert_int_equal(deassign(&x->d, VF(0)), -ENODEV);
	assert_int_equal(deassign(NULL, VF(0)), -ENODEV);
	assert_int_equal(assign(&x->d, PCI_SBDF(0, 6, 0)), -ENODEV);
	assert_int_equal(assign(&dom0->d, VF(0)), -EPERM);
}

static void a_virtual_function_has_an_identity(void **state)
{
	assert_int_equal(assign(&x->d, VF(1)), 0);
	assert_int_equal(get(SLOT, 0, 4), 0x10ca8086);
	assert_int_equal(get(SLOT, 8, 4), 0x02000001);
	assert_int_equal(get(SLOT, PCI_STATUS, 2), PCI_STATUS_CAPS);
	assert_int_equal(get(SLOT, PCI_CAPABILITIES, 1), 0x70);
	assert_int_equal(get(SLOT, 0x70, 2), 0x9011);
	assert_int_equal(get(SLOT, 0x90, 4), 0x00010010); /* version 1, and the last */
	assert_int_equal(get(SLOT, 0x94, 4), BIT(28));	/* resets; 128 bytes */
	assert_int_equal(get(SLOT, 0x100, 4), 0);
	assert_int_equal(get(SLOT | 1, 0, 4), 0xffffffff);
	put_bar(~0ull);
	assert_int_equal(get(SLOT, 0x10, 4), 0xffffc00c);
	assert_int_equal(get(SLOT, 0x14, 4), 0xffffffff);
	assert_int_equal(get(SLOT, 0x18, 4), 0);
	assert_ptr_equal(reaches_memory_of(VF(1)), &x->d);
	assert_int_equal(vpci_find(dom0->vpci, VF(1))->owner, 1);
	assert_true(arch_pci_has_functions(&x->d));
	assert_int_equal(deassign(&x->d, VF(1)), 0);
	assert_false(arch_pci_has_functions(&x->d) || arch_pci_has_functions(&dom0->d));
}

static void bars_are_where_the_guest_puts_them_and_nowhere_else(void **state)
{
	u64 host;

	assert_int_equal(assign(&x->d, VF(1)), 0);
	put_bar(WINDOW);
	assert_false(mapped(WINDOW));
	put(SLOT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	assert_int_equal(type_at(WINDOW + 0x2000, &host), P2M_MMIO);
	assert_int_equal(host, 0x46000);
	assert_false(mapped(WINDOW + 0x3000)); /* the MSI-X table's page is trapped */
	assert_true(vpci_mmio_is_trapped(&x->d, PFN_DOWN(WINDOW + 0x3000)));
	assert_false(mapped(WINDOW + 0x4000));
	assert_int_equal(pci_conf_read(VF(1), PCI_COMMAND, 2), PCI_COMMAND_MASTER);
	put_bar(WINDOW + 0x100000);
	assert_false(mapped(WINDOW));
	assert_int_equal(type_at(WINDOW + 0x100000, &host), P2M_MMIO);
	assert_int_equal(host, 0x44000);
	put_bar(WINDOW - 0x4000); /* not in the window */
	assert_false(mapped(WINDOW - 0x4000));
	assert_false(mapped(WINDOW + 0x100000));
	put_bar(2 * WINDOW - 0x4000);
	assert_true(mapped(2 * WINDOW - 0x4000));
	put(SLOT, PCI_COMMAND, 2, 0);
	assert_false(mapped(2 * WINDOW - 0x4000));
	assert_int_equal(pci_conf_read(VF(1), PCI_COMMAND, 2) & PCI_COMMAND_MASTER, 0);
}

static void a_bar_does_not_cover_what_is_there(void **state)
{
	mfn_t ram;
	u64 host;

	assert_int_equal(assign(&x->d, VF(0)), 0);
	assert_int_equal(assign(&x->d, VF(1)), 0);
	ram = fake_populate(&x->d, PFN_DOWN(WINDOW + 0x1000));
	put_bar(WINDOW);
	put(SLOT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(type_at(WINDOW + 0x1000, &host), P2M_RAM);
	assert_int_equal(host, ram << PAGE_SHIFT);
	/* The second function over the first. */
	put(0x200, 0x10, 4, (u32)WINDOW);
	put(0x200, 0x14, 4, WINDOW >> 32);
	put(0x200, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(type_at(WINDOW, &host), P2M_MMIO);
	assert_int_equal(host, 0x40000);
	put(0x200, PCI_COMMAND, 2, 0); /* does not unmap the other function's page */
	assert_int_equal(type_at(WINDOW, &host), P2M_MMIO);
	/* What the guest mapped over the BAR stays when the BAR goes. */
	assert_true(get_page(mfn_to_page(ram), OWNER_NONE));
	p2m_write_lock(&x->d.p2m);
	assert_int_equal(p2m_set(&x->d, PFN_DOWN(WINDOW), ram, 0, P2M_RAM), 0);
	p2m_write_unlock(&x->d);
	put(SLOT, PCI_COMMAND, 2, 0);
	assert_int_equal(type_at(WINDOW, &host), P2M_RAM);
	assert_int_equal(type_at(WINDOW + 0x2000, &host), P2M_HOLE);
}

static void table_write(u64 gpa, u32 val)
{
	assert_true(vpci_msix_mmio.match(v0, gpa));
	vpci_msix_mmio.write(v0, gpa, 4, val);
}

static void messages_are_the_guests(void **state)
{
	assert_int_equal(assign(&x->d, VF(1)), 0);
	put_bar(WINDOW);
	put(SLOT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	put(SLOT, 0x72, 2, MSIX_CTRL_ENABLE);
	table_write(WINDOW + 0x3010, 0xfee02000);
	table_write(WINDOW + 0x3018, 0x55);
	table_write(WINDOW + 0x301c, 0);
	/* The machine's table names Keel's vector, the guest's its own. */
	assert_int_not_equal(host_table(0x47000)[6] & 0xff, 0x55);
	send_msix(v0, 0x47000, 1);
	assert_true(test_and_clear_bit(0x55, apic(x, 1)->irr));
	/* Dom0 can reach neither the table nor the control register. */
	vpci_msix_mmio.write(dom0->d.vcpu[0], 0x4701c, 4, 0);
	pci_conf_write(VF(1), 0x72, 2, MSIX_CTRL_ENABLE);
	vpci_config_mmio.write(dom0->d.vcpu[0], MMCFG + ((u64)VF(1) << 12) + 0x72, 2, 0);
	assert_int_equal(pci_conf_read(VF(1), 0x72, 2) & MSIX_CTRL_ENABLE, MSIX_CTRL_ENABLE);
	send_msix(v0, 0x47000, 1);
	assert_true(test_and_clear_bit(0x55, apic(x, 1)->irr));
	assert_int_equal(deassign(&x->d, VF(1)), 0);
	assert_int_equal(pci_conf_read(VF(1), 0x72, 2) & MSIX_CTRL_ENABLE, 0);
	assert_int_equal(pci_conf_read(VF(1), PCI_COMMAND, 2) & PCI_COMMAND_MASTER, 0);
	assert_null(reaches_memory_of(VF(1)));
	assert_false(mapped(WINDOW));
}

static void dom0_put(u32 sbdf, unsigned int reg, unsigned int size, u32 val)
{
	vpci_config_mmio.write(dom0->d.vcpu[0], MMCFG + ((u64)sbdf << 12) + reg, size, val);
}

static u32 dom0_get(u32 sbdf, unsigned int reg, unsigned int size)
{
	u64 val;

	vpci_config_mmio.read(dom0->d.vcpu[0], MMCFG + ((u64)sbdf << 12) + reg, size, &val);
	return (u32)val;
}

/*
 * An entry that the last owner left unmasked sends nothing. Masking needs no memory, neither when a
 * domain loses the function nor when one gets it.
 */
static void what_the_last_owner_left_is_masked(void **state)
{
	struct vpci_dev *dev = vpci_find(vpci_machine, NVME);

	assert_int_equal(assign(NULL, NVME), 0);
	fake_advance(200000000);
	assert_false(vpci_reset_runs(dev));
	dom0_put(NVME, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	dom0_put(NVME, 0x42, 2, MSIX_CTRL_ENABLE);
	vpci_msix_mmio.write(dom0->d.vcpu[0], 0x2201c, 4, 0);
	assert_int_equal(host_table(0x22000)[7], 0);
	fake_fail_from(1);
	dom0_put(NVME, PCI_BAR(0), 4, 0x60000);
	host_table(0x62000)[7] = 0; /* it moved with the device */
	assert_int_equal(pci_conf_read(NVME, 0x42, 2), 7 | MSIX_CTRL_ENABLE | MSIX_CTRL_MASKALL);
	fake_fail_from(1);
	vpci_msix_release(dev);
	assert_false(fake_failure_happened());
	fake_fail_nth(0);
	assert_int_equal(assign(&x->d, NVME), 0);
	put_bar(WINDOW);
	put(SLOT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	fake_fail_from(1);
	put(SLOT, 0x42, 2, MSIX_CTRL_ENABLE);
	assert_true(fake_failure_happened());
	assert_int_equal(pci_conf_read(NVME, 0x42, 2), 7 | MSIX_CTRL_ENABLE | MSIX_CTRL_MASKALL);
	assert_int_equal(get(SLOT, 0x42, 2), 7 | MSIX_CTRL_ENABLE);
	fake_fail_nth(0);
	put(SLOT, 0x42, 2, MSIX_CTRL_ENABLE);
	assert_int_equal(pci_conf_read(NVME, 0x42, 2), 7 | MSIX_CTRL_ENABLE);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(host_table(0x62000)[i * 4 + 3], 1);
	table_write(WINDOW + 0x201c, 0);
	assert_int_equal(host_table(0x62000)[7], 0);
	assert_int_equal(host_table(0x62000)[3], 1);
	/*
	 * Nor does an entry that the guest left unmasked send, whether Dom0 had mapped the table
	 * before or not.
	 */
	table_write(WINDOW + 0x202c, 0);
	assert_int_equal(deassign(&x->d, NVME), 0);
	assert_int_equal(deassign(NULL, NVME), 0);
	dom0_put(NVME, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(host_table(0x62000)[11], 0);
	dom0_put(NVME, 0x42, 2, MSIX_CTRL_ENABLE);
	assert_int_equal(host_table(0x62000)[11], 1);
}

static void dom0_does_not_take_it_back_by_force(void **state)
{
	unsigned int resets;

	assert_int_equal(assign(&x->d, VF(1)), 0);
	dom0_put(PF, 0x148, 2, 0);		/* tries to switch its virtual functions off */
	assert_int_equal(pci_conf_read(PF, 0x148, 2), SRIOV_CTRL_VFE | SRIOV_CTRL_MSE);
	dom0_put(PF, 0x164, 4, 0x80000);	/* tries to move their BARs */
	assert_int_equal(pci_conf_read(PF, 0x164, 4), 0x40004);
	dom0_put(VF(1), PCI_COMMAND, 2, 0);
	dom0_put(VF(1), VF_CONTROL, 2, BIT(15));
	assert_int_equal(pci_conf_read(VF(1), VF_CONTROL, 2), 0);
	assert_int_equal(arch_pci_device_remove(0, 2, 2), -EBUSY);
	assert_int_equal(assign(&x->d, VF(1)), -EBUSY);
	assert_int_equal(arch_pci_test_assign(NULL, VF(1)), -EBUSY);
	assert_int_equal(arch_pci_test_assign(&x->d, VF(1)), -EEXIST); /* the guest has it already */
	assert_int_equal(arch_pci_test_assign(&dom0->d, VF(1)), -EBUSY);
	assert_int_equal(deassign(NULL, VF(1)), -ENODEV);
	/* The other function is not affected. */
	assert_int_equal(arch_pci_device_remove(0, 2, 1), 0);
	/* From quarantine it can go back, or be reset, but not while Keel resets it. */
	assert_int_equal(deassign(&x->d, VF(1)), 0);
	resets = function(VF(1))->resets;
	dom0_put(VF(1), VF_CONTROL, 2, BIT(15));
	assert_int_equal(function(VF(1))->resets, resets);
	fake_advance(200000000);
	dom0_put(VF(1), VF_CONTROL, 2, BIT(15));
	assert_int_equal(function(VF(1))->resets, resets + 1);
	assert_null(reaches_memory_of(VF(1)));
	assert_int_equal(deassign(NULL, VF(1)), 0);
	assert_ptr_equal(reaches_memory_of(VF(1)), &dom0->d);
	dom0_put(PF, 0x148, 2, 0);
	assert_int_equal(pci_conf_read(PF, 0x148, 2), 0);
}

static void what_cannot_be_assigned_says_why(void **state)
{
	struct x86_domain *other = x86_domain_new(2, 1);

	assert_int_equal(assign(&x->d, BRIDGE), -EISDIR);
	assert_int_equal(assign(&x->d, PLAIN), -EXDEV); /* function 0 is Dom0's */
	assert_int_equal(arch_pci_test_assign(&x->d, PLAIN), -EXDEV);
	assert_int_equal(arch_pci_test_assign(NULL, PLAIN), 0);
	assert_int_equal(arch_pci_test_assign(&dom0->d, NVME), -EEXIST);
	assert_int_equal(arch_pci_test_assign(NULL, NVME), 0);
	dom0_put(NVME, 0x42, 2, MSIX_CTRL_ENABLE);
	assert_int_equal(arch_pci_test_assign(NULL, NVME), -ETXTBSY);
	assert_int_equal(assign(&x->d, NVME), -ETXTBSY); /* its driver has interrupts on */
	dom0_put(NVME, 0x42, 2, 0);
	iommu_reserved = &(struct iommu_reserved){ 0x1000, 0x1fff, NVME, 3 };
	iommu_nr_reserved = 1;
	assert_int_equal(assign(&x->d, NVME), -EACCES);
	dom0_put(NVME, 0x42, 2, MSIX_CTRL_ENABLE);
	/* this error comes first: the caller should learn of it before it removes Dom0's driver */
	assert_int_equal(arch_pci_test_assign(NULL, NVME), -EACCES);
	dom0_put(NVME, 0x42, 2, 0);
	iommu_nr_reserved = 0;
	assert_int_equal(assign(&x->d, PF), -EMLINK); /* its virtual functions are on */
	/* and would be needed for two functions */
	assert_int_equal(arch_pci_device_add(0, 2, 3, XEN_PCI_DEV_VIRTFN, 0x200), -EINVAL);
	assert_int_equal(assign(&x->d, VF(0)), 0);
	assert_int_equal(assign(NULL, PF), -ENOTEMPTY); /* a guest has one of its functions */
	assert_int_equal(assign(&other->d, VF(1)), -EPERM); /* made without passthrough */
	assert_int_equal(arch_pci_test_assign(&other->d, VF(1)), -EPERM);
	assert_string_equal(vpci_refused_words(-ENODEV), "there is no such function");
	assert_string_equal(vpci_refused_words(-ENOTEMPTY), "its virtual functions belong to guests");
	/* The log has the reason in every case. */
	assert_int_equal(assign(&other->d, VF(1)), -EPERM);
	assert_non_null(strstr(fake_last_message,
			       "02:00.2 is not assigned: the domain was made without passthrough"));
	assert_int_equal(assign(&x->d, PCI_SBDF(0, 6, 0)), -ENODEV);
	assert_non_null(strstr(fake_last_message, "there is no such function"));
	iommu_ops = NULL;
	assert_int_equal(arch_pci_assign(NULL, VF(1)), -EOPNOTSUPP);
	assert_non_null(strstr(fake_last_message, "no IOMMU that remaps"));
	iommu_ops = &ops;
	iommu_caps.irq_remap = false;
	assert_int_equal(assign(&x->d, VF(1)), -EOPNOTSUPP);
	assert_int_equal(arch_pci_test_assign(NULL, VF(1)), -EOPNOTSUPP);
	assert_int_equal(arch_pci_test_assign(&dom0->d, VF(1)), -EEXIST);
	iommu_caps.irq_remap = true;
	assert_int_equal(assign(&x->d, NVME), 0);
	x86_free(other);
}

static void a_whole_device_and_a_group(void **state)
{
	struct function *f = function(NVME);
	u32 list[4];
	u64 host;

	assert_int_equal(arch_pci_group(NVME, list, 4), 1);
	assert_int_equal(arch_pci_group(PLAIN, list, 4), 2);
	assert_int_equal(arch_pci_group(PLAIN, list, 1), 1);
	assert_int_equal(assign(&x->d, NVME), 0);
	assert_int_equal(get(SLOT, 0, 4), 0x00101b36);
	put_bar(WINDOW);
	put(SLOT, PCI_COMMAND, 2, 0x547);
	assert_int_equal(type_at(WINDOW, &host), P2M_MMIO);
	assert_int_equal(host, 0x20000);
	assert_int_equal(pci_conf_read(NVME, PCI_COMMAND, 2), 0x406);
	/*
	 * A reset in the guest clears the machine's BAR. When the guest uses the function again,
	 * Keel restores it.
	 */
	memset(f->reg + 0x11, 0, 3);
	put(SLOT, PCI_COMMAND, 2, 6);
	assert_int_equal(pci_conf_read(NVME, 0x10, 4), 0x20004);
	/* All functions of a device leave quarantine together. */
	assert_int_equal(assign(NULL, PLAIN - 1), 0);
	assert_int_equal(assign(NULL, PLAIN), 0);
	assert_int_equal(assign(&x->d, PLAIN), 0);
	assert_int_equal(assign(&x->d, PLAIN - 1), 0);
}

static void a_group_stays_together(void **state)
{
	struct vpci_dev *dev;

	assert_int_equal(assign(NULL, PLAIN - 1), 0);
	assert_int_equal(assign(NULL, PLAIN), 0);
	assert_int_equal(assign(&x->d, PLAIN), 0);
	assert_int_equal(deassign(NULL, PLAIN - 1), -EXDEV);
	/* The other function does not reach Dom0's memory, even if Dom0 finds it again. */
	fake_advance(200000000);
	assert_int_equal(arch_pci_device_remove(0, 0, 0x1f << 3), 0);
	assert_int_equal(arch_pci_device_add(0, 0, 0x1f << 3, 0, 0), 0);
	dev = vpci_find(dom0->vpci, PLAIN - 1);
	assert_int_equal(dev->owner, DOMID_IO);
	assert_null(reaches_memory_of(PLAIN - 1));
	assert_int_equal(deassign(&x->d, PLAIN), 0);
	assert_int_equal(deassign(NULL, PLAIN - 1), 0);
	assert_ptr_equal(reaches_memory_of(PLAIN - 1), &dom0->d);
}

static void acs(struct function *f, u16 cap)
{
	set(f, 0x100, 4, 0x0001000d, 0);
	set(f, 0x104, 2, cap, 0);
	set(f, 0x106, 2, 0, cap);
}

static void find_anew(u32 sbdf)
{
	arch_pci_device_remove(0, sbdf >> 8 & 0xff, (u8)sbdf);
	assert_int_equal(arch_pci_device_add(0, sbdf >> 8 & 0xff, (u8)sbdf, 0, 0), 0);
}

/* All functions below a port that routes peer requests past the IOMMU are one group. */
static void peers_behind_ports(void **state)
{
	struct function *bridge = function(BRIDGE), *leaf = new_function(LEAF, 0x12345678, 0);
	u32 list[4];

	capabilities(leaf, 0x40);
	express(leaf, 0x40);
	capabilities(bridge, 0x40);
	for (u32 type = 4; type <= 6; type++) { /* root port, a switch's upstream and downstream port */
		set(bridge, 0x40, 4, 0x00020010 | type << 20, 0);
		find_anew(BRIDGE);
		find_anew(NIC);
		find_anew(LEAF);
		assert_int_equal(arch_pci_group(LEAF, list, 4), type == 5 ? 1 : 2);
		assert_int_equal(arch_pci_test_assign(&x->d, LEAF), type == 5 ? 0 : -EXDEV);
	}
	/* a bridge that is one function of several: the others may reach what is below the port */
	set(bridge, PCI_HEADER_TYPE, 1, 0x81, 0);
	set(bridge, 0x40, 4, 0x00520010, 0);
	find_anew(NIC);
	find_anew(LEAF);
	assert_int_equal(arch_pci_group(LEAF, list, 4), 2);
	set(bridge, PCI_HEADER_TYPE, 1, 1, 0);
	/* A port with access control: Keel switches it on, and reads back that it is on. */
	set(bridge, 0x40, 4, 0x00620010, 0);
	acs(bridge, 0x5f);
	find_anew(BRIDGE);
	assert_int_equal(pci_conf_read(BRIDGE, 0x106, 2), 0x1d);
	find_anew(NIC);
	find_anew(LEAF);
	assert_int_equal(arch_pci_group(LEAF, list, 4), 1);
	assert_int_equal(assign(&x->d, LEAF), 0);
	/* Dom0 cannot switch it off; after a reset it is restored with the bus numbers. */
	dom0_put(BRIDGE, 0x106, 2, 0);
	dom0_put(BRIDGE, 0x104, 4, 0);
	assert_int_equal(pci_conf_read(BRIDGE, 0x106, 2), 0x1d);
	assert_int_equal(deassign(&x->d, LEAF), 0);
	assert_int_equal(deassign(NULL, LEAF), 0);
	set(bridge, 0x106, 2, 0, 0x5f);
	dom0_put(BRIDGE, 0x18, 4, 0x00010100);
	assert_int_equal(pci_conf_read(BRIDGE, 0x106, 2), 0x1d);
	/* A port that has access control, but whose bits do not stay set. */
	set(bridge, 0x106, 2, 0, 0);
	find_anew(LEAF);
	find_anew(NIC);
	assert_int_equal(arch_pci_group(LEAF, list, 4), 2);
}

/*
 * Access control of the function itself: on from the start, and again after a reset before the
 * guest's requests begin.
 */
static void a_functions_peers(void **state)
{
	struct function *f = function(NVME);

	acs(f, 0x0c);
	find_anew(NVME);
	assert_int_equal(pci_conf_read(NVME, 0x106, 2), 0x0c);
	assert_int_equal(assign(&x->d, NVME), 0);
	set(f, 0x106, 2, 0, 0x0c);
	put(SLOT, PCI_COMMAND, 2, 6);
	assert_int_equal(pci_conf_read(NVME, 0x106, 2), 0x0c);
	assert_int_equal(pci_conf_read(NVME, PCI_COMMAND, 2) & PCI_COMMAND_MASTER, PCI_COMMAND_MASTER);
	/* All ones, read during a reset, do not count as a control that is on. */
	set(f, 0x106, 2, 0, 0x0c);
	f->held = true;
	put(SLOT, PCI_COMMAND, 2, 6);
	f->held = false;
	assert_int_equal(pci_conf_read(NVME, PCI_COMMAND, 2) & PCI_COMMAND_MASTER, 0);
	put(SLOT, PCI_COMMAND, 2, 6);
	assert_int_equal(pci_conf_read(NVME, 0x106, 2), 0x0c);
	assert_int_equal(pci_conf_read(NVME, PCI_COMMAND, 2) & PCI_COMMAND_MASTER, PCI_COMMAND_MASTER);
	assert_int_equal(arch_pci_deassign(&x->d, NVME), 0);
	set(f, 0x106, 2, 0, 0x0c);
	fake_advance(200000000);
	assert_int_equal(pci_conf_read(NVME, 0x106, 2), 0x0c);
}

/*
 * Each virtual function can go to a guest of its own only if everything above the card keeps them
 * apart.
 */
static void virtual_functions_behind_a_port(void **state)
{
	struct function *bridge = function(BRIDGE);

	function(NIC)->present = false;
	set(bridge, PCI_PRIMARY_BUS, 4, 0x00020200, 0x00ffffff);
	capabilities(bridge, 0x40);
	set(bridge, 0x40, 4, 0x00420010, 0);
	for (u32 i = 0; i < 2; i++) {
		find_anew(BRIDGE);
		pci_conf_write(PF, 0x148, 2, 0);
		find_anew(PF);
		pci_conf_write(PF, 0x148, 2, SRIOV_CTRL_VFE | SRIOV_CTRL_MSE);
		for (u8 devfn = 1; devfn <= 2; devfn++) {
			assert_int_equal(arch_pci_device_remove(0, 2, devfn), 0);
			assert_int_equal(arch_pci_device_add(0, 2, devfn, XEN_PCI_DEV_VIRTFN, 0x200), 0);
		}
		assert_int_equal(arch_pci_test_assign(&x->d, VF(0)), i ? 0 : -EXDEV);
		acs(bridge, 0x1d);
	}
}

/*
 * If Dom0 could route the function's bus behind another bridge, what Keel knows of it would be
 * wrong.
 */
static void no_bridge_comes_over_a_guests_function(void **state)
{
	assert_int_equal(assign(&x->d, VF(1)), 0);
	dom0_put(BRIDGE, 0x18, 4, 0x00020200);
	assert_int_equal(pci_conf_read(BRIDGE, 0x18, 4), 0x00010100);
	dom0_put(BRIDGE, 0x1a, 1, 7);
	assert_int_equal(pci_conf_read(BRIDGE, 0x18, 4), 0x00010100);
	dom0_put(BRIDGE, 0x18, 4, 0x00030300);
	assert_int_equal(pci_conf_read(BRIDGE, 0x18, 4), 0x00030300);
	/* A bridge without bus numbers does not contain what is on bus 0. */
	assert_int_equal(assign(&x->d, NVME), 0);
	dom0_put(BRIDGE, 0x18, 4, 0);
	assert_int_equal(pci_conf_read(BRIDGE, 0x18, 4), 0);
	dom0_put(BRIDGE, 0x18, 4, 0x00040400);
	assert_int_equal(pci_conf_read(BRIDGE, 0x18, 4), 0x00040400);
	assert_int_equal(vpci_find(dom0->vpci, VF(1))->owner, 1);
	vpci_forget_range(dom0->vpci, 0, ~0u);
	assert_non_null(vpci_find(dom0->vpci, VF(1)));
	assert_ptr_equal(reaches_memory_of(VF(1)), &x->d);
}

static void a_bar_over_memory_is_refused(void **state)
{
	static const u64 taken[] = { 0xfee00000, MMCFG + MiB(7), 0xfec00000, 0x7000000 };

	nr_ioapics = 1;
	ioapics = &(struct ioapic_info){ .address = 0xfec00000 };
	boot_info.nr_ranges = 2;
	boot_info.ranges[0] = (struct boot_range){ .base = 0x40000, .size = MiB(1),
						   .type = BOOT_RANGE_RESERVED };
	boot_info.ranges[1] = (struct boot_range){ .base = 0x6ffc000, .size = MiB(64),
						   .type = BOOT_RANGE_RAM };
	for (unsigned int i = 0; i < ARRAY_LEN(taken); i++) {
		set(function(PF), 0x164, 4, (u32)taken[i] | 4, 0xffffc000);
		assert_int_equal(assign(&x->d, VF(0)), -ERANGE);
	}
	set(function(PF), 0x164, 4, 0x40004, 0xffffc000);
	set(function(PF), 0x168, 4, BIT(15), 0xffffffff); /* where no CPU reaches */
	assert_int_equal(assign(&x->d, VF(0)), -ERANGE);
	set(function(PF), 0x168, 4, 0, 0xffffffff);
	assert_int_equal(assign(&x->d, VF(0)), 0);
	nr_ioapics = boot_info.nr_ranges = 0;
}

static unsigned int used_vectors(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		n += tables[i] ? tables[i]->used : 0;
	return n;
}

/* The guest's function asks for a vector for each of 2,048 entries. */
static void want_all_vectors(void)
{
	set(function(NVME), 0x42, 2, 2047, 0xc000);
	set(function(NVME), PCI_BAR(0), 4, 0x20004, 0xffff0000);
	set(function(NVME), 0x44, 4, 0x8000, 0);
	assert_int_equal(arch_pci_device_remove(0, 0, 3 << 3), 0);
	assert_int_equal(arch_pci_device_add(0, 0, 3 << 3, 0, 0), 0);
	assert_int_equal(assign(&x->d, NVME), 0);
	put_bar(WINDOW);
	put(SLOT, PCI_COMMAND, 2, 6);
	put(SLOT, 0x42, 2, MSIX_CTRL_ENABLE);
	for (unsigned int i = 0; i < 2048; i++)
		table_write(WINDOW + 0x8000 + i * 16 + 12, 0);
}

/* All guests share the vectors: a guest with a table of 2,048 entries leaves some for others. */
static void vectors_are_limited(void **state)
{
	want_all_vectors();
	assert_int_equal(used_vectors(), 16 + 2 * 8);
	assert_int_equal(host_table(0x28000)[31 * 4 + 3], 0);
	assert_int_equal(host_table(0x28000)[32 * 4 + 3], 1); /* stays masked */
	put(SLOT, 0x42, 2, 0);
	put(SLOT, 0x42, 2, MSIX_CTRL_ENABLE);
	assert_int_equal(x->vpci->nr_vectors, 32);
}

/* However many vCPUs the guests have, the hardware domain keeps vectors for its devices. */
static void a_quarter_of_the_vectors_is_no_guests(void **state)
{
	struct irq_desc *own[FAKE_CPUS * 176 / 4];
	struct vpci_dev *nic = vpci_find(vpci_machine, NIC);

	x->d.max_vcpus = MAX_VCPUS;
	want_all_vectors();
	x->d.max_vcpus = 2;
	assert_int_equal(used_vectors(), FAKE_CPUS * 176 / 4 * 3);
	for (unsigned int i = 1; i < ARRAY_LEN(own); i++)
		assert_non_null(own[i] = irq_alloc(IRQ_KEEL, 0, ~0u, NULL));
	assert_true(vpci_msg_connect(nic, &nic->msi_msg));
	vpci_msg_disconnect(&nic->msi_msg);
	/* Vectors that the guest gives back can be allocated again, by it or by another. */
	put(SLOT, 0x42, 2, 0);
	assert_int_equal(used_vectors(), ARRAY_LEN(own) - 1);
	put(SLOT, 0x42, 2, MSIX_CTRL_ENABLE);
	assert_int_equal(x->vpci->nr_vectors, 32);
	for (unsigned int i = 1; i < ARRAY_LEN(own); i++)
		irq_free(own[i]);
}

static void a_bar_in_the_page_of_another_is_refused(void **state)
{
	set(function(NVME), PCI_BAR(2), 4, 0x80100, 0xffffff00);
	assert_int_equal(assign(&x->d, NVME), -EADDRINUSE);
	set(function(NVME), PCI_BAR(2), 4, 0x80000, 0xfffff000);
	find_anew(NVME);
	assert_int_equal(assign(&x->d, NVME), 0);
}

/*
 * A guest may be able to change the BARs that its card reports after the next reset. The card is
 * then refused, so that a larger BAR cannot cover its neighbours. If Dom0 removes the function and
 * finds it anew, Dom0 places the BARs, and Keel accepts them.
 */
static void bars_stay_as_they_were(void **state)
{
	static const struct { unsigned int reg; u32 val, writable; } lies[] = {
		{ PCI_BAR(0), 0x20004, 0xfffe0000 },	/* 128 KiB */
		{ PCI_BAR(0), 0x20000, 0xffffc000 },	/* 32 bits */
		{ PCI_BAR(2), 0x80000, 0xffffc000 },	/* one more */
	};
	struct function *f = function(NVME), good = *f;

	for (unsigned int i = 0; i < ARRAY_LEN(lies); i++) {
		assert_int_equal(assign(&x->d, NVME), 0);
		assert_int_equal(deassign(&x->d, NVME), 0);
		fake_advance(200000000);
		set(f, lies[i].reg, 4, lies[i].val, lies[i].writable);
		if (!(lies[i].val & PCI_BAR_TYPE))
			set(f, PCI_BAR(1), 4, 0, 0);
		assert_int_equal(arch_pci_test_assign(NULL, NVME), -EOVERFLOW);
		assert_int_equal(assign(&x->d, NVME), -EOVERFLOW);
		assert_int_equal(deassign(NULL, NVME), 0);
		assert_int_equal(assign(&x->d, NVME), -EOVERFLOW);
		assert_non_null(strstr(fake_last_message, "not as they were"));
		memcpy(f->reg, good.reg, sizeof(good.reg));
		memcpy(f->writable, good.writable, sizeof(good.writable));
		if (i)
			continue;
		set(f, lies[i].reg, 4, lies[i].val, lies[i].writable);
		find_anew(NVME);
		assert_int_equal(assign(&x->d, NVME), 0);
		assert_int_equal(deassign(&x->d, NVME), 0);
		fake_advance(200000000);
		assert_int_equal(deassign(NULL, NVME), 0);
		memcpy(f->reg, good.reg, sizeof(good.reg));
		memcpy(f->writable, good.writable, sizeof(good.writable));
		find_anew(NVME);
	}
}

/* The same for virtual functions, which Dom0 creates when it has the physical one back. */
static void virtual_functions_bars_stay_as_they_were(void **state)
{
	pci_conf_write(PF, 0x148, 2, 0);
	capabilities(function(PF), 0x40);
	express(function(PF), 0x40);
	find_anew(PF);
	for (unsigned int i = 0; i < 2; i++) {
		for (unsigned int vf = 0; vf < 2; vf++)
			assert_int_equal(arch_pci_device_remove(0, 2, (u8)(1 + vf)), 0);
		assert_int_equal(assign(&x->d, PF), 0);
		assert_int_equal(deassign(&x->d, PF), 0);
		assert_int_equal(deassign(NULL, PF), 0);
		if (i)
			set(function(PF), 0x164, 4, 0x40004, 0xfffc0000);
		dom0_put(PF, 0x148, 2, SRIOV_CTRL_VFE | SRIOV_CTRL_MSE);
		for (unsigned int vf = 0; vf < 2; vf++)
			assert_int_equal(arch_pci_device_add(0, 2, (u8)(1 + vf), XEN_PCI_DEV_VIRTFN, 0x200), 0);
		assert_int_equal(arch_pci_test_assign(NULL, VF(1)), i ? -ENXIO : 0);
		dom0_put(PF, 0x148, 2, 0);
	}
}

/*
 * As an e1000e has them: three BARs of 32 bits, two side by side, and one for I/O. The MSI-X table
 * is in the last.
 */
static void new_e1000e(void)
{
	struct function *f = function(NIC);

	capabilities(function(BRIDGE), 0x40);
	set(function(BRIDGE), 0x40, 4, 0x00420010, 0);
	set(f, PCI_BAR(0), 4, 0x80000, 0xfffe0000);
	set(f, PCI_BAR(1), 4, 0xa0000, 0xfffe0000);
	set(f, PCI_BAR(2), 4, 0x1001, 0xffffffe0);
	set(f, PCI_BAR(3), 4, 0xc0000, 0xffffc000);
	set(f, 0xd1, 1, 0xa0, 0);
	set(f, 0xa0, 4, 0x00040011, 0xc0000000);
	set(f, 0xa4, 4, 0x0003, 0);
	set(f, 0xa8, 4, 0x2003, 0);
	find_anew(BRIDGE);
	find_anew(NIC);
}

static void bars_of_32_bits(void **state)
{
	static const u32 size[NR_BARS] = { 0x20000, 0x20000, 0, 0x4000 };
	u64 host;

	new_e1000e();
	assert_int_equal(assign(&x->d, NIC), 0);
	for (unsigned int i = 0; i < NR_BARS; i++) {
		put(SLOT, PCI_BAR(i), 4, ~0u);
		assert_int_equal(get(SLOT, PCI_BAR(i), 4), -size[i]);
		put(SLOT, PCI_BAR(i), 4, WINDOW32 + 0x40000 * i + 0x123);
		assert_int_equal(get(SLOT, PCI_BAR(i), 4), size[i] ? WINDOW32 + 0x40000 * i : 0);
	}
	assert_false(mapped(WINDOW32));
	put(SLOT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	for (unsigned int i = 0; i < NR_BARS; i++) {
		assert_int_equal(type_at(WINDOW32 + 0x40000 * i + size[i] - PAGE_SIZE, &host),
				 size[i] ? P2M_MMIO : P2M_HOLE);
		assert_true(!size[i] || host == function(NIC)->reg[PCI_BAR(i) + 2] * 0x10000ull + size[i] -
			    PAGE_SIZE);
		assert_false(mapped(WINDOW32 + 0x40000 * i + size[i]));
	}
	assert_true(vpci_mmio_is_trapped(&x->d, PFN_DOWN(WINDOW32 + 0xc0000)) &&
		    !mapped(WINDOW32 + 0xc0000));
	put(SLOT, 0xa2, 2, MSIX_CTRL_ENABLE);
	table_write(WINDOW32 + 0xc0010, 0xfee02000);
	table_write(WINDOW32 + 0xc0018, 0x55);
	table_write(WINDOW32 + 0xc001c, 0);
	send_msix(v0, 0xc0000, 1);
	assert_true(test_and_clear_bit(0x55, apic(x, 1)->irr));
	/* Each BAR moves by itself. A reset clears the machine's; Keel restores them. */
	put(SLOT, PCI_BAR(1), 4, WINDOW32 + 0x400000);
	assert_true(mapped(WINDOW32) && !mapped(WINDOW32 + 0x40000));
	assert_int_equal(type_at(WINDOW32 + 0x400000, &host), P2M_MMIO);
	assert_int_equal(host, 0xa0000);
	memset(function(NIC)->reg + PCI_BAR(0), 0, 16);
	put(SLOT, PCI_COMMAND, 2, 0);
	assert_false(mapped(WINDOW32) || mapped(WINDOW32 + 0x400000));
	assert_int_equal(pci_conf_read(NIC, PCI_BAR(1), 4), 0xa0000);
	assert_int_equal(pci_conf_read(NIC, PCI_BAR(3), 4), 0xc0000);
}

/* Only BARs that lie wholly inside the window, and not over memory or another function. */
static void the_32_bit_window(void **state)
{
	const u64 end = WINDOW32 + (u64)PVH_PCI_WINDOW32_SIZE;
	mfn_t ram;
	u64 host;

	for (u32 i = 0; i < GUEST_PORTS; i++)	/* 16 MiB for each port */
		assert_int_equal(get(i << 3, 0x20, 4), 0xdcf0dc00 + i * 0x01000100);
	assert_true(guest_bus_has_room(WINDOW32, end - WINDOW32) &&
		    guest_bus_has_room(end - PAGE_SIZE, PAGE_SIZE));
	assert_false(guest_bus_has_room(end - PAGE_SIZE, 2 * PAGE_SIZE));
	assert_false(guest_bus_has_room(WINDOW32 - PAGE_SIZE, 2 * PAGE_SIZE));
	assert_false(guest_bus_has_room(WINDOW32, end - WINDOW32 + PAGE_SIZE));
	assert_false(guest_bus_has_room(0xfee00000, PAGE_SIZE));
	new_e1000e();
	/* beside one with 64 bits, and the last register */
	set(function(NVME), PCI_BAR(5), 4, 0x60000, 0xfffe0000);
	assert_int_equal(assign(&x->d, NIC), 0);
	assert_int_equal(assign(&x->d, NVME), 0);
	ram = fake_populate(&x->d, PFN_DOWN(WINDOW32 + 0x1000));
	put(SLOT, PCI_BAR(0), 4, WINDOW32);
	put(SLOT, PCI_BAR(1), 4, WINDOW32 - 0x20000);
	put(SLOT, PCI_BAR(3), 4, 0x3f0000);
	put(SLOT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(type_at(WINDOW32 + 0x1000, &host), P2M_RAM);
	assert_int_equal(host, ram << PAGE_SHIFT);
	assert_true(mapped(WINDOW32) && mapped(WINDOW32 + 0x2000));
	assert_false(mapped(WINDOW32 - 0x20000) || mapped(0x3f2000));
	put(0x200, 0x10, 4, WINDOW32 + 0x10000);
	put(0x200, 0x14, 4, 0);
	put(0x200, PCI_BAR(5), 4, ~0u);
	assert_int_equal(get(0x200, PCI_BAR(5), 4), 0xfffe0000);
	assert_int_equal(get(0x200, 0x10, 4), (WINDOW32 + 0x10000) | 0xc);
	put(0x200, PCI_BAR(5), 4, WINDOW32);
	put(0x200, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(type_at(WINDOW32, &host), P2M_MMIO);
	assert_int_equal(host, 0x80000);
	assert_int_equal(type_at(WINDOW32 + 0x10000, &host), P2M_MMIO);
	assert_int_equal(host, 0x90000);
	put(0x200, PCI_BAR(5), 4, WINDOW32 + 0x20000);
	assert_int_equal(type_at(WINDOW32 + 0x20000, &host), P2M_MMIO);
	assert_int_equal(host, 0x60000);
	put(0x200, PCI_COMMAND, 2, 0);
	assert_true(mapped(WINDOW32) && !mapped(WINDOW32 + 0x20000));
}

/* The BARs of virtual functions are registers of the physical function. */
static void a_virtual_function_with_32_bits(void **state)
{
	u64 host;

	pci_conf_write(PF, 0x148, 2, 0);
	set(function(PF), 0x164, 4, 0x40000, 0xffffc000);
	find_anew(PF);
	pci_conf_write(PF, 0x148, 2, SRIOV_CTRL_VFE | SRIOV_CTRL_MSE);
	assert_int_equal(assign(&x->d, VF(1)), 0);
	put_bar(~0ull);
	assert_int_equal(get(SLOT, 0x10, 4), 0xffffc000);
	assert_int_equal(get(SLOT, 0x14, 4), 0);
	put_bar(WINDOW32);
	put(SLOT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(type_at(WINDOW32, &host), P2M_MMIO);
	assert_int_equal(host, 0x44000);
}

/* The port's interrupt, as the guest's driver for hot-plug sets it up. */
static void enable_hotplug(void)
{
	put(PORT, 0x84, 4, 0xfee02000);
	put(PORT, 0x8c, 2, 0x66);
	put(PORT, 0x82, 2, 0x81);
	put(PORT, 0x58, 2, BIT(5) | BIT(3) | BIT(12));
}

static bool told(void)
{
	return test_and_clear_bit(0x66, apic(x, 1)->irr);
}

static void the_port_tells(void **state)
{
	enable_hotplug();
	assert_false(told());
	assert_int_equal(assign(&x->d, VF(0)), 0);
	assert_true(told());
	assert_int_equal(get(PORT, 0x5a, 2), BIT(3) | BIT(6) | BIT(8));
	assert_int_equal(get(PORT, 0x52, 2) & BIT(13), BIT(13));
	put(PORT, 0x5a, 2, BIT(3) | BIT(8));
	assert_int_equal(get(PORT, 0x5a, 2), BIT(6));
	assert_int_equal(deassign(&x->d, VF(0)), 0);
	assert_true(told());
	assert_int_equal(get(PORT, 0x5a, 2), BIT(3) | BIT(8));
	assert_int_equal(get(SLOT, 0, 4), 0xffffffff);
	/* One interrupt until the changes are acknowledged. */
	assert_int_equal(assign(&x->d, VF(0)), 0);
	assert_false(told());
	put(PORT, 0x5a, 2, BIT(3) | BIT(8));
	assert_int_equal(deassign(&x->d, VF(0)), 0);
	assert_true(told());
}

static void a_reset_by_the_guest(void **state)
{
	assert_int_equal(assign(&x->d, VF(0)), 0);
	put_bar(WINDOW);
	put(SLOT, PCI_COMMAND, 2, 6);
	put(SLOT, 0x72, 2, MSIX_CTRL_ENABLE);
	table_write(WINDOW + 0x300c, 0);
	assert_int_equal(function(VF(0))->resets, 1);
	put(SLOT, VF_CONTROL, 2, BIT(15));
	assert_int_equal(function(VF(0))->resets, 2);
	assert_int_equal(get(SLOT, PCI_COMMAND, 2), 0);
	assert_int_equal(get(SLOT, 0x10, 4), 0xc);
	assert_int_equal(get(SLOT, 0x72, 2) & MSIX_CTRL_ENABLE, 0);
	assert_false(mapped(WINDOW));
	/* No other bit that the guest writes to the control reaches the function. */
	set(function(VF(0)), VF_CONTROL, 2, 0, 0xffff);
	put(SLOT, VF_CONTROL, 2, 0x7fff);
	assert_int_equal(pci_conf_read(VF(0), VF_CONTROL, 2), 0);
}

/*
 * The guest resets the function again while it is in reset. It reads as ones then, and Keel must
 * not write these back.
 */
static void a_reset_by_the_guest_again(void **state)
{
	struct function *f = function(VF(0));

	set(f, VF_CONTROL, 2, 0x2810, 0xffff);
	assert_int_equal(assign(&x->d, VF(0)), 0);
	f->held = true;
	f->express = 0;	/* what was written stays visible */
	put(SLOT, VF_CONTROL, 2, BIT(15));
	f->held = false;
	assert_int_equal(pci_conf_read(VF(0), VF_CONTROL, 2), 0x2810 | BIT(15));
	/* MSI's control likewise: one vector, no extended data. */
	f = function(NVME);
	set(f, 0x52, 2, MSI_CTRL_64 | 2 << 1, 0x471);
	assert_int_equal(assign(&x->d, NVME), 0);
	f->held = true;
	put(SLOT + 0x100, 0x52, 2, MSI_CTRL_ENABLE);
	f->held = false;
	assert_int_equal(pci_conf_read(NVME, 0x52, 2), MSI_CTRL_64 | 2 << 1 | MSI_CTRL_ENABLE);
	f->held = true;
	f->express = 0;
	put(SLOT + 0x100, 0x68, 2, BIT(15));
	f->held = false;
	assert_int_equal(pci_conf_read(NVME, 0x52, 2), MSI_CTRL_64 | 2 << 1);
}

/* A function that was cut off cannot be switched on by the guest before it is assigned again. */
static void who_is_cut_off_sends_nothing(void **state)
{
	struct iommu_device *iommu;

	assert_int_equal(assign(&x->d, VF(0)), 0);
	iommu = &x->vpci->bus->port[0].fn->dev->iommu;
	put(SLOT, PCI_COMMAND, 2, 6);
	assert_int_equal(pci_conf_read(VF(0), PCI_COMMAND, 2), PCI_COMMAND_MASTER);
	iommu->cut_off = true;
	put(SLOT, PCI_COMMAND, 2, 6);
	assert_int_equal(pci_conf_read(VF(0), PCI_COMMAND, 2), 0);
	put(SLOT, VF_CONTROL, 2, BIT(15));
	put(SLOT, PCI_COMMAND, 2, 6);
	assert_int_equal(pci_conf_read(VF(0), PCI_COMMAND, 2), 0);
	assert_int_equal(deassign(&x->d, VF(0)), 0);
	assert_int_equal(assign(&x->d, VF(0)), 0);
	put(SLOT, PCI_COMMAND, 2, 6);
	assert_int_equal(pci_conf_read(VF(0), PCI_COMMAND, 2), PCI_COMMAND_MASTER);
}

/*
 * Whatever a guest writes, only bus mastering, messages and the reset reach the machine's function.
 */
static void random_writes_change_nothing_else(void **state)
{
	struct function *f = function(VF(0));
	u8 before[4096];

	srand(1);
	assert_int_equal(assign(&x->d, VF(0)), 0);
	memset(f->writable, 0xff, sizeof(f->writable));
	f->express = 0; /* a reset would undo the other writes */
	memcpy(before, f->reg, sizeof(before));
	for (unsigned int i = 0; i < 200000; i++) {
		unsigned int size = 1u << rand() % 3, reg = (unsigned int)rand() % 4096 & ~(size - 1);
		u32 val = (u32)rand() << 8 ^ (u32)rand();

		put(SLOT, reg, size, val);
		put((u32)rand() % 8 ? SLOT : PORT, (unsigned int)rand() % 256 & ~(size - 1), size, val);
		put(PORT, 0x18, 4, 0x00010100);
	}
	for (unsigned int i = 0; i < sizeof(before); i++)
		if (i != PCI_COMMAND && i != PCI_COMMAND + 1 && i != 0x72 && i != 0x73 && i != VF_CONTROL + 1)
			assert_int_equal(f->reg[i], before[i]);
	assert_int_equal(f->reg[PCI_COMMAND] & ~4u, 2);
	assert_int_equal(function(PF)->reg[0x148], 9);
}

int p2m_log_start(struct domain *d)
{
	d->p2m.log_dirty = true;
	return 0;
}

/* The log does not see what a device writes: a domain has either functions or log-dirty mode. */
static void no_log_beside_functions(void **state)
{
	assert_int_equal(assign(&x->d, VF(1)), 0);
	assert_int_equal(arch_pci_log_start(&x->d), -EOPNOTSUPP);
	assert_int_equal(arch_pci_log_start(&dom0->d), -EOPNOTSUPP);
	assert_false(x->d.p2m.log_dirty || dom0->d.p2m.log_dirty);
	assert_int_equal(deassign(&x->d, VF(1)), 0);
	assert_int_equal(arch_pci_log_start(&x->d), 0);
	assert_true(x->d.p2m.log_dirty);
	assert_int_equal(arch_pci_test_assign(&x->d, VF(0)), -EINPROGRESS);
	assert_int_equal(arch_pci_assign(&x->d, VF(0)), -EINPROGRESS);
	assert_int_equal(vpci_find(dom0->vpci, VF(0))->owner, 0);
	assert_string_equal(vpci_refused_words(-EINPROGRESS), "its guest is being migrated");
	x->d.p2m.log_dirty = false;
	assert_int_equal(assign(&x->d, VF(0)), 0);
}

static void ports_run_out(void **state)
{
	static struct vpci_dev other;
	static struct guest_fn busy = { .dev = &other };

	for (unsigned int i = 0; i < GUEST_PORTS; i++)
		x->vpci->bus->port[i].fn = &busy;
	/* The test for assignment reports it beforehand, and nothing is changed. */
	assert_int_equal(arch_pci_test_assign(&x->d, VF(0)), -ENOSPC);
	assert_int_equal(arch_pci_test_assign(NULL, VF(0)), 0);
	assert_int_equal(arch_pci_assign(&x->d, VF(0)), -ENOSPC);
	assert_non_null(strstr(fake_last_message, "no port for it"));
	for (unsigned int i = 0; i < GUEST_PORTS; i++)
		x->vpci->bus->port[i].fn = NULL;
	assert_int_equal(function(VF(0))->resets, 0);
	assert_int_equal(vpci_find(dom0->vpci, VF(0))->owner, 0);
	assert_ptr_equal(reaches_memory_of(VF(0)), &dom0->d);
	assert_int_equal(assign(NULL, VF(0)), 0);
	fake_advance(200000000);
	assert_int_equal(assign(NULL, VF(0)), 0);
	/* What Dom0 switched on in quarantine is off again. */
	dom0_put(VF(0), 0x72, 2, MSIX_CTRL_ENABLE);
	assert_int_equal(pci_conf_read(VF(0), 0x72, 2) & MSIX_CTRL_ENABLE, MSIX_CTRL_ENABLE);
	assert_null(reaches_memory_of(VF(0)));
	assert_int_equal(assign(&x->d, VF(0)), 0);
	assert_int_equal(pci_conf_read(VF(0), 0x72, 2) & MSIX_CTRL_ENABLE, 0);
}

static void each_allocation_fails_once(void **state)
{
	FAKE_EACH_FAILURE(n) {
		u64 pages = fake_live_pages();
		long rc;

		fake_fail_nth(n);
		rc = assign(&x->d, VF(0));
		assert_int_equal(rc, fake_failure_happened() ? -ENOMEM : 0);
		fake_fail_nth(0);
		if (rc) {
			assert_int_equal(fake_live_pages(), pages);
			assert_int_not_equal(vpci_find(dom0->vpci, VF(0))->owner, 1);
			assert_ptr_not_equal(reaches_memory_of(VF(0)), &x->d);
			assert_int_equal(get(SLOT, 0, 4), 0xffffffff);
		}
	}
	assert_ptr_equal(reaches_memory_of(VF(0)), &x->d);
}

static void a_dying_guest_lets_go(void **state)
{
	assert_int_equal(assign(&x->d, VF(0)), 0);
	assert_int_equal(assign(&x->d, VF(1)), 0);
	put_bar(WINDOW);
	put(SLOT, PCI_COMMAND, 2, 6);
	vpci_guest_close(&x->d);
	for (unsigned int i = 0; i < 2; i++) {
		assert_null(reaches_memory_of(VF(i)));
		assert_int_equal(vpci_find(dom0->vpci, VF(i))->owner, DOMID_IO);
	}
	assert_int_equal(pci_conf_read(VF(0), PCI_COMMAND, 2) & 4, 0);
	assert_false(mapped(WINDOW));
	assert_int_equal(assign(&x->d, VF(0)), -ESRCH);
}

/*
 * Each owner gets the function freshly reset, with the registers restored that Dom0 or firmware set
 * up.
 */
static void a_reset_between_two_owners(void **state)
{
	struct function *f = function(NVME);

	set(f, 0x68, 2, 0x2810, 0xffff); /* as Dom0 or firmware set it up */
	set(f, 0x0c, 1, 0x10, 0xff);
	set(f, PCI_COMMAND, 2, 6, 0x547);
	assert_int_equal(arch_pci_assign(&x->d, NVME), -ERESTART);
	assert_null(reaches_memory_of(NVME));
	assert_int_equal(vpci_find(dom0->vpci, NVME)->owner, DOMID_IO);
	assert_int_equal(f->resets, 1);
	assert_int_equal(pci_conf_read(NVME, PCI_BAR(0), 4), 4);
	fake_advance(99000000);
	assert_int_equal(arch_pci_assign(&x->d, NVME), -ERESTART);
	assert_int_equal(arch_pci_deassign(NULL, NVME), -ERESTART);
	assert_int_equal(arch_pci_assign(NULL, NVME), 0); /* it is in quarantine already */
	assert_int_equal(arch_pci_test_assign(NULL, NVME), 0);
	/*
	 * Software that saves and restores registers around its own reset, as Linux does, reads the
	 * values that will be restored.
	 */
	assert_int_equal(dom0_get(NVME, PCI_BAR(0), 4), 0x20004);
	assert_int_equal(dom0_get(NVME, 0x0c, 1), 0x10);
	f->held = true;
	assert_int_equal(dom0_get(NVME, 0x68, 2), 0x2810);
	assert_int_equal(dom0_get(NVME, 0x69, 1), 0x28);
	assert_int_equal(dom0_get(NVME, 0x68, 4), 0x2810);
	assert_int_equal(dom0_get(NVME, 0x40, 4), 0);
	assert_int_equal(dom0_get(NVME, 0x100, 4), 0);
	f->held = false;
	fake_advance(6000000);
	assert_int_equal(pci_conf_read(NVME, PCI_BAR(0), 4), 0x20004); /* restored although nobody asked */
	assert_int_equal(pci_conf_read(NVME, 0x68, 2), 0x2810);
	assert_int_equal(pci_conf_read(NVME, 0x0c, 1), 0x10);
	assert_int_equal(pci_conf_read(NVME, PCI_COMMAND, 2), 2);
	assert_int_equal(arch_pci_assign(&x->d, NVME), 0);
	/* Restored is what Dom0 set up, not what a guest left. */
	put(SLOT, 0x68, 2, BIT(15));
	assert_int_equal(arch_pci_deassign(&x->d, NVME), 0);
	assert_int_equal(f->resets, 3);
	assert_int_equal(arch_pci_deassign(NULL, NVME), -ERESTART);
	fake_advance(105000000);
	assert_int_equal(pci_conf_read(NVME, PCI_BAR(0), 4), 0x20004);
	assert_int_equal(arch_pci_deassign(NULL, NVME), 0);
	/* The death of a guest releases its functions, too. */
	assert_int_equal(assign(&x->d, NVME), 0);
	assert_int_equal(f->resets, 4);
	vpci_guest_close(&x->d);
	assert_int_equal(f->resets, 5);
	assert_int_equal(arch_pci_deassign(NULL, NVME), -ERESTART);
	assert_int_equal(deassign(NULL, NVME), 0);
}

static void a_bus_that_is_reset(void **state)
{
	struct function *f = function(NIC), *bridge = function(BRIDGE);

	capabilities(bridge, 0x40);
	set(bridge, 0x40, 4, 0x01420010, 0);	/* a root port with a slot, whose driver waits for events */
	set(bridge, 0x58, 2, 0x1029, 0xffff);
	set(bridge, 0x5a, 2, 0x108, 0);
	set(f, PCI_BAR(0), 4, 0x80000, 0xffffc000);
	find_anew(BRIDGE);
	find_anew(NIC);
	assert_int_equal(arch_pci_assign(NULL, NIC), 0);
	assert_int_equal(bridge->reg[0x3e], BIT(6));
	assert_int_equal(pci_conf_read(BRIDGE, 0x58, 2), 1);
	assert_int_equal(arch_pci_assign(&x->d, NIC), -ERESTART);
	fake_advance(1000000);
	assert_int_equal(bridge->reg[0x3e], BIT(6));
	fake_advance(5000000);
	assert_int_equal(bridge->reg[0x3e], 0);
	assert_int_equal(f->resets, 1);
	fake_advance(98000000);
	assert_int_equal(arch_pci_assign(&x->d, NIC), -ERESTART);
	fake_advance(5000000);
	assert_int_equal(pci_conf_read(BRIDGE, 0x58, 2), 0x1029);
	assert_int_equal(arch_pci_assign(&x->d, NIC), 0);
	assert_int_equal(pci_conf_read(NIC, PCI_BAR(0), 4), 0x80000);
	assert_int_equal(deassign(&x->d, NIC), 0);
	/*
	 * During the reset neither the function nor its bridge can be removed or moved. If the
	 * function is forgotten all the same, its bus leaves reset.
	 */
	assert_int_equal(bridge->reg[0x3e], BIT(6));
	assert_int_equal(arch_pci_device_remove(0, 1, 0), -EBUSY);
	assert_int_equal(arch_pci_device_remove(0, 0, 4 << 3), -EBUSY);
	dom0_put(BRIDGE, 0x18, 4, 0x00050500);
	assert_int_equal(pci_conf_read(BRIDGE, 0x18, 4), 0x00010100);
	vpci_forget_range(dom0->vpci, NIC, NIC);
	assert_int_equal(bridge->reg[0x3e], 0);
	assert_int_equal(pci_conf_read(BRIDGE, 0x58, 2), 0x1029);
}

static void what_cannot_be_reset_stays_dom0s(void **state)
{
	struct function *f = function(NIC), *other;

	/*
	 * A bus reset is impossible with a second function on the bus, or with another bus behind
	 * it.
	 */
	other = new_function(LEAF, 0x12345678, 0);
	assert_int_equal(arch_pci_device_add(0, 1, (u8)LEAF, 0, 0), 0);
	assert_int_equal(arch_pci_test_assign(NULL, NIC), -ENOTTY);
	assert_int_equal(assign(NULL, NIC), -ENOTTY);
	assert_int_equal(arch_pci_device_remove(0, 1, (u8)LEAF), 0);
	other->present = false;
	assert_int_equal(arch_pci_test_assign(NULL, NIC), 0);
	set(function(BRIDGE), PCI_PRIMARY_BUS, 4, 0x00050100, 0);
	assert_int_equal(arch_pci_test_assign(NULL, NIC), -ENOTTY);
	set(function(BRIDGE), PCI_PRIMARY_BUS, 4, 0x00010100, 0);
	set(function(NVME), 0x64, 4, 1, 0);	/* nor on the root bus */
	assert_int_equal(arch_pci_device_remove(0, 0, 3 << 3), 0);
	assert_int_equal(arch_pci_device_add(0, 0, 3 << 3, 0, 0), 0);
	assert_int_equal(arch_pci_test_assign(NULL, NVME), -ENOTTY);
	assert_int_equal(assign(&x->d, NVME), -ENOTTY);
	assert_ptr_equal(reaches_memory_of(NVME), &dom0->d);
	/* A function that does not come back from its reset belongs to nobody. */
	assert_int_equal(arch_pci_assign(NULL, NIC), 0);
	fake_advance(10000000);
	f->held = true;
	fake_advance(1900000000);
	assert_int_equal(arch_pci_assign(&x->d, NIC), -ERESTART);
	fake_advance(300000000);
	assert_int_equal(arch_pci_assign(&x->d, NIC), -EIO);
	assert_int_equal(arch_pci_test_assign(NULL, NIC), -EIO);
	/*
	 * Dom0 cannot get it by removing and adding it. Assigning it to quarantine starts another
	 * reset.
	 */
	assert_int_equal(arch_pci_device_remove(0, 1, 0), -EBUSY);
	assert_int_equal(arch_pci_assign(NULL, NIC), 0);
	assert_int_equal(arch_pci_test_assign(NULL, NIC), 0);
	assert_int_equal(arch_pci_deassign(NULL, NIC), -ERESTART);
	fake_advance(10000000);
	f->held = true;
	fake_advance(2300000000);
	assert_int_equal(arch_pci_test_assign(NULL, NIC), -EIO);
	/*
	 * It reaches Dom0's memory only after a reset that ended well. Keel tries again, and
	 * reports it if that fails, too.
	 */
	assert_int_equal(arch_pci_deassign(NULL, NIC), -ERESTART);
	fake_advance(10000000);
	f->held = true;
	fake_advance(2050000000);
	assert_int_equal(arch_pci_deassign(NULL, NIC), -EIO);
	assert_null(reaches_memory_of(NIC));
	fake_advance(200000000);
	assert_int_equal(arch_pci_deassign(NULL, NIC), -ERESTART);
	fake_advance(200000000);
	assert_int_equal(arch_pci_deassign(NULL, NIC), 0);
	assert_ptr_equal(reaches_memory_of(NIC), &dom0->d);
	assert_int_equal(arch_pci_test_assign(NULL, NIC), 0);
}

/*
 * AMD-Vi: functions that share an alias are one group. Reserved memory for all devices concerns
 * each function.
 */
static u32 speaker; /* physfn of the last call */

static u32 ivrs_alias(u32 sbdf, u32 physfn, u32 known)
{
	speaker = physfn;
	return sbdf == NVME ? PCI_SBDF(0, 0, 0x1e << 3) : sbdf;
}

static void groups_by_what_firmware_says(void **state)
{
	static const struct iommu_ops amd = { .name = "test", .irq_map = irq_map, .alias = ivrs_alias };
	u32 list[4];

	iommu_ops = &amd;
	new_function(PCI_SBDF(0, 0, 0x1e << 3), 0x43851002, 0);
	express(function(PCI_SBDF(0, 0, 0x1e << 3)), 0x40);
	capabilities(function(PCI_SBDF(0, 0, 0x1e << 3)), 0x40);
	assert_int_equal(arch_pci_device_remove(0, 0, 3 << 3), 0);
	assert_int_equal(arch_pci_device_add(0, 0, 3 << 3, 0, 0), 0);
	assert_int_equal(speaker, NVME);
	assert_int_equal(arch_pci_device_add(0, 0, 0x1e << 3, 0, 0), 0);
	assert_true(arch_pci_assignable());
	assert_int_equal(arch_pci_group(NVME, list, 4), 2);
	assert_int_equal(arch_pci_test_assign(&x->d, NVME), -EXDEV);
	assert_int_equal(assign(&x->d, NVME), -EXDEV);
	assert_int_equal(arch_pci_assign(NULL, PCI_SBDF(0, 0, 0x1e << 3)), 0);
	iommu_reserved = &(struct iommu_reserved){ 0x1000, 0x1fff, RESERVED_FOR_ALL, 3 };
	iommu_nr_reserved = 1;
	assert_int_equal(assign(&x->d, NVME), -EACCES);
	iommu_nr_reserved = 0;
	assert_int_equal(assign(&x->d, NVME), 0);
	assert_int_equal(arch_pci_device_remove(0, 2, 1), 0);
	assert_int_equal(arch_pci_device_add(0, 2, 1, XEN_PCI_DEV_VIRTFN, 0x200), 0);
	assert_int_equal(speaker, PF);
	assert_int_equal(vpci_find(dom0->vpci, VF(0))->iommu.alias, VF(0));
}

/*
 * No IOMMU covers the function, so its requests cannot be confined. The test for assignment says
 * so, and Dom0 keeps it.
 */
static void what_no_unit_has_stays_dom0s(void **state)
{
	no_unit = NVME;
	find_anew(NVME);
	assert_non_null(strstr(fake_last_message, "past the IOMMU"));
	assert_int_equal(arch_pci_test_assign(NULL, NVME), -ENOENT);
	assert_int_equal(arch_pci_test_assign(&x->d, NVME), -ENOENT);
	assert_int_equal(arch_pci_test_assign(&dom0->d, NVME), -EEXIST);
	assert_int_equal(assign(NULL, NVME), -ENOENT);
	assert_non_null(strstr(fake_last_message, "firmware names no IOMMU"));
	assert_int_equal(assign(&x->d, NVME), -ENOENT);
	assert_int_equal(vpci_find(dom0->vpci, NVME)->owner, 0);
	/*
	 * A function that was in quarantine before, so that Keel had no reason to attach it, is
	 * refused at assignment.
	 */
	no_unit = VF(0);
	assert_int_equal(assign(NULL, VF(0)), 0);
	fake_advance(200000000);
	assert_int_equal(assign(&x->d, VF(0)), -ENOENT);
	assert_int_equal(vpci_find(dom0->vpci, VF(0))->owner, DOMID_IO);
}

/* Without Dom0, functions that no guest gets belong to nobody. A guest gets its own reset. */
static void without_a_hardware_domain(void **state)
{
	u64 host;

	forget_machine(&dom0->d);
	hardware_domain = NULL;
	memset(reaches, 0, sizeof(reaches));
	set(function(NVME), PCI_COMMAND, 2, 7, 0x547); /* as firmware's driver left it */
	assert_int_equal(vpci_init(NULL), 0);
	for (unsigned int i = 0; i < ARRAY_LEN(reaches); i++)
		assert_null(reaches[i].d);
	assert_int_equal(arch_pci_device_remove(0, 6, 0), -ENODEV);
	assert_int_equal(arch_pci_assign(NULL, NVME), 0);
	assert_int_equal(function(NVME)->resets, 1);
	assert_int_equal(assign(&x->d, NVME), 0);
	assert_ptr_equal(reaches_memory_of(NVME), &x->d);
	put_bar(WINDOW);
	put(SLOT, PCI_COMMAND, 2, 6);
	assert_int_equal(type_at(WINDOW, &host), P2M_MMIO);
	assert_int_equal(host, 0x20000);
	put(SLOT, 0x42, 2, MSIX_CTRL_ENABLE);
	table_write(WINDOW + 0x2000, 0xfee02000);
	table_write(WINDOW + 0x2008, 0x55);
	table_write(WINDOW + 0x200c, 0);
	send_msix(v0, 0x22000, 0);
	assert_true(test_and_clear_bit(0x55, apic(x, 1)->irr));
	assert_int_equal(arch_pci_assign(&x->d, BRIDGE), -EISDIR);
	assert_int_equal(arch_pci_deassign(NULL, NVME), -ENODEV);
	vpci_guest_close(&x->d);
	assert_null(reaches_memory_of(NVME));
	assert_int_equal(function(NVME)->resets, 2);
	fake_advance(200000000);
	assert_int_equal(pci_conf_read(NVME, PCI_BAR(0), 4), 0x20004);
	/* For teardown(). */
	vpci_forget_range(vpci_machine, 0, ~0u);
	dom0->vpci = vpci_machine;
	hardware_domain = &dom0->d;
}

/* The tools' test before an assignment. It leaves the BARs of Dom0's functions alone. */
static void tools_learn_of_bars(void **state)
{
	set(function(PF), 0x168, 4, BIT(15), 0xffffffff);
	assert_int_equal(arch_pci_test_assign(&x->d, VF(0)), -ERANGE);
	assert_int_equal(arch_pci_test_assign(NULL, VF(0)), -ERANGE);
	set(function(PF), 0x168, 4, 0, 0xffffffff);
	assert_int_equal(arch_pci_test_assign(NULL, VF(0)), 0);
	set(function(NVME), PCI_BAR(2), 4, 0x80100, 0xffffff00);
	assert_int_equal(arch_pci_test_assign(NULL, NVME), 0);
	assert_int_equal(assign(NULL, NVME), 0);
	fake_advance(200000000);
	assert_int_equal(arch_pci_test_assign(NULL, NVME), -EADDRINUSE);
}

/*
 * Keel accesses the MSI-X table's pages for the guest, so a function must not be able to place its
 * table in somebody else's memory.
 */
static void a_table_outside_its_bar(void **state)
{
	static const struct { u32 table, pending; long rc; } cases[] = {
		{ 0x40000, 0x3000, -E2BIG }, { 0x3f88, 0x3000, -E2BIG }, { 0xfffffff8, 0x3000, -E2BIG },
		{ 2, 0x3000, -E2BIG }, { 1, 0x3000, -E2BIG }, { 0x2000, 0x4000, -E2BIG }, { 0x2000, 7, -E2BIG },
		{ 0x3f80, 0x3ff8, 0 },
	};

	for (unsigned int i = 0; i < ARRAY_LEN(cases); i++) {
		set(function(NVME), 0x44, 4, cases[i].table, 0);
		set(function(NVME), 0x48, 4, cases[i].pending, 0);
		assert_int_equal(arch_pci_device_remove(0, 0, 3 << 3), 0);
		assert_int_equal(arch_pci_device_add(0, 0, 3 << 3, 0, 0), 0);
		assert_int_equal(assign(&x->d, NVME), cases[i].rc);
		assert_ptr_equal(reaches_memory_of(NVME), cases[i].rc ? &dom0->d : &x->d);
	}
}

/* If Keel forgot the physical function, it would not know the BAR sizes of the virtual ones. */
static void the_physical_function_stays(void **state)
{
	assert_int_equal(assign(&x->d, VF(0)), 0);
	assert_int_equal(arch_pci_device_remove(0, 2, 0), -EBUSY);
	assert_int_equal(deassign(&x->d, VF(0)), 0);
	fake_advance(200000000);
	assert_int_equal(arch_pci_device_remove(0, 2, 0), 0);
	assert_int_equal(arch_pci_device_add(0, 2, 0, 0, 0), 0);
	assert_int_equal(assign(&x->d, VF(0)), -ENXIO);
	assert_int_equal(arch_pci_test_assign(&x->d, VF(0)), -ENXIO);
}

/*
 * A function in reset answers nothing, so what Keel needs for the next reset must be known
 * beforehand.
 */
static void a_reset_in_the_guests_reset(void **state)
{
	struct function *f = function(VF(0));
	unsigned int resets;

	assert_int_equal(assign(&x->d, VF(0)), 0);
	put(SLOT, VF_CONTROL, 2, BIT(15));
	f->held = true;
	resets = f->resets;
	vpci_guest_close(&x->d);
	assert_int_equal(f->resets, resets + 1);
	assert_true(vpci_is_resetting(vpci_find(dom0->vpci, VF(0))));
	/* Nor can Dom0 get it now by removing and adding it. */
	assert_int_equal(arch_pci_device_remove(0, 2, 1), -EBUSY);
	assert_int_equal(arch_pci_device_add(0, 2, 1, XEN_PCI_DEV_VIRTFN, 0x200), 0);
	assert_null(reaches_memory_of(VF(0)));
	fake_advance(60000000);
	f->held = false;
	assert_int_equal(deassign(NULL, VF(0)), 0);
	assert_int_equal(assign(NULL, VF(0)), 0);
}

/*
 * Dom0 resets the physical function, or switches the virtual ones off, while a guest has one or one
 * is in reset.
 */
static void what_is_switched_off_is_reset(void **state)
{
	assert_int_equal(assign(&x->d, VF(0)), 0);
	assert_int_equal(assign(&x->d, VF(1)), 0);
	assert_int_equal(arch_pci_deassign(&x->d, VF(0)), 0);
	pci_conf_write(PF, 0x148, 2, 0);	/* by a write that Keel does not see */
	function(VF(0))->held = function(VF(1))->held = true;
	assert_int_equal(arch_pci_deassign(&x->d, VF(1)), 0);
	assert_false(vpci_is_resetting(vpci_find(dom0->vpci, VF(1))));
	assert_int_equal(arch_pci_device_remove(0, 2, 1), -EBUSY);
	dom0_put(PF, 0x148, 2, SRIOV_CTRL_VFE | SRIOV_CTRL_MSE); /* nobody has one now */
	assert_int_equal(pci_conf_read(PF, 0x148, 2), SRIOV_CTRL_VFE | SRIOV_CTRL_MSE);
	dom0_put(PF, 0x148, 2, 0);
	fake_advance(200000000);
	assert_false(vpci_is_resetting(vpci_find(dom0->vpci, VF(0))));
	dom0_put(PF, 0x148, 2, SRIOV_CTRL_VFE | SRIOV_CTRL_MSE);
	for (unsigned int i = 0; i < 2; i++) {
		function(VF(i))->held = false;
		assert_int_equal(arch_pci_deassign(NULL, VF(i)), 0);
		assert_int_equal(assign(&x->d, VF(i)), 0);
	}
}

/*
 * Calls during a reset are answered from what Keel knew before: what the function reads as then
 * does not count.
 */
static void who_asks_in_a_reset(void **state)
{
	assert_int_equal(arch_pci_assign(NULL, VF(0)), 0);
	function(VF(0))->held = true;
	assert_int_equal(arch_pci_test_assign(NULL, VF(0)), 0);
	assert_int_equal(arch_pci_test_assign(&x->d, VF(0)), 0);
	function(VF(0))->held = false;
	assert_int_equal(assign(&x->d, VF(0)), 0);
	assert_int_equal(deassign(&x->d, VF(0)), 0);
	fake_advance(200000000);
	pci_conf_write(PF, 0x148, 2, 0);
	capabilities(function(PF), 0x40);
	express(function(PF), 0x40);
	find_anew(PF);
	assert_int_equal(arch_pci_assign(NULL, PF), 0);
	function(PF)->held = true;
	assert_int_equal(arch_pci_test_assign(NULL, PF), 0);
	assert_int_equal(arch_pci_test_assign(&x->d, PF), 0);
	assert_int_equal(arch_pci_assign(&x->d, PF), -ERESTART);
	function(PF)->held = false;
	assert_int_equal(assign(&x->d, PF), 0);
}

/*
 * Dom0 has just reset it: neither the guest's view nor what is restored after resets comes from
 * what it reads as then.
 */
static void a_reset_by_dom0(void **state)
{
	static const u32 ids[] = { NVME, VF(0) };

	for (unsigned int i = 0; i < ARRAY_LEN(ids); i++) {
		struct function *f = function(ids[i]);
		struct vpci_dev *dev = vpci_find(dom0->vpci, ids[i]);

		f->held = true;
		assert_int_equal(arch_pci_assign(NULL, ids[i]), -EIO);
		assert_int_equal(arch_pci_assign(&x->d, ids[i]), -EIO);
		assert_int_equal(dev->owner, 0);
		f->held = false;
		assert_int_equal(arch_pci_assign(NULL, ids[i]), 0);
		fake_advance(200000000);
		f->held = true;
		assert_int_equal(arch_pci_test_assign(NULL, ids[i]), 0);
		assert_int_equal(arch_pci_assign(&x->d, ids[i]), -EIO);
		assert_int_equal(dev->owner, DOMID_IO);
		assert_int_not_equal(dev->reset.header[1], ~0u);
		f->held = false;
		assert_int_equal(assign(&x->d, ids[i]), 0);
		assert_int_equal(get(SLOT + i * 0x100, 0, 4), i ? 0x10ca8086 : 0x00101b36);
	}
}

static void resets_end_one_at_a_time(void **state)
{
	assert_int_equal(assign(&x->d, VF(0)), 0);
	assert_int_equal(assign(&x->d, VF(1)), 0);
	vpci_guest_close(&x->d);
	for (unsigned int i = 0; i < 2; i++)
		vpci_find(dom0->vpci, VF(i))->reset.due = 0;
	fake_advance(5000000);
	assert_int_not_equal(vpci_is_resetting(vpci_find(dom0->vpci, VF(0))),
			     vpci_is_resetting(vpci_find(dom0->vpci, VF(1))));
	fake_advance(1000000);
	for (unsigned int i = 0; i < 2; i++)
		assert_false(vpci_is_resetting(vpci_find(dom0->vpci, VF(i))));
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
static const struct CMUnitTest tests[] = {
	T(nothing_without_a_function), T(a_virtual_function_has_an_identity),
	T(bars_are_where_the_guest_puts_them_and_nowhere_else), T(a_bar_does_not_cover_what_is_there),
	T(messages_are_the_guests), T(what_the_last_owner_left_is_masked),
	T(dom0_does_not_take_it_back_by_force), T(what_cannot_be_assigned_says_why),
	T(a_whole_device_and_a_group), T(a_group_stays_together), T(peers_behind_ports),
	T(a_functions_peers), T(virtual_functions_behind_a_port),
	T(no_bridge_comes_over_a_guests_function), T(a_bar_over_memory_is_refused), T(vectors_are_limited),
	T(a_quarter_of_the_vectors_is_no_guests), T(a_bar_in_the_page_of_another_is_refused),
	T(bars_of_32_bits), T(the_32_bit_window), T(a_virtual_function_with_32_bits), T(the_port_tells),
	T(no_log_beside_functions), T(a_reset_by_the_guest), T(a_reset_by_the_guest_again),
	T(who_is_cut_off_sends_nothing), T(random_writes_change_nothing_else), T(ports_run_out),
	T(each_allocation_fails_once), T(a_dying_guest_lets_go), T(a_reset_between_two_owners),
	T(a_bus_that_is_reset), T(what_cannot_be_reset_stays_dom0s), T(tools_learn_of_bars),
	T(groups_by_what_firmware_says), T(what_no_unit_has_stays_dom0s), T(without_a_hardware_domain),
	T(a_table_outside_its_bar), T(the_physical_function_stays), T(a_reset_in_the_guests_reset),
	T(who_asks_in_a_reset), T(a_reset_by_dom0), T(bars_stay_as_they_were),
	T(virtual_functions_bars_stay_as_they_were), T(resets_end_one_at_a_time),
	T(what_is_switched_off_is_reset),
};

UNIT_MAIN(tests)

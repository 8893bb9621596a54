/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: common/option.c */
/*
 * What both vendors' IOMMU drivers share. The fake vendor records which domain each id belongs to.
 */
#include "test/unit/unit.h"

#include <public/errno.h>

#include "arch/x86/iommu/iommu.c" /* the source itself: a boot starts with its state */

struct cpu_features cpu_features = { .phys_bits = 46 };

#define DEV 0x310
#define NEIGHBOUR 0x311

static struct domain *attached[0x10000];
static unsigned int nr_attached;
static int attach_rc;

static u32 commands[0x10000];	/* command registers; ~0: the function does not answer */

u32 pci_conf_read(u32 sbdf, unsigned int reg, unsigned int size)
{
	assert_true(reg == PCI_COMMAND && size == 2);
	return (u16)commands[sbdf];
}

void pci_conf_write(u32 sbdf, unsigned int reg, unsigned int size, u32 val)
{
	assert_true(reg == PCI_COMMAND && size == 2 && commands[sbdf] != ~0u);
	commands[sbdf] = val;
}

static u64 shown_faults, shown_cut_off;

void hypfs_string(struct hypfs_walk *w, const char *path, const char *value)
{
}

void hypfs_bool(struct hypfs_walk *w, const char *path, bool value)
{
}

void hypfs_uint(struct hypfs_walk *w, const char *path, u64 value)
{
	if (!strcmp(path, "keel/iommu/faults"))
		shown_faults = value;
	if (!strcmp(path, "keel/iommu/cut_off"))
		shown_cut_off = value;
}

static int attach_one(u32 sbdf, struct domain *d)
{
	nr_attached++;
	if (!attach_rc)
		attached[sbdf] = d;
	return attach_rc;
}

const struct iommu_ops vtd_ops = { .name = "test", .attach = attach_one }, amdvi_ops;

static void start(void)
{
	iommu_ops = &vtd_ops;
	memset(attached, 0, sizeof(attached));
	memset(devices, 0, sizeof(devices));
	iommu_nr_reserved = nr_attached = attach_rc = 0;
	nr_faults = nr_cut_off = 0;
}

static void reserved_memory_adds_up(void **state)
{
	static const u8 want[] = { 0, 1, 3, 2, 0, 3, 0, 0 };

	start();
	iommu_add_reserved(0x1000, 0x2fff, DEV, 1);
	iommu_add_reserved(0x2000, 0x3fff, NEIGHBOUR, 2);
	iommu_add_reserved(0x5800, 0x5fff, ~0u, 3);
	iommu_add_reserved(0x7000, 0x6fff, DEV, 3);
	assert_non_null(strstr(fake_last_message, "its end is before its begin"));
	iommu_add_reserved(0x7000, ~0ull, DEV, 3);
	assert_non_null(strstr(fake_last_message, "the CPUs do not have such addresses"));
	for (mfn_t mfn = 0; mfn < ARRAY_LEN(want); mfn++)
		assert_int_equal(iommu_reserved_access(mfn), want[mfn]);
	while (iommu_nr_reserved < 1000)
		iommu_add_reserved(0x8000, 0x8fff, DEV, 1);
	iommu_add_reserved(0x9000, 0x9fff, DEV, 1);
	assert_int_equal(iommu_reserved_access(9), 1);
}

static void devices_come_and_go(void **state)
{
	struct iommu_device dev = { .sbdf = DEV, .alias = DEV };
	struct domain *d = fake_domain(1, 1);

	start();
	attach_rc = -ENOENT;
	assert_int_equal(iommu_attach(&dev, d), -ENOENT);
	assert_true(!dev.owner && !find(DEV));
	attach_rc = 0;
	assert_int_equal(iommu_attach(&dev, d), 0);
	assert_int_equal(iommu_attach(&dev, d), 0); /* listed once */
	assert_true(attached[DEV] == d && dev.owner == d && find(DEV) == &dev && !dev.next);
	iommu_detach(&dev);
	assert_true(!attached[DEV] && !dev.owner && !find(DEV));
	nr_attached = 0;
	iommu_detach(&dev);
	iommu_ops = NULL; /* iommu=off */
	assert_int_equal(iommu_attach(&dev, d), 0);
	assert_int_equal(nr_attached, 0);
}

/*
 * Two functions behind a bridge to conventional PCI, which sends all requests with the first one's
 * id.
 */
static void a_bridge_hides_who_sends(void **state)
{
	struct iommu_device first = { .sbdf = 0x500, .alias = 0x500 },
				    second = { .sbdf = 0x508, .alias = 0x500 };
	struct domain *d = fake_domain(1, 1);

	start();
	assert_int_equal(iommu_attach(&second, d), 0);
	assert_true(attached[0x508] == d && attached[0x500] == d);
	iommu_detach(&second);
	assert_true(!attached[0x508] && !attached[0x500]);
	assert_int_equal(iommu_attach(&second, d), 0);
	assert_int_equal(iommu_attach(&first, d), 0);
	iommu_detach(&first); /* the second function still needs the id */
	assert_true(attached[0x508] == d && attached[0x500] == d);
	for (unsigned int i = 0; i <= FAULTS_IN_WINDOW; i++)
		iommu_fault(0x500, 0x5000, true, "why");
	assert_true(second.cut_off && !attached[0x500]);
	iommu_detach(&second);
	assert_true(!attached[0x508] && !find(0x500));
}

static void a_flood_is_cut_off(void **state)
{
	struct iommu_device dev = { .sbdf = DEV, .alias = DEV },
				  other = { .sbdf = NEIGHBOUR, .alias = NEIGHBOUR };
	struct iommu_device behind = { .sbdf = 0x318, .alias = DEV },
				     resets = { .sbdf = 0x320, .alias = DEV };
	struct domain *d = fake_domain(1, 1);
	unsigned int n;

	start();
	commands[DEV] = commands[NEIGHBOUR] = commands[0x318] = 0x406;
	commands[0x320] = ~0u;
	assert_int_equal(iommu_attach(&behind, d), 0);
	assert_int_equal(iommu_attach(&resets, d), 0);
	assert_int_equal(iommu_attach(&dev, d), 0);
	assert_int_equal(iommu_attach(&other, d), 0);
	for (unsigned int i = 0; i < 3 * FAULTS_IN_WINDOW; i++) {
		fake_now += FAULT_WINDOW_NS / FAULTS_IN_WINDOW + 1000000; /* just below the limit */
		iommu_fault(DEV, 0x5000, true, "why");
	}
	assert_non_null(strstr(fake_last_message, "0000:03:02.0 (d1's): write at 0x5000 refused: why"));
	assert_true(attached[DEV] == d && nr_cut_off == 0);
	for (n = 0; attached[DEV]; n++)
		iommu_fault(DEV, 0x5000, true, "why");
	assert_in_range(n, 1, FAULTS_IN_WINDOW + 1);
	assert_non_null(strstr(fake_last_message, "0000:03:02.0 (d1's) is cut off"));
	assert_true(!attached[DEV] && attached[NEIGHBOUR] == d && nr_cut_off == 1);
	/* Every function that sends with this id loses bus mastering. */
	assert_true(commands[DEV] == 0x402 && commands[0x318] == 0x402 && commands[NEIGHBOUR] == 0x406);
	assert_true(behind.cut_off && resets.cut_off && !other.cut_off);
	nr_attached = 0;
	for (unsigned int i = 0; i <= FAULTS_IN_WINDOW; i++)
		iommu_fault(DEV, 0x5000, true, "why");
	assert_int_equal(nr_attached, 0); /* it is cut off only once */
	iommu_fault(~0u, 0, false, "why");
	assert_non_null(strstr(fake_last_message, "nobody's"));
	arch_hypfs_iommu(NULL);
	assert_int_equal(shown_faults, 4 * FAULTS_IN_WINDOW + n + 2);
	assert_int_equal(shown_cut_off, 1);
}

/* Its requests come with two ids: both are its own, and cut off together, whichever floods. */
static void a_flood_by_two_functions(void **state)
{
	struct domain *d = fake_domain(1, 1);

	for (u32 id = DEV; id <= DEV + 1; id++) {
		struct iommu_device dev = { .sbdf = DEV, .alias = DEV + 1 };

		start();
		commands[DEV] = 6;
		assert_int_equal(iommu_attach(&dev, d), 0);
		iommu_fault(id, 0x5000, false, "why");
		assert_non_null(strstr(fake_last_message, "(d1's): read"));
		for (unsigned int i = 0; i <= FAULTS_IN_WINDOW; i++)
			iommu_fault(id, 0x5000, false, "why");
		assert_true(!attached[DEV] && !attached[DEV + 1] && dev.cut_off && commands[DEV] == 2);
		assert_int_equal(nr_cut_off, 1);
		assert_int_equal(iommu_attach(&dev, d), 0);
		assert_true(attached[DEV] == d && attached[DEV + 1] == d && !dev.cut_off);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(reserved_memory_adds_up),
		UNIT_TEST(devices_come_and_go),
		UNIT_TEST(a_bridge_hides_who_sends),
		UNIT_TEST(a_flood_is_cut_off),
		UNIT_TEST(a_flood_by_two_functions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

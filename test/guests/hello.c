/* SPDX-License-Identifier: GPL-2.0-only */
/* The minimum: a PVH kernel starts, prints, and ends. */
#include "lib/guest.h"

const char test_title[] = "hello";

void test_main(void)
{
	u64 cr4;

	asm volatile("movq %%cr4, %0" : "=r"(cr4));
	printk("start_info at %p: magic %#x, version %u, flags %#x, %u modules\n", start_info,
	       start_info->magic, start_info->version, start_info->flags, start_info->nr_modules);
	printk("%s, %s, %s, %u vCPUs, cr4 %#lx\n", on_keel ? "Keel" : "Xen", on_amd ? "SVM" : "VMX",
	       is_dom0 ? "Dom0" : "guest", nr_vcpus, cr4);
	EXPECT_EQ(start_info->magic, XEN_HVM_START_MAGIC_VALUE);
	EXPECT(start_info->version <= 1, "version %u", start_info->version);
	EXPECT_EQ(start_info->reserved, 0);
	EXPECT(nr_vcpus > 0, "VCPUOP_is_up(0) failed");
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* What the loader handed over, for the console. */
#include "common/boot_info.h"
#include "common/lib.h"
#include "common/printk.h"

const char *boot_range_name(u32 type)
{
	static const char *const names[] = {
		"?", "RAM", "reserved", "ACPI", "ACPI NVS", "unusable", "disabled", "persistent"
	};

	return type < ARRAY_SIZE(names) ? names[type] : names[0];
}

void boot_info_print(const struct boot_info *bi)
{
	static const char *const loaders[] = { "?", "UEFI", "multiboot1", "multiboot2" };
	u64 ram = 0;
	u32 i;

	pr_info("started by %s (%s), image at %#lx, %lu KiB",
		bi->loader_name[0] ? bi->loader_name : "a nameless loader",
		bi->loader < ARRAY_SIZE(loaders) ? loaders[bi->loader] : loaders[0], bi->image_phys,
		bi->image_size / 1024);
	for (i = 0; i < bi->nr_ranges; i++) {
		const struct boot_range *r = &bi->ranges[i];

		if (r->type == BOOT_RANGE_RAM)
			ram += r->size;
		pr_info("memory %012lx-%012lx %s%s", r->base, r->base + r->size - 1, boot_range_name(r->type),
			r->flags & BOOT_RANGE_EFI_RUNTIME ? ", EFI runtime" : "");
	}
	pr_info("%lu MiB of RAM", ram >> 20);
	for (i = 0; i < bi->nr_modules; i++) {
		const struct boot_module *m = &bi->modules[i];
		bool named = strncmp(m->name, BOOT_NO_NAME, strlen(BOOT_NO_NAME));

		pr_info("module %u at %#lx, %lu bytes%s%s", i, m->base, m->size, named ? ": " : "",
			named ? m->name : "");
	}
	if (bi->fdt)
		pr_info("boot configuration at %#lx, %lu bytes", bi->fdt, bi->fdt_size);
	if (bi->fb.present)
		pr_info("framebuffer %ux%ux%u at %#lx", bi->fb.width, bi->fb.height, bi->fb.bpp, bi->fb.base);
}

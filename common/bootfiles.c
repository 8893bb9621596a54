/* SPDX-License-Identifier: GPL-2.0-only */
/* Files named in a boot configuration: also linked into the UEFI loader. */
#include <libfdt.h>

#include "common/bootfiles.h"
#include "common/lib/string.h"

static const char *string_property(const void *fdt, int node, const char *name)
{
	int len;
	const char *s = fdt_getprop(fdt, node, name, &len);

	/* A property is bytes: only one terminated string with something in it is a path. */
	if (!s || len < 2 || s[len - 1] || strlen(s) != (size_t)len - 1)
		return NULL;
	return s;
}

const char *boot_module_path(const void *fdt, int node)
{
	const char *s = string_property(fdt, node, "path");

	return s ? s : string_property(fdt, node, "xen,uefi-binary");
}

int boot_module_is(const void *fdt, int node, const char *kind)
{
	char name[32];
	size_t len = strlen(kind) + 1;

	if (len + 10 > sizeof(name))
		return 0;
	memcpy(name, "module,", 7);
	memcpy(name + 7, kind, len);
	if (!fdt_node_check_compatible(fdt, node, name))
		return 1;
	memcpy(name, "multiboot,", 10);
	memcpy(name + 10, kind, len);
	return !fdt_node_check_compatible(fdt, node, name);
}

/*
 * Do the tokens (Devicetree specification 0.4, 5.4.1) lead to the end of their block? libfdt 1.6.1
 * adds a property's length without checking for overflow, and may loop for ever.
 */
static int tokens_end(const void *fdt)
{
	const char *block = (const char *)fdt + fdt_off_dt_struct(fdt);
	uint64_t at = 0, size = fdt_size_dt_struct(fdt), len;

	while (at + 4 <= size) {
		uint32_t tag = fdt32_ld((const fdt32_t *)(block + at));

		at += 4;
		len = 0;
		if (tag == FDT_END)
			return 1;
		if (tag == FDT_BEGIN_NODE)
			len = strnlen(block + at, size - at) + 1;
		else if (tag == FDT_PROP && at + 8 <= size)
			len = 8ull + fdt32_ld((const fdt32_t *)(block + at));
		else if (tag != FDT_END_NODE && tag != FDT_NOP)
			return 0;
		at += (len + 3) & ~3ull;
	}
	return 0;
}

int boot_fdt_check(const void *fdt, uint64_t size)
{
	int rc;

	if (size < sizeof(struct fdt_header))
		return -FDT_ERR_TRUNCATED;
	rc = fdt_check_header(fdt);
	if (rc)
		return rc;
	if (fdt_totalsize(fdt) > size)
		return -FDT_ERR_TRUNCATED;
	/*
	 * Versions before 16 name nodes by their whole path; libfdt 1.6.1's check fails on a root
	 * without one.
	 */
	if (fdt_version(fdt) < 17)
		return -FDT_ERR_BADVERSION;
	if (!tokens_end(fdt))
		return -FDT_ERR_BADSTRUCTURE;
	return fdt_check_full(fdt, fdt_totalsize(fdt));
}

int boot_fdt_files(const void *fdt, struct boot_file files[BOOT_MAX_MODULES])
{
	int node, i, n = 0, depth = 0;
	int chosen = fdt_path_offset(fdt, "/chosen");

	if (chosen < 0)
		return 0;
	for (node = fdt_next_node(fdt, chosen, &depth); node >= 0 && depth > 0;
	     node = fdt_next_node(fdt, node, &depth)) {
		const char *path = boot_module_path(fdt, node);
		int kernel = boot_module_is(fdt, node, "kernel");

		if (!path || (!kernel && !boot_module_is(fdt, node, "ramdisk")))
			continue;
		for (i = 0; i < n && strcmp(files[i].path, path); i++)
			;
		if (i == n) {
			if (n == BOOT_MAX_MODULES)
				return -1;
			files[n++] = (struct boot_file){ .path = path };
		}
		files[i].kernel |= kernel;
	}
	return n;
}

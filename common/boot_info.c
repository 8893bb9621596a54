/* SPDX-License-Identifier: GPL-2.0-only */
/* Filling struct boot_info: shared by all loaders, also linked into the UEFI loader. */
#include <stdbool.h>

#include "common/boot_info.h"
#include "common/lib/string.h"

/* If two ranges overlap, the one with the higher rank wins: nobody may allocate what is not RAM. */
static unsigned int range_rank(uint32_t type)
{
	static const uint8_t ranks[] = {
		[BOOT_RANGE_RAM] = 1, [BOOT_RANGE_PMEM] = 2, [BOOT_RANGE_ACPI] = 3, [BOOT_RANGE_NVS] = 4,
		[BOOT_RANGE_RESERVED] = 5, [BOOT_RANGE_UNUSABLE] = 6, [BOOT_RANGE_DISABLED] = 6,
	};

	return type < sizeof(ranks) && ranks[type] ? ranks[type] : ranks[BOOT_RANGE_RESERVED];
}

static int range_insert(struct boot_info *bi, uint32_t at, uint64_t base, uint64_t end,
			uint32_t type, uint32_t flags)
{
	struct boot_range *r = &bi->ranges[at];

	if (base >= end)
		return 0;
	if (bi->nr_ranges >= BOOT_MAX_RANGES)
		return -1;
	memmove(r + 1, r, (bi->nr_ranges - at) * sizeof(*r));
	bi->nr_ranges++;
	r->base = base;
	r->size = end - base;
	r->type = type;
	r->flags = flags;
	return 0;
}

static void range_remove(struct boot_info *bi, uint32_t at)
{
	struct boot_range *r = &bi->ranges[at];

	memmove(r, r + 1, (bi->nr_ranges - at - 1) * sizeof(*r));
	bi->nr_ranges--;
}

static void range_join(struct boot_info *bi)
{
	uint32_t i = 1;

	while (i < bi->nr_ranges) {
		struct boot_range *p = &bi->ranges[i - 1], *r = &bi->ranges[i];

		if (p->type == r->type && p->flags == r->flags && p->base + p->size == r->base) {
			p->size += r->size;
			range_remove(bi, i);
		} else {
			i++;
		}
	}
}

int boot_info_add_range(struct boot_info *bi, uint64_t base, uint64_t size, uint32_t type,
			uint32_t flags)
{
	uint64_t end = base + size < base ? UINT64_MAX : base + size;
	uint32_t i = 0;
	int rc = 0;

	while (i < bi->nr_ranges && base < end && !rc) {
		struct boot_range r = bi->ranges[i];
		uint64_t r_end = r.base + r.size;

		if (r_end <= base) {
			i++;
			continue;
		}
		if (r.base >= end)
			break;
		if (range_rank(type) <= range_rank(r.type)) {
			/* The old one stays: insert the part before it, continue behind it. */
			uint32_t before = bi->nr_ranges;

			rc = range_insert(bi, i, base, r.base, type, flags);
			i += 1 + (bi->nr_ranges - before);
			base = r_end;
		} else {
			/* The new one wins: keep the rest of the old one on either side. */
			range_remove(bi, i);
			rc = range_insert(bi, i, end, r_end, r.type, r.flags);
			if (r.base < base)
				rc |= range_insert(bi, i++, r.base, base, r.type, r.flags);
		}
	}
	if (base < end && !rc)
		rc = range_insert(bi, i, base, end, type, flags);
	range_join(bi);
	return rc ? -1 : 0;
}

void boot_copy_string(char *dst, size_t size, const char *src)
{
	size_t len = strnlen(src, size - 1);

	memcpy(dst, src, len);
	dst[len] = '\0';
}

int boot_info_add_module(struct boot_info *bi, uint64_t base, uint64_t size, const char *name,
			 const char *cmdline)
{
	struct boot_module *m = &bi->modules[bi->nr_modules];
	size_t len;

	if (bi->nr_modules >= BOOT_MAX_MODULES)
		return -1;
	memset(m, 0, sizeof(*m));
	m->base = base;
	m->size = size;
	if (name && *name) {
		len = strlen(name);
		if (len >= sizeof(m->name))
			name += len - (sizeof(m->name) - 1);
		boot_copy_string(m->name, sizeof(m->name), name);
	} else {
		boot_copy_string(m->name, sizeof(m->name), BOOT_NO_NAME);
		len = strlen(m->name);
		if (bi->nr_modules >= 10)
			m->name[len++] = '0' + bi->nr_modules / 10;
		m->name[len] = '0' + bi->nr_modules % 10;
	}
	if (cmdline)
		boot_copy_string(m->cmdline, sizeof(m->cmdline), cmdline);
	return bi->nr_modules++;
}

/* Compression formats in which users may pass a kernel, and the command that unpacks each. */
static const struct packing {
	uint16_t offset;
	uint8_t len;
	uint8_t magic[6];
	const char *name, *command;
} packings[] = {
	{ 0, 2, { 0x1f, 0x8b }, "gzip", "gzip -dc" },
	{ 0, 6, { 0xfd, '7', 'z', 'X', 'Z', 0 }, "xz", "xz -dc" },
	{ 0, 4, { 0x28, 0xb5, 0x2f, 0xfd }, "zstd", "zstd -dc" },
	{ 0, 3, { 'B', 'Z', 'h' }, "bzip2", "bzip2 -dc" },
	{ 0, 4, { 0x04, 0x22, 0x4d, 0x18 }, "lz4", "lz4 -dc" },
	{ 0, 4, { 0x02, 0x21, 0x4c, 0x18 }, "lz4", "lz4 -dc" },		/* the old format, of kernels */
	{ 0, 4, { 0x89, 'L', 'Z', 'O' }, "lzo", "lzop -dc" },
	{ 0, 3, { 0x5d, 0, 0 }, "lzma", "xz --format=lzma -dc" },	/* usual properties, any dictionary */
	/* The x86 Linux boot protocol's signature in the setup header. */
	{ 0x202, 4, { 'H', 'd', 'r', 'S' }, "bzImage",
	  "/usr/src/linux-headers-*/scripts/extract-vmlinux" },
	{ 0, 2, { 'M', 'Z' }, "an EFI program", NULL },
};

/*
 * Version 2.08 and later of the boot protocol give the length of the compressed kernel; other
 * programs have no such field.
 */
#define BZIMAGE_VERSION 0x206
#define BZIMAGE_PAYLOAD_LENGTH 0x24c

static bool bzimage_is_linux(const uint8_t *p, uint64_t size)
{
	uint32_t payload;

	if (size < BZIMAGE_PAYLOAD_LENGTH + sizeof(payload) || p[BZIMAGE_VERSION + 1] < 2 ||
	    (p[BZIMAGE_VERSION + 1] == 2 && p[BZIMAGE_VERSION] < 8))
		return false;
	memcpy(&payload, p + BZIMAGE_PAYLOAD_LENGTH, sizeof(payload));
	return payload;
}

const char *boot_image_packed(const void *data, uint64_t size, const char **unpack)
{
	const uint8_t *p = data;
	const struct packing *k;

	for (k = packings; k < packings + sizeof(packings) / sizeof(packings[0]); k++) {
		if (size < k->offset + k->len || memcmp(p + k->offset, k->magic, k->len))
			continue;
		*unpack = k->command;
		if (k->offset && !bzimage_is_linux(p, size)) {
			*unpack = NULL;
			return "a bzImage without Linux in it";
		}
		return k->name;
	}
	return NULL;
}

int boot_is_fdt(const void *data, uint64_t size)
{
	static const uint8_t magic[4] = { 0xd0, 0x0d, 0xfe, 0xed };

	return size >= 40 && !memcmp(data, magic, sizeof(magic));
}

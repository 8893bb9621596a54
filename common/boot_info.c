/* SPDX-License-Identifier: GPL-2.0-only */
/* Filling struct boot_info: shared by all loaders, also linked into the UEFI loader. */
#include "common/boot_info.h"
#include "common/lib/string.h"

/* Where two ranges overlap the one with the higher rank wins: nobody may allocate what is not RAM. */
static unsigned int range_rank(uint32_t type)
{
	switch (type) {
	case BOOT_RANGE_RAM:
		return 0;
	case BOOT_RANGE_PMEM:
		return 1;
	case BOOT_RANGE_ACPI:
		return 2;
	case BOOT_RANGE_NVS:
		return 3;
	case BOOT_RANGE_UNUSABLE:
	case BOOT_RANGE_DISABLED:
		return 5;
	default:
		return 4;
	}
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
			/* The old one stays: put in what is before it, go on behind it. */
			uint32_t before = bi->nr_ranges;

			rc = range_insert(bi, i, base, r.base, type, flags);
			i += 1 + (bi->nr_ranges - before);
			base = r_end;
		} else {
			/* The new one wins: keep what is left of the old one on either side. */
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
	if (name) {
		len = strlen(name);
		if (len >= sizeof(m->name))
			name += len - (sizeof(m->name) - 1);
		boot_copy_string(m->name, sizeof(m->name), name);
	}
	if (cmdline)
		boot_copy_string(m->cmdline, sizeof(m->cmdline), cmdline);
	return bi->nr_modules++;
}

const char *boot_image_packed(const void *data, uint64_t size)
{
	static const struct {
		uint8_t len;
		uint8_t magic[6];
		const char *name;
	} kinds[] = {
		{ 2, { 0x1f, 0x8b }, "gzip" },
		{ 6, { 0xfd, '7', 'z', 'X', 'Z', 0 }, "xz" },
		{ 4, { 0x28, 0xb5, 0x2f, 0xfd }, "zstd" },
		{ 3, { 'B', 'Z', 'h' }, "bzip2" },
		{ 4, { 0x02, 0x21, 0x4c, 0x18 }, "lz4" },
		{ 4, { 0x89, 'L', 'Z', 'O' }, "lzo" },
		{ 5, { 0x5d, 0, 0, 0, 0x04 }, "lzma" },
	};
	const uint8_t *p = data;
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (size >= kinds[i].len && !memcmp(p, kinds[i].magic, kinds[i].len))
			return kinds[i].name;
	/* The x86 Linux boot protocol's signature, at 0x202 in the setup header. */
	if (size >= 0x206 && !memcmp(p + 0x202, "HdrS", 4))
		return "bzImage";
	return NULL;
}

int boot_is_fdt(const void *data, uint64_t size)
{
	static const uint8_t magic[4] = { 0xd0, 0x0d, 0xfe, 0xed };

	return size >= 40 && !memcmp(data, magic, sizeof(magic));
}

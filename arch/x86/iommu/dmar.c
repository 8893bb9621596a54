/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The DMAR table's parser (VT-d specification 4.1, chapter 8). Pure: it trusts none of the bytes.
 */
#include "arch/x86/iommu/dmar.h"

#include <public/errno.h>

#include "common/heap.h"

#define HEADER_LEN 48		/* with host address width, flags and 10 reserved bytes (8.1) */
#define FLAGS 37
#define FLAG_IRQ_REMAP BIT(0)
#define TYPE_DRHD 0
#define TYPE_RMRR 1
#define DRHD_LEN 16		/* without scopes */
#define RMRR_LEN 24
#define SCOPE_LEN 6		/* without its path */

static int refuse(struct dmar *out, size_t off, const char *why)
{
	out->bad_offset = off;
	out->why = why;
	return -EINVAL;
}

/* The scopes in [off, end); kinds that no unit needs (HPETs, ACPI names) are left out. */
static int read_scopes(const u8 *p, size_t off, size_t end, struct dmar *out, struct dmar_entry *e)
{
	e->scope = out->nr_scopes;
	for (; off < end; off += p[off + 1]) {
		if (end - off < SCOPE_LEN || p[off + 1] < SCOPE_LEN || p[off + 1] > end - off || p[off + 1] % 2)
			return refuse(out, off, "a device scope's length is wrong");
		if (p[off] < DMAR_SCOPE_ENDPOINT || p[off] > DMAR_SCOPE_IOAPIC)
			continue;
		if (p[off + 1] == SCOPE_LEN)
			return refuse(out, off, "a device scope has no path");
		array_add(out->scopes, out->nr_scopes) = (struct dmar_scope){ .type = p[off], .id = p[off + 4],
			.bus = p[off + 5], .depth = (p[off + 1] - SCOPE_LEN) / 2, .path = p + off + SCOPE_LEN };
	}
	e->nr_scopes = out->nr_scopes - e->scope;
	return 0;
}

static int read_unit(const u8 *p, size_t off, size_t len, struct dmar *out)
{
	struct dmar_entry e;

	if (len < DRHD_LEN)
		return refuse(out, off, "a unit's entry is too short");
	e = (struct dmar_entry){ .first = get64(p + off + 8), .segment = get16(p + off + 6),
				  .all = p[off + 4] & 1 };
	if (!e.first || !IS_ALIGNED(e.first, PAGE_SIZE))
		return refuse(out, off, "a unit's register base is 0 or not aligned to 4 KiB");
	array_add(out->units, out->nr_units) = e;
	return read_scopes(p, off + DRHD_LEN, off + len, out, &out->units[out->nr_units - 1]);
}

static int read_reserved(const u8 *p, size_t off, size_t len, struct dmar *out)
{
	if (len < RMRR_LEN)
		return refuse(out, off, "a reserved region's entry is too short");
	array_add(out->reserved, out->nr_reserved) = (struct dmar_entry){
		.first = get64(p + off + 8), .last = get64(p + off + 16), .segment = get16(p + off + 6) };
	return read_scopes(p, off + RMRR_LEN, off + len, out, &out->reserved[out->nr_reserved - 1]);
}

int dmar_parse(const void *table, size_t len, struct dmar *out)
{
	const u8 *p = table;
	size_t n;
	int rc = 0;

	out->nr_units = out->nr_reserved = out->nr_scopes = 0;
	if (len < HEADER_LEN)
		return refuse(out, len, "the table ends within its header");
	out->irq_remap = p[FLAGS] & FLAG_IRQ_REMAP;
	for (size_t off = HEADER_LEN; off < len && !rc; off += n) {
		if (len - off < 4)
			return refuse(out, off, "the table ends within an entry's header");
		n = get16(p + off + 2);
		if (n < 4 || n > len - off)
			return refuse(out, off, "an entry's length is wrong");
		if (get16(p + off) == TYPE_DRHD)
			rc = read_unit(p, off, n, out);
		else if (get16(p + off) == TYPE_RMRR)
			rc = read_reserved(p, off, n, out);
	}
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* The IVRS table (48882 chapter 5). Trusts none of the bytes. */
#include "arch/x86/iommu/ivrs.h"

#include "common/heap.h"

#define BLOCKS	   48	/* after the header, IVinfo and 8 reserved bytes */
#define IVMD_LEN   32
#define IVMD_ACCESS(flags) ((flags) >> 1 & 3)	/* 1: read, 2: write */
#define IVMD_EXCLUSION BIT(3)
#define REGS_ALIGN KiB(16)

enum { IVHD_10 = 0x10, IVHD_11, IVHD_40 = 0x40, IVMD_ALL = 0x20, IVMD_ONE, IVMD_RANGE };
enum { DEV_PAD4, DEV_ALL, DEV_SELECT, DEV_RANGE, DEV_RANGE_END, DEV_PAD8 = 64, DEV_ALIAS = 66,
       DEV_ALIAS_RANGE, DEV_EXT_SELECT = 70, DEV_EXT_RANGE, DEV_SPECIAL, DEV_HID = 240 };
#define SPECIAL_IOAPIC 1

/* Bytes of a unit's block before its device entries; 0: this is no such block. */
static unsigned int ivhd_head(u8 type)
{
	return type == IVHD_10 ? 24 : type == IVHD_11 || type == IVHD_40 ? 40 : 0;
}

u32 ivrs_index(const struct ivrs *s, u32 sbdf)
{
	for (u32 i = 0; i < s->nr_segments; i++)
		if (s->segment[i] == sbdf >> 16)
			return i << 16 | (sbdf & 0xffff);
	return ~0u;
}

/* The function of a unit's block. */
static u32 unit_id(const u8 *b) { return (u32)get16(b + 16) << 16 | get16(b + 4); }

static unsigned int find_unit(const struct ivrs *s, u32 id)
{
	unsigned int i = 0;

	while (i < s->nr_units && s->unit[i].id != id)
		i++;
	return i;
}

/* A unit may have a block of each type: the highest type has the most information. */
static const char *add_unit(struct ivrs *s, const u8 *b, size_t len)
{
	struct ivrs_unit u;
	unsigned int i;

	if (len < ivhd_head(b[0]))
		return "the description of a unit is cut off";
	u = (struct ivrs_unit){ unit_id(b), get16(b + 6), b[0], b[1], get64(b + 8) };
	if (!u.base || !IS_ALIGNED(u.base, REGS_ALIGN))
		return "a unit's registers are at no possible address";
	i = find_unit(s, u.id);
	if (i == IVRS_MAX_UNITS)
		return "more units than Keel can use";
	if (i == s->nr_units)
		array_add(s->unit, s->nr_units) = u;
	else if (s->unit[i].type < u.type)
		s->unit[i] = u;
	if (ivrs_index(s, u.id) == ~0u)
		array_add(s->segment, s->nr_segments) = (u16)(u.id >> 16);
	return NULL;
}

/* Whether it ends before it begins is iommu_add_reserved()'s to say. */
static const char *add_memory(struct ivrs *s, const u8 *b, size_t len)
{
	struct ivrs_memory m = { .last = IVRS_NR_IDS - 1 };

	if (len < IVMD_LEN)
		return "the description of reserved memory is cut off";
	if (b[0] != IVMD_ALL) {
		m.first = get16(b + 4);
		m.last = b[0] == IVMD_RANGE ? get16(b + 6) : m.first;
	}
	m.segment = get16(b + 8);
	m.access = b[1] & IVMD_EXCLUSION ? 3 : IVMD_ACCESS(b[1]);
	m.start = get64(b + 16);
	m.end = m.start + get64(b + 24) - 1;
	array_add(s->memory, s->nr_memory) = m;
	return NULL;
}

/* Bytes of a device entry; 0: it does not fit. */
static size_t entry_len(const u8 *e, size_t left)
{
	size_t n = e[0] < 64 ? 4 : e[0] < 128 ? 8 : e[0] < 192 ? 16 : 32;

	if (e[0] == DEV_HID)
		n = left < 22 ? 22 : 22u + e[21];
	return n <= left ? n : 0;
}

/* Enters the ids first..last as entry e describes them. */
static void set_devices(struct ivrs *s, unsigned int unit, const u8 *e, u16 first, u16 last)
{
	bool aliased = e[0] == DEV_ALIAS || e[0] == DEV_ALIAS_RANGE;
	struct ivrs_dev *dev = s->dev + ivrs_index(s, s->unit[unit].id & ~0xffffu);

	for (u32 id = first; id <= last; id++)
		dev[id] = (struct ivrs_dev){ aliased ? get16(e + 5) : (u16)id, (u8)unit, e[3] };
	/* Requests arrive with it, so the unit has it, whether or not there is an entry for it. */
	if (aliased && dev[get16(e + 5)].unit == IVRS_NO_UNIT)
		dev[get16(e + 5)].unit = (u8)unit;
}

/* *start: the entry that began a range which has not ended yet. */
static const char *add_device(struct ivrs *s, unsigned int unit, const u8 *e, const u8 **start)
{
	u16 id = get16(e + 1);

	switch (e[0]) {
	case DEV_ALL:
		set_devices(s, unit, e, 0, IVRS_NR_IDS - 1);
		break;
	case DEV_SELECT:
	case DEV_ALIAS:
	case DEV_EXT_SELECT:
		set_devices(s, unit, e, id, id);
		break;
	case DEV_RANGE:
	case DEV_ALIAS_RANGE:
	case DEV_EXT_RANGE:
		if (*start)
			return "a range of devices begins within another";
		*start = e;
		break;
	case DEV_RANGE_END:
		if (!*start || id < get16(*start + 1))
			return "a range of devices ends before it begins";
		set_devices(s, unit, *start, get16(*start + 1), id);
		*start = NULL;
		break;
	case DEV_SPECIAL:
		id = get16(e + 5);
		set_devices(s, unit, e, id, id);
		if (e[7] == SPECIAL_IOAPIC)
			array_add(s->ioapic, s->nr_ioapics) = (struct ivrs_ioapic){
				e[4], (s->unit[unit].id & ~0xffffu) | id };
		break;
	}
	return NULL;
}

/*
 * The device entries of the unit's block b; *at: its offset, and that of the entry that is wrong.
 */
static const char *add_devices(struct ivrs *s, unsigned int unit, const u8 *b, size_t len,
			       size_t *at)
{
	const u8 *start = NULL;
	size_t n;

	for (size_t i = ivhd_head(b[0]); i < len; i += n) {
		const char *why = "a device entry is cut off";

		n = entry_len(b + i, len - i);
		if (n)
			why = add_device(s, unit, b + i, &start);
		if (why) {
			*at += i;
			return why;
		}
	}
	return start ? "a range of devices does not end" : NULL;
}

static const char *parse_block(struct ivrs *s, const u8 *b, size_t len, bool devices, size_t *at)
{
	unsigned int unit;

	if (!ivhd_head(b[0]))
		return !devices && b[0] >= IVMD_ALL && b[0] <= IVMD_RANGE ? add_memory(s, b, len) : NULL;
	if (!devices)
		return add_unit(s, b, len);
	unit = find_unit(s, unit_id(b));
	return s->unit[unit].type == b[0] ? add_devices(s, unit, b, len, at) : NULL;
}

/* All units are known. false: no memory. */
static bool make_devices(struct ivrs *s)
{
	s->dev = alloc_pages(size_to_order(s->nr_segments * IVRS_NR_IDS * sizeof(*s->dev)));
	for (u32 i = 0; s->dev && i < s->nr_segments * IVRS_NR_IDS; i++)
		s->dev[i] = (struct ivrs_dev){ (u16)i, IVRS_NO_UNIT, 0 };
	return s->dev || !s->nr_segments;
}

const char *ivrs_parse(const void *table, size_t len, struct ivrs *ivrs, size_t *at)
{
	const u8 *p = table;
	size_t n;

	ivrs->nr_units = ivrs->nr_memory = ivrs->nr_ioapics = ivrs->nr_segments = 0;
	for (unsigned int round = 0; round < 2; round++) {
		if (round && !make_devices(ivrs))
			return "no memory for what it describes";
		for (*at = BLOCKS; *at < len; *at += n) {
			const char *why;

			n = len - *at < 4 ? 0 : get16(p + *at + 2);
			if (n < 4 || n > len - *at)
				return "a block has no possible length";
			why = parse_block(ivrs, p + *at, n, round, at);
			if (why)
				return why;
		}
	}
	*at = BLOCKS;
	return ivrs->nr_units ? NULL : "no unit is described";
}

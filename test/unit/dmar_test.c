/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: arch/x86/iommu/dmar.c */
#include "test/unit/unit.h"

#include <public/errno.h>
#include <stdlib.h>

#include "arch/x86/iommu/dmar.h"

static u8 table[65536];
static size_t len;
static struct dmar d;

static void bytes(unsigned int n, u64 v)
{
	memcpy(table + len, &v, n);
	len += n;
}

static void header(u8 flags)
{
	memset(table, 0xee, sizeof(table));
	len = 36;
	bytes(1, 38);
	bytes(1, flags);
	len += 10;
}

static size_t begin(u16 type)
{
	bytes(2, type);
	bytes(2, 0);
	return len - 4;
}

static void end(size_t at)
{
	u16 n = (u16)(len - at);

	memcpy(table + at + 2, &n, 2);
}

static void scope(u8 type, u8 id, u8 bus, unsigned int depth)
{
	bytes(1, type);
	bytes(1, 6 + 2 * depth);
	bytes(2, 0);
	bytes(1, id);
	bytes(1, bus);
	for (unsigned int i = 0; i < depth; i++) {
		bytes(1, 0x1c + i);
		bytes(1, i);
	}
}

static size_t unit(u8 flags, u16 segment, u64 base)
{
	size_t at = begin(0);

	bytes(1, flags);
	bytes(1, 0);
	bytes(2, segment);
	bytes(8, base);
	return at;
}

static size_t reserved(u64 first, u64 last)
{
	size_t at = begin(1);

	bytes(2, 0);
	bytes(2, 0);
	bytes(8, first);
	bytes(8, last);
	return at;
}

/* Copied to the end of an allocation, so that ASan notices reads beyond it. */
static int parse(size_t n)
{
	u8 *p = malloc(n ? n : 1);
	int rc;

	memcpy(p, table, n);
	rc = dmar_parse(p, n, &d);
	free(p);
	return rc;
}

static void refused(size_t offset, const char *what)
{
	assert_int_equal(parse(len), -EINVAL);
	assert_int_equal(d.bad_offset, offset);
	assert_non_null(strstr(d.why, what));
}

static void a_whole_machine(void **state)
{
	size_t at;

	header(3);
	at = unit(0, 0, 0xfed90000);
	scope(DMAR_SCOPE_ENDPOINT, 0, 0, 1);
	end(at);
	at = unit(1, 2, 0xfed91000);
	scope(DMAR_SCOPE_IOAPIC, 8, 0xf0, 1);
	scope(4, 0, 0, 1);	/* an HPET */
	scope(DMAR_SCOPE_BRIDGE, 0, 7, 2);
	end(at);
	at = begin(2);		/* ATSR */
	bytes(4, 0);
	end(at);
	at = reserved(0x7f000000, 0x7f7fffff);
	scope(DMAR_SCOPE_ENDPOINT, 0, 0, 1);
	end(at);
	at = begin(3);		/* RHSA */
	bytes(8, 0);
	bytes(8, 0);
	end(at);
	at = begin(77);		/* a type of a later version */
	end(at);
	assert_int_equal(dmar_parse(table, len, &d), 0);
	assert_true(d.irq_remap);
	assert_int_equal(d.nr_units, 2);
	assert_int_equal(d.nr_reserved, 1);
	assert_int_equal(d.nr_scopes, 4);
	assert_int_equal(d.units[0].first, 0xfed90000);
	assert_false(d.units[0].all);
	assert_int_equal(d.units[0].nr_scopes, 1);
	assert_true(d.units[1].all);
	assert_int_equal(d.units[1].segment, 2);
	assert_int_equal(d.units[1].scope, 1);
	assert_int_equal(d.units[1].nr_scopes, 2);
	assert_int_equal(d.scopes[1].type, DMAR_SCOPE_IOAPIC);
	assert_int_equal(d.scopes[1].id, 8);
	assert_int_equal(d.scopes[1].bus, 0xf0);
	assert_int_equal(d.scopes[2].type, DMAR_SCOPE_BRIDGE);
	assert_int_equal(d.scopes[2].depth, 2);
	assert_int_equal(d.scopes[2].path[0], 0x1c);
	assert_int_equal(d.scopes[2].path[3], 1);
	assert_int_equal(d.reserved[0].first, 0x7f000000);
	assert_int_equal(d.reserved[0].last, 0x7f7fffff);
	assert_int_equal(d.reserved[0].scope, 3);
	/* Cut anywhere but between two entries, it is refused, and nothing behind the cut is read. */
	for (size_t n = 0; n < len; n++) {
		int rc = parse(n);

		assert_true(rc == 0 || (rc == -EINVAL && d.why && d.bad_offset <= n));
		assert_true(rc == 0 || n < 48 || d.nr_units <= 2);
		if (rc == 0)
			assert_true(n == 48 || n == 72 || n == 114 || n == 122 || n == 154 || n == 174);
	}
}

static void lengths_that_lie(void **state)
{
	static const u16 wrong[] = { 0, 3, 4, 15, 25, 0xffff };

	for (unsigned int i = 0; i < ARRAY_LEN(wrong); i++) {
		header(0);
		end(unit(1, 0, 0xfed90000));
		end(unit(0, 0, 0xfed91000));
		scope(DMAR_SCOPE_ENDPOINT, 0, 0, 1);
		memcpy(table + 64 + 2, &wrong[i], 2);
		refused(64, wrong[i] == 4 || wrong[i] == 15 ? "too short" : "length is wrong");
	}
	header(0);
	end(begin(1));
	refused(48, "too short");
}

static void scopes_that_lie(void **state)
{
	static const u8 wrong[] = { 0, 5, 7, 10, 255 };
	size_t at;

	for (unsigned int i = 0; i < ARRAY_LEN(wrong); i++) {
		header(0);
		at = unit(0, 0, 0xfed90000);
		scope(DMAR_SCOPE_ENDPOINT, 0, 0, 1);
		end(at);
		table[65] = wrong[i];
		refused(64, "device scope's length");
	}
	header(0);
	at = unit(0, 0, 0xfed90000);
	scope(DMAR_SCOPE_ENDPOINT, 0, 0, 0);
	end(at);
	refused(64, "no path");
	header(0);
	at = unit(0, 0, 0xfed90000);
	scope(DMAR_SCOPE_ENDPOINT, 0, 0, 1);
	len -= 4;
	end(at);
	refused(64, "device scope's length");
}

static void bases_that_are_none(void **state)
{
	header(0);
	end(unit(1, 0, 0));
	refused(48, "register base");
	header(0);
	end(unit(1, 0, 0xfed90800));
	refused(48, "register base");
}

/* More of each than any machine has had so far. */
static void many(void **state)
{
	header(0);
	for (unsigned int i = 0; i < 300; i++) {
		size_t at = unit(0, i, 0xfed90000 + i * PAGE_SIZE);

		scope(DMAR_SCOPE_ENDPOINT, 0, (u8)i, 1);
		end(at);
		at = reserved(0x1000 * i, 0x1000 * i + 0xfff);
		scope(DMAR_SCOPE_ENDPOINT, 0, (u8)~i, 1);
		end(at);
	}
	assert_int_equal(parse(len), 0);
	assert_int_equal(d.nr_units, 300);
	assert_int_equal(d.nr_reserved, 300);
	assert_int_equal(d.nr_scopes, 600);
	assert_int_equal(d.units[299].first, 0xfed90000 + 299 * PAGE_SIZE);
	assert_int_equal(d.scopes[d.units[299].scope].bus, 299 & 0xff);
	assert_int_equal(d.reserved[299].first, 299 * 0x1000);
	assert_int_equal(d.scopes[d.reserved[299].scope].bus, ~299 & 0xff);
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(a_whole_machine),
	UNIT_TEST(lengths_that_lie),
	UNIT_TEST(scopes_that_lie),
	UNIT_TEST(bases_that_are_none),
	UNIT_TEST(many),
};

UNIT_MAIN(tests)

/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: common/boot_info.c xen/multiboot/multiboot.c */
/* What loaders fill in: the sorted list of ranges, modules, and the multiboot conversions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/unit/unit.h"

#include "arch/x86/boot/layout.h"
#include "common/boot_info.h"
#include "xen/multiboot/multiboot.h"

/* From the linker script and the entry code. */
char __image_start[1], __image_end[1], handoff_pml4[1], handoff_tables_end[1];

static struct boot_info bi;

static int setup(void **state)
{
	memset(&bi, 0, sizeof(bi));
	return 0;
}

static void add(uint64_t base, uint64_t end, uint32_t type)
{
	assert_int_equal(boot_info_add_range(&bi, base, end - base, type, 0), 0);
}

struct expected {
	uint64_t base, end;
	uint32_t type;
};

static void expect(const struct expected *e, unsigned int n)
{
	unsigned int i;

	assert_int_equal(bi.nr_ranges, n);
	for (i = 0; i < n; i++) {
		assert_int_equal(bi.ranges[i].base, e[i].base);
		assert_int_equal(bi.ranges[i].base + bi.ranges[i].size, e[i].end);
		assert_int_equal(bi.ranges[i].type, e[i].type);
	}
}
#define EXPECT(...) do { \
	const struct expected _e[] = { __VA_ARGS__ }; \
	expect(_e, ARRAY_LEN(_e)); \
} while (0)

static void test_sorted_and_joined(void **state)
{
	add(0x3000, 0x4000, 1);
	add(0x1000, 0x2000, 1);
	add(0x2000, 0x3000, 1);
	add(0x8000, 0x9000, 2);
	add(0x5000, 0x5000, 1);
	EXPECT({ 0x1000, 0x4000, 1 }, { 0x8000, 0x9000, 2 });
}

static void test_restrictive_type_wins(void **state)
{
	add(0x1000, 0x9000, 1);
	add(0x3000, 0x4000, 2);
	EXPECT({ 0x1000, 0x3000, 1 }, { 0x3000, 0x4000, 2 }, { 0x4000, 0x9000, 1 });
	add(0x0000, 0xa000, 1);
	EXPECT({ 0x0000, 0x3000, 1 }, { 0x3000, 0x4000, 2 }, { 0x4000, 0xa000, 1 });
	add(0x3800, 0x9800, 5);
	EXPECT({ 0x0000, 0x3000, 1 }, { 0x3000, 0x3800, 2 }, { 0x3800, 0x9800, 5 },
	       { 0x9800, 0xa000, 1 });
	add(0x0000, 0xa000, 4);
	EXPECT({ 0x0000, 0x3000, 4 }, { 0x3000, 0x3800, 2 }, { 0x3800, 0x9800, 5 },
	       { 0x9800, 0xa000, 4 });
}

static void test_flags_keep_apart(void **state)
{
	boot_info_add_range(&bi, 0x1000, 0x1000, 2, 0);
	boot_info_add_range(&bi, 0x2000, 0x1000, 2, BOOT_RANGE_EFI_RUNTIME);
	assert_int_equal(bi.nr_ranges, 2);
}

static void test_end_of_address_space(void **state)
{
	boot_info_add_range(&bi, UINT64_MAX - 0xfff, 0x2000, 2, 0);
	assert_int_equal(bi.nr_ranges, 1);
	assert_int_equal(bi.ranges[0].size, 0xfff);
}

static void test_full_list(void **state)
{
	unsigned int i;

	for (i = 0; i < BOOT_MAX_RANGES; i++)
		add(i * 0x2000, i * 0x2000 + 0x1000, 1);
	assert_int_equal(boot_info_add_range(&bi, 0x10000000, 0x1000, 1, 0), -1);
	assert_int_equal(bi.nr_ranges, BOOT_MAX_RANGES);
	/* What fits into existing entries still works. */
	assert_int_equal(boot_info_add_range(&bi, 0x2000, 0x1000, 2, 0), 0);
	assert_int_equal(bi.ranges[1].type, 2);
}

/* Against a byte map with the same rule: the highest rank wins at each address. */
static void test_random_against_model(void **state)
{
	static const uint8_t rank[] = { 0, 1, 5, 3, 4, 6, 6, 2 };
	uint8_t model[256];
	unsigned int round, i, k;

	srand(1);
	for (round = 0; round < 2000; round++) {
		memset(&bi, 0, sizeof(bi));
		memset(model, 0, sizeof(model));
		for (k = 0; k < 12; k++) {
			unsigned int base = rand() % 250, len = rand() % (256 - base);
			unsigned int type = 1 + rand() % 5;

			assert_int_equal(boot_info_add_range(&bi, base, len, type, 0), 0);
			for (i = base; i < base + len; i++)
				if (rank[type] > rank[model[i]])
					model[i] = type;
		}
		for (i = 0; i < bi.nr_ranges; i++) {
			struct boot_range *r = &bi.ranges[i];

			assert_true(r->size > 0);
			if (i) {
				assert_true(r[-1].base + r[-1].size <= r->base);
				assert_false(r[-1].base + r[-1].size == r->base && r[-1].type == r->type);
			}
			for (k = r->base; k < r->base + r->size; k++) {
				assert_int_equal(model[k], r->type);
				model[k] = 0;
			}
		}
		for (i = 0; i < sizeof(model); i++)
			assert_int_equal(model[i], 0);
	}
}

static void test_modules(void **state)
{
	char name[100], line[2000];
	int i;

	memset(name, 'd', sizeof(name));
	memcpy(name + 90, "/vmlinux", 9);
	memset(line, 'x', sizeof(line));
	line[1999] = '\0';
	assert_int_equal(boot_info_add_module(&bi, 0x1000, 5, name, line), 0);
	assert_int_equal(strlen(bi.modules[0].name), BOOT_NAME_LEN - 1);
	assert_string_equal(bi.modules[0].name + BOOT_NAME_LEN - 9, "/vmlinux");
	assert_int_equal(strlen(bi.modules[0].cmdline), BOOT_CMDLINE_LEN - 1);
	for (i = 1; i < BOOT_MAX_MODULES; i++) {
		assert_int_equal(boot_info_add_module(&bi, 0x1000, 5, i % 2 ? NULL : "", NULL), i);
		snprintf(line, sizeof(line), "module %d", i);
		assert_string_equal(bi.modules[i].name, line);
	}
	assert_int_equal(boot_info_add_module(&bi, 0x1000, 5, "x", ""), -1);
	assert_int_equal(bi.nr_modules, BOOT_MAX_MODULES);
}

/* What a file with these first bytes is said to be, and the command that unpacks it. */
static void expect_packed(const void *start, size_t len, const char *name, const char *command)
{
	static uint8_t image[0x300];
	const char *unpack = NULL, *packed;

	memset(image, 0, sizeof(image));
	memcpy(image, start, len);
	packed = boot_image_packed(image, sizeof(image), &unpack);
	assert_non_null(packed);
	assert_string_equal(packed, name);
	assert_string_equal(unpack, command);
	assert_null(boot_image_packed(image, len - 1, &unpack));
	assert_non_null(boot_image_packed(image, len, &unpack));
}

static void test_packed_images(void **state)
{
	expect_packed("\x1f\x8b", 2, "gzip", "gzip -dc");
	expect_packed("\xfd" "7zXZ\0", 6, "xz", "xz -dc");
	expect_packed("\x28\xb5\x2f\xfd", 4, "zstd", "zstd -dc");
	expect_packed("BZh", 3, "bzip2", "bzip2 -dc");
	/* What `lz4` writes, and `lz4 -l`. */
	expect_packed("\x04\x22\x4d\x18", 4, "lz4", "lz4 -dc");
	expect_packed("\x02\x21\x4c\x18", 4, "lz4", "lz4 -dc");
	expect_packed("\x89LZO", 4, "lzo", "lzop -dc");
	/* Dictionaries of 64 MiB, and of 8 MiB, the default of `xz --format=lzma`. */
	expect_packed("\x5d\0\0\0\4", 3, "lzma", "xz --format=lzma -dc");
	expect_packed("\x5d\0\0\x80\0", 3, "lzma", "xz --format=lzma -dc");
}

/* Linux's boot protocol: 2.08 brought the payload, of which memtest86+ has none. */
static void test_bzimages(void **state)
{
	uint8_t image[0x300] = { 0x7f, 'E', 'L', 'F' };
	const char *unpack = "";

	assert_null(boot_image_packed(image, sizeof(image), &unpack));
	memcpy(image, "MZ\0\0", 4);
	assert_string_equal(boot_image_packed(image, sizeof(image), &unpack), "an EFI program");
	assert_null(unpack);
	memcpy(image + 0x202, "HdrS\x0f\x02", 6);
	image[0x24e] = 1;
	assert_string_equal(boot_image_packed(image, sizeof(image), &unpack), "bzImage");
	assert_non_null(strstr(unpack, "extract-vmlinux"));
	assert_string_equal(boot_image_packed(image, 0x250, &unpack), "bzImage");
	assert_string_equal(boot_image_packed(image, 0x24f, &unpack), "a bzImage without Linux in it");
	image[0x24e] = 0;
	assert_string_equal(boot_image_packed(image, sizeof(image), &unpack),
			    "a bzImage without Linux in it");
	assert_null(unpack);
	image[0x24e] = 1;
	image[0x206] = 7;
	assert_string_equal(boot_image_packed(image, sizeof(image), &unpack),
			    "a bzImage without Linux in it");
	memset(image, 0, 4);
	assert_null(boot_image_packed(image, 0x205, &unpack));
	assert_null(boot_image_packed(image, 0, &unpack));
}

/* A multiboot2 information, tag by tag. */
static uint64_t mb2[512];
static uint32_t mb2_size;

static void mb2_begin(void)
{
	memset(mb2, 0, sizeof(mb2));
	mb2_size = 8;
}

static void *mb2_add(uint32_t type, uint32_t size)
{
	uint32_t *tag = (uint32_t *)((char *)mb2 + mb2_size);

	tag[0] = type;
	tag[1] = size;
	mb2_size += (size + 7) & ~7u;
	return tag + 2;
}

static const struct mb2_info *mb2_end(void)
{
	mb2_add(MB2_TAG_END, 8);
	((uint32_t *)mb2)[0] = mb2_size;
	return (const struct mb2_info *)mb2;
}

struct range { uint64_t base, size, type; };

static void add_map(struct range first, struct range second)
{
	uint32_t *map = mb2_add(MB2_TAG_MMAP, 16 + 2 * 24);

	map[0] = 24;
	memcpy(map + 2, &first, sizeof(first));
	memcpy(map + 8, &second, sizeof(second));
}

static void add_module_tag(uint32_t start, uint32_t end, const char *string)
{
	uint32_t *m = mb2_add(MB2_TAG_MODULE, 17 + strlen(string));

	m[0] = start;
	m[1] = end;
	strcpy((char *)(m + 2), string);
}

static void test_multiboot2(void **state)
{
	uint32_t *fb;

	mb2_begin();
	strcpy(mb2_add(MB2_TAG_CMDLINE, 8 + 10), "iommu=off");
	/* Too short to be a device tree, so nothing is read at these addresses. */
	add_module_tag(0x200000, 0x200010, "placeholder root=/dev/sda");
	add_module_tag(0x300000, 0x300010, "quiet");
	add_map((struct range){ 0x100000, 0x100000, 1 }, (struct range){ 0, 0x9f000, 99 });
	fb = mb2_add(MB2_TAG_FRAMEBUFFER, 8 + 32);
	fb[0] = 0xfd000000;
	fb[2] = 4096;
	fb[3] = 1024;
	fb[4] = 768;
	fb[5] = 32 | 1 << 8;
	memcpy((char *)fb + 24, "\x10\x08\x08\x08\x00\x08", 6);
	/* This tag comes after the tags that depend on it. */
	strcpy(mb2_add(MB2_TAG_LOADER, 8 + 10), "GRUB 2.06");
	multiboot2_convert(&bi, mb2_end());

	assert_int_equal(bi.loader, BOOT_LOADER_MULTIBOOT2);
	assert_string_equal(bi.loader_name, "GRUB 2.06");
	assert_string_equal(bi.cmdline, "iommu=off");
	assert_int_equal(bi.nr_modules, 2);
	assert_string_equal(bi.modules[0].name, "module 0");
	assert_string_equal(bi.modules[0].cmdline, "root=/dev/sda");
	assert_int_equal(bi.modules[0].size, 0x10);
	assert_string_equal(bi.modules[1].cmdline, "quiet");
	EXPECT({ 0, 0x9f000, 2 }, { 0x100000, 0x200000, 1 });
	assert_true(bi.fb.present);
	assert_int_equal(bi.fb.base, 0xfd000000);
	assert_int_equal(bi.fb.stride, 4096);
	assert_int_equal(bi.fb.height, 768);
	assert_int_equal(bi.fb.red_pos, 16);
	assert_int_equal(bi.fb.rsvd_size, 8);
	assert_int_equal(bi.fb.rsvd_pos, 24);
}

/* GRUB's, from EFI: the map without flags comes first, and has not all that services use. */
static void test_multiboot2_efi(void **state)
{
	static const struct mb2_efi_entry ranges[] = {
		{ 7, 0x100000, 0, 0x100, 0xf }, { 6, 0x200000, 0, 2, EFI_ATTRIBUTE_RUNTIME | 0xf },
		{ 11, 0xffc00000, 0, 0x400, EFI_ATTRIBUTE_RUNTIME | 1 },
	};
	uint64_t *map;

	mb2_begin();
	*(uint64_t *)mb2_add(MB2_TAG_EFI64, 16) = 0x7f5ec018;
	add_map((struct range){ 0x100000, 0x100000, 1 }, (struct range){ 0x200000, 0x3000, 2 });
	map = mb2_add(MB2_TAG_EFI_MMAP, 16 + 3 * 48);
	((uint32_t *)map)[0] = 48;
	for (unsigned int i = 0; i < 3; i++)
		memcpy((char *)(map + 1) + 48 * i, &ranges[i], sizeof(ranges[i]));
	multiboot2_convert(&bi, mb2_end());
	assert_int_equal(bi.efi_system, 0x7f5ec018);
	EXPECT({ 0x100000, 0x200000, 1 }, { 0x200000, 0x202000, 2 }, { 0x202000, 0x203000, 2 },
	       { 0xffc00000, 0x100000000, 2 });
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(bi.ranges[i].flags, i % 2 ? BOOT_RANGE_EFI_RUNTIME : 0);

	memset(&bi, 0, sizeof(bi));
	((uint32_t *)map)[0] = 32;
	multiboot2_convert(&bi, (const struct mb2_info *)mb2);
	assert_int_equal(bi.nr_ranges, 2);
}

static void test_multiboot2_broken(void **state)
{
	uint32_t *tag;

	/* A tag larger than the whole, one smaller than its own header, a map with tiny entries. */
	mb2_begin();
	tag = mb2_add(MB2_TAG_MMAP, 32);
	tag[0] = 8;
	strcpy(mb2_add(MB2_TAG_CMDLINE, 8 + 4), "k x");
	tag = mb2_add(99, 8);
	mb2_end();
	tag[-1] = 0x10000;
	multiboot2_convert(&bi, (const struct mb2_info *)mb2);
	assert_string_equal(bi.cmdline, "x");
	assert_int_equal(bi.nr_ranges, 0);
	tag[-1] = 4;
	multiboot2_convert(&bi, (const struct mb2_info *)mb2);
}

static void test_other_loaders_give_names(void **state)
{
	mb2_begin();
	strcpy(mb2_add(MB2_TAG_CMDLINE, 8 + 20), "/keel.elf  noreboot");
	add_module_tag(0x200000, 0x200010, "/boot/vmlinux  a b ");
	add_module_tag(0x200000, 0x200010, "/boot/initrd");
	multiboot2_convert(&bi, mb2_end());
	assert_string_equal(bi.cmdline, "noreboot");
	assert_string_equal(bi.modules[0].name, "/boot/vmlinux");
	assert_string_equal(bi.modules[0].cmdline, "a b ");
	assert_string_equal(bi.modules[1].name, "/boot/initrd");
	assert_string_equal(bi.modules[1].cmdline, "");
}

#define TEST(fn) cmocka_unit_test_setup(fn, setup)

static const struct CMUnitTest tests[] = {
	TEST(test_sorted_and_joined),
	TEST(test_restrictive_type_wins),
	TEST(test_flags_keep_apart),
	TEST(test_end_of_address_space),
	TEST(test_full_list),
	TEST(test_random_against_model),
	TEST(test_modules),
	TEST(test_packed_images),
	TEST(test_bzimages),
	TEST(test_multiboot2),
	TEST(test_multiboot2_efi),
	TEST(test_multiboot2_broken),
	TEST(test_other_loaders_give_names),
};

UNIT_MAIN(tests)

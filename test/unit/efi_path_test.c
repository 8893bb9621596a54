/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: xen/efi/path.c */
/* Device paths as firmware and boot loaders write them, and damaged ones; load options. */
#include "test/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "xen/efi/path.h"

static uint8_t *path;	/* exactly as long as needed, so that ASan notices reads beyond it */
static size_t len;

static void begin(void)
{
	free(path);
	path = NULL;
	len = 0;
}

static void node(uint8_t type, uint8_t subtype, unsigned int size, const void *body,
		 size_t body_size)
{
	uint8_t head[4] = { type, subtype, (uint8_t)size, (uint8_t)(size >> 8) };

	path = realloc(path, len + 4 + body_size);
	memcpy(path + len, head, 4);
	if (body_size)
		memcpy(path + len + 4, body, body_size);
	len += 4 + body_size;
}

/* A File Path node; zeros is the number of NUL characters after the text. */
static void file(const char *text, unsigned int zeros)
{
	uint8_t body[1024] = { 0 };
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++)
		body[2 * i] = (uint8_t)text[i];
	node(4, 4, 4 + 2 * (n + zeros), body, 2 * (n + zeros));
}

static void end(void)
{
	node(0x7f, 0xff, 4, NULL, 0);
}

static void expect(const char *want)
{
	uint16_t folder[64];
	char got[64];
	size_t i = 0;

	memset(folder, 0xff, sizeof(folder));
	loader_folder(path, folder, ARRAY_LEN(folder));
	do
		got[i] = (char)folder[i];
	while (folder[i++]);
	assert_string_equal(got, want);
}

static void one_node(void **state)
{
	static const char *const t[][2] = {
		{ "\\EFI\\BOOT\\BOOTX64.EFI", "\\EFI\\BOOT\\" },
		{ "\\keel.efi", "\\" },
		{ "keel.efi", "\\" },
		{ "EFI\\keel.efi", "\\EFI\\" },
		{ "/EFI/keel/keel.efi", "\\EFI\\keel\\" },
		{ "\\EFI\\keel/keel.efi", "\\EFI\\keel\\" },
		{ "\\\\EFI//my keel\\/keel.efi", "\\EFI\\my keel\\" },
		{ "", "\\" },
		{ "\\EFI\\keel\\", "\\EFI\\keel\\" },
	};

	for (unsigned int i = 0; i < 3 * ARRAY_LEN(t); i++) {
		begin();
		file(t[i / 3][0], i % 3);
		end();
		expect(t[i / 3][1]);
	}
}

static void several_nodes(void **state)
{
	begin();	/* GRUB: the folder, the file */
	file("\\EFI\\my keel", 1);
	file("keel.efi", 1);
	end();
	expect("\\EFI\\my keel\\");
	begin();
	file("\\", 0);
	file("EFI", 0);
	file("\\keel\\", 2);
	file("\\keel.efi", 1);
	end();
	expect("\\EFI\\keel\\");
	begin();	/* a whole path: disk and partition first */
	node(1, 1, 6, "\0\2", 2);
	node(4, 1, 42, "0123456789abcdef0123456789abcdef012345", 38);
	file("\\EFI", 1);
	node(3, 5, 4, NULL, 0);
	file("keel.efi", 1);
	end();
	expect("\\EFI\\");
	begin();	/* a second instance names another file */
	file("\\EFI\\keel.efi", 1);
	node(0x7f, 1, 4, NULL, 0);
	file("\\other\\x.efi", 1);
	end();
	expect("\\EFI\\");
	begin();	/* from a firmware volume: no file name */
	node(4, 6, 20, "0123456789abcdef", 16);
	end();
	expect("\\");
}

static void damaged(void **state)
{
	char text[64], want[66];
	uint16_t folder[4];

	loader_folder(NULL, folder, ARRAY_LEN(folder));
	assert_int_equal(folder[0], '\\');
	assert_int_equal(folder[1], 0);
	for (unsigned int size = 0; size < 4; size++) {
		begin();
		file("\\EFI\\keel.efi", 1);
		node(4, 4, size, NULL, 0);
		expect("\\");
	}
	begin();	/* longer than any path */
	file("\\EFI\\keel.efi", 1);
	node(4, 4, 0xffff, "x", 1);
	expect("\\");
	begin();	/* half a character at the end */
	node(4, 4, 4 + 13, "\\\0E\0\\\0k\0.\0e\0f", 13);
	end();
	expect("\\E\\");
	begin();	/* with the next node's first byte this would be a backslash */
	node(4, 4, 4 + 3, "E\0\\", 3);
	node(0, 0, 4, NULL, 0);
	end();
	expect("\\");
	/*
	 * The folder may fill the buffer up to its NUL. A longer one gives no name, rather than a
	 * cut one.
	 */
	memset(text, 'x', sizeof(text));
	strcpy(text + 61, "\\");
	snprintf(want, sizeof(want), "\\%s", text);
	begin();
	file(text, 0);
	end();
	expect(want);
	strcpy(text + 61, "x\\");
	begin();
	file(text, 0);
	end();
	expect("\\");
}

static void no_end(void **state)
{
	uint16_t folder[64];

	begin();
	for (unsigned int i = 0; i < 8192 / 4 + 1; i++)
		node(1, 1, 4, NULL, 0);
	loader_folder(path, folder, ARRAY_LEN(folder));
	assert_int_equal(folder[1], 0);
}

static void options(void **state)
{
	static const char *const t[][2] = {
		{ "", "" },
		{ "keel.efi", "" },
		{ "fs0:\\EFI\\KEEL.EFI config=a.dtb x", "config=a.dtb x" },
		{ "\"fs0:\\my keel\\keel.efi\"  config=a.dtb", "config=a.dtb" },
		{ "fs0:\\my keel\\keel.efi x y", "x y" },
		{ "\"keel.efi\"", "" },
		{ "console=com1 iommu=off", "console=com1 iommu=off" },
		{ "noreboot", "noreboot" },
		{ "noreboot config=keel.efi", "noreboot config=keel.efi" },
		{ ".efi x", "x" },
		{ "efi x", "efi x" },
		{ "\"x", "\"x" },
	};

	for (unsigned int i = 0; i < ARRAY_LEN(t); i++)
		assert_string_equal(loader_skip_program(t[i][0]), t[i][1]);
}

static int last(void **state)
{
	begin();
	return 0;
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_teardown(one_node, last),
	cmocka_unit_test_teardown(several_nodes, last),
	cmocka_unit_test_teardown(damaged, last),
	cmocka_unit_test_teardown(no_end, last),
	cmocka_unit_test_teardown(options, last),
};

UNIT_MAIN(tests)

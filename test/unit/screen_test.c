/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: arch/x86/screen.c */
/* Messages on the framebuffer: 10 characters wide, 3 lines high, and some pixels more. */
#include "test/unit/unit.h"

#include <font.h>

#include "arch/x86/mm.h"
#include "arch/x86/pci/vpci.h"
#include "common/console.h"
#include "common/option.h"
#include "common/platform.h"

#define WIDTH 85u
#define HEIGHT 50u
#define PITCH 90u

#define BASE 0xc0000000u

struct boot_info boot_info;
static u32 frame[PITCH * HEIGHT] __aligned(8);
static bool on, mapped, device;
static const char *before;

bool option_flag(const char *option)
{
	assert_string_equal(option, "screen");
	return on;
}

bool vpci_is_device_range(u64 first, u64 size)
{
	assert_true(first == BASE && size == sizeof(frame));
	return device;
}

void *map_mmio(paddr_t pa, size_t len)
{
	assert_true(pa == BASE && len == sizeof(frame));
	return mapped ? frame : NULL;
}

size_t console_newest(char *buf, size_t len)
{
	assert_true(len >= 4096);
	memcpy(buf, before, strlen(before));
	return strlen(before);
}

/* Looks at each pixel, as a person would. */
static char seen(unsigned int line, unsigned int at)
{
	u8 glyph[16] = { 0 };

	for (unsigned int y = 0; y < 16; y++)
		for (unsigned int x = 0; x < 8; x++) {
			u32 p = frame[(line * 16 + y) * PITCH + at * 8 + x];

			assert_true(!p || p == ~0u);
			glyph[y] |= p ? 0x80 >> x : 0;
		}
	for (unsigned int c = ' '; c < 127; c++)
		if (!memcmp(glyph, &ascii_bitmaps[16 * c], 16))
			return (char)c;
	fail();
	return 0;
}

/* All lines, each 10 characters; nothing is beside them. */
static void screen_is(const char *want)
{
	char text[31] = "";

	for (unsigned int i = 0; i < 30; i++)
		text[i] = seen(i / 10, i % 10);
	assert_string_equal(text, want);
	for (unsigned int y = 0; y < HEIGHT; y++)
		for (unsigned int x = 0; x < PITCH; x++)
			assert_true((y < 48 && x < 80) || frame[y * PITCH + x] == 0xabababab);
}

static void machine(void)
{
	memset(frame, 0xab, sizeof(frame));
	on = mapped = device = true;
	before = "";
	boot_info.fb = (struct boot_framebuffer){ .base = BASE, .size = sizeof(frame), .width = WIDTH,
						  .height = HEIGHT, .stride = PITCH * 4, .bpp = 32,
						  .present = 1 };
}

static void show(const char *s)
{
	while (*s)
		arch_screen_putc(*s++);
}

/* Before the first test that has a screen. */
static void no_screen(void **state)
{
	const struct { u32 *field, val; } bad[] = {
		{ &boot_info.fb.present, 0 }, { &boot_info.fb.bpp, 24 }, { &boot_info.fb.stride, 356 },
		{ &boot_info.fb.stride, 336 }, { &boot_info.fb.width, 7 }, { &boot_info.fb.height, 15 },
		{ (u32 *)&boot_info.fb.size, sizeof(frame) - 1 },
	};

	for (unsigned int i = 0; i < ARRAY_LEN(bad) + 3; i++) {
		machine();
		if (i < ARRAY_LEN(bad))
			*bad[i].field = bad[i].val;
		on = i != ARRAY_LEN(bad);
		mapped = i != ARRAY_LEN(bad) + 1;
		device = i != ARRAY_LEN(bad) + 2;
		arch_screen_init();
		show("nothing\n");
		for (unsigned int p = 0; p < PITCH * HEIGHT; p++)
			assert_int_equal(frame[p], 0xabababab);
	}
}

static void lines(void **state)
{
	machine();
	before = "(K) one\n2\n";
	arch_screen_init();
	screen_is("(K) one   2                   ");
	show("abc\r\x1b\x80\x7f\n");
	screen_is("          2         abc       ");
	/* The newest ends at an empty line, and behind it come the oldest. */
	show("x\ny\n");
	screen_is("x         y                   ");
	show("0123456789");
	screen_is("x         y         0123456789");
	show("+\n");
	screen_is("+                   0123456789");
	show("~~~~~~~~~~\n");
	screen_is("+         ~~~~~~~~~~          ");
	show("gone\n\nstays");
	screen_is("          stays     gone      ");
}

static const struct CMUnitTest all[] = {
	UNIT_TEST(no_screen),
	UNIT_TEST(lines),
};

UNIT_MAIN(all)

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The framebuffer that the firmware left, as a console without scrolling, since its memory is slow:
 * behind the last line comes the first one again, and an empty line is where the newest ends.
 */
#include <font.h>

#include "arch/x86/mm.h"
#include "arch/x86/pci/vpci.h"
#include "common/console.h"
#include "common/option.h"
#include "common/platform.h"
#include "common/printk.h"

#define GLYPH_WIDTH 8u		/* those of GRUB's font */
#define GLYPH_HEIGHT 16u

static volatile u64 *pairs;	/* of pixels, half as many writes. NULL: no screen, or none yet */
static unsigned int pitch, columns, rows, column, row;	/* pitch: in pairs */

static void draw(unsigned int at, u8 c)
{
	static const u64 colors[] = { 0, 0xffffffffull << 32, 0xffffffff, ~0ull };
	volatile u64 *to = pairs + row * GLYPH_HEIGHT * pitch + at * GLYPH_WIDTH / 2;

	for (unsigned int y = 0; y < GLYPH_HEIGHT; y++, to += pitch)
		for (unsigned int x = 0; x < GLYPH_WIDTH / 2; x++)
			to[x] = colors[ascii_bitmaps[c * GLYPH_HEIGHT + y] >> (6 - 2 * x) & 3];
}

static void new_line(void)
{
	column = 0;
	row = (row + 1) % rows;
	for (unsigned int at = 0; at < columns; at++)
		draw(at, ' ');
}

/* In a panic two CPUs may be here at once: what they draw is on the screen all the same. */
void arch_screen_putc(char c)
{
	if (!pairs)
		return;
	if (c == '\n' || column >= columns)
		new_line();
	if (c >= ' ' && c <= '~')
		draw(min(column++, columns - 1), (u8)c);
}

void arch_screen_init(void)
{
	static char before[KiB(4)];
	const struct boot_framebuffer *fb = &boot_info.fb;
	u64 size = (u64)fb->stride * fb->height;

	if (!fb->present || !option_flag("screen"))
		return;
	if (fb->bpp != 32 || fb->stride % 8 || fb->stride / 4 < fb->width || fb->width < GLYPH_WIDTH ||
	    fb->height < GLYPH_HEIGHT || size > fb->size || !vpci_is_device_range(fb->base, size)) {
		pr_info("the framebuffer is none that Keel writes to");
		return;
	}
	pitch = fb->stride / 8;
	columns = fb->width / GLYPH_WIDTH;
	rows = fb->height / GLYPH_HEIGHT;
	pairs = map_mmio(fb->base, size);
	for (unsigned int i = 0; pairs && i < rows; i++)
		new_line();
	for (size_t i = 0, n = console_newest(before, sizeof(before)); i < n; i++)
		arch_screen_putc(before[i]);
}

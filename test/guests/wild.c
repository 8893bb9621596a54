/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A stray kernel jumps to missing memory. Whatever happens then (an exception, the end of the
 * domain) may only affect this domain. There is no result line.
 */
#include "lib/guest.h"

const char test_title[] = "wild";

void test_main(void)
{
	u64 va = find_va(), where = find_hole() << PAGE_SHIFT;
	static const struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) none = { 0, 0 };

	/* With an empty IDT an exception ends the guest instead of being handled. */
	asm volatile("lidt %0" ::"m"(none));
	map_page(va, where, PTE_P | PTE_W);
	printk("jump to %#lx, where there is nothing\n", where);
	((void (*)(void))va)();
	error_stop("it came back");
}

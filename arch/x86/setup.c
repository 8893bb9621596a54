/* SPDX-License-Identifier: GPL-2.0-only */
/* The first C function: for now it shows what the loader handed over. */
#include "common/boot_info.h"

#define COM1 0x3f8

void start_keel(struct boot_info *bi);

static void outb(uint16_t port, uint8_t v)
{
	asm volatile("outb %0, %1" : : "a" (v), "Nd" (port));
}

static void com1_init(void)
{
	outb(COM1 + 1, 0);
	outb(COM1 + 3, 0x80);
	outb(COM1, 1);
	outb(COM1 + 1, 0);
	outb(COM1 + 3, 3);
	outb(COM1 + 2, 7);
	outb(COM1 + 4, 3);
}

static void putch(char c)
{
	uint8_t lsr;

	do
		asm volatile("inb %w1, %0" : "=a" (lsr) : "Nd" (COM1 + 5));
	while (!(lsr & 0x20));
	outb(COM1, c);
}

static void puts(const char *s)
{
	for (; *s; s++) {
		if (*s == '\n')
			putch('\r');
		putch(*s);
	}
}

static void puthex(const char *name, uint64_t v)
{
	int shift;

	puts(name);
	for (shift = 60; shift >= 0; shift -= 4)
		putch("0123456789abcdef"[(v >> shift) & 15]);
}

void start_keel(struct boot_info *bi)
{
	uint32_t i;

	com1_init();
	puthex("Keel: loader ", bi->loader);
	puthex(" image ", bi->image_phys);
	puthex(" size ", bi->image_size);
	puthex(" rsdp ", bi->rsdp);
	puthex(" fdt ", bi->fdt);
	puthex(" efi ", bi->efi.system_table);
	puthex(" fb ", bi->fb.base);
	puts("\nloader: ");
	puts(bi->loader_name);
	puts("\ncommand line: ");
	puts(bi->cmdline);
	for (i = 0; i < bi->nr_ranges; i++) {
		puthex("\nrange ", bi->ranges[i].base);
		puthex(" size ", bi->ranges[i].size);
		puthex(" type ", bi->ranges[i].type);
		puthex(" flags ", bi->ranges[i].flags);
	}
	for (i = 0; i < bi->nr_modules; i++) {
		puthex("\nmodule ", bi->modules[i].base);
		puthex(" size ", bi->modules[i].size);
		puts(" name ");
		puts(bi->modules[i].name);
		puts(" args ");
		puts(bi->modules[i].cmdline);
	}
	puts("\n");
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* The local APIC in both modes, and starting vCPUs through it. */
#include "guest.h"
#include "guest_internal.h"

#define APIC_MMIO 0xfee00000ul

/* Each CPU's mode, read once; apic_enter_x2() changes it. */
static bool x2[MAX_CPUS], known[MAX_CPUS];

bool apic_is_x2(void)
{
	unsigned int id = this_cpu()->id;

	if (!known[id]) {
		x2[id] = rdmsr(MSR_APIC_BASE) & APIC_BASE_X2APIC;
		known[id] = true;
	}
	return x2[id];
}

u32 apic_read(u32 reg)
{
	u32 value;

	if (apic_is_x2())
		return rdmsr(0x800 + (reg >> 4));
	asm volatile("movl (%1), %0" : "=r"(value) : "r"(APIC_MMIO + reg) : "memory");
	return value;
}

void apic_write(u32 reg, u32 value)
{
	if (apic_is_x2())
		wrmsr(0x800 + (reg >> 4), value);
	else
		asm volatile("movl %0, (%1)" ::"r"(value), "r"(APIC_MMIO + reg) : "memory");
}

void apic_icr(u32 dest, u32 command)
{
	if (apic_is_x2()) {
		wrmsr(0x830, (u64)dest << 32 | command);
		return;
	}
	apic_write(APIC_ICR2, dest << 24);
	apic_write(APIC_ICR, command);
}

void apic_enable(void)
{
	apic_write(APIC_SVR, 0x1ff);
	apic_write(APIC_TPR, 0);
}

bool apic_enter_x2(void)
{
	u32 a, b, c, d;

	cpuid(1, 0, &a, &b, &c, &d);
	if (!(c & 1u << 21))
		return false;
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_X2APIC);
	known[this_cpu()->id] = false;
	return apic_is_x2();
}

/* A page of RAM below 640 KiB that the guest does not use otherwise. */
static u64 low_page(void)
{
	static u64 found;
	const u64 used[] = { start_info_pa, start_info->cmdline_paddr, start_info->modlist_paddr,
			     start_info->memmap_paddr };
	unsigned int i, j;
	u64 page;

	for (i = 0; i < nr_memory_ranges && !found; i++) {
		const struct memory_range *r = &memory_map[i];

		if (r->type != XEN_HVM_MEMMAP_TYPE_RAM || r->addr >= 0xa0000)
			continue;
		for (page = (r->addr + 0xfff) & ~0xfffull; page + PAGE_SIZE <= r->addr + r->size && !found;
		     page += PAGE_SIZE) {
			if (page < 0x1000 || page >= 0xa0000)
				continue;
			for (j = 0; j < ARRAY_SIZE(used); j++)
				if (used[j] + PAGE_SIZE > page && used[j] < page + PAGE_SIZE)
					break;
			if (j == ARRAY_SIZE(used))
				found = page;
		}
	}
	return found;
}

bool start_cpu(unsigned int id, void (*fn)(void))
{
	static struct cpu others[MAX_CPUS];
	static u8 stacks[MAX_CPUS][16384] __attribute__((aligned(16)));
	u64 page = low_page();
	struct cpu *c = &others[id];

	if (!page)
		error_stop("no RAM below 640 KiB for starting a vCPU");
	memset(c, 0, sizeof(*c));
	c->id = id;
	c->fn = fn;
	c->vcpu_info = &shared_info->vcpu_info[id];
	known[id] = false;
	ap_stack = (u32)(u64)(stacks[id] + sizeof(stacks[id]));
	ap_cpu = (u32)(u64)c;
	memcpy((void *)page, ap_trampoline, ap_trampoline_end - ap_trampoline);
	apic_icr(id * 2, 0x4500); /* INIT, assert */
	delay_us(200);
	apic_icr(id * 2, 0x4600 | page >> PAGE_SHIFT); /* SIPI */
	delay_us(200);
	apic_icr(id * 2, 0x4600 | page >> PAGE_SHIFT); /* ignored if the vCPU is up already */
	return wait_for(&c->up);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* Start of a test guest, detection of its environment, and its end. */
#include "guest.h"
#include "guest_internal.h"

#include <public/cpuid.h>
#include <public/sched.h>
#include <public/vcpu.h>
#include <public/version.h>

const struct hvm_start_info *start_info;
bool on_amd, on_keel, is_dom0;
unsigned int nr_vcpus;
u32 xen_leaves;

static volatile u32 failures, checks;

static char command_line[1024];

/* Copies it, since a test may lose the memory that it came in. */
static void take_start_info(void)
{
	static struct hvm_start_info copy;
	const char *text;
	size_t i;

	memcpy(&copy, (const void *)(u64)start_info_pa, sizeof(copy));
	start_info = &copy;
	text = (const char *)copy.cmdline_paddr;
	for (i = 0; text && text[i] && i < sizeof(command_line) - 1; i++)
		command_line[i] = text[i];
}

const char *option(const char *name)
{
	size_t n = strlen(name);
	const char *p;

	for (p = command_line; (p = strstr(p, name)); p++)
		if (p[n] == '=' && (p == command_line || p[-1] == ' '))
			return p + n + 1;
	return NULL;
}

u64 option_number(const char *name, u64 otherwise)
{
	const char *p = option(name);
	u64 n = 0;

	if (!p)
		return otherwise;
	for (; *p >= '0' && *p <= '9'; p++)
		n = n * 10 + *p - '0';
	return n;
}

void shutdown(unsigned int reason)
{
	struct sched_shutdown arg = { reason };

	irq_off();
	for (;;) {
		sched_op(shutdown, &arg);
		asm volatile("hlt");
	}
}

static void __attribute__((noreturn)) end(const char *result)
{
	const char *how = option("exit");

	printk("Test result: %s\n", result);
	/*
	 * When Dom0 powers off, Xen halts without ending the emulator. Tests on Xen ask for a
	 * reboot.
	 */
	shutdown(how && !strncmp(how, "reboot", 6) ? SHUTDOWN_reboot : SHUTDOWN_poweroff);
}

void skip(const char *why)
{
	printk("skipped: %s\n", why);
	end(failures ? "FAILURE" : "SKIP");
}

void error_stop(const char *why)
{
	printk("error: %s\n", why);
	end("ERROR");
}

void expect_passed(void)
{
	__atomic_fetch_add(&checks, 1, __ATOMIC_RELAXED);
}

void expect_failed(const char *file, int line, const char *what, const char *fmt, ...)
{
	char text[384];
	const char *p;
	va_list args;

	for (p = file; *p; p++)
		if (*p == '/')
			file = p + 1;
	va_start(args, fmt);
	vsnprintk(text, sizeof(text), fmt, args);
	va_end(args);
	__atomic_fetch_add(&checks, 1, __ATOMIC_RELAXED);
	if (__atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED) < 50)
		printk("FAIL %s:%d: %s: %s\n", file, line, what, text);
}

static void find_cpuid(void)
{
	u32 a, b, c, d, leaf;

	cpuid(0, 0, &a, &b, &c, &d);
	on_amd = b == 0x68747541 || b == 0x6f677948; /* "Auth", "Hygo" */
	for (leaf = XEN_CPUID_FIRST_LEAF; leaf < 0x40010000; leaf += 0x100) {
		cpuid(leaf, 0, &a, &b, &c, &d);
		if (b == XEN_CPUID_SIGNATURE_EBX && c == XEN_CPUID_SIGNATURE_ECX &&
		    d == XEN_CPUID_SIGNATURE_EDX && a >= leaf + 2) {
			xen_leaves = leaf;
			return;
		}
	}
}

domid_t own_domid(void)
{
	u32 a, b, c, d;

	cpuid(xen_leaves + 4, 0, &a, &b, &c, &d);
	return a & XEN_HVM_CPUID_DOMID_PRESENT ? c : 0;
}

static void find_hypervisor(void)
{
	xen_extraversion_t extra = "";

	find_cpuid();
	xen_version(extraversion, extra);
	on_keel = strstr(extra, "keel") || strstr(extra, "Keel");
	is_dom0 = start_info->flags & SIF_INITDOMAIN;
	while (nr_vcpus < MAX_CPUS && vcpu_op(is_up, nr_vcpus, 0) >= 0)
		nr_vcpus++;
}

/* The first C code of each vCPU, in long mode on its own stack. */
void cpu_start(struct cpu *c)
{
	cpu_init(c);
	if (c->id) {
		WRITE_ONCE(c->up, 1);
		c->fn();
		for (;;)
			asm volatile("cli; hlt");
	}
	take_start_info();
	quiet = option_number("quiet", 0);
	find_hypervisor();
	printk("--- %s\n", test_title);
	if (!xen_leaves)
		error_stop("CPUID has no Xen leaves");
	memory_init();
	test_main();
	printk("%u checks, %u failed\n", checks, failures);
	end(failures ? "FAILURE" : "SUCCESS");
}

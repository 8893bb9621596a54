/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Functions that the sources call and that do not matter here: messages, options, the console, the
 * firmware.
 */
#include "test/fuzz/pair/pair.h"

#include <stdarg.h>
#include <string.h>

#include <public/errno.h>
#include <public/sched.h>

#include "common/console.h"
#include "common/domctl.h"
#include "common/dump.h"
#include "common/option.h"
#include "common/pci.h"
#include "common/vsnprintf.h"
#include "common/platform.h"
#include "common/watchdog.h"

void printk(enum log_level level, const char *fmt, ...)
{
}

bool ratelimit_ok(struct ratelimit *rl)
{
	return true;
}

void panic(const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	pair_fail("panic: %s", text);
}

int option_choice(const char *name)
{
	return strcmp(name, "sched") == 0 && pair->cfg.null_sched;
}

#define NOT_HERE(name) \
	long name(unsigned long a1, unsigned long a2, unsigned long a3, unsigned long a4, \
		  unsigned long a5); \
	long name(unsigned long a1, unsigned long a2, unsigned long a3, unsigned long a4, \
		  unsigned long a5) \
	{ \
		return -ENOSYS; \
	}
NOT_HERE(do_platform_op)
NOT_HERE(do_xen_version)
NOT_HERE(do_console_io)
NOT_HERE(do_physdev_op)
NOT_HERE(do_hypfs_op)
NOT_HERE(do_arch_0)

void boot_console_end(struct domain *d)
{
}

void console_start_sync(void)
{
}

size_t console_read_ring(u32 *index, bool incremental, bool clear, u64 buffer, u32 count, int *err)
{
	*err = 0;
	return 0;
}

static bool watchdog_expired(const struct domain *d)
{
	for (unsigned int i = 0; i < NR_WATCHDOGS; i++)
		if (test_bit(i, &d->watchdogs_used) && !d->watchdog[i].pending)
			return true;
	return false;
}

void arch_machine_down(u8 reason)
{
	/* A watchdog's timer may expire under any vCPU, or with none running. */
	if (reason == SHUTDOWN_watchdog ? !watchdog_expired(domain_find(0)) :
					  !current || !current->domain->hardware)
		pair_fail("a guest ends the machine");
	pair->ended = true; /* Dom0 may end it, and did */
	pair_stop();
}

bool arch_reserved_memory(unsigned int i, u64 *first, u64 *last, u32 *id)
{
	return false;
}

struct boot_info boot_info;

long arch_get_cpu_policy(struct domain *d, struct xen_domctl_cpu_policy *op)
{
	return 0;
}

long arch_set_cpu_policy(struct domain *d, struct xen_domctl_cpu_policy *op)
{
	return 0;
}

long arch_sysctl_cpu_policy(struct xen_sysctl *op)
{
	return 0;
}

long arch_sysctl_featureset(struct xen_sysctl *op)
{
	return 0;
}

void arch_hw_cap(u32 cap[8])
{
}

void arch_cpu_topology(unsigned int cpu, u32 *core, u32 *socket)
{
	*core = cpu;
	*socket = 0;
}

unsigned int arch_gpaddr_bits(void)
{
	return 48;
}

void arch_vcpu_dump(const struct vcpu *v)
{
}

/* The model has its own idea of what takes too long. */
void watchdog_look(struct pcpu *cpu, struct pcpu *next, u64 t)
{
}

bool watchdog_waits(struct watch *w)
{
	return false;
}

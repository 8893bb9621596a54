/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The watchdog needs no timer of its own. A CPU whose timer fires looks after the next one anyway
 * (timer.c), and one that waits for a lock has nothing else to do. Only seconds that the watching
 * CPU lives through count: if a debugger or an outer hypervisor stopped the whole machine, that is
 * one.
 */
#include "common/watchdog.h"

#include <public/errno.h>

#include "common/dump.h"
#include "common/option.h"
#include "common/printk.h"
#include "common/timer.h"

#define SECOND 1000000000ull
#define NMI_SECONDS 10		/* for the NMI to take effect, and to print a full ring */
#define WAITS_BETWEEN 1024u	/* turns of a loop that waits, from one look at the clock to the next */

static unsigned int timeout;	/* s; 0: nothing is watched */
static unsigned int boot_timeout;	/* s; 0: Dom0 is up, or nobody waits for it */
static struct timer boot_timer;

static void boot_overdue(void *unused)
{
	dump_machine();
	panic("Dom0 has not said within %u s that it is up (boot_timeout)", boot_timeout);
}

static void set_boot_timeout(u64 seconds)
{
	WRITE_ONCE(boot_timeout, (unsigned int)seconds);
	if (seconds)
		timer_set(&boot_timer, now() + seconds * SECOND);
	else
		timer_stop(&boot_timer);
}

int watchdog_set_boot_timeout(const char *seconds)
{
	u64 n;

	if (!option_parse_number(seconds, &n) || n > option_find("boot_timeout")->max)
		return -EINVAL;
	set_boot_timeout(n);
	return 0;
}

unsigned int watchdog_boot_timeout(void)
{
	return READ_ONCE(boot_timeout);
}

void watchdog_init(void)
{
	timeout = option_flag("watchdog") ? (unsigned int)option_number("watchdog_timeout") : 0;
	timer_init(&boot_timer, this_cpu(), boot_overdue, NULL);
	set_boot_timeout(option_number("boot_timeout"));
}

static bool one_more_second(struct watch *w, u64 t)
{
	if (t - w->at < SECOND)
		return false;
	w->at = t;
	w->seconds++;
	return true;
}

void watchdog_look(struct pcpu *cpu, struct pcpu *next, u64 t)
{
	struct watch *w = &cpu->watch;
	u64 epoch = READ_ONCE(next->epoch);

	if (pcpu_outside(epoch) || epoch != w->epoch) {
		*w = (struct watch){ .epoch = epoch, .at = t };
		return;
	}
	if (!timeout || !one_more_second(w, t))
		return;
	if (w->seconds == timeout)
		arch_cpu_is_stuck(next);
	if (w->seconds >= timeout + NMI_SECONDS)
		panic("CPU%u has been busy inside Keel for %u s, and does not answer an NMI", next->id,
		      w->seconds);
}

bool watchdog_waits(struct watch *w)
{
	if (!timeout || ++w->turns % WAITS_BETWEEN)
		return false;
	if (!w->at)
		w->at = now();
	return one_more_second(w, now()) && w->seconds >= timeout;
}

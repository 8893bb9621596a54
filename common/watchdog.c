/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The watchdog needs no timer of its own. A CPU whose timer fires looks after the next one anyway
 * (timer.c), and one that waits for a lock has nothing else to do. Only seconds that the watching
 * CPU lives through count: if a debugger or an outer hypervisor stopped the whole machine, that is
 * one.
 */
#include "common/watchdog.h"

#include "common/timer.h"
#include "common/option.h"
#include "common/printk.h"

#define SECOND 1000000000ull
#define NMI_SECONDS 10		/* for the NMI to take effect, and to print a full ring */
#define WAITS_BETWEEN 1024u	/* turns of a loop that waits, from one look at the clock to the next */

static unsigned int timeout;	/* s; 0: nothing is watched */

void watchdog_init(void)
{
	timeout = option_flag("watchdog") ? (unsigned int)option_number("watchdog_timeout") : 0;
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

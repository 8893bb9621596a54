/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages, their rate limit, and panic. */
#include "common/printk.h"

#include <public/errno.h>
#include <public/sched.h>

#include "common/console.h"
#include "common/option.h"
#include "common/timer.h"
#include "common/vsnprintf.h"

#define MESSAGE_LEN 512
#define RATE_WINDOW 1000000000ull	/* ns */
#define RATE_LINES 10

static int log_level = CONFIG_LOG_LEVEL;
static u32 panicked;	/* atomic: 1 + the id of the CPU whose panic it is */

void printk_init(void)
{
	log_level = min(option_choice("loglvl"), (int)LOG_DEBUG);
}

const char *printk_level(void)
{
	return option_find("loglvl")->words[READ_ONCE(log_level)];
}

int printk_set_level(const char *word)
{
	int i = find_word(word, option_find("loglvl")->words);

	if (i < 0)
		return -EINVAL;
	WRITE_ONCE(log_level, min(i, (int)LOG_DEBUG));
	return 0;
}

/* A message is one line or several; each call is whole, so it ends with a newline. */
static void vprintk(const char *prefix, const char *fmt, va_list ap)
{
	char buf[MESSAGE_LEN];
	int start = snprintf(buf, sizeof(buf), "(KEEL) %s", prefix);
	int len = start + vsnprintf(buf + start, sizeof(buf) - 1 - (size_t)start, fmt, ap);

	len = min(len, (int)sizeof(buf) - 2);
	if (buf[len - 1] != '\n')
		buf[len++] = '\n';
	console_message(buf, (size_t)len);
}

void printk(enum log_level level, const char *fmt, ...)
{
	static const char *const prefix[] = { "", "error: ", "warning: ", "", "debug: " };
	va_list ap;

	if ((int)level > READ_ONCE(log_level))
		return;
	va_start(ap, fmt);
	vprintk(prefix[level + 1], fmt, ap);
	va_end(ap);
}

/* The counts are not locked: two CPUs at once may print a line too many, which does no harm. */
bool ratelimit_ok(struct ratelimit *rl)
{
	u64 window = now() / RATE_WINDOW;
	u32 missed;

	if (window != READ_ONCE(rl->window)) {
		missed = rl->missed;
		rl->window = window;
		rl->printed = 0;
		rl->missed = 0;
		if (missed)
			printk(LOG_WARN, "%u similar messages were left out", missed);
	}
	if (rl->printed >= RATE_LINES) {
		rl->missed++;
		return false;
	}
	rl->printed++;
	return true;
}

/*
 * Only the first message matters. Another CPU waits until the first one stops it, since to halt the
 * machine would stop that one. A panic inside its own has no more to say.
 */
static void panic_once(void)
{
	static bool again;
	u32 me = this_cpu() ? this_cpu()->id + 1 : 1, first = 0;

	if (cas(&panicked, &first, me))
		return;
	while (first != me)
		cpu_relax();
	if (again)
		arch_halt();
	again = true;
	arch_machine_down(SHUTDOWN_crash);
}

void panic(const char *fmt, ...)
{
	va_list ap;

	panic_once();
	console_start_sync();
	va_start(ap, fmt);
	vprintk("panic: ", fmt, ap);
	va_end(ap);
	arch_stack_trace();
	arch_other_cpus_trace();
	printk(LOG_ERR, option_flag("noreboot") ? "stopped (noreboot); switch the machine off or reset it"
	       : "rebooting; the option noreboot keeps the message on the screen");
	arch_machine_down(SHUTDOWN_crash);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages and panic. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/dump.h"
#include "fake_internal.h"

jmp_buf fake_panic_jump;
bool fake_panic_expected;
char fake_panic_message[256];
char fake_last_message[256];

void fake_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort(); /* cmocka reports the test as failed, ASan shows where */
}

FAKE void printk(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fake_last_message, sizeof(fake_last_message), fmt, ap);
	va_end(ap);
	if (getenv("KEEL_TEST_VERBOSE"))
		fprintf(stderr, "%s\n", fake_last_message);
}

static char level[16] = "info";

FAKE const char *printk_level(void)
{
	return level;
}

FAKE int printk_set_level(const char *word)
{
	if (strcmp(word, "loud") == 0)
		return -22; /* EINVAL */
	snprintf(level, sizeof(level), "%s", word);
	return 0;
}

FAKE bool ratelimit_ok(struct ratelimit *rl)
{
	return true;
}

FAKE void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fake_panic_message, sizeof(fake_panic_message), fmt, ap);
	va_end(ap);
	if (!fake_panic_expected)
		fake_fail("panic: %s", fake_panic_message);
	longjmp(fake_panic_jump, 1);
}

FAKE void dump_machine(void)
{
}

FAKE void arch_other_cpus_trace(void)
{
}

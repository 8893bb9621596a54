/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fake arch: what common/ needs from arch/, for unit tests on the host.
 *
 * Each function that a real source could provide is weak, so a test gets the
 * fake only where it does not bring the real one.
 */
#ifndef TEST_UNIT_FAKE_H
#define TEST_UNIT_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A fake that a real source, or the test, replaces by defining it. */
#define FAKE __attribute__((weak))

/*
 * Failure injection. Every fake allocator asks fake_alloc_fails() first. The
 * way to test "each allocation fails once":
 *
 *	FAKE_EACH_FAILURE(n) {
 *		set up;
 *		fake_fail_nth(n);
 *		rc = operation();
 *		...on failure: rc is -ENOMEM and nothing changed...
 *		tear down;
 *	}
 *
 * The loop ends after the first round in which no allocation failed any more.
 */
void fake_fail_nth(unsigned int nth);		/* nth allocation from now fails; 0: none */
bool fake_failure_happened(void);		/* did it, since fake_fail_nth()? */
bool fake_alloc_fails(void);			/* asked by each fake allocator */
unsigned long fake_live_allocations(void);	/* how many are not freed yet */
void fake_count_allocation(long delta);

#define FAKE_EACH_FAILURE(n) \
	for (unsigned int n = 1; n == 1 || fake_failure_happened(); n++)

#endif /* TEST_UNIT_FAKE_H */

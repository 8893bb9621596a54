/* SPDX-License-Identifier: GPL-2.0-only */
/* Private header of test/unit/fake. */
#ifndef TEST_UNIT_FAKE_INTERNAL_H
#define TEST_UNIT_FAKE_INTERNAL_H

#include "fake.h"

void fake_reset_cpus(void);
void fake_reset_domains(void);
void fake_reset_ram(void);
void fake_reset_time(void);
void fake_reset_guest(void);
void fake_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif /* TEST_UNIT_FAKE_INTERNAL_H */

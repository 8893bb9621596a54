/* SPDX-License-Identifier: GPL-2.0-only */
/* Real threads, for races that only they show. <sched.h> may bring a vcpu_yield() of its own. */
#ifndef TEST_UNIT_FAKE_THREADS_H
#define TEST_UNIT_FAKE_THREADS_H

#define vcpu_yield host_sched_yield
#include <pthread.h>
#undef vcpu_yield

#endif /* TEST_UNIT_FAKE_THREADS_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/* Real threads, for what only they show: <sched.h> has a sched_yield() of its own. */
#ifndef TEST_UNIT_FAKE_THREADS_H
#define TEST_UNIT_FAKE_THREADS_H

#define sched_yield host_sched_yield
#include <pthread.h>
#undef sched_yield

#endif /* TEST_UNIT_FAKE_THREADS_H */

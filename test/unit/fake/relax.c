/* SPDX-License-Identifier: GPL-2.0-only */
/* Spinning on the build host, which may have fewer CPUs than the test has threads. */
#include <sys/syscall.h>
#include <unistd.h>

void fake_cpu_relax(void);

void fake_cpu_relax(void)
{
	syscall(SYS_sched_yield);
}

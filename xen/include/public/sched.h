/* SPDX-License-Identifier: MIT */
/* sched_op: giving up the CPU, shutting down. */
#ifndef XEN_PUBLIC_SCHED_H
#define XEN_PUBLIC_SCHED_H

#include <public/event_channel.h>

#define SCHEDOP_yield           0
#define SCHEDOP_block           1
#define SCHEDOP_shutdown        2
#define SCHEDOP_poll            3
#define SCHEDOP_remote_shutdown 4
#define SCHEDOP_watchdog        6

#define SHUTDOWN_poweroff   0
#define SHUTDOWN_reboot     1
#define SHUTDOWN_suspend    2
#define SHUTDOWN_crash      3
#define SHUTDOWN_watchdog   4
/* As getdomaininfo and the tools say "not shut down" in an 8-bit code. */

struct sched_shutdown {
	uint32_t reason; /* SHUTDOWN_* */
};

struct sched_poll {
	XEN_GUEST_HANDLE(evtchn_port_t) ports;
	uint32_t nr_ports;
	uint64_t timeout; /* absolute ns of system time; 0 waits without end */
};

struct sched_remote_shutdown {
	domid_t domain_id;
	uint32_t reason;
};

struct sched_watchdog {
	uint32_t id;	  /* 0: a new one */
	uint32_t timeout; /* seconds; 0 ends it */
};

#endif

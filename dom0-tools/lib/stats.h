/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_STATS_H
#define KEEL_LIB_STATS_H

#include "lib/domain.h"

/* Where Linux has its ends of guests' devices: /sys/bus/xen-backend/devices. */
extern const char *stats_backends;

/*
 * Figures of a domain, as keel(1) has them: its own, and of its vcpus, interfaces and disks. What
 * an interface receives is what Dom0's end sends. NULL and -ESRCH in k->err if the domain has gone.
 */
struct json_object *stats_domain(struct keel *k, const struct keel_domain *d);
/* Of the machine. */
struct json_object *stats_host(struct keel *k);

/* Both in Prometheus's text format; @domains is a list of stats_domain()'s. */
void stats_print(FILE *out, struct json_object *host, struct json_object *domains);

#endif

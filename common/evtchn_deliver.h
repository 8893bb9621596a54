/* SPDX-License-Identifier: GPL-2.0-only */
/* Between evtchn.c and evtchn_deliver.c. */
#ifndef COMMON_EVTCHN_DELIVER_H
#define COMMON_EVTCHN_DELIVER_H

#include "common/evtchn.h"

/* Sets the port pending and notifies its vCPU if it is not masked. */
void evtchn_set_pending(struct domain *d, const struct evtchn *chn, evtchn_port_t port);
/* EVTCHNOP_unmask: 0, or -EINVAL for no such port. */
int evtchn_unmask(struct domain *d, evtchn_port_t port);

#endif

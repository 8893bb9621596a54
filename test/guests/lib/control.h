/* SPDX-License-Identifier: GPL-2.0-only */
/* What a control domain does to others. */
#ifndef TEST_GUEST_CONTROL_H
#define TEST_GUEST_CONTROL_H

#include "guest.h"

#include <public/domctl.h>

/* Each CPU has its own argument, which keeps what the caller put into it. */
struct xen_domctl *domctl_arg(void);
long domctl(u32 cmd, domid_t domain);
/*
 * An empty domain with a local APIC and default grant limits. Returns 0 or an errno; *id is in and
 * out, 0: any.
 */
long create_domain(domid_t *id, u32 vcpus, u32 max_evtchn_port);
/*
 * vCPU 0 begins at pc in flat 32-bit code without paging. header: what gethvmcontext of some domain
 * gave. 0 or an errno.
 */
long set_start(domid_t domain, u64 pc, const void *header);
/*
 * Makes a guest that writes, and looks whether the log of what is dirty says where (lib/dirty.c).
 */
void test_log_dirty(void);
/* Physical pages that nobody has. */
u64 free_pages(void);

#endif

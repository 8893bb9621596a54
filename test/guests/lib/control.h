/* SPDX-License-Identifier: GPL-2.0-only */
/* Hypercalls by which a control domain manages others. */
#ifndef TEST_GUEST_CONTROL_H
#define TEST_GUEST_CONTROL_H

#include "guest.h"

#include <public/domctl.h>

/* Each vCPU has its own argument. It keeps what the caller wrote into it. */
struct xen_domctl *domctl_arg(void);
long domctl(u32 cmd, domid_t domain);
/*
 * Creates an empty domain with a local APIC and default grant limits. *id is the wanted id (0:
 * any), then the new one. Returns 0 or an errno.
 */
long create_domain(domid_t *id, u32 vcpus, u32 max_evtchn_port);
/*
 * Lets vCPU 0 start at pc in flat 32-bit code without paging. header is the HEADER record from
 * gethvmcontext, of any domain. Returns 0 or an errno.
 */
long set_start(domid_t domain, u64 pc, const void *header);
/* Creates a guest that writes to memory, and compares with the log-dirty bitmap (lib/dirty.c). */
void test_log_dirty(void);
/* The machine's number of free pages. */
u64 free_pages(void);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hypercall table. Everything about a hypercall that is data stands here, about a sub-operation
 * in common/op.h's tables.
 */
#ifndef COMMON_HYPERCALL_H
#define COMMON_HYPERCALL_H

#include <public/errno.h>
#include <public/xen.h>

#include "common/domain.h"

/* Who may call a hypercall or a sub-operation. Only a control domain may act on other domains. */
enum hypercall_perm { HC_ANY, HC_CONTROL, HC_HARDWARE };

static inline bool hypercall_allowed(enum hypercall_perm who)
{
	return who == HC_ANY || (who == HC_CONTROL ? current->domain->control : current->domain->hardware);
}

typedef long (*hypercall_fn)(u64 a1, u64 a2, u64 a3, u64 a4, u64 a5);

/* X(number suffix, handler, number of arguments, who, anchor in docs/abi.md) */
#define HYPERCALLS(X)							\
	X(platform_op,      do_platform_op,      1, HC_CONTROL, "platform_op")	\
	X(memory_op,        do_memory_op,        2, HC_ANY,     "memory_op")	\
	X(multicall,        do_multicall,        2, HC_ANY,     "multicall")	\
	X(set_timer_op,     do_set_timer_op,     1, HC_ANY,     "set_timer_op")	\
	X(xen_version,      do_xen_version,      2, HC_ANY,     "xen_version")	\
	X(console_io,       do_console_io,       3, HC_ANY,     "console_io")	\
	X(grant_table_op,   do_grant_table_op,   3, HC_ANY,     "grant_table_op") \
	X(vm_assist,        do_vm_assist,        2, HC_ANY,     "vm_assist")	\
	X(vcpu_op,          do_vcpu_op,          3, HC_ANY,     "vcpu_op")	\
	X(sched_op,         do_sched_op,         2, HC_ANY,     "sched_op")	\
	X(event_channel_op, do_event_channel_op, 2, HC_ANY,     "event_channel_op") \
	X(physdev_op,       do_physdev_op,       2, HC_ANY,     "physdev_op")	\
	X(hvm_op,           do_hvm_op,           2, HC_ANY,     "hvm_op")	\
	X(sysctl,           do_sysctl,           1, HC_CONTROL, "sysctl")	\
	X(domctl,           do_domctl,           1, HC_CONTROL, "domctl")	\
	X(hypfs_op,         do_hypfs_op,         5, HC_CONTROL, "hypfs_op")	\
	X(arch_0,           do_arch_0,           1, HC_CONTROL, "mca")

#define HC_PROTO(name, fn, nargs, perm, doc) long fn(u64 a1, u64 a2, u64 a3, u64 a4, u64 a5);
HYPERCALLS(HC_PROTO)
#undef HC_PROTO

/*
 * Dispatches for the current vCPU: the result for rax. -ENOSYS for unknown numbers, -EPERM for
 * callers that may not.
 */
long hypercall_dispatch(u64 nr, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5);

/*
 * Makes the guest execute this hypercall again with these arguments. Long operations let others run
 * this way. The handler returns what this returns.
 */
long hypercall_continue(u64 nr, u64 a1, u64 a2, u64 a3, u64 a4);
/* Arch part: rewrites the registers and leaves the instruction pointer on the instruction. */
void arch_hypercall_rewrite(u64 nr, const u64 args[5]);
/*
 * Is it time to continue later (another vCPU waits, an interrupt is due, or n operations were
 * done)? Call it without locks: it takes pending interrupts, which otherwise wait until the next
 * check.
 */
bool hypercall_preempt_check(void);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Port I/O that exits, and MSRs: the policies, as tables. */
#ifndef ARCH_X86_HVM_IO_H
#define ARCH_X86_HVM_IO_H

#include "arch/x86/hvm/vcpu.h"
#include "arch/x86/mce.h"

/*
 * portio.c: one access of 1, 2 or 4 bytes; unknown ports read ~0 and drop writes. Dom0's PM1, CF9,
 * CF8/CFC, 64h ... are found here.
 */
u32 hvm_port_in(struct vcpu *v, u16 port, unsigned int size);
void hvm_port_out(struct vcpu *v, u16 port, unsigned int size, u32 val);
/*
 * string_io.c: some elements of INS or OUTS of the current vCPU, or the fault that they make. No
 * locks held.
 */
struct exit_info;
void hvm_string_io(struct x86_vcpu *v, const struct exit_info *e);
#define IO_BITMAP_ORDER 2 /* 64 Ki bits and one more page (APM vol. 2, 15.10.1) */
/* Which ports of Dom0 exit: fills its bitmap (1 = exit). */
void hvm_port_policy_dom0(u8 *bitmap);

/* msr.c: 0 or -EINVAL for #GP. */
int hvm_rdmsr(struct vcpu *v, u32 msr, u64 *val);
int hvm_wrmsr(struct vcpu *v, u32 msr, u64 val);

/* vmce.c: the registers of a vCPU's virtual banks, as rows of msr.c's table: 0 or -EINVAL. */
u64 vmce_cap(void);
int vmce_read(struct vcpu *v, u32 msr, u64 *val);
int vmce_write(struct vcpu *v, u32 msr, u64 val);
/*
 * Queues #MC for the current vCPU, which has used lost data, with the page's address in the guest.
 * False if the guest cannot take it: no CR4.MCE; its handler has not ended; an event was being
 * delivered; Intel: it has not asked for local machine checks, and expects them on all its CPUs; it
 * uses lost data again and again, which may stop all of the machine's CPUs each time; it does not
 * have the page. Takes the p2m lock for reading, and interrupts. No locks held.
 */
bool vmce_inject(struct vcpu *v, const struct mce_record *r);

/* XSETBV of v: 0 or -EINVAL for #GP. */
int hvm_xsetbv(struct vcpu *v, u32 index, u64 val);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Both vendors' sources for unit tests, side by side. The CPU's part of VMX is a VMCS in memory. */
#ifndef TEST_UNIT_VENDORS_H
#define TEST_UNIT_VENDORS_H

#include "arch/x86/hvm/io.h"
#include "arch/x86/hvm/upcall.h"
#include "arch/x86/hvm/vioapic.h"
#include "arch/x86/irq/irq.h"
#include "arch/x86/mitigations.h"
#include "arch/x86/mm.h"
#include "arch/x86/pci/vpci.h"
#include "arch/x86/pcpu.h"
#include "arch/x86/svm/vmcb.h"
#include "arch/x86/vmx/caps.h"
#include "arch/x86/vmx/vmcs.h"

/*
 * No privileged instruction is executed. Variables that one would have set stay uninitialised or 0.
 */
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#define __asm__ if (0) __asm__
#define rdmsr(msr) ((u64)(msr) * 0)
#define wrmsr(msr, val) ((void)(msr), (void)(val))
#undef READ_CR
static u64 cpu_cr4 = X86_CR4_MCE;
#define READ_CR(n) ((n) == 4 ? cpu_cr4 : 0)
static u64 test_vmcs[0x8000], cpu_dr[8]; /* a VMCS, the CPU's debug registers */
static struct x86_pcpu test_pcpu;
#define this_x86_pcpu() (&test_pcpu)
#undef READ_DR
#undef WRITE_DR
#define READ_DR(n) cpu_dr[n]
#define WRITE_DR(n, v) ((void)(cpu_dr[n] = (u64)(v)))
#define read_breakpoints(dr) memcpy(dr, cpu_dr, 4 * sizeof(u64))
#define write_breakpoints(dr) memcpy(cpu_dr, dr, 4 * sizeof(u64))
#define vmread(field) (test_vmcs[field])
#define vmwrite(field, val) ((void)(test_vmcs[field] = (u64)(val)))

/* Both vendors' sources have a static function of this name. */
#define decode_io svm_decode_io
#define decode_cr svm_decode_cr
#define decode_npf svm_decode_npf
#define decode_exception svm_decode_exception
#define msr_allow svm_msr_allow
#define init_bitmaps svm_init_bitmaps
#include "arch/x86/svm/exit.c"
#include "arch/x86/svm/svm.c"
#undef decode_io
#undef decode_cr
#undef decode_npf
#undef decode_exception
#undef msr_allow
#undef init_bitmaps
#include "arch/x86/vmx/exit.c"
#include "arch/x86/vmx/state.c"
#include "arch/x86/vmx/vapic.c"
#include "arch/x86/vmx/vmx.c"

int copy_insn_from_guest(void *dst, u64 ip, size_t len) { return copy_from_guest(dst, ip, len); }
static int has_msrs = -1;	/* what these two return */
static u64 an_msr;
int rdmsr_safe(u32 msr, u64 *v) { *v = an_msr; return has_msrs; }
int wrmsr_safe(u32 msr, u64 v) { return has_msrs; }
u64 keel_cr3(void) { return 0; }
void traps_use_ist(enum ist_use use) { }
static unsigned int way;	/* in which the guest was entered last */
void svm_enter(u64 *gpr) { way = 1; }
void svm_enter_guarded(u64 *gpr) { way = 2; }
void svm_enter_barrier(u64 *gpr) { way = 3; }
int vmx_enter(u64 *gpr, bool launched) { way = 1; return 1; }
int vmx_enter_guarded(u64 *gpr, bool launched) { way = 2; return 1; }
void vmx_explain_failure(const struct exit_info *e, bool instruction) { }

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The registers of a vCPU, as getvcpucontext and setvcpucontext have them. Most of it is for PV
 * guests.
 */
#ifndef XEN_PUBLIC_VCPU_CONTEXT_H
#define XEN_PUBLIC_VCPU_CONTEXT_H

#include <public/xen.h>

struct cpu_user_regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	uint32_t error_code, entry_vector;
	uint64_t rip;
	uint16_t cs, _pad0[1];
	uint8_t saved_upcall_mask, _pad1[3];
	uint64_t rflags, rsp;
	uint16_t ss, _pad2[3];
	uint16_t es, _pad3[3];
	uint16_t ds, _pad4[3];
	uint16_t fs, _pad5[3];
	uint16_t gs, _pad6[3];
};

struct trap_info {
	uint8_t vector, flags;
	uint16_t cs;
	xen_ulong_t address;
};

#define VGCF_I387_VALID (1 << 0)
#define VGCF_IN_KERNEL  (1 << 2)
#define VGCF_online     (1 << 5)

struct vcpu_guest_context {
	struct {
		uint8_t x[512];
	} fpu_ctxt;      /* as FXSAVE writes it */
	uint64_t flags; /* VGCF_* */
	struct cpu_user_regs user_regs;
	struct trap_info trap_ctxt[256];
	uint64_t ldt_base, ldt_ents;
	uint64_t gdt_frames[16], gdt_ents;
	uint64_t kernel_ss, kernel_sp;
	uint64_t ctrlreg[8];  /* CR0 to CR7 */
	uint64_t debugreg[8]; /* DR0 to DR7 */
	uint64_t event_callback_eip, failsafe_callback_eip, syscall_callback_eip;
	uint64_t vm_assist;
	uint64_t fs_base, gs_base_kernel, gs_base_user;
};

#endif

/* SPDX-License-Identifier: MIT */
/* The records of a domain's saved context (gethvmcontext, sethvmcontext). */
#ifndef XEN_PUBLIC_HVM_SAVE_H
#define XEN_PUBLIC_HVM_SAVE_H

#include <public/xen.h>

/* Before each record. */
struct hvm_save_descriptor {
	uint16_t typecode; /* HVM_SAVE_CODE_* */
	uint16_t instance; /* of a per-vCPU record: the vCPU */
	uint32_t length;   /* of the record, without this descriptor */
};

#define HVM_SAVE_CODE_END             0
#define HVM_SAVE_CODE_HEADER          1
#define HVM_SAVE_CODE_CPU             2
#define HVM_SAVE_CODE_LAPIC           5
#define HVM_SAVE_CODE_LAPIC_REGS      6
#define HVM_SAVE_CODE_MTRR            14
#define HVM_SAVE_CODE_CPU_XSAVE       16
#define HVM_SAVE_CODE_VMCE_VCPU       18
#define HVM_SAVE_CODE_TSC_ADJUST      19
#define HVM_SAVE_CODE_CPU_MSR         20
#define HVM_SAVE_CODE_MAX             20

#define HVM_FILE_MAGIC   0x54381286
#define HVM_FILE_VERSION 0x00000001

struct hvm_save_header {
	uint32_t magic;   /* HVM_FILE_MAGIC */
	uint32_t version; /* HVM_FILE_VERSION */
	uint64_t changeset;
	uint32_t cpuid;    /* leaf 1 EAX of the saving machine */
	uint32_t gtsc_khz; /* the guest's TSC */
};

#define XEN_X86_FPU_INITIALISED (1u << 0)

struct hvm_hw_cpu {
	uint8_t fpu_regs[512];
	uint64_t rax, rbx, rcx, rdx, rbp, rsi, rdi, rsp;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rip, rflags, cr0, cr2, cr3, cr4;
	uint64_t dr0, dr1, dr2, dr3, dr6, dr7;
	uint32_t cs_sel, ds_sel, es_sel, fs_sel, gs_sel, ss_sel, tr_sel, ldtr_sel;
	uint32_t cs_limit, ds_limit, es_limit, fs_limit, gs_limit, ss_limit, tr_limit, ldtr_limit;
	uint32_t idtr_limit, gdtr_limit;
	uint64_t cs_base, ds_base, es_base, fs_base, gs_base, ss_base, tr_base, ldtr_base;
	uint64_t idtr_base, gdtr_base;
	uint32_t cs_arbytes, ds_arbytes, es_arbytes, fs_arbytes;
	uint32_t gs_arbytes, ss_arbytes, tr_arbytes, ldtr_arbytes;
	uint64_t sysenter_cs, sysenter_esp, sysenter_eip, shadow_gs;
	uint64_t msr_flags; /* ignored */
	uint64_t msr_lstar, msr_star, msr_cstar, msr_syscall_mask, msr_efer, msr_tsc_aux;
	uint64_t tsc;
	union {
		uint32_t pending_event;
		struct {
			uint8_t pending_vector : 8;
			uint8_t pending_type : 3;
			uint8_t pending_error_valid : 1;
			uint32_t pending_reserved : 19;
			uint8_t pending_valid : 1;
		};
	};
	uint32_t error_code;
	uint32_t flags; /* XEN_X86_FPU_INITIALISED */
	uint32_t pad0;
};

/* As 4.17 writes it. A reader accepts both lengths and takes what is missing as zero. */
struct hvm_hw_lapic {
	uint64_t apic_base_msr;
	uint32_t disabled, timer_divisor;
	uint64_t tdt_msr;
};

struct hvm_hw_lapic_regs {
	uint8_t data[1024];
};

#define MTRR_VCNT     8
#define NUM_FIXED_MSR 11

struct hvm_hw_mtrr {
	uint64_t msr_pat_cr;
	uint64_t msr_mtrr_var[MTRR_VCNT * 2]; /* base, mask */
	uint64_t msr_mtrr_fixed[NUM_FIXED_MSR];
	uint64_t msr_mtrr_cap, msr_mtrr_def_type;
};

struct hvm_hw_cpu_xsave_hdr {
	uint64_t xstate_bv, xcomp_bv;
	uint64_t reserved[6];
};

/* Followed by as much of the extended area as the guest's XCR0 ever needed. */
struct hvm_hw_cpu_xsave {
	uint64_t xfeature_mask; /* ignored */
	uint64_t xcr0, xcr0_accum;
	struct {
		struct {
			char x[512];
		} fpu_sse;
		struct hvm_hw_cpu_xsave_hdr xsave_hdr;
	} save_area;
};

/* Virtual machine checks. */
struct hvm_vmce_vcpu {
	uint64_t caps; /* MCG_CAP */
	uint64_t mci_ctl2_bank0, mci_ctl2_bank1;
	uint64_t mcg_ext_ctl;
};

struct hvm_tsc_adjust {
	uint64_t tsc_adjust;
};

struct hvm_one_msr {
	uint32_t index, _rsvd;
	uint64_t val;
};

struct hvm_msr {
	uint32_t count;
	struct hvm_one_msr msr[XEN_FLEX_ARRAY_DIM];
};

#endif

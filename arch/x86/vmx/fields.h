/* SPDX-License-Identifier: GPL-2.0-only */
/* The fields that a refused entry is explained from: name, encoding (SDM vol. 3, appendix B). */
#ifndef ARCH_X86_VMX_FIELDS_H
#define ARCH_X86_VMX_FIELDS_H

#include "common/lib.h"

#define VMX_SEGMENT(X, name, n)							\
	X(name##_SEL, 0x0800 + 2 * (n)) X(name##_LIMIT, 0x4800 + 2 * (n))	\
	X(name##_ATTR, 0x4814 + 2 * (n)) X(name##_BASE, 0x6806 + 2 * (n))

#define VMX_DUMP_FIELDS(X)							\
	VMX_SEGMENT(X, ES, 0) VMX_SEGMENT(X, CS, 1) VMX_SEGMENT(X, SS, 2)	\
	VMX_SEGMENT(X, DS, 3) VMX_SEGMENT(X, FS, 4) VMX_SEGMENT(X, GS, 5)	\
	VMX_SEGMENT(X, LDTR, 6) VMX_SEGMENT(X, TR, 7)				\
	X(CR0, 0x6800) X(CR3, 0x6802) X(CR4, 0x6804) X(EFER, 0x2806)		\
	X(CR0_SHADOW, 0x6004) X(CR4_SHADOW, 0x6006) X(PAT, 0x2804) X(DR7, 0x681a) \
	X(RIP, 0x681e) X(RSP, 0x681c) X(RFLAGS, 0x6820) X(PENDING_DEBUG, 0x6822) \
	X(GDTR_BASE, 0x6816) X(GDTR_LIMIT, 0x4810) X(IDTR_BASE, 0x6818) X(IDTR_LIMIT, 0x4812) \
	X(SYSENTER_CS, 0x482a) X(SYSENTER_ESP, 0x6824) X(SYSENTER_EIP, 0x6826)	\
	X(ACTIVITY, 0x4826) X(INTERRUPTIBILITY, 0x4824) X(LINK, 0x2800)	\
	X(PIN_CTLS, 0x4000) X(PROC_CTLS, 0x4002) X(PROC_CTLS2, 0x401e)		\
	X(EXIT_CTLS, 0x400c) X(ENTRY_CTLS, 0x4012) X(EXCEPTIONS, 0x4004)	\
	X(ENTRY_INTR, 0x4016) X(ENTRY_ERROR, 0x4018) X(ENTRY_LEN, 0x401a)	\
	X(EPTP, 0x201a) X(VPID, 0x0000) X(TSC_OFFSET, 0x2010)			\
	X(EXIT_REASON, 0x4402) X(QUALIFICATION, 0x6400) X(EXIT_INTR, 0x4404)	\
	X(IDT_INFO, 0x4408) X(IDT_ERROR, 0x440a) X(EXIT_LEN, 0x440c) X(GPA, 0x2400) \
	X(HOST_CR0, 0x6c00) X(HOST_CR3, 0x6c02) X(HOST_CR4, 0x6c04) X(HOST_EFER, 0x2c02) \
	X(HOST_RSP, 0x6c14) X(HOST_RIP, 0x6c16) X(HOST_GDTR, 0x6c0c) X(HOST_IDTR, 0x6c0e)

enum vmx_dump_field {
#define VMX_ENUM(name, encoding) VD_##name,
	VMX_DUMP_FIELDS(VMX_ENUM)
#undef VMX_ENUM
	VMX_NR_DUMP
};

/*
 * check.c, pure: the first rule for guest state (SDM vol. 3, 27.3.1) that these values break, or
 * NULL.
 */
const char *vmx_check_guest(const u64 *val, unsigned int phys_bits);
/* The name of a VM-instruction error (SDM vol. 3, 31.4). */
const char *vmx_error_name(u32 error);

#endif

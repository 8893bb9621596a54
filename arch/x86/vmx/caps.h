/* SPDX-License-Identifier: GPL-2.0-only */
/* What a CPU's VMX can do, from its capability MSRs (SDM vol. 3, appendix A). Pure. */
#ifndef ARCH_X86_VMX_CAPS_H
#define ARCH_X86_VMX_CAPS_H

#include "common/lib.h"

/*
 * The MSRs as read; 0 for one that does not exist. pin .. entry are the TRUE ones where basic says
 * so.
 */
struct vmx_msrs {
	u64 basic, pin, proc, exit, entry, proc2, ept_vpid, cr0_fixed0, cr4_fixed0, misc;
};

struct vmx_caps {
	u32 revision, pin, proc, proc2, exit, entry;	/* as written to the VMCS */
	u64 cr0_fixed0, cr4_fixed0;			/* bits that must be 1 in a guest's registers */
	unsigned int preemption_shift;			/* the timer counts the TSC shifted right by this */
	bool true_controls, accessed_dirty, pages_1g, invept_single;
};

/* What IA32_FEATURE_CONTROL says. */
enum vmx_firmware { VMX_FIRMWARE_ON, VMX_FIRMWARE_OPEN, VMX_FIRMWARE_OFF };
enum vmx_firmware vmx_feature_control(u64 msr);

/* 0, or -ENODEV with what is missing in *why (static storage). */
int vmx_caps_choose(const struct vmx_msrs *m, struct vmx_caps *c, const char **why);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* libxen-dev's headers, and their names for what ours name differently. */
#define __XEN_TOOLS__ 1

#include <xen/xen.h>

#include <xen/arch-x86/cpuid.h>
#include <xen/arch-x86/hvm/start_info.h>
#include <xen/arch-x86/xen-mca.h>
#include <xen/domctl.h>
#include <xen/elfnote.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/hvm_vcpu.h>
#include <xen/hvm/params.h>
#include <xen/hvm/save.h>
#include <xen/hypfs.h>
#include <xen/io/console.h>
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/vcpu.h>
#include <xen/version.h>

/* libxen-dev has only one interface version. */
#define XEN_DOMCTL_INTERFACE_VERSION_V15 XEN_DOMCTL_INTERFACE_VERSION
#define xen_domctl_createdomain_v15      xen_domctl_createdomain
#define createdomain_v15                 createdomain

/* Its record codes are the sizes of arrays. */
#define HVM_SAVE_CODE_END             HVM_SAVE_CODE(END)
#define HVM_SAVE_CODE_HEADER          HVM_SAVE_CODE(HEADER)
#define HVM_SAVE_CODE_CPU             HVM_SAVE_CODE(CPU)
#define HVM_SAVE_CODE_PIC             HVM_SAVE_CODE(PIC)
#define HVM_SAVE_CODE_IOAPIC          HVM_SAVE_CODE(IOAPIC)
#define HVM_SAVE_CODE_LAPIC           HVM_SAVE_CODE(LAPIC)
#define HVM_SAVE_CODE_LAPIC_REGS      HVM_SAVE_CODE(LAPIC_REGS)
#define HVM_SAVE_CODE_MTRR            HVM_SAVE_CODE(MTRR)
#define HVM_SAVE_CODE_CPU_XSAVE       CPU_XSAVE_CODE
#define HVM_SAVE_CODE_VMCE_VCPU       HVM_SAVE_CODE(VMCE_VCPU)
#define HVM_SAVE_CODE_TSC_ADJUST      HVM_SAVE_CODE(TSC_ADJUST)
#define HVM_SAVE_CODE_CPU_MSR         CPU_MSR_CODE

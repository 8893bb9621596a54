/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Encodings of what CPUs may have and Keel does not switch on: TSC scaling, posted
 * interrupts, page-modification logging (SDM vol. 3, 26.3, 30.6, 29.3.6). docs/vmx.md says why.
 */
#ifndef ARCH_X86_VMX_OPTIONAL_H
#define ARCH_X86_VMX_OPTIONAL_H

#include "common/lib.h"

#define PIN_POSTED_INTERRUPTS BIT(7)
#define EXIT_ACK_INTERRUPT BIT(15)
#define PROC2_PML BIT(17)
#define PROC2_TSC_SCALING BIT(25)

#define VMCS_POSTED_VECTOR 0x0002
#define VMCS_PML_INDEX 0x0812
#define VMCS_PML_ADDRESS 0x200e
#define VMCS_POSTED_DESC 0x2016
#define VMCS_TSC_MULTIPLIER 0x2032
#define VMX_EXIT_PML_FULL 62

/* guest TSC = (TSC * multiplier >> 48) + offset. 0: the ratio has no encoding. */
static inline u64 vmx_tsc_multiplier(u32 guest_khz, u32 host_khz)
{
	u64 whole, rest;

	if (!host_khz || !guest_khz || guest_khz / host_khz > 0xffff)
		return 0;
	whole = guest_khz / host_khz;
	rest = (u64)(guest_khz % host_khz) << 32;
	return whole << 48 | rest / host_khz << 16 | (rest % host_khz << 16) / host_khz;
}

static inline u64 vmx_scale_tsc(u64 tsc, u64 multiplier)
{
	return (u64)((unsigned __int128)tsc * multiplier >> 48);
}

/* Posted-interrupt descriptor; atomic throughout: other CPUs and the IOMMU write it. */
struct posted_desc {
	u64 requests[4];
	u8 control, rsvd1;	/* bit 0: a notification is outstanding; bit 1: send none */
	u8 vector, rsvd2;	/* of the notification */
	u32 dest;		/* APIC id; in bits 8..15 where the CPU is in xAPIC mode */
	u64 rsvd3[3];
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct posted_desc) == 64 && offsetof(struct posted_desc, control) == 32 &&
	       offsetof(struct posted_desc, vector) == 34 && offsetof(struct posted_desc, dest) == 36,
	       "SDM vol. 3, 30.6");

#define POSTED_OUTSTANDING BIT(0)
#define POSTED_SUPPRESSED BIT(1)

/* Any CPU. True: the vector is to be sent to the destination. */
static inline bool posted_request(struct posted_desc *d, u8 vector)
{
	set_bit(vector, d->requests);
	if (READ_ONCE(d->control) & POSTED_SUPPRESSED)
		return false;
	return !(__atomic_fetch_or(&d->control, POSTED_OUTSTANDING, __ATOMIC_SEQ_CST) &
		 POSTED_OUTSTANDING);
}

/* What was requested, as the CPU takes it at a notification. */
static inline void posted_take(struct posted_desc *d, u64 requests[4])
{
	__atomic_fetch_and(&d->control, (u8)~POSTED_OUTSTANDING, __ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i < 4; i++)
		requests[i] = __atomic_exchange_n(&d->requests[i], 0, __ATOMIC_SEQ_CST);
}

/*
 * The log is a page of guest physical addresses. The CPU fills it from the last
 * entry down and exits when the index, that of the next entry, has run below 0.
 */
#define PML_ENTRIES 512

/* The first entry that is filled, PML_ENTRIES if none is; the rest follow it. */
static inline unsigned int pml_first(u16 index)
{
	return (u16)(index + 1) > PML_ENTRIES ? 0 : (u16)(index + 1);
}

#endif

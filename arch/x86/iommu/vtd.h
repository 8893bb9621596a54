/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VT-d's registers and formats (specification 4.1; sections named below), legacy mode. Encoders are
 * pure.
 */
#ifndef ARCH_X86_IOMMU_VTD_H
#define ARCH_X86_IOMMU_VTD_H

#include "common/lib.h"

/* Registers (11.4). */
#define VTD_CAP		0x08
#define VTD_ECAP	0x10
#define VTD_GCMD	0x18
#define VTD_GSTS	0x1c
#define VTD_RTADDR	0x20
#define VTD_FSTS	0x34
#define VTD_FECTL	0x38
#define VTD_FEDATA	0x3c
#define VTD_FEADDR	0x40
#define VTD_FEUADDR	0x44
#define VTD_PMEN	0x64
#define VTD_IQT		0x88
#define VTD_IQA		0x90
#define VTD_IRTA	0xb8

#define CAP_ND(c)	((c) & 7)		/* 2^(4 + 2 * ND) domains */
#define CAP_RWBF	BIT(4)
#define CAP_PMR		(BIT(5) | BIT(6))
#define CAP_CM		BIT(7)
#define CAP_39_BIT	BIT(9)			/* SAGAW */
#define CAP_48_BIT	BIT(10)
#define CAP_FRO(c)	((unsigned int)((c) >> 24 & 0x3ff) * 16)
#define CAP_2M		BIT(34)			/* SLLPS */
#define CAP_1G		BIT(35)
#define CAP_PSI		BIT(39)			/* can forget single pages */
#define CAP_NFR(c)	((unsigned int)((c) >> 40 & 0xff) + 1)
#define CAP_MAMV(c)	((unsigned int)((c) >> 48 & 0x3f)) /* of 2^MAMV pages at most */
#define CAP_DRAIN_WRITE	BIT(54)
#define CAP_DRAIN_READ	BIT(55)
#define CAP_PI		BIT(59)
#define ECAP_C		BIT(0)
#define ECAP_QI		BIT(1)
#define ECAP_IR		BIT(3)
#define ECAP_EIM	BIT(4)
#define ECAP_SC		BIT(7)

/* GCMD and GSTS; STICKY: commands that stay given. */
#define GCMD_TE		BIT(31)
#define GCMD_SRTP	BIT(30)
#define GCMD_WBF	BIT(27)
#define GCMD_QIE	BIT(26)
#define GCMD_IRE	BIT(25)
#define GCMD_SIRTP	BIT(24)
#define GCMD_STICKY	(GCMD_TE | GCMD_QIE | GCMD_IRE)

#define FSTS_PFO	BIT(0)
#define FSTS_PPF	BIT(1)
#define FSTS_FRI(s)	((s) >> 8 & 0xff)
#define FECTL_IM	BIT(31)
#define PMEN_PRS	BIT(0)

#define IRTA_EIME	BIT(11)

/* Second-stage entries (9.8). */
#define SS_READ		BIT(0)
#define SS_WRITE	BIT(1)
#define SS_PAGE		BIT(7)
#define SS_SNP		BIT(11)

struct vtd_entry { u64 lo, hi; };

#define ENTRY_P		BIT(0)	/* root, context, interrupt entries alike */
/* context and interrupt entries, present or not: faults are not reported */
#define ENTRY_FPD	BIT(1)

/* Context entry (9.3): translation type 0; width 1 is 39 bits (3 levels), 2 is 48 (4). */
static inline struct vtd_entry vtd_context(paddr_t table, unsigned int levels, u16 domain)
{
	return (struct vtd_entry){ table | ENTRY_P, (levels - 2) | (u64)domain << 8 };
}

static inline u16 vtd_context_domain(struct vtd_entry e) { return (u16)(e.hi >> 8); }

/*
 * Interrupt remapping entry (9.10): fixed delivery, physical destination; wide: 32 bits of APIC id
 * (EIM). The source must be exactly sid (SVT 1, SQ 0), or any function of its device (SQ 3).
 */
static inline struct vtd_entry vtd_irte(u8 vector, u32 apic_id, bool level, bool wide, u16 sid,
					bool any_function)
{
	return (struct vtd_entry){ ENTRY_P | (level ? BIT(4) : 0) | (u64)vector << 16 |
				   (u64)apic_id << (wide ? 32 : 40), sid | BIT(18) | (any_function ? 3ull << 16 : 0) };
}

/* The message that names an entry (5.1.2.2): no subhandle, data 0. */
static inline u64 vtd_message_address(u16 index)
{
	return 0xfee00000ull | BIT(4) | (u64)(index & 0x7fff) << 5 | (u64)(index >> 15) << 2;
}

/*
 * The same as an IO-APIC's redirection entry (5.1.5.1); its vector is what an EOI is compared with.
 */
static inline u64 vtd_redirection(u16 index, u8 vector)
{
	return (u64)(index & 0x7fff) << 49 | BIT(48) | (u64)(index >> 15) << 11 | vector;
}

/* Invalidation descriptors (6.5.2). DMA under way is drained where the unit can do that. */
#define VTD_INV(lo, hi)			((struct vtd_entry){ (lo), (hi) })
#define VTD_INV_CONTEXT_ALL		VTD_INV(1 | 1 << 4, 0)
#define VTD_INV_CONTEXT(domain, sid)	VTD_INV(1 | 3 << 4 | (u64)(domain) << 16 | (u64)(sid) << 32, 0)
#define VTD_INV_DRAIN(cap) \
	(((cap) & CAP_DRAIN_WRITE ? BIT(6) : 0) | ((cap) & CAP_DRAIN_READ ? BIT(7) : 0))
#define VTD_INV_IOTLB_ALL(cap)		VTD_INV(2 | 1 << 4 | VTD_INV_DRAIN(cap), 0)
#define VTD_INV_IOTLB(cap, domain)	VTD_INV(2 | 2 << 4 | VTD_INV_DRAIN(cap) | (u64)(domain) << 16, 0)
#define VTD_INV_IRQ_ALL			VTD_INV(4, 0)
#define VTD_INV_IRQ(index)		VTD_INV(4 | BIT(4) | (u64)(index) << 32, 0)
/* Writes value to address once all previous requests are done. */
#define VTD_INV_WAIT(address, value)	VTD_INV(5 | BIT(5) | (u64)(value) << 32, address)

/*
 * 2^order frames, aligned, and the entries that lead there; all of the domain, if the unit cannot
 * do that.
 */
static inline struct vtd_entry vtd_inv_frames(u64 cap, u16 domain, u64 gfn, unsigned int order)
{
	struct vtd_entry all = VTD_INV_IOTLB(cap, domain);

	return !(cap & CAP_PSI) || order > CAP_MAMV(cap) ? all
	       : VTD_INV(all.lo | 1 << 4, gfn << 12 | order);
}

/*
 * A fault record (FRCD_REG, 11.4); false: it holds none. For interrupts address is their index in
 * the table.
 */
struct vtd_fault { u16 sid; u8 code; bool write; u64 address; };

static inline bool vtd_fault_decode(struct vtd_entry r, struct vtd_fault *f)
{
	f->sid = (u16)r.hi;
	f->code = (u8)(r.hi >> 32);
	f->write = !(r.hi & BIT(62));
	f->address = f->code >= 0x20 ? r.lo >> 48 : r.lo & PAGE_MASK;
	return r.hi & BIT(63);
}

#endif

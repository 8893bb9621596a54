/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * AMD-Vi's formats (AMD I/O Virtualization Technology Specification, 48882; sections in brackets).
 */
#ifndef ARCH_X86_IOMMU_AMDVI_H
#define ARCH_X86_IOMMU_AMDVI_H

#include "common/lib.h"

/* Registers, by their offset [3.4]. */
#define AMDVI_DEV_TABLE		0x0000	/* bits 0..8: pages - 1 */
#define AMDVI_CMD_BASE		0x0008
#define AMDVI_EVENT_BASE	0x0010
#define AMDVI_CONTROL		0x0018
#define AMDVI_FEATURES		0x0030
#define AMDVI_CMD_HEAD		0x2000
#define AMDVI_CMD_TAIL		0x2008
#define AMDVI_EVENT_HEAD	0x2010
#define AMDVI_EVENT_TAIL	0x2018
#define AMDVI_STATUS		0x2020
#define AMDVI_REGS_LEN		0x4000

#define AMDVI_RING_LEN		4096u	/* commands and events: 256 of 16 bytes */
#define AMDVI_RING_CODE		(8ull << 56)

#define AMDVI_CTRL_ON		BIT(0)
#define AMDVI_CTRL_EVENTS	BIT(2)
#define AMDVI_CTRL_EVENT_IRQ	BIT(3)
#define AMDVI_CTRL_COHERENT	BIT(10)	/* reads tables through the caches */
#define AMDVI_CTRL_COMMANDS	BIT(12)
/* HtTunEn, PassPW, ResPassPW, Isoc: as the low bits of an IVHD's flags say. */
#define AMDVI_CTRL_IVHD(flags) \
	(((flags) & 1ull) << 1 | ((flags) & 6ull) << 7 | ((flags) & 8ull) << 8)

/*
 * It can invalidate everything at once, and knows at least 4 levels of tables (3 in the field is no
 * valid value).
 */
#define AMDVI_FEATURES_FIT(f)	(((f) & BIT(6)) && ((f) >> 10 & 3) != 3)

#define AMDVI_STATUS_OVERFLOW	BIT(0)
#define AMDVI_STATUS_EVENT_IRQ	BIT(1)
#define AMDVI_STATUS_EVENTS_ON	BIT(3)

/* The capability in the unit's PCI function [3.3]. */
#define AMDVI_CAP_ID		0x3000fu /* secure device, type 3: id in bits 0..7, type in 16..18 */
#define AMDVI_CAP_ID_MASK	0x700ffu
#define AMDVI_CAP_NP_CACHE	BIT(26)
#define AMDVI_CAP_FEATURES	BIT(27)	/* it has the register */

/* A device table entry: four words [2.2.2]. */
#define AMDVI_DTE_V		BIT(0)
#define AMDVI_DTE_TV		BIT(1)
#define AMDVI_DTE_MODE(levels)	((u64)(levels) << 9)
#define AMDVI_DTE1_ONE_FAULT	BIT(33)	/* SE: only the first fault is logged */
#define AMDVI_DTE1_SYSMGT(x)	((u64)(x) << 40)
#define AMDVI_DTE2_IV		BIT(0)
#define AMDVI_DTE2_LEN_512	(9ull << 1)
#define AMDVI_DTE2_REMAP	BIT(61)	/* IntCtl 2; 0 refuses fixed and arbitrated interrupts */
#define AMDVI_DTE2_PASS(flags)	((u64)((flags) & IVRS_DEV_PASS) << 56)
#define AMDVI_DTE2_ROOT		0x000fffffffffffc0ull

/* Page table entries [2.2.3], and the same permissions in a device table entry. */
#define AMDVI_PTE_P		BIT(0)
#define AMDVI_PTE_LEVEL		BIT(9)	/* times the level of the next table; 0: a leaf */
#define AMDVI_PTE_LEVEL_MASK	(7ull << 9)
#define AMDVI_PTE_FC		BIT(60)	/* accesses are coherent whatever the device asks for */
#define AMDVI_PTE_IR		BIT(61)
#define AMDVI_PTE_IW		BIT(62)

/* entries of an interrupt table: the message has 9 bits that none but fixed ones use */
#define AMDVI_NR_IRQS		512

/*
 * Commands [2.4]: store a number when all before are done; forget a device's entry, all of a
 * domain's pages, a device's interrupts, all.
 */
struct amdvi_cmd { u64 lo, hi; };
#define AMDVI_CMD_WAIT(pa, number)	((struct amdvi_cmd){ 1ull << 60 | (pa) | 1, (number) })
#define AMDVI_CMD_DEVICE(id)		((struct amdvi_cmd){ 2ull << 60 | (id), 0 })
#define AMDVI_CMD_DOMAIN(nr) \
	((struct amdvi_cmd){ 3ull << 60 | (u64)(nr) << 32, 0x7ffffffffffff003ull })
/*
 * Of 2^order aligned frames: the lowest clear bit of the address, from bit 12 on, says how many;
 * bit 0: more than one, bit 1: tables' entries, too.
 */
#define AMDVI_CMD_FRAMES(nr, gfn, order) \
	((struct amdvi_cmd){ 3ull << 60 | (u64)(nr) << 32, (gfn) << 12 | 2 | \
			     ((order) ? ((BIT(order) - 1) >> 1) << 12 | 1 : 0) })
#define AMDVI_CMD_IRQS(id)		((struct amdvi_cmd){ 5ull << 60 | (id), 0 })
#define AMDVI_CMD_ALL			((struct amdvi_cmd){ 8ull << 60, 0 })

/* An interrupt's entry, fixed and to a physical destination [2.2.5.2]. */
#define AMDVI_IRTE(vector, apic_id)	(1u | (u32)(u8)(apic_id) << 8 | (u32)(vector) << 16)

/* Events [2.5]: the kind is in bits 60..63; flags of a page fault. */
#define AMDVI_EVENT_IRQ		BIT(51)	/* it was an interrupt */
#define AMDVI_EVENT_PRESENT	BIT(52)
#define AMDVI_EVENT_WRITE	BIT(53)
#define AMDVI_EVENT_RESERVED	BIT(55)	/* a table entry has reserved bits set */

#endif

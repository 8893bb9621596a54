/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Initialisers: formats of a p2m and of an IOMMU's mirror of it. They differ as vendors' formats
 * do.
 */
#ifndef TEST_UNIT_FORMATS_H
#define TEST_UNIT_FORMATS_H

#define NESTED_FORMAT {											\
	.leaf = { [P2M_RAM] = 3, [P2M_SHARED] = 3, [P2M_GRANT_RW] = 3, [P2M_GRANT_RO] = 1, \
		  [P2M_FOREIGN] = 3, \
		  [P2M_MMIO] = 3, [P2M_MMIO_RAMLIKE] = 1 },							\
	.table = 7, .superpage = 0x80, .superpage_mask = 0x80, .max_order = 18, .types = true,			\
}

/* Another format: fewer levels, smaller superpages (order) or none (0), and no types. */
#define MIRROR_FORMAT(order) {										\
	.leaf = { [P2M_RAM] = 3, [P2M_GRANT_RW] = 3, [P2M_GRANT_RO] = 1, [P2M_FOREIGN] = 3 },			\
	.table = 3, .table_level = 0x200, .superpage_mask = 0xe00, .max_order = (order),			\
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Which memory and which CPUs are near to each other (ACPI 6.5, 5.2.16 and 5.2.17). */
#ifndef ARCH_X86_ACPI_SRAT_H
#define ARCH_X86_ACPI_SRAT_H

#include "common/heap.h"

/* Nodes are numbered in the order in which SRAT names their proximity domains. */
struct srat {
	unsigned int nr_nodes, nr_spans;
	u32 domain[MAX_NODES];
	struct heap_span *spans; /* in order; an array of array_add() */
};

/*
 * Pure, over the len bytes of a table; fuzzed. false: an entry list that is broken, more than
 * MAX_NODES domains, or memory that is in two domains.
 */
bool srat_parse(const void *table, size_t len, struct srat *s);
/* The node of the CPU with that APIC id; s->nr_nodes: the table does not say. */
unsigned int srat_cpu(const void *table, size_t len, const struct srat *s, u32 apic_id);
/*
 * Distances between the nodes of s; false: not between all, one that is not between 11 and 255 (10
 * to itself), or not the same both ways.
 */
bool slit_parse(const void *table, size_t len, const struct srat *s, u8 (*distance)[MAX_NODES]);

/*
 * Boot, once the local APIC can be read: tells the heap of the nodes, and says what there is, or
 * why what the firmware says is ignored: then all is one node.
 */
void numa_init(void);
/* The node of a CPU; the first one, after a message, if the firmware does not say. */
unsigned int numa_node_of_cpu(u32 apic_id);

#endif

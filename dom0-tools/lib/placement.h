/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEEL_LIB_PLACEMENT_H
#define KEEL_LIB_PLACEMENT_H

#include "lib/guest.h"
#include "lib/keel.h"

/*
 * Nodes for a guest of @vcpus and @bytes: as few as have that much free memory and, among @cpus,
 * that many CPUs; of these the ones that are nearest to each other, then those with the fewest
 * vCPUs in relation to their CPUs (@load[n]: those that prefer node n), then those with the most
 * free memory. A bit each; 0: none are enough, or all would be needed.
 */
uint64_t placement_choose(const struct guest_nodes *nodes, const struct guest_cpus *cpus,
			  const unsigned int *load, unsigned int vcpus, uint64_t bytes);

/*
 * Gives a domain without memory its nodes, and lets its vCPUs prefer the CPUs there. Nothing
 * happens if there is one node, or the configuration says where vCPUs run. Sets k->err.
 */
int placement_set(struct keel *k, unsigned int domid, const struct guest_config *g);

#endif

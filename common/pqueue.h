/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A priority queue without memory of its own: a binary heap whose nodes are inside
 * the objects and linked by pointers. Insertion, removal and a change of key take
 * O(log n) steps and cannot fail. Equal keys come in any order.
 */
#ifndef COMMON_PQUEUE_H
#define COMMON_PQUEUE_H

#include "common/lib.h"

struct pq_node {
	u64 key;
	struct pq_node *parent, *child[2];
};

struct pqueue {
	struct pq_node *root;	/* smallest key; NULL: empty */
	unsigned int nr;
};

/* Under the owner's lock. */
void pq_insert(struct pqueue *q, struct pq_node *n);	/* n->key is set, n is in no queue */
void pq_remove(struct pqueue *q, struct pq_node *n);	/* n is in q */
void pq_update(struct pqueue *q, struct pq_node *n, u64 key); /* n is in q */

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A complete binary tree in which no node has a smaller key than its parent. The node with number n
 * (the root is 1) has children 2n and 2n + 1, so the bits of n below its highest one give the path
 * from the root.
 */
#include "common/pqueue.h"

/* The link that points, or is to point, to node number n, and its parent. */
static struct pq_node **find_link(struct pqueue *q, unsigned int n, struct pq_node **parent)
{
	struct pq_node **link = &q->root;

	*parent = NULL;
	for (unsigned int bit = fls64(n); bit-- > 0;) {
		*parent = *link;
		link = &(*link)->child[n >> bit & 1];
	}
	return link;
}

static struct pq_node **link_to(struct pqueue *q, const struct pq_node *n)
{
	return n->parent ? &n->parent->child[n->parent->child[1] == n] : &q->root;
}

static void adopt_children(struct pq_node *n)
{
	if (n->child[0])
		n->child[0]->parent = n;
	if (n->child[1])
		n->child[1]->parent = n;
}

/* Exchanges the places of n and its parent p. */
static void swap_with_parent(struct pqueue *q, struct pq_node *p, struct pq_node *n)
{
	unsigned int side = p->child[1] == n;
	struct pq_node *sibling = p->child[!side];

	*link_to(q, p) = n;
	n->parent = p->parent;
	p->child[0] = n->child[0];
	p->child[1] = n->child[1];
	n->child[side] = p;
	n->child[!side] = sibling;
	adopt_children(p);
	adopt_children(n);
}

static void sift(struct pqueue *q, struct pq_node *n)
{
	while (n->parent && n->key < n->parent->key)
		swap_with_parent(q, n->parent, n);
	for (;;) {
		struct pq_node *least = n->child[0];

		if (least && n->child[1] && n->child[1]->key < least->key)
			least = n->child[1];
		if (!least || n->key <= least->key)
			break;
		swap_with_parent(q, n, least);
	}
}

void pq_insert(struct pqueue *q, struct pq_node *n)
{
	*find_link(q, ++q->nr, &n->parent) = n;
	n->child[0] = n->child[1] = NULL;
	while (n->parent && n->key < n->parent->key)
		swap_with_parent(q, n->parent, n);
}

void pq_remove(struct pqueue *q, struct pq_node *n)
{
	struct pq_node *parent, **link = find_link(q, q->nr--, &parent), *last = *link;

	*link = NULL;
	if (last != n) {
		*link_to(q, n) = last;
		last->parent = n->parent;
		last->child[0] = n->child[0];
		last->child[1] = n->child[1];
		adopt_children(last);
		sift(q, last);
	}
}

void pq_update(struct pqueue *q, struct pq_node *n, u64 key)
{
	n->key = key;
	sift(q, n);
}

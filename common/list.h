/* SPDX-License-Identifier: GPL-2.0-only */
/* Circular doubly linked lists, links inside the objects. */
#ifndef COMMON_LIST_H
#define COMMON_LIST_H

#include "common/lib.h"

struct list_head { struct list_head *next, *prev; };

#define LIST_HEAD_INIT(name) { &(name), &(name) }

static inline void list_init(struct list_head *l) { l->next = l->prev = l; }

static inline bool list_empty(const struct list_head *l) { return l->next == l; }

static inline void list_insert_between(struct list_head *e, struct list_head *prev,
				       struct list_head *next)
{
	e->prev = prev;
	e->next = next;
	prev->next = e;
	next->prev = e;
}

static inline void list_add_tail(struct list_head *e, struct list_head *head)
{
	list_insert_between(e, head->prev, head);
}

/* Removes e and leaves it as an empty list, so that list_empty(e) says whether it is queued. */
static inline void list_del(struct list_head *e)
{
	e->prev->next = e->next;
	e->next->prev = e->prev;
	list_init(e);
}

#define list_entry(p, type, member) container_of(p, type, member)
#define list_for_each_entry(p, h, member)						\
	for (p = list_entry((h)->next, __typeof__(*p), member); &p->member != (h);	\
	     p = list_entry(p->member.next, __typeof__(*p), member))
#define list_for_each_entry_safe(p, n, h, member)					\
	for (p = list_entry((h)->next, __typeof__(*p), member),				\
	     n = list_entry(p->member.next, __typeof__(*p), member); &p->member != (h);	\
	     p = n, n = list_entry(n->member.next, __typeof__(*n), member))

#endif

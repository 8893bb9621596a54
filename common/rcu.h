/* SPDX-License-Identifier: GPL-2.0-only */
/* Frees objects once no CPU can use them any more. */
#ifndef COMMON_RCU_H
#define COMMON_RCU_H

/* Calls fn(head) once no CPU can still hold a pointer that it looked up before. Any locks. */
struct rcu_head { struct rcu_head *next; void (*fn)(struct rcu_head *); };
void rcu_call(struct rcu_head *head, void (*fn)(struct rcu_head *));
/*
 * WORK_RCU: frees objects that nobody can hold any more, at the top of the loop. No locks, no
 * pointers from before.
 */
void rcu_process(void);

#endif

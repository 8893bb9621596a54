/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random operations of guests that work together, and of a Dom0 that makes and ends them: pairs.c.
 */
#ifndef TEST_GUEST_PAIRS_H
#define TEST_GUEST_PAIRS_H

#include "lib/control.h"

/* What a guest has from Dom0, in frames. */
#define LOW_FRAMES     8   /* the start information, a command line, a page for start-up IPIs */
#define SPIN_FRAME     2   /* that page */
#define SCRATCH_FRAME  512 /* RAM to use and to lose */
#define SCRATCH_FRAMES 48
#define IMAGE_FRAME    4096 /* 2 MiB: this program */
#define IMAGE_FRAMES   512

#define VCPUS   3
#define VECTORS 16
#define VECTOR  0x30

/* A hypercall: its number and arguments. */
struct shot {
	u64 nr, a[5];
};

typedef void (*shot_fn)(struct shot *s);

/* What each vCPU goes by. Its arguments lie in area, behind which nothing is. */
#define AREA_SIZE (8 * PAGE_SIZE)
#define MAX_LIST  24 /* hypercalls in a multicall */
struct pairs_cpu {
	u64 rng;
	u8 *area;
	u32 used;
	struct shot shot, list[MAX_LIST]; /* the call, and those in it where it is a multicall */
	u32 nr;
	shot_fn fn;
	u32 burst;
	bool same;
	volatile u64 calls; /* those in a multicall, too */
	u64 given_up, changed; /* hypercalls that were to be continued */
};

extern struct pairs_cpu pairs_cpus[MAX_CPUS];
static inline struct pairs_cpu *me(void)
{
	return &pairs_cpus[this_cpu()->id];
}

/* --- gen.c: chance, arguments, the calls themselves --- */
void pairs_init(u64 seed);
u64 any(void);
u32 rnd(u32 n);
static inline bool one_in(u32 n)
{
	return rnd(n) == 0;
}
u64 about_now(void);
/* Puts data (or zeroes) behind the arguments that are there; its address. */
u64 put(const void *data, size_t len);
u64 put_address(void);
extern u32 nr_ids; /* guests have ids from 1 to this */
domid_t any_domid(void);
domid_t self_or_other(void);
/* A frame of that domain: such as may be lost. */
u64 any_gfn(domid_t domain);
/* A random operation, of a guest or of Dom0, done. */
void pairs_step(void);
long pairs_call(struct shot *s);
void pairs_interrupts(void);
void kick(unsigned int vcpu);

/* --- ops.c, vcpus.c, dom0.c: one kind of operation each --- */
void gen_evtchn(struct shot *s);
void gen_grant(struct shot *s);
void gen_memory(struct shot *s);
void gen_vcpu(struct shot *s);
void gen_sched(struct shot *s);
void gen_hvm(struct shot *s);
void gen_domctl(struct shot *s);
/* The guest's own doing, no hypercall: nr stays 0. */
void gen_entry(struct shot *s);
void gen_init(struct shot *s);

/* ops.c: the grant table, and the grants that are mapped. */
void grants_init(void);
void grants_note(const struct shot *s);
void grants_unmap_all(void);

/* vcpus.c */
void start_vcpu(unsigned int id);

/* dom0.c */
#define WINDOW 64 /* frames of Dom0's where guests' pages come and go */
extern u64 window;
void dom0_init(void);
/* Builds and starts a guest; 0 or an errno, and then nothing of it is left. */
long guest_make(domid_t id, u64 seed);
/* What a guest has done, by its own words: it may have lost them. */
struct pairs_sum {
	u64 calls, given_up, changed;
};
struct pairs_sum guest_sum(domid_t id);
/* Ends all domains but Dom0, which lets go of what it has of them. */
void dom0_end_all(void);

#endif

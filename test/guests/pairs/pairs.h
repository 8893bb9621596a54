/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random operations by guests that work together, and by a Dom0 that creates and destroys them:
 * pairs.c.
 */
#ifndef TEST_GUEST_PAIRS_H
#define TEST_GUEST_PAIRS_H

#include "lib/control.h"

/* The memory that Dom0 gives to a guest, in frames. */
#define LOW_FRAMES     8   /* start_info, the command line, a page for start-up IPIs */
#define SPIN_FRAME     2   /* the page for start-up IPIs */
#define SCRATCH_FRAME  512 /* RAM that may be used and lost */
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

/* The data of each vCPU. Its arguments lie in area, with unmapped memory behind it. */
#define AREA_SIZE (8 * PAGE_SIZE)
#define MAX_LIST  24 /* hypercalls in a multicall */
struct pairs_cpu {
	u64 rng;
	u8 *area;
	u32 used;
	struct shot shot, list[MAX_LIST]; /* the call, and the calls inside it if it is a multicall */
	u32 nr;
	shot_fn fn;
	u32 burst;
	bool same;
	volatile u64 calls; /* with those inside multicalls */
	u64 given_up, changed; /* continuations that were abandoned; that were changed */
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
/* Appends data (or zeroes) to the arguments. Returns the address. */
u64 put(const void *data, size_t len);
u64 put_address(void);
extern u32 nr_ids; /* guests have ids from 1 to this */
domid_t any_domid(void);
domid_t self_or_other(void);
/* A gfn of that domain that may be lost. */
u64 any_gfn(domid_t domain);
/* Makes one random operation, of a guest or of Dom0. */
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
/* An operation of the guest without a hypercall: nr stays 0. */
void gen_entry(struct shot *s);
void gen_init(struct shot *s);

/* ops.c: the grant table, and the record of mapped grants. */
void grants_init(void);
void grants_note(const struct shot *s);
void grants_unmap_all(void);

/* vcpus.c */
void start_vcpu(unsigned int id);

/* dom0.c */
#define WINDOW 64 /* gfns in Dom0 where guests' pages are mapped and unmapped */
extern u64 window;
void dom0_init(void);
/* Builds and starts a guest. Returns 0 or an errno; then nothing is left of it. */
long guest_make(domid_t id, u64 seed);
/* A guest's own count of what it has done. It may have lost the page. */
struct pairs_sum {
	u64 calls, given_up, changed;
};
struct pairs_sum guest_sum(domid_t id);
/* Destroys all domains but Dom0, which first drops its mappings of them. */
void dom0_end_all(void);

#endif

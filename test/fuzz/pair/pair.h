/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest-pair fuzzer: colluding guests and a control domain on simulated CPUs, against the
 * real sources. See docs/testing.md; what each file here is:
 *
 *	main.c		seeds, processes, time, corpus
 *	minimise.c	from a failure to a short file
 *	cpu.c		simulated CPUs: coroutines that change places at any basic block
 *	loop.c		what a CPU does: work, its vCPU, the next operation
 *	arch.c		what the sources need of the architecture
 *	heap.c		the real heap; free frames are poisoned
 *	gen*.c		random operations
 *	check.c		the model: everything is counted again and compared
 */
#ifndef TEST_FUZZ_PAIR_H
#define TEST_FUZZ_PAIR_H

#include "arch/x86/hvm/vcpu.h"
#include "common/domain.h"
#include "common/heap.h"
#include "common/printk.h"

#define PAIR_CPUS 4
#define PAIR_VCPUS 3		/* of a domain at most */
#define PAIR_FIRST_FRAME 256	/* those below are nobody's */
#define PAIR_DATA 2560
#define PAIR_OPS 8192
#define PAIR_PREEMPTS 4
#define PAIR_UNLOCKS 0x80	/* in pre[].to; bits 2 to 5 are the blocks */
#define PAIR_AGAIN BIT(31)	/* in pre[].after: and so on, to the end of the operation */
#define PAIR_SIBLING 0x40	/* the next CPU with a vCPU of the same domain, if there is one */
#define PAIR_REFS 1536		/* whose entries are checked */
#define PAIR_SPOILT (~0ull)
#define PAIR_OBJECTS 64		/* domains that are not freed at most */

/* The machine of an episode. */
struct pair_config {
	u32 cpus, ram_mib, null_sched, iommu, max_order, guests, dom0_vcpus, honest, preempt, ops;
};

enum pair_kind {
	OP_CALL,	/* data to gpa, then the hypercall nr with a[] */
	OP_POKE,	/* data to gpa */
	/* entry a[0] of the own grant table := a[1], at once if a[2], else only where it is not in use */
	OP_GRANT,
	OP_INIT,	/* INIT to vCPU a[0] */
	OP_SIPI,	/* start-up IPI to vCPU a[0] */
	OP_WORD,	/* a word of shared_info := a[1] */
	OP_NR
};

/* One operation of a vCPU, recorded so that it can be repeated. */
struct pair_op {
	u16 dom;
	u8 vcpu, kind, nr, npre, fail;	/* fail: which allocation from its start on is refused */
	bool last;			/* one of the end's */
	u32 dt;				/* ns that pass before it */
	u64 a[5], gpa;
	u32 len;
	/*
	 * From its start on: after so many more basic blocks another CPU goes on; with PAIR_UNLOCKS after
	 * so many unlocks, and a few blocks.
	 */
	struct { u32 after; u8 to; } pre[PAIR_PREEMPTS];
	u8 data[PAIR_DATA] __aligned(8);
};

/* Between the process that runs an episode and the one that looks after it. */
struct pair_shared {
	struct pair_config cfg;
	u64 seed;
	/*
	 * Most basic blocks without irq_window() and without a way out. "About 20,000 instructions" are
	 * some 5000 of them; blocks are of different lengths, so what is found here is far beyond.
	 */
	u64 stretch;
	u32 nr_ops;
	/* over: all guests are destroyed; ended: and all is well */
	bool trace, quick, replay, over, ended;
	u32 end_calls;
	u64 calls, blocks, results[4], longest;
	u64 per_call[64][2];		/* made; succeeded */
	char why[400];			/* why it failed; empty: ASan or UBSan, see the log */
	struct pair_op op[PAIR_OPS];
	bool skip[PAIR_OPS];
};
extern struct pair_shared *pair;

/* --- cpu.c --- */
struct sim {
	u64 until, unlocks;	/* basic blocks, unlocks until another CPU goes on */
	u64 stretch;		/* basic blocks since it last let others run */
	void *sp, *stack, *fake_stack;
	unsigned int id, next_pre, relaxed, fail;
	bool in_op, waits;	/* waits: nothing to do, or not allowed to */
	struct pair_op *op;
	struct pcpu *pcpu;
};
/* pair_self: &pair_nobody while the model looks */
extern struct sim sims[PAIR_CPUS], pair_nobody, *pair_self;
void pair_run_cpus(void (*fn)(void));	/* until pair_stop() */
void pair_stop(void) __noreturn;	/* the episode is over */
void pair_yield(void);			/* the next CPU goes on */
void pair_yield_to(unsigned int cpu);
void pair_arm(struct sim *s, struct pair_op *op);
void pair_stretch_ends(void);
void pair_fail(const char *fmt, ...) __printf(1, 2) __noreturn;
/* Nothing is preempted meanwhile. */
#define PAIR_ATOMIC(...) do {							\
	struct sim *_saved = pair_self;						\
	pair_self = &pair_nobody;						\
	__VA_ARGS__;								\
	pair_self = _saved;							\
} while (0)

/* --- loop.c --- */
void pair_loop(void);
extern u64 pair_now;
extern bool pair_ending;		/* no more operations: all guests are destroyed */

/* --- arch.c --- */
struct pair_vcpu {
	struct x86_vcpu x;		/* first */
	bool continued;			/* its registers are those of a hypercall to go on with */
	unsigned long nr, args[5];
	bool irq;
	int loaded_on;			/* CPU + 1 */
	bool being_set;			/* its state is being changed */
	void *pages;			/* how much of the machine's memory it takes */
	/* Generator */
	struct { u32 left; bool same; void (*fn)(struct vcpu *v, struct pair_op *op); } burst;
	struct pair_op *last;
};
static inline struct pair_vcpu *pair_vcpu(const struct vcpu *v) { return (struct pair_vcpu *)v; }
struct pair_domain {
	struct x86_domain x;		/* first */
	void *pages;
	u64 max_tables;
	u32 last_mapping;		/* generator: its handle */
	u64 *written;			/* what the guest wrote last to entries of its grant table */
};
extern struct pair_domain *pair_domains[PAIR_OBJECTS];	/* not freed yet */
void pair_machine(void);		/* memory, CPUs, Dom0 */
unsigned int pair_arch_pages(const struct domain *d);
#define for_each_object(dom)						\
	for (unsigned int _o = 0; _o < PAIR_OBJECTS; _o++)			\
		if (((dom) = pair_domains[_o] ? &pair_domains[_o]->x.d : NULL) != NULL)
bool pair_alloc_fails(void);
void pair_give_page(struct domain *d, gfn_t gfn);

/* --- gen.c --- */
void pair_seed(u64 seed);
u64 pair_rand(void);
static inline u32 rnd(u32 n) { return (u32)(pair_rand() >> 8) % n; }
static inline bool one_in(u32 n) { return rnd(n) == 0; }
void pair_config_make(struct pair_config *c);
void pair_gen(struct vcpu *v, struct pair_op *op);
/* The end: what Dom0 must do so that all other domains can go; false: not v's task, or done. */
bool pair_gen_end(struct vcpu *v, struct pair_op *op);
/* Guest memory as the guest writes it; false: there is none. */
bool pair_poke(struct domain *d, u64 gpa, const void *data, size_t len);

/* Between gen*.c */
u64 gen_put(struct pair_op *op, const void *data, size_t len);	/* the guest address of a copy */
domid_t gen_domid(struct domain *me);
struct domain *gen_domain(struct domain *me);
gfn_t gen_gfn(struct domain *d);
evtchn_port_t gen_port(struct domain *d);
void gen_evtchn(struct vcpu *v, struct pair_op *op);
void gen_grant(struct vcpu *v, struct pair_op *op);
void gen_memory(struct vcpu *v, struct pair_op *op);
void gen_vcpu(struct vcpu *v, struct pair_op *op);
void gen_sched(struct vcpu *v, struct pair_op *op);
void gen_hvm(struct vcpu *v, struct pair_op *op);
void gen_domctl(struct vcpu *v, struct pair_op *op);
void gen_sysctl(struct vcpu *v, struct pair_op *op);

/* --- check.c --- */
void pair_check_all(void);		/* no operation is under way */
void pair_check_freed(struct domain *d);
void pair_check_end(void);
void pair_check_result(struct vcpu *v, const struct pair_op *op, long rc);
void pair_note_start(void);
void pair_note_limits(void);


/* --- main.c --- */
/*
 * Runs pair->op[], or a new episode from pair->seed, in a process of its own: true if it failed,
 * and why in pair_signature.
 */
bool pair_run(bool replay);
extern char pair_signature[400];
/* --- minimise.c --- */
void pair_minimise(unsigned int seconds);
bool pair_save(const char *path);
bool pair_load(const char *path);

#endif

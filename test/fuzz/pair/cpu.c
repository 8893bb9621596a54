/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Simulated CPUs: coroutines. The compiler calls __sanitizer_cov_trace_pc() in each basic block of
 * the sources under test. There the simulation switches to another CPU when the current operation
 * says so. Data that a lock protects may be wrong from its unlock on, so an operation may count
 * unlocks instead of blocks. A CPU that waits for another (cpu_relax()) switches, too.
 */
#include "test/fuzz/pair/pair.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sanitizer/common_interface_defs.h>

#define STACK_SIZE KiB(256)
#define RELAX_LIMIT 5000	/* iterations of waiting, while all others run */

struct sim sims[PAIR_CPUS], pair_nobody = { .until = ~0ull, .id = ~0u }, *pair_self = &pair_nobody;
static void *main_sp, *main_fake;
static const void *main_stack;
static size_t main_size;
static void (*entry)(void);
static u64 most = ~0ull;		/* pair->stretch */
void fake_cpu_relax(void);
void __sanitizer_cov_trace_pc(void);
void __real_lock_rank_forget(const void *lock);
void __wrap_lock_rank_forget(const void *lock);
void pair_switch(void **save, void *sp);

__asm__(".text\n.globl pair_switch\npair_switch:\n"
	"push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
	"mov %rsp, (%rdi); mov %rsi, %rsp\n"
	"pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n");

static void landed(struct sim *s)
{
	const void *from;
	size_t size;

	__sanitizer_finish_switch_fiber(s->fake_stack, &from, &size);
	if (!main_stack) {
		main_stack = from;
		main_size = size;
	}
}

static __attribute__((noreturn)) void start(void)
{
	landed(pair_self);
	entry();
	abort();
}

static void switch_to(struct sim *to)
{
	struct sim *from = pair_self;

	pair_self = to;
	__sanitizer_start_switch_fiber(&from->fake_stack, to->stack, STACK_SIZE);
	pair_switch(&from->sp, to->sp);
	landed(from);
}

void pair_yield_to(unsigned int cpu)
{
	if (pair_self == &pair_nobody || &sims[cpu] == pair_self)
		return;
	switch_to(&sims[cpu]);
}

void pair_yield(void)
{
	if (pair_self != &pair_nobody)
		pair_yield_to((pair_self->id + 1) % pair->cfg.cpus);
}

static void arm(struct sim *s)
{
	bool more = s->next_pre < s->op->npre,
		    at_unlock = more && s->op->pre[s->next_pre].to & PAIR_UNLOCKS;
	u64 after = more ? (s->op->pre[s->next_pre].after & ~PAIR_AGAIN) + 1 : ~0ull;

	s->unlocks = at_unlock ? after : ~0ull;
	s->until = at_unlock ? ~0ull : after;
}

/* From now on, switch as this operation says. */
void pair_arm(struct sim *s, struct pair_op *op)
{
	s->op = op;
	s->next_pre = 0;
	s->fail = op->fail;
	arm(s);
}

static void preempt(struct sim *s)
{
	unsigned int to = s->op->pre[s->next_pre].to, cpu = (to & 3) % pair->cfg.cpus;

	if (!(s->op->pre[s->next_pre].after & PAIR_AGAIN))
		s->next_pre++;
	arm(s);
	for (unsigned int i = 0; to & PAIR_SIBLING && i < pair->cfg.cpus; i++) {
		const struct sim *o = &sims[(cpu + i) % pair->cfg.cpus];

		if (o != s && o->pcpu->curr->domain == s->pcpu->curr->domain) {
			cpu = o->id;
			break;
		}
	}
	pair_yield_to(cpu);
}

/* Each unlock in the sources calls this (-Wl,--wrap). The lock is free some basic blocks later. */
void __wrap_lock_rank_forget(const void *lock)
{
	struct sim *s = pair_self;

	__real_lock_rank_forget(lock);
	if (s != &pair_nobody && --s->unlocks == 0)
		s->until = 1 + (s->op->pre[s->next_pre].to >> 2 & 15);
}

void __sanitizer_cov_trace_pc(void)
{
	struct sim *s = pair_self;

	if (++s->stretch > most && s != &pair_nobody)
		pair_fail("runs too long without letting others in");
	if (--s->until == 0)
		preempt(s);
}

void pair_stretch_ends(void)
{
	struct sim *s = pair_self;

	if (s->stretch > pair->longest)
		pair->longest = s->stretch;
	pair->blocks += s->stretch;
	s->stretch = 0;
}

void fake_cpu_relax(void)
{
	struct sim *s = pair_self;

	if (s == &pair_nobody)
		pair_fail("the model waits for a lock");
	if (++s->relaxed > RELAX_LIMIT)
		pair_fail("CPU %u waits for ever", s->id);
	if (s->stretch > 8)
		s->stretch -= 8; /* waiting is not work */
	pair_yield();
}

void pair_run_cpus(void (*fn)(void))
{
	void *from_fake;

	entry = fn;
	most = pair->stretch;
	for (unsigned int i = 0; i < pair->cfg.cpus; i++) {
		u64 *top;

		sims[i].id = i;
		sims[i].until = ~0ull;
		sims[i].stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
				     0);
		top = (u64 *)((u8 *)sims[i].stack + STACK_SIZE) - 2;
		*top = (u64)start;
		sims[i].sp = top - 6;
	}
	pair_self = &sims[0];
	__sanitizer_start_switch_fiber(&main_fake, sims[0].stack, STACK_SIZE);
	pair_switch(&main_sp, sims[0].sp);
	__sanitizer_finish_switch_fiber(main_fake, NULL, NULL);
	from_fake = NULL;
	(void)from_fake;
	pair_self = &pair_nobody;
}

void pair_stop(void)
{
	struct sim *s = pair_self;

	pair_self = &pair_nobody;
	__sanitizer_start_switch_fiber(NULL, main_stack, main_size);
	pair_switch(&s->sp, main_sp);
	abort();
}

void pair_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(pair->why, sizeof(pair->why), fmt, ap);
	va_end(ap);
	if (pair->quick)
		_exit(2);
	fprintf(stderr, "pair: %s\n", pair->why);
	abort(); /* ASan shows where */
}

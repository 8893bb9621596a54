/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * x86 domains for unit tests: x86 structures around the fake domain's parts, and a vendor table
 * that keeps its registers in memory.
 */
#ifndef TEST_UNIT_X86_H
#define TEST_UNIT_X86_H

#include <stdlib.h>

#include <public/errno.h>

#include "arch/x86/hvm/ops.h"
#include "common/p2m.h"
#include "test/unit/unit.h"

#define X86_MAX_VCPUS 16

static struct hvm_state x86_state;	/* of the vCPU that executes */
static u64 x86_rflags;
static u8 x86_tpr[X86_MAX_VCPUS];	/* CR8 of each vCPU */
static unsigned int x86_skipped;	/* bytes */

static void ops_get_state(struct x86_vcpu *v, struct hvm_state *s)
{
	*s = x86_state;
}

static u64 ops_get_reg(struct x86_vcpu *v, unsigned int reg)
{
	switch (reg) {
	case HREG_RIP:
		return x86_state.rip;
	case HREG_RFLAGS:
		return x86_rflags;
	case HREG_EFER:
		return x86_state.efer;
	case HREG_CS_ATTR:
		return x86_state.seg[SEG_CS].attr;
	case HREG_CS_BASE:
		return x86_state.seg[SEG_CS].base;
	}
	return 0;
}

static void ops_set_reg(struct x86_vcpu *v, unsigned int reg, u64 val)
{
	if (reg == HREG_RFLAGS)
		x86_rflags = val;
}

static void ops_skip_insn(struct x86_vcpu *v, const struct exit_info *e, unsigned int len)
{
	x86_skipped += len;
}

static void ops_set_tpr(struct x86_vcpu *v, u8 tpr)
{
	x86_tpr[v->v.id] = tpr;
}

static u8 ops_get_tpr(struct x86_vcpu *v)
{
	return x86_tpr[v->v.id];
}

static const struct hvm_ops x86_test_ops = {
	.name = "test",
	.get_state = ops_get_state,
	.get_reg = ops_get_reg,
	.set_reg = ops_set_reg,
	.skip_insn = ops_skip_insn,
	.set_tpr = ops_set_tpr,
	.get_tpr = ops_get_tpr,
};
const struct hvm_ops *hvm_ops = &x86_test_ops;

/*
 * A domain whose vCPUs are up, on CPU (vcpu % FAKE_CPUS), with their local APICs
 * not yet initialised; vCPU 0 is current on CPU 0. Freed by x86_free().
 */
static inline struct x86_domain *x86_domain_new(domid_t id, unsigned int vcpus)
{
	struct x86_domain *x = calloc(1, sizeof(*x));

	memset(x86_tpr, 0, sizeof(x86_tpr));
	x86_skipped = 0;
	x->d.id = id;
	x->d.state = DOMAIN_ALIVE;
	spin_lock_init(&x->d.lock, RANK_DOMAIN);
	x->d.hardware = x->d.control = id == 0;
	x->d.max_vcpus = vcpus;
	x->d.shared_info = calloc(1, PAGE_SIZE);
	x->d.evtchn.mask = x->d.shared_info->evtchn_mask;
	x->d.evtchn.word_shift = 6;
	assert_int_equal(p2m_init(&x->d), 0);
	for (unsigned int i = 0; i < vcpus; i++) {
		struct x86_vcpu *v = calloc(1, sizeof(*v));

		v->v.domain = &x->d;
		v->v.id = i;
		v->v.cpu = pcpus[i % FAKE_CPUS];
		v->v.initialised = true;
		v->v.info = &x->d.shared_info->vcpu_info[i];
		x->d.vcpu[i] = &v->v;
	}
	fake_run_on(0, x->d.vcpu[0]);
	if (id == 0)
		hardware_domain = &x->d;
	return x;
}

static inline void x86_free(struct x86_domain *x)
{
	for (unsigned int i = 0; i < x->d.max_vcpus; i++)
		free(x->d.vcpu[i]);
	free(x->d.shared_info);
	free(x);
}

/* The same, for tests that have the p2m. */
static inline void x86_free_with_p2m(struct x86_domain *x)
{
	while (p2m_teardown_step(&x->d))
		;
	p2m_free(&x->d);
	x86_free(x);
}

static inline struct vlapic *apic(struct x86_domain *x, unsigned int vcpu)
{
	return &x86_vcpu(x->d.vcpu[vcpu])->vlapic;
}

/*
 * The local APIC offers this vector to v now, or an interrupt of this class is held back by the
 * task priority alone.
 */
#define assert_pending(v, vec, held)						\
	do {									\
		struct vlapic_pending _p = vlapic_pending_vector(v);		\
										\
		assert_int_equal(_p.vector, vec);				\
		assert_int_equal(_p.held_class, held);				\
	} while (0)

#endif

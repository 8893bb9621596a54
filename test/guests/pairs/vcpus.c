/* SPDX-License-Identifier: GPL-2.0-only */
/* Random operations on vCPUs, on the scheduler, and on the domain itself. */
#include "pairs.h"

#include <public/event_channel.h>
#include <public/hvm/hvm_op.h>
#include <public/hvm/hvm_vcpu.h>
#include <public/hvm/params.h>
#include <public/sched.h>
#include <public/vcpu.h>

extern u64 pml4[];
extern const u8 pairs_entry[], pairs_spin[];
asm(".pushsection .text; .globl pairs_entry, pairs_spin\n"
    "pairs_entry: lgdt gdt_desc64\n pushq $8\n pushq $start64\n lretq\n"
    "pairs_spin: .code32\n movl $0x4000, %ecx\n 1: loop 1b\n hlt\n jmp pairs_spin\n .code64\n .popsection");

static struct cpu vcpus[VCPUS];
static u8 stacks[VCPUS][8192] __attribute__((aligned(16)));

static void fuzz_for_ever(void)
{
	pairs_interrupts();
	for (;;)
		pairs_step();
}

/* A start somewhere in this program, or in 32-bit code that does nothing. */
static struct vcpu_hvm_context context(unsigned int id)
{
	struct vcpu_hvm_context c = { .mode = VCPU_HVM_MODE_64B };
	struct cpu *v = &vcpus[id];

	if (one_in(4)) {
		c.mode = one_in(8) ? rnd(3) : VCPU_HVM_MODE_32B;
		c.cpu_regs.x86_32 = (struct vcpu_hvm_x86_32){ .eip = (u32)(u64)pairs_spin, .cr0 = 0x11,
							      .cs_limit = ~0u,
			.ss_limit = ~0u, .ds_limit = ~0u, .es_limit = ~0u, .tr_limit = 0x67, .cs_ar = 0xc9b,
			.ss_ar = 0xc93,
			.ds_ar = 0xc93, .es_ar = 0xc93, .tr_ar = 0x8b };
		return c;
	}
	v->id = id;
	v->fn = fuzz_for_ever;
	v->vcpu_info = &shared_info->vcpu_info[id];
	c.cpu_regs.x86_64 = (struct vcpu_hvm_x86_64){ .rip = (u64)pairs_entry,
						      .rsp = (u64)(stacks[id] + sizeof(stacks[id])),
		.rsi = (u64)v, .rflags = 2, .cr0 = 0x80010031, .cr3 = (u64)pml4, .cr4 = 0x20, .efer = 0x900 };
	return c;
}

void start_vcpu(unsigned int id)
{
	struct vcpu_hvm_context c;

	do
		c = context(id);
	while (c.mode != VCPU_HVM_MODE_64B);
	vcpu_op(initialise, id, &c);
	vcpu_op(up, id, 0);
}

static void gen_initialise(struct shot *s)
{
	struct vcpu_hvm_context c = context((unsigned int)s->a[1] % VCPUS);

	s->a[0] = VCPUOP_initialise;
	s->a[2] = put(&c, sizeof(c));
}

static void gen_areas(struct shot *s)
{
	u64 area = one_in(8) ? 0 : any_gfn(DOMID_SELF) << PAGE_SHIFT | rnd(512) * 8;
	struct vcpu_register_vcpu_info info = { any_gfn(DOMID_SELF), rnd(64) * 64, 0 };

	s->a[0] = one_in(2) ? VCPUOP_register_runstate_memory_area : VCPUOP_register_vcpu_time_memory_area;
	s->a[2] = put(&area, sizeof(area));
	if (one_in(3)) {
		s->a[0] = VCPUOP_register_vcpu_info;
		s->a[2] = put(&info, sizeof(info));
	}
}

static void gen_timers(struct shot *s)
{
	struct vcpu_set_singleshot_timer single = { about_now() + rnd(5000000), one_in(8) ? rnd(4) : 0 };
	struct vcpu_set_periodic_timer periodic = { one_in(8) ? any() : 1000000 + rnd(4000000) };

	switch (rnd(4)) {
	case 0:
		s->a[0] = VCPUOP_set_singleshot_timer;
		s->a[2] = put(&single, sizeof(single));
		break;
	case 1:
		s->a[0] = VCPUOP_set_periodic_timer;
		s->a[2] = put(&periodic, sizeof(periodic));
		break;
	case 2:
		s->a[0] = VCPUOP_stop_periodic_timer;
		break;
	default:
		s->a[0] = VCPUOP_stop_singleshot_timer;
	}
}

/* The first vCPU is seldom stopped, because it starts the others again. */
static u32 target(void)
{
	return one_in(32) ? rnd(200) : one_in(40) ? 0 : 1 + rnd(VCPUS - 1);
}

void gen_vcpu(struct shot *s)
{
	s->nr = __HYPERVISOR_vcpu_op;
	s->a[1] = target();
	switch (rnd(16)) {
	case 0 ... 2:
		gen_initialise(s);
		break;
	case 3 ... 6:
		s->a[0] = VCPUOP_up;
		break;
	case 7:
		s->a[0] = VCPUOP_down;
		break;
	case 8 ... 10:
		gen_areas(s);
		break;
	case 11 ... 12:
		gen_timers(s);
		break;
	default:
		s->a[0] = one_in(4) ? rnd(16) : one_in(2) ? VCPUOP_send_nmi : VCPUOP_is_up;
		if (s->a[0] == VCPUOP_down)
			s->a[0] = VCPUOP_is_up;
		s->a[2] = put(NULL, 64);
	}
}

/* INIT, and start-up IPIs to a page with code that does nothing. */
void gen_init(struct shot *s)
{
	u32 id = target();

	if (id != this_cpu()->id)
		apic_icr(id * 2, one_in(3) ? 0x4500 : 0x4600 | (one_in(8) ? rnd(256) : SPIN_FRAME));
}

void gen_sched(struct shot *s)
{
	evtchn_port_t ports[4] = { rnd(16), rnd(16), rnd(64), rnd(300) };
	struct sched_poll poll = { .nr_ports = rnd(4), .timeout = one_in(4) && !is_dom0 ? 0
				   : about_now() + rnd(200000) };
	struct sched_shutdown down = { rnd(6) };
	struct sched_watchdog dog = { rnd(4), is_dom0 ? ~0u : rnd(4) };
	struct sched_remote_shutdown remote = { (domid_t)(1 + rnd(nr_ids)), rnd(6) };

	s->nr = __HYPERVISOR_sched_op;
	s->a[0] = SCHEDOP_yield;
	switch (rnd(8)) {
	case 0 ... 2:
		poll.ports = put(ports, sizeof(ports));
		s->a[0] = SCHEDOP_poll;
		s->a[1] = put(&poll, sizeof(poll));
		return;
	case 3:
		if (!is_dom0)
			s->a[0] = SCHEDOP_block;
		return;
	case 4:
		if (is_dom0 && one_in(64)) {
			s->a[0] = SCHEDOP_remote_shutdown;
			s->a[1] = put(&remote, sizeof(remote));
		} else if (!is_dom0 && one_in(64)) {
			s->a[0] = SCHEDOP_shutdown;
			s->a[1] = put(&down, sizeof(down));
		}
		return;
	case 5:
		s->a[0] = SCHEDOP_watchdog;
		s->a[1] = put(&dog, sizeof(dog));
		return;
	}
}

void gen_hvm(struct shot *s)
{
	domid_t id = is_dom0 ? (domid_t)(1 + rnd(nr_ids)) : one_in(4) ? any_domid() : DOMID_SELF;
	struct xen_hvm_param p = { .domid = id, .index = one_in(2) ? 0 : rnd(HVM_NR_PARAMS + 2),
		.value = one_in(3) ? 0 : one_in(2) ? 2ull << 56 | (VECTOR + rnd(VECTORS)) : rnd(64) };
	struct xen_hvm_get_mem_type type = { .domid = id, .pfn = any_gfn(id) };
	struct xen_hvm_evtchn_upcall_vector vec = { rnd(4),
						    (u8)(one_in(8) ? rnd(16) : VECTOR + rnd(VECTORS)) };

	s->nr = __HYPERVISOR_hvm_op;
	switch (rnd(6)) {
	case 0:
		s->a[0] = HVMOP_flush_tlbs;
		break;
	case 1:
		s->a[0] = HVMOP_get_mem_type;
		s->a[1] = put(&type, sizeof(type));
		break;
	case 2:
		s->a[0] = is_dom0 ? HVMOP_get_time : HVMOP_set_evtchn_upcall_vector;
		s->a[1] = put(&vec, sizeof(vec));
		break;
	case 3:
		s->a[0] = one_in(4) && !is_dom0 ? rnd(27) : HVMOP_get_param;
		s->a[1] = put(&p, sizeof(p));
		break;
	default:
		s->a[0] = HVMOP_set_param;
		s->a[1] = put(&p, sizeof(p));
	}
}

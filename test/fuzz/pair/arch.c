/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the real sources need from the architecture: domains, vCPUs, context switches, interrupts.
 */
#include "test/fuzz/pair/pair.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <sanitizer/asan_interface.h>

#include <public/errno.h>

#include "arch/x86/hvm/ops.h"
#include "arch/x86/iommu/iommu.h"
#include "common/domctl.h"
#include "common/guest_access.h"
#include "common/hypercall.h"
#include "common/pci.h"
#include "common/sched.h"
#include "common/time.h"
#include "test/unit/formats.h"

#define RAM_AT ((void *)0x200000000000)
#define VCPU_PAGES_ORDER 2
#define DOMAIN_PAGES_ORDER 1

u8 *fake_ram;
struct page_info *frame_table;
mfn_t max_mfn;
struct pair_domain *pair_domains[PAIR_OBJECTS];
extern u64 pair_armed[PAIR_CPUS];
static struct pcpu cpus[PAIR_CPUS];
void __sanitizer_cov_trace_pc(void);
struct page_info *real_alloc_domain_pages(struct domain *d, unsigned int order);

static struct p2m_format format = NESTED_FORMAT;

struct iommu_caps iommu_caps = {
	.format = MIRROR_FORMAT(0), .levels = 3, .nr_ids = 16,
};
static const struct iommu_ops iommu_model = { .name = "model" };
const struct iommu_ops *iommu_ops;

void iommu_flush(const struct domain *d)
{
}

struct pcpu *this_cpu(void)
{
	return pair_self->pcpu;
}

bool mfn_valid(mfn_t mfn)
{
	return mfn >= PAIR_FIRST_FRAME && mfn < max_mfn;
}

bool pair_alloc_fails(void)
{
	return pair_self->fail && --pair_self->fail == 0;
}

/* --- Domains and vCPUs: separate allocations, so that ASan finds uses after they are freed --- */

struct domain *arch_domain_alloc(void)
{
	struct pair_domain *p;
	void *pages = alloc_pages(DOMAIN_PAGES_ORDER);

	if (!pages)
		return NULL;
	p = calloc(1, sizeof(*p));
	p->pages = pages;
	p->written = calloc(PAIR_REFS, sizeof(*p->written));
	for (unsigned int i = 0; i < PAIR_OBJECTS; i++)
		if (!pair_domains[i]) {
			pair_domains[i] = p;
			return &p->x.d;
		}
	free(p->written);
	free(p); /* no slot: a CPU was held up for long, so that many domains still wait to be freed */
	free_pages(pages, DOMAIN_PAGES_ORDER);
	return NULL;
}

void arch_domain_free(struct domain *d)
{
	struct pair_domain *p = (struct pair_domain *)d;

	PAIR_ATOMIC(pair_check_freed(d));
	for (unsigned int i = 0; i < PAIR_OBJECTS; i++)
		if (pair_domains[i] == p)
			pair_domains[i] = NULL;
	free_pages(p->pages, DOMAIN_PAGES_ORDER);
	free(p->written);
	free(p);
}

int arch_domain_init(struct domain *d, const struct domain_config *cfg)
{
	return 0;
}

void arch_domain_teardown(struct domain *d)
{
}

struct vcpu *arch_vcpu_alloc(struct domain *d, unsigned int id)
{
	void *pages = alloc_pages(VCPU_PAGES_ORDER);
	struct pair_vcpu *p;

	if (!pages)
		return NULL;
	p = calloc(1, sizeof(*p));
	p->pages = pages;
	return &p->x.v;
}

int arch_vcpu_init(struct vcpu *v)
{
	if (pair_alloc_fails())
		return -ENOMEM;
	spin_lock(&v->domain->lock);
	hvm_vcpu_reset(v);
	spin_unlock(&v->domain->lock);
	return 0;
}

void arch_vcpu_free(struct vcpu *v)
{
	struct pair_vcpu *p = pair_vcpu(v);

	if (p->loaded_on || v->sched.running || v->sched.queued || v->sched.parked)
		pair_fail("a vCPU is freed that runs or waits to run");
	if (v->singleshot.pending || v->periodic.pending || v->poll_timer.pending)
		pair_fail("a vCPU is freed whose timers run");
	free_pages(p->pages, VCPU_PAGES_ORDER);
	free(p);
}

/* Keel's pages for the domain's objects, apart from those that the sources allocate themselves. */
unsigned int pair_arch_pages(const struct domain *d)
{
	unsigned int n = 1 << DOMAIN_PAGES_ORDER;

	for (unsigned int i = 0; i < d->max_vcpus; i++)
		n += d->vcpu[i] ? 1 << VCPU_PAGES_ORDER : 0;
	return n;
}

void arch_context_switch(struct vcpu *prev, struct vcpu *next)
{
	struct pcpu *cpu = this_cpu();

	if (!prev->idle) {
		if (pair_vcpu(prev)->loaded_on != (int)cpu->id + 1)
			pair_fail("CPU %u leaves a vCPU that is not loaded there", cpu->id);
		pair_vcpu(prev)->loaded_on = 0;
		cpumask_clear_cpu(&prev->domain->p2m.dirty, cpu->id);
	}
	__sanitizer_cov_trace_pc();
	WRITE_ONCE(cpu->curr, next);
	if (next->idle)
		return;
	cpumask_set(&next->domain->p2m.dirty, cpu->id);
	if (pair_vcpu(next)->loaded_on)
		pair_fail("a vCPU is loaded on two CPUs");
	if (pair_vcpu(next)->being_set)
		pair_fail("a vCPU begins to run while its state is being set");
	pair_vcpu(next)->loaded_on = (int)cpu->id + 1;
	__sanitizer_cov_trace_pc();
}

static void set_state(struct x86_vcpu *x, const struct hvm_state *s)
{
	struct pair_vcpu *p = (struct pair_vcpu *)x;

	for (unsigned int i = 0; i < 4; i++) {
		if (p->loaded_on || x->v.sched.running)
			pair_fail("the state of a vCPU is set while it runs");
		if (p->being_set && i == 0)
			pair_fail("the state of a vCPU is set by two at the same time");
		p->being_set = true;
		__sanitizer_cov_trace_pc();
	}
	p->being_set = false;
}

static void get_state(struct x86_vcpu *x, struct hvm_state *s)
{
	memset(s, 0, sizeof(*s));
}

static u64 get_reg(struct x86_vcpu *x, unsigned int reg)
{
	return reg == HREG_RFLAGS ? X86_EFLAGS_IF : 0;
}

/* Paging is off in the guests: a guest virtual address is a guest physical one. */
static void get_paging(struct x86_vcpu *x, struct hvm_paging *p)
{
	*p = (struct hvm_paging){ .cr0 = X86_CR0_PE };
}

static const struct hvm_ops ops = {
	.name = "model", .set_state = set_state, .get_state = get_state, .get_reg = get_reg,
	.get_paging = get_paging,
};
const struct hvm_ops *hvm_ops = &ops;

void arch_vcpu_kick(struct vcpu *v)
{
	if (test_bit(VPF_POLL, &v->wait_flags))
		evtchn_poll_end(v);
	if (test_bit(VPF_BLOCKED, &v->wait_flags)) {
		clear_bit(VPF_BLOCKED, &v->wait_flags);
		vcpu_wake(v);
	}
	if (v != current && READ_ONCE(v->cpu->curr) == v)
		pcpu_kick(v->cpu, WORK_KICK);
}

u16 iommu_id_alloc(void)
{
	static u16 last;

	return ++last;
}

void iommu_id_free(u16 id)
{
}

/* The machine has no PCI functions. */
bool arch_pci_assignable(void) { return false; }
bool arch_pci_has_functions(const struct domain *d) { return false; }
int arch_pci_log_start(struct domain *d) { return d->hardware ? -EOPNOTSUPP : p2m_log_start(d); }
long arch_pci_assign(struct domain *d, u32 sbdf) { return -ENODEV; }
long arch_pci_deassign(struct domain *d, u32 sbdf) { return -ENODEV; }
long arch_pci_test_assign(struct domain *d, u32 sbdf) { return -ENODEV; }
unsigned int arch_pci_group(u32 sbdf, u32 *list, unsigned int max) { return 0; }

/* fuzz-hvmcontext tests which values a state may have. */
int hvm_state_check(const struct domain *d, struct hvm_state *s)
{
	return 0;
}

void arch_vcpu_send_nmi(struct vcpu *v)
{
	WRITE_ONCE(x86_vcpu(v)->nmi_pending, true);
	arch_vcpu_kick(v);
}

void vlapic_set_irq(struct vcpu *v, u8 vector, bool level)
{
	pair_vcpu(v)->irq = true;
	arch_vcpu_kick(v);
}

struct vlapic_pending vlapic_pending_vector(struct vcpu *v)
{
	return (struct vlapic_pending){ .vector = pair_vcpu(v)->irq ? 0x20 : 0 };
}

void vlapic_reset(struct vcpu *v)
{
	pair_vcpu(v)->irq = false;
}

bool arch_runs_32bit(void)
{
	return false;
}

void arch_hypercall_rewrite(unsigned long nr, const unsigned long args[5])
{
	struct pair_vcpu *p = pair_vcpu(current);

	p->continued = true;
	p->nr = nr;
	memcpy(p->args, args, sizeof(p->args));
}

/* vCPU 0 gets a start state; the others go down. */
long arch_set_hvmcontext(struct domain *d, u64 buffer, u32 size)
{
	struct vcpu *v;

	spin_lock(&d->lock);
	for_each_vcpu(d, v)
		set_bit(VPF_DOWN, &v->wait_flags);
	spin_unlock(&d->lock);
	for_each_vcpu(d, v)
		if (size & BIT(v->id % 32))
			hvm_vcpu_set_pvh_entry(v, 0x1000, 0);
	return 0;
}

long arch_get_hvmcontext(struct domain *d, u64 buffer, u32 *size)
{
	struct vcpu *v;

	for_each_vcpu(d, v)
		if (v->sched.running)
			pair_fail("the state of a vCPU is read while it runs");
	*size = 64;
	return 0;
}

long arch_get_vcpucontext(struct vcpu *v, u64 gva)
{
	if (v->sched.running)
		pair_fail("the registers of a vCPU are read while it runs");
	return 0;
}

/* Up or down: a quarter of the calls stop the vCPU. */
long arch_set_vcpucontext(struct vcpu *v, u64 gva)
{
	spin_lock(&v->domain->lock);
	if (!vcpu_is_held(v))
		pair_fail("the registers of a vCPU are set that is not held");
	if (v->initialised && gva % 4)
		clear_bit(VPF_DOWN, &v->wait_flags);
	else
		set_bit(VPF_DOWN, &v->wait_flags);
	spin_unlock(&v->domain->lock);
	return 0;
}

/* --- CPUs and time --- */

void arch_send_kick(struct pcpu *cpu)
{
}

void irq_window(void)
{
	struct pcpu *cpu = this_cpu();

	if (cpu->nr_held)
		pair_fail("irq_window() with locks held");
	if (pair_self == &pair_nobody)
		return;
	pair_stretch_ends();
	if (pair_armed[cpu->id] && pair_armed[cpu->id] <= pair_now) {
		pair_armed[cpu->id] = 0;
		set_bit(WORK_TIMER, &cpu->work);
	}
	__sanitizer_cov_trace_pc();
}

u64 now(void)
{
	return pair_now;
}

u64 arch_timer_arm(u64 deadline_ns)
{
	if (deadline_ns <= pair_now)
		return 0;
	return pair_armed[this_cpu()->id] = min(deadline_ns, pair_now + 1000000000);
}

void arch_tsc_scale(struct tsc_scale *out)
{
	*out = (struct tsc_scale){ .mul = 0x80000000u, .shift = 1, .stable = true };
}

u32 arch_tsc_khz(void)
{
	return 1000000;
}

u64 arch_read_tsc(void)
{
	return pair_now;
}

s64 arch_vcpu_tsc_offset(struct vcpu *v)
{
	return 0;
}

/* --- The machine --- */

static void make_memory(void)
{
	u64 size = MiB(pair->cfg.ram_mib);

	fake_ram = mmap(RAM_AT, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
	if (fake_ram != RAM_AT)
		pair_fail("no memory for the machine");
	max_mfn = PFN_DOWN(size);
	frame_table = calloc(max_mfn, sizeof(*frame_table));
	for (mfn_t i = 0; i < PAIR_FIRST_FRAME; i++)
		frame_table[i].owner = OWNER_NONE;
	heap_add_range(PAIR_FIRST_FRAME << PAGE_SHIFT, size);
	ASAN_POISON_MEMORY_REGION(fake_ram, size);
}

static void give_ram(struct domain *d, gfn_t gfn, u64 n)
{
	p2m_write_lock(&d->p2m);
	for (u64 i = 0; i < n; i++) {
		struct page_info *pg = alloc_domain_pages(d, 0);

		if (!pg || p2m_set(d, gfn + i, page_to_mfn(pg), 0, P2M_RAM))
			pair_fail("no memory for Dom0");
	}
	p2m_write_unlock(d);
}

/*
 * Gives Dom0 a page for its last calls, after it has lost all others. Without a free page nobody
 * could end the episode.
 */
void pair_give_page(struct domain *d, gfn_t gfn)
{
	enum p2m_type t;
	struct page_info *pg;
	int rc = -ENOMEM;

	p2m_get(d, gfn, &t, NULL);
	if (p2m_is_writable(t))
		return;
	pg = real_alloc_domain_pages(d, 0);
	if (pg) {
		ASAN_UNPOISON_MEMORY_REGION(page_to_virt(pg), PAGE_SIZE);
		p2m_write_lock(&d->p2m);
		rc = p2m_set(d, gfn, page_to_mfn(pg), 0, P2M_RAM);
		p2m_write_unlock(d);
	}
	if (rc) {
		pair->ended = true;
		pair_stop();
	}
}

static void make_dom0(void)
{
	struct domain_config cfg = { .id = 0, .control = true, .hardware = true,
				     .max_vcpus = pair->cfg.dom0_vcpus,
		.max_evtchn_port = 4095, .max_grant_frames = 4, .max_maptrack_frames = 4, .max_pages = ~0u };
	struct domain *d;

	if (domain_create(&cfg, &d))
		pair_fail("Dom0 cannot be made");
	give_ram(d, 0, 96);
	for (unsigned int i = 0; i < cfg.max_vcpus; i++)
		hvm_vcpu_set_pvh_entry(d->vcpu[i], 0x1000, 0);
	domain_controller_unpause(d);
}

void pair_machine(void)
{
	iommu_ops = pair->cfg.iommu ? &iommu_model : NULL;
	format.max_order = pair->cfg.max_order;
	p2m_format = &format;
	for (unsigned int i = 0; i < pair->cfg.cpus; i++) {
		cpus[i].id = i;
		pcpus[i] = &cpus[i];
		sims[i].pcpu = &cpus[i];
	}
	pair_nobody.pcpu = &cpus[0];
	make_memory();
	nr_cpus = 1;
	sched_init();
	for (unsigned int i = 1; i < pair->cfg.cpus; i++) {
		pair_nobody.pcpu = &cpus[i];
		sched_init_cpu(&cpus[i]);
		nr_cpus = i + 1;
	}
	pair_nobody.pcpu = &cpus[0];
	pair_note_start();
	make_dom0();
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SOURCES: common/domctl.c common/domctl_vcpu.c common/domctl_misc.c common/domctl_pci.c
 * common/sysctl.c common/cpupool.c common/vsnprintf.c */
#include "test/abi/refused.h"
#include "test/unit/unit.h"

#include <public/errno.h>
#include <public/sched.h>

#include "common/console.h"
#include "common/cpupool.h"
#include "common/domctl.h"
#include "common/hypercall.h"
#include "common/pci.h"
#include "common/sched.h"
#include "common/time.h"
#include "common/vcpu_op.h"

#define V17 XEN_DOMCTL_INTERFACE_VERSION_V15	/* Xen 4.17's */
#define V20 XEN_DOMCTL_INTERFACE_VERSION_V17	/* Xen 4.20's */

static struct domain *dom0, *guest;
static struct domain_config created;
static int create_result, destroy_result, nmis, contexts, policies;
static unsigned int scheduler;
static cpumask_t set_hard, set_soft;
static bool got_hard, got_soft;

int domain_create(const struct domain_config *cfg, struct domain **out)
{
	created = *cfg;
	if (!create_result)
		*out = fake_domain(cfg->id == DOMID_INVALID ? 7 : cfg->id, 1);
	return create_result;
}

int domain_destroy(struct domain *d)
{
	return destroy_result;
}

/* what another CPU does while this one waits for the domain's vCPUs */
static void (*while_waiting)(void);

int domain_controller_pause(struct domain *d)
{
	d->controller_pauses++;
	if (while_waiting)
		while_waiting();
	return 0;
}

int domain_controller_unpause(struct domain *d)
{
	if (!d->controller_pauses)
		return -EINVAL;
	d->controller_pauses--;
	return 0;
}

u64 vcpu_cputime(struct vcpu *v)
{
	return 100;
}

unsigned int sched_id(void)
{
	return scheduler;
}

int sched_set_affinity(struct vcpu *v, const cpumask_t *hard, const cpumask_t *soft)
{
	got_hard = hard;
	got_soft = soft;
	if (hard)
		set_hard = v->sched.hard = v->sched.allowed = *hard;
	if (soft)
		set_soft = v->sched.soft = *soft;
	return 0;
}

void arch_vcpu_send_nmi(struct vcpu *v)
{
	nmis++;
}

long arch_get_hvmcontext(struct domain *d, u64 buffer, u32 *size)
{
	*size = 1234;
	contexts++;
	return 0;
}

long arch_set_hvmcontext(struct domain *d, u64 buffer, u32 size)
{
	contexts++;
	return -EINVAL;
}

long arch_get_vcpucontext(struct vcpu *v, u64 gva)
{
	assert_int_equal(fake_events.pauses, fake_events.unpauses + 1);
	contexts++;
	return 0;
}

long arch_set_vcpucontext(struct vcpu *v, u64 gva)
{
	assert_int_equal(fake_events.pauses, fake_events.unpauses + 1);
	contexts++;
	return -EINVAL;
}

long arch_get_cpu_policy(struct domain *d, struct xen_domctl_cpu_policy *op)
{
	op->nr_leaves = 5;
	return 0;
}

long arch_set_cpu_policy(struct domain *d, struct xen_domctl_cpu_policy *op)
{
	policies++;
	op->err_leaf = 3;
	return -ERANGE;
}

long arch_sysctl_cpu_policy(struct xen_sysctl *op)
{
	op->u.cpu_policy.nr_leaves = 9;
	return -ENOBUFS;
}

long arch_sysctl_featureset(struct xen_sysctl *op)
{
	return 0;
}

void arch_hw_cap(u32 cap[8])
{
	cap[0] = 0x1234;
}

void arch_cpu_topology(unsigned int cpu, u32 *core, u32 *socket)
{
	*core = cpu % 2;
	*socket = cpu / 2;
}

/* What was asked of the function, and for whom. */
static struct { const char *what; struct domain *d; u32 sbdf; } pci;
static long pci_result;

static long pci_asked(const char *what, struct domain *d, u32 sbdf)
{
	pci.what = what;
	pci.d = d;
	pci.sbdf = sbdf;
	return pci_result;
}

static bool pci_held;

bool arch_pci_has_functions(const struct domain *d)
{
	return pci_held;
}

bool arch_pci_assignable(void)
{
	return pci_result == 0;
}

long arch_pci_assign(struct domain *d, u32 sbdf)
{
	return pci_asked("assign", d, sbdf);
}

long arch_pci_deassign(struct domain *d, u32 sbdf)
{
	return pci_asked("deassign", d, sbdf);
}

long arch_pci_test_assign(struct domain *d, u32 sbdf)
{
	return pci_asked("test", (struct domain *)d, sbdf);
}

#define NO_FUNCTION 0xfffe0301u

unsigned int arch_pci_group(u32 sbdf, u32 *list, unsigned int max)
{
	if (sbdf == NO_FUNCTION)
		return 0;
	for (unsigned int i = 0; i < min(max, 3u); i++)
		list[i] = sbdf + i;
	return min(max, 3u);
}

static unsigned int ratelimit;

int sched_set_ratelimit(unsigned int us)
{
	ratelimit = us;
	return us == 7 ? -EINVAL : 0;
}

unsigned int arch_gpaddr_bits(void)
{
	return 40;
}

size_t console_read_ring(u32 *index, bool incremental, bool clear, u64 gva, u32 count, int *err)
{
	*err = gva ? 0 : -EFAULT;
	*index += count / 2;
	return count / 2;
}

u64 wallclock_sec(void)
{
	return 0;
}

static int setup(void **state)
{
	fake_reset();
	dom0 = fake_domain(0, 2);
	guest = fake_domain(3, 2);
	fake_run_on(0, dom0->vcpu[0]);
	create_result = destroy_result = nmis = contexts = policies = 0;
	scheduler = XEN_SCHEDULER_CREDIT2;
	while_waiting = NULL;
	memset(&created, 0, sizeof(created));
	return 0;
}

static struct xen_domctl make(u32 cmd, domid_t id)
{
	return (struct xen_domctl){ .cmd = cmd, .interface_version = V17, .domain = id };
}

static long call(struct xen_domctl *op)
{
	return do_domctl((unsigned long)op, 0, 0, 0, 0);
}

static void versions_and_numbers(void **state)
{
	struct xen_domctl op = make(XEN_DOMCTL_pausedomain, 3);

	op.interface_version = 0x14;
	assert_int_equal(call(&op), -EACCES);
	op.interface_version = V20 + 1;
	assert_int_equal(call(&op), -EACCES);
	op.interface_version = V20;
	assert_int_equal(call(&op), 0);
	op = make(9999, 3);
	assert_int_equal(call(&op), -ENOSYS);
	op = make(0, 3);
	assert_int_equal(call(&op), -ENOSYS);
	assert_int_equal(do_domctl(8, 0, 0, 0, 0), -EFAULT);
	op = make(XEN_DOMCTL_pausedomain, 9);
	assert_int_equal(call(&op), -ESRCH);
}

/* The two layouts: altp2m_opts stands before vmtrace_size in 4.20. */
static void create_in_both_layouts(void **state)
{
	struct xen_domctl op = make(XEN_DOMCTL_createdomain, DOMID_INVALID);
	struct xen_domctl_createdomain_v15 *a = &op.u.createdomain_v15;
	struct xen_domctl_createdomain_v17 *b = &op.u.createdomain_v17;

	a->flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap | XEN_DOMCTL_CDF_oos_off;
	a->max_vcpus = 2;
	a->max_evtchn_port = 1023;
	a->max_grant_frames = -1;
	a->max_maptrack_frames = 100;
	a->grant_opts = 1;
	a->arch.emulation_flags = XEN_X86_EMU_LAPIC;
	a->handle[3] = 0x33;
	assert_int_equal(call(&op), 0);
	assert_int_equal(op.domain, 7);
	assert_int_equal(created.id, DOMID_INVALID);
	assert_int_equal(created.max_vcpus, 2);
	assert_int_equal(created.max_evtchn_port, 1023);
	assert_int_equal(created.max_grant_frames, 64);
	assert_int_equal(created.max_maptrack_frames, 100);
	assert_int_equal(created.handle[3], 0x33);
	assert_int_equal(created.emulation_flags, XEN_X86_EMU_LAPIC);

	op = make(XEN_DOMCTL_createdomain, 11);
	op.interface_version = V20;
	b->flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
	b->max_vcpus = 1;
	b->arch.emulation_flags = XEN_X86_EMU_LAPIC;
	assert_int_equal(call(&op), 0);
	assert_int_equal(created.id, 11);
	b->altp2m_opts = 1;
	assert_int_equal(call(&op), -EINVAL);
}

static void create_refuses(void **state)
{
	struct xen_domctl good = make(XEN_DOMCTL_createdomain, 0), op;
	struct xen_domctl_createdomain_v15 *c = &op.u.createdomain_v15;

	good.u.createdomain_v15 = (struct xen_domctl_createdomain_v15){
		.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap, .max_vcpus = 1, .grant_opts = 1,
		.arch.emulation_flags = XEN_X86_EMU_LAPIC,
	};
#define REFUSED(change, rc) do { op = good; change; assert_int_equal(call(&op), rc); } while (0)
	REFUSED(c->flags = 0, -EINVAL);
	REFUSED(c->flags = XEN_DOMCTL_CDF_hvm, -EINVAL);
	pci_result = -ENODEV;
	REFUSED(c->flags |= XEN_DOMCTL_CDF_iommu, -EINVAL);
	pci_result = 0;
	REFUSED(c->flags |= 1u << 20, -EINVAL);
	REFUSED(c->arch.emulation_flags = 0, -EINVAL);
	REFUSED(c->arch.emulation_flags |= XEN_X86_EMU_IOAPIC, -EINVAL);
	REFUSED(c->arch.misc_flags = 2, -EINVAL);
	REFUSED(c->iommu_opts = 2, -EINVAL);
	REFUSED(c->max_vcpus = 0, -EINVAL);
	REFUSED(c->max_vcpus = MAX_VCPUS + 1, -EINVAL);
	REFUSED(c->vmtrace_size = 1, -EINVAL);
	REFUSED(c->grant_opts = 3, -EINVAL);
	REFUSED(c->max_grant_frames = 100000, -EINVAL);
	REFUSED(c->cpupool_id = 1, -ENOENT);
	assert_int_equal(created.max_vcpus, 0);	/* none got that far */
	create_result = -ENOMEM;
	REFUSED((void)0, -ENOMEM);
	assert_int_equal(op.domain, 0);
}

/* If the new id cannot be returned to the caller, no domain is made. */
static void create_into_a_bad_argument_makes_none(void **state)
{
	struct xen_domctl op = make(XEN_DOMCTL_createdomain, 0);

	op.u.createdomain_v15 = (struct xen_domctl_createdomain_v15){
		.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap, .max_vcpus = 1,
		.arch.emulation_flags = XEN_X86_EMU_LAPIC,
	};
	fake_guest_fault_nth(2);
	assert_int_equal(call(&op), -EFAULT);
	assert_int_equal(created.max_vcpus, 0);
}

static void destroy_is_continued(void **state)
{
	struct xen_domctl op = make(XEN_DOMCTL_destroydomain, 3);

	destroy_result = -ERESTART;
	call(&op);
	assert_true(fake_continuation.continued);
	assert_int_equal(fake_continuation.nr, __HYPERVISOR_domctl);
	assert_int_equal(fake_continuation.args[0], (unsigned long)&op);
	destroy_result = 0;
	assert_int_equal(call(&op), 0);
	op.domain = 0;
	assert_int_equal(call(&op), -EINVAL);
	op.domain = DOMID_SELF;
	assert_int_equal(call(&op), -EINVAL);
}

static void pauses(void **state)
{
	struct xen_domctl op = make(XEN_DOMCTL_unpausedomain, 3);

	assert_int_equal(call(&op), -EINVAL);
	op.cmd = XEN_DOMCTL_pausedomain;
	assert_int_equal(call(&op), 0);
	assert_int_equal(guest->controller_pauses, 1);
	op.domain = DOMID_SELF;
	assert_int_equal(call(&op), -EINVAL);
}

static struct domain *second;
static unsigned int tries;

/*
 * The domain that the caller is waiting for stops the caller, then a domain that waits for nobody.
 */
static void second_stops_dom0(void)
{
	static const u32 waits[] = { XEN_DOMCTL_pausedomain, XEN_DOMCTL_sethvmcontext,
				     XEN_DOMCTL_set_cpu_policy,
		XEN_DOMCTL_getvcpucontext };

	while_waiting = NULL;
	fake_run_on(1, second->vcpu[0]);
	for (unsigned int i = 0; i < ARRAY_LEN(waits); i++) {
		struct xen_domctl op = make(waits[i], 0);

		fake_continuation.continued = false;
		call(&op);
		assert_true(fake_continuation.continued);
		tries++;
	}
	fake_continuation.continued = false;
	assert_int_equal(call(&(struct xen_domctl){ .cmd = XEN_DOMCTL_pausedomain,
						    .interface_version = V17, .domain = 3 }), 0);
	assert_false(fake_continuation.continued);
	fake_run_on(0, dom0->vcpu[0]);
}

/* Two domains that pause each other: neither waits for one that waits for it. */
static void control_domains_stop_each_other(void **state)
{
	struct xen_domctl op = make(XEN_DOMCTL_pausedomain, 5);

	second = fake_domain(5, 1);
	second->control = true;
	tries = 0;
	while_waiting = second_stops_dom0;
	assert_int_equal(call(&op), 0);
	assert_int_equal(tries, 4);
	assert_int_equal(second->controller_pauses, 1);
	assert_int_equal(guest->controller_pauses, 1);
	assert_int_equal(dom0->controller_pauses, 0);
	assert_int_equal(contexts + policies, 0);

	fake_run_on(1, second->vcpu[0]);
	op.domain = 0;
	fake_continuation.continued = false;
	assert_int_equal(call(&op), 0);
	assert_false(fake_continuation.continued);
	assert_int_equal(dom0->controller_pauses, 1);
	op = make(XEN_DOMCTL_destroydomain, 0);
	assert_int_equal(call(&op), -EINVAL);
	op = make(XEN_DOMCTL_unpausedomain, 0);
	assert_int_equal(call(&op), 0);
}

static void info(void **state)
{
	struct xen_domctl op = make(XEN_DOMCTL_getdomaininfo, 1);
	struct xen_domctl_getdomaininfo *i = &op.u.getdomaininfo;

	guest->max_pages = 55;
	guest->controller_pauses = 1;
	set_bit(VPF_DOWN, &guest->vcpu[1]->wait_flags);
	set_bit(VPF_BLOCKED, &guest->vcpu[0]->wait_flags);
	assert_int_equal(call(&op), 0);	/* 4.17: the next one */
	assert_int_equal(op.domain, 3);
	assert_int_equal(i->domain, 3);
	assert_int_equal(i->max_pages, 55);
	assert_int_equal(i->nr_online_vcpus, 1);
	assert_int_equal(i->max_vcpu_id, 1);
	assert_int_equal(i->cpu_time, 200);
	assert_int_equal(i->gpaddr_bits, 40);
	assert_int_equal(i->flags,
			 XEN_DOMINF_hvm_guest | XEN_DOMINF_hap | XEN_DOMINF_paused | XEN_DOMINF_blocked);
	op = make(XEN_DOMCTL_getdomaininfo, 4);
	assert_int_equal(call(&op), -ESRCH);
	op = make(XEN_DOMCTL_getdomaininfo, 1);
	op.interface_version = V20;	/* exactly this one */
	assert_int_equal(call(&op), -ESRCH);
	op = make(XEN_DOMCTL_getdomaininfo, DOMID_IO);
	assert_int_equal(call(&op), -EINVAL);
	guest->shut_down = true;
	guest->shutdown_code = 2;
	guest->state = DOMAIN_DYING;
	op = make(XEN_DOMCTL_getdomaininfo, 3);
	assert_int_equal(call(&op), 0);
	assert_int_equal(i->flags >> XEN_DOMINF_shutdownshift & 255, 2);
	assert_true(i->flags & XEN_DOMINF_shutdown);
	assert_true(i->flags & XEN_DOMINF_dying);
}

static void affinity(void **state)
{
	u8 hard[2] = { 0x06, 0xff }, soft[1] = { 0xff };
	struct xen_domctl op = make(XEN_DOMCTL_setvcpuaffinity, 3);
	struct xen_domctl_vcpuaffinity *a = &op.u.vcpuaffinity;

	a->flags = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT;
	a->cpumap_hard = (struct xenctl_bitmap){ (u64)hard, 16 };
	a->cpumap_soft = (struct xenctl_bitmap){ (u64)soft, 3 };
	assert_int_equal(call(&op), 0);
	assert_true(got_hard && got_soft);
	assert_int_equal(set_hard.bits[0], 6);	/* only CPUs 0..3 are up */
	assert_int_equal(set_soft.bits[0], 7);	/* three bits */
	assert_int_equal(hard[0], 6);
	assert_int_equal(hard[1], 0);
	assert_int_equal(soft[0], 7);
	hard[0] = 0xf0;
	assert_int_equal(call(&op), -EINVAL);	/* none of them is up */
	a->flags = 0;
	assert_int_equal(call(&op), -EINVAL);
	a->flags = 8;
	assert_int_equal(call(&op), -EINVAL);
	a->flags = XEN_VCPUAFFINITY_HARD;
	a->vcpu = 2;
	assert_int_equal(call(&op), -ESRCH);
	a->vcpu = 0;
	a->cpumap_hard.bitmap = 8;
	assert_int_equal(call(&op), -EFAULT);
	op.cmd = XEN_DOMCTL_getvcpuaffinity;
	a->cpumap_hard = (struct xenctl_bitmap){ (u64)hard, 16 };
	assert_int_equal(call(&op), 0);
	assert_int_equal(hard[0], 6);
}

static void vcpu_info(void **state)
{
	struct xen_domctl op = make(XEN_DOMCTL_getvcpuinfo, 3);

	op.u.getvcpuinfo.vcpu = 1;
	set_bit(VPF_BLOCKED, &guest->vcpu[1]->wait_flags);
	assert_int_equal(call(&op), 0);
	assert_int_equal(op.u.getvcpuinfo.online, 1);
	assert_int_equal(op.u.getvcpuinfo.blocked, 1);
	assert_int_equal(op.u.getvcpuinfo.cpu_time, 100);
	assert_int_equal(op.u.getvcpuinfo.cpu, guest->vcpu[1]->cpu->id);
	op.u.getvcpuinfo.vcpu = 2;
	assert_int_equal(call(&op), -EINVAL);
	op = make(XEN_DOMCTL_max_vcpus, 3);
	op.u.max_vcpus.max = 2;
	assert_int_equal(call(&op), 0);
	op.u.max_vcpus.max = 3;
	assert_int_equal(call(&op), -EINVAL);
	op = make(XEN_DOMCTL_sendtrigger, 3);
	op.u.sendtrigger.trigger = XEN_DOMCTL_SENDTRIGGER_NMI;
	assert_int_equal(call(&op), 0);
	assert_int_equal(nmis, 1);
	op.u.sendtrigger.vcpu = 99;
	assert_int_equal(call(&op), -ESRCH);
	assert_int_equal(nmis, 1);
}

/* A guest without virtual buttons can be reset all the same. */
static void triggers(void **state)
{
	static const u32 buttons[] = { XEN_DOMCTL_SENDTRIGGER_POWER, XEN_DOMCTL_SENDTRIGGER_SLEEP,
				       XEN_DOMCTL_SENDTRIGGER_INIT };
	struct xen_domctl op = make(XEN_DOMCTL_sendtrigger, 3);

	for (unsigned int i = 0; i < ARRAY_LEN(buttons); i++) {
		op.u.sendtrigger.trigger = buttons[i];
		assert_int_equal(call(&op), -EOPNOTSUPP);
	}
	op.u.sendtrigger.trigger = 5;
	assert_int_equal(call(&op), -ENOSYS);
	op.u.sendtrigger.trigger = XEN_DOMCTL_SENDTRIGGER_RESET;
	op.u.sendtrigger.vcpu = 2;
	assert_int_equal(call(&op), -ESRCH);
	assert_int_equal(fake_events.shutdowns, 0);
	op.u.sendtrigger.vcpu = 0;
	assert_int_equal(call(&op), 0);
	assert_int_equal(fake_events.shutdowns, 1);
	assert_int_equal(fake_events.shutdown_reason, SHUTDOWN_reboot);
	assert_int_equal(nmis, 0);
	op.domain = 0; /* not the caller itself */
	assert_int_equal(call(&op), -EINVAL);
	assert_int_equal(fake_events.shutdowns, 1);
	op = make(XEN_DOMCTL_setvnumainfo, 3);
	assert_int_equal(call(&op), -EOPNOTSUPP);
	op = make(XEN_DOMCTL_set_llc_colors, 3);
	assert_int_equal(call(&op), -EOPNOTSUPP);
}

static void shares(void **state)
{
	struct xen_domctl op = make(XEN_DOMCTL_scheduler_op, 3);
	struct xen_domctl_scheduler_op *s = &op.u.scheduler_op;

	guest->sched.weight = 256;
	guest->sched.cap = 0;
	s->sched_id = XEN_SCHEDULER_CREDIT2;
	s->cmd = XEN_DOMCTL_SCHEDOP_putinfo;
	s->u.credit2.weight = 512;
	s->u.credit2.cap = (u16)~0;
	assert_int_equal(call(&op), 0);
	s->u.credit2.weight = 0;
	s->u.credit2.cap = 50;
	assert_int_equal(call(&op), 0);
	s->cmd = XEN_DOMCTL_SCHEDOP_getinfo;
	assert_int_equal(call(&op), 0);
	assert_int_equal(s->u.credit2.weight, 512);
	assert_int_equal(s->u.credit2.cap, 50);
	s->sched_id = XEN_SCHEDULER_CREDIT;
	assert_int_equal(call(&op), -EINVAL);
	scheduler = s->sched_id = XEN_SCHEDULER_NULL;
	assert_int_equal(call(&op), -EOPNOTSUPP);
}

static void memory_and_time(void **state)
{
	struct xen_domctl op = make(XEN_DOMCTL_max_mem, 3);
	u64 gfns[3] = { 5, 6, ~0ull };

	op.u.max_mem.max_memkb = 4096;
	assert_int_equal(call(&op), 0);
	assert_int_equal(guest->max_pages, 1024);
	op = make(XEN_DOMCTL_set_paging_mempool_size, 3);
	op.u.paging_mempool.size = 8192;
	assert_int_equal(call(&op), 0);
	op.u.paging_mempool.size = 5;
	assert_int_equal(call(&op), -EINVAL);
	op.cmd = XEN_DOMCTL_get_paging_mempool_size;
	assert_int_equal(call(&op), 0);
	assert_int_equal(op.u.paging_mempool.size, 8192);
	op = make(XEN_DOMCTL_settscinfo, 3);
	assert_int_equal(call(&op), 0);
	op.u.tsc_info.tsc_mode = 1;
	assert_int_equal(call(&op), -EOPNOTSUPP);
	op.u.tsc_info.tsc_mode = 9;
	assert_int_equal(call(&op), -EINVAL);
	fake_populate(guest, 5);
	op = make(XEN_DOMCTL_getpageframeinfo3, 3);
	op.u.getpageframeinfo3.num = 3;
	op.u.getpageframeinfo3.array = (u64)gfns;
	assert_int_equal(call(&op), 0);
	assert_int_equal(gfns[0], XEN_DOMCTL_PFINFO_NOTAB);
	assert_int_equal(gfns[1], XEN_DOMCTL_PFINFO_XTAB);
	assert_int_equal(gfns[2], XEN_DOMCTL_PFINFO_XTAB);
	op.u.getpageframeinfo3.num = 1025;
	assert_int_equal(call(&op), -E2BIG);
	op.u.getpageframeinfo3.num = 1;
	op.u.getpageframeinfo3.array = 8;
	assert_int_equal(call(&op), -EFAULT);
}

/*
 * State is read and written of paused domains only, never of the caller. The details of a refusal
 * are returned.
 */
static void state_and_policy(void **state)
{
	struct xen_domctl op = make(XEN_DOMCTL_gethvmcontext, 3);

	assert_int_equal(call(&op), 0);
	assert_int_equal(op.u.hvmcontext.size, 1234);
	assert_int_equal(fake_events.pauses, 1);
	assert_int_equal(fake_events.unpauses, 1);
	op.cmd = XEN_DOMCTL_sethvmcontext;
	assert_int_equal(call(&op), -EINVAL);
	assert_int_equal(fake_events.unpauses, 2);
	op.domain = 0;
	assert_int_equal(call(&op), -EINVAL);
	assert_int_equal(contexts, 2);
	/* A device's state cannot be saved, and log-dirty mode does not see its writes. */
	pci_held = true;
	op = make(XEN_DOMCTL_gethvmcontext, 3);
	assert_int_equal(call(&op), -EOPNOTSUPP);
	pci_held = false;
	assert_int_equal(contexts, 2);
	op = make(XEN_DOMCTL_shadow_op, 3);
	op.u.shadow_op.op = 32; /* Xen's shadow paging, which Keel lacks */
	assert_int_equal(call(&op), -EOPNOTSUPP);
	op.u.shadow_op.op = XEN_DOMCTL_SHADOW_OP_PEEK; /* it is not on */
	assert_int_equal(call(&op), -EINVAL);
	op = make(XEN_DOMCTL_set_cpu_policy, 3);
	assert_int_equal(call(&op), -ERANGE);
	assert_int_equal(op.u.cpu_policy.err_leaf, 3);
	/* What a kernel has seen once stays, also while it is paused. */
	guest->started = true;
	assert_int_equal(call(&op), -EEXIST);
	assert_int_equal(policies, 1);
	assert_int_equal(fake_events.pauses, fake_events.unpauses);
	guest->started = false;
	op = make(XEN_DOMCTL_get_cpu_policy, 0);
	assert_int_equal(call(&op), 0);
	assert_int_equal(op.u.cpu_policy.nr_leaves, 5);
}

/* Registers of a vCPU that has been initialised, of another domain, while it is paused. */
static void registers(void **state)
{
	static const u32 cmds[] = { XEN_DOMCTL_getvcpucontext, XEN_DOMCTL_setvcpucontext };

	contexts = 0;
	for (unsigned int i = 0; i < 2; i++) {
		struct xen_domctl op = make(cmds[i], 3);

		op.u.vcpucontext.ctxt = 0x1000;
		guest->vcpu[0]->initialised = true;
		assert_int_equal(call(&op), i ? -EINVAL : 0);
		assert_int_equal(contexts, i + 1);
		assert_int_equal(fake_events.unpauses, i + 1);
		guest->vcpu[0]->initialised = false;
		assert_int_equal(call(&op), -ENODATA);
		op.u.vcpucontext.vcpu = guest->max_vcpus;
		assert_int_equal(call(&op), -EINVAL);
		op.u.vcpucontext.vcpu = 0;
		op.domain = 0;
		assert_int_equal(call(&op), -EINVAL);
		assert_int_equal(contexts, i + 1);
		fake_events.unpauses = fake_events.pauses = i + 1;
	}
	assert_int_equal(call(&(struct xen_domctl){ .cmd = XEN_DOMCTL_setvcpucontext,
						    .interface_version = V17, .domain = 3 }),
			 -EOPNOTSUPP);	/* a reset */
}

static void devices_of_domains(void **state)
{
	struct xen_domctl op = make(XEN_DOMCTL_assign_device, DOMID_IO);
	u32 group[4] = { 0, 0, 0, 7 };

	op.u.assign_device.u.pci.machine_sbdf = 0x10201;
	pci_result = -ENODEV;
	assert_int_equal(call(&op), -ENODEV);
	pci_result = 0;
	assert_int_equal(call(&op), 0);
	assert_string_equal(pci.what, "assign");
	assert_null(pci.d);
	assert_int_equal(pci.sbdf, 0x10201);
	op.domain = 3;
	assert_int_equal(call(&op), 0);
	assert_ptr_equal(pci.d, guest);
	op.cmd = XEN_DOMCTL_deassign_device;
	assert_int_equal(call(&op), 0);
	assert_string_equal(pci.what, "deassign");
	op.cmd = XEN_DOMCTL_test_assign_device;
	assert_int_equal(call(&op), 0);
	assert_string_equal(pci.what, "test");
	assert_ptr_equal(pci.d, guest);
	op.domain = 77;
	assert_int_equal(call(&op), -ESRCH);
	op.domain = 3;
	op.u.assign_device.dev = 1; /* a device of a device tree */
	assert_int_equal(call(&op), -EINVAL);
	op.u.assign_device.dev = 0;
	op.u.assign_device.flags = 2;
	assert_int_equal(call(&op), -EINVAL);

	op = make(XEN_DOMCTL_get_device_group, 3);
	op.u.get_device_group.machine_sbdf = 0x10200;
	op.u.get_device_group.max_sdevs = ~0u;
	op.u.get_device_group.sdev_array = (u64)group;
	assert_int_equal(call(&op), 0);
	assert_int_equal(op.u.get_device_group.num_sdevs, 3);
	assert_int_equal(group[2], 0x10202);
	assert_int_equal(group[3], 7);
	op = make(XEN_DOMCTL_ioport_permission, 3);
	op.u.ioport_permission.allow_access = 1;
	assert_int_equal(call(&op), -EOPNOTSUPP);
	op.u.ioport_permission.allow_access = 0;
	assert_int_equal(call(&op), 0);
	op = make(XEN_DOMCTL_shadow_op, 3);
	assert_int_equal(call(&op), 0);
}

static struct xen_sysctl sys(u32 cmd)
{
	return (struct xen_sysctl){ .cmd = cmd, .interface_version = XEN_SYSCTL_INTERFACE_VERSION };
}

static long syscall_(struct xen_sysctl *op)
{
	return do_sysctl((unsigned long)op, 0, 0, 0, 0);
}

static void sysctl_versions_and_numbers(void **state)
{
	struct xen_sysctl op = sys(XEN_SYSCTL_sched_id);

	assert_int_equal(syscall_(&op), 0);
	assert_int_equal(op.u.sched_id.sched_id, XEN_SCHEDULER_CREDIT2);
	op.interface_version = 0x16;
	assert_int_equal(syscall_(&op), -EACCES);
	for (u32 cmd = 30; cmd < 40; cmd++) {
		op = sys(cmd);
		assert_int_equal(syscall_(&op), -ENOSYS);
	}
	op = sys(20);	/* coverage */
	assert_int_equal(syscall_(&op), -ENOSYS);
	op = sys(~0u);
	assert_int_equal(syscall_(&op), -ENOSYS);
	assert_int_equal(do_sysctl(8, 0, 0, 0, 0), -EFAULT);
}

static void the_machine(void **state)
{
	struct xen_sysctl op = sys(XEN_SYSCTL_physinfo);
	struct xen_sysctl_cputopo topo[4];
	struct xen_sysctl_meminfo mem;

	assert_int_equal(syscall_(&op), 0);
	assert_int_equal(op.u.physinfo.nr_cpus, FAKE_CPUS);
	assert_int_equal(op.u.physinfo.cores_per_socket, 2);
	assert_int_equal(op.u.physinfo.total_pages, heap_total_pages());
	assert_int_equal(op.u.physinfo.hw_cap[0], 0x1234);
	assert_true(op.u.physinfo.capabilities & XEN_SYSCTL_PHYSCAP_hap);
	assert_false(op.u.physinfo.capabilities & XEN_SYSCTL_PHYSCAP_pv);
	op = sys(XEN_SYSCTL_cputopoinfo);
	assert_int_equal(syscall_(&op), 0);
	assert_int_equal(op.u.cputopoinfo.num_cpus, FAKE_CPUS);
	op.u.cputopoinfo.cputopo = (u64)topo;
	assert_int_equal(syscall_(&op), 0);
	assert_int_equal(topo[3].core, 1);
	assert_int_equal(topo[3].socket, 1);
	op = sys(XEN_SYSCTL_numainfo);
	assert_int_equal(syscall_(&op), 0);
	assert_int_equal(op.u.numainfo.num_nodes, 1);
	op.u.numainfo.meminfo = (u64)&mem;
	assert_int_equal(syscall_(&op), 0);
	assert_int_equal(mem.memfree, heap_free_pages() << PAGE_SHIFT);
	op.u.numainfo.meminfo = 8;
	assert_int_equal(syscall_(&op), -EFAULT);
}

static void nodes_are_told_and_chosen(void **state)
{
	struct xen_sysctl op = sys(XEN_SYSCTL_numainfo);
	struct xen_sysctl_meminfo mem[3] = { { 0 } };
	struct xen_sysctl_cputopo topo[2];
	u32 distance[5] = { 0 };
	struct xen_domctl dom;
	u64 nodes = 6;

	nr_nodes = 2;
	node_pages[1] = 1000;
	node_free[1] = 10;
	memcpy(node_distance[0], "\12\25", 2);
	memcpy(node_distance[1], "\26\12", 2);
	assert_int_equal(syscall_(&op), 0);
	assert_int_equal(op.u.numainfo.num_nodes, 2);
	op.u.numainfo = (struct xen_sysctl_numainfo){ 7, .meminfo = (u64)mem, .distance = (u64)distance };
	assert_int_equal(syscall_(&op), 0);
	assert_int_equal(op.u.numainfo.num_nodes, 2);
	assert_true(mem[1].memsize == 1000 << PAGE_SHIFT && mem[1].memfree == 10 << PAGE_SHIFT);
	assert_true(distance[0] == 10 && distance[1] == 21 && distance[2] == 22 && distance[3] == 10);
	op.u.numainfo.num_nodes = 1;	/* no more than there is room for */
	assert_int_equal(syscall_(&op), 0);
	assert_true(op.u.numainfo.num_nodes == 1 && !mem[2].memsize && !distance[4]);
	op = sys(XEN_SYSCTL_physinfo);
	assert_int_equal(syscall_(&op), 0);
	assert_true(op.u.physinfo.nr_nodes == 2 && op.u.physinfo.max_node_id == 1);
	op = sys(XEN_SYSCTL_cputopoinfo);
	op.u.cputopoinfo.num_cpus = 2;
	op.u.cputopoinfo.cputopo = (u64)topo;
	pcpus[1]->node = 1;
	assert_int_equal(syscall_(&op), 0);
	assert_true(!topo[0].node && topo[1].node == 1);
	pcpus[1]->node = 0;

	dom = make(XEN_DOMCTL_setnodeaffinity, 3);
	dom.u.nodeaffinity.nodemap = (struct xenctl_bitmap){ (u64)&nodes, 64 };
	assert_int_equal(call(&dom), 0);
	assert_true(guest->nodes == 2 && guest->nodes_fixed);
	dom.cmd = XEN_DOMCTL_getnodeaffinity;
	assert_int_equal(call(&dom), 0);
	assert_int_equal(nodes, 2);
	dom.cmd = XEN_DOMCTL_setnodeaffinity;
	nodes = 4;
	assert_int_equal(call(&dom), -EINVAL);
	nodes = ~0ull;
	assert_int_equal(call(&dom), 0);
	assert_true(guest->nodes == 3 && !guest->nodes_fixed);
}

/*
 * Each function is on node 0, or does not exist. The number for each call is limited, so that none
 * takes long.
 */
static void places_of_functions(void **state)
{
	static struct physdev_pci_device devs[70];
	static u32 nodes[70];
	struct xen_sysctl op = sys(XEN_SYSCTL_pcitopoinfo);
	struct xen_sysctl_pcitopoinfo *t = &op.u.pcitopoinfo;

	devs[1] = (struct physdev_pci_device){ NO_FUNCTION >> 16, 3, 1 };
	for (unsigned int i = 0; i < ARRAY_LEN(nodes); i++)
		nodes[i] = 7;
	*t = (struct xen_sysctl_pcitopoinfo){ 3, (u64)devs, (u64)nodes };
	assert_int_equal(syscall_(&op), 0);
	assert_int_equal(t->num_devs, 3);
	assert_int_equal(nodes[0], 0);
	assert_int_equal(nodes[1], XEN_INVALID_DEV);
	assert_int_equal(nodes[2], 0);
	assert_int_equal(nodes[3], 7);
	t->num_devs = 70;
	assert_int_equal(syscall_(&op), 0);
	assert_int_equal(t->num_devs, 64);
	assert_int_equal(nodes[63], 0);
	assert_int_equal(nodes[64], 7);
	for (unsigned int n = 1; n <= 6; n++) {	/* the argument, two for each function, the argument */
		t->num_devs = 2;
		fake_guest_fault_nth(n);
		assert_int_equal(syscall_(&op), -EFAULT);
	}
	t->num_devs = 2;
	assert_int_equal(syscall_(&op), 0);
	t->devs = 0;
	assert_int_equal(syscall_(&op), -EINVAL);
	t->devs = (u64)devs;
	t->nodes = 0;
	assert_int_equal(syscall_(&op), -EINVAL);
}

/*
 * Operations whose errors tools test and report: power management, cache allocation. Everything
 * else is not supported.
 */
static void what_is_not_there(void **state)
{
	static const struct { u32 cmd; long rc; } none[] = {
		{ XEN_SYSCTL_get_pmstat, -ENODEV }, { XEN_SYSCTL_pm_op, -ENODEV },
		{ XEN_SYSCTL_psr_cmt_op, -ENODEV }, { XEN_SYSCTL_psr_alloc, -ENODEV },
		{ XEN_SYSCTL_cpu_hotplug, -EOPNOTSUPP }, { XEN_SYSCTL_perfc_op, -EOPNOTSUPP },
		{ XEN_SYSCTL_tbuf_op, -EOPNOTSUPP },
	};

	for (unsigned int i = 0; i < ARRAY_LEN(none); i++) {
		struct xen_sysctl op = sys(none[i].cmd);

		assert_int_equal(syscall_(&op), none[i].rc);
	}
}

static void lists_of_domains(void **state)
{
	struct xen_domctl_getdomaininfo list[3];
	struct xen_sysctl op = sys(XEN_SYSCTL_getdomaininfolist);

	op.u.getdomaininfolist.max_domains = 3;
	op.u.getdomaininfolist.buffer = (u64)list;
	assert_int_equal(syscall_(&op), 0);
	assert_int_equal(op.u.getdomaininfolist.num_domains, 2);
	assert_int_equal(list[0].domain, 0);
	assert_int_equal(list[1].domain, 3);
	op.u.getdomaininfolist.first_domain = 1;
	assert_int_equal(syscall_(&op), 0);
	assert_int_equal(op.u.getdomaininfolist.num_domains, 1);
	op.u.getdomaininfolist.first_domain = 4;
	assert_int_equal(syscall_(&op), 0);
	assert_int_equal(op.u.getdomaininfolist.num_domains, 0);
	op.u.getdomaininfolist.first_domain = 0;
	op.u.getdomaininfolist.buffer = 8;
	assert_int_equal(syscall_(&op), -EFAULT);
}

static struct xen_sysctl in_window;
static void call_in_window(void)
{
	fake_on_wait = NULL;
	fake_continuation.continued = false;
	syscall_(&in_window);
}

/* xen-init-dom0 walks the pools until -ENOENT. sched_test tests the rest of the pools. */
static void pools(void **state)
{
	u8 map[1] = { 0 };
	struct xen_sysctl op = sys(XEN_SYSCTL_cpupool_op), sched = sys(XEN_SYSCTL_scheduler_op);
	struct xen_sysctl_cpupool_op *p = &op.u.cpupool_op;
	struct xen_domctl create = make(XEN_DOMCTL_createdomain, 11),
				   info = make(XEN_DOMCTL_getdomaininfo, 3);

	p->op = XEN_SYSCTL_CPUPOOL_OP_INFO;
	p->cpumap = (struct xenctl_bitmap){ (u64)map, 8 };
	assert_int_equal(syscall_(&op), 0);
	assert_int_equal(map[0], 0xf);
	assert_int_equal(p->n_dom, 2);
	p->cpumap.bitmap = 8;
	assert_int_equal(syscall_(&op), -EFAULT);
	p->cpumap.bitmap = (u64)map;
	p->cpupool_id = 1;
	assert_int_equal(syscall_(&op), -ENOENT);
	p->op = XEN_SYSCTL_CPUPOOL_OP_FREEINFO;
	assert_int_equal(syscall_(&op), 0);
	assert_int_equal(map[0], 0);
	p->op = 99;
	assert_int_equal(syscall_(&op), -ENOSYS);

	sched.u.scheduler_op.sched_id = p->sched_id = XEN_SCHEDULER_CREDIT2;
	sched.u.scheduler_op.cmd = XEN_SYSCTL_SCHEDOP_getinfo;
	sched.u.scheduler_op.cpupool_id = 1;
	assert_int_equal(syscall_(&sched), -ESRCH);
	p->op = XEN_SYSCTL_CPUPOOL_OP_CREATE;
	p->cpupool_id = XEN_SYSCTL_CPUPOOL_PAR_ANY;
	assert_int_equal(syscall_(&op), 0);
	assert_int_equal(p->cpupool_id, 1);
	assert_int_equal(syscall_(&sched), 0);

	/* a domain can be made in the pool once it has a CPU */
	create.u.createdomain_v15 = (struct xen_domctl_createdomain_v15){ .flags = XEN_DOMCTL_CDF_hvm |
			XEN_DOMCTL_CDF_hap,
		.max_vcpus = 1, .arch.emulation_flags = XEN_X86_EMU_LAPIC, .cpupool_id = 1 };
	assert_int_equal(call(&create), -ENOENT);
	p->op = XEN_SYSCTL_CPUPOOL_OP_RMCPU;
	p->cpupool_id = 0;
	p->cpu = 3;
	assert_int_equal(syscall_(&op), 0);
	p->op = XEN_SYSCTL_CPUPOOL_OP_ADDCPU;
	p->cpupool_id = 1;
	assert_int_equal(syscall_(&op), 0);
	assert_int_equal(created.max_vcpus, 0);
	assert_int_equal(call(&create), 0);
	assert_int_equal(created.cpupool, 1);

	/*
	 * While a domain moves, another CPU's call is continued. This one then sees that the domain
	 * has moved.
	 */
	p->op = XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN;
	p->domid = 3;
	in_window = op;
	fake_on_wait = call_in_window;
	assert_int_equal(syscall_(&op), 0);
	assert_true(fake_continuation.continued);
	assert_int_equal(fake_continuation.nr, __HYPERVISOR_sysctl);
	assert_int_equal(fake_continuation.args[0], (unsigned long)&in_window);
	assert_null(got_hard);
	assert_null(got_soft);
	assert_int_equal(call(&info), 0);
	assert_int_equal(info.u.getdomaininfo.cpupool, 1);

	assert_true(cpupools_enter());
	fake_continuation.continued = false;
	create.domain = 12;
	created.cpupool = 0;
	call(&create);
	assert_true(fake_continuation.continued);
	assert_int_equal(fake_continuation.nr, __HYPERVISOR_domctl);
	assert_int_equal(created.cpupool, 0);
	cpupools_leave();
	assert_int_equal(call(&create), 0);
	assert_int_equal(created.cpupool, 1);
}

static void the_rest_of_sysctl(void **state)
{
	struct xen_sysctl op = sys(XEN_SYSCTL_readconsole);
	char buf[16] = "qmth";

	op.u.readconsole.count = 16;
	op.u.readconsole.buffer = (u64)buf;
	assert_int_equal(syscall_(&op), 0);
	assert_int_equal(op.u.readconsole.count, 8);
	assert_int_equal(op.u.readconsole.index, 8);
	op.u.readconsole.buffer = 0;
	assert_int_equal(syscall_(&op), -EFAULT);
	op = sys(XEN_SYSCTL_debug_keys);
	op.u.debug_keys.keys = (u64)buf;
	op.u.debug_keys.nr_keys = 4;
	assert_int_equal(syscall_(&op), 0);
	op.u.debug_keys.nr_keys = 1000;
	assert_int_equal(syscall_(&op), -E2BIG);
	op = sys(XEN_SYSCTL_scheduler_op);
	op.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
	op.u.scheduler_op.cmd = XEN_SYSCTL_SCHEDOP_getinfo;
	assert_int_equal(syscall_(&op), 0);
	assert_int_equal(op.u.scheduler_op.u.sched_credit2.ratelimit_us, sched_ratelimit_us());
	op.u.scheduler_op.cmd = XEN_SYSCTL_SCHEDOP_putinfo;
	op.u.scheduler_op.u.sched_credit2.ratelimit_us = 500;
	assert_int_equal(syscall_(&op), 0);
	assert_int_equal(ratelimit, 500);
	op.u.scheduler_op.u.sched_credit2.ratelimit_us = 7;
	assert_int_equal(syscall_(&op), -EINVAL);
	op.u.scheduler_op.sched_id = XEN_SCHEDULER_NULL;
	op.u.scheduler_op.u.sched_credit2.ratelimit_us = 600;
	assert_int_equal(syscall_(&op), -EINVAL);
	assert_int_equal(ratelimit, 7);
	op = sys(XEN_SYSCTL_get_cpu_policy);
	assert_int_equal(syscall_(&op), -ENOBUFS);
	assert_int_equal(op.u.cpu_policy.nr_leaves, 9);	/* how many there must be */
	op = sys(XEN_SYSCTL_availheap);
	assert_int_equal(syscall_(&op), 0);
	assert_int_equal(op.u.availheap.avail_bytes, heap_free_pages() << PAGE_SHIFT);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)
static const struct CMUnitTest tests[] = {
	TEST(versions_and_numbers),
	TEST(create_in_both_layouts),
	TEST(create_refuses),
	TEST(create_into_a_bad_argument_makes_none),
	TEST(destroy_is_continued),
	TEST(pauses), TEST(control_domains_stop_each_other),
	TEST(info),
	TEST(affinity),
	TEST(vcpu_info), TEST(triggers),
	TEST(shares),
	TEST(memory_and_time),
	TEST(registers),
	TEST(state_and_policy),
	TEST(devices_of_domains),
	TEST(sysctl_versions_and_numbers),
	TEST(the_machine), TEST(nodes_are_told_and_chosen),
	TEST(places_of_functions), TEST(what_is_not_there),
	TEST(lists_of_domains),
	TEST(pools),
	TEST(the_rest_of_sysctl),
};

UNIT_MAIN(tests)

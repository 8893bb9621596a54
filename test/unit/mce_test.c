/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: common/vsnprintf.c */
/* Machine checks: what the banks of each CPU (twelve) report, and what Keel does about it. */
#include "test/abi/refused.h"
#include "test/unit/unit.h"

#include <public/errno.h>

#include "arch/x86/cpu.h"
#include "common/console.h"
#include "common/domctl.h"
#include "common/hypercall.h"

static u64 test_rdmsr(u32 msr);
static void test_wrmsr(u32 msr, u64 v);
static struct cpuid_regs test_cpuid(u32 leaf, u32 subleaf);
static u64 cr4;
#define rdmsr test_rdmsr
#define wrmsr test_wrmsr
#define cpuid test_cpuid
#undef READ_CR
#undef WRITE_CR
#define READ_CR(n) cr4
#define WRITE_CR(n, v) ((void)(cr4 = (v)))
#include "arch/x86/mca_op.c"
#include "arch/x86/mce.c"

#define BANKS 12 /* more than Keel handles in one pass */
#define SECOND 1000000000ull
#define INTEL (BANKS | MCG_CTL_P | MCG_CMCI_P | MCG_SER_P)
#define AMD (BANKS | MCG_CTL_P)
#define PHYSICAL (2 << 6 | 6) /* MISC: the address is physical, of one cache line */

/* Status values as CPUs have reported them: Intel, then AMD. */
#define CORRECTED 0x8c00004000010091ull
#define NO_ACTION 0xbc00000000010090ull
#define SCRUB 0xbd000000000000c0ull
#define LOAD 0xbd80000000000134ull
#define INTERNAL_TIMER 0xbe00000000800400ull
#define AMD_DEFERRED 0x9c2011000000011bull
#define AMD_POISON 0xbc00080000000108ull

struct cpu_features cpu_features;
static struct { u64 status, addr, misc, ctl, ctl2; } bank[FAKE_CPUS][BANKS];
static u64 gstatus[FAKE_CPUS], capability;
static u32 recovery, lvt[FAKE_CPUS], without; /* without: CPUs that have no banks */
static mfn_t retired_mfn;
static unsigned int nr_retired;
static bool retires;
static struct domain *dom0, *guest;
static struct mce_record used; /* by the guest: mce_in_guest() */

static u64 *msr_at(u32 msr)
{
	u32 cpu = this_cpu()->id;

	if (msr == MSR_MCG_STATUS)
		return &gstatus[cpu];
	if (msr >= 0x280 && msr < 0x280 + BANKS)
		return &bank[cpu][msr - 0x280].ctl2;
	assert_in_range(msr, 0x400, 0x400 + 4 * BANKS - 1);
	return (u64 *[]){ &bank[cpu][(msr - 0x400) / 4].ctl, &bank[cpu][(msr - 0x400) / 4].status,
			  &bank[cpu][(msr - 0x400) / 4].addr, &bank[cpu][(msr - 0x400) / 4].misc }[msr % 4];
}

static u64 test_rdmsr(u32 msr)
{
	return *msr_at(msr);
}

static bool stuck;
static void test_wrmsr(u32 msr, u64 v)
{
	if (msr != MSR_MCG_CTL && !stuck)
		*msr_at(msr) = v;
}

int rdmsr_safe(u32 msr, u64 *v)
{
	assert_int_equal(msr, MSR_MCG_CAP);
	*v = without & BIT(this_cpu()->id) ? 0 : capability;
	return capability ? 0 : -EFAULT;
}

static struct cpuid_regs test_cpuid(u32 leaf, u32 subleaf)
{
	switch (leaf) {
	case 0:
		return (struct cpuid_regs){ .a = 0xd, .b = 0x756e6547, .c = 0x6c65746e, .d = 0x49656e69 };
	case 1:
		return (struct cpuid_regs){ .d = BIT(7) | BIT(14) };
	case 0x80000000:
		return (struct cpuid_regs){ .a = 0x80000008 };
	default:
		return (struct cpuid_regs){ .b = recovery };
	}
}

void lapic_write(unsigned int reg, u32 val)
{
	assert_int_equal(reg, APIC_LVT_CMCI);
	lvt[this_cpu()->id] = val;
}

bool heap_retire(mfn_t mfn)
{
	retired_mfn = mfn;
	nr_retired++;
	return retires;
}

void console_start_sync(void) { }

void arch_cpu_topology(unsigned int cpu, u32 *core, u32 *socket)
{
	*core = cpu;
	*socket = 7;
}

/* A machine whose CPUs are up, with a guest on CPU 1. */
static void machine(u64 cap, u32 amd_bits)
{
	capability = cap;
	recovery = amd_bits;
	for (unsigned int i = 0; i < FAKE_CPUS; i++) {
		fake_run_on(i, NULL);
		mce_init_cpu();
	}
	fake_run_on(1, guest->vcpu[0]);
}

static int setup(void **state)
{
	fake_reset();
	memset(&mca, 0, sizeof(mca));
	memset(cpus, 0, sizeof(cpus));
	memset(queues, 0, sizeof(queues));
	memset(bank, 0, sizeof(bank));
	memset(gstatus, 0, sizeof(gstatus));
	memset(lvt, 0, sizeof(lvt));
	cpu_features.phys_bits = 46;
	dom0 = fake_domain(0, 1);
	guest = fake_domain(1, 1);
	cr4 = nr_retired = without = 0;
	retires = true;
	return 0;
}

static void set_bank(unsigned int cpu, unsigned int i, u64 status, u64 addr, u64 misc)
{
	bank[cpu][i].status = status;
	bank[cpu][i].addr = addr;
	bank[cpu][i].misc = misc;
}

/* How many records wait in a queue. It takes all of them; `last` is the last one. */
static struct mce_record last;
static unsigned int drain(bool urgent)
{
	struct mce_record r;
	unsigned int n = 0;
	u64 id;

	for (; mce_oldest(urgent, &r, &id); n++) {
		last = r;
		mce_ack(urgent, id);
	}
	return n;
}

static void what_an_error_asks_for(void **state)
{
	static const struct { u64 cap; u32 amd; u64 status; enum mce_severity want; } rows[] = {
		{ INTEL, 0, 0x0c00004000010091, MCE_NOTHING },
		{ INTEL, 0, CORRECTED, MCE_CORRECTED },
		{ INTEL, 0, CORRECTED | MCI_OVER | MCI_DEFERRED, MCE_CORRECTED }, /* part of Intel's count */
		{ INTEL, 0, NO_ACTION, MCE_DEFERRED },
		{ INTEL, 0, SCRUB, MCE_DEFERRED },
		{ INTEL, 0, LOAD, MCE_RECOVERABLE },
		{ INTEL, 0, LOAD | MCI_OVER, MCE_FATAL },
		{ INTEL, 0, LOAD & ~MCI_EN, MCE_DEFERRED },
		{ INTEL, 0, INTERNAL_TIMER, MCE_FATAL },
		{ INTEL & ~MCG_SER_P, 0, LOAD, MCE_FATAL },
		{ AMD, 0, AMD_DEFERRED, MCE_CORRECTED },
		{ AMD, 2, AMD_DEFERRED, MCE_DEFERRED },
		{ AMD, 0, AMD_POISON, MCE_FATAL },
		{ AMD, 2, AMD_POISON, MCE_RECOVERABLE },
		{ AMD, 2, AMD_POISON | MCI_OVER, MCE_FATAL },
		{ AMD, 3, AMD_POISON | MCI_OVER, MCE_RECOVERABLE },
		{ AMD, 3, AMD_POISON | MCI_PCC, MCE_FATAL },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		memset(&mca, 0, sizeof(mca));
		machine(rows[i].cap, rows[i].amd);
		if (severity(rows[i].status) != rows[i].want)
			fail_msg("row %u: %u", i, severity(rows[i].status));
	}
}

static void what_the_firmware_left_is_told(void **state)
{
	set_bank(2, 1, SCRUB, MiB(5), PHYSICAL);
	set_bank(2, 3, INTERNAL_TIMER, 0, 0);
	machine(INTEL, 0);
	assert_int_equal(drain(false), 2);
	assert_int_equal(last.cpu, 2);
	assert_int_equal(last.bank, 3);
	assert_int_equal(last.source, MC_FLAG_RESET);
	assert_int_equal(bank[2][1].status | bank[2][3].status, 0);
	assert_int_equal(nr_retired, 0); /* after a reset the memory may be good again */
	assert_int_equal(bank[3][2].ctl, ~0ull);
	assert_int_equal(bank[3][2].ctl2, CTL2_CMCI | 1);
	assert_int_equal(lvt[3], VECTOR_CMCI);
	assert_true(cr4 & X86_CR4_MCE);
}

static void without_banks(void **state)
{
	machine(0, 0);
	assert_true(cr4 & X86_CR4_MCE);
	assert_int_equal(mce_cap(), 0);
	fake_advance(100 * SECOND);
	assert_false(mce_exception());
	assert_true(FAKE_PANICS(mce_in_guest(&used)));
	mce_at_shutdown();
	/* Not all CPUs are alike. */
	without = BIT(2);
	machine(INTEL, 0);
	fake_run_on(2, NULL);
	set_bank(2, 0, CORRECTED, 0, 0);
	poll(NULL);
	assert_int_equal(drain(false), 0);
	assert_int_equal(bank[2][0].ctl, 0);
	assert_int_equal(bank[3][0].ctl, ~0ull);
}

static void polled(void **state)
{
	machine(INTEL, 0);
	set_bank(0, 0, CORRECTED, MiB(5), PHYSICAL);
	set_bank(0, 1, LOAD, MiB(5), PHYSICAL); /* its exception is about to arrive on the sibling */
	set_bank(0, 2, SCRUB, MiB(7), PHYSICAL); /* reported by an exception, but no action is required */
	set_bank(0, 3, NO_ACTION, MiB(6), PHYSICAL);
	set_bank(0, 4, INTERNAL_TIMER, 0, 0);
	fake_run_on(0, NULL);
	fake_events.virqs = 0;
	fake_advance(30 * SECOND);
	assert_int_equal(fake_events.virqs, 3);
	assert_int_equal(fake_events.last_virq, VIRQ_MCA);
	assert_int_equal(drain(true), 0);
	assert_int_equal(drain(false), 3);
	assert_int_equal(last.source, MC_FLAG_POLLED);
	assert_int_equal(bank[0][0].status, 0);
	assert_int_equal(bank[0][1].status, LOAD);
	assert_int_equal(bank[0][4].status, INTERNAL_TIMER);
	assert_int_equal(nr_retired, 2);
	assert_int_equal(retired_mfn, PFN_DOWN(MiB(6)));
	set_bank(0, 0, CORRECTED, 0, 0);
	fake_advance(30 * SECOND);
	assert_int_equal(drain(false), 1);
	fake_check_quiet();
}

static void more_than_one_look_takes(void **state)
{
	machine(AMD, 2);
	fake_run_on(0, NULL);
	for (unsigned int i = 0; i < 3 * QUEUE; i++) {
		set_bank(0, i % BANKS, CORRECTED, i, 0);
		poll(NULL);
	}
	assert_int_equal(drain(false), QUEUE); /* the first ones */
	assert_int_equal(last.addr, QUEUE - 1);
	for (unsigned int i = 0; i < BANKS; i++)
		set_bank(0, i, CORRECTED, i, 0);
	poll(NULL);
	assert_int_equal(drain(false), BANKS);
	/*
	 * Records that do not fit are dropped; they must not stay in their banks and be taken for
	 * something new.
	 */
	for (unsigned int i = 0; i < BANKS; i++)
		set_bank(3, i, INTERNAL_TIMER, i, 0);
	fake_run_on(3, NULL);
	mce_init_cpu();
	assert_int_equal(drain(false), BANKS);
	fake_run_on(1, guest->vcpu[0]);
	for (unsigned int i = 0; i < BANKS; i++)
		set_bank(1, i, AMD_POISON, i, 0);
	gstatus[1] = MCG_RIPV;
	assert_true(mce_in_guest(&used));
	assert_int_equal(drain(true), BANKS);
	/* A bank that reports again as soon as it is cleared must not keep the CPU. */
	stuck = true;
	for (unsigned int i = 0; i < BANKS; i++)
		set_bank(0, i, CORRECTED, i, 0);
	fake_run_on(0, NULL);
	poll(NULL);
	stuck = false;
}

static void by_interrupt(void **state)
{
	machine(INTEL, 0);
	for (unsigned int i = 1; i < CMCI_STORM; i++) {
		set_bank(1, 0, CORRECTED, 0, 0);
		mce_interrupt();
		assert_int_equal(bank[1][0].status, 0);
		assert_int_equal(lvt[1], VECTOR_CMCI);
	}
	mce_interrupt();
	assert_int_equal(lvt[1], VECTOR_CMCI | APIC_LVT_MASKED);
	assert_int_equal(drain(false), CMCI_STORM - 1);
	assert_int_equal(last.source, MC_FLAG_CMCI);
	poll(NULL);
	assert_int_equal(lvt[1], VECTOR_CMCI);
	mce_interrupt();
	assert_int_equal(lvt[1], VECTOR_CMCI);
}

/*
 * The guest used lost data in its own memory or in memory that it had mapped: only this guest ends.
 */
static void a_guest_used_lost_data(void **state)
{
	mfn_t mfn = fake_populate(guest, 5);

	machine(INTEL, 0);
	set_bank(1, 1, LOAD, mfn << PAGE_SHIFT | 0x40, PHYSICAL);
	gstatus[1] = MCG_EIPV | BIT(2);
	assert_true(mce_in_guest(&used));
	assert_int_equal(used.status, LOAD);
	assert_int_equal(used.addr, mfn << PAGE_SHIFT | 0x40);
	assert_int_equal(used.gstatus, MCG_EIPV | MCG_MCIP);
	assert_int_equal(used.frame, mfn);
	assert_int_equal(gstatus[1], 0);
	assert_int_equal(bank[1][1].status, 0);
	assert_int_equal(nr_retired, 1);
	assert_int_equal(retired_mfn, mfn);
	assert_int_equal(drain(true), 1);
	assert_int_equal(last.owner, 1);
	assert_int_equal(last.domid, 1);
	assert_int_equal(last.source, MC_FLAG_MCE);
	/* An instruction fetch: the CPU reports even less. */
	set_bank(1, 1, LOAD, mfn << PAGE_SHIFT, PHYSICAL);
	gstatus[1] = MCG_MCIP;
	assert_true(mce_in_guest(&used));
	assert_int_equal(nr_retired, 2);
	/* An address that is not in memory: the guest ends all the same. */
	set_bank(1, 1, LOAD, mfn << PAGE_SHIFT, 1 << 6 | 6);
	gstatus[1] = MCG_EIPV;
	assert_true(mce_in_guest(&used));
	set_bank(1, 1, LOAD, BIT(45), PHYSICAL);
	gstatus[1] = MCG_EIPV;
	assert_true(mce_in_guest(&used));
	assert_int_equal(used.frame, INVALID_MFN);
	assert_int_equal(nr_retired, 2);
	fake_check_quiet();
}

/* One page, which two banks name, can be told to the guest; two pages cannot. */
static void a_guest_used_more_lost_data(void **state)
{
	machine(AMD, 2);
	set_bank(1, 0, AMD_POISON, MiB(5), 0);
	set_bank(1, 1, AMD_DEFERRED, MiB(7), 0);
	set_bank(1, 2, AMD_POISON, MiB(5) + 64, 0);
	gstatus[1] = MCG_RIPV | MCG_MCIP;
	assert_true(mce_in_guest(&used));
	assert_int_equal(used.frame, PFN_DOWN(MiB(5)));
	assert_int_equal(used.bank, 0);
	set_bank(1, 0, AMD_POISON, MiB(5), 0);
	set_bank(1, 2, AMD_POISON, MiB(6), 0);
	gstatus[1] = MCG_RIPV | MCG_MCIP;
	assert_true(mce_in_guest(&used));
	assert_int_equal(used.frame, INVALID_MFN);
}

static void a_guest_without_the_exception(void **state)
{
	machine(AMD, 2);
	set_bank(1, 0, AMD_POISON, MiB(5), 0);
	mce_at_shutdown(); /* the guest shut down for another reason */
	assert_int_equal(drain(true), 0);
	gstatus[1] = MCG_MCIP | MCG_RIPV;
	mce_at_shutdown();
	assert_int_equal(drain(true), 1);
	assert_int_equal(gstatus[1], 0);
	set_bank(1, 0, INTERNAL_TIMER, 0, 0);
	gstatus[1] = MCG_MCIP;
	assert_true(FAKE_PANICS(mce_at_shutdown()));
}

static void a_guest_beside_it_goes_on(void **state)
{
	machine(INTEL, 0);
	set_bank(1, 1, LOAD, MiB(5), PHYSICAL);
	gstatus[1] = MCG_RIPV;
	assert_false(mce_in_guest(&used));
	assert_int_equal(bank[1][1].status, LOAD); /* the sibling takes it */
	assert_int_equal(drain(true), 0);
	set_bank(1, 1, SCRUB, MiB(5), PHYSICAL);
	gstatus[1] = MCG_RIPV;
	assert_false(mce_in_guest(&used));
	assert_int_equal(drain(true), 1);
	assert_int_equal(retired_mfn, PFN_DOWN(MiB(5)));
}

static void on_amd(void **state)
{
	machine(AMD, 2);
	set_bank(1, 0, AMD_POISON, MiB(5), 0);
	gstatus[1] = MCG_RIPV;
	assert_true(mce_in_guest(&used));
	assert_int_equal(retired_mfn, PFN_DOWN(MiB(5)));
	/* A memory controller reports an address of its own, not of the machine. */
	set_bank(1, 0, AMD_DEFERRED, MiB(6), 0);
	poll(NULL);
	assert_int_equal(nr_retired, 1);
}

static void what_is_fatal_ends_the_machine(void **state)
{
	machine(INTEL, 0);
	set_bank(1, 0, CORRECTED, 0, 0);
	set_bank(1, 2, INTERNAL_TIMER, 0, 0);
	gstatus[1] = MCG_RIPV;
	assert_true(FAKE_PANICS(mce_in_guest(&used)));
	/* The banks stay as they are for the firmware and the next boot. */
	assert_int_equal(bank[1][2].status, INTERNAL_TIMER);
	assert_int_equal(bank[1][0].status, CORRECTED);
	assert_int_equal(gstatus[1], MCG_RIPV);
	assert_false(mce_exception());
	set_bank(1, 0, 0, 0, 0);
	set_bank(1, 2, 0, 0, 0);
	gstatus[1] = 0; /* RIP is not valid, so nothing can continue */
	assert_true(FAKE_PANICS(mce_in_guest(&used)));
	assert_false(mce_exception());
}

static void in_keel(void **state)
{
	machine(INTEL, 0);
	fake_run_on(2, NULL);
	gstatus[2] = MCG_RIPV;
	set_bank(2, 0, SCRUB, MiB(5), PHYSICAL);
	fake_events.virqs = 0;
	spin_lock(&lock);	/* the code that it interrupted may hold any lock */
	assert_true(mce_exception());
	spin_unlock(&lock);
	assert_int_equal(fake_events.virqs + nr_retired, 0);
	assert_int_equal(gstatus[2], 0);
	assert_true(test_bit(WORK_ARCH, &this_cpu()->work));
	gstatus[2] = MCG_RIPV;
	set_bank(2, 1, SCRUB, MiB(6), PHYSICAL);
	assert_true(mce_exception());
	mce_work();
	assert_int_equal(nr_retired, 2);
	assert_int_equal(drain(true), 2);
	assert_int_equal(last.domid, DOMID_IDLE);
	mce_work();
	assert_int_equal(nr_retired, 2);
	/* Keel itself used the lost data. */
	gstatus[2] = MCG_RIPV | MCG_EIPV;
	set_bank(2, 0, LOAD, MiB(5), PHYSICAL);
	assert_false(mce_exception());
}

/* --- The hypercall --- */

static long mca_call(struct xen_mc *op)
{
	op->interface_version = XEN_MCA_INTERFACE_VERSION;
	current->domain = dom0;
	dom0->control = true;
	return do_arch_0((unsigned long)op, 0, 0, 0, 0);
}

static long fetch(u32 flags, u64 id, struct mc_info *info, struct xen_mc *op)
{
	*op = (struct xen_mc){ .cmd = XEN_MC_fetch,
			       .u.mc_fetch = { .flags = flags, .fetch_id = id, .data = (u64)info } };
	return mca_call(op);
}

static void dom0_fetches(void **state)
{
	struct mc_info info;
	struct entries *e = (struct entries *)info.mi_data;
	struct xen_mc op;

	machine(INTEL, 0);
	set_bank(1, 3, CORRECTED, 0x1234, 0x5678);
	poll(NULL);
	assert_int_equal(fetch(XEN_MC_URGENT, 0, &info, &op), 0);
	assert_int_equal(op.u.mc_fetch.flags, XEN_MC_NODATA);
	assert_int_equal(fetch(XEN_MC_NONURGENT, 0, NULL, &op), -EINVAL);
	assert_int_equal(fetch(XEN_MC_NONURGENT | XEN_MC_URGENT, 0, &info, &op), -EINVAL);
	assert_int_equal(fetch(XEN_MC_NONURGENT, 0, (void *)16, &op), -EFAULT);
	assert_int_equal(fetch(XEN_MC_NONURGENT, 0, &info, &op), 0);
	assert_int_equal(op.u.mc_fetch.flags, XEN_MC_OK);
	assert_int_equal(info.mi_nentries, 2);
	assert_int_equal(e->global.common.type, MC_TYPE_GLOBAL);
	assert_int_equal(e->global.mc_apicid, arch_cpu_hw_id(1));
	assert_int_equal(e->global.mc_domid, 1);
	assert_int_equal(e->bank.common.type, MC_TYPE_BANK);
	assert_int_equal(e->bank.mc_bank, 3);
	assert_int_equal(e->bank.mc_status, CORRECTED);
	assert_int_equal(e->bank.mc_addr, 0x1234);
	assert_int_equal(e->bank.mc_misc, 0x5678);
	/* A record stays until it is acknowledged by its id. */
	assert_int_equal(fetch(XEN_MC_NONURGENT | XEN_MC_ACK, op.u.mc_fetch.fetch_id + 1, NULL, &op), 0);
	assert_int_equal(fetch(XEN_MC_NONURGENT | XEN_MC_ACK, 0, NULL, &op), 0);
	assert_int_equal(fetch(XEN_MC_NONURGENT, 0, &info, &op), 0);
	assert_int_equal(op.u.mc_fetch.flags, XEN_MC_OK);
	assert_int_equal(fetch(XEN_MC_NONURGENT | XEN_MC_ACK, op.u.mc_fetch.fetch_id, NULL, &op), 0);
	assert_int_equal(fetch(XEN_MC_NONURGENT, 0, &info, &op), 0);
	assert_int_equal(op.u.mc_fetch.flags, XEN_MC_NODATA);
	assert_int_equal(fetch(XEN_MC_NONURGENT | XEN_MC_ACK, 2, NULL, &op), 0);
	assert_int_equal(queues[0].first, queues[0].next);
}

static void dom0_asks_for_cpus(void **state)
{
	struct mcinfo_logical_cpu c[FAKE_CPUS + 1] = { 0 };
	struct xen_mc op = { .cmd = XEN_MC_physcpuinfo };

	machine(INTEL, 0);
	assert_int_equal(mca_call(&op), 0);
	assert_int_equal(op.u.mc_physcpuinfo.ncpus, FAKE_CPUS);
	op.u.mc_physcpuinfo.info = (u64)c;
	op.u.mc_physcpuinfo.ncpus = 0;
	assert_int_equal(mca_call(&op), -EINVAL);
	op.u.mc_physcpuinfo.ncpus = FAKE_CPUS + 1;
	assert_int_equal(mca_call(&op), 0);
	assert_int_equal(op.u.mc_physcpuinfo.ncpus, FAKE_CPUS);
	assert_int_equal(c[2].mc_cpunr, 2);
	assert_int_equal(c[2].mc_apicid, arch_cpu_hw_id(2));
	assert_int_equal(c[2].mc_chipid, 7);
	assert_string_equal(c[2].mc_vendorid, "GenuineIntel");
	assert_int_equal(c[2].mc_msrvalues[0].value, INTEL);
	assert_int_equal(c[FAKE_CPUS].mc_ncores, 0);
}

static void refused(void **state)
{
	static const struct { u32 cmd; long rc; } rows[] = {
		{ 0, -EINVAL }, { XEN_MC_notifydomain, -EINVAL }, { XEN_MC_msrinject, -EOPNOTSUPP },
		{ XEN_MC_mceinject, -EOPNOTSUPP }, { 99, -EINVAL },
	};
	struct xen_mc op = { .cmd = XEN_MC_physcpuinfo };

	assert_int_equal(do_arch_0(16, 0, 0, 0, 0), -EFAULT);
	assert_int_equal(do_arch_0((unsigned long)&op, 0, 0, 0, 0), -EACCES);
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		op.cmd = rows[i].cmd;
		assert_int_equal(mca_call(&op), rows[i].rc);
	}
}

static const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, unit_teardown)
	TEST(what_an_error_asks_for),
	TEST(what_the_firmware_left_is_told),
	TEST(without_banks),
	TEST(polled),
	TEST(more_than_one_look_takes),
	TEST(by_interrupt),
	TEST(a_guest_used_lost_data),
	TEST(a_guest_used_more_lost_data),
	TEST(a_guest_without_the_exception),
	TEST(a_guest_beside_it_goes_on),
	TEST(on_amd),
	TEST(what_is_fatal_ends_the_machine),
	TEST(in_keel),
	TEST(dom0_fetches),
	TEST(dom0_asks_for_cpus),
	TEST(refused),
};

UNIT_MAIN(tests)

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Machine checks (SDM vol. 3, chapter 16; APM vol. 2, chapter 9). A CPU's banks are read when it
 * starts, every half minute, by an interrupt where it has one, and by the exception for errors that
 * cannot wait.
 */
#include "arch/x86/mce.h"

#include "arch/x86/cpu.h"
#include "arch/x86/irq/irq.h"
#include "common/console.h"
#include "common/domain.h"
#include "common/heap.h"
#include "common/printk.h"

#define MSR_MCG_CTL 0x17b
#define MSR_MC_CTL2(bank) (0x280 + (bank))
#define MSR_MC_STATUS(bank) (0x401 + 4 * (bank))
#define MSR_MC_ADDR(bank) (0x402 + 4 * (bank))
#define MSR_MC_MISC(bank) (0x403 + 4 * (bank))
#define MCG_CTL_P BIT(8)
#define MCG_CMCI_P BIT(10)
#define MCI_VAL BIT(63)
#define MCI_OVER BIT(62)
#define MCI_UC BIT(61)
#define MCI_EN BIT(60)
#define MCI_MISCV BIT(59)
#define MCI_ADDRV BIT(58)
#define MCI_PCC BIT(57)
#define MCI_S BIT(56)	     /* these two with MCG_SER_P */
#define MCI_AR BIT(55)
#define MCI_DEFERRED BIT(44) /* these two with AMD's recovery */
#define MCI_POISON BIT(43)
#define CTL2_CMCI BIT(30)

#define MAX_BANKS 64
#define AT_ONCE 8		   /* records at once; more wait in their banks */
#define POLL_NS 30000000000ull
#define CMCI_STORM 16		   /* interrupts between two polls; after that, polling must do */
#define QUEUE 32

static struct {
	u64 cap;
	bool amd_recovery, overflow_recovery; /* CPUID 8000_0007h EBX, bits 1 and 0; Intel has them 0 */
} mca;

/* Of one CPU. */
static struct {
	struct timer poll;
	unsigned int banks;	/* a machine's CPUs may have different numbers of them */
	unsigned int cmcis;
	u32 nr_saved;	/* found by the exception in Keel */
	struct mce_record saved[AT_ONCE];
} cpus[NR_CPUS];

/*
 * Held while banks are read, some of which CPUs share, and for the records that wait for Dom0:
 * first and next count up.
 */
static spinlock_t lock = SPINLOCK_INIT(RANK_HW);
static struct { struct mce_record r[QUEUE]; u64 first, next; } queues[2];

u64 mce_cap(void)
{
	return mca.cap;
}

/* A CPU without banks has no such register. */
static u64 read_gstatus(void) { return cpus[this_cpu()->id].banks ? rdmsr(MSR_MCG_STATUS) : 0; }

/* SDM vol. 3, 16.6.3 and table 16-7; APM vol. 2, 9.3.2. */
static enum mce_severity severity(u64 status)
{
	if (!(status & MCI_VAL))
		return MCE_NOTHING;
	if (!(status & MCI_UC))
		return mca.amd_recovery && status & MCI_DEFERRED ? MCE_DEFERRED : MCE_CORRECTED;
	if (!(status & MCI_EN))
		return MCE_DEFERRED;
	if (status & MCI_PCC)
		return MCE_FATAL;
	if (mca.cap & MCG_SER_P) {
		if (!(status & MCI_S) || !(status & MCI_AR))
			return MCE_DEFERRED;
		return status & MCI_OVER ? MCE_FATAL : MCE_RECOVERABLE;
	}
	return mca.amd_recovery && (mca.overflow_recovery || !(status & MCI_OVER)) ? MCE_RECOVERABLE
	       : MCE_FATAL;
}

/*
 * The frame that has lost data, or INVALID_MFN: not every address is one of memory (SDM vol. 3,
 * 16.3.2.3 and 16.3.2.4).
 */
static mfn_t lost_frame(const struct mce_record *r)
{
	mfn_t mfn = (r->addr & (BIT(cpu_features.phys_bits) - 1)) >> PAGE_SHIFT;
	bool known = r->status & MCI_POISON && mca.amd_recovery;

	if (mca.cap & MCG_SER_P)
		known = r->status & MCI_MISCV && (r->misc >> 6 & 7) == 2 && (r->misc & 63) <= PAGE_SHIFT;
	if (r->severity < MCE_DEFERRED || r->source == MC_FLAG_RESET || !(r->status & MCI_ADDRV) ||
	    !known || !mfn_valid(mfn))
		return INVALID_MFN;
	return mfn;
}

/*
 * Errors that are not for this pass: the poll leaves those to the exception after which some CPU
 * cannot continue. An exception goes to all CPUs of an Intel machine; the threads of a core share
 * banks, and those that did not use the data have RIPV set and EIPV clear (SDM vol. 3, table 16-8).
 */
static bool others(u64 status, u64 gstatus, u16 source)
{
	if (source != MC_FLAG_MCE)
		return source != MC_FLAG_RESET && severity(status) >= MCE_RECOVERABLE;
	return mca.cap & MCG_SER_P && severity(status) == MCE_RECOVERABLE &&
	       (gstatus & (MCG_RIPV | MCG_EIPV)) == MCG_RIPV;
}

/* Errors that end the machine stay in their banks, for the firmware and the next boot. */
static bool stays(enum mce_severity worst, u16 source)
{
	return worst == MCE_FATAL && source == MC_FLAG_MCE;
}

/* Reads this CPU's banks, and clears what it takes. Returns the worst. */
static enum mce_severity scan(u16 source, struct mce_record *out, u32 *n)
{
	u64 gstatus = read_gstatus();
	const struct vcpu *v = this_cpu()->curr;
	enum mce_severity worst = MCE_NOTHING;
	u32 first = *n;

	for (unsigned int bank = 0; bank < cpus[this_cpu()->id].banks; bank++) {
		u64 status = rdmsr(MSR_MC_STATUS(bank));

		if (!(status & MCI_VAL) || others(status, gstatus, source))
			continue;
		worst = max(worst, severity(status));
		if (*n == AT_ONCE)
			continue;
		out[(*n)++] = (struct mce_record){
			.status = status, .gstatus = gstatus, .tsc = rdtsc(), .bank = (u16)bank, .source = source,
			.addr = status & MCI_ADDRV ? rdmsr(MSR_MC_ADDR(bank)) : 0,
			.misc = status & MCI_MISCV ? rdmsr(MSR_MC_MISC(bank)) : 0, .owner = DOMID_INVALID,
			.cpu = this_cpu()->id, .domid = v && v->domain ? v->domain->id : DOMID_IDLE,
			.vcpu = (u16)(v ? v->id : 0), .severity = severity(status),
		};
	}
	for (u32 i = first; i < *n && !stays(worst, source); i++)
		wrmsr(MSR_MC_STATUS(out[i].bank), 0);
	return worst;
}

static void print(const struct mce_record *r)
{
	static const char *const names[] = { "", "corrected", "uncorrected, not used yet",
					     "uncorrected, in use", "fatal" };

	pr_err("CPU%u: machine check%s, bank %u: %s; status %#lx, address %#lx, misc %#lx\n", r->cpu,
	       r->source == MC_FLAG_RESET ? " before Keel started" : "", r->bank, names[r->severity],
	       r->status, r->addr, r->misc);
}

/* No locks. */
static void report(struct mce_record *r)
{
	static struct ratelimit limit;
	bool urgent = r->source == MC_FLAG_MCE;
	mfn_t mfn = lost_frame(r);

	r->frame = mfn;
	if (r->severity > MCE_CORRECTED || ratelimit_ok(&limit))
		print(r);
	if (mfn != INVALID_MFN) {
		r->owner = mfn_to_page(mfn)->owner;
		pr_err("Frame %#lx has lost data, and %s\n", mfn,
		       heap_retire(mfn) ? "is not given out again" : "stays in use: too many have");
		if (r->owner < DOMID_FIRST_RESERVED)
			pr_err("Frame %#lx is d%u's\n", mfn, r->owner);
		else
			r->owner = DOMID_INVALID;
	}
	spin_lock(&lock);
	if (queues[urgent].next - queues[urgent].first < QUEUE)
		queues[urgent].r[queues[urgent].next++ % QUEUE] = *r;
	spin_unlock(&lock);
	send_global_virq(VIRQ_MCA);
}

/*
 * used, if it is not NULL, becomes the error that a guest cannot go on with. If several name more
 * than one frame, its frame is INVALID_MFN.
 */
static enum mce_severity look(u16 source, struct mce_record *used)
{
	struct mce_record found[AT_ONCE];
	enum mce_severity worst = MCE_NOTHING;
	u32 n, looks = 0;

	do {
		n = 0;
		spin_lock(&lock);
		worst = max(worst, scan(source, found, &n));
		spin_unlock(&lock);
		for (u32 i = 0; i < n; i++) {
			report(&found[i]);
			if (!used || found[i].severity != MCE_RECOVERABLE)
				continue;
			if (used->severity != MCE_RECOVERABLE)
				*used = found[i];
			else if (used->frame != found[i].frame)
				used->frame = INVALID_MFN;
		}
	} while (n == AT_ONCE && !stays(worst, source) && ++looks < MAX_BANKS / AT_ONCE);
	return worst;
}

static void poll(void *data)
{
	unsigned int cpu = this_cpu()->id;

	look(MC_FLAG_POLLED, NULL);
	if (cpus[cpu].cmcis >= CMCI_STORM)
		lapic_write(APIC_LVT_CMCI, VECTOR_CMCI);
	cpus[cpu].cmcis = 0;
	timer_set(&cpus[cpu].poll, now() + POLL_NS);
}

void mce_interrupt(void)
{
	if (++cpus[this_cpu()->id].cmcis == CMCI_STORM)
		lapic_write(APIC_LVT_CMCI, APIC_LVT_MASKED | VECTOR_CMCI);
	look(MC_FLAG_CMCI, NULL);
}

bool mce_exception(void)
{
	unsigned int cpu = this_cpu()->id;
	u64 gstatus = read_gstatus();
	u32 first = cpus[cpu].nr_saved;
	enum mce_severity worst = scan(MC_FLAG_MCE, cpus[cpu].saved, &cpus[cpu].nr_saved);

	if (worst >= MCE_RECOVERABLE || !(gstatus & MCG_RIPV)) {
		console_start_sync();
		for (u32 i = first; i < cpus[cpu].nr_saved; i++)
			print(&cpus[cpu].saved[i]);
		return false;
	}
	wrmsr(MSR_MCG_STATUS, 0);
	set_bit(WORK_ARCH, &this_cpu()->work);
	return true;
}

/* Another exception may add to them meanwhile. */
void mce_work(void)
{
	unsigned int cpu = this_cpu()->id;
	u32 n = 0;

	do {
		for (; n < READ_ONCE(cpus[cpu].nr_saved); n++)
			report(&cpus[cpu].saved[n]);
	} while (!__atomic_compare_exchange_n(&cpus[cpu].nr_saved, &(u32){ n }, 0, false, __ATOMIC_SEQ_CST,
					      __ATOMIC_SEQ_CST));
}

bool mce_in_guest(struct mce_record *used)
{
	u64 gstatus = read_gstatus();
	enum mce_severity worst;

	*used = (struct mce_record){ 0 };
	worst = look(MC_FLAG_MCE, used);

	if (worst == MCE_FATAL || (worst < MCE_RECOVERABLE && !(gstatus & MCG_RIPV)))
		panic("CPU%u: machine check, MCG_STATUS %#lx: see above", this_cpu()->id, gstatus);
	wrmsr(MSR_MCG_STATUS, 0);
	return worst == MCE_RECOVERABLE;
}

void mce_at_shutdown(void)
{
	struct mce_record ended_by;

	if (read_gstatus() & MCG_MCIP)
		mce_in_guest(&ended_by);
}

bool mce_oldest(bool urgent, struct mce_record *r, u64 *id)
{
	bool any;

	spin_lock(&lock);
	any = queues[urgent].first != queues[urgent].next;
	*r = queues[urgent].r[queues[urgent].first % QUEUE];
	*id = queues[urgent].first + 1;
	spin_unlock(&lock);
	return any;
}

void mce_ack(bool urgent, u64 id)
{
	spin_lock(&lock);
	if (id == queues[urgent].first + 1 && id <= queues[urgent].next)
		queues[urgent].first++;
	spin_unlock(&lock);
}

/* SDM vol. 3, 16.8; a bank whose interrupt is on already is a sibling's. */
static void enable_banks(void)
{
	if (mca.cap & MCG_CTL_P)
		wrmsr(MSR_MCG_CTL, ~0ull);
	for (unsigned int bank = 0; bank < cpus[this_cpu()->id].banks; bank++) {
		wrmsr(MSR_MC_CTL(bank), ~0ull);
		if (mca.cap & MCG_CMCI_P && !(rdmsr(MSR_MC_CTL2(bank)) & CTL2_CMCI))
			wrmsr(MSR_MC_CTL2(bank), CTL2_CMCI | 1);
	}
	if (mca.cap & MCG_CMCI_P)
		lapic_write(APIC_LVT_CMCI, VECTOR_CMCI);
	wrmsr(MSR_MCG_STATUS, 0);
}

void mce_init_cpu(void)
{
	u32 cpu = this_cpu()->id, recovery = 0, has = cpuid(1, 0).d;
	u64 cap;

	if (!(has & BIT(7)) || !(has & BIT(14)))
		return;
	if (rdmsr_safe(MSR_MCG_CAP, &cap))
		cap = 0;
	cpus[cpu].banks = min_t(unsigned int, cap & 0xff, MAX_BANKS);
	if (!cpu) {
		mca.cap = cap;
		if (cpuid(0x80000000, 0).a >= 0x80000007)
			recovery = cpuid(0x80000007, 0).b;
		mca.overflow_recovery = recovery & 1;
		mca.amd_recovery = recovery & 2;
		pr_info("Machine checks: %u banks%s%s\n", cpus[cpu].banks, cap & MCG_CMCI_P ? ", CMCI" : "",
			cap & MCG_SER_P || mca.amd_recovery ? ", recovery" : "");
	}
	if (cpus[cpu].banks) {
		look(MC_FLAG_RESET, NULL);
		enable_banks();
		timer_init(&cpus[cpu].poll, this_cpu(), poll, NULL);
		timer_set(&cpus[cpu].poll, now() + POLL_NS);
	}
	WRITE_CR(4, READ_CR(4) | X86_CR4_MCE);
}

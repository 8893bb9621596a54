/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Starting CPUs: some come at once, some late, some never. None may run with the stack or the id of
 * another. The test plays the CPUs whenever the starting CPU reads the clock; start_if_wanted()
 * does what the trampoline does.
 */
#include "test/unit/unit.h"

#include <stdlib.h>

#include <sanitizer/asan_interface.h>

__asm__(".data\n trampoline_start: .skip 64\n trampoline_args: .skip 40\n trampoline_end: .text\n");
#include "arch/x86/cpu.h"
static struct cpuid_regs test_cpuid(u32 leaf, u32 subleaf);
#define cpuid test_cpuid
#include "arch/x86/smp.c"

#define MS 1000000ull
#define CPUS 5
#define NEVER ~0ull

static struct ap {
	u64 runs_after, up_after;	/* ns from its start-up IPI on */
	u64 reset_at, sipi_at, up_at;
	bool told, ran, halted, unfit;
	unsigned int inits;
	struct x86_pcpu *as;
} aps[CPUS];			/* by APIC id; 0 is the one that starts the others */

struct acpi_info acpi;
struct cpu_features cpu_features;
static struct acpi_cpu acpi_cpus[CPUS];
const struct hvm_ops *hvm_ops;
static u64 clock;
static unsigned int unmapped;

static u64 *args(void)
{
	return pa_to_virt(smp_trampoline) + 64;
}

/* What the trampoline does. */
static void start_if_wanted(u32 id, struct ap *ap)
{
	u32 want = id;

	ap->ran = true;
	ap->halted = !__atomic_compare_exchange_n((u32 *)&args()[4], &want, ~0u, false, __ATOMIC_SEQ_CST,
						  __ATOMIC_SEQ_CST);
	if (ap->halted)
		return;
	ap->as = (struct x86_pcpu *)args()[3];
	ap->up_at = clock + ap->up_after;
}

u64 now(void)
{
	clock += MS / 10;
	for (u32 id = 1; id < CPUS; id++) {
		struct ap *ap = &aps[id];

		if (ap->told && !ap->ran && ap->runs_after != NEVER && clock >= ap->sipi_at + ap->runs_after)
			start_if_wanted(id, ap);
		if (ap->as && clock >= ap->up_at)
			*(ap->unfit ? &ap->as->unfit : &ap->as->up) = true;
	}
	return clock;
}

void lapic_send_sipi(u32 id, u8 page)
{
	assert_true(aps[id].reset_at && clock >= aps[id].reset_at + INIT_NS);
	if (!aps[id].told)
		aps[id].sipi_at = clock;
	aps[id].told = true;
}

void fake_cpu_relax(void) { } /* one thread: a yield would only take long */

void lapic_send_init(u32 id)
{
	assert_in_range(id, 1, CPUS - 1);
	aps[id].inits++;
	aps[id].reset_at = clock;
}

void lapic_send_ipi(u32 id, u8 vector) { }
u32 acpi_uid_of(u32 apic_id) { return apic_id + 100; }

static unsigned int nmis[CPUS], traced[CPUS];
static bool answers = true;

void lapic_send_nmi(u32 id)
{
	nmis[id]++;
	if (answers && aps[id].as)
		aps[id].as->stopped_at = (void *)aps;
}

void traps_trace_cpu(const struct x86_pcpu *cpu)
{
	assert_int_equal(!!cpu->stopped_at, answers);
	traced[cpu->apic_id]++;
}

static u32 own_id;
u32 lapic_id(void) { return own_id; }
u64 keel_cr3(void) { return 0; }
u64 map_stack(unsigned int cpu, enum stack_kind kind, void *pcpu) { return cpu; }
bool map_pages(u64 va, paddr_t pa, u64 size, u64 flags) { return true; }
unsigned int numa_node_of_cpu(u32 apic_id) { return apic_id / 2; }
void mce_init_cpu(void) { }
void cpufreq_init_cpu(void) { }
void microcode_init_cpu(void) { }
void mm_unmap_low(void) { unmapped++; }
void time_compare_cpu(void) { }
static struct { paddr_t base, end; } ram[3]; /* free, in order */
static paddr_t reserved;
bool boot_free_range(unsigned int i, paddr_t *base, paddr_t *end)
{
	*base = ram[i].base;
	*end = ram[i].end;
	return ram[i].end;
}

void boot_reserve(paddr_t base, paddr_t end, const char *what) { reserved = base; }
static bool smt = true;
bool option_flag(const char *name)
{
	assert_string_equal(name, "smt");
	return smt;
}

/* Two threads a core. */
static u32 max_leaf = 0xb;
static struct cpuid_regs test_cpuid(u32 leaf, u32 subleaf)
{
	return leaf == 0xb && max_leaf >= 0xb ? (struct cpuid_regs){ 1, 2, 0x100, 0 }
	       : (struct cpuid_regs){ .a = max_leaf };
}

static u64 maxcpus = NR_CPUS;
u64 option_number(const char *name) { return maxcpus; }
void traps_init_cpu(struct x86_pcpu *c) { }
void cpu_init_this(void) { }
void mitigations_init_cpu(void) { }
void lapic_init_cpu(void) { }
void sched_init_cpu(struct pcpu *cpu) { }
void time_cpu_up(void) { }
void vcpu_loop(void) { abort(); }
char boot_stack[KEEL_BOOT_STACK_SIZE];

static u32 far; /* added to the id of the third CPU */

static void start_all(void)
{
	acpi.nr_cpus = CPUS;
	acpi.cpus = acpi_cpus;
	for (u32 id = 0; id < CPUS; id++)
		acpi.cpus[id].apic_id = id + (id == 2 ? far : 0);
	smp_trampoline = MiB(1);
	ASAN_UNPOISON_MEMORY_REGION(pa_to_virt(smp_trampoline), PAGE_SIZE);
	nr_cpus = 1;
	smp_start_all();
	for (unsigned int i = 0; i < 300000; i++) /* half a minute */
		now();
	assert_int_equal(unmapped, 1);
	for (u32 id = 1; id < CPUS; id++) {
		struct ap *ap = &aps[id];

		if (!ap->as || ap->unfit)
			continue;
		assert_int_equal(ap->as->apic_id, id);
		assert_true(ap->as->p.id < nr_cpus);
		assert_ptr_equal(pcpus[ap->as->p.id], &ap->as->p);
	}
}

static int setup(void **state)
{
	fake_reset();
	memset(nmis, 0, sizeof(nmis));
	memset(traced, 0, sizeof(traced));
	answers = true;
	memset(pcpus + 1, 0, sizeof(pcpus[0]) * (NR_CPUS - 1));
	for (u32 id = 1; id < CPUS; id++)
		aps[id] = (struct ap){ .runs_after = MS, .up_after = MS };
	unmapped = 0;
	return 0;
}

static void all_come(void **state)
{
	start_all();
	assert_int_equal(nr_cpus, CPUS);
}

static void one_thread_of_each_core(void **state)
{
	smt = false;
	start_all();
	assert_int_equal(nr_cpus, 3); /* 0, 2, 4 */
	assert_false(aps[1].told || aps[3].told);
	assert_true(aps[2].told && aps[4].told);
	/* the first CPU is the second thread of its core */
	setup(state);
	own_id = 1;
	start_all();
	assert_int_equal(nr_cpus, 2); /* 1, 3 */
	assert_true(aps[3].told);
	assert_false(aps[2].told || aps[4].told);
	own_id = 0;
	/* nobody can say */
	setup(state);
	max_leaf = 1;
	start_all();
	assert_int_equal(nr_cpus, CPUS);
	max_leaf = 0xb;
	smt = true;
}

static void cpus_are_left_out(void **state)
{
	maxcpus = 3;
	start_all();
	assert_int_equal(nr_cpus, 3);
	assert_non_null(strstr(fake_last_message, "2 more, the first with APIC id 3, are left out: maxcpus="));
	maxcpus = NR_CPUS;
	setup(state);
	far = 253;
	start_all();
	assert_int_equal(nr_cpus, CPUS - 1);
	assert_non_null(strstr(fake_last_message, "1 more, the first with APIC id 255, are left out: without"));
	far = 0;
	/* Any number of CPUs is waited for once. */
	setup(state);
	clock = 0;
	start_all();
	for (u32 id = 2; id < CPUS; id++)
		assert_true(aps[id].reset_at == aps[1].reset_at);
}

static void one_never_comes(void **state)
{
	aps[2].runs_after = NEVER;
	start_all();
	assert_int_equal(nr_cpus, CPUS - 1);
}

static void one_comes_when_another_is_wanted(void **state)
{
	aps[2].runs_after = 1005 * MS;
	aps[3].runs_after = 100 * MS;
	start_all();
	assert_true(aps[2].halted);
	assert_int_equal(nr_cpus, CPUS - 1);
}

static void one_comes_when_all_are_done(void **state)
{
	aps[CPUS - 1].runs_after = 20000 * MS;
	start_all();
	assert_true(aps[CPUS - 1].halted);
	assert_int_equal(nr_cpus, CPUS - 1);
}

static void one_is_on_its_way_for_long(void **state)
{
	aps[2].runs_after = 990 * MS;
	aps[2].up_after = 5000 * MS;
	start_all();
	assert_int_equal(nr_cpus, CPUS);
}

/* It cannot run guests: it is sent back, before another gets its stack. */
static void one_is_unfit(void **state)
{
	aps[2].unfit = true;
	start_all();
	assert_int_equal(aps[2].inits, 2);
	assert_int_equal(nr_cpus, CPUS - 1);
	assert_int_equal(aps[3].inits, 1);
}

static void no_place_to_start(void **state)
{
	nr_cpus = 1;
	smp_trampoline = 0;
	smp_reserve_trampoline();
	smp_start_all();
	assert_int_equal(nr_cpus, 1);
	assert_int_equal(unmapped, 1);
	assert_false(aps[1].told || aps[1].inits);
	assert_non_null(strstr(fake_last_message, "4 more, the first with APIC id 1, are left out: they have"));
}

/* The page is RAM, whatever pieces there are below and beside it. */
static void a_place_to_start(void **state)
{
	ram[0].base = PAGE_SIZE;
	ram[0].end = KiB(572);
	ram[1].base = KiB(620);
	ram[1].end = KiB(640);
	smp_reserve_trampoline();
	assert_true(reserved == KiB(568) && smp_trampoline == reserved);
	ram[1].base = KiB(580);
	smp_reserve_trampoline();
	assert_true(reserved == KiB(596));
	memset(ram, 0, sizeof(ram));
}

/* In xAPIC mode the id of a CPU from 255 on is cut off, and means another. */
static void ids_that_xapic_has_not(void **state)
{
	far = 256;
	start_all();
	far = 0;
	assert_int_equal(aps[2].inits, 0);
	assert_int_equal(nr_cpus, CPUS - 1);
	assert_false(aps[2].told);
}

static void one_starts_and_hangs(void **state)
{
	u64 start = clock;

	aps[2].up_after = NEVER / 2;
	assert_true(FAKE_PANICS(start_all()));
	assert_in_range(clock - start, LATE_NS, 2 * LATE_NS);
}

/* All are stopped; of those that were inside Keel it is printed where. */
static void a_panic_shows_the_others(void **state)
{
	start_all();
	for (u32 id = 1; id < CPUS; id++)
		aps[id].as->p.epoch = 10 + id;
	arch_other_cpus_trace();
	for (u32 id = 1; id < CPUS; id++) {
		assert_int_equal(nmis[id], 1);
		assert_true(test_bit(WORK_STOP, &aps[id].as->p.work));
		assert_int_equal(traced[id], id % 2 == 0);
	}
	assert_int_equal(nmis[0] + traced[0], 0);
}

/* One that does not even answer an NMI is waited for, for a tenth of a second. */
static void a_panic_ends_though_nobody_answers(void **state)
{
	u64 before;

	start_all();
	answers = false;
	before = clock;
	arch_other_cpus_trace();
	assert_int_equal(traced[1] + traced[2] + traced[3] + traced[4], 4);
	assert_in_range(clock - before, STOP_NS, STOP_NS + MS);
}

static void a_stuck_cpu_gets_an_nmi(void **state)
{
	start_all();
	arch_cpu_is_stuck(&aps[3].as->p);
	assert_true(test_bit(WORK_STUCK, &aps[3].as->p.work));
	assert_int_equal(nmis[3], 1);
}

#define T(fn) cmocka_unit_test_setup(fn, setup)
static const struct CMUnitTest tests[] = {
	T(all_come), T(one_thread_of_each_core), T(cpus_are_left_out),
	T(one_never_comes), T(one_comes_when_another_is_wanted),
		T(one_comes_when_all_are_done),
	T(one_is_on_its_way_for_long), T(one_is_unfit), T(no_place_to_start), T(a_place_to_start),
	T(ids_that_xapic_has_not),
	T(one_starts_and_hangs),
	T(a_panic_shows_the_others), T(a_panic_ends_though_nobody_answers), T(a_stuck_cpu_gets_an_nmi),
};
UNIT_MAIN(tests)

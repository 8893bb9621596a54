/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The local APIC as firmware leaves it: what of it Keel keeps, and which of its modes Keel uses.
 * The registers are an array; in x2APIC mode MSRs reach them.
 */
#include "test/unit/unit.h"

#include "arch/x86/cpu.h"
#include "arch/x86/pcpu.h"
static u64 test_rdmsr(u32 msr);
static void test_wrmsr(u32 msr, u64 val);
#define rdmsr test_rdmsr
#define wrmsr test_wrmsr
#include "arch/x86/irq/lapic.c"

struct acpi_info acpi;
struct cpu_features cpu_features;

static u64 apic_base;
static u32 regs[0x400];		/* of the xAPIC page */
static u32 revision;
static bool x2apic_seen;

static u64 test_rdmsr(u32 msr)
{
	if (msr == MSR_APIC_BASE)
		return apic_base;
	assert_in_range(msr, 0x800, 0x83f);
	x2apic_seen = true;
	return regs[(msr - 0x800) * 4];
}

static void test_wrmsr(u32 msr, u64 val)
{
	if (msr == MSR_APIC_BASE) {
		apic_base = val;
		return;
	}
	assert_in_range(msr, 0x800, 0x83f);
	x2apic_seen = true;
	regs[(msr - 0x800) * 4] = (u32)val;
}

void *map_mmio(paddr_t pa, size_t len) { return regs; }
u32 microcode_revision(void) { return revision; }
u32 acpi_uid_of(u32 apic_id) { return apic_id + 100; }

static u32 lvt(unsigned int reg) { return regs[reg / 4]; }

static int setup(void **state)
{
	fake_reset();
	memset(regs, 0, sizeof(regs));
	acpi = (struct acpi_info){ 0 };
	cpu_features = (struct cpu_features){ .intel = true, .family = 6, .x2apic = true,
					      .tsc_deadline = true };
	apic_base = 0xfee00000 | APIC_BASE_EN;
	regs[APIC_LVR / 4] = 5 << 16;
	xapic = NULL;
	x2apic_seen = false;
	revision = 1;
	fake_last_message[0] = 0;
	return 0;
}

/* The start of a CPU: with INIT all entries are masked, whatever they were. */
static void start_cpu(unsigned int cpu)
{
	struct pcpu *first = pcpus[0];

	for (unsigned int reg = APIC_LVT_TIMER; reg <= APIC_LVT_ERROR; reg += 0x10)
		regs[reg / 4] = APIC_LVT_MASKED;
	if (cpu)
		pcpus[0] = NULL;	/* whoever asks is another */
	lapic_init_cpu();
	pcpus[0] = first;
}

static void firmware_keeps_its_thermal_smi(void **state)
{
	regs[APIC_LVT_THERMAL / 4] = APIC_DM_SMI << 8;
	lapic_init_cpu();
	assert_int_equal(lvt(APIC_LVT_THERMAL), APIC_DM_SMI << 8);
	assert_int_equal(lvt(APIC_LVT_PERF), APIC_LVT_MASKED | VECTOR_SPURIOUS);
	start_cpu(1);
	assert_int_equal(lvt(APIC_LVT_THERMAL), APIC_DM_SMI << 8);
	/* Masked, it was switched off; any other delivery is for an operating system that is gone. */
	for (unsigned int i = 0; i < 2; i++) {
		setup(state);
		regs[APIC_LVT_THERMAL / 4] = i ? 0x31 : APIC_LVT_MASKED;
		lapic_init_cpu();
		assert_int_equal(lvt(APIC_LVT_THERMAL), APIC_LVT_MASKED | VECTOR_SPURIOUS);
		start_cpu(1);
		assert_int_equal(lvt(APIC_LVT_THERMAL), APIC_LVT_MASKED | VECTOR_SPURIOUS);
	}
}

/* One without that entry has nothing there. */
static void old_apics_have_no_thermal_entry(void **state)
{
	regs[APIC_LVR / 4] = 4 << 16;
	regs[APIC_LVT_THERMAL / 4] = 0x1234;
	lapic_init_cpu();
	assert_int_equal(lvt(APIC_LVT_THERMAL), 0x1234);
	assert_int_equal(lvt(APIC_LVT_PERF), APIC_LVT_MASKED | VECTOR_SPURIOUS);
}

static void nmis_come_where_the_madt_says(void **state)
{
	static struct acpi_nmi nmis[] = { { ACPI_ALL_CPUS, 1 }, { 107, 0 }, { 108, 0 } };

	acpi.nr_nmis = ARRAY_LEN(nmis);
	acpi.nmis = nmis;
	regs[APIC_ID / 4] = 9;
	lapic_init_cpu();
	assert_int_equal(lvt(APIC_LVT_LINT0), APIC_LVT_MASKED | VECTOR_SPURIOUS);
	assert_int_equal(lvt(APIC_LVT_LINT1), APIC_DM_NMI << 8);
	regs[APIC_ID / 4] = 7;
	start_cpu(1);
	assert_int_equal(lvt(APIC_LVT_LINT0), APIC_DM_NMI << 8);
	assert_int_equal(lvt(APIC_LVT_LINT1), APIC_DM_NMI << 8);
}

static void firmware_may_opt_out_of_x2apic(void **state)
{
	lapic_choose_mode();
	lapic_init_cpu();
	assert_true(x2apic_seen && apic_base & APIC_BASE_EXTD);
	setup(state);
	acpi.x2apic_opt_out = true;
	lapic_choose_mode();
	lapic_init_cpu();
	assert_false(x2apic_seen || apic_base & APIC_BASE_EXTD || cpu_features.x2apic);
	assert_non_null(strstr(fake_last_message, "not in x2APIC mode, as the firmware asks"));
	assert_int_equal(lvt(APIC_SVR), APIC_SVR_ENABLE | VECTOR_SPURIOUS);
	/* It says so, and has left it on. */
	setup(state);
	acpi.x2apic_opt_out = true;
	apic_base |= APIC_BASE_EXTD;
	lapic_choose_mode();
	lapic_init_cpu();
	assert_true(x2apic_seen && cpu_features.x2apic);
}

static void deadline_mode_needs_microcode(void **state)
{
	static const struct { u8 family, model, stepping; u32 revision; bool works; } c[] = {
		{ 6, 0x3c, 3, 0x21, false }, { 6, 0x3c, 3, 0x22, true }, { 6, 0x3c, 3, 0, true },
		{ 6, 0x3f, 2, 0x39, false }, { 6, 0x3f, 2, 0x3a, true }, { 6, 0x3f, 4, 0x10, true },
		{ 6, 0x3f, 4, 0x0e, false }, { 6, 0x4f, 1, 0x0b00001f, false },
		{ 6, 0x4f, 1, 0x0b000020, true }, { 6, 0x56, 5, 0x0e000002, false },
		{ 6, 0x56, 4, 0x0f00000b, false }, { 6, 0x55, 4, 0x02000013, false },
		{ 6, 0x55, 7, 1, true }, { 6, 0x9e, 9, 0x51, false }, { 6, 0x9e, 10, 0x52, true },
		{ 6, 0x8f, 8, 1, true }, { 15, 0x3c, 3, 1, true },
	};

	for (unsigned int i = 0; i < ARRAY_LEN(c); i++) {
		setup(state);
		cpu_features.family = c[i].family;
		cpu_features.model = c[i].model;
		cpu_features.stepping = c[i].stepping;
		revision = c[i].revision;
		lapic_choose_mode();
		assert_int_equal(cpu_features.tsc_deadline, c[i].works);
		assert_int_equal(!!strstr(fake_last_message, "deadline mode has an erratum"), !c[i].works);
	}
	/* another vendor's */
	setup(state);
	cpu_features.intel = false;
	cpu_features.model = 0x3c;
	lapic_choose_mode();
	assert_true(cpu_features.tsc_deadline);
	/* one that has no deadline mode has none to lose */
	cpu_features.intel = true;
	cpu_features.tsc_deadline = false;
	lapic_choose_mode();
	assert_string_equal(fake_last_message, "");
}

#define T(fn) cmocka_unit_test_setup(fn, setup)
static const struct CMUnitTest tests[] = {
	T(firmware_keeps_its_thermal_smi), T(old_apics_have_no_thermal_entry),
	T(nmis_come_where_the_madt_says), T(firmware_may_opt_out_of_x2apic),
	T(deadline_mode_needs_microcode),
};
UNIT_MAIN(tests)

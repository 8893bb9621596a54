/* SPDX-License-Identifier: GPL-2.0-only */
/* cpufreq=hwp: what each vendor's CPU is told, and what is said of one that cannot. */
#include "test/unit/unit.h"

#include "arch/x86/cpu.h"
static struct cpuid_regs test_cpuid(u32 leaf, u32 subleaf);
#define cpuid test_cpuid
#include "arch/x86/cpufreq.c"

struct cpu_features cpu_features;
static u32 leaf6, leaf8, option = CPUFREQ_HWP;
static u64 caps, request;
static u32 enabled, refused;	/* MSRs */

static struct cpuid_regs test_cpuid(u32 leaf, u32 subleaf)
{
	switch (leaf) {
	case 0:
		return (struct cpuid_regs){ .a = 0x16 };
	case 6:
		return (struct cpuid_regs){ .a = leaf6 };
	case 0x80000000:
		return (struct cpuid_regs){ .a = 0x80000021 };
	}
	return (struct cpuid_regs){ .b = leaf8 };
}

int option_choice(const char *name)
{
	assert_string_equal(name, "cpufreq");
	return (int)option;
}

/* The others exist only once it is on. */
int rdmsr_safe(u32 msr, u64 *val)
{
	assert_int_equal(msr, cpu_features.amd ? 0xc00102b0 : 0x771);
	*val = caps;
	return enabled ? 0 : -1;
}

int wrmsr_safe(u32 msr, u64 val)
{
	if (msr == refused)
		return -1;
	if (msr == (cpu_features.amd ? 0xc00102b1 : 0x770)) {
		assert_int_equal(val, 1);
		enabled = 1;
		return 0;
	}
	assert_int_equal(msr, cpu_features.amd ? 0xc00102b3 : 0x774);
	request = val;
	return enabled ? 0 : -1;
}

static void start(bool amd, u64 capabilities)
{
	cpu_features.amd = amd;
	caps = capabilities;
	request = enabled = 0;
	fake_last_message[0] = '\0';
	fake_run_on(0, NULL);
	cpufreq_init_cpu();
}

static void intel(void **state)
{
	leaf6 = BIT(7) | BIT(10);
	start(false, 0x010a1c2aull);	/* lowest 1, efficient 10, guaranteed 28, highest 42 */
	assert_int_equal(request, 0x80002a01);
	assert_non_null(strstr(fake_last_message, "by their load"));
	leaf6 = BIT(7);	/* the preference is reserved then */
	start(false, 0x010a1c2aull);
	assert_int_equal(request, 0x2a01);
}

static void amd(void **state)
{
	leaf8 = BIT(27);
	start(true, 0xc4783c14ull);	/* highest 196, lowest 20 */
	assert_int_equal(request, 0x800014c4);
}

static void those_that_cannot(void **state)
{
	leaf6 = leaf8 = 0;
	for (int vendor = 0; vendor < 2; vendor++) {
		start(vendor, 0x010a1c2aull);
		assert_int_equal(enabled, 0);
		assert_non_null(strstr(fake_last_message, "cannot"));
	}
	leaf6 = BIT(7);
	refused = 0x770;
	start(false, 0x010a1c2aull);
	refused = 0;
	assert_int_equal(request, 0);
	assert_non_null(strstr(fake_last_message, "cannot"));
}

static void not_asked_for(void **state)
{
	leaf6 = BIT(7);
	option = CPUFREQ_NONE;
	start(false, 0x010a1c2aull);
	option = CPUFREQ_HWP;
	assert_int_equal(enabled, 0);
	assert_string_equal(fake_last_message, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(intel), UNIT_TEST(amd), UNIT_TEST(those_that_cannot), UNIT_TEST(not_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: common/hypercall.c common/version.c common/option.c common/vsnprintf.c */
#include "test/abi/refused.h"
#include "test/unit/unit.h"

#include <public/features.h>
#include <public/version.h>

#include "common/hypercall.h"
#include "common/option.h"
#include "common/version.h"

static struct domain *dom0, *guest;
static unsigned long seen[5], rewritten[6];
static unsigned int calls;
static bool continue_next;

/* Handlers that the table names and this test does not build. */
#define HANDLER(fn) \
	long fn(unsigned long a1, unsigned long a2, unsigned long a3, unsigned long a4, unsigned long a5) \
	{ \
		calls++; \
		memcpy(seen, (unsigned long[]){ a1, a2, a3, a4, a5 }, sizeof(seen)); \
		if (continue_next) { \
			continue_next = false; \
			return hypercall_continue(__HYPERVISOR_memory_op, a1 + 1, a2, 0, 0); \
		} \
		return 42; \
	}
HANDLER(do_platform_op)
HANDLER(do_memory_op)
HANDLER(do_console_io)
HANDLER(do_grant_table_op)
HANDLER(do_vcpu_op)
HANDLER(do_sched_op)
HANDLER(do_event_channel_op)
HANDLER(do_physdev_op)
HANDLER(do_hvm_op)
HANDLER(do_sysctl)
HANDLER(do_domctl)
HANDLER(do_hypfs_op)
HANDLER(do_arch_0)

void arch_hypercall_rewrite(unsigned long nr, const unsigned long args[5])
{
	rewritten[0] = nr;
	memcpy(&rewritten[1], args, 5 * sizeof(args[0]));
}

static int setup(void **state)
{
	fake_reset();
	dom0 = fake_domain(0, 1);
	guest = fake_domain(1, 2);
	fake_run_on(0, dom0->vcpu[0]);
	option_init("");
	version_init();
	calls = 0;
	continue_next = false;
	return 0;
}

static void table_calls_with_five_arguments(void **state)
{
	const unsigned long args[5] = { 1, 2, 3, 4, 5 };

	assert_int_equal(hypercall_dispatch(__HYPERVISOR_memory_op, 1, 2, 3, 4, 5), 42);
	assert_memory_equal(seen, args, sizeof(args));
	assert_int_equal(pcpus[0]->nr_hypercalls, 1);
}

static void unknown_numbers(void **state)
{
	static const unsigned long numbers[] = { 0, 1, 2, 11, 37, 39, 47,
						 63, 64, 65, ~0ul };

	for (unsigned int i = 0; i < ARRAY_LEN(numbers); i++)
		assert_int_equal(hypercall_dispatch(numbers[i], 0, 0, 0, 0, 0), -ENOSYS);
	assert_int_equal(calls, 0);
}

static void control_calls_are_for_the_control_domain(void **state)
{
	static const unsigned long numbers[] = { __HYPERVISOR_domctl, __HYPERVISOR_sysctl,
						 __HYPERVISOR_platform_op, __HYPERVISOR_hypfs_op };

	for (unsigned int i = 0; i < ARRAY_LEN(numbers); i++) {
		fake_run_on(0, guest->vcpu[0]);
		assert_int_equal(hypercall_dispatch(numbers[i], 0, 0, 0, 0, 0), -EPERM);
		fake_run_on(0, dom0->vcpu[0]);
		assert_int_equal(hypercall_dispatch(numbers[i], 0, 0, 0, 0, 0), 42);
	}
}

static void continuation_rewrites_registers(void **state)
{
	continue_next = true;
	hypercall_dispatch(__HYPERVISOR_memory_op, 7, 8, 0, 0, 0);
	assert_true(dom0->vcpu[0]->hypercall_continued);
	assert_int_equal(rewritten[0], __HYPERVISOR_memory_op);
	assert_int_equal(rewritten[1], 8);
	assert_int_equal(rewritten[2], 8);
	/* the next call does not inherit it */
	hypercall_dispatch(__HYPERVISOR_memory_op, 7, 8, 0, 0, 0);
	assert_false(dom0->vcpu[0]->hypercall_continued);
}

static void preemption_comes_and_starts_anew(void **state)
{
	unsigned int n = 0;

	hypercall_dispatch(__HYPERVISOR_memory_op, 0, 0, 0, 0, 0);
	while (!hypercall_preempt_check())
		assert_true(++n < 1000);
	assert_true(n > 8);
	hypercall_dispatch(__HYPERVISOR_memory_op, 0, 0, 0, 0, 0);
	assert_false(hypercall_preempt_check());
	pcpus[0]->work = BIT(WORK_TIMER);
	assert_true(hypercall_preempt_check());
}

static void multicall_gives_each_its_result(void **state)
{
	struct multicall_entry list[3] = {
		{ .op = __HYPERVISOR_memory_op, .args = { 1 } },
		{ .op = 63 },
		{ .op = __HYPERVISOR_multicall },
	};

	assert_int_equal(do_multicall((unsigned long)list, 3, 0, 0, 0), 0);
	assert_int_equal(list[0].result, 42);
	assert_int_equal((long)list[1].result, -ENOSYS);
	assert_int_equal((long)list[2].result, -EINVAL);
	assert_int_equal(do_multicall((unsigned long)list, 1ul << 40, 0, 0, 0), -EINVAL);
	assert_int_equal(do_multicall(16, 1, 0, 0, 0), -EFAULT);
}

static void multicall_entry_keeps_its_continuation(void **state)
{
	struct multicall_entry list[2] = { { .op = __HYPERVISOR_memory_op, .args = { 5, 6 } },
					   { .op = __HYPERVISOR_memory_op } };

	continue_next = true;
	do_multicall((unsigned long)list, 2, 0, 0, 0);
	assert_true(dom0->vcpu[0]->hypercall_continued);
	assert_int_equal(list[0].args[0], 6);
	assert_int_equal(rewritten[0], __HYPERVISOR_multicall);
	assert_int_equal(rewritten[1], (unsigned long)list);
	assert_int_equal(rewritten[2], 2);
	assert_int_equal(calls, 1);
}

static void multicall_does_not_give_a_guest_more_rights(void **state)
{
	struct multicall_entry e = { .op = __HYPERVISOR_domctl };

	fake_run_on(0, guest->vcpu[0]);
	assert_int_equal(do_multicall((unsigned long)&e, 1, 0, 0, 0), 0);
	assert_int_equal((long)e.result, -EPERM);
}

static void vm_assist(void **state)
{
	assert_int_equal(do_vm_assist(VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag, 0, 0, 0), 0);
	assert_true(test_bit(VMASST_TYPE_runstate_update_flag, &dom0->vm_assist));
	assert_int_equal(do_vm_assist(VMASST_CMD_disable, VMASST_TYPE_runstate_update_flag, 0, 0, 0), 0);
	assert_int_equal(dom0->vm_assist, 0);
	assert_int_equal(do_vm_assist(VMASST_CMD_enable, 0, 0, 0, 0), -EINVAL);
	assert_int_equal(do_vm_assist(VMASST_CMD_enable, ~0ul, 0, 0, 0), -EINVAL);
	assert_int_equal(do_vm_assist(9, VMASST_TYPE_runstate_update_flag, 0, 0, 0), -ENOSYS);
}

static long ver(unsigned int cmd, void *arg)
{
	return do_xen_version(cmd, (unsigned long)arg, 0, 0, 0);
}

static void version_strings(void **state)
{
	static char big[1024];
	struct xen_compile_info info;
	struct { u32 len; char buf[1024]; } var = { .len = sizeof(var.buf) };

	assert_int_equal(ver(XENVER_version, NULL), 4 << 16 | 17);
	memset(big, 'x', sizeof(big));
	assert_int_equal(ver(XENVER_extraversion, big), 0);
	assert_true(strlen(big) < 16);
	assert_int_equal(big[15], 0);
	assert_int_equal(big[16], 'x');
	assert_int_equal(ver(XENVER_capabilities, big), 0);
	assert_non_null(strstr(big, "hvm-3.0-x86_32 "));
	assert_non_null(strstr(big, "hvm-3.0-x86_64"));
	assert_int_equal(ver(XENVER_compile_info, &info), 0);
	assert_int_equal(ver(XENVER_build_id, big), -ENODATA);
	assert_int_equal(ver(XENVER_pagesize, NULL), 4096);
	assert_int_equal(ver(XENVER_extraversion, (void *)16), -EFAULT);
	assert_int_equal(ver(15, NULL), -ENOSYS);
	assert_int_equal(ver(XENVER_capabilities2, NULL), -ENOSYS);
	option_init("xen_version=4.20");
	version_init();
	assert_int_equal(ver(XENVER_version, NULL), 4 << 16 | 20);
	/* the 4.18 forms: length first, then the bytes without a final 0 */
	assert_int_equal(ver(XENVER_capabilities2, NULL), (long)strlen(big));
	assert_int_equal(ver(XENVER_capabilities2, &var), (long)strlen(big));
	assert_memory_equal(var.buf, big, strlen(big));
	var.len = 3;
	assert_int_equal(ver(XENVER_capabilities2, &var), -ENOBUFS);
	var.len = 0;
	assert_int_equal(ver(XENVER_capabilities2, &var), -EINVAL);
}

/* do_xen_version() looks at each row, and finds a handler there (hypercall_test.mutants). */
static void any_guest_may_ask_for_a_version(void **state)
{
	static char big[4096];

	fake_run_on(0, guest->vcpu[0]);
	for (unsigned int cmd = 0; cmd <= XENVER_commandline2; cmd++) {
		long rc = ver(cmd, big);

		assert_true(rc != -EPERM && (rc != -ENOSYS || cmd >= XENVER_extraversion2));
	}
	assert_int_equal(ver(XENVER_commandline2 + 1, big), -ENOSYS);
	assert_int_equal(do_xen_version(1ul << 60, (unsigned long)big, 0, 0, 0), -ENOSYS);
}

static void command_line_names_dom0s_memory(void **state)
{
	static char line[1024];

	dom0->max_pages = MiB(512) >> PAGE_SHIFT;
	option_init("sched=null");
	assert_int_equal(ver(XENVER_commandline, line), 0);
	assert_string_equal(line, "sched=null dom0_mem=512M,max:512M");
	option_init("dom0_mem=300M");
	assert_int_equal(ver(XENVER_commandline, line), 0);
	assert_string_equal(line, "dom0_mem=300M");
	fake_run_on(0, guest->vcpu[0]);
	assert_int_equal(ver(XENVER_commandline, line), 0);
	assert_string_equal(line, "");
}

static void features(void **state)
{
	struct xen_feature_info fi = { .submap_idx = 0 };

	assert_int_equal(ver(XENVER_get_features, &fi), 0);
	assert_true(fi.submap & BIT(XENFEAT_auto_translated_physmap));
	assert_true(fi.submap & BIT(XENFEAT_dom0));
	assert_true(fi.submap & BIT(XENFEAT_hvm_safe_pvclock));
	assert_false(fi.submap & BIT(XENFEAT_hvm_pirqs));
	fake_run_on(0, guest->vcpu[0]);
	assert_int_equal(ver(XENVER_get_features, &fi), 0);
	assert_false(fi.submap & BIT(XENFEAT_dom0));
	fi.submap_idx = 1;
	assert_int_equal(ver(XENVER_get_features, &fi), -EINVAL);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)
static const struct CMUnitTest tests[] = {
	TEST(table_calls_with_five_arguments),
	TEST(unknown_numbers),
	TEST(control_calls_are_for_the_control_domain),
	TEST(continuation_rewrites_registers),
	TEST(preemption_comes_and_starts_anew),
	TEST(multicall_gives_each_its_result),
	TEST(multicall_entry_keeps_its_continuation),
	TEST(multicall_does_not_give_a_guest_more_rights),
	TEST(vm_assist),
	TEST(version_strings),
	TEST(any_guest_may_ask_for_a_version),
	TEST(command_line_names_dom0s_memory),
	TEST(features),
};

UNIT_MAIN(tests)

/* SPDX-License-Identifier: GPL-2.0-only */
/* SOURCES: common/efi.c common/platform_op.c arch/x86/efi.c */
/* EFI's runtime services for Dom0, with a firmware that keeps one variable, and does worse. */
#include "test/unit/unit.h"

#include <public/errno.h>
#include <public/platform.h>

#include "arch/x86/mitigations.h"
#include "arch/x86/mm.h"
#include "arch/x86/pcpu.h"
#include "common/console.h"
#include "common/efi.h"
#include "common/hypercall.h"
#include "common/option.h"

#define EFI_BUFFER_TOO_SMALL (BIT(63) | 5)
#define EFI_NOT_FOUND (BIT(63) | 14)

static struct efi_system st;
static struct efi_runtime rt;
static struct domain *dom0;
static struct xen_platform_op op;
#define call op.u.efi_runtime_call
#define info op.u.firmware_info
#define variable call.u.get_variable
static u16 name[2048];
static u8 data[80000];
static bool on, mapped;
static paddr_t root;
static enum ist_use ist = IST_NMI;

u32 mitigations;
struct cpu_features cpu_features;
const char efi_return[1];
extern u64 efi_stack;

bool option_flag(const char *option)
{
	assert_string_equal(option, "efi");
	return on;
}

const void *map_firmware(paddr_t pa, size_t len)
{
	return pa == 0x1000 ? (void *)&st : pa == 0x2000 ? (void *)&rt : NULL;
}

u64 *map_runtime(void)
{
	return mapped ? alloc_page() : NULL;
}

u64 keel_cr3(void)
{
	return root;
}

void wallclock_set(u64 sec, u32 nsec, u64 system_time)
{
}

void arch_cpu_ids(unsigned int cpu, struct xenpf_pcpuinfo *cpu_info)
{
}

void traps_use_ist(enum ist_use use)
{
	ist = use;
}

/* --- The firmware ---------------------------------------------------------- */

static struct {
	unsigned int calls, left, entered;	/* services called; a vCPU's state saved, loaded */
	bool idle;				/* no vCPU runs */
	u64 last;
	const void *args[5];
	u16 name[1024];
	u32 attr;
	u64 size, says;		/* says: what it says of the size, if it lies */
	u64 most;		/* room for a variable; 0: for any */
	u8 data[65536];
	u64 status;
	void (*during)(void);
} fw;

void arch_context_switch(struct vcpu *prev, struct vcpu *next)
{
	assert_true((prev->idle || next->idle) && ist == IST_NMI);
	*(prev->idle ? &fw.entered : &fw.left) += prev != next;
	this_cpu()->curr = next;
}

static u64 fw_variable(u64 service, const void *const a[5])
{
	u64 *size = (u64 *)(service == EFI_GET_VARIABLE ? a[3] : a[0]), room;

	if (service == EFI_SET_VARIABLE) {
		if (fw.most && (u64)a[3] > fw.most)
			return EFI_OUT_OF_RESOURCES;
		for (const u16 *c = a[0]; *c; c++)
			fw.name[c - (const u16 *)a[0]] = *c;
		fw.attr = (u32)(u64)a[2];
		fw.size = (u64)a[3];
		memcpy(fw.data, a[4], fw.size);
		return 0;
	}
	room = *size;
	*size = fw.says ? fw.says : fw.size;
	if (room < fw.size)
		return EFI_BUFFER_TOO_SMALL;
	if (service == EFI_GET_VARIABLE) {
		*(u32 *)a[2] = fw.attr;
		memcpy((void *)a[4], fw.data, fw.size);
	} else {
		memcpy((void *)a[1], fw.data, fw.size);
		memset((void *)a[2], 0x77, 16);
	}
	return 0;
}

/* Services are known by the numbers that stand for their addresses. */
u64 efi_call(const void *const args[5], u64 service, paddr_t top)
{
	assert_true(current->idle && fw.left == fw.entered + !fw.idle && ist == IST_ALL);
	assert_memory_equal((u8 *)pa_to_virt(top) + PAGE_SIZE / 2,
			    (u8 *)pa_to_virt(root) + PAGE_SIZE / 2, PAGE_SIZE / 2);
	fw.calls++;
	fw.last = service - 0x100;
	memcpy(fw.args, args, sizeof(fw.args));
	if (fw.during)
		fw.during();
	switch (fw.last) {
	case EFI_GET_TIME:
		memcpy((void *)args[0], &(struct xenpf_efi_time){ .year = 2026, .month = 11 }, 16);
		((u32 *)args[1])[0] = 1;
		((u32 *)args[1])[1] = 50;
		((u8 *)args[1])[8] = 1;
		break;
	case EFI_GET_WAKEUP_TIME:
		*(u8 *)args[0] = 1;
		*(u8 *)args[1] = 1;
		memcpy((void *)args[2], &(struct xenpf_efi_time){ .year = 2027 }, 16);
		break;
	case EFI_SET_TIME:
		assert_int_equal(*(u16 *)args[0], 1999);
		break;
	case EFI_GET_VARIABLE:
	case EFI_GET_NEXT_VARIABLE:
	case EFI_SET_VARIABLE:
		return fw.status ? fw.status : fw_variable(fw.last, args);
	case EFI_QUERY_VARIABLES:
		for (unsigned int i = 1; i < 4; i++)
			*(u64 *)args[i] = 1000 * i + (u64)args[0];
		break;
	}
	return fw.status;
}

/* --- The tests ------------------------------------------------------------- */

static long run(u32 cmd)
{
	op.cmd = cmd;
	op.interface_version = XENPF_INTERFACE_VERSION;
	return do_platform_op((unsigned long)&op, 0, 0, 0, 0);
}

static long service(u32 function)
{
	call.function = function;
	return run(XENPF_efi_runtime_call);
}

static void machine(void)
{
	memset(&fw, 0, sizeof(fw));
	memset(&op, 0, sizeof(op));
	memset(data, 0xee, sizeof(data));
	root = virt_to_pa(alloc_page());
	memset(pa_to_virt(root), 0x5a, PAGE_SIZE);
	memset(name, 0, sizeof(name));
	memcpy(name, u"Boot0001", 18);
	st = (struct efi_system){ .h = { 0x5453595320494249, 0x20046 }, .runtime = 0x2000,
				  .nr_tables = 9, .tables = 0x3000 };
	rt = (struct efi_runtime){ .h = { 0x56524553544e5552, 0x20050 } };
	for (unsigned int i = 0; i < NR_EFI_SERVICES; i++)
		rt.services[i] = 0x100 + i;
	on = mapped = true;
	efi_system = NULL;
	boot_info = (struct boot_info){ .efi_system = 0x1000, .nr_ranges = 4, .ranges = {
		{ 0x1000, 0x1000, BOOT_RANGE_RESERVED, BOOT_RANGE_EFI_RUNTIME },
		{ 0x2000, 0x1000, BOOT_RANGE_RAM }, { 0x3000, 0x2000, BOOT_RANGE_ACPI },
		{ 0x9000, 0x1000, BOOT_RANGE_UNUSABLE } } };
	efi_init();
	dom0 = fake_domain(0, 1);
	fake_run_on(1, dom0->vcpu[0]);
}

static void absent(void **state)
{
	const struct { u64 *field, val; } bad[] = {
		{ &boot_info.efi_system, 0 }, { &boot_info.efi_system, 0x5000 }, { &st.h.signature, 5 },
		{ &rt.h.signature, 5 }, { &st.runtime, 0x5000 },
	};

	for (unsigned int i = 0; i < ARRAY_LEN(bad); i++) {
		machine();
		assert_ptr_equal(efi_system, &st);
		efi_system = NULL;
		*bad[i].field = bad[i].val;
		efi_init();
		assert_null(efi_system);
		info.type = XEN_FW_EFI_INFO;
		assert_int_equal(run(XENPF_firmware_info), -EOPNOTSUPP);
		assert_int_equal(service(XEN_EFI_get_time), -EOPNOTSUPP);
		fake_reset();
	}
	machine();
	efi_system = NULL;
	mapped = false;
	efi_init();
	assert_null(efi_system);
	mapped = true;
	on = false;
	efi_init();
	assert_null(efi_system);
}

static void tables(void **state)
{
	static const struct { u64 addr; u32 type; u64 size, attr; } mem[] = {
		{ 0x1800, 6, 0x800, BIT(63) | 8 }, { 0x2000, 7, 0x1000, 8 }, { 0x3000, 9, 0x1800, 8 },
		{ 0x9000, 0, 0x1000, 8 },
	};

	machine();
	assert_int_equal(run(XENPF_firmware_info), -EOPNOTSUPP);
	info.type = XEN_FW_EFI_INFO;
	assert_int_equal(run(XENPF_firmware_info), 0);
	assert_int_equal(info.u.efi_info.version, 0x20046);
	info.index = XEN_FW_EFI_RT_VERSION;
	assert_int_equal(run(XENPF_firmware_info), 0);
	assert_int_equal(info.u.efi_info.version, 0x20050);
	info.index = XEN_FW_EFI_CONFIG_TABLE;
	assert_int_equal(run(XENPF_firmware_info), 0);
	assert_true(info.u.efi_info.cfg.addr == 0x3000 && info.u.efi_info.cfg.nent == 9);
	info.index = XEN_FW_EFI_MEM_INFO;
	for (unsigned int i = 0; i < ARRAY_LEN(mem); i++) {
		info.u.efi_info.mem.addr = mem[i].addr;
		info.u.efi_info.mem.size = i == 2 ? 0x1800 : ~mem[i].addr;
		assert_int_equal(run(XENPF_firmware_info), 0);
		assert_int_equal(info.u.efi_info.mem.type, mem[i].type);
		assert_int_equal(info.u.efi_info.mem.size, mem[i].size);
		assert_true(info.u.efi_info.mem.attr == mem[i].attr);
	}
	info.u.efi_info.mem.addr = 0x5000;
	assert_int_equal(run(XENPF_firmware_info), -ESRCH);
	info.index = 2;
	assert_int_equal(run(XENPF_firmware_info), -EOPNOTSUPP);
	assert_int_equal(fw.calls, 0);
}

static void times(void **state)
{
	machine();
	assert_int_equal(service(XEN_EFI_get_time), 0);
	assert_true(call.status == 0 && call.misc == XEN_EFI_GET_TIME_SET_CLEARS_NS);
	assert_true(call.u.get_time.time.year == 2026 && call.u.get_time.time.month == 11);
	assert_true(call.u.get_time.resolution == 1 && call.u.get_time.accuracy == 50);
	call.misc = 0;
	call.u.set_time.year = 1999;
	assert_int_equal(service(XEN_EFI_set_time), 0);
	assert_int_equal(fw.last, EFI_SET_TIME);
	assert_int_equal(service(XEN_EFI_get_wakeup_time), 0);
	assert_int_equal(call.misc, XEN_EFI_GET_WAKEUP_TIME_ENABLED | XEN_EFI_GET_WAKEUP_TIME_PENDING);
	assert_int_equal(call.u.get_wakeup_time.year, 2027);
	call.misc = XEN_EFI_SET_WAKEUP_TIME_ENABLE;
	assert_int_equal(service(XEN_EFI_set_wakeup_time), 0);
	assert_true(fw.args[0] == (void *)1 && *(u16 *)fw.args[1] == 2027);
	call.misc = XEN_EFI_SET_WAKEUP_TIME_ENABLE | XEN_EFI_SET_WAKEUP_TIME_ENABLE_ONLY;
	fw.status = EFI_UNSUPPORTED;
	assert_int_equal(service(XEN_EFI_set_wakeup_time), 0);
	assert_true(fw.args[0] == (void *)1 && !fw.args[1] && call.status == EFI_UNSUPPORTED);
	assert_true(fw.calls == 5 && fw.left == 5 && fw.entered == 5 && current == dom0->vcpu[0]);
}

static void arguments(void **state)
{
	machine();
	for (u32 function = 0; function < 20; function++) {
		fw.calls = 0;
		call.misc = function == XEN_EFI_set_wakeup_time ? 4 : 1;
		variable.name = 8;
		assert_int_equal(service(function), function == XEN_EFI_set_variable ? -EFAULT : -EINVAL);
		call.misc = 0;
		if (function > XEN_EFI_update_capsule || function == 0 || function == 5)
			assert_int_equal(service(function), -ENOSYS);
		assert_int_equal(fw.calls, 0);
	}
	assert_int_equal(service(XEN_EFI_query_capsule_capabilities), 0);
	assert_true(call.status == EFI_UNSUPPORTED);
	call.status = 0;
	fake_last_message[0] = 0;
	assert_int_equal(service(XEN_EFI_update_capsule), 0);
	assert_true(call.status == EFI_UNSUPPORTED && strstr(fake_last_message, "capsules"));
	assert_int_equal(fw.calls, 0);
	call.u.query_variable_info.attr = 7;
	assert_int_equal(service(XEN_EFI_query_variable_info), 0);
	assert_int_equal(call.u.query_variable_info.max_store_size, 1007);
	assert_int_equal(call.u.query_variable_info.remain_store_size, 2007);
	assert_int_equal(call.u.query_variable_info.max_size, 3007);
	assert_int_equal(run(XENPF_efi_runtime_call), 0);
	dom0->control = false;
	assert_int_equal(run(XENPF_efi_runtime_call), -EPERM);
	dom0->control = true;
}

static long get(u64 size)
{
	call = (struct xenpf_efi_runtime_call){ 0 };
	variable.name = (u64)name;
	variable.data = (u64)data;
	variable.size = size;
	return service(XEN_EFI_get_variable);
}

static void reading(void **state)
{
	machine();
	fw.attr = 7;
	fw.size = 100;
	memset(fw.data, 3, sizeof(fw.data));
	assert_int_equal(get(0), 0);
	assert_true(call.status == EFI_BUFFER_TOO_SMALL && variable.size == 100 && data[0] == 0xee);
	assert_int_equal(get(200), 0);
	assert_true(!call.status && variable.size == 100 && call.misc == 7);
	assert_true(data[99] == 3 && data[100] == 0xee);
	assert_memory_equal(fw.args[0], u"Boot0001", 18);
	/* A service that claims to have written more. */
	fw.says = 300;
	assert_int_equal(get(200), 0);
	assert_true(data[199] != 0xee && data[200] == 0xee);
	fw.says = 0;
	fw.size = 65536;
	assert_int_equal(get(80000), 0);
	assert_true(!call.status && data[65535] == 3 && data[65536] == 0xee);
	fw.says = fw.size = 70000;
	assert_int_equal(get(80000), 0);
	assert_true(call.status == EFI_BUFFER_TOO_SMALL && variable.size == 70000);
	fw.says = fw.size = 0;
	fw.status = EFI_NOT_FOUND;
	memset(data, 0xee, sizeof(data));
	assert_int_equal(get(10), 0);
	assert_true(call.status == EFI_NOT_FOUND && data[0] == 0xee);
	fw.status = 0;
	/* Names: the longest, one without an end, one that is not there; data that is nowhere. */
	memset(name, 1, sizeof(name));
	name[1023] = 0;
	assert_int_equal(get(10), 0);
	name[1023] = 5;
	fw.calls = 0;
	assert_int_equal(get(10), -EINVAL);
	variable.name = 8;
	assert_int_equal(service(XEN_EFI_get_variable), -EFAULT);
	assert_int_equal(fw.calls, 0);
	fw.size = 4;
	name[1] = 0;
	variable.name = (u64)name;
	variable.data = 8;
	variable.size = 4;
	assert_int_equal(service(XEN_EFI_get_variable), -EFAULT);
	assert_int_equal(fw.calls, 1);
}

static void writing(void **state)
{
	machine();
	variable.name = (u64)name;
	variable.data = (u64)data;
	variable.size = 65536;
	variable.vendor_guid.data1 = 0x8be4df61;
	call.misc = 0xffffffff;
	assert_int_equal(service(XEN_EFI_set_variable), 0);
	assert_true(!call.status && fw.attr == 0xffffffff && fw.size == 65536 && fw.data[65535] == 0xee);
	assert_memory_equal(fw.name, u"Boot0001", 18);
	assert_int_equal(*(u32 *)fw.args[1], 0x8be4df61);
	fw.calls = 0;
	variable.size++;
	assert_int_equal(service(XEN_EFI_set_variable), 0);
	assert_true(call.status == EFI_OUT_OF_RESOURCES);
	variable.size = 10;
	variable.data = 8;
	assert_int_equal(service(XEN_EFI_set_variable), -EFAULT);
	variable.name = 8;
	assert_int_equal(service(XEN_EFI_set_variable), -EFAULT);
	assert_int_equal(fw.calls, 0);
}

static void listing(void **state)
{
	machine();
	fw.size = 20;
	memset(fw.data, 6, sizeof(fw.data));
	call.u.get_next_variable_name.name = (u64)name;
	call.u.get_next_variable_name.size = 10;
	assert_int_equal(service(XEN_EFI_get_next_variable_name), 0);
	assert_true(call.status == EFI_BUFFER_TOO_SMALL && call.u.get_next_variable_name.size == 20);
	assert_memory_equal(name, u"Boot0001", 18);
	assert_int_equal(service(XEN_EFI_get_next_variable_name), 0);
	assert_true(!call.status && name[9] == 0x606 && name[10] == 0);
	assert_int_equal(call.u.get_next_variable_name.vendor_guid.data1, 0x77777777);
	/* One that claims more than its buffer, and a guest with more room than that has. */
	fw.says = 5000;
	name[5] = 0;
	call.u.get_next_variable_name.size = sizeof(name);
	name[1024] = 0x1234;
	assert_int_equal(service(XEN_EFI_get_next_variable_name), 0);
	assert_int_equal(name[1024], 0x1234);
	call.u.get_next_variable_name.name = 8;
	assert_int_equal(service(XEN_EFI_get_next_variable_name), -EFAULT);
}

static void second_caller(void)
{
	struct xen_platform_op other = { .cmd = XENPF_efi_runtime_call,
					 .interface_version = XENPF_INTERFACE_VERSION,
					 .u.efi_runtime_call.function = XEN_EFI_get_time };

	fw.during = NULL;
	fake_run_on(2, dom0->vcpu[1]);
	do_platform_op((unsigned long)&other, 0, 0, 0, 0);
	assert_true(fake_continuation.continued && fake_continuation.args[0] == (unsigned long)&other);
	assert_int_equal(fake_continuation.nr, __HYPERVISOR_platform_op);
	fake_run_on(1, NULL);
}

static void one_at_a_time(void **state)
{
	machine();
	dom0 = fake_domain(3, 2);
	dom0->control = true;
	fake_run_on(1, dom0->vcpu[0]);
	fw.during = second_caller;
	assert_int_equal(service(XEN_EFI_get_time), 0);
	assert_int_equal(fw.calls, 1);
	call.misc = 0;
	assert_int_equal(service(XEN_EFI_get_time), 0);
	assert_int_equal(fw.calls, 2);
}

/* --- The log of a crash --- */

static char log_text[20000];
static size_t log_len;

size_t console_newest(char *buf, size_t len)
{
	len = min(len, log_len);
	memcpy(buf, log_text + log_len - len, len);
	return len;
}

static void crash(size_t len)
{
	for (log_len = 0; log_len < len; log_len++)
		log_text[log_len] = (char)('A' + log_len % 53);
	efi_keep_log();
	assert_null(efi_system);
}

static void kept(u64 size)
{
	assert_memory_equal(fw.name, u"KeelLog", 16);
	assert_memory_equal(fw.args[1], ((u32[]){ 0x3fa2489d, 0x48c23dcb, 0xda6d11a9, 0xb6f401b7 }), 16);
	assert_int_equal(fw.attr, 7);
	assert_int_equal(fw.size, size);
	assert_memory_equal(fw.data, log_text + log_len - size, size);
}

static void a_crash_is_kept(void **state)
{
	machine();
	crash(20000);
	kept(8192);
	assert_true(fw.calls == 1 && current == dom0->vcpu[0]);
	efi_keep_log(); /* once */
	assert_int_equal(fw.calls, 1);
	fake_reset();
	machine();
	fake_run_on(1, NULL);
	fw.idle = true;
	crash(100);
	kept(100);
	/* A firmware with little room, and with none; no log; no firmware. */
	fake_reset();
	machine();
	fw.most = 2500;
	crash(8192);
	kept(2048);
	assert_int_equal(fw.calls, 3);
	fake_reset();
	machine();
	fw.status = EFI_OUT_OF_RESOURCES;
	crash(8192);
	assert_int_equal(fw.calls, 14);
	fake_reset();
	machine();
	crash(0);
	assert_int_equal(fw.calls, 0);
	efi_system = NULL;
	crash(10);
	assert_int_equal(fw.calls, 0);
}

static void crash_in_a_service(void)
{
	fw.during = NULL;
	fake_run_on(2, NULL);
	crash(100);
	fake_run_on(1, NULL);
}

static void a_service_is_not_called_in_another(void **state)
{
	machine();
	fw.during = crash_in_a_service;
	assert_int_equal(service(XEN_EFI_get_time), 0);
	assert_int_equal(fw.calls, 1);
	assert_null(fw.name[0] ? fw.name : NULL);
}

static void fault(void)
{
	u64 rip = 0x1234, rsp = 0x5678;

	efi_stack = 0x9abc;
	fake_run_on(2, NULL);
	assert_false(efi_faulted(14, &rip, &rsp));
	assert_int_equal(rip, 0x1234);
	fake_run_on(1, NULL);
	assert_true(efi_faulted(14, &rip, &rsp));
	assert_true(rip == (u64)efi_return && rsp == 0x9abc && strstr(fake_last_message, "0x1234"));
}

/* The table may say anything. */
static void no_address(void **state)
{
	const u64 bad[] = { BIT(47), 0xffffffff80200000, BIT(63), ~0ull };

	for (unsigned int i = 0; i < ARRAY_LEN(bad); i++) {
		machine();
		rt.services[EFI_GET_TIME] = bad[i];
		assert_int_equal(service(XEN_EFI_get_time), 0);
		assert_true(call.status == EFI_DEVICE_ERROR && !fw.calls && !fw.left);
		call.u.set_time.year = 1999;
		assert_int_equal(service(XEN_EFI_set_time), 0);
		assert_true(!call.status && fw.calls == 1);
		fake_reset();
	}
}

/* Last: from then on no service is used. */
static void faults(void **state)
{
	u64 rip = 0, rsp = 0;

	machine();
	assert_false(efi_faulted(14, &rip, &rsp));
	fw.during = fault;
	assert_int_equal(service(XEN_EFI_get_time), 0);
	assert_true(call.status == EFI_DEVICE_ERROR && current == dom0->vcpu[0] && fw.entered == 1);
	assert_false(efi_faulted(14, &rip, &rsp));
	fw.during = NULL;
	call.misc = 0;
	call.status = 0;
	assert_int_equal(service(XEN_EFI_get_time), 0);
	assert_true(call.status == EFI_DEVICE_ERROR);
	assert_int_equal(fw.calls, 1);
}

static const struct CMUnitTest all[] = {
	UNIT_TEST(absent),
	UNIT_TEST(tables),
	UNIT_TEST(times),
	UNIT_TEST(arguments),
	UNIT_TEST(reading),
	UNIT_TEST(writing),
	UNIT_TEST(listing),
	UNIT_TEST(one_at_a_time),
	UNIT_TEST(no_address),
	UNIT_TEST(a_crash_is_kept),
	UNIT_TEST(a_service_is_not_called_in_another),
	UNIT_TEST(faults),
};

UNIT_MAIN(all)

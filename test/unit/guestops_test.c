/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SOURCES: common/vcpu_op.c common/hvm_op.c common/platform_op.c common/physdev_op.c
 * common/console_io.c common/efi.c
 */
#include "test/abi/refused.h"
#include "test/unit/unit.h"

#include <public/hvm/hvm_op.h>
#include <public/physdev.h>
#include <public/platform.h>
#include <public/vcpu.h>

#include "common/console.h"
#include "common/hypercall.h"
#include "common/pci.h"
#include "common/platform.h"
#include "common/sched.h"
#include "common/time.h"
#include "common/vcpu_op.h"

static struct domain *dom0, *guest;
static struct vcpu *v0, *v1;
static unsigned int moved, inits, nmis, pci_calls;
static u64 clock_sec, clock_time;
static char line[1024], guest_line[1024];
static size_t line_len, guest_len, room;

void evtchn_vcpu_info_moved(struct vcpu *v)
{
	moved++;
}

void vcpu_runstate_get(struct vcpu *v, struct vcpu_runstate_info *out)
{
	*out = (struct vcpu_runstate_info){ .state = RUNSTATE_running, .time = { 7 } };
}

int arch_vcpu_op_initialise(struct vcpu *v, u64 gva)
{
	inits++;
	return 0;
}

void arch_vcpu_send_nmi(struct vcpu *v)
{
	nmis++;
}

void wallclock_set(u64 sec, u32 nsec, u64 system_time)
{
	clock_sec = sec;
	clock_time = system_time;
}

void arch_cpu_ids(unsigned int cpu, struct xenpf_pcpuinfo *info)
{
	info->apic_id = 2 * cpu;
	info->acpi_id = 100 + cpu;
}

int arch_pci_device_add(u16 segment, u8 bus, u8 devfn, u32 flags, u16 physfn)
{
	pci_calls++;
	return 0;
}

int arch_pci_device_remove(u16 segment, u8 bus, u8 devfn)
{
	pci_calls++;
	return -ENODEV;
}

void console_line_write(const char *s, size_t len)
{
	memcpy(line + line_len, s, len);
	line_len += len;
}

size_t console_line_room(void)
{
	return room;
}

void console_guest_write(struct domain *d, const char *s, size_t len)
{
	memcpy(guest_line + guest_len, s, len);
	guest_len += len;
}

size_t console_read_input(char *buf, size_t len)
{
	buf[0] = 'k';
	return 1;
}

static int setup(void **state)
{
	fake_reset();
	dom0 = fake_domain(0, 1);
	guest = fake_domain(1, 3);
	v0 = guest->vcpu[0];
	v1 = guest->vcpu[1];
	fake_run_on(0, v0);
	moved = inits = nmis = pci_calls = 0;
	line_len = guest_len = 0;
	room = 65536;
	return 0;
}

static long vcpuop(unsigned int cmd, unsigned int id, void *arg)
{
	return do_vcpu_op(cmd, id, (unsigned long)arg, 0, 0);
}

static void vcpu_numbers(void **state)
{
	assert_int_equal(vcpuop(VCPUOP_is_up, 0, NULL), 1);
	assert_int_equal(vcpuop(VCPUOP_is_up, 3, NULL), -ENOENT);
	assert_int_equal(do_vcpu_op(VCPUOP_is_up, ~0ul, 0, 0, 0), -ENOENT);
	assert_int_equal(do_vcpu_op(VCPUOP_is_up, 1ul << 32, 0, 0, 0), -ENOENT);
	assert_int_equal(vcpuop(99, 0, NULL), -ENOSYS);
	assert_int_equal(vcpuop(VCPUOP_get_physid, 0, NULL), -EINVAL);
	assert_int_equal(vcpuop(VCPUOP_send_nmi, 1, NULL), 0);
	assert_int_equal(nmis, 1);
}

static void vcpus_go_up_and_down(void **state)
{
	assert_int_equal(vcpuop(VCPUOP_down, 1, NULL), 0);
	assert_int_equal(vcpuop(VCPUOP_is_up, 1, NULL), 0);
	assert_int_equal(fake_events.sleeps, 1);
	assert_int_equal(vcpuop(VCPUOP_down, 1, NULL), 0);
	assert_int_equal(fake_events.sleeps, 1);
	assert_int_equal(vcpuop(VCPUOP_up, 1, NULL), 0);
	assert_int_equal(fake_events.wakes, 1);
	v1->initialised = false;
	assert_int_equal(vcpuop(VCPUOP_up, 1, NULL), -EINVAL);
	assert_int_equal(vcpuop(VCPUOP_initialise, 1, NULL), 0);
	assert_int_equal(inits, 1);
	guest->shut_down = true;
	assert_int_equal(vcpuop(VCPUOP_initialise, 1, NULL), -EINVAL);
	assert_int_equal(inits, 1);
}

static void vcpu_info_moves_once(void **state)
{
	struct vcpu_register_vcpu_info reg = { .mfn = 9, .offset = 128 };
	mfn_t mfn = fake_populate(guest, 9);
	struct vcpu_info *there = (struct vcpu_info *)((char *)mfn_to_virt(mfn) + 128);

	v0->info->time.system_time = 0x1234;
	assert_int_equal(vcpuop(VCPUOP_register_vcpu_info, 0, &reg), 0);
	assert_int_equal(current->info_gfn, 9);
	assert_ptr_equal(v0->info, there);
	assert_int_equal(there->time.system_time, 0x1234);
	assert_int_equal(moved, 1);
	assert_int_equal(mfn_to_page(mfn)->ref, 2);
	assert_int_equal(vcpuop(VCPUOP_register_vcpu_info, 0, &reg), -EINVAL);
	assert_int_equal(mfn_to_page(mfn)->ref, 2);
}

static void vcpu_info_in_bad_places(void **state)
{
	struct vcpu_register_vcpu_info reg = { .mfn = 9, .offset = 4096 - 64 };

	assert_int_equal(vcpuop(VCPUOP_register_vcpu_info, 0, &reg), -EINVAL);	/* no page there */
	fake_populate(guest, 9);
	reg.offset = 4096 - 56;
	assert_int_equal(vcpuop(VCPUOP_register_vcpu_info, 0, &reg), -EINVAL);
	reg.offset = ~0u;
	assert_int_equal(vcpuop(VCPUOP_register_vcpu_info, 0, &reg), -EINVAL);
	reg.offset = 4;
	assert_int_equal(vcpuop(VCPUOP_register_vcpu_info, 0, &reg), -EINVAL);
	reg.offset = 0;
	assert_int_equal(vcpuop(VCPUOP_register_vcpu_info, 1, &reg), -EINVAL);	/* the vCPU is running */
	assert_int_equal(vcpuop(VCPUOP_register_vcpu_info, 0, (void *)8), -EFAULT);
	set_bit(VPF_DOWN, &v1->wait_flags);
	assert_int_equal(vcpuop(VCPUOP_register_vcpu_info, 1, &reg), 0);
	/* only in the guest's own RAM */
	p2m_write_lock(&guest->p2m);
	assert_true(get_page(virt_to_page(guest->shared_info), OWNER_NONE));
	assert_int_equal(p2m_set(guest, 20, virt_to_mfn(guest->shared_info), 0, P2M_SHARED), 0);
	p2m_write_unlock(guest);
	reg.mfn = 20;
	assert_int_equal(vcpuop(VCPUOP_register_vcpu_info, 0, &reg), -EINVAL);
}

static void runstate_area(void **state)
{
	struct vcpu_runstate_info *rs;
	struct vcpu_register_runstate_memory_area area;
	struct vcpu_runstate_info now_;
	mfn_t mfn = fake_populate(guest, 9);

	rs = (struct vcpu_runstate_info *)((char *)mfn_to_virt(mfn) + 64);
	area.addr.v = (u64)rs;
	assert_int_equal(vcpuop(VCPUOP_register_runstate_memory_area, 0, &area), 0);
	assert_true(v0->runstate_area.on);
	assert_int_equal(rs->time[0], 7);
	area.addr.v = 0;
	assert_int_equal(vcpuop(VCPUOP_register_runstate_memory_area, 0, &area), 0);
	assert_false(v0->runstate_area.on);
	area.addr.v = 16;
	assert_int_equal(vcpuop(VCPUOP_register_runstate_memory_area, 0, &area), -EFAULT);
	area.addr.v = (u64)rs + 4;
	assert_int_equal(vcpuop(VCPUOP_register_runstate_memory_area, 0, &area), -EFAULT);
	assert_int_equal(vcpuop(VCPUOP_register_runstate_memory_area, 0, (void *)8), -EFAULT);
	assert_int_equal(vcpuop(VCPUOP_get_runstate_info, 1, &now_), 0);
	assert_int_equal(now_.time[0], 7);
	assert_int_equal(vcpuop(VCPUOP_get_runstate_info, 1, (void *)8), -EFAULT);
}

static void timers_are_the_callers_own(void **state)
{
	struct vcpu_set_singleshot_timer set = { .timeout_abs_ns = 5 };

	assert_int_equal(vcpuop(VCPUOP_set_singleshot_timer, 0, &set), 0);
	assert_int_equal(vcpuop(VCPUOP_set_singleshot_timer, 1, &set), -EINVAL);
	assert_int_equal(vcpuop(VCPUOP_stop_singleshot_timer, 0, NULL), 0);
	assert_int_equal(vcpuop(VCPUOP_stop_singleshot_timer, 1, NULL), -EINVAL);
	assert_int_equal(vcpuop(VCPUOP_set_singleshot_timer, 0, (void *)8), -EFAULT);
	assert_int_equal(vcpuop(VCPUOP_set_periodic_timer, 0, (void *)8), -EFAULT);
	assert_int_equal(vcpuop(VCPUOP_stop_periodic_timer, 1, NULL), 0);
}

static long hvmop(unsigned int cmd, void *arg)
{
	return do_hvm_op(cmd, (unsigned long)arg, 0, 0, 0);
}

static void parameters_of_a_guest(void **state)
{
	struct xen_hvm_param p = { .domid = DOMID_SELF, .index = HVM_PARAM_CALLBACK_IRQ, .value = 1 };

	v0->info->evtchn_upcall_pending = 1;
	assert_int_equal(hvmop(HVMOP_set_param, &p), 0);
	assert_int_equal(guest->hvm_params[HVM_PARAM_CALLBACK_IRQ], 1);
	assert_int_equal(fake_events.upcalls, 1);	/* an event had come before */
	p.value = 9;
	assert_int_equal(hvmop(HVMOP_get_param, &p), 0);
	assert_int_equal(p.value, 1);
	p.index = HVM_PARAM_STORE_PFN;
	assert_int_equal(hvmop(HVMOP_set_param, &p), -EPERM);
	assert_int_equal(hvmop(HVMOP_get_param, &p), 0);
	p.index = HVM_PARAM_IDENT_PT;
	assert_int_equal(hvmop(HVMOP_get_param, &p), -EPERM);
	p.index = HVM_NR_PARAMS;
	assert_int_equal(hvmop(HVMOP_get_param, &p), -EINVAL);
	p = (struct xen_hvm_param){ .domid = 0 };
	assert_int_equal(hvmop(HVMOP_set_param, &p), -EPERM);
	assert_int_equal(hvmop(HVMOP_set_param, (void *)8), -EFAULT);
}

static void parameters_as_tools_set_them(void **state)
{
	struct xen_hvm_param p = { .domid = 1, .index = HVM_PARAM_ALTP2M };

	fake_run_on(0, dom0->vcpu[0]);
	assert_int_equal(hvmop(HVMOP_set_param, &p), 0);	/* libxl 4.17 must be able to */
	p.value = 1;
	assert_int_equal(hvmop(HVMOP_set_param, &p), -EOPNOTSUPP);
	p.index = HVM_PARAM_STORE_EVTCHN;
	assert_int_equal(hvmop(HVMOP_set_param, &p), 0);
	p.index = HVM_PARAM_TIMER_MODE;
	p.value = 4;
	assert_int_equal(hvmop(HVMOP_set_param, &p), -EINVAL);
	p.index = HVM_PARAM_IOREQ_SERVER_PFN;
	assert_int_equal(hvmop(HVMOP_set_param, &p), 0);
	p.value = 5;
	assert_int_equal(hvmop(HVMOP_set_param, &p), -EEXIST);
	for (u32 i = 0; i < HVM_NR_PARAMS; i++) {
		p.index = i;	/* `xl save` reads sixteen of them */
		assert_int_equal(hvmop(HVMOP_get_param, &p), 0);
	}
	p.domid = 9;
	assert_int_equal(hvmop(HVMOP_get_param, &p), -ESRCH);
}

/* A Linux that does not know that it is Dom0 gets a message once. Tools may ask without one. */
static void dom0_without_support(void **state)
{
	struct xen_hvm_param p = { .domid = DOMID_SELF, .index = HVM_PARAM_CONSOLE_EVTCHN };

	fake_last_message[0] = '\0';
	assert_int_equal(hvmop(HVMOP_get_param, &p), 0);	/* as a guest */
	fake_run_on(0, dom0->vcpu[0]);
	p.domid = 0;
	assert_int_equal(hvmop(HVMOP_get_param, &p), 0);
	p.domid = DOMID_SELF;
	p.index = HVM_PARAM_CALLBACK_IRQ;
	assert_int_equal(hvmop(HVMOP_get_param, &p), 0);
	assert_string_equal(fake_last_message, "");
	p.index = HVM_PARAM_CONSOLE_EVTCHN;
	assert_int_equal(hvmop(HVMOP_get_param, &p), 0);
	assert_non_null(strstr(fake_last_message, "without XEN_DOM0"));
	fake_last_message[0] = '\0';
	assert_int_equal(hvmop(HVMOP_get_param, &p), 0);
	assert_string_equal(fake_last_message, "");
}

static void upcall_vectors(void **state)
{
	struct xen_hvm_evtchn_upcall_vector up = { .vcpu = 1, .vector = 0xf3 };

	v1->info->evtchn_upcall_pending = 1;
	assert_int_equal(hvmop(HVMOP_set_evtchn_upcall_vector, &up), 0);
	assert_int_equal(v1->upcall_vector, 0xf3);
	assert_int_equal(fake_events.upcalls, 1);
	up.vector = 0xf;
	assert_int_equal(hvmop(HVMOP_set_evtchn_upcall_vector, &up), -EINVAL);
	up.vector = 0x20;
	up.vcpu = 3;
	assert_int_equal(hvmop(HVMOP_set_evtchn_upcall_vector, &up), -ENOENT);
}

static void other_hvm_ops(void **state)
{
	struct xen_hvm_get_time t;
	struct xen_hvm_get_mem_type m = { .domid = DOMID_SELF, .pfn = 9 };

	fake_now = 777;
	assert_int_equal(hvmop(HVMOP_get_time, &t), 0);
	assert_int_equal(t.now, 777);
	assert_int_equal(hvmop(HVMOP_get_mem_type, &m), 0);
	assert_int_equal(m.mem_type, HVMMEM_mmio_dm);
	fake_populate(guest, 9);
	assert_int_equal(hvmop(HVMOP_get_mem_type, &m), 0);
	assert_int_equal(m.mem_type, HVMMEM_ram_rw);
	assert_true(hvmop(HVMOP_pagetable_dying, &m) < 0);
	assert_int_equal(hvmop(HVMOP_flush_tlbs, NULL), 0);
	assert_int_equal(fake_events.p2m_flushes, 1);
	assert_int_equal(hvmop(HVMOP_flush_tlbs, &m), -EINVAL);
	assert_int_equal(hvmop(HVMOP_altp2m, NULL), -EOPNOTSUPP);
	assert_int_equal(hvmop(99, NULL), -ENOSYS);
}

static struct { u64 gva; u32 len; bool force; unsigned int n; } microcode;

long arch_microcode_update(u64 gva, u32 len, bool force)
{
	microcode.gva = gva;
	microcode.len = len;
	microcode.force = force;
	microcode.n++;
	return -EEXIST;
}

static void microcode_is_the_control_domains(void **state)
{
	struct xen_platform_op op = { .cmd = XENPF_microcode_update,
				      .interface_version = XENPF_INTERFACE_VERSION,
				      .u.microcode = { 0x1000, 5 } };

	assert_int_equal(do_platform_op((unsigned long)&op, 0, 0, 0, 0), -EPERM);
	guest->control = true;
	assert_int_equal(do_platform_op((unsigned long)&op, 0, 0, 0, 0), -EEXIST);
	assert_true(microcode.gva == 0x1000 && microcode.len == 5 && !microcode.force);
	op.cmd = XENPF_microcode_update2;
	op.u.microcode2 = (struct xenpf_microcode_update2){ 2, 6, 0x2000 };
	assert_int_equal(do_platform_op((unsigned long)&op, 0, 0, 0, 0), -EINVAL);
	assert_int_equal(microcode.n, 1);
	op.u.microcode2.flags = XENPF_UCODE_FORCE;
	assert_int_equal(do_platform_op((unsigned long)&op, 0, 0, 0, 0), -EEXIST);
	assert_true(microcode.gva == 0x2000 && microcode.len == 6 && microcode.force);
	op.u.microcode2.flags = 0;
	assert_int_equal(do_platform_op((unsigned long)&op, 0, 0, 0, 0), -EEXIST);
	assert_false(microcode.force);
}

static void platform(void **state)
{
	struct xen_platform_op op = { .cmd = XENPF_settime64,
				      .interface_version = XENPF_INTERFACE_VERSION };

	op.u.settime64.secs = 99;
	op.u.settime64.system_time = 5;
	assert_int_equal(do_platform_op((unsigned long)&op, 0, 0, 0, 0), -EPERM);
	guest->control = true;
	assert_int_equal(do_platform_op((unsigned long)&op, 0, 0, 0, 0), 0);
	assert_int_equal(clock_sec, 99);
	op.u.settime64.nsecs = 1000000000;
	assert_int_equal(do_platform_op((unsigned long)&op, 0, 0, 0, 0), -EINVAL);
	op.u.settime64.nsecs = 0;
	op.u.settime64.mbz = 1;
	assert_int_equal(do_platform_op((unsigned long)&op, 0, 0, 0, 0), -EINVAL);
	op.cmd = XENPF_get_cpuinfo;
	op.u.pcpu_info.xen_cpuid = 2;
	assert_int_equal(do_platform_op((unsigned long)&op, 0, 0, 0, 0), 0);
	assert_int_equal(op.u.pcpu_info.max_present, FAKE_CPUS - 1);
	assert_true(op.u.pcpu_info.apic_id == 4 && op.u.pcpu_info.acpi_id == 102);
	assert_int_equal(op.u.pcpu_info.flags, XEN_PCPU_FLAGS_ONLINE);
	op.u.pcpu_info.xen_cpuid = ~0u;
	assert_int_equal(do_platform_op((unsigned long)&op, 0, 0, 0, 0), 0);
	assert_int_equal(op.u.pcpu_info.flags, XEN_PCPU_FLAGS_INVALID);
	op.cmd = XENPF_get_dom0_console;
	assert_true(do_platform_op((unsigned long)&op, 0, 0, 0, 0) <= 0);
	boot_info.fb = (struct boot_framebuffer){ .base = 0x480000000, .width = 1024, .height = 768,
						  .stride = 4096, .bpp = 32, .present = 1 };
	boot_info.loader = BOOT_LOADER_UEFI;
	assert_true(do_platform_op((unsigned long)&op, 0, 0, 0, 0) > 0);
	assert_int_equal(op.u.dom0_console.video_type, XEN_VGATYPE_EFI_LFB);
	assert_int_equal(op.u.dom0_console.u.vesa_lfb.width, 1024);
	assert_int_equal(op.u.dom0_console.u.vesa_lfb.ext_lfb_base, 4);
	assert_int_equal(op.u.dom0_console.u.vesa_lfb.lfb_size, 4096 * 768 / 65536);
	op.cmd = XENPF_firmware_info;
	assert_true(do_platform_op((unsigned long)&op, 0, 0, 0, 0) < 0);
	op.cmd = 9999;
	assert_int_equal(do_platform_op((unsigned long)&op, 0, 0, 0, 0), -ENOSYS);
	op.interface_version++;
	assert_int_equal(do_platform_op((unsigned long)&op, 0, 0, 0, 0), -EACCES);
	assert_int_equal(do_platform_op(8, 0, 0, 0, 0), -EFAULT);
}

static void pci_devices(void **state)
{
	struct physdev_pci_device_add add = { .bus = 1 };

	assert_int_equal(do_physdev_op(PHYSDEVOP_pci_device_add, (unsigned long)&add, 0, 0, 0), -EPERM);
	fake_run_on(0, dom0->vcpu[0]);
	assert_int_equal(do_physdev_op(PHYSDEVOP_pci_device_add, (unsigned long)&add, 0, 0, 0), 0);
	assert_int_equal(do_physdev_op(PHYSDEVOP_pci_device_remove, (unsigned long)&add, 0, 0, 0),
			 -ENODEV);
	assert_int_equal(pci_calls, 2);
	assert_int_equal(do_physdev_op(PHYSDEVOP_pci_mmcfg_reserved, 8, 0, 0, 0), -EFAULT);
	assert_int_equal(do_physdev_op(PHYSDEVOP_prepare_msix, (unsigned long)&add, 0, 0, 0), -ENOSYS);
	assert_int_equal(do_physdev_op(999, 0, 0, 0, 0), -ENOSYS);
}

static void console(void **state)
{
	static char text[600];

	memset(text, 'a', sizeof(text));
	assert_int_equal(do_console_io(CONSOLEIO_write, sizeof(text), (unsigned long)text, 0, 0), 0);
	assert_int_equal(guest_len, sizeof(text));
	assert_int_equal(line_len, 0);
	assert_int_equal(do_console_io(CONSOLEIO_read, 10, (unsigned long)text, 0, 0), -EPERM);
	/* A control domain beside Dom0 is a guest here: only Dom0 writes to the serial line. */
	guest_len = 0;
	guest->control = true;
	assert_int_equal(do_console_io(CONSOLEIO_write, sizeof(text), (unsigned long)text, 0, 0), 0);
	assert_int_equal(guest_len, sizeof(text));
	assert_int_equal(line_len, 0);
	assert_int_equal(do_console_io(CONSOLEIO_read, 10, (unsigned long)text, 0, 0), -EPERM);
	fake_run_on(0, dom0->vcpu[0]);
	assert_int_equal(do_console_io(CONSOLEIO_write, sizeof(text), (unsigned long)text, 0, 0), 0);
	assert_int_equal(line_len, sizeof(text));
	assert_int_equal(do_console_io(CONSOLEIO_read, 10, (unsigned long)text, 0, 0), 1);
	assert_int_equal(text[0], 'k');
	assert_int_equal(do_console_io(CONSOLEIO_write, 5, 8, 0, 0), -EFAULT);
	assert_int_equal(do_console_io(CONSOLEIO_write, ~0ul, (unsigned long)text, 0, 0), -EINVAL);
	assert_int_equal(do_console_io(9, 0, 0, 0, 0), -ENOSYS);
}

/* Dom0 waits for a slow serial line. Nothing is lost or written twice. */
static void console_waits(void **state)
{
	static char text[600];

	fake_run_on(0, dom0->vcpu[0]);
	room = 0;
	do_console_io(CONSOLEIO_write, 600, (unsigned long)text, 0, 0);
	assert_true(fake_continuation.continued);
	assert_int_equal(line_len, 0);
	assert_int_equal(fake_continuation.args[1], 600);
	room = 65536;
	fake_preempt_nth(1);
	do_console_io(CONSOLEIO_write, 600, (unsigned long)text, 0, 0);
	assert_int_equal(line_len, 256);
	assert_int_equal(fake_continuation.args[1], 600 - 256);
	assert_int_equal(fake_continuation.args[2], (unsigned long)text + 256);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)
static const struct CMUnitTest tests[] = {
	TEST(vcpu_numbers),
	TEST(vcpus_go_up_and_down),
	TEST(vcpu_info_moves_once),
	TEST(vcpu_info_in_bad_places),
	TEST(runstate_area),
	TEST(timers_are_the_callers_own),
	TEST(parameters_of_a_guest),
	TEST(parameters_as_tools_set_them),
	TEST(dom0_without_support),
	TEST(upcall_vectors),
	TEST(other_hvm_ops),
	TEST(platform),
	TEST(microcode_is_the_control_domains),
	TEST(pci_devices),
	TEST(console),
	TEST(console_waits),
};

UNIT_MAIN(tests)

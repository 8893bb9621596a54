/* SPDX-License-Identifier: GPL-2.0-only */
/* platform_op: Dom0 queries the machine, and sets the wall clock. */
#include <public/platform.h>

#include "common/efi.h"
#include "common/op.h"
#include "common/platform.h"
#include "common/time.h"

#define NSEC 1000000000u

static long op_settime64(struct xen_platform_op *op)
{
	if (op->u.settime64.mbz || op->u.settime64.nsecs >= NSEC)
		return -EINVAL;
	wallclock_set(op->u.settime64.secs, op->u.settime64.nsecs, op->u.settime64.system_time);
	return 0;
}

/* The firmware's linear framebuffer, for Dom0's efifb. Returns how many bytes are filled. */
static long op_get_dom0_console(struct xen_platform_op *op)
{
	const struct boot_framebuffer *fb = &boot_info.fb;
	struct dom0_vga_console_info *info = &op->u.dom0_console;

	if (!fb->present)
		return -ENODEV;
	*info = (struct dom0_vga_console_info){
		.video_type = boot_info.loader == BOOT_LOADER_UEFI ? XEN_VGATYPE_EFI_LFB : XEN_VGATYPE_VESA_LFB,
		.u.vesa_lfb = {
			.width = (u16)fb->width,
			.height = (u16)fb->height,
			.bytes_per_line = (u16)fb->stride,
			.bits_per_pixel = (u16)fb->bpp,
			.lfb_base = (u32)fb->base,
			.lfb_size = (u32)DIV_ROUND_UP(fb->size ? fb->size : (u64)fb->stride * fb->height, 65536),
			.red_pos = fb->red_pos, .red_size = fb->red_size,
			.green_pos = fb->green_pos, .green_size = fb->green_size,
			.blue_pos = fb->blue_pos, .blue_size = fb->blue_size,
			.rsvd_pos = fb->rsvd_pos, .rsvd_size = fb->rsvd_size,
			.ext_lfb_base = (u32)(fb->base >> 32),
		},
	};
	return sizeof(*info);
}

static long op_get_cpuinfo(struct xen_platform_op *op)
{
	struct xenpf_pcpuinfo *info = &op->u.pcpu_info;
	u32 cpu = info->xen_cpuid;

	info->max_present = nr_cpus - 1;
	info->flags = XEN_PCPU_FLAGS_INVALID;
	if (cpu < nr_cpus) {
		info->flags = XEN_PCPU_FLAGS_ONLINE;
		arch_cpu_ids(cpu, info);
	}
	return 0;
}

static long op_microcode_update(struct xen_platform_op *op)
{
	return arch_microcode_update(op->u.microcode.data, op->u.microcode.length, false);
}

static long op_microcode_update2(struct xen_platform_op *op)
{
	if (op->u.microcode2.flags & ~XENPF_UCODE_FORCE)
		return -EINVAL;
	return arch_microcode_update(op->u.microcode2.data, op->u.microcode2.length,
				     op->u.microcode2.flags);
}

#define PLATFORM(name, fn, ...) OP_FORM(XENPF_##name, platform, fn, HC_CONTROL, ##__VA_ARGS__)

static const struct op ops[] = {
	PLATFORM(settime64, op_settime64),
	PLATFORM(get_dom0_console, op_get_dom0_console),
	PLATFORM(get_cpuinfo, op_get_cpuinfo),
	PLATFORM(firmware_info, efi_firmware_info),
	PLATFORM(efi_runtime_call, efi_runtime_call),
	PLATFORM(enter_acpi_sleep, NULL, .answer = -EOPNOTSUPP),
	PLATFORM(cpu_online, NULL, .answer = -EOPNOTSUPP),
	PLATFORM(cpu_offline, NULL, .answer = -EOPNOTSUPP),
	PLATFORM(microcode_update, op_microcode_update),
	PLATFORM(microcode_update2, op_microcode_update2),
	PLATFORM(set_processor_pminfo, NULL, .answer = -ENOSYS), /* else Linux prints an error */
};

long do_platform_op(u64 gva, u64 a2, u64 a3, u64 a4, u64 a5)
{
	struct xen_platform_op op;
	const struct op *row;
	long rc = op_copy(ops, ARRAY_SIZE(ops), gva, &op, sizeof(op), XENPF_INTERFACE_VERSION, &row);

	if (rc)
		return rc;
	rc = row->platform(&op);
	if (rc == -ERESTART)
		return hypercall_continue(__HYPERVISOR_platform_op, gva, 0, 0, 0);
	return rc >= 0 && copy_to_guest(gva, &op, sizeof(op)) ? -EFAULT : rc;
}

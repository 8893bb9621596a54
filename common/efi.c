/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * EFI's runtime services for Dom0. They read and write Keel's copies: the operation's, and one
 * buffer of names and data. What a variable or a time says is the firmware's and Dom0's own affair.
 */
#include "common/efi.h"

#include <public/errno.h>
#include <public/platform.h>

#include "common/console.h"
#include "common/guest_access.h"
#include "common/platform.h"
#include "common/printk.h"

#define NAME_MAX 1024		/* characters, with the 0 at the end */
#define DATA_MAX KiB(64)
#define LOG_MOST KiB(8)		/* the firmware's flash is small, and not for this only */
/* 3fa2489d-3dcb-48c2-a911-6ddab701f4b6 */
#define LOG_GUID { 0x3fa2489d, 0x3dcb, 0x48c2, { 0xa9, 0x11, 0x6d, 0xda, 0xb7, 0x01, 0xf4, 0xb6 } }

/* UEFI 2.10, 7.2.3. */
#define MEMORY_RUNTIME_DATA 6
#define MEMORY_WB 8
#define MEMORY_RUNTIME BIT(63)

static u64 busy;	/* bit 0: a call is under way */
static u16 name[NAME_MAX];
static u8 data[DATA_MAX];

#define VALUE(n) ((const void *)(u64)(n))
#define CALL(service, ...) arch_efi_call(service, (const void *[5]){ __VA_ARGS__ })

static long read_name(u64 gva)
{
	for (unsigned int i = 0; i < NAME_MAX; i++) {
		if (copy_elem_from_guest(&name[i], gva, i, sizeof(name[i])))
			return -EFAULT;
		if (!name[i])
			return 0;
	}
	return -EINVAL;
}

static long get_variable(struct xenpf_efi_runtime_call *c)
{
	u64 most = min_t(u64, c->u.get_variable.size, DATA_MAX), size = most;
	long rc = read_name(c->u.get_variable.name);

	if (rc)
		return rc;
	c->status = CALL(EFI_GET_VARIABLE, name, &c->u.get_variable.vendor_guid, &c->misc, &size, data);
	c->u.get_variable.size = size;
	return c->status ? 0 : copy_to_guest(c->u.get_variable.data, data, min(size, most));
}

static long set_variable(struct xenpf_efi_runtime_call *c)
{
	u64 size = c->u.set_variable.size;
	long rc = read_name(c->u.set_variable.name);

	c->status = EFI_OUT_OF_RESOURCES;
	if (rc || size > DATA_MAX)
		return rc;
	if (copy_from_guest(data, c->u.set_variable.data, size))
		return -EFAULT;
	c->status = CALL(EFI_SET_VARIABLE, name, &c->u.set_variable.vendor_guid, VALUE(c->misc),
			 VALUE(size), data);
	return 0;
}

static long get_next_variable_name(struct xenpf_efi_runtime_call *c)
{
	u64 most = min_t(u64, c->u.get_next_variable_name.size, sizeof(name)), size = most;
	u64 gva = c->u.get_next_variable_name.name;
	long rc = read_name(gva);

	if (rc)
		return rc;
	c->status = CALL(EFI_GET_NEXT_VARIABLE, &size, name, &c->u.get_next_variable_name.vendor_guid);
	c->u.get_next_variable_name.size = size;
	return c->status ? 0 : copy_to_guest(gva, name, min(size, most));
}

static long call_service(struct xenpf_efi_runtime_call *c)
{
	struct { u32 resolution, accuracy; u8 clears_ns; } clock = { 0 };
	u8 enabled = 0, pending = 0;

	switch (c->function) {
	case XEN_EFI_get_time:
		c->status = CALL(EFI_GET_TIME, &c->u.get_time.time, &clock);
		c->u.get_time.resolution = clock.resolution;
		c->u.get_time.accuracy = clock.accuracy;
		c->misc = clock.clears_ns ? XEN_EFI_GET_TIME_SET_CLEARS_NS : 0;
		return 0;
	case XEN_EFI_set_time:
		c->status = CALL(EFI_SET_TIME, &c->u.set_time);
		return 0;
	case XEN_EFI_get_wakeup_time:
		c->status = CALL(EFI_GET_WAKEUP_TIME, &enabled, &pending, &c->u.get_wakeup_time);
		c->misc = (enabled ? XEN_EFI_GET_WAKEUP_TIME_ENABLED : 0) |
			  (pending ? XEN_EFI_GET_WAKEUP_TIME_PENDING : 0);
		return 0;
	case XEN_EFI_set_wakeup_time:
		c->status = CALL(EFI_SET_WAKEUP_TIME, VALUE(c->misc & XEN_EFI_SET_WAKEUP_TIME_ENABLE),
				 c->misc & XEN_EFI_SET_WAKEUP_TIME_ENABLE_ONLY ? NULL : &c->u.set_wakeup_time);
		return 0;
	case XEN_EFI_get_variable:
		return get_variable(c);
	case XEN_EFI_set_variable:
		return set_variable(c);
	case XEN_EFI_get_next_variable_name:
		return get_next_variable_name(c);
	case XEN_EFI_query_variable_info:
		c->status = CALL(EFI_QUERY_VARIABLES, VALUE(c->u.query_variable_info.attr),
				 &c->u.query_variable_info.max_store_size,
				 &c->u.query_variable_info.remain_store_size,
				 &c->u.query_variable_info.max_size);
		return 0;
	case XEN_EFI_query_capsule_capabilities:
	case XEN_EFI_update_capsule:
		pr_warn("EFI: capsules, which bring new firmware, are refused: plain Linux takes them");
		c->status = EFI_UNSUPPORTED;
		return 0;
	}
	return -ENOSYS;
}

long efi_runtime_call(struct xen_platform_op *op)
{
	struct xenpf_efi_runtime_call *c = &op->u.efi_runtime_call;
	u32 flags = c->function == XEN_EFI_set_variable ? ~0u : c->function == XEN_EFI_set_wakeup_time ?
		    XEN_EFI_SET_WAKEUP_TIME_ENABLE | XEN_EFI_SET_WAKEUP_TIME_ENABLE_ONLY : 0;
	long rc;

	if (!efi_system)
		return -EOPNOTSUPP;
	if (c->misc & ~flags)
		return -EINVAL;
	if (test_and_set_bit(0, &busy))
		return -ERESTART;
	rc = call_service(c);
	clear_bit(0, &busy);
	return rc;
}

void efi_keep_log(void)
{
	static const struct xenpf_efi_guid guid = LOG_GUID;
	char *text = (char *)data;
	size_t all;

	if (!efi_system)
		return;
	efi_system = NULL; /* if this panics, that one is not kept */
	all = console_newest(text, LOG_MOST);
	for (size_t n = all; n; n /= 2)
		if (!CALL(EFI_SET_VARIABLE, u"KeelLog", &guid, VALUE(7), VALUE(n), text + all - n))
			break;
}

/* The types that boot services had, and Keel does not know, matter to nobody any more. */
static long memory_info(struct xenpf_firmware_info *info)
{
	static const u8 types[] = { [BOOT_RANGE_RAM] = 7, [BOOT_RANGE_ACPI] = 9, [BOOT_RANGE_NVS] = 10 };

	for_each_boot_range(r) {
		u64 at = info->u.efi_info.mem.addr - r->base;

		if (at >= r->size)
			continue;
		info->u.efi_info.mem.size = min(info->u.efi_info.mem.size, r->size - at);
		info->u.efi_info.mem.attr = MEMORY_WB | (r->flags ? MEMORY_RUNTIME : 0);
		info->u.efi_info.mem.type = r->flags ? MEMORY_RUNTIME_DATA :
					    r->type < ARRAY_SIZE(types) ? types[r->type] : 0;
		return 0;
	}
	return -ESRCH;
}

long efi_firmware_info(struct xen_platform_op *op)
{
	struct xenpf_firmware_info *info = &op->u.firmware_info;

	if (info->type != XEN_FW_EFI_INFO || !efi_system)
		return -EOPNOTSUPP;
	switch (info->index) {
	case XEN_FW_EFI_VERSION:
	case XEN_FW_EFI_RT_VERSION:
		info->u.efi_info.version = info->index == XEN_FW_EFI_VERSION ? efi_system->h.version :
					   efi_runtime->h.version;
		return 0;
	case XEN_FW_EFI_CONFIG_TABLE:
		info->u.efi_info.cfg.addr = efi_system->tables;
		info->u.efi_info.cfg.nent = (u32)efi_system->nr_tables;
		return 0;
	case XEN_FW_EFI_MEM_INFO:
		return memory_info(info);
	}
	return -EOPNOTSUPP;
}
